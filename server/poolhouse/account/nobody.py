"""Names that nobody has, where that is not to be noticed: all runs its course on an account that is not there."""

from __future__ import annotations

from poolhouse.core import sealing
from poolhouse.credentials import codes
from poolhouse.messages.send import Delivery
from poolhouse.user_pools import rules
from poolhouse.user_pools.snapshots import Pool

_LETTERS = "abcdefghijklmnoprstw"


def _seed(pool: Pool, name: str) -> bytes:
    return sealing.digest("nobody", f"{pool.id}/{pool.canonical(name)}")


def sub(pool: Pool, name: str) -> str:
    """What the codes and counts of that name are kept under; always the same for the same name."""
    text = _seed(pool, name).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"


def delivery(pool: Pool, name: str, occasion: str) -> Delivery:
    """A code made and stored like any other, for nobody; and where it could have gone."""
    attribute = rules.looks_like(name) or "email"
    codes.new(pool, sub(pool, name), occasion, attribute, "")
    seed = _seed(pool, name)
    invented = f"{_LETTERS[seed[0] % 20]}@{_LETTERS[seed[1] % 20]}.example"
    return Delivery.to(attribute, name if rules.looks_like(name) else invented)
