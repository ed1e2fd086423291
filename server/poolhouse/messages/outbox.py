"""The outbox: messages leave after the commit that they belong to, once, whoever of many workers takes them.

A worker claims a row by a conditional UPDATE for as long as a delivery may take; if it dies, the claim runs out and
another one tries. What cannot be delivered is tried again later and later, then given up; nobody waits for it.
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from poolhouse.core import clock, ids, runtime, sealing, unit
from poolhouse.core.errors import CodeDeliveryFailure
from poolhouse.core.runtime import Runtime
from poolhouse.messages import carriers
from poolhouse.messages.carriers import Carrier, Undeliverable
from poolhouse.messages.message import Message
from poolhouse.messages.models import OutboxMessage as Row

log = logging.getLogger("poolhouse.outbox")

ATTEMPTS = 12
CLAIM = timedelta(minutes=2)  # longer than connecting, greeting, signing in and sending may take together
KEPT_DAYS = 7
_ROUND = 50
_PURPOSE = "outbox"


def backoff(attempts: int) -> timedelta:
    """How long to wait after that many attempts: 10 s, 20 s, 40 s, … at most an hour; some four hours in all."""
    return timedelta(seconds=min(10 * 2 ** (attempts - 1), 3600))


class CarrierDown(Exception):
    """Nothing can leave now: the rest of the round would only wait for the same time-out again."""


def post(pool_id: str, message: Message) -> None:
    """Put ``message`` into the outbox, in the caller's transaction. Raises CodeDeliveryFailure if nobody carries it."""
    rt = runtime.current()
    if not carrier(rt).serves(message.medium):
        raise CodeDeliveryFailure(hint=f"no carrier for {message.medium}")
    now, message_id = clock.now(), ids.uuid7()
    unit.write()
    unit.execute(
        insert(Row).values(
            id=message_id,
            pool_id=pool_id,
            sealed=sealing.seal(_PURPOSE, message.dump(), message_id),
            created_at=now,
            due_at=now,
            attempts=0,
        )
    )
    if carrier(rt).remote:
        unit.after_commit(lambda: rt.housekeeper.wake("outbox"))
    else:
        unit.after_commit(lambda: _try_now(rt, message_id))


def carrier(rt: Runtime) -> Carrier:
    """The carrier of this server, made once."""
    made = rt.extras.get("carrier")
    if made is None:
        made = rt.extras.setdefault("carrier", carriers.configured(rt.settings))
    return made  # type: ignore[return-value]


def deliver_due(rt: Runtime) -> None:
    """What the housekeeper does: deliver what is due; a remote carrier gets a thread of its own to be slow in."""
    if not carrier(rt).remote:
        deliver(rt)
        return
    running = rt.extras.get("outbox")
    if isinstance(running, threading.Thread) and running.is_alive():
        return
    thread = threading.Thread(target=_deliver_logged, args=(rt,), name="outbox", daemon=True)
    rt.extras["outbox"] = thread
    thread.start()


def deliver(rt: Runtime) -> int:
    """Deliver everything that is due, and say how many messages left."""
    left, going = 0, True
    try:
        while going and (due := _due(rt)):
            going = False  # if all of them are claimed by other workers, there is nothing to do
            for message_id, attempts in due:
                claim = _claim(rt, message_id, attempts)
                if claim is None:
                    continue
                try:
                    left += _attempt(rt, *claim)
                except CarrierDown:
                    return left
                going = True
    finally:
        carrier(rt).close()
    return left


def _deliver_logged(rt: Runtime) -> None:
    try:
        deliver(rt)
    except Exception:
        log.exception("the outbox could not be emptied; it is tried again")


def _try_now(rt: Runtime, message_id: str) -> None:
    """Deliver one message that was just stored. The request that stored it has succeeded whatever happens here."""
    try:
        claim = _claim(rt, message_id, 0)
        if claim:
            _attempt(rt, *claim)
    except CarrierDown:
        return
    except Exception:
        log.exception("message %s could not be delivered at once; it is tried again", message_id)


def _due(rt: Runtime) -> list[tuple[str, int]]:
    now = clock.now()
    with unit.open(rt):
        rows = unit.execute(
            select(Row.id, Row.attempts)
            .where(Row.due_at <= now, (Row.claimed_until.is_(None)) | (Row.claimed_until < now))
            .order_by(Row.due_at, Row.id)
            .limit(_ROUND)
        )
        return [(row.id, row.attempts) for row in rows]


def _claim(rt: Runtime, message_id: str, attempts: int) -> tuple[str, int, Message | None] | None:
    """Take a message for ourselves; None if somebody else has. The attempt is counted before it is made."""
    now = clock.now()
    with unit.open(rt, write=True):
        row = unit.execute(
            update(Row)
            .where(
                Row.id == message_id,
                Row.attempts == attempts,
                Row.due_at.is_not(None),
                (Row.claimed_until.is_(None)) | (Row.claimed_until < now),
            )
            .values(attempts=attempts + 1, claimed_until=now + CLAIM)
            .returning(Row.sealed)
        ).first()
        if row is None:
            return None
        try:
            return message_id, attempts + 1, Message.load(sealing.open_(_PURPOSE, row.sealed, message_id))
        except sealing.SealBroken:
            return message_id, attempts + 1, None


def _attempt(rt: Runtime, message_id: str, attempts: int, message: Message | None) -> bool:
    try:
        if message is None:
            raise Undeliverable("sealed under a master key that is not known here", permanent=True)
        with runtime.entered(rt):
            carrier(rt).deliver(message_id, message)
    except Undeliverable as error:
        _put_off(rt, message_id, attempts, error)
        if error.down:
            raise CarrierDown from None
        return False
    with unit.open(rt, write=True):
        unit.execute(
            update(Row)
            .where(Row.id == message_id, Row.attempts == attempts)
            .values(sent_at=clock.now(), due_at=None, claimed_until=None, sealed=b"", last_error=None)
        )
    return True


def _put_off(rt: Runtime, message_id: str, attempts: int, error: Undeliverable) -> None:
    over = error.permanent or attempts >= ATTEMPTS
    # The reason is the carrier's; the address and the code are not for the log.
    log.warning("message %s, attempt %s%s: %s", message_id, attempts, ", given up" if over else "", error)
    values: dict[str, Any] = {
        "last_error": str(error),
        "claimed_until": None,
        "due_at": None if over else clock.now() + backoff(attempts),
    }
    if over:
        values["sealed"] = b""
    with unit.open(rt, write=True):
        unit.execute(update(Row).where(Row.id == message_id, Row.attempts == attempts).values(**values))


def purge() -> None:
    """Drop what left or was given up a week ago."""
    unit.write()
    unit.execute(delete(Row).where(Row.due_at.is_(None), Row.created_at < clock.ago(days=KEPT_DAYS)))
