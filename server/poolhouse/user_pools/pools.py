"""Creates, replaces and deletes user pools."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select

from poolhouse.core import cache, clock, paging, runtime, unit
from poolhouse.core.db import Base
from poolhouse.core.errors import InvalidParameter, UserPoolTagging
from poolhouse.core.events import emit
from poolhouse.user_pools import extensions, limits, lookup, pool_rules, rows, schema
from poolhouse.user_pools.events import UserPoolCreated, UserPoolDeleted, UserPoolUpdated
from poolhouse.user_pools.models import PoolDomain, UserPool
from poolhouse.user_pools.snapshots import Pool

_ID_CHARACTERS = string.ascii_letters + string.digits
_ID_LENGTH = 9


def new_id() -> str:
    """An id as Cognito's are: region, ``_``, nine letters and digits."""
    random = "".join(secrets.choice(_ID_CHARACTERS) for _ in range(_ID_LENGTH))
    return f"{runtime.current().settings.region}_{random}"


def create(pool_id: str, name: str, given: Mapping[str, Any]) -> Pool:
    """A new pool. ``given`` has the members of CreateUserPool. Raises InvalidParameter, LimitExceeded."""
    unit.write()
    limits.check(limits.POOLS, "user pools", UserPool.id)
    settings = {member: value for member, value in given.items() if member not in {"Schema", "UserPoolTags"}}
    settings["SchemaAttributes"] = pool_rules.schema_of(given.get("Schema") or ())
    tags = dict(given.get("UserPoolTags") or {})
    pool_rules.check(settings)
    pool_rules.check_tags(tags, UserPoolTagging)
    now = clock.now()
    unit.execute(
        insert(UserPool).values(
            id=pool_id, name=name, settings=_mirrored(settings), tags=tags, created_at=now, modified_at=now
        )
    )
    cache.changed()
    emit(UserPoolCreated(pool_id))
    return lookup.fresh_pool(pool_id)


def replace(pool_id: str, name: str | None, given: Mapping[str, Any]) -> Pool:
    """Put ``given`` (members of UpdateUserPool) in place of the settings; what is left out returns to its default."""
    row = rows.locked_pool(pool_id)
    settings = {member: value for member, value in given.items() if member != "UserPoolTags"}
    kept = (*pool_rules.IMMUTABLE, *pool_rules.MFA_OWNED, pool_rules.SMS_FACTOR, pool_rules.OWN)
    settings |= {member: row.settings[member] for member in kept if member in row.settings}
    tags = dict(given.get("UserPoolTags") or {})
    pool_rules.check(settings)
    pool_rules.check_tags(tags, UserPoolTagging)
    rows.store_pool(pool_id, _mirrored(settings), name=name or row.name, tags=tags)
    emit(UserPoolUpdated(pool_id, "settings"))
    return lookup.fresh_pool(pool_id)


def _mirrored(settings: dict[str, Any]) -> dict[str, Any]:
    """Verification messages stand in two places of the API, old and new; both always say the same."""
    template = dict(settings.get("VerificationMessageTemplate") or {})
    for old, new in (
        ("SmsVerificationMessage", "SmsMessage"),
        ("EmailVerificationMessage", "EmailMessage"),
        ("EmailVerificationSubject", "EmailSubject"),
    ):
        text = template.get(new) or settings.get(old)
        if text:
            settings[old] = template[new] = text
    if template:
        settings["VerificationMessageTemplate"] = template
    return settings


def remove(pool_id: str) -> None:
    """Delete the pool and all that belongs to it. Raises InvalidParameter while it is protected or has a domain."""
    pool = rows.locked_pool(pool_id)
    if pool.settings.get("DeletionProtection") == "ACTIVE":
        raise InvalidParameter(
            "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be"
            " inactivated first."
        )
    if unit.execute(select(PoolDomain.domain).where(PoolDomain.pool_id == pool_id)).first() is not None:
        raise InvalidParameter("User pool cannot be deleted. It has a domain configured that should be deleted first.")
    for table in owned_tables():
        unit.execute(delete(table).where(table.c.pool_id == pool_id))
    unit.execute(delete(UserPool).where(UserPool.id == pool_id))
    cache.changed()
    emit(UserPoolDeleted(pool_id))


def owned_tables() -> list[Any]:
    """Every table with a ``pool_id``, but those that outlive a pool (``info={"outlives_pool": True}``: the audit)."""
    tables = reversed(Base.metadata.sorted_tables)
    return [table for table in tables if "pool_id" in table.c and not table.info.get("outlives_pool")]


def page(limit: int, token: str | None) -> tuple[list[Pool], str | None]:
    """Pools by id, ``limit`` at a time, and the token of the next page."""
    after = paging.decode("pools", token).get("id", "")
    ids = unit.execute(select(UserPool.id).where(UserPool.id > after).order_by(UserPool.id).limit(limit + 1))
    found = list(ids.scalars())
    following = paging.encode("pools", {"id": found[limit - 1]}) if len(found) > limit else None
    # One of them may have been deleted since.
    pools = [lookup.find_pool(pool_id) for pool_id in found[:limit]]
    return [pool for pool in pools if pool is not None], following


def add_custom_attributes(pool_id: str, described: Sequence[Mapping[str, Any]]) -> None:
    """Add attributes to the schema; none can ever be changed or taken away. Raises InvalidParameter."""
    row = rows.locked_pool(pool_id)
    attributes = list(row.settings.get("SchemaAttributes") or ())
    taken = {attribute["Name"] for attribute in attributes}
    for one in described:
        attribute = pool_rules.custom(one)
        if attribute.name in taken:
            raise InvalidParameter(f"{attribute.name}: Existing attribute already has name {attribute.name}.")
        taken.add(attribute.name)
        attributes.append(attribute.describe())
    if sum(schema.from_description(attribute).custom for attribute in attributes) > schema.CUSTOM_MAX:
        raise InvalidParameter(f"A user pool can have at most {schema.CUSTOM_MAX} custom attributes.")
    rows.store_pool(pool_id, {**row.settings, "SchemaAttributes": attributes})
    emit(UserPoolUpdated(pool_id, "schema"))


def set_mfa(pool_id: str, given: Mapping[str, Any]) -> Pool:
    """Replace the MFA configuration by ``given`` (members of SetUserPoolMfaConfig). Raises InvalidParameter."""
    pool_rules.check_mfa_call(given)
    row = rows.locked_pool(pool_id)
    settings = {member: value for member, value in row.settings.items() if member not in pool_rules.MFA_OWNED}
    settings |= {member: given[member] for member in pool_rules.MFA_OWNED if given.get(member) is not None}
    settings["MfaConfiguration"] = given.get("MfaConfiguration") or "OFF"
    sms = given.get("SmsMfaConfiguration")
    for member in ("SmsAuthenticationMessage", "SmsConfiguration"):
        if sms and sms.get(member):
            settings[member] = sms[member]
    settings.pop(pool_rules.SMS_FACTOR, None)
    if settings["MfaConfiguration"] != "OFF":
        # The pool's SMS sender is also there for verification: it is a second factor only if this call says so.
        settings[pool_rules.SMS_FACTOR] = sms is not None
    pool_rules.check_mfa(
        settings, "Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be enabled."
    )
    rows.store_pool(pool_id, settings)
    emit(UserPoolUpdated(pool_id, "mfa"))
    return lookup.fresh_pool(pool_id)


def set_own(pool_id: str, own: Mapping[str, Any]) -> Pool:
    """Replace our own settings of the pool (:mod:`extensions`). Raises InvalidParameter."""
    row = rows.locked_pool(pool_id)
    rows.store_pool(pool_id, {**row.settings, pool_rules.OWN: extensions.of_pool(own)})
    emit(UserPoolUpdated(pool_id, "extensions"))
    return lookup.fresh_pool(pool_id)
