"""Which connector knows which kind of provider: each is imported when it is first needed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import cast

from poolhouse.federation.connector import Connector, Departure, ExternalIdentity, Landing, Misconfigured, Sent
from poolhouse.federation.provider import Provider

# ProviderType -> the module whose CONNECTOR speaks its protocol.
MODULES = {
    "OIDC": "poolhouse.federation.oidc",
    "Google": "poolhouse.federation.oidc",
    "SignInWithApple": "poolhouse.federation.oidc",
    "LoginWithAmazon": "poolhouse.federation.oidc",
    "Facebook": "poolhouse.federation.oidc",
    "SAML": "poolhouse.federation.saml_sp",
}


def connector(provider: Provider) -> Connector:
    """What speaks with ``provider``."""
    try:
        return cast(Connector, importlib.import_module(MODULES[provider.type]).CONNECTOR)
    except ModuleNotFoundError:  # until both have landed
        return _Unready()


class _Unready:
    def check(self, provider: Provider) -> Mapping[str, str]:
        return provider.details

    def depart(self, provider: Provider, departure: Departure) -> Sent:  # noqa: ARG002
        raise Misconfigured

    def land(self, provider: Provider, landing: Landing) -> ExternalIdentity:  # noqa: ARG002
        raise Misconfigured
