"""Checks that settings of several kinds are made of. All refusals are InvalidParameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from poolhouse.core.errors import InvalidParameter

Check = Callable[[str, Any], Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """One of our own settings: what the API calls it, which refusals say too, and its check."""

    name: str
    check: Check


def checked(own: Mapping[str, Any], known: Mapping[str, Setting]) -> dict[str, Any]:
    """``own``, by stored names, after its checks, without what is None. Raises InvalidParameter."""
    for stored in own:
        if stored not in known:
            names = ", ".join(setting.name for setting in known.values())
            raise InvalidParameter(f"Unknown setting: {stored}. Known are {names}.")
    return {
        stored: known[stored].check(known[stored].name, value) for stored, value in own.items() if value is not None
    }


def one_of(*values: str) -> Check:
    """One of these words."""

    def check(name: str, value: Any) -> str:
        if value not in values:
            raise InvalidParameter(f"{name} must be one of {', '.join(values)}.")
        return str(value)

    return check


def switch(name: str, value: Any) -> bool:
    """True or false, not a word for it."""
    if not isinstance(value, bool):
        raise InvalidParameter(f"{name} must be true or false.")
    return value
