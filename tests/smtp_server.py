"""A mail server for tests: real sockets, STARTTLS or TLS from the start, AUTH PLAIN, and refusals on request."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

USER, PASSWORD = "mailer", "let me: send@mail"


@dataclass
class Sink:
    """What it is told to do, and what it has received."""

    port: int = 0
    starttls: bool = False
    smtps: bool = False
    auth: bool = False
    refuse_recipient: int = 0  # a status to answer RCPT TO with
    refuse_data: int = 0  # a status to answer the message with
    drop_connections: bool = False
    certificate: tuple[Path, Path] | None = None
    sessions: int = 0
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    def context(self) -> ssl.SSLContext:
        assert self.certificate
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        return context


class _Session(socketserver.BaseRequestHandler):
    sink: Sink

    def handle(self) -> None:
        sink = self.sink
        sink.sessions += 1
        if sink.drop_connections:
            return
        self.tls = False
        if sink.smtps:
            self.request = sink.context().wrap_socket(self.request, server_side=True)
            self.tls = True
        self.lines = self.request.makefile("rb")
        self._say("220 sink ESMTP")
        self.sender, self.recipients = "", []
        try:
            while line := self.lines.readline():
                if not self._command(line.decode("utf-8").strip()):
                    return
        except (OSError, ssl.SSLError):
            return
        finally:
            self.lines.close()
            self.request.close()

    def _say(self, line: str) -> None:
        self.request.sendall(line.encode() + b"\r\n")

    def _command(self, line: str) -> bool:
        verb = line[:4].upper()
        if verb == "EHLO":
            extensions = ["sink", "SMTPUTF8", "8BITMIME"]
            extensions += ["STARTTLS"] if self.sink.starttls and not self.tls else []
            extensions += ["AUTH PLAIN"] if self.sink.auth else []
            for extension in extensions[:-1]:
                self._say(f"250-{extension}")
            self._say(f"250 {extensions[-1]}")
        elif verb == "STAR":
            self._say("220 go ahead")
            self.lines.close()
            self.request = self.sink.context().wrap_socket(self.request, server_side=True)
            self.lines, self.tls = self.request.makefile("rb"), True
        elif verb == "AUTH":
            _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
            self.sink.logins.append((user, password))
            self._say("235 welcome" if (user, password) == (USER, PASSWORD) else "535 5.7.8 no")
        elif verb == "MAIL":
            self.sender, self.recipients = line, []
            self._say("250 ok")
        elif verb == "RCPT":
            if self.sink.refuse_recipient:
                self._say(f"{self.sink.refuse_recipient} not here")
            else:
                self.recipients.append(line[8:].split(">")[0].strip("<>: "))
                self._say("250 ok")
        elif verb == "DATA":
            self._data()
        elif verb == "QUIT":
            self._say("221 bye")
            return False
        else:
            self._say("250 ok")
        return True

    def _data(self) -> None:
        self._say("354 go on")
        body = b""
        while (line := self.lines.readline()) != b".\r\n":
            body += line[1:] if line.startswith(b"..") else line
        if self.sink.refuse_data:
            self._say(f"{self.sink.refuse_data} not this one")
            return
        self.sink.encrypted.append(self.tls)
        self.sink.mails.append((self.sender, self.recipients, body))
        self._say("250 kept")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle of a handshake is what some tests are about."""


@contextmanager
def running(**behaviour: object) -> Iterator[Sink]:
    """A server on a free port of this machine."""
    sink = Sink(**behaviour)  # type: ignore[arg-type]
    handler = type("Session", (_Session,), {"sink": sink})
    with _Server(("127.0.0.1", 0), handler) as server:
        sink.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join()
