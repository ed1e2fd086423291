"""Acting as a SAML identity provider: pysaml2's service provider, through a browser, from the request to the greeting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.saml.application import Application, introduced, sign_in
from tests.saml.pysaml2_sp import Pysaml2Sp, pysaml2_sp
from tests.saml.surfer import Surfer
from tests.world import World

WELCOME = "Welcome to the app"
ATTRIBUTES = {"mail": "email", "given": "given_name", "urn:oid:0.9.2342.19200300.100.1.1": "username"}


@pytest.fixture(scope="module")
def _sp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Sp]:
    with pysaml2_sp(tmp_path_factory.mktemp("sp"), allow_unsolicited=True) as sp:
        yield sp


@pytest.fixture
def sp(_sp: Pysaml2Sp) -> Pysaml2Sp:
    _sp.arrived.clear()
    _sp.refused.clear()
    _sp.logged_out.clear()
    _sp.request = {}
    return _sp


@pytest.fixture
def app(world: World, sp: Pysaml2Sp, tmp_path: Path) -> Application:
    return introduced(world.pool(), sp, tmp_path, Attributes=ATTRIBUTES, GroupsAttribute="groups")


@pytest.fixture
def surfer() -> Surfer:
    return Surfer()


def test_a_person_of_the_pool_signs_in_to_a_saml_app(app: Application, sp: Pysaml2Sp, surfer: Surfer) -> None:
    ann = app.pool.user("ann", email="ann@saml-idp.example", email_verified="true", given_name="Änne <&>")
    app.pool.idp.create_group(UserPoolId=app.pool.id, GroupName="staff")
    app.pool.idp.create_group(UserPoolId=app.pool.id, GroupName="eng")
    for group in ("staff", "eng"):
        app.pool.idp.admin_add_user_to_group(UserPoolId=app.pool.id, Username="ann", GroupName=group)
    surfer.go(f"{sp.url}/login?relay_state=<b>here</b>")
    sign_in(surfer, ann)
    assert WELCOME in surfer.text, f"{surfer.url}: {surfer.text}"
    (arrived,) = sp.arrived
    assert arrived.relay_state == "<b>here</b>"
    assert arrived.attributes["mail"] == ["ann@saml-idp.example"]
    assert arrived.attributes["given"] == ["Änne <&>"]
    assert sorted(arrived.attributes["groups"]) == ["eng", "staff"]
    assert arrived.authn_context.endswith(":PasswordProtectedTransport")
    assert arrived.name_id.format.endswith(":persistent")
    assert arrived.name_id.sp_name_qualifier == sp.entity_id
    assert ann.sub not in arrived.name_id.text
