"""Settings of pools, app clients and identity providers that Cognito does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolhouse.api.registry import Answer, operation
from poolhouse.federation import catalogue
from poolhouse.federation.extensions import PROVIDER
from poolhouse.federation.saml_idp import service_providers
from poolhouse.tokens import keys
from poolhouse.user_pools import clients, lookup, pool_rules, pools
from poolhouse.user_pools.extensions import CLIENT, POOL

_SERVICE = "poolhouse"
_DEFAULT_ALG = "RS256"
# The stored name of each setting by its name in the API.
_POOL = {setting.name: stored for stored, setting in POOL.items()}
_CLIENT = {setting.name: stored for stored, setting in CLIENT.items()}
_PROVIDER = {setting.name: stored for stored, setting in PROVIDER.items()}


@operation("GetUserPoolExtensions", service=_SERVICE)
def get_user_pool_extensions(*, user_pool_id: str) -> Answer:
    return _shown(lookup.pool(user_pool_id).settings.get(pool_rules.OWN) or {}, _POOL)


@operation("SetUserPoolExtensions", service=_SERVICE)
def set_user_pool_extensions(*, user_pool_id: str, extensions: Mapping[str, Any]) -> Answer:
    before = lookup.pool(user_pool_id).settings.get(pool_rules.OWN) or {}
    own = pools.set_own(user_pool_id, _stored(extensions, _POOL)).settings[pool_rules.OWN]
    alg = own.get("signing_alg", _DEFAULT_ALG)
    if alg != before.get("signing_alg", _DEFAULT_ALG):
        for purpose in keys.PURPOSES:
            keys.rotate(user_pool_id, purpose, alg=alg)
    return _shown(own, _POOL)


@operation("GetUserPoolClientExtensions", service=_SERVICE)
def get_user_pool_client_extensions(*, user_pool_id: str, client_id: str) -> Answer:
    return _shown(lookup.client(lookup.pool(user_pool_id), client_id).own, _CLIENT)


@operation("SetUserPoolClientExtensions", service=_SERVICE, writes=True)
def set_user_pool_client_extensions(*, user_pool_id: str, client_id: str, extensions: Mapping[str, Any]) -> Answer:
    own = _stored(extensions, _CLIENT)
    if (saml := own.get(service_providers.EXTENSION)) is not None:
        own[service_providers.EXTENSION] = service_providers.filled(saml)
    client = clients.set_own(user_pool_id, client_id, own)
    service_providers.register(client)
    return _shown(client.own, _CLIENT)


@operation("GetIdentityProviderExtensions", service=_SERVICE)
def get_identity_provider_extensions(*, user_pool_id: str, provider_name: str) -> Answer:
    return _shown(catalogue.get(lookup.pool(user_pool_id), provider_name).own, _PROVIDER)


@operation("SetIdentityProviderExtensions", service=_SERVICE, writes=True)
def set_identity_provider_extensions(*, user_pool_id: str, provider_name: str, extensions: Mapping[str, Any]) -> Answer:
    own = _stored(extensions, _PROVIDER)
    return _shown(catalogue.set_own(lookup.pool(user_pool_id), provider_name, own).own, _PROVIDER)


def _stored(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names[member]: value for member, value in given.items()}


def _shown(own: Mapping[str, Any], names: Mapping[str, str]) -> Answer:
    return {"Extensions": {member: own[name] for member, name in names.items() if name in own}}
