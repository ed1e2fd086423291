"""How many of a thing a pool, or the server, may have: Cognito's quotas, after the increases that it grants."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from poolhouse.core import unit
from poolhouse.core.errors import LimitExceeded

POOLS = 10_000
CLIENTS = 10_000
RESOURCE_SERVERS = 300
IDENTITY_PROVIDERS = 10_000
GROUPS = 10_000
TAGS = 50
SECRETS = 2
PAGE = 60


def check(limit: int, what: str, column: Any, *where: Any) -> None:
    """Raise LimitExceeded if ``limit`` rows with ``column`` are there already."""
    counted = select(column).where(*where).limit(limit).subquery()
    if unit.execute(select(func.count()).select_from(counted)).scalar_one() >= limit:
        raise LimitExceeded(f"The maximum number of {what} is {limit}.")
