"""The tables of the browser's journey: authorization requests on their way, and the sessions that browsers hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core.db import Base
from poolhouse.user_pools.models import POOL_ID


class StoredAuthorizationRequest(Base):
    """An app's request to sign somebody in, from the moment it was found valid until its answer left.

    ``protocol`` is what it was made in (``oauth``: an authorization request; ``saml``: an AuthnRequest).
    ``browser`` is the digest of the cookie of the one browser that may go on with it, ``notes`` what its pages have
    to remember (sealed), ``session`` the browser session that was begun on its way.
    """

    __tablename__ = "authorization_requests"
    __table_args__ = (Index("ix_authorization_requests_expires_at", "expires_at"),)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    pool_id: Mapped[str] = mapped_column(POOL_ID)
    client_id: Mapped[str] = mapped_column(String(128))
    protocol: Mapped[str] = mapped_column(String(8), server_default="oauth")
    browser: Mapped[bytes]
    parameters: Mapped[dict[str, Any]]
    notes: Mapped[bytes | None]
    session: Mapped[bytes | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class StoredBrowserSession(Base):
    """A browser in which somebody is signed in: what single sign-on rests on. The cookie is stored as its digest.

    ``provider`` is the identity provider that the person came through, ``acr`` how sure that made us.
    """

    __tablename__ = "browser_sessions"
    __table_args__ = (
        Index("ix_browser_sessions_pool_id_sub", "pool_id", "sub"),
        Index("ix_browser_sessions_expires_at", "expires_at"),
    )
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    pool_id: Mapped[str] = mapped_column(POOL_ID)
    sub: Mapped[str] = mapped_column(String(36))
    client_id: Mapped[str] = mapped_column(String(128))
    amr: Mapped[list[Any]]
    auth_time: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    provider: Mapped[str | None] = mapped_column(String(32))
    acr: Mapped[str | None] = mapped_column(String(32))
