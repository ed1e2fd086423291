"""The database: SQLite embedded or PostgreSQL, through Flask-SQLAlchemy's engine and SQLAlchemy Core statements."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import orjson
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Connection, Engine, LargeBinary, MetaData, Text, event
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, registry
from sqlalchemy.types import TypeDecorator

from poolhouse.core.errors import TooManyRequests
from poolhouse.settings import Settings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BUSY_SECONDS = 30


class Timestamp(TypeDecorator[datetime]):
    """An aware moment, stored as whole microseconds since 1970: the same on every engine, and cheap to index."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Document(TypeDecorator[Any]):
    """A JSON document in a text column: we never ask the engine to look inside it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)


class Base(DeclarativeBase):
    """What every table derives from; constraints are named, so that migrations can name them too."""

    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: Timestamp, bytes: LargeBinary, dict[str, Any]: Document, list[Any]: Document},
    )


db = SQLAlchemy(model_class=Base, disable_autonaming=True)


class Turns(Protocol):
    """Whose turn it is to write, among the threads of this process."""

    def take(self) -> None:
        """Wait for it."""

    def give(self) -> None:
        """Let the next one have it."""


class _Everybody:
    """The engine sees to it."""

    def take(self) -> None:
        return

    def give(self) -> None:
        return


class _OneAtATime:
    """SQLite has one writer; whom it turns away sleeps and tries again, ever longer. Waiting in line is shorter."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def take(self) -> None:
        if not self._lock.acquire(timeout=_BUSY_SECONDS):
            raise TooManyRequests(hint="somebody holds the database's write lock")

    def give(self) -> None:
        self._lock.release()


class Database:
    """The two ways to the one database: ``reader`` in autocommit, ``writer`` in transactions that lose no update."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sqlite = engine.dialect.name == "sqlite"
        if self.sqlite:
            _prepare_sqlite(engine)
            self.reader = engine.execution_options(poolhouse_reading=True)
        else:
            self.reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self.writer = engine.execution_options(poolhouse_writing=True)
        self.turns: Turns = _OneAtATime() if self.sqlite else _Everybody()


def engine_options(settings: Settings) -> dict[str, Any]:
    """What Flask-SQLAlchemy is to make the engine with."""
    options: dict[str, Any] = {
        "pool_size": settings.pool_connections,
        "max_overflow": settings.threads,
        "pool_timeout": _BUSY_SECONDS,
    }
    if settings.database_url.startswith("sqlite"):
        options["connect_args"] = {"timeout": _BUSY_SECONDS, "check_same_thread": False}
        options["execution_options"] = {"poolhouse_synchronous": settings.sqlite_synchronous}
    else:
        options["pool_pre_ping"] = False
        options["pool_recycle"] = 1800
        options["connect_args"] = {"connect_timeout": 10, "options": "-c statement_timeout=30000 -c lock_timeout=15000"}
    return options


def driver_url(url: str) -> str:
    """``url`` with psycopg 3 as PostgreSQL's driver, whichever way it was written."""
    scheme, separator, rest = url.partition("://")
    if scheme in {"postgres", "postgresql", "postgresql+psycopg2"}:
        return "postgresql+psycopg" + separator + rest
    return url


def _prepare_sqlite(engine: Engine) -> None:
    """Take the transactions into our own hands: SQLAlchemy's defaults lose concurrent updates silently."""
    synchronous = engine.get_execution_options().get("poolhouse_synchronous", "full")

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-65536",
            "mmap_size=268435456",
            "wal_autocheckpoint=4000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("poolhouse_reading"):
            raw = connection.connection.dbapi_connection
            assert raw is not None
            raw.execute("BEGIN IMMEDIATE")
