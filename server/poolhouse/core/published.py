"""What other servers publish: discovery documents and signing keys, kept for a while, asked for again when needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from poolhouse.core import outbound, runtime
from poolhouse.core.outbound import Unreachable

T = TypeVar("T")
KEPT_SECONDS = 3600.0
# Whoever sends tokens with made-up key ids must not make us ask their provider for each.
ASKED_AGAIN_SECONDS = 30.0
_ENTRIES_AT_MOST = 2_000
_KEYS_AT_MOST = 50


@dataclass(slots=True)
class _Known:
    value: Any = None
    asked_at: float = 0.0
    fetched_at: float = 0.0
    failure: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


class Published:
    """What was fetched, in this process's memory."""

    def __init__(self) -> None:
        self._known: dict[Hashable, _Known] = {}
        self._lock = threading.Lock()

    def get(self, name: Hashable, fetch: Callable[[], T], enough: Callable[[T], bool] = lambda _: True) -> T:
        """What ``fetch`` gave for ``name``, fetched again when it is old or not ``enough``. Raises Unreachable.

        What was fetched once stays good while its server cannot be reached.
        """
        with self._lock:
            if name not in self._known and len(self._known) >= _ENTRIES_AT_MOST:
                del self._known[next(iter(self._known))]  # the oldest
            known = self._known.setdefault(name, _Known())
        # One asks and the others wait for the answer, rather than all asking.
        with known.lock:
            now = time.monotonic()
            fresh = known.fetched_at and now - known.fetched_at < KEPT_SECONDS
            asked = known.asked_at and now - known.asked_at < ASKED_AGAIN_SECONDS
            if not (fresh and enough(known.value)) and not asked:
                known.asked_at = now
                try:
                    known.value, known.fetched_at = fetch(), now
                except Unreachable as reason:
                    known.failure = str(reason)
            if known.value is None:
                raise Unreachable(known.failure)
            return cast(T, known.value)


def _current() -> Published:
    return cast(Published, runtime.current().extras.setdefault("published", Published()))


def keys(source: str, kid: object, *, discover: bool) -> list[Any]:
    """The keys of ``source``: a JWK Set's URL, or with ``discover`` an issuer's. Raises Unreachable.

    They are fetched anew, though not often, when ``kid`` is none of them: providers rotate their keys.
    """

    def has_it(known: list[Any]) -> bool:
        return kid is None or any(isinstance(key, dict) and key.get("kid") == kid for key in known)

    return _current().get(("keys", source, discover), lambda: _fetched_keys(source, discover=discover), has_it)


def configuration(issuer: str) -> dict[str, Any]:
    """The discovery document of ``issuer`` (OpenID Connect Discovery §4). Raises Unreachable."""
    return _current().get(("configuration", issuer), lambda: _configuration(issuer))


def fetched_configuration(issuer: str) -> dict[str, Any]:
    """What ``issuer`` publishes now, whomever it speaks for. Raises Unreachable."""
    return outbound.get_json(issuer.rstrip("/") + "/.well-known/openid-configuration")


def _configuration(issuer: str) -> dict[str, Any]:
    document = fetched_configuration(issuer)
    # OIDC Discovery §4.3: a document that speaks for another issuer is none of this one's.
    if not same_issuer(document.get("issuer"), issuer):
        raise Unreachable("the discovery document names another issuer")
    return document


def _fetched_keys(source: str, *, discover: bool) -> list[Any]:
    url: object = _configuration(source).get("jwks_uri") if discover else source
    if not isinstance(url, str):
        raise Unreachable("the discovery document names no keys")
    found = outbound.get_json(url).get("keys")
    if not isinstance(found, list) or not found:
        raise Unreachable("the JWK Set is empty")
    return found[:_KEYS_AT_MOST]


def same_issuer(claimed: object, issuer: str) -> bool:
    """Whether ``claimed`` is that issuer: some end in a slash, which the names of providers do not keep."""
    return isinstance(claimed, str) and claimed in {issuer, f"{issuer}/"}
