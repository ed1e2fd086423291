"""Groups of a pool and who is in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from poolhouse.core import clock, paging, prepared, unit
from poolhouse.core.errors import GroupExists, ResourceNotFound
from poolhouse.core.events import emit
from poolhouse.user_pools.snapshots import Pool
from poolhouse.users import directory
from poolhouse.users.events import GroupChanged, GroupMembershipChanged
from poolhouse.users.models import GroupMember, GroupRow, UserRow
from poolhouse.users.snapshot import User

_LAST = 2**31 - 1
_COLUMNS = (
    GroupRow.name,
    GroupRow.description,
    GroupRow.role_arn,
    GroupRow.precedence,
    GroupRow.created_at,
    GroupRow.modified_at,
)
# Built once: every refresh asks it, and making the statement costs more than running it.
_OF = prepared.Read(
    select(*_COLUMNS)
    .join(GroupMember, (GroupMember.pool_id == GroupRow.pool_id) & (GroupMember.group_name == GroupRow.name))
    .where(GroupMember.pool_id == bindparam("pool"), GroupMember.sub == bindparam("sub"))
)


@dataclass(frozen=True, slots=True)
class Group:
    """A group; the lower its precedence, the more its role counts. None: no precedence, counts least."""

    name: str
    description: str | None
    role_arn: str | None
    precedence: int | None
    created_at: datetime
    modified_at: datetime


def _group(row: Any) -> Group:
    return Group(row.name, row.description, row.role_arn, row.precedence, row.created_at, row.modified_at)


def create(pool: Pool, name: str, description: str | None, role_arn: str | None, precedence: int | None) -> Group:
    """A new group. Raises GroupExists."""
    unit.write()
    now = clock.now()
    group = Group(name, description, role_arn, precedence, now, now)
    try:
        with unit.current().connection.begin_nested():
            unit.execute(
                insert(GroupRow).values(
                    pool_id=pool.id,
                    name=name,
                    description=description,
                    role_arn=role_arn,
                    precedence=precedence,
                    created_at=now,
                    modified_at=now,
                )
            )
    except IntegrityError:
        raise GroupExists() from None
    emit(GroupChanged(pool.id, name, "created"))
    return group


def get(pool: Pool, name: str) -> Group:
    """The group. Raises ResourceNotFound."""
    row = unit.execute(select(*_COLUMNS).where(GroupRow.pool_id == pool.id, GroupRow.name == name)).first()
    if row is None:
        raise ResourceNotFound("Group not found.")
    return _group(row)


def change(pool: Pool, name: str, **given: Any) -> Group:
    """The group with the members that were given replaced. Raises ResourceNotFound."""
    unit.write()
    values = {column: value for column, value in given.items() if value is not None}
    stored = unit.execute(
        update(GroupRow)
        .where(GroupRow.pool_id == pool.id, GroupRow.name == name)
        .values(modified_at=clock.now(), **values)
    )
    if stored.rowcount != 1:
        raise ResourceNotFound("Group not found.")
    emit(GroupChanged(pool.id, name, "updated"))
    return get(pool, name)


def remove(pool: Pool, name: str) -> None:
    """Delete the group and its memberships. Raises ResourceNotFound."""
    _hold(pool, name)
    members = (GroupMember.pool_id == pool.id, GroupMember.group_name == name)
    unit.execute(delete(GroupMember).where(*members))
    if unit.execute(delete(GroupRow).where(GroupRow.pool_id == pool.id, GroupRow.name == name)).rowcount != 1:
        raise ResourceNotFound("Group not found.")
    emit(GroupChanged(pool.id, name, "deleted"))


def page(pool: Pool, limit: int, token: str | None) -> tuple[list[Group], str | None]:
    """Groups by name, ``limit`` at a time, and the token of the next page."""
    kind = f"groups/{pool.id}"
    after = paging.decode(kind, token).get("name", "")
    rows = unit.execute(
        select(*_COLUMNS)
        .where(GroupRow.pool_id == pool.id, GroupRow.name > after)
        .order_by(GroupRow.name)
        .limit(limit + 1)
    ).all()
    following = paging.encode(kind, {"name": rows[limit - 1].name}) if len(rows) > limit else None
    return [_group(row) for row in rows[:limit]], following


def _hold(pool: Pool, name: str, *, shared: bool = False) -> None:
    """Keep the group as it is until the unit ends. Raises ResourceNotFound.

    Somebody added while the group is deleted would be in it again, unseen, when a group of that name is created anew.
    """
    unit.write()
    group = select(GroupRow.name).where(GroupRow.pool_id == pool.id, GroupRow.name == name)
    if unit.execute(group.with_for_update(read=shared)).first() is None:
        raise ResourceNotFound("Group not found.")


def add(pool: Pool, name: str, user: User) -> None:
    """Put ``user`` into the group; nothing happens if they are in it. Raises ResourceNotFound."""
    _hold(pool, name, shared=True)
    try:
        with unit.current().connection.begin_nested():
            unit.execute(
                insert(GroupMember).values(pool_id=pool.id, sub=user.sub, group_name=name, created_at=clock.now())
            )
    except IntegrityError:
        return
    emit(GroupMembershipChanged(pool.id, user.sub, name, "added"))


def take_out(pool: Pool, name: str, user: User) -> None:
    """Take ``user`` out of the group; nothing happens if they are not in it. Raises ResourceNotFound."""
    get(pool, name)
    unit.write()
    gone = unit.execute(
        delete(GroupMember).where(
            GroupMember.pool_id == pool.id, GroupMember.sub == user.sub, GroupMember.group_name == name
        )
    )
    if gone.rowcount:
        emit(GroupMembershipChanged(pool.id, user.sub, name, "removed"))


def of(pool_id: str, sub: str) -> tuple[Group, ...]:
    """The user's groups, the one that counts most first: one statement."""
    groups = [_group(row) for row in _OF.all({"pool": pool_id, "sub": sub})]
    return tuple(sorted(groups, key=lambda g: (_LAST if g.precedence is None else g.precedence, g.name)))


def of_page(pool: Pool, user: User, limit: int, token: str | None) -> tuple[list[Group], str | None]:
    """The user's groups by name, ``limit`` at a time."""
    kind = f"groups-of/{pool.id}/{user.sub}"
    after = paging.decode(kind, token).get("name", "")
    groups = sorted((g for g in of(pool.id, user.sub) if g.name > after), key=lambda g: g.name)
    following = paging.encode(kind, {"name": groups[limit - 1].name}) if len(groups) > limit else None
    return groups[:limit], following


def members_page(pool: Pool, name: str, limit: int, token: str | None) -> tuple[list[User], str | None]:
    """The group's users, ``limit`` at a time. Raises ResourceNotFound."""
    get(pool, name)
    kind = f"members/{pool.id}/{name}"
    after = paging.decode(kind, token).get("sub", "")
    rows = unit.execute(
        select(*directory.COLUMNS)
        .join(GroupMember, (GroupMember.pool_id == UserRow.pool_id) & (GroupMember.sub == UserRow.sub))
        .where(GroupMember.pool_id == pool.id, GroupMember.group_name == name, GroupMember.sub > after)
        .order_by(GroupMember.sub)
        .limit(limit + 1)
    ).all()
    following = paging.encode(kind, {"sub": rows[limit - 1].sub}) if len(rows) > limit else None
    return [directory.of_row(row) for row in rows[:limit]], following
