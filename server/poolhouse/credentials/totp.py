"""Time-based one-time passwords (RFC 6238): 30 seconds, six digits, SHA-1, one step of grace, each code good once."""

from __future__ import annotations

import pyotp
from sqlalchemy import delete, insert, select, update

from poolhouse.core import clock, sealing, unit
from poolhouse.credentials.models import Totp
from poolhouse.user_pools.snapshots import Pool
from poolhouse.users import User

STEP_SECONDS = 30
_GRACE_STEPS = 1
_SECRET_CHARACTERS = 52


def _context(pool_id: str, sub: str) -> str:
    return f"{pool_id}/{sub}"


def new_secret() -> str:
    """A secret in base32, of the length that Cognito gives."""
    return pyotp.random_base32(_SECRET_CHARACTERS)


def matching_step(secret: str, code: str, after: int) -> int | None:
    """The time step whose code ``code`` is, if it comes after the last one used; else None."""
    if not (code.isascii() and code.isdigit() and len(code) == 6):
        return None
    generator = pyotp.TOTP(secret)
    present = clock.timestamp() // STEP_SECONDS
    for step in range(present - _GRACE_STEPS, present + _GRACE_STEPS + 1):
        if sealing.same(generator.at(step * STEP_SECONDS), code):
            return step if step > after else None
    return None


def associate(pool: Pool, user: User) -> str:
    """A new secret that waits to be proven; the one in use goes on working until then."""
    secret = new_secret()
    unit.write()
    sealed = sealing.seal("totp", secret.encode(), _context(pool.id, user.sub))
    here = (Totp.pool_id == pool.id, Totp.sub == user.sub)
    if unit.execute(update(Totp).where(*here).values(pending=sealed)).rowcount == 0:
        unit.execute(insert(Totp).values(pool_id=pool.id, sub=user.sub, secret=None, pending=sealed, last_step=0))
    return secret


def prove(pool: Pool, user: User, code: str, device_name: str | None) -> bool | None:
    """Make the waiting secret the one in use if ``code`` is right: True, False, or None if none waits."""
    here = (Totp.pool_id == pool.id, Totp.sub == user.sub)
    row = unit.execute(select(Totp.pending, Totp.secret, Totp.last_step).where(*here)).first()
    waiting = None if row is None else row.pending
    if row is None or waiting is None:
        return None
    secret = sealing.open_("totp", waiting, _context(pool.id, user.sub)).decode()
    step = matching_step(secret, code, 0)
    if step is None:
        return False
    unit.write()
    moved = unit.execute(
        update(Totp)
        .where(*here, Totp.pending == waiting)
        .values(secret=waiting, pending=None, last_step=step, device_name=device_name)
    )
    return moved.rowcount == 1


def check(pool_id: str, sub: str, code: str) -> bool:
    """Whether ``code`` is right now and was not used before; it is used up by asking."""
    here = (Totp.pool_id == pool_id, Totp.sub == sub)
    row = unit.execute(select(Totp.secret, Totp.last_step).where(*here)).first()
    if row is None or row.secret is None:
        return False
    secret = sealing.open_("totp", row.secret, _context(pool_id, sub)).decode()
    step = matching_step(secret, code, row.last_step)
    if step is None:
        return False
    unit.write()
    # RFC 6238 §5.2: a code is accepted once; of two requests at the same moment one wins.
    return unit.execute(update(Totp).where(*here, Totp.last_step < step).values(last_step=step)).rowcount == 1


def proven(pool_id: str, sub: str) -> bool:
    """Whether the user has a secret in use."""
    row = unit.execute(select(Totp.secret).where(Totp.pool_id == pool_id, Totp.sub == sub)).first()
    return row is not None and row.secret is not None


def install(pool: Pool, user: User, secret: str, step: int, device_name: str | None) -> None:
    """Make ``secret`` the one in use, proven by the code of time step ``step``."""
    unit.write()
    sealed = sealing.seal("totp", secret.encode(), _context(pool.id, user.sub))
    values = {"secret": sealed, "pending": None, "last_step": step, "device_name": device_name}
    here = (Totp.pool_id == pool.id, Totp.sub == user.sub)
    if unit.execute(update(Totp).where(*here).values(**values)).rowcount == 0:
        unit.execute(insert(Totp).values(pool_id=pool.id, sub=user.sub, **values))


def remove(pool_id: str, sub: str) -> None:
    """Forget the user's secret."""
    unit.write()
    unit.execute(delete(Totp).where(Totp.pool_id == pool_id, Totp.sub == sub))
