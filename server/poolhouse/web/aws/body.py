"""PURE: reads the JSON of a request body strictly: what two parsers could read in two ways is refused."""

from __future__ import annotations

import json
import math
from typing import Any

from poolhouse.core.errors import Serialization


def read(body: bytes) -> dict[str, Any]:
    """The object in a JSON 1.1 body; an empty body is an empty object. Raises Serialization."""
    if not body:
        return {}
    try:
        given = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Serialization("The request body is not UTF-8.") from None
    except RecursionError:
        raise Serialization("The request body nests too deeply.") from None
    except ValueError as error:
        raise Serialization(f"The request body is not JSON: {_said(error)}.") from None
    if not isinstance(given, dict):
        raise Serialization("The request body must be a JSON object.")
    return given


def _said(error: ValueError) -> str:
    """Where the JSON breaks, without repeating any of it."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    return str(error) if isinstance(error, _Refused) else "a number has too many digits"


class _Refused(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Parsers disagree on which of two equal names counts: a proxy could have judged the other one.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused("a name stands twice in one object")
    return found


def _constant(_: str) -> Any:
    raise _Refused("NaN and Infinity are no JSON numbers")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Refused("a number is out of range")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite)
