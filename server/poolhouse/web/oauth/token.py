"""The token, introspection and revocation endpoints: framework-free, each in one unit of work."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from poolhouse.core import runtime, unit
from poolhouse.core.errors import (
    NotAuthorized,
    OAuthError,
    PoolhouseError,
    RequestTooLarge,
    Unauthorized,
    UnsupportedOperation,
    UnsupportedTokenType,
)
from poolhouse.tokens import claims, refresh, revoke, verify
from poolhouse.tokens.verify import AccessToken
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web.door import Request, Response
from poolhouse.web.oauth import clients, wire
from poolhouse.web.oauth.grants import SERVER
from poolhouse.web.oauth.server import serving
from poolhouse.web.oauth.wire import OAuthRequest

log = logging.getLogger("poolhouse.web.oauth")
_GRANTS = frozenset({"authorization_code", "refresh_token", "client_credentials"})


def _endpoint(work: Callable[[OAuthRequest], Response], *, cors: bool) -> Callable[[Request, Pool], Response]:
    """``work`` on the form of a POST, in a unit of work, with errors as RFC 6749 §5.2 has them."""

    def handler(request: Request, pool: Pool) -> Response:
        try:
            with unit.open(runtime.current()), serving(pool):
                response = work(wire.read_form(request, pool))
        except OAuthError as error:
            log.info("%s refused: %s (%s) %s", request.path, error.code, error, error.hint)
            return wire.error_response(_as_told(error, pool), pool, cors=cors)
        except RequestTooLarge:
            return wire.error_response(OAuthError("invalid_request", "The request is too large.", status=413), pool)
        except PoolhouseError as error:  # a hook refused, or somebody is throttled
            log.info("%s refused: %s %s", request.path, error, error.hint)
            code = error.oauth if error.oauth != "access_denied" else "invalid_grant"
            return wire.error_response(OAuthError(code, str(error)), pool, cors=cors)
        if cors:
            response.headers.append(wire.ANY_ORIGIN)
        return response

    return handler


def _as_told(error: OAuthError, pool: Pool) -> OAuthError:
    """The error as the pool's clients expect it: the RFC's, or where the pool says so Cognito's own."""
    if (pool.settings.get("Poolhouse") or {}).get("token_errors") != "cognito":
        return error
    if error.code == "invalid_client":
        return OAuthError("invalid_client", "")
    if error.code == "invalid_grant" and "redirect_uri" in str(error):
        return OAuthError("unauthorized_client", "invalid_redirect")
    if error.code == "invalid_scope" and error.hint == "disallowed":
        return OAuthError("invalid_grant", "")
    return OAuthError(error.code, "")


# --- Token --------------------------------------------------------------------------------------------------------


def _token(request: OAuthRequest) -> Response:
    """RFC 6749 §3.2."""
    grant_type = request.payload.data.get("grant_type")
    if grant_type is None:
        raise OAuthError("invalid_request", "grant_type is missing.")
    if grant_type not in _GRANTS:
        raise OAuthError("unsupported_grant_type", "This grant_type is not supported.")
    response: Response = SERVER.create_token_response(request)
    return response


# --- Introspection ------------------------------------------------------------------------------------------------


def _introspect(request: OAuthRequest) -> Response:
    """RFC 7662: for clients that can prove themselves, about tokens of their own pool. Whatever does not work is
    ``{"active": false}`` and nothing more."""
    clients.authenticate(request, clients.CONFIDENTIAL_METHODS)
    token = request.payload.data.get("token")
    if token is None:
        raise OAuthError("invalid_request", "token is missing.")
    return wire.json_response(200, _described(request.pool, token))


def _described(pool: Pool, token: str) -> dict[str, Any]:
    inactive = {"active": False}
    if token.count(".") != 2:
        found = refresh.look(pool, token)
        if found is None:
            return inactive
        return {
            "active": True,
            "token_use": "refresh",
            "scope": found.scope,
            "client_id": found.client_id,
            "username": found.user.username,
            "sub": found.user.sub,
            "iss": pool.issuer,
            "iat": int(found.issued_at.timestamp()),
            "exp": int(found.expires_at.timestamp()),
        }
    try:
        access = verify.access(token, pool=pool)
    except NotAuthorized:
        return inactive
    if not introspectable(access):
        return inactive
    told: dict[str, Any] = {"active": True, "token_type": "Bearer", **access.claims}
    if access.user is not None:
        told["username"] = access.user.username
    return told


def introspectable(access: AccessToken) -> bool:
    """Whether the pool lets introspection speak of tokens from the API's sign-in; unless it says no, it does."""
    own = access.pool.settings.get("Poolhouse") or {}
    return bool(own.get("introspection_for_api_tokens", True)) or access.scopes != {claims.API_SCOPE}


# --- Revocation ---------------------------------------------------------------------------------------------------


def _revoke(request: OAuthRequest) -> Response:
    """RFC 7009, refresh tokens alone as in Cognito: with one die all tokens of its sign-in."""
    client = clients.authenticate(request).client
    token = request.payload.data.get("token")
    if token is None:
        raise OAuthError("invalid_request", "token is missing.")
    try:
        revoke.refresh_token(client, token)
    except (UnsupportedTokenType, UnsupportedOperation) as error:
        raise OAuthError("unsupported_token_type", str(error)) from error
    except Unauthorized as error:
        raise OAuthError("invalid_grant", str(error)) from error
    return Response(200, list(wire.NO_STORE))


token = _endpoint(_token, cors=True)
introspect = _endpoint(_introspect, cors=False)
revocation = _endpoint(_revoke, cors=True)
