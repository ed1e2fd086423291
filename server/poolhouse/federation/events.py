"""What federation announces, and what it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from poolhouse.core.events import Event
from poolhouse.user_pools.snapshots import Client


@dataclass(frozen=True, slots=True)
class FederationEvent(Event):
    """A fact about one user and a provider."""

    sub: str
    provider: str
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class ExternalUserCreated(FederationEvent):
    """Somebody came through a provider for the first time, and has a profile now."""


@dataclass(frozen=True, slots=True)
class ExternalUserArrived(FederationEvent):
    """Somebody came through a provider; ``changed`` are the attributes that it says differently now, never to what."""

    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IdentityLinked(FederationEvent):
    """A provider's person is a user of the pool from now on; ``by``: ``administrator`` or ``self``."""

    by: str = "administrator"


@dataclass(frozen=True, slots=True)
class IdentityUnlinked(FederationEvent):
    """A provider's person is that user no more."""


@dataclass(frozen=True, slots=True)
class LinkDeclined(FederationEvent):
    """Somebody was offered to connect to ``sub`` and went on with a profile of their own."""


@dataclass(frozen=True, slots=True)
class ArrivalRefused(Event):
    """Somebody went to a provider and did not come in: it, they or we said no, or something was broken.

    ``reason`` is the kind of failure and what the app is told; ``sub`` is empty if unknown.
    """

    sub: str
    provider: str
    client_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class InboundFederation:
    """Asked before anything that a provider says is looked at (Lambda trigger InboundFederation).

    ``attributes`` are Cognito's ``request.attributes``: tokenResponse, idToken and userInfo, or samlResponse.
    ``claims`` are those that will be mapped. A listener sets ``user_attributes_to_map``: None or empty changes
    nothing, otherwise these are the claims, and what it left out is dropped. It refuses by raising.
    """

    client: Client
    provider_name: str
    provider_type: str
    username: str
    attributes: Mapping[str, Any] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)
    user_attributes_to_map: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class IdentityProviderCreated(Event):
    """An identity provider was made."""

    provider: str


@dataclass(frozen=True, slots=True)
class IdentityProviderUpdated(Event):
    """An identity provider changed. ``what``: settings, extensions, enabled or disabled."""

    provider: str
    what: str


@dataclass(frozen=True, slots=True)
class IdentityProviderDeleted(Event):
    """An identity provider is gone; whoever came through it stays, and cannot come that way again."""

    provider: str


@dataclass(frozen=True, slots=True)
class SamlLogoutReceived(Event):
    """An app (``client_id``) or an identity provider (``provider``) has signed somebody out of so many sessions."""

    sub: str
    client_id: str
    provider: str
    sessions: int


@dataclass(frozen=True, slots=True)
class SamlLogoutEnded(Event):
    """A single logout came to its end: how many parties there were to ask, and whether all of them confirmed."""

    parties: int
    complete: bool


@dataclass(frozen=True, slots=True)
class SamlKeyRotated(Event):
    """A pool's SAML key got a successor; ``provider`` is whose assertions it decrypts, empty for the one that signs."""

    key_id: str
    provider: str
