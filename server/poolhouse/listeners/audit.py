"""The audit log: a row for every fact on the bus, in the transaction that makes it a fact.

What is audited: sign-ups, confirmations, sign-ins and sign-outs, changes of passwords, factors, attributes, groups and
configuration, reuse of a refresh token: whatever a package states as an event. What is not: that an access token was
refreshed, introspected or issued to a machine. Those happen thousands of times for one sign-in, leave their trace in
the refresh family (or nowhere, by design: ``client_credentials`` costs no statement), and so no event is stated.

A row says who, to whom, when, from where. It never holds a secret, a code, or an attribute of anybody: the log lives
longer than the people in it may want to.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from poolhouse.core import circumstances, clock, ids, prepared
from poolhouse.core.events import Bus, Event
from poolhouse.listeners.models import AuditEvent

_COLUMNS = frozenset({"pool_id", "sub", "client_id"})
# An event that carries one of these does so for webhooks; the log does without, however the field came to be there.
_NEVER = (
    "password", "secret", "code", "token", "attributes", "verifier", "handle", "email", "phone", "address", "username",
)  # fmt: skip
_LONGEST = 500


def listen(bus: Bus) -> None:
    """Write down what happens on ``bus``."""
    bus.inside(record)


def record(event: Event) -> None:
    """One row for ``event``: one statement."""
    around = circumstances.current()
    _ROW.run(
        {
            "id": ids.uuid7(),
            "pool_id": event.pool_id,
            "at": clock.now(),
            "name": type(event).__name__,
            "principal": around.principal,
            "sub": getattr(event, "sub", None),
            "client_id": getattr(event, "client_id", None) or None,
            "request_id": around.request_id or None,
            "remote_address": around.remote_address[:64] or None,
            "detail": detail(event),
        }
    )


_ROW = prepared.Write(insert(AuditEvent))


def detail(event: Event) -> dict[str, Any]:
    """The fields of ``event`` that have no column of their own and may be kept."""
    kept = {}
    for field in fields(event):
        if field.name in _COLUMNS or any(word in field.name for word in _NEVER):
            continue
        kept[field.name] = _plain(getattr(event, field.name))
    return kept


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list | set | frozenset):
        return [_plain(item) for item in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    return str(value)[:_LONGEST]
