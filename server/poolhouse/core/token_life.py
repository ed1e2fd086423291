"""When other people's tokens are valid (RFC 7519 §4.1.4 to §4.1.6): shared by whoever believes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from poolhouse.core import clock

SKEW_SECONDS = 60
_LATEST = 253_402_300_800  # the year 10000


class NotNow(Exception):
    """The token does not hold now. ``ended`` is when it did, else None; the message is for people."""

    def __init__(self, message: str, ended: int | None = None) -> None:
        super().__init__(message)
        self.ended = ended


def require(claims: Mapping[str, Any]) -> None:
    """Raise NotNow unless the token says when it ends, has not ended, and has begun."""
    now = clock.timestamp()
    ends, begins, made = claims.get("exp"), claims.get("nbf", now), claims.get("iat", now)
    if not is_moment(ends):
        raise NotNow("It does not say when it ends.")
    if ends <= now:
        raise NotNow(f"Token expired: {int(ends)} < {now}", int(ends))
    if not all(is_moment(moment) and moment <= now + SKEW_SECONDS for moment in (begins, made)):
        raise NotNow("It is not valid yet.")


def is_moment(value: object) -> TypeGuard[float]:
    """Whether a claim is a NumericDate (RFC 7519 §2) of our times: 1e999 is a number in JSON too."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LATEST
