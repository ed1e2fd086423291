"""Creates, replaces and deletes app clients, and keeps their secrets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from poolhouse.core import cache, clock, ids, paging, sealing, unit
from poolhouse.core.errors import InvalidParameter, LimitExceeded, ResourceNotFound
from poolhouse.core.events import emit
from poolhouse.settings import Secret
from poolhouse.user_pools import client_rules, extensions, limits, lookup, pool_rules, rows
from poolhouse.user_pools.events import UserPoolClientCreated, UserPoolClientDeleted, UserPoolClientUpdated
from poolhouse.user_pools.models import AppClient, ClientSecret
from poolhouse.user_pools.snapshots import Client

_ID_LENGTH = 26
_SECRET_LENGTH = 52
# Handled by `create` itself: none of the settings.
_NO_SETTINGS = frozenset({"GenerateSecret", "ClientSecret", "UserPoolId", "ClientId", "ClientName"})


@dataclass(frozen=True, slots=True)
class DescribedSecret:
    """A client secret as ListUserPoolClientSecrets shows it: without its value."""

    id: str
    created_at: datetime


def create(pool_id: str, name: str, given: Mapping[str, Any], providers: Collection[str] = ()) -> Client:
    """A new client. ``given`` has the members of CreateUserPoolClient. Raises InvalidParameter, LimitExceeded, …

    ``providers`` are those of SupportedIdentityProviders that the pool has: it is above this package to know them.
    """
    rows.locked_pool(pool_id)
    limits.check(limits.CLIENTS, "user pool clients", AppClient.id, AppClient.pool_id == pool_id)
    if given.get("GenerateSecret") and given.get("ClientSecret"):
        raise InvalidParameter("ClientSecret cannot be given together with GenerateSecret.")
    secret = given.get("ClientSecret") or (ids.alnum(_SECRET_LENGTH) if given.get("GenerateSecret") else None)
    now = clock.now()
    candidate = Client(
        pool=lookup.fresh_pool(pool_id),
        id=ids.alnum(_ID_LENGTH),
        name=name,
        settings=_settings(given),
        secrets=(Secret(secret),) if secret else (),
        created_at=now,
        modified_at=now,
    )
    client_rules.check(candidate, "creating", providers)
    unit.execute(
        insert(AppClient).values(
            pool_id=pool_id,
            id=candidate.id,
            name=name,
            settings=dict(candidate.settings),
            created_at=now,
            modified_at=now,
        )
    )
    if secret:
        _insert_secret(pool_id, candidate.id, secret)
    cache.changed()
    emit(UserPoolClientCreated(pool_id, candidate.id))
    return candidate


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    settings = {member: value for member, value in given.items() if member not in _NO_SETTINGS}
    if settings.get("RefreshTokenValidity") == 0:
        del settings["RefreshTokenValidity"]  # Cognito: zero asks for the default
    return settings


def replace(
    pool_id: str, client_id: str, name: str | None, given: Mapping[str, Any], providers: Collection[str] = ()
) -> Client:
    """Put ``given`` (members of UpdateUserPoolClient) in place of the settings; what is left out is the default again.

    The name, the secrets and our own settings stay. Raises as :func:`create`.
    """
    row = rows.locked_client(pool_id, client_id)
    settings = _settings(given)
    if pool_rules.OWN in row.settings:
        settings[pool_rules.OWN] = row.settings[pool_rules.OWN]
    return _stored(pool_id, client_id, settings, name or row.name, "settings", {*providers, *_listed(row.settings)})


def set_own(pool_id: str, client_id: str, own: Mapping[str, Any]) -> Client:
    """Replace our own settings of the client (:mod:`extensions`). Raises InvalidParameter."""
    row = rows.locked_client(pool_id, client_id)
    has_secret = bool(secrets(pool_id, client_id))
    settings = {**row.settings, pool_rules.OWN: extensions.of_client(own, has_secret=has_secret)}
    return _stored(pool_id, client_id, settings, row.name, "extensions", _listed(row.settings))


def _listed(settings: Mapping[str, Any]) -> Collection[str]:
    """The providers that a client lists already: one that was deleted since may stand there, and counts for nothing."""
    return settings.get("SupportedIdentityProviders") or ()


def _stored(
    pool_id: str, client_id: str, settings: Mapping[str, Any], name: str, what: str, providers: Collection[str]
) -> Client:
    rows.store_client(pool_id, client_id, settings, name=name)
    client = lookup.fresh_client(pool_id, client_id)
    client_rules.check(client, "updating", frozenset(providers))
    emit(UserPoolClientUpdated(pool_id, client_id, what))
    return client


def remove(pool_id: str, client_id: str) -> None:
    """Delete the client and its secrets. Raises ResourceNotFound."""
    rows.locked_client(pool_id, client_id)
    mine = (ClientSecret.pool_id == pool_id, ClientSecret.client_id == client_id)
    unit.execute(delete(ClientSecret).where(*mine))
    unit.execute(delete(AppClient).where(AppClient.pool_id == pool_id, AppClient.id == client_id))
    cache.changed()
    emit(UserPoolClientDeleted(pool_id, client_id))


def page(pool_id: str, limit: int, token: str | None) -> tuple[list[tuple[str, str]], str | None]:
    """Ids and names of the pool's clients by id, ``limit`` at a time, and the token of the next page."""
    kind = f"clients/{pool_id}"
    after = paging.decode(kind, token).get("id", "")
    found = unit.execute(
        select(AppClient.id, AppClient.name)
        .where(AppClient.pool_id == pool_id, AppClient.id > after)
        .order_by(AppClient.id)
        .limit(limit + 1)
    ).all()
    following = paging.encode(kind, {"id": found[limit - 1].id}) if len(found) > limit else None
    return [(row.id, row.name) for row in found[:limit]], following


# --- Secrets: two at most, so that one can take over from the other --------------------------------------------------


def secrets(pool_id: str, client_id: str) -> list[DescribedSecret]:
    """The client's secrets, oldest first."""
    found = unit.execute(
        select(ClientSecret.id, ClientSecret.created_at)
        .where(ClientSecret.pool_id == pool_id, ClientSecret.client_id == client_id)
        .order_by(ClientSecret.created_at, ClientSecret.id)
    )
    return [DescribedSecret(row.id, row.created_at) for row in found]


def add_secret(pool_id: str, client_id: str, value: str | None) -> tuple[DescribedSecret, str]:
    """Give a confidential client a second secret, ``value`` or a generated one; what was stored, and its value.

    Raises LimitExceeded for a third one, InvalidParameter for a client that has none.
    """
    rows.locked_client(pool_id, client_id)
    present = secrets(pool_id, client_id)
    if not present:
        raise InvalidParameter("The client is public: only a client that was created with a secret can have another.")
    if len(present) >= limits.SECRETS:
        raise LimitExceeded(f"A user pool client can have at most {limits.SECRETS} secrets.")
    plain = value or ids.alnum(_SECRET_LENGTH)
    described = _insert_secret(pool_id, client_id, plain)
    cache.changed()
    emit(UserPoolClientUpdated(pool_id, client_id, "secret added"))
    return described, plain


def remove_secret(pool_id: str, client_id: str, secret_id: str) -> None:
    """Delete a secret. Raises ResourceNotFound, and InvalidParameter for the last one."""
    rows.locked_client(pool_id, client_id)
    present = secrets(pool_id, client_id)
    if secret_id not in {secret.id for secret in present}:
        raise ResourceNotFound(f"Client secret {secret_id} does not exist.")
    if len(present) == 1:
        raise InvalidParameter("The last client secret of a user pool client cannot be deleted.")
    unit.execute(
        delete(ClientSecret).where(
            ClientSecret.pool_id == pool_id, ClientSecret.client_id == client_id, ClientSecret.id == secret_id
        )
    )
    cache.changed()
    emit(UserPoolClientUpdated(pool_id, client_id, "secret deleted"))


def _insert_secret(pool_id: str, client_id: str, plain: str) -> DescribedSecret:
    taken = {secret.id for secret in secrets(pool_id, client_id)}
    now = clock.now()
    moment = now
    # An id is the client's and the second in which it was made: a second secret in the same one takes the next.
    while (secret_id := f"{client_id}--{int(moment.timestamp())}") in taken:
        moment += timedelta(seconds=1)
    sealed = sealing.seal("client secret", plain.encode(), client_id)
    unit.execute(
        insert(ClientSecret).values(pool_id=pool_id, client_id=client_id, id=secret_id, sealed=sealed, created_at=now)
    )
    return DescribedSecret(secret_id, now)
