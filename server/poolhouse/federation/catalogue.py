"""The identity providers of a pool: creates, replaces and deletes them, and finds them for whoever signs in.

Finding is one look into memory, or one read by primary key; what does not exist leaves nothing in memory, so that a
flood of made-up names cannot fill it. A pool with thousands of providers costs what one with five does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Row, delete, insert, select, union_all
from sqlalchemy import update as update_

from poolhouse.core import cache, clock, paging, runtime, sealing, unit
from poolhouse.core.errors import (
    ConcurrentModification,
    DuplicateProvider,
    InvalidParameter,
    ResourceNotFound,
    UnsupportedIdentityProvider,
)
from poolhouse.core.events import emit
from poolhouse.federation import connectors, extensions, provider_rules
from poolhouse.federation.events import IdentityProviderCreated, IdentityProviderDeleted, IdentityProviderUpdated
from poolhouse.federation.models import (
    ProviderDocument,
    ProviderIdentifier,
    SamlKey,
    StoredProvider,
    StoredTrip,
    UpstreamSession,
    UpstreamTokens,
)
from poolhouse.federation.provider import LOCAL, Provider
from poolhouse.user_pools import limits, rows
from poolhouse.user_pools.snapshots import Client, Pool

BUTTONS = 12
# How many providers are looked at for the buttons: the rest is reached by domain or identifier.
_CANDIDATES = 60
# Whose buttons come first. Said one by one: "all but SAML" could not be looked up in an index.
_FIRST = tuple(type_ for type_ in provider_rules.KINDS if type_ != "SAML")
ENABLED_AT = "enabled_at"
_SEALED_FOR = "identity provider"
_AT_A_TIME = 500

connector = connectors.connector


# --- find -------------------------------------------------------------------------------------------------------------


def find(pool: Pool, name: str) -> Provider | None:
    """The pool's provider of exactly that name, enabled or not, or None."""
    if not provider_rules.is_name(name):
        return None
    return runtime.current().cache.get(("identity provider", pool.id, name), lambda: _load(pool.id, name))


def get(pool: Pool, name: str) -> Provider:
    """The pool's provider of exactly that name, enabled or not. Raises ResourceNotFound."""
    found = find(pool, name)
    if found is None:
        raise _unknown(pool, name)
    return found


def by_identifier(pool: Pool, identifier: str) -> Provider | None:
    """The provider that an e-mail domain or another of IdpIdentifiers leads to, whatever its case, or None."""
    key = provider_rules.identifier_key(identifier)
    if not key.isprintable() or not 0 < len(key) <= provider_rules.IDENTIFIER_LONGEST:
        return None

    def load() -> str | None:
        mine = (ProviderIdentifier.pool_id == pool.id, ProviderIdentifier.identifier == key)
        return unit.execute(select(ProviderIdentifier.provider).where(*mine)).scalar_one_or_none()

    name = runtime.current().cache.get(("provider of identifier", pool.id, key), load)
    return None if name is None else find(pool, name)


def offered(client: Client) -> tuple[Provider, ...]:
    """The providers that a login page shows buttons of: enabled, of the client's list, at most ``BUTTONS``.

    Social and OpenID providers come first, then SAML's that no identifier leads to, then the others, each in the order
    of the list. What lies beyond, or has our extension ``Button`` turned off, is reached by its domain or identifier.
    """
    return runtime.current().cache.get(("offered providers", client.pool_id, client.id), lambda: _offered(client))


def _offered(client: Client) -> tuple[Provider, ...]:
    place = {name: number for number, name in enumerate(client.identity_providers) if name != LOCAL}
    found = [row for row in _candidates(client.pool_id, list(place)) if row.name in place and _has_button(row.own)]
    found.sort(
        key=lambda row: (row.type not in _FIRST, row.type not in _FIRST and bool(row.identifiers), place[row.name])
    )
    chosen = [row.name for row in found[:BUTTONS]]
    if not chosen:
        return ()
    mine = (StoredProvider.pool_id == client.pool_id, StoredProvider.name.in_(chosen))
    opened = {row.name: _opened(row) for row in unit.execute(select(StoredProvider.__table__).where(*mine))}
    return tuple(opened[name] for name in chosen if name in opened)


def _candidates(pool_id: str, names: Sequence[str]) -> list[Row[Any]]:
    """What may have a button: the first of a client's list, and of the pool what is not SAML, in one statement."""
    if not names:
        return []
    columns = (StoredProvider.name, StoredProvider.type, StoredProvider.identifiers, StoredProvider.own)
    in_pool = select(*columns).where(StoredProvider.pool_id == pool_id)
    listed = in_pool.where(StoredProvider.name.in_(names[:_CANDIDATES]))
    others = in_pool.where(StoredProvider.type.in_(_FIRST)).order_by(StoredProvider.type, StoredProvider.name)
    both = union_all(listed, select(others.limit(_CANDIDATES).subquery()))
    return list({row.name: row for row in unit.execute(both)}.values())


def _has_button(own: Mapping[str, Any]) -> bool:
    return own.get("enabled", True) is not False and own.get("button", True) is not False


def routes(client: Client) -> bool:
    """Whether any e-mail domain leads to one of the client's providers."""
    return runtime.current().cache.get(("routes", client.pool_id, client.id), lambda: _routes(client))


def _routes(client: Client) -> bool:
    names = [name for name in client.identity_providers if name != LOCAL]
    domains = (ProviderIdentifier.pool_id == client.pool_id, ProviderIdentifier.identifier.contains("."))
    for start in range(0, len(names), _AT_A_TIME):
        some = ProviderIdentifier.provider.in_(names[start : start + _AT_A_TIME])
        if unit.execute(select(ProviderIdentifier.provider).where(*domains, some).limit(1)).first() is not None:
            return True
    return False


def existing(pool_id: str, names: Iterable[str]) -> frozenset[str]:
    """Those of ``names`` that are providers of the pool."""
    asked = sorted({name for name in names if provider_rules.is_name(name)})
    known: set[str] = set()
    for start in range(0, len(asked), _AT_A_TIME):
        some = StoredProvider.name.in_(asked[start : start + _AT_A_TIME])
        known.update(unit.execute(select(StoredProvider.name).where(StoredProvider.pool_id == pool_id, some)).scalars())
    return frozenset(known)


def page(pool_id: str, limit: int, token: str | None) -> tuple[Sequence[Row[Any]], str | None]:
    """Name, type and dates of the pool's providers by name, ``limit`` at a time, and the token of the next page."""
    kind = f"identity-providers/{pool_id}"
    after = paging.decode(kind, token).get("name", "")
    columns = (StoredProvider.name, StoredProvider.type, StoredProvider.created_at, StoredProvider.modified_at)
    found = unit.execute(
        select(*columns)
        .where(StoredProvider.pool_id == pool_id, StoredProvider.name > after)
        .order_by(StoredProvider.name)
        .limit(limit + 1)
    ).all()
    following = paging.encode(kind, {"name": found[limit - 1].name}) if len(found) > limit else None
    return found[:limit], following


def _load(pool_id: str, name: str) -> Provider | None:
    mine = (StoredProvider.pool_id == pool_id, StoredProvider.name == name)
    row = unit.execute(select(StoredProvider.__table__).where(*mine)).first()
    return None if row is None else _opened(row)


def _opened(row: Row[Any]) -> Provider:
    return Provider(
        pool_id=row.pool_id,
        name=row.name,
        type=row.type,
        details=orjson.loads(sealing.open_(_SEALED_FOR, row.sealed, f"{row.pool_id}/{row.name}")),
        mapping=row.mapping,
        identifiers=tuple(row.identifiers),
        acr_mapping=row.acr_mapping,
        own=row.own,
        created_at=row.created_at,
        modified_at=row.modified_at,
    )


def _unknown(pool: Pool, name: str) -> ResourceNotFound:
    return ResourceNotFound(f"Identity provider {name} does not exist in user pool {pool.id}.")


def described(provider: Provider) -> dict[str, str]:
    """ProviderDetails as Describe shows them: without what is kept from everybody, with what SAML metadata says."""
    hidden = provider_rules.KINDS[provider.type].hidden
    shown = {key: value for key, value in provider.details.items() if key not in hidden}
    return shown | connectors.shown(provider)


# --- create, replace, delete ------------------------------------------------------------------------------------------


def create(
    pool: Pool,
    name: str,
    type_: str,
    details: Mapping[str, str],
    mapping: Mapping[str, str],
    identifiers: Sequence[str],
    acr_mapping: Mapping[str, str],
) -> Provider:
    """A new provider, from the members of CreateIdentityProvider.

    Raises InvalidParameter, DuplicateProvider, LimitExceeded. Asks the connector, which may fetch documents.
    """
    provider_rules.check_name(name, type_)
    if _load(pool.id, name) is not None:
        raise _taken(pool, name)
    made = _checked_details(type_, details)
    now = clock.now()
    candidate = Provider(
        pool_id=pool.id,
        name=name,
        type=type_,
        details=made,
        mapping=provider_rules.mapping(type_, mapping, pool.schema, made.get("preset", "")),
        identifiers=provider_rules.identifiers(identifiers),
        acr_mapping=provider_rules.acr_mapping(type_, acr_mapping),
        own={},
        created_at=now,
        modified_at=now,
    )
    candidate = dataclasses.replace(candidate, details=dict(connector(candidate).check(candidate)))

    rows.locked_pool(pool.id)
    mine = StoredProvider.pool_id == pool.id
    limits.check(limits.IDENTITY_PROVIDERS, "identity providers", StoredProvider.name, mine)
    if _load(pool.id, name) is not None:
        raise _taken(pool, name)
    unit.execute(insert(StoredProvider).values(name=name, pool_id=pool.id, created_at=now, **_columns(candidate)))
    _store_identifiers(candidate)
    cache.changed()
    emit(IdentityProviderCreated(pool.id, name))
    return candidate


def _taken(pool: Pool, name: str) -> DuplicateProvider:
    return DuplicateProvider(f"A provider with the name {name} already exists in user pool {pool.id}.")


def _checked_details(type_: str, given: Mapping[str, str]) -> dict[str, str]:
    return provider_rules.details(type_, given, private=runtime.current().settings.reaches_private)


def update(
    pool: Pool,
    name: str,
    *,
    details: Mapping[str, str] | None = None,
    mapping: Mapping[str, str] | None = None,
    identifiers: Sequence[str] | None = None,
    acr_mapping: Mapping[str, str] | None = None,
) -> Provider:
    """Put what is given in place of what was; what is left out stays (UpdateIdentityProvider).

    Raises ResourceNotFound, UnsupportedIdentityProvider, InvalidParameter; ConcurrentModification if somebody else
    changed the provider meanwhile.
    """
    before = _present(pool, name)
    after = before
    if details is not None:
        hidden = {key: before.details[key] for key in provider_rules.KINDS[before.type].hidden & set(before.details)}
        after = dataclasses.replace(after, details=_checked_details(before.type, {**hidden, **details}))
    if mapping is not None:
        preset = after.details.get("preset", "")
        given = provider_rules.mapping(before.type, mapping, pool.schema, preset)
        after = dataclasses.replace(after, mapping=given)
    if identifiers is not None:
        after = dataclasses.replace(after, identifiers=provider_rules.identifiers(identifiers))
    if acr_mapping is not None:
        after = dataclasses.replace(after, acr_mapping=provider_rules.acr_mapping(before.type, acr_mapping))
    if details is not None:
        after = dataclasses.replace(after, details=dict(connector(after).check(after)))

    extensions.fit(after.own, after.details)
    stored = _store(before, after)
    if identifiers is not None:
        _store_identifiers(stored)
    if details is not None:  # what was fetched from where it was published before
        mine = (ProviderDocument.pool_id == pool.id, ProviderDocument.provider == name)
        unit.execute(delete(ProviderDocument).where(*mine))
    emit(IdentityProviderUpdated(pool.id, name, "settings"))
    return stored


def set_own(pool: Pool, name: str, own: Mapping[str, Any]) -> Provider:
    """Replace our own settings of the provider (:mod:`extensions`). Raises as :func:`update`.

    ``enabled_at``, kept beside them, says since when it is on again: what was begun before it was turned off stays
    ended.
    """
    before = _present(pool, name)
    settings = extensions.of_provider(own, before.type, before.details)
    after = dataclasses.replace(before, own=settings)
    what = "extensions"
    if after.enabled and not before.enabled:
        settings[ENABLED_AT], what = clock.now().timestamp(), "enabled"
    elif ENABLED_AT in before.own:
        settings[ENABLED_AT] = before.own[ENABLED_AT]
    if before.enabled and not after.enabled:
        what = "disabled"
    stored = _store(before, after)
    emit(IdentityProviderUpdated(pool.id, name, what))
    return stored


def _present(pool: Pool, name: str) -> Provider:
    """The provider as this unit sees it, from the database."""
    if name == LOCAL:
        raise UnsupportedIdentityProvider(f"{LOCAL} is the user pool itself.")
    found = _load(pool.id, name) if provider_rules.is_name(name) else None
    if found is None:
        raise _unknown(pool, name)
    return found


def _store(before: Provider, after: Provider) -> Provider:
    rows.locked_pool(before.pool_id)
    # Never the same moment twice: it says whether somebody else was here.
    now = max(clock.now(), before.modified_at + timedelta(microseconds=1))
    after = dataclasses.replace(after, modified_at=now)
    seen = (
        StoredProvider.pool_id == before.pool_id,
        StoredProvider.name == before.name,
        StoredProvider.modified_at == before.modified_at,
    )
    if unit.execute(update_(StoredProvider).where(*seen).values(**_columns(after))).rowcount != 1:
        raise ConcurrentModification
    cache.changed()
    return after


def _columns(provider: Provider) -> dict[str, Any]:
    sealed = sealing.seal(_SEALED_FOR, orjson.dumps(dict(provider.details)), f"{provider.pool_id}/{provider.name}")
    return {
        "type": provider.type,
        "sealed": sealed,
        "mapping": dict(provider.mapping),
        "identifiers": list(provider.identifiers),
        "acr_mapping": dict(provider.acr_mapping),
        "own": dict(provider.own),
        "modified_at": provider.modified_at,
    }


def _store_identifiers(provider: Provider) -> None:
    in_pool = ProviderIdentifier.pool_id == provider.pool_id
    unit.execute(delete(ProviderIdentifier).where(in_pool, ProviderIdentifier.provider == provider.name))
    keys = [provider_rules.identifier_key(identifier) for identifier in provider.identifiers]
    if not keys:
        return
    taken = unit.execute(
        select(ProviderIdentifier.identifier).where(in_pool, ProviderIdentifier.identifier.in_(keys))
    ).scalars()
    others = sorted(taken)
    if others:
        raise InvalidParameter(f"The identifier {others[0]} belongs to another provider of the user pool.")
    one = {"pool_id": provider.pool_id, "provider": provider.name}
    unit.execute(insert(ProviderIdentifier), [{"identifier": key, **one} for key in keys])


def remove(pool: Pool, name: str) -> None:
    """Delete the provider: nobody comes through it from now on. Users who came stay, and so does whose they are.

    Raises ResourceNotFound, UnsupportedIdentityProvider.
    """
    _present(pool, name)
    rows.locked_pool(pool.id)
    mine = (StoredProvider.pool_id == pool.id, StoredProvider.name == name)
    if unit.execute(delete(StoredProvider).where(*mine)).rowcount != 1:
        raise _unknown(pool, name)
    for table in (ProviderIdentifier, ProviderDocument, SamlKey, StoredTrip, UpstreamSession, UpstreamTokens):
        unit.execute(delete(table).where(table.pool_id == pool.id, table.provider == name))
    cache.changed()
    emit(IdentityProviderDeleted(pool.id, name))
