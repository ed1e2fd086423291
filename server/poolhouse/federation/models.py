"""The tables of federation: providers, what they publish, journeys to them, and whom they vouched for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core.db import Base
from poolhouse.user_pools.models import POOL_ID
from poolhouse.users.models import SUB

PROVIDER = String(32)
DIGEST = LargeBinary(32)


class StoredProvider(Base):
    """An identity provider. ``sealed`` is ProviderDetails, which holds secrets; ``own`` our extensions."""

    __tablename__ = "identity_providers"
    __table_args__ = (Index("ix_identity_providers_type", "pool_id", "type", "name"),)
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    name: Mapped[str] = mapped_column(PROVIDER, primary_key=True)
    type: Mapped[str] = mapped_column(String(32))
    sealed: Mapped[bytes]
    mapping: Mapped[dict[str, Any]]
    identifiers: Mapped[list[Any]]
    acr_mapping: Mapped[dict[str, Any]]
    own: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]


class ProviderIdentifier(Base):
    """An IdpIdentifier: an e-mail domain, or another name that leads to a provider. One provider each in a pool."""

    __tablename__ = "identity_provider_identifiers"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    identifier: Mapped[str] = mapped_column(String(40), primary_key=True)
    provider: Mapped[str] = mapped_column(PROVIDER)


class ProviderDocument(Base):
    """What a provider publishes (``saml-metadata``, ``openid-configuration``): the last good copy, and when to ask."""

    __tablename__ = "identity_provider_documents"
    __table_args__ = (Index("ix_identity_provider_documents_due", "due_at"),)
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    provider: Mapped[str] = mapped_column(PROVIDER, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    url: Mapped[str]
    body: Mapped[bytes]
    fetched_at: Mapped[datetime]
    due_at: Mapped[datetime]
    failure: Mapped[str | None]


class SamlKey(Base):
    """A key of a pool as SAML party, with its certificate.

    ``provider`` is "" for the pool's signing key, else whose assertions are encrypted to it. It is in the metadata at
    once and signs from ``active_from`` on; ``retired_at`` is when its successor does. It stays in the metadata until it
    is purged.
    """

    __tablename__ = "saml_keys"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    provider: Mapped[str] = mapped_column(PROVIDER)
    use: Mapped[str] = mapped_column(String(16))  # signing, encryption
    sealed: Mapped[bytes]
    certificate: Mapped[str]
    created_at: Mapped[datetime]
    active_from: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class StoredTrip(Base):
    """A browser's journey to a provider and back. ``sealed`` is all it knows; spent by one UPDATE."""

    __tablename__ = "federation_trips"
    __table_args__ = (Index("ix_federation_trips_expires", "expires_at"),)
    digest: Mapped[bytes] = mapped_column(DIGEST, primary_key=True)
    pool_id: Mapped[str] = mapped_column(POOL_ID)
    provider: Mapped[str] = mapped_column(PROVIDER)
    stage: Mapped[str] = mapped_column(String(16))  # out, back, linking
    sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]


class LinkedIdentity(Base):
    """That a provider's person is a user of the pool.

    ``attribute`` is ``Cognito_Subject``, or the provider's claim that AdminLinkProviderForUser named; the digest is of
    its exact value, upper and lower case apart.
    """

    __tablename__ = "linked_identities"
    __table_args__ = (Index("ix_linked_identities_sub", "pool_id", "sub"),)
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    provider: Mapped[str] = mapped_column(PROVIDER, primary_key=True)
    attribute: Mapped[str] = mapped_column(String(512), primary_key=True)
    digest: Mapped[bytes] = mapped_column(DIGEST, primary_key=True)
    value: Mapped[str]
    sub: Mapped[str] = mapped_column(SUB)
    primary: Mapped[bool]
    created_at: Mapped[datetime]


class UpstreamSession(Base):
    """A provider's session that somebody came from: what SAML single logout names it by, sealed.

    ``name_digest`` is of the provider's entity id and its name for the person. ``browser_session`` is the digest of the
    session here that came of it, until then of the journey; with ``auth_time`` it says which tokens did, too.
    """

    __tablename__ = "upstream_sessions"
    __table_args__ = (
        Index("ix_upstream_sessions_named", "pool_id", "name_digest"),
        Index("ix_upstream_sessions_browser", "pool_id", "browser_session"),
        Index("ix_upstream_sessions_expires", "expires_at"),
    )
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sub: Mapped[str] = mapped_column(SUB)
    provider: Mapped[str] = mapped_column(PROVIDER)
    name_digest: Mapped[bytes] = mapped_column(DIGEST)
    sealed: Mapped[bytes]
    browser_session: Mapped[bytes] = mapped_column(DIGEST)
    auth_time: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SamlLogout(Base):
    """A single logout under way through a browser, by the id of the message that an answer is awaited to."""

    __tablename__ = "saml_logouts"
    __table_args__ = (Index("ix_saml_logouts_expires", "expires_at"),)
    digest: Mapped[bytes] = mapped_column(DIGEST, primary_key=True)
    pool_id: Mapped[str] = mapped_column(POOL_ID)
    sealed: Mapped[bytes]
    expires_at: Mapped[datetime]


class UpstreamTokens(Base):
    """The newest tokens that a provider gave for a user, where a client of the pool may fetch them."""

    __tablename__ = "upstream_tokens"
    pool_id: Mapped[str] = mapped_column(POOL_ID, primary_key=True)
    sub: Mapped[str] = mapped_column(SUB, primary_key=True)
    provider: Mapped[str] = mapped_column(PROVIDER, primary_key=True)
    sealed: Mapped[bytes]
    stored_at: Mapped[datetime]
