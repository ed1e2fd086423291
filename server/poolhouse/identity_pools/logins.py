"""Logins at the door of an identity pool: nothing is believed before its provider's own rules were checked."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import and_, bindparam, select

from poolhouse.access import oidc_providers, saml_assertions, saml_providers
from poolhouse.core import prepared
from poolhouse.core.errors import ExpiredToken, IDPRejectedClaim, InvalidIdentityToken, InvalidParameter, NotAuthorized
from poolhouse.identity_pools import openid, providers, social, web_tokens
from poolhouse.identity_pools.errors import ResourceConflict
from poolhouse.identity_pools.openid import INVALID
from poolhouse.identity_pools.snapshot import IdentityPool, UserPoolProvider
from poolhouse.identity_pools.verified import Login
from poolhouse.tokens import revoke
from poolhouse.tokens import verify as user_pool_tokens
from poolhouse.tokens.models import RefreshFamily
from poolhouse.user_pools import lookup
from poolhouse.users.models import UserRow

UNSUPPORTED = "Token is not from a supported provider of this identity pool."

_SIGNED_IN = prepared.Read(
    select(
        UserRow.enabled,
        UserRow.signed_out_at,
        RefreshFamily.revoked_at,
        RefreshFamily.created_at,
        RefreshFamily.provider,
    )
    .select_from(UserRow)
    .outerjoin(
        RefreshFamily,
        and_(RefreshFamily.pool_id == bindparam("pool"), RefreshFamily.origin_jti == bindparam("family")),
    )
    .where(UserRow.pool_id == bindparam("pool"), UserRow.sub == bindparam("sub"))
)


def verify(pool: IdentityPool, given: Mapping[str, str]) -> tuple[Login, ...]:
    """Every login, believed. Raises NotAuthorized, ProviderUnreachable, InvalidParameter, ResourceConflict.

    All or nothing: a good login beside a bad one opens nothing, or a client would never learn of the bad one.
    """
    found = tuple(_verify(pool, name, token) for name, token in given.items())
    if len({login.provider for login in found}) < len(found):
        raise ResourceConflict("Two logins of the same provider were given.")
    return found


def developer(pool: IdentityPool, user_identifier: str) -> Login:
    """A login of the developer's own system, on the word of the signed request that it came in."""
    provider = pool.developer_provider
    if provider is None:
        raise InvalidParameter("This identity pool has no developer provider.")
    amr = (provider, f"{provider}:{pool.id}:{user_identifier}")
    return Login(provider, user_identifier, (provider,), amr, {"sub": user_identifier}, developer=True)


def _verify(pool: IdentityPool, name: str, token: str) -> Login:
    user_pool = providers.user_pool_of(name)
    if user_pool is not None:
        canonical = providers.of_user_pool(user_pool)
        provider = pool.user_pools.get(canonical)
        if provider is None:
            raise NotAuthorized(UNSUPPORTED)
        return _of_user_pool(provider, canonical, token)
    if name in pool.social:
        return social.verify(name, pool.social[name], token)
    if name in pool.oidc:
        return _of_oidc(name, pool.oidc[name], token)
    if name in pool.saml:
        return _of_saml(name, token)
    if name == pool.developer_provider:
        raise NotAuthorized("Logins of a developer provider are for GetOpenIdTokenForDeveloperIdentity.")
    raise NotAuthorized(UNSUPPORTED)


def _of_user_pool(provider: UserPoolProvider, canonical: str, token: str) -> Login:
    """An ID token of one of our user pools; no statement, or one with the token check."""
    pool = lookup.find_pool(provider.pool_id)
    if pool is None:
        raise NotAuthorized(UNSUPPORTED, hint="the user pool is gone")
    try:
        claims = user_pool_tokens.id_token(token, pool)
    except NotAuthorized as reason:
        said = "Token expired" if "expired" in str(reason) else "Issuer doesn't match providerName"
        raise NotAuthorized(INVALID + said, hint=reason.hint or str(reason)) from None
    client_id, sub = str(claims.get("aud")), str(claims["sub"])
    # A client that was deleted lets nobody in, however long its tokens live.
    if client_id not in provider.client_ids or lookup.find_client(pool, client_id) is None:
        raise NotAuthorized(INVALID + "Incorrect token audience.")
    if client_id in provider.checked:
        require_signed_in(provider.pool_id, sub, claims.get("origin_jti"), int(claims["iat"]))
    amr = (canonical, f"{canonical}:CognitoSignIn:{sub}")
    return Login(canonical, sub, (f"{canonical}:{client_id}", canonical), amr, claims)


def require_signed_in(pool_id: str, sub: str, family: str | None, issued_at: int) -> None:
    """ServerSideTokenCheck: whoever signed out, or was disabled or deleted, is out at once. One statement.

    ``family`` is the ID token's ``origin_jti``. Raises NotAuthorized.
    """
    row = _SIGNED_IN.first({"pool": pool_id, "sub": sub, "family": family or ""})
    dead = row is None or not row.enabled or row.revoked_at is not None
    if not dead and row.signed_out_at is not None:
        # Seconds are too coarse to tell a sign-in from the sign-out just before it: families have microseconds.
        begun = row.created_at
        dead = begun <= row.signed_out_at if begun is not None else issued_at < row.signed_out_at.timestamp()
    if not dead and row.created_at is not None:
        dead = revoke.cut_off(pool_id, row.provider, row.created_at)
    if dead or (family and row.created_at is None):
        raise NotAuthorized(INVALID + "Token has been revoked.")


def _of_oidc(name: str, arn: str, token: str) -> Login:
    """An ID token of a provider that IAM has; deleted there, it lets nobody in here."""
    provider = oidc_providers.get(name)
    if provider is None or provider.arn != arn:
        raise NotAuthorized(UNSUPPORTED, hint="IAM has no such provider")
    issuer = provider.issuer
    claims = web_tokens.verified(token, issuers=(issuer,), audiences=provider.client_ids, keys_at=issuer, discover=True)
    return Login(name, claims["sub"], (name, arn), (name, f"{arn}:OIDC:{claims['sub']}"), claims)


def _of_saml(arn: str, encoded: str) -> Login:
    """A SAML response of a provider that IAM has. It counts until it expires, as an ID token does: GetId and the calls
    that follow it are given the same one, and it opens nothing but the one identity that it is a login of.
    """
    provider = saml_providers.get(arn)
    if provider is None:
        raise NotAuthorized(UNSUPPORTED, hint="IAM has no such provider")
    try:
        assertion, _ = saml_assertions.read(provider, encoded)
    except (ExpiredToken, IDPRejectedClaim, InvalidIdentityToken) as refused:
        raise NotAuthorized(INVALID + str(refused), hint=refused.hint) from None
    if saml_assertions.subject_type(assertion) == "transient":
        raise NotAuthorized(INVALID + "Its subject is transient, and would be somebody else every time.")
    told = {name: values[0] if len(values) == 1 else list(values) for name, values in assertion.attributes.items()}
    claims = {**told, "sub": assertion.name_id, "iss": assertion.issuer}
    return Login(arn, assertion.name_id, (arn,), (arn, f"{arn}:SAML:{assertion.name_id}"), claims)


def own_token(pool: IdentityPool, token: str) -> tuple[str, tuple[str, ...], dict[str, str]]:
    """The identity, ``amr`` and principal tags of our own OpenID token (the login "cognito-identity.amazonaws.com").

    A guest's proves nothing that the identity's id alone would not: it is no login. Raises NotAuthorized.
    """
    claims = openid.verify(token, pool_id=pool.id)
    if "authenticated" not in claims["amr"]:
        raise NotAuthorized(INVALID + "It is a guest's.")
    return claims["sub"], tuple(claims["amr"][1:]), openid.principal_tags(claims)
