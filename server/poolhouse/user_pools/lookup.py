"""Find a pool, a client, a domain: from memory while nothing has changed, else one load of the whole pool."""

from __future__ import annotations

import dataclasses

from sqlalchemy import select

from poolhouse.core import runtime, sealing, unit
from poolhouse.core.errors import ResourceNotFound
from poolhouse.settings import Secret
from poolhouse.user_pools.models import AppClient, ClientSecret, PoolDomain, ResourceServer, UserPool
from poolhouse.user_pools.snapshots import Client, Pool


def pool(pool_id: str) -> Pool:
    """The pool. Raises ResourceNotFound."""
    found = runtime.current().cache.get(("pool", pool_id), lambda: _load_pool(pool_id))
    if found is None:
        raise ResourceNotFound(f"User pool {pool_id} does not exist.")
    return found


def find_pool(pool_id: str) -> Pool | None:
    """The pool, or None."""
    return runtime.current().cache.get(("pool", pool_id), lambda: _load_pool(pool_id))


def fresh_pool(pool_id: str) -> Pool:
    """The pool as this unit sees it, from the database: for whoever has just changed it. Raises ResourceNotFound."""
    found = _load_pool(pool_id)
    if found is None:
        raise ResourceNotFound(f"User pool {pool_id} does not exist.")
    return found


def client(pool: Pool, client_id: str) -> Client:
    """A client of ``pool``. Raises ResourceNotFound."""
    found = find_client(pool, client_id)
    if found is None:
        raise ResourceNotFound(f"User pool client {client_id} does not exist.")
    return found


def find_client(pool: Pool, client_id: str) -> Client | None:
    """A client of ``pool``, or None: a client of another pool is nobody here."""
    return runtime.current().cache.get(("client", pool.id, client_id), lambda: _load_client(pool.id, client_id))


def client_anywhere(client_id: str) -> Client:
    """The client of that id, whichever pool it belongs to (ids are unique). Raises ResourceNotFound."""

    def load() -> Client | None:
        row = unit.execute(select(AppClient.pool_id).where(AppClient.id == client_id)).first()
        return None if row is None else _load_client(row.pool_id, client_id)

    found = runtime.current().cache.get(("client", client_id), load)
    if found is None:
        raise ResourceNotFound(f"User pool client {client_id} does not exist.")
    return found


def pool_by_host(host: str) -> Pool | None:
    """The pool whose domain ``host`` is (lower case, without port), or None.

    All domains are held as one mapping: a flood of made-up Host headers reaches neither database nor memory.
    """
    pool_id = runtime.current().cache.get(("hosts",), _load_hosts).get(host)
    return find_pool(pool_id) if pool_id else None


def _load_hosts() -> dict[str, str]:
    suffix = runtime.current().settings.domain_suffix.split(":")[0]
    hosts = {}
    for row in unit.execute(select(PoolDomain.domain, PoolDomain.pool_id)):
        if "." in row.domain:
            hosts[row.domain] = row.pool_id
        elif suffix:
            hosts[f"{row.domain}.{suffix}"] = row.pool_id
    return hosts


def _load_pool(pool_id: str) -> Pool | None:
    row = unit.execute(select(UserPool.__table__).where(UserPool.id == pool_id)).first()
    if row is None:
        return None
    settings = runtime.current().settings
    domains = [r.domain for r in unit.execute(select(PoolDomain.domain).where(PoolDomain.pool_id == pool_id))]
    servers = unit.execute(
        select(ResourceServer.identifier, ResourceServer.scopes).where(ResourceServer.pool_id == pool_id)
    )
    scopes = {
        f"{server.identifier}/{scope['ScopeName']}": str(scope.get("ScopeDescription", ""))
        for server in servers
        for scope in server.scopes
    }
    return Pool(
        id=row.id,
        name=row.name,
        settings=row.settings,
        tags=row.tags,
        created_at=row.created_at,
        modified_at=row.modified_at,
        region=settings.region,
        account_id=settings.account_id,
        issuer=f"{settings.issuer_base}/{pool_id}",
        domain=next((d for d in domains if "." not in d), None),
        custom_domain=next((d for d in domains if "." in d), None),
        resource_scopes=scopes,
    )


def fresh_client(pool_id: str, client_id: str) -> Client:
    """The client as this unit sees it, from the database. Raises ResourceNotFound."""
    found = _load_client(pool_id, client_id)
    if found is None:
        raise ResourceNotFound(f"User pool client {client_id} does not exist.")
    return dataclasses.replace(found, pool=fresh_pool(pool_id))


def _load_client(pool_id: str, client_id: str) -> Client | None:
    owner = find_pool(pool_id)
    row = unit.execute(
        select(AppClient.__table__).where(AppClient.pool_id == pool_id, AppClient.id == client_id)
    ).first()
    if row is None or owner is None:
        return None
    secrets = unit.execute(
        select(ClientSecret.sealed)
        .where(ClientSecret.pool_id == pool_id, ClientSecret.client_id == client_id)
        .order_by(ClientSecret.created_at, ClientSecret.id)
    )
    return Client(
        pool=owner,
        id=row.id,
        name=row.name,
        settings=row.settings,
        secrets=tuple(Secret(sealing.open_("client secret", s.sealed, client_id).decode()) for s in secrets),
        created_at=row.created_at,
        modified_at=row.modified_at,
    )
