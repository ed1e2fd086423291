"""How often one account may ask for something (Cognito: Quotas, by the user and hour)."""

from __future__ import annotations

from typing import Final

from poolhouse.core import throttle
from poolhouse.core.errors import LimitExceeded
from poolhouse.user_pools.snapshots import Pool

_HOUR: Final = 3600
_AN_HOUR: Final = {"resend": 5, "forgot": 10, "change password": 5, "verification code": 5}


def count(pool: Pool, sub: str, what: str) -> None:
    """Count one request for ``what``. Raises LimitExceeded beyond the hour's number; the count is kept."""
    if not throttle.hit(f"{what}/{pool.id}/{sub}", _AN_HOUR[what], _HOUR):
        raise LimitExceeded(keep=True)
