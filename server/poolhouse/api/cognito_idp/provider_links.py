"""Administrators and the identities of users at providers: connect them, part them."""

from __future__ import annotations

from collections.abc import Mapping

from poolhouse.api.registry import operation
from poolhouse.core.errors import InvalidParameter
from poolhouse.federation import linking
from poolhouse.federation.linking import Named
from poolhouse.user_pools import lookup


@operation("AdminLinkProviderForUser")
def admin_link_provider_for_user(
    *, user_pool_id: str, destination_user: Mapping[str, str], source_user: Mapping[str, str]
) -> None:
    # The destination's ProviderAttributeName is ignored, as in Cognito.
    destination = _named("DestinationUser", destination_user, "ProviderName", "ProviderAttributeValue")
    linking.link(lookup.pool(user_pool_id), destination, _named("SourceUser", source_user, *_MEMBERS))


@operation("AdminDisableProviderForUser")
def admin_disable_provider_for_user(*, user_pool_id: str, user: Mapping[str, str]) -> None:
    linking.unlink(lookup.pool(user_pool_id), _named("User", user, *_MEMBERS))


_MEMBERS = ("ProviderName", "ProviderAttributeName", "ProviderAttributeValue")


def _named(member: str, given: Mapping[str, str], *required: str) -> Named:
    for name in required:
        if not given.get(name):
            raise InvalidParameter(f"{name} of {member} is required.")
    return Named(*(given.get(name, "") for name in _MEMBERS))
