"""Compiles one checker for each operation's input from the shapes of the official model.

A checker takes what the JSON said and gives a clean copy: known members only, blobs as bytes. What does not fit is said
in AWS's own words, all of it at once: "2 validation errors detected: Value null at 'username' failed to satisfy
constraint: Member must not be null; …". Values of sensitive shapes are never repeated.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import regex

from poolhouse.api import model
from poolhouse.core.errors import InvalidParameter, PoolhouseError, Serialization, Validation

Check = Callable[[Any, str, list[str]], Any]

# Values that AWS's guide defines and its model lacks: accepted beside those of the model.
SUPERSETS = {"ExplicitAuthFlowsType": ("ALLOW_CLIENT_TOKEN_AUTH",)}

_NOT_NULL = "Member must not be null"
_NO_NUL = "Member must not contain the NUL character"
_UNICODE = "Member must be valid Unicode text"
# The model's pattern has no dot, yet Cognito takes custom domains by this very member.
PATTERNS = {"DomainType": r"[a-z0-9](?:[a-z0-9.\-]{0,61}[a-z0-9])?"}

_CHECKED_AS_PARAMETERS = ("cognito-idp", "poolhouse")
_BITS = {"integer": 31, "long": 63}
_SHOWN_CHARACTERS = 1024
_FAULTS_AT_MOST = 50
_DOCUMENT_DEPTH = 64
# A pattern such as `[\p{P}]+@[\p{P}]+` takes quadratic time over a long run of "@": no regular value needs this long.
_PATTERN_SECONDS = 0.1
_LONG_TEXT = 2000


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A checker, and what a list or map of such values says when one of them does not fit."""

    check: Check
    rules: tuple[str, ...] = ()
    single: bool = False
    sensitive: bool = False


@functools.cache
def checker(service: str, operation: str) -> Callable[[Any], dict[str, Any]]:
    """The input checker of an operation, compiled when it is first asked for.

    It raises Serialization for a wrong JSON type and, for a value out of bounds, InvalidParameter (user pools) or
    Validation (all other services), as AWS's do.
    """
    described = model.service(service).operations[operation]
    refusal: type[PoolhouseError] = InvalidParameter if service in _CHECKED_AS_PARAMETERS else Validation
    if described.input is None:
        return lambda given: {}
    check = _compiled(service, described.input).check

    def checked(given: Any) -> dict[str, Any]:
        faults: list[str] = []
        clean: dict[str, Any] = check(given, "", faults)
        if faults:
            plural = "" if len(faults) == 1 else "s"
            raise refusal(f"{len(faults)} validation error{plural} detected: " + "; ".join(faults))
        return clean

    return checked


@functools.cache
def _compiled(service: str, name: str) -> _Compiled:
    shape = model.service(service).shapes[name]
    if shape.get("document"):
        return _Compiled(_document)
    inner = functools.partial(_compiled, service)
    match shape["type"]:
        case "structure":
            return _structure(shape, inner)
        case "list":
            return _list(shape, inner(shape["member"]["shape"]))
        case "map":
            return _map(shape, inner(shape["key"]["shape"]), inner(shape["value"]["shape"]))
        case "string":
            return _string(name, shape)
        case "integer" | "long":
            return _integer(shape)
        case "boolean":
            return _Compiled(_boolean, single=True)
        case "blob":
            return _blob(shape)
    raise NotImplementedError(f"{service}: {name} is a {shape['type']}, which no input has held so far")


# --- structures, lists, maps --------------------------------------------------------------------------------------


def _structure(shape: model.Shape, inner: Callable[[str], _Compiled]) -> _Compiled:
    required = frozenset(shape.get("required", ()))
    compiled = {name: inner(ref["shape"]) for name, ref in shape.get("members", {}).items()}
    members = tuple(
        (name, name[0].lower() + name[1:], name in required, member.check) for name, member in compiled.items()
    )

    def check(value: Any, path: str, faults: list[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong_type(value, "structure")
        within = path + "." if path else ""
        clean = {}
        for name, at, needed, member in members:
            given = value.get(name)
            if given is not None:
                clean[name] = member(given, within + at, faults)
            elif needed:
                faults.append(f"Value null at '{within}{at}' failed to satisfy constraint: {_NOT_NULL}")
        return clean

    # A list of such structures is not repeated either where one of their members is a secret.
    sensitive = bool(shape.get("sensitive")) or any(member.sensitive for member in compiled.values())
    return _Compiled(check, sensitive=sensitive)


def _list(shape: model.Shape, inner: _Compiled) -> _Compiled:
    size = _bounds(shape)

    def check(value: Any, path: str, faults: list[str]) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise _wrong_type(value, "list")
        clean, misfits = [], []
        for position, item in enumerate(value, 1):
            if item is None:
                misfits.append(_NOT_NULL)
            elif inner.single:
                clean.append(inner.check(item, path, misfits))
            else:
                clean.append(inner.check(item, f"{path}.{position}.member", faults))
            if len(faults) + len(misfits) > _FAULTS_AT_MOST:
                break
        faults += size(len(value), path, None if inner.sensitive else value)
        if misfits:
            faults.append(_fault(path, f"Member must satisfy constraint: {_listed(inner, misfits)}", inner, value))
        return clean

    return _Compiled(check, sensitive=inner.sensitive)


def _map(shape: model.Shape, key: _Compiled, value_of: _Compiled) -> _Compiled:
    size = _bounds(shape)
    sensitive = bool(shape.get("sensitive")) or value_of.sensitive
    hidden = _Compiled(key.check, sensitive=sensitive)

    def check(value: Any, path: str, faults: list[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong_type(value, "map")
        clean: dict[str, Any] = {}
        bad_keys: list[str] = []
        bad_values: list[str] = []
        for name, item in value.items():
            key.check(name, path, bad_keys)
            if item is None:  # as if it were not there: browsers send what their storage does not have
                continue
            if value_of.single:
                clean[name] = value_of.check(item, path, bad_values)
            else:
                clean[name] = value_of.check(item, f"{path}.{_shown(name)}.member", faults)
            if len(faults) + len(bad_keys) + len(bad_values) > _FAULTS_AT_MOST:
                break
        faults += size(len(value), path, None if sensitive else value)
        if bad_keys:
            faults.append(_fault(path, f"Map keys must satisfy constraint: {_listed(key, bad_keys)}", hidden, value))
        if bad_values:
            rules = _listed(value_of, bad_values)
            faults.append(_fault(path, f"Map value must satisfy constraint: {rules}", hidden, value))
        return clean

    return _Compiled(check, sensitive=sensitive)


def _bounds(shape: model.Shape) -> Callable[[int, str, Any], list[str]]:
    """What to say of a list's or map's size; `shown` None: the value is not to be repeated."""
    low, high = shape.get("min", 0), shape.get("max")

    def faults(size: int, path: str, shown: Any) -> list[str]:
        seen = "Value" if shown is None else f"Value '{_shown(shown)}'"
        found = []
        if high is not None and size > high:
            found.append(_more(high))
        if size < low:
            found.append(_fewer(low))
        return [f"{seen} at '{path}' failed to satisfy constraint: {text}" for text in found]

    return faults


# --- single values ------------------------------------------------------------------------------------------------


def _string(name: str, shape: model.Shape) -> _Compiled:
    low, high = shape.get("min", 0), shape.get("max")
    most = high if high is not None else 1 << 62
    pattern, enum = PATTERNS.get(name, shape.get("pattern")), shape.get("enum")
    matches = _matcher(pattern) if pattern else None
    allowed = frozenset([*enum, *SUPERSETS.get(name, ())]) if enum else None
    enum_rule = f"Member must satisfy enum value set: [{', '.join(enum or ())}]"
    sensitive = bool(shape.get("sensitive"))

    def check(value: Any, path: str, faults: list[str]) -> str:
        if not isinstance(value, str):
            raise _wrong_type(value, "String")
        if ("\0" in value or not value.isascii()) and (unfit := _unfit_text(value)):
            faults.append(f"Value at '{path}' failed to satisfy constraint: {unfit}")
            return value
        size = len(value)
        if low <= size <= most and (matches is None or matches(value)) and (allowed is None or value in allowed):
            return value
        seen = "Value" if sensitive else f"Value '{_shown(value)}'"
        found = [_more(most)] if size > most else [_fewer(low)] if size < low else []
        if matches is not None and size <= most and not matches(value):
            found.append(f"Member must satisfy regular expression pattern: {pattern}")
        if allowed is not None and value not in allowed:
            found.append(enum_rule)
        faults += [f"{seen} at '{path}' failed to satisfy constraint: {text}" for text in found]
        return value

    rules = ([_more(high)] if high is not None else []) + ([_fewer(low)] if "min" in shape else [])
    rules += [f"Member must satisfy regular expression pattern: {pattern}"] if pattern else []
    rules += [enum_rule] if enum else []
    return _Compiled(check, tuple(rules), single=True, sensitive=sensitive)


def _matcher(pattern: str) -> Callable[[str], object]:
    r"""Match the whole value, as Java does: \w, \d and \s are ASCII there, while \p{…} is Unicode.

    Python's `re` has no \p; `regex` has, but its ASCII flag narrows \p too, so \s is spelt out for it.
    """
    if r"\p" not in pattern:
        return re.compile(pattern, re.ASCII).fullmatch
    compiled = regex.compile(pattern.replace(r"\s", r" \t\n\x0b\f\r"))

    def match(value: str) -> object:
        if len(value) < _LONG_TEXT:
            return compiled.fullmatch(value)
        try:
            return compiled.fullmatch(value, timeout=_PATTERN_SECONDS)
        except TimeoutError:
            return None

    return match


def _integer(shape: model.Shape) -> _Compiled:
    low, high, bits = shape.get("min"), shape.get("max"), _BITS[shape["type"]]
    kind = "Integer" if bits == 31 else "Long"
    too_much = f"Member must have value less than or equal to {high}"
    too_little = f"Member must have value greater than or equal to {low}"

    def check(value: Any, path: str, faults: list[str]) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            raise _wrong_type(value, kind)
        number = int(value)
        if not -(1 << bits) <= number < 1 << bits:
            raise Serialization(f"NUMBER_VALUE is out of range for {_article(kind)}")
        if high is not None and number > high:
            faults.append(f"Value '{number}' at '{path}' failed to satisfy constraint: {too_much}")
        if low is not None and number < low:
            faults.append(f"Value '{number}' at '{path}' failed to satisfy constraint: {too_little}")
        return number

    rules = ([too_much] if high is not None else []) + ([too_little] if low is not None else [])
    return _Compiled(check, tuple(rules), single=True)


def _boolean(value: Any, path: str, faults: list[str]) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(value, "Boolean")
    return value


def _blob(shape: model.Shape) -> _Compiled:
    size = _bounds(shape)

    def check(value: Any, path: str, faults: list[str]) -> bytes:
        if isinstance(value, str):
            try:
                value = base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                raise Serialization("STRING_VALUE is not base64 and can not be converted to a Blob") from None
        if not isinstance(value, bytes):
            raise _wrong_type(value, "Blob")
        faults += size(len(value), path, None)
        return value

    return _Compiled(check, single=True, sensitive=True)


def _document(value: Any, path: str, faults: list[str]) -> Any:
    """Free JSON: only its depth and its text are looked at."""
    layer, depth = [value], 0
    while layer:
        depth += 1
        if depth > _DOCUMENT_DEPTH:
            faults.append(
                f"Value at '{path}' failed to satisfy constraint: Member must nest at most {_DOCUMENT_DEPTH} deep"
            )
            return value
        below: list[Any] = []
        for item in layer:
            if isinstance(item, dict):
                below += [*item, *item.values()]
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str) and (unfit := _unfit_text(item)):
                faults.append(f"Value at '{path}' failed to satisfy constraint: {unfit}")
                return value
        layer = below
    return value


# --- words --------------------------------------------------------------------------------------------------------


def _more(high: int) -> str:
    return f"Member must have length less than or equal to {high}"


def _fewer(low: int) -> str:
    return f"Member must have length greater than or equal to {low}"


def _fault(path: str, constraint: str, of: _Compiled, value: Any) -> str:
    seen = "Value" if of.sensitive else f"Value '{_shown(value)}'"
    return f"{seen} at '{path}' failed to satisfy constraint: {constraint}"


def _listed(inner: _Compiled, misfits: list[str]) -> str:
    """The rules that the single values of a list or a map do not all keep."""
    always = [rule for rule in (_NOT_NULL, _NO_NUL, _UNICODE) if any(misfit.endswith(rule) for misfit in misfits)]
    return f"[{', '.join([*always, *inner.rules])}]"


def _unfit_text(value: str) -> str:
    """Why no database would hold this text: PostgreSQL refuses NUL, and half a surrogate pair has no UTF-8."""
    if "\0" in value:
        return _NO_NUL
    try:
        value.encode()
    except UnicodeEncodeError:
        return _UNICODE
    return ""


def _shown(value: Any) -> str:
    """A value as AWS's Java prints it: [a, b], {a=b}, true; cut short, and always encodable."""
    if isinstance(value, str):
        text = value[: _SHOWN_CHARACTERS + 1]
    elif isinstance(value, bool | None):
        text = str(value).lower().replace("none", "null")
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(_shown(item) for item in value[:_FAULTS_AT_MOST]) + "]"
    elif isinstance(value, Mapping):
        some = list(value.items())[:_FAULTS_AT_MOST]
        text = "{" + ", ".join(f"{_shown(key)}={_shown(item)}" for key, item in some) + "}"
    else:
        text = str(value)
    cut = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
    return cut.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def _wrong_type(value: Any, wanted: str) -> Serialization:
    if isinstance(value, dict):
        return Serialization("Start of structure or map found where not expected.")
    if isinstance(value, list | tuple):
        return Serialization("Start of list found where not expected.")
    if isinstance(value, bool):
        found = "TRUE_VALUE" if value else "FALSE_VALUE"
    elif value is None:
        found = "NULL_VALUE"
    else:
        found = "STRING_VALUE" if isinstance(value, str | bytes) else "NUMBER_VALUE"
    return Serialization(f"{found} can not be converted to {_article(wanted)}")


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'AEIOU' else 'a'} {noun}"
