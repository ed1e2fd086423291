"""Everything that is sealed under the master key, and how it is sealed anew when the key is rotated.

What is stored as a keyed digest cannot be computed anew: codes, handles and browser sessions that are on their way
during a rotation have to be asked for again. Refresh tokens are plain digests of random secrets, and live on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, and_, func, select, update

from poolhouse import keycheck
from poolhouse.access.models import AccessKey, SamlProvider
from poolhouse.core import runtime, unit
from poolhouse.core.db import Base
from poolhouse.credentials.models import Password, Totp
from poolhouse.federation.models import SamlKey, SamlLogout, StoredProvider, StoredTrip, UpstreamSession, UpstreamTokens
from poolhouse.federation.saml_idp import participants
from poolhouse.federation.saml_idp.models import SamlNameKey, SamlParticipant
from poolhouse.messages.models import DevelopmentMail, OutboxMessage
from poolhouse.signin.attempt import AttemptRow
from poolhouse.tokens.models import StoredSigningKey
from poolhouse.user_pools.models import ClientSecret
from poolhouse.web.models import StoredAuthorizationRequest

_BATCH = 500
_VERSION = b"\x01"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed column: the purpose that it is sealed for, and the context that binds a value to its row."""

    model: type[Base]
    column: str
    purpose: str
    context: Callable[[Row[Any]], str]

    @property
    def table(self) -> Table:
        """Its table."""
        table = self.model.__table__
        assert isinstance(table, Table)
        return table


COLUMNS = (
    Sealed(keycheck.MasterKeyCheck, "sealed", "master key check", lambda row: ""),
    Sealed(AccessKey, "sealed_secret", "access key", lambda row: row.id),
    Sealed(SamlProvider, "sealed_keys", "saml provider keys", lambda row: row.provider_id),
    Sealed(ClientSecret, "sealed", "client secret", lambda row: row.client_id),
    Sealed(StoredSigningKey, "sealed", "signing key", lambda row: f"{row.pool_id}/{row.kid}"),
    Sealed(Password, "srp_verifier", "srp verifier", lambda row: f"{row.pool_id}/{row.sub}"),
    Sealed(Totp, "secret", "totp", lambda row: f"{row.pool_id}/{row.sub}"),
    Sealed(Totp, "pending", "totp", lambda row: f"{row.pool_id}/{row.sub}"),
    Sealed(OutboxMessage, "sealed", "outbox", lambda row: row.id),
    Sealed(DevelopmentMail, "sealed", "development mail", lambda row: row.id),
    Sealed(AttemptRow, "state", "sign-in attempt", lambda row: row.digest.hex()),
    Sealed(StoredProvider, "sealed", "identity provider", lambda row: f"{row.pool_id}/{row.name}"),
    Sealed(SamlKey, "sealed", "saml key", lambda row: f"{row.pool_id}/{row.id}"),
    Sealed(StoredTrip, "sealed", "federation trip", lambda row: row.digest.hex()),
    Sealed(UpstreamSession, "sealed", "upstream session", lambda row: f"{row.pool_id}/{row.id}"),
    Sealed(UpstreamTokens, "sealed", "upstream tokens", lambda row: f"{row.pool_id}/{row.sub}/{row.provider}"),
    Sealed(SamlNameKey, "sealed", "saml name key", lambda row: row.pool_id),
    Sealed(
        SamlParticipant,
        "sealed",
        "saml participant",
        lambda row: participants.sealed_context(row.pool_id, row.client_id, row.session_index),
    ),
    Sealed(SamlLogout, "sealed", "saml logout", lambda row: row.digest.hex()),
    Sealed(StoredAuthorizationRequest, "notes", "authorization request notes", lambda row: row.digest.hex()),
)


def reseal(rt: runtime.Runtime) -> dict[str, int]:
    """Seal anew what former master keys sealed, in small transactions beside a running server; how many by table.

    Raises :class:`core.sealing.SealBroken` for a value that none of the known keys opens.
    """
    done: dict[str, int] = {}
    for sealed in COLUMNS:
        count = 0
        while moved := _batch(rt, sealed):
            count += moved
        if count:
            done[sealed.table.name] = done.get(sealed.table.name, 0) + count
    return done


def _batch(rt: runtime.Runtime, sealed: Sealed) -> int:
    table, column = sealed.table, sealed.table.c[sealed.column]
    with unit.open(rt, write=True):
        rows = unit.execute(select(table).where(_former(column, rt.sealer.key_id)).limit(_BATCH)).all()
        moved = 0
        for row in rows:
            old = getattr(row, sealed.column)
            context = sealed.context(row)
            new = rt.sealer.seal(sealed.purpose, rt.sealer.open(sealed.purpose, old, context), context)
            here = and_(*(key == getattr(row, key.name) for key in table.primary_key.columns), column == old)
            moved += unit.execute(update(table).where(here).values({sealed.column: new})).rowcount
        return moved


def _former(column: ColumnElement[Any], key_id: bytes) -> ColumnElement[bool]:
    """Sealed under another key than ``key_id``; empty and absent values are nothing to seal."""
    head = _VERSION + key_id
    return and_(column.is_not(None), func.length(column) > 0, func.substr(column, 1, len(head)) != head)
