"""The hosted pages' stories over HTTP without JavaScript: in, through every challenge, and every way to be refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pyotp
import pytest

from poolhouse.account import administer
from poolhouse.core import clock, unit
from poolhouse.users import directory
from tests.conftest import Databases
from tests.fronts.hosted_pages import APP, NEW_PASSWORD, PASSWORD, Visitor, World, address, serving

EMAIL_REQUIRED = [{"Name": "email", "Required": True}]


@pytest.fixture(scope="module")
def world(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with serving(databases.make("sqlite"), tmp_path_factory.mktemp("hosted")) as world:
        yield world


@pytest.fixture
def visitor(world: World) -> Visitor:
    return world.visitor(world.client(world.pool()))


def invited(world: World, visitor: Visitor, **attributes: str) -> str:
    """Somebody whom an administrator gave a temporary password."""
    name = address()
    with unit.open(world.rt):
        values = {"email": name} | attributes
        administer.invite(visitor.client.pool, name, values, temporary_password=PASSWORD, silent=True)
    return name


def known(world: World, visitor: Visitor) -> str:
    """Somebody who can sign in with PASSWORD."""
    name = address()
    with unit.open(world.rt):
        values = {"email": name, "email_verified": "true"}
        administer.invite(visitor.client.pool, name, values, temporary_password=PASSWORD, silent=True)
    with unit.open(world.rt):
        administer.set_password(visitor.client.pool, name, PASSWORD, permanent=True)
    return name


# --- Sign-up ----------------------------------------------------------------------------------------


def test_a_newcomer_signs_up_confirms_by_the_mailed_code_and_is_taken_back_to_the_app(
    world: World, visitor: Visitor
) -> None:
    ann = address()
    visitor.begin()
    assert visitor.page == "/login"
    visitor.fetch("GET", next(link for link in visitor.seen.links if "/signup" in link))
    visitor.submit(username=ann, password=PASSWORD)
    assert visitor.page == "/confirmUser"
    assert "a***@e***" in visitor.text
    visitor.submit(code=world.code_for(ann))
    assert visitor.arrived["code"] == "one"
    assert visitor.arrived["amr"] == "pwd"


def test_sign_up_asks_for_what_the_schema_requires(world: World) -> None:
    schema = [{"Name": "given_name", "Required": True}, {"Name": "birthdate", "Required": True}]
    visitor = world.visitor(world.client(world.pool(Schema=schema)))
    visitor.begin(screen_hint="signup")
    names = [name for name in visitor.seen.inputs if name not in {"csrf", "request"}]
    assert names == ["username", "attribute.given_name", "attribute.birthdate", "password"]
    ann = address()
    visitor.submit(username=ann, password=PASSWORD, attribute_birthdate="31.5.1990")
    assert visitor.response.status_code == 400
    assert visitor.seen.alerts == ["Fill this in.", "This is not a date. Write it as year-month-day, like 1990-05-31."]
    visitor.submit(attribute_given_name="Ann", attribute_birthdate="1990-05-31", password=PASSWORD)
    assert visitor.page == "/confirmUser"
    with unit.open(world.rt):
        user = directory.named(visitor.client.pool, ann)
    assert (user.get("given_name"), user.get("birthdate")) == ("Ann", "1990-05-31")


def test_with_usernames_of_their_own_people_are_asked_for_an_address_to_send_the_code_to(world: World) -> None:
    visitor = world.visitor(world.client(world.pool(UsernameAttributes=[])))
    visitor.begin(screen_hint="signup")
    assert visitor.seen.inputs["username"]["autocomplete"] == "username"
    assert "required" in visitor.seen.inputs["attribute.email"]
    ann = address()
    visitor.submit(username=f"ann-{ann[:8]}", attribute_email=ann, password=PASSWORD).submit(code=world.code_for(ann))
    assert visitor.arrived


def test_the_taken_name_the_weak_password_and_the_address_that_is_none_are_said_at_their_field(
    world: World, visitor: Visitor
) -> None:
    ann = known(world, visitor)
    visitor.begin(screen_hint="signup")
    visitor.submit(username=ann, password=PASSWORD)
    assert visitor.seen.alerts == ["There is already an account with this name. Sign in, or choose another name."]
    assert visitor.seen.inputs["username"]["aria-invalid"] == "true"
    visitor.submit(username=address(), password="short")
    assert visitor.seen.alerts == ["The password does not meet the rules below. Choose another one."]
    assert "value" not in visitor.seen.inputs["password"]
    visitor.submit(username="no address", password=PASSWORD)
    assert visitor.response.status_code == 400
    assert len(visitor.seen.alerts) == 1


def test_where_only_administrators_make_accounts_there_is_no_sign_up(world: World) -> None:
    closed = {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}}
    visitor = world.visitor(world.client(world.pool(**closed)))
    visitor.begin()
    assert not [link for link in visitor.seen.links if "/signup" in link]
    handle, csrf = visitor.handle, visitor.seen.inputs["csrf"]["value"]
    visitor.open("/signup", request=handle)
    assert visitor.seen.forms == []
    data = {"request": handle, "csrf": csrf, "username": address(), "password": PASSWORD}
    visitor.fetch("POST", f"/{visitor.client.pool.id}/signup", data=data)
    assert visitor.page == "/signup"
    assert world.mails() == [] or all(m["to"] != data["username"] for m in world.mails())


def test_a_wrong_code_is_said_at_the_field_and_a_new_one_can_be_had(world: World, visitor: Visitor) -> None:
    ann = address()
    visitor.sign_up(ann)
    first = world.code_for(ann)
    visitor.submit(code="000000" if first != "000000" else "111111")
    assert visitor.seen.alerts == ["That code is not right. Check the newest message, or get a new code."]
    visitor.submit(1)
    assert "A new code is on its way" in visitor.text
    second = world.code_for(ann)
    if first != second:
        visitor.submit(code=first)
        assert visitor.seen.alerts
    visitor.submit(code=f" {second[:3]} {second[3:]} ")
    assert visitor.arrived


def test_a_new_code_too_many_is_refused(world: World, visitor: Visitor) -> None:
    visitor.sign_up(address())
    for _ in range(5):
        visitor.submit(1)
        assert visitor.page == "/confirmUser"
    visitor.submit(1)
    assert visitor.response.status_code == 429
    assert visitor.seen.alerts == ["You have tried this too often. Wait a while, then try again."]


def test_whoever_confirms_in_another_journey_has_to_sign_in(world: World, visitor: Visitor) -> None:
    ann = address()
    visitor.sign_up(ann)
    later = world.visitor(visitor.client).begin().submit(username=ann, password=PASSWORD)
    assert later.page == "/confirmUser"
    assert "not confirmed yet" in later.text
    later.submit(code=world.code_for(ann))
    assert later.page == "/login"
    assert "Your account is confirmed" in later.text
    later.submit(password=PASSWORD)
    assert later.arrived


def test_where_a_second_factor_is_demanded_confirming_is_not_enough_to_be_signed_in(world: World) -> None:
    visitor = world.visitor(world.client(world.pool(totp=True, mfa="ON")))
    ann = address()
    visitor.sign_up(ann).submit(code=world.code_for(ann))
    assert visitor.page == "/login"
    visitor.submit(password=PASSWORD)
    assert "Set up two-step sign-in" in visitor.text


def test_somebody_who_only_knows_the_name_is_never_signed_in_by_the_code(world: World, visitor: Visitor) -> None:
    ann = address()
    visitor.sign_up(ann)
    other = world.visitor(visitor.client).begin()
    other.open("/confirmUser", request=other.handle).submit(username=ann, code=world.code_for(ann))
    assert other.page == "/login"
    assert other.open("/whoami").response.json == {"sub": None}


def test_without_anything_to_confirm_by_the_page_says_whom_to_wait_for(world: World) -> None:
    visitor = world.visitor(world.client(world.pool(AutoVerifiedAttributes=[], UsernameAttributes=[])))
    visitor.begin(screen_hint="signup").submit(username="ann", password=PASSWORD)
    assert "An administrator has to confirm it" in visitor.text
    assert visitor.seen.forms == []


# --- Sign-in ----------------------------------------------------------------------------------------


def test_name_and_password_lead_back_to_the_app(world: World, visitor: Visitor) -> None:
    ann = known(world, visitor)
    visitor.begin(login_hint=ann)
    assert visitor.seen.inputs["username"]["value"] == ann
    assert "autofocus" in visitor.seen.inputs["password"]
    visitor.submit(password=PASSWORD)
    assert visitor.response.headers["Location"].startswith(APP)
    assert visitor.open("/whoami").response.json != {"sub": None}


def test_a_wrong_password_and_an_unknown_name_are_told_in_the_same_words(world: World) -> None:
    visitor = world.visitor(world.client(world.pool(), PreventUserExistenceErrors="ENABLED"))
    ann = known(world, visitor)
    sentence = "The email address or password is not right. Check both, or reset your password."
    visitor.begin().submit(username=ann, password="wrong")
    assert (visitor.seen.alerts, visitor.response.status_code) == ([sentence], 400)
    visitor.submit(username=address(), password=PASSWORD)
    assert (visitor.seen.alerts, visitor.response.status_code) == ([sentence], 400)


def test_a_client_that_tells_who_exists_tells_people_that_there_is_no_such_account(visitor: Visitor) -> None:
    visitor.begin().submit(username=address(), password=PASSWORD)
    assert visitor.seen.alerts == ["There is no such account. Check the name, or create an account."]


def test_after_many_wrong_passwords_people_are_asked_to_wait(world: World, visitor: Visitor) -> None:
    ann = known(world, visitor)
    visitor.begin()
    for _ in range(5):
        visitor.submit(username=ann, password="wrong")
    visitor.submit(username=ann, password=PASSWORD)
    assert visitor.seen.alerts == ["There were too many wrong attempts. Wait a little, then try again."]
    assert not visitor.arrived


def test_a_disabled_user_is_told_so_only_with_the_right_password(world: World, visitor: Visitor) -> None:
    ann = known(world, visitor)
    with unit.open(world.rt):
        administer.disable(visitor.client.pool, ann)
    visitor.begin().submit(username=ann, password="wrong")
    assert "switched off" not in visitor.text
    visitor.submit(username=ann, password=PASSWORD)
    assert visitor.seen.alerts == ["This account is switched off. Ask the people who run Northwind about it."]


def test_a_disabled_users_session_ends_at_once(world: World, visitor: Visitor) -> None:
    ann = known(world, visitor)
    visitor.begin().submit(username=ann, password=PASSWORD)
    assert visitor.open("/whoami").response.json["sub"]
    with unit.open(world.rt):
        administer.disable(visitor.client.pool, ann)
    assert visitor.open("/whoami").response.json == {"sub": None}


def test_signing_out_ends_the_session_and_says_so(world: World, visitor: Visitor) -> None:
    visitor.begin().submit(username=known(world, visitor), password=PASSWORD)
    stolen = {c.key: c.value for c in visitor.browser._cookies.values()}
    visitor.open("/logout")
    assert "You are signed out" in visitor.text
    assert visitor.open("/whoami").response.json == {"sub": None}
    thief = world.visitor(visitor.client)
    for name, value in stolen.items():
        thief.browser.set_cookie(name, value, path=f"/{visitor.client.pool.id}")
    assert thief.open("/whoami").response.json == {"sub": None}


# --- Recovery ----------------------------------------------------------------------------------------


def test_a_forgotten_password_is_replaced_by_the_mailed_code_and_ends_other_sessions(
    world: World, visitor: Visitor
) -> None:
    ann = known(world, visitor)
    elsewhere = world.visitor(visitor.client).begin().submit(username=ann, password=PASSWORD)
    assert elsewhere.open("/whoami").response.json["sub"]
    visitor.begin(login_hint=ann)
    visitor.fetch("GET", next(link for link in visitor.seen.links if "/forgotPassword" in link))
    visitor.submit()
    assert visitor.page == "/confirmForgotPassword"
    visitor.submit(code="12", password=NEW_PASSWORD)
    assert visitor.seen.alerts == ["That code is not right. Check the newest message, or get a new code."]
    visitor.submit(code=world.code_for(ann), password="weak")
    assert visitor.seen.alerts == ["The password does not meet the rules below. Choose another one."]
    visitor.submit(code=world.code_for(ann), password=NEW_PASSWORD)
    assert visitor.page == "/login"
    assert "Your password is changed" in visitor.text
    assert elsewhere.open("/whoami").response.json == {"sub": None}
    visitor.submit(password=NEW_PASSWORD)
    assert visitor.arrived


def test_a_forgotten_password_of_nobody_looks_like_anybodys(world: World) -> None:
    visitor = world.visitor(world.client(world.pool(), PreventUserExistenceErrors="ENABLED"))
    visitor.begin()
    visitor.open("/forgotPassword", request=visitor.handle).submit(username=address())
    assert visitor.page == "/confirmForgotPassword"
    assert "If the account exists, a code is on its way to a***@e***" in visitor.text
    visitor.submit(code="123456", password=NEW_PASSWORD)
    assert visitor.seen.alerts == ["That code is not right. Check the newest message, or get a new code."]


def test_where_administrators_reset_passwords_nobody_else_can(world: World) -> None:
    setting = {"AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]}}
    visitor = world.visitor(world.client(world.pool(**setting)))
    visitor.begin()
    assert not [link for link in visitor.seen.links if "forgot" in link]
    visitor.open("/forgotPassword", request=visitor.handle)
    assert visitor.seen.forms == []


def test_a_password_that_an_administrator_reset_leads_to_the_reset(world: World, visitor: Visitor) -> None:
    from poolhouse.account import recover

    ann = known(world, visitor)
    with unit.open(world.rt):
        recover.reset_by_administrator(visitor.client.pool, ann)
    visitor.begin().submit(username=ann, password=PASSWORD)
    assert visitor.page == "/forgotPassword"
    assert visitor.seen.inputs["username"]["value"] == ann
    assert "has to be reset" in visitor.text


# --- Challenges ----------------------------------------------------------------------------------------


def test_a_temporary_password_is_replaced_and_missing_attributes_are_filled_in(world: World) -> None:
    schema = [{"Name": "given_name", "Required": True}]
    visitor = world.visitor(world.client(world.pool(Schema=schema)))
    ann = invited(world, visitor)
    visitor.begin().submit(username=ann, password=PASSWORD)
    assert visitor.page == "/challenge"
    assert [n for n in visitor.seen.inputs if n not in {"csrf", "request"}] == ["attribute.given_name", "password"]
    visitor.submit(password="weak", attribute_given_name="Ann")
    assert visitor.seen.alerts == ["The password does not meet the rules below. Choose another one."]
    assert visitor.seen.inputs["attribute.given_name"]["value"] == "Ann"
    visitor.submit(password=NEW_PASSWORD)
    assert visitor.arrived
    with unit.open(world.rt):
        assert directory.named(visitor.client.pool, ann).get("given_name") == "Ann"


def shown_secret(visitor: Visitor) -> str:
    return visitor.text.split('<code id="secret"')[1].split(">")[1].split("<")[0].replace(" ", "")


def at(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Let the server's clock be ahead by ``seconds``."""
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(seconds=seconds))
    stamp = clock.timestamp
    monkeypatch.setattr(clock, "timestamp", lambda: stamp() + seconds)


def test_totp_is_set_up_then_asked_for_and_each_code_is_good_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = world.visitor(world.client(world.pool(totp=True, mfa="ON")))
    ann = known(world, visitor)
    visitor.begin().submit(username=ann, password=PASSWORD)
    assert "data:image/svg+xml" in visitor.text
    secret = shown_secret(visitor)
    visitor.open("/challenge", request=visitor.handle)
    assert shown_secret(visitor) == secret, "a reload must not change what was scanned already"
    visitor.submit(code="000000")
    assert visitor.seen.alerts == ["That code is not right. Wait until the app shows the next one, and enter that."]
    assert shown_secret(visitor) == secret
    totp = pyotp.TOTP(secret)
    used = totp.at(clock.timestamp())
    visitor.submit(code=used)
    assert visitor.arrived["amr"] == "pwd otp mfa"

    again = world.visitor(visitor.client).begin().submit(username=ann, password=PASSWORD)
    assert again.page == "/challenge"
    again.submit(code=used)
    assert again.seen.alerts == ["That code is not right. Wait until the app shows the next one, and enter that."]
    at(monkeypatch, 30)
    again.submit(code=totp.at(clock.timestamp()))
    assert again.arrived["amr"] == "pwd otp mfa"


def test_a_second_factor_cannot_be_skipped_by_opening_the_next_address(world: World) -> None:
    visitor = world.visitor(world.client(world.pool(totp=True, mfa="ON")))
    visitor.begin().submit(username=known(world, visitor), password=PASSWORD)
    assert visitor.page == "/challenge"
    handle = visitor.handle
    visitor.open("/oauth2/authorize/continue", request=handle)
    assert visitor.response.status_code == 403
    assert not visitor.arrived


def test_a_challenge_page_before_the_password_leads_to_the_password(visitor: Visitor) -> None:
    visitor.begin()
    visitor.open("/challenge", request=visitor.handle)
    assert visitor.page == "/login"


def test_a_challenge_that_took_too_long_begins_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = world.visitor(world.client(world.pool(totp=True, mfa="ON")))
    visitor.begin().submit(username=known(world, visitor), password=PASSWORD)
    at(monkeypatch, 600)
    visitor.submit(code="123456")
    assert visitor.page == "/login"
    assert "took too long" in visitor.text


def test_of_several_factors_people_choose_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from poolhouse.signin import engine
    from poolhouse.signin.outcome import Challenge

    visitor = world.visitor(world.client(world.pool(totp=True, mfa="ON")))
    ann = known(world, visitor)
    visitor.begin().submit(username=ann, password=PASSWORD)
    visitor.submit(code=pyotp.TOTP(shown_secret(visitor)).at(clock.timestamp()))
    asked: list[dict[str, Any]] = []
    both = {"MFAS_CAN_CHOOSE": '["EMAIL_OTP","SOFTWARE_TOKEN_MFA"]'}
    monkeypatch.setattr(engine, "look", lambda client, handle: Challenge("SELECT_MFA_TYPE", handle, both))

    def answer(client: Any, handle: str, name: str, answers: dict[str, str]) -> Challenge:
        asked.append(answers)
        return Challenge("SELECT_MFA_TYPE", handle, both)

    monkeypatch.setattr(engine, "answer", answer)
    again = world.visitor(visitor.client).begin().submit(username=ann, password=PASSWORD)
    assert "How do you want to confirm it is you?" in again.text
    again.submit(choice="<script>")
    assert again.seen.alerts == ["Choose one of these."]
    assert asked == []
    again.submit(choice="SOFTWARE_TOKEN_MFA")
    assert asked == [{"ANSWER": "SOFTWARE_TOKEN_MFA"}]
