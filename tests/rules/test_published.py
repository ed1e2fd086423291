"""What others publish is fetched once, kept, fetched again when it has to be, and never by a crowd."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from poolhouse.core import published
from poolhouse.core.outbound import Unreachable
from poolhouse.core.published import Published


class Server:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.down = False

    def __call__(self) -> int:
        self.asked += 1
        if self.down:
            raise Unreachable("down")
        return self.asked


def test_it_is_kept() -> None:
    kept, server = Published(), Server()
    assert [kept.get("a", server) for _ in range(3)] == [1, 1, 1]
    assert kept.get("b", server) == 2


def test_what_is_not_enough_is_fetched_again_but_not_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, server = Published(), Server()
    kept.get("a", server)
    assert kept.get("a", server, lambda value: value > 1) == 1  # asked a moment ago
    monkeypatch.setattr(published, "ASKED_AGAIN_SECONDS", 0.0)
    assert kept.get("a", server, lambda value: value > 1) == 2
    assert kept.get("a", server, lambda value: value > 1) == 2


def test_what_is_old_is_fetched_again_and_kept_while_nothing_newer_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "ASKED_AGAIN_SECONDS", 0.0)
    kept, server = Published(), Server()
    kept.get("a", server)
    monkeypatch.setattr(published, "KEPT_SECONDS", 0.0)
    assert kept.get("a", server) == 2
    server.down = True
    assert kept.get("a", server) == 2


def test_a_server_that_is_down_is_not_asked_for_every_request() -> None:
    kept, server = Published(), Server()
    server.down = True
    for _ in range(3):
        with pytest.raises(Unreachable, match="down"):
            kept.get("a", server)
    assert server.asked == 1


def test_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "_ENTRIES_AT_MOST", 2)
    kept, server = Published(), Server()
    assert [kept.get(name, server) for name in ("a", "b", "c", "b", "c", "a")] == [1, 2, 3, 2, 3, 4]


def test_of_many_at_once_one_asks() -> None:
    kept, server, gate = Published(), Server(), threading.Event()

    def slow() -> int:
        gate.wait(10)
        return server()

    with ThreadPoolExecutor(8) as people:
        waiting = [people.submit(kept.get, "a", slow) for _ in range(8)]
        gate.set()
        assert {one.result(10) for one in waiting} == {1}
    assert server.asked == 1


@pytest.mark.parametrize(
    ("claimed", "same"),
    [
        ("https://a", True),
        ("https://a/", True),
        ("https://a//", False),
        ("https://A", False),
        (None, False),
        (["https://a"], False),
    ],
)
def test_an_issuer_is_the_same_but_for_one_slash_at_its_end(claimed: object, same: bool) -> None:
    assert published.same_issuer(claimed, "https://a") is same
