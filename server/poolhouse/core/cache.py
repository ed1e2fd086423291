"""What every request needs and administrators seldom change, kept in memory: pools, clients, signing keys.

A change bumps one random stamp in the database, inside its transaction, and the same stamp in a small file that all
workers of this machine map into memory: they see it at the next request without a statement, other machines when
their housekeeper next looks (``cache_seconds``).
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import LargeBinary, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core import runtime, unit
from poolhouse.core.db import Base

T = TypeVar("T")
_STAMP_BYTES = 8
_ENTRIES_MAX = 50_000


class ConfigurationStamp(Base):
    """One row, whose stamp differs whenever any cached configuration was changed."""

    __tablename__ = "configuration_stamp"
    id: Mapped[int] = mapped_column(primary_key=True)
    stamp: Mapped[bytes] = mapped_column(LargeBinary)


class Cache:
    """Values by key, all dropped as soon as any configuration changes: changes are rare, and mistakes dear."""

    def __init__(self, directory: Path | None) -> None:
        self._values: dict[Hashable, Any] = {}
        self._generation = 0
        self._lock = threading.Lock()
        self._shared = _map_shared(directory) if directory else None
        self._seen = self._shared_stamp()
        self._database_stamp: bytes | None = None

    def get(self, key: Hashable, load: Callable[[], T]) -> T:
        """The value at ``key``, loaded if it is not here. A value loaded while a change came in is not kept."""
        if self._shared is not None and self._shared[:] != self._seen:
            self.drop()
        found = self._values.get(key)
        if found is not None:
            return cast(T, found)
        generation = self._generation
        value = load()
        with self._lock:
            if generation == self._generation and value is not None:
                if len(self._values) >= _ENTRIES_MAX:
                    self._values.clear()
                self._values[key] = value
        return value

    def peek(self, key: Hashable) -> Any:
        """The value at ``key`` if it is here and nothing has changed, else None."""
        if self._shared is not None and self._shared[:] != self._seen:
            self.drop()
        return self._values.get(key)

    def drop(self) -> None:
        """Forget everything."""
        with self._lock:
            self._generation += 1
            self._values.clear()
            self._seen = self._shared_stamp()

    def announce(self, stamp: bytes) -> None:
        """Tell every worker of this machine that something changed."""
        if self._shared is not None:
            self._shared[:] = stamp
        self._database_stamp = stamp
        self.drop()

    def follow(self, stamp: bytes | None) -> None:
        """What the housekeeper found in the database: if it is new, another machine changed something."""
        if stamp != self._database_stamp:
            self._database_stamp = stamp
            self.drop()

    def _shared_stamp(self) -> bytes:
        return b"" if self._shared is None else self._shared[:]


def _map_shared(directory: Path) -> mmap.mmap | None:
    """The file that all workers of this machine share; None where it cannot be made (a read-only disk)."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / "configuration.stamp", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(descriptor).st_size < _STAMP_BYTES:
                os.ftruncate(descriptor, _STAMP_BYTES)
            return mmap.mmap(descriptor, _STAMP_BYTES)
        finally:
            os.close(descriptor)
    except OSError:
        return None


def changed() -> None:
    """Say, inside the unit that changes configuration, that caches are to be dropped once it is stored."""
    stamp = os.urandom(_STAMP_BYTES)
    unit.write()
    if not unit.execute(update(ConfigurationStamp).where(ConfigurationStamp.id == 1).values(stamp=stamp)).rowcount:
        unit.execute(insert(ConfigurationStamp).values(id=1, stamp=stamp))
    cache = runtime.current().cache
    unit.after_commit(lambda: cache.announce(stamp))


def stored_stamp() -> bytes | None:
    """The stamp in the database: one statement, for the housekeeper."""
    row = unit.execute(select(ConfigurationStamp.stamp).where(ConfigurationStamp.id == 1)).first()
    return None if row is None else bytes(row.stamp)


def stored_stamp_now() -> bytes | None:
    """The stamp in the database, in a unit of its own: proves that the database answers."""
    with unit.open(runtime.current()):
        return stored_stamp()
