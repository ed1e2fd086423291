"""Refresh: exchange a refresh token, in rotation for its successor, and notice when one comes back (RFC 9700 §4.14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, select, update

from poolhouse.core import clock, ids, prepared, sealing, unit
from poolhouse.core.errors import NotAuthorized, OAuthError, RefreshTokenReuse
from poolhouse.core.events import emit
from poolhouse.tokens import claims, issue, revoke
from poolhouse.tokens.claims import Grant
from poolhouse.tokens.events import RefreshTokenReused
from poolhouse.tokens.issue import TokenSet
from poolhouse.tokens.models import RefreshFamily, StoredRefreshToken
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import directory, groups
from poolhouse.users.models import UserRow
from poolhouse.users.snapshot import User

INVALID = "Invalid Refresh Token"
EXPIRED = "Refresh Token has expired"
REVOKED = "Refresh Token has been revoked"

# The token, its family and its user in one statement: a refresh is four in all.
_FOUND = prepared.Read(
    select(
        *directory.COLUMNS,
        StoredRefreshToken.spent_at,
        StoredRefreshToken.issued_at,
        RefreshFamily.origin_jti,
        RefreshFamily.sub.label("owner"),
        RefreshFamily.client_id,
        RefreshFamily.auth_time,
        RefreshFamily.scope,
        RefreshFamily.amr,
        RefreshFamily.source,
        RefreshFamily.claims,
        RefreshFamily.created_at.label("begun_at"),
        RefreshFamily.expires_at,
        RefreshFamily.revoked_at,
        RefreshFamily.provider,
        RefreshFamily.acr,
    )
    .select_from(StoredRefreshToken)
    .join(
        RefreshFamily,
        and_(
            RefreshFamily.pool_id == StoredRefreshToken.pool_id,
            RefreshFamily.origin_jti == StoredRefreshToken.origin_jti,
        ),
    )
    .outerjoin(UserRow, and_(UserRow.pool_id == RefreshFamily.pool_id, UserRow.sub == RefreshFamily.sub))
    .where(StoredRefreshToken.pool_id == bindparam("pool"), StoredRefreshToken.digest == bindparam("digest"))
)
_SPEND = prepared.Write(
    update(StoredRefreshToken)
    .where(
        StoredRefreshToken.pool_id == bindparam("pool"),
        StoredRefreshToken.digest == bindparam("old"),
        StoredRefreshToken.spent_at.is_(None),
    )
    .values(spent_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What introspection may say of a refresh token that works."""

    client_id: str
    user: User
    scope: str
    issued_at: datetime
    expires_at: datetime


def refresh(
    client: Client,
    token: str,
    *,
    scope: str | None = None,
    rotate: bool | None = None,
    client_metadata: Mapping[str, str] | None = None,
) -> TokenSet:
    """New tokens for ``token``; with rotation a new refresh token too, which lives no longer than the old one would.

    ``scope`` may narrow what was granted; ``rotate`` defaults to the client's setting. Raises NotAuthorized for a
    token that is unknown, another client's, expired, revoked, or whose user is disabled or gone; RefreshTokenReuse
    (and the family is dead) for one that came back; OAuthError ``invalid_scope``.
    """
    digest = sealing.sha256(token)
    row = _find(client.pool_id, digest)
    if row is None or row.client_id != client.id:
        raise NotAuthorized(INVALID)
    now = clock.now()
    _check_alive(row, now)
    rotate = client.rotation_enabled if rotate is None else rotate
    if row.spent_at is not None:
        _tolerate(client, row, row.spent_at, now)
    tokens = issue.mint(_grant(client, row, scope), "RefreshTokens", client_metadata)
    if not rotate:
        return tokens
    unit.write()
    already = row.spent_at is not None
    if not already and _SPEND.run({"pool": client.pool_id, "old": digest, "now": now}) != 1:  # another was faster
        _tolerate(client, row, now, now)
    successor, values = issue.new_refresh_token(client.pool_id, row.origin_jti)
    issue.NEW_REFRESH_TOKEN.run(values | {"issued_at": now, "expires_at": row.expires_at})
    return replace(tokens, refresh_token=successor)


def look(pool: Pool, token: str) -> RefreshToken | None:
    """The refresh token as introspection shows it, None unless it would work: one statement, nothing spent."""
    row = _find(pool.id, sealing.sha256(token))
    if row is None or row.spent_at is not None:
        return None
    try:
        _check_alive(row, clock.now())
    except NotAuthorized:
        return None
    return RefreshToken(row.client_id, directory.of_row(row), row.scope, row.issued_at, row.expires_at)


def purge() -> None:
    """Drop families that expired more than two days ago: access tokens that came of them have expired too."""
    before = clock.now() - timedelta(days=2)
    unit.write()
    unit.execute(delete(StoredRefreshToken).where(StoredRefreshToken.expires_at < before))
    unit.execute(delete(RefreshFamily).where(RefreshFamily.expires_at < before))


def _find(pool_id: str, digest: bytes) -> Any:
    return _FOUND.first({"pool": pool_id, "digest": digest})


def _check_alive(row: Row[Any], now: datetime) -> None:
    if row.revoked_at is not None:
        raise NotAuthorized(REVOKED)
    if row.expires_at <= now:
        raise NotAuthorized(EXPIRED)
    gone = row.sub is None or not row.enabled
    if gone or (row.signed_out_at is not None and row.begun_at <= row.signed_out_at):
        raise NotAuthorized(REVOKED, hint="the user is disabled, deleted, or was signed out everywhere")
    if revoke.cut_off(row.pool_id, row.provider, row.begun_at):
        raise NotAuthorized(REVOKED, hint="the identity provider was turned off or deleted")


def _tolerate(client: Client, row: Row[Any], spent_at: datetime, now: datetime) -> None:
    """Let a spent token pass within the grace period (the answer was lost on its way); else kill its family."""
    grace = client.rotation_grace_seconds
    if grace and now - spent_at < timedelta(seconds=grace):
        return
    revoke.family(client.pool_id, row.origin_jti)
    emit(RefreshTokenReused(client.pool_id, row.owner, client.id))
    raise RefreshTokenReuse(keep=True)


def _grant(client: Client, row: Row[Any], scope: str | None) -> Grant:
    granted = tuple(row.scope.split())
    asked = granted if not scope else tuple(dict.fromkeys(scope.split()))
    if not set(asked) <= set(granted):
        raise OAuthError("invalid_scope", "The scope exceeds what was granted.")
    if row.source == "oauth" and (refused := claims.unreadable(client, asked)):
        raise OAuthError("invalid_grant", f"The client may not read the attributes of scope {refused}.")
    return Grant(
        client=client,
        user=directory.of_row(row),
        groups=groups.of(client.pool_id, row.owner),
        scopes=asked,
        auth_time=row.auth_time,
        amr=tuple(row.amr),
        source=row.source,
        origin_jti=row.origin_jti,
        event_id=ids.uuid4(),
        requested=row.claims or {},
        acr=row.acr,
    )
