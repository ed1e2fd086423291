"""The second lock: python3-saml validates what our own checks have accepted, with its own code and xmlsec's.

Neither is enough. python3-saml lets through replays, answers to other requests, a missing Audience or Recipient, and
addresses that merely begin like ours; our code is read by fewer eyes than xmlsec's. Whoever gets in opens both.
"""

from __future__ import annotations

import base64
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from poolhouse.core import clock
from poolhouse.saml.trust import IdpTrust, Refused

_now: ContextVar[datetime | None] = ContextVar("poolhouse_saml_now", default=None)


def require(
    encoded: str,
    idp: IdpTrust,
    *,
    entity_id: str,
    consumer_url: str,
    request_id: str | None,
    signed: str,
    allow_sha1: bool,
    now: datetime,
    decrypted: bytes | None,
) -> None:
    """Let python3-saml validate the response. ``decrypted`` is the whole document after decryption. Raises Refused."""
    settings, response_class = _library()
    address = urlsplit(consumer_url)
    configured = settings(
        {
            "strict": True,
            "debug": False,
            "sp": {
                "entityId": entity_id,
                "assertionConsumerService": {"url": consumer_url},
                "privateKey": "",
            },
            "idp": {
                "entityId": idp.entity_id,
                "singleSignOnService": {"url": "https://not-asked.invalid/"},
                "x509certMulti": {"signing": [base64.b64encode(c).decode() for c in idp.certificates]},
            },
            "security": {
                "wantAssertionsSigned": signed in {"assertion", "both"},
                "wantMessagesSigned": signed in {"response", "both"},
                "wantAttributeStatement": False,
                "allowRepeatAttributeName": True,
                "allowSingleLabelDomains": True,
                "rejectDeprecatedAlgorithm": not allow_sha1,
                "requestedAuthnContext": False,
            },
        }
    )
    received = {
        "https": "on" if address.scheme == "https" else "off",
        "http_host": address.netloc,
        "script_name": address.path,
    }
    token = _now.set(now)
    try:
        response = response_class(configured, encoded, decrypted)
        if not response.is_valid(received, request_id):
            raise Refused("second-lock", str(response.get_error())[:300])
    except Refused:
        raise
    except Exception as failed:  # its constructor raises whatever its parser does
        raise Refused("second-lock", type(failed).__name__) from failed
    finally:
        _now.reset(token)


def libraries() -> str:
    """Which libraries are at work. Raises whatever they raise where they cannot be, or do not fit each other."""
    from importlib.metadata import version

    _library()
    return ", ".join(f"{name} {version(name)}" for name in ("python3-saml", "lxml", "xmlsec"))


@cache
def _library() -> tuple[Any, Any]:
    """python3-saml, loaded once: its settings, and its response with the faults that stand in our way mended."""
    from onelogin.saml2.response import OneLogin_Saml2_Response
    from onelogin.saml2.settings import OneLogin_Saml2_Settings
    from onelogin.saml2.utils import OneLogin_Saml2_Utils
    from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

    # It asks datetime.utcnow, which Python deprecates and no test can move.
    OneLogin_Saml2_Utils.now = staticmethod(lambda: int((_now.get() or clock.now()).timestamp()))

    class Response(OneLogin_Saml2_Response):  # type: ignore[misc]
        def __init__(self, settings: Any, encoded: str, decrypted: bytes | None) -> None:
            self._spliced = decrypted
            super().__init__(settings, encoded)

        def _decrypt_assertion(self, _document: Any) -> Any:
            """What was decrypted, spliced as text: its own way of moving trees breaks signatures."""
            if self._spliced is None:
                raise ValueError("nothing was decrypted")
            return OneLogin_Saml2_XML.to_etree(self._spliced)

    return OneLogin_Saml2_Settings, Response
