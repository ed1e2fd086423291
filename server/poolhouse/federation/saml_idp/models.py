"""The tables of the identity provider: who its service providers are, and which sessions they take part in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core.db import Base
from poolhouse.user_pools.models import POOL_ID
from poolhouse.users.models import SUB

CLIENT_ID = String(128)
DIGEST = LargeBinary(32)


class SamlServiceProvider(Base):
    """Which app client a SAML entity id is: one of a pool each. ``digest`` is the entity id's SHA-256."""

    __tablename__ = "saml_service_providers"
    __table_args__ = (Index("ix_saml_service_providers_client", "pool_id", "client_id"),)
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    digest: Mapped[bytes] = mapped_column(DIGEST, primary_key=True)
    client_id: Mapped[str] = mapped_column(CLIENT_ID)


class SamlNameKey(Base):
    """What a pool's persistent names are computed with: random, and never changed, or everybody had a new name."""

    __tablename__ = "saml_name_keys"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    sealed: Mapped[bytes]
    created_at: Mapped[datetime]


class SamlParticipant(Base):
    """A service provider that was told who is signed in with a browser, and has to hear when that ends.

    ``sealed`` is the name that the person goes by there; ``name_digest`` finds it.
    """

    __tablename__ = "saml_participants"
    __table_args__ = (
        Index("ix_saml_participants_named", "pool_id", "client_id", "name_digest"),
        Index("ix_saml_participants_expires", "expires_at"),
    )
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    browser_session: Mapped[bytes] = mapped_column(DIGEST, primary_key=True)
    client_id: Mapped[str] = mapped_column(CLIENT_ID, primary_key=True)
    sub: Mapped[str] = mapped_column(SUB)
    session_index: Mapped[str] = mapped_column(String(64))
    name_digest: Mapped[bytes] = mapped_column(DIGEST)
    sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
