"""A load generator for HTTP/1.1: many keep-alive connections over one selector, light enough to run on one core."""

import selectors
import socket
import time
from array import array
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import NamedTuple

WARM = 0.3  # seconds of load before anything is recorded


class Answer(NamedTuple):
    """One response: the status, the head as it came (lower case names are not assumed), the body."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        """A header's value; None where it is absent."""
        wanted = name.lower().encode() + b":"
        for line in self.head.split(b"\r\n")[1:]:
            if line.lower().startswith(wanted):
                return line.partition(b":")[2].strip().decode("latin-1")
        return None


# A story yields requests (bytes) and is sent their answers; it yields None when one unit of work is complete.
Story = Generator[bytes | None, Answer | None, None]
Stories = Callable[[int], Story]


class Refused(Exception):
    """The server answered something that the story does not accept: a benchmark of errors measures nothing."""


def repeat(request: bytes, status: int = 200) -> Stories:
    """The same request for ever, on every connection."""

    def story(_: int) -> Story:
        while True:
            answer = yield request
            expect(answer, status)
            yield None

    return story


def expect(answer: Answer | None, *statuses: int) -> Answer:
    """The answer, or Refused when its status is another."""
    if answer is None or answer.status not in statuses:
        raise Refused(f"expected {statuses}, got {answer}")
    return answer


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request's bytes; the caller names the Host."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@dataclass
class Measured:
    """What a run showed: units of work done, the seconds it took, the seconds that each one took."""

    seconds: float = 0.0
    latencies: "array[float]" = field(default_factory=lambda: array("d"))

    @property
    def done(self) -> int:
        return len(self.latencies)

    @property
    def rate(self) -> float:
        return self.done / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """In milliseconds; 0 for an empty run."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


class Connection:
    """One keep-alive connection, and the story it tells."""

    def __init__(self, address: tuple[str, int], story: Story) -> None:
        self.address, self.story = address, story
        self.socket = self._open()
        self.buffer = b""
        self.began = 0.0

    def _open(self) -> socket.socket:
        opened = socket.create_connection(self.address, timeout=30)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> Answer | None:
        """The answer, once it is whole."""
        data = self.socket.recv(262144)
        if not data:
            raise Refused("the server closed the connection")
        self.buffer = self.buffer + data if self.buffer else data
        answer = parse(self.buffer)
        if answer is not None:
            self.buffer = b""
        return answer


def parse(data: bytes) -> Answer | None:
    """A response out of what has come; None while it is not whole. Content-Length and chunked framing (RFC 9112 §6)."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end]
    status = int(head[9:12])
    lowered = head.lower()
    at = lowered.find(b"\r\ncontent-length:")
    if at >= 0:
        stop = lowered.find(b"\r\n", at + 17)
        length = int(lowered[at + 17 : stop if stop >= 0 else end])
        return Answer(status, head, data[end + 4 :]) if len(data) - end - 4 >= length else None
    if b"\r\ntransfer-encoding: chunked" in lowered:
        return _chunked(status, head, data, end + 4)
    return Answer(status, head, b"")


def _chunked(status: int, head: bytes, data: bytes, at: int) -> Answer | None:
    body = b""
    while True:
        line = data.find(b"\r\n", at)
        if line < 0:
            return None
        size = int(data[at:line].split(b";")[0], 16)
        if len(data) < line + 2 + size + 2:
            return None
        if size == 0:
            return Answer(status, head, body)
        body += data[line + 2 : line + 2 + size]
        at = line + 2 + size + 2


class Load:
    """Connections that tell their stories at once: `closed` as fast as answers come, `paced` at a rate of its own.

    Kinds of load can be mixed: each `Load` records for itself, and `run` drives any number of them over one selector.
    """

    def __init__(self, address: tuple[str, int], stories: Stories, connections: int, rate: float | None = None) -> None:
        self.connections = [Connection(address, stories(index)) for index in range(connections)]
        self.measured = Measured()
        self.rate = rate
        self.due = 0.0
        self.waiting: list[Connection] = []
        self.busy = 0
        self.recording = self.draining = False

    def begin(self, connection: Connection, when: float) -> None:
        """Start the next unit of work; its time counts from `when`, so that a queue of our own making is not hidden."""
        connection.began = when
        self.busy += 1
        step = next(connection.story)
        assert step is not None, "a story begins with a request"
        connection.send(step)

    def take(self, connection: Connection) -> None:
        """Read what came; go on with the story."""
        answer = connection.receive()
        if answer is None:
            return
        step = connection.story.send(answer)
        if step is not None:
            connection.send(step)
            return
        now = time.perf_counter()
        self.busy -= 1
        if self.recording:
            self.measured.latencies.append(now - connection.began)
        if self.draining:
            return
        if self.rate is None:
            self.begin(connection, now)
        else:
            self.waiting.append(connection)

    def pace(self, now: float) -> None:
        """Start the units that are due, as far as connections are free; late ones count from when they were due."""
        assert self.rate is not None
        while self.due <= now and self.waiting:
            self.begin(self.waiting.pop(), self.due)
            self.due += 1.0 / self.rate

    def close(self) -> None:
        for connection in self.connections:
            connection.socket.close()


def run(loads: list[Load], seconds: float, warm: float = WARM) -> list[Measured]:
    """Drive the loads for so long, after a time that is not recorded; closes their connections."""
    selector = selectors.DefaultSelector()
    start = time.perf_counter()
    for load in loads:
        load.due = start
        for connection in load.connections:
            selector.register(connection.socket, selectors.EVENT_READ, (load, connection))
            if load.rate is None:
                load.begin(connection, start)
            else:
                load.waiting.append(connection)
    paced = [load for load in loads if load.rate is not None]
    try:
        _drive(selector, paced, start + warm)
        for load in loads:
            load.recording = True
        recorded_from = time.perf_counter()
        _drive(selector, paced, recorded_from + seconds)
        for load in loads:
            load.measured.seconds = time.perf_counter() - recorded_from
            load.recording, load.draining, load.waiting = False, True, []
        # What is under way is finished: a refresh token whose successor nobody read would look stolen next time.
        while any(load.busy for load in loads):
            _drive(selector, [], time.perf_counter() + 0.01)
    finally:
        selector.close()
        for load in loads:
            load.close()
    return [load.measured for load in loads]


def _drive(selector: selectors.BaseSelector, paced: list[Load], until: float) -> None:
    while (now := time.perf_counter()) < until:
        wait = until - now
        for load in paced:
            load.pace(now)
            if load.waiting:
                wait = min(wait, max(0.0, load.due - now))
        for key, _ in selector.select(wait):
            load, connection = key.data
            load.take(connection)
