"""The pool of a page's request, as the door found it, and the addresses of its pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

import flask

from poolhouse.core import runtime, unit
from poolhouse.user_pools.snapshots import Pool

P = ParamSpec("P")
R = TypeVar("R")


def current() -> Pool:
    """The pool of this request. A request that names no pool is a 404."""
    pool = flask.request.environ.get("poolhouse.pool")
    if pool is None:
        flask.abort(404)
    return cast(Pool, pool)


def url(path: str) -> str:
    """``path`` of the present pool, relative to the host: with the pool's id where the request came by path."""
    return str(flask.request.environ.get("poolhouse.prefix", "")) + path


def base(pool: Pool) -> str:
    """Where ``pool``'s endpoints are, absolute and without a trailing slash: its own host if it has one."""
    settings = runtime.current().settings
    if pool.custom_domain:
        return f"https://{pool.custom_domain}"
    if pool.domain and settings.domain_suffix:
        return f"{settings.public_url.split('://')[0]}://{pool.domain}.{settings.domain_suffix}"
    return f"{settings.public_url}/{pool.id}"


def here(pool: Pool) -> str:
    """As :func:`base`, in the style that this request came by: where this browser's cookies are."""
    prefix = str(flask.request.environ.get("poolhouse.prefix", ""))
    return runtime.current().settings.public_url + prefix if prefix else base(pool)


def page(view: Callable[P, R]) -> Callable[P, R]:
    """A view that runs in one unit of work. ``pool_id`` in the rule is for routing alone and is not handed on."""

    @wraps(view)
    def within_unit(*args: P.args, **kwargs: P.kwargs) -> R:
        kwargs.pop("pool_id", None)
        with unit.open(runtime.current()):
            return view(*args, **kwargs)

    return within_unit
