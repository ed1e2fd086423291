"""A pool's second factors and passkeys: GetUserPoolMfaConfig, SetUserPoolMfaConfig."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolhouse.api.registry import Answer, operation
from poolhouse.user_pools import lookup, pools, views

_MEMBERS = (
    "SmsMfaConfiguration",
    "SoftwareTokenMfaConfiguration",
    "EmailMfaConfiguration",
    "MfaConfiguration",
    "WebAuthnConfiguration",
)


@operation("GetUserPoolMfaConfig")
def get_user_pool_mfa_config(*, user_pool_id: str) -> Answer:
    return views.mfa(lookup.pool(user_pool_id))


@operation("SetUserPoolMfaConfig", writes=True, gathers=_MEMBERS)
def set_user_pool_mfa_config(*, user_pool_id: str, settings: Mapping[str, Any]) -> Answer:
    return views.mfa(pools.set_mfa(user_pool_id, settings))
