"""Connecting an account by proof on the hosted pages, and second factors after a provider's word."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from sqlalchemy import select

from poolhouse.core import unit
from poolhouse.listeners.models import AuditEvent
from tests.federation.social import Social
from tests.fronts.federated import Visitor, app, extend, find, ours, provider
from tests.world import Person, PoolInWorld, World

_numbers = itertools.count(1)
CONNECT = "Connect your account"


@pytest.fixture
def pool(world: World) -> PoolInWorld:
    """A pool where people may connect an account that has their address."""
    made = world.pool(AliasAttributes=["email"], AutoVerifiedAttributes=["email"])
    ours(world).set_user_pool_extensions(UserPoolId=made.id, Extensions={"LinkByVerifiedEmail": "prove"})
    return made


@pytest.fixture
def ann(pool: PoolInWorld, social: Social) -> Person:
    """Somebody with a password, and Google's word that her address is hers."""
    address = f"connecting-ann-{next(_numbers)}@example.com"
    social.google.person |= {"email": address, "email_verified": True}
    return pool.user(email=address, email_verified="true")


@pytest.fixture
def visitor(pool: PoolInWorld, social: Social, ann: Person) -> Visitor:
    """Her browser, on the page that offers to connect."""
    google = provider(pool, social.google, AttributeMapping={"email": "email", "email_verified": "email_verified"})
    visitor = Visitor(app(pool, "COGNITO", google)).begin().press("Continue with Google")
    assert visitor.page == "/login/connect", visitor.text[-1000:]
    return visitor


def linked(pool: PoolInWorld, person: Person) -> list[dict[str, Any]]:
    import json

    return list(json.loads(find(pool.world, pool, person.sub).attributes.get("identities", "[]")))


def test_the_page_says_what_it_is_about(visitor: Visitor, ann: Person) -> None:
    assert CONNECT in visitor.text
    assert "connecting-ann" in visitor.text
    assert "Google" in visitor.text
    visitor.browser.go(visitor.browser.url)
    assert CONNECT in visitor.text, "it may be reloaded"


def test_whoever_signs_in_to_the_account_has_it_connected_from_then_on(
    visitor: Visitor, pool: PoolInWorld, ann: Person
) -> None:
    visitor.browser.submit(password=ann.password)
    claims = visitor.claims()
    assert (claims["sub"], claims["cognito:username"]) == (ann.sub, ann.username)
    assert [entry["providerName"] for entry in linked(pool, ann)] == ["Google"]
    again = Visitor(visitor.app).begin().press("Continue with Google")
    assert again.claims()["sub"] == ann.sub


def test_a_wrong_password_connects_nothing_and_counts(visitor: Visitor, pool: PoolInWorld, ann: Person) -> None:
    for _ in range(3):
        visitor.browser.submit(password="Wrong-Horse-7!")
        assert visitor.status == 400
        assert "not this account’s password" in visitor.text
    for _ in range(3):
        visitor.browser.submit(password="Wrong-Horse-7!")
    visitor.browser.submit(password=ann.password)
    assert visitor.browser.left is None, "the account rests, whichever page the guesses came by"
    assert linked(pool, ann) == []


def test_going_on_without_makes_a_profile_of_its_own_that_takes_nothing_away(
    visitor: Visitor, world: World, pool: PoolInWorld, ann: Person
) -> None:
    visitor.browser.submit(do="decline")
    claims = visitor.claims()
    assert claims["sub"] != ann.sub
    assert claims["cognito:username"].startswith("Google_")
    assert find(world, pool, claims["sub"]).attributes["email_verified"] == "false"
    assert find(world, pool, ann.sub).attributes["email_verified"] == "true"
    assert Visitor(visitor.app).begin().press("Continue with Google").claims()["sub"] == claims["sub"]


def test_signing_in_to_another_account_connects_neither(visitor: Visitor, pool: PoolInWorld, ann: Person) -> None:
    bob = pool.user()
    visitor.press("Back to sign-in")
    visitor.browser.submit(username=bob.username, password=bob.password)
    assert visitor.claims()["sub"] == bob.sub
    assert linked(pool, bob) == linked(pool, ann) == []


def test_signing_in_by_the_ordinary_page_connects_nothing_that_nobody_asked_for(
    visitor: Visitor, pool: PoolInWorld, ann: Person
) -> None:
    visitor.press("Back to sign-in")
    visitor.browser.submit(username=ann.username, password=ann.password)
    assert visitor.claims()["sub"] == ann.sub
    assert linked(pool, ann) == []


def test_the_second_factor_is_owed_before_anything_is_connected(
    world: World, social: Social, pool: PoolInWorld, ann: Person
) -> None:
    pool.totp()
    ann.set_up_totp(pool.client())
    google = provider(pool, social.google, AttributeMapping={"email": "email", "email_verified": "email_verified"})
    visitor = Visitor(app(pool, "COGNITO", google)).begin().press("Continue with Google")
    visitor.browser.submit(password=ann.password)
    assert visitor.page == "/challenge"
    assert linked(pool, ann) == []
    handle = visitor.handle
    visitor.open("/oauth2/authorize/continue", request=handle)
    assert visitor.browser.left is None, "the challenge cannot be skipped"
    visitor.open("/challenge", request=handle)
    visitor.browser.submit(code="000000")
    assert linked(pool, ann) == []
    visitor.browser.submit(code=ann.totp_code())
    assert visitor.claims()["sub"] == ann.sub
    assert [entry["providerName"] for entry in linked(pool, ann)] == ["Google"]


def test_a_forgotten_password_leads_back_to_the_offer(
    visitor: Visitor, world: World, pool: PoolInWorld, ann: Person
) -> None:
    visitor.press("Forgot your password?")
    address = find(world, pool, ann.sub).attributes["email"]
    visitor.browser.submit(username=address)
    visitor.browser.submit(code=world.code(address), password="Battery-Staple-8!")
    assert visitor.page == "/login/connect"
    visitor.browser.submit(password="Battery-Staple-8!")
    assert visitor.claims()["sub"] == ann.sub
    assert [entry["providerName"] for entry in linked(pool, ann)] == ["Google"]


def test_an_offer_is_used_once_and_in_its_own_browser(visitor: Visitor, pool: PoolInWorld, ann: Person) -> None:
    handle = visitor.handle
    form = dict(visitor.browser.forms[0]["fields"])
    url = visitor.browser.url
    stranger = Visitor(visitor.app).begin()
    stranger.open("/login/connect", request=handle)
    assert "belongs to another browser" in stranger.text
    stranger.browser.go(url.split("?")[0], {**form, "password": ann.password})
    assert stranger.browser.left is None
    assert stranger.status == 400
    assert linked(pool, ann) == []
    visitor.browser.go(url.split("?")[0], {**form, "csrf": "x.y", "password": ann.password})
    assert "no longer valid" in visitor.text
    visitor.browser.go(url.split("?")[0], {**form, "password": ann.password})
    assert visitor.claims()["sub"] == ann.sub
    visitor.browser.go(url.split("?")[0], {**form, "password": ann.password})
    assert visitor.browser.left is None
    assert len(linked(pool, ann)) == 1


@pytest.mark.parametrize("how", ["off", "deleted"])
def test_an_offer_ends_with_its_provider(visitor: Visitor, pool: PoolInWorld, ann: Person, how: str) -> None:
    if how == "off":
        extend(pool, "Google", Enabled=False)
    else:
        pool.idp.delete_identity_provider(UserPoolId=pool.id, ProviderName="Google")
    visitor.browser.submit(password=ann.password)
    assert visitor.browser.left is None
    assert visitor.page == "/login/via/failed"
    assert linked(pool, ann) == []


def test_an_account_that_is_gone_meanwhile_is_no_error_of_ours(
    visitor: Visitor, pool: PoolInWorld, ann: Person
) -> None:
    pool.idp.admin_delete_user(UserPoolId=pool.id, Username=ann.username)
    visitor.browser.submit(password=ann.password)
    assert visitor.page == "/login/via/failed"
    visitor.press("Back to sign-in").press("Continue with Google")
    assert visitor.claims()["cognito:username"].startswith("Google_")


def test_the_page_is_for_nobody_without_an_offer(pool: PoolInWorld, social: Social) -> None:
    visitor = Visitor(app(pool, "COGNITO", provider(pool, social.google))).begin()
    assert visitor.open("/login/connect", request=visitor.handle).page == "/login"


# --- Second factors after a provider --------------------------------------------------------------------------------


def test_an_app_may_ask_for_the_second_factor_although_a_provider_vouches(
    visitor: Visitor, world: World, pool: PoolInWorld, ann: Person
) -> None:
    visitor.browser.submit(password=ann.password)
    assert visitor.claims()["sub"] == ann.sub
    pool.totp()
    ann.set_up_totp(pool.client())
    assert Visitor(visitor.app).begin().press("Continue with Google").claims()["sub"] == ann.sub
    client = {"UserPoolId": pool.id, "ClientId": visitor.app.client.id}
    ours(world).set_user_pool_client_extensions(**client, Extensions={"MfaAfterFederation": True})
    strict = Visitor(visitor.app).begin().press("Continue with Google")
    assert strict.page == "/challenge"
    handle = strict.handle
    assert strict.open("/oauth2/authorize/continue", request=handle).browser.left is None
    strict.open("/challenge", request=handle)
    strict.browser.submit(code="000000")
    assert strict.status == 400
    strict.browser.submit(code=ann.totp_code())
    claims = strict.claims()
    assert claims["sub"] == ann.sub
    assert "mfa" in claims["amr"] or "otp" in claims["amr"]


def test_a_challenge_after_a_provider_ends_with_the_provider(
    visitor: Visitor, world: World, pool: PoolInWorld, ann: Person
) -> None:
    visitor.browser.submit(password=ann.password)
    assert "code" in visitor.given
    pool.totp()
    ann.set_up_totp(pool.client())
    client = {"UserPoolId": pool.id, "ClientId": visitor.app.client.id}
    ours(world).set_user_pool_client_extensions(**client, Extensions={"MfaAfterFederation": True})
    strict = Visitor(visitor.app).begin().press("Continue with Google")
    extend(pool, "Google", Enabled=False)
    strict.browser.submit(code=ann.totp_code())
    assert strict.browser.left is None
    assert strict.begin(prompt="none").given["error"] == "login_required"


# --- What is written down -------------------------------------------------------------------------------------------


def test_the_audit_log_knows_who_did_not_come_in_and_why(world: World, pool: PoolInWorld, social: Social) -> None:
    google = provider(pool, social.google)
    client = app(pool, "COGNITO", google)
    for trouble in ("deny", "token_unavailable", ""):
        social.google.trouble = trouble
        Visitor(client).begin().press("Continue with Google")
    with unit.open(world.runtime):
        where = (AuditEvent.pool_id == pool.id, AuditEvent.client_id == client.client.id)
        rows = unit.execute(select(AuditEvent.name, AuditEvent.detail).where(*where).order_by(AuditEvent.at)).all()
    refused = [row.detail for row in rows if row.name == "ArrivalRefused"]
    assert [detail["reason"].split(":")[0] for detail in refused] == ["denied", "unavailable"]
    assert {detail["provider"] for detail in refused} == {google}
    assert "ExternalUserCreated" in {row.name for row in rows}


# --- At once --------------------------------------------------------------------------------------------------------


def at_once(visitor: Visitor, address: str, times: int = 8) -> list[str]:
    """Open an address several times at the same moment in one browser: where each answer leads."""
    cookies = dict(visitor.browser.http.cookies)

    def get(_: int) -> str:
        with requests.Session() as http:
            http.trust_env = False
            answer = http.get(address, cookies=cookies, allow_redirects=False, timeout=30)
        assert answer.status_code in {303, 400}, answer.text
        return answer.headers.get("Location", "")

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(get, range(times)))


def test_of_answers_at_the_same_moment_one_goes_on(pool: PoolInWorld, social: Social) -> None:
    visitor = Visitor(app(pool, "COGNITO", provider(pool, social.google))).begin()
    social.google.asks = True
    visitor.press("Continue with Google")
    url = visitor.browser.url.split("?")[0] + visitor.browser.links[0]
    answer = visitor.browser.http.get(url, allow_redirects=False).headers["Location"]
    ways = at_once(visitor, answer)
    assert len(social.google.asked_at("/token")) == 1
    assert len(set(ways)) == len(ways) == 8
    for way in ways:
        at_once(visitor, way, 2)
    users = pool.idp.list_users(UserPoolId=pool.id)["Users"]
    assert [user["Username"].split("_")[0] for user in users] == ["Google"]


def test_of_two_ways_to_give_up_at_the_same_moment_one_reaches_the_app(pool: PoolInWorld, social: Social) -> None:
    visitor = Visitor(app(pool, "COGNITO", provider(pool, social.google))).begin()
    social.google.trouble = "deny"
    visitor.press("Continue with Google")
    link = next(link for link in visitor.browser.links if "/refuse" in link)
    ways = at_once(visitor, urljoin(visitor.browser.url, link))
    assert sum(way.startswith(visitor.app.redirect_uri) for way in ways) == 1
