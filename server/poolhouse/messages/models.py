"""The tables of messages: the outbox, from which they leave after commit, and the development mailbox."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core.db import Base
from poolhouse.user_pools.models import POOL_ID


class OutboxMessage(Base):
    """A message on its way. ``sealed`` holds it whole and is emptied once it has left: it has codes in it.

    ``due_at`` is None once it was sent (``sent_at``) or given up (``last_error`` says why).
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due_at", "due_at"), Index("ix_outbox_created_at", "created_at"))
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    pool_id: Mapped[str] = mapped_column(POOL_ID)
    sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    attempts: Mapped[int]
    claimed_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)


class DevelopmentMail(Base):
    """A message as the development mailbox shows it, sealed like everything else that has codes in it."""

    __tablename__ = "dev_mails"
    __table_args__ = (Index("ix_dev_mails_sent_at", "sent_at"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sealed: Mapped[bytes]
    sent_at: Mapped[datetime]
