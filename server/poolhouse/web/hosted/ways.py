"""The ways in that an app offers: the pool's own accounts, and the identity providers among the client's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poolhouse.core import runtime
from poolhouse.federation import catalogue
from poolhouse.federation.provider import LOCAL, Provider
from poolhouse.user_pools.snapshots import Client

if TYPE_CHECKING:
    from poolhouse.web.hosted.visit import Visit

_COMPANIES = {
    "Google": "Google",
    "Facebook": "Facebook",
    "LoginWithAmazon": "Amazon",
    "SignInWithApple": "Apple",
}
_PRESETS = {"x": "X", "github": "GitHub", "microsoft": "Microsoft", "linkedin": "LinkedIn"}


@dataclass(frozen=True, slots=True)
class Way:
    """An identity provider to choose: what it is called, and what its button says where it has words of its own."""

    provider: str
    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Ways:
    """``local``: whether the pool's own accounts may sign in; ``routed``: whether an e-mail domain leads anywhere."""

    local: bool
    buttons: tuple[Way, ...] = ()
    routed: bool = False
    only: str = ""  # the one provider, where there is nothing else to choose


def of(client: Client, parameters: Mapping[str, object]) -> Ways:
    """The ways in of this client, on a journey with these parameters: no statement while nothing changes."""
    ways = runtime.current().cache.get(("ways in", client.pool_id, client.id), lambda: _read(client))
    if parameters.get("identity_provider") == LOCAL and ways.local:
        return replace(ways, buttons=(), routed=False)
    return ways


def _read(client: Client) -> Ways:
    local, shown, few = client.offers(LOCAL), catalogue.offered(client), _few(client)
    routes = few != [] and catalogue.routes(client)
    only = few[0] if few is not None and len(few) == 1 and not local else ""
    return Ways(local, tuple(way(provider) for provider in shown), routes, only)


def _few(client: Client) -> list[str] | None:
    """The client's providers that are open; None if it has too many to look at each."""
    names = [name for name in client.identity_providers if name != LOCAL]
    if len(names) > catalogue.BUTTONS:
        return None
    return [name for name in names if (provider := catalogue.find(client.pool, name)) and provider.enabled]


def buttons(visit: Visit, shown: Iterable[Way]) -> list[dict[str, str]]:
    """The buttons of ``shown``, for the template."""
    listed = []
    for each in shown:
        text = each.label or visit.words("login.with", provider=each.name)
        url = visit.url("/login/via", provider=each.provider)
        listed.append({"url": url, "text": text, "initial": each.name[:1].upper()})
    return listed


def way(provider: Provider) -> Way:
    """``provider`` as people know it."""
    preset = provider.details.get("preset", "")
    name = _COMPANIES.get(provider.type) or provider.name
    # "X" is too short for a ProviderName.
    if preset == "x" or (preset in _PRESETS and provider.name.casefold() == preset):
        name = _PRESETS[preset]
    return Way(provider.name, name, str(provider.own.get("label") or ""))


def routed(client: Client, entered: str) -> Provider | None:
    """The provider that the domain of an e-mail address leads to, if this client offers it.

    One ``@`` and no more: of several, two readers would see two domains (oauth2-proxy CVE-2026-40574).
    """
    name, _, domain = entered.partition("@")
    if not name or not domain or "@" in domain:
        return None
    provider = catalogue.by_identifier(client.pool, domain.lower())
    return provider if provider is not None and open_to(client, provider) else None


def open_to(client: Client, provider: Provider) -> bool:
    """Whether people may come to this client through ``provider`` at present."""
    return provider.enabled and client.offers(provider.name)
