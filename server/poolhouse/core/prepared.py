"""A SELECT on the hottest paths, compiled once and run on the driver: SQLAlchemy's own path costs ten times that.

Only where it pays: on SQLite, outside of a write transaction, on a connection that its thread keeps. Elsewhere the
statement runs as any other. Whoever listens to statements (a test that counts them) is told of these too.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Select

from poolhouse.core import unit


class Prepared:
    """``Prepared(select(...)).first({"name": value})``: the first row, by column name, or None."""

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement
        self._compiled: WeakKeyDictionary[Engine, _OnSqlite] = WeakKeyDictionary()

    def first(self, parameters: Mapping[str, Any]) -> Any:
        """The first row. ``parameters`` are the statement's ``bindparam`` names."""
        present = unit.current()
        database = present.runtime.database
        if present.writing or not database.sqlite:
            return unit.execute(self.statement, parameters).first()
        compiled = self._compiled.get(database.engine)
        if compiled is None:
            compiled = self._compiled[database.engine] = _OnSqlite(self.statement, database.engine)
        return compiled.first(parameters)


class _OnSqlite:
    """A statement as SQLite's driver wants it, and what turns its values into ours."""

    def __init__(self, statement: Select[Any], engine: Engine) -> None:
        compiled = statement.compile(engine)
        self._engine = weakref.ref(engine)
        self._sql = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        self._binds: tuple[Callable[[Any], Any] | None, ...] = tuple(
            compiled.binds[name].type.dialect_impl(engine.dialect).bind_processor(engine.dialect)
            for name in self._names
        )
        columns = list(statement.selected_columns)
        self._converters: tuple[tuple[int, Callable[[Any], Any]], ...] = tuple(
            (at, convert)
            for at, column in enumerate(columns)
            if (convert := column.type.dialect_impl(engine.dialect).result_processor(engine.dialect, None)) is not None
        )
        self._row: Any = namedtuple("Row", [str(column.key) for column in columns])  # type: ignore[misc]

    def first(self, parameters: Mapping[str, Any]) -> Any:
        given = tuple(
            parameters[name] if bind is None else bind(parameters[name])
            for name, bind in zip(self._names, self._binds, strict=True)
        )
        engine = self._engine()
        assert engine is not None, "whoever asks has it"
        for told in engine.dispatch.before_cursor_execute:
            told(None, None, self._sql, given, None, False)
        found = _connection(engine).execute(self._sql, given).fetchone()
        if found is None:
            return None
        values = list(found)
        for at, convert in self._converters:
            values[at] = convert(values[at])
        return self._row._make(values)


class _Kept(threading.local):
    """The connections that a thread keeps, by engine."""

    def __init__(self) -> None:
        self.connections: WeakKeyDictionary[Engine, sqlite3.Connection] = WeakKeyDictionary()


_kept = _Kept()


def _connection(engine: Engine) -> sqlite3.Connection:
    connection = _kept.connections.get(engine)
    if connection is None:
        fairy = engine.raw_connection()
        fairy.detach()  # the pool's count is for transactions
        connection = _kept.connections[engine] = cast(sqlite3.Connection, fairy.dbapi_connection)
    return connection
