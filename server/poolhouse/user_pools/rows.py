"""Reads and stores the settings of a pool or client inside the write transaction that changes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select, update

from poolhouse.core import cache, clock, unit
from poolhouse.core.errors import ResourceNotFound
from poolhouse.user_pools.models import AppClient, UserPool


def locked_pool(pool_id: str) -> Row[Any]:
    """The pool's row as it is now, locked until the unit ends. Raises ResourceNotFound."""
    unit.write()
    row = unit.execute(select(UserPool.__table__).where(UserPool.id == pool_id).with_for_update()).first()
    if row is None:
        raise ResourceNotFound(f"User pool {pool_id} does not exist.")
    return row


def store_pool(pool_id: str, settings: Mapping[str, Any], **columns: Any) -> None:
    """Put ``settings`` in place of the pool's."""
    values = {"settings": dict(settings), "modified_at": clock.now(), **columns}
    unit.execute(update(UserPool).where(UserPool.id == pool_id).values(**values))
    cache.changed()


def locked_client(pool_id: str, client_id: str) -> Row[Any]:
    """The client's row as it is now, locked until the unit ends. Raises ResourceNotFound."""
    locked_pool(pool_id)
    row = unit.execute(
        select(AppClient.__table__).where(AppClient.pool_id == pool_id, AppClient.id == client_id).with_for_update()
    ).first()
    if row is None:
        raise ResourceNotFound(f"User pool client {client_id} does not exist.")
    return row


def store_client(pool_id: str, client_id: str, settings: Mapping[str, Any], **columns: Any) -> None:
    """Put ``settings`` in place of the client's."""
    values = {"settings": dict(settings), "modified_at": clock.now(), **columns}
    unit.execute(update(AppClient).where(AppClient.pool_id == pool_id, AppClient.id == client_id).values(**values))
    cache.changed()
