"""The userInfo endpoint (OIDC Core §5.3), in Cognito's form or, where the client asks for it, the specification's."""

from __future__ import annotations

from typing import Any

from poolhouse.core import runtime, unit
from poolhouse.core.errors import NotAuthorized, OAuthError, RequestTooLarge
from poolhouse.tokens import claims, verify
from poolhouse.tokens.verify import AccessToken
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web.door import Request, Response
from poolhouse.web.oauth import wire

_CHALLENGE_HEADERS = [("Access-Control-Expose-Headers", "WWW-Authenticate")]


def userinfo(request: Request, pool: Pool) -> Response:
    """What the bearer of an access token may know of its user."""
    try:
        with unit.open(runtime.current()):
            content = _content(verify.access(_bearer(request), pool=pool))
    except OAuthError as error:
        return _challenge(pool, error.status, error.code, str(error))
    except NotAuthorized as error:
        return _challenge(pool, 401, "invalid_token", str(error))
    except RequestTooLarge:
        return _challenge(pool, 413, "invalid_request", "The request is too large.")
    return wire.json_response(200, content, [*wire.JSON_HEADERS, wire.ANY_ORIGIN])


def _bearer(request: Request) -> str:
    """The access token, from the header or the form, never from the address (RFC 6750 §2). Raises OAuthError."""
    header = request.headers.get("authorization")
    form: dict[str, str] = {}
    content_type = str(request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if request.method == "POST" and content_type == "application/x-www-form-urlencoded":
        form = wire.parameters(request.body)
    if header is not None and "access_token" in form:
        raise OAuthError("invalid_request", "The access token is there more than once.")
    if "access_token" in form:
        return form["access_token"]
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise OAuthError("", "", status=401)  # RFC 6750 §3.1: no error code where nothing was presented
    return token.strip()


def _content(access: AccessToken) -> dict[str, Any]:
    user, client = access.user, access.client
    own = client.own.get("userinfo_for_api_tokens") or (client.pool.settings.get("Poolhouse") or {}).get(
        "userinfo_for_api_tokens"
    )
    scopes = str(access.claims.get("scope", "")).split()
    by_api = claims.API_SCOPE in scopes and bool(own)
    if user is None or ("openid" not in scopes and not by_api):
        raise OAuthError("insufficient_scope", "The access token lacks the scope openid.", status=403)
    shown = claims.shown(client, user.attributes, scopes, access.requested.get("userinfo", ()))
    if client.own.get("strict_oidc"):
        return {"sub": user.sub, **claims.native(shown)}
    # Cognito's form: every value is a string, "true" and "false" too.
    return {"sub": user.sub, **shown, "username": user.username}


def _challenge(pool: Pool, status: int, code: str, description: str) -> Response:
    """RFC 6750 §3."""
    parts = [f'realm="{wire.described(pool.id)}"']
    content: dict[str, str] = {}
    if code:
        content = {"error": code, "error_description": wire.described(description)}
        parts += [f'{name}="{value}"' for name, value in content.items()]
    if code == "insufficient_scope":
        parts.append('scope="openid"')
    headers = [*wire.JSON_HEADERS, wire.ANY_ORIGIN, *_CHALLENGE_HEADERS]
    if status in {401, 403}:
        headers.append(("WWW-Authenticate", "Bearer " + ", ".join(parts)))
    return wire.json_response(status, content, headers)
