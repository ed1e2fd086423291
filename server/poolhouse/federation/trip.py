"""A browser's trip to a provider and back: a row that a handle opens, once, at one stage, and not for long.

``out``: the browser is at the provider; the handle is OAuth's ``state``, SAML's ``RelayState``. ``back``: the answer
was read where no cookie comes along (a cross-site POST), and waits for the browser that it is for. ``linking``:
somebody was offered to connect an account (:mod:`poolhouse.federation.offers`).

Spend a trip in a unit of its own, and store that, before the provider is asked anything: an answer counts once, even
if what follows fails.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, insert, select, update

from poolhouse.core import circumstances, clock, ids, sealing, unit
from poolhouse.federation.connector import Claim, ExternalIdentity, FederationFailed
from poolhouse.federation.models import StoredTrip
from poolhouse.federation.provider import Provider
from poolhouse.user_pools.snapshots import Pool

OUT: Final = "out"
BACK: Final = "back"
LINKING: Final = "linking"
# Cognito's time for a federated sign-in; an offer stands as long as it takes to look for a password and a code.
SECONDS: Final = {OUT: 300, BACK: 300, LINKING: 900}
_SEAL: Final = "federation trip"
_HANDLE_BYTES: Final = 32
_LONGEST_HANDLE: Final = 128


class TripEnded(FederationFailed):
    """The handle opens nothing: made up, or long gone. ``kind`` says which, for the page; ``trip`` is its trip."""

    oauth = "access_denied"
    kind = "unknown"
    sentence = "This sign-in is not known here. Start it again from the app."

    def __init__(self, trip: Trip | None = None) -> None:
        super().__init__()
        self.trip = trip


class TripExpired(TripEnded):
    kind = "expired"
    sentence = "The sign-in at the identity provider took too long. Start it again."


class TripSpent(TripEnded):
    """Its answer has come before: a reload, or somebody who replays it (ZITADEL CVE-2025-46815)."""

    kind = "finished"
    sentence = "This answer of the identity provider was used already. Start the sign-in again."


class TripElsewhere(TripEnded):
    """Another browser began it: whoever hands this one out wants somebody else signed in as them (login CSRF)."""

    kind = "elsewhere"
    sentence = "This sign-in was begun in another browser: finish it there, or start again here."


@dataclass(frozen=True, slots=True)
class Failure:
    """Why nobody came back, to be said at the page that follows: the members of a FederationFailed.

    ``reference`` is the id of the request that found out, which the log has with the hint.
    """

    kind: str
    oauth: str
    sentence: str
    reference: str = ""

    @classmethod
    def of(cls, error: FederationFailed) -> Failure:
        """What ``error`` says; its hint is for the log alone."""
        return cls(error.kind, error.oauth, str(error), circumstances.current().request_id)


@dataclass(frozen=True, slots=True)
class Trip:
    """What a trip knows. ``journey`` is the handle of the authorization request, ``browser`` the digest of the cookie.

    Both are empty where a provider sent somebody unasked; ``request`` are then the authorization request's parameters.
    ``base`` is where the browser is with us (a pool may be reached by path and by a host of its own, and its cookies
    are of one of them). ``target`` is whose account is to be connected, at the stage ``linking``. ``unasked``: the
    answer is of nobody's request, so that any page in the world may have brought it to this browser.
    """

    pool_id: str
    provider: str
    stage: str
    created_at: datetime
    journey: str = field(default="", repr=False)
    browser: bytes = field(default=b"", repr=False)
    base: str = ""
    remember: Mapping[str, Any] = field(default_factory=dict, repr=False)
    request: Mapping[str, str] | None = field(default=None, repr=False)
    identity: ExternalIdentity | None = field(default=None, repr=False)
    failure: Failure | None = None
    target: str = ""
    unasked: bool = False


def new_handle() -> str:
    """A handle for :func:`begin`: a connector has to know it before the trip knows what the connector remembers."""
    return ids.token(_HANDLE_BYTES)


def begin(
    pool: Pool,
    provider: Provider,
    handle: str,
    *,
    journey: str,
    browser: bytes,
    remember: Mapping[str, Any],
    base: str = "",
) -> None:
    """Store that the browser leaves for ``provider``. ``remember`` is :attr:`connector.Sent.remember`."""
    _store(handle, Trip(pool.id, provider.name, OUT, clock.now(), journey, browser, base, remember))


def come_back(trip: Trip, identity: ExternalIdentity) -> str:
    """Store who came back from ``trip``; the handle for the page that checks the browser."""
    return _follow(trip, BACK, identity=identity)


def come_back_failed(trip: Trip, error: FederationFailed) -> str:
    """Store that nobody came back from ``trip``, and why; the handle for the page that says so."""
    return _follow(trip, BACK, failure=Failure.of(error))


def unasked(pool: Pool, provider: Provider, identity: ExternalIdentity, request: Mapping[str, str]) -> str:
    """Store whom ``provider`` sent without our asking (SAML begun there); the handle for the page that goes on."""
    handle = new_handle()
    _store(handle, Trip(pool.id, provider.name, BACK, clock.now(), request=request, identity=identity))
    return handle


def join(trip: Trip, *, journey: str, browser: bytes) -> str:
    """Go on with what was :func:`unasked` in the browser that has fetched it; the handle for that browser's page."""
    return _follow(trip, BACK, journey=journey, browser=browser, request=None, unasked=True)


def offer(pool: Pool, provider: Provider, identity: ExternalIdentity, *, journey: str, browser: bytes, to: str) -> str:
    """Store that ``identity`` may be connected to the user ``to`` (a sub), once that user has signed in."""
    handle = new_handle()
    _store(handle, Trip(pool.id, provider.name, LINKING, clock.now(), journey, browser, identity=identity, target=to))
    return handle


def look(pool: Pool, handle: str, stage: str) -> Trip:
    """The trip behind ``handle``, unspent. Raises :class:`TripEnded` of the kind that it is."""
    return _find(pool, handle, stage)


def spend(pool: Pool, handle: str, stage: str = OUT, *, browser: bytes | None = None) -> Trip:
    """The trip behind ``handle``, which opens nothing any more: of two answers at the same moment one goes on.

    ``browser``: the digest of the cookie that came, where the trip must be that browser's; a trip of another browser
    stays as it is. Raises :class:`TripEnded` of the kind that it is.
    """
    trip = _find(pool, handle, stage)
    if browser is not None and trip.browser and not sealing.same(trip.browser, browser):
        raise TripElsewhere(trip)
    unit.write()
    spent = unit.execute(
        update(StoredTrip)
        .where(StoredTrip.digest == _digest(pool.id, handle), StoredTrip.spent_at.is_(None))
        .values(spent_at=clock.now())
    )
    if spent.rowcount != 1:
        raise TripSpent(trip)
    return trip


def purge() -> None:
    """Drop trips that have expired for an hour: until then the page says that they have."""
    unit.write()
    unit.execute(delete(StoredTrip).where(StoredTrip.expires_at < clock.ago(hours=1)))


def _find(pool: Pool, handle: str, stage: str) -> Trip:
    if not 0 < len(handle) <= _LONGEST_HANDLE:
        raise TripEnded
    row = unit.execute(select(StoredTrip.__table__).where(StoredTrip.digest == _digest(pool.id, handle))).first()
    if row is None or row.pool_id != pool.id or row.stage != stage:
        raise TripEnded
    trip = _of(row, json.loads(sealing.open_(_SEAL, row.sealed, row.digest.hex())))
    if row.spent_at is not None:
        raise TripSpent(trip)
    if row.expires_at <= clock.now():
        raise TripExpired(trip)
    return trip


def _follow(trip: Trip, stage: str, **changes: Any) -> str:
    handle = new_handle()
    _store(handle, replace(trip, stage=stage, created_at=clock.now(), remember={}, **changes))
    return handle


def _store(handle: str, trip: Trip) -> None:
    digest = _digest(trip.pool_id, handle)
    unit.write()
    unit.execute(
        insert(StoredTrip).values(
            digest=digest,
            pool_id=trip.pool_id,
            provider=trip.provider,
            stage=trip.stage,
            sealed=sealing.seal(_SEAL, json.dumps(_kept(trip)).encode(), digest.hex()),
            created_at=trip.created_at,
            expires_at=trip.created_at + timedelta(seconds=SECONDS[trip.stage]),
            spent_at=None,
        )
    )


def _digest(pool_id: str, handle: str) -> bytes:
    return sealing.digest(_SEAL, f"{pool_id}/{handle}")


def _kept(trip: Trip) -> dict[str, Any]:
    return {
        "journey": trip.journey,
        "browser": trip.browser.hex(),
        "base": trip.base,
        "remember": dict(trip.remember),
        "request": None if trip.request is None else dict(trip.request),
        "identity": None if trip.identity is None else kept_identity(trip.identity),
        "failure": None if trip.failure is None else astuple(trip.failure),
        "target": trip.target,
        "unasked": trip.unasked,
    }


def _of(row: Any, kept: Mapping[str, Any]) -> Trip:
    return Trip(
        row.pool_id,
        row.provider,
        row.stage,
        row.created_at,
        journey=kept["journey"],
        browser=bytes.fromhex(kept["browser"]),
        base=kept["base"],
        remember=kept["remember"],
        request=kept["request"],
        identity=None if kept["identity"] is None else identity_of(kept["identity"]),
        failure=None if kept["failure"] is None else Failure(*kept["failure"]),
        target=kept["target"],
        unasked=kept["unasked"],
    )


def kept_identity(identity: ExternalIdentity) -> dict[str, Any]:
    """``identity`` as JSON values."""
    return {
        "subject": identity.subject,
        "claims": dict(identity.claims),
        "acr": identity.acr,
        "auth_time": identity.auth_time,
        "inbound": dict(identity.inbound),
        "tokens": None if identity.tokens is None else dict(identity.tokens),
        "session": None if identity.session is None else dict(identity.session),
    }


def identity_of(kept: Mapping[str, Any]) -> ExternalIdentity:
    """The identity that :func:`kept_identity` wrote down."""
    claims: dict[str, Claim] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in kept["claims"].items()
    }
    return ExternalIdentity(**{**kept, "claims": claims})
