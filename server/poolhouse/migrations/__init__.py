"""Brings a database to this version's tables: one worker at a time, and not at all where a newer version was.

Revisions are numbered files in ``versions``. At head it costs one statement, and Alembic is not even imported.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, pool, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError

from poolhouse.core.db import Database, driver_url

VERSIONS = Path(__file__).parent / "versions"
LOCK_TABLE = "schema_lock"
_TRIES = 20


class NewerDatabase(Exception):
    """The database was brought to a version that this code does not know."""


def revisions() -> list[str]:
    """The numbers of all revisions, oldest first."""
    return sorted(path.name[:4] for path in VERSIONS.glob("[0-9][0-9][0-9][0-9]_*.py"))


def head() -> str:
    """The revision that this code works with."""
    return revisions()[-1]


def upgrade(target: Engine | str, directory: Path | None = None) -> None:
    """Bring the database to :func:`head`, creating everything in an empty one. Raises :class:`NewerDatabase`.

    ``directory`` is for the lock file that several processes starting on one SQLite database take turns by;
    without it, the database's own.
    """
    if isinstance(target, str):
        engine = create_engine(driver_url(target), poolclass=pool.NullPool)
        Database(engine)
    else:
        engine = target
    with _sqlite_turn(engine, directory):
        if current(engine) == head():
            return
        if engine.dialect.name != "sqlite":
            _make_lock(engine)
        with engine.begin() as connection:  # on SQLite this is BEGIN IMMEDIATE
            if engine.dialect.name != "sqlite":
                _take_lock(connection)
            if _version(connection) != head():
                run(connection)


def current(engine: Engine) -> str | None:
    """The revision of the database; None for one without tables. Raises :class:`NewerDatabase`."""
    try:
        with engine.execution_options(poolhouse_reading=True).connect() as connection:
            return _version(connection)
    except (OperationalError, ProgrammingError) as error:
        if _no_such_table(error):
            return None
        raise


def _version(connection: Connection) -> str | None:
    if connection.in_transaction() and not connection.dialect.has_table(connection, "alembic_version"):
        return None  # in a transaction PostgreSQL does not forgive asking a table that is not there
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is None or found in revisions():
        return found
    raise NewerDatabase(
        f"the database is at revision {found}, this version of Poolhouse knows {head()} at most: "
        "install the newer version again, or restore the backup from before the upgrade"
    )


def _no_such_table(error: DBAPIError) -> bool:
    return "no such table" in str(error.orig) or getattr(error.orig, "sqlstate", "") == "42P01"


def run(connection: Connection, revision: str = "head") -> None:
    """Run what leads to ``revision`` within the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(VERSIONS.parent).replace("%", "%%"))
    command.upgrade(config, revision)


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _sqlite_turn(engine: Engine, directory: Path | None) -> AbstractContextManager[None]:
    """Two processes that both switch a new SQLite file to WAL are in each other's way: one at a time."""
    file = engine.url.database
    if engine.dialect.name != "sqlite" or not file or file == ":memory:":
        return nullcontext()
    return _file_lock((directory or Path(file).absolute().parent) / ".schema.lock")


def _make_lock(engine: Engine) -> None:
    """The row that PostgreSQL's starters queue for: rows are locked by every engine that speaks its protocol."""
    for attempt in range(_TRIES):
        try:
            with engine.begin() as connection:
                connection.execute(text("CREATE TABLE IF NOT EXISTS schema_lock (id INTEGER PRIMARY KEY)"))
            with engine.begin() as connection:
                connection.execute(text("INSERT INTO schema_lock (id) VALUES (1) ON CONFLICT DO NOTHING"))
            return
        except (IntegrityError, ProgrammingError):  # IF NOT EXISTS does not keep two creators apart
            if attempt == _TRIES - 1:
                raise
            time.sleep(0.05)


def _take_lock(connection: Connection) -> None:
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SELECT id FROM schema_lock WHERE id = 1 FOR UPDATE"))
