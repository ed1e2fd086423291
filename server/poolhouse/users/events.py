"""What happens to groups and to who is in them."""

from __future__ import annotations

from dataclasses import dataclass

from poolhouse.core.events import Event


@dataclass(frozen=True, slots=True)
class GroupChanged(Event):
    """A group was created, updated or deleted (``what``)."""

    group: str
    what: str


@dataclass(frozen=True, slots=True)
class GroupMembershipChanged(Event):
    """A user was added to a group or removed from it (``what``)."""

    sub: str
    group: str
    what: str
