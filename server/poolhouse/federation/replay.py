"""Messages that were taken are remembered until they expire, so that each is taken once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError

from poolhouse.core import clock, sealing, unit
from poolhouse.federation.connector import Untrusted
from poolhouse.federation.models import SeenMessage


def take(pool_id: str, provider: str, identifiers: tuple[str, ...], expires: datetime) -> None:
    """Take the messages of ``provider`` with these IDs, until ``expires``. Raises Untrusted for one taken before.

    Of two requests that bring the same message at the same moment the key of the table lets one through.
    """
    rows = [
        {"pool_id": pool_id, "digest": sealing.sha256(f"{provider}\n{identifier}"), "expires_at": expires}
        for identifier in dict.fromkeys(identifiers)
    ]
    unit.write()
    try:
        unit.execute(insert(SeenMessage), rows)
    except IntegrityError:
        raise Untrusted(hint="replay: this message was taken before") from None


def purge() -> None:
    """Forget what has expired: it is refused for that."""
    unit.write()
    unit.execute(delete(SeenMessage).where(SeenMessage.expires_at < clock.now()))
