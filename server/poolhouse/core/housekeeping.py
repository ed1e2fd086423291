"""What a worker does beside requests: follows changes made by others, sends mail, drops what has expired."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger("poolhouse.housekeeping")


@dataclass(slots=True)
class Chore:
    """Something to be done every ``seconds``, and at once when woken by its name."""

    name: str
    seconds: float
    work: Callable[[], None]
    due: float = 0.0


class Housekeeper:
    """One daemon thread a worker. A chore that fails is logged and tried again at its next time."""

    def __init__(self) -> None:
        self._chores: list[Chore] = []
        self._woken = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def every(self, seconds: float, name: str, work: Callable[[], None]) -> None:
        """Do ``work`` every ``seconds``."""
        self._chores.append(Chore(name, seconds, work))

    def wake(self, name: str) -> None:
        """Do the chore of that name as soon as the thread gets to it."""
        for chore in self._chores:
            if chore.name == name:
                chore.due = 0.0
        self._woken.set()

    def start(self) -> None:
        """Begin. Chores run first after their first interval, except those of a second or less."""
        now = time.monotonic()
        for chore in self._chores:
            chore.due = now + chore.seconds
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread once its present chore is done."""
        self._stopping = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def run_due(self) -> None:
        """Do every chore whose time has come."""
        for chore in self._chores:
            if time.monotonic() >= chore.due:
                chore.due = time.monotonic() + chore.seconds
                try:
                    chore.work()
                except Exception:
                    log.exception("%s failed; it is tried again in %s s", chore.name, chore.seconds)

    def _run(self) -> None:
        while not self._stopping:
            wait = min((chore.due for chore in self._chores), default=time.monotonic() + 60) - time.monotonic()
            self._woken.wait(max(0.0, min(wait, 60.0)))
            self._woken.clear()
            if not self._stopping:
                self.run_due()
