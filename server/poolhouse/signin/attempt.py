"""A sign-in under way: a row that a handle opens, for one challenge, once, and not for long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Index, String, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core import clock, ids, sealing, unit
from poolhouse.core.db import Base
from poolhouse.core.errors import NotAuthorized
from poolhouse.user_pools.models import POOL_ID
from poolhouse.user_pools.snapshots import Client

_HANDLE_BYTES = 48


class AttemptRow(Base):
    """The state is sealed: it holds SRP secrets and TOTP secrets that are not yet proven."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index("ix_sign_in_attempts_expires_at", "expires_at"),)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    pool_id: Mapped[str] = mapped_column(POOL_ID)
    client_id: Mapped[str] = mapped_column(String(128))
    challenge: Mapped[str] = mapped_column(String(32))
    state: Mapped[bytes]
    expires_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in under way. ``sub`` is None where nobody has the name, which is not to be noticed."""

    digest: bytes
    challenge: str
    sub: str | None
    state: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Attempt({self.challenge})"


def _digest(handle: str) -> bytes:
    return sealing.digest("sign-in handle", handle)


def pose(client: Client, challenge: str, sub: str | None, state: Mapping[str, Any], *, handle: str = "") -> str:
    """Store the attempt as waiting for ``challenge``; the handle that opens it."""
    unit.write()
    handle = handle or ids.token(_HANDLE_BYTES)
    digest = _digest(handle)
    sealed = sealing.seal("sign-in attempt", orjson.dumps({"sub": sub, **state}), digest.hex())
    expires = clock.now() + timedelta(seconds=client.auth_session_seconds)
    unit.execute(
        insert(AttemptRow).values(
            digest=digest,
            pool_id=client.pool_id,
            client_id=client.id,
            challenge=challenge,
            state=sealed,
            expires_at=expires,
        )
    )
    return handle


def find(client: Client, handle: str, challenge: str | None) -> Attempt:
    """The attempt that ``handle`` opens for ``client``. Raises NotAuthorized.

    A handle is good for the one challenge it was given with: the next step cannot be skipped by naming another.
    """
    digest = _digest(handle)
    row = unit.execute(
        select(AttemptRow.challenge, AttemptRow.state, AttemptRow.expires_at).where(
            AttemptRow.digest == digest, AttemptRow.pool_id == client.pool_id, AttemptRow.client_id == client.id
        )
    ).first()
    if row is None or (challenge is not None and row.challenge != challenge):
        raise NotAuthorized("Invalid session for the user.")
    if row.expires_at < clock.now():
        raise NotAuthorized("Invalid session for the user, session is expired.")
    state = orjson.loads(sealing.open_("sign-in attempt", row.state, digest.hex()))
    return Attempt(digest, row.challenge, state.pop("sub"), state)


def owner(handle: str) -> tuple[str, str]:
    """The pool and client that a handle belongs to, for operations that name neither. Raises NotAuthorized."""
    row = unit.execute(
        select(AttemptRow.pool_id, AttemptRow.client_id).where(AttemptRow.digest == _digest(handle))
    ).first()
    if row is None:
        raise NotAuthorized("Invalid session for the user.")
    return row.pool_id, row.client_id


def spend(attempt: Attempt) -> None:
    """Use the attempt up: of two answers at the same moment one goes on. Raises NotAuthorized."""
    unit.write()
    if unit.execute(delete(AttemptRow).where(AttemptRow.digest == attempt.digest)).rowcount != 1:
        raise NotAuthorized("Invalid session for the user.")


def purge() -> None:
    """Drop attempts that have expired for an hour: until then the answer says that they have."""
    unit.write()
    unit.execute(delete(AttemptRow).where(AttemptRow.expires_at < clock.ago(hours=1)))
