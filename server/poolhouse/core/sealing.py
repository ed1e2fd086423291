"""Encryption at rest and keyed digests, both under the master key.

A sealed value is bound to its purpose and its context (the row it belongs to): moved into another row it does not open.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from poolhouse.core import runtime

_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12


class SealBroken(Exception):
    """A sealed value was changed, moved to another row, or sealed under a master key that is not known here."""


def key_id(master_key: bytes) -> bytes:
    """Four bytes that tell master keys apart without telling anything of them."""
    return hmac.digest(master_key, b"poolhouse key id", "sha256")[:_KEY_ID_BYTES]


@lru_cache(maxsize=256)
def _derived(master_key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"poolhouse/" + purpose.encode()).derive(master_key)


@lru_cache(maxsize=256)
def _cipher(master_key: bytes, purpose: str) -> AESGCM:
    return AESGCM(_derived(master_key, "seal/" + purpose))


class Sealer:
    """The master key at work, with its predecessors for whatever was sealed before a rotation."""

    def __init__(self, master_key: bytes, previous: tuple[bytes, ...] = ()) -> None:
        self._master = master_key
        self._known = {key_id(key): key for key in (*previous, master_key)}
        self.key_id = key_id(master_key)

    def __repr__(self) -> str:
        return "Sealer(…)"

    def seal(self, purpose: str, plain: bytes, context: str = "") -> bytes:
        """``plain`` encrypted and authenticated (AES-256-GCM) for ``purpose`` and ``context``."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = _cipher(self._master, purpose).encrypt(nonce, plain, context.encode())
        return _VERSION + self.key_id + nonce + sealed

    def open(self, purpose: str, sealed: bytes, context: str = "") -> bytes:
        """What :meth:`seal` was given. Raises :class:`SealBroken`."""
        head = len(_VERSION) + _KEY_ID_BYTES
        key = self._known.get(bytes(sealed[len(_VERSION) : head]))
        if sealed[: len(_VERSION)] != _VERSION or key is None or len(sealed) < head + _NONCE_BYTES + 16:
            raise SealBroken(f"{purpose}: not sealed under a key that is known here")
        try:
            nonce = bytes(sealed[head : head + _NONCE_BYTES])
            return _cipher(key, purpose).decrypt(nonce, bytes(sealed[head + _NONCE_BYTES :]), context.encode())
        except InvalidTag:
            raise SealBroken(f"{purpose}: changed, or sealed for another row") from None

    def digest(self, purpose: str, value: str) -> bytes:
        """HMAC-SHA-256 of ``value``: how handles and codes are stored, so that a stolen table opens nothing."""
        return hmac.digest(
            _derived(self._master, "digest/" + purpose), value.encode("utf-8", "surrogatepass"), "sha256"
        )

    def digest_under(self, key_id_hex: str, purpose: str, value: str) -> bytes | None:
        """:meth:`digest` under the master key of that id; None if that key is not known here."""
        for known, key in self._known.items():
            if known.hex() == key_id_hex:
                data = value.encode("utf-8", "surrogatepass")
                return hmac.digest(_derived(key, "digest/" + purpose), data, "sha256")
        return None


def seal(purpose: str, plain: bytes, context: str = "") -> bytes:
    """:meth:`Sealer.seal` under the running server's master key."""
    return runtime.current().sealer.seal(purpose, plain, context)


def open_(purpose: str, sealed: bytes, context: str = "") -> bytes:
    """:meth:`Sealer.open` under the running server's master keys."""
    return runtime.current().sealer.open(purpose, sealed, context)


def digest(purpose: str, value: str) -> bytes:
    """:meth:`Sealer.digest` under the running server's master key."""
    return runtime.current().sealer.digest(purpose, value)


def sha256(value: str) -> bytes:
    """A plain digest, enough for random secrets of 128 bits and more."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()


def same(a: str | bytes, b: str | bytes) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    left = a.encode("utf-8", "surrogatepass") if isinstance(a, str) else a
    right = b.encode("utf-8", "surrogatepass") if isinstance(b, str) else b
    return hmac.compare_digest(left, right)
