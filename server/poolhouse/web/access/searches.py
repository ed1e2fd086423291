"""`/access/v1/search/subject`, `/resource` and `/action` (AuthZEN 1.0 §8), in pages."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from poolhouse.core import paging
from poolhouse.decisions import search
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web.access import askers, wire
from poolhouse.web.access.askers import Asker
from poolhouse.web.access.wire import BadRequest

MOST = 100


@dataclass(frozen=True, slots=True)
class _Page:
    """Which part of the results is wanted: at most `limit` of them, from behind `after` on."""

    kind: str
    limit: int
    after: str

    def following(self, after: str) -> str:
        """The token for what comes behind `after`, with the limit of the first page (§8.2)."""
        return paging.encode(self.kind, {"after": after, "limit": self.limit})


def _subject(asker: Asker, asked: Mapping[str, Any]) -> dict[str, Any]:
    question = wire.question(asked, without="subject")
    page = _page(asker.pool, "subject", asked)
    if question.subject.type != "user":
        return _results([], "")
    found, after = search.users(asker.pool, question, page.after, max(page.limit, 1))
    if page.limit == 0:
        return _results([], page.following(page.after) if found or after else "")
    return _results([{"type": "user", "id": sub} for sub in found], page.following(after) if after else "")


def _resource(asker: Asker, asked: Mapping[str, Any]) -> dict[str, Any]:
    question = wire.question(asked, without="resource")
    show: Callable[[str], dict[str, str]] = lambda name: {"type": question.resource.type, "id": name}  # noqa: E731
    return _listed(asker, "resource", asked, lambda: search.resources(asker.pool, question), show)


def _action(asker: Asker, asked: Mapping[str, Any]) -> dict[str, Any]:
    question = wire.question(asked, without="action")
    return _listed(
        asker, "action", asked, lambda: search.actions(asker.pool, question), lambda name: {"name": name}
    )  # fmt: skip


def _listed(
    asker: Asker,
    what: str,
    asked: Mapping[str, Any],
    find: Callable[[], Sequence[str]],
    show: Callable[[str], dict[str, str]],
) -> dict[str, Any]:
    """A page of names in their order: policies name few enough to find them all each time."""
    page = _page(asker.pool, what, asked)
    names = [name for name in find() if name > page.after]
    shown = names[: page.limit]
    following = page.following(shown[-1] if shown else page.after) if len(names) > page.limit else ""
    return _results([show(name) for name in shown], following)


def _results(results: list[dict[str, str]], following: str) -> dict[str, Any]:
    return {"results": results, "page": {"next_token": following, "count": len(results)}}


def _page(pool: Pool, what: str, asked: Mapping[str, Any]) -> _Page:
    """What its tokens are called, how much a page holds, and where this one begins.

    §8.2: a token goes on with the very search that it came from, its limit included; what differs is refused.
    """
    page = asked.get("page")
    if page is not None and not isinstance(page, dict):
        raise BadRequest("page must be an object.")
    token, limit = (page or {}).get("token"), (page or {}).get("limit")
    if token is not None and not isinstance(token, str):
        raise BadRequest("page.token must be a text.")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
        raise BadRequest("page.limit must be a whole number from 0 on.")
    query = {name: value for name, value in asked.items() if name != "page"}
    digest = hashlib.sha256(orjson.dumps(query, option=orjson.OPT_SORT_KEYS)).digest()
    kind = f"authzen/{pool.id}/{what}/{base64.b64encode(digest).decode()}"
    position = paging.decode(kind, token)
    wanted = None if limit is None else min(limit, MOST)
    if position and wanted is not None and wanted != position["limit"]:
        raise BadRequest("page.limit must stay what it was on the first page.")
    return _Page(kind, position.get("limit", MOST if wanted is None else wanted), position.get("after", ""))


subject = wire.endpoint(_subject, askers.SEARCH)
resource = wire.endpoint(_resource, askers.SEARCH)
action = wire.endpoint(_action, askers.SEARCH)
