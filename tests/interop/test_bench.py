"""The load generator and the scripted browser measure and read what is there, so that their results can be believed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench import machine
from bench.browser import Browser
from bench.load import Load, Refused, parse, repeat, request, run

HEAD = b"HTTP/1.1 200 OK\r\nServer: x\r\n"


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (HEAD + b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (HEAD + b"content-length: 0\r\n\r\n", b""),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n1;x=y\r\no\r\n0\r\n\r\n", b"hello"),
    ],
)
def test_an_answer_is_read_when_it_is_whole_and_not_before(data: bytes, body: bytes) -> None:
    for length in range(len(data)):
        assert parse(data[:length]) is None, data[:length]
    answer = parse(data)
    assert answer is not None
    assert (answer.status, answer.body, answer.header("SERVER")) == (200, body, "x")


class Slow(BaseHTTPRequestHandler):
    """Answers after 20 ms; `/form` is a page; `/wrong` an error."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        time.sleep(0.02)
        pages = {
            "/form": '<form action="/got?a=1&amp;b=2" method="post"><input name="t" type="hidden" value="&lt;">'
            '<input type="password" name="secret"><input type="checkbox" name="off" value="1"><button>Go</button>'
            "</form>",
            "/on": '<meta http-equiv="refresh" content="0;url=https://elsewhere.example/?code=1&amp;x=2">',
        }
        self.answer(500 if self.path == "/wrong" else 200, pages.get(self.path, "ok"))

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.answer(200, f"{self.path} {sent} {self.headers['Origin']}")

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def slow() -> Iterator[tuple[str, int]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield "127.0.0.1", server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_load_counts_what_was_answered_and_how_long_it_took(slow: tuple[str, int]) -> None:
    (measured,) = run([Load(slow, repeat(request("GET", "/", {"Host": "x"})), 4)], 1.0, warm=0.1)
    assert 4 <= measured.done <= 4 / 0.02
    assert 20 <= measured.percentile(0.5) < 1000
    assert measured.percentile(0.5) <= measured.percentile(0.99)


def test_paced_load_asks_no_more_often_than_it_was_told(slow: tuple[str, int]) -> None:
    (measured,) = run([Load(slow, repeat(request("GET", "/", {"Host": "x"})), 8, rate=20)], 1.0, warm=0.1)
    assert 5 <= measured.done <= 25


def test_load_does_not_measure_errors(slow: tuple[str, int]) -> None:
    with pytest.raises(Refused, match="500"):
        run([Load(slow, repeat(request("GET", "/wrong", {"Host": "x"})), 1)], 0.5)


def test_the_browser_fills_in_forms_and_goes_where_pages_lead(slow: tuple[str, int]) -> None:
    base = f"http://127.0.0.1:{slow[1]}"
    browser = Browser(base)
    page = browser.get(base + "/form").submit(password="p&q")
    assert page.text == f"/got?a=1&b=2 t=%3C&secret=p%26q {base}"
    left = browser.get(base + "/on")
    assert (left.url, left.query) == ("https://elsewhere.example/?code=1&x=2", {"code": "1", "x": "2"})
    browser.session.close()


@pytest.mark.slow
@pytest.mark.live
def test_the_bench_measures_permissions_and_prints_them() -> None:
    short = ["--quick", "--only", "t", "--rounds", "1", "--seconds", "0.2", "--bcrypt-rounds", "4"]
    ran = subprocess.run(
        [sys.executable, "-m", "bench", *short, "--identities", "500", "--no-write"],
        cwd=machine.ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    rows: dict[str, list[list[str]]] = {}
    for line in ran.stdout.splitlines():
        if line.startswith("| "):
            name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            rows.setdefault(name, []).append(cells)
    for name, statements, commits in (
        ("GetId", "1", "0"),
        ("GetId, a new guest", "1", "1"),
        ("GetCredentialsForIdentity", "1", "0"),
        ("GetCredentialsForIdentity, a guest", "1", "0"),
        ("introspection", "1", "0"),
        ("AuthZEN evaluation", "2", "0"),
    ):
        speed, counted = rows[name][:2]
        assert float(speed[0].replace(",", "")) > 0, name
        assert (counted[1], counted[3], counted[5]) == (statements, commits, "yes"), name
    for name in ("GetId", "GetCredentialsForIdentity", "GetCredentialsForIdentity, a guest"):
        grown = rows[name][2]
        assert grown[:2] == ["1 / 0", "1 / 0"], name
        assert float(grown[4]) > 0, name
    library = ["RS256 verified, keys at hand", "local evaluation, a verified token against a policy"]
    assert all(float(rows[name][0][0].replace(",", "")) > 0 for name in library)
