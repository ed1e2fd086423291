"""The statements of the hottest paths, compiled once and run on the driver: SQLAlchemy's own path costs ten times that.

Only where it pays: on SQLite. A read outside of a transaction runs on a connection that its thread keeps, everything
else on the unit's own. On PostgreSQL they run as any other statement. Whoever listens to statements (a test that
counts them) is told of these too.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Delete, Engine, Insert, Select, Update

from poolhouse.core import unit
from poolhouse.core.unit import Unit

Parameters = Mapping[str, Any]


class Read:
    """``Read(select(...)).first({"name": value})``: rows by column name; parameters are the ``bindparam`` names."""

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement
        self._compiled: WeakKeyDictionary[Engine, _OnSqlite] = WeakKeyDictionary()

    def first(self, parameters: Parameters) -> Any:
        """The first row, or None."""
        present = unit.current()
        if not present.runtime.database.sqlite:
            return unit.execute(self.statement, parameters).first()
        statement = self._on(present)
        found = statement.run(_connection(present), parameters).fetchone()
        return None if found is None else statement.row(found)

    def all(self, parameters: Parameters) -> list[Any]:
        """Every row."""
        present = unit.current()
        if not present.runtime.database.sqlite:
            return list(unit.execute(self.statement, parameters).all())
        statement = self._on(present)
        return [statement.row(found) for found in statement.run(_connection(present), parameters).fetchall()]

    def _on(self, present: Unit) -> _OnSqlite:
        engine = present.runtime.database.engine
        compiled = self._compiled.get(engine)
        if compiled is None:
            compiled = self._compiled[engine] = _OnSqlite(self.statement, engine, ())
        return compiled


class Write:
    """``Write(insert(Table)).run({"column": value})``: gives the number of rows. Begins the unit's write.

    An insert's parameters are its columns, an update's and a delete's their ``bindparam`` names. A row that is there
    already raises the driver's own error: use it where that cannot happen.
    """

    def __init__(self, statement: Insert | Update | Delete) -> None:
        self.statement = statement
        self._compiled: WeakKeyDictionary[Engine, _OnSqlite] = WeakKeyDictionary()

    def run(self, parameters: Parameters) -> int:
        """Run it; how many rows it touched."""
        present = unit.current()
        present.write()
        if not present.runtime.database.sqlite:
            return unit.execute(self.statement, parameters).rowcount
        engine = present.runtime.database.engine
        compiled = self._compiled.get(engine)
        if compiled is None:
            columns = tuple(parameters) if isinstance(self.statement, Insert) else ()
            compiled = self._compiled[engine] = _OnSqlite(self.statement, engine, columns)
        return compiled.run(_connection(present), parameters).rowcount


class _OnSqlite:
    """A statement as SQLite's driver wants it, and what turns its values into ours."""

    def __init__(
        self, statement: Select[Any] | Insert | Update | Delete, engine: Engine, columns: tuple[str, ...]
    ) -> None:
        dialect = engine.dialect
        compiled = statement.compile(engine, column_keys=list(columns) or None)
        self._engine = weakref.ref(engine)
        self._sql = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        self._binds: tuple[Callable[[Any], Any] | None, ...] = tuple(
            compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in self._names
        )
        self._fixed = {
            name: bind.value for name, bind in compiled.binds.items() if not bind.required and name not in columns
        }
        selected = list(statement.selected_columns) if isinstance(statement, Select) else []
        self._converters: tuple[tuple[int, Callable[[Any], Any]], ...] = tuple(
            (at, convert)
            for at, column in enumerate(selected)
            if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
        )
        self._row: Any = namedtuple("Row", [str(column.key) for column in selected])  # type: ignore[misc]

    def run(self, connection: sqlite3.Connection, parameters: Parameters) -> sqlite3.Cursor:
        """Run it there."""
        named = {**self._fixed, **parameters} if self._fixed else parameters
        given = tuple(
            named[name] if bind is None else bind(named[name])
            for name, bind in zip(self._names, self._binds, strict=True)
        )
        engine = self._engine()
        assert engine is not None, "whoever asks has it"
        for told in engine.dispatch.before_cursor_execute:
            told(None, None, self._sql, given, None, False)
        return connection.execute(self._sql, given)

    def row(self, found: tuple[Any, ...]) -> Any:
        """The driver's values as ours."""
        values = list(found)
        for at, convert in self._converters:
            values[at] = convert(values[at])
        return self._row._make(values)


class _Kept(threading.local):
    """The connections that a thread keeps for reading, by engine."""

    def __init__(self) -> None:
        self.connections: WeakKeyDictionary[Engine, sqlite3.Connection] = WeakKeyDictionary()


_kept = _Kept()


def _connection(present: Unit) -> sqlite3.Connection:
    if present.writing:
        return cast(sqlite3.Connection, present.connection.connection.dbapi_connection)
    engine = present.runtime.database.engine
    connection = _kept.connections.get(engine)
    if connection is None:
        fairy = engine.raw_connection()
        fairy.detach()  # the pool's count is for transactions
        connection = _kept.connections[engine] = cast(sqlite3.Connection, fairy.dbapi_connection)
    return connection
