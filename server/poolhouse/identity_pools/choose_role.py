"""Chooses the role of an identity: guests, rules over claims, roles that a token names, and what if none is plain.

Pure. The order is Cognito's: the role that the client asks for if it may have it; else the mapping of the login's
provider (its rules in their order, or the token's preferred role); else what AmbiguousRoleResolution says; without a
mapping, the role of all who are authenticated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from poolhouse.core.errors import NotAuthorized
from poolhouse.identity_pools.errors import InvalidIdentityPoolConfiguration

TOKEN_ROLES = "cognito:roles"
PREFERRED_ROLE = "cognito:preferred_role"
NOT_YOURS = "Access denied to the role that was asked for."
AMBIGUOUS = "Access denied: no role could be determined for this login."


@dataclass(frozen=True, slots=True)
class Credential:
    """A login as the choice sees it: what mappings may call its provider, and its verified claims."""

    names: tuple[str, ...]
    claims: Mapping[str, Any] = field(repr=False)


def choose(
    roles: Mapping[str, str],
    mappings: Mapping[str, Mapping[str, Any]],
    credentials: Sequence[Credential],
    custom_role_arn: str | None = None,
) -> str:
    """The ARN of the role. ``roles`` and ``mappings`` are SetIdentityPoolRoles' members; no credentials: a guest.

    Raises NotAuthorized where there is a mapping and it gives none, InvalidIdentityPoolConfiguration where the pool
    has no role to give.
    """
    if not credentials:
        if custom_role_arn is not None:
            raise NotAuthorized(NOT_YOURS, hint="a guest asked for a role")
        return _of_the_pool(roles, "unauthenticated")
    for credential in credentials:
        mapping = next((mappings[name] for name in credential.names if name in mappings), None)
        if mapping is not None:
            return _mapped(roles, mapping, credential.claims, custom_role_arn)
    if custom_role_arn is not None:
        raise NotAuthorized(NOT_YOURS, hint="no mapping says who may have which role")
    return _of_the_pool(roles, "authenticated")


def candidates(mapping: Mapping[str, Any], claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Every role that a mapping gives to these claims, the one that it prefers first.

    >>> candidates({"Type": "Token"}, {"cognito:roles": ["a", "b"], "cognito:preferred_role": "b"})
    ('b', 'a')
    """
    if mapping["Type"] == "Rules":
        rules = (mapping.get("RulesConfiguration") or {}).get("Rules", ())
        return tuple(rule["RoleARN"] for rule in rules if matches(rule, claims))
    named = claims.get(TOKEN_ROLES)
    held = tuple(role for role in named if isinstance(role, str)) if isinstance(named, list | tuple) else ()
    preferred = claims.get(PREFERRED_ROLE)
    if isinstance(preferred, str) and preferred:
        return (preferred, *(role for role in held if role != preferred))
    return held


def matches(rule: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    """Whether a rule applies. A claim that is not there matches nothing, NotEqual included.

    Of a claim with several values (groups), one must be equal, start so, or be equal for Contains: a group called
    "not-admins" must not make anybody one of the "admin". For NotEqual none may be equal.
    """
    claim = claims.get(rule["Claim"])
    several = isinstance(claim, list | tuple)
    values = [text for text in map(_text, claim if isinstance(claim, list | tuple) else [claim]) if text is not None]
    wanted = rule["Value"]
    if claim is None or (not several and not values):
        return False
    match rule["MatchType"]:
        case "Equals":
            return wanted in values
        case "NotEqual":
            return wanted not in values
        case "StartsWith":
            return any(value.startswith(wanted) for value in values)
        case "Contains":
            return wanted in values if several else wanted in values[0]
    return False


def _mapped(
    roles: Mapping[str, str], mapping: Mapping[str, Any], claims: Mapping[str, Any], custom_role_arn: str | None
) -> str:
    found = candidates(mapping, claims)
    if custom_role_arn is not None:
        if custom_role_arn not in found:
            raise NotAuthorized(NOT_YOURS, hint="not among the roles of the token or of the rules that match")
        return custom_role_arn
    plain = mapping["Type"] == "Rules" or isinstance(claims.get(PREFERRED_ROLE), str) or len(found) == 1
    if found and plain:
        return found[0]
    if mapping.get("AmbiguousRoleResolution") == "AuthenticatedRole":
        return _of_the_pool(roles, "authenticated")
    raise NotAuthorized(AMBIGUOUS)


def _of_the_pool(roles: Mapping[str, str], which: str) -> str:
    role = roles.get(which)
    if not role:
        raise InvalidIdentityPoolConfiguration(hint=f"the pool has no {which} role")
    return role


def _text(value: object) -> str | None:
    """A claim's value as rules compare it: JSON's words for booleans; structures compare with nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    return None
