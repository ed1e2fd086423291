"""What can be wrong with a policy, or with a question put to it: faults with their places, and exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend, at a JSON path such as `$.Statement[0].Effect`; only an "error" makes a policy unusable."""

    path: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class PolicyError(ValueError):
    """Anything that this package turns down."""


class MalformedPolicy(PolicyError):
    """The document is no policy; `faults` says where and why, and is never empty."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{faults[0]}{more}")


class InvalidRequest(PolicyError):
    """The question cannot be read: a context value of a type that no policy knows, or one key given twice."""


def shown(value: object) -> str:
    """Name a value in a message, short and in ASCII: a hostile document must not fill a log or break its encoding."""
    if isinstance(value, str):
        text = ascii(value[:_SHOWN_CHARACTERS])
        return text if len(value) <= _SHOWN_CHARACTERS else f"{text}..."
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return {dict: "an object", list: "a list", int: "a number", float: "a number"}.get(
        type(value), type(value).__name__
    )
