"""ID tokens of other issuers: believed after their signature, issuer, audience and life were checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from poolhouse.core import jose, published, token_life
from poolhouse.core.errors import NotAuthorized
from poolhouse.core.outbound import Unreachable
from poolhouse.identity_pools.errors import ProviderUnreachable
from poolhouse.identity_pools.openid import INVALID

_LONGEST_SUBJECT = 1024


def verified(
    token: str, *, issuers: Collection[str], audiences: Collection[str], keys_at: str, discover: bool
) -> dict[str, Any]:
    """The claims of an ID token of one of ``issuers`` for one of ``audiences``.

    ``keys_at`` is a JWK Set's URL, or with ``discover`` the issuer's. Raises NotAuthorized, ProviderUnreachable.
    """
    try:
        head = jose.header(token)
        claimed = jose.unverified_claims(token).get("iss")
        # Before anybody is asked: a token that claims another issuer costs no request.
        if not any(published.same_issuer(claimed, issuer) for issuer in issuers):
            raise NotAuthorized(INVALID + "Issuer doesn't match providerName")
        keys = published.keys(keys_at, head.get("kid"), discover=discover)
        claims = jose.verify_with_jwks(token, keys, jose.CLIENT_ALGORITHMS)
    except jose.InvalidToken as reason:
        raise NotAuthorized(INVALID + "Can't validate the token.", hint=str(reason)) from None
    except Unreachable as reason:
        raise ProviderUnreachable(hint=str(reason)) from None
    try:
        token_life.require(claims)
    except token_life.NotNow as reason:
        raise NotAuthorized(f"{INVALID}{reason}") from None
    audience(claims, audiences)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise NotAuthorized(INVALID + "It has no subject.")
    return claims


def audience(claims: Mapping[str, Any], audiences: Collection[str]) -> str:
    """The one of ``audiences`` that a token is for: ``azp`` where it has one. Raises NotAuthorized.

    OIDC Core §3.1.3.7: a token for several parties says which of them asked for it.
    """
    named, asked_by = claims.get("aud"), claims.get("azp")
    several = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    chosen = asked_by if isinstance(asked_by, str) else several[0] if len(several) == 1 else None
    if not several or not isinstance(chosen, str) or chosen not in audiences:
        raise NotAuthorized(INVALID + "Incorrect token audience.")
    return chosen
