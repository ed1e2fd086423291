"""People's passwords: set, check, and never the same again where the pool says so.

Stored as bcrypt over a keyed digest of the password: all 256 characters count (bcrypt itself stops at 72 bytes), a
NUL is an ordinary character, and a stolen table cannot be attacked without the master key.
"""

from __future__ import annotations

import base64
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import bcrypt
from sqlalchemy import delete, insert, select, update

from poolhouse.core import clock, runtime, sealing, unit
from poolhouse.core.errors import InvalidPassword, PasswordHistoryPolicyViolation
from poolhouse.credentials import srp
from poolhouse.credentials.models import FormerPassword, Password
from poolhouse.user_pools import rules
from poolhouse.user_pools.snapshots import Pool
from poolhouse.users import User

_SCHEME = "bs1"
_PURPOSE = "password pepper"
_SYMBOLS = "!@#%&*-_=+?"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A password made ready to be stored: the slow part, done before any write begins."""

    hash: str
    salt: int
    verifier: bytes

    def __repr__(self) -> str:
        return "Prepared(…)"


def _material(password: str, key_id: str) -> bytes | None:
    """44 ASCII bytes that stand for the password under the master key of that id; None if the key is not known."""
    keyed = runtime.current().sealer.digest_under(key_id, _PURPOSE, unicodedata.normalize("NFC", password))
    return None if keyed is None else base64.b64encode(keyed)


def _split(stored: str) -> tuple[str, bytes]:
    """The id of the master key, and the bcrypt hash."""
    head, separator, hashed = stored.partition("$2")
    prefix = f"${_SCHEME}$k="
    return (head.removeprefix(prefix), ("$2" + hashed).encode()) if head.startswith(prefix) and separator else ("", b"")


@lru_cache(maxsize=8)
def _dummy(rounds: int) -> bytes:
    return bcrypt.hashpw(secrets.token_hex(16).encode(), bcrypt.gensalt(rounds))


def check(password: str, stored: str | None) -> bool:
    """Whether ``password`` is the one stored; takes as long where none is (nobody is told apart by time)."""
    rt = runtime.current()
    own_key = rt.sealer.key_id.hex()
    key_id, hashed = _split(stored) if stored else (own_key, b"")
    material = _material(password[: rules.LONGEST_PASSWORD], key_id) if hashed else None
    if material is None:
        filler, dummy = _material(password[: rules.LONGEST_PASSWORD], own_key) or b"", _dummy(rt.settings.bcrypt_rounds)
        rt.hashers.run(lambda: bcrypt.checkpw(filler, dummy))
        return False
    fits = rt.hashers.run(lambda: bcrypt.checkpw(material, hashed))
    return fits and len(password) <= rules.LONGEST_PASSWORD


def outdated(stored: str) -> bool:
    """Whether the hash was made with another cost or master key than hashes are made with now."""
    rt = runtime.current()
    return not stored.startswith(f"${_SCHEME}$k={rt.sealer.key_id.hex()}$2b${rt.settings.bcrypt_rounds:02d}$")


def conform(pool: Pool, password: str) -> None:
    """Raise InvalidPassword unless the pool's policy admits ``password``."""
    faults = pool.password_policy.faults(password)
    if faults:
        raise InvalidPassword(f"Password did not conform with policy: {faults[0]}")


def prepare(pool: Pool, username: str, password: str) -> Prepared:
    """Hash ``password``. Call it before ``unit.write()``: it takes as long as bcrypt is told to."""
    rt = runtime.current()
    key_id = rt.sealer.key_id.hex()
    material = _material(password, key_id)
    assert material is not None, "the present master key is always known"
    rounds = rt.settings.bcrypt_rounds
    hashed = rt.hashers.run(lambda: bcrypt.hashpw(material, bcrypt.gensalt(rounds))).decode()
    # As Cognito's clients read it, a salt is a number: no leading zero that would be lost on the way.
    salt = secrets.randbits(8 * srp.SALT_BYTES - 1) | 1 << (8 * srp.SALT_BYTES - 2)
    verifier = srp.verifier(pool.srp_name, username, password, salt)
    return Prepared(f"${_SCHEME}$k={key_id}{hashed}", salt, srp.padded(verifier))


def forbid_reuse(pool: Pool, user: User, password: str) -> None:
    """Raise PasswordHistoryPolicyViolation if ``password`` is among the last ones. Slow: before ``unit.write()``."""
    remembered = pool.password_policy.history
    if not remembered:
        return
    here = (Password.pool_id == pool.id, Password.sub == user.sub)
    hashes = [row.hash for row in unit.execute(select(Password.hash).where(*here))]
    hashes += [
        row.hash
        for row in unit.execute(
            select(FormerPassword.hash)
            .where(FormerPassword.pool_id == pool.id, FormerPassword.sub == user.sub)
            .order_by(FormerPassword.set_at.desc())
            .limit(remembered)
        )
    ]
    if any(check(password, stored) for stored in hashes[:remembered]):
        raise PasswordHistoryPolicyViolation()


def store(pool: Pool, sub: str, prepared: Prepared, *, expires_at: datetime | None = None) -> None:
    """Make ``prepared`` the user's password; the former one goes into the history where there is one."""
    unit.write()
    now = clock.now()
    here = (Password.pool_id == pool.id, Password.sub == sub)
    values = {
        "hash": prepared.hash,
        "srp_salt": f"{prepared.salt:x}",
        "srp_verifier": sealing.seal("srp verifier", prepared.verifier, f"{pool.id}/{sub}"),
        "set_at": now,
        "expires_at": expires_at,
    }
    if pool.password_policy.history:
        former = unit.execute(select(Password.hash, Password.set_at).where(*here).with_for_update()).first()
        if former is not None:
            unit.execute(
                insert(FormerPassword).values(pool_id=pool.id, sub=sub, set_at=former.set_at, hash=former.hash)
            )
            _trim(pool, sub)
    if unit.execute(update(Password).where(*here).values(**values)).rowcount == 0:
        unit.execute(insert(Password).values(pool_id=pool.id, sub=sub, **values))


def _trim(pool: Pool, sub: str) -> None:
    here = (FormerPassword.pool_id == pool.id, FormerPassword.sub == sub)
    kept = unit.execute(
        select(FormerPassword.set_at)
        .where(*here)
        .order_by(FormerPassword.set_at.desc())
        .offset(pool.password_policy.history)
        .limit(1)
    ).first()
    if kept is not None:
        unit.execute(delete(FormerPassword).where(*here, FormerPassword.set_at <= kept.set_at))


def rehash(pool: Pool, sub: str, prepared: Prepared, replacing: str) -> None:
    """Store the same password hashed anew, unless somebody changed it meanwhile."""
    unit.write()
    unit.execute(
        update(Password)
        .where(Password.pool_id == pool.id, Password.sub == sub, Password.hash == replacing)
        .values(hash=prepared.hash)
    )


def remove(pool: Pool, sub: str) -> None:
    """Let no password work for the user."""
    unit.write()
    unit.execute(delete(Password).where(Password.pool_id == pool.id, Password.sub == sub))


def verifier(pool_id: str, sub: str, sealed: bytes) -> int:
    """The SRP verifier out of its row."""
    return int.from_bytes(sealing.open_("srp verifier", sealed, f"{pool_id}/{sub}"))


def temporary(pool: Pool) -> str:
    """A random password that the pool's policy admits, easy enough to type."""
    length = max(pool.password_policy.minimum_length, 10)
    alphabet = "abcdefghijkmnpqrstuvwxyz"
    required = [secrets.choice(alphabet), secrets.choice(alphabet.upper()), secrets.choice("23456789")]
    required.append(secrets.choice(_SYMBOLS))
    pool_of_letters = alphabet + alphabet.upper() + "23456789"
    letters = required[1:] + [secrets.choice(pool_of_letters) for _ in range(length - len(required))]
    secrets.SystemRandom().shuffle(letters)
    return required[0] + "".join(letters)
