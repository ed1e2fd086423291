"""A relying party and a scripted, simple browser: what tests of the OpenID provider talk to it with."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import Client, TestResponse

from poolhouse.core import unit
from poolhouse.user_pools import clients
from tests.world import ClientInWorld, Person, PoolInWorld, World

CALLBACK = "https://rp.example/callback"
SIGNED_OUT = "https://rp.example/signed-out"
SCOPES = ["openid", "email", "phone", "profile"]
PROFILE = {
    "name": "Ann Bell",
    "given_name": "Ann",
    "family_name": "Bell",
    "middle_name": "C",
    "nickname": "annie",
    "preferred_username": "annb",
    "profile": "https://ann.example/",
    "picture": "https://ann.example/me.png",
    "website": "https://ann.example/",
    "gender": "female",
    "birthdate": "1990-02-03",
    "zoneinfo": "Europe/Berlin",
    "locale": "en-GB",
    "updated_at": "1700000000",
    "email": "ann@example.com",
    "email_verified": "true",
    "phone_number": "+15555550123",
    "phone_number_verified": "true",
    "address": "1 Main Street, Springfield",
}


# --- The browser --------------------------------------------------------------------------------------------------


class _Forms(HTMLParser):
    """The forms of a page, with the values that they would be sent with."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({"action": given.get("action", ""), "method": given.get("method", "get"), "fields": {}})
        elif tag == "input" and self.forms and given.get("name") and given.get("type") not in {"checkbox", "radio"}:
            self.forms[-1]["fields"][given["name"]] = given.get("value", "")


@dataclass
class Page:
    """Where the browser has come to: a page of ours, or the app's address with what it was given."""

    url: str
    response: TestResponse | None
    given: dict[str, str] = field(default_factory=dict)
    by_form: bool = False

    @property
    def ours(self) -> bool:
        return self.response is not None

    @property
    def status(self) -> int:
        assert self.response is not None, f"the browser has left for {self.url}"
        return self.response.status_code

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def text(self) -> str:
        assert self.response is not None, f"the browser has left for {self.url}"
        return self.response.get_data(as_text=True)

    @property
    def forms(self) -> list[dict[str, Any]]:
        return _Forms(self.text).forms


class Browser:
    """Follows redirects and forms while they stay with us, keeps cookies, and knows no JavaScript but submit()."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.http = Client(world.app)
        self.page = Page("", None)

    def go(self, url: str, form: Mapping[str, str] | None = None) -> Page:
        """Open ``url``; with ``form``, by POST."""
        url = urljoin(self.page.url or self.world.url, url)
        for _ in range(12):
            if not url.startswith(self.world.url + "/"):
                return self._leave(url, form)
            parts = urlsplit(url)
            target = {"path": parts.path, "query_string": parts.query, "base_url": self.world.url}
            response = self.http.post(**target, data=dict(form)) if form is not None else self.http.get(**target)
            if response.status_code in {301, 302, 303, 307}:
                form = form if response.status_code == 307 else None
                url = urljoin(url, response.headers["Location"])
                continue
            self.page = Page(url, response)
            posting = self._posts_itself()
            if posting is None:
                return self.page
            url, form = posting["action"], posting["fields"]
        raise AssertionError(f"redirected for ever: {url}")

    def _posts_itself(self) -> dict[str, Any] | None:
        return self.page.forms[0] if "document.forms[0].submit()" in self.page.text else None

    def _leave(self, url: str, form: Mapping[str, str] | None) -> Page:
        given = dict(form) if form is not None else dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        self.page = Page(url, None, given, form is not None)
        return self.page

    def submit(self, **values: str) -> Page:
        """Send the page's form with ``values`` filled in."""
        form = next(f for f in self.page.forms if set(values) <= set(f["fields"]))
        if form["method"].lower() == "post":
            return self.go(urljoin(self.page.url, form["action"] or self.page.url), {**form["fields"], **values})
        return self.go(urljoin(self.page.url, form["action"]) + "?" + urlencode({**form["fields"], **values}))

    def sign_in(self, person: Person) -> Page:
        """Fill in the sign-in page."""
        assert self.asks, f"no sign-in page, but {self.page.url} {self.page.given}"
        return self.submit(username=person.username, password=person.password)

    @property
    def asks(self) -> bool:
        """Whether the browser stands before a sign-in page."""
        return self.page.ours and any("password" in f["fields"] for f in self.page.forms)


# --- The relying party --------------------------------------------------------------------------------------------


def pkce() -> tuple[str, dict[str, str]]:
    """A verifier, and the parameters that go with the authorization request."""
    verifier = secrets.token_urlsafe(48)
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return verifier, {"code_challenge": digest, "code_challenge_method": "S256"}


class Rp:
    """A client of a pool, with the ways in which it talks to the provider."""

    def __init__(self, client: ClientInWorld, mode: str = "query", redirect_uri: str = CALLBACK) -> None:
        self.client, self.mode, self.redirect_uri = client, mode, redirect_uri
        self.world, self.pool = client.pool.world, client.pool
        self.http = Client(self.world.app)
        self.verifier: str | None = None

    # the front channel

    def request(self, **more: str | None) -> dict[str, str]:
        """Parameters of an authorization request; None leaves one out."""
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client.id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
        }
        if self.mode != "query":
            parameters["response_mode"] = self.mode
        if self.client.secret is None and "code_challenge" not in more:
            self.verifier, challenge = pkce()
            parameters.update(challenge)
        parameters.update(more)
        return {name: value for name, value in parameters.items() if value is not None}

    def url(self, **more: str | None) -> str:
        return f"{self.world.url}/{self.pool.id}/oauth2/authorize?{urlencode(self.request(**more))}"

    def code(self, browser: Browser, person: Person | None = None, **more: str | None) -> Page:
        """Through the browser to an answer at the app, signing in where that is asked."""
        given = self.request(**more)
        page = browser.go(f"{self.world.url}/{self.pool.id}/oauth2/authorize?{urlencode(given)}")
        if browser.asks and person is not None:
            page = browser.sign_in(person)
        assert not page.ours, f"no answer, but {page.status} at {page.url}: {page.text[:500]}"
        assert page.by_form is (given.get("response_mode") == "form_post"), "the answer came in another way"
        assert page.given.get("state") == given.get("state")
        assert page.given["iss"] == self.pool.issuer
        return page

    # the back channel

    def post(self, path: str, form: Mapping[str, str], auth: str = "basic", **headers: str) -> TestResponse:
        """POST a form to an endpoint of the pool, authenticated: ``basic``, ``post``, ``none``, or not at all."""
        form, secret = dict(form), self.client.secret
        if secret is not None and auth == "basic":
            credentials = base64.b64encode(f"{self.client.id}:{secret}".encode()).decode()
            headers["Authorization"] = f"Basic {credentials}"
        elif auth != "":
            form["client_id"] = self.client.id
            if secret is not None and auth == "post":
                form["client_secret"] = secret
        return self.http.post(f"/{self.pool.id}{path}", data=form, headers=headers, base_url=self.world.url)

    def token(self, auth: str = "basic", **form: str) -> TestResponse:
        return self.post("/oauth2/token", form, auth)

    def exchange(self, code: str, auth: str = "basic", **more: str) -> TestResponse:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        if self.verifier is not None:
            form["code_verifier"] = self.verifier
        return self.token(auth, **(form | more))

    def tokens(self, browser: Browser, person: Person | None = None, **more: str | None) -> dict[str, Any]:
        """The whole flow."""
        response = self.exchange(self.code(browser, person, **more).given["code"])
        assert response.status_code == 200, response.get_data(as_text=True)
        return dict(response.get_json())

    def refresh(self, token: str, auth: str = "basic", **more: str) -> TestResponse:
        return self.token(auth, grant_type="refresh_token", refresh_token=token, **more)

    def introspect(self, token: str, **more: str) -> dict[str, Any]:
        response = self.post("/oauth2/introspect", {"token": token, **more})
        assert response.status_code == 200, response.get_data(as_text=True)
        return dict(response.get_json())

    def userinfo(self, token: str) -> TestResponse:
        return self.http.get(
            f"/{self.pool.id}/oauth2/userInfo",
            headers={"Authorization": f"Bearer {token}"},
            base_url=self.world.url,
        )

    def discovery(self) -> dict[str, Any]:
        return dict(self.get("/.well-known/openid-configuration").get_json())

    def get(self, path: str) -> TestResponse:
        return self.http.get(f"/{self.pool.id}{path}", base_url=self.world.url)

    def keys(self) -> KeySet:
        return KeySet.import_key_set(self.get("/.well-known/jwks.json").get_json())

    def id_claims(self, id_token: str, nonce: str | None = None) -> dict[str, Any]:
        """The claims of an ID token once everything of OIDC Core §3.1.3.7 was checked."""
        token = jwt.decode(id_token, self.keys(), algorithms=["RS256", "ES256", "EdDSA"])
        claims = dict(token.claims)
        assert claims["iss"] == self.pool.issuer
        assert claims["aud"] == self.client.id
        assert claims["iat"] - 5 <= time.time() < claims["exp"]
        if nonce is not None:
            assert claims["nonce"] == nonce
        return claims


def rp(pool: PoolInWorld, mode: str = "query", *, public: bool = False, **members: Any) -> Rp:
    """A new client for the code flow."""
    given: dict[str, Any] = {
        "GenerateSecret": not public,
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": SCOPES,
        "CallbackURLs": [CALLBACK],
        "LogoutURLs": [SIGNED_OUT],
        "SupportedIdentityProviders": ["COGNITO"],
    }
    return Rp(pool.client(**(given | members)), mode)


def own(client: Rp, **settings: Any) -> Rp:
    """Give the client settings that Cognito does not have."""
    with unit.open(client.world.runtime, write=True):
        clients.set_own(client.pool.id, client.client.id, settings)
    return client


def machine(pool: PoolInWorld, scopes: list[str]) -> Rp:
    """A new client for client_credentials."""
    return rp(
        pool,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=scopes,
        CallbackURLs=[],
        LogoutURLs=[],
    )


def api(pool: PoolInWorld, identifier: str = "notes", scopes: tuple[str, ...] = ("read", "write")) -> list[str]:
    """A new resource server; its scopes."""
    pool.idp.create_resource_server(
        UserPoolId=pool.id,
        Identifier=identifier,
        Name=identifier,
        Scopes=[{"ScopeName": s, "ScopeDescription": s} for s in scopes],
    )
    return [f"{identifier}/{s}" for s in scopes]
