"""A provider as an OAuth 2 or OpenID connector sees it: its settings read once, and what came of asking it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from poolhouse.core import outbound
from poolhouse.core.outbound import Unreachable
from poolhouse.federation.connector import Misconfigured, Unavailable, Untrusted
from poolhouse.federation.provider import Provider

TENANT_ID = "{tenantid}"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave; ``lasts`` is in seconds."""

    access: str = field(repr=False)
    id_token: str | None = field(default=None, repr=False)
    refresh: str | None = field(default=None, repr=False)
    scope: str | None = None
    type: str = "Bearer"
    lasts: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of somebody on the way: ``claims`` are JSON, by the provider's names.

    ``signed`` are the ID token's claims, None where there is none; ``sent`` is what came back with the browser.
    """

    provider: Provider
    tokens: Tokens
    signed: Mapping[str, Any] | None
    claims: Mapping[str, Any] = field(repr=False)
    userinfo: Mapping[str, Any] | None = field(default=None, repr=False)
    sent: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def bearer(self) -> dict[str, str]:
        """The access token as a header (RFC 6750 §2.1)."""
        return {"Authorization": f"Bearer {self.tokens.access}"}

    def mapped(self) -> set[str]:
        """The provider's names that attributes are mapped from."""
        return {name for name in self.provider.mapping.values() if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]{0,63}", name)}


def asked(answer: outbound.Answer, what: str) -> Any:
    """The JSON of a provider's answer. Raises Unavailable, Untrusted: somebody's token was not taken."""
    if answer.status >= 500 or answer.status == 429:
        raise Unavailable(hint=f"{what}: status {answer.status}")
    if answer.status != 200:
        raise Untrusted(hint=f"{what}: status {answer.status}")
    try:
        return answer.json()
    except Unreachable as reason:
        raise Untrusted(hint=f"{what}: {reason}") from None


def get(url: str, headers: Mapping[str, str], what: str) -> Any:
    """The JSON at ``url``. Raises Unavailable, Untrusted."""
    try:
        return asked(outbound.get(url, headers={"Accept": "application/json", **headers}), what)
    except Unreachable as reason:
        raise Unavailable(hint=f"{what}: {reason}") from None


def post(url: str, headers: Mapping[str, str], what: str) -> Any:
    """The same by POST, with nothing in it."""
    try:
        return asked(outbound.post_form(url, {}, headers={"Accept": "application/json", **headers}), what)
    except Unreachable as reason:
        raise Unavailable(hint=f"{what}: {reason}") from None


def an_object(found: Any, what: str) -> dict[str, Any]:
    """``found`` if it is a JSON object. Raises Untrusted."""
    if not isinstance(found, dict):
        raise Untrusted(hint=f"{what}: not an object")
    return found


def setting(provider: Provider, name: str) -> str:
    """One of ProviderDetails that has to be there. Raises Misconfigured."""
    value = provider.details.get(name, "")
    if not value:
        raise Misconfigured(hint=f"{name} is not set")
    return value


def scopes(provider: Provider) -> tuple[str, ...]:
    """The scopes that are asked for: written with spaces or commas."""
    return tuple(filter(None, re.split(r"[ ,]+", provider.details.get("authorize_scopes", ""))))
