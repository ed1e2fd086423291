"""Policy documents on their way in and out of the tables: read, held to IAM's rules of size, compiled."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from poolhouse import policy
from poolhouse.core.errors import LimitExceeded, MalformedPolicyDocument
from poolhouse.policy import Policy, PolicyError
from poolhouse.policy.lint import Kind

_SPACE = re.compile(r"\s+")


def accept(document: str | Mapping[str, Any], *, name: str, kind: Kind, at_most: int = 0, quota: str = "") -> str:
    """The text of a document that may be stored. Raises MalformedPolicyDocument, or LimitExceeded naming `quota`."""
    text = document if isinstance(document, str) else json.dumps(document)
    compile_(text, name=name, kind=kind)
    if at_most and weight(text) > at_most:
        raise LimitExceeded(f"Cannot exceed quota for {quota}: {at_most}")
    return text


def compile_(document: str | Mapping[str, Any], *, name: str, kind: Kind) -> Policy:
    """The policy ready to decide with. Raises MalformedPolicyDocument with the path of the first fault."""
    try:
        return policy.parse(document, name=name, kind=kind)
    except PolicyError as error:
        raise MalformedPolicyDocument(str(error)) from error


def stored(document: str, *, name: str, kind: Kind) -> Policy:
    """A document of our own tables, compiled. Raises PolicyError where an older version accepted what this does not."""
    return policy.parse(document, name=name, kind=kind)


def weight(text: str) -> int:
    """A document's size as IAM counts it: without white space."""
    return len(_SPACE.sub("", text).encode())
