"""Rotating the keys of a pool as a SAML party."""

from __future__ import annotations

from poolhouse.api.registry import Answer, operation
from poolhouse.core.errors import InvalidParameter
from poolhouse.federation import catalogue, saml_keys
from poolhouse.user_pools import lookup


@operation("RotateSamlKey", service="poolhouse")
def rotate_saml_key(*, user_pool_id: str, provider_name: str | None = None, withdraw: bool = False) -> Answer:
    pool = lookup.pool(user_pool_id)
    if provider_name is not None and catalogue.get(pool, provider_name).type != "SAML":
        raise InvalidParameter(f"{provider_name} is not a SAML provider.")
    made = saml_keys.rotate(pool.id, provider_name or "", withdraw=withdraw)
    return {"Certificate": made.shown, "ActiveFrom": made.active_from}
