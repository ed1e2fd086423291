"""The OpenID AuthZEN Authorization API 1.0: questions about permissions, searches, metadata, and policy bundles."""

from __future__ import annotations

import flask

from poolhouse.web.access import bundles, evaluation, metadata, searches
from poolhouse.web.door import PoolHandler, RootHandler

__all__ = ["blueprint", "roots", "routes"]

blueprint = flask.Blueprint("access", __name__)
_ASKED = {
    "/access/v1/evaluation": evaluation.evaluation,
    "/access/v1/evaluations": evaluation.evaluations,
    "/access/v1/search/subject": searches.subject,
    "/access/v1/search/resource": searches.resource,
    "/access/v1/search/action": searches.action,
}


def routes() -> list[tuple[str, str, PoolHandler]]:
    """What the door serves of every pool: method, path below the pool, handler."""
    served: list[tuple[str, str, PoolHandler]] = [("POST", path, handler) for path, handler in _ASKED.items()]
    return [*served, ("GET", metadata.PATH, metadata.of_pool), ("GET", "/access/v1/bundle", bundles.bundle)]


def roots() -> list[tuple[str, str, RootHandler]]:
    """The same at the server's root, where the caller's credentials say which pool is meant."""
    served: list[tuple[str, str, RootHandler]] = [
        ("POST", path, lambda request, handler=handler: handler(request, None))  # type: ignore[misc]
        for path, handler in _ASKED.items()
    ]
    return [*served, ("GET", metadata.PATH, metadata.of_server)]


blueprint.add_url_rule(metadata.PATH + "/<pool_id>", "metadata", metadata.by_path)
