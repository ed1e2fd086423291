"""The decision point's metadata (AuthZEN 1.0 §9): of the server, and of each pool; built from settings alone."""

from __future__ import annotations

import flask
import orjson

from poolhouse.core import runtime, unit
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web.access import wire
from poolhouse.web.door import Request, Response

PATH = "/.well-known/authzen-configuration"
_HEADERS = [
    ("Content-Type", "application/json"),
    ("Cache-Control", "public, max-age=300"),
    ("Access-Control-Allow-Origin", "*"),
]


def _described(base: str) -> bytes:
    return orjson.dumps(
        {
            "policy_decision_point": base,
            "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
            "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
            "search_subject_endpoint": f"{base}/access/v1/search/subject",
            "search_resource_endpoint": f"{base}/access/v1/search/resource",
            "search_action_endpoint": f"{base}/access/v1/search/action",
        }
    )


def _of_pool(pool: Pool) -> bytes:
    # By path, whatever its domain is: the identifier stays the same when a domain comes or goes.
    return _described(f"{runtime.current().settings.public_url}/{pool.id}")


def of_server(request: Request) -> Response:
    """`/.well-known/authzen-configuration`."""
    return wire.identified(request, Response(200, list(_HEADERS), _described(runtime.current().settings.public_url)))


def of_pool(request: Request, pool: Pool) -> Response:
    """The same below a pool's path, and on its domain."""
    return wire.identified(request, Response(200, list(_HEADERS), _of_pool(pool)))


def by_path(pool_id: str) -> flask.Response:
    """`/.well-known/authzen-configuration/<pool id>`: §9.2 puts the well-known part before the path."""
    with unit.open(runtime.current()):
        pool = lookup.find_pool(pool_id) if len(pool_id) <= 55 else None
        if pool is None:
            flask.abort(404)
        return flask.Response(_of_pool(pool), headers=_HEADERS)
