"""Resource servers: the APIs behind custom scopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from poolhouse.api.registry import Answer, operation
from poolhouse.user_pools import lookup, resource_servers, views

_PAGE = 50


@operation("CreateResourceServer", writes=True)
def create_resource_server(
    *, user_pool_id: str, identifier: str, name: str, scopes: Sequence[Mapping[str, Any]] = ()
) -> Answer:
    made = resource_servers.create(user_pool_id, identifier, name, scopes)
    return {"ResourceServer": views.resource_server(user_pool_id, made)}


@operation("DescribeResourceServer")
def describe_resource_server(*, user_pool_id: str, identifier: str) -> Answer:
    pool = lookup.pool(user_pool_id)
    return {"ResourceServer": views.resource_server(pool.id, resource_servers.get(pool.id, identifier))}


@operation("UpdateResourceServer", writes=True)
def update_resource_server(
    *, user_pool_id: str, identifier: str, name: str, scopes: Sequence[Mapping[str, Any]] = ()
) -> Answer:
    stored = resource_servers.replace(user_pool_id, identifier, name, scopes)
    return {"ResourceServer": views.resource_server(user_pool_id, stored)}


@operation("DeleteResourceServer", writes=True)
def delete_resource_server(*, user_pool_id: str, identifier: str) -> None:
    resource_servers.remove(user_pool_id, identifier)


@operation("ListResourceServers")
def list_resource_servers(
    *, user_pool_id: str, max_results: int | None = None, next_token: str | None = None
) -> Answer:
    pool = lookup.pool(user_pool_id)
    found, following = resource_servers.page(pool.id, max_results or _PAGE, next_token)
    shown = [views.resource_server(pool.id, server) for server in found]
    return {"ResourceServers": shown, "NextToken": following}
