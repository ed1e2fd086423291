"""How many users a pool has, about: an exact count while that is cheap, a remembered one when it is not."""

from __future__ import annotations

import time

from sqlalchemy import func, select

from poolhouse.core import runtime, unit
from poolhouse.users.models import UserRow

# Counting is a walk along an index: some 20 ms for so many users, from where on it is done once a minute at most.
_CHEAP = 50_000
_SECONDS = 60.0


def estimate(pool_id: str) -> int:
    """EstimatedNumberOfUsers."""
    remembered = runtime.current().extras.setdefault("user counts", {})
    assert isinstance(remembered, dict)
    until, count = remembered.get(pool_id, (0.0, 0))
    if time.monotonic() < until:
        return int(count)
    counted = int(
        unit.execute(select(func.count()).select_from(UserRow).where(UserRow.pool_id == pool_id)).scalar_one()
    )
    if counted >= _CHEAP:
        remembered[pool_id] = (time.monotonic() + _SECONDS, counted)
    return counted
