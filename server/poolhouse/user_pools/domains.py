"""A pool's domains: a prefix under the server's own host suffix, and a host name of its owner's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from poolhouse.core import cache, clock, runtime, unit
from poolhouse.core.errors import InvalidParameter
from poolhouse.core.events import emit
from poolhouse.user_pools import rows
from poolhouse.user_pools.events import DomainChanged
from poolhouse.user_pools.models import PoolDomain

_RESERVED = ("aws", "amazon", "cognito")
_PREFIX = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_IPV4 = re.compile(r"[0-9.]+")
_VERSIONS = (1, 2)


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of a pool; ``settings`` has ManagedLoginVersion, CustomDomainConfig and Routing."""

    name: str
    pool_id: str
    settings: Mapping[str, Any]
    created_at: datetime

    @property
    def custom(self) -> bool:
        """Whether it is a whole host name, not a prefix."""
        return "." in self.name

    @property
    def host(self) -> str:
        """Where it is served: its own name, ``<prefix>.<suffix>``, or the server itself where it has no suffix."""
        settings = runtime.current().settings
        if not self.custom and settings.domain_suffix:
            return f"{self.name}.{settings.domain_suffix.split(':')[0]}"
        return self.name if self.custom else server_host()

    @property
    def managed_login_version(self) -> int:
        """1: the classic pages, 2: managed login."""
        return int(self.settings.get("ManagedLoginVersion") or 1)


def server_host() -> str:
    """The server's own host name: what a custom domain's DNS entry has to point to."""
    return urlsplit(runtime.current().settings.public_url).hostname or "localhost"


def find(name: str) -> Domain | None:
    """The domain of that name, whichever pool it belongs to."""
    row = unit.execute(select(PoolDomain.__table__).where(PoolDomain.domain == name)).first()
    return None if row is None else Domain(row.domain, row.pool_id, row.settings, row.created_at)


def create(pool_id: str, name: str, settings: Mapping[str, Any]) -> Domain:
    """Give the pool a domain. Raises InvalidParameter for a name that is taken, reserved or the server's own."""
    rows.locked_pool(pool_id)
    domain = Domain(name, pool_id, dict(settings), clock.now())
    _check_settings(domain)
    _check_custom(domain) if domain.custom else _check_prefix(domain)
    present = unit.execute(select(PoolDomain.domain).where(PoolDomain.pool_id == pool_id)).scalars()
    if any(("." in other) == domain.custom for other in present):
        kind = "custom" if domain.custom else "prefix"
        raise InvalidParameter(f"User pool already has a {kind} domain configured.")
    try:
        with unit.current().connection.begin_nested():
            unit.execute(
                insert(PoolDomain).values(
                    domain=name, pool_id=pool_id, settings=dict(settings), created_at=domain.created_at
                )
            )
    except IntegrityError:
        raise InvalidParameter("Domain already associated with another user pool.") from None
    cache.changed()
    emit(DomainChanged(pool_id, name, "created"))
    return domain


def _check_settings(domain: Domain) -> None:
    if domain.managed_login_version not in _VERSIONS:
        raise InvalidParameter("ManagedLoginVersion must be 1 or 2.")
    if not domain.custom and domain.settings.get("CustomDomainConfig") is not None:
        raise InvalidParameter("Custom domain is not a valid subdomain")
    if not domain.custom and domain.settings.get("Routing") is not None:
        raise InvalidParameter("Routing is supported for custom domains only.")


def _check_prefix(domain: Domain) -> None:
    if not _PREFIX.fullmatch(domain.name):
        raise InvalidParameter(
            "The domain name contains an invalid character. Domain names can only contain lower-case letters, numbers,"
            " and hyphens."
        )
    for word in _RESERVED:
        if word in domain.name.split("-"):
            raise InvalidParameter(f"Domain cannot contain reserved word: {word}")


def _check_custom(domain: Domain) -> None:
    """No domain may shadow the server's own hosts, nor what another pool's prefix becomes."""
    labels = domain.name.split(".")
    if not all(_PREFIX.fullmatch(label) for label in labels) or _IPV4.fullmatch(domain.name):
        raise InvalidParameter("Custom domain is not a valid subdomain")
    settings = runtime.current().settings
    own = {urlsplit(url).hostname for url in (settings.public_url, settings.issuer_base, settings.api_endpoint)}
    suffix = settings.domain_suffix.split(":")[0]
    if domain.name in own or (suffix and (domain.name == suffix or domain.name.endswith("." + suffix))):
        raise InvalidParameter(f"Domain is reserved by the server: {domain.name}")


def change(pool_id: str, name: str, settings: Mapping[str, Any]) -> Domain:
    """Replace the domain's settings. Raises InvalidParameter."""
    rows.locked_pool(pool_id)
    present = find(name)
    if present is None or present.pool_id != pool_id:
        raise InvalidParameter("No such domain or user pool exists.")
    domain = Domain(name, pool_id, dict(settings), present.created_at)
    _check_settings(domain)
    unit.execute(update(PoolDomain).where(PoolDomain.domain == name).values(settings=dict(settings)))
    cache.changed()
    emit(DomainChanged(pool_id, name, "updated"))
    return domain


def remove(pool_id: str, name: str) -> None:
    """Take the domain away from the pool. Raises InvalidParameter."""
    rows.locked_pool(pool_id)
    gone = unit.execute(delete(PoolDomain).where(PoolDomain.domain == name, PoolDomain.pool_id == pool_id))
    if gone.rowcount != 1:
        raise InvalidParameter("No such domain or user pool exists.")
    cache.changed()
    emit(DomainChanged(pool_id, name, "deleted"))
