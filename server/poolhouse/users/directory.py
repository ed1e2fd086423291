"""The directory: make, find, change and remove users, and keep the names that find them unique."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from poolhouse.core import clock, ids, prepared, unit
from poolhouse.core.db import Base
from poolhouse.core.errors import AliasExists, InvalidParameter, UsernameExists, UserNotFound
from poolhouse.user_pools import rules
from poolhouse.user_pools.snapshots import Pool
from poolhouse.users.models import SEARCH_COLUMNS, SEARCHED, UserName, UserRow
from poolhouse.users.snapshot import Status, User

_SUB_LIKE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_NAME = 512

COLUMNS = (
    UserRow.pool_id,
    UserRow.sub,
    UserRow.username,
    UserRow.status,
    UserRow.enabled,
    UserRow.attributes,
    UserRow.mfa,
    UserRow.created_at,
    UserRow.modified_at,
    UserRow.signed_out_at,
    UserRow.confirmed_by_code_at,
)


_BY_SUB = prepared.Read(select(*COLUMNS).where(UserRow.pool_id == bindparam("pool"), UserRow.sub == bindparam("sub")))


def of_row(row: Row[Any]) -> User:
    """The user that a row of ``COLUMNS`` (and perhaps more) holds."""
    return User(
        row.pool_id,
        row.sub,
        row.username,
        row.status,
        row.enabled,
        row.attributes,
        row.created_at,
        row.modified_at,
        row.signed_out_at,
        row.mfa,
        row.confirmed_by_code_at,
    )


def named_rows(pool: Pool, name: str, *columns: Any) -> Select[Any]:
    """A statement for ``columns`` of whoever ``name`` finds; join what else is wanted to ``UserRow``."""
    return (
        select(*columns)
        .select_from(UserName)
        .join(UserRow, (UserRow.pool_id == UserName.pool_id) & (UserRow.sub == UserName.sub))
        .where(UserName.pool_id == pool.id, UserName.key.in_(name_keys(pool, name)))
        .order_by(UserName.key != external_key(name))
    )


def name_keys(pool: Pool, name: str) -> tuple[str, str]:
    """What ``name`` is looked up by: as this pool compares names, and as an external user has it, who comes first."""
    return pool.canonical(name)[:_LONGEST_NAME], external_key(name)


def external_key(name: str) -> str:
    """The key of an external user's name: exact in every pool, since providers tell ``bob`` and ``Bob`` apart.

    The blank, which no name has, keeps these apart from all others.
    """
    return " " + name[: _LONGEST_NAME - 1]


def by_sub(pool_id: str, sub: str) -> User | None:
    """The user with that ``sub``, or None."""
    row = _BY_SUB.first({"pool": pool_id, "sub": sub})
    return None if row is None else of_row(row)


def find(pool: Pool, name: str) -> User | None:
    """Whoever ``name`` finds: a username, an active alias, or a ``sub``; None if nobody."""
    row = unit.execute(named_rows(pool, name, *COLUMNS)).first()
    if row is not None:
        return of_row(row)
    return by_sub(pool.id, name.lower()) if _SUB_LIKE.fullmatch(name.lower()) else None


def named(pool: Pool, name: str) -> User:
    """As :func:`find`. Raises UserNotFound."""
    user = find(pool, name)
    if user is None:
        raise UserNotFound()
    return user


@dataclass(frozen=True, slots=True)
class Plan:
    """What a new user would be called, known before anything is written: SRP verifiers contain the username."""

    sub: str
    username: str
    implied: Mapping[str, str]


def is_address(pool: Pool, name: str, attribute: str) -> bool:
    """Whether ``name`` has the form of ``attribute`` and people sign in with that here."""
    return attribute in pool.username_attributes and rules.looks_like(name) == attribute


def plan(pool: Pool, username: str) -> Plan:
    """What a user who signs up as ``username`` would be called. Raises InvalidParameter.

    Where people sign up with an address (UsernameAttributes), ``username`` is that address: it becomes the attribute,
    and the username is the ``sub``.
    """
    sub = ids.uuid7()
    kind = rules.looks_like(username)
    if pool.username_attributes:
        if kind is None or kind not in pool.username_attributes:
            wanted = {"email": "an email", "phone_number": "a phone number"}
            raise InvalidParameter(f"Username should be {' or '.join(wanted[a] for a in pool.username_attributes)}.")
        return Plan(sub, sub, {kind: username})
    if kind is not None and kind in pool.alias_attributes:
        form = "email" if kind == "email" else "phone number"
        raise InvalidParameter(f"Username cannot be of {form} format, since user pool is configured for {form} alias.")
    return Plan(sub, username, {})


def create(
    pool: Pool, planned: Plan, status: Status, attributes: Mapping[str, str], *, force_alias: bool = False
) -> User:
    """A new user as planned. Raises UsernameExists, AliasExists."""
    unit.write()
    now = clock.now()
    attributes = {**planned.implied, **attributes}
    user = User(pool.id, planned.sub, planned.username, status, True, attributes, now, now, None, {})
    external = status == Status.EXTERNAL_PROVIDER
    key = external_key(user.username) if external else pool.canonical(user.username)[:_LONGEST_NAME]
    try:
        with unit.current().connection.begin_nested():
            unit.execute(insert(UserName).values(pool_id=pool.id, key=key, kind="username", sub=user.sub))
    except IntegrityError:
        raise UsernameExists() from None
    unit.execute(insert(UserRow).values(**_columns(pool, user)))
    claim_names(pool, user, force=force_alias, fresh=True)
    return user


def _columns(pool: Pool, user: User) -> dict[str, Any]:
    searched = {
        column: (pool.canonical(value)[:SEARCHED] if (value := user.attributes.get(column)) else None)
        for column in SEARCH_COLUMNS
    }
    return {
        "pool_id": user.pool_id,
        "sub": user.sub,
        "username": user.username,
        "username_key": pool.canonical(user.username)[:SEARCHED],
        "status": str(user.status),
        "enabled": user.enabled,
        "attributes": dict(user.attributes),
        "mfa": dict(user.mfa or {}),
        "created_at": user.created_at,
        "modified_at": user.modified_at,
        "signed_out_at": user.signed_out_at,
        "confirmed_by_code_at": user.confirmed_by_code_at,
        **searched,
    }


def save(pool: Pool, user: User, *, force_alias: bool = False) -> User:
    """Store a changed user and keep their names in step. Raises AliasExists, UsernameExists, UserNotFound."""
    unit.write()
    user = replace(user, modified_at=clock.now())
    values = _columns(pool, user)
    stored = unit.execute(
        update(UserRow).where(UserRow.pool_id == user.pool_id, UserRow.sub == user.sub).values(**values)
    )
    if stored.rowcount != 1:
        raise UserNotFound()
    claim_names(pool, user, force=force_alias)
    return user


def locked(pool: Pool, user: User) -> User:
    """The same user as stored now, held against other writers until the unit ends. Raises UserNotFound."""
    unit.write()
    row = unit.execute(
        select(*COLUMNS).where(UserRow.pool_id == pool.id, UserRow.sub == user.sub).with_for_update()
    ).first()
    if row is None:
        raise UserNotFound()
    return of_row(row)


def change(pool: Pool, user: User, *, force_alias: bool = False, **changes: Any) -> User:
    """``user`` as stored now, with ``changes`` of its fields made. Raises as :func:`save`."""
    return save(pool, replace(locked(pool, user), **changes), force_alias=force_alias)


def change_attributes(
    pool: Pool, user: User, values: Mapping[str, str], *, remove: Iterable[str] = (), force_alias: bool = False
) -> User:
    """``user`` as stored now, with attributes set and removed. Raises as :func:`save`."""
    stored = locked(pool, user)
    attributes = {k: v for k, v in {**stored.attributes, **values}.items() if k not in set(remove)}
    return save(pool, replace(stored, attributes=attributes), force_alias=force_alias)


def delete_user(pool_id: str, sub: str) -> None:
    """Remove a user and every row that is theirs: any table with both ``pool_id`` and ``sub``."""
    unit.write()
    for table in reversed(Base.metadata.sorted_tables):
        if {"pool_id", "sub"} <= set(table.columns.keys()) and not table.info.get("outlives_user"):
            unit.execute(delete(table).where(table.c.pool_id == pool_id, table.c.sub == sub))


def sign_out(pool_id: str, sub: str, at: datetime | None = None) -> None:
    """Let every token issued to the user before this moment be dead."""
    unit.write()
    unit.execute(
        update(UserRow).where(UserRow.pool_id == pool_id, UserRow.sub == sub).values(signed_out_at=at or clock.now())
    )


def _wanted_names(pool: Pool, user: User) -> dict[str, str]:
    """The names beside the username that ``user`` may have: key -> attribute."""
    wanted = {}
    # The address of somebody who came through a provider is no name of theirs: it stays free for a local user.
    for attribute in pool.username_attributes if user.username == user.sub else ():
        if value := user.get(attribute):
            wanted[pool.canonical(value)] = attribute
    if user.status != Status.UNCONFIRMED:  # an alias becomes active only when it is proven and the user confirmed
        for attribute in pool.alias_attributes:
            value = user.get(attribute)
            if value and (attribute == "preferred_username" or user.verified(attribute)):
                wanted[pool.canonical(value)] = attribute
    return wanted


def claim_names(pool: Pool, user: User, *, force: bool = False, fresh: bool = False) -> None:
    """Make the user's aliases what their attributes say. ``force`` takes an alias from its former owner.

    Raises AliasExists (UsernameExists for a new user whose address is their name).
    """
    if not (pool.username_attributes or pool.alias_attributes):
        return
    wanted = {key[:_LONGEST_NAME]: kind for key, kind in _wanted_names(pool, user).items()}
    mine = (UserName.pool_id == pool.id, UserName.sub == user.sub, UserName.kind != "username")
    held = {} if fresh else {r.key: r.kind for r in unit.execute(select(UserName.key, UserName.kind).where(*mine))}
    for key in held.keys() - wanted.keys():
        unit.execute(delete(UserName).where(*mine, UserName.key == key))
    for key in wanted.keys() - held.keys():
        _claim(pool, user, key, wanted[key], force=force, fresh=fresh)


def clashes(pool: Pool, user: User) -> frozenset[str]:
    """The attributes of ``user``, as they would be saved, whose alias is somebody else's: one statement, seldom two."""
    if not (pool.username_attributes or pool.alias_attributes):
        return frozenset()
    wanted = {key[:_LONGEST_NAME]: kind for key, kind in _wanted_names(pool, user).items()}
    if not wanted:
        return frozenset()
    others = (UserName.pool_id == pool.id, UserName.sub != user.sub, UserName.key.in_(list(wanted)))
    taken = {*unit.execute(select(UserName.key).where(*others)).scalars()}
    return frozenset(kind for key, kind in wanted.items() if key in taken or _is_anothers_sub(pool, user, key))


def _is_anothers_sub(pool: Pool, user: User, key: str) -> bool:
    """Whether an alias would stand where somebody else is looked for: administrators name people by their sub, too."""
    sub = key.lower()
    return sub != user.sub and _SUB_LIKE.fullmatch(sub) is not None and by_sub(pool.id, sub) is not None


def _claim(pool: Pool, user: User, key: str, kind: str, *, force: bool, fresh: bool) -> None:
    label = {"phone_number": "phone_number", "preferred_username": "preferred_username"}.get(kind, "email")
    exists = AliasExists(f"An account with the given {label} already exists.")
    if _is_anothers_sub(pool, user, key):
        raise exists
    new = insert(UserName).values(pool_id=pool.id, key=key, kind=kind, sub=user.sub)
    try:
        with unit.current().connection.begin_nested():
            unit.execute(new)
        return
    except IntegrityError:
        owner = unit.execute(
            select(UserName.sub, UserName.kind).where(UserName.pool_id == pool.id, UserName.key == key)
        ).first()
    if owner is not None and owner.sub == user.sub:
        return
    if owner is None or not force or owner.kind == "username" or kind in pool.username_attributes:
        if fresh and kind in pool.username_attributes:
            raise UsernameExists("User already exists")
        raise exists
    _unverify(pool, owner.sub, kind)
    unit.execute(delete(UserName).where(UserName.pool_id == pool.id, UserName.key == key))
    unit.execute(new)


def _unverify(pool: Pool, sub: str, attribute: str) -> None:
    """The former owner of a moved alias keeps the address, as one that is not proven."""
    former = by_sub(pool.id, sub)
    if former is not None:
        attributes = {**former.attributes}
        if attribute == "preferred_username":
            attributes.pop(attribute, None)
        else:
            attributes[attribute + "_verified"] = "false"
        values = _columns(pool, replace(former, attributes=attributes))
        unit.execute(update(UserRow).where(UserRow.pool_id == pool.id, UserRow.sub == sub).values(**values))
