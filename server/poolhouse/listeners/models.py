"""The table of the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core.db import Base
from poolhouse.user_pools.models import POOL_ID


class AuditEvent(Base):
    """Something that happened, who did it, and to whom; ``detail`` has no secret and no attribute of anybody."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_pool_id_at", "pool_id", "at"),
        Index("ix_audit_events_pool_id_sub_at", "pool_id", "sub", "at"),
        {"info": {"outlives_pool": True}},
    )
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    pool_id: Mapped[str] = mapped_column(POOL_ID)
    at: Mapped[datetime]
    name: Mapped[str] = mapped_column(String(64))
    principal: Mapped[str] = mapped_column(String(2048))
    sub: Mapped[str | None] = mapped_column(String(36))
    client_id: Mapped[str | None] = mapped_column(String(128))
    request_id: Mapped[str | None] = mapped_column(String(64))
    remote_address: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]]
