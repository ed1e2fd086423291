"""Compiles one renderer for each operation's output: what a function answers becomes what JSON can carry.

Members that are unset go, times become epoch seconds, bytes base64; what the output shape does not have is left out.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from poolhouse.api import model
from poolhouse.api.shapes import SUPERSETS

Render = Callable[[Any], Any]


@functools.cache
def renderer(service: str, operation: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What turns an operation's answer into JSON values: unset members go, times become seconds, bytes base64.

    A member that the output shape does not have is left out: nothing internal can leave by accident.
    """
    output = model.service(service).operations[operation].output
    if output is None:
        return lambda answer: {}
    render = _rendered(service, output)
    assert render is not None, "an output is a structure"
    return render


@functools.cache
def _rendered(service: str, name: str) -> Render | None:
    """The renderer of a shape; None where the value goes as it is."""
    shapes = model.service(service).shapes
    shape = shapes[name]
    if shape.get("document"):
        return None
    match shape["type"]:
        case "structure":
            return _render_structure({member: _rendered(service, r["shape"]) for member, r in shape["members"].items()})
        case "list":
            return _render_list(_rendered(service, shape["member"]["shape"]))
        case "map":
            return _render_map(_rendered(service, shape["value"]["shape"]))
        case "timestamp":
            return _seconds
        case "blob":
            return _base64
    return None


def _render_structure(members: dict[str, Render | None]) -> Render:
    pairs = tuple(members.items())

    def render(value: Mapping[str, Any]) -> dict[str, Any]:
        rendered = {}
        for name, each in pairs:
            item = value.get(name)
            if item is not None:
                rendered[name] = item if each is None else each(item)
        return rendered

    return render


def _render_list(each: Render | None) -> Render:
    return list if each is None else lambda value: [each(item) for item in value]


def _render_map(each: Render | None) -> Render:
    return dict if each is None else lambda value: {key: each(item) for key, item in value.items()}


def _base64(value: bytes | str) -> str:
    return value if isinstance(value, str) else base64.b64encode(value).decode()


def _seconds(value: Any) -> float:
    """Epoch seconds to the millisecond, as the JSON protocol's timestamps are."""
    return round(value.timestamp(), 3) if isinstance(value, datetime) else float(value)


def misshapen(service: str, operation: str, answer: Mapping[str, Any]) -> list[str]:
    """What in an answer does not fit the output shape, for the tests: unknown and missing members, wrong types."""
    output = model.service(service).operations[operation].output
    if output is None:
        return [f"{name}: the operation has no output" for name in answer]
    found: list[str] = []
    _compare(model.service(service).shapes, output, answer, operation, found)
    return found


_PYTHON: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "timestamp": (datetime, int, float),
    "blob": (bytes, str),
}


def _compare(shapes: Mapping[str, model.Shape], name: str, value: Any, path: str, found: list[str]) -> None:
    shape = shapes[name]
    kind = shape["type"]
    if shape.get("document"):
        return
    if kind == "structure" and isinstance(value, Mapping):
        members = shape["members"]
        found += [f"{path}.{member}: not in {name}" for member in value if member not in members]
        found += [f"{path}.{member}: missing" for member in shape.get("required", ()) if value.get(member) is None]
        for member, ref in members.items():
            if value.get(member) is not None:
                _compare(shapes, ref["shape"], value[member], f"{path}.{member}", found)
    elif kind == "list" and isinstance(value, list | tuple):
        for item in value:
            _compare(shapes, shape["member"]["shape"], item, f"{path}[]", found)
    elif kind == "map" and isinstance(value, Mapping):
        for item in value.values():
            _compare(shapes, shape["value"]["shape"], item, f"{path}[]", found)
    elif not isinstance(value, _PYTHON.get(kind, ())) or (isinstance(value, bool) and kind != "boolean"):
        found.append(f"{path}: {type(value).__name__} where the model has a {kind}")
    elif shape.get("enum") and value not in (*shape["enum"], *SUPERSETS.get(name, ())):
        found.append(f"{path}: {value!r} is not in the enum of {name}")
