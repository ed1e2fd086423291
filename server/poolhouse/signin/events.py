"""What sign-in announces, and what it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from poolhouse.core.events import Event
from poolhouse.user_pools.snapshots import Client
from poolhouse.users import User


@dataclass(frozen=True, slots=True)
class UserSignedIn(Event):
    """Somebody proved who they are."""

    sub: str
    client_id: str
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignInFailed(Event):
    """A password or a code was wrong. ``sub`` is empty where nobody has the name."""

    sub: str
    client_id: str
    factor: str


@dataclass(frozen=True, slots=True)
class PreAuthentication:
    """Asked before a password is looked at (Lambda trigger of the same name); a listener refuses by raising."""

    client: Client
    username: str
    user: User | None
    validation_data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PostAuthentication:
    """Asked once everything is proven, before tokens are issued."""

    client: Client
    user: User
    client_metadata: Mapping[str, str] = field(default_factory=dict)
