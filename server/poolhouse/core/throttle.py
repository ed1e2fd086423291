"""Counters in the database that say when somebody has tried something too often."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core import clock, sealing, unit
from poolhouse.core.db import Base


class ThrottleCount(Base):
    """How often ``key`` was hit in the window that began at ``window`` (seconds since 1970)."""

    __tablename__ = "throttle_counts"
    key: Mapped[bytes] = mapped_column(primary_key=True)
    window: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]
    expires: Mapped[int] = mapped_column(index=True)


def hit(key: str, limit: int, window_seconds: int) -> bool:
    """Count one attempt at ``key``; False if that is more than ``limit`` in this window. Begins the write.

    The caller refuses with ``keep=True``, or the count is rolled back with the refusal.
    """
    unit.write()
    now = clock.timestamp()
    window = now - now % window_seconds
    digest = sealing.digest("throttle", key)
    here = (ThrottleCount.key == digest, ThrottleCount.window == window)
    bump = update(ThrottleCount).where(*here).values(count=ThrottleCount.count + 1).returning(ThrottleCount.count)
    row = unit.execute(bump).first()
    if row is None:
        try:
            with unit.current().connection.begin_nested():
                new = insert(ThrottleCount).values(
                    key=digest, window=window, count=1, expires=window + 2 * window_seconds
                )
                unit.execute(new)
            return limit >= 1
        except IntegrityError:  # another request opened the window at the same moment
            row = unit.execute(bump).one()
    return bool(row[0] <= limit)


def count(key: str, window_seconds: int) -> int:
    """How often ``key`` was hit in the present window."""
    now = clock.timestamp()
    row = unit.execute(
        select(ThrottleCount.count).where(
            ThrottleCount.key == sealing.digest("throttle", key), ThrottleCount.window == now - now % window_seconds
        )
    ).first()
    return 0 if row is None else int(row[0])


def purge() -> None:
    """Drop windows that have passed."""
    unit.write()
    unit.execute(delete(ThrottleCount).where(ThrottleCount.expires < clock.timestamp()))
