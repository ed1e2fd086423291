"""A second application of another make: python3-saml as the service provider, in its strict mode, signs in and out."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from tests.saml.application import Application, application, sign_in
from tests.saml.party import POST, REDIRECT, KeyPair
from tests.saml.surfer import Surfer
from tests.world import World

SITE = "https://wiki.example"
ACS, SLO = f"{SITE}/acs", f"{SITE}/slo"


class OneLogin:
    """The service provider; browsers are stopped before its addresses, and what they bring is handed to it here."""

    def __init__(self, directory: Path, **security: bool) -> None:
        pair = KeyPair.make(directory, "onelogin")
        self.settings: dict[str, Any] = {
            "strict": True,
            "sp": {
                "entityId": f"{SITE}/metadata",
                "assertionConsumerService": {"url": ACS, "binding": POST},
                "singleLogoutService": {"url": SLO, "binding": REDIRECT},
                "NameIDFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
                "x509cert": pair.certificate.read_text(),
                "privateKey": pair.key.read_text(),
            },
            "security": {
                "authnRequestsSigned": True,
                "logoutRequestSigned": True,
                "logoutResponseSigned": True,
                "wantMessagesSigned": True,
                "wantAssertionsSigned": True,
                "rejectDeprecatedAlgorithm": True,
                "signatureAlgorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                "requestedAuthnContext": ["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"],
                **security,
            },
        }

    def know(self, metadata: bytes) -> None:
        parsed = OneLogin_Saml2_IdPMetadataParser.parse(metadata.decode())
        self.settings = OneLogin_Saml2_IdPMetadataParser.merge_settings(parsed, self.settings)

    @property
    def metadata(self) -> str:
        text = OneLogin_Saml2_Settings(self.settings, sp_validation_only=True).get_sp_metadata()
        return text.decode() if isinstance(text, bytes) else str(text)

    def auth(self, url: str = ACS, **given: Any) -> OneLogin_Saml2_Auth:
        parts = urlsplit(url)
        asked = {"https": "on", "http_host": "wiki.example", "script_name": parts.path, "get_data": {}, "post_data": {}}
        return OneLogin_Saml2_Auth({**asked, "query_string": parts.query, **given}, self.settings)


@pytest.mark.parametrize("encrypt", [False, True], ids=["clear", "encrypted"])
def test_python3_saml_understands_us_in_its_strict_mode(world: World, tmp_path: Path, encrypt: bool) -> None:
    sp = OneLogin(tmp_path, wantAssertionsEncrypted=encrypt)
    made: Application = application(
        world.pool(), tmp_path, Metadata=sp.metadata, Attributes={"mail": "email"}, SignResponse=True, Encrypt=encrypt
    )
    sp.know(made.metadata())
    ann = made.pool.user(email="ann@onelogin.example", email_verified="true")

    leaving = sp.auth()
    surfer = Surfer().go(leaving.login(return_to="back to the page"))
    sign_in(surfer, ann)
    assert surfer.url == ACS
    assert surfer.left is not None
    assert (b"EncryptedAssertion" in base64.b64decode(surfer.left["SAMLResponse"])) is encrypt
    arriving = sp.auth(post_data=surfer.left)
    arriving.process_response(request_id=leaving.get_last_request_id())
    assert arriving.get_errors() == [], arriving.get_last_error_reason()
    assert arriving.is_authenticated()
    assert arriving.get_attributes() == {"mail": ["ann@onelogin.example"]}
    assert surfer.left["RelayState"] == "back to the page"

    going = sp.auth()
    surfer.go(
        going.logout(
            name_id=arriving.get_nameid(),
            session_index=arriving.get_session_index(),
            name_id_format=arriving.get_nameid_format(),
            nq=arriving.get_nameid_nq(),
            spnq=arriving.get_nameid_spnq(),
            return_to="goodbye",
        )
    )
    assert surfer.url.startswith(SLO)
    gone = sp.auth(surfer.url, get_data=dict(parse_qsl(urlsplit(surfer.url).query)))
    gone.process_slo(request_id=going.get_last_request_id(), keep_local_session=True)
    assert gone.get_errors() == [], gone.get_last_error_reason()
    assert (surfer.left or {})["RelayState"] == "goodbye"
    surfer.go(sp.auth().login())
    assert "password" in surfer.text, "signed out with us, too"


def test_python3_saml_is_asked_to_sign_out_and_believes_us(world: World, tmp_path: Path) -> None:
    sp = OneLogin(tmp_path)
    made = application(world.pool(), tmp_path, Metadata=sp.metadata, SignResponse=True)
    sp.know(made.metadata())
    surfer = Surfer().go(sp.auth().login())
    sign_in(surfer, made.pool.user())
    surfer.go(f"{made.pool.issuer}/logout")
    form = surfer.forms[0]
    surfer.go(form["action"], form["fields"])
    assert surfer.url.startswith(SLO)
    asked = sp.auth(surfer.url, get_data=dict(parse_qsl(urlsplit(surfer.url).query)))
    answer = asked.process_slo(keep_local_session=True)
    assert asked.get_errors() == [], asked.get_last_error_reason()
    surfer.go(answer)
    assert surfer.url == f"{made.pool.issuer}/signedout"
    assert surfer.status == 200
