"""ListUsers' filter as SQL: one attribute, ``=`` or ``^=`` (Cognito: Searching for users using the ListUsers API)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select, tuple_

from poolhouse.core import paging, sealing, unit
from poolhouse.core.errors import InvalidParameter
from poolhouse.user_pools.snapshots import Pool
from poolhouse.users import directory
from poolhouse.users.models import SEARCHED, UserRow
from poolhouse.users.snapshot import User

_FILTER = re.compile(r'\s*"?(?P<name>[\w:.-]+)"?\s*(?P<operator>\^?=)\s*(?P<value>.*?)\s*', re.DOTALL)
_COLUMNS: dict[str, Any] = {
    "username": UserRow.username_key,
    "email": UserRow.email,
    "phone_number": UserRow.phone_number,
    "name": UserRow.name,
    "given_name": UserRow.given_name,
    "family_name": UserRow.family_name,
    "preferred_username": UserRow.preferred_username,
    "cognito:user_status": UserRow.status,
    "status": UserRow.enabled,
    "sub": UserRow.sub,
}
_CANONICAL = frozenset(_COLUMNS) - {"cognito:user_status", "status", "sub"}
_HIGHEST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Filter:
    """``name operator "value"``, read."""

    name: str
    prefix: bool
    value: str


def parse(text: str | None) -> Filter | None:
    """The filter that ``text`` writes, None for none. Raises InvalidParameter."""
    if text is None or not text.strip():
        return None
    match = _FILTER.fullmatch(text)
    value = _unquoted(match["value"]) if match else None
    if match is None or value is None:
        raise InvalidParameter("Error while parsing filter expression.")
    if match["name"] not in _COLUMNS:
        raise InvalidParameter(f"Invalid search attribute: {match['name']}")
    if match["name"] == "status" and (value not in {"Enabled", "Disabled"} or match["operator"] != "="):
        raise InvalidParameter('Invalid filter: status is "Enabled" or "Disabled".')
    return Filter(match["name"], match["operator"] == "^=", value)


def _unquoted(text: str) -> str | None:
    """What stands between double quotes, escapes undone; None if it is not quoted properly."""
    if not re.fullmatch(r'"(?:[^"\\]|\\.)*"', text, re.DOTALL):
        return None
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def page(pool: Pool, text: str | None, limit: int, token: str | None) -> tuple[list[User], str | None]:
    """Users that the filter ``text`` finds, ``limit`` at a time: an index range, however many users there are."""
    wanted = parse(text)
    kind = f"users/{pool.id}/{sealing.sha256(text or '').hex()}"
    after = paging.decode(kind, token)
    conditions, order = _range(pool, wanted, after)
    rows = unit.execute(
        select(*directory.COLUMNS, *order)
        .where(UserRow.pool_id == pool.id, *conditions)
        .order_by(*order)
        .limit(limit + 1)
    ).all()
    following = None
    if len(rows) > limit:
        # The ordered columns come last, so that the next page begins where this one ended.
        last = rows[limit - 1][-len(order) :]
        following = paging.encode(kind, {"at": list(last)})
    users = [directory.of_row(row) for row in rows[:limit]]
    return [u for u in users if _exactly(pool, u, wanted)], following


def _range(pool: Pool, wanted: Filter | None, after: dict[str, Any]) -> tuple[list[ColumnElement[bool]], list[Any]]:
    at = after.get("at")
    sub = UserRow.sub
    if wanted is None:
        return ([sub > at[-1]] if at else []), [sub]
    column = _COLUMNS[wanted.name]
    value = pool.canonical(wanted.value)[:SEARCHED] if wanted.name in _CANONICAL else wanted.value
    if wanted.name == "status":
        return [column == (value == "Enabled"), *([sub > at[-1]] if at else [])], [sub]
    if not wanted.prefix:
        return [column == value, *([sub > at[-1]] if at else [])], [sub]
    conditions = [column >= value, column < value + _HIGHEST]
    if wanted.name == "sub":
        return [*conditions, *([sub > at[-1]] if at else [])], [sub]
    if at:
        conditions.append(tuple_(column, sub) > tuple_(*at))
    return conditions, [column, sub]


def _exactly(pool: Pool, user: User, wanted: Filter | None) -> bool:
    """Values longer than what is indexed are compared whole."""
    if wanted is None or wanted.name not in _CANONICAL or len(wanted.value) < SEARCHED:
        return True
    actual = pool.canonical(user.username if wanted.name == "username" else user.attributes.get(wanted.name, ""))
    value = pool.canonical(wanted.value)
    return actual.startswith(value) if wanted.prefix else actual == value
