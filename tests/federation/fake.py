"""What all fake providers share: a server on a free port, an authorization code flow, a memory of what was asked.

A fake is strict where its original is: a code is good once, for one client, one redirect URI and one PKCE verifier.
``tests/federation/social.py`` has the fakes themselves and says how to use them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey


@dataclass
class Request:
    """What a provider was asked: ``path`` is below the provider's own."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: Mapping[str, str]

    @property
    def bearer(self) -> str:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def basic(self) -> tuple[str, str] | None:
        """The client of an Authorization: Basic header (RFC 6749 §2.3.1)."""
        scheme, _, given = (self.headers.get("Authorization") or "").partition(" ")
        if scheme != "Basic":
            return None
        client, _, secret = base64.b64decode(given).decode().partition(":")
        return unquote_plus(client), unquote_plus(secret)


@dataclass
class Reply:
    """JSON, or a page, or a redirect."""

    status: int = 200
    body: Any = None
    page: str | None = None
    location: str | None = None


@dataclass
class Grant:
    """What a code stands for."""

    redirect_uri: str
    scope: str
    challenge: str | None
    nonce: str | None
    person: dict[str, Any]
    first: bool = True


Answer = Callable[[Request], Reply]


class Refusal(Exception):
    """An error in the provider's own published form."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body)
        self.reply = reply


class Fake:
    """One provider.

    ``person`` is who is signed in there (in the provider's own words), ``trouble`` what goes wrong (see
    ``social.py``), ``asks`` whether its authorization page asks (``#allow``, ``#deny``) or agrees at once,
    ``redirect_uris`` what is registered (None: anything), ``asked`` every request that came, oldest first,
    ``claims`` what to change in ID tokens (None: leave out), ``answers`` paths answered by the test itself.
    """

    name = ""
    PERSON: Mapping[str, Any] = {}
    pkce = "optional"  # ignored, optional, required, refused

    def __init__(self, base: str) -> None:
        self.base = f"{base}/{self.name}"
        self.client_id, self.client_secret = f"{self.name}-app", f"{self.name}-secret-{secrets.token_hex(12)}"
        self.rotate()
        self.reset()

    def reset(self) -> None:
        """As it was at first: done before each test."""
        self.person: dict[str, Any] = dict(self.PERSON)
        self.trouble = ""
        self.asks = False
        self.redirect_uris: set[str] | None = None
        self.asked: list[Request] = []
        self.claims: dict[str, Any] = {}
        self.answers: dict[str, Reply] = {}
        self.key = self.keys[-1]
        self.alg = "RS256"
        self.token_bytes = 24
        self.grants: dict[str, Grant] = {}
        self.tokens: dict[str, Grant] = {}
        self.refreshes: dict[str, Grant] = {}
        self.seen_before: set[str] = set()

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one is published no more."""
        self.keys: list[Key] = [RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)]
        self.key = self.keys[-1]

    @property
    def details(self) -> dict[str, str]:
        """ProviderDetails that lead here, for CreateIdentityProvider."""
        raise NotImplementedError

    @property
    def type(self) -> str:
        """The API's ProviderType."""
        return "OIDC"

    def routes(self) -> dict[str, Answer]:
        """The provider's endpoints."""
        raise NotImplementedError

    def asked_at(self, path: str) -> list[Request]:
        """What was asked at one endpoint."""
        return [request for request in self.asked if request.path == path]

    def answer(self, request: Request) -> Reply:
        self.asked.append(request)
        if request.path in self.answers:
            return self.answers[request.path]
        route = self.routes().get(request.path)
        if route is None:
            return Reply(404, {"error": "not_found"})
        try:
            return route(request)
        except Refusal as refused:
            return refused.reply

    # --- The authorization endpoint -------------------------------------------------------------------------------

    def authorize(self, request: Request) -> Reply:
        given = request.query | request.form
        if given.get("client_id") != self.client_id or given.get("response_type") != "code":
            return self.page(400, "The app is not known, or asks for something else than a code.")
        redirect_uri = given.get("redirect_uri", "")
        if self.redirect_uris is not None and redirect_uri not in self.redirect_uris:
            return self.wrong_redirect(given)
        if self.pkce == "required" and given.get("code_challenge_method") != "S256":
            return self.page(400, "PKCE is required.")
        if self.trouble in {"unavailable", "broken"}:
            error = "temporarily_unavailable" if self.trouble == "unavailable" else "server_error"
            return self.send_back(given, {"error": error})
        decision = given.get("decision") or ("deny" if self.trouble == "deny" else "" if self.asks else "allow")
        if not decision:
            return self.ask(given)
        if decision == "deny":
            return self.send_back(given, self.denial())
        code = secrets.token_urlsafe(24)
        subject = str(self.person)
        first = subject not in self.seen_before
        self.seen_before.add(subject)
        challenge = None if self.pkce == "ignored" else given.get("code_challenge")
        self.grants[code] = Grant(
            redirect_uri, given.get("scope", ""), challenge, given.get("nonce"), dict(self.person), first
        )
        return self.send_back(given, {"code": code} | self.beside_the_code(self.grants[code]))

    def denial(self) -> dict[str, str]:
        """What comes back when somebody presses Cancel."""
        return {"error": "access_denied"}

    def beside_the_code(self, grant: Grant) -> dict[str, str]:
        """More that comes back with a code."""
        return {}

    def wrong_redirect(self, given: Mapping[str, str]) -> Reply:
        """Most show a page of their own: whoever is not known is not sent anything."""
        return self.page(400, "Error 400: redirect_uri_mismatch")

    def send_back(self, given: Mapping[str, str], parameters: Mapping[str, str]) -> Reply:
        shown = dict(parameters) | ({"state": given["state"]} if "state" in given else {})
        joint = "&" if "?" in given["redirect_uri"] else "?"
        return Reply(302, location=given["redirect_uri"] + joint + urlencode(shown))

    def send_form(self, given: Mapping[str, str], parameters: Mapping[str, str]) -> Reply:
        """OAuth 2.0 Form Post Response Mode: a page that posts itself."""
        shown = dict(parameters) | ({"state": given["state"]} if "state" in given else {})
        fields = "".join(f'<input type="hidden" name="{escape(k)}" value="{escape(v)}">' for k, v in shown.items())
        action = escape(given["redirect_uri"])
        script = "<script>document.forms[0].submit()</script>"
        return Reply(200, page=f'<form method="post" action="{action}">{fields}</form>{script}')

    def ask(self, given: Mapping[str, str]) -> Reply:
        """The page that asks whether the app may know who this is."""
        allow, deny = (f"?{escape(urlencode({**given, 'decision': word}))}" for word in ("allow", "deny"))
        who = escape(str(self.person.get("email") or self.person.get("name") or "you"))
        links = f'<a id="allow" href="{allow}">Continue</a> <a id="deny" href="{deny}">Cancel</a>'
        return Reply(200, page=f"<h1>Sign in with {self.name}</h1><p>Continue as {who}?</p><p>{links}</p>")

    def page(self, status: int, text: str) -> Reply:
        return Reply(status, page=f"<h1>{self.name}</h1><p>{escape(text)}</p>")

    # --- The token endpoint ---------------------------------------------------------------------------------------

    def token(self, request: Request) -> Reply:
        if self.trouble == "token_unavailable":
            return Reply(503, page="<h1>Service Unavailable</h1>")
        self.require_client(request)
        kind = request.form.get("grant_type")
        if kind == "refresh_token":
            grant = self.refreshes.get(request.form.get("refresh_token", ""))
            if grant is None:
                raise self.refuse("invalid_grant")
        else:
            grant = self.redeem(request.form)
        return Reply(200, self.token_answer(grant, refreshed=kind == "refresh_token"))

    def redeem(self, form: Mapping[str, str]) -> Grant:
        grant = self.grants.pop(form.get("code", ""), None)
        if grant is None or self.trouble == "code_expired":
            raise self.refuse("invalid_grant")
        if form.get("redirect_uri") != grant.redirect_uri:
            raise self.refuse("redirect_uri_mismatch")
        if self.pkce == "refused" and "code_verifier" in form:
            raise self.refuse("invalid_client")
        if grant.challenge is not None:
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != grant.challenge:
                raise self.refuse("invalid_grant")
        return grant

    def require_client(self, request: Request) -> None:
        """Client authentication as this provider takes it; by default its secret in the form."""
        given = (request.form.get("client_id"), request.form.get("client_secret"))
        if given != (self.client_id, self.client_secret):
            raise self.refuse("invalid_client")

    def refuse(self, error: str) -> Refusal:
        """The provider's own form of ``error``; by default RFC 6749's."""
        status = 401 if error == "invalid_client" else 400
        return Refusal(Reply(status, {"error": error, "error_description": f"{self.name}: {error}"}))

    def token_answer(self, grant: Grant, *, refreshed: bool) -> dict[str, Any]:
        """What the token endpoint gives."""
        access = f"{self.name}-at-{secrets.token_urlsafe(self.token_bytes)}"
        refresh = f"{self.name}-rt-{secrets.token_urlsafe(self.token_bytes)}"
        self.tokens[access] = grant
        answer: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": 3600}
        if self.refreshable(grant) and not refreshed:
            self.refreshes[refresh] = grant
            answer["refresh_token"] = refresh
        return answer

    def refreshable(self, grant: Grant) -> bool:
        return True

    def person_of(self, request: Request) -> dict[str, Any]:
        """Whose access token this is: as they are now."""
        if self.trouble == "profile_unavailable":
            raise Refusal(Reply(503, {"error": "unavailable"}))
        grant = self.tokens.get(request.bearer)
        if grant is None:
            raise self.unknown_token()
        return grant.person

    def unknown_token(self) -> Refusal:
        return Refusal(Reply(401, {"error": "invalid_token"}))

    # --- ID tokens ------------------------------------------------------------------------------------------------

    def id_token(self, claims: Mapping[str, Any], access: str) -> str:
        """A signed ID token with at_hash; ``self.claims`` has the last word."""
        now = int(time.time())
        half = hashlib.sha256(access.encode()).digest()[:16]
        content: dict[str, Any] = {
            "aud": self.client_id,
            "iat": now,
            "exp": now + 3600,
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            **claims,
            **self.claims,
        }
        content = {name: value for name, value in content.items() if value is not None}
        return jwt.encode({"alg": self.alg, "kid": self.key.kid}, content, self.key, algorithms=[self.alg])

    def jwks(self, request: Request) -> Reply:
        return Reply(200, {"keys": [key.as_dict(private=False) for key in self.keys]})


def ec_key() -> ECKey:
    """A P-256 key with a kid."""
    return ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)


# --- The server ---------------------------------------------------------------------------------------------------


class Server:
    """Serves fakes below ``/<name>/`` on a free port."""

    def __init__(self) -> None:
        self.fakes: dict[str, Fake] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._serve("GET")

            def do_POST(self) -> None:
                self._serve("POST")

            def _serve(self, method: str) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                name, _, path = parts.path[1:].partition("/")
                query, form = dict(parse_qsl(parts.query)), dict(parse_qsl(body))
                fake = owner.fakes.get(name)
                asked = Request(method, "/" + path, query, form, dict(self.headers))
                self._send(fake.answer(asked) if fake else Reply(404, {}))

            def _send(self, reply: Reply) -> None:
                page = reply.page is not None
                body = (reply.page or "").encode() if page else json.dumps(reply.body).encode()
                body = b"" if reply.location else body
                self.send_response(reply.status)
                self.send_header("Content-Type", "text/html; charset=utf-8" if page else "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                if reply.location:
                    self.send_header("Location", reply.location)
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


@dataclass
class Returned:
    """Where a provider sent the browser: the address without its query, what came with it, and how."""

    address: str
    parameters: dict[str, str]
    posted: bool = False
    page: str = field(default="", repr=False)
    status: int = 200
