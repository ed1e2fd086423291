"""Fake social providers that answer as each one publishes that it does, errors included.

How to use them (the fixture is in conftest.py)::

    def test_something(world, pool, social):
        google = social.google                      # facebook amazon apple x github microsoft linkedin
        google.person |= {"email": "ann@example.com"}
        pool.idp.create_identity_provider(
            UserPoolId=pool.id, ProviderName="Google", ProviderType=google.type, ProviderDetails=google.details,
            AttributeMapping={"email": "email", "username": "sub"},
        )

The details hold the fake's addresses in the documented OpenID keys. A fake agrees at once and redirects back; with
``fake.asks = True`` its page has the links ``#allow`` and ``#deny`` for a real browser. ``visit(address)`` is a browser
without cookies: it opens an authorization address at a fake and tells where that sent it (:class:`fake.Returned`).

``fake.trouble`` is one of: ``deny`` (the person cancels) · ``unavailable``, ``broken`` (the authorization endpoint says
temporarily_unavailable, server_error) · ``token_unavailable`` (503 at the token endpoint) · ``code_expired`` ·
``profile_unavailable`` (503 where the profile is asked). Another ``client_secret`` in the details gives the provider's
own words for that. ``fake.redirect_uris = {...}`` is what is registered. ``fake.claims`` changes ID tokens,
``fake.answers["/path"] = Reply(...)`` answers anything, ``fake.asked_at("/token")`` tells what was asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.federation.fake import Fake, Returned, Server
from tests.federation.oauth_fakes import Amazon, Facebook, GitHub, X
from tests.federation.openid_fakes import Apple, Google, LinkedIn, Microsoft
from tests.oidc import _Forms

F = TypeVar("F", bound=Fake)


class Social:
    """All of them, on one port."""

    def __init__(self) -> None:
        self.server = Server()
        self.google = self._add(Google(self.server.url))
        self.facebook = self._add(Facebook(self.server.url))
        self.amazon = self._add(Amazon(self.server.url))
        self.apple = self._add(Apple(self.server.url))
        self.x = self._add(X(self.server.url))
        self.github = self._add(GitHub(self.server.url))
        self.microsoft = self._add(Microsoft(self.server.url))
        self.linkedin = self._add(LinkedIn(self.server.url))

    def _add(self, fake: F) -> F:
        self.server.fakes[fake.name] = fake
        return fake

    def __iter__(self) -> Iterator[Fake]:
        return iter(self.server.fakes.values())

    def __getitem__(self, name: str) -> Any:
        return self.server.fakes[name]


@pytest.fixture(scope="session")
def _social() -> Iterator[Social]:
    made = Social()
    yield made
    made.server.close()


@pytest.fixture
def social(_social: Social) -> Social:
    """The fake providers, as new."""
    for fake in _social:
        fake.reset()
    return _social


def visit(address: str) -> Returned:
    """Open an address at a fake as a browser does: where it sends back to, and with what."""
    answer = requests.get(address, allow_redirects=False, timeout=10)
    if location := answer.headers.get("Location"):
        parts = urlsplit(location)
        return Returned(f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query)))
    if "document.forms[0].submit()" in answer.text:
        form = _Forms(answer.text).forms[0]
        return Returned(form["action"], form["fields"], posted=True)
    return Returned(address, {}, page=answer.text, status=answer.status_code)
