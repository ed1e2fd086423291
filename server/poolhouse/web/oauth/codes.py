"""Authorization codes: random, stored as digests, good for one exchange within five minutes (Cognito's time)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from poolhouse.core import clock, ids, prepared, sealing, unit
from poolhouse.core.events import Event
from poolhouse.federation.events import IdentityUnlinked, SamlLogoutReceived
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.web.oauth.models import StoredAuthorizationCode as Stored

CODE_SECONDS = 300
CODE_BYTES = 32
_FIND = prepared.Read(
    select(Stored.__table__).where(Stored.pool_id == bindparam("pool"), Stored.digest == bindparam("code"))
)
_NEW = prepared.Write(insert(Stored))
_SPEND = prepared.Write(
    update(Stored)
    .where(Stored.pool_id == bindparam("pool"), Stored.digest == bindparam("code"), Stored.used_at.is_(None))
    .values(used_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A code that was issued, with what it is bound to."""

    digest: bytes = field(repr=False)
    pool_id: str
    client_id: str
    sub: str
    redirect_uri: str
    redirect_uri_given: bool
    scope: str
    nonce: str | None
    code_challenge: str | None
    claims: Mapping[str, Any] | None
    auth_time: int
    amr: tuple[str, ...]
    origin_jti: str
    expires_at: datetime
    used_at: datetime | None
    provider: str | None = None
    acr: str | None = None

    @property
    def issued_at(self) -> datetime:
        """When it was made."""
        return self.expires_at - timedelta(seconds=CODE_SECONDS)

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at <= clock.now()

    def get_redirect_uri(self) -> str:
        """For Authlib: what the token request's redirect_uri must equal, "" if the other request named none."""
        return self.redirect_uri if self.redirect_uri_given else ""

    def get_scope(self) -> str:
        """For Authlib."""
        return self.scope


def issue(
    client: Client,
    sub: str,
    *,
    redirect_uri: str,
    redirect_uri_given: bool,
    scope: str,
    nonce: str | None,
    code_challenge: str | None,
    claims: Mapping[str, Any] | None,
    auth_time: int,
    amr: tuple[str, ...],
    provider: str | None = None,
    acr: str | None = None,
) -> str:
    """A new code."""
    code = ids.token(CODE_BYTES)
    _NEW.run(
        {
            "pool_id": client.pool_id,
            "digest": sealing.sha256(code),
            "client_id": client.id,
            "sub": sub,
            "redirect_uri": redirect_uri,
            "redirect_uri_given": redirect_uri_given,
            "scope": scope,
            "nonce": nonce,
            "code_challenge": code_challenge,
            "claims": dict(claims) if claims else None,
            "auth_time": auth_time,
            "amr": list(amr),
            "origin_jti": ids.uuid4(),
            "expires_at": clock.now() + timedelta(seconds=CODE_SECONDS),
            "used_at": None,
            "provider": provider,
            "acr": acr,
        },
    )
    return code


def find(pool: Pool, code: str) -> AuthorizationCode | None:
    """The code, used and expired ones included; None if the pool has none such."""
    row = _FIND.first({"pool": pool.id, "code": sealing.sha256(code)})
    if row is None:
        return None
    known = row._asdict()
    return AuthorizationCode(**(known | {"amr": tuple(known["amr"])}))


def spend(code: AuthorizationCode) -> bool:
    """Use the code up, once and for all; False if somebody was faster."""
    return _SPEND.run({"pool": code.pool_id, "code": code.digest, "now": clock.now()}) == 1


def hear(fact: Event) -> None:
    """For the bus: whom their provider signs out, or who is parted from it, has no code that waits to be exchanged."""
    if not isinstance(fact, SamlLogoutReceived | IdentityUnlinked) or not fact.provider:
        return
    theirs = (Stored.pool_id == fact.pool_id, Stored.sub == fact.sub, Stored.provider == fact.provider)
    now = clock.now()
    unit.write()
    unit.execute(update(Stored).where(*theirs, Stored.expires_at > now).values(expires_at=now))


def purge() -> None:
    """Drop codes a day after they expired: until then, one that comes back is still known as used."""
    unit.write()
    unit.execute(delete(Stored).where(Stored.expires_at < clock.ago(days=1)))
