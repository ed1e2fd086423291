"""Other people's signing keys: found by discovery, kept for a while, asked for again when a new one is seen."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, cast

from poolhouse.core import outbound, runtime
from poolhouse.core.outbound import Unreachable

KEPT_SECONDS = 3600.0
# Whoever sends tokens with made-up key ids must not make us ask their provider for each.
ASKED_AGAIN_SECONDS = 30.0
_ENTRIES_AT_MOST = 500
_KEYS_AT_MOST = 50


@dataclass(slots=True)
class _Known:
    keys: list[Any] = field(default_factory=list)
    asked_at: float = 0.0
    fetched_at: float = 0.0
    failure: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


class RemoteKeys:
    """The JWK Sets of issuers, in this process's memory."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def of(self, source: str, kid: object, *, discover: bool) -> list[Any]:
        """The keys of ``source``: an issuer's URL to discover from, or a JWK Set's. Raises Unreachable.

        A set that was fetched once stays good while its provider cannot be reached.
        """
        with self._lock:
            if len(self._known) > _ENTRIES_AT_MOST:
                self._known.clear()
            known = self._known.setdefault(source, _Known())
        # One asks and the others of this issuer wait for the answer, rather than all asking.
        with known.lock:
            return self._of(known, source, kid, discover)

    def _of(self, known: _Known, source: str, kid: object, discover: bool) -> list[Any]:
        now = time.monotonic()
        fresh = known.fetched_at and now - known.fetched_at < KEPT_SECONDS
        seen = kid is None or any(isinstance(key, dict) and key.get("kid") == kid for key in known.keys)
        asked = known.asked_at and now - known.asked_at < ASKED_AGAIN_SECONDS
        if not (fresh and seen) and not asked:
            known.asked_at = now
            try:
                known.keys, known.fetched_at = _fetched(source, discover=discover), now
            except Unreachable as reason:
                known.failure = str(reason)
        if not known.keys:
            raise Unreachable(known.failure)
        return known.keys


def current() -> RemoteKeys:
    """The running server's."""
    return cast(RemoteKeys, runtime.current().extras.setdefault("remote keys", RemoteKeys()))


def _fetched(source: str, *, discover: bool) -> list[Any]:
    url: object = source
    if discover:
        document = outbound.get_json(source.rstrip("/") + "/.well-known/openid-configuration")
        # OIDC Discovery §4.3: a document that speaks for another issuer is none of this one's.
        if not same_issuer(document.get("issuer"), source):
            raise Unreachable("the discovery document names another issuer")
        url = document.get("jwks_uri")
    if not isinstance(url, str):
        raise Unreachable("the discovery document names no keys")
    keys = outbound.get_json(url).get("keys")
    if not isinstance(keys, list) or not keys:
        raise Unreachable("the JWK Set is empty")
    return keys[:_KEYS_AT_MOST]


def same_issuer(claimed: object, issuer: str) -> bool:
    """Whether ``claimed`` is that issuer: some end in a slash, which the names of providers do not keep."""
    return isinstance(claimed, str) and claimed in {issuer, f"{issuer}/"}
