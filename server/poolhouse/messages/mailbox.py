"""The development mailbox: what would have been sent, newest 500, for developers on their own machine."""

from __future__ import annotations

import builtins
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from poolhouse.core import clock, sealing, unit
from poolhouse.messages.message import Message
from poolhouse.messages.models import DevelopmentMail

KEPT = 500
_PURPOSE = "development mail"


def put(message_id: str, message: Message) -> None:
    """Keep ``message``; a second delivery of the same id changes nothing. Begins the write."""
    sealed = sealing.seal(_PURPOSE, message.dump(), message_id)
    unit.write()
    try:
        with unit.current().connection.begin_nested():
            unit.execute(insert(DevelopmentMail).values(id=message_id, sealed=sealed, sent_at=clock.now()))
    except IntegrityError:
        return
    newest_first = DevelopmentMail.sent_at.desc()
    oldest_kept = select(DevelopmentMail.sent_at).order_by(newest_first).limit(1).offset(KEPT - 1).scalar_subquery()
    unit.execute(delete(DevelopmentMail).where(DevelopmentMail.sent_at < oldest_kept))


def list() -> builtins.list[dict[str, Any]]:
    """``{to, subject, text, html, sent_at}`` of every message kept, oldest first; ``sent_at`` as ISO 8601."""
    rows = unit.execute(
        select(DevelopmentMail.id, DevelopmentMail.sealed, DevelopmentMail.sent_at).order_by(
            DevelopmentMail.sent_at, DevelopmentMail.id
        )
    )
    shown = []
    for row in rows:
        message = Message.load(sealing.open_(_PURPOSE, row.sealed, row.id))
        shown.append(
            {
                "to": message.to,
                "subject": message.subject,
                "text": message.text,
                "html": message.html,
                "sent_at": row.sent_at.isoformat(timespec="microseconds"),
            }
        )
    return shown
