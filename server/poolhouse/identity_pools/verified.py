"""A login that was believed: whose it is, under which name, and with which claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from poolhouse.core import sealing


@dataclass(frozen=True, slots=True)
class Login:
    """``provider`` is canonical, ``names`` what mappings may call it, ``amr`` what its tokens say of it."""

    provider: str
    subject: str = field(repr=False)
    names: tuple[str, ...]
    amr: tuple[str, ...] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)
    developer: bool = False

    @property
    def digest(self) -> bytes:
        """What it is found by."""
        return sealing.sha256(self.subject)
