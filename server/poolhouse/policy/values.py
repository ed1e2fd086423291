"""Context values: what a request says about itself, turned once into the texts that conditions compare."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from decimal import Decimal

from .errors import InvalidRequest, shown

Scalar = str | bool | int | float | Decimal | datetime | bytes
Value = Scalar | None | Sequence[Scalar] | AbstractSet[Scalar]

Keys = Mapping[str, tuple[str, ...]]
"""Context keys in lower case (IAM does not tell their case apart) with their values; an absent key has no entry."""

_DIGITS = 64


def text_of(value: object) -> str | None:
    """Write a scalar as IAM compares it, or return None for what is no scalar.

    >>> text_of(True), text_of(7), text_of(b"hi")
    ('true', '7', 'aGk=')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 4 * _DIGITS else None
    if isinstance(value, float):
        return _decimal_text(Decimal(repr(value))) if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return _decimal_text(value) if value.is_finite() else None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return None


def keys_of(context: Mapping[str, Value]) -> dict[str, tuple[str, ...]]:
    """Read a request's context. None and empty collections count as absent. Raises InvalidRequest."""
    keys: dict[str, tuple[str, ...]] = {}
    for name, value in context.items():
        if not isinstance(name, str):
            raise InvalidRequest(f"a context key must be text, not {shown(name)}")
        values = (value,) if type(value) is str else _texts(name, value)
        if not values:
            continue
        folded = name.lower()
        if folded in keys:
            # Whoever may add a key could otherwise override one that the server has set, by writing it in another case.
            raise InvalidRequest(f"the context key {shown(name)} is given twice (keys are not case-sensitive)")
        keys[folded] = values
    return keys


def _texts(name: str, value: Value) -> tuple[str, ...]:
    if value is None:
        return ()
    single = text_of(value)
    if single is not None:
        return (single,)
    if isinstance(value, list | tuple | set | frozenset):
        texts = [text_of(item) for item in value]
        if None not in texts:
            return tuple(text for text in texts if text is not None)
    allowed = "a text, number, date, boolean, bytes or a list of them"
    raise InvalidRequest(f"the value of the context key {shown(name)} must be {allowed}")


def _decimal_text(number: Decimal) -> str | None:
    """Digits without an exponent; None past a length where writing 1E+999999999 out would itself be the attack."""
    return f"{number:f}" if abs(number.adjusted()) <= _DIGITS and len(number.as_tuple().digits) <= _DIGITS else None
