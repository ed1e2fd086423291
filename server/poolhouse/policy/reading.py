"""From JSON text to plain data, without surprises: bounded in size and depth, and no member given twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

from .errors import Fault, MalformedPolicy

Document = str | bytes | Mapping[str, Any]

MAX_CHARACTERS = 131_072
"""Far above AWS's largest policy (20,480 bytes for a bucket), far below what would hurt."""


class Members(dict[str, Any]):
    """A JSON object that remembers which members were given more than once.

    JSON parsers disagree on which of two wins, so one program could show a Deny where another has read an Allow.
    """

    repeated: frozenset[str] = frozenset()


def read(document: Document) -> Mapping[str, Any]:
    """Return the document as a mapping. Raises MalformedPolicy."""
    if isinstance(document, Mapping):
        return document
    if not isinstance(document, str | bytes):
        _refuse("a policy is a JSON object, or the text of one")
    if len(document) > MAX_CHARACTERS:
        _refuse(f"the document is longer than {MAX_CHARACTERS} characters")
    try:
        text = document.decode("utf-8") if isinstance(document, bytes) else document
        found = json.loads(text, object_pairs_hook=_members, parse_float=Decimal, parse_constant=_refuse_constant)
    except MalformedPolicy:
        raise
    except json.JSONDecodeError as error:
        _refuse(f"this is not JSON: {error.msg.lower()} at line {error.lineno}, column {error.colno}")
    except (
        ValueError,
        ArithmeticError,
        RecursionError,
    ):  # a number of 5,000 digits; bytes that are not UTF-8; 100,000 brackets
        _refuse("this is not JSON that a policy can have: bytes outside UTF-8, a number too long or nesting too deep")
    if not isinstance(found, Mapping):
        _refuse("a policy is a JSON object")
    return found


def _members(pairs: list[tuple[str, Any]]) -> Members:
    members = Members(pairs)
    if len(members) != len(pairs):
        members.repeated = frozenset(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return members


def _refuse_constant(name: str) -> NoReturn:
    _refuse(f"{name} is not a number of JSON")


def _refuse(message: str) -> NoReturn:
    raise MalformedPolicy((Fault("$", message),))
