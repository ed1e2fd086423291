"""Who is asking and from where, for the audit log: set by the fronts and by ``api.perform``, read by listeners."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Circumstances:
    """``principal`` is an ARN, "" for somebody who is nobody yet; ``request_id`` the one that the answer carries."""

    principal: str = ""
    request_id: str = ""
    remote_address: str = ""


_UNKNOWN = Circumstances()
_current: ContextVar[Circumstances] = ContextVar("poolhouse_circumstances", default=_UNKNOWN)


def current() -> Circumstances:
    """What is known of this request; nothing outside of one."""
    return _current.get()


@contextmanager
def known(**more: str) -> Iterator[None]:
    """``with known(request_id=…, remote_address=…):`` adds to what is known already."""
    token = _current.set(replace(_current.get(), **more))
    try:
        yield
    finally:
        _current.reset(token)
