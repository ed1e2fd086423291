"""Discovery: the provider's metadata (OpenID Connect Discovery 1.0, RFC 8414) and its keys, as prepared bytes.

The documents say what works and nothing else, and are built from settings alone, never from a request's Host.
"""

from __future__ import annotations

from typing import Any

import flask
import orjson

from poolhouse.core import jose, runtime, unit
from poolhouse.tokens import claims, keys
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web import pools
from poolhouse.web.door import Request, Response
from poolhouse.web.oauth import clients, wire

# Verifiers may keep a JWK Set that long: far less than the hour for which a new key is published before it signs.
_MAX_AGE = 300
_HEADERS = [("Content-Type", "application/json"), ("Cache-Control", f"public, max-age={_MAX_AGE}"), wire.ANY_ORIGIN]
_PROFILE_CLAIMS = [name for scope in ("profile", "email", "phone", "address") for name in claims.SCOPE_CLAIMS[scope]]


def metadata(pool: Pool) -> dict[str, Any]:
    """The metadata of a pool's provider."""
    base = pools.base(pool)
    return {
        "issuer": pool.issuer,
        "authorization_endpoint": base + "/oauth2/authorize",
        "token_endpoint": base + "/oauth2/token",
        "userinfo_endpoint": base + "/oauth2/userInfo",
        "jwks_uri": base + "/.well-known/jwks.json",
        "revocation_endpoint": base + "/oauth2/revoke",
        "introspection_endpoint": base + "/oauth2/introspect",
        "end_session_endpoint": base + "/logout",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [keys.algorithm(pool.id)],
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "claims_supported": [
            *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "acr", "amr"),
            *_PROFILE_CLAIMS,
            *("cognito:username", "cognito:groups", "cognito:roles", "cognito:preferred_role"),
        ],
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": list(clients.METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(jose.CLIENT_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": list(clients.METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(jose.CLIENT_ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": list(clients.CONFIDENTIAL_METHODS),
        "introspection_endpoint_auth_signing_alg_values_supported": list(jose.CLIENT_ALGORITHMS),
        "acr_values_supported": list(claims.ACR_LEVELS),
        "prompt_values_supported": ["none", "login", "select_account", "consent", "create"],
    }


def openid_configuration(request: Request, pool: Pool) -> Response:  # noqa: ARG001 - a handler's signature
    """``/.well-known/openid-configuration`` and ``/.well-known/oauth-authorization-server``: the same document."""
    cache = runtime.current().cache
    document = cache.peek(("discovery", pool.id))
    if document is None:
        with unit.open(runtime.current()):
            document = cache.get(("discovery", pool.id), lambda: orjson.dumps(metadata(pool)))
    return Response(200, list(_HEADERS), document)


def jwks(request: Request, pool: Pool) -> Response:  # noqa: ARG001
    """``/.well-known/jwks.json``."""
    with unit.open(runtime.current()):
        return Response(200, list(_HEADERS), keys.jwks(pool.id))


def preflight(request: Request, pool: Pool) -> Response:  # noqa: ARG001
    """OPTIONS at the documents."""
    return wire.preflight("GET, HEAD")


def by_issuer_path(pool_id: str) -> flask.Response:
    """``/.well-known/oauth-authorization-server/<pool id>``."""
    with unit.open(runtime.current()):
        pool = lookup.find_pool(pool_id) if len(pool_id) <= 55 else None
        if pool is None:
            flask.abort(404)
        return flask.Response(orjson.dumps(metadata(pool)), headers=_HEADERS)
