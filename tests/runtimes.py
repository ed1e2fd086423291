"""A runtime on a test's database without any front: what messages, listeners and keys need to be tried alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from poolhouse import settings
from poolhouse.core.cache import Cache
from poolhouse.core.db import Database, engine_options
from poolhouse.core.events import Bus
from poolhouse.core.hashing import HashPool
from poolhouse.core.housekeeping import Housekeeper
from poolhouse.core.runtime import Runtime
from poolhouse.core.sealing import Sealer


@contextmanager
def running(url: str, *, key: bytes = bytes(32), previous: tuple[bytes, ...] = (), **given: Any) -> Iterator[Runtime]:
    """A runtime with these settings; ``key`` is its master key."""
    options = settings.load({}, database_url=url, **given)
    engine = sa.create_engine(url, **engine_options(options))
    rt = Runtime(
        settings=options,
        database=Database(engine),
        sealer=Sealer(key, previous),
        cache=Cache(None),
        hashers=HashPool(),
        bus=Bus(),
        housekeeper=Housekeeper(),
    )
    try:
        yield rt
    finally:
        rt.hashers.close()
        engine.dispose()
