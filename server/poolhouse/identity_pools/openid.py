"""OpenID tokens of identities: what an identity shows to STS, or to whoever else trusts this server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from poolhouse.core import clock, jose, prepared, runtime
from poolhouse.core.errors import NotAuthorized
from poolhouse.identity_pools import keys, providers, snapshot
from poolhouse.identity_pools.models import IdentityRow

TAGS_CLAIM = "https://aws.amazon.com/tags"
POOL_CLAIM = f"https://{providers.SELF}/identity-pool-arn"
SECONDS = 600
DEVELOPER_SECONDS = 900
INVALID = "Invalid login token. "

_STANDING = prepared.Read(
    select(IdentityRow.enabled, IdentityRow.merged_into).where(
        IdentityRow.id == bindparam("id"), IdentityRow.identity_pool_id == bindparam("pool")
    )
)


def issuer() -> str:
    """Who these tokens say that they are from: AWS's own name unless the settings give this server's."""
    return runtime.current().settings.identity_issuer


def issue(
    pool: snapshot.IdentityPool,
    identity_id: str,
    amr: Sequence[str],
    *,
    seconds: int = SECONDS,
    principal_tags: Mapping[str, str] | None = None,
) -> str:
    """A token that says: this is the identity, of that pool, and this is how it was proven."""
    now = clock.timestamp()
    claims: dict[str, Any] = {
        "sub": identity_id,
        "aud": pool.id,
        "amr": list(amr),
        "iss": issuer(),
        POOL_CLAIM: pool.arn,
        "exp": now + seconds,
        "iat": now,
    }
    if principal_tags:
        claims[TAGS_CLAIM] = {"principal_tags": {key: [value] for key, value in principal_tags.items()}}
    return jose.sign(keys.signing(), claims, "JWT")


def verify(token: str, *, pool_id: str | None = None) -> dict[str, Any]:
    """The claims of a token of ours, of that pool if one is named. At most one statement.

    Its identity must still be there and enabled: who was deleted or merged away does not live on in a token.
    Raises NotAuthorized.
    """
    try:
        claims = jose.verify(token, keys.verifying())
    except jose.InvalidToken as reason:
        raise NotAuthorized(INVALID + "Can't validate the token.", hint=str(reason)) from None
    if claims.get("iss") != issuer():
        raise NotAuthorized(INVALID + "Issuer doesn't match providerName")
    if pool_id is not None and claims.get("aud") != pool_id:
        raise NotAuthorized(INVALID + "Incorrect token audience.")
    if claims["exp"] <= clock.timestamp():
        raise NotAuthorized(f"{INVALID}Token expired: {claims['exp']} < {clock.timestamp()}")
    standing = _STANDING.first({"id": claims["sub"], "pool": claims["aud"]})
    if standing is None or not standing.enabled:
        raise NotAuthorized(f"Access to Identity '{claims['sub']}' is forbidden.", hint="deleted, disabled or merged")
    return claims


def for_sts(token: str) -> dict[str, Any]:
    """The claims of a token that STS may exchange: its pool allows the classic flow. Raises NotAuthorized."""
    claims = verify(token)
    if not snapshot.get(claims["aud"]).classic:
        raise NotAuthorized("Basic (classic) flow is not enabled, please use enhanced flow.")
    return claims


def principal_tags(claims: Mapping[str, Any]) -> dict[str, str]:
    """The principal tags that a verified token of ours carries."""
    tags = (claims.get(TAGS_CLAIM) or {}).get("principal_tags") or {}
    return {key: values[0] for key, values in tags.items()}
