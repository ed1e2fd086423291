"""The userInfo endpoint (OIDC Core §5.3), in Cognito's form or, where the client asks for it, the specification's."""

from __future__ import annotations

from typing import Any

from poolhouse.core import runtime, unit
from poolhouse.core.errors import NotAuthorized, OAuthError, RequestTooLarge
from poolhouse.tokens import claims, verify
from poolhouse.tokens.verify import AccessToken
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web.door import Request, Response
from poolhouse.web.oauth import bearer, wire


def userinfo(request: Request, pool: Pool) -> Response:
    """What the bearer of an access token may know of its user."""
    try:
        with unit.open(runtime.current()):
            content = _content(verify.access(bearer.token(request), pool=pool))
    except OAuthError as error:
        return bearer.refused(pool, error.status, error.code, str(error))
    except NotAuthorized as error:
        return bearer.refused(pool, 401, "invalid_token", str(error))
    except RequestTooLarge:
        return bearer.refused(pool, 413, "invalid_request", "The request is too large.")
    return wire.json_response(200, content, [*wire.JSON_HEADERS, wire.ANY_ORIGIN])


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
