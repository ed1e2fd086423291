"""The unit of work: one request is one unit, opened by the front it came through.

A unit reads in autocommit until :func:`write` begins its one write transaction, so that a password hash or a hook
never holds the write lock. What was read before ``write()`` may have changed by then: what matters is asked again,
or spent by a conditional UPDATE whose row count is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.engine import RootTransaction

from poolhouse.core import runtime
from poolhouse.core.errors import PoolhouseError
from poolhouse.core.runtime import Runtime


class Unit:
    """A request's connection, its transaction once it writes, and what is to happen after the commit."""

    __slots__ = ("_after", "_connection", "_transaction", "runtime")

    def __init__(self, rt: Runtime) -> None:
        self.runtime = rt
        self._connection: Connection | None = None
        self._transaction: RootTransaction | None = None
        self._after: list[Callable[[], object]] = []

    @property
    def writing(self) -> bool:
        """Whether the write transaction has begun."""
        return self._transaction is not None

    @property
    def connection(self) -> Connection:
        """The connection as it stands now: in autocommit, or in the write transaction."""
        if self._connection is None:
            self._connection = self.runtime.database.reader.connect()
        return self._connection

    def write(self) -> None:
        """Begin the one write transaction; nothing happens if it has begun."""
        if self._transaction is not None:
            return
        self._release()
        database = self.runtime.database
        database.turns.take()
        try:
            self._connection = database.writer.connect()
            self._transaction = self._connection.begin()
        except BaseException:
            database.turns.give()
            raise

    def after_commit(self, action: Callable[[], object]) -> None:
        """Do ``action`` once everything is stored; never if it is rolled back."""
        self._after.append(action)

    def commit(self) -> None:
        """Store what was written. For fronts, and for :func:`store`."""
        if self._transaction is not None:
            transaction, self._transaction = self._transaction, None
            try:
                transaction.commit()
            finally:
                self.runtime.database.turns.give()
        self._release()
        pending, self._after = self._after, []
        for action in pending:
            action()

    def rollback(self) -> None:
        """Forget what was written. For fronts alone."""
        self._after.clear()
        if self._transaction is not None:
            transaction, self._transaction = self._transaction, None
            try:
                transaction.rollback()
            finally:
                self.runtime.database.turns.give()
        self._release()

    def _release(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_current: ContextVar[Unit] = ContextVar("poolhouse_unit")


@contextmanager
def open(rt: Runtime, *, write: bool = False) -> Iterator[Unit]:
    """One unit of work in ``rt``: commits at the end; an exception rolls back, unless it says ``keep``."""
    unit = Unit(rt)
    entered = runtime.enter(rt)
    token = _current.set(unit)
    try:
        if write:
            unit.write()
        yield unit
        unit.commit()
    except PoolhouseError as error:
        if error.keep:
            unit.commit()
        else:
            unit.rollback()
        raise
    except BaseException:
        unit.rollback()
        raise
    finally:
        _current.reset(token)
        runtime.leave(entered)


def current() -> Unit:
    """The unit that this request runs in; LookupError outside of one."""
    return _current.get()


def execute(
    statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
) -> CursorResult[Any]:
    """Run a Core statement on the unit's connection."""
    return _current.get().connection.execute(statement, parameters)


def write() -> None:
    """Begin the unit's write transaction; nothing happens if it has begun."""
    _current.get().write()


def store() -> None:
    """Store what was written so far, which is to stay whatever comes; then the unit reads again.

    Before something slow that nobody may wait for with the write lock held, where it cannot come before the write.
    """
    _current.get().commit()


def after_commit(action: Callable[[], object]) -> None:
    """Do ``action`` once the unit is stored."""
    _current.get().after_commit(action)
