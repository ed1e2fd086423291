"""Keys of a pool as a SAML party: one that signs its requests, and one for each provider that encrypts to it.

A new key is in the metadata before it signs, and a former one stays there and decrypts for a year: providers read
metadata when they please, and many were handed a file once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from poolhouse.core import cache, clock, ids, runtime, sealing, unit
from poolhouse.core.events import emit
from poolhouse.federation.events import SamlKeyRotated
from poolhouse.federation.models import SamlKey

SIGNING = "signing"
ENCRYPTION = "encryption"
PUBLISHED_AHEAD = timedelta(days=1)
KEPT_AFTER = timedelta(days=365)
_SEAL = "saml key"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and its certificate, PEM. It signs from ``active_from`` on."""

    id: str
    private: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    active_from: datetime

    @property
    def pair(self) -> tuple[bytes, bytes]:
        """As the functions that sign take it."""
        return self.private, self.certificate

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        from poolhouse.saml import keys

        return keys.der(self.certificate)

    @property
    def shown(self) -> str:
        """The certificate as the API shows it: base64 without PEM's header."""
        lines = self.certificate.decode().strip().splitlines()
        return "".join(line for line in lines if not line.startswith("-----"))


def signing(pool_id: str) -> KeyPair:
    """The key that signs the pool's SAML messages now, made if there is none yet."""
    held = published(pool_id)
    now = clock.now()
    return next((key for key in held if key.active_from <= now), held[-1])


def published(pool_id: str, provider: str = "") -> tuple[KeyPair, ...]:
    """The keys whose certificates are in the pool's metadata, newest first; at least one, made if there is none.

    Without ``provider`` those that sign, else those that its assertions may be encrypted to. Making one is slow and
    writes: ask before anything is locked.
    """
    return _held(pool_id, provider) or (_make(pool_id, provider, clock.now()),)


def decrypting(pool_id: str, provider: str) -> tuple[bytes, ...]:
    """The private keys (PEM) that open what ``provider`` encrypts, newest first; none if none was ever published."""
    return tuple(key.private for key in _held(pool_id, provider))


def rotate(pool_id: str, provider: str = "", *, withdraw: bool = False) -> KeyPair:
    """A new key. What signs does so after a day, once providers have read of it; both are in the metadata meanwhile.

    ``withdraw``: the former key has leaked. It is gone, and the new one signs at once.
    """
    ahead = timedelta(0) if withdraw or provider else PUBLISHED_AHEAD
    mine = (SamlKey.pool_id == pool_id, SamlKey.provider == provider)
    former = published(pool_id, provider)
    now = clock.now()
    made = _generated(pool_id)
    unit.write()
    if withdraw:
        unit.execute(delete(SamlKey).where(*mine))
    else:
        known = SamlKey.id.in_([key.id for key in former])
        unit.execute(update(SamlKey).where(*mine, known, SamlKey.retired_at.is_(None)).values(retired_at=now + ahead))
    pair = _store(pool_id, provider, made, now, now + ahead)
    emit(SamlKeyRotated(pool_id, pair.id, provider))
    return pair


def purge() -> None:
    """Drop keys that nobody uses any more."""
    unit.write()
    gone = unit.execute(delete(SamlKey).where(SamlKey.retired_at < clock.now() - KEPT_AFTER))
    if gone.rowcount:
        cache.changed()


def _held(pool_id: str, provider: str) -> tuple[KeyPair, ...]:
    return runtime.current().cache.get(("saml keys", pool_id, provider), lambda: _load(pool_id, provider))


def _load(pool_id: str, provider: str) -> tuple[KeyPair, ...]:
    mine = (SamlKey.pool_id == pool_id, SamlKey.provider == provider)
    newest_first = (SamlKey.active_from.desc(), SamlKey.id.desc())
    rows = unit.execute(select(SamlKey.__table__).where(*mine).order_by(*newest_first))
    return tuple(
        KeyPair(
            row.id,
            sealing.open_(_SEAL, row.sealed, f"{pool_id}/{row.id}"),
            row.certificate.encode(),
            row.active_from,
        )
        for row in rows
    )


def _generated(pool_id: str) -> tuple[bytes, bytes]:
    from poolhouse.saml import keys

    return keys.make_key(pool_id)


def _make(pool_id: str, provider: str, now: datetime) -> KeyPair:
    made = _generated(pool_id)
    unit.write()
    meanwhile = _load(pool_id, provider)
    return meanwhile[0] if meanwhile else _store(pool_id, provider, made, now, now)


def _store(pool_id: str, provider: str, made: tuple[bytes, bytes], now: datetime, active_from: datetime) -> KeyPair:
    key_id = ids.uuid7()
    private, certificate = made
    unit.execute(
        insert(SamlKey).values(
            pool_id=pool_id,
            id=key_id,
            provider=provider,
            use=ENCRYPTION if provider else SIGNING,
            sealed=sealing.seal(_SEAL, private, f"{pool_id}/{key_id}"),
            certificate=certificate.decode(),
            created_at=now,
            active_from=active_from,
            retired_at=None,
        )
    )
    cache.changed()
    return KeyPair(key_id, private, certificate, active_from)
