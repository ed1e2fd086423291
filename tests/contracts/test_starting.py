"""What a start promises on both engines: one worker makes the tables, one key seals them, and a wrong key is told."""

from __future__ import annotations

import multiprocessing
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from poolhouse import keycheck, migrations, resealing, settings, tables
from poolhouse.core import sealing, unit
from poolhouse.core.db import driver_url
from poolhouse.settings import Secret, SettingsError
from tests import postgres, runtimes
from tests.architecture.tree import ROOT
from tests.conftest import RUN

STARTERS = 6
OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def empty_url(engine: str, tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[str]:
    """A database with nothing in it."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    directory = pytestconfig.stash[RUN]
    try:
        with postgres.locked(directory):
            base = postgres.server(directory)
            postgres._create(base, f"empty_{tmp_path.name}", "template0")
    except postgres.NoPostgres as missing:
        pytest.skip(str(missing))
    url = postgres._with_database(base, f"empty_{tmp_path.name}")
    yield url
    postgres.drop(directory, url)


def _start(url: str, directory: str) -> str:
    """What each of several workers does first, in a process of its own."""
    migrations.upgrade(url)
    data = settings.load({}, database_url=url, data_dir=directory)
    present, previous = keycheck.master_keys(data)
    with runtimes.running(url, key=present, previous=previous) as rt:
        with unit.open(rt):
            keycheck.verify()
        with unit.open(rt):
            return keycheck.key_file(data).read_text()


def test_workers_that_start_together_on_nothing_make_one_database_with_one_key(empty_url: str, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    with ProcessPoolExecutor(STARTERS, multiprocessing.get_context("fork")) as workers:
        keys = set(workers.map(_start, [empty_url] * STARTERS, [data] * STARTERS))
    assert len(keys) == 1
    with sa.create_engine(driver_url(empty_url), poolclass=sa.pool.NullPool).connect() as connection:
        made = set(sa.inspect(connection).get_table_names())
    assert made - {"alembic_version", "schema_lock"} == set(tables.metadata.tables)


def test_a_database_without_tables_has_no_revision(empty_url: str) -> None:
    assert migrations.current(sa.create_engine(driver_url(empty_url), poolclass=sa.pool.NullPool)) is None


def test_at_head_a_start_costs_one_statement(fresh_database_url: str) -> None:
    statements: list[str] = []
    with runtimes.running(fresh_database_url) as rt:

        @sa.event.listens_for(rt.database.engine, "before_cursor_execute")
        def count(connection: object, cursor: object, statement: str, *rest: object) -> None:
            statements.append(statement)

        with rt.database.engine.connect():
            pass  # the driver's own questions at its first connection
        statements.clear()
        migrations.upgrade(rt.database.engine)
    assert statements == ["SELECT version_num FROM alembic_version"]


def _described(connection: sa.Connection) -> dict[str, object]:
    """Tables with their columns and indexes, whichever order they were made in."""
    inspector = sa.inspect(connection)
    return {
        table: (
            {(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)},
            {(i["name"], *i["column_names"], bool(i["unique"])) for i in inspector.get_indexes(table)},
            inspector.get_pk_constraint(table)["constrained_columns"],
        )
        for table in inspector.get_table_names()
    }


@pytest.mark.parametrize("before", migrations.revisions()[:-1])
def test_a_database_of_an_earlier_version_becomes_todays_and_keeps_its_rows(
    before: str, empty_url: str, fresh_database_url: str
) -> None:
    old = sa.create_engine(driver_url(empty_url), poolclass=sa.pool.NullPool)
    with old.begin() as connection:
        migrations.run(connection, before)
        connection.execute(
            sa.text(
                "INSERT INTO user_pools (id, name, settings, tags, created_at, modified_at)"
                " VALUES ('us-east-1_Abcdefghi', 'kept', '{}', '{}', 1, 1)"
            )
        )
    migrations.upgrade(empty_url)
    new = sa.create_engine(driver_url(fresh_database_url), poolclass=sa.pool.NullPool)
    with old.connect() as upgraded, new.connect() as fresh:
        assert upgraded.execute(sa.text("SELECT name FROM user_pools")).scalars().all() == ["kept"]
        ours, todays = _described(upgraded), _described(fresh)
    ours.pop("schema_lock", None)
    todays.pop("schema_lock", None)
    assert ours == todays


def test_the_newest_migration_is_what_the_models_say() -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("migration", ROOT / "tools" / "migration.py")
    assert spec
    assert spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.FILE.read_text("utf-8") == tool.text()


def test_every_table_in_the_code_is_in_the_list() -> None:
    defined = {
        path
        for path in (ROOT / "server" / "poolhouse").rglob("*.py")
        if "__tablename__ =" in path.read_text("utf-8") and path.name != "tables.py"
    }
    listed = {Path(str(module.__file__)) for module in tables.MODULES}
    assert defined == listed


# --- The master key ---------------------------------------------------------------------------------------------------


def _settings(tmp_path: Path, **given: str) -> settings.Settings:
    return settings.load({}, data_dir=str(tmp_path), **given)


def test_a_missing_key_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    first = keycheck.master_keys(_settings(tmp_path))
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600
    assert len(first[0]) == 32
    assert keycheck.master_keys(_settings(tmp_path)) == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["master.key"]


def test_a_key_from_the_settings_makes_no_file(tmp_path: Path) -> None:
    key = keycheck.new_key()
    present, _ = keycheck.master_keys(_settings(tmp_path, master_key=Secret(key)))
    assert settings.decode_master_key(key) == present
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "not a key", "c2hvcnQ="])
def test_a_key_file_with_something_else_in_it_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "master.key").write_text(content)
    with pytest.raises(SettingsError, match=r"POOLHOUSE_MASTER_KEY.*master\.key"):
        keycheck.master_keys(_settings(tmp_path))
    assert (tmp_path / "master.key").read_text() == content


def test_a_wrong_key_is_refused_and_the_right_one_still_fits(fresh_database_url: str) -> None:
    for key, fits in ((OLD, True), (NEW, False), (OLD, True)):
        with runtimes.running(fresh_database_url, key=key) as rt:
            if fits:
                with unit.open(rt):
                    keycheck.verify()
            else:
                with (
                    pytest.raises(SettingsError, match="not the one that this database was sealed with"),
                    unit.open(rt),
                ):
                    keycheck.verify()


def test_a_key_made_in_place_of_a_lost_one_is_taken_back(fresh_database_url: str, tmp_path: Path) -> None:
    with runtimes.running(fresh_database_url, key=OLD) as rt, unit.open(rt):
        keycheck.verify()
    lost = _settings(tmp_path)
    present, _ = keycheck.master_keys(lost)
    with (
        runtimes.running(fresh_database_url, key=present, data_dir=str(tmp_path)) as rt,
        pytest.raises(SettingsError, match="put the former key back"),
        unit.open(rt),
    ):
        keycheck.verify()
    assert not (tmp_path / "master.key").exists()


# --- Rotation ---------------------------------------------------------------------------------------------------------


def test_a_rotated_key_file_keeps_its_predecessors(tmp_path: Path) -> None:
    first, _ = keycheck.master_keys(_settings(tmp_path))
    keycheck.rotate_file(_settings(tmp_path))
    second, previous = keycheck.master_keys(_settings(tmp_path))
    keycheck.rotate_file(_settings(tmp_path))
    third, more = keycheck.master_keys(_settings(tmp_path))
    assert len({first, second, third}) == 3
    assert (previous, more) == ((first,), (first, second))
    for name in ("master.key", "master.key.previous"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def _fill(rt: object, seal: Callable[[str, bytes, str], bytes]) -> None:
    """A row with a sealed value in every column that the list names."""
    for column in resealing.COLUMNS:
        values = {
            c.name: _filler(c)
            for c in column.table.columns
            if not c.nullable and c.name not in {"sealed", column.column}
        }
        values |= {c.name: b"" for c in column.table.columns if c.name == "sealed"}
        fake = type("Row", (), values)
        values[column.column] = seal(column.purpose, b"plain", column.context(fake))  # type: ignore[arg-type]
        primary = [c.name for c in column.table.primary_key.columns]
        found = unit.execute(sa.select(column.table).where(*(column.table.c[n] == values[n] for n in primary))).first()
        if found is None:
            unit.execute(sa.insert(column.table).values(**values))
        else:
            unit.execute(sa.update(column.table).values({column.column: values[column.column]}))


def _filler(column: sa.Column[object]) -> object:
    from datetime import UTC, datetime

    kind = column.type.python_type if not isinstance(column.type, sa.types.TypeDecorator) else None
    if kind is not None:
        return {str: "x", int: 1, bool: True, bytes: b"digest"}[kind]
    return {} if type(column.type).__name__ == "Document" else datetime(2026, 1, 1, tzinfo=UTC)


def test_everything_sealed_is_sealed_anew_and_opens(fresh_database_url: str) -> None:
    with runtimes.running(fresh_database_url, key=OLD) as rt, unit.open(rt, write=True) as opened:
        if rt.database.sqlite:
            opened.connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        unit.execute(
            sa.insert(tables.metadata.tables["iam_users"]).values(
                name="x", folded_name="x", user_id="x", path="/", tags={}, created_at=_filler(_timestamp())
            )
        )
        _fill(rt, rt.sealer.seal)
    with runtimes.running(fresh_database_url, key=NEW, previous=(OLD,)) as rt:
        done = resealing.reseal(rt)
        assert set(done) == {column.table.name for column in resealing.COLUMNS}
        assert resealing.reseal(rt) == {}
    with runtimes.running(fresh_database_url, key=NEW) as rt, unit.open(rt):
        for column in resealing.COLUMNS:
            row = unit.execute(sa.select(column.table)).one()
            plain = rt.sealer.open(column.purpose, getattr(row, column.column), column.context(row))
            assert plain == b"plain", column


def _timestamp() -> sa.Column[object]:
    return tables.metadata.tables["iam_users"].c.created_at


def test_no_sealed_value_in_the_code_is_missing_from_the_list() -> None:
    import re

    written = set()
    for path in (ROOT / "server" / "poolhouse").rglob("*.py"):
        text = path.read_text("utf-8")
        constants = dict(re.findall(r'^(_?[A-Z_]+)(?:: Final)? = "([^"]+)"$', text, re.MULTILINE))
        for argument in re.findall(r"sealing\.seal\(\s*([^,\s]+|\"[^\"]+\")\s*,", text):
            written.add(constants.get(argument, argument.strip('"')))
    in_no_table = {"page", "session token"}
    assert written - in_no_table == {column.purpose for column in resealing.COLUMNS}


def test_a_value_moved_to_another_row_does_not_open() -> None:
    sealer = sealing.Sealer(OLD)
    with pytest.raises(sealing.SealBroken):
        sealer.open("totp", sealer.seal("totp", b"secret", "pool/ann"), "pool/eve")
