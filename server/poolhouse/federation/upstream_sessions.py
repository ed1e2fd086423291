"""Sessions at SAML providers that people came from: what their single logout is about, in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Row, delete, insert, select, update

from poolhouse.core import clock, ids, sealing, unit
from poolhouse.federation import catalogue
from poolhouse.federation.models import UpstreamSession
from poolhouse.saml import logout, names
from poolhouse.saml.assertion import Name
from poolhouse.tokens.models import RefreshFamily
from poolhouse.user_pools.snapshots import Pool

SEALED_FOR: Final = "upstream session"
KIND: Final = "SAML"
# Longer than the browser's session: tokens outlive it, and end with the provider's session as well.
_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Upstream:
    """A session at ``provider``: its name for the person and for the session, and what came of it here.

    ``browser_session`` is the digest of the session here, ``auth_time`` when it was begun, in seconds since 1970.
    """

    provider: str
    sub: str
    name: Name = field(repr=False)
    session_index: str | None
    browser_session: bytes = field(repr=False)
    auth_time: int


def expect(pool_id: str, provider: str, session: Mapping[str, str] | None, journey: bytes) -> None:
    """Note the provider's session (:attr:`connector.ExternalIdentity.session`) of whoever arrived on a journey.

    ``journey`` is its digest: once somebody is signed in on it, :func:`attach` says which session came of it.
    """
    if session is None or "name_id" not in session:
        return
    number, now = ids.uuid7(), clock.now()
    unit.write()
    unit.execute(delete(UpstreamSession).where(UpstreamSession.pool_id == pool_id, _in([journey])))
    unit.execute(
        insert(UpstreamSession).values(
            pool_id=pool_id,
            id=number,
            sub="",
            provider=provider,
            name_digest=_name_digest(pool_id, session.get("issuer", ""), session["name_id"]),
            sealed=sealing.seal(SEALED_FOR, orjson.dumps(dict(session)), f"{pool_id}/{number}"),
            browser_session=journey,
            auth_time=0,
            created_at=now,
            expires_at=now + _KEPT,
        )
    )


def attach(pool: Pool, provider: str, journey: bytes, browser_session: bytes, sub: str, auth_time: int) -> None:
    """Say which browser session came of the provider's session that was noted on a journey."""
    known = catalogue.find(pool, provider)
    if known is None or known.type != KIND:
        return
    unit.write()
    unit.execute(
        update(UpstreamSession)
        .where(UpstreamSession.pool_id == pool.id, UpstreamSession.provider == provider, _in([journey]))
        .values(browser_session=browser_session, sub=sub, auth_time=auth_time)
    )


def carry(pool_id: str, sub: str, former: bytes, browser_session: bytes) -> None:
    """Let the session that takes the place of ``former`` in a browser have its origin, if it is of the same ``sub``.

    ``auth_time`` stays: it is that of the tokens which were issued then.
    """
    unit.write()
    unit.execute(
        update(UpstreamSession)
        .where(UpstreamSession.pool_id == pool_id, _in([former]), UpstreamSession.sub == sub)
        .values(browser_session=browser_session)
    )


def of_sessions(pool_id: str, browser_sessions: Iterable[bytes]) -> tuple[Upstream, ...]:
    """The sessions at providers that these browser sessions came of."""
    return _found(pool_id, _in(browser_sessions))


def of_name(pool_id: str, issuer: str, name: Name) -> tuple[Upstream, ...]:
    """The sessions in which the party of that entity id called somebody exactly so."""
    found = _found(pool_id, UpstreamSession.name_digest == _name_digest(pool_id, issuer, name.value))
    return tuple(one for one in found if one.sub and logout.same_name(one.name, name))


def providers(pool_id: str, issuer: str, name: Name) -> tuple[str, ...]:
    """The providers that may be the party of that entity id: those through which it named this person."""
    mine = UpstreamSession.name_digest == _name_digest(pool_id, issuer, name.value)
    rows = unit.execute(select(UpstreamSession.provider).where(UpstreamSession.pool_id == pool_id, mine).distinct())
    return tuple(sorted(row.provider for row in rows))


def end_tokens(pool_id: str, ended: Iterable[Upstream]) -> None:
    """Revoke the refresh families that came of these sessions."""
    unit.write()
    for one in ended:
        unit.execute(
            update(RefreshFamily)
            .where(
                RefreshFamily.pool_id == pool_id,
                RefreshFamily.sub == one.sub,
                RefreshFamily.provider == one.provider,
                RefreshFamily.auth_time == one.auth_time,
                RefreshFamily.revoked_at.is_(None),
            )
            .values(revoked_at=clock.now())
        )


def purge() -> None:
    """Drop those that are too old for anybody to name them."""
    unit.write()
    unit.execute(delete(UpstreamSession).where(UpstreamSession.expires_at < clock.now()))


def _in(browser_sessions: Iterable[bytes]) -> ColumnElement[bool]:
    return UpstreamSession.browser_session.in_(list(browser_sessions))


def _found(pool_id: str, condition: ColumnElement[bool]) -> tuple[Upstream, ...]:
    rows = unit.execute(select(UpstreamSession.__table__).where(UpstreamSession.pool_id == pool_id, condition))
    return tuple(_of(row) for row in rows)


def _of(row: Row[Any]) -> Upstream:
    session = orjson.loads(sealing.open_(SEALED_FOR, row.sealed, f"{row.pool_id}/{row.id}"))
    name = Name(
        session["name_id"],
        session.get("name_id_format") or names.UNSPECIFIED,
        session.get("name_qualifier"),
        session.get("sp_name_qualifier"),
    )
    return Upstream(row.provider, row.sub, name, session.get("session_index"), row.browser_session, row.auth_time)


def _name_digest(pool_id: str, issuer: str, value: str) -> bytes:
    """A plain digest: it has to find the name under the next master key, too."""
    return sealing.sha256(f"{pool_id}/{issuer}\n{value}")
