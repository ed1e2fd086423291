"""A provider's own tokens, for the clients that may fetch them: kept sealed, the newest of each user and provider.

Nothing is kept unless the client that somebody signs in to has the extension UpstreamTokens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from sqlalchemy import delete, insert, select, update

from poolhouse.core import clock, sealing, unit
from poolhouse.federation import catalogue, cut_off
from poolhouse.federation.connector import FederationFailed
from poolhouse.federation.models import UpstreamTokens
from poolhouse.federation.provider import Provider
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import User

_SEAL = "upstream tokens"
_SHOWN = ("access_token", "token_type", "expires_at", "scope", "id_token")
# A token that ends while it is on its way is of no use.
_LEAST_SECONDS = 30


@runtime_checkable
class Renewing(Protocol):
    """A connector whose provider gives new tokens for old ones."""

    def refresh(self, provider: Provider, tokens: Mapping[str, Any]) -> Mapping[str, Any]:
        """New tokens in the same form. Raises FederationFailed."""


def allowed(client: Client) -> bool:
    """Whether ``client`` may fetch the tokens that providers gave."""
    return client.own.get("upstream_tokens") is True


def keep(client: Client, provider: Provider, user: User, tokens: Mapping[str, Any] | None) -> None:
    """Store the tokens that came with a sign-in, if ``client`` may fetch them."""
    if not allowed(client) or not tokens:
        return
    if not _replace(client.pool, provider.name, user.sub, tokens):
        values = _values(client.pool, provider.name, user.sub, tokens)
        unit.execute(
            insert(UpstreamTokens).values(pool_id=client.pool_id, sub=user.sub, provider=provider.name, **values)
        )


def fetch(client: Client, user: User, name: str) -> dict[str, Any] | None:
    """What ``client``, which is allowed to, is given; None where there is nothing, or the provider is not open to it.

    A token that has expired is renewed, if the provider gave the means; without, it is gone. Raises FederationFailed.
    """
    pool = client.pool
    provider = catalogue.find(pool, name)
    if provider is None or not client.offers(name) or not cut_off.is_open(pool.id, name, clock.now()):
        return None
    tokens = _find(pool, name, user.sub)
    if tokens is None:
        return None
    if _expired(tokens):
        tokens = _renewed(pool, provider, user, tokens)
    return None if tokens is None else {member: tokens[member] for member in _SHOWN if member in tokens}


def _expired(tokens: Mapping[str, Any]) -> bool:
    ends = tokens.get("expires_at")
    return isinstance(ends, int | float) and ends <= clock.timestamp() + _LEAST_SECONDS


def _renewed(pool: Pool, provider: Provider, user: User, tokens: Mapping[str, Any]) -> Mapping[str, Any] | None:
    connector = catalogue.connector(provider)
    if not isinstance(connector, Renewing) or not tokens.get("refresh_token"):
        return None
    try:
        fresh = connector.refresh(provider, tokens)
    except FederationFailed:
        # Somebody else has renewed it at the same moment, and the refresh token counts once.
        present = _find(pool, provider.name, user.sub)
        if present is None or present == tokens or _expired(present):
            raise
        return present
    return fresh if _replace(pool, provider.name, user.sub, fresh) else None


def forget(pool: Pool, provider: str, sub: str) -> None:
    """Drop what is kept."""
    unit.write()
    unit.execute(delete(UpstreamTokens).where(*_key(pool, provider, sub)))


def _replace(pool: Pool, provider: str, sub: str, tokens: Mapping[str, Any]) -> bool:
    """Put ``tokens`` in place of those that are kept; False where none are."""
    unit.write()
    key = _key(pool, provider, sub)
    return unit.execute(update(UpstreamTokens).where(*key).values(**_values(pool, provider, sub, tokens))).rowcount == 1


def _find(pool: Pool, provider: str, sub: str) -> Mapping[str, Any] | None:
    row = unit.execute(select(UpstreamTokens.sealed).where(*_key(pool, provider, sub))).first()
    if row is None:
        return None
    kept: Mapping[str, Any] = json.loads(sealing.open_(_SEAL, row.sealed, f"{pool.id}/{sub}/{provider}"))
    return kept


def _key(pool: Pool, provider: str, sub: str) -> tuple[Any, ...]:
    return UpstreamTokens.pool_id == pool.id, UpstreamTokens.sub == sub, UpstreamTokens.provider == provider


def _values(pool: Pool, provider: str, sub: str, tokens: Mapping[str, Any]) -> dict[str, Any]:
    sealed = sealing.seal(_SEAL, json.dumps(dict(tokens)).encode(), f"{pool.id}/{sub}/{provider}")
    return {"sealed": sealed, "stored_at": clock.now()}
