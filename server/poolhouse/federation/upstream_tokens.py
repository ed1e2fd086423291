"""A provider's own tokens, for the clients that may fetch them: kept sealed, the newest of each user and provider.

Nothing is kept unless the client that somebody signs in to has the extension UpstreamTokens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, insert, select, update

from poolhouse.core import clock, sealing, unit
from poolhouse.federation.models import UpstreamTokens
from poolhouse.federation.provider import Provider
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import User

_SEAL = "upstream tokens"


def allowed(client: Client) -> bool:
    """Whether ``client`` may fetch the tokens that providers gave."""
    return client.own.get("upstream_tokens") is True


def keep(client: Client, provider: Provider, user: User, tokens: Mapping[str, Any] | None) -> None:
    """Store the tokens that came with a sign-in, if ``client`` may fetch them."""
    if allowed(client) and tokens:
        store(client.pool, provider.name, user.sub, tokens)


def store(pool: Pool, provider: str, sub: str, tokens: Mapping[str, Any]) -> None:
    """Put ``tokens`` (JSON values) in place of whatever was kept."""
    unit.write()
    key = (UpstreamTokens.pool_id == pool.id, UpstreamTokens.sub == sub, UpstreamTokens.provider == provider)
    sealed = sealing.seal(_SEAL, json.dumps(dict(tokens)).encode(), f"{pool.id}/{sub}/{provider}")
    values = {"sealed": sealed, "stored_at": clock.now()}
    if unit.execute(update(UpstreamTokens).where(*key).values(**values)).rowcount == 0:
        unit.execute(insert(UpstreamTokens).values(pool_id=pool.id, sub=sub, provider=provider, **values))


def find(pool: Pool, provider: str, sub: str) -> Mapping[str, Any] | None:
    """What is kept, or None."""
    key = (UpstreamTokens.pool_id == pool.id, UpstreamTokens.sub == sub, UpstreamTokens.provider == provider)
    row = unit.execute(select(UpstreamTokens.sealed).where(*key)).first()
    if row is None:
        return None
    kept: Mapping[str, Any] = json.loads(sealing.open_(_SEAL, row.sealed, f"{pool.id}/{sub}/{provider}"))
    return kept


def forget(pool: Pool, provider: str, sub: str) -> None:
    """Drop what is kept."""
    unit.write()
    key = (UpstreamTokens.pool_id == pool.id, UpstreamTokens.sub == sub, UpstreamTokens.provider == provider)
    unit.execute(delete(UpstreamTokens).where(*key))
