"""Messages of providers are taken once."""

from __future__ import annotations

from datetime import datetime

from poolhouse.core import seen
from poolhouse.federation.connector import Untrusted


def take(pool_id: str, issuer: str, identifiers: tuple[str, ...], expires: datetime) -> None:
    """Take the messages of ``issuer`` with these IDs, until ``expires``. Raises Untrusted for one taken before."""
    if not seen.take(pool_id, issuer, identifiers, expires):
        raise Untrusted(hint="replay: this message was taken before")
