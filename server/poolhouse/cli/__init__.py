"""The command line, ``poolhouse``: each command is a module of this package and imports what it needs itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from poolhouse.settings import SettingsError

WRONG_SETTINGS = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 refused or at fault, 2 wrong settings or usage, 130 Ctrl-C."""
    options = parser().parse_args(arguments)
    try:
        return _command(options.command)(options)
    except SettingsError as error:
        return _wrong(error.faults)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `poolhouse docs | head`
        sys.stderr.close()
        return 1
    except Exception as error:
        fault = _known(error)
        if fault is None:
            raise
        return _wrong([fault])


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", metavar="FILE", help="TOML file with settings (default: POOLHOUSE_CONFIG)")
    top = argparse.ArgumentParser(prog="poolhouse", description="An identity server you own.")
    top.add_argument("--version", action="version", version=_version())
    commands = top.add_subparsers(dest="command", required=True, metavar="command")

    def add(name: str, about: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=about, description=about, parents=[common])

    add("init", "Make the data directory, the master key, the tables, and the first administrator's access key.")
    _listening(add("serve", "Serve until Ctrl-C."))
    add("seed", "Make the demo pool, once, and say what is in it.")
    _listening(add("demo", "Make everything a demo needs, once; say how to use it; serve."))
    _keys(add("keys", "Signing keys, access keys and the master key: list, make, rotate."))
    call = add("call", "Perform an operation of the API as this machine's operator.")
    call.add_argument("service", help="cognito-idp or cognito-identity")
    call.add_argument("operation", help="such as ListUserPools")
    call.add_argument("input", nargs="?", default="{}", help="members as JSON; @FILE reads a file, - standard input")
    add("doctor", "Look over settings, database, keys, mail and certificates; a line each, with the cure.")
    docs = add("docs", "Print a reference page.")
    docs.add_argument("page", choices=["settings", "operations"])
    return top


def _listening(command: argparse.ArgumentParser) -> None:
    command.add_argument("--host", help="address to listen on")
    command.add_argument("--port", help="port to listen on")
    command.add_argument("--workers", help="worker processes; 0: one a core")
    command.add_argument("--server", choices=["granian", "gunicorn"], default="granian", help="what serves")
    command.add_argument("--tls", action="store_true", help="https with a certificate for localhost, made if missing")


def _keys(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="action")
    listed = actions.add_parser("list", help="signing keys of a pool, or access keys")
    listed.add_argument("pool", nargs="?", help="a pool's id; none: the access keys")
    rotate = actions.add_parser("rotate", help="publish a new signing key for a pool; it signs an hour later")
    rotate.add_argument("pool", help="the pool's id")
    rotate.add_argument("--purpose", choices=["id", "access", "both"], default="both")
    rotate.add_argument("--at-once", action="store_true", help="sign with it now: verifiers with cached keys stumble")
    create = actions.add_parser("create", help="a new access key; its secret is printed this once")
    create.add_argument("user", help="an IAM user's name; made, with full rights, if there is none")
    for name, about in (("enable", "let an access key in again"), ("disable", "refuse an access key")):
        actions.add_parser(name, help=about).add_argument("key", help="the access key id")
    actions.add_parser("delete", help="remove an access key for good").add_argument("key", help="the access key id")
    actions.add_parser("rotate-master", help="make a new master key and seal everything with it")
    actions.add_parser("reseal", help="seal with the present master key what former ones sealed")


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    module, function = {
        "init": ("init", "init"),
        "serve": ("serve", "serve"),
        "seed": ("demo", "seed"),
        "demo": ("demo", "demo"),
        "keys": ("keys", "keys"),
        "call": ("call", "call"),
        "doctor": ("doctor", "doctor"),
        "docs": ("docs", "docs"),
    }[name]
    found: Any = getattr(import_module(f"poolhouse.cli.{module}"), function)
    return found  # type: ignore[no-any-return]


def _version() -> str:
    from importlib.metadata import version

    return f"poolhouse {version('poolhouse')}"


def _wrong(faults: Sequence[str]) -> int:
    print("Poolhouse cannot start:", file=sys.stderr)
    for fault in faults:
        print(f"  {fault}", file=sys.stderr)
    return WRONG_SETTINGS


def _known(error: Exception) -> str | None:
    """The sentence for what an operator can cure; None for what only we can."""
    from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

    from poolhouse.migrations import NewerDatabase

    if isinstance(error, NewerDatabase):
        return f"POOLHOUSE_DATABASE_URL: {error}"
    if isinstance(error, DBAPIError):
        reason = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
        return f"POOLHOUSE_DATABASE_URL: the database cannot be used ({reason}); start it, or correct the setting"
    if isinstance(error, ArgumentError | NoSuchModuleError | ModuleNotFoundError) and "psycopg" in str(error):
        return "POOLHOUSE_DATABASE_URL: PostgreSQL needs its driver: pip install 'poolhouse[postgres]'"
    if isinstance(error, ArgumentError):
        return f"POOLHOUSE_DATABASE_URL: {error}"
    if isinstance(error, PermissionError | FileNotFoundError | NotADirectoryError):
        return f"POOLHOUSE_DATA_DIR: {error.filename}: {error.strerror}; name a directory that this user may write to"
    return None
