"""The bus: ``emit`` states a fact, ``ask`` asks whoever is listening, who may change or refuse.

A fact reaches its listeners inside the transaction (the audit log) and, for those that asked so, after the commit
(webhooks, metrics). Nobody below ``app.py`` imports a listener.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from poolhouse.core import runtime, unit


@dataclass(frozen=True, slots=True)
class Event:
    """A fact: something happened in a pool ("" for the account)."""

    pool_id: str


H = TypeVar("H")


class Bus:
    """Who listens to what."""

    def __init__(self) -> None:
        self._inside: list[Callable[[Event], None]] = []
        self._after: list[Callable[[Event], None]] = []
        self._asked: dict[type, list[Callable[[Any], Any]]] = {}

    def inside(self, listener: Callable[[Event], None]) -> None:
        """Call ``listener`` for every fact, within the transaction that states it."""
        self._inside.append(listener)

    def after(self, listener: Callable[[Event], None]) -> None:
        """Call ``listener`` for every fact once it is stored."""
        self._after.append(listener)

    def answering(self, question: type, listener: Callable[[Any], Any]) -> None:
        """Let ``listener`` answer (return a changed copy) or refuse (raise) every ``question``."""
        self._asked.setdefault(question, []).append(listener)

    def emit(self, event: Event) -> None:
        """State ``event``."""
        for listener in self._inside:
            listener(event)
        for later in self._after:
            unit.after_commit(lambda later=later: later(event))  # type: ignore[misc]

    def ask(self, question: H) -> H:
        """``question`` as every listener has left it."""
        for listener in self._asked.get(type(question), ()):
            question = listener(question)
        return question


def emit(event: Event) -> None:
    """State a fact on the running server's bus."""
    runtime.current().bus.emit(event)


def ask(question: H) -> H:
    """Ask the running server's bus."""
    return runtime.current().bus.ask(question)
