"""Single logout among apps and identity providers: who is asked, who is answered, and what nobody can end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from poolhouse.core import clock
from poolhouse.federation import single_logout
from tests.oidc import SIGNED_OUT, rp
from tests.saml import attack_idp
from tests.saml.application import Application, introduced, sign_in
from tests.saml.enterprise import EMAIL, joined
from tests.saml.handmade_sp import HandmadeSp, come, handmade, instant, message, only, refused, response, statuses
from tests.saml.party import KeyPair
from tests.saml.pysaml2_idp import Account, Pysaml2Idp, pysaml2_idp
from tests.saml.pysaml2_sp import Pysaml2Sp, pysaml2_sp
from tests.saml.surfer import Surfer
from tests.world import Person, PoolInWorld, World

SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
RESPONDER = "urn:oasis:names:tc:SAML:2.0:status:Responder"


@pytest.fixture
def surfer() -> Surfer:
    return Surfer()


@pytest.fixture
def one(pool: PoolInWorld, tmp_path: Path) -> HandmadeSp:
    return handmade(pool, tmp_path, "one")


@pytest.fixture
def two(pool: PoolInWorld, tmp_path: Path) -> HandmadeSp:
    return handmade(pool, tmp_path, "two")


@pytest.fixture
def ann(pool: PoolInWorld) -> Person:
    return pool.user()


def enter(surfer: Surfer, person: Person, *apps: HandmadeSp) -> list[tuple[str, str]]:
    """Sign in to the apps, one after the other; the name and the session index that each was told."""
    told = []
    for app in apps:
        app.ask(surfer)
        if surfer.left is None:
            sign_in(surfer, person)
        said = response(surfer)
        told.append((only(said, "//a:NameID").text, only(said, "//a:AuthnStatement").get("SessionIndex")))
    return told


def signed_in(surfer: Surfer, app: HandmadeSp) -> bool:
    """Whether this browser still has a session with us."""
    app.ask(surfer, app.authn_request(IsPassive="true"))
    return statuses(surfer) == ["Success"]


def answer(surfer: Surfer, app: HandmadeSp, code: str = SUCCESS, **how: Any) -> Surfer:
    """``app`` answers the LogoutRequest that the browser came with."""
    asked = message(surfer)
    assert asked.tag.endswith("}LogoutRequest"), asked.tag
    document = app.logout_response(str(asked.get("ID")), code)
    return come(surfer, app.send(document, app.app.slo, kind="SAMLResponse", **how))


# --- Begun by an app --------------------------------------------------------------------------------------------------


def window(surfer: Surfer) -> Surfer:
    """The same browser, another window."""
    other = Surfer()
    other.http = surfer.http
    return other


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_an_app_ends_the_session_and_the_other_apps_are_asked_in_turn(
    pool: PoolInWorld, tmp_path: Path, surfer: Surfer, one: HandmadeSp, two: HandmadeSp, ann: Person, binding: str
) -> None:
    three = handmade(pool, tmp_path, "three", SingleLogoutBinding="post")
    (name, index), (at_two, of_two), (at_three, _) = enter(surfer, ann, one, two, three)
    one.log_out(surfer, one.logout_request(name, index, ID="_of-one"), binding=binding, relay_state="state of one")

    assert surfer.url.startswith("https://two.example/slo?")
    assert "Signature" in (surfer.left or {})
    asked = message(surfer)
    assert asked.get("Destination") == "https://two.example/slo"
    assert only(asked, "a:NameID").text == at_two
    assert only(asked, "p:SessionIndex").text == of_two
    assert not signed_in(window(surfer), one), "the session is over before anybody has answered"

    answer(surfer, two)
    assert surfer.url == "https://three.example/slo"
    asked = message(surfer)
    assert only(asked, "ds:Signature") is not None
    assert only(asked, "a:NameID").text == at_three

    answer(surfer, three, binding="post")
    assert surfer.url.startswith("https://one.example/slo?")
    assert (surfer.left or {})["RelayState"] == "state of one"
    told = message(surfer)
    assert told.get("InResponseTo") == "_of-one"
    assert statuses(surfer) == ["Success"]

    one.log_out(surfer, one.logout_request(name, index), binding=binding)
    assert statuses(surfer) == ["Requester", "UnknownPrincipal"], "there is nothing left to end"


def test_a_party_that_fails_makes_the_logout_a_partial_one(
    pool: PoolInWorld, tmp_path: Path, surfer: Surfer, one: HandmadeSp, two: HandmadeSp, ann: Person
) -> None:
    deaf = handmade(pool, tmp_path, "deaf", SingleLogoutService=None)
    gone = handmade(pool, tmp_path, "gone")
    (name, index), *_ = enter(surfer, ann, one, deaf, gone, two)
    gone.app.extensions.set_user_pool_client_extensions(**gone.app.ids, Extensions={})
    one.log_out(surfer, one.logout_request(name, index))
    assert surfer.url.startswith("https://two.example/slo?"), "who cannot be asked is passed over"
    answer(surfer, two)
    assert statuses(surfer) == ["Success", "PartialLogout"]

    (name, index), _ = enter(surfer, ann, one, two)
    one.log_out(surfer, one.logout_request(name, index))
    answer(surfer, two, RESPONDER)
    assert statuses(surfer) == ["Success", "PartialLogout"]


def test_a_browser_is_not_redirected_until_it_tires(
    pool: PoolInWorld, tmp_path: Path, surfer: Surfer, one: HandmadeSp, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_logout, "_PAUSE_EVERY", 2)
    others = [handmade(pool, tmp_path, f"other{number}") for number in range(5)]
    (name, index), *_ = enter(surfer, ann, one, *others)
    one.log_out(surfer, one.logout_request(name, index))
    for other in others:
        answer(surfer, other)
    assert statuses(surfer) == ["Success"]
    visited = [step.status for step in surfer.way if step.url.startswith(one.app.slo)]
    assert visited == [303, 303, 200, 303, 200, 303], "a page where it was redirected twice"


def test_an_app_ends_the_sessions_that_it_names_and_all_if_it_names_none(
    surfer: Surfer, one: HandmadeSp, ann: Person
) -> None:
    other, third = Surfer(), Surfer()
    told = [enter(browser, ann, one)[0] for browser in (surfer, other, third)]
    name = told[0][0]
    assert {called for called, _ in told} == {name}
    asking = Surfer()
    one.log_out(asking, one.logout_request(name, told[1][1]))
    assert statuses(asking) == ["Success"]
    assert [signed_in(browser, one) for browser in (surfer, other, third)] == [True, False, True]
    one.log_out(asking, one.logout_request(name))
    assert [signed_in(browser, one) for browser in (surfer, other, third)] == [False, False, False]


def test_an_app_that_outlived_our_session_may_still_end_its_own(surfer: Surfer, one: HandmadeSp, ann: Person) -> None:
    ((name, index),) = enter(surfer, ann, one)
    with clock.moved(days=3):
        one.log_out(surfer, one.logout_request(name, index, IssueInstant=instant(days=-3)))
        assert statuses(surfer) == ["Success"]


def test_who_proves_themselves_once_more_signs_out_of_everything_after_all(
    surfer: Surfer, one: HandmadeSp, two: HandmadeSp, ann: Person
) -> None:
    enter(surfer, ann, one)
    two.ask(surfer, two.authn_request(ForceAuthn="true"))
    sign_in(surfer, ann)
    told = response(surfer)
    name, index = only(told, "//a:NameID").text, only(told, "//a:AuthnStatement").get("SessionIndex")
    two.log_out(surfer, two.logout_request(name, index))
    assert surfer.url.startswith("https://one.example/slo?")


def test_the_apps_of_somebody_else_at_the_same_browser_are_not_asked(
    pool: PoolInWorld, surfer: Surfer, one: HandmadeSp, two: HandmadeSp, ann: Person
) -> None:
    enter(surfer, ann, one)
    bob = pool.user()
    two.ask(surfer, two.authn_request(ForceAuthn="true"))
    sign_in(surfer, bob)
    told = response(surfer)
    name, index = only(told, "//a:NameID").text, only(told, "//a:AuthnStatement").get("SessionIndex")
    two.log_out(surfer, two.logout_request(name, index))
    assert statuses(surfer) == ["Success"]


# --- Begun by us ------------------------------------------------------------------------------------------------------


def test_our_own_logout_asks_every_app_and_then_goes_on(
    pool: PoolInWorld, surfer: Surfer, one: HandmadeSp, two: HandmadeSp, ann: Person
) -> None:
    app = rp(pool)
    enter(surfer, ann, one, two)
    asked = {"client_id": app.client.id, "logout_uri": SIGNED_OUT, "state": "of the app"}
    surfer.go(f"{pool.issuer}/logout?{urlencode(asked)}")
    assert surfer.url.startswith("https://one.example/slo?")
    assert not signed_in(window(surfer), one)
    answer(surfer, one, RESPONDER)
    assert surfer.url.startswith("https://two.example/slo?")
    answer(surfer, two)
    assert surfer.url == f"{SIGNED_OUT}?state=of+the+app"

    surfer.go(f"{pool.issuer}/logout?{urlencode(asked)}")
    assert surfer.url.startswith(SIGNED_OUT), "nobody is left to ask"


def test_the_page_that_asks_leads_through_the_apps_too(
    pool: PoolInWorld, surfer: Surfer, one: HandmadeSp, ann: Person
) -> None:
    enter(surfer, ann, one)
    surfer.go(f"{pool.issuer}/logout")
    assert "Sign out?" in surfer.text
    form = surfer.forms[0]
    surfer.go(form["action"], form["fields"])
    assert surfer.url.startswith("https://one.example/slo?")
    answer(surfer, one)
    assert surfer.url == f"{pool.issuer}/signedout"
    assert surfer.status == 200


# --- What nobody can end ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_an_unsigned_logout_request_is_refused(
    tmp_path: Path, surfer: Surfer, one: HandmadeSp, ann: Person, binding: str
) -> None:
    ((name, index),) = enter(surfer, ann, one)
    own = one.pair
    for signed in (False, True):
        one.log_out(surfer, one.logout_request(name, index), binding=binding, signed=signed)
        assert refused(surfer) == "saml_request"
        one.pair = KeyPair.make(tmp_path, "stolen")
    one.pair = own
    assert signed_in(surfer, one)
    one.app.configure(Certificate=None, SingleLogoutService=None)
    one.log_out(surfer, one.logout_request(name, index), binding=binding)
    assert refused(surfer) == "saml_request", "with no certificate nothing can be proven"


def test_an_app_ends_no_session_that_it_was_not_told_of(
    pool: PoolInWorld, surfer: Surfer, one: HandmadeSp, two: HandmadeSp, ann: Person
) -> None:
    """``two`` knows by accident what ``one`` was told, and signs for itself."""
    ((name, index),) = enter(surfer, ann, one)
    stranger, bob = Surfer(), pool.user()
    enter(stranger, bob, two)
    asking = Surfer()
    for indexes in (index, None):
        two.log_out(asking, two.logout_request(name, indexes))
        assert statuses(asking) == ["Requester", "UnknownPrincipal"]
    two.log_out(asking, two.logout_request(bob.username, index))
    assert statuses(asking) == ["Requester", "UnknownPrincipal"], "another's session, a name of its own"
    forged = HandmadeSp(two.app, two.pair, one.entity_id, two.acs, two.slo)
    forged.log_out(asking, forged.logout_request(name, index))
    assert refused(asking) == "saml_request", "signed by two, in the name of one"
    assert signed_in(surfer, one)
    assert signed_in(stranger, two)


@pytest.mark.parametrize(
    "changed",
    [
        {"Destination": "https://other.example/saml2/idp/slo"},
        {"Destination": None},
        {"Version": "1.1"},
        {"IssueInstant": instant(minutes=20)},
        {"IssueInstant": instant(minutes=-20)},
        {"NotOnOrAfter": instant(minutes=5)},
        {"NotOnOrAfter": "soon"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_logout_request_for_another_or_of_another_time_is_refused(
    surfer: Surfer, one: HandmadeSp, ann: Person, changed: dict[str, str | None]
) -> None:
    ((name, index),) = enter(surfer, ann, one)
    one.log_out(surfer, one.logout_request(name, index, **changed))
    assert refused(surfer) == "saml_request"
    assert signed_in(surfer, one)


def test_a_logout_request_counts_once(surfer: Surfer, one: HandmadeSp, ann: Person) -> None:
    ((name, _),) = enter(surfer, ann, one)
    request = one.logout_request(name)
    one.log_out(surfer, request)
    assert statuses(surfer) == ["Success"]
    enter(surfer, ann, one)
    one.log_out(surfer, request)
    assert refused(surfer) == "saml_request"
    assert signed_in(surfer, one)


def test_names_are_compared_to_the_letter(surfer: Surfer, one: HandmadeSp, ann: Person) -> None:
    ((name, index),) = enter(surfer, ann, one)
    for other in (name.upper(), name + " x", name[:-1]):
        one.log_out(surfer, one.logout_request(other, index))
        assert statuses(surfer) == ["Requester", "UnknownPrincipal"]
    assert signed_in(surfer, one)


def test_nobody_answers_for_another_nor_twice(surfer: Surfer, one: HandmadeSp, two: HandmadeSp, ann: Person) -> None:
    (name, index), _ = enter(surfer, ann, one, two)
    one.log_out(surfer, one.logout_request(name, index))
    awaited = str(message(surfer).get("ID"))
    stranger = Surfer()
    come(stranger, two.send(two.logout_response("_made-up", SUCCESS), two.app.slo, kind="SAMLResponse"))
    assert refused(stranger) == "saml_request"
    sending = two.send(two.logout_response(awaited, SUCCESS), two.app.slo, kind="SAMLResponse")
    come(surfer, sending)
    assert statuses(surfer) == ["Success"]
    come(surfer, sending)
    assert refused(surfer) == "saml_request"


def test_an_answer_that_is_not_to_be_believed_is_none(
    surfer: Surfer, one: HandmadeSp, two: HandmadeSp, ann: Person
) -> None:
    for spoilt in ("unsigned", "by another", "for another"):
        (name, index), _ = enter(surfer, ann, one, two)
        one.log_out(surfer, one.logout_request(name, index))
        awaited = str(message(surfer).get("ID"))
        by = one if spoilt == "by another" else two
        to = {"Destination": "https://other.example/"} if spoilt == "for another" else {}
        document = by.logout_response(awaited, SUCCESS, **to)
        come(surfer, by.send(document, two.app.slo, kind="SAMLResponse", signed=spoilt != "unsigned"))
        assert statuses(surfer) == ["Success", "PartialLogout"], spoilt


def test_a_logout_that_went_astray_is_forgotten(surfer: Surfer, one: HandmadeSp, two: HandmadeSp, ann: Person) -> None:
    (name, index), _ = enter(surfer, ann, one, two)
    one.log_out(surfer, one.logout_request(name, index))
    awaited = str(message(surfer).get("ID"))
    with clock.moved(minutes=11):
        late = two.logout_response(awaited, SUCCESS, IssueInstant=instant(minutes=-11))
        come(surfer, two.send(late, two.app.slo, kind="SAMLResponse"))
        assert refused(surfer) == "saml_request"


# --- With an enterprise behind us, and an application of another make in front ----------------------------------------


@pytest.fixture(scope="module")
def enterprise(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Idp]:
    with pysaml2_idp(tmp_path_factory.mktemp("idp")) as idp:
        idp.people["ann"] = Account("Ann-9", {EMAIL: ["ann@chain.example"]})
        yield idp


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Sp]:
    with pysaml2_sp(tmp_path_factory.mktemp("sp")) as sp:
        yield sp


class Authority(HandmadeSp):
    """An identity provider by hand: what it says goes to our address as a service provider."""


def authority(pool: PoolInWorld, tmp_path: Path, name: str = "Hand") -> Authority:
    pair = KeyPair.make(tmp_path, name)
    site = f"https://{name.lower()}.example"
    own = attack_idp.Key(pair.key.read_bytes(), pair.certificate.read_bytes())
    document = attack_idp.metadata(entity_id=f"{site}/metadata", keys=[own], sso=f"{site}/sso", slo=f"{site}/slo")
    pool.idp.create_identity_provider(
        UserPoolId=pool.id,
        ProviderName=name,
        ProviderType="SAML",
        ProviderDetails={"MetadataFile": document.decode(), "IDPSignout": "true"},
    )
    app = Application(pool, pool.client(), None, {})
    return Authority(app, pair, f"{site}/metadata", "", f"{site}/slo")


def test_a_provider_that_asks_about_somebody_unknown_is_answered(
    pool: PoolInWorld, tmp_path: Path, surfer: Surfer
) -> None:
    hand, other = authority(pool, tmp_path), authority(pool, tmp_path, "Other")
    us = f"{pool.issuer}/saml2/logout"
    for binding in ("redirect", "post"):
        document = hand.logout_request("nobody", "_1", Destination=us, ID=f"_of-{binding}")
        come(surfer, hand.send(document, us, binding=binding, relay_state="theirs"))
        assert surfer.url.startswith("https://hand.example/slo")
        assert statuses(surfer) == ["Requester", "UnknownPrincipal"]
        assert message(surfer).get("InResponseTo") == f"_of-{binding}"
        assert (surfer.left or {})["RelayState"] == "theirs"
    hidden = hand.logout_request("nobody", Destination=us).replace(b"a:NameID>", b"a:EncryptedID>")
    come(surfer, hand.send(hidden, us))
    assert refused(surfer) == "saml_request", "hidden from us, too"
    for document, signer, signed in (
        (hand.logout_request("nobody", Destination=us), hand, False),
        (hand.logout_request("nobody", Destination=us), other, True),
        (hand.logout_request("nobody", Destination=f"{pool.issuer}/saml2/idp/slo"), hand, True),
        (hand.logout_request("nobody", Destination=None), hand, True),
    ):
        come(surfer, signer.send(document, us, signed=signed))
        assert refused(surfer) == "saml_request"


def test_a_provider_without_single_logout_is_passed_over(world: World, enterprise: Pysaml2Idp, surfer: Surfer) -> None:
    silent = re.sub(rb"<[a-z0-9]*:?SingleLogoutService[^>]*/>", b"", enterprise.metadata)
    assert silent != enterprise.metadata
    site = joined(world, enterprise, details={"IDPSignout": "true"}, by_file=True)
    site.update(ProviderDetails={"MetadataFile": silent.decode(), "IDPSignout": "true"})
    site.leave(surfer)
    surfer.submit(username="ann", do="in")
    assert "code" in (surfer.left or {})
    asked = {"client_id": site.app.client.id, "logout_uri": SIGNED_OUT}
    surfer.go(f"{site.pool.issuer}/logout?{urlencode(asked)}")
    assert surfer.url.startswith(SIGNED_OUT)


@pytest.mark.parametrize("begun", ["app", "us", "enterprise"])
def test_whoever_begins_everybody_is_signed_out(
    world: World, enterprise: Pysaml2Idp, application: Pysaml2Sp, tmp_path: Path, surfer: Surfer, begun: str
) -> None:
    site = joined(world, enterprise, details={"IDPSignout": "true"})
    made = introduced(site.pool, application, tmp_path)
    site.pool.idp.update_user_pool_client(**made.ids, SupportedIdentityProviders=[site.name])
    enterprise.logged_out.clear()
    application.logged_out.clear()
    surfer.go(f"{application.url}/login")
    if "Welcome" not in surfer.text and not any("username" in form["fields"] for form in surfer.forms):
        surfer.go(next(link for link in _links(surfer) if "/login/via" in link))
    surfer.submit(username="ann", do="in")
    assert "Welcome to the app" in surfer.text, f"{surfer.url}: {surfer.text[:800]}"
    name = application.arrived[-1].name_id.text

    if begun == "app":
        surfer.go(f"{application.url}/logout")
        assert application.logged_out == [SUCCESS]
        assert enterprise.logged_out == ["Ann-9"]
    elif begun == "us":
        asked = {"client_id": site.app.client.id, "logout_uri": SIGNED_OUT}
        surfer.go(f"{site.pool.issuer}/logout?{urlencode(asked)}")
        assert surfer.url.startswith(SIGNED_OUT)
        assert application.logged_out == [name]
        assert enterprise.logged_out == ["Ann-9"]
    else:
        surfer.go(f"{enterprise.url}/logout")
        assert enterprise.logged_out == [SUCCESS]
        assert application.logged_out == [name]
    surfer.go(site.app.url(prompt="none"))
    assert (surfer.left or {}).get("error") == "login_required"


def test_a_code_that_waits_while_the_provider_signs_somebody_out_is_worth_nothing(
    world: World, enterprise: Pysaml2Idp, surfer: Surfer
) -> None:
    site = joined(world, enterprise, details={"IDPSignout": "true"})
    surfer.go(site.app.url(identity_provider=site.name))
    if surfer.left is None:
        surfer.submit(username="ann", do="in")
    code = (surfer.left or {})["code"]
    surfer.go(f"{enterprise.url}/logout")
    answer = site.app.exchange(code)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_grant")


def _links(surfer: Surfer) -> list[str]:
    return [found.replace("&amp;", "&") for found in re.findall(r'href="([^"]+)"', surfer.text)]
