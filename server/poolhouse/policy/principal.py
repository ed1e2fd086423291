"""Who asks, and whom the elements Principal and NotPrincipal of a resource's policy mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

Kind = Literal["AWS", "Federated", "Service", "CanonicalUser", "Anonymous"]
KINDS: tuple[Kind, ...] = ("AWS", "Federated", "Service", "CanonicalUser")


class Named(IntEnum):
    """How closely a resource's policy names a caller; it decides what else must agree."""

    NO = 0
    BY_ACCOUNT = 1
    """The account is trusted, which leaves the choice of people to the account's own policies."""
    BY_ROLE = 2
    """The role is named: a boundary or a session policy still limits its sessions."""
    IN_PERSON = 3


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller; for an assumed role's session, `role` is the role's own ARN (a session's ARN lacks the path).

    `account` is read from the ARN of an AWS principal; others have none, and no policies of their own either.
    `unique_id` is what a policy may name a user by instead of the ARN, `role_id` likewise a session's role.
    """

    name: str
    kind: Kind = "AWS"
    account: str = ""
    role: str = ""
    unique_id: str = ""
    role_id: str = ""
    _named: Mapping[str, Named] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named: dict[str, Named] = {}
        if self.kind == "AWS":
            segments = self.name.split(":", 5)
            if not self.account and len(segments) == 6:
                object.__setattr__(self, "account", segments[4])
            if self.account:
                partition = segments[1] if len(segments) == 6 else "aws"
                named[self.account] = Named.BY_ACCOUNT
                named[f"arn:{partition}:iam::{self.account}:root"] = Named.BY_ACCOUNT
            for role in (self.role, self.role_id):
                if role:
                    named[role] = Named.BY_ROLE
            if self.unique_id:
                named[self.unique_id] = Named.IN_PERSON
        if self.kind != "Anonymous":
            named[self.name] = Named.IN_PERSON
        object.__setattr__(self, "_named", named)

    @property
    def by_wildcard(self) -> Named:
        """How closely "everybody" names this caller: a session only by its role, so that its limits stay in force."""
        return Named.BY_ROLE if self.role else Named.IN_PERSON

    def named(self, names: frozenset[str]) -> Named:
        """Return the closest way in which one of these names means the caller."""
        return max((level for name, level in self._named.items() if name in names), default=Named.NO)

    def wholly_named(self, names: frozenset[str]) -> bool:
        """Return whether the account, the role and the caller are all among the names.

        This exempts somebody from a Deny with NotPrincipal: an account's name alone must not exempt everybody in it.
        """
        levels = {level for name, level in self._named.items() if name in names}
        return bool(levels) and levels == set(self._named.values())


ANONYMOUS = Principal("", "Anonymous")


class PrincipalSet:
    """The compiled element Principal or NotPrincipal."""

    __slots__ = ("_everybody", "_names")

    def __init__(self, element: str | Mapping[str, Sequence[str]]) -> None:
        by_kind: Mapping[str, Sequence[str]] = {"AWS": ["*"]} if isinstance(element, str) else element
        self._names = {kind: frozenset(names) for kind, names in by_kind.items()}
        # "*" and {"AWS": "*"} mean the same: everybody, those who have not said who they are included.
        self._everybody = "*" in self._names.get("AWS", ())

    def named(self, principal: Principal) -> Named:
        """Return how closely the element Principal names the caller."""
        if self._everybody:
            return principal.by_wildcard
        names = self._names.get(principal.kind)
        if names is None:
            return Named.NO
        return principal.by_wildcard if "*" in names else principal.named(names)

    def excludes(self, principal: Principal, *, deny: bool) -> bool:
        """Return whether NotPrincipal leaves the caller out; whoever is named in part only is never let off."""
        if self._everybody:
            return True
        names = self._names.get(principal.kind, frozenset())
        if "*" in names:
            return True
        return principal.wholly_named(names) if deny else principal.named(names) is not Named.NO
