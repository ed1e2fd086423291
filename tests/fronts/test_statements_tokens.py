"""How many SQL statements a warm server runs for a request: figures that do not drift with the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.oidc import Browser, Rp, api, machine, rp
from tests.world import PoolInWorld, World


def cost(world: World, request: Callable[[], Any]) -> tuple[int, int]:
    """Statements and commits of ``request``, once everything is warm."""
    request()
    with world.counting() as counted:
        response = request()
    assert response.status_code == 200, response.get_data(as_text=True)
    return len(counted), counted.commits


@pytest.fixture
def client(pool: PoolInWorld) -> Rp:
    return rp(pool)


@pytest.fixture
def tokens(world: World, client: Rp) -> dict[str, Any]:
    return client.tokens(Browser(world), client.pool.user())


def test_client_credentials_run_none(world: World, pool: PoolInWorld) -> None:
    service = machine(pool, api(pool))
    assert cost(world, lambda: service.token(grant_type="client_credentials")) == (0, 0)


@pytest.mark.parametrize("path", ["jwks.json", "openid-configuration", "oauth-authorization-server"])
def test_documents_run_none(world: World, client: Rp, path: str) -> None:
    assert cost(world, lambda: client.get(f"/.well-known/{path}")) == (0, 0)


def test_introspection_of_an_access_token_runs_one(world: World, client: Rp, tokens: dict[str, Any]) -> None:
    asked = {"token": tokens["access_token"]}
    assert cost(world, lambda: client.post("/oauth2/introspect", asked)) == (1, 0)


def test_introspection_of_a_machine_token_runs_none(world: World, pool: PoolInWorld, client: Rp) -> None:
    token = machine(pool, api(pool)).token(grant_type="client_credentials").get_json()["access_token"]
    assert cost(world, lambda: client.post("/oauth2/introspect", {"token": token})) == (0, 0)


def test_introspection_of_a_refresh_token_runs_one(world: World, client: Rp, tokens: dict[str, Any]) -> None:
    asked = {"token": tokens["refresh_token"]}
    assert cost(world, lambda: client.post("/oauth2/introspect", asked)) == (1, 0)


def test_userinfo_runs_one(world: World, client: Rp, tokens: dict[str, Any]) -> None:
    assert cost(world, lambda: client.userinfo(tokens["access_token"])) == (1, 0)


def test_refresh_runs_two_and_no_commit(world: World, client: Rp, tokens: dict[str, Any]) -> None:
    assert cost(world, lambda: client.refresh(tokens["refresh_token"])) == (2, 0)


def test_refresh_with_rotation_runs_four_and_one_commit(world: World, pool: PoolInWorld) -> None:
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}
    client = rp(pool, RefreshTokenRotation=rotation, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])
    current = [client.tokens(Browser(world), pool.user())["refresh_token"]]

    def refresh() -> Any:
        response = client.refresh(current[0])
        current[0] = response.get_json()["refresh_token"]
        return response

    assert cost(world, refresh) == (4, 1)


def test_the_code_flow_of_somebody_who_is_signed_in(world: World, client: Rp, tokens: dict[str, Any]) -> None:
    browser, person = Browser(world), client.pool.user()
    client.code(browser, person)
    client.code(browser)
    with world.counting() as counted:
        code = client.code(browser).given["code"]
    assert (len(counted), counted.commits) == (2, 1), counted.texts  # the session with its user, the code
    with world.counting() as counted:
        assert client.exchange(code).status_code == 200
    # code, user, groups; the code spent, the family, its first refresh token
    assert (len(counted), counted.commits) == (6, 1), counted.texts
