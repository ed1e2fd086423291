"""A provider's public keys, fetched when needed, kept parsed, and fetched once more when a token names a new one."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from poolhouse_client.errors import Unavailable
from poolhouse_client.transport import Transport, json_object

_TYPE_OF = {"RS256": ("RSA", ""), "ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519")}
_PUBLIC_MEMBERS = frozenset({"kty", "crv", "n", "e", "x", "y"})


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key for one algorithm: a token's header names a key and never chooses how it is used."""

    kid: str
    alg: str
    key: RSAKey | ECKey | OKPKey

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's."""
        try:
            return bool(JWSRegistry.algorithms[self.alg].verify(message, signature, self.key))
        except (JoseError, ValueError, TypeError):
            return False


class KeySet:
    """The JWK Set at an address (RFC 7517 §5).

    It is fetched anew after `max_age` seconds; if that fails the old keys serve for `grace` seconds more. A key that is
    not in it is looked for once by a new fetch, but not sooner than `cool_down` seconds after the last attempt: made-up
    key ids must not turn this API into a flood upon its provider.
    """

    def __init__(
        self, url: str, transport: Transport, *, max_age: float = 300, grace: float = 3600, cool_down: float = 10
    ) -> None:
        self.url = url
        self._transport, self._max_age, self._grace, self._cool_down = transport, max_age, grace, cool_down
        self._keys: Mapping[str, VerifyingKey] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._lock = threading.Lock()

    def get(self, kid: str) -> VerifyingKey | None:
        """The key of that id, or None. Raises Unavailable where nothing usable is at hand."""
        now = time.monotonic()
        key = self._keys.get(kid)
        if key is not None and now - self._fetched_at < self._max_age:
            return key
        with self._lock:
            fresh = now - self._fetched_at < self._max_age
            key = self._keys.get(kid)
            if (key is None or not fresh) and now - self._tried_at >= self._cool_down:
                self._fetch(now)
            elif not self._keys:
                raise Unavailable(f"{self.url} could not be fetched just now")
            if now - self._fetched_at > self._max_age + self._grace:
                raise Unavailable(f"{self.url} has not been fetched for too long")
            return self._keys.get(kid)

    def _fetch(self, now: float) -> None:
        self._tried_at = now
        try:
            status, _, content = self._transport.ask("GET", self.url, headers={"Accept": "application/json"})
            if status != 200:
                raise Unavailable(f"{self.url} answered {status}")
            found = _imported(json_object(self.url, content))
            if not found:
                raise Unavailable(f"{self.url} has no key that can be used")
        except Unavailable:
            if not self._keys:
                raise
            return
        self._keys, self._fetched_at = found, now


def _imported(document: Mapping[str, Any]) -> dict[str, VerifyingKey]:
    entries = document.get("keys")
    found = {}
    for entry in entries if isinstance(entries, list) else ():
        key = _key(entry) if isinstance(entry, dict) else None
        if key is not None:
            found[key.kid] = key
    return found


def _key(entry: Mapping[str, Any]) -> VerifyingKey | None:
    """Signing keys with an id, of a kind that pools use; RSA keys below 2,048 bits count as none."""
    kid, use = entry.get("kid"), entry.get("use", "sig")
    public = {name: entry[name] for name in _PUBLIC_MEMBERS if isinstance(entry.get(name), str)}
    alg = entry.get("alg") or next((a for a, (kty, _) in _TYPE_OF.items() if kty == public.get("kty")), None)
    if not isinstance(kid, str) or use != "sig" or alg not in _TYPE_OF:
        return None
    kty, curve = _TYPE_OF[alg]
    if public.get("kty") != kty or public.get("crv", "") != curve:
        return None
    try:
        key = (RSAKey if kty == "RSA" else ECKey if kty == "EC" else OKPKey).import_key(public)
        if isinstance(key, RSAKey) and key.raw_value.key_size < 2048:
            return None
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return VerifyingKey(kid, alg, key)
