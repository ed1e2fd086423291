"""OpenID Connect providers whose tokens may be exchanged for a role's credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from poolhouse.access import oidc_providers
from poolhouse.api.iam import resources, views
from poolhouse.api.registry import Answer, operation

_SERVICE = "iam"


@operation("CreateOpenIDConnectProvider", service=_SERVICE, writes=True, resource=resources.new_provider)
def create_open_id_connect_provider(
    *,
    url: str,
    client_id_list: Sequence[str] = (),
    thumbprint_list: Sequence[str] = (),
    tags: Sequence[Mapping[str, str]] = (),
) -> Answer:
    given = views.given_tags(tags)
    arn = oidc_providers.create(url, client_id_list, thumbprint_list, given)
    return {"OpenIDConnectProviderArn": arn, "Tags": views.tags(given)}


@operation("GetOpenIDConnectProvider", service=_SERVICE, resource=resources.provider)
def get_open_id_connect_provider(*, open_id_connect_provider_arn: str) -> Answer:
    row = oidc_providers.require(open_id_connect_provider_arn)
    return {
        "Url": row.name,
        "ClientIDList": row.client_ids,
        "ThumbprintList": row.thumbprints,
        "CreateDate": row.created_at,
        "Tags": views.tags(row.tags),
    }


@operation("ListOpenIDConnectProviders", service=_SERVICE)
def list_open_id_connect_providers() -> Answer:
    return {"OpenIDConnectProviderList": [{"Arn": arn} for arn in oidc_providers.listed()]}


@operation("DeleteOpenIDConnectProvider", service=_SERVICE, writes=True, resource=resources.provider)
def delete_open_id_connect_provider(*, open_id_connect_provider_arn: str) -> None:
    oidc_providers.delete(open_id_connect_provider_arn)


@operation("AddClientIDToOpenIDConnectProvider", service=_SERVICE, writes=True, resource=resources.provider)
def add_client_id_to_open_id_connect_provider(*, open_id_connect_provider_arn: str, client_id: str) -> None:
    held = oidc_providers.require(open_id_connect_provider_arn).client_ids
    oidc_providers.set_clients(open_id_connect_provider_arn, [*held, client_id])


@operation("RemoveClientIDFromOpenIDConnectProvider", service=_SERVICE, writes=True, resource=resources.provider)
def remove_client_id_from_open_id_connect_provider(*, open_id_connect_provider_arn: str, client_id: str) -> None:
    held = oidc_providers.require(open_id_connect_provider_arn).client_ids
    oidc_providers.set_clients(open_id_connect_provider_arn, [each for each in held if each != client_id])


@operation("UpdateOpenIDConnectProviderThumbprint", service=_SERVICE, writes=True, resource=resources.provider)
def update_open_id_connect_provider_thumbprint(
    *, open_id_connect_provider_arn: str, thumbprint_list: Sequence[str]
) -> None:
    oidc_providers.set_thumbprints(open_id_connect_provider_arn, thumbprint_list)
