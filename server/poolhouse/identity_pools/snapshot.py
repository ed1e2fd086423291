"""Identity pools as requests need them: immutable, from memory while no configuration has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Row, select

from poolhouse.core import runtime, unit
from poolhouse.core.errors import ResourceNotFound
from poolhouse.identity_pools import providers
from poolhouse.identity_pools.models import IdentityPoolRow


@dataclass(frozen=True)
class UserPoolProvider:
    """A user pool whose users may come in: through which of its clients, and whether each token is asked after."""

    pool_id: str
    client_ids: frozenset[str]
    checked: frozenset[str]


@dataclass(frozen=True)
class IdentityPool:
    """An identity pool. ``settings`` are the API's members, ``principal_tags`` the attribute map by provider."""

    id: str
    name: str
    arn: str
    settings: Mapping[str, Any] = field(repr=False)
    roles: Mapping[str, str] = field(repr=False)
    written_mappings: Mapping[str, Any] = field(repr=False)
    principal_tags: Mapping[str, Any] = field(repr=False)
    tags: Mapping[str, str] = field(repr=False)
    created_at: datetime

    @property
    def guests(self) -> bool:
        """Whether identities without a login are allowed."""
        return bool(self.settings.get("AllowUnauthenticatedIdentities"))

    @property
    def classic(self) -> bool:
        """Whether its OpenID tokens may be exchanged at STS for any role that trusts them."""
        return bool(self.settings.get("AllowClassicFlow"))

    @property
    def developer_provider(self) -> str | None:
        """The name under which the developer's own users log in."""
        return self.settings.get("DeveloperProviderName")

    @property
    def social(self) -> Mapping[str, str]:
        """Application ids by the name of a social provider."""
        return self.settings.get("SupportedLoginProviders") or {}

    @cached_property
    def role_mappings(self) -> Mapping[str, Any]:
        """RoleMappings by canonical name; ``written_mappings`` has them as they were set."""
        return {providers.canonical(name): mapping for name, mapping in self.written_mappings.items()}

    @cached_property
    def user_pools(self) -> Mapping[str, UserPoolProvider]:
        """User pools by canonical name."""
        clients: dict[str, set[str]] = {}
        checked: dict[str, set[str]] = {}
        for entry in self.settings.get("CognitoIdentityProviders") or ():
            pool_id = providers.user_pool_of(entry.get("ProviderName", ""))
            if pool_id is not None:
                clients.setdefault(pool_id, set()).add(entry.get("ClientId", ""))
                if entry.get("ServerSideTokenCheck"):
                    checked.setdefault(pool_id, set()).add(entry.get("ClientId", ""))
        return {
            providers.of_user_pool(pool_id): UserPoolProvider(
                pool_id, frozenset(ids), frozenset(checked.get(pool_id, ()))
            )
            for pool_id, ids in clients.items()
        }

    @cached_property
    def oidc(self) -> Mapping[str, str]:
        """ARNs of OpenID Connect providers by the name that logins use."""
        arns = self.settings.get("OpenIdConnectProviderARNs") or ()
        return {name: arn for arn in arns if (name := providers.oidc_name(arn))}

    @cached_property
    def saml(self) -> frozenset[str]:
        """ARNs of SAML providers."""
        return frozenset(self.settings.get("SamlProviderARNs") or ())


def get(identity_pool_id: str) -> IdentityPool:
    """The identity pool, from memory. Raises ResourceNotFound."""
    found = runtime.current().cache.get(("identity pool", identity_pool_id), lambda: _load(identity_pool_id))
    if found is None:
        raise unknown(identity_pool_id)
    return found


def fresh(identity_pool_id: str, *, lock: bool = False) -> IdentityPool:
    """The identity pool as this unit sees it, locked for whoever changes it. Raises ResourceNotFound."""
    found = _load(identity_pool_id, lock=lock)
    if found is None:
        raise unknown(identity_pool_id)
    return found


def unknown(identity_pool_id: str) -> ResourceNotFound:
    """AWS's sentence."""
    return ResourceNotFound(f"IdentityPool '{identity_pool_id}' not found.")


def arn(identity_pool_id: str) -> str:
    """The ARN of an identity pool."""
    settings = runtime.current().settings
    return f"arn:aws:cognito-identity:{settings.region}:{settings.account_id}:identitypool/{identity_pool_id}"


def _load(identity_pool_id: str, *, lock: bool = False) -> IdentityPool | None:
    statement = select(IdentityPoolRow.__table__).where(IdentityPoolRow.id == identity_pool_id)
    row = unit.execute(statement.with_for_update() if lock else statement).first()
    return None if row is None else _of(row)


def _of(row: Row[Any]) -> IdentityPool:
    return IdentityPool(
        id=row.id,
        name=row.name,
        arn=arn(row.id),
        settings=row.settings,
        roles=row.roles.get("Roles") or {},
        written_mappings=row.roles.get("RoleMappings") or {},
        principal_tags=row.principal_tags,
        tags=row.tags,
        created_at=row.created_at,
    )
