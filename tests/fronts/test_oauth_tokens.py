"""Tokens at work: refresh and its families, revocation, introspection, userInfo; one pool's are nothing to another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from poolhouse.core import clock, unit
from poolhouse.core.db import Base
from poolhouse.user_pools import pools
from tests.oidc import PROFILE, Browser, Rp, api, machine, own, rp
from tests.world import Person, PoolInWorld, World

ROTATING = {
    "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0},
    "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
}


@pytest.fixture
def client(pool: PoolInWorld) -> Rp:
    return rp(pool)


@pytest.fixture
def rotating(pool: PoolInWorld) -> Rp:
    return rp(pool, **ROTATING)


@pytest.fixture
def person(pool: PoolInWorld) -> Person:
    return pool.user(**PROFILE)


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world)


@pytest.fixture
def tokens(client: Rp, browser: Browser, person: Person) -> dict[str, Any]:
    return client.tokens(browser, person)


def refused(response: TestResponse, description: str = "") -> None:
    assert response.status_code == 400, response.data
    assert response.get_json()["error"] == "invalid_grant"
    assert response.get_json().get("error_description", "") == (description or response.get_json()["error_description"])


# --- refresh --------------------------------------------------------------------------------------------------------


def test_a_refresh_token_is_bound_to_its_client_and_pool(world: World, client: Rp, tokens: dict[str, Any]) -> None:
    """CVE-2026-55672, CVE-2026-28513."""
    refused(rp(client.pool).refresh(tokens["refresh_token"]), "Invalid Refresh Token")
    refused(rp(world.pool()).refresh(tokens["refresh_token"]), "Invalid Refresh Token")
    assert client.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: t + "x", lambda t: t.swapcase(), lambda t: "é", lambda t: "x" * 9000]
)
def test_a_truncated_or_changed_refresh_token_is_refused(client: Rp, tokens: dict[str, Any], change: Any) -> None:
    """CVE-2026-27840."""
    refused(client.refresh(change(tokens["refresh_token"])), "Invalid Refresh Token")


def test_access_and_id_tokens_refresh_nothing(client: Rp, tokens: dict[str, Any]) -> None:
    refused(client.refresh(tokens["access_token"]), "Invalid Refresh Token")
    refused(client.refresh(tokens["id_token"]), "Invalid Refresh Token")


def test_a_disabled_user_cannot_refresh(client: Rp, tokens: dict[str, Any], person: Person) -> None:
    """CVE-2026-43983, CVE-2024-46999."""
    where = {"UserPoolId": client.pool.id, "Username": person.username}
    client.pool.idp.admin_disable_user(**where)
    refused(client.refresh(tokens["refresh_token"]), "Refresh Token has been revoked")
    client.pool.idp.admin_enable_user(**where)
    refused(client.refresh(tokens["refresh_token"]), "Refresh Token has been revoked")


def test_a_deleted_user_cannot_refresh(client: Rp, tokens: dict[str, Any], person: Person) -> None:
    client.pool.idp.admin_delete_user(UserPoolId=client.pool.id, Username=person.username)
    assert client.refresh(tokens["refresh_token"]).status_code == 400
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert not client.introspect(tokens["access_token"])["active"]


def test_whoever_was_signed_out_everywhere_cannot_refresh(
    client: Rp, browser: Browser, tokens: dict[str, Any], person: Person
) -> None:
    client.pool.idp.admin_user_global_sign_out(UserPoolId=client.pool.id, Username=person.username)
    refused(client.refresh(tokens["refresh_token"]), "Refresh Token has been revoked")
    assert client.userinfo(tokens["access_token"]).status_code == 401
    again = client.tokens(Browser(client.world), person)
    assert client.userinfo(again["access_token"]).status_code == 200, "a sign-in right after the sign-out must count"


def test_a_refresh_token_expires(client: Rp, tokens: dict[str, Any]) -> None:
    with clock.moved(days=30, seconds=1):
        refused(client.refresh(tokens["refresh_token"]), "Refresh Token has expired")


def test_a_refresh_may_narrow_the_scope_and_never_widen_it(client: Rp, browser: Browser, person: Person) -> None:
    token = client.tokens(browser, person, scope="openid email")["refresh_token"]
    wider = client.refresh(token, scope="openid email phone")
    assert wider.get_json()["error"] == "invalid_scope"
    narrow = client.refresh(token, scope="openid").get_json()
    assert narrow["scope"] == "openid"
    assert client.refresh(token).get_json()["scope"] == "openid email"


def test_without_rotation_the_refresh_token_stays(client: Rp, tokens: dict[str, Any]) -> None:
    for _ in range(3):
        answer = client.refresh(tokens["refresh_token"]).get_json()
        assert set(answer) == {"access_token", "id_token", "expires_in", "token_type", "scope"}
    before, after = client.id_claims(tokens["id_token"]), client.id_claims(answer["id_token"])
    assert after["auth_time"] == before["auth_time"]
    assert after["origin_jti"] == before["origin_jti"]
    assert after["jti"] != before["jti"]
    assert "nonce" not in after


def test_a_refresh_shows_attributes_and_groups_as_they_are_now(
    client: Rp, tokens: dict[str, Any], person: Person
) -> None:
    pool, where = client.pool, {"UserPoolId": client.pool.id, "Username": person.username}
    pool.idp.create_group(UserPoolId=pool.id, GroupName="late", RoleArn="arn:aws:iam::000000000000:role/late")
    pool.idp.admin_add_user_to_group(GroupName="late", **where)
    pool.idp.admin_update_user_attributes(UserAttributes=[{"Name": "nickname", "Value": "ann2"}], **where)
    claims = client.id_claims(client.refresh(tokens["refresh_token"]).get_json()["id_token"])
    assert (claims["nickname"], claims["cognito:groups"]) == ("ann2", ["late"])
    assert claims["cognito:preferred_role"].endswith("role/late")


# --- rotation -------------------------------------------------------------------------------------------------------


def test_rotation_gives_a_new_refresh_token_with_the_remaining_life(
    rotating: Rp, browser: Browser, person: Person
) -> None:
    token = rotating.tokens(browser, person)["refresh_token"]
    expires = rotating.introspect(token)["exp"]
    with clock.moved(days=20):
        token = rotating.refresh(token).get_json()["refresh_token"]
        assert rotating.introspect(token)["exp"] == expires
    with clock.moved(days=30, seconds=1):
        refused(rotating.refresh(token), "Refresh Token has expired")


def test_a_refresh_token_that_comes_back_kills_its_family(rotating: Rp, browser: Browser, person: Person) -> None:
    first = rotating.tokens(browser, person)
    second = rotating.refresh(first["refresh_token"]).get_json()
    refused(rotating.refresh(first["refresh_token"]))
    refused(rotating.refresh(second["refresh_token"]), "Refresh Token has been revoked")
    assert rotating.userinfo(second["access_token"]).status_code == 401


def test_one_that_comes_back_within_the_grace_period_is_forgiven(pool: PoolInWorld, browser: Browser) -> None:
    client = rp(pool, **ROTATING | {"RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10}})
    first = client.tokens(browser, pool.user())["refresh_token"]
    second = client.refresh(first).get_json()["refresh_token"]
    third = client.refresh(first).get_json()["refresh_token"]
    assert len({first, second, third}) == 3
    for token in (second, third):
        assert client.refresh(token).status_code == 200
    with clock.moved(seconds=11):
        refused(client.refresh(first))
        refused(client.refresh(third))


def test_a_race_of_refreshes_has_exactly_one_winner(rotating: Rp, browser: Browser, person: Person) -> None:
    for _ in range(3):
        token = rotating.tokens(browser, person)["refresh_token"]
        rivals = [Rp(rotating.client) for _ in range(6)]
        with ThreadPoolExecutor(6) as threads:
            answers = list(threads.map(lambda rival, token=token: rival.refresh(token), rivals))
        assert sorted(a.status_code for a in answers) == [200, 400, 400, 400, 400, 400]
        won = next(a for a in answers if a.status_code == 200).get_json()
        refused(rotating.refresh(won["refresh_token"]), "Refresh Token has been revoked")


def test_refresh_tokens_are_not_in_the_database(rotating: Rp, browser: Browser, person: Person) -> None:
    code = rotating.code(browser, person).given["code"]
    token = rotating.exchange(code).get_json()["refresh_token"]
    with rotating.world.runtime.database.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for row in connection.execute(sa.text(f"select * from {table.name}")):
                assert not [v for v in row if token in str(v) or code in str(v)], table.name


# --- revocation -----------------------------------------------------------------------------------------------------


def test_revocation_ends_everything_that_came_of_a_sign_in(client: Rp, tokens: dict[str, Any]) -> None:
    refreshed = client.refresh(tokens["refresh_token"]).get_json()
    answer = client.post("/oauth2/revoke", {"token": tokens["refresh_token"]})
    assert (answer.status_code, answer.data) == (200, b"")
    for access in (tokens["access_token"], refreshed["access_token"]):
        assert client.userinfo(access).status_code == 401
        assert client.introspect(access) == {"active": False}
    refused(client.refresh(tokens["refresh_token"]), "Refresh Token has been revoked")
    assert client.post("/oauth2/revoke", {"token": tokens["refresh_token"]}).status_code == 200


def test_revocation_of_one_sign_in_leaves_the_others(client: Rp, tokens: dict[str, Any], person: Person) -> None:
    other = client.tokens(Browser(client.world), person)
    client.post("/oauth2/revoke", {"token": tokens["refresh_token"]})
    assert client.userinfo(other["access_token"]).status_code == 200


def test_nobody_revokes_another_clients_token(client: Rp, tokens: dict[str, Any]) -> None:
    assert rp(client.pool).post("/oauth2/revoke", {"token": tokens["refresh_token"]}).status_code == 400
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    client.client.secret = "wrong"
    assert client.post("/oauth2/revoke", {"token": tokens["refresh_token"]}).status_code == 401


def test_revocation_takes_refresh_tokens_alone(client: Rp, tokens: dict[str, Any]) -> None:
    for token in (tokens["access_token"], tokens["id_token"]):
        answer = client.post("/oauth2/revoke", {"token": token})
        assert (answer.status_code, answer.get_json()["error"]) == (400, "unsupported_token_type")
    assert client.post("/oauth2/revoke", {}).get_json()["error"] == "invalid_request"
    assert client.post("/oauth2/revoke", {"token": "unknown", "token_type_hint": "odd"}).status_code == 200


# --- introspection --------------------------------------------------------------------------------------------------


def test_introspection_is_for_clients_that_prove_themselves(pool: PoolInWorld, tokens: dict[str, Any]) -> None:
    public = rp(pool, public=True)
    answer = public.post("/oauth2/introspect", {"token": tokens["access_token"]}, "none")
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


def test_introspection_tells_nothing_of_another_pools_tokens(world: World, tokens: dict[str, Any]) -> None:
    """CVE-2026-55670: tenants."""
    stranger = rp(world.pool())
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert stranger.introspect(token) == {"active": False}


def test_introspection_of_what_does_not_work_says_only_that(client: Rp, tokens: dict[str, Any]) -> None:
    for token in ("x", "a.b.c", tokens["id_token"], tokens["access_token"][:-4], "é", tokens["refresh_token"][:-1]):
        assert client.introspect(token) == {"active": False}
    with clock.moved(hours=1, seconds=1):
        assert client.introspect(tokens["access_token"]) == {"active": False}


def test_introspection_describes_what_works(client: Rp, tokens: dict[str, Any], person: Person) -> None:
    told = client.introspect(tokens["access_token"], token_type_hint="access_token")
    assert {n: told[n] for n in ("active", "token_type", "client_id", "username", "sub", "scope", "iss")} == {
        "active": True,
        "token_type": "Bearer",
        "client_id": client.client.id,
        "username": person.username,
        "sub": person.sub,
        "scope": "openid",
        "iss": client.pool.issuer,
    }
    told = client.introspect(tokens["refresh_token"])
    assert (told["active"], told["token_use"], told["sub"]) == (True, "refresh", person.sub)
    service = machine(client.pool, api(client.pool))
    token = service.token(grant_type="client_credentials").get_json()["access_token"]
    told = client.introspect(token)
    assert (told["active"], told["sub"], told["scope"]) == (True, service.client.id, "notes/read notes/write")
    assert "username" not in told


def test_introspection_sees_a_disabled_user_at_once(client: Rp, tokens: dict[str, Any], person: Person) -> None:
    client.pool.idp.admin_disable_user(UserPoolId=client.pool.id, Username=person.username)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert client.introspect(token) == {"active": False}


def test_introspection_speaks_of_the_apis_tokens_unless_the_pool_forbids_it(client: Rp, person: Person) -> None:
    token = client.client.tokens(person)["AccessToken"]
    assert client.introspect(token)["active"]
    with unit.open(client.world.runtime, write=True):
        pools.set_own(client.pool.id, {"introspection_for_api_tokens": False})
    assert not client.introspect(token)["active"]


# --- userInfo -------------------------------------------------------------------------------------------------------


def challenge(response: TestResponse, status: int, code: str | None) -> None:
    assert response.status_code == status
    header = response.headers["WWW-Authenticate"]
    assert header.startswith("Bearer realm=")
    assert ("error=" in header) is (code is not None)
    assert code is None or f'error="{code}"' in header


def test_userinfo_needs_an_access_token_with_openid(client: Rp, tokens: dict[str, Any], person: Person) -> None:
    where = {"path": f"/{client.pool.id}/oauth2/userInfo", "base_url": client.world.url}
    challenge(client.http.get(**where), 401, None)
    challenge(client.http.get(headers={"Authorization": "Basic eDp5"}, **where), 401, None)
    challenge(client.http.get(query_string={"access_token": tokens["access_token"]}, **where), 401, None)
    challenge(client.userinfo("x"), 401, "invalid_token")
    challenge(client.userinfo(tokens["id_token"]), 401, "invalid_token")
    challenge(client.userinfo(tokens["refresh_token"]), 401, "invalid_token")
    service = machine(client.pool, api(client.pool))
    own_token = service.token(grant_type="client_credentials").get_json()["access_token"]
    challenge(client.userinfo(own_token), 403, "insufficient_scope")
    twice = {"access_token": tokens["access_token"]}
    both = client.http.post(data=twice, headers={"Authorization": f"Bearer {tokens['access_token']}"}, **where)
    assert (both.status_code, both.get_json()["error"]) == (400, "invalid_request")
    with clock.moved(hours=2):
        challenge(client.userinfo(tokens["access_token"]), 401, "invalid_token")


def test_userinfo_refuses_the_apis_tokens_unless_the_client_allows_them(client: Rp, person: Person) -> None:
    token = client.client.tokens(person)["AccessToken"]
    challenge(client.userinfo(token), 403, "insufficient_scope")
    own(client, userinfo_for_api_tokens=True)
    assert client.userinfo(token).get_json()["email"] == PROFILE["email"]


def test_userinfo_of_one_pool_refuses_another_pools_tokens(world: World, tokens: dict[str, Any]) -> None:
    challenge(rp(world.pool()).userinfo(tokens["access_token"]), 401, "invalid_token")


def test_userinfo_is_cognitos_by_default_all_strings(client: Rp, tokens: dict[str, Any], person: Person) -> None:
    told = client.userinfo(tokens["access_token"]).get_json()
    assert (told["email_verified"], told["username"], told["sub"]) == ("true", person.username, person.sub)
    assert all(isinstance(value, str) for value in told.values())


def test_the_api_refuses_id_tokens_and_tokens_without_its_scope(client: Rp, tokens: dict[str, Any]) -> None:
    for token in (tokens["id_token"], tokens["access_token"], tokens["refresh_token"]):
        with pytest.raises(client.pool.idp.exceptions.NotAuthorizedException):
            client.pool.idp.get_user(AccessToken=token)


# --- CORS -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/oauth2/token", "POST"),
        ("/oauth2/userInfo", "GET"),
        ("/oauth2/revoke", "POST"),
        ("/.well-known/jwks.json", "GET"),
        ("/.well-known/openid-configuration", "GET"),
    ],
)
def test_single_page_apps_may_call_from_any_origin(client: Rp, path: str, method: str) -> None:
    where = {"path": f"/{client.pool.id}{path}", "base_url": client.world.url}
    headers = {"Origin": "https://spa.example", "Access-Control-Request-Method": method}
    asked = client.http.open(method="OPTIONS", headers=headers, **where)
    assert asked.status_code == 204
    assert method in asked.headers["Access-Control-Allow-Methods"]
    answer = client.http.open(method=method, headers=headers, **where)
    for response in (asked, answer):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response.headers


def test_introspection_is_not_for_browsers(client: Rp, tokens: dict[str, Any]) -> None:
    answer = client.post("/oauth2/introspect", {"token": tokens["access_token"]}, Origin="https://spa.example")
    assert "Access-Control-Allow-Origin" not in answer.headers
