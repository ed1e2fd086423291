"""Identity pools: make, change, list and remove them, their roles, tags and attribute maps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete as delete_from
from sqlalchemy import func, insert, select, update

from poolhouse.core import cache, clock, ids, paging, runtime, unit
from poolhouse.core.errors import InvalidParameter, LimitExceeded, ResourceNotFound
from poolhouse.core.events import emit
from poolhouse.identity_pools import keys, providers, snapshot
from poolhouse.identity_pools.events import IdentityPoolCreated, IdentityPoolDeleted, IdentityPoolUpdated
from poolhouse.identity_pools.models import IdentityLogin, IdentityPoolRow, IdentityRow
from poolhouse.identity_pools.snapshot import IdentityPool

POOLS_AT_MOST = 1000
TAGS_AT_MOST = 50
RULES_AT_MOST = 25
USER_POOLS_AT_MOST = 50
_ROLE_ARN = re.compile(r"arn:aws[\w-]*:iam::[0-9]{12}:role/[!-~]{1,576}")
# AWS's own names of the providers that it knows by itself; a developer's name must not pass for one of theirs.
SOCIAL = (
    "accounts.google.com",
    "graph.facebook.com",
    "www.amazon.com",
    "appleid.apple.com",
    "api.twitter.com",
    "www.digits.com",
)


def create(settings: Mapping[str, Any], tags: Mapping[str, str]) -> IdentityPool:
    """A new pool. Raises InvalidParameter, LimitExceeded."""
    _check(settings)
    _check_tags(tags)
    keys.prepare()  # slow the first time: before the write
    identity_pool_id = f"{runtime.current().settings.region}:{ids.uuid4()}"
    now = clock.now()
    unit.write()
    if unit.execute(select(func.count()).select_from(IdentityPoolRow)).scalar_one() >= POOLS_AT_MOST:
        raise LimitExceeded(f"Cannot exceed quota for identity pools: {POOLS_AT_MOST}")
    unit.execute(
        insert(IdentityPoolRow).values(
            id=identity_pool_id,
            name=settings["IdentityPoolName"],
            settings=dict(settings),
            roles={},
            principal_tags={},
            tags=dict(tags),
            created_at=now,
            modified_at=now,
        )
    )
    cache.changed()
    emit(IdentityPoolCreated(identity_pool_id))
    return snapshot.fresh(identity_pool_id)


def replace(identity_pool_id: str, settings: Mapping[str, Any], tags: Mapping[str, str] | None) -> IdentityPool:
    """Put ``settings`` in place of all that was set; tags only if given. Raises ResourceNotFound, InvalidParameter."""
    _check(settings)
    before = _locked(identity_pool_id)
    named = before.developer_provider
    if named is not None and settings.get("DeveloperProviderName") not in {None, named}:
        # AWS's rule: the users that the developer registered under the old name would be nobody's.
        raise InvalidParameter("The DeveloperProviderName cannot be changed once it is set.")
    kept = dict(settings) | ({"DeveloperProviderName": named} if named is not None else {})
    values: dict[str, Any] = {"name": settings["IdentityPoolName"], "settings": kept}
    if tags is not None:
        _check_tags(tags)
        values["tags"] = dict(tags)
    return _store(before, "settings", **values)


def delete(identity_pool_id: str) -> None:
    """Remove a pool with every identity. Raises ResourceNotFound."""
    _locked(identity_pool_id)
    unit.execute(delete_from(IdentityLogin).where(IdentityLogin.identity_pool_id == identity_pool_id))
    unit.execute(delete_from(IdentityRow).where(IdentityRow.identity_pool_id == identity_pool_id))
    unit.execute(delete_from(IdentityPoolRow).where(IdentityPoolRow.id == identity_pool_id))
    cache.changed()
    emit(IdentityPoolDeleted(identity_pool_id))


def page(limit: int, token: str | None) -> tuple[list[dict[str, str]], str | None]:
    """Up to ``limit`` pools by id, and the token of the next page. Raises InvalidParameter for a forged token."""
    after = paging.decode("identity pools", token).get("after", "")
    statement = select(IdentityPoolRow.id, IdentityPoolRow.name).where(IdentityPoolRow.id > after)
    rows = unit.execute(statement.order_by(IdentityPoolRow.id).limit(limit + 1)).all()
    found = [{"IdentityPoolId": row.id, "IdentityPoolName": row.name} for row in rows[:limit]]
    more = len(rows) > limit
    return found, paging.encode("identity pools", {"after": rows[limit - 1].id}) if more else None


def set_roles(identity_pool_id: str, roles: Mapping[str, str], mappings: Mapping[str, Any] | None) -> None:
    """Replace roles and mappings; that the caller may pass them was asked before.

    Raises ResourceNotFound, InvalidParameter.
    """
    for provider, mapping in (mappings or {}).items():
        _check_mapping(provider, mapping)
    for role_arn in roles_named(roles, mappings):
        if not _ROLE_ARN.fullmatch(role_arn):
            raise InvalidParameter(f"{role_arn} is not the ARN of a role.")
    _store(_locked(identity_pool_id), "roles", roles={"Roles": dict(roles), "RoleMappings": dict(mappings or {})})


def roles_named(roles: Mapping[str, str], mappings: Mapping[str, Any] | None) -> list[str]:
    """Every role that SetIdentityPoolRoles' members name, once each."""
    rules = [
        rule["RoleARN"]
        for mapping in (mappings or {}).values()
        for rule in (mapping.get("RulesConfiguration") or {}).get("Rules", ())
    ]
    return list(dict.fromkeys([*roles.values(), *rules]))


def set_principal_tags(
    identity_pool_id: str, provider: str, use_defaults: bool | None, tags: Mapping[str, str] | None
) -> Mapping[str, Any]:
    """Say which claims of a provider become principal tags. Raises ResourceNotFound, InvalidParameter."""
    before = _locked(identity_pool_id)
    if len({key.lower() for key in tags or ()}) != len(tags or ()):
        raise InvalidParameter("Two principal tags differ in case only.")  # as condition keys they would be one
    entry = {"UseDefaults": bool(use_defaults), "PrincipalTags": {} if use_defaults else dict(tags or {})}
    maps = {**before.principal_tags, providers.canonical(provider): entry}
    if len(maps) > USER_POOLS_AT_MOST:
        raise InvalidParameter(f"At most {USER_POOLS_AT_MOST} identity providers have principal tags.")
    _store(before, "principal tags", principal_tags=maps)
    return entry


def principal_tags(identity_pool_id: str, provider: str) -> Mapping[str, Any]:
    """What :func:`set_principal_tags` set, nothing where it set nothing. Raises ResourceNotFound."""
    nothing = {"UseDefaults": False, "PrincipalTags": {}}
    found: Mapping[str, Any] = snapshot.get(identity_pool_id).principal_tags.get(providers.canonical(provider), nothing)
    return found


def tags_of(arn: str) -> dict[str, str]:
    """The tags of the pool that ``arn`` names. Raises ResourceNotFound, InvalidParameter."""
    return dict(snapshot.get(_pool_id(arn)).tags)


def add_tags(arn: str, tags: Mapping[str, str]) -> None:
    """Set ``tags`` beside those that are there. Raises ResourceNotFound, InvalidParameter."""
    before = _locked(_pool_id(arn))
    together = {**before.tags, **tags}
    _check_tags(together)
    _store(before, "tags", tags=together)


def remove_tags(arn: str, names: Iterable[str]) -> None:
    """Take tags away; those that are not there do not matter. Raises ResourceNotFound, InvalidParameter."""
    before = _locked(_pool_id(arn))
    gone = set(names)
    _store(before, "tags", tags={key: value for key, value in before.tags.items() if key not in gone})


def _locked(identity_pool_id: str) -> IdentityPool:
    unit.write()
    return snapshot.fresh(identity_pool_id, lock=True)


def _store(pool: IdentityPool, what: str, **values: Any) -> IdentityPool:
    unit.execute(update(IdentityPoolRow).where(IdentityPoolRow.id == pool.id).values(**values, modified_at=clock.now()))
    cache.changed()
    emit(IdentityPoolUpdated(pool.id, what))
    return snapshot.fresh(pool.id)


def _check(settings: Mapping[str, Any]) -> None:
    """Rules beyond the model. Raises InvalidParameter."""
    entries = settings.get("CognitoIdentityProviders") or ()
    if len(entries) > USER_POOLS_AT_MOST:
        raise InvalidParameter(f"An identity pool has at most {USER_POOLS_AT_MOST} user pools' clients.")
    seen = set()
    for entry in entries:
        name, client_id = entry.get("ProviderName"), entry.get("ClientId")
        if not name or not client_id:
            raise InvalidParameter("A Cognito identity provider needs ProviderName and ClientId.")
        pool_id = providers.user_pool_of(name)
        if pool_id is None:
            raise InvalidParameter(f"Invalid Cognito Identity Provider: {name} names no user pool of this server.")
        if (pool_id, client_id) in seen:
            raise InvalidParameter(f"The client {client_id} of {name} is named twice.")
        seen.add((pool_id, client_id))
    for name in settings.get("SupportedLoginProviders") or ():
        if name not in SOCIAL:
            raise InvalidParameter(f"Unsupported login provider {name}. Those that are: {', '.join(SOCIAL)}")
    for arn in settings.get("OpenIdConnectProviderARNs") or ():
        if providers.oidc_name(arn) is None:
            raise InvalidParameter(f"{arn} is not the ARN of an OpenID Connect provider.")
    for arn in settings.get("SamlProviderARNs") or ():
        if not providers.is_saml(arn):
            raise InvalidParameter(f"{arn} is not the ARN of a SAML provider.")
    developer = settings.get("DeveloperProviderName")
    if developer is not None and (developer in (*SOCIAL, providers.SELF) or providers.user_pool_of(developer)):
        raise InvalidParameter(f"{developer} is the name of another provider.")


def _check_mapping(provider: str, mapping: Mapping[str, Any]) -> None:
    rules = (mapping.get("RulesConfiguration") or {}).get("Rules")
    if not mapping.get("AmbiguousRoleResolution"):
        raise InvalidParameter(f"AmbiguousRoleResolution is required for the role mapping of {provider}.")
    if mapping["Type"] == "Token" and rules:
        raise InvalidParameter(f"The role mapping of {provider} is of type Token: it has no rules.")
    if mapping["Type"] == "Rules" and not rules:
        raise InvalidParameter(f"The role mapping of {provider} is of type Rules: it needs RulesConfiguration.")
    if len(rules or ()) > RULES_AT_MOST:
        raise InvalidParameter(f"A role mapping has at most {RULES_AT_MOST} rules.")


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS_AT_MOST:
        raise InvalidParameter(f"An identity pool has at most {TAGS_AT_MOST} tags.")
    if any(key.lower().startswith("aws:") for key in tags):
        raise InvalidParameter("Tag keys that begin with aws: are reserved.")


def _pool_id(arn: str) -> str:
    """The pool in ``arn:aws:cognito-identity:<region>:<account>:identitypool/<id>``; no other account's is here."""
    prefix, separator, identity_pool_id = arn.partition(":identitypool/")
    if not separator or ":cognito-identity:" not in prefix:
        raise InvalidParameter(f"Invalid resource ARN: {arn}")
    if snapshot.arn(identity_pool_id) != arn:
        raise ResourceNotFound(f"IdentityPool '{identity_pool_id}' not found.")
    return identity_pool_id
