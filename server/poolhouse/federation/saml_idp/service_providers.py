"""The service providers of a pool: app clients with the extension ``Saml``, found by their entity id."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from poolhouse.core import cache, clock, runtime, sealing, unit
from poolhouse.core.errors import InvalidParameter
from poolhouse.federation.saml_idp import names_of
from poolhouse.federation.saml_idp.models import SamlServiceProvider
from poolhouse.saml import metadata, names
from poolhouse.saml.trust import REDIRECT, BadMetadata, SpTrust
from poolhouse.user_pools import lookup, saml_extension
from poolhouse.user_pools.snapshots import Client, Pool

EXTENSION = "saml"
FORMATS = {
    "persistent": names.PERSISTENT,
    "emailAddress": names.EMAIL,
    "unspecified": names.UNSPECIFIED,
    "transient": names.TRANSIENT,
}


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """An app client as a SAML service provider.

    ``consumers`` are its assertion consumer services by index, ``consumer`` the default one; ``certificates`` (DER) are
    what its messages are signed with. ``slo`` is where logout requests go, ``slo_response`` where answers do.
    """

    client: Client
    entity_id: str
    consumer: str
    consumers: Mapping[int, str]
    certificates: tuple[bytes, ...] = field(repr=False)
    encrypt_to: bytes | None = field(repr=False)
    require_signed: bool
    slo: str | None
    slo_response: str | None
    slo_binding: str
    name_id_format: str
    attributes: Mapping[str, str]
    groups_attribute: str | None
    sign_assertion: bool
    sign_response: bool
    idp_initiated: bool
    relay_state: str | None


def of(client: Client) -> ServiceProvider | None:
    """``client`` as a service provider, or None if it is none."""
    own = client.own.get(EXTENSION)
    if own is None:
        return None
    key = ("saml service provider", client.pool_id, client.id)
    return runtime.current().cache.get(key, lambda: _read(client, own))


def find(pool: Pool, entity_id: str) -> ServiceProvider | None:
    """The service provider of that entity id, exactly, or None. One statement at most."""

    def load() -> str | None:
        mine = (SamlServiceProvider.pool_id == pool.id, SamlServiceProvider.digest == sealing.sha256(entity_id))
        return unit.execute(select(SamlServiceProvider.client_id).where(*mine)).scalar_one_or_none()

    client_id = runtime.current().cache.get(("saml entity", pool.id, entity_id), load)
    client = lookup.find_client(pool, client_id) if client_id is not None else None
    found = of(client) if client is not None else None
    return found if found is not None and found.entity_id == entity_id else None


def _read(client: Client, own: Mapping[str, Any]) -> ServiceProvider:
    urls = own["AssertionConsumerServices"]
    indexes = own.get("AssertionConsumerServiceIndexes") or range(len(urls))
    certificates = _der(own["Certificate"]) if "Certificate" in own else ()
    to = str(own.get("EncryptionCertificate") or own.get("Certificate") or "")
    return ServiceProvider(
        client=client,
        entity_id=own["EntityId"],
        consumer=urls[0],
        consumers=dict(zip(indexes, urls, strict=True)),
        certificates=certificates,
        encrypt_to=_der(to)[0] if own["Encrypt"] else None,
        require_signed=own["RequireSignedRequests"],
        slo=own.get("SingleLogoutService"),
        slo_response=own.get("SingleLogoutResponseService") or own.get("SingleLogoutService"),
        slo_binding=own.get("SingleLogoutBinding", REDIRECT),
        name_id_format=FORMATS[own["NameIdFormat"]],
        attributes=own["Attributes"],
        groups_attribute=own.get("GroupsAttribute"),
        sign_assertion=own["SignAssertion"],
        sign_response=own["SignResponse"],
        idp_initiated=own["IdpInitiated"],
        relay_state=own.get("RelayState"),
    )


def _der(pem: str) -> tuple[bytes, ...]:
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in saml_extension.certificates(pem))


# --- configuring ----------------------------------------------------------------------------------------------------


def filled(given: Mapping[str, Any]) -> dict[str, Any]:
    """The extension with what its member ``Metadata`` says wherever it says nothing itself. Raises InvalidParameter."""
    members = {name: value for name, value in given.items() if name != "Metadata"}
    if "Metadata" not in given:
        return members
    try:
        trust = metadata.read_sp(str(given["Metadata"]).encode(), now=clock.now(), entity_id=members.get("EntityId"))
    except BadMetadata as error:
        raise InvalidParameter(str(error)) from None
    return _of_metadata(trust) | members


def _of_metadata(trust: SpTrust) -> dict[str, Any]:
    consumers = sorted(trust.consumers, key=lambda consumer: (not consumer.default, consumer.index))
    members: dict[str, Any] = {
        "EntityId": trust.entity_id,
        "AssertionConsumerServices": [consumer.url for consumer in consumers],
        "AssertionConsumerServiceIndexes": [consumer.index for consumer in consumers],
        "RequireSignedRequests": trust.authn_requests_signed and bool(trust.certificates),
    }
    known = {uri: name for name, uri in FORMATS.items()}
    if wanted := [known[uri] for uri in trust.name_id_formats if uri in known]:
        members["NameIdFormat"] = wanted[0]
    if trust.certificates:
        members["Certificate"] = _pem(trust.certificates)
    if trust.encryption_certificates:
        members["EncryptionCertificate"] = _pem(trust.encryption_certificates[:1])
    if trust.slo and trust.certificates:
        binding = REDIRECT if REDIRECT in trust.slo else next(iter(trust.slo))
        members |= {"SingleLogoutService": trust.slo[binding], "SingleLogoutBinding": binding}
        if binding in trust.slo_response:
            members["SingleLogoutResponseService"] = trust.slo_response[binding]
    return members


def _pem(certificates: tuple[bytes, ...]) -> str:
    blocks = []
    for der in certificates:
        text = base64.b64encode(der).decode()
        lines = [text[at : at + 64] for at in range(0, len(text), 64)]
        blocks.append("\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""]))
    return "".join(blocks)


def register(client: Client) -> None:
    """Let the client be found by its entity id, or no longer. Raises InvalidParameter if another has that id."""
    pool_id = client.pool_id
    mine = (SamlServiceProvider.pool_id == pool_id, SamlServiceProvider.client_id == client.id)
    unit.write()
    unit.execute(delete(SamlServiceProvider).where(*mine))
    own = client.own.get(EXTENSION)
    if own is not None:
        _claim(pool_id, client.id, own["EntityId"])
        names_of.prepare(pool_id)
    cache.changed()


def _claim(pool_id: str, client_id: str, entity_id: str) -> None:
    digest = sealing.sha256(entity_id)
    same = (SamlServiceProvider.pool_id == pool_id, SamlServiceProvider.digest == digest)
    holder = unit.execute(select(SamlServiceProvider.client_id).where(*same)).scalar_one_or_none()
    if holder is not None and lookup.find_client(lookup.pool(pool_id), holder) is None:
        unit.execute(delete(SamlServiceProvider).where(*same))  # it was deleted since
    elif holder is not None:
        raise InvalidParameter(f"Saml.EntityId: the app client {holder} has this entity id already.")
    try:
        with unit.current().connection.begin_nested():
            unit.execute(insert(SamlServiceProvider).values(pool_id=pool_id, digest=digest, client_id=client_id))
    except IntegrityError:
        raise InvalidParameter("Saml.EntityId: another app client has this entity id already.") from None
