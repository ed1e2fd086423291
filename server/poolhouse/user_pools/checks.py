"""Checks that settings of several kinds are made of. All refusals are InvalidParameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from poolhouse.core.errors import InvalidParameter

Check = Callable[[str, Any], Any]


def checked(own: Mapping[str, Any], known: Mapping[str, Check]) -> dict[str, Any]:
    """``own`` after its checks, without what is None. Raises InvalidParameter."""
    for name in own:
        if name not in known:
            raise InvalidParameter(f"Unknown setting: {name}. Known are {', '.join(known)}.")
    return {name: known[name](name, value) for name, value in own.items() if value is not None}


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
