"""Cognito's lock-out: after five failed guesses an account rests a second, then two, four, … up to a quarter hour.

One count an account, whatever name, alias or factor the guesses are made through; attempts during a rest are refused
unseen and not counted (Cognito: Lockout for failed user sign-in attempts). Names that nobody has are counted alike, so
that the lock-out tells nobody which names exist.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from poolhouse.core import clock, sealing, unit
from poolhouse.core.errors import NotAuthorized
from poolhouse.credentials.models import Lockout
from poolhouse.user_pools.snapshots import Pool

FREE_FAILURES = 5
LONGEST = timedelta(minutes=15)
QUIET = timedelta(minutes=15)


def rest(failures: int) -> timedelta | None:
    """How long the account rests after that many failures in a row."""
    if failures < FREE_FAILURES:
        return None
    return min(timedelta(seconds=2 ** min(failures - FREE_FAILURES, 20)), LONGEST)


def subject_of_nobody(pool: Pool, name: str) -> str:
    """What failures under a name that nobody has are counted by."""
    return "?" + sealing.digest("lockout", f"{pool.id}/{pool.canonical(name)}").hex()[:60]


def refuse_if_resting(locked_until: datetime | None) -> None:
    """Raise NotAuthorized while the account rests."""
    if locked_until is not None and clock.now() < locked_until:
        raise NotAuthorized("Password attempts exceeded")


def state(pool_id: str, subject: str) -> datetime | None:
    """Until when the account rests, if it does."""
    row = unit.execute(
        select(Lockout.locked_until).where(Lockout.pool_id == pool_id, Lockout.subject == subject)
    ).first()
    return None if row is None else row.locked_until


def failed(pool_id: str, subject: str) -> None:
    """Count a failed guess. The caller refuses with ``keep=True``."""
    unit.write()
    now = clock.now()
    here = (Lockout.pool_id == pool_id, Lockout.subject == subject)
    row = unit.execute(select(Lockout.failures, Lockout.failed_at).where(*here).with_for_update()).first()
    if row is None:
        try:
            with unit.current().connection.begin_nested():
                unit.execute(
                    insert(Lockout).values(
                        pool_id=pool_id, subject=subject, failures=1, failed_at=now, locked_until=None
                    )
                )
            return
        except IntegrityError:  # the first two guesses came at the same moment
            row = unit.execute(select(Lockout.failures, Lockout.failed_at).where(*here).with_for_update()).one()
    failures = 1 if now - row.failed_at > QUIET else row.failures + 1
    pause = rest(failures)
    unit.execute(
        update(Lockout)
        .where(*here)
        .values(failures=failures, failed_at=now, locked_until=None if pause is None else now + pause)
    )


def forget(pool_id: str, subject: str) -> None:
    """A guess was right: start counting anew."""
    unit.write()
    unit.execute(delete(Lockout).where(Lockout.pool_id == pool_id, Lockout.subject == subject))


def purge() -> None:
    """Drop counts that mean nothing any more."""
    unit.write()
    unit.execute(delete(Lockout).where(Lockout.failed_at < clock.now() - QUIET - LONGEST))
