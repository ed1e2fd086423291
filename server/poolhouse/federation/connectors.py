"""Which connector knows which kind of provider: each is imported when the first provider of its kind is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from poolhouse.federation.connector import Connector
from poolhouse.federation.provider import Provider


def _openid() -> Connector:
    from poolhouse.federation import oidc

    return oidc.CONNECTOR


def _saml() -> Connector:
    from poolhouse.federation import saml_sp

    return saml_sp.CONNECTOR


# By ProviderType. The presets of OIDC are the OpenID connector's own matter.
CONNECTORS: Mapping[str, Callable[[], Connector]] = {
    "OIDC": _openid,
    "Google": _openid,
    "SignInWithApple": _openid,
    "LoginWithAmazon": _openid,
    "Facebook": _openid,
    "SAML": _saml,
}


def connector(provider: Provider) -> Connector:
    """What speaks with ``provider``."""
    return CONNECTORS[provider.type]()


def shown(provider: Provider) -> dict[str, str]:
    """What Describe adds to ProviderDetails, which is nobody's to set."""
    if provider.type != "SAML":
        return {}
    from poolhouse.federation import saml_sp

    return saml_sp.shown(provider)
