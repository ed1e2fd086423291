"""The tables of credentials; whatever could be replayed is sealed or a digest."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core.db import Base
from poolhouse.user_pools.models import POOL_ID
from poolhouse.users.models import SUB


class Password(Base):
    """A user's password: a hash, and the SRP verifier (sealed: one guess at it costs one exponentiation)."""

    __tablename__ = "passwords"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    sub: Mapped[str] = mapped_column(SUB, primary_key=True)
    hash: Mapped[str] = mapped_column(String(200))
    srp_salt: Mapped[str] = mapped_column(String(64))
    srp_verifier: Mapped[bytes]
    set_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class FormerPassword(Base):
    """A hash kept so that the password is not used again."""

    __tablename__ = "former_passwords"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    sub: Mapped[str] = mapped_column(SUB, primary_key=True)
    set_at: Mapped[datetime] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(200))


class Lockout(Base):
    """Failed guesses at one account, by ``sub``; for a name that nobody has, by its digest."""

    __tablename__ = "lockouts"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    failed_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]


class Code(Base):
    """A code that was sent, as a digest; one at a time for each user and occasion."""

    __tablename__ = "codes"
    __table_args__ = (Index("ix_codes_expires_at", "expires_at"),)
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    sub: Mapped[str] = mapped_column(SUB, primary_key=True)
    occasion: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[bytes]
    attribute: Mapped[str] = mapped_column(String(32))
    value: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Totp(Base):
    """A TOTP secret: the one in use, and one that waits to be proven (both sealed)."""

    __tablename__ = "totp"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    sub: Mapped[str] = mapped_column(SUB, primary_key=True)
    secret: Mapped[bytes | None]
    pending: Mapped[bytes | None]
    last_step: Mapped[int]
    device_name: Mapped[str | None]
