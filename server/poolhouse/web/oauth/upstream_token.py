"""The provider's own tokens of whoever came through it, for the clients that are allowed to have them: our extension.

``GET /<pool>/oauth2/upstreamToken?identity_provider=<ProviderName>`` with an access token that was issued to a client
with UpstreamTokens. The provider's refresh token never leaves: a token that has expired is renewed here.
"""

from __future__ import annotations

from typing import Any

from poolhouse.core import runtime, unit
from poolhouse.core.errors import NotAuthorized, OAuthError
from poolhouse.federation import upstream_tokens
from poolhouse.federation.connector import FederationFailed, Unavailable
from poolhouse.tokens import verify
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web.door import Request, Response
from poolhouse.web.oauth import bearer, wire


def upstream_token(request: Request, pool: Pool) -> Response:
    """``access_token``, ``token_type``, ``expires_at`` (seconds since 1970), ``scope``, ``id_token``: what there is."""
    try:
        with unit.open(runtime.current()):
            content = _content(request, pool)
    except OAuthError as error:
        return bearer.refused(pool, error.status, error.code, str(error))
    except NotAuthorized as error:
        return bearer.refused(pool, 401, "invalid_token", str(error))
    except FederationFailed as error:
        status = 503 if isinstance(error, Unavailable) else 502
        return bearer.refused(pool, status, error.oauth, str(error))
    return wire.json_response(200, content, [*wire.JSON_HEADERS, wire.ANY_ORIGIN])


def _content(request: Request, pool: Pool) -> dict[str, Any]:
    access = verify.access(bearer.token(request), pool=pool)
    if access.user is None or not upstream_tokens.allowed(access.client):
        raise OAuthError(
            "access_denied",
            "This client may not fetch tokens of providers: its extension UpstreamTokens is off.",
            status=403,
        )
    name = wire.parameters(request.query_string).get("identity_provider", "")
    if not name:
        raise OAuthError("invalid_request", "identity_provider is missing.")
    found = upstream_tokens.fetch(access.client, access.user, name)
    if found is None:
        raise OAuthError(
            "not_found",
            "There is no token of this identity provider: the person has to sign in through it again.",
            status=404,
        )
    return found
