"""One live server for each engine, shared by all stories: each makes a pool of its own in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.interop import minio
from tests.interop.server import Live, running

# MinIO takes minutes to build: whoever has none has no such test, rather than one that is skipped.
collect_ignore = [] if minio.program() else ["test_minio.py"]


@pytest.fixture(scope="session")
def live(engine: str, make_database: Callable[[str], str]) -> Iterator[Live]:
    """A server on each engine, with a database (and so a master key) of its own."""
    with running(make_database(engine)) as live:
        yield live
