"""What every SAML counterpart of the tests stands on: a key with its certificate, and an HTTP server of its own."""

from __future__ import annotations

import html
import http.server
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


def xmlsec1() -> str:
    """The program that pysaml2 signs and encrypts with; the test is skipped where it is missing."""
    found = shutil.which("xmlsec1")
    if found is None:
        pytest.skip("xmlsec1 is missing (on Debian: apt-get install xmlsec1): pysaml2 signs and encrypts with it")
    return found


@dataclass(frozen=True)
class KeyPair:
    """A private key and its self-signed certificate, in files, PEM."""

    key: Path
    certificate: Path

    @classmethod
    def make(cls, directory: Path, name: str) -> KeyPair:
        private = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=365))
            .sign(private, hashes.SHA256())
        )
        pair = cls(directory / f"{name}.key.pem", directory / f"{name}.pem")
        pair.key.write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return pair


@dataclass(frozen=True)
class Question:
    """What a browser asked of a party: the parameters of the query, or of the form when it posted one."""

    posted: bool
    path: str
    parameters: Mapping[str, str]
    cookies: Mapping[str, str]
    query: str = ""

    @property
    def binding(self) -> str:
        return POST if self.posted else REDIRECT


@dataclass(frozen=True)
class Answer:
    """What the party says to it."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_cookie(self, name: str, value: str) -> Answer:
        return Answer(self.body, self.status, {**self.headers, "Set-Cookie": f"{name}={value}; Path=/; HttpOnly"})


def page(title: str, body: str = "", status: int = 200) -> Answer:
    """A page with a heading; ``body`` is HTML."""
    heading = html.escape(title)
    text = f'<!doctype html><meta charset="utf-8"><title>{heading}</title><h1>{heading}</h1>{body}'
    return Answer(text.encode(), status, {"Content-Type": "text/html; charset=utf-8"})


def redirect(url: str) -> Answer:
    """303 to ``url``."""
    return Answer(status=303, headers={"Location": url})


def of_binding(information: Mapping[str, Any]) -> Answer:
    """What pysaml2's ``apply_binding`` made, by redirect or as a page that posts itself."""
    if information["method"] == "GET":
        return redirect(dict(information["headers"])["Location"])
    return Answer(str(information["data"]).encode(), 200, {"Content-Type": "text/html; charset=utf-8"})


class Party:
    """A party with an HTTP server on a free port of this machine; one request at a time is thought about."""

    def __init__(self) -> None:
        party = self
        self._lock = threading.RLock()
        self.faults: list[BaseException] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(posted=False)

            def do_POST(self) -> None:
                self._answer(posted=True)

            def _answer(self, *, posted: bool) -> None:
                parts = urlsplit(self.path)
                sent = parts.query
                if posted:
                    sent = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
                cookies = {name: item.value for name, item in SimpleCookie(self.headers.get("Cookie", "")).items()}
                given = dict(parse_qsl(sent, keep_blank_values=True))
                answer = party._think(Question(posted, parts.path, given, cookies, parts.query))
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def _think(self, question: Question) -> Answer:
        with self._lock:
            try:
                return self.answer(question)
            except Exception as fault:
                self.faults.append(fault)
                return page("This party is not content", f"<pre>{html.escape(repr(fault))}</pre>", 500)

    def answer(self, question: Question) -> Answer:
        """What to say to it."""
        raise NotImplementedError
