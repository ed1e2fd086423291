"""Verify tokens that come back to us: signature, issuer, life, and whether they were revoked since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, bindparam, select

from poolhouse.core import clock, jose, prepared, runtime
from poolhouse.core.errors import NotAuthorized
from poolhouse.tokens import claims, keys, revoke
from poolhouse.tokens.models import RefreshFamily
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import directory
from poolhouse.users.models import UserRow
from poolhouse.users.snapshot import User

INVALID = "Invalid Access Token"
EXPIRED = "Access Token has expired"
REVOKED = "Access Token has been revoked"
OUT_OF_SCOPE = "Access Token does not have required scopes"

# The user and the family in one statement: whoever is disabled, deleted or signed out is so at once.
_BEARER = prepared.Read(
    select(
        *directory.COLUMNS,
        RefreshFamily.origin_jti,
        RefreshFamily.revoked_at,
        RefreshFamily.created_at.label("begun_at"),
        RefreshFamily.source,
        RefreshFamily.provider,
        RefreshFamily.claims,
    )
    .select_from(UserRow)
    .outerjoin(
        RefreshFamily,
        and_(RefreshFamily.pool_id == bindparam("pool"), RefreshFamily.origin_jti == bindparam("origin_jti")),
    )
    .where(UserRow.pool_id == bindparam("pool"), UserRow.sub == bindparam("sub"))
)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token that works. ``user`` is None for a client's own (client_credentials).

    ``requested`` are the claims that the authorization request asked for by name.
    """

    claims: Mapping[str, Any] = field(repr=False)
    client: Client
    user: User | None
    requested: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pool(self) -> Pool:
        """The pool that issued it."""
        return self.client.pool

    @property
    def scopes(self) -> frozenset[str]:
        """What it is good for."""
        return frozenset(str(self.claims.get("scope", "")).split())

    @property
    def origin_jti(self) -> str | None:
        """The family that it belongs to."""
        return self.claims.get("origin_jti")


def access(token: str, *, pool: Pool | None = None, scope: str | None = None) -> AccessToken:
    """The access token, if it works: at most one statement. ``pool`` is where it must be from, None: any of ours.

    Raises NotAuthorized with AWS's sentence: invalid, expired, revoked, or without ``scope``.
    """
    try:
        pool = pool or _pool_of(token)
        content = jose.verify(token, keys.verifying(pool.id))
    except jose.InvalidToken as reason:
        raise NotAuthorized(INVALID, hint=str(reason)) from None
    if content.get("token_use") != "access" or content.get("iss") != pool.issuer:
        raise NotAuthorized(INVALID, hint="not an access token of this pool")
    if not _has(content, "sub", "client_id"):
        raise NotAuthorized(INVALID, hint="a claim is missing")
    if content["exp"] <= clock.timestamp():
        raise NotAuthorized(EXPIRED)
    if scope is not None and scope not in content.get("scope", "").split():
        raise NotAuthorized(OUT_OF_SCOPE)
    client = lookup.find_client(pool, content["client_id"])
    if client is None:
        raise NotAuthorized(REVOKED, hint="the client is gone")
    if content["sub"] == client.id:
        return AccessToken(content, client, None)
    return _bearer(client, content)


def _bearer(client: Client, content: dict[str, Any]) -> AccessToken:
    origin_jti = content.get("origin_jti")
    row = _BEARER.first({"pool": client.pool_id, "sub": content["sub"], "origin_jti": origin_jti or ""})
    if row is None or not row.enabled:
        raise NotAuthorized(REVOKED, hint="the user is disabled or deleted")
    left = row.signed_out_at
    if origin_jti:
        # Seconds are too coarse to tell a sign-in from the sign-out just before it: families have microseconds.
        dead = row.origin_jti is None or row.revoked_at is not None or (left is not None and row.begun_at <= left)
        dead = dead or revoke.cut_off(client.pool_id, row.provider, row.begun_at)
    else:
        dead = left is not None and content["iat"] < left.timestamp()
        dead = dead or ("fed" in content.get("amr", ()) and _left_by_providers(client, row, content["iat"]))
    if dead:
        raise NotAuthorized(REVOKED)
    return AccessToken(content, client, directory.of_row(row), row.claims or {})


def _left_by_providers(client: Client, row: Any, issued_at: int) -> bool:
    """Whether no provider of the user is open still: a token without a family does not say which one it came by."""
    identities = claims.native({"identities": row.attributes.get("identities", "")}).get("identities", [])
    names = {str(identity.get("providerName")) for identity in identities}
    # To the end of the second: the provider may have been made within the one that the token tells.
    moment = datetime.fromtimestamp(issued_at + 1, UTC)
    return all(revoke.cut_off(client.pool_id, name, moment) for name in names)


def id_token(token: str, pool: Pool, *, allow_expired: bool = False) -> dict[str, Any]:
    """The claims of an ID token of ``pool``, which may have expired if it is only a hint. No statement.

    Raises NotAuthorized.
    """
    try:
        content = jose.verify(token, keys.verifying(pool.id))
    except jose.InvalidToken as reason:
        raise NotAuthorized("Invalid ID Token", hint=str(reason)) from None
    if content.get("token_use") != "id" or content.get("iss") != pool.issuer:
        raise NotAuthorized("Invalid ID Token", hint="not an ID token of this pool")
    if not _has(content, "sub", "aud"):
        raise NotAuthorized("Invalid ID Token", hint="a claim is missing")
    if not allow_expired and content["exp"] <= clock.timestamp():
        raise NotAuthorized("ID Token has expired")
    return content


def _has(content: Mapping[str, Any], *names: str) -> bool:
    """Whether a token says when it ends and whom it is about: no setting or hook may have made one that does not."""
    return type(content.get("exp")) is int and all(isinstance(content.get(name), str) for name in names)


def _pool_of(token: str) -> Pool:
    """The pool whose issuer an unverified token names: only to know whose keys to check it with."""
    base = runtime.current().settings.issuer_base + "/"
    issuer = jose.unverified_claims(token).get("iss")
    pool_id = issuer.removeprefix(base) if isinstance(issuer, str) and issuer.startswith(base) else ""
    pool = lookup.find_pool(pool_id) if pool_id else None
    if pool is None:
        raise jose.InvalidToken("the issuer is no pool of ours")
    return pool
