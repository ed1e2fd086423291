"""What every carrier of messages promises, held against each; and what SMTP promises beyond that."""

from __future__ import annotations

import email
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest

from poolhouse.cli import certificate
from poolhouse.core import runtime, unit
from poolhouse.core.ids import uuid7
from poolhouse.messages import carriers, mailbox
from poolhouse.messages.carriers import Carrier, Smtp, Undeliverable
from poolhouse.messages.message import Message
from tests import runtimes, smtp_server
from tests.smtp_server import PASSWORD, USER, Sink

FROM = "Poolhouse <no-reply@example.com>"
HELLO = Message(
    "EMAIL", "ann@example.com", "Your verification code", "The code is 123456.", "<p>The code is 123456.</p>"
)


class Received(NamedTuple):
    """A message as its reader sees it."""

    to: str
    subject: str
    text: str
    html: str


class Line(NamedTuple):
    """A carrier and a way to look at what arrived."""

    carrier: Carrier
    received: Callable[[], list[Received]]


def _parsed(raw: bytes) -> EmailMessage:
    mail = email.message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def _body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return str(part.get_content()).strip() if part else ""


def _read(sink: Sink) -> list[Received]:
    mails = [_parsed(raw) for _, _, raw in sink.mails]
    return [Received(str(m["To"]), str(m["Subject"]), _body(m, "plain"), _body(m, "html")) for m in mails]


@contextmanager
def _by_smtp(url: str) -> Iterator[Line]:
    with smtp_server.running() as sink:
        carrier = Smtp(f"smtp://127.0.0.1:{sink.port}", FROM)
        yield Line(carrier, lambda: _read(sink))
        carrier.close()


@contextmanager
def _by_mailbox(url: str) -> Iterator[Line]:
    with runtimes.running(url) as rt, runtime.entered(rt):

        def received() -> list[Received]:
            with unit.open(rt):
                return [Received(m["to"], m["subject"], m["text"], m["html"]) for m in mailbox.list()]

        before = len(received())
        yield Line(carriers.Mailbox(), lambda: received()[before:])


CARRIERS = {"smtp": _by_smtp, "mailbox": _by_mailbox}


@pytest.fixture(params=CARRIERS)
def line(request: pytest.FixtureRequest, database_url: str) -> Iterator[Line]:
    with CARRIERS[request.param](database_url) as made:
        yield made


# --- Every carrier ----------------------------------------------------------------------------------------------------


def test_what_is_delivered_arrives_whole(line: Line) -> None:
    line.carrier.deliver(uuid7(), HELLO)
    assert line.received() == [Received(HELLO.to, HELLO.subject, HELLO.text, HELLO.html)]


def test_messages_arrive_in_the_order_in_which_they_were_delivered(line: Line) -> None:
    for number in range(3):
        line.carrier.deliver(uuid7(), Message("EMAIL", "ann@example.com", f"No. {number}", "text"))
    assert [received.subject for received in line.received()] == ["No. 0", "No. 1", "No. 2"]


def test_letters_of_every_script_arrive(line: Line) -> None:
    message = Message("EMAIL", "ann@example.com", "Dein Prüfcode ✓", "Код: 123456\n.\nпривет", "<p>Код: 123456</p>")
    line.carrier.deliver(uuid7(), message)
    (received,) = line.received()
    assert (received.subject, received.html) == (message.subject, message.html)
    assert received.text.splitlines() == message.text.splitlines()


def test_a_carrier_can_be_used_again_after_a_round(line: Line) -> None:
    line.carrier.deliver(uuid7(), HELLO)
    line.carrier.close()
    line.carrier.deliver(uuid7(), HELLO)
    line.carrier.close()
    line.carrier.close()
    assert len(line.received()) == 2


# --- The development mailbox ------------------------------------------------------------------------------------------


def test_the_mailbox_takes_a_message_once_however_often_it_is_delivered(database_url: str) -> None:
    with _by_mailbox(database_url) as line:
        message_id = uuid7()
        line.carrier.deliver(message_id, HELLO)
        line.carrier.deliver(message_id, HELLO)
        assert len(line.received()) == 1


def test_the_mailbox_keeps_the_newest(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "KEPT", 3)
    with _by_mailbox(fresh_database_url) as line:
        for number in range(5):
            line.carrier.deliver(uuid7(), Message("SMS", "+15550001234", "", f"{number}"))
        assert [received.text for received in line.received()] == ["2", "3", "4"]


def test_a_stolen_mailbox_table_shows_no_code(fresh_database_url: str) -> None:
    with runtimes.running(fresh_database_url) as rt, runtime.entered(rt):
        carriers.Mailbox().deliver(uuid7(), HELLO)
        with unit.open(rt):
            stored = unit.current().connection.exec_driver_sql("SELECT sealed FROM dev_mails").scalar_one()
    assert b"123456" not in bytes(stored)
    assert b"ann" not in bytes(stored)


# --- SMTP -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def localhost(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate.for_localhost(tmp_path_factory.mktemp("tls"))


def _trusting(localhost: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(localhost[0]))


def _login(sink: Sink, scheme: str = "smtp", password: str = PASSWORD) -> str:
    return f"{scheme}://{USER}:{quote(password, safe='')}@localhost:{sink.port}"


def test_the_password_travels_inside_starttls(localhost: tuple[Path, Path]) -> None:
    with smtp_server.running(starttls=True, auth=True, certificate=localhost) as sink:
        carrier = Smtp(_login(sink), FROM, context=_trusting(localhost))
        carrier.deliver(uuid7(), HELLO)
        carrier.close()
        assert (sink.logins, sink.encrypted) == ([(USER, PASSWORD)], [True])


def test_smtps_is_encrypted_from_the_start(localhost: tuple[Path, Path]) -> None:
    with smtp_server.running(smtps=True, auth=True, certificate=localhost) as sink:
        carrier = Smtp(_login(sink, "smtps"), FROM, context=_trusting(localhost))
        carrier.deliver(uuid7(), HELLO)
        carrier.close()
        assert sink.encrypted == [True]


@pytest.mark.parametrize("behaviour", [{"starttls": True}, {"smtps": True}], ids=["starttls", "smtps"])
def test_a_certificate_that_nobody_vouches_for_is_refused(
    localhost: tuple[Path, Path], behaviour: dict[str, bool]
) -> None:
    with smtp_server.running(certificate=localhost, auth=True, **behaviour) as sink:
        carrier = Smtp(_login(sink, "smtps" if "smtps" in behaviour else "smtp"), FROM)
        with pytest.raises(Undeliverable, match="CERTIFICATE_VERIFY_FAILED") as failed:
            carrier.deliver(uuid7(), HELLO)
        assert failed.value.down
        assert (sink.logins, sink.mails) == ([], [])


def test_a_password_is_not_sent_where_starttls_was_stripped() -> None:
    with smtp_server.running(auth=True) as sink:
        with pytest.raises(Undeliverable, match="no STARTTLS"):
            Smtp(_login(sink), FROM).deliver(uuid7(), HELLO)
        assert sink.logins == []


def test_a_wrong_password_is_the_operators_fault_and_not_the_messages(localhost: tuple[Path, Path]) -> None:
    with smtp_server.running(starttls=True, auth=True, certificate=localhost) as sink:
        carrier = Smtp(_login(sink, password="wrong"), FROM, context=_trusting(localhost))
        with pytest.raises(Undeliverable) as failed:
            carrier.deliver(uuid7(), HELLO)
        assert (failed.value.down, failed.value.permanent) == (True, False)
        assert "wrong" not in str(failed.value)


@pytest.mark.parametrize(
    ("behaviour", "permanent"),
    [
        ({"refuse_recipient": 550}, True),
        ({"refuse_recipient": 450}, False),
        ({"refuse_data": 554}, True),
        ({"refuse_data": 451}, False),
    ],
)
def test_a_refusal_says_whether_trying_again_can_help(behaviour: dict[str, int], permanent: bool) -> None:
    with smtp_server.running(**behaviour) as sink:
        carrier = Smtp(f"smtp://127.0.0.1:{sink.port}", FROM)
        with pytest.raises(Undeliverable) as failed:
            carrier.deliver(uuid7(), HELLO)
        assert (failed.value.permanent, failed.value.down) == (permanent, False)
        sink.refuse_recipient = sink.refuse_data = 0
        carrier.deliver(uuid7(), HELLO)
        carrier.close()
        assert len(sink.mails) == 1


@pytest.mark.parametrize("state", ["gone", "hangs up"])
def test_a_server_that_is_not_there_is_nobodys_fault(state: str) -> None:
    with smtp_server.running(drop_connections=True) as sink:
        port = sink.port
        if state == "hangs up":
            with pytest.raises(Undeliverable) as failed:
                Smtp(f"smtp://127.0.0.1:{port}", FROM).deliver(uuid7(), HELLO)
            assert (failed.value.down, failed.value.permanent) == (True, False)
    if state == "gone":
        with pytest.raises(Undeliverable) as failed:
            Smtp(f"smtp://127.0.0.1:{port}", FROM).deliver(uuid7(), HELLO)
        assert (failed.value.down, failed.value.permanent) == (True, False)


def test_a_round_of_deliveries_shares_one_connection() -> None:
    with smtp_server.running() as sink:
        carrier = Smtp(f"smtp://127.0.0.1:{sink.port}", FROM)
        for _ in range(3):
            carrier.deliver(uuid7(), HELLO)
        carrier.close()
        assert (sink.sessions, len(sink.mails)) == (1, 3)


def test_an_attempt_repeated_carries_the_same_message_id() -> None:
    with smtp_server.running() as sink:
        carrier = Smtp(f"smtp://127.0.0.1:{sink.port}", FROM)
        carrier.deliver("0190-1", HELLO)
        carrier.deliver("0190-1", HELLO)
        carrier.close()
        assert {_parsed(raw)["Message-ID"] for _, _, raw in sink.mails} == {"<0190-1@example.com>"}


# --- What users write never becomes a header, nor a second recipient --------------------------------------------------


HOSTILE = [
    "ann@example.com\r\nBcc: eve@example.org",
    "ann@example.com\nBcc: eve@example.org",
    "ann@example.com, eve@example.org",
    "ann@example.com eve@example.org",
    "<ann@example.com>,<eve@example.org>",
    "ann",
    "@example.com",
    "ann@",
    "ann@example.com\x00",
    "ann@exa mple.com",
]


@pytest.mark.parametrize("address", HOSTILE)
def test_an_address_brings_no_header_and_no_second_recipient(address: str) -> None:
    with smtp_server.running() as sink:
        carrier = Smtp(f"smtp://127.0.0.1:{sink.port}", FROM)
        with pytest.raises(Undeliverable) as failed:
            carrier.deliver(uuid7(), Message("EMAIL", address, "Hello", "text"))
        carrier.close()
        assert failed.value.permanent
        assert sink.mails == []


@pytest.mark.parametrize("field", ["subject", "sender", "reply_to"])
def test_a_line_break_in_a_header_begins_no_other_header(field: str) -> None:
    hostile = {"subject": "Hi", "sender": "A <a@example.com>", "reply_to": "a@example.com"}
    hostile[field] += "\r\nBcc: eve@example.org\r\n\r\nanother body"
    with smtp_server.running() as sink:
        carrier = Smtp(f"smtp://127.0.0.1:{sink.port}", FROM)
        with suppress(Undeliverable):
            carrier.deliver(uuid7(), Message("EMAIL", "ann@example.com", text="text", **hostile))
        carrier.close()
        for _, recipients, raw in sink.mails:
            mail = _parsed(raw)
            assert mail["Bcc"] is None
            assert recipients == ["ann@example.com"]
            assert _body(mail, "plain") == "text"
