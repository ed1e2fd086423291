"""Revoke: one refresh token with everything that came of it, or everything that a user has."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from poolhouse.core import clock, sealing, unit
from poolhouse.core.errors import Unauthorized, UnsupportedOperation, UnsupportedTokenType
from poolhouse.core.events import ask, emit
from poolhouse.tokens.events import RefreshTokenRevoked, SignedOutEverywhere, StillOpen
from poolhouse.tokens.models import RefreshFamily, StoredRefreshToken
from poolhouse.user_pools.snapshots import Client
from poolhouse.users import directory


def refresh_token(client: Client, token: str) -> None:
    """Revoke ``token`` and all access, ID and refresh tokens of its family. An unknown token is no error (RFC 7009).

    Raises UnsupportedTokenType for an access or ID token, Unauthorized for a token of another client,
    UnsupportedOperation where the client has EnableTokenRevocation off.
    """
    if not client.revocation_enabled:
        raise UnsupportedOperation("Token revocation is not enabled for this client")
    if token.count(".") == 2:
        raise UnsupportedTokenType()
    row = unit.execute(
        select(RefreshFamily.origin_jti, RefreshFamily.client_id, RefreshFamily.sub, RefreshFamily.revoked_at)
        .join(
            StoredRefreshToken,
            (StoredRefreshToken.pool_id == RefreshFamily.pool_id)
            & (StoredRefreshToken.origin_jti == RefreshFamily.origin_jti),
        )
        .where(StoredRefreshToken.pool_id == client.pool_id, StoredRefreshToken.digest == sealing.sha256(token))
    ).first()
    if row is None:
        return
    if row.client_id != client.id:
        raise Unauthorized("The refresh token was issued to another client")
    if row.revoked_at is None:
        family(client.pool_id, row.origin_jti)
        emit(RefreshTokenRevoked(client.pool_id, row.sub, client.id))


def family(pool_id: str, origin_jti: str) -> None:
    """Revoke a family: its refresh tokens work no more, nor do its access tokens where we are asked."""
    unit.write()
    unit.execute(
        update(RefreshFamily)
        .where(
            RefreshFamily.pool_id == pool_id,
            RefreshFamily.origin_jti == origin_jti,
            RefreshFamily.revoked_at.is_(None),
        )
        .values(revoked_at=clock.now())
    )


def cut_off(pool_id: str, provider: str | None, begun_at: datetime) -> bool:
    """Whether what was begun through ``provider`` at that moment ended with it; never for what came through none."""
    return provider is not None and not ask(StillOpen(pool_id, provider, begun_at)).open


def through(pool_id: str, sub: str, provider: str) -> None:
    """Revoke what a user has through one identity provider."""
    unit.write()
    theirs = (RefreshFamily.pool_id == pool_id, RefreshFamily.sub == sub, RefreshFamily.provider == provider)
    unit.execute(
        update(RefreshFamily).where(*theirs, RefreshFamily.revoked_at.is_(None)).values(revoked_at=clock.now())
    )


def user(pool_id: str, sub: str) -> None:
    """Sign a user out everywhere: every token issued until now is dead."""
    unit.write()
    directory.sign_out(pool_id, sub)
    unit.execute(
        update(RefreshFamily)
        .where(RefreshFamily.pool_id == pool_id, RefreshFamily.sub == sub, RefreshFamily.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )
    emit(SignedOutEverywhere(pool_id, sub))
