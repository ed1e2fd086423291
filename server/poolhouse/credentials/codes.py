"""Codes that were sent to an address: six digits, one at a time for each occasion, good once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, insert, select

from poolhouse.core import clock, ids, sealing, throttle, unit
from poolhouse.core.errors import CodeMismatch, ExpiredCode, LimitExceeded
from poolhouse.credentials.models import Code
from poolhouse.user_pools.snapshots import Pool

DIGITS = 6
SIGN_UP = "sign_up"
FORGOT_PASSWORD = "forgot_password"
MFA = "mfa"
_LIFE = {SIGN_UP: timedelta(hours=24), FORGOT_PASSWORD: timedelta(hours=1)}
_ATTRIBUTE_LIFE = timedelta(hours=24)
_GUESSES_AN_HOUR = 15
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Spent:
    """What a right code was for: the attribute it proves and the address it was sent to."""

    attribute: str
    value: str


def attribute_occasion(attribute: str) -> str:
    """The occasion of a code that verifies ``attribute``."""
    return f"verify {attribute}"


def _digest(pool_id: str, sub: str, occasion: str, code: str) -> bytes:
    return sealing.digest("code", f"{pool_id}/{sub}/{occasion}/{code.strip()}")


def new(pool: Pool, sub: str, occasion: str, attribute: str, value: str, *, life: timedelta | None = None) -> str:
    """A new code for the occasion; the one before it stops working."""
    unit.write()
    code = ids.digits(DIGITS)
    now = clock.now()
    unit.execute(delete(Code).where(Code.pool_id == pool.id, Code.sub == sub, Code.occasion == occasion))
    unit.execute(
        insert(Code).values(
            pool_id=pool.id,
            sub=sub,
            occasion=occasion,
            digest=_digest(pool.id, sub, occasion, code),
            attribute=attribute,
            value=value,
            created_at=now,
            expires_at=now + (life or _LIFE.get(occasion, _ATTRIBUTE_LIFE)),
        )
    )
    return code


def spend(pool: Pool, sub: str, occasion: str, code: str) -> Spent:
    """Use the code up. Raises CodeMismatch, ExpiredCode, and LimitExceeded after fifteen guesses in an hour.

    Refusals are to be kept: the guess was counted.
    """
    unit.write()
    if not throttle.hit(f"guess/{pool.id}/{sub}/{occasion}", _GUESSES_AN_HOUR, _HOUR):
        raise LimitExceeded(keep=True)
    here = (Code.pool_id == pool.id, Code.sub == sub, Code.occasion == occasion)
    digest = _digest(pool.id, sub, occasion, code)
    row = unit.execute(select(Code.digest, Code.attribute, Code.value, Code.expires_at).where(*here)).first()
    if row is None or row.expires_at < clock.now():
        raise ExpiredCode(keep=True)
    if not sealing.same(row.digest, digest):
        raise CodeMismatch(keep=True)
    if unit.execute(delete(Code).where(*here, Code.digest == digest)).rowcount != 1:
        raise ExpiredCode(keep=True)  # another request spent it first
    return Spent(row.attribute, row.value)


def pending(pool: Pool, sub: str, occasion: str) -> Spent | None:
    """What the code that is out for the occasion is for, or None."""
    row = unit.execute(
        select(Code.attribute, Code.value).where(
            Code.pool_id == pool.id, Code.sub == sub, Code.occasion == occasion, Code.expires_at > clock.now()
        )
    ).first()
    return None if row is None else Spent(row.attribute, row.value)


def forget(pool: Pool, sub: str, occasion: str) -> None:
    """Let a code that is out no longer work."""
    unit.write()
    unit.execute(delete(Code).where(Code.pool_id == pool.id, Code.sub == sub, Code.occasion == occasion))


def purge() -> None:
    """Drop codes that have expired for a day: until then ExpiredCode says so."""
    unit.write()
    unit.execute(delete(Code).where(Code.expires_at < clock.ago(days=1)))
