"""Which service providers know of a browser's session: those that have to hear when it ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from poolhouse.core import clock, sealing, unit
from poolhouse.federation.saml_idp.models import SamlParticipant
from poolhouse.saml import logout
from poolhouse.saml.assertion import Name

SEALED_FOR: Final = "saml participant"
# Longer than the session: a service provider keeps one of its own, and may end that days later.
_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Participant:
    """A service provider (``client_id``) in a session, and what it knows the person and the session by."""

    client_id: str
    sub: str
    name: Name = field(repr=False)
    session_index: str
    browser_session: bytes = field(repr=False)


def join(pool_id: str, joining: Participant) -> None:
    """Note that a service provider was told of a session; what it was told before counts no more."""
    here = (
        SamlParticipant.pool_id == pool_id,
        SamlParticipant.browser_session == joining.browser_session,
        SamlParticipant.client_id == joining.client_id,
    )
    values = {
        "sub": joining.sub,
        "session_index": joining.session_index,
        "name_digest": _name_digest(pool_id, joining.name.value),
        "sealed": sealing.seal(
            SEALED_FOR, _kept(joining.name), sealed_context(pool_id, joining.client_id, joining.session_index)
        ),
        "expires_at": clock.now() + _KEPT,
    }
    unit.write()
    if unit.execute(update(SamlParticipant).where(*here).values(**values)).rowcount:
        return
    keys = {"pool_id": pool_id, "browser_session": joining.browser_session, "client_id": joining.client_id}
    try:
        with unit.current().connection.begin_nested():
            unit.execute(insert(SamlParticipant).values(**keys, **values, created_at=clock.now()))
    except IntegrityError:  # at the same moment, in another window: the names are the same
        unit.execute(update(SamlParticipant).where(*here).values(**values))


def of_sessions(pool_id: str, browser_sessions: Iterable[bytes]) -> tuple[Participant, ...]:
    """Who takes part in these browser sessions, in the order in which they joined."""
    return _found(pool_id, SamlParticipant.browser_session.in_(list(browser_sessions)))


def of_name(pool_id: str, client_id: str, name: Name, session_indexes: Iterable[str]) -> tuple[Participant, ...]:
    """The sessions in which a service provider knows somebody by exactly that name; all, or those of the indexes.

    Only what was told to this very service provider is found: it can name nobody else, and nobody else's session.
    """
    mine = _found(
        pool_id,
        SamlParticipant.client_id == client_id,
        SamlParticipant.name_digest == _name_digest(pool_id, name.value),
    )
    wanted = set(session_indexes)
    return tuple(
        one for one in mine if logout.same_name(one.name, name) and (not wanted or one.session_index in wanted)
    )


def carry(pool_id: str, sub: str, former: bytes, browser_session: bytes) -> None:
    """Let the session that takes the place of ``former`` keep its participants, if it is the same person's.

    They would not be asked otherwise when somebody who had to prove themselves once more signs out.
    """
    unit.write()
    unit.execute(
        update(SamlParticipant)
        .where(
            SamlParticipant.pool_id == pool_id,
            SamlParticipant.browser_session == former,
            SamlParticipant.sub == sub,
        )
        .values(browser_session=browser_session)
    )


def forget(pool_id: str, browser_sessions: Iterable[bytes]) -> None:
    """Drop who took part in sessions that are over."""
    unit.write()
    gone = SamlParticipant.browser_session.in_(list(browser_sessions))
    unit.execute(delete(SamlParticipant).where(SamlParticipant.pool_id == pool_id, gone))


def purge() -> None:
    """Drop those that are too old for anybody to name them."""
    unit.write()
    unit.execute(delete(SamlParticipant).where(SamlParticipant.expires_at < clock.now()))


def _found(pool_id: str, *conditions: ColumnElement[bool]) -> tuple[Participant, ...]:
    rows = unit.execute(
        select(SamlParticipant.__table__)
        .where(SamlParticipant.pool_id == pool_id, *conditions)
        .order_by(SamlParticipant.created_at, SamlParticipant.client_id)
    )
    return tuple(_of(row) for row in rows)


def _of(row: Row[Any]) -> Participant:
    context = sealed_context(row.pool_id, row.client_id, row.session_index)
    name = Name(*orjson.loads(sealing.open_(SEALED_FOR, row.sealed, context)))
    return Participant(row.client_id, row.sub, name, row.session_index, row.browser_session)


def sealed_context(pool_id: str, client_id: str, session_index: str) -> str:
    """What a sealed name is bound to."""
    return f"{pool_id}/{client_id}/{session_index}"


def _kept(name: Name) -> bytes:
    return orjson.dumps([name.value, name.format, name.qualifier, name.sp_qualifier])


def _name_digest(pool_id: str, value: str) -> bytes:
    """A plain digest: it has to find the name under the next master key, too."""
    return sealing.sha256(f"{pool_id}/{value}")
