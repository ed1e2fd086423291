"""ProviderDetails of OpenID and social providers, completed when they are stored: by discovery and by presets."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from poolhouse.core import published, runtime
from poolhouse.core.errors import InvalidParameter
from poolhouse.core.outbound import Unreachable
from poolhouse.federation import client_assertion, provider_rules, social
from poolhouse.federation.provider import Provider
from poolhouse.federation.upstream import TENANT_ID

# Cognito's keys, and what OpenID Connect Discovery §3 calls them.
_DISCOVERED = {
    "authorize_url": "authorization_endpoint",
    "token_url": "token_endpoint",
    "attributes_url": "userinfo_endpoint",
    "jwks_uri": "jwks_uri",
}
_REQUIRED = ("authorize_url", "token_url", "jwks_uri")
_SEVERAL_TENANTS = frozenset({"common", "organizations", "consumers"})


def completed(provider: Provider) -> dict[str, str]:
    """What is stored of ``provider``'s details. Raises InvalidParameter for what cannot work."""
    preset = social.of(provider)
    details = dict(provider.details)
    if provider.type == "OIDC" and "preset" not in details:
        return _discovered(details)
    if preset is social.APPLE and client_assertion.apple_key(details.get("private_key", "")) is None:
        raise InvalidParameter("private_key must be the P-256 key that Apple's developer pages gave (PKCS #8).")
    if provider.type == "OIDC":
        _fill(details, preset)
        if not details.get("client_secret") and preset is not social.MICROSOFT:  # which takes a signed assertion too
            raise InvalidParameter("The following provider details are missing for OIDC: client_secret.")
    if preset is social.MICROSOFT:
        details.setdefault("oidc_issuer", _microsoft_issuer(details["tenant"]))
    return details


def _fill(details: dict[str, str], preset: social.Preset) -> None:
    tenant = details.get("tenant") or preset.details.get("tenant", "")
    for name, value in preset.details.items():
        details.setdefault(name, value.replace("{tenant}", tenant))


def _microsoft_issuer(tenant: str) -> str:
    """The issuer of a tenant's tokens: its id stands there, also where a domain of its names it."""
    if tenant in _SEVERAL_TENANTS:
        return f"{social.MICROSOFT_AT}/{TENANT_ID}/v2.0"
    if re.fullmatch(r"[0-9a-f-]{36}", tenant):
        return f"{social.MICROSOFT_AT}/{tenant}/v2.0"
    document = _asked(lambda: published.fetched_configuration(f"{social.MICROSOFT_AT}/{tenant}/v2.0"))
    issuer = document.get("issuer")
    if not isinstance(issuer, str) or not re.fullmatch(
        re.escape(social.MICROSOFT_AT) + r"/[0-9a-f-]{36}/v2\.0", issuer
    ):
        raise InvalidParameter(f"Microsoft knows no tenant {tenant}.")
    return issuer


def _discovered(details: dict[str, str]) -> dict[str, str]:
    """``details`` with what the issuer's discovery document says in place of what is missing, as Cognito does."""
    issuer = details.get("oidc_issuer", "")
    if not issuer:
        raise InvalidParameter("The following provider details are missing for OIDC: oidc_issuer.")
    if all(details.get(name) for name in _DISCOVERED):
        return details
    document = _asked(lambda: published.fetched_configuration(issuer))
    if document.get("issuer") != issuer:
        raise InvalidParameter(f"The issuer calls itself {str(document.get('issuer'))[:300]}, not {issuer}.")
    private = runtime.current().settings.reaches_private
    for name, member in _DISCOVERED.items():
        value = document.get(member)
        if not details.get(name) and isinstance(value, str):
            if value.startswith("http:") and not private:
                raise InvalidParameter(f"{member} must be an https URL.")
            details[name] = provider_rules.url(member, value)
    missing = [name for name in _REQUIRED if not details.get(name)]
    if missing:
        raise InvalidParameter(f"The well-known endpoint does not say {', '.join(missing)}.")
    return details


def _asked(fetch: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return fetch()
    except Unreachable as reason:
        raise InvalidParameter("Unable to contact well-known endpoint", hint=str(reason)) from None
