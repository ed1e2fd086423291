"""Two enterprises' providers in one pool: what one says reaches nobody of the other's."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.oidc import _Forms
from tests.saml.enterprise import EMAIL, Joined, joined
from tests.saml.pysaml2_idp import Account, Pysaml2Idp, pysaml2_idp
from tests.saml.surfer import Surfer
from tests.world import World


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Idp]:
    with pysaml2_idp(tmp_path_factory.mktemp("good")) as idp:
        idp.people["ann"] = Account("Ann-7", {EMAIL: ["ann@two.example"]})
        yield idp


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Idp]:
    with pysaml2_idp(tmp_path_factory.mktemp("evil")) as idp:
        idp.people["mallory"] = Account("Ann-7", {EMAIL: ["ann@two.example"]})
        yield idp


@pytest.fixture
def sites(world: World, good: Pysaml2Idp, evil: Pysaml2Idp) -> tuple[Joined, Joined]:
    site = joined(world, good, name="Good")
    return site, site.beside(evil, "Evil")


def test_the_same_name_and_the_same_address_are_two_people(sites: tuple[Joined, Joined]) -> None:
    good, evil = sites
    ann = good.claims(good.leave(Surfer()).submit(username="ann", do="in"))
    mallory = evil.claims(evil.leave(Surfer()).submit(username="mallory", do="in"))
    assert ann["sub"] != mallory["sub"]
    assert (ann["cognito:username"], mallory["cognito:username"]) == ("Good_Ann-7", "Evil_Ann-7")
    assert good.claims(good.leave(Surfer()).submit(username="ann", do="in"))["sub"] == ann["sub"]


def test_one_provider_cannot_answer_what_another_was_asked(
    sites: tuple[Joined, Joined], good: Pysaml2Idp, evil: Pysaml2Idp
) -> None:
    site, _ = sites
    person = site.leave(Surfer())
    asked = good.requests[-1]
    relay_state = parse_qs(urlsplit(person.url).query)["RelayState"][0]
    page = evil.forge("mallory", site.entity_id, f"{site.pool.issuer}/saml2/idpresponse", asked.id, relay_state)
    (form,) = _Forms(page.body.decode()).forms
    person.go(form["action"], form["fields"])
    assert person.left is None
    assert "Good sent an answer that we cannot use" in person.text
    with pytest.raises(site.pool.idp.exceptions.UserNotFoundException):
        site.profile("Ann-7")
