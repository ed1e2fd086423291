"""Everything that this library raises, in one tree: PoolhouseError above InvalidToken, Unavailable and Refused."""

from __future__ import annotations

import json


class PoolhouseError(Exception):
    """The root of all."""


class Unavailable(PoolhouseError):
    """The server could not be asked, or its answer makes no sense; nothing is known about the token or the question."""


class InvalidToken(PoolhouseError):
    """The token does not count. The sentence is for the log: a caller need only know that it does not count."""


class ExpiredToken(InvalidToken):
    """The token was good, and is over."""


class Refused(PoolhouseError):
    """A request that an API turns down, ready to be answered as RFC 6750 §3 has it."""

    def __init__(self, status: int, error: str = "", description: str = "", *, scope: str = "", hint: str = "") -> None:
        super().__init__(description or error or "An access token is needed.")
        self.status, self.error, self.description, self.scope, self.hint = status, error, description, scope, hint

    @property
    def headers(self) -> dict[str, str]:
        """The header fields of the answer; RFC 6750 §3.1: no error code where no token was presented."""
        fields = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        if self.status in {401, 403}:
            told = {"error": self.error, "error_description": self.description, "scope": self.scope}
            named = ", ".join(f'{name}="{_quoted(value)}"' for name, value in told.items() if value and self.error)
            fields["WWW-Authenticate"] = f"Bearer {named}".strip()
        if self.status == 503:
            fields["Retry-After"] = "2"
        return fields

    @property
    def body(self) -> bytes:
        """The answer's body: JSON, without the hint."""
        return json.dumps({"error": self.error or "unauthorized", "error_description": str(self)}).encode()


def _quoted(text: str) -> str:
    """Within the characters of RFC 6750 §3: a header that somebody else's text ended early would be theirs."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text)
