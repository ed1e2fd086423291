"""How a message leaves: by SMTP, into the development mailbox, or not at all.

A carrier delivers one message or raises :class:`Undeliverable`, which says whether trying again can help. It knows
neither the outbox nor users.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from poolhouse.core import clock, runtime, unit
from poolhouse.messages import mailbox
from poolhouse.messages.message import Message, one_line
from poolhouse.settings import Settings

TIMEOUT_SECONDS = 10.0
_PORTS = {"smtp": 25, "smtps": 465}
# RFC 5322 §3.4.1 without quoted strings, domain literals and comments, in which much can be hidden.
_ADDR_SPEC = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]+@[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]+")


class Undeliverable(Exception):
    """The message did not leave. ``permanent``: nor would it at the next attempt. ``down``: nor would any other now."""

    def __init__(self, reason: str, *, permanent: bool = False, down: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.down = down


class Carrier(Protocol):
    """``remote`` tells whether delivering may take long; ``close`` ends a round of deliveries."""

    remote: bool

    def serves(self, medium: str) -> bool:
        """Whether it carries EMAIL or SMS."""

    def deliver(self, message_id: str, message: Message) -> None:
        """Deliver once, under an id that is the same at every attempt. Raises Undeliverable."""

    def close(self) -> None:
        """Let go of what deliveries share."""


def configured(settings: Settings) -> Carrier:
    """The carrier that the settings ask for."""
    if settings.mailbox:
        return Mailbox()
    if settings.smtp_url:
        return Smtp(settings.smtp_url.reveal(), settings.mail_from)
    return Nowhere()


class Mailbox:
    """The development mailbox: a table that ``/dev/mailbox`` shows."""

    remote = False

    def serves(self, medium: str) -> bool:
        return medium in {"EMAIL", "SMS"}

    def deliver(self, message_id: str, message: Message) -> None:
        with unit.open(runtime.current(), write=True):
            mailbox.put(message_id, message)

    def close(self) -> None:
        """Nothing is held."""


class Nowhere:
    """No carrier: mail waits for one, so that people can sign up before the operator has set SMTP up."""

    remote = False

    def serves(self, medium: str) -> bool:
        return medium == "EMAIL"

    def deliver(self, message_id: str, message: Message) -> None:  # noqa: ARG002 - the interface's
        raise Undeliverable("no mail leaves this server: set POOLHOUSE_SMTP_URL", down=True)

    def close(self) -> None:
        """Nothing is held."""


class Smtp:
    """RFC 5321 submission. ``smtps://`` is TLS from the start; ``smtp://`` starts TLS wherever the server offers it.

    With a password, or to any other machine, TLS is not optional: a man in the middle who strips STARTTLS from the
    server's greeting would read every code. Only a server on this machine may be spoken to in the clear.
    """

    remote = True

    def __init__(self, url: str, mail_from: str, *, context: ssl.SSLContext | None = None) -> None:
        self._url: SplitResult = urlsplit(url)
        self._from = mail_from
        self._context = context or ssl.create_default_context()
        self._connection: smtplib.SMTP | None = None

    def serves(self, medium: str) -> bool:
        return medium == "EMAIL"

    def deliver(self, message_id: str, message: Message) -> None:
        mail = compose(message_id, message, self._from)
        sender = parseaddr(str(mail["From"]))[1]
        connection = self._connection = self._connection or self._connected()
        try:
            connection.send_message(mail, from_addr=sender, to_addrs=[message.to])
        except smtplib.SMTPRecipientsRefused as refused:
            self._reset()
            status, reason = next(iter(refused.recipients.values()))
            raise Undeliverable(_answer(status, reason), permanent=status >= 500) from None
        except smtplib.SMTPNotSupportedError as error:
            self.close()
            raise Undeliverable(str(error), permanent=True) from None
        except smtplib.SMTPResponseException as error:
            self.close()
            raise Undeliverable(_answer(error.smtp_code, error.smtp_error), permanent=error.smtp_code >= 500) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            self.close()
            raise Undeliverable(f"{type(error).__name__}: {error}") from None

    def _connected(self) -> smtplib.SMTP:
        """A connection. What goes wrong here is the server's fault or the operator's, never the message's."""
        try:
            return self.connect()
        except smtplib.SMTPAuthenticationError as error:
            raise Undeliverable(f"the mail server refused the sign-in ({error.smtp_code})", down=True) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise Undeliverable(f"{type(error).__name__}: {error}", down=True) from None

    def connect(self) -> smtplib.SMTP:
        """A connection that is ready to take mail. Raises smtplib's and ssl's errors."""
        host, port = self._url.hostname or "", self._url.port or _PORTS[self._url.scheme]
        connection: smtplib.SMTP
        if self._url.scheme == "smtps":
            connection = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=self._context)
        else:
            connection = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
        try:
            self._prepare(connection, host)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: smtplib.SMTP, host: str) -> None:
        connection.ehlo()
        if self._url.scheme == "smtp":
            if connection.has_extn("starttls"):
                connection.starttls(context=self._context)
                connection.ehlo()
            elif self._url.username or not _on_this_machine(connection):
                raise smtplib.SMTPException(f"{host} offers no STARTTLS, and codes do not travel in the clear")
        if self._url.username:
            connection.login(unquote(self._url.username), unquote(self._url.password or ""))

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.quit()
            except (smtplib.SMTPException, OSError):
                connection.close()

    def _reset(self) -> None:
        """Keep the connection after a refused recipient, if the server plays along."""
        try:
            if self._connection is not None:
                self._connection.rset()
        except (smtplib.SMTPException, OSError):
            self.close()


def compose(message_id: str, message: Message, mail_from: str) -> EmailMessage:
    """The MIME message: text and HTML (RFC 2046 §5.1.4), one recipient. Raises Undeliverable for no address."""
    mail = EmailMessage(policy=SMTP)
    sender = one_line(message.sender) or mail_from
    if "@" not in sender:
        sender = mail_from
    try:
        mail["From"] = sender
        mail["To"] = _address(message.to)
        if message.reply_to:
            mail["Reply-To"] = _address(message.reply_to)
        mail["Subject"] = one_line(message.subject)
        mail["Date"] = format_datetime(clock.now())
        mail["Message-ID"] = f"<{message_id}@{parseaddr(mail_from)[1].rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no out-of-office answers, please
    except (ValueError, MessageError, IndexError) as error:
        raise Undeliverable(f"not an address or header: {error}", permanent=True) from None
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail


def _address(text: str) -> Address:
    """``text`` as one addr-spec: no second recipient, no header, can hide in it."""
    if not _ADDR_SPEC.fullmatch(text):
        raise ValueError("no address")
    local, _, domain = text.rpartition("@")
    if not domain.isascii():
        domain = domain.encode("idna").decode("ascii")
    return Address(username=local, domain=domain)


def _on_this_machine(connection: smtplib.SMTP) -> bool:
    sock = connection.sock
    if sock is None or sock.family == socket.AF_UNIX:
        return sock is not None
    peer = str(sock.getpeername()[0])
    return peer.startswith(("127.", "::ffff:127.")) or peer == "::1"


def _answer(status: int, reason: bytes | str) -> str:
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    return one_line(f"{status} {text}")[:500]
