"""The tables of identity pools: the pools, their identities, and which login belongs to which identity."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core.db import Base

IDENTITY_POOL_ID = String(55)
IDENTITY_ID = String(55)
PROVIDER = String(255)


class IdentityPoolRow(Base):
    """An identity pool. ``settings`` has the members of CreateIdentityPool, ``roles`` those of SetIdentityPoolRoles."""

    __tablename__ = "identity_pools"
    id: Mapped[str] = mapped_column(IDENTITY_POOL_ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(128))
    settings: Mapped[dict[str, Any]]
    roles: Mapped[dict[str, Any]]
    # By the name of an identity provider: {"UseDefaults": bool, "PrincipalTags": {tag: claim}}.
    principal_tags: Mapped[dict[str, Any]]
    tags: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]


class IdentityRow(Base):
    """An identity. Without logins it is a guest, unless it is disabled: whoever lost the last login is no guest.

    ``merged_into`` is the identity that has its logins since.
    """

    __tablename__ = "identities"
    __table_args__ = (Index("ix_identities_identity_pool_id_id", "identity_pool_id", "id"),)
    id: Mapped[str] = mapped_column(IDENTITY_ID, primary_key=True)
    identity_pool_id: Mapped[str] = mapped_column(IDENTITY_POOL_ID)
    enabled: Mapped[bool]
    merged_into: Mapped[str | None] = mapped_column(IDENTITY_ID)
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]


class IdentityLogin(Base):
    """A login and the one identity that it belongs to in a pool: found by its key, however many there are.

    ``digest`` is SHA-256 of the subject, which may be long; the subject itself is kept for developer users alone,
    whom LookupDeveloperIdentity lists.
    """

    __tablename__ = "identity_logins"
    __table_args__ = (Index("ix_identity_logins_identity_id_provider_digest", "identity_id", "provider", "digest"),)
    identity_pool_id: Mapped[str] = mapped_column(IDENTITY_POOL_ID, primary_key=True)
    provider: Mapped[str] = mapped_column(PROVIDER, primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    identity_id: Mapped[str] = mapped_column(IDENTITY_ID)
    subject: Mapped[str | None] = mapped_column(String(1024))
    created_at: Mapped[datetime]
