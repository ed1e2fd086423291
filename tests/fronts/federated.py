"""A pool with identity providers, an app that offers them, and somebody's browser: what tests of the pages share."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from poolhouse.core import unit
from poolhouse.users import User, directory
from tests.federation.fake import Fake
from tests.oidc import CALLBACK, Rp, rp
from tests.saml import enterprise
from tests.saml.surfer import Surfer
from tests.world import PoolInWorld, World

NAMES = {"google": "Google", "facebook": "Facebook", "amazon": "LoginWithAmazon", "apple": "SignInWithApple"}


def provider(pool: PoolInWorld, fake: Fake, name: str = "", **more: Any) -> str:
    """Make ``fake`` an identity provider of the pool; its name there."""
    name = name or NAMES.get(fake.name, fake.name)
    given: dict[str, Any] = {"AttributeMapping": {"email": "email"}, "ProviderDetails": fake.details, **more}
    pool.idp.create_identity_provider(UserPoolId=pool.id, ProviderName=name, ProviderType=fake.type, **given)
    return name


def ours(world: World) -> Any:
    """boto3 for the service ``poolhouse``."""
    return enterprise.ours(world, Path(world.settings.data_dir) / "models")


def extend(pool: PoolInWorld, name: str, **own: Any) -> None:
    """SetIdentityProviderExtensions."""
    ours(pool.world).set_identity_provider_extensions(UserPoolId=pool.id, ProviderName=name, Extensions=own)


@dataclass
class Visitor:
    """Somebody with a browser of their own, whom the app sends to sign in."""

    app: Rp
    browser: Surfer = field(default_factory=Surfer)

    def begin(self, **parameters: str | None) -> Visitor:
        """Come from the app."""
        self.asked = self.app.request(**parameters)
        self.browser.go(f"{self.app.world.url}/{self.app.pool.id}/oauth2/authorize?{urlencode(self.asked)}")
        return self

    def open(self, path: str, **parameters: str) -> Visitor:
        """Open a page of the pool."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        self.browser.go(f"{self.app.world.url}/{self.app.pool.id}{path}{query}")
        return self

    def press(self, text: str) -> Visitor:
        """Follow the link that says ``text``."""
        for link in re.finditer(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', self.browser.text, re.DOTALL):
            if text in html.unescape(re.sub(r"<[^>]+>", " ", link[2])):
                self.browser.go(html.unescape(link[1]))
                return self
        raise AssertionError(f"no link {text!r} at {self.browser.url}: {self.browser.text[-2000:]}")

    @property
    def page(self) -> str:
        """Where the browser stands, within the pool."""
        return urlsplit(self.browser.url).path.removeprefix(f"/{self.app.pool.id}")

    @property
    def text(self) -> str:
        return self.browser.text

    @property
    def status(self) -> int:
        return self.browser.status

    @property
    def handle(self) -> str:
        """The journey's handle, as the page's address has it."""
        return dict(parse_qsl(urlsplit(self.browser.url).query))["request"]

    @property
    def given(self) -> dict[str, str]:
        """What the app was given."""
        assert self.browser.left is not None, f"no answer, but {self.status} at {self.browser.url}: {self.text[-1500:]}"
        assert self.browser.url.startswith(CALLBACK)
        assert self.browser.left.get("state") == self.asked.get("state")
        assert self.browser.left["iss"] == self.app.pool.issuer
        return self.browser.left

    def claims(self) -> dict[str, Any]:
        """The ID token that the app's code is good for."""
        response = self.app.exchange(self.given["code"])
        assert response.status_code == 200, response.get_data(as_text=True)
        return self.app.id_claims(response.get_json()["id_token"], self.asked.get("nonce"))


def app(pool: PoolInWorld, *providers: str, **members: Any) -> Rp:
    """An app that offers these, among them ``COGNITO`` for the pool's own accounts."""
    return rp(pool, SupportedIdentityProviders=list(providers), **members)


def find(world: World, pool: PoolInWorld, sub: str) -> User:
    """The user, as stored."""
    with unit.open(world.runtime):
        user = directory.by_sub(pool.id, sub)
    assert user is not None
    return user
