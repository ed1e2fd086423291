"""Domains of user pools, under the server's suffix or of their owner's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolhouse.api.registry import Answer, operation
from poolhouse.user_pools import domains, views
from poolhouse.user_pools.domains import Domain

_MEMBERS = ("ManagedLoginVersion", "CustomDomainConfig", "Routing")


@operation("CreateUserPoolDomain", writes=True, gathers=_MEMBERS)
def create_user_pool_domain(*, domain: str, user_pool_id: str, settings: Mapping[str, Any]) -> Answer:
    return _stored(domains.create(user_pool_id, domain, settings))


@operation("DescribeUserPoolDomain")
def describe_user_pool_domain(*, domain: str) -> Answer:
    return {"DomainDescription": views.domain(domains.find(domain))}


@operation("UpdateUserPoolDomain", writes=True, gathers=_MEMBERS)
def update_user_pool_domain(*, domain: str, user_pool_id: str, settings: Mapping[str, Any]) -> Answer:
    return _stored(domains.change(user_pool_id, domain, settings))


@operation("DeleteUserPoolDomain", writes=True)
def delete_user_pool_domain(*, domain: str, user_pool_id: str) -> None:
    domains.remove(user_pool_id, domain)


def _stored(found: Domain) -> Answer:
    return {
        "ManagedLoginVersion": found.managed_login_version,
        # Where the owner's DNS entry has to point to.
        "CloudFrontDomain": domains.server_host() if found.custom else None,
        "Routing": found.settings.get("Routing"),
    }
