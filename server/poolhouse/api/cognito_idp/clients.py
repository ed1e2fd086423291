"""App clients and their secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolhouse.api.registry import Answer, operation
from poolhouse.core import paging
from poolhouse.federation import catalogue
from poolhouse.user_pools import clients, limits, lookup, views

# UpdateUserPoolClient's, all stored as they come.
_REPLACED = (
    "RefreshTokenValidity",
    "AccessTokenValidity",
    "IdTokenValidity",
    "TokenValidityUnits",
    "ReadAttributes",
    "WriteAttributes",
    "ExplicitAuthFlows",
    "SupportedIdentityProviders",
    "CallbackURLs",
    "LogoutURLs",
    "DefaultRedirectURI",
    "AllowedOAuthFlows",
    "AllowedOAuthScopes",
    "AllowedOAuthFlowsUserPoolClient",
    "AnalyticsConfiguration",
    "PreventUserExistenceErrors",
    "EnableTokenRevocation",
    "EnablePropagateAdditionalUserContextData",
    "AuthSessionValidity",
    "RefreshTokenRotation",
)


@operation("CreateUserPoolClient", writes=True, gathers=("GenerateSecret", "ClientSecret", *_REPLACED))
def create_user_pool_client(*, user_pool_id: str, client_name: str, settings: Mapping[str, Any]) -> Answer:
    known = _providers(user_pool_id, settings)
    return {"UserPoolClient": views.client(clients.create(user_pool_id, client_name, settings, known))}


def _providers(user_pool_id: str, settings: Mapping[str, Any]) -> frozenset[str]:
    """Those of the providers that a client is to list that exist."""
    return catalogue.existing(user_pool_id, settings.get("SupportedIdentityProviders") or ())


@operation("DescribeUserPoolClient")
def describe_user_pool_client(*, user_pool_id: str, client_id: str) -> Answer:
    return {"UserPoolClient": views.client(lookup.client(lookup.pool(user_pool_id), client_id))}


@operation("UpdateUserPoolClient", writes=True, gathers=_REPLACED)
def update_user_pool_client(
    *, user_pool_id: str, client_id: str, client_name: str | None = None, settings: Mapping[str, Any]
) -> Answer:
    known = _providers(user_pool_id, settings)
    return {"UserPoolClient": views.client(clients.replace(user_pool_id, client_id, client_name, settings, known))}


@operation("DeleteUserPoolClient", writes=True)
def delete_user_pool_client(*, user_pool_id: str, client_id: str) -> None:
    clients.remove(user_pool_id, client_id)


@operation("ListUserPoolClients")
def list_user_pool_clients(
    *,
    user_pool_id: str,
    max_results: int | None = None,
    next_token: str | None = None,
    client_type: str | None = None,
) -> Answer:
    pool = lookup.pool(user_pool_id)
    if client_type == "DCR":  # none registers itself here (yet)
        paging.decode(f"clients/{pool.id}", next_token)
        return {"UserPoolClients": []}
    found, following = clients.page(pool.id, max_results or limits.PAGE, next_token)
    shown = [{"UserPoolId": pool.id, "ClientId": client_id, "ClientName": name} for client_id, name in found]
    return {"UserPoolClients": shown, "NextToken": following}


@operation("AddUserPoolClientSecret", writes=True)
def add_user_pool_client_secret(*, user_pool_id: str, client_id: str, client_secret: str | None = None) -> Answer:
    described, value = clients.add_secret(user_pool_id, client_id, client_secret)
    return {"ClientSecretDescriptor": views.secret(described, None if client_secret else value)}


@operation("DeleteUserPoolClientSecret", writes=True)
def delete_user_pool_client_secret(*, user_pool_id: str, client_id: str, client_secret_id: str) -> None:
    clients.remove_secret(user_pool_id, client_id, client_secret_id)


@operation("ListUserPoolClientSecrets")
def list_user_pool_client_secrets(*, user_pool_id: str, client_id: str, next_token: str | None = None) -> Answer:
    client = lookup.client(lookup.pool(user_pool_id), client_id)
    paging.decode(f"client-secrets/{client.id}", next_token)  # there is one page: no token is ever right
    found = clients.secrets(client.pool_id, client.id)
    return {"ClientSecrets": [views.secret(described) for described in found]}
