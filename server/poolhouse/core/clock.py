"""The one clock: everything that asks for the time asks here, so that tests can move it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_offset = 0.0


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.fromtimestamp(time.time() + _offset, UTC)


def timestamp() -> int:
    """Whole seconds since 1970, as tokens carry them (RFC 7519 §2, NumericDate)."""
    return int(time.time() + _offset)


def ago(**span: float) -> datetime:
    """A moment in the past: ``ago(hours=1)``."""
    return now() - timedelta(**span)


def ahead(**span: float) -> datetime:
    """A moment in the future: ``ahead(minutes=3)``."""
    return now() + timedelta(**span)


@contextmanager
def moved(**span: float) -> Iterator[None]:
    """For tests: as if ``span`` had passed."""
    global _offset
    before = _offset
    _offset = before + timedelta(**span).total_seconds()
    try:
        yield
    finally:
        _offset = before
