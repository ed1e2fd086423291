"""``poolhouse serve``: granian, a worker process a core, or gunicorn; what is wrong is told before anything listens."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import multiprocessing
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poolhouse.cli import opened
from poolhouse.settings import PREFIX, Secret, Settings, SettingsError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_STOP_SECONDS = 10
_PR_SET_PDEATHSIG = 1


def serve(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    settings = opened.load(options, **tls_overrides(options))
    run(settings, options.server)
    return 0


def tls_overrides(options: argparse.Namespace, **overrides: Any) -> dict[str, Any]:
    """The settings that ``--tls`` stands for, its certificate made if missing."""
    if not options.tls:
        return {}
    from poolhouse.cli import certificate

    settings = opened.load(options, **overrides)
    if settings.tls_cert:
        return {}
    chain, key = certificate.for_localhost(Path(settings.data_dir).absolute())
    return {"tls_cert": str(chain), "tls_key": str(key)}


def run(settings: Settings, server: str, *, ready: Callable[[], None] | None = None) -> None:
    """Serve; ``ready`` is called when nothing stands in the way any more. Raises SettingsError."""
    _check_address(settings)
    _prepare(settings)
    if server == "gunicorn":
        _run_gunicorn(settings, ready)
    else:
        _run_granian(settings, ready)


def _prepare(settings: Settings) -> None:
    """Migrate and check once, before workers are started: what is wrong is told once, and not by each of them."""
    import flask

    from poolhouse.app import build_runtime

    opened.make_directory(settings)
    rt = build_runtime(flask.Flask("poolhouse", static_folder=None), settings)
    rt.hashers.close()
    rt.database.engine.dispose()  # a connection must not be shared with workers


def _check_address(settings: Settings) -> None:
    """The server's own sockets share the port (SO_REUSEPORT), even with a second server of the same user."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise SettingsError(
                [f"{PREFIX}PORT: {settings.host} port {settings.port}: {reason}; choose another one"]
            ) from None


def _run_granian(settings: Settings, ready: Callable[[], None] | None) -> None:
    from granian.constants import Interfaces, SSLProtocols
    from granian.log import LogLevels
    from granian.server import Server

    if sys.platform.startswith("linux"):
        # A forked worker has everything imported already; elsewhere than on Linux, forking is not safe.
        multiprocessing.set_start_method("fork", force=True)
    _forget_secrets()
    server = Server(
        "poolhouse",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        websockets=False,
        log_level=LogLevels.error,
        ssl_cert=Path(settings.tls_cert) if settings.tls_cert else None,
        ssl_key=Path(settings.tls_key) if settings.tls_key else None,
        ssl_protocol_min=SSLProtocols.tls12,
        workers_kill_timeout=_STOP_SECONDS,
        respawn_failed_workers=True,
    )
    _announce(settings, ready)
    gc.collect()
    gc.freeze()  # what is imported by now stays in pages that all workers share
    server.serve(target_loader=_Loader(settings), wrap_loader=False)


def _forget_secrets() -> None:
    """Workers have the settings already, and the server hands its environment to every request as WSGI's."""
    for field in fields(Settings):
        if field.type == "Secret":
            os.environ.pop(PREFIX + field.name.upper(), None)


class _Loader:
    """What a worker calls to get its application."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._parent = os.getpid()

    def __call__(self) -> WSGIApplication:
        from poolhouse.app import create_app

        _end_with(self._parent)
        # Ctrl-C reaches the whole process group, and granian's worker hangs on the SIGTERM that follows its SIGINT.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        # Python lets a busy thread go on for 5 ms; a token request that waits for one should not.
        sys.setswitchinterval(0.001)
        return create_app(self._settings)


def _end_with(parent: int) -> None:
    """A worker whose parent was killed must not go on holding the port that the next server needs (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was killed before that
            os.kill(os.getpid(), signal.SIGTERM)


def _run_gunicorn(settings: Settings, ready: Callable[[], None] | None) -> None:
    program = shutil.which("gunicorn", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if program is None:
        raise SettingsError(["--server gunicorn: it is not installed: pip install 'poolhouse[gunicorn]'"])
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    command = [program, "--worker-class", "gthread", "--workers", str(settings.workers)]
    command += ["--threads", str(settings.threads), "--bind", f"{host}:{settings.port}", "--log-level", "warning"]
    command += ["--graceful-timeout", str(_STOP_SECONDS)]
    if settings.tls_cert:
        command += ["--certfile", settings.tls_cert, "--keyfile", settings.tls_key]
    _announce(settings, ready)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    sys.stdout.flush()
    os.execve(  # noqa: S606 - no shell is what we want
        program, [*command, "poolhouse.app:create_app()"], environ | _as_environment(settings)
    )


def _as_environment(settings: Settings) -> dict[str, str]:
    """The settings as environment variables, for a server that starts anew with nothing but these."""
    given = {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        if value is None or value == "":
            continue
        text = value.reveal() if isinstance(value, Secret) else str(value)
        given[PREFIX + field.name.upper()] = text.lower() if isinstance(value, bool) else text
    return given


def _announce(settings: Settings, ready: Callable[[], None] | None) -> None:
    if ready is not None:
        ready()
    print(f"Poolhouse listens on {settings.scheme}://{settings.host}:{settings.port}; Ctrl-C stops it.", flush=True)
