"""PURE: reads the form of a Query request into the members that an operation's input shape has.

`Tags.member.1.Key=team` is the member Key of the first of the list Tags; names are read into a tree, and the tree is
read with the shape, so that numbers and booleans arrive as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from poolhouse.core.errors import MalformedQueryString

Shape = Mapping[str, Any]
Tree = dict[str, Any]

_PARAMETERS_AT_MOST = 2000
_DEPTH_AT_MOST = 12
_MEMBER = "member"


def parameters(body: bytes) -> dict[str, str]:
    """The form's parameters. Raises MalformedQueryString for what two parsers could read in two ways."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_PARAMETERS_AT_MOST,
        )
    except ValueError:
        raise MalformedQueryString("The request body is not a form.") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        # Parsers disagree on which of two equal names counts: a proxy could have judged the other one.
        raise MalformedQueryString("A parameter stands twice in the request.")
    return found


def members(given: Mapping[str, str], shapes: Mapping[str, Shape], name: str | None) -> dict[str, Any]:
    """The members of the input shape `name` that `given` has, typed as the shape says; others are left out."""
    if name is None:
        return {}
    read: dict[str, Any] = _structure(_tree(given), shapes, shapes[name])
    return read


def _tree(given: Mapping[str, str]) -> Tree:
    root: Tree = {}
    for name, value in given.items():
        parts = name.split(".")
        if len(parts) > _DEPTH_AT_MOST:
            raise MalformedQueryString("The name of a parameter has too many parts.")
        here = root
        for part in parts[:-1]:
            below = here.setdefault(part, {})
            if not isinstance(below, dict):
                raise MalformedQueryString("A parameter is both a value and a structure.")
            here = below
        if isinstance(here.get(parts[-1]), dict):
            raise MalformedQueryString("A parameter is both a value and a structure.")
        here[parts[-1]] = value
    return root


def _read(tree: str | Tree, shapes: Mapping[str, Shape], name: str) -> Any:
    shape = shapes[name]
    match shape["type"]:
        case "structure":
            return _structure(tree, shapes, shape)
        case "list":
            return _list(tree, shapes, shape["member"]["shape"])
        case kind:
            return _scalar(tree, kind)


def _structure(tree: str | Tree, shapes: Mapping[str, Shape], shape: Shape) -> Any:
    if isinstance(tree, str):
        if tree:
            raise MalformedQueryString("Unexpected value where a structure was expected.")
        return {}
    known = shape.get("members", {})
    return {member: _read(tree[member], shapes, ref["shape"]) for member, ref in known.items() if member in tree}


def _list(tree: str | Tree, shapes: Mapping[str, Shape], of: str) -> list[Any]:
    if isinstance(tree, str):
        if tree:
            raise MalformedQueryString("Unexpected value where a list was expected.")
        return []  # `Tags=` is how clients write an empty list
    numbered = tree.get(_MEMBER, {})
    if not isinstance(numbered, dict) or set(tree) != {_MEMBER}:
        raise MalformedQueryString("The items of a list are named member.1, member.2 and so on.")
    # In order from 1, without a gap: a client that skips a number has lost an item on the way.
    expected = [str(number) for number in range(1, len(numbered) + 1)]
    if set(numbered) != set(expected):
        raise MalformedQueryString("The items of a list are numbered from 1, without a gap.")
    return [_read(numbered[number], shapes, of) for number in expected]


def _scalar(tree: str | Tree, kind: str) -> Any:
    if not isinstance(tree, str):
        raise MalformedQueryString("Unexpected structure where a value was expected.")
    if kind == "boolean":
        if tree not in {"true", "false"}:
            raise MalformedQueryString("A boolean is written true or false.")
        return tree == "true"
    if kind in {"integer", "long"}:
        digits = tree.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
            raise MalformedQueryString("A number is written in decimal digits.")
        return int(tree)
    return tree
