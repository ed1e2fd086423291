"""What tokens announce, and the question they ask before claims are built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from poolhouse.core.events import Event
from poolhouse.tokens.claims import Overrides

if TYPE_CHECKING:
    from poolhouse.user_pools.snapshots import Client
    from poolhouse.users.snapshot import User


@dataclass(frozen=True, slots=True)
class RefreshTokenReused(Event):
    """A refresh token came back after it was exchanged: somebody has a copy. Its whole family is revoked."""

    sub: str
    client_id: str


@dataclass(frozen=True, slots=True)
class RefreshTokenRevoked(Event):
    """A client revoked a refresh token and everything that came of it."""

    sub: str
    client_id: str


@dataclass(frozen=True, slots=True)
class SignedOutEverywhere(Event):
    """Every token of a user was revoked."""

    sub: str


@dataclass(frozen=True, slots=True)
class SigningKeyRotated(Event):
    """A new signing key was published. ``purpose`` is ``id`` or ``access``."""

    kid: str
    purpose: str


@dataclass(frozen=True, slots=True)
class StillOpen:
    """Asked of what somebody began through an identity provider: whether people may still come in through it.

    ``open`` is what the answer says; nobody answering means no.
    """

    pool_id: str
    provider: str
    begun_at: datetime
    open: bool = False


@dataclass(frozen=True, slots=True)
class PreTokenGeneration:
    """Asked before claims are built: may change groups, claims and scopes (``overrides``), or refuse.

    ``trigger`` is Cognito's trigger source without its prefix: HostedAuth, Authentication, NewPasswordChallenge,
    AuthenticateDevice, RefreshTokens, or ClientCredentials, for which ``user`` is None.
    """

    trigger: str
    client: Client
    user: User | None
    groups: tuple[str, ...]
    roles: tuple[str, ...]
    preferred_role: str | None
    scopes: tuple[str, ...]
    client_metadata: Mapping[str, str] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=Overrides)
