"""Conditions: an operator, a context key and values, with IfExists, ForAllValues and ForAnyValue around them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from . import operands
from .errors import PolicyError, shown
from .operators import OPERATORS, Operator
from .values import Keys

Quantifier = Literal["", "ForAllValues", "ForAnyValue"]
QUANTIFIERS: tuple[Quantifier, ...] = ("ForAllValues", "ForAnyValue")

_IF_EXISTS = "IfExists"


@dataclass(frozen=True, slots=True)
class OperatorName:
    """What the name of an operator says, taken apart; `operator` is None for Null."""

    quantifier: Quantifier
    operator: Operator | None
    if_exists: bool


def read_operator(name: str) -> OperatorName:
    """Take an operator's name apart. Raises PolicyError when there is no such operator.

    >>> read_operator("ForAnyValue:StringLikeIfExists").quantifier
    'ForAnyValue'
    """
    before, colon, base = name.rpartition(":")
    quantifier = next((known for known in QUANTIFIERS if known == before), None)
    if colon and quantifier is None:
        raise PolicyError(f"{shown(before)} is not a set operator; there are ForAllValues and ForAnyValue")
    if_exists = base.endswith(_IF_EXISTS)
    base = base.removesuffix(_IF_EXISTS)
    if base == "Null":
        if if_exists or colon:
            raise PolicyError("Null takes neither IfExists nor a set operator: it asks whether the key exists")
        return OperatorName("", None, if_exists=False)
    if base not in OPERATORS:
        near = difflib.get_close_matches(base[:60], [*OPERATORS, "Null"], n=1, cutoff=0.6)
        raise PolicyError(f"there is no operator {shown(name)}" + (f"; did you mean {near[0]}?" if near else ""))
    return OperatorName(quantifier or "", OPERATORS[base], if_exists)


class Condition:
    """One key of one operator; `holds(keys)` tells whether a request meets it."""

    __slots__ = ("_absent", "_if_exists", "_key", "_negated", "_test", "holds", "key", "operator")

    holds: Callable[[Keys], bool]

    def __init__(self, operator: str, key: str, values: Sequence[str], version: str) -> None:
        """Compile it. Raises PolicyError when the operator is unknown or one of the values cannot be read."""
        name = read_operator(operator)
        self.operator = operator
        self.key = key
        self._key = key.lower()
        self._if_exists = name.if_exists
        if name.operator is None:
            self._absent = frozenset(operands.boolean(value) for value in values)
            self.holds = self._null
            return
        self._test = name.operator.compile(values, version)
        self._negated = name.operator.negated
        by_quantifier: dict[Quantifier, Callable[[Keys], bool]] = {
            "": self._plain,
            "ForAllValues": self._for_all,
            "ForAnyValue": self._for_any,
        }
        self.holds = by_quantifier[name.quantifier]

    def _null(self, keys: Keys) -> bool:
        """An empty value counts as none: with "false", the guard against an absent key must also stop an empty one."""
        return (not any(keys.get(self._key, ()))) in self._absent

    def _plain(self, keys: Keys) -> bool:
        """An absent key is like no value: false, and true for the operators that ask for a difference.

        A key with several values matches when one of them does, and differs when none of them does.
        """
        values = keys.get(self._key)
        if not values:
            return self._if_exists or self._negated
        for value in values:
            if self._test(value, keys):
                return not self._negated
        return self._negated

    def _for_all(self, keys: Keys) -> bool:
        """True for an absent or empty key too: published behaviour, for which `lint` has a warning."""
        return all(self._test(value, keys) is not self._negated for value in keys.get(self._key, ()) if value)

    def _for_any(self, keys: Keys) -> bool:
        values = [value for value in keys.get(self._key, ()) if value]
        if not values:
            return self._if_exists
        return any(self._test(value, keys) is not self._negated for value in values)
