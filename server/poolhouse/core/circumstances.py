"""Who is asking and from where, for the audit log: set by the door and by ``api.perform``, read by listeners."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
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


def enter(request_id: str, remote_address: str) -> Token[Circumstances]:
    """Begin a request of somebody who is nobody yet; give the token to :func:`leave`."""
    return _current.set(Circumstances("", request_id, remote_address))


def leave(token: Token[Circumstances]) -> None:
    """Undo :func:`enter`."""
    _current.reset(token)


@contextmanager
def known(**more: str) -> Iterator[None]:
    """``with known(principal=…):`` adds to what is known already; what is empty adds nothing."""
    token = _current.set(replace(_current.get(), **{name: value for name, value in more.items() if value}))
    try:
        yield
    finally:
        _current.reset(token)
