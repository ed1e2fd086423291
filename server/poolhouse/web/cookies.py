"""The two cookies of a pool's pages.

The *browser* cookie is given before anybody is known, and every authorization request is bound to it: a half-finished
sign-in cannot be handed to a victim (login CSRF), and no later page opens without the earlier ones. The *session*
cookie says who is signed in; it is new at every sign-in (session fixation). Both are HttpOnly and SameSite=Lax, and of
this pool alone: by their name, and on the pool's path where it has no host of its own.
"""

from __future__ import annotations

import re

from flask import Response, after_this_request, g, request

from poolhouse.core import ids, runtime, sealing
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web import pools

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def browser(pool: Pool) -> str:
    """This browser's own random name, given to it with the next response if it has none yet."""
    known = _came(_browser_name(pool)) or g.get("poolhouse_browser", "")
    if not known:
        known = g.poolhouse_browser = ids.token()
        _set(_browser_name(pool), known, None)
    return str(known)


def browser_digest(pool: Pool) -> bytes:
    """What trips and journeys know this browser by."""
    return _digest("browser", pool, browser(pool))


def browser_came(pool: Pool) -> bytes:
    """As :func:`browser_digest`, of the cookie that came: a browser without one is nobody's, and is given none."""
    return _digest("browser", pool, _came(_browser_name(pool)))


def session(pool: Pool) -> bytes | None:
    """The digest of the session whose cookie this browser has, be it over or not."""
    cookie = _came(_session_name(pool))
    return _digest("browser session", pool, cookie) if cookie else None


def new_session(pool: Pool, seconds: int) -> bytes:
    """Give this browser a session's cookie with the response that follows; the digest that the session is stored by."""
    cookie = ids.token()
    _set(_session_name(pool), cookie, seconds)
    return _digest("browser session", pool, cookie)


def drop_session(pool: Pool) -> None:
    """Take the session's cookie back."""
    if _session_name(pool) in request.cookies:
        _set(_session_name(pool), "", 0)


def _came(name: str) -> str:
    cookie = request.cookies.get(name, "")
    return cookie if TOKEN.fullmatch(cookie) else ""


def _digest(purpose: str, pool: Pool, cookie: str) -> bytes:
    return sealing.digest(purpose, f"{pool.id}/{cookie}")


def _session_name(pool: Pool) -> str:
    return _prefix() + "poolhouse-" + pool.id


def _browser_name(pool: Pool) -> str:
    return _prefix() + "poolhouse-browser-" + pool.id


def _prefix() -> str:
    """RFC 6265bis §4.1.3: with these prefixes no neighbouring host, nor plain http, can plant the cookie."""
    if not _secure():
        return ""
    return "__Host-" if _path() == "/" else "__Secure-"


def _secure() -> bool:
    return request.is_secure or runtime.current().settings.secure_cookies


def _path() -> str:
    """``/`` on a pool's own host, ``/<pool id>`` on the shared one."""
    return pools.url("/").rstrip("/") or "/"


def _set(name: str, value: str, seconds: int | None) -> None:
    path, secure = _path(), _secure()

    @after_this_request
    def attach(response: Response) -> Response:
        response.set_cookie(name, value, max_age=seconds, path=path, secure=secure, httponly=True, samesite="Lax")
        return response
