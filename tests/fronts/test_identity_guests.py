"""Guests are for everybody, and so there is a limit to how many one address brings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from poolhouse.core import circumstances, unit
from poolhouse.identity_pools import guests
from tests.conftest import Databases
from tests.fronts.identity_world import IdentityWorld, identity_world
from tests.fronts.refusals import refused
from tests.world import World

LIMIT = 3


@pytest.fixture
def ids(engine: str, databases: Databases, tmp_path: Path) -> Iterator[IdentityWorld]:
    world = World(databases.make(engine), tmp_path, guests_an_hour=LIMIT, trusted_proxies=1)
    yield identity_world(world)
    world.close()


def visit(ids: IdentityWorld, address: str, **given: Any) -> int:
    """GetId from that address, as the proxy in front tells; the status."""
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSCognitoIdentityService.GetId",
        "X-Forwarded-For": address,
    }
    url = f"http://127.0.0.1:{ids.world.port}/"
    answer = requests.post(url, json={"IdentityPoolId": ids.id, **given}, headers=headers, timeout=10)
    assert answer.status_code == 200 or answer.json()["__type"] == "TooManyRequestsException", answer.text
    return answer.status_code


def test_an_address_brings_so_many_guests_an_hour_and_no_more(ids: IdentityWorld) -> None:
    assert [visit(ids, "203.0.113.9") for _ in range(LIMIT + 2)] == [200] * LIMIT + [400] * 2
    assert visit(ids, "203.0.113.10") == 200
    assert visit(ids, "::ffff:203.0.113.9") == 400


def test_a_network_of_ipv6_counts_as_one_address(ids: IdentityWorld) -> None:
    assert [visit(ids, f"2001:db8:1:2::{n}") for n in range(LIMIT + 1)] == [200] * LIMIT + [400]
    assert visit(ids, "2001:db8:1:3::1") == 200


def test_whoever_signs_in_is_no_guest(ids: IdentityWorld) -> None:
    for _ in range(LIMIT):
        ids.guest()
    assert "IdentityId" in ids.app.get_id(IdentityPoolId=ids.id, Logins=ids.logins(ids.pool.user()))
    refused(ids.app.get_id, "TooManyRequestsException", IdentityPoolId=ids.id)


def test_a_pool_without_guests_counts_none(ids: IdentityWorld) -> None:
    closed = identity_world(ids.world, AllowUnauthenticatedIdentities=False)
    for _ in range(LIMIT + 1):
        refused(closed.app.get_id, "NotAuthorizedException", IdentityPoolId=closed.id)


def test_zero_is_no_limit(world: World) -> None:
    from poolhouse.settings import load

    assert load({}).guests_an_hour == 1000
    with unit.open(world.runtime), circumstances.known(remote_address="no address at all"):
        guests.count()


def test_a_guest_costs_two_statements_and_one_commit(world: World) -> None:
    """The count of the address, and the identity."""
    ids = identity_world(world)
    ids.guest()
    with world.counting() as counted:
        ids.guest()
    assert (len(counted), counted.commits) == (2, 1), counted.texts
