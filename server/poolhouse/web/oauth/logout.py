"""Sign-out: with Cognito's parameters, or OpenID Connect RP-Initiated Logout 1.0's.

Somebody else's page can send a browser here. Without an ID token that proves the app's good faith the person is asked
first; with Cognito's parameters not, since Cognito does not, and no more than this browser's session is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode

from flask import Response, request

from poolhouse.core import sealing
from poolhouse.core.errors import NotAuthorized, OAuthError
from poolhouse.tokens import verify
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.web import pools, sessions, signing_out
from poolhouse.web.oauth import answer, wire
from poolhouse.web.sessions import BrowserSession

_KEPT = ("client_id", "post_logout_redirect_uri", "state", "ui_locales")
# The sign-in pages' own looks, by their addresses: fronts hand people over by URL, and share no code.
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex"><title>{heading} · {pool}</title>
<link rel="stylesheet" href="{looks}/pages.css"><link rel="stylesheet" href="{looks}/brand.css"></head>
<body><div class="page"><header class="brand"><span class="mark" aria-hidden="true">{mark}</span>
<span class="pool">{pool}</span></header>
<main id="main" class="card"><h1>{heading}</h1><p>{text}</p>
<form method="post" action="{action}">{inputs}<button class="primary">Sign out</button></form></main></div></body>
</html>
"""
_CSP = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"


def logout() -> Response:
    """GET and POST ``/logout``."""
    pool = pools.current()
    try:
        given = _given()
    except OAuthError:
        return answer.error_page("invalid_request")
    if "confirm" in given:
        return _confirmed(pool, given)
    if "logout_uri" in given or "redirect_uri" in given:
        return _as_cognito(pool, given)
    return _as_openid(pool, given)


def _given() -> dict[str, str]:
    if request.method == "POST":
        if request.query_string or request.mimetype != "application/x-www-form-urlencoded":
            raise OAuthError("invalid_request", "Parameters of a POST belong in its form.")
        return wire.parameters(request.get_data(cache=False))
    return wire.parameters(request.query_string)


def _as_cognito(pool: Pool, given: Mapping[str, str]) -> Response:
    """Cognito: Logout endpoint. ``logout_uri`` must be registered; ``redirect_uri`` goes on to a new sign-in."""
    client = _client(pool, given.get("client_id"))
    if client is None:
        return answer.error_page("invalid_client" if "client_id" in given else "invalid_request")
    target = given.get("logout_uri")
    if target is not None:
        if target not in client.logout_urls:
            return answer.error_page("redirect_mismatch")
        state = {"state": given["state"]} if "state" in given else {}
        return signing_out.everywhere(pool, answer.with_query(target, state) if state else target)
    if given["redirect_uri"] not in client.callback_urls:
        return answer.error_page("redirect_mismatch")
    return signing_out.everywhere(pool, pools.url("/oauth2/authorize?" + urlencode(given)))


def _as_openid(pool: Pool, given: Mapping[str, str]) -> Response:
    """RP-Initiated Logout §2, §3."""
    session = sessions.current(pool)
    claims = _hint(pool, given.get("id_token_hint"))
    client = _client(pool, given.get("client_id") or (str(claims["aud"]) if claims else None))
    if claims is not None and (client is None or client.id != claims["aud"]):
        return answer.error_page("invalid_request")  # §2: client_id must be the one that the token was issued to
    target = given.get("post_logout_redirect_uri")
    if target is not None and client is not None and target not in client.logout_urls:
        return answer.error_page("redirect_mismatch")
    # A hint that is there and not ours is an error: it may not bring anybody back to the app (§4).
    broken = "id_token_hint" in given and claims is None
    back = target if client is not None and not broken else None
    if session is None:
        return _done(pool, back if claims is not None else None, given)
    if claims is not None and claims["sub"] == session.sub:
        return _done(pool, back, given)
    kept = {name: given[name] for name in _KEPT if name in given} if back is not None else {}
    return _ask(pool, session, kept)


def _hint(pool: Pool, token: str | None) -> Mapping[str, object] | None:
    """The ID token, however old, if it is ours."""
    try:
        return verify.id_token(token, pool, allow_expired=True) if token is not None else None
    except NotAuthorized:
        return None


def _client(pool: Pool, client_id: str | None) -> Client | None:
    return lookup.find_client(pool, client_id) if client_id and len(client_id) <= 128 else None


def _done(pool: Pool, target: str | None, given: Mapping[str, str]) -> Response:
    if target is None:
        return signing_out.everywhere(pool, pools.url("/signedout"))
    state = {"state": given["state"]} if "state" in given else {}
    return signing_out.everywhere(pool, answer.with_query(target, state) if state else target)


# --- The question -------------------------------------------------------------------------------------------------


def _ask(pool: Pool, session: BrowserSession, kept: Mapping[str, str]) -> Response:
    fields = {**kept, "confirm": _proof(pool, session, kept)}
    inputs = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in fields.items())
    page = _PAGE.format(
        heading="Sign out?",
        text=f"You are signed in to {escape(pool.name)} on this browser.",
        pool=escape(pool.name),
        mark=escape(pool.name[:1].upper()),
        looks=escape(pools.url("/assets/-")),
        action=escape(pools.url("/logout")),
        inputs=inputs,
    )
    response = Response(page, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _CSP
    return answer.private(response)


def _proof(pool: Pool, session: BrowserSession, kept: Mapping[str, str]) -> str:
    """What only the page shown to this very session can send back, with the same parameters."""
    return sealing.digest("logout", "\x00".join([pool.id, session.sid, urlencode(sorted(kept.items()))])).hex()


def _confirmed(pool: Pool, given: Mapping[str, str]) -> Response:
    session = sessions.current(pool)
    if session is None:
        return answer.see_other(pools.url("/signedout"))
    kept = {name: given[name] for name in _KEPT if name in given}
    if request.method != "POST" or not sealing.same(given["confirm"], _proof(pool, session, kept)):
        return _ask(pool, session, {})
    client = _client(pool, given.get("client_id"))
    target = given.get("post_logout_redirect_uri")
    registered = client is not None and target in client.logout_urls
    return _done(pool, target if registered else None, given)
