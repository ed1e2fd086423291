"""Whether people may still come in through a provider: what was begun through one ends with it, at once.

No row is changed when a provider is turned off or deleted: whoever holds something that was begun through it (a trip, a
browser session, a code, a refresh family) asks here, which costs no statement while the provider is in the cache.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from poolhouse.federation import catalogue
from poolhouse.federation.provider import Provider
from poolhouse.tokens.events import StillOpen
from poolhouse.user_pools import lookup


def is_open(pool_id: str, name: str, begun_at: datetime) -> bool:
    """Whether what was begun at that moment through the provider ``name`` still counts."""
    pool = lookup.find_pool(pool_id)
    provider = catalogue.find(pool, name) if pool is not None else None
    return provider is not None and provider.enabled and begun_at >= opened_at(provider)


def opened_at(provider: Provider) -> datetime:
    """Since when people come in through it without a break: one that is made anew, or turned on again, begins anew."""
    turned_on = provider.own.get("enabled_at")
    return max(provider.created_at, datetime.fromtimestamp(float(turned_on), UTC)) if turned_on else provider.created_at


def answer(question: StillOpen) -> StillOpen:
    """For the bus: tokens and sessions know a provider's name, and nothing else of federation."""
    return replace(question, open=is_open(question.pool_id, question.provider, question.begun_at))
