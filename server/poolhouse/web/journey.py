"""A browser's way through a sign-in: from an app's request to the session that it ends in.

``web.oauth`` or ``web.saml`` begins a journey (:func:`save`) and ends it (:func:`finish`); ``web.hosted`` leads it
through the pages in between. They meet here, and hand the browser to one another by URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
from sqlalchemy import Row, delete, insert, select, update

from poolhouse.core import clock, ids, sealing, unit
from poolhouse.core.errors import PoolhouseError
from poolhouse.federation import upstream_sessions
from poolhouse.federation.provider import LOCAL
from poolhouse.federation.saml_idp import participants
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.web import cookies, pools, sessions
from poolhouse.web.models import StoredAuthorizationRequest as Stored
from poolhouse.web.sessions import BrowserSession

if TYPE_CHECKING:
    from poolhouse.signin.outcome import SignedIn

REQUEST_SECONDS = 3600  # time enough to sign up and to look for a code in the mail
_NOTES = "authorization request notes"


@dataclass(frozen=True, slots=True)
class Protocol:
    """What an app asked in: the endpoint that takes a journey up again once somebody is signed in.

    ``begins`` is the endpoint that begins the same journey anew from its parameters, "" where no link can do that;
    ``refuses`` the one that tells the app that nobody signed in, from the note ``failed`` (``oauth``, ``sentence``).
    """

    name: str
    continues: str
    begins: str = ""
    refuses: str = ""


OAUTH = Protocol("oauth", "/oauth2/authorize/continue", "/oauth2/authorize", "/oauth2/authorize/refuse")
SAML = Protocol("saml", "/saml2/idp/sso/continue", refuses="/saml2/idp/sso/refuse")
_PROTOCOLS = {protocol.name: protocol for protocol in (OAUTH, SAML)}


class JourneyEnded(PoolhouseError):
    """The authorization request that a page names cannot be gone on with; ``kind`` says why, for the error page."""

    aws = "InvalidParameterException"
    kind = "unknown"
    sentence = "This sign-in is not known here."

    def __init__(self, again: str = "") -> None:
        super().__init__()
        self.again = again  # where the same begins again, if this very browser had begun it


class JourneyExpired(JourneyEnded):
    kind = "expired"
    sentence = "This sign-in took too long."


class JourneyElsewhere(JourneyEnded):
    kind = "elsewhere"
    sentence = "This sign-in was begun in another browser."


class JourneyFinished(JourneyEnded):
    kind = "finished"
    sentence = "This sign-in is complete."


@dataclass(frozen=True)
class AuthorizationRequest:
    """A stored request of an app. ``parameters`` are those that its endpoint stored, ``notes`` those of the pages."""

    handle: str = field(repr=False)
    pool_id: str
    client_id: str
    parameters: Mapping[str, Any]
    created_at: datetime
    expires_at: datetime
    session: bytes | None = field(default=None, repr=False)
    notes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    protocol: Protocol = OAUTH

    @property
    def continue_url(self) -> str:
        """Where the journey goes on once somebody is signed in."""
        return continue_url(self.handle, self.protocol)

    @property
    def refuse_url(self) -> str:
        """Where the journey ends without anybody signed in; "" where the protocol has no such end."""
        return pools.url(f"{self.protocol.refuses}?request={self.handle}") if self.protocol.refuses else ""

    def signed_in_by(self, session: BrowserSession | None) -> bool:
        """Whether ``session`` was begun on this very journey: what prompt=login and a passed max_age ask for."""
        return session is not None and self.session is not None and sealing.same(self.session, session.digest)


# --- The authorization request ------------------------------------------------------------------------------------


def save(pool: Pool, client: Client, parameters: Mapping[str, Any], protocol: Protocol = OAUTH) -> str:
    """Store a valid request of an app for this browser; its handle is ``request=`` of every page that follows.

    Of the parameters (JSON values) the pages read those that authorization requests have too: ``redirect_uri`` (where
    the journey leads), ``login_hint``, ``prompt``, ``screen_hint``, ``ui_locales``.
    """
    handle, now = ids.token(), clock.now()
    unit.write()
    unit.execute(
        insert(Stored).values(
            digest=_digest(pool, handle),
            pool_id=pool.id,
            client_id=client.id,
            protocol=protocol.name,
            browser=cookies.browser_digest(pool),
            parameters=dict(parameters),
            notes=None,
            session=None,
            created_at=now,
            expires_at=now + timedelta(seconds=REQUEST_SECONDS),
            finished_at=None,
        )
    )
    return handle


def load(pool: Pool, handle: str) -> AuthorizationRequest:
    """The request behind ``handle``: one statement. Raises :class:`JourneyEnded`, of the kind that it is."""
    row = None
    if cookies.TOKEN.fullmatch(handle):
        row = unit.execute(select(Stored.__table__).where(Stored.digest == _digest(pool, handle))).first()
    if row is None or row.pool_id != pool.id:
        raise JourneyEnded
    if not sealing.same(row.browser, cookies.browser_came(pool)):
        raise JourneyElsewhere
    if row.finished_at is not None:
        raise JourneyFinished(_again(row))
    if row.expires_at <= clock.now():
        raise JourneyExpired(_again(row))
    return AuthorizationRequest(
        handle=handle,
        pool_id=row.pool_id,
        client_id=row.client_id,
        parameters=row.parameters,
        created_at=row.created_at,
        expires_at=row.expires_at,
        session=row.session,
        notes=_open_notes(row.digest, row.notes),
        protocol=_PROTOCOLS[row.protocol],
    )


def _again(row: Row[Any]) -> str:
    begins = _PROTOCOLS[row.protocol].begins
    plain = {name: value for name, value in row.parameters.items() if isinstance(value, str)}
    return pools.url(f"{begins}?{urlencode(plain)}") if begins else ""


def note(pool: Pool, journey: AuthorizationRequest, **notes: Any) -> None:
    """Replace what the pages of this journey remember (JSON values; sealed, since they name people)."""
    digest = _digest(pool, journey.handle)
    unit.write()
    unit.execute(
        update(Stored)
        .where(Stored.digest == digest, Stored.finished_at.is_(None))
        .values(notes=_seal_notes(digest, notes))
    )


def finish(pool: Pool, journey: AuthorizationRequest) -> bool:
    """Spend the request, just before its answer is made; False if that has happened before."""
    unit.write()
    spent = unit.execute(
        update(Stored)
        .where(Stored.digest == _digest(pool, journey.handle), Stored.finished_at.is_(None))
        .values(finished_at=clock.now(), notes=None)
    )
    return spent.rowcount == 1


def continue_url(handle: str, protocol: Protocol = OAUTH) -> str:
    """Where the journey goes on once somebody is signed in."""
    return pools.url(f"{protocol.continues}?request={handle}")


def first_url(handle: str, parameters: Mapping[str, Any], provider: str | None = None) -> str:
    """The first page: that of the identity provider if the app named one; sign-up if it was asked for; else sign-in.

    Sign-up is asked for by prompt=create, and by our screen_hint.
    """
    if provider not in {None, LOCAL}:
        return pools.url("/login/via?" + urlencode({"request": handle, "provider": provider}))
    hint = parameters.get("screen_hint")
    if hint == "signup" or "create" in str(parameters.get("prompt") or "").split():
        return pools.url(f"/signup?request={handle}")
    if hint == "forgotPassword":
        return pools.url(f"/forgotPassword?request={handle}")
    return pools.url(f"/login?request={handle}")


# --- The end -------------------------------------------------------------------------------------------------------


def signed_in(pool: Pool, journey: AuthorizationRequest, signed_in: SignedIn) -> None:
    """Begin this browser's session, in place of whichever it had; the response that follows carries the cookie."""
    former = cookies.session(pool)
    digest = sessions.begin(pool, journey.client_id, signed_in)
    here = _digest(pool, journey.handle)
    unit.execute(update(Stored).where(Stored.digest == here).values(session=digest, notes=None))
    sub = signed_in.user.sub
    if former is not None:
        participants.carry(pool.id, sub, former, digest)
    if signed_in.provider is not None:
        upstream_sessions.attach(pool, signed_in.provider, here, digest, sub, signed_in.auth_time)
    elif former is not None:
        upstream_sessions.carry(pool.id, sub, former, digest)


def arrived(pool: Pool, journey: AuthorizationRequest, provider: str, session: Mapping[str, str] | None) -> None:
    """Keep what a provider calls its session, for when somebody is signed in on this journey (single logout)."""
    upstream_sessions.expect(pool.id, provider, session, _digest(pool, journey.handle))


def purge() -> None:
    """Drop requests that ended more than a day ago."""
    unit.write()
    unit.execute(delete(Stored).where(Stored.expires_at < clock.ago(days=1)))


# --- Digests ------------------------------------------------------------------------------------------------------


def _digest(pool: Pool, handle: str) -> bytes:
    return sealing.digest("authorization request", f"{pool.id}/{handle}")


def _seal_notes(digest: bytes, notes: Mapping[str, Any]) -> bytes | None:
    return sealing.seal(_NOTES, orjson.dumps(notes), digest.hex()) if notes else None


def _open_notes(digest: bytes, sealed: bytes | None) -> Mapping[str, Any]:
    opened: Mapping[str, Any] = orjson.loads(sealing.open_(_NOTES, sealed, digest.hex())) if sealed else {}
    return opened
