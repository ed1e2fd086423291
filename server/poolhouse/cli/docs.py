"""``poolhouse docs``: the settings, or the operations and which of them work, as plain text."""

from __future__ import annotations

import argparse

from poolhouse import settings


def docs(options: argparse.Namespace) -> int:
    """Print the page."""
    for line in _settings() if options.page == "settings" else _operations():
        print(line)
    return 0


def _settings() -> list[str]:
    lines = []
    for name, default, about in settings.describe():
        lines += [f"{name} = {default}", f"    {about}", f"    {settings.PREFIX}{name.upper()}", ""]
    return lines


def _operations() -> list[str]:
    from poolhouse.api import model, registry

    registry.load()
    lines = []
    for service in ("cognito-idp", "cognito-identity"):
        operations = model.service(service).operations
        works = {name for name in operations if registry.find(service, name) is not None}
        lines.append(f"{service}: {len(works)} of {len(operations)} operations")
        lines += [f"  {'works' if name in works else '501  '}  {name}" for name in sorted(operations)]
    return lines
