"""Pagination tokens: a position in a list, sealed, so that nobody can forge or read one."""

from __future__ import annotations

import base64
from typing import Any, cast

import orjson

from poolhouse.core import sealing
from poolhouse.core.errors import InvalidParameter
from poolhouse.core.sealing import SealBroken

_LONGEST = 8192


def encode(kind: str, position: dict[str, Any]) -> str:
    """A token for ``position`` in the list named ``kind`` (name the pool and the query in it)."""
    return base64.urlsafe_b64encode(sealing.seal("page", orjson.dumps(position), kind)).decode().rstrip("=")


def decode(kind: str, token: str | None) -> dict[str, Any]:
    """The position that ``token`` holds, {} for the first page. Raises InvalidParameter for any other token."""
    if not token:
        return {}
    try:
        if len(token) > _LONGEST:
            raise ValueError("too long")
        sealed = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        return cast(dict[str, Any], orjson.loads(sealing.open_("page", sealed, kind)))
    except (SealBroken, ValueError):
        raise InvalidParameter("Invalid pagination token given.") from None
