"""What happens to pools and to what is configured on them."""

from __future__ import annotations

from dataclasses import dataclass

from poolhouse.core.events import Event


@dataclass(frozen=True, slots=True)
class UserPoolCreated(Event):
    """A pool was made."""


@dataclass(frozen=True, slots=True)
class UserPoolUpdated(Event):
    """A pool's configuration changed. ``what``: settings, schema, mfa, tags or extensions."""

    what: str


@dataclass(frozen=True, slots=True)
class UserPoolDeleted(Event):
    """A pool is gone, and everybody in it."""


@dataclass(frozen=True, slots=True)
class UserPoolClientCreated(Event):
    """An app client was made."""

    client_id: str


@dataclass(frozen=True, slots=True)
class UserPoolClientUpdated(Event):
    """An app client changed. ``what``: settings, extensions, secret added or secret deleted."""

    client_id: str
    what: str


@dataclass(frozen=True, slots=True)
class UserPoolClientDeleted(Event):
    """An app client is gone."""

    client_id: str


@dataclass(frozen=True, slots=True)
class DomainChanged(Event):
    """A domain of a pool was created, updated or deleted (``what``)."""

    domain: str
    what: str


@dataclass(frozen=True, slots=True)
class ResourceServerChanged(Event):
    """A resource server was created, updated or deleted (``what``)."""

    identifier: str
    what: str
