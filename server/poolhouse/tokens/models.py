"""The tables of tokens: signing keys, and refresh tokens with the families that they are born into."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core.db import Base
from poolhouse.user_pools.models import POOL_ID


class StoredSigningKey(Base):
    """A key pair of a pool. It signs from ``active_from`` on, and verifies until ``retire_at``."""

    __tablename__ = "signing_keys"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(8))  # "id" or "access"
    alg: Mapped[str] = mapped_column(String(8))
    sealed: Mapped[bytes]  # the private key as PEM
    created_at: Mapped[datetime]
    active_from: Mapped[datetime]
    retire_at: Mapped[datetime | None]


class RefreshFamily(Base):
    """One sign-in and everything that was refreshed from it: ``origin_jti`` in all of its tokens.

    ``source`` is ``api`` or ``oauth``; ``claims`` what the ``claims`` parameter asked for (OIDC Core §5.5);
    ``provider`` the identity provider that the person came through, ``acr`` how sure that made us.
    """

    __tablename__ = "refresh_families"
    __table_args__ = (
        Index("ix_refresh_families_pool_id_sub", "pool_id", "sub"),
        Index("ix_refresh_families_expires_at", "expires_at"),
    )
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    origin_jti: Mapped[str] = mapped_column(String(36), primary_key=True)
    sub: Mapped[str] = mapped_column(String(36))
    client_id: Mapped[str] = mapped_column(String(128))
    auth_time: Mapped[int]
    scope: Mapped[str]
    amr: Mapped[list[Any]]
    source: Mapped[str] = mapped_column(String(8))
    claims: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    provider: Mapped[str | None] = mapped_column(String(32))
    acr: Mapped[str | None] = mapped_column(String(32))


class StoredRefreshToken(Base):
    """One refresh token, as its digest. ``spent_at`` is set once it has been exchanged for the next."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index("ix_refresh_tokens_expires_at", "expires_at"),)
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    origin_jti: Mapped[str] = mapped_column(String(36))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]  # its family's
    spent_at: Mapped[datetime | None]
