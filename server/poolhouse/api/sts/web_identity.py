"""Web identity tokens: whose they are, checked, as trust policies and sessions see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from poolhouse.access import oidc_providers
from poolhouse.core import jose, runtime
from poolhouse.core.errors import ExpiredToken, IDPCommunicationError, InvalidIdentityToken, NotAuthorized
from poolhouse.identity_pools import logins, openid, providers, web_tokens
from poolhouse.identity_pools.errors import ProviderUnreachable
from poolhouse.tokens import verify
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Pool


@dataclass(frozen=True, slots=True)
class WebIdentity:
    """Somebody whom a provider vouches for.

    `principals` are the names that a trust policy may have for the provider, `context` its claims as condition keys,
    `tags` what the provider says for attribute-based rules.
    """

    principals: tuple[str, ...]
    provider: str
    subject: str
    audience: str
    context: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)


def verified(token: str) -> WebIdentity:
    """Whoever the token is about; signature, issuer, audience, life and revocation are checked.

    Raises InvalidIdentityToken, ExpiredToken, or IDPCommunicationError.
    """
    try:
        issuer = jose.unverified_claims(token).get("iss")
    except jose.InvalidToken as reason:
        raise InvalidIdentityToken("The ID Token provided is not a valid JWT.", hint=str(reason)) from None
    if not isinstance(issuer, str):
        raise InvalidIdentityToken("Missing a required claim: iss")
    if issuer == openid.issuer():
        return _of_identity_pool(token)
    base = runtime.current().settings.issuer_base + "/"
    pool = lookup.find_pool(issuer.removeprefix(base)) if issuer.startswith(base) else None
    if pool is not None:
        return _of_user_pool(token, pool)
    provider = oidc_providers.get(issuer.partition("://")[2])
    if provider is None:
        raise InvalidIdentityToken(f"No OpenIDConnect provider found in your account for {issuer[:255]}")
    return _of_provider(token, provider)


def _of_identity_pool(token: str) -> WebIdentity:
    claims = _believed(lambda: openid.for_sts(token))
    name = providers.SELF
    context = _context((name,), claims, claims["aud"])
    return WebIdentity((name,), name, claims["sub"], claims["aud"], context, openid.principal_tags(claims))


def _of_user_pool(token: str, pool: Pool) -> WebIdentity:
    claims = _believed(lambda: verify.id_token(token, pool))
    try:
        logins.require_signed_in(pool.id, claims["sub"], claims.get("origin_jti"), int(claims["iat"]))
    except NotAuthorized as revoked:
        raise InvalidIdentityToken("The token has been revoked.", hint=str(revoked)) from None
    if lookup.find_client(pool, claims["aud"]) is None:
        raise InvalidIdentityToken("Incorrect token audience", hint="the client is gone")
    names = (providers.of_user_pool(pool.id), pool.issuer.partition("://")[2])
    principals = (*(oidc_providers.arn(name) for name in names), *names)
    return WebIdentity(principals, names[0], claims["sub"], claims["aud"], _context(names, claims, claims["aud"]))


def _of_provider(token: str, provider: oidc_providers.Provider) -> WebIdentity:
    try:
        claims = _believed(
            lambda: web_tokens.verified(
                token,
                issuers=(provider.issuer,),
                audiences=provider.client_ids,
                keys_at=provider.issuer,
                discover=True,
            )
        )
    except ProviderUnreachable as failed:
        raise IDPCommunicationError("Couldn't reach the identity provider's keys.", hint=failed.hint) from None
    audience = web_tokens.audience(claims, provider.client_ids)
    context = _context((provider.name,), claims, audience)
    return WebIdentity((provider.arn, provider.name), provider.arn, claims["sub"], audience, context)


def _context(names: tuple[str, ...], claims: Mapping[str, Any], audience: str) -> dict[str, Any]:
    """The claims that AWS makes condition keys of, under each name of the provider."""
    found: dict[str, Any] = {}
    amr = claims.get("amr")
    for name in names:
        found[f"{name}:aud"] = audience
        found[f"{name}:sub"] = claims["sub"]
        if isinstance(amr, list) and amr and all(isinstance(each, str) for each in amr):
            found[f"{name}:amr"] = list(amr)
    return found


def _believed(check: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The claims that `check` gives; its refusals in STS's words. Raises ExpiredToken, InvalidIdentityToken."""
    try:
        return check()
    except NotAuthorized as refused:
        if "expired" in str(refused):
            raise ExpiredToken("Token expired: current date/time must be before the expiration date/time") from None
        said = "Incorrect token audience" if "audience" in str(refused) else None
        raise InvalidIdentityToken(said, hint=f"{refused} {refused.hint}") from None
