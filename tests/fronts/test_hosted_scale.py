"""Thousands of identity providers in one pool: the sign-in page and an arrival cost what they cost with five."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert

from poolhouse.core import cache, unit
from poolhouse.federation import catalogue
from poolhouse.federation.models import ProviderIdentifier, StoredProvider
from poolhouse.user_pools import lookup
from tests.federation.social import Social
from tests.fronts.federated import Visitor, app, provider
from tests.oidc import Rp
from tests.world import PoolInWorld, World

MANY = 5_000
SOME = 5


def companies(count: int) -> list[str]:
    return [f"Company{number:04}" for number in range(count)]


def fill(pool: PoolInWorld, like: str, count: int) -> None:
    """Providers of companies, each with a domain, made as CreateIdentityProvider makes them."""
    with unit.open(pool.world.runtime, write=True):
        model = catalogue.get(lookup.pool(pool.id), like)
        made = [
            dataclasses.replace(model, name=name, identifiers=(f"{name.lower()}.example",)) for name in companies(count)
        ]
        rows = [
            {"pool_id": pool.id, "name": one.name, "created_at": one.created_at, **catalogue._columns(one)}
            for one in made
        ]
        unit.execute(insert(StoredProvider), rows)
        keys = [{"pool_id": pool.id, "provider": one.name, "identifier": one.identifiers[0]} for one in made]
        unit.execute(insert(ProviderIdentifier), keys)
        cache.changed()


@pytest.fixture(params=["five of them", "all of them"])
def offered(request: pytest.FixtureRequest) -> Callable[[int], list[str]]:
    """How many of a pool's providers its app offers."""
    return (lambda count: companies(min(count, SOME))) if request.param == "five of them" else companies


def a_pool(world: World, social: Social, count: int) -> PoolInWorld:
    pool = world.pool(PoolName="Northwind")
    provider(pool, social.google)
    fill(pool, "Google", count)
    return pool


def step(visitor: Visitor, name: str, act: Callable[[], Any]) -> tuple[str, int, int, int]:
    with visitor.app.world.counting() as counted:
        act()
    return name, len(counted), counted.commits, len(visitor.text)


def story(client: Rp) -> list[tuple[str, int, int, int]]:
    """What each step of a sign-in by an e-mail domain costs: statements, commits, bytes of the page."""
    costs: list[tuple[str, int, int, int]] = []
    for name in ("cold", "warm"):
        visitor = Visitor(client)
        if name == "cold":
            client.world.runtime.cache.drop()
        costs.append(step(visitor, f"{name}: the sign-in page", visitor.begin))
        there = partial(visitor.browser.submit, username="ann@company0003.example")
        costs.append(step(visitor, f"{name}: there and back", there))
        assert "code" in visitor.given, visitor.text[-500:]
    return costs


def test_five_thousand_providers_cost_what_five_do(
    world: World, social: Social, offered: Callable[[int], list[str]]
) -> None:
    told = {}
    for count in (SOME * 4, MANY):  # more than fit the page, so that both have as many buttons
        pool = a_pool(world, social, count)
        client = app(pool, "COGNITO", *offered(count), ClientName="Northwind Shop")
        told[count] = story(client)
    assert told[MANY] == told[SOME * 4]
    shown = next(size for name, _, _, size in told[MANY] if name == "warm: the sign-in page")
    assert shown < 12_000


def test_with_as_many_buttons_the_page_is_the_same_to_the_byte(world: World, social: Social) -> None:
    sizes = set()
    for count in (SOME, MANY):
        client = app(a_pool(world, social, count), "COGNITO", *companies(SOME), ClientName="Northwind Shop")
        visitor = Visitor(client).begin()
        assert visitor.text.count("/login/via") == SOME
        with world.counting() as counted:
            visitor.browser.go(visitor.browser.url)
        sizes.add((len(visitor.text), len(counted)))
    assert len(sizes) == 1
    assert sizes.pop()[1] == 1, "the journey, and nothing else"
