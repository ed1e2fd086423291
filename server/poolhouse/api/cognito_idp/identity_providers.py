"""Identity providers: social, OpenID and SAML providers that people sign in through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from poolhouse.api.registry import Answer, operation
from poolhouse.core.errors import ResourceNotFound
from poolhouse.federation import catalogue
from poolhouse.federation.provider import Provider
from poolhouse.user_pools import limits, lookup


@operation("CreateIdentityProvider")
def create_identity_provider(
    *,
    user_pool_id: str,
    provider_name: str,
    provider_type: str,
    provider_details: Mapping[str, str],
    attribute_mapping: Mapping[str, str] | None = None,
    idp_identifiers: Sequence[str] | None = None,
    acr_mapping: Mapping[str, str] | None = None,
) -> Answer:
    made = catalogue.create(
        lookup.pool(user_pool_id),
        provider_name,
        provider_type,
        provider_details,
        attribute_mapping or {},
        idp_identifiers or (),
        acr_mapping or {},
    )
    return {"IdentityProvider": _view(made)}


@operation("DescribeIdentityProvider")
def describe_identity_provider(*, user_pool_id: str, provider_name: str) -> Answer:
    return {"IdentityProvider": _view(catalogue.get(lookup.pool(user_pool_id), provider_name))}


@operation("UpdateIdentityProvider")
def update_identity_provider(
    *,
    user_pool_id: str,
    provider_name: str,
    provider_details: Mapping[str, str] | None = None,
    attribute_mapping: Mapping[str, str] | None = None,
    idp_identifiers: Sequence[str] | None = None,
    acr_mapping: Mapping[str, str] | None = None,
) -> Answer:
    stored = catalogue.update(
        lookup.pool(user_pool_id),
        provider_name,
        details=provider_details,
        mapping=attribute_mapping,
        identifiers=idp_identifiers,
        acr_mapping=acr_mapping,
    )
    return {"IdentityProvider": _view(stored)}


@operation("DeleteIdentityProvider", writes=True)
def delete_identity_provider(*, user_pool_id: str, provider_name: str) -> None:
    catalogue.remove(lookup.pool(user_pool_id), provider_name)


@operation("ListIdentityProviders")
def list_identity_providers(
    *, user_pool_id: str, max_results: int | None = None, next_token: str | None = None
) -> Answer:
    pool = lookup.pool(user_pool_id)
    found, following = catalogue.page(pool.id, max_results or limits.PAGE, next_token)
    shown = [
        {
            "ProviderName": row.name,
            "ProviderType": row.type,
            "LastModifiedDate": row.modified_at,
            "CreationDate": row.created_at,
        }
        for row in found
    ]
    return {"Providers": shown, "NextToken": following}


@operation("GetIdentityProviderByIdentifier")
def get_identity_provider_by_identifier(*, user_pool_id: str, idp_identifier: str) -> Answer:
    pool = lookup.pool(user_pool_id)
    found = catalogue.by_identifier(pool, idp_identifier)
    if found is None:
        raise ResourceNotFound(f"No identity provider of user pool {pool.id} has the identifier {idp_identifier}.")
    return {"IdentityProvider": _view(found)}


def _view(provider: Provider) -> dict[str, Any]:
    """IdentityProviderType."""
    return {
        "UserPoolId": provider.pool_id,
        "ProviderName": provider.name,
        "ProviderType": provider.type,
        "ProviderDetails": catalogue.described(provider),
        "AttributeMapping": dict(provider.mapping),
        "IdpIdentifiers": list(provider.identifiers),
        "AcrMapping": dict(provider.acr_mapping) or None,
        "LastModifiedDate": provider.modified_at,
        "CreationDate": provider.created_at,
    }
