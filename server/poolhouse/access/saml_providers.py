"""SAML providers of the account: whose assertions may be exchanged for a role's credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import Row, insert, select, update
from sqlalchemy import delete as delete_from

from poolhouse.access import events, names
from poolhouse.access.models import SamlProvider
from poolhouse.core import cache, clock, runtime, sealing, unit
from poolhouse.core.errors import EntityAlreadyExists, InvalidInput, LimitExceeded, NoSuchEntity

if TYPE_CHECKING:
    from poolhouse.saml.trust import IdpTrust

_AT_MOST = 100
_KEYS_AT_MOST = 2
_RSA_BITS = 2048
_PURPOSE = "saml provider keys"
# SAML metadata with the keys of one provider; somebody else's whole federation does not belong here.
_LARGEST = 512 * 1024


@dataclass(frozen=True, slots=True)
class Provider:
    """A configured provider and what its metadata says."""

    name: str
    arn: str
    trust: IdpTrust = field(repr=False)
    encrypted_only: bool = False
    decryption_keys: tuple[bytes, ...] = field(default=(), repr=False)


def get(provider_arn: str) -> Provider | None:
    """A provider by its ARN, from memory while nothing changes; None too where its metadata cannot be used any more."""
    return runtime.current().cache.get(("saml provider", provider_arn), lambda: _load(provider_arn))


def arn(name: str) -> str:
    """The ARN of a provider."""
    return names.arn("saml-provider", "/", name)


# --- configuration ------------------------------------------------------------------------------------------------


def create(name: str, document: str, tags: Mapping[str, str], encryption: str = "", private_key: str = "") -> str:
    """A new provider; its ARN. Raises InvalidInput, LimitExceeded or EntityAlreadyExists.

    `encryption` is "Allowed" or "Required", which takes a `private_key` (PEM) that opens assertions.
    """
    trust = _read(document)
    held_keys = _with_key([], private_key)
    _require_openable(encryption, held_keys)
    unit.write()
    held = [row.name for row in unit.execute(select(SamlProvider.name))]
    if name in held:
        raise EntityAlreadyExists(f"SAMLProvider {name} already exists.")
    if len(held) >= _AT_MOST:
        raise LimitExceeded(f"Cannot exceed quota for SAMLProvidersPerAccount: {_AT_MOST}")
    provider_id = names.identifier("SAMLPR")
    unit.execute(
        insert(SamlProvider).values(
            name=name,
            provider_id=provider_id,
            document=document,
            encryption=encryption,
            sealed_keys=_sealed(held_keys, provider_id),
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


def set_encryption(provider_arn: str, encryption: str | None, add: str = "", remove: str = "") -> None:
    """Change whether assertions are encrypted (None: as it is), add a private key, remove one by its id.

    Raises NoSuchEntity, InvalidInput, LimitExceeded.
    """
    row = require(provider_arn)
    held = keys(row)
    if remove and remove not in {each["id"] for each in held}:
        raise NoSuchEntity(f"The private key with id {remove} cannot be found.")
    held = _with_key([each for each in held if each["id"] != remove], add)
    mode = row.encryption if encryption is None else encryption
    _require_openable(mode, held)
    _set(provider_arn, encryption=mode, sealed_keys=_sealed(held, row.provider_id))


def keys(row: Row[Any]) -> list[dict[str, str]]:
    """The private keys of a provider, the newest first: each with "id", "at" and "pem"."""
    found: list[dict[str, str]] = orjson.loads(sealing.open_(_PURPOSE, row.sealed_keys, row.provider_id))
    return found


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


def _sealed(held: list[dict[str, str]], provider_id: str) -> bytes:
    return sealing.seal(_PURPOSE, orjson.dumps(held), provider_id)


def _with_key(held: list[dict[str, str]], pem: str) -> list[dict[str, str]]:
    """`held` with one more key in front. Raises InvalidInput for what is no RSA key in plain PEM, LimitExceeded."""
    if not pem:
        return held
    if len(held) >= _KEYS_AT_MOST:
        raise LimitExceeded(f"Cannot exceed quota for PrivateKeysPerSAMLProvider: {_KEYS_AT_MOST}")
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < _RSA_BITS:
        raise InvalidInput(f"The private key is an unencrypted RSA key of {_RSA_BITS} bits or more, in PEM.")
    return [{"id": names.identifier("SAMLPK"), "at": clock.now().isoformat(), "pem": pem}, *held]


def _require_openable(encryption: str, held: Sequence[Mapping[str, str]]) -> None:
    if encryption and not held:
        raise InvalidInput("Encrypted assertions take a private key that opens them: add one.")


def _load(provider_arn: str) -> Provider | None:
    try:
        row = require(provider_arn)
        opening = tuple(each["pem"].encode() for each in keys(row)) if row.encryption else ()
        return Provider(row.name, provider_arn, _read(row.document), row.encryption == "Required", opening)
    except (NoSuchEntity, InvalidInput):
        return None
