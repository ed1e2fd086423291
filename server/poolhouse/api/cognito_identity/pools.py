"""Identity pools: create, describe, update, delete, list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolhouse.api.registry import Answer, operation
from poolhouse.identity_pools import pools, snapshot
from poolhouse.identity_pools.snapshot import IdentityPool

SERVICE = "cognito-identity"
SETTINGS = (
    "IdentityPoolName",
    "AllowUnauthenticatedIdentities",
    "AllowClassicFlow",
    "SupportedLoginProviders",
    "DeveloperProviderName",
    "OpenIdConnectProviderARNs",
    "CognitoIdentityProviders",
    "SamlProviderARNs",
)


def view(pool: IdentityPool) -> Answer:
    """A pool as the API shows it."""
    return {"IdentityPoolId": pool.id, **pool.settings, "IdentityPoolTags": dict(pool.tags)}


@operation("CreateIdentityPool", service=SERVICE, gathers=SETTINGS)
def create_identity_pool(*, settings: dict[str, Any], identity_pool_tags: Mapping[str, str] | None = None) -> Answer:
    return view(pools.create(settings, identity_pool_tags or {}))


@operation("DescribeIdentityPool", service=SERVICE)
def describe_identity_pool(*, identity_pool_id: str) -> Answer:
    return view(snapshot.get(identity_pool_id))


@operation("UpdateIdentityPool", service=SERVICE, gathers=SETTINGS, writes=True)
def update_identity_pool(
    *, identity_pool_id: str, settings: dict[str, Any], identity_pool_tags: Mapping[str, str] | None = None
) -> Answer:
    return view(pools.replace(identity_pool_id, settings, identity_pool_tags))


@operation("DeleteIdentityPool", service=SERVICE, writes=True)
def delete_identity_pool(*, identity_pool_id: str) -> None:
    pools.delete(identity_pool_id)


@operation("ListIdentityPools", service=SERVICE)
def list_identity_pools(*, max_results: int, next_token: str | None = None) -> Answer:
    found, token = pools.page(max_results, next_token)
    return {"IdentityPools": found, "NextToken": token}
