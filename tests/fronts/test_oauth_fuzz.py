"""Generated requests to the OAuth endpoints: right ones, bent ones and nonsense. None may be answered with a 500.

Nor may any redirect lead where no client has registered. POOLHOUSE_TEST_FUZZ sets how many (default 5,000 on each
engine), POOLHOUSE_TEST_SEED repeats a run; both are printed.
"""

from __future__ import annotations

import base64
import io
import json
import os
import random
import time
from typing import Any
from urllib.parse import quote_from_bytes, urlsplit

from tests.oidc import CALLBACK, PROFILE, SIGNED_OUT, Browser, Rp, api, machine, rp
from tests.world import World

REQUESTS = int(os.environ.get("POOLHOUSE_TEST_FUZZ", "5000"))
SEED = int(os.environ.get("POOLHOUSE_TEST_SEED", "0")) or time.time_ns() % 1_000_000_000

ODD_TEXTS = (
    "", " ", "a", "0", "-1", "null", "\0", "\ud800", "é", "日本語", "😀", "\u202e", "a" * 130, "x" * 3000, "%00", "%",
    "'", '"', "' OR 1=1 --", "../../etc/passwd", "<script>", "\r\nX: y", "1" * 40, "true", "{}", "[]",
    '{"userinfo":{"a":[]}}', '{"id_token":{"acr":{"essential":true,"values":[1,null]},"sub":{"value":[]}}}',
    "openid openid", "openid\temail", "code", "code id_token", "plain", "S256", "none", "login none", "99999999999",
    "https://evil.example/", "javascript:x", "//evil.example", "http://[", "eyJhbGciOiJub25lIn0.e30.",
    "eyJhbGciOiJSUzI1NiIsImtpZCI6WzFdfQ.e30.AA", "a.b.c", "..", "eyJjcml0IjpbXX0.W10.AA", "A" * 43,
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "form_post", "fragment",
)  # fmt: skip
NAMES = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "prompt", "max_age", "login_hint",
    "claims", "id_token_hint", "ui_locales", "acr_values", "response_mode", "code_challenge", "code_challenge_method",
    "request", "request_uri", "display", "grant_type", "code", "code_verifier", "refresh_token", "client_secret",
    "client_assertion", "client_assertion_type", "token", "token_type_hint", "access_token", "logout_uri",
    "post_logout_redirect_uri", "confirm", "lang", "identity_provider", "resource", "screen_hint", "csrf", "username",
    "password",
)  # fmt: skip
HEADERS = (
    "HTTP_AUTHORIZATION", "HTTP_HOST", "HTTP_X_FORWARDED_HOST", "HTTP_ORIGIN", "HTTP_COOKIE", "HTTP_ACCEPT_LANGUAGE",
    "HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING", "HTTP_SEC_FETCH_MODE", "HTTP_RANGE",
)  # fmt: skip
PAGES = ("/oauth2/authorize", "/oauth2/authorize/continue", "/logout", "/login", "/error", "/signedout")
ENDPOINTS = ("/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/userInfo")
DOCUMENTS = ("/.well-known/openid-configuration", "/.well-known/jwks.json", "/.well-known/oauth-authorization-server")


class Generator:
    """Requests that are right more often than not, so that they come past the first check."""

    def __init__(self, world: World, seed: int) -> None:
        self.random, self.world = random.Random(seed), world
        self.pool = world.pool()
        scopes = api(self.pool)
        self.clients: list[Rp] = [
            rp(self.pool, AllowedOAuthScopes=["openid", "email", *scopes]),
            rp(self.pool, public=True),
            machine(self.pool, scopes),
        ]
        self.person = self.pool.user(**PROFILE)
        self.browser = Browser(world)
        self.fresh: dict[str, str] = {}
        self.renew()

    def renew(self) -> None:
        """Somebody real to be about, now and then: others' requests may have spent or revoked what there was."""
        client = self.clients[0]
        tokens = client.tokens(self.browser, self.person)
        code = client.code(self.browser).given["code"]
        self.fresh = {
            "code": code,
            "refresh_token": tokens["refresh_token"],
            "access_token": tokens["access_token"],
            "id_token_hint": tokens["id_token"],
            "token": self.random.choice([tokens["access_token"], tokens["refresh_token"], tokens["id_token"]]),
        }

    def pick(self, *values: Any) -> Any:
        return self.random.choice(values)

    def good(self, name: str, client: Rp) -> str:
        fitting = {
            "response_type": ("code",),
            "client_id": (client.client.id,),
            "redirect_uri": (CALLBACK,),
            "scope": ("openid", "openid email", "notes/read", "openid profile"),
            "prompt": ("login", "none", "consent", "create"),
            "max_age": ("0", "100"),
            "claims": ('{"userinfo":{"name":null}}',),
            "response_mode": ("query", "form_post"),
            "code_challenge": ("A" * 43,),
            "code_challenge_method": ("S256",),
            "grant_type": ("authorization_code", "refresh_token", "client_credentials"),
            "code_verifier": ("B" * 43,),
            "client_secret": (client.client.secret or "x",),
            "logout_uri": (SIGNED_OUT,),
            "post_logout_redirect_uri": (SIGNED_OUT,),
            "ui_locales": ("en de",),
        }
        return str(self.pick(*fitting[name])) if name in fitting else self.fresh.get(name, "x")

    def parameters(self, path: str, client: Rp) -> list[tuple[str, str]]:
        wanted = {
            "/oauth2/authorize": ["response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge",
                                  "code_challenge_method"],
            "/oauth2/token": ["grant_type", "code", "redirect_uri", "refresh_token"],
            "/oauth2/introspect": ["token"],
            "/oauth2/revoke": ["token"],
            "/logout": ["client_id", "logout_uri"],
        }.get(path, [])  # fmt: skip
        names = [name for name in wanted if self.random.random() < 0.9]
        names += self.random.sample(NAMES, self.pick(0, 0, 1, 2, 5))
        if self.random.random() < 0.05 and names:
            names.append(self.pick(*names))
        return [
            (name, self.pick(*ODD_TEXTS) if self.random.random() < 0.12 else self.good(name, client)) for name in names
        ]

    def encoded(self, parameters: list[tuple[str, str]]) -> bytes:
        def escaped(text: str) -> bytes:
            raw = text.encode("utf-8", "surrogatepass")
            return raw if self.random.random() < 0.03 else quote_from_bytes(raw, safe="").encode()

        body = b"&".join(escaped(name) + b"=" + escaped(value) for name, value in parameters)
        if self.random.random() < 0.03:
            body += bytes(self.random.randrange(256) for _ in range(20))
        return body

    def environ(self) -> dict[str, Any]:
        """One request, as a WSGI server would hand it over."""
        kind = self.pick(PAGES, PAGES, ENDPOINTS, ENDPOINTS, ENDPOINTS, DOCUMENTS)
        path, client = self.pick(*kind), self.pick(*self.clients)
        method = self.pick("GET", "POST") if kind is PAGES else "POST" if kind is ENDPOINTS else "GET"
        if self.random.random() < 0.05:
            method = self.pick("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
        content = self.encoded(self.parameters(path, client))
        query, body = (content, b"") if method in {"GET", "HEAD"} else (b"", content)
        if self.random.random() < 0.05:
            query, body = body, query
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": f"/{self.pool.id}{path}",
            "QUERY_STRING": query.decode("latin-1"),
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": urlsplit(self.world.url).netloc,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        self._identify(environ, client)
        self._bend(environ)
        return environ

    def _identify(self, environ: dict[str, Any], client: Rp) -> None:
        chance = self.random.random()
        if environ["PATH_INFO"].endswith("/userInfo") and chance < 0.8:
            environ["HTTP_AUTHORIZATION"] = "Bearer " + self.fresh["access_token"]
        elif environ["REQUEST_METHOD"] == "POST" and chance < 0.6:
            credentials = f"{client.client.id}:{client.client.secret}".encode()
            environ["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(credentials).decode()
        if chance < 0.5 and (cookies := self.browser.http._cookies):
            environ["HTTP_COOKIE"] = "; ".join(f"{c.decoded_key}={c.value}" for c in cookies.values())

    def _bend(self, environ: dict[str, Any]) -> None:
        if self.random.random() < 0.08:
            environ[self.pick(*HEADERS)] = self._header()
        if self.random.random() < 0.03:
            environ["CONTENT_TYPE"] = self.pick(
                "", "application/json", "text/plain; charset=x", "multipart/form-data", "/"
            )
        if self.random.random() < 0.02:
            environ["CONTENT_LENGTH"] = self.pick("", "0", "99999999999", "-1", "x", "1")
        if self.random.random() < 0.03:
            environ["PATH_INFO"] += self.pick("/", "//", "/x", "%00", "\xff", ";a", ".json")
        if self.random.random() < 0.02:
            environ["PATH_INFO"] = environ["PATH_INFO"].replace(
                self.pool.id, self.pick("x_y", "us-east-1_", "é_é", "_" * 60)
            )

    def _header(self) -> str:
        text = self.pick(*ODD_TEXTS, "Basic", "Basic " + base64.b64encode(b"\xff:\xff").decode(), "Bearer", "Bearer é")
        return str(text).encode("utf-8", "surrogatepass").decode("latin-1").replace("\r\n", " ")


def allowed(world: World, location: str) -> bool:
    """Whether a redirect stays with us or goes where a client has registered."""
    parts = urlsplit(location)
    here = parts.netloc in {"", urlsplit(world.url).netloc} and not location.startswith("//")
    return here or location.partition("?")[0] in {CALLBACK, SIGNED_OUT}


def test_no_generated_request_is_answered_with_a_500_or_leads_astray(world: World) -> None:
    print(f"POOLHOUSE_TEST_FUZZ={REQUESTS} POOLHOUSE_TEST_SEED={SEED}")
    generator = Generator(world, SEED)
    statuses: dict[int, int] = {}
    for number in range(REQUESTS):
        if number % 50 == 0:
            generator.renew()
        environ = generator.environ()
        shown = {k: v for k, v in environ.items() if isinstance(v, str)} | {
            "body": environ["wsgi.input"].getvalue()[:2000]
        }
        started: list[Any] = []
        body = world.app(environ, lambda *given, started=started: started.append(given))
        content = b"".join(body)
        status, headers = int(started[0][0][:3]), dict(started[0][1])
        statuses[status] = statuses.get(status, 0) + 1
        about = f"seed {SEED}, request {number}: {status} to {json.dumps(shown, default=repr)}\n{content[:500]!r}"
        assert status < 500, about
        if 300 <= status < 400:
            assert allowed(world, headers["Location"]), f"{headers['Location']} {about}"
    print(statuses)
    assert statuses.get(200, 0) > REQUESTS / 20, f"the generator is too wild: {statuses}"
