"""Messages of others that may be taken once are remembered until they expire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, delete, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core import clock, sealing, unit
from poolhouse.core.db import Base


class SeenMessage(Base):
    """A SAML assertion or message that was taken; ``pool_id`` is empty for what the account itself takes."""

    __tablename__ = "saml_seen_messages"
    __table_args__ = (Index("ix_saml_seen_messages_expires", "expires_at"),)
    pool_id: Mapped[str] = mapped_column(String(55), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[datetime]


def take(pool_id: str, sender: str, identifiers: Sequence[str], expires: datetime) -> bool:
    """Take the messages of ``sender`` with these IDs, until ``expires``; False if one was taken before.

    Of two requests that bring the same message at the same moment the key of the table lets one through. Begins the
    write.
    """
    rows = [
        {"pool_id": pool_id, "digest": sealing.sha256(f"{sender}\n{identifier}"), "expires_at": expires}
        for identifier in dict.fromkeys(identifiers)
    ]
    unit.write()
    try:
        unit.execute(insert(SeenMessage), rows)
    except IntegrityError:
        return False
    return True


def purge() -> None:
    """Forget what has expired: it is refused for that."""
    unit.write()
    unit.execute(delete(SeenMessage).where(SeenMessage.expires_at < clock.now()))
