"""Counters of what happened in this process, by event: in memory, gone when it ends."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

from poolhouse.core.events import Bus, Event


class Counters:
    """How often each kind of event was stored since the process began."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, event: Event) -> None:
        """One more of ``event``'s kind."""
        with self._lock:
            self._counts[type(event).__name__] += 1

    def read(self) -> Mapping[str, int]:
        """The counts by the event's name."""
        with self._lock:
            return dict(self._counts)


def listen(bus: Bus) -> Counters:
    """Counters of whatever is stored from now on; what is rolled back never counts."""
    counters = Counters()
    bus.after(counters.count)
    return counters
