"""The tables of user pools; a pool's and a client's settings are documents in the API's own shape."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core.db import Base

POOL_ID = String(55)


class UserPool(Base):
    """A directory of users. ``settings`` has the members of CreateUserPool, and ``Poolhouse`` for our own."""

    __tablename__ = "user_pools"
    id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    name: Mapped[str]
    settings: Mapped[dict[str, Any]]
    tags: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]


class AppClient(Base):
    """An app client. ``settings`` has the members of CreateUserPoolClient, and ``Poolhouse`` for our own."""

    __tablename__ = "app_clients"
    __table_args__ = (Index("ix_app_clients_id", "id", unique=True),)
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    name: Mapped[str]
    settings: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]


class ClientSecret(Base):
    """One of a confidential client's secrets (at most two), sealed: Cognito shows it again when asked."""

    __tablename__ = "client_secrets"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    client_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    id: Mapped[str] = mapped_column(String(160), primary_key=True)
    sealed: Mapped[bytes]
    created_at: Mapped[datetime]


class PoolDomain(Base):
    """A pool's prefix domain (no dot) or custom domain (a host name)."""

    __tablename__ = "pool_domains"
    domain: Mapped[str] = mapped_column(String(255), primary_key=True)
    pool_id: Mapped[str] = mapped_column(POOL_ID, index=True)
    settings: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class ResourceServer(Base):
    """An API that a pool's tokens are for; ``scopes`` are ``{ScopeName, ScopeDescription}``."""

    __tablename__ = "resource_servers"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    identifier: Mapped[str] = mapped_column(String(256), primary_key=True)
    name: Mapped[str]
    scopes: Mapped[list[Any]]
