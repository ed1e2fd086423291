"""What a step is: the contract that every challenge keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from poolhouse.core.errors import InvalidParameter
from poolhouse.credentials.candidate import Candidate
from poolhouse.user_pools.snapshots import Client, Pool


@dataclass(frozen=True, slots=True)
class Turn:
    """One step's view of a sign-in: who (None: nobody has the name), through which client, what is remembered."""

    client: Client
    candidate: Candidate | None
    state: Mapping[str, Any]

    @property
    def pool(self) -> Pool:
        """The client's pool."""
        return self.client.pool

    @property
    def known(self) -> Candidate:
        """The candidate, in steps that only somebody known can reach."""
        if self.candidate is None:
            raise InvalidParameter("The challenge cannot be answered.")
        return self.candidate


@dataclass(frozen=True, slots=True)
class Posed:
    """A challenge made ready: what the client is told, and what is remembered for the check."""

    parameters: Mapping[str, str]
    remember: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a right answer proves, and ``store``: what it changes, done once the attempt is spent."""

    proven: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()
    chosen: str | None = None
    store: Callable[[], None] | None = None


class Step(Protocol):
    """A challenge."""

    NAME: str

    def pose(self, turn: Turn) -> Posed:
        """Make the challenge ready. May write."""

    def check(self, turn: Turn, answers: Mapping[str, str]) -> Proof:
        """Prove the answer, or raise. Slow work comes before any write."""


def required(answers: Mapping[str, str], name: str) -> str:
    """An answer that must be there. Raises InvalidParameter."""
    value = answers.get(name)
    if not value:
        raise InvalidParameter(f"Missing required parameter {name}")
    return value


def user_id(turn: Turn) -> dict[str, str]:
    """The name that later answers and secret hashes use: the canonical one, not the alias that was typed."""
    return {"USER_ID_FOR_SRP": turn.known.user.username}
