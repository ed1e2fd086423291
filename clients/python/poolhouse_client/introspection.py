"""Ask the server about a token (RFC 7662): it knows at once who signed out; answers are kept for a few seconds."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections import OrderedDict
from typing import Any
from urllib.parse import quote, urlencode

from poolhouse_client.errors import InvalidToken, Unavailable
from poolhouse_client.tokens import Token, Verifier
from poolhouse_client.transport import json_object

_ANSWERS_KEPT = 10_000


class Introspector:
    """Verifies a token as `verifier` would and then asks the server whether it still works.

    What is not even signed by the pool is never asked about. Both answers, yes and no, are kept for `cache_seconds`.
    Amazon Cognito has no introspection.
    """

    def __init__(
        self, verifier: Verifier, client_id: str, client_secret: str, *, cache_seconds: float = 5, endpoint: str = ""
    ) -> None:
        self.verifier = verifier
        self.endpoint = endpoint or f"{verifier.issuer}/oauth2/introspect"
        self._basic = basic(client_id, client_secret)
        self._cache_seconds = cache_seconds
        self._answers: OrderedDict[bytes, tuple[float, dict[str, Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def access(self, token: str) -> Token:
        """An access token that works now. Raises InvalidToken, ExpiredToken, Unavailable."""
        verified = self.verifier.access(token)
        facts = self._facts(token)
        if facts.get("active") is not True:
            raise InvalidToken("revoked, or its user is gone")
        if facts.get("iss") != self.verifier.issuer or facts.get("sub") != verified.sub:
            raise Unavailable("the server answered about another token")
        return Token(token, verified.claims | facts)  # type: ignore[operator]  # both are dicts

    def _facts(self, token: str) -> dict[str, Any]:
        # The cache holds no token that a memory dump could reveal.
        key, now = hashlib.sha256(token.encode()).digest(), time.monotonic()
        with self._lock:
            kept = self._answers.get(key)
            if kept is not None and now < kept[0]:
                return kept[1]
        headers = {"Authorization": self._basic, "Content-Type": "application/x-www-form-urlencoded"}
        status, _, content = self.verifier.transport.ask(
            "POST", self.endpoint, headers=headers, body=urlencode({"token": token}).encode()
        )
        if status != 200:
            raise Unavailable(f"{self.endpoint} answered {status}")
        facts = json_object(self.endpoint, content)
        with self._lock:
            self._answers[key] = now + self._cache_seconds, facts
            self._answers.move_to_end(key)
            while len(self._answers) > _ANSWERS_KEPT:
                self._answers.popitem(last=False)
        return facts


def basic(client_id: str, client_secret: str) -> str:
    """The header's value (RFC 6749 §2.3.1: both parts are form-encoded first)."""
    pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
