"""A browser's way through a sign-in: the authorization request it is on, and the session that it ends in.

``web.oauth`` or ``web.saml`` begins a journey (:func:`save`) and ends it (:func:`finish`); ``web.hosted`` leads it
through the pages in between. They meet here, and hand the browser to one another by URL.

Two cookies. The *browser* cookie is given before anybody is known, and every authorization request is bound to it:
a half-finished sign-in cannot be handed to a victim (login CSRF), and no later page opens without the earlier ones.
The *session* cookie says who is signed in; it is new at every sign-in (session fixation). Both are HttpOnly and
SameSite=Lax, and of this pool alone: by their name, and on the pool's path where it has no host of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
from flask import Response, after_this_request, g, request
from sqlalchemy import Row, bindparam, delete, insert, or_, select, update

from poolhouse.core import clock, ids, prepared, runtime, sealing, unit
from poolhouse.core.errors import PoolhouseError
from poolhouse.credentials.models import Password
from poolhouse.federation import upstream_sessions
from poolhouse.federation.models import LinkedIdentity
from poolhouse.federation.provider import LOCAL
from poolhouse.federation.saml_idp import participants
from poolhouse.tokens import revoke
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import User, directory
from poolhouse.users.models import UserRow
from poolhouse.web import pools
from poolhouse.web.models import StoredAuthorizationRequest as Stored
from poolhouse.web.models import StoredBrowserSession as StoredSession

if TYPE_CHECKING:
    from poolhouse.signin.outcome import SignedIn

REQUEST_SECONDS = 3600  # time enough to sign up and to look for a code in the mail
SESSION_SECONDS = 3600  # Cognito's: fixed, not sliding
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
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

    @property
    def sid(self) -> str:
        """The session's public name (OpenID Connect Front-Channel Logout 1.0 §3): of the digest, never the cookie."""
        return self.digest.hex()[:32]


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
            browser=browser_digest(pool),
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
    if _TOKEN.fullmatch(handle):
        row = unit.execute(select(Stored.__table__).where(Stored.digest == _digest(pool, handle))).first()
    if row is None or row.pool_id != pool.id:
        raise JourneyEnded
    if not sealing.same(row.browser, _browser_digest(pool, _browser_cookie(pool))):
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


# --- The session --------------------------------------------------------------------------------------------------


def browser_session(pool: Pool) -> BrowserSession | None:
    """Who is signed in with this browser: one statement, none without a cookie.

    A user who was disabled or deleted, or whose password was set anew since, is not signed in any more; nor is one who
    came through an identity provider that was turned off or deleted, or that is theirs no more.
    """
    cookie = request.cookies.get(_session_name(pool), "")
    if not _TOKEN.fullmatch(cookie):
        return None
    row = _SESSION.first({"digest": _session_digest(pool, cookie), "pool": pool.id, "now": clock.now()})
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
    )


_STILL_THEIRS = select(LinkedIdentity.sub).where(
    LinkedIdentity.pool_id == StoredSession.pool_id,
    LinkedIdentity.sub == StoredSession.sub,
    LinkedIdentity.provider == StoredSession.provider,
)
_SESSION = prepared.Read(
    select(
        *directory.COLUMNS,
        StoredSession.digest,
        StoredSession.client_id,
        StoredSession.auth_time,
        StoredSession.amr,
        StoredSession.created_at.label("begun_at"),
        StoredSession.expires_at,
        StoredSession.provider,
    )
    .select_from(StoredSession)
    .join(UserRow, (UserRow.pool_id == StoredSession.pool_id) & (UserRow.sub == StoredSession.sub))
    .outerjoin(Password, (Password.pool_id == StoredSession.pool_id) & (Password.sub == StoredSession.sub))
    .where(
        StoredSession.digest == bindparam("digest"),
        StoredSession.pool_id == bindparam("pool"),
        StoredSession.revoked_at.is_(None),
        StoredSession.expires_at > bindparam("now"),
        UserRow.enabled,
        or_(Password.set_at.is_(None), Password.set_at <= StoredSession.created_at),
        or_(StoredSession.provider.is_(None), _STILL_THEIRS.exists()),
    )
)


def signed_in(pool: Pool, journey: AuthorizationRequest, signed_in: SignedIn) -> None:
    """Begin this browser's session, in place of whichever it had; the response that follows carries the cookie."""
    cookie, now = ids.token(), clock.now()
    digest, former = _session_digest(pool, cookie), session_held(pool)
    unit.write()
    _revoke(pool, now)
    unit.execute(
        insert(StoredSession).values(
            digest=digest,
            pool_id=pool.id,
            sub=signed_in.user.sub,
            client_id=journey.client_id,
            amr=list(signed_in.amr),
            auth_time=signed_in.auth_time,
            created_at=now,
            expires_at=now + timedelta(seconds=SESSION_SECONDS),
            revoked_at=None,
            provider=signed_in.provider,
        )
    )
    here = _digest(pool, journey.handle)
    unit.execute(update(Stored).where(Stored.digest == here).values(session=digest, notes=None))
    sub = signed_in.user.sub
    if former is not None:
        participants.carry(pool.id, sub, former, digest)
    if signed_in.provider is not None:
        upstream_sessions.attach(pool, signed_in.provider, here, digest, sub, signed_in.auth_time)
    elif former is not None:
        upstream_sessions.carry(pool.id, sub, former, digest)
    _set_cookie(_session_name(pool), cookie, SESSION_SECONDS)


def arrived(pool: Pool, journey: AuthorizationRequest, provider: str, session: Mapping[str, str] | None) -> None:
    """Keep what a provider calls its session, for when somebody is signed in on this journey (single logout)."""
    upstream_sessions.expect(pool.id, provider, session, _digest(pool, journey.handle))


def session_held(pool: Pool) -> bytes | None:
    """The digest of the session whose cookie this browser has, be it over or not."""
    cookie = request.cookies.get(_session_name(pool), "")
    return _session_digest(pool, cookie) if _TOKEN.fullmatch(cookie) else None


def sign_out(pool: Pool) -> None:
    """End this browser's session, if it has one, and take its cookie back."""
    name = _session_name(pool)
    if name not in request.cookies:
        return
    _revoke(pool, clock.now())
    _set_cookie(name, "", 0)


def end(pool: Pool, sessions: Collection[bytes]) -> None:
    """End the sessions of these digests, whichever browsers have them."""
    if not sessions:
        return
    unit.write()
    unit.execute(
        update(StoredSession)
        .where(StoredSession.digest.in_(sessions), StoredSession.pool_id == pool.id, StoredSession.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )
    if session_held(pool) in sessions:
        _set_cookie(_session_name(pool), "", 0)


def _revoke(pool: Pool, now: datetime) -> None:
    held = session_held(pool)
    if held is None:
        return
    unit.write()
    unit.execute(
        update(StoredSession)
        .where(StoredSession.digest == held, StoredSession.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def purge() -> None:
    """Drop requests and sessions that ended more than a day ago."""
    now = clock.now()
    bygone = now - timedelta(days=1)
    unit.write()
    unit.execute(delete(Stored).where(Stored.expires_at < bygone))
    unit.execute(delete(StoredSession).where(or_(StoredSession.expires_at < bygone, StoredSession.revoked_at < bygone)))


# --- The cookies --------------------------------------------------------------------------------------------------


def browser(pool: Pool) -> str:
    """This browser's own random name, given to it with the next response if it has none yet."""
    known = _browser_cookie(pool) or g.get("poolhouse_browser", "")
    if not known:
        known = g.poolhouse_browser = ids.token()
        _set_cookie(_browser_name(pool), known, None)
    return str(known)


def browser_digest(pool: Pool) -> bytes:
    """What trips and journeys know this browser by."""
    return _browser_digest(pool, browser(pool))


def _browser_cookie(pool: Pool) -> str:
    cookie = request.cookies.get(_browser_name(pool), "")
    return cookie if _TOKEN.fullmatch(cookie) else ""


def _session_name(pool: Pool) -> str:
    return _prefix() + "poolhouse-" + pool.id


def _browser_name(pool: Pool) -> str:
    return _prefix() + "poolhouse-browser-" + pool.id


def _prefix() -> str:
    """RFC 6265bis §4.1.3: with these prefixes no neighbouring host, nor plain http, can plant the cookie."""
    if not _secure():
        return ""
    return "__Host-" if _path() == "/" else "__Secure-"


def _secure() -> bool:
    return request.is_secure or runtime.current().settings.secure_cookies


def _path() -> str:
    """``/`` on a pool's own host, ``/<pool id>`` on the shared one."""
    return pools.url("/").rstrip("/") or "/"


def _set_cookie(name: str, value: str, seconds: int | None) -> None:
    path, secure = _path(), _secure()

    @after_this_request
    def attach(response: Response) -> Response:
        response.set_cookie(name, value, max_age=seconds, path=path, secure=secure, httponly=True, samesite="Lax")
        return response


# --- Digests ------------------------------------------------------------------------------------------------------


def _digest(pool: Pool, handle: str) -> bytes:
    return sealing.digest("authorization request", f"{pool.id}/{handle}")


def _browser_digest(pool: Pool, cookie: str) -> bytes:
    return sealing.digest("browser", f"{pool.id}/{cookie}")


def _session_digest(pool: Pool, cookie: str) -> bytes:
    return sealing.digest("browser session", f"{pool.id}/{cookie}")


def _seal_notes(digest: bytes, notes: Mapping[str, Any]) -> bytes | None:
    return sealing.seal(_NOTES, orjson.dumps(notes), digest.hex()) if notes else None


def _open_notes(digest: bytes, sealed: bytes | None) -> Mapping[str, Any]:
    opened: Mapping[str, Any] = orjson.loads(sealing.open_(_NOTES, sealed, digest.hex())) if sealed else {}
    return opened
