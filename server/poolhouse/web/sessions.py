"""Who is signed in with a browser: what single sign-on rests on. The cookie is stored as its digest."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, or_, select, update

from poolhouse.core import clock, prepared, unit
from poolhouse.core.events import Event
from poolhouse.credentials.models import Password
from poolhouse.federation.events import IdentityUnlinked
from poolhouse.federation.models import LinkedIdentity
from poolhouse.federation.provider import LOCAL
from poolhouse.tokens import claims, revoke
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import User, directory
from poolhouse.users.models import UserRow
from poolhouse.web import cookies
from poolhouse.web.models import StoredBrowserSession as Stored

if TYPE_CHECKING:
    from poolhouse.signin.outcome import SignedIn

SESSION_SECONDS = 3600  # Cognito's: fixed, not sliding


@dataclass(frozen=True)
class BrowserSession:
    """Somebody is signed in with this browser. ``auth_time`` in seconds since 1970, as tokens have it."""

    digest: bytes = field(repr=False)
    pool_id: str
    sub: str
    client_id: str
    auth_time: int
    amr: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    user: User
    provider: str | None = None
    acr: str | None = None

    @property
    def level(self) -> str:
        """How sure the sign-in was, in Cognito's words."""
        return self.acr or claims.acr(self.amr)

    def counts_at(self, client: Client) -> bool:
        """Whether it lets somebody into that app: the way in of another app is not this one's (Dex GO-2026-5231).

        Nor is a provider's word alone, given to another app, where this one demands a second factor of ours.
        """
        if not client.offers(self.provider or LOCAL):
            return False
        demands = bool(client.own.get("mfa_after_federation")) and client.pool.mfa != "OFF"
        alone = self.provider is not None and set(self.amr) <= {"fed"}
        return not (demands and alone) or self.client_id == client.id

    @property
    def sid(self) -> str:
        """The session's public name (OpenID Connect Front-Channel Logout 1.0 §3): of the digest, never the cookie."""
        return self.digest.hex()[:32]


def current(pool: Pool) -> BrowserSession | None:
    """Who is signed in with this browser: one statement, none without a cookie.

    A user who was disabled or deleted, or whose password was set anew since, is not signed in any more; nor is one who
    came through an identity provider that was turned off or deleted, or that is theirs no more.
    """
    held = cookies.session(pool)
    if held is None:
        return None
    row = _SESSION.first({"digest": held, "pool": pool.id, "now": clock.now()})
    if row is None or revoke.cut_off(pool.id, row.provider, row.begun_at):
        return None
    return BrowserSession(
        digest=row.digest,
        pool_id=row.pool_id,
        sub=row.sub,
        client_id=row.client_id,
        auth_time=row.auth_time,
        amr=tuple(row.amr),
        created_at=row.begun_at,
        expires_at=row.expires_at,
        user=directory.of_row(row),
        provider=row.provider,
        acr=row.acr,
    )


_STILL_THEIRS = select(LinkedIdentity.sub).where(
    LinkedIdentity.pool_id == Stored.pool_id,
    LinkedIdentity.sub == Stored.sub,
    LinkedIdentity.provider == Stored.provider,
)
_SESSION = prepared.Read(
    select(
        *directory.COLUMNS,
        Stored.digest,
        Stored.client_id,
        Stored.auth_time,
        Stored.amr,
        Stored.created_at.label("begun_at"),
        Stored.expires_at,
        Stored.provider,
        Stored.acr,
    )
    .select_from(Stored)
    .join(UserRow, (UserRow.pool_id == Stored.pool_id) & (UserRow.sub == Stored.sub))
    .outerjoin(Password, (Password.pool_id == Stored.pool_id) & (Password.sub == Stored.sub))
    .where(
        Stored.digest == bindparam("digest"),
        Stored.pool_id == bindparam("pool"),
        Stored.revoked_at.is_(None),
        Stored.expires_at > bindparam("now"),
        UserRow.enabled,
        or_(Password.set_at.is_(None), Password.set_at <= Stored.created_at),
        or_(Stored.provider.is_(None), _STILL_THEIRS.exists()),
    )
)


def begin(pool: Pool, client_id: str, signed_in: SignedIn) -> bytes:
    """Begin this browser's session, in place of whichever it had; its digest. The response carries the cookie."""
    now, former = clock.now(), cookies.session(pool)
    digest = cookies.new_session(pool, SESSION_SECONDS)
    unit.write()
    _revoke(former, now)
    unit.execute(
        insert(Stored).values(
            digest=digest,
            pool_id=pool.id,
            sub=signed_in.user.sub,
            client_id=client_id,
            amr=list(signed_in.amr),
            auth_time=signed_in.auth_time,
            created_at=now,
            expires_at=now + timedelta(seconds=SESSION_SECONDS),
            revoked_at=None,
            provider=signed_in.provider,
            acr=signed_in.acr,
        )
    )
    return digest


def sign_out(pool: Pool) -> None:
    """End this browser's session, if it has one, and take its cookie back."""
    _revoke(cookies.session(pool), clock.now())
    cookies.drop_session(pool)


def end(pool: Pool, sessions: Collection[bytes]) -> None:
    """End the sessions of these digests, whichever browsers have them."""
    if not sessions:
        return
    unit.write()
    unit.execute(
        update(Stored)
        .where(Stored.digest.in_(sessions), Stored.pool_id == pool.id, Stored.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )
    if cookies.session(pool) in sessions:
        cookies.drop_session(pool)


def hear(fact: Event) -> None:
    """For the bus: what came of an identity ends with its link, also where the user has another at that provider."""
    if not isinstance(fact, IdentityUnlinked):
        return
    theirs = (Stored.pool_id == fact.pool_id, Stored.sub == fact.sub, Stored.provider == fact.provider)
    unit.write()
    unit.execute(update(Stored).where(*theirs, Stored.revoked_at.is_(None)).values(revoked_at=clock.now()))


def _revoke(digest: bytes | None, now: datetime) -> None:
    if digest is None:
        return
    unit.write()
    unit.execute(update(Stored).where(Stored.digest == digest, Stored.revoked_at.is_(None)).values(revoked_at=now))


def purge() -> None:
    """Drop sessions that ended more than a day ago."""
    bygone = clock.ago(days=1)
    unit.write()
    unit.execute(delete(Stored).where(or_(Stored.expires_at < bygone, Stored.revoked_at < bygone)))
