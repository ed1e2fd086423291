"""PURE: writes answers and errors of the Query protocol as AWS's clients read them: XML in a service's namespace."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape  # writes only: nothing here reads XML

Shape = Mapping[str, Any]

# What XML 1.0 cannot hold, not even escaped (section 2.2).
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def answer(
    operation: str, wrapper: str, namespace: str, shapes: Mapping[str, Shape], output: str | None, value: Any, of: str
) -> bytes:
    """The whole answer of an operation; `value` as JSON would have it, `of` is the request's id."""
    result = f"<{wrapper}>{_structure(value, shapes, shapes[output])}</{wrapper}>" if output and wrapper else ""
    metadata = f"<ResponseMetadata><RequestId>{of}</RequestId></ResponseMetadata>"
    return f'<{operation}Response xmlns="{namespace}">{result}{metadata}</{operation}Response>'.encode()


def error(code: str, message: str, namespace: str, of: str, *, fault: str = "Sender") -> bytes:
    """The whole answer to a request that is refused."""
    said = f"<Error><Type>{fault}</Type><Code>{code}</Code><Message>{_text(message)}</Message></Error>"
    return f'<ErrorResponse xmlns="{namespace}">{said}<RequestId>{of}</RequestId></ErrorResponse>'.encode()


def _structure(value: Mapping[str, Any], shapes: Mapping[str, Shape], shape: Shape) -> str:
    members = shape.get("members", {})
    return "".join(_element(name, value[name], shapes, ref["shape"]) for name, ref in members.items() if name in value)


def _element(name: str, value: Any, shapes: Mapping[str, Shape], of: str) -> str:
    return f"<{name}>{_content(value, shapes, of)}</{name}>"


def _content(value: Any, shapes: Mapping[str, Shape], of: str) -> str:
    shape = shapes[of]
    match shape["type"]:
        case "structure":
            return _structure(value, shapes, shape)
        case "list":
            return "".join(_element("member", item, shapes, shape["member"]["shape"]) for item in value)
        case "map":
            return "".join(
                "<entry>"
                + _element("key", key, shapes, shape["key"]["shape"])
                + _element("value", item, shapes, shape["value"]["shape"])
                + "</entry>"
                for key, item in value.items()
            )
        case kind:
            return _WRITTEN.get(kind, _text)(value)


def _text(value: Any) -> str:
    # A carriage return would come back as a line feed; as a reference it stays what it is (section 2.11).
    return escape(_UNWRITABLE.sub("?", str(value)), {"\r": "&#13;"})


def _moment(value: float) -> str:
    return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _boolean(value: bool) -> str:
    return "true" if value else "false"


_WRITTEN: Mapping[str, Callable[[Any], str]] = {"timestamp": _moment, "boolean": _boolean}
