"""A message ready to leave: its words final, its header fields free of anything that could begin another header."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

import orjson

_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Message:
    """``medium`` EMAIL or SMS; ``to`` one address or phone number; ``html`` is empty for SMS.

    ``sender`` and ``reply_to`` are header values, empty for the server's own sender and for no Reply-To.
    """

    medium: str
    to: str
    subject: str
    text: str
    html: str = ""
    sender: str = ""
    reply_to: str = ""

    def dump(self) -> bytes:
        """As it is sealed and stored."""
        return orjson.dumps(asdict(self))

    @classmethod
    def load(cls, data: bytes) -> Message:
        """What :meth:`dump` gave."""
        members: dict[str, Any] = orjson.loads(data)
        return cls(**members)


def one_line(text: str) -> str:
    """``text`` without line breaks and other controls: a header field that stays one field (CWE-93)."""
    return _CONTROLS.sub(" ", text).strip()
