"""Signing out everywhere: begun at the app, and begun at the enterprise's provider (pysaml2's)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from poolhouse.core import clock
from tests.oidc import SIGNED_OUT
from tests.saml.enterprise import EMAIL, Joined, joined
from tests.saml.party import POST, REDIRECT
from tests.saml.pysaml2_idp import Account, Pysaml2Idp, pysaml2_idp
from tests.saml.surfer import Surfer
from tests.world import World

SIGN_IN = "Sign in at the enterprise"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"


@pytest.fixture(scope="module")
def _idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Idp]:
    with pysaml2_idp(tmp_path_factory.mktemp("pysaml2")) as idp:
        idp.people["ann"] = Account("Ann-7", {EMAIL: ["ann@logout.example"]})
        yield idp


@pytest.fixture
def provider(_idp: Pysaml2Idp) -> Pysaml2Idp:
    _idp.logged_out.clear()
    return _idp


@pytest.fixture
def person() -> Surfer:
    return Surfer()


def arrive(site: Joined, person: Surfer) -> Surfer:
    site.leave(person)
    return person.submit(username="ann", do="in")


def sign_out(site: Joined, person: Surfer) -> Surfer:
    """At the app: Cognito's logout endpoint."""
    asked = {"client_id": site.app.client.id, "logout_uri": SIGNED_OUT}
    return person.go(f"{site.pool.issuer}/logout?{urlencode(asked)}")


def test_signing_out_at_the_app_signs_out_at_the_provider(world: World, provider: Pysaml2Idp, person: Surfer) -> None:
    site = joined(world, provider, details={"IDPSignout": "true"})
    arrive(site, person)
    sign_out(site, person)
    assert person.left is not None, f"{person.status} at {person.url}: {person.text[:1500]}"
    assert person.url.startswith(SIGNED_OUT)
    assert provider.logged_out == ["Ann-7"]
    assert SIGN_IN in site.leave(person).text, "the provider's session is over, too"


def test_without_idp_signout_the_providers_session_stays(world: World, provider: Pysaml2Idp, person: Surfer) -> None:
    site = joined(world, provider)
    arrive(site, person)
    sign_out(site, person)
    assert person.url.startswith(SIGNED_OUT)
    assert provider.logged_out == []
    assert site.leave(person).left is not None, "the provider knows the person still"


@pytest.mark.parametrize("binding", [REDIRECT, POST], ids=["redirect", "post"])
def test_signing_out_at_the_provider_ends_the_session_here(
    world: World, provider: Pysaml2Idp, person: Surfer, binding: str
) -> None:
    site = joined(world, provider, details={"IDPSignout": "true"})
    tokens = site.tokens(arrive(site, person))
    with clock.moved(seconds=5):
        other = site.tokens(arrive(site, Surfer()))
    assert person.go(site.app.url(prompt="none")).left is not None
    assert "code" in (person.left or {}), "there is a session here"

    person.go(f"{provider.url}/logout?{urlencode({'binding': binding})}")
    assert "You have signed out everywhere" in person.text, f"{person.status} at {person.url}: {person.text[:1500]}"
    assert provider.logged_out == [SUCCESS]
    person.go(site.app.url(prompt="none"))
    assert person.left is not None
    assert person.left["error"] == "login_required"
    assert site.app.refresh(tokens["refresh_token"]).status_code == 400
    assert site.app.refresh(other["refresh_token"]).status_code == 200, "a session of its own goes on"
