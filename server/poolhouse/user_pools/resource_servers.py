"""Resource servers: the APIs that a pool's access tokens are for, and the scopes they define."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from poolhouse.core import cache, paging, unit
from poolhouse.core.errors import InvalidParameter, ResourceNotFound
from poolhouse.core.events import emit
from poolhouse.user_pools import limits, rows
from poolhouse.user_pools.events import ResourceServerChanged
from poolhouse.user_pools.models import ResourceServer

# Whose scopes Cognito defines: `aws.cognito.signin.user.admin`, `aws.cognito/dcr/register`.
_RESERVED = "aws.cognito"


def create(pool_id: str, identifier: str, name: str, scopes: Sequence[Mapping[str, Any]]) -> Row[Any]:
    """A new resource server. Raises InvalidParameter for an identifier that is taken, LimitExceeded."""
    rows.locked_pool(pool_id)
    mine = ResourceServer.pool_id == pool_id
    limits.check(limits.RESOURCE_SERVERS, "resource servers", ResourceServer.identifier, mine)
    if identifier == _RESERVED or identifier.startswith((_RESERVED + "/", _RESERVED + ".")):
        raise InvalidParameter(f"The identifier {identifier} is reserved.")
    _check(scopes)
    values = {"name": name, "scopes": [dict(scope) for scope in scopes]}
    try:
        with unit.current().connection.begin_nested():
            unit.execute(insert(ResourceServer).values(pool_id=pool_id, identifier=identifier, **values))
    except IntegrityError:
        raise InvalidParameter(f"{identifier} already exists in user pool {pool_id}.") from None
    cache.changed()
    emit(ResourceServerChanged(pool_id, identifier, "created"))
    return get(pool_id, identifier)


def _check(scopes: Sequence[Mapping[str, Any]]) -> None:
    names = [scope["ScopeName"] for scope in scopes]
    if len(set(names)) < len(names):
        raise InvalidParameter("Scope names must be unique in a resource server.")


def get(pool_id: str, identifier: str) -> Row[Any]:
    """The resource server: identifier, name, scopes. Raises ResourceNotFound."""
    row = unit.execute(
        select(ResourceServer.__table__).where(
            ResourceServer.pool_id == pool_id, ResourceServer.identifier == identifier
        )
    ).first()
    if row is None:
        raise ResourceNotFound("Resource server not found.")
    return row


def replace(pool_id: str, identifier: str, name: str, scopes: Sequence[Mapping[str, Any]]) -> Row[Any]:
    """Replace name and scopes. Raises ResourceNotFound, InvalidParameter."""
    rows.locked_pool(pool_id)
    _check(scopes)
    stored = unit.execute(
        update(ResourceServer)
        .where(ResourceServer.pool_id == pool_id, ResourceServer.identifier == identifier)
        .values(name=name, scopes=[dict(scope) for scope in scopes])
    )
    if stored.rowcount != 1:
        raise ResourceNotFound("Resource server not found.")
    cache.changed()
    emit(ResourceServerChanged(pool_id, identifier, "updated"))
    return get(pool_id, identifier)


def remove(pool_id: str, identifier: str) -> None:
    """Delete it; from now on no token has its scopes. Raises ResourceNotFound."""
    rows.locked_pool(pool_id)
    gone = unit.execute(
        delete(ResourceServer).where(ResourceServer.pool_id == pool_id, ResourceServer.identifier == identifier)
    )
    if gone.rowcount != 1:
        raise ResourceNotFound("Resource server not found.")
    cache.changed()
    emit(ResourceServerChanged(pool_id, identifier, "deleted"))


def page(pool_id: str, limit: int, token: str | None) -> tuple[Sequence[Row[Any]], str | None]:
    """Resource servers by identifier, ``limit`` at a time, and the token of the next page."""
    kind = f"resource-servers/{pool_id}"
    after = paging.decode(kind, token).get("identifier", "")
    found = unit.execute(
        select(ResourceServer.__table__)
        .where(ResourceServer.pool_id == pool_id, ResourceServer.identifier > after)
        .order_by(ResourceServer.identifier)
        .limit(limit + 1)
    ).all()
    following = paging.encode(kind, {"identifier": found[limit - 1].identifier}) if len(found) > limit else None
    return found[:limit], following
