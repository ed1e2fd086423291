"""Who is trying to sign in, with all that the decision needs: one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, select

from poolhouse.core import prepared
from poolhouse.credentials.models import Lockout, Password, Totp
from poolhouse.user_pools.snapshots import Pool
from poolhouse.users import User, directory
from poolhouse.users.models import UserName, UserRow

_COLUMNS = (
    *directory.COLUMNS,
    Password.hash,
    Password.srp_salt,
    Password.srp_verifier,
    Password.set_at,
    Password.expires_at,
    Lockout.locked_until,
    Lockout.failures,
    Totp.secret.label("totp_secret"),
    Totp.device_name,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A user with their credentials."""

    user: User
    password_hash: str | None
    srp_salt: str | None
    srp_verifier: bytes | None
    password_set_at: datetime | None
    password_expires_at: datetime | None
    locked_until: datetime | None
    failures: int
    has_totp: bool
    device_name: str | None

    def __repr__(self) -> str:
        return f"Candidate({self.user.pool_id}, {self.user.sub})"


def _joined(statement: Select[Any]) -> Select[Any]:
    return (
        statement.outerjoin(Password, (Password.pool_id == UserRow.pool_id) & (Password.sub == UserRow.sub))
        .outerjoin(Lockout, (Lockout.pool_id == UserRow.pool_id) & (Lockout.subject == UserRow.sub))
        .outerjoin(Totp, (Totp.pool_id == UserRow.pool_id) & (Totp.sub == UserRow.sub))
    )


def _of(row: Row[Any] | None) -> Candidate | None:
    if row is None:
        return None
    return Candidate(
        directory.of_row(row),
        row.hash,
        row.srp_salt,
        row.srp_verifier,
        row.set_at,
        row.expires_at,
        row.locked_until,
        row.failures or 0,
        row.totp_secret is not None,
        row.device_name,
    )


_NAMED = prepared.Read(
    _joined(
        select(*_COLUMNS)
        .select_from(UserName)
        .join(UserRow, (UserRow.pool_id == UserName.pool_id) & (UserRow.sub == UserName.sub))
    )
    .where(UserName.pool_id == bindparam("pool"), UserName.key.in_((bindparam("name"), bindparam("external"))))
    .order_by(UserName.key != bindparam("external"))
)
_BY_SUB = prepared.Read(
    _joined(select(*_COLUMNS).select_from(UserRow)).where(
        UserRow.pool_id == bindparam("pool"), UserRow.sub == bindparam("sub")
    )
)


def named(pool: Pool, name: str) -> Candidate | None:
    """Whoever the username or active alias ``name`` finds."""
    key, external = directory.name_keys(pool, name)
    return _of(_NAMED.first({"pool": pool.id, "name": key, "external": external}))


def by_sub(pool: Pool, sub: str) -> Candidate | None:
    """The user with that ``sub``."""
    return _of(_BY_SUB.first({"pool": pool.id, "sub": sub}))
