"""The authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2): who is at the browser decides what happens next.

Authlib decides what the protocol says; here it is decided whether somebody has to sign in first. Pages do that in
between: the request waits as a journey, and the browser comes back to ``/oauth2/authorize/continue``.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from flask import Response, request

from poolhouse.core import clock
from poolhouse.core.errors import OAuthError
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web import journey, pools, sessions
from poolhouse.web.journey import AuthorizationRequest, JourneyEnded
from poolhouse.web.oauth import answer, asked, codes, wire
from poolhouse.web.oauth.asked import Asked, NotToTheApp
from poolhouse.web.oauth.server import serving
from poolhouse.web.sessions import BrowserSession

_LARGEST_REQUEST = 16 * 1024
# Prompts that ask for a sign-in although somebody is signed in.
_ANEW = frozenset({"login", "select_account", "create"})


def authorize() -> Response:
    """GET and POST ``/oauth2/authorize``."""
    pool = pools.current()
    try:
        given = _given()
    except OAuthError as error:
        return answer.error_page(error.code)
    with serving(pool):
        return _serve(pool, given, None)


def proceed() -> Response:
    """GET ``/oauth2/authorize/continue``: back from the pages."""
    pool = pools.current()
    handle = request.args.get("request", "")
    try:
        stored = journey.load(pool, handle)
    except JourneyEnded:
        # The sign-in page knows how to say why, and how to begin again.
        return answer.see_other(pools.url("/login?request=" + quote(handle[:64], safe="")))
    with serving(pool):
        return _serve(pool, dict(stored.parameters), stored)


def refuse() -> Response:
    """GET ``/oauth2/authorize/refuse``: the person gives up, and the app hears why (RFC 6749 §4.1.2.1)."""
    pool = pools.current()
    handle = request.args.get("request", "")
    try:
        stored = journey.load(pool, handle)
        _, target = asked.locate(pool, stored.parameters)
    except JourneyEnded:
        return answer.see_other(pools.url("/login?request=" + quote(handle[:64], safe="")))
    except NotToTheApp as error:
        return answer.error_page(error.code)
    failed = stored.notes.get("failed") or {}
    if not journey.finish(pool, stored):
        return answer.see_other(pools.url("/login?request=" + stored.handle))
    said = failed.get("sentence", "The person did not sign in.")
    return answer.refused(target, OAuthError(failed.get("oauth", "access_denied"), said))


def _given() -> dict[str, str]:
    """The request's parameters: of the address, or of the form, never of both. Raises OAuthError."""
    if request.method == "POST":
        if request.query_string or request.mimetype != "application/x-www-form-urlencoded":
            raise OAuthError("invalid_request", "Parameters of a POST belong in its form.")
        encoded = request.get_data(cache=False)
    else:
        encoded = request.query_string
    if len(encoded) > _LARGEST_REQUEST:
        raise OAuthError("invalid_request", "The request is too large.")
    return wire.parameters(encoded)


def _serve(pool: Pool, given: dict[str, str], stored: AuthorizationRequest | None) -> Response:
    try:
        client, target = asked.locate(pool, given)
    except NotToTheApp as error:
        return answer.error_page(error.code)
    try:
        valid = asked.validate(pool, client, target, given)
        if request.method == "POST":
            # Another site's form comes without our Lax cookies; the GET that follows has them.
            handle = journey.save(pool, valid.client, given)
            return answer.see_other(journey.continue_url(handle))
        return _decide(pool, valid, given, stored)
    except OAuthError as error:
        return answer.refused(target, error)


def _decide(pool: Pool, valid: Asked, given: Mapping[str, str], stored: AuthorizationRequest | None) -> Response:
    """A code if the right person is signed in, recently and surely enough; else on to the sign-in page."""
    session = sessions.current(pool)
    user = session.user if session is not None else None
    fresh = stored is not None and stored.signed_in_by(session)
    if session is None or user is None or (not fresh and _must_sign_in(valid, session)):
        if "none" in valid.prompt:
            raise OAuthError("login_required", "Nobody suitable is signed in.")
        handle = stored.handle if stored is not None else journey.save(pool, valid.client, given)
        return answer.see_other(journey.first_url(handle, given, valid.provider))
    if valid.subject not in {None, user.sub}:
        raise OAuthError("login_required", "Somebody else has signed in.")
    if valid.acr and session.level not in valid.acr:
        raise OAuthError("unmet_authentication_requirements", "The sign-in did not reach the required acr.")
    if stored is not None and not journey.finish(pool, stored):
        return answer.see_other(pools.url("/login?request=" + stored.handle))
    code = codes.issue(
        valid.client,
        user.sub,
        redirect_uri=valid.target.redirect_uri,
        redirect_uri_given=valid.target.redirect_uri_given,
        scope=valid.scope,
        nonce=valid.nonce,
        code_challenge=valid.code_challenge,
        claims=valid.claims,
        auth_time=session.auth_time,
        amr=session.amr,
        provider=session.provider,
        acr=session.acr,
    )
    return answer.granted(valid.target, code)


def _must_sign_in(valid: Asked, session: BrowserSession) -> bool:
    if valid.prompt & _ANEW or valid.subject not in {None, session.sub}:
        return True
    if not session.counts_at(valid.client):
        return True
    if valid.acr and session.level not in valid.acr:
        return True
    return valid.max_age is not None and clock.now().timestamp() - session.auth_time > valid.max_age
