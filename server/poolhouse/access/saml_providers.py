"""SAML providers of the account: whose assertions may be exchanged for a role's credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy import delete as delete_from

from poolhouse.access import events, names
from poolhouse.access.models import SamlProvider
from poolhouse.core import cache, clock, runtime, unit
from poolhouse.core.errors import EntityAlreadyExists, InvalidInput, LimitExceeded, NoSuchEntity

if TYPE_CHECKING:
    from poolhouse.saml.trust import IdpTrust

_AT_MOST = 100
# SAML metadata with the keys of one provider; somebody else's whole federation does not belong here.
_LARGEST = 512 * 1024


@dataclass(frozen=True, slots=True)
class Provider:
    """A configured provider and what its metadata says."""

    name: str
    arn: str
    trust: IdpTrust = field(repr=False)


def get(provider_arn: str) -> Provider | None:
    """A provider by its ARN, from memory while nothing changes; None too where its metadata cannot be used any more."""
    return runtime.current().cache.get(("saml provider", provider_arn), lambda: _load(provider_arn))


def arn(name: str) -> str:
    """The ARN of a provider."""
    return names.arn("saml-provider", "/", name)


# --- configuration ------------------------------------------------------------------------------------------------


def create(name: str, document: str, tags: Mapping[str, str]) -> str:
    """A new provider; its ARN. Raises InvalidInput, LimitExceeded or EntityAlreadyExists."""
    trust = _read(document)
    unit.write()
    held = [row.name for row in unit.execute(select(SamlProvider.name))]
    if name in held:
        raise EntityAlreadyExists(f"SAMLProvider {name} already exists.")
    if len(held) >= _AT_MOST:
        raise LimitExceeded(f"Cannot exceed quota for SAMLProvidersPerAccount: {_AT_MOST}")
    unit.execute(
        insert(SamlProvider).values(
            name=name,
            provider_id=names.identifier("SAMLPR"),
            document=document,
            valid_until=trust.valid_until,
            tags=dict(tags),
            created_at=clock.now(),
        )
    )
    _note(name, "created")
    return arn(name)


def require(provider_arn: str) -> Row[Any]:
    """A provider's row. Raises NoSuchEntity."""
    name = provider_arn.partition(":saml-provider/")[2]
    row = unit.execute(select(SamlProvider.__table__).where(SamlProvider.name == name)).first()
    if row is None or provider_arn != arn(name):
        raise NoSuchEntity(f"Manifest not found for arn {provider_arn}")
    return row


def listed() -> list[Row[Any]]:
    """All providers, by name."""
    return list(unit.execute(select(SamlProvider.__table__).order_by(SamlProvider.name)))


def set_document(provider_arn: str, document: str) -> None:
    """Replace the metadata. Raises NoSuchEntity, InvalidInput."""
    trust = _read(document)
    _set(provider_arn, document=document, valid_until=trust.valid_until)


def set_tags(provider_arn: str, tags: Mapping[str, str]) -> None:
    """Replace the tags. Raises NoSuchEntity."""
    _set(provider_arn, tags=dict(tags))


def delete(provider_arn: str) -> None:
    """Remove a provider: roles that trust it let nobody in by it any more. Raises NoSuchEntity."""
    unit.write()
    row = require(provider_arn)
    unit.execute(delete_from(SamlProvider).where(SamlProvider.name == row.name))
    _note(row.name, "deleted")


def _set(provider_arn: str, **values: Any) -> None:
    unit.write()
    row = require(provider_arn)
    unit.execute(update(SamlProvider).where(SamlProvider.name == row.name).values(**values))
    _note(row.name, f"{', '.join(sorted(values))} set")


def _note(name: str, what: str) -> None:
    cache.changed()
    events.changed(f"saml-provider/{name}", what)


def _read(document: str) -> IdpTrust:
    from poolhouse.saml import metadata
    from poolhouse.saml.trust import BadMetadata

    if len(document) > _LARGEST:
        raise InvalidInput(f"The metadata is longer than {_LARGEST} characters.")
    try:
        return metadata.read_idp(document.encode(), now=clock.now())
    except BadMetadata as bad:
        raise InvalidInput(f"Could not parse metadata: {bad}", hint=bad.reason) from None


def _load(provider_arn: str) -> Provider | None:
    try:
        row = require(provider_arn)
        return Provider(row.name, provider_arn, _read(row.document))
    except (NoSuchEntity, InvalidInput):
        return None
