"""The tables of a pool's directory: users, the names they are found by, groups."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core.db import Base
from poolhouse.user_pools.models import POOL_ID

SUB = String(36)
# Long enough to tell any two names apart, short enough for PostgreSQL's index rows.
SEARCHED = 250
# Prefix searches are ranges over code points; PostgreSQL's own collations would sort otherwise.
_SEARCH = String(SEARCHED).with_variant(String(SEARCHED, collation="C"), "postgresql")
SEARCH_COLUMNS = ("email", "phone_number", "name", "given_name", "family_name", "preferred_username")


class UserRow(Base):
    """A user. ``attributes`` is everything but ``sub``; the search columns repeat what ListUsers filters by."""

    __tablename__ = "users"
    __table_args__ = tuple(
        Index(f"ix_users_{column}", "pool_id", column, "sub")
        for column in ("username_key", *SEARCH_COLUMNS, "status", "enabled")
    )
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    sub: Mapped[str] = mapped_column(SUB, primary_key=True)
    username: Mapped[str] = mapped_column(String(128))
    username_key: Mapped[str] = mapped_column(_SEARCH)
    status: Mapped[str] = mapped_column(String(32))
    enabled: Mapped[bool]
    attributes: Mapped[dict[str, Any]]
    mfa: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]
    signed_out_at: Mapped[datetime | None]
    confirmed_by_code_at: Mapped[datetime | None]
    email: Mapped[str | None] = mapped_column(_SEARCH)
    phone_number: Mapped[str | None] = mapped_column(_SEARCH)
    name: Mapped[str | None] = mapped_column(_SEARCH)
    given_name: Mapped[str | None] = mapped_column(_SEARCH)
    family_name: Mapped[str | None] = mapped_column(_SEARCH)
    preferred_username: Mapped[str | None] = mapped_column(_SEARCH)


class UserName(Base):
    """A name that finds a user: the username, and the aliases that are active. One owner a name, by primary key."""

    __tablename__ = "user_names"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    key: Mapped[str] = mapped_column(String(512), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    sub: Mapped[str] = mapped_column(SUB)
    __table_args__ = (Index("ix_user_names_sub", "pool_id", "sub"),)


class GroupRow(Base):
    """A group of a pool."""

    __tablename__ = "groups"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    description: Mapped[str | None]
    role_arn: Mapped[str | None]
    precedence: Mapped[int | None]
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]


class GroupMember(Base):
    """A user in a group."""

    __tablename__ = "group_members"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    sub: Mapped[str] = mapped_column(SUB, primary_key=True)
    group_name: Mapped[str] = mapped_column(String(128), primary_key=True)
    created_at: Mapped[datetime]
    __table_args__ = (Index("ix_group_members_group", "pool_id", "group_name", "sub"),)
