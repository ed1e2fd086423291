"""Attacks on the way in: guessing, skipping the second factor, finding out who exists, races for an address."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import bcrypt
import pytest
from botocore.exceptions import ClientError

from poolhouse.core import clock
from tests.fronts.refusals import refused
from tests.oidc import Browser, Rp, rp
from tests.world import ClientInWorld, Person, PoolInWorld, World

WRONG = "Wr0ng-password!"


def attempt(client: ClientInWorld, name: str, password: str = WRONG) -> str:
    """What the API says to a name and a password."""
    auth = {"USERNAME": name, "PASSWORD": password}
    try:
        client.pool.idp.initiate_auth(ClientId=client.id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=auth)
    except ClientError as error:
        return str(error.response["Error"]["Message"])
    return "in"


def on_the_page(client: Rp, name: str, password: str = WRONG) -> str:
    """What the sign-in page says; "in" where it leads back to the app."""
    browser = Browser(client.world)
    browser.go(client.url())
    page = browser.submit(username=name, password=password)
    if not page.ours:
        return "in"
    return " ".join(re.findall(r'role="alert"[^>]*>\s*(?:<[^>]+>\s*)*([^<]+)', page.text)).strip()


# --- Guessing (39, 43, 44) --------------------------------------------------------------------------------------------


def test_one_account_has_one_count_at_every_door_under_every_name(world: World) -> None:
    """Classes 39, 43: username, aliases, telephone, in any case; API, administrator's API, SRP and pages alike."""
    pool = world.pool(
        AliasAttributes=["email", "phone_number", "preferred_username"],
        UsernameConfiguration={"CaseSensitive": False},
    )
    client, hosted = pool.client(), rp(pool)
    attributes = {"email": "ann@example.com", "email_verified": "true", "phone_number": "+15555550100"}
    ann = pool.user("Ann", **attributes, phone_number_verified="true", preferred_username="annie")
    assert attempt(client, "ANN") == attempt(client, "Ann@Example.COM") == "Incorrect username or password."
    assert "password" in on_the_page(hosted, "annie")
    auth = {"USERNAME": "+15555550100", "PASSWORD": WRONG}
    call = {"UserPoolId": pool.id, "ClientId": client.id, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH"}
    refused(pool.idp.admin_initiate_auth, "NotAuthorizedException", **call, AuthParameters=auth)
    assert attempt(client, "ANN@EXAMPLE.COM") == "Incorrect username or password."
    for name in ("ann", "ann@example.com", "+15555550100", "ANNIE"):
        assert attempt(client, name, ann.password) == "Password attempts exceeded", name
    assert on_the_page(hosted, "ann", ann.password) != "in"
    with clock.moved(seconds=2):
        assert attempt(client, "annie", ann.password) == "in"


def test_a_count_of_one_factor_is_a_count_of_all(pool: PoolInWorld) -> None:
    """Class 39: neither does the password's door open while codes are locked, nor the reverse."""
    pool.totp()
    client, ann = pool.client(), pool.user()
    ann.set_up_totp(client)
    sessions = [client.sign_in(ann)["Session"] for _ in range(6)]
    for number, wrong in enumerate(("000000", "111111", "222222")):
        answers = {"USERNAME": ann.username, "SOFTWARE_TOKEN_MFA_CODE": wrong}
        call = {"ClientId": client.id, "ChallengeName": "SOFTWARE_TOKEN_MFA", "ChallengeResponses": answers}
        refused(pool.idp.respond_to_auth_challenge, "CodeMismatchException", **call, Session=sessions[number])
    assert [attempt(client, ann.username) for _ in range(2)] == ["Incorrect username or password."] * 2
    assert attempt(client, ann.username, ann.password) == "Password attempts exceeded"
    answers = {"USERNAME": ann.username, "SOFTWARE_TOKEN_MFA_CODE": ann.totp_code()}
    call = {"ClientId": client.id, "ChallengeName": "SOFTWARE_TOKEN_MFA", "ChallengeResponses": answers}
    said = refused(pool.idp.respond_to_auth_challenge, "NotAuthorizedException", **call, Session=sessions[5])
    assert "attempts exceeded" in said


def test_guesses_at_the_same_moment_are_all_counted(pool: PoolInWorld) -> None:
    """Class 39: fifty guesses at once are no fifty guesses for the price of one."""
    client, ann = pool.client(), pool.user()
    with ThreadPoolExecutor(10) as crowd:
        said = list(crowd.map(lambda _: attempt(client, ann.username), range(30)))
    assert (
        said.count("Incorrect username or password.") <= 5 + 10
    )  # those that were let in before the fifth was counted
    assert "Password attempts exceeded" in said
    assert attempt(client, ann.username, ann.password) == "Password attempts exceeded"


def test_a_session_of_a_second_factor_dies_with_a_few_wrong_codes(pool: PoolInWorld) -> None:
    """Class 39: one session is not a place to try codes at leisure, whatever the lock-out says."""
    pool.totp()
    client, ann = pool.client(), pool.user()
    ann.set_up_totp(client)
    session, tried = client.sign_in(ann)["Session"], 0
    for number in range(40):
        answers = {"USERNAME": ann.username, "SOFTWARE_TOKEN_MFA_CODE": f"{number:06d}"}
        call = {"ClientId": client.id, "ChallengeName": "SOFTWARE_TOKEN_MFA", "ChallengeResponses": answers}
        try:
            pool.idp.respond_to_auth_challenge(**call, Session=session)
        except ClientError as error:
            if error.response["Error"]["Code"] != "CodeMismatchException":
                break
            tried += 1
    assert tried <= 5


# --- Skipping (40, 41) ------------------------------------------------------------------------------------------------


def with_totp(pool: PoolInWorld) -> Person:
    pool.totp()
    ann = pool.user()
    ann.set_up_totp(pool.client())
    return ann


def test_the_second_factor_cannot_be_skipped_by_opening_the_next_page(pool: PoolInWorld) -> None:
    """Classes 39, 41: between password and code nobody is signed in, whatever is opened or posted."""
    ann, client = with_totp(pool), rp(pool)
    browser = Browser(pool.world)
    browser.go(client.url())
    handle = browser.page.forms[0]["fields"]["request"]
    page = browser.submit(username=ann.username, password=ann.password)
    assert page.path == f"/{pool.id}/challenge"
    root, csrf = f"{pool.world.url}/{pool.id}", page.forms[0]["fields"]["csrf"]
    form = {"request": handle, "csrf": csrf, "username": ann.username, "password": ann.password, "code": ""}
    for path in ("/oauth2/authorize/continue", "/login", "/signup", "/confirmUser", "/forgotPassword", "/signedout"):
        assert browser.go(f"{root}{path}?request={handle}").ours, path
        assert browser.go(root + path, form).ours, path
    silent = browser.go(client.url(prompt="none"))
    assert silent.given["error"] == "login_required"
    page = browser.go(f"{root}/challenge?request={handle}")
    page = browser.submit(code="000000")
    assert page.ours
    browser.go(f"{root}/login?request={handle}")
    browser.submit(username=ann.username, password=ann.password)
    assert "code" in browser.submit(code=ann.totp_code()).given


def test_assurance_comes_from_what_was_proven_and_cannot_be_asked_for(pool: PoolInWorld) -> None:
    """Class 40: a password alone meets no request for more, and no parameter says otherwise."""
    ann, client, browser = pool.user(), rp(pool), Browser(pool.world)
    levels = client.discovery()["acr_values_supported"]
    assert len(levels) >= 2
    plain = client.id_claims(client.tokens(browser, ann, acr_values=levels[-1])["id_token"])
    assert plain["amr"] == ["pwd"]
    assert plain.get("acr", levels[0]) == levels[0]
    wanted = json.dumps({"id_token": {"acr": {"essential": True, "value": levels[-1]}}})
    assert "code" not in browser.go(client.url(claims=wanted, prompt="none")).given
    page = browser.go(client.url(claims=wanted))
    page = browser.sign_in(ann)
    assert page.given["error"] == "unmet_authentication_requirements"


def test_a_new_sign_in_that_was_asked_for_is_not_met_by_the_old_session(pool: PoolInWorld) -> None:
    """Class 40, step-up: prompt=login and max_age want this journey's own sign-in."""
    ann, client, browser = pool.user(), rp(pool), Browser(pool.world)
    client.tokens(browser, ann)
    for more in ({"prompt": "login"}, {"max_age": "0"}):
        with clock.moved(seconds=5):
            browser.go(client.url(**more))
            assert browser.asks
            handle = browser.page.forms[0]["fields"]["request"]
            page = browser.go(f"{pool.world.url}/{pool.id}/oauth2/authorize/continue?request={handle}")
            assert page.ours
            assert browser.asks


def test_a_second_factor_is_not_taken_away_by_who_has_the_password_alone(pool: PoolInWorld) -> None:
    """Class 40: setting a factor up or off needs a token, and a token needs the factor."""
    ann = with_totp(pool)
    session = pool.client().sign_in(ann)["Session"]
    refused(pool.idp.associate_software_token, "NotAuthorizedException", Session=session)
    refused(pool.idp.associate_software_token, "NotAuthorizedException", AccessToken=session)
    refused(
        pool.idp.set_user_mfa_preference,
        "NotAuthorizedException",
        AccessToken=session,
        SoftwareTokenMfaSettings={"Enabled": False},
    )


# --- Who exists (42) --------------------------------------------------------------------------------------------------


@contextmanager
def hashes() -> Iterator[list[str]]:
    """Every bcrypt computation meanwhile."""
    done: list[str] = []
    originals = {name: getattr(bcrypt, name) for name in ("checkpw", "hashpw")}

    def counted(name: str) -> Any:
        def compute(*given: Any) -> Any:
            done.append(name)
            return originals[name](*given)

        return compute

    with pytest.MonkeyPatch.context() as patch:
        for name in originals:
            patch.setattr(bcrypt, name, counted(name))
        yield done


def cost(world: World, call: Any) -> tuple[int, list[str], str]:
    """Statements, hashes, and what was answered, without what is random."""
    with world.counting() as counted, hashes() as hashed:
        try:
            said = call()
        except ClientError as error:
            said = dict(error.response["Error"])
    text = json.dumps(said, default=str) if not isinstance(said, str) else said
    return len(counted), hashed, re.sub(r'"(ResponseMetadata|Session|SECRET_BLOCK|SRP_B)": .*', "", text)


NAMES = ("known", "never-heard-of")


@pytest.fixture
def hiding(world: World) -> tuple[ClientInWorld, Rp]:
    pool = world.pool(AutoVerifiedAttributes=["email"])
    pool.user("known", email=f"known-{pool.id[-9:].lower()}@example.com", email_verified="true")
    pool.user("other", email=f"other-{pool.id[-9:].lower()}@example.com", email_verified="true")
    return pool.client(PreventUserExistenceErrors="ENABLED"), rp(pool, PreventUserExistenceErrors="ENABLED")


def test_a_sign_in_costs_the_same_for_names_that_nobody_has(hiding: tuple[ClientInWorld, Rp]) -> None:
    """Class 42, in time: the same hashes, and statements that differ by no more than the count of the failure."""
    client, hosted = hiding
    world = client.pool.world
    attempt(client, "other")  # whatever is cached is cached now
    attempt(client, "nobody-else")
    for way in (lambda name: attempt(client, name), lambda name: on_the_page(hosted, name)):
        (statements, hashed, said), (others, others_hashed, others_said) = (
            cost(world, lambda way=way, name=name: way(name)) for name in NAMES
        )
        assert hashed == others_hashed == ["checkpw"]
        assert said == others_said
        assert abs(statements - others) <= 2, (statements, others)


def test_srp_costs_the_same_for_names_that_nobody_has(hiding: tuple[ClientInWorld, Rp]) -> None:
    client, _ = hiding

    def begin(name: str) -> Any:
        auth = {"USERNAME": name, "SRP_A": "ab" * 384}
        answer = client.pool.idp.initiate_auth(ClientId=client.id, AuthFlow="USER_SRP_AUTH", AuthParameters=auth)
        parameters = answer["ChallengeParameters"]
        lengths = {key: len(value) for key, value in parameters.items() if key in {"SALT", "SECRET_BLOCK"}}
        return sorted(parameters), {"SECRET_BLOCK": lengths["SECRET_BLOCK"]}, answer["ChallengeName"]

    begin("other")
    begin("nobody-else")
    known, unknown = (cost(client.pool.world, lambda name=name: begin(name)) for name in NAMES)
    assert known[1:] == unknown[1:]
    assert abs(known[0] - unknown[0]) <= 2


@pytest.mark.parametrize("operation", ["forgot_password", "resend_confirmation_code", "confirm_forgot_password"])
def test_recovery_answers_alike_and_costs_about_the_same(hiding: tuple[ClientInWorld, Rp], operation: str) -> None:
    client, _ = hiding
    more = {"ConfirmationCode": "000000", "Password": "An0ther-one!"} if operation.startswith("confirm_") else {}

    def ask(name: str) -> Any:
        if more:
            client.pool.idp.forgot_password(ClientId=client.id, Username=name)
        answer = getattr(client.pool.idp, operation)(ClientId=client.id, Username=name, **more)
        return sorted(answer), sorted(answer.get("CodeDeliveryDetails", {}))

    known, unknown = (cost(client.pool.world, lambda name=name: ask(name)) for name in NAMES)
    assert known[1] == unknown[1]
    if operation != "resend_confirmation_code":  # somebody confirmed is told so, as Cognito does
        assert known[2] == unknown[2]


# --- Races (45) -------------------------------------------------------------------------------------------------------


def test_an_address_that_changes_while_its_code_is_used_is_not_proven(world: World) -> None:
    """Class 45: whoever wins, the address that is verified is the one that the code was sent to."""
    pool = world.pool(AutoVerifiedAttributes=["email"])
    client, tag = pool.client(), pool.id[-9:].lower()
    mine, victims = f"mine-{tag}@example.com", f"victim-{tag}@example.com"
    pool.user("eve", email=mine, email_verified="true")
    eve = Person(pool, "eve", "Corr3ct-Horse!", "")
    access = client.tokens(eve)["AccessToken"]
    for _ in range(4):
        change = [{"Name": "email", "Value": mine}]
        pool.idp.update_user_attributes(AccessToken=access, UserAttributes=[{"Name": "email", "Value": f"x{mine}"}])
        pool.idp.update_user_attributes(AccessToken=access, UserAttributes=change)
        code = world.code(mine)

        def verify(code: str = code) -> None:
            pool.idp.verify_user_attribute(AccessToken=access, AttributeName="email", Code=code)

        def swap() -> None:
            pool.idp.update_user_attributes(AccessToken=access, UserAttributes=[{"Name": "email", "Value": victims}])

        with ThreadPoolExecutor(2) as both:
            for done in [both.submit(verify), both.submit(swap)]:
                try:
                    done.result()
                except ClientError as error:
                    if error.response["Error"]["Code"] not in {"CodeMismatchException", "ExpiredCodeException"}:
                        raise
        told = pool.idp.admin_get_user(UserPoolId=pool.id, Username="eve")["UserAttributes"]
        shown = {a["Name"]: a["Value"] for a in told}
        assert (shown["email"], shown["email_verified"]) == (victims, "false")
