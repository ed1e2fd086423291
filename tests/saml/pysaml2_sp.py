"""A SAML service provider of another make: pysaml2 as somebody's application, on a port of its own."""

from __future__ import annotations

import html
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.metadata import entity_descriptor
from saml2.response import AuthnResponse, StatusError
from saml2.saml import NameID
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from tests.saml.party import POST, REDIRECT, Answer, KeyPair, Party, Question, of_binding, page, xmlsec1


@dataclass(frozen=True)
class Arrived:
    """Somebody whom the identity provider vouched for, as pysaml2 read it after all its checks."""

    name_id: NameID
    attributes: dict[str, list[str]]
    session_index: str | None
    authn_context: str
    in_response_to: str | None
    relay_state: str


class Pysaml2Sp(Party):
    """The application: ``/login`` sends a browser to the provider, ``/acs`` greets who arrives, ``/logout`` ends it.

    A page that greets has the heading "Welcome to the app" and the attributes as JSON in ``<pre>``; one that refuses
    has "Signing in failed". ``arrived`` and ``refused`` say what pysaml2 saw.
    """

    def __init__(
        self,
        directory: Path,
        *,
        sign_requests: bool = True,
        allow_unsolicited: bool = False,
        want_response_signed: bool = False,
        want_assertions_signed: bool = True,
        encrypted: bool = True,
    ) -> None:
        super().__init__()
        self.entity_id = f"{self.url}/metadata"
        self.metadata_url = f"{self.url}/metadata"
        self.consumer_url = f"{self.url}/acs"
        self.sign_requests, self.allow_unsolicited = sign_requests, allow_unsolicited
        self.want_response_signed, self.want_assertions_signed = want_response_signed, want_assertions_signed
        self.binding = REDIRECT  # by which requests go out
        self.request: dict[str, Any] = {}  # more for the AuthnRequest: force_authn="true", nameid_format, ...
        self.arrived: list[Arrived] = []
        self.refused: list[Exception] = []
        self.responses: list[str] = []
        self.logged_out: list[str] = []
        self._pair = KeyPair.make(directory, "sp")
        self._encryption = KeyPair.make(directory, "sp-encryption") if encrypted else None
        self._outstanding: dict[str, str] = {}
        self._sessions: dict[str, NameID] = {}
        self._idp: bytes | None = None
        self._configure()

    def know(self, metadata: bytes) -> None:
        """Trust an identity provider by its metadata, in place of the one before."""
        self._idp = metadata
        self._configure()

    @property
    def metadata(self) -> bytes:
        """Its own metadata."""
        return str(entity_descriptor(self._client.config)).encode()

    def _configure(self) -> None:
        given: dict[str, Any] = {
            "entityid": self.entity_id,
            "xmlsec_binary": xmlsec1(),
            "key_file": str(self._pair.key),
            "cert_file": str(self._pair.certificate),
            "allow_unknown_attributes": True,
            "metadata": {"inline": [self._idp.decode()] if self._idp else []},
            "service": {
                "sp": {
                    "endpoints": {
                        "assertion_consumer_service": [(self.consumer_url, POST)],
                        "single_logout_service": [(f"{self.url}/slo", REDIRECT), (f"{self.url}/slo", POST)],
                    },
                    "signing_algorithm": SIG_RSA_SHA256,  # its own choice is SHA-1
                    "digest_algorithm": DIGEST_SHA256,
                    "allow_unsolicited": self.allow_unsolicited,
                    "authn_requests_signed": self.sign_requests,
                    "want_response_signed": self.want_response_signed,
                    "want_assertions_signed": self.want_assertions_signed,
                    "logout_requests_signed": True,
                    "logout_responses_signed": True,
                }
            },
        }
        if self._encryption is not None:
            files = {"key_file": str(self._encryption.key), "cert_file": str(self._encryption.certificate)}
            given["encryption_keypairs"] = [files]
        with self._lock:
            self._client = Saml2Client(config=SPConfig().load(given))

    # What browsers come with

    def answer(self, question: Question) -> Answer:
        match question.path:
            case "/metadata":
                return Answer(self.metadata, 200, {"Content-Type": "application/samlmetadata+xml"})
            case "/login":
                return self._depart(question)
            case "/acs":
                return self._arrive(question)
            case "/slo":
                return self._logout(question)
            case "/logout":
                return self._begin_logout(question)
        return page("There is nothing here", status=404)

    def _depart(self, question: Question) -> Answer:
        relay_state = question.parameters.get("relay_state", "to " + secrets.token_urlsafe(6))
        number, information = self._client.prepare_for_authenticate(
            relay_state=relay_state, binding=self.binding, **self.request
        )
        self._outstanding[number] = "/"
        return of_binding(information)

    def _arrive(self, question: Question) -> Answer:
        encoded = question.parameters["SAMLResponse"]
        try:
            response = self._client.parse_authn_request_response(encoded, POST, self._outstanding)
        except (StatusError, Exception) as refusal:
            self.refused.append(refusal)
            return page("Signing in failed", f"<pre>{html.escape(repr(refusal))}</pre>", 403)
        assert isinstance(response, AuthnResponse)
        self.responses.append(str(response.xmlstr))
        self._outstanding.pop(response.in_response_to or "", None)
        information = response.session_info()
        arrived = Arrived(
            response.name_id,
            dict(response.ava),
            information.get("session_index"),
            response.authn_info()[0][0],
            response.in_response_to,
            question.parameters.get("RelayState", ""),
        )
        self.arrived.append(arrived)
        session = secrets.token_urlsafe(9)
        self._sessions[session] = response.name_id
        said = html.escape(json.dumps({"name_id": response.name_id.text, "attributes": response.ava}))
        return page("Welcome to the app", f"<pre>{said}</pre>").with_cookie("sp", session)

    # Single logout

    def _begin_logout(self, question: Question) -> Answer:
        name_id = self._sessions.pop(question.cookies.get("sp", ""), None)
        if name_id is None:
            return page("You are not signed in")
        ((_, (_, information)),) = self._client.global_logout(name_id, sign=True).items()
        return of_binding(information)

    def _logout(self, question: Question) -> Answer:
        given = question.parameters
        if "SAMLResponse" in given:
            response = self._client.parse_logout_request_response(given["SAMLResponse"], question.binding)
            self.logged_out.append(response.response.status.status_code.value)
            return page("You have signed out everywhere")
        asked = self._client.parse_logout_request(
            given["SAMLRequest"], question.binding, given.get("RelayState"), given.get("SigAlg"), given.get("Signature")
        )
        wanted = asked.message.name_id
        self.logged_out.append(wanted.text)
        self._sessions = {s: name_id for s, name_id in self._sessions.items() if name_id.text != wanted.text}
        return of_binding(
            self._client.handle_logout_request(
                given["SAMLRequest"],
                wanted,
                question.binding,
                relay_state=given.get("RelayState"),
                sigalg=given.get("SigAlg"),
                signature=given.get("Signature"),
            )
        )


@contextmanager
def pysaml2_sp(directory: Path, **options: Any) -> Iterator[Pysaml2Sp]:
    """An application while it is needed; what it did not understand fails the test."""
    xmlsec1()
    sp = Pysaml2Sp(directory, **options)
    try:
        yield sp
    finally:
        sp.close()
    assert not sp.faults, [repr(fault) for fault in sp.faults]
