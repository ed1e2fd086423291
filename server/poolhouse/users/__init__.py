"""The directory of a pool: users, attributes, aliases, groups, search. Knows nothing of passwords or tokens."""

from poolhouse.users.snapshot import Status, User

__all__ = ["Status", "User"]
