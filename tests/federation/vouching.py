"""A provider that is its connector and nothing else: it vouches for whomever a test says has arrived.

What connectors check of the answers of real providers has tests of its own; here is what happens to those who come.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from poolhouse.account.events import PostConfirmation, PreSignUp
from poolhouse.core import unit
from poolhouse.federation import catalogue, connectors
from poolhouse.federation.connector import Departure, ExternalIdentity, Landing, Sent
from poolhouse.federation.events import InboundFederation
from poolhouse.federation.provider import Provider
from poolhouse.signin.events import PostAuthentication, PreAuthentication
from poolhouse.tokens.events import PreTokenGeneration
from poolhouse.user_pools import lookup, pools
from tests.oidc import CALLBACK, SCOPES, Browser, Page, Rp, own, rp
from tests.world import PoolInWorld, World

DETAILS = {
    "client_id": "pool",
    "client_secret": "a-secret-of-upstream",
    "authorize_scopes": "openid email",
    "oidc_issuer": "https://upstream.example",
}
SOCIAL = {"client_id": "pool", "client_secret": "a-secret-of-upstream", "authorize_scopes": "email"}
MAPPING = {"email": "email", "email_verified": "email_verified", "name": "name", "given_name": "given_name"}
_codes = itertools.count(1)


class Vouching:
    """The connector."""

    def __init__(self) -> None:
        self.waiting: dict[str, ExternalIdentity] = {}
        self.meanwhile: dict[str, Any] = {}

    def check(self, provider: Provider) -> Mapping[str, str]:
        return provider.details

    def depart(self, provider: Provider, departure: Departure) -> Sent:
        return Sent(f"https://upstream.example/{provider.name}?{urlencode({'state': departure.state})}")

    def land(self, provider: Provider, landing: Landing) -> ExternalIdentity:
        return self.waiting.pop(landing.parameters["code"])

    def shown(self, provider: Provider) -> Mapping[str, str]:
        return {}

    def code(self, identity: ExternalIdentity) -> str:
        """What the provider answers with for ``identity``."""
        code = f"code-{next(_codes)}"
        self.waiting[code] = identity
        return code


@pytest.fixture
def vouching(monkeypatch: pytest.MonkeyPatch) -> Vouching:
    """Every provider, of whichever type, vouches for whom the test says."""
    connector = Vouching()
    for kind in ("OIDC", "Google", "Facebook", "SAML"):
        monkeypatch.setitem(connectors.CONNECTORS, kind, lambda: connector)
    return connector


def somebody(subject: str, **claims: Any) -> ExternalIdentity:
    """Who arrives; several values of a claim as a tuple."""
    return ExternalIdentity(subject, claims)


def totp_secret(page: Page) -> str:
    """The secret that a page shows for an authenticator."""
    found = re.search(r">([A-Z2-7 ]{32,})<", page.text)
    assert found, page.text
    return found[1].replace(" ", "")


@dataclass
class Upstream:
    """Providers of a pool, and an app that offers them."""

    pool: PoolInWorld
    connector: Vouching
    names: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    app: Rp = field(init=False)

    def provider(
        self, name: str = "Okta", type_: str = "OIDC", mapping: Mapping[str, str] | None = None, **extensions: Any
    ) -> str:
        """A new provider; ``extensions`` are our own settings of it by their stored names."""
        details = DETAILS if type_ == "OIDC" else SOCIAL
        if type_ == "SAML":
            details = {"MetadataFile": "<md/>"}
        self.pool.idp.create_identity_provider(
            UserPoolId=self.pool.id,
            ProviderName=name,
            ProviderType=type_,
            ProviderDetails=details,
            AttributeMapping=dict(MAPPING if mapping is None else mapping),
        )
        if extensions:
            self.extend(name, **extensions)
        self.names.append(name)
        self.types[name] = type_
        return name

    def extend(self, name: str, **extensions: Any) -> None:
        """Our own settings of a provider."""
        with unit.open(self.pool.world.runtime):
            catalogue.set_own(lookup.pool(self.pool.id), name, extensions)

    def prove(self) -> None:
        """Let accounts be connected by proof (the pool's LinkByVerifiedEmail)."""
        with unit.open(self.pool.world.runtime):
            pools.set_own(self.pool.id, {"link_by_verified_email": "prove"})

    def client(self, *, local: bool = True, settings: Mapping[str, Any] | None = None, **members: Any) -> Rp:
        """A new app that offers the providers there are; ``settings`` are our own by their stored names."""
        offered = [*self.names, *(["COGNITO"] if local else [])]
        scopes = [*SCOPES, "aws.cognito.signin.user.admin"]
        self.app = rp(self.pool, SupportedIdentityProviders=offered, AllowedOAuthScopes=scopes, **members)
        return own(self.app, **settings) if settings else self.app

    def come(
        self, identity: ExternalIdentity, name: str = "Okta", *, browser: Browser | None = None, **more: str | None
    ) -> Page:
        """A browser on its way through the provider, to wherever that leads."""
        browser = browser or Browser(self.pool.world)
        state = self.leave(name, browser, **more)
        return self.answer(browser, state, self.connector.code(identity), name)

    def leave(self, name: str = "Okta", browser: Browser | None = None, **more: str | None) -> str:
        """Away to the provider; the state that it is given."""
        browser = browser or Browser(self.pool.world)
        page = browser.go(self.app.url(identity_provider=name, **more))
        assert not page.ours, f"not away, but {page.status} at {page.url}: {page.text[:800]}"
        assert page.url.startswith(f"https://upstream.example/{name}?"), page.url
        return parse_qs(urlsplit(page.url).query)["state"][0]

    def answer(self, browser: Browser, state: str, code: str, name: str = "Okta") -> Page:
        """What the provider sends the browser back with."""
        if self.types.get(name) == "SAML":
            return browser.go(f"{self.pool.issuer}/saml2/idpresponse", {"RelayState": state, "code": code})
        query = urlencode({"state": state, "code": code})
        return browser.go(f"{self.pool.issuer}/oauth2/idpresponse?{query}")

    def tokens(self, identity: ExternalIdentity, name: str = "Okta", **more: Any) -> dict[str, Any]:
        """The whole way, to tokens."""
        page = self.come(identity, name, **more)
        assert not page.ours, f"not in, but {page.status} at {page.url}: {page.text[:800]}"
        assert page.url.startswith(CALLBACK), page.url
        assert "code" in page.given, page.given
        response = self.app.exchange(page.given["code"])
        assert response.status_code == 200, response.get_data(as_text=True)
        return dict(response.get_json())

    def claims(self, identity: ExternalIdentity, name: str = "Okta", **more: Any) -> dict[str, Any]:
        """The whole way, to the ID token's claims."""
        return self.app.id_claims(self.tokens(identity, name, **more)["id_token"])

    def refused(self, identity: ExternalIdentity, name: str = "Okta") -> dict[str, str]:
        """What the app is told of somebody who may not come in."""
        browser = Browser(self.pool.world)
        page = self.come(identity, name, browser=browser)
        if page.ours:
            link = next(part for part in page.text.split('"') if "/oauth2/authorize/refuse" in part)
            page = browser.go(link.replace("&amp;", "&"))
        assert page.url.startswith(CALLBACK), page.url
        assert "code" not in page.given
        return page.given

    def user(self, username: str) -> dict[str, Any]:
        """AdminGetUser, its attributes by name."""
        found = self.pool.idp.admin_get_user(UserPoolId=self.pool.id, Username=username)
        return {**found, "Attributes": {a["Name"]: a["Value"] for a in found["UserAttributes"]}}

    def groups(self, username: str) -> set[str]:
        """The names of the user's groups."""
        found = self.pool.idp.admin_list_groups_for_user(UserPoolId=self.pool.id, Username=username)["Groups"]
        return {group["GroupName"] for group in found}

    def usernames(self) -> list[str]:
        """Everybody's."""
        return sorted(user["Username"] for user in self.pool.idp.list_users(UserPoolId=self.pool.id)["Users"])


@dataclass
class Hooks:
    """What was asked, in order; ``answers`` is what a test does with a question, by its type."""

    asked: list[Any] = field(default_factory=list)
    answers: dict[type, Any] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [type(question).__name__ for question in self.asked]

    def hear(self, question: Any) -> Any:
        self.asked.append(question)
        answer = self.answers.get(type(question))
        return answer(question) if answer is not None else question


@pytest.fixture
def hooks(world: World) -> Iterator[Hooks]:
    """Listens to every question of a sign-in through a provider."""
    heard, bus = Hooks(), world.runtime.bus
    before = {question: list(listeners) for question, listeners in bus._asked.items()}
    for question in (
        InboundFederation,
        PreSignUp,
        PostConfirmation,
        PreAuthentication,
        PostAuthentication,
        PreTokenGeneration,
    ):
        bus.answering(question, heard.hear)
    yield heard
    bus._asked = before


@pytest.fixture
def upstream(pool: PoolInWorld, vouching: Vouching) -> Upstream:
    """A pool with the provider Okta, and an app that offers it."""
    made = Upstream(pool, vouching)
    made.provider()
    made.client()
    return made
