"""What one running server is made of: settings, database, sealer, caches, hash pool, housekeeper.

Built by ``app.py``; the fronts enter it, and everything below finds it by :func:`current`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poolhouse.core.cache import Cache
    from poolhouse.core.db import Database
    from poolhouse.core.events import Bus
    from poolhouse.core.hashing import HashPool
    from poolhouse.core.housekeeping import Housekeeper
    from poolhouse.core.sealing import Sealer
    from poolhouse.settings import Settings


@dataclass(slots=True)
class Runtime:
    """One server process (or one of several in a test process)."""

    settings: Settings
    database: Database
    sealer: Sealer
    cache: Cache
    hashers: HashPool
    bus: Bus
    housekeeper: Housekeeper
    extras: dict[str, object] = field(default_factory=dict)


_current: ContextVar[Runtime] = ContextVar("poolhouse_runtime")


def current() -> Runtime:
    """The runtime that this request runs in; LookupError outside of one."""
    return _current.get()


def enter(rt: Runtime) -> Token[Runtime]:
    """Make ``rt`` the current runtime; give the token to :func:`leave`."""
    return _current.set(rt)


def leave(token: Token[Runtime]) -> None:
    """Undo :func:`enter`."""
    _current.reset(token)


@contextmanager
def entered(rt: Runtime) -> Iterator[Runtime]:
    """``with entered(rt):`` everything inside runs in ``rt``."""
    token = _current.set(rt)
    try:
        yield rt
    finally:
        _current.reset(token)
