"""Identifiers: time-ordered UUIDs for keys, random tokens for whatever must not be guessed."""

from __future__ import annotations

import base64
import os
import secrets
import string
import time

_ALNUM = string.ascii_lowercase + string.digits


def uuid7() -> str:
    """A time-ordered UUID (RFC 9562 §5.7), so that new rows stand side by side in an index."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64
    value |= 0b10 << 62 | random & ((1 << 62) - 1)
    return _spelt(value)


def uuid4() -> str:
    """A random UUID (RFC 9562 §5.4)."""
    value = int.from_bytes(os.urandom(16))
    value = value & ~(0xF << 76) | 0x4 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return _spelt(value)


def _spelt(value: int) -> str:
    """128 bits as a UUID is written (RFC 9562 §4)."""
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def token(nbytes: int = 32) -> str:
    """``nbytes`` of randomness, URL-safe."""
    return secrets.token_urlsafe(nbytes)


def alnum(length: int) -> str:
    """``length`` random lower-case letters and digits, as Cognito's client ids are."""
    return "".join(secrets.choice(_ALNUM) for _ in range(length))


def digits(length: int) -> str:
    """``length`` random digits, as mailed codes are."""
    return "".join(secrets.choice(string.digits) for _ in range(length))


def block(nbytes: int) -> str:
    """``nbytes`` of randomness in base64, as SRP's SECRET_BLOCK is."""
    return base64.b64encode(os.urandom(nbytes)).decode()
