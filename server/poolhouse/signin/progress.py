"""What a sign-in under way has proven so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Progress:
    """What an attempt has proven so far: the part of its state that goes from step to step.

    ``provider``: the identity provider that vouched for the person; ``first``: their profile was made for it just now;
    ``acr``: how sure the provider was.
    """

    flow: str
    username: str
    proven: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()
    chosen: str | None = None
    metadata: Mapping[str, str] | None = None
    provider: str | None = None
    first: bool = False
    acr: str | None = None

    def kept(self) -> dict[str, Any]:
        """As stored in the attempt."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Progress:
        """As stored in the attempt."""
        return cls(
            state["flow"],
            state["username"],
            tuple(state["proven"]),
            tuple(state["amr"]),
            state["chosen"],
            state["metadata"],
            state.get("provider"),
            state.get("first", False),
            state.get("acr"),
        )
