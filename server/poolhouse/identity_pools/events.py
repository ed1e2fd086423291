"""What happens to identity pools and to identities; the pool of these events is the identity pool.

That a guest came, or that an identity was made for a login, is not stated: it happens as often as anybody likes.
"""

from __future__ import annotations

from dataclasses import dataclass

from poolhouse.core.events import Event


@dataclass(frozen=True, slots=True)
class IdentityPoolCreated(Event):
    """An identity pool was made."""


@dataclass(frozen=True, slots=True)
class IdentityPoolUpdated(Event):
    """An identity pool changed. ``what``: settings, roles, principal tags or tags."""

    what: str


@dataclass(frozen=True, slots=True)
class IdentityPoolDeleted(Event):
    """An identity pool is gone, and every identity in it."""


@dataclass(frozen=True, slots=True)
class IdentityLinked(Event):
    """A login of ``provider`` was added to an identity that was there."""

    identity_id: str
    provider: str


@dataclass(frozen=True, slots=True)
class IdentityUnlinked(Event):
    """A login of ``provider`` was taken from an identity."""

    identity_id: str
    provider: str


@dataclass(frozen=True, slots=True)
class IdentitiesMerged(Event):
    """``from_identity_id`` was disabled, and its logins belong to ``identity_id`` now."""

    identity_id: str
    from_identity_id: str


@dataclass(frozen=True, slots=True)
class IdentityDeleted(Event):
    """An administrator removed an identity."""

    identity_id: str
