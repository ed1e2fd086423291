"""The project's own files, as the architecture tests read them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_TEXT = {".png", ".ico", ".woff2", ".pem", ".der", ".gz"}


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or is about to be, in the repository."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    names = {ROOT / name for name in listed.stdout.split("\0") if name}
    return tuple(sorted(path for path in names if path.is_file()))


def texts(*suffixes: str) -> list[Path]:
    """The text files, or those with one of ``suffixes``."""
    return [path for path in files() if path.suffix not in NOT_TEXT and (not suffixes or path.suffix in suffixes)]


def name(path: Path) -> str:
    """How a message names a file."""
    return str(path.relative_to(ROOT))


@cache
def read(path: Path) -> str:
    """The text of a file."""
    return path.read_text("utf-8")


def matches(pattern: object, *suffixes: str) -> list[str]:
    """``file:line: text`` for every line of the project that a compiled ``pattern`` is found in."""
    return [
        f"{name(path)}:{number}: {line.strip()[:120]}"
        for path in texts(*suffixes)
        for number, line in enumerate(read(path).splitlines(), 1)
        if pattern.search(line)  # type: ignore[attr-defined]
    ]
