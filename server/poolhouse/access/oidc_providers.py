"""OpenID Connect providers of the account: whose tokens may be exchanged for a role's credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row, insert, select, update
from sqlalchemy import delete as delete_from

from poolhouse.access import events, names
from poolhouse.access.models import OidcProvider
from poolhouse.core import cache, clock, runtime, unit
from poolhouse.core.errors import (
    EntityAlreadyExists,
    InvalidInput,
    LimitExceeded,
    NoSuchEntity,
)

_CLIENTS_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class Provider:
    """A configured provider; `name` is its issuer without the scheme, as condition keys and logins call it."""

    name: str
    issuer: str
    arn: str
    client_ids: frozenset[str]


def get(name_or_arn: str) -> Provider | None:
    """A provider by its name or ARN, from memory while nothing changes."""
    name = name_or_arn.partition(":oidc-provider/")[2] or name_or_arn
    return runtime.current().cache.get(("oidc provider", name), lambda: _load(name))


# --- configuration ------------------------------------------------------------------------------------------------


def create(url: str, client_ids: Sequence[str], thumbprints: Sequence[str], tags: Mapping[str, str]) -> str:
    """A new provider; its ARN. Raises InvalidInput, LimitExceeded or EntityAlreadyExists."""
    try:
        parts = urlsplit(url)
        fit = parts.scheme in {"https", "http"} and bool(parts.hostname) and not (parts.query or parts.fragment)
        fit = fit and parts.username is None and url.isascii() and parts.port != 0
    except ValueError:
        fit = False
    # An issuer's keys over plain http are whoever's stands between: only where we reach private addresses anyway.
    if not fit or (parts.scheme == "http" and not runtime.current().settings.reaches_private):
        raise InvalidInput("The URL of an OpenID Connect provider is an https URL without query and fragment.")
    _require_few(client_ids)
    name = url.partition("://")[2]
    unit.write()
    if unit.execute(select(OidcProvider.name).where(OidcProvider.name == name)).first() is not None:
        raise EntityAlreadyExists(f"Provider with url {url} already exists.")
    unit.execute(
        insert(OidcProvider).values(
            name=name,
            scheme=parts.scheme,
            client_ids=list(dict.fromkeys(client_ids)),
            thumbprints=list(thumbprints),
            tags=dict(tags),
            created_at=clock.now(),
        )
    )
    _note(name, "created")
    return arn(name)


def require(provider_arn: str) -> Row[Any]:
    """A provider's row. Raises NoSuchEntity."""
    name = provider_arn.partition(":oidc-provider/")[2]
    row = unit.execute(select(OidcProvider.__table__).where(OidcProvider.name == name)).first()
    if row is None or provider_arn != arn(name):
        raise NoSuchEntity(f"OpenIDConnect Provider not found for arn {provider_arn}")
    return row


def listed() -> list[str]:
    """The ARNs of all providers."""
    return [arn(row.name) for row in unit.execute(select(OidcProvider.name).order_by(OidcProvider.name))]


def set_clients(provider_arn: str, client_ids: Sequence[str]) -> None:
    """Replace the audiences that are accepted. Raises NoSuchEntity, LimitExceeded."""
    _require_few(client_ids)
    _set(provider_arn, client_ids=list(dict.fromkeys(client_ids)))


def set_thumbprints(provider_arn: str, thumbprints: Sequence[str]) -> None:
    """Replace the thumbprints; they are kept for clients that compare, TLS itself decides. Raises NoSuchEntity."""
    _set(provider_arn, thumbprints=list(thumbprints))


def delete(provider_arn: str) -> None:
    """Remove a provider. Raises NoSuchEntity."""
    unit.write()
    row = require(provider_arn)
    unit.execute(delete_from(OidcProvider).where(OidcProvider.name == row.name))
    _note(row.name, "deleted")


def arn(name: str) -> str:
    """The ARN of a provider."""
    return names.arn("oidc-provider", "/", name)


def _set(provider_arn: str, **values: Any) -> None:
    unit.write()
    row = require(provider_arn)
    unit.execute(update(OidcProvider).where(OidcProvider.name == row.name).values(**values))
    _note(row.name, f"{', '.join(sorted(values))} set")


def _note(name: str, what: str) -> None:
    cache.changed()
    events.changed(f"oidc-provider/{name}", what)


def _require_few(client_ids: Sequence[str]) -> None:
    if len(client_ids) > _CLIENTS_AT_MOST:
        raise LimitExceeded(f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {_CLIENTS_AT_MOST}")


def _load(name: str) -> Provider | None:
    row = unit.execute(select(OidcProvider.__table__).where(OidcProvider.name == name)).first()
    if row is None:
        return None
    return Provider(row.name, f"{row.scheme}://{row.name}", arn(row.name), frozenset(row.client_ids))
