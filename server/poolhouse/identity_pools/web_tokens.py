"""ID tokens of other issuers: believed after their signature, issuer, audience and life were checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from poolhouse.core import clock, jose
from poolhouse.core.errors import NotAuthorized
from poolhouse.core.outbound import Unreachable
from poolhouse.identity_pools import remote_keys
from poolhouse.identity_pools.errors import ProviderUnreachable
from poolhouse.identity_pools.openid import INVALID

_SKEW_SECONDS = 60
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
        if not any(remote_keys.same_issuer(claimed, issuer) for issuer in issuers):
            raise NotAuthorized(INVALID + "Issuer doesn't match providerName")
        keys = remote_keys.current().of(keys_at, head.get("kid"), discover=discover)
        claims = jose.verify_with_jwks(token, keys, jose.CLIENT_ALGORITHMS)
    except jose.InvalidToken as reason:
        raise NotAuthorized(INVALID + "Can't validate the token.", hint=str(reason)) from None
    except Unreachable as reason:
        raise ProviderUnreachable(hint=str(reason)) from None
    _check_life(claims)
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


def _check_life(claims: Mapping[str, Any]) -> None:
    now = clock.timestamp()
    ends, begins, made = claims.get("exp"), claims.get("nbf", now), claims.get("iat", now)
    if not isinstance(ends, int | float) or isinstance(ends, bool):
        raise NotAuthorized(INVALID + "It does not say when it ends.")
    if ends <= now:
        raise NotAuthorized(f"{INVALID}Token expired: {int(ends)} < {now}")
    for moment in (begins, made):
        if not isinstance(moment, int | float) or isinstance(moment, bool) or moment > now + _SKEW_SECONDS:
            raise NotAuthorized(INVALID + "It is not valid yet.")
