"""The condition operators, StringLike, IpAddress and so on, each compiled with the values it is given."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from . import operands
from .errors import PolicyError
from .patterns import Template, pattern_parts
from .values import Keys
from .variables import scan, variables, written

Test = Callable[[str, Keys], bool]
"""Whether one value of a request is among those of the policy (for `Not` operators the caller turns it round)."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Operator:
    """A comparison: how to compile its values, whether the answer is turned round, whether it takes variables."""

    name: str
    compile: Callable[[Sequence[str], str], Test]
    negated: bool = False
    variables: bool = False


def _equal(fold: bool) -> Callable[[Sequence[str], str], Test]:
    def compile_(values: Sequence[str], version: str) -> Test:
        scanned = [scan(value, version) for value in values]
        dynamic = [parts for parts in scanned if variables(parts)]
        known = frozenset(_fold(written(parts, {}), fold) for parts in scanned if not variables(parts))
        if dynamic:
            return lambda text, keys: (
                (folded := _fold(text, fold)) in known
                or any(_fold(written(parts, keys), fold) == folded for parts in dynamic)
            )
        if fold:
            return lambda text, keys: text.casefold() in known
        return lambda text, keys: text in known

    return compile_


def _fold(text: str | None, fold: bool) -> str | None:
    return text.casefold() if fold and text is not None else text


def _like(values: Sequence[str], version: str) -> Test:
    templates = [Template(pattern_parts(scan(value, version), arn=False)) for value in values]
    fixed = [template.matcher({}) for value, template in zip(values, templates, strict=True) if _plain(value, version)]
    matchers = [matcher for matcher in fixed if matcher is not None]
    dynamic = [template for value, template in zip(values, templates, strict=True) if not _plain(value, version)]
    if not dynamic and len(matchers) == 1:
        only = matchers[0]
        return lambda text, keys: only(text)
    return lambda text, keys: (
        any(matcher(text) for matcher in matchers) or any(template.matches(text, keys) for template in dynamic)
    )


def _plain(value: str, version: str) -> bool:
    return not variables(scan(value, version))


def _arn(values: Sequence[str], version: str) -> Test:
    patterns = [operands.arn_pattern(scan(value, version)) for value in values]
    return lambda text, keys: any(pattern.matches(text, keys) for pattern in patterns)


def _compare(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Callable[[Sequence[str], str], Test]:
    """Compare typed values; a value of the request that cannot be read is equal to, less and greater than nothing."""

    def compile_(values: Sequence[str], _version: str) -> Test:
        bounds = [read(value) for value in values]

        def test(text: str, _keys: Keys) -> bool:
            given = _readable(read, text)
            return given is not None and any(compare(given, bound) for bound in bounds)

        return test

    return compile_


def _readable(read: Callable[[str], _T], text: str) -> _T | None:
    try:
        return read(text)
    except PolicyError:
        return None


def _ip(values: Sequence[str], _version: str) -> Test:
    networks = [operands.network(value) for value in values]

    def test(text: str, _keys: Keys) -> bool:
        given = _readable(operands.address, text)
        return given is not None and any(given in network for network in networks)

    return test


def _operators() -> dict[str, Operator]:
    plain: list[tuple[str, str, Callable[[Sequence[str], str], Test], bool]] = [
        ("StringEquals", "StringNotEquals", _equal(fold=False), True),
        ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", _equal(fold=True), True),
        ("StringLike", "StringNotLike", _like, True),
        ("ArnEquals", "ArnNotEquals", _arn, True),
        ("ArnLike", "ArnNotLike", _arn, True),
        ("NumericEquals", "NumericNotEquals", _compare(operands.number, operator.eq), False),
        ("NumericLessThan", "", _compare(operands.number, operator.lt), False),
        ("NumericLessThanEquals", "", _compare(operands.number, operator.le), False),
        ("NumericGreaterThan", "", _compare(operands.number, operator.gt), False),
        ("NumericGreaterThanEquals", "", _compare(operands.number, operator.ge), False),
        ("DateEquals", "DateNotEquals", _compare(operands.date, operator.eq), False),
        ("DateLessThan", "", _compare(operands.date, operator.lt), False),
        ("DateLessThanEquals", "", _compare(operands.date, operator.le), False),
        ("DateGreaterThan", "", _compare(operands.date, operator.gt), False),
        ("DateGreaterThanEquals", "", _compare(operands.date, operator.ge), False),
        ("Bool", "", _compare(operands.boolean, operator.eq), False),
        ("BinaryEquals", "", _compare(operands.binary, operator.eq), False),
        ("IpAddress", "NotIpAddress", _ip, False),
    ]
    found: dict[str, Operator] = {}
    for name, opposite, compile_, with_variables in plain:
        found[name] = Operator(name, compile_, variables=with_variables)
        if opposite:
            found[opposite] = Operator(opposite, compile_, negated=True, variables=with_variables)
    return found


OPERATORS: dict[str, Operator] = _operators()
"""Every operator but Null, which asks about the key and not its values."""
