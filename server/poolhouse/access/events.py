"""What happens to whoever administers, to roles, and to what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from poolhouse.core import events
from poolhouse.core.events import Event


@dataclass(frozen=True, slots=True)
class AccessChanged(Event):
    """Who may do what has changed. ``entity``: "role/editor", "policy/read", "user/ann"; ``what`` happened to it."""

    entity: str
    what: str


def changed(entity: str, what: str) -> None:
    """State that something happened to an entity of the account, which belongs to no pool."""
    events.emit(AccessChanged("", entity, what))
