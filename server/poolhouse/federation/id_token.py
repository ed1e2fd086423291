"""ID tokens of providers: every check of OpenID Connect Core §3.1.3.7, with a hint that says which one failed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from authlib.oidc.core.util import create_half_hash

from poolhouse.core import jose, published, sealing, token_life
from poolhouse.core.outbound import Unreachable
from poolhouse.federation import social
from poolhouse.federation.connector import Unavailable, Untrusted
from poolhouse.federation.provider import Provider
from poolhouse.federation.upstream import TENANT_ID, Tokens, setting

LONGEST_SUBJECT = 255
_TENANT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"  # the tenant of Microsoft's personal accounts


def verified(provider: Provider, tokens: Tokens, nonce: str | None, fresh_since: int | None) -> dict[str, Any]:
    """The claims of the ID token that came with ``tokens``. Raises Untrusted, Unavailable.

    Only asymmetric signatures count, by a key that the provider publishes: with HS256 anybody who has seen the client's
    secret could make tokens, and a public key could be taken for one (CVE-2024-37568 and kin).
    """
    token = tokens.id_token
    if token is None:
        raise Untrusted(hint="the token endpoint gave no ID token")
    try:
        head, claimed = jose.header(token), jose.unverified_claims(token)
        _require_issuer(provider, claimed)  # before anybody is asked for keys
        claims = jose.verify_with_jwks(token, _keys(provider, head.get("kid"), claimed), jose.CLIENT_ALGORITHMS)
        token_life.require(claims)
    except (jose.InvalidToken, token_life.NotNow) as reason:
        raise Untrusted(hint=f"ID token: {reason}") from None
    if "iat" not in claims:
        raise Untrusted(hint="ID token: it does not say when it was made")
    _require_audience(claims, setting(provider, "client_id"))
    _require_nonce(claims, nonce)
    _require_access_token(claims, tokens.access, str(head["alg"]))
    _require_fresh(claims, fresh_since)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise Untrusted(hint="ID token: no subject")
    return claims


def _keys(provider: Provider, kid: object, claimed: Mapping[str, Any]) -> list[Any]:
    issuer, jwks_uri = setting(provider, "oidc_issuer"), provider.details.get("jwks_uri")
    try:
        found = published.keys(jwks_uri or issuer, kid, discover=not jwks_uri)
    except Unreachable as reason:
        raise Unavailable(hint=f"keys: {reason}") from None
    if TENANT_ID not in issuer:
        return found
    # Microsoft says of each key for which tenants it signs.
    tenant, mine = str(claimed.get("tid")), claimed.get("iss")
    return [
        key
        for key in found
        if isinstance(key, dict) and str(key.get("issuer", mine)).replace(TENANT_ID, tenant) == mine
    ]


def issuer_of(provider: Provider, claims: Mapping[str, Any]) -> str:
    """The issuer that a token with ``claims`` must have: with ``{tenantid}`` of its tenant. Raises Untrusted."""
    issuer = setting(provider, "oidc_issuer")
    if TENANT_ID not in issuer:
        return issuer
    tenant = claims.get("tid")
    if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
        raise Untrusted(hint="ID token: no tenant")
    wanted = provider.details.get("tenant", "common")
    if (wanted == "organizations" and tenant == _PERSONAL) or (wanted == "consumers" and tenant != _PERSONAL):
        raise Untrusted(hint=f"ID token: its tenant is none of {wanted}")
    return issuer.replace(TENANT_ID, tenant)


def _require_issuer(provider: Provider, claims: Mapping[str, Any]) -> None:
    issuer = issuer_of(provider, claims)
    if claims.get("iss") not in (issuer, *aliases(provider)):
        raise Untrusted(hint=f"ID token: iss is {str(claims.get('iss'))[:200]!r}, not {issuer!r}")


def aliases(provider: Provider) -> tuple[str, ...]:
    """Other names of the real provider's issuer: they count for no other one that its kind is set to."""
    preset = social.of(provider)
    usual = {"https://accounts.google.com", preset.details.get("oidc_issuer")}
    return preset.issuers if provider.details.get("oidc_issuer") in usual else ()


def _require_audience(claims: Mapping[str, Any], client_id: str) -> None:
    named, asked_by = claims.get("aud"), claims.get("azp")
    several = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    if client_id not in several:
        raise Untrusted(hint="ID token: aud is not this client")
    if (asked_by is not None or len(several) > 1) and asked_by != client_id:
        raise Untrusted(hint="ID token: azp is not this client")


def _require_nonce(claims: Mapping[str, Any], nonce: str | None) -> None:
    if nonce is None:
        return
    given = claims.get("nonce")
    if not isinstance(given, str) or not sealing.same(given, nonce):
        raise Untrusted(hint="ID token: the nonce is not that of this sign-in")


def _require_access_token(claims: Mapping[str, Any], access_token: str, alg: str) -> None:
    """OIDC Core §3.1.3.8: where there is an at_hash, it is this access token's."""
    if "at_hash" not in claims:
        return
    half, given = create_half_hash(access_token, alg), claims["at_hash"]
    if half is None or not isinstance(given, str) or not sealing.same(given, half.decode()):
        raise Untrusted(hint="ID token: at_hash is not that of the access token")


def _require_fresh(claims: Mapping[str, Any], since: int | None) -> None:
    """OIDC Core §3.1.2.1: who asks for max_age is told when, for the address that asks passes through the browser."""
    if since is None:
        return
    moment = claims.get("auth_time")
    if not token_life.is_moment(moment) or moment < since - token_life.SKEW_SECONDS:
        raise Untrusted(hint="ID token: auth_time does not show that the person signed in again")
