"""SQL statements and commits that a unit of work costs a warm server: figures that do not drift with the machine."""

import socket
from dataclasses import dataclass

from bench.counters import COMMITS, STATEMENTS
from bench.load import Answer, Stories, parse
from bench.scenarios import Scenario

WARM, COUNTED = 3, 3


@dataclass(frozen=True)
class Count:
    """The most that any of the counted units cost."""

    statements: int
    commits: int
    requests: int


def count(address: tuple[str, int], stories: Stories) -> Count:
    """Tell the story alone on one connection: some units to warm up, then the dearest of those counted."""
    story = stories(0)
    found: list[Count] = []
    with socket.create_connection(address, timeout=60) as connection:
        for _ in range(WARM + COUNTED):
            answers: list[Answer] = []
            step = next(story)
            while step is not None:
                answers.append(_ask(connection, step))
                step = story.send(answers[-1])
            found.append(Count(_sum(answers, STATEMENTS), _sum(answers, COMMITS), len(answers)))
    return max(found[WARM:], key=lambda one: (one.statements, one.commits))


def count_all(address: tuple[str, int], scenarios: list[Scenario]) -> dict[str, Count]:
    return {scenario.name: count(address, scenario.stories) for scenario in scenarios}


def _ask(connection: socket.socket, request: bytes) -> Answer:
    connection.sendall(request)
    data = b""
    while (answer := parse(data)) is None:
        got = connection.recv(65536)
        if not got:
            raise ConnectionError("the server closed the connection")
        data += got
    return answer


def _sum(answers: list[Answer], header: str) -> int:
    return sum(int(answer.header(header) or 0) for answer in answers)
