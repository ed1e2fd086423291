"""Principal tags of an identity: which claims of a login become attributes that policies can ask for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What SetPrincipalTagAttributeMap's UseDefaults stands for: tag by claim.
DEFAULTS = {"username": "sub", "client": "aud"}
LONGEST_VALUE = 256


def tags(maps: Mapping[str, Mapping[str, Any]], names: tuple[str, ...], claims: Mapping[str, Any]) -> dict[str, str]:
    """The tags that the map of the first of ``names`` makes of ``claims``; a claim that is no text makes none.

    >>> tags({"p": {"UseDefaults": True}}, ("p",), {"sub": "1", "aud": "app"})
    {'username': '1', 'client': 'app'}
    """
    found = next((maps[name] for name in names if name in maps), None)
    if found is None:
        return {}
    wanted = DEFAULTS if found.get("UseDefaults") else found.get("PrincipalTags") or {}
    made = {}
    for tag, claim in wanted.items():
        value = _text(claims.get(claim))
        # A value cut short would be another value: somebody else's, perhaps.
        if value and len(value) <= LONGEST_VALUE:
            made[tag] = value
    return made


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None
