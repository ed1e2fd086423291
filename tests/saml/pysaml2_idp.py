"""A SAML identity provider of another make: pysaml2, with a sign-in page, on a port of its own."""

from __future__ import annotations

import html
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_PERSISTENT, NAMEID_FORMAT_TRANSIENT, NameID
from saml2.samlp import STATUS_AUTHN_FAILED, STATUS_NO_PASSIVE, AuthnRequest
from saml2.server import Server
from saml2.sigver import get_pem_wrapped_unwrapped, pre_encryption_part
from saml2.xmldsig import DIGEST_SHA1, DIGEST_SHA256, SIG_RSA_SHA1, SIG_RSA_SHA256

from tests.saml.party import POST, REDIRECT, Answer, KeyPair, Party, Question, of_binding, page, xmlsec1

PASSWORD_TRANSPORT = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
BINDINGS = (REDIRECT, POST)


_XENC, _XENC11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"
# Ciphers of an encrypted assertion, with what xmlsec1 calls a fitting session key.
CIPHERS = {
    "aes256-gcm": (_XENC11 + "aes256-gcm", "aes-256"),
    "aes128-cbc": (_XENC + "aes128-cbc", "aes-128"),
    "tripledes-cbc": (_XENC + "tripledes-cbc", "des-192"),
}


class _Server(Server):
    """pysaml2's server, which by itself encrypts by no other cipher than triple DES."""

    cipher = "aes256-gcm"

    def _encrypt_assertion(
        self, encrypt_cert: Any, sp_entity_id: str, response: Any, node_xpath: str | None = None
    ) -> Any:
        algorithm, key_type = CIPHERS[self.cipher]
        (_, found), *_ = self.metadata.certs(sp_entity_id, "any", "encryption")
        wrapped, unwrapped = get_pem_wrapped_unwrapped(found)
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as certificate:
            certificate.write(wrapped)
            certificate.flush()
            template = pre_encryption_part(msg_enc=algorithm, encrypt_cert=unwrapped)
            return self.sec.encrypt_assertion(response, certificate.name, template, key_type, node_xpath=node_xpath)


@dataclass
class Account:
    """Somebody whom the provider knows. ``attributes`` by names of the provider's; some turn into OIDs (mail, sn)."""

    name_id: str
    attributes: dict[str, list[str]] = field(default_factory=dict)
    name_id_format: str = NAMEID_FORMAT_PERSISTENT


@dataclass(frozen=True)
class Login:
    """A session that the provider vouched for to somebody."""

    session: str
    username: str
    sp: str
    name_id: NameID
    session_index: str


class Pysaml2Idp(Party):
    """The provider. Its attributes say what it does, ``people`` whom it knows, ``rotate`` changes what it publishes.

    A browser signs in at ``/sso`` by username alone, may say no there, and keeps a session by a cookie; ``/start`` is
    where the provider itself begins (``sp``, ``relay_state``), ``/logout`` where it ends its session everywhere.
    """

    def __init__(
        self, directory: Path, *, want_signed_requests: bool = False, sso_by_redirect: bool = True, sha1: bool = False
    ) -> None:
        super().__init__()
        self.directory = directory
        self.want_signed_requests, self.sso_by_redirect, self.sha1 = want_signed_requests, sso_by_redirect, sha1
        self.entity_id = f"{self.url}/metadata"
        self.metadata_url = f"{self.url}/metadata"
        self.people: dict[str, Account] = {}
        self.sign_assertion, self.sign_response, self.encrypt = True, False, False
        self.cipher = "aes256-gcm"
        self.spoil = ""  # with a word in it: the response is broken after it was signed
        self.requests: list[AuthnRequest] = []
        self.responses: list[str] = []
        self.logins: list[Login] = []
        self.logged_out: list[str] = []
        self._waiting: dict[str, dict[str, Any]] = {}
        self._sessions: dict[str, str] = {}
        self._known: dict[str, bytes] = {}
        self._keys: list[KeyPair] = []
        self.rotate()

    # What it publishes and whom it knows

    def rotate(self) -> None:
        """Sign with a new key from now on, and publish that alone."""
        self._keys.append(KeyPair.make(self.directory, f"idp-{len(self._keys)}"))
        self._configure()

    def know(self, name: str, metadata: bytes) -> None:
        """Trust a service provider by its metadata; again under the same name: in place of what was known."""
        self._known[name] = metadata
        self._configure()

    @property
    def metadata(self) -> bytes:
        """Its own metadata."""
        return str(entity_descriptor(self._server_of.config)).encode()

    def _configure(self) -> None:
        pair, sso = self._keys[-1], BINDINGS if self.sso_by_redirect else (POST,)
        with self._lock:
            self._server_of = _Server(
                config=IdPConfig().load(
                    {
                        "entityid": self.entity_id,
                        "xmlsec_binary": xmlsec1(),
                        "key_file": str(pair.key),
                        "cert_file": str(pair.certificate),
                        "metadata": {"inline": [known.decode() for known in self._known.values()]},
                        "service": {
                            "idp": {
                                "endpoints": {
                                    "single_sign_on_service": [(f"{self.url}/sso", b) for b in sso],
                                    "single_logout_service": [(f"{self.url}/slo", b) for b in BINDINGS],
                                },
                                "name_id_format": [NAMEID_FORMAT_PERSISTENT, NAMEID_FORMAT_TRANSIENT],
                                "policy": {
                                    "default": {"lifetime": {"minutes": 10}, "name_form": NAME_FORMAT_URI},
                                },
                                "want_authn_requests_signed": self.want_signed_requests,
                                # SHA-1 is what it chooses by itself.
                                "signing_algorithm": SIG_RSA_SHA1 if self.sha1 else SIG_RSA_SHA256,
                                "digest_algorithm": DIGEST_SHA1 if self.sha1 else DIGEST_SHA256,
                            }
                        },
                    }
                )
            )

    # What browsers come with

    def answer(self, question: Question) -> Answer:
        match question.path:
            case "/metadata":
                return Answer(self.metadata, 200, {"Content-Type": "application/samlmetadata+xml"})
            case "/sso":
                return self._asked(question)
            case "/login":
                return self._signed_in(question)
            case "/start":
                return self._start(question)
            case "/slo":
                return self._logout(question)
            case "/logout":
                return self._end_everywhere(question)
        return page("There is nothing here", status=404)

    def _asked(self, question: Question) -> Answer:
        given = question.parameters
        relay = given.get("RelayState", "")
        asked = self._server_of.parse_authn_request(
            given["SAMLRequest"], question.binding, given.get("RelayState"), given.get("SigAlg"), given.get("Signature")
        )
        message = asked.message
        self.requests.append(message)
        to = self._server_of.response_args(message, [POST])
        waiting = {**to, "relay_state": relay}
        session = question.cookies.get("idp", "")
        if session in self._sessions and message.force_authn != "true":
            return self._vouch(session, waiting)
        if message.is_passive == "true":
            return self._refuse(waiting, (STATUS_NO_PASSIVE, "The person would have to sign in"))
        return self._sign_in_page(waiting)

    def _start(self, question: Question) -> Answer:
        sp = question.parameters["sp"]
        consumers = self._server_of.metadata.assertion_consumer_service(sp, POST)
        waiting = {
            "in_response_to": None,
            "sp_entity_id": sp,
            "name_id_policy": None,
            "binding": POST,
            "destination": consumers[0]["location"],
            "relay_state": question.parameters.get("relay_state", ""),
        }
        session = question.cookies.get("idp", "")
        return self._vouch(session, waiting) if session in self._sessions else self._sign_in_page(waiting)

    def _sign_in_page(self, waiting: dict[str, Any]) -> Answer:
        handle = secrets.token_urlsafe(9)
        self._waiting[handle] = waiting
        return page(
            "Sign in at the enterprise",
            '<form method="post" action="/login">'
            f'<input type="hidden" name="handle" value="{handle}">'
            '<label>Name <input name="username" autofocus></label>'
            '<button class="primary" name="do" value="in">Sign in</button>'
            '<button class="no" name="do" value="no">Cancel</button></form>',
        )

    def _signed_in(self, question: Question) -> Answer:
        waiting = self._waiting.pop(question.parameters["handle"])
        if question.parameters.get("do") == "no":
            return self._refuse(waiting, (STATUS_AUTHN_FAILED, "The person said no"))
        username = question.parameters["username"]
        if username not in self.people:
            return self._sign_in_page(waiting)
        session = secrets.token_urlsafe(9)
        self._sessions[session] = username
        return self._vouch(session, waiting).with_cookie("idp", session)

    # What it says

    def forge(self, username: str, sp: str, consumer_url: str, in_response_to: str, relay_state: str) -> Answer:
        """The page that posts an answer of its own to a request that went to another provider."""
        session = secrets.token_urlsafe(9)
        self._sessions[session] = username
        waiting = {
            "in_response_to": in_response_to,
            "sp_entity_id": sp,
            "binding": POST,
            "destination": consumer_url,
            "relay_state": relay_state,
        }
        with self._lock:
            return self._vouch(session, waiting)

    def _vouch(self, session: str, waiting: Mapping[str, Any]) -> Answer:
        username = self._sessions[session]
        account = self.people[username]
        name_id = NameID(text=account.name_id, format=account.name_id_format)
        self._server_of.cipher = self.cipher
        response = self._server_of.create_authn_response(
            account.attributes,
            waiting["in_response_to"],
            waiting["destination"],
            waiting["sp_entity_id"],
            name_id=name_id,
            authn={"class_ref": PASSWORD_TRANSPORT, "authn_auth": self.entity_id},
            sign_assertion=self.sign_assertion,
            sign_response=self.sign_response,
            encrypt_assertion=self.encrypt,
            encrypt_assertion_self_contained=True,
        )
        text = str(response)
        assert ("EncryptedAssertion" in text) is self.encrypt, "pysaml2 found no key to encrypt to"
        statement = self._server_of.session_db.get_authn_statements(name_id)[-1][0]
        self.logins.append(Login(session, username, waiting["sp_entity_id"], name_id, statement.session_index))
        if self.spoil:
            assert self.spoil in text
            text = text.replace(self.spoil, self.spoil.swapcase())
        self.responses.append(text)
        return of_binding(
            self._server_of.apply_binding(
                waiting["binding"], text, waiting["destination"], waiting["relay_state"], response=True
            )
        )

    def _refuse(self, waiting: Mapping[str, Any], why: tuple[str, str]) -> Answer:
        response = self._server_of.create_error_response(
            waiting["in_response_to"], waiting["destination"], info=why, sign=True
        )
        return of_binding(
            self._server_of.apply_binding(
                waiting["binding"], str(response), waiting["destination"], waiting["relay_state"], response=True
            )
        )

    # Single logout

    def _end_everywhere(self, question: Question) -> Answer:
        session = question.cookies.get("idp", "")
        login = next((login for login in reversed(self.logins) if login.session == session), None)
        if self._sessions.pop(session, None) is None or login is None:
            return page("You are not signed in")
        binding = question.parameters.get("binding", REDIRECT)
        services = self._server_of.metadata.single_logout_service(login.sp, binding, "spsso")
        assert services, f"{login.sp} publishes no single logout service for {binding}"
        destination = services[0]["location"]
        _, request = self._server_of.create_logout_request(
            destination,
            login.sp,
            name_id=login.name_id,
            session_indexes=[login.session_index],
            sign=binding == POST,
        )
        return of_binding(
            self._server_of.apply_binding(
                binding, str(request), destination, "the provider began", sign=binding == REDIRECT
            )
        )

    def _logout(self, question: Question) -> Answer:
        given = question.parameters
        if "SAMLResponse" in given:
            response = self._server_of.parse_logout_request_response(given["SAMLResponse"], question.binding)
            self.logged_out.append(response.response.status.status_code.value)
            return page("You have signed out everywhere")
        asked = self._server_of.parse_logout_request(
            given["SAMLRequest"], question.binding, given.get("RelayState"), given.get("SigAlg"), given.get("Signature")
        )
        self._check_signature(asked, question)
        self.logged_out.append(asked.message.name_id.text)
        gone = {login.username for login in self.logins if login.name_id.text == asked.message.name_id.text}
        self._sessions = {session: who for session, who in self._sessions.items() if who not in gone}
        to = self._server_of.response_args(asked.message, [POST, REDIRECT], descr_type="spsso")
        response = self._server_of.create_logout_response(asked.message, [to["binding"]], sign=to["binding"] == POST)
        return of_binding(
            self._server_of.apply_binding(
                to["binding"],
                str(response),
                to["destination"],
                given.get("RelayState", ""),
                response=True,
                sign=to["binding"] == REDIRECT,
            )
        )

    def _check_signature(self, asked: Any, question: Question) -> None:
        """A logout request has to be signed: pysaml2 looks only where requests for sign-in have to be, too."""
        given = question.parameters
        if question.posted:
            assert asked.message.signature is not None, "the logout request is not signed"
            return
        signed = {name: given[name] for name in ("SAMLRequest", "RelayState", "SigAlg", "Signature") if name in given}
        assert asked._do_redirect_sig_check(signed), "the logout request is not signed by who says so"


def start_url(idp: Pysaml2Idp, sp: str, relay_state: str = "") -> str:
    """Where a browser goes for the provider to begin by itself."""
    return f"{idp.url}/start?{urlencode({'sp': sp, 'relay_state': relay_state})}"


@contextmanager
def pysaml2_idp(directory: Path, **options: Any) -> Iterator[Pysaml2Idp]:
    """A provider while it is needed; what it did not understand fails the test."""
    xmlsec1()
    idp = Pysaml2Idp(directory, **options)
    try:
        yield idp
    finally:
        idp.close()
    assert not idp.faults, [html.unescape(repr(fault)) for fault in idp.faults]
