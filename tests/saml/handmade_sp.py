"""A service provider that an attacker writes by hand: every part of its messages can be wrong."""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from poolhouse.saml import bindings
from poolhouse.saml.bindings import Sending
from tests.saml.application import Application, application
from tests.saml.party import KeyPair
from tests.saml.surfer import Surfer
from tests.world import PoolInWorld

PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
NAMES = {"p": PROTOCOL, "a": ASSERTION, "ds": "http://www.w3.org/2000/09/xmldsig#"}


def instant(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class HandmadeSp:
    """It has no server: where the browser would be sent to is looked at, and goes no further."""

    app: Application
    pair: KeyPair
    entity_id: str
    acs: str
    slo: str
    used: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[bytes, bytes]:
        return self.pair.key.read_bytes(), self.pair.certificate.read_bytes()

    # what it says

    def authn_request(self, inside: str = "", **attributes: str | None) -> bytes:
        """An AuthnRequest: attributes replace its own, None takes one out; ``inside`` is XML after the Issuer."""
        given: dict[str, str | None] = {
            "ID": "_" + secrets.token_hex(16),
            "Version": "2.0",
            "IssueInstant": instant(),
            "Destination": self.app.sso,
            "AssertionConsumerServiceURL": self.acs,
            **attributes,
        }
        return self._message("AuthnRequest", given, inside)

    def logout_request(self, name_id: str, index: str | None = None, **attributes: str | None) -> bytes:
        given: dict[str, str | None] = {
            "ID": "_" + secrets.token_hex(16),
            "Version": "2.0",
            "IssueInstant": instant(),
            "Destination": self.app.slo,
            **attributes,
        }
        inside = f"<a:NameID>{escape(name_id)}</a:NameID>"
        if index is not None:
            inside += f"<p:SessionIndex>{escape(index)}</p:SessionIndex>"
        return self._message("LogoutRequest", given, inside)

    def logout_response(self, in_response_to: str, code: str, **attributes: str | None) -> bytes:
        given: dict[str, str | None] = {
            "ID": "_" + secrets.token_hex(16),
            "Version": "2.0",
            "IssueInstant": instant(),
            "Destination": self.app.slo,
            "InResponseTo": in_response_to,
            **attributes,
        }
        return self._message("LogoutResponse", given, f'<p:Status><p:StatusCode Value="{code}"/></p:Status>')

    def _message(self, kind: str, attributes: dict[str, str | None], inside: str) -> bytes:
        written = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items() if value is not None)
        issuer = f"<a:Issuer>{escape(self.entity_id)}</a:Issuer>"
        return f'<p:{kind} xmlns:p="{PROTOCOL}" xmlns:a="{ASSERTION}"{written}>{issuer}{inside}</p:{kind}>'.encode()

    # how it says it

    def send(
        self,
        document: bytes,
        to: str,
        *,
        kind: Any = "SAMLRequest",
        binding: str = "redirect",
        relay_state: str | None = None,
        signed: bool = True,
    ) -> Sending:
        return bindings.send(kind, document, binding, to, relay_state=relay_state, key=self.key if signed else None)

    def ask(self, surfer: Surfer, document: bytes | None = None, **how: Any) -> Surfer:
        """A browser comes with an AuthnRequest."""
        return come(surfer, self.send(document or self.authn_request(), self.app.sso, **how))

    def log_out(self, surfer: Surfer, document: bytes, **how: Any) -> Surfer:
        return come(surfer, self.send(document, self.app.slo, **how))


def come(surfer: Surfer, sending: Sending) -> Surfer:
    return surfer.go(sending.address, sending.form)


def handmade(pool: PoolInWorld, directory: Path, name: str = "app", **saml: Any) -> HandmadeSp:
    """A new app client for one; ``saml`` replaces members of the extension, None takes one out."""
    pair = KeyPair.make(directory, f"handmade-{name}")
    site = f"https://{name}.example"
    members: dict[str, Any] = {
        "EntityId": f"{site}/saml",
        "AssertionConsumerServices": [f"{site}/acs", f"{site}/acs2"],
        "SingleLogoutService": f"{site}/slo",
        "Certificate": pair.certificate.read_text(),
        "NameIdFormat": "unspecified",
        **saml,
    }
    made = application(pool, directory, **{n: v for n, v in members.items() if v is not None})
    return HandmadeSp(made, pair, members["EntityId"], f"{site}/acs", f"{site}/slo")


# --- what it is told ------------------------------------------------------------------------------------------------


def response(surfer: Surfer) -> etree._Element:
    """The Response that the browser has left with."""
    assert surfer.left is not None, f"{surfer.status} at {surfer.url}: {surfer.text[:800]}"
    assert "SAMLResponse" in surfer.left, surfer.left
    return etree.fromstring(base64.b64decode(surfer.left["SAMLResponse"]))


def statuses(surfer: Surfer) -> list[str]:
    """The status codes of the answer that the browser has left with, short."""
    return [code.get("Value").rpartition(":")[2] for code in message(surfer).iter(f"{{{PROTOCOL}}}StatusCode")]


def message(surfer: Surfer) -> etree._Element:
    """The message that the browser has left with, whichever it is, by either binding."""
    assert surfer.left is not None, f"{surfer.status} at {surfer.url}: {surfer.text[:800]}"
    kind = "SAMLResponse" if "SAMLResponse" in surfer.left else "SAMLRequest"
    if "?" in surfer.url and kind in surfer.url:
        return etree.fromstring(bindings.of_query(surfer.url.partition("?")[2]).document)
    return etree.fromstring(base64.b64decode(surfer.left[kind]))


def only(root: etree._Element, path: str) -> Any:
    found = root.xpath(path, namespaces=NAMES)
    assert isinstance(found, list)
    assert len(found) == 1, f"{path}: {len(found)} of {etree.tostring(root)!r}"
    return found[0]


def refused(surfer: Surfer) -> str:
    """The code of our error page, which the browser stands before; nothing has reached an app."""
    assert surfer.left is None, f"something was sent to {surfer.url}"
    assert surfer.status == 400, f"{surfer.status} at {surfer.url}: {surfer.text[:800]}"
    found = re.search(r"Error: (\w+)", surfer.text)
    assert found, surfer.text
    return found[1]
