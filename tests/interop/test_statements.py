"""What a warm server asks its database for: the one figure of its speed that does not depend on the machine."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from bench import counts, tenant
from bench.counts import Count
from bench.scenarios import Scenario, every
from bench.tenant import Administrator
from tests.conftest import Databases
from tests.interop.server import running

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def counted(engine: str, databases: Databases) -> Iterator[dict[str, tuple[Scenario, Count]]]:
    """Every scenario of the bench, told alone to a server that counts."""
    with running(databases.make(engine), counting=True) as live:
        pool = tenant.furnish(live.base, Administrator(live.key_id, live.secret))
        address = "127.0.0.1", urlsplit(live.base).port or 80
        scenarios = every(live.base, pool, "http://localhost:1", "unused")
        found = counts.count_all(address, scenarios)
        yield {scenario.name: (scenario, found[scenario.name]) for scenario in scenarios}


@pytest.mark.parametrize(
    ("name", "statements", "commits"),
    [
        ("client_credentials", 0, 0),
        ("JWKS", 0, 0),
        ("discovery", 0, 0),
        ("introspection", 1, 0),
        ("userInfo", 1, 0),
        ("refresh with rotation", 4, 1),
        ("password sign-in", 8, 2),
    ],
)
def test_a_request_costs_no_more_than_promised(
    counted: dict[str, tuple[Scenario, Count]], name: str, statements: int, commits: int
) -> None:
    _, found = counted[name]
    # Revocation is seen at once and rotation is kept: what asks for nothing where it has to is not counted, or broken.
    assert (found.statements > 0) is (statements > 0)
    assert found.statements <= statements
    assert found.commits <= commits
