"""Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}` and the escapes `${*}`, `${?}`, `${$}`.

What a variable stands for is always taken literally: a user who names themselves `*` has a star in their name, and not
everybody's files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import PolicyError, shown
from .values import Keys

WITH_VARIABLES = "2012-10-17"
WITHOUT_VARIABLES = "2008-10-17"
VERSIONS = (WITH_VARIABLES, WITHOUT_VARIABLES)

_ESCAPES = {"*", "?", "$"}
# Tag keys may hold spaces, so spaces inside a name are kept; the default value is everything between single quotes.
_INSIDE = re.compile(r"(?P<key>[\w.:/=+@ -]+)(?:, *'(?P<default>[^'${}]*)')?")


@dataclass(frozen=True, slots=True)
class Variable:
    """A context key whose single value is written in its place."""

    key: str
    default: str | None = None

    def value(self, keys: Keys) -> str | None:
        """Return the text to write, or None: the key is absent without a default, or it has several values."""
        values = keys.get(self.key)
        if not values:
            return self.default
        return values[0] if len(values) == 1 else None


@dataclass(frozen=True, slots=True)
class Escaped:
    """A character that would mean something, meant as itself."""

    character: str


Part = str | Variable | Escaped


def scan(text: str, version: str) -> tuple[Part, ...]:
    """Split a value of a policy into plain text, variables and escapes; the 2008 language has none. Raises PolicyError.

    >>> scan("home/${aws:username}/*", "2012-10-17")
    ('home/', Variable(key='aws:username', default=None), '/*')
    """
    if version != WITH_VARIABLES or "${" not in text:
        return (text,)
    return tuple(_parts(text))


def written(parts: tuple[Part, ...], keys: Keys) -> str | None:
    """Write the parts out for one request, or return None when a variable has no value."""
    texts: list[str] = []
    for part in parts:
        text = part.value(keys) if isinstance(part, Variable) else part.character if isinstance(part, Escaped) else part
        if text is None:
            return None
        texts.append(text)
    return "".join(texts)


def variables(parts: tuple[Part, ...]) -> tuple[Variable, ...]:
    """Return the variables among the parts."""
    return tuple(part for part in parts if isinstance(part, Variable))


def _parts(text: str) -> Iterator[Part]:
    at = 0
    while True:
        opening = text.find("${", at)
        if opening < 0:
            if at < len(text):
                yield text[at:]
            return
        if at < opening:
            yield text[at:opening]
        closing = text.find("}", opening)
        if closing < 0:
            raise PolicyError(f"the variable that begins at {shown(text[opening:])} has no closing brace")
        yield _read(text[opening + 2 : closing])
        at = closing + 1


def _read(inside: str) -> Variable | Escaped:
    if inside in _ESCAPES:
        return Escaped(inside)
    if not inside.strip():
        raise PolicyError("the variable is empty; write ${key}")
    found = _INSIDE.fullmatch(inside)
    if found is None:
        raise PolicyError(f"the variable {shown(inside)} must be written ${{key}} or ${{key, 'default'}}")
    key = found["key"]
    if key != key.strip():
        raise PolicyError(f"the variable {shown(inside)} must not begin or end with a space")
    return Variable(key.lower(), found["default"])
