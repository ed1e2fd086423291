"""The proof that a form comes from our own page in this very browser.

A token in the form, keyed to the browser's cookie (a double submit that cannot be forged without the master key).
Its nonce makes every copy differ, so that compressed responses do not give it away (BREACH).
"""

from __future__ import annotations

from poolhouse.core import ids, sealing
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web import cookies

_NONCE_BYTES = 12


def token(pool: Pool) -> str:
    """A token for a form of this browser."""
    nonce = ids.token(_NONCE_BYTES)
    return f"{nonce}.{_proof(pool, nonce)}"


def valid(pool: Pool, submitted: str) -> bool:
    """Whether ``submitted`` was made for this browser."""
    nonce, dot, proof = submitted.partition(".")
    return bool(dot) and sealing.same(proof, _proof(pool, nonce))


def _proof(pool: Pool, nonce: str) -> str:
    return sealing.digest("csrf", f"{pool.id}/{cookies.browser(pool)}/{nonce}").hex()
