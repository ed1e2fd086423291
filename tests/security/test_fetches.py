"""What the server fetches for others reaches no private address, by no name, spelling or redirect."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from poolhouse.core import outbound, runtime
from poolhouse.core.outbound import Unreachable
from tests.conftest import Databases
from tests.runtimes import running

INSIDE = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.5.5", "192.168.1.1", "100.64.0.1", "169.254.169.254",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "ff02::1",
)  # fmt: skip
NEVER = ("169.254.169.254", "169.254.170.2", "fe80::1", "224.0.0.1", "::ffff:169.254.169.254")


class Peer:
    """A connected socket, as far as the check looks at one."""

    def __init__(self, address: str) -> None:
        self.address, self.closed = address, False

    def getpeername(self) -> tuple[str, int]:
        return self.address, 80

    def close(self) -> None:
        self.closed = True


@contextmanager
def inside(**answers: tuple[int, dict[str, str], bytes]) -> Iterator[tuple[int, list[str]]]:
    """A server on this machine that nobody outside may reach: its port, and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, headers, body = answers.get(self.path.strip("/"), (200, {}, b'{"inside": true}'))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@pytest.fixture(params=[False, True], ids=["public server", "server on this machine"])
def private(request: pytest.FixtureRequest, databases: Databases) -> Iterator[bool]:
    """Within a runtime that may reach private addresses, or may not."""
    with running(databases.make("sqlite"), outbound_private=request.param) as rt, runtime.entered(rt):
        yield request.param


@pytest.mark.parametrize("address", INSIDE)
def test_no_private_address_is_spoken_to(address: str) -> None:
    """Class 62, on the connected socket: whatever name led there."""
    peer = Peer(address)
    with pytest.raises(OSError, match="not a public one"):
        outbound._require_public(cast(socket.socket, peer), private=False)
    assert peer.closed


@pytest.mark.parametrize("address", NEVER)
def test_where_clouds_hand_out_credentials_is_spoken_to_under_no_setting(address: str) -> None:
    with pytest.raises(OSError, match="not a public one"):
        outbound._require_public(cast(socket.socket, Peer(address)), private=True)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_are(address: str) -> None:
    outbound._require_public(cast(socket.socket, Peer(address)), private=False)


def test_no_spelling_of_this_machine_is_asked(private: bool) -> None:
    """Decimal, octal, short, mapped, by name: the request is not sent."""
    hosts = (
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "LOCALHOST",
    )
    with inside() as (port, asked):
        for host in hosts:
            url = f"http://{host}:{port}/latest/meta-data"
            if private and host == "127.0.0.1":
                assert outbound.get(url).status == 200
            elif not private:
                with pytest.raises(Unreachable):
                    outbound.get(url)
        assert len(asked) == (1 if private else 0)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "http://", "http://a@127.0.0.1/", "//127.0.0.1/",
     "http://[::1", "http://127.0.0.1:0/", "http://127.0.0.1:99999/", "http://x/" + "a" * 3000, "http://a b/", ""],
)  # fmt: skip
def test_only_plain_web_addresses_are_fetched(private: bool, url: str) -> None:
    with pytest.raises(Unreachable):
        outbound.get(url)


def test_redirects_are_not_followed_and_answers_have_a_size(databases: Databases) -> None:
    with running(databases.make("sqlite"), outbound_private=True) as rt, runtime.entered(rt):
        away = {"Location": "/secret"}
        with inside(away=(302, away, b""), big=(200, {}, b"x" * 700_000), text=(200, {}, b"<html>")) as (port, asked):
            base = f"http://127.0.0.1:{port}"
            assert outbound.get(f"{base}/away").status == 302
            with pytest.raises(Unreachable):
                outbound.get_json(f"{base}/away")
            with pytest.raises(Unreachable, match="longer"):
                outbound.get(f"{base}/big")
            with pytest.raises(Unreachable, match="not JSON"):
                outbound.get_json(f"{base}/text")
            assert "/secret" not in asked


def test_neither_the_environments_proxy_nor_its_passwords_have_a_say(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would be connected to in place of the address that is checked."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with running(databases.make("sqlite"), outbound_private=True) as rt, runtime.entered(rt), inside() as (port, asked):
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        assert outbound.get(f"http://127.0.0.1:{port}/x").status == 200
        assert asked == ["/x"]
