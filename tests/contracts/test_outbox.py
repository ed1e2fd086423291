"""What the outbox promises, on both engines: after the commit, once, by whoever comes first, and never in the way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from poolhouse.core import clock, runtime, unit
from poolhouse.core.errors import CodeDeliveryFailure
from poolhouse.core.runtime import Runtime
from poolhouse.messages import mailbox, outbox
from poolhouse.messages.carriers import Undeliverable
from poolhouse.messages.message import Message
from poolhouse.messages.models import OutboxMessage
from tests import runtimes, smtp_server

POOL = "us-east-1_messages1"
HELLO = Message("EMAIL", "ann@example.com", "Your verification code", "The code is 123456.")


class Recorder:
    """A remote carrier that writes down what it delivers, or fails as it is told to."""

    remote = True

    def __init__(self) -> None:
        self.delivered: list[tuple[str, str]] = []
        self.failure: Undeliverable | None = None
        self.attempts = 0

    def serves(self, medium: str) -> bool:
        return medium == "EMAIL"

    def deliver(self, message_id: str, message: Message) -> None:
        self.attempts += 1
        if self.failure is not None:
            raise self.failure
        self.delivered.append((message_id, message.text))

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def rt(fresh_database_url: str) -> Iterator[Runtime]:
    with runtimes.running(fresh_database_url) as running:
        yield running


@pytest.fixture
def carrier(rt: Runtime) -> Recorder:
    recorder = Recorder()
    rt.extras["carrier"] = recorder
    return recorder


def _post(rt: Runtime, message: Message = HELLO) -> None:
    with unit.open(rt):
        outbox.post(POOL, message)


def _rows(rt: Runtime) -> list[Any]:
    with unit.open(rt):
        return list(unit.execute(select(OutboxMessage.__table__).order_by(OutboxMessage.id)))


def test_nothing_leaves_before_the_commit(rt: Runtime, carrier: Recorder) -> None:
    with unit.open(rt):
        outbox.post(POOL, HELLO)
        assert carrier.attempts == 0
    assert outbox.deliver(rt) == 1


def test_nothing_leaves_after_a_rollback(rt: Runtime, carrier: Recorder) -> None:
    with pytest.raises(ZeroDivisionError), unit.open(rt):
        outbox.post(POOL, HELLO)
        raise ZeroDivisionError
    assert outbox.deliver(rt) == 0
    assert carrier.attempts == 0


def test_a_message_leaves_once(rt: Runtime, carrier: Recorder) -> None:
    _post(rt)
    assert outbox.deliver(rt) == 1
    assert outbox.deliver(rt) == 0
    assert [text for _, text in carrier.delivered] == [HELLO.text]


def test_a_message_leaves_once_whoever_of_many_workers_takes_it(rt: Runtime, carrier: Recorder) -> None:
    for number in range(20):
        _post(rt, Message("EMAIL", "ann@example.com", "", str(number)))
    together = Barrier(4)

    def work() -> int:
        together.wait()
        return outbox.deliver(rt)

    with ThreadPoolExecutor(4) as workers:
        counts = [future.result() for future in [workers.submit(work) for _ in range(4)]]
    assert sum(counts) == 20
    assert sorted(int(text) for _, text in carrier.delivered) == list(range(20))


def test_what_left_is_not_kept(rt: Runtime, carrier: Recorder) -> None:
    _post(rt)
    assert b"123456" not in _rows(rt)[0].sealed
    outbox.deliver(rt)
    (row,) = _rows(rt)
    assert (row.sealed, row.due_at, row.last_error) == (b"", None, None)
    assert isinstance(row.sent_at, datetime)
    assert row.sent_at.tzinfo is UTC


def test_a_worker_that_died_in_the_middle_is_followed_by_another(rt: Runtime, carrier: Recorder) -> None:
    _post(rt)
    (message_id, attempts) = outbox._due(rt)[0]
    assert outbox._claim(rt, message_id, attempts) is not None  # and then it is killed
    assert outbox.deliver(rt) == 0
    with clock.moved(seconds=outbox.CLAIM.total_seconds() + 1):
        assert outbox.deliver(rt) == 1


def test_what_cannot_be_delivered_is_tried_later_and_later_then_given_up(rt: Runtime, carrier: Recorder) -> None:
    carrier.failure = Undeliverable("451 greylisted")
    _post(rt)
    waited = 0.0
    waits: list[float] = []
    while (row := _rows(rt)[0]).due_at is not None:
        assert len(waits) < 50
        waits.append(max(0.0, (row.due_at - clock.now()).total_seconds() - waited) if waits else 0.0)
        waited += waits[-1] + 1
        with clock.moved(seconds=waited):
            outbox.deliver(rt)
    assert len(waits) == carrier.attempts == outbox.ATTEMPTS
    rounded = [round(wait) for wait in waits]
    assert rounded == sorted(rounded)
    row = _rows(rt)[0]
    assert (row.last_error, row.sealed, row.sent_at) == ("451 greylisted", b"", None)


def test_what_can_never_be_delivered_is_given_up_at_once(rt: Runtime, carrier: Recorder) -> None:
    carrier.failure = Undeliverable("550 nobody here", permanent=True)
    _post(rt)
    outbox.deliver(rt)
    (row,) = _rows(rt)
    assert (row.due_at, row.last_error, row.sealed) == (None, "550 nobody here", b"")


def test_one_bad_address_does_not_hold_up_the_others(rt: Runtime, carrier: Recorder) -> None:
    _post(rt, Message("EMAIL", "bad", "", "bad"))
    _post(rt, Message("EMAIL", "ann@example.com", "", "good"))
    deliver = carrier.deliver

    def picky(message_id: str, message: Message) -> None:
        if message.to == "bad":
            raise Undeliverable("550", permanent=True)
        deliver(message_id, message)

    carrier.deliver = picky  # type: ignore[method-assign]
    assert outbox.deliver(rt) == 1
    assert [text for _, text in carrier.delivered] == ["good"]


def test_a_server_that_is_down_is_asked_once_a_round(rt: Runtime, carrier: Recorder) -> None:
    carrier.failure = Undeliverable("connection refused", down=True)
    for _ in range(5):
        _post(rt)
    outbox.deliver(rt)
    assert carrier.attempts == 1
    carrier.failure = None
    with clock.moved(seconds=15):
        assert outbox.deliver(rt) == 5


def test_a_medium_that_nobody_carries_is_refused(rt: Runtime, carrier: Recorder) -> None:
    with pytest.raises(CodeDeliveryFailure), unit.open(rt):
        outbox.post(POOL, Message("SMS", "+15550001234", "", "123456"))


def test_mail_waits_for_a_server_that_is_not_set_up_yet(fresh_database_url: str) -> None:
    with runtimes.running(fresh_database_url, dev_mailbox=False) as rt:
        _post(rt)
        assert "POOLHOUSE_SMTP_URL" in _rows(rt)[0].last_error
    with smtp_server.running() as sink, clock.moved(minutes=1):
        url = f"smtp://127.0.0.1:{sink.port}"
        with runtimes.running(fresh_database_url, smtp_url=url) as rt:
            assert outbox.deliver(rt) == 1
        assert [recipients for _, recipients, _ in sink.mails] == [["ann@example.com"]]


def test_a_message_sealed_under_an_unknown_key_is_given_up_and_holds_nothing_up(fresh_database_url: str) -> None:
    with runtimes.running(fresh_database_url) as rt:
        rt.extras["carrier"] = Recorder()
        _post(rt)
    with runtimes.running(fresh_database_url, key=b"another key of thirty-two bytes.") as rt:
        rt.extras["carrier"] = recorder = Recorder()
        _post(rt)
        assert outbox.deliver(rt) == 1
        assert len(recorder.delivered) == 1
        assert "master key" in _rows(rt)[0].last_error


def test_the_housekeeper_does_not_wait_for_a_slow_server(rt: Runtime, carrier: Recorder) -> None:
    _post(rt)
    inside, leave = Barrier(2), Barrier(2)
    deliver = carrier.deliver

    def slow(message_id: str, message: Message) -> None:
        inside.wait(10)
        leave.wait(10)
        deliver(message_id, message)

    carrier.deliver = slow  # type: ignore[method-assign]
    outbox.deliver_due(rt)  # returns although the delivery is under way
    inside.wait(10)
    outbox.deliver_due(rt)  # and no second thread is begun beside the first
    leave.wait(10)
    thread: Any = rt.extras["outbox"]
    thread.join(10)
    assert len(carrier.delivered) == 1


def test_with_the_mailbox_a_message_is_there_when_the_request_is_over(fresh_database_url: str) -> None:
    with runtimes.running(fresh_database_url, dev_mailbox=True) as rt:
        _post(rt)
        _post(rt, Message("SMS", "+15550001234", "", "Your code is 654321"))
        with unit.open(rt):
            assert [mail["to"] for mail in mailbox.list()] == ["ann@example.com", "+15550001234"]


def test_what_left_a_week_ago_is_forgotten_and_what_waits_is_not(rt: Runtime, carrier: Recorder) -> None:
    _post(rt)
    outbox.deliver(rt)
    _post(rt)
    with clock.moved(days=8), unit.open(rt):
        outbox.purge()
    (row,) = _rows(rt)
    assert row.sent_at is None


def test_no_log_line_names_the_address_or_the_code(
    rt: Runtime, carrier: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    carrier.failure = Undeliverable("550 5.1.1 no such user", permanent=True)
    with caplog.at_level("DEBUG"):
        _post(rt)
        outbox.deliver(rt)
    assert "given up" in caplog.text
    assert "ann@example.com" not in caplog.text
    assert "123456" not in caplog.text


def test_units_of_the_outbox_are_its_own(rt: Runtime, carrier: Recorder) -> None:
    with runtime.entered(rt):
        _post(rt)
        outbox.deliver(rt)
    with pytest.raises(LookupError):
        unit.current()
