"""Our own settings of pools and clients, beside Cognito's: what they may be. All refusals are InvalidParameter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from poolhouse.core import jose
from poolhouse.core.errors import InvalidParameter
from poolhouse.user_pools import saml_extension
from poolhouse.user_pools.checks import Setting, checked, one_of, switch

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KEYS_AT_MOST = 20
_SECRET_METHODS = frozenset({"client_secret_basic", "client_secret_post"})
_SCOPES_AT_MOST = 300
_ACTIONS_AT_MOST = 50
_ACTION = re.compile(r"\*|(?=.{1,128}$)[A-Za-z0-9-]+:[A-Za-z0-9_*?-]+")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21\x23-\x5b\x5d-\x7e]{1,500}")


def of_pool(own: Mapping[str, Any]) -> dict[str, Any]:
    """A pool's own settings, checked."""
    return checked(own, POOL)


def of_client(own: Mapping[str, Any], *, has_secret: bool) -> dict[str, Any]:
    """A client's own settings, checked, also against each other and against its having a secret."""
    settings = checked(own, CLIENT)
    method = settings.get("token_endpoint_auth_method")
    if method == "private_key_jwt" and not settings.get("jwks"):
        raise InvalidParameter("Jwks is required with the token endpoint authentication method private_key_jwt.")
    if method in _SECRET_METHODS and not has_secret:
        raise InvalidParameter(f"The client has no secret: it cannot use {method}.")
    if method == "none" and has_secret:
        raise InvalidParameter("The client has a secret: its token endpoint authentication method cannot be none.")
    return settings


def _audience(name: str, value: Any) -> str:
    if not isinstance(value, str) or not _URI.fullmatch(value):
        raise InvalidParameter(f"{name} must be an absolute URI.")
    return value


def _color(name: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise InvalidParameter(f"{name} must be a colour such as #1f6feb.")
    return value.lower()


def _scope_actions(name: str, value: Any) -> dict[str, list[str]]:
    """Which actions of policies a scope covers. A scope that is not there yet covers nothing for anybody."""
    if not isinstance(value, Mapping) or len(value) > _SCOPES_AT_MOST:
        raise InvalidParameter(
            f"{name} must be an object with a list of actions for each scope, {_SCOPES_AT_MOST} scopes at most."
        )
    for scope, actions in value.items():
        fits = isinstance(scope, str) and 0 < len(scope) <= 512 and isinstance(actions, list)
        if not fits or not 0 < len(actions) <= _ACTIONS_AT_MOST:
            raise InvalidParameter(f"{name}: a scope covers 1 to {_ACTIONS_AT_MOST} actions.")
        if not all(isinstance(action, str) and _ACTION.fullmatch(action) for action in actions):
            raise InvalidParameter(f"{name}: an action has the form service:action, such as photos:Get*.")
    return {scope: list(actions) for scope, actions in value.items()}


def _jwks(name: str, value: Any) -> dict[str, Any]:
    """A JWK Set (RFC 7517 §5) of public keys that we can verify with; a private one is refused, lest it be stored."""
    keys = value.get("keys") if isinstance(value, Mapping) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= _KEYS_AT_MOST:
        raise InvalidParameter(f"{name} must be a JWK Set with 1 to {_KEYS_AT_MOST} keys.")
    ids = []
    for key in keys:
        if not isinstance(key, Mapping):
            raise InvalidParameter(f"{name}: a key must be an object.")
        if _PRIVATE & set(key):
            raise InvalidParameter(f"{name}: keep private keys to yourself and register their public halves.")
        if all(jose.import_public(key, alg) is None for alg in jose.CLIENT_ALGORITHMS):
            raise InvalidParameter(
                f"{name}: a key must be RSA of 2048 bits or more, EC on P-256, P-384 or P-521, or Ed25519."
            )
        ids.append(key.get("kid"))
    if len(keys) > 1 and (None in ids or len(set(map(str, ids))) < len(ids)):
        raise InvalidParameter(f"{name}: each of several keys needs a kid of its own.")
    return {"keys": [dict(key) for key in keys]}


# By stored name.
POOL: Mapping[str, Setting] = {
    "signing_alg": Setting("SigningAlg", one_of(*jose.ALGORITHMS)),
    "userinfo_for_api_tokens": Setting("UserInfoForApiTokens", switch),
    "introspection_for_api_tokens": Setting("IntrospectionForApiTokens", switch),
    "token_errors": Setting("TokenErrors", one_of("standard", "cognito")),
    "accent": Setting("AccentColor", _color),
    "scope_actions": Setting("ScopeActions", _scope_actions),
    "link_by_verified_email": Setting("LinkByVerifiedEmail", one_of("off", "prove")),
}
CLIENT: Mapping[str, Setting] = {
    "token_endpoint_auth_method": Setting(
        "TokenEndpointAuthMethod", one_of("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
    ),
    "jwks": Setting("Jwks", _jwks),
    "require_pkce": Setting("RequirePkce", switch),
    "token_profile": Setting("TokenProfile", one_of("cognito", "rfc9068")),
    "audience": Setting("Audience", _audience),
    "strict_oidc": Setting("StrictOidc", switch),
    "userinfo_for_api_tokens": Setting("UserInfoForApiTokens", switch),
    "mfa_after_federation": Setting("MfaAfterFederation", switch),
    "upstream_tokens": Setting("UpstreamTokens", switch),
    "saml": Setting("Saml", saml_extension.checked),
}
