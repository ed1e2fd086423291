"""What people are called at a service provider: names that do not tell two service providers whom they share."""

from __future__ import annotations

import base64
import hmac
import os

from sqlalchemy import insert, select

from poolhouse.core import clock, runtime, sealing, unit
from poolhouse.federation.saml_idp.models import SamlNameKey

SEALED_FOR = "saml name key"
_KEY_BYTES = 32


def prepare(pool_id: str) -> None:
    """Make the pool's key, if it has none. Within the transaction that makes its first service provider."""
    if _stored(pool_id) is None:
        sealed = sealing.seal(SEALED_FOR, os.urandom(_KEY_BYTES), pool_id)
        unit.execute(insert(SamlNameKey).values(pool_id=pool_id, sealed=sealed, created_at=clock.now()))


def persistent(pool_id: str, sub: str, entity_id: str) -> str:
    """A person's name at one service provider, always the same (SAML Core §8.3.7).

    It is computed with a key of the pool and not under the master key, which may be changed: names may not.
    """
    key = runtime.current().cache.get(("saml name key", pool_id), lambda: _stored(pool_id))
    assert key is not None, "whoever became a service provider has had the key made"
    return _text(hmac.digest(key, f"{sub}\x00{entity_id}".encode(), "sha256"))


def transient(pool_id: str, browser_session: bytes, entity_id: str) -> str:
    """A name for one session at one service provider (SAML Core §8.3.8)."""
    return "_" + _text(sealing.digest("saml transient name", f"{pool_id}/{browser_session.hex()}/{entity_id}"))


def session_index(pool_id: str, browser_session: bytes, entity_id: str) -> str:
    """What a service provider knows the session by."""
    return "_" + _text(sealing.digest("saml session index", f"{pool_id}/{browser_session.hex()}/{entity_id}"))


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest[:24]).decode()


def _stored(pool_id: str) -> bytes | None:
    row = unit.execute(select(SamlNameKey.sealed).where(SamlNameKey.pool_id == pool_id)).first()
    return None if row is None else sealing.open_(SEALED_FOR, row.sealed, pool_id)
