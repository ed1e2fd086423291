"""The tables of the OAuth endpoints: authorization codes, and the client assertions that were seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core.db import Base
from poolhouse.user_pools.models import POOL_ID


class StoredAuthorizationCode(Base):
    """An authorization code, as its digest, with everything that it is bound to.

    ``origin_jti`` names the family of tokens that the code will be exchanged for: a code that comes back kills it.
    ``provider`` is the identity provider that the person came through. ``redirect_uri_given`` is whether the
    authorization request named the address itself (RFC 6749 §4.1.3).
    """

    __tablename__ = "authorization_codes"
    __table_args__ = (
        Index("ix_authorization_codes_pool_id_sub", "pool_id", "sub"),
        Index("ix_authorization_codes_expires_at", "expires_at"),
    )
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(128))
    sub: Mapped[str] = mapped_column(String(36))
    redirect_uri: Mapped[str]
    redirect_uri_given: Mapped[bool]
    scope: Mapped[str]
    nonce: Mapped[str | None]
    code_challenge: Mapped[str | None]
    claims: Mapped[dict[str, Any] | None]
    auth_time: Mapped[int]
    amr: Mapped[list[Any]]
    origin_jti: Mapped[str] = mapped_column(String(36))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    provider: Mapped[str | None] = mapped_column(String(32))
    acr: Mapped[str | None] = mapped_column(String(32))


class SeenAssertion(Base):
    """A client assertion that was used once, until it expires (RFC 7523 §3, ``jti``)."""

    __tablename__ = "client_assertions"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
