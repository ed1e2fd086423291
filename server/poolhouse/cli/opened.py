"""What commands work on: the settings as the command line gave them, and a server without its front door."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poolhouse import settings as settings_module
from poolhouse.settings import Settings

if TYPE_CHECKING:
    from poolhouse.core.runtime import Runtime


def load(options: argparse.Namespace, **overrides: Any) -> Settings:
    """The settings: the TOML file, the environment, ``overrides``, then the command line. Raises SettingsError."""
    for name in ("host", "port", "workers"):
        if (given := getattr(options, name, None)) is not None:
            overrides[name] = given
    return settings_module.load(os.environ, Path(options.config) if options.config else None, **overrides)


@contextmanager
def server(settings: Settings) -> Iterator[Runtime]:
    """The server's runtime, its database migrated and its key checked, for the length of one command."""
    from poolhouse.app import create_app

    make_directory(settings)
    if settings.log_level == "info":  # what a server says at its start is no news here
        settings = dataclasses.replace(settings, log_level="warning")
    rt: Runtime = create_app(settings, housekeeping=False).extensions["poolhouse"]
    try:
        yield rt
    finally:
        rt.hashers.close()
        rt.database.engine.dispose()


def make_directory(settings: Settings) -> None:
    """The data directory, for nobody else to look into: the database and the master key are in it."""
    Path(settings.data_dir).absolute().mkdir(mode=0o700, parents=True, exist_ok=True)
