"""The roles of an identity pool, and which claims become principal tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolhouse.access import authorize
from poolhouse.access.caller import Caller
from poolhouse.api.registry import Answer, operation
from poolhouse.identity_pools import pools, snapshot

SERVICE = "cognito-identity"


@operation("SetIdentityPoolRoles", service=SERVICE, writes=True)
def set_identity_pool_roles(
    caller: Caller, *, identity_pool_id: str, roles: Mapping[str, str], role_mappings: Mapping[str, Any] | None = None
) -> None:
    # Whoever may set roles could give themselves any, by a login of their own: each must be theirs to pass on.
    for role_arn in pools.roles_named(roles, role_mappings):
        authorize.pass_role(caller, role_arn)
    pools.set_roles(identity_pool_id, roles, role_mappings)


@operation("GetIdentityPoolRoles", service=SERVICE)
def get_identity_pool_roles(*, identity_pool_id: str) -> Answer:
    pool = snapshot.get(identity_pool_id)
    return {"IdentityPoolId": pool.id, "Roles": pool.roles, "RoleMappings": pool.written_mappings or None}


@operation("SetPrincipalTagAttributeMap", service=SERVICE, writes=True)
def set_principal_tag_attribute_map(
    *,
    identity_pool_id: str,
    identity_provider_name: str,
    use_defaults: bool | None = None,
    principal_tags: Mapping[str, str] | None = None,
) -> Answer:
    stored = pools.set_principal_tags(identity_pool_id, identity_provider_name, use_defaults, principal_tags)
    return _view(identity_pool_id, identity_provider_name, stored)


@operation("GetPrincipalTagAttributeMap", service=SERVICE)
def get_principal_tag_attribute_map(*, identity_pool_id: str, identity_provider_name: str) -> Answer:
    stored = pools.principal_tags(identity_pool_id, identity_provider_name)
    return _view(identity_pool_id, identity_provider_name, stored)


def _view(identity_pool_id: str, provider: str, stored: Mapping[str, Any]) -> Answer:
    return {"IdentityPoolId": identity_pool_id, "IdentityProviderName": provider, **stored}
