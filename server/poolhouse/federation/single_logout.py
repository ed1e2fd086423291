"""Single logout through a browser: everybody who knows of a session is asked in turn, then whoever began is answered.

The session here has ended before the first party is asked, so that a browser that goes astray is signed out all the
same. What is under way is a row that the id of the awaited answer opens, once: no party can answer for another, and
none can answer twice. A party that cannot be asked, or whose answer is not to be believed, counts as one that failed.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Literal

import orjson
from sqlalchemy import delete, insert, select

from poolhouse.core import clock, sealing, unit
from poolhouse.core.events import emit
from poolhouse.federation import catalogue, documents, saml_keys, saml_sp, upstream_sessions
from poolhouse.federation.connector import FederationFailed
from poolhouse.federation.events import SamlLogoutEnded
from poolhouse.federation.models import SamlLogout
from poolhouse.federation.saml_idp import issue, participants, service_providers
from poolhouse.saml import bindings, logout, names
from poolhouse.saml.assertion import Name
from poolhouse.saml.bindings import Received, Sending
from poolhouse.saml.trust import POST, REDIRECT, IdpTrust, Refused
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Pool

log = logging.getLogger("poolhouse.saml")
APP: Final = "app"
PROVIDER: Final = "provider"
Kind = Literal["app", "provider"]
_SEALED_FOR: Final = "saml logout"
_SECONDS: Final = 600
_ID_MAX: Final = 128
# Browsers follow twenty redirects and then give up: a party takes two, and a page in between begins the count anew.
_PAUSE_EVERY: Final = 8


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who knows of a session: an app (its client id) or an identity provider (its name)."""

    kind: Kind
    id: str
    name: Name = field(repr=False)
    session_index: str | None = None


@dataclass(frozen=True, slots=True)
class Beginning:
    """Who began: a party whose request awaits an answer, or with ``address`` a page of an app or of ours."""

    address: str = field(default="", repr=False)
    kind: Kind | None = None
    id: str = ""
    request_id: str = ""
    relay_state: str | None = field(default=None, repr=False)
    binding: str = REDIRECT


@dataclass(frozen=True, slots=True)
class _Logout:
    beginning: Beginning
    waiting: tuple[Party, ...]
    asked: Party | None = None
    total: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """Where the browser goes next; ``pause``: by way of a page, since it was redirected often enough."""

    sending: Sending
    pause: bool = False


class Unanswerable(Exception):
    """Whoever began cannot be told: it is not configured any more, or has nowhere to be told at."""


# --- the way through ------------------------------------------------------------------------------------------------


def parties(pool: Pool, browser_sessions: Collection[bytes], *, but: tuple[Kind, str] | None = None) -> list[Party]:
    """Who is to be asked when these sessions end: apps, then the providers that people came from; ``but`` that one."""
    if not browser_sessions:
        return []
    found = [
        Party(APP, one.client_id, one.name, one.session_index)
        for one in participants.of_sessions(pool.id, browser_sessions)
    ]
    for one in upstream_sessions.of_sessions(pool.id, browser_sessions):
        provider = catalogue.find(pool, one.provider)
        if provider is not None and provider.enabled and provider.flag("IDPSignout"):
            found.append(Party(PROVIDER, one.provider, one.name, one.session_index))
    return [party for party in found if (party.kind, party.id) != but]


def begin(pool: Pool, beginning: Beginning, asking: Iterable[Party]) -> Step:
    """Where the browser goes first. Raises Unanswerable."""
    listed = tuple(dict.fromkeys(asking))
    return _onward(pool, _Logout(beginning, listed, total=len(listed)), None)


def answered(pool: Pool, received: Received, kind: Kind, destinations: Collection[str]) -> Step:
    """Where the browser goes after a party's LogoutResponse. Raises Refused, Unanswerable."""
    awaited = _in_response_to(received)
    digest = _digest(pool.id, awaited)
    present = _load(pool, digest)
    if present.asked is None or present.asked.kind != kind:
        raise Refused("in-response-to", "nobody was asked this")
    if not _confirmed(pool, present.asked, received, awaited, destinations):
        present = replace(present, failed=present.failed + 1)
    return _onward(pool, replace(present, asked=None), digest)


def _onward(pool: Pool, present: _Logout, spent: bytes | None) -> Step:
    """Ask the next party that can be asked; answer whoever began once nobody is left. ``spent`` is answered now."""
    gone = present.total - len(present.waiting)
    pause = gone > 0 and gone % _PAUSE_EVERY == 0
    for place, party in enumerate(present.waiting):
        asking = _question(pool, party)
        if asking is not None:
            number, sending = asking
            following = replace(present, waiting=present.waiting[place + 1 :], asked=party)
            _spend(spent)
            _store(pool, _digest(pool.id, number), following)
            return Step(sending, pause)
        present = replace(present, failed=present.failed + 1)
    _spend(spent)
    if present.total:
        emit(SamlLogoutEnded(pool.id, present.total, present.failed == 0))
    return Step(_conclusion(pool, present), pause)


def _confirmed(pool: Pool, party: Party, received: Received, awaited: str, destinations: Collection[str]) -> bool:
    try:
        told = logout.read_response(
            received,
            issuer=_entity_id(pool, party.kind, party.id),
            certificates=_certificates(pool, party.kind, party.id),
            destinations=destinations,
            in_response_to=awaited,
            now=clock.now(),
            allow_sha1=_allows_sha1(pool, party),
        )
    except (Refused, Unanswerable) as refused:
        log.warning("logout response of %s %s in pool %s does not count: %s", party.kind, party.id, pool.id, refused)
        return False
    return told.complete


def _conclusion(pool: Pool, done: _Logout) -> Sending:
    beginning = done.beginning
    if beginning.kind is None:
        return Sending(beginning.address)
    status = (names.SUCCESS,) if not done.failed else (names.SUCCESS, names.PARTIAL_LOGOUT)
    return answer(pool, beginning, status)


def answer(pool: Pool, beginning: Beginning, status: tuple[str, ...]) -> Sending:
    """The LogoutResponse to the party that began. Raises Unanswerable."""
    assert beginning.kind is not None
    binding, address = _answers_at(pool, beginning.kind, beginning.id, beginning.binding)
    document = logout.response(_ours(pool, beginning.kind), address, beginning.request_id, status, clock.now())
    return _sent(pool, "SAMLResponse", document, binding, address, beginning.relay_state)


def _question(pool: Pool, party: Party) -> tuple[str, Sending] | None:
    """The LogoutRequest to a party and its id; None if it cannot be asked."""
    try:
        binding, address = _asked_at(pool, party.kind, party.id)
    except Unanswerable as error:
        log.warning("%s %s in pool %s cannot be asked to sign out: %s", party.kind, party.id, pool.id, error)
        return None
    ours, now = _ours(pool, party.kind), clock.now()
    number, document = logout.request(ours, address, party.name, party.session_index, now)
    return number, _sent(pool, "SAMLRequest", document, binding, address, None)


def _sent(
    pool: Pool, kind: bindings.Kind, document: bytes, binding: str, address: str, relay_state: str | None
) -> Sending:
    key = saml_keys.signing(pool.id).pair
    return bindings.send(kind, document, binding, address, relay_state=relay_state, key=key)


# --- who they are ---------------------------------------------------------------------------------------------------


def _ours(pool: Pool, kind: Kind) -> str:
    """What we are to them: an identity provider to an app, a service provider to a provider."""
    return issue.entity_id(pool) if kind == APP else saml_sp.entity_id(pool.id)


def _app(pool: Pool, client_id: str) -> service_providers.ServiceProvider:
    client = lookup.find_client(pool, client_id)
    found = service_providers.of(client) if client is not None else None
    if found is None:
        raise Unanswerable("it is no service provider any more")
    return found


def _trust(pool: Pool, name: str) -> IdpTrust:
    provider = catalogue.find(pool, name)
    if provider is None:
        raise Unanswerable("there is no such provider any more")
    try:
        return documents.trust(provider)
    except FederationFailed as error:
        raise Unanswerable(error.hint or str(error)) from None


def _entity_id(pool: Pool, kind: Kind, party: str) -> str:
    return _app(pool, party).entity_id if kind == APP else _trust(pool, party).entity_id


def _certificates(pool: Pool, kind: Kind, party: str) -> Sequence[bytes]:
    return _app(pool, party).certificates if kind == APP else _trust(pool, party).certificates


def _allows_sha1(pool: Pool, party: Party) -> bool:
    provider = catalogue.find(pool, party.id) if party.kind == PROVIDER else None
    return provider is not None and provider.own.get("allow_sha1") is True


def _asked_at(pool: Pool, kind: Kind, party: str) -> tuple[str, str]:
    if kind == APP:
        to = _app(pool, party)
        if to.slo is None:
            raise Unanswerable("it has no single logout service")
        return to.slo_binding, to.slo
    return _chosen(_trust(pool, party).slo, REDIRECT)


def _answers_at(pool: Pool, kind: Kind, party: str, binding: str) -> tuple[str, str]:
    if kind == APP:
        to = _app(pool, party)
        if to.slo_response is None:
            raise Unanswerable("it has no single logout service")
        return to.slo_binding, to.slo_response
    trust = _trust(pool, party)
    return _chosen({**trust.slo, **trust.slo_response}, binding)


def _chosen(services: Mapping[str, str], preferred: str) -> tuple[str, str]:
    """The service of the preferred binding, else of the other."""
    for binding in (preferred, REDIRECT, POST):
        if binding in services:
            return binding, services[binding]
    raise Unanswerable("it has no single logout service")


# --- what is under way ------------------------------------------------------------------------------------------------


def _in_response_to(received: Received) -> str:
    from poolhouse.saml import xml

    found = xml.parse(received.document).get("InResponseTo")
    if not found or len(found) > _ID_MAX:
        raise Refused("in-response-to", "missing")
    return str(found)


def _digest(pool_id: str, number: str) -> bytes:
    return sealing.digest(_SEALED_FOR, f"{pool_id}/{number}")


def _load(pool: Pool, digest: bytes) -> _Logout:
    row = unit.execute(select(SamlLogout.__table__).where(SamlLogout.digest == digest)).first()
    if row is None or row.pool_id != pool.id or row.expires_at <= clock.now():
        raise Refused("in-response-to", "nothing is awaited by that id")
    return _opened(orjson.loads(sealing.open_(_SEALED_FOR, row.sealed, digest.hex())))


def _spend(digest: bytes | None) -> None:
    """Of two answers at the same moment one goes on."""
    if digest is None:
        return
    unit.write()
    if unit.execute(delete(SamlLogout).where(SamlLogout.digest == digest)).rowcount != 1:
        raise Refused("in-response-to", "answered at this moment")


def _store(pool: Pool, digest: bytes, present: _Logout) -> None:
    unit.write()
    unit.execute(
        insert(SamlLogout).values(
            digest=digest,
            pool_id=pool.id,
            sealed=sealing.seal(_SEALED_FOR, orjson.dumps(present), digest.hex()),
            expires_at=clock.now() + timedelta(seconds=_SECONDS),
        )
    )


def _opened(kept: Mapping[str, Any]) -> _Logout:
    asked = kept["asked"]
    return _Logout(
        Beginning(**kept["beginning"]),
        tuple(_party(one) for one in kept["waiting"]),
        None if asked is None else _party(asked),
        kept["total"],
        kept["failed"],
    )


def _party(kept: Mapping[str, Any]) -> Party:
    return Party(kept["kind"], kept["id"], Name(**kept["name"]), kept["session_index"])


def purge() -> None:
    """Drop those that went astray."""
    unit.write()
    unit.execute(delete(SamlLogout).where(SamlLogout.expires_at < clock.now()))
