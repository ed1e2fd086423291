"""One live server for each engine, shared by all stories: each makes a pool of its own in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.server import Live, running


@pytest.fixture(scope="session")
def live(database_url: str) -> Iterator[Live]:
    """A server on each engine."""
    with running(database_url) as live:
        yield live
