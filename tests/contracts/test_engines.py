"""What the server relies on of a database engine, held against each: SQLite and PostgreSQL."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from poolhouse import migrations, settings, tables
from poolhouse.core import throttle, unit
from poolhouse.core.cache import Cache
from poolhouse.core.db import Database, engine_options
from poolhouse.core.errors import NotAuthorized
from poolhouse.core.events import Bus
from poolhouse.core.hashing import HashPool
from poolhouse.core.housekeeping import Housekeeper
from poolhouse.core.runtime import Runtime
from poolhouse.core.sealing import Sealer

PROCESSES, ROUNDS = 4, 25


@contextmanager
def _runtime(url: str) -> Iterator[Runtime]:
    options = settings.load({}, database_url=url)
    engine = sa.create_engine(url, **engine_options(options))
    yield Runtime(
        settings=options,
        database=Database(engine),
        sealer=Sealer(bytes(32), ()),
        cache=Cache(None),
        hashers=HashPool(),
        bus=Bus(),
        housekeeper=Housekeeper(),
    )
    engine.dispose()


@pytest.fixture
def rt(fresh_database_url: str) -> Iterator[Runtime]:
    with _runtime(fresh_database_url) as running:
        yield running


def _count(rt: Runtime, key: str) -> int:
    with unit.open(rt):
        return throttle.count(key, 3600)


def test_migrations_make_the_tables_that_the_code_describes(rt: Runtime) -> None:
    with rt.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = [row for row in compare_metadata(context, tables.metadata) if "schema_lock" not in str(row)]
    assert differences == []


def test_a_database_that_is_current_is_left_alone(rt: Runtime) -> None:
    migrations.upgrade(rt.database.engine)
    assert migrations.current(rt.database.engine) == migrations.head()


def test_a_database_from_a_newer_version_is_refused(rt: Runtime) -> None:
    with rt.database.writer.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(migrations.NewerDatabase, match="9999"):
        migrations.upgrade(rt.database.engine)


def test_a_unit_stores_all_of_what_it_wrote_or_nothing(rt: Runtime) -> None:
    with pytest.raises(ZeroDivisionError), unit.open(rt):
        throttle.hit("ann", 10, 3600)
        raise ZeroDivisionError
    assert _count(rt, "ann") == 0
    with unit.open(rt):
        throttle.hit("ann", 10, 3600)
    assert _count(rt, "ann") == 1


@pytest.mark.parametrize(("keep", "stored"), [(False, 0), (True, 1)])
def test_a_refusal_that_says_keep_stores_what_was_learnt(rt: Runtime, keep: bool, stored: int) -> None:
    with pytest.raises(NotAuthorized), unit.open(rt):
        throttle.hit("ann", 10, 3600)
        raise NotAuthorized(keep=keep)
    assert _count(rt, "ann") == stored


def test_what_follows_a_commit_sees_it_and_does_not_follow_a_rollback(rt: Runtime) -> None:
    seen: list[int] = []
    with unit.open(rt):
        throttle.hit("ann", 10, 3600)
        unit.after_commit(lambda: seen.append(_count(rt, "ann")))
        assert seen == []
    with pytest.raises(ZeroDivisionError), unit.open(rt):
        throttle.hit("ann", 10, 3600)
        unit.after_commit(lambda: seen.append(-1))
        raise ZeroDivisionError
    assert seen == [1]


def test_a_reader_does_not_wait_for_a_writer_and_does_not_see_its_work(rt: Runtime) -> None:
    with unit.open(rt):
        throttle.hit("ann", 10, 3600)
        assert _count(rt, "ann") == 0
    assert _count(rt, "ann") == 1


def _hit_often(url: str) -> list[bool]:
    with _runtime(url) as rt:
        answers = []
        for _ in range(ROUNDS):
            with unit.open(rt):
                answers.append(throttle.hit("ann", PROCESSES * ROUNDS - 10, 3600))
        return answers


@pytest.mark.slow
def test_processes_that_count_at_the_same_time_lose_nothing(fresh_database_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")  # a forked worker would share the test's connections
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as pool:
        answers = [answer for worker in pool.map(_hit_often, [fresh_database_url] * PROCESSES) for answer in worker]
    with _runtime(fresh_database_url) as rt:
        assert _count(rt, "ann") == PROCESSES * ROUNDS
    assert answers.count(False) == 10, "exactly those beyond the limit were told so"
