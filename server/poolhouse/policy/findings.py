"""The linter's notebook: faults with their paths, and the questions about shape that every element asks."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from .errors import Fault, shown
from .reading import Members

_MOST_FAULTS = 100


class Enough(Exception):
    """The list is long enough; a hostile document could otherwise make it as long as it likes."""


class Findings:
    """The faults found so far."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._errors = self._warnings = 0

    def error(self, path: str, message: str) -> None:
        self.faults.append(Fault(path, message))
        self._errors += 1
        if self._errors >= _MOST_FAULTS:
            raise Enough

    def warning(self, path: str, message: str) -> None:
        # Warnings past the limit are dropped, but the search goes on: they must never hide an error that comes later.
        self._warnings += 1
        if self._warnings <= _MOST_FAULTS:
            self.faults.append(Fault(path, message, "warning"))

    def texts(self, path: str, value: object) -> list[tuple[str, str]]:
        """Return the texts of "a text or a list of texts" with the path of each, and note what is none."""
        if isinstance(value, str):
            return [(path, value)]
        if not isinstance(value, list | tuple):
            self.error(path, f"must be a text or a list of texts, not {shown(value)}")
            return []
        if not value:
            self.error(path, "must name something; an empty list does not")
        for at, item in enumerate(value):
            if not isinstance(item, str):
                self.error(f"{path}[{at}]", f"must be a text, not {shown(item)}")
        return [(f"{path}[{at}]", item) for at, item in enumerate(value) if isinstance(item, str)]

    def members(self, path: str, value: object, known: tuple[str, ...] = ()) -> Mapping[str, Any] | None:
        """Return an object's members, having noted those that are unknown (when `known` names any) or given twice."""
        if not isinstance(value, Mapping):
            self.error(path, f"must be an object, not {shown(value)}")
            return None
        for name in sorted(value.repeated) if isinstance(value, Members) else ():
            self.error(child(path, name), "is given more than once")
        for name in value:
            if not isinstance(name, str):
                self.error(path, f"has a member whose name is not a text but {shown(name)}")
                return None
            if known and name not in known:
                near = difflib.get_close_matches(name[:60].capitalize(), known, n=1)
                self.error(
                    child(path, name), "there is no such element" + (f"; did you mean {near[0]}?" if near else "")
                )
        return value


def child(path: str, name: str) -> str:
    """Extend a JSON path by a member.

    >>> child("$.Condition", "StringLike"), child("$", "aws:username")
    ('$.Condition.StringLike', "$['aws:username']")
    """
    return f"{path}.{name}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,60}", name) else f"{path}[{shown(name)}]"
