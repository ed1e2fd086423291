"""What every test stands on: two database engines, and skips that CI does not forgive."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests import postgres
from tests.federation.social import _social, social  # noqa: F401 - fixtures
from tests.federation.upstream import upstream  # noqa: F401 - a fixture
from tests.world import _world, idp, pool, world  # noqa: F401 - fixtures

CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
ENGINES = tuple(os.environ.get("POOLHOUSE_TEST_ENGINES", "sqlite,postgresql").split(","))
RUN = pytest.StashKey[Path]()

hypothesis.settings.register_profile("poolhouse", deadline=None, print_blob=True)
hypothesis.settings.load_profile("poolhouse")


# --- One run: a directory and a PostgreSQL server that all its workers share ------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    for variable in [name for name in os.environ if name.startswith(("POOLHOUSE_", "AWS_"))]:
        if not variable.startswith("POOLHOUSE_TEST_"):
            del os.environ[variable]  # a developer's own settings and credentials are no part of a test
    workerinput = getattr(config, "workerinput", None)
    config.stash[RUN] = Path(workerinput["run_directory"]) if workerinput else postgres.make_directory()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["run_directory"] = str(node.config.stash[RUN])


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and RUN in config.stash:
        postgres.stop(config.stash[RUN])


# --- Skips: said aloud on a developer's machine, failures in CI -------------------------------------------------------


def _unforgiven(report: Any) -> None:
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{reason}\nA skipped test counts as a failure in CI: .ci/run installs what tests need."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _unforgiven(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _unforgiven(report)
    return report


# --- Databases: the schema is made once a run and copied; tests keep out of each other's way by pools of their own ----


def _migrate(url: str) -> None:
    from poolhouse import migrations  # here, so that the tests of pure files need no database

    migrations.upgrade(url)


class Databases:
    """Makes migrated databases for one worker: a copy of the run's template, in milliseconds."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self._number = count(1)

    def make(self, engine: str) -> str:
        """The URL of a new database on ``engine`` with the current schema and nothing in it."""
        name = f"{self.worker}_{next(self._number)}"
        return self._sqlite(name) if engine == "sqlite" else self._postgresql(name)

    def drop(self, url: str) -> None:
        """Remove a database that :meth:`make` made."""
        if not url.startswith("sqlite"):
            return postgres.drop(self.directory, url)
        path = url.removeprefix("sqlite:///")
        for suffix in ("", "-wal", "-shm"):
            Path(path + suffix).unlink(missing_ok=True)
        return None

    def _sqlite(self, name: str) -> str:
        template = self.directory / "template.sqlite3"
        with postgres.locked(self.directory):
            if not template.exists():
                fresh = self.directory / "new.sqlite3"
                fresh.unlink(missing_ok=True)
                _migrate(f"sqlite:///{fresh}")
                fresh.rename(template)
        copy = self.directory / f"{name}.sqlite3"
        shutil.copyfile(template, copy)
        return f"sqlite:///{copy}"

    def _postgresql(self, name: str) -> str:
        try:
            return postgres.database(self.directory, name, _migrate)
        except postgres.NoPostgres as missing:
            pytest.skip(str(missing))


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config) -> Databases:
    return Databases(pytestconfig.stash[RUN])


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """``sqlite`` and ``postgresql``: a test that asks for it, or for a database, runs once on each."""
    return str(request.param)


@pytest.fixture(scope="session")
def database_url(engine: str, databases: Databases) -> str:
    """A migrated database on each engine, one for all tests of this worker: make pools of your own in it."""
    return databases.make(engine)


@pytest.fixture(scope="session")
def sqlite_url(databases: Databases) -> str:
    """The same on SQLite alone, for what no engine can change (pages, protocol rules)."""
    return databases.make("sqlite")


@pytest.fixture(scope="session")
def unfronted(sqlite_url: str) -> Iterator[Any]:
    """A runtime that serves nobody, for what asks nothing of the database: enter it (``core.runtime.entered``)."""
    from tests.runtimes import running

    with running(sqlite_url) as runtime:
        yield runtime


@pytest.fixture
def fresh_database_url(engine: str, databases: Databases) -> Iterator[str]:
    """A migrated database on each engine for this test alone, for what concerns all pools."""
    url = databases.make(engine)
    yield url
    databases.drop(url)


@pytest.fixture(scope="session")
def make_database(databases: Databases) -> Callable[[str], str]:
    """``make_database("postgresql")`` for tests that choose their engines themselves."""
    return databases.make
