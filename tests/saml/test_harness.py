"""The counterparts themselves: an identity provider and a service provider of one make understand each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.saml.pysaml2_idp import Account, Pysaml2Idp, pysaml2_idp, start_url
from tests.saml.pysaml2_sp import Pysaml2Sp, pysaml2_sp
from tests.saml.simplesamlphp import PASSWORD, simplesamlphp
from tests.saml.surfer import Surfer


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Idp]:
    with pysaml2_idp(tmp_path_factory.mktemp("idp")) as idp:
        idp.people["ann"] = Account("ann-7", {"mail": ["ann@enterprise.example"], "groups": ["staff", "eng"]})
        yield idp


@pytest.fixture(scope="module")
def sp(idp: Pysaml2Idp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Sp]:
    with pysaml2_sp(tmp_path_factory.mktemp("sp"), allow_unsolicited=True) as sp:
        idp.know("app", sp.metadata)
        sp.know(idp.metadata)
        yield sp


@pytest.mark.parametrize("encrypt", [False, True], ids=["clear", "encrypted"])
def test_a_sign_in_and_a_sign_out_from_either_side(idp: Pysaml2Idp, sp: Pysaml2Sp, encrypt: bool) -> None:
    idp.encrypt = encrypt
    person = Surfer()
    assert "Sign in at the enterprise" in person.go(f"{sp.url}/login?relay_state=here").text
    assert "Welcome to the app" in person.submit(username="ann", do="in").text
    arrived = sp.arrived[-1]
    assert (arrived.name_id.text, arrived.relay_state) == ("ann-7", "here")
    assert arrived.attributes["mail"] == ["ann@enterprise.example"]
    assert arrived.attributes["groups"] == ["staff", "eng"]
    assert "Welcome" in person.go(f"{sp.url}/login").text, "the provider's session lasts"
    assert "You have signed out everywhere" in person.go(f"{sp.url}/logout").text
    assert idp.logged_out[-1] == "ann-7"
    assert "Sign in at the enterprise" in person.go(f"{sp.url}/login").text

    person.submit(username="ann", do="in")
    assert "You have signed out everywhere" in person.go(f"{idp.url}/logout").text
    assert sp.logged_out[-1] == "ann-7"


def test_a_denial_and_a_start_at_the_provider(idp: Pysaml2Idp, sp: Pysaml2Sp, tmp_path: Path) -> None:
    idp.encrypt = False
    person = Surfer()
    person.go(f"{sp.url}/login")
    assert person.submit(username="", do="no").status == 403
    assert "AuthnFailed" in type(sp.refused[-1]).__name__
    person.go(start_url(idp, sp.entity_id, "a state of its own"))
    assert "Welcome" in person.submit(username="ann", do="in").text
    assert sp.arrived[-1].relay_state == "a state of its own"
    assert sp.arrived[-1].in_response_to is None


def test_a_whole_providers_program_signs_somebody_in_and_out(tmp_path: Path) -> None:
    with simplesamlphp(tmp_path / "idp") as enterprise, pysaml2_sp(tmp_path) as app:
        enterprise.people["ann"] = {"mail": ["ann@enterprise.example"], "groups": ["staff", "eng"]}
        enterprise.know("app", app.metadata)
        app.know(enterprise.metadata)
        person = Surfer()
        for encrypt in (False, True):
            enterprise.encrypt = encrypt
            enterprise.save()
            person.go(f"{app.url}/login")
            assert "Enter your username and password" in person.text
            assert "Welcome to the app" in person.submit(username="ann", password=PASSWORD).text
            assert ("EncryptedAssertion" in app.responses[-1]) is encrypt
            assert app.arrived[-1].name_id.text == "ann"
            assert app.arrived[-1].attributes["groups"] == ["staff", "eng"]
            assert "You have signed out everywhere" in person.go(f"{app.url}/logout").text, enterprise.log
        enterprise.rotate()
        app.know(enterprise.metadata)
        person.go(f"{app.url}/login")
        assert "Welcome to the app" in person.submit(username="ann", password=PASSWORD).text
