"""Signing keys: two a pool, rotated without a moment in which a good token fails."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from joserfc import jws

from poolhouse.core import clock, unit
from poolhouse.tokens import keys
from poolhouse.tokens.models import StoredSigningKey
from tests.oidc import Browser, Rp, rp
from tests.world import PoolInWorld, World


@pytest.fixture
def client(pool: PoolInWorld) -> Rp:
    return rp(pool)


def kid(token: str) -> str:
    return str(jws.extract_compact(token.encode()).headers()["kid"])


def published(client: Rp) -> set[str]:
    return {key["kid"] for key in client.get("/.well-known/jwks.json").get_json()["keys"]}


def rotate(client: Rp, purpose: str, **how: Any) -> str:
    with unit.open(client.world.runtime):
        return keys.rotate(client.pool.id, purpose, **how)


def test_id_and_access_tokens_have_keys_of_their_own(world: World, client: Rp) -> None:
    tokens = client.tokens(Browser(world), client.pool.user())
    assert {kid(tokens["id_token"]), kid(tokens["access_token"])} == published(client)
    assert kid(tokens["id_token"]) != kid(tokens["access_token"])


def test_no_pool_shares_a_key_with_another(world: World, client: Rp) -> None:
    assert not published(client) & published(rp(world.pool()))


def test_a_rotation_never_fails_a_verification(world: World, client: Rp) -> None:
    first = client.tokens(Browser(world), client.pool.user())
    old = kid(first["access_token"])
    new = rotate(client, "access")
    assert {old, new} <= published(client), "a new key is published before it signs"
    assert kid(client.refresh(first["refresh_token"]).get_json()["access_token"]) == old
    with clock.moved(minutes=59):
        late = client.refresh(first["refresh_token"]).get_json()["access_token"]
        assert kid(late) == old
    with clock.moved(minutes=61):
        assert kid(client.refresh(first["refresh_token"]).get_json()["access_token"]) == new
        assert old in published(client), "the old key verifies until its last token has expired"
        assert client.userinfo(late).status_code == 200
    with clock.moved(hours=27):
        assert old not in published(client)
        assert kid(client.refresh(first["refresh_token"]).get_json()["access_token"]) == new


def test_the_other_key_stays(world: World, client: Rp) -> None:
    first = client.tokens(Browser(world), client.pool.user())
    rotate(client, "access", ahead=timedelta(0))
    second = client.refresh(first["refresh_token"]).get_json()
    assert kid(second["id_token"]) == kid(first["id_token"])
    assert kid(second["access_token"]) != kid(first["access_token"])


def test_a_withdrawn_key_verifies_nothing_from_then_on(world: World, client: Rp) -> None:
    tokens = client.tokens(Browser(world), client.pool.user())
    leaked = kid(tokens["access_token"])
    rotate(client, "access", ahead=timedelta(0))
    with unit.open(world.runtime):
        assert keys.withdraw(client.pool.id, leaked)
        assert not keys.withdraw(client.pool.id, leaked)
    assert leaked not in published(client)
    assert client.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_other_algorithms_by_choice(world: World, client: Rp, alg: str) -> None:
    for purpose in keys.PURPOSES:
        rotate(client, purpose, alg=alg, ahead=timedelta(0))
    assert client.discovery()["id_token_signing_alg_values_supported"] == [alg]
    tokens = client.tokens(Browser(world), client.pool.user())
    assert jws.extract_compact(tokens["id_token"].encode()).headers()["alg"] == alg
    client.id_claims(tokens["id_token"])
    assert client.introspect(tokens["access_token"])["active"]


def test_private_keys_are_sealed(client: Rp) -> None:
    with client.world.runtime.database.engine.connect() as connection:
        rows = connection.execute(sa.select(StoredSigningKey.sealed)).all()
    assert rows
    assert not [row for row in rows if b"PRIVATE KEY" in row.sealed]


def test_expired_keys_are_purged(client: Rp) -> None:
    rotate(client, "access", ahead=timedelta(0))
    with clock.moved(days=3), unit.open(client.world.runtime):
        keys.purge()
    assert len(published(client)) == 2


def test_keys_are_rotated_when_their_time_comes_and_once(fresh_database_url: str, tmp_path: Path) -> None:
    world = World(fresh_database_url, tmp_path)
    pool = world.pool()
    year = timedelta(days=365)

    def due() -> None:
        with unit.open(world.runtime):
            keys.rotate_due(year)

    def kids() -> set[str]:
        with unit.open(world.runtime):
            return set(keys.verifying(pool.id))

    before = kids()
    due()
    assert kids() == before, "young keys stay"
    with clock.moved(days=366):
        for _ in range(4):  # one a call: ID and access, and then nothing more
            due()
        assert len(kids()) == 4
        assert before < kids()
    world.close()
