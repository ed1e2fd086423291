"""A pool's signing keys: one for ID tokens and one for access tokens, rotated with overlap.

A new key is published before it signs, so that verifiers that cache a JWK Set know it in time; its predecessor
verifies until the last token that it signed has expired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import delete, insert, select, update

from poolhouse.core import cache, clock, jose, runtime, sealing, unit
from poolhouse.core.errors import ResourceNotFound
from poolhouse.core.events import emit
from poolhouse.core.jose import SigningKey, VerifyingKey
from poolhouse.tokens.events import SigningKeyRotated
from poolhouse.tokens.models import StoredSigningKey

PURPOSES = ("id", "access")
PUBLISHED_AHEAD = timedelta(hours=1)
# The longest life of a token (a day, Cognito's limit), and an hour for clocks that disagree.
VERIFIES_AFTER = timedelta(hours=25)
_SEAL = "signing key"


@dataclass(frozen=True, slots=True)
class Generated:
    """Fresh keys that are not stored yet, by purpose."""

    alg: str
    keys: Mapping[str, SigningKey]


@dataclass(frozen=True, slots=True)
class _Held:
    key: SigningKey
    public: VerifyingKey
    purpose: str
    active_from: datetime
    retire_at: datetime | None


@dataclass(frozen=True, slots=True)
class _View:
    """The keys of a pool as they stand until ``until``: which one signs, which verify, and the JWK Set's bytes."""

    signing: Mapping[str, SigningKey]
    verifying: Mapping[str, VerifyingKey]
    jwks: bytes
    until: datetime | None


class _Ring:
    """All keys of a pool; its view is made anew when a key's time comes."""

    __slots__ = ("_held", "_view")

    def __init__(self, held: Sequence[_Held]) -> None:
        self._held = held
        self._view = _view(held, clock.now())

    def view(self) -> _View:
        view = self._view
        if view.until is not None and clock.now() >= view.until:
            view = self._view = _view(self._held, clock.now())
        return view


def _view(held: Sequence[_Held], now: datetime) -> _View:
    live = [h for h in held if h.retire_at is None or h.retire_at > now]
    signing: dict[str, SigningKey] = {}
    for h in sorted(live, key=lambda h: h.active_from):
        if h.active_from <= now or h.purpose not in signing:
            signing[h.purpose] = h.key
    changes = [h.active_from for h in live] + [h.retire_at for h in live if h.retire_at is not None]
    return _View(
        signing=signing,
        verifying={h.key.kid: h.public for h in live},
        jwks=orjson.dumps({"keys": [h.public.jwk() for h in live]}),
        until=min((moment for moment in changes if moment > now), default=None),
    )


def generate(alg: str = "RS256") -> Generated:
    """New keys for a pool. Slow (RSA: a tenth of a second a key): do it before ``unit.write()``."""
    return Generated(alg, {purpose: _new_key(alg) for purpose in PURPOSES})


def _new_key(alg: str) -> SigningKey:
    key = jose.generate(alg)
    return SigningKey(jose.key_id(key), alg, key)


def store(pool_id: str, generated: Generated) -> None:
    """Make ``generated`` the keys of a new pool, at work at once."""
    now = clock.now()
    for purpose, key in generated.keys.items():
        _insert(pool_id, purpose, key, now, now)
    cache.changed()


def create_for(pool_id: str, alg: str = "RS256") -> None:
    """:func:`generate` and :func:`store` in one, where no lock is held yet."""
    store(pool_id, generate(alg))


def signing(pool_id: str, purpose: str) -> SigningKey:
    """The key that signs ``purpose`` ("id" or "access") now. Raises ResourceNotFound."""
    key = _ring(pool_id).view().signing.get(purpose)
    if key is None:
        raise ResourceNotFound(f"User pool {pool_id} does not exist.", hint=f"no {purpose} key")
    return key


def verifying(pool_id: str) -> Mapping[str, VerifyingKey]:
    """Every key whose signature counts, by ``kid``; none for a pool that does not exist."""
    return _ring(pool_id).view().verifying


def jwks(pool_id: str) -> bytes:
    """The pool's JWK Set (RFC 7517 §5), ready to be sent: keys that sign, are about to, or have."""
    return _ring(pool_id).view().jwks


def algorithm(pool_id: str) -> str:
    """What ID tokens of the pool are signed with."""
    return signing(pool_id, "id").alg


def rotate(pool_id: str, purpose: str, *, alg: str | None = None, ahead: timedelta = PUBLISHED_AHEAD) -> str:
    """Publish a new key, which signs in place of the present one after ``ahead``; its ``kid``.

    ``ahead`` of zero is for a key that has leaked and was withdrawn: verifiers with a cached JWK Set will stumble.
    """
    key = _new_key(alg or signing(pool_id, purpose).alg)
    _succeed(pool_id, purpose, key, ahead)
    return key.kid


def rotate_due(age: timedelta) -> None:
    """Rotate one key that has signed for longer than ``age``, if there is one: the housekeeper comes again soon.

    Of several workers that find the same key, the first one rotates it.
    """
    due = unit.execute(
        select(StoredSigningKey.pool_id, StoredSigningKey.purpose, StoredSigningKey.kid, StoredSigningKey.alg)
        .where(StoredSigningKey.retire_at.is_(None), StoredSigningKey.active_from < clock.now() - age)
        .limit(1)
    ).first()
    if due is not None:
        _succeed(due.pool_id, due.purpose, _new_key(due.alg), PUBLISHED_AHEAD, only=due.kid)


def _succeed(pool_id: str, purpose: str, key: SigningKey, ahead: timedelta, *, only: str | None = None) -> None:
    """Let ``key`` follow the present key of that purpose; ``only`` if that one is still it."""
    now = clock.now()
    begins = now + ahead
    present = (
        StoredSigningKey.pool_id == pool_id,
        StoredSigningKey.purpose == purpose,
        StoredSigningKey.retire_at.is_(None),
        *((StoredSigningKey.kid == only,) if only else ()),
    )
    unit.write()
    retired = unit.execute(update(StoredSigningKey).where(*present).values(retire_at=begins + VERIFIES_AFTER))
    if only and retired.rowcount != 1:
        return
    _insert(pool_id, purpose, key, now, begins)
    cache.changed()
    emit(SigningKeyRotated(pool_id, key.kid, purpose))


def withdraw(pool_id: str, kid: str) -> bool:
    """Let a key neither sign nor verify from now on: it has leaked. False if the pool has no such key."""
    unit.write()
    gone = unit.execute(
        delete(StoredSigningKey).where(StoredSigningKey.pool_id == pool_id, StoredSigningKey.kid == kid)
    )
    cache.changed()
    return bool(gone.rowcount)


def purge() -> None:
    """Drop keys that verify no more."""
    unit.write()
    unit.execute(delete(StoredSigningKey).where(StoredSigningKey.retire_at < clock.now()))


def _insert(pool_id: str, purpose: str, key: SigningKey, now: datetime, active_from: datetime) -> None:
    unit.write()
    unit.execute(
        insert(StoredSigningKey).values(
            pool_id=pool_id,
            kid=key.kid,
            purpose=purpose,
            alg=key.alg,
            sealed=sealing.seal(_SEAL, key.private_pem(), f"{pool_id}/{key.kid}"),
            created_at=now,
            active_from=active_from,
            retire_at=None,
        )
    )


def _ring(pool_id: str) -> _Ring:
    return runtime.current().cache.get(("signing keys", pool_id), lambda: _load(pool_id))


def _load(pool_id: str) -> _Ring:
    rows = unit.execute(select(StoredSigningKey.__table__).where(StoredSigningKey.pool_id == pool_id)).all()
    held = []
    for row in rows:
        pem = sealing.open_(_SEAL, row.sealed, f"{pool_id}/{row.kid}")
        key = jose.load_private(row.kid, row.alg, pem)
        held.append(_Held(key, key.public, row.purpose, row.active_from, row.retire_at))
    return _Ring(held)
