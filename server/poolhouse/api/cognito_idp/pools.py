"""User pools: CreateUserPool to DeleteUserPool, ListUserPools, AddCustomAttributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from poolhouse.api.registry import Answer, operation
from poolhouse.core import unit
from poolhouse.tokens import keys
from poolhouse.user_pools import lookup, pools, views
from poolhouse.users import counting

# UpdateUserPool's, all stored as they come.
_REPLACED = (
    "Policies",
    "DeletionProtection",
    "LambdaConfig",
    "AutoVerifiedAttributes",
    "SmsVerificationMessage",
    "EmailVerificationMessage",
    "EmailVerificationSubject",
    "VerificationMessageTemplate",
    "SmsAuthenticationMessage",
    "UserAttributeUpdateSettings",
    "MfaConfiguration",
    "DeviceConfiguration",
    "EmailConfiguration",
    "SmsConfiguration",
    "UserPoolTags",
    "AdminCreateUserConfig",
    "UserPoolAddOns",
    "DcrConfiguration",
    "AccountRecoverySetting",
    "UserPoolTier",
    "KeyConfiguration",
    "IssuerConfiguration",
    "AcrConfiguration",
)
_SETTLED = ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration", "Schema")


@operation("CreateUserPool", gathers=(*_REPLACED, *_SETTLED))
def create_user_pool(*, pool_name: str, settings: Mapping[str, Any]) -> Answer:
    generated = keys.generate()
    unit.write()
    pool = pools.create(pools.new_id(), pool_name, settings)
    keys.store(pool.id, generated)
    return {"UserPool": views.pool(pool, users=0)}


@operation("DescribeUserPool")
def describe_user_pool(*, user_pool_id: str) -> Answer:
    pool = lookup.pool(user_pool_id)
    return {"UserPool": views.pool(pool, counting.estimate(pool.id))}


@operation("UpdateUserPool", writes=True, gathers=_REPLACED)
def update_user_pool(*, user_pool_id: str, pool_name: str | None = None, settings: Mapping[str, Any]) -> None:
    pools.replace(user_pool_id, pool_name, settings)


@operation("DeleteUserPool", writes=True)
def delete_user_pool(*, user_pool_id: str) -> None:
    pools.remove(user_pool_id)


@operation("ListUserPools")
def list_user_pools(*, max_results: int, next_token: str | None = None) -> Answer:
    found, following = pools.page(max_results, next_token)
    return {"UserPools": [views.pool_summary(pool) for pool in found], "NextToken": following}


@operation("AddCustomAttributes", writes=True)
def add_custom_attributes(*, user_pool_id: str, custom_attributes: Sequence[Mapping[str, Any]]) -> None:
    pools.add_custom_attributes(user_pool_id, custom_attributes)
