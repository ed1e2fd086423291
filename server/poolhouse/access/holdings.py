"""What a user or a role holds: inline policies, managed policies attached to it, and a permissions boundary.

Users and roles differ in their tables and quotas, and in nothing else here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete as delete_from
from sqlalchemy import insert, select, update

from poolhouse.access import documents, events, managed, names
from poolhouse.access.models import (
    IamRole,
    IamUser,
    RoleAttachment,
    RolePolicy,
    UserAttachment,
    UserPolicy,
)
from poolhouse.core import cache, unit
from poolhouse.core.errors import InvalidInput, LimitExceeded, NoSuchEntity
from poolhouse.policy import Policy

_ATTACHED_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of holder: its tables, the column that names it there, and how much of inline policies it may have."""

    noun: str
    holder: Any
    inline: Any
    attached: Any
    column: str
    inline_at_most: int

    def mine(self, table: Any, name: str) -> Any:
        """The condition that a row of `table` is the holder's."""
        return getattr(table, self.column) == name

    def require(self, name: str) -> None:
        """Return if there is a holder of that name. Raises NoSuchEntity."""
        if unit.execute(select(self.holder.name).where(self.holder.name == name)).first() is None:
            raise self.unknown(name)

    def note(self, name: str, what: str) -> None:
        """Say that what a holder may do has changed: to caches and to the audit log."""
        cache.changed()
        events.changed(f"{self.noun}/{name}", what)

    def unknown(self, name: str) -> NoSuchEntity:
        """What is said of one that does not exist."""
        return NoSuchEntity(f"The {self.noun} with name {name} cannot be found.")


USER = Kind("user", IamUser, UserPolicy, UserAttachment, "user_name", 2048)
ROLE = Kind("role", IamRole, RolePolicy, RoleAttachment, "role_name", 10240)


# --- inline -------------------------------------------------------------------------------------------------------


def put_inline(kind: Kind, name: str, policy_name: str, document: str | Mapping[str, Any]) -> None:
    """Set an inline policy. Raises MalformedPolicyDocument, InvalidInput, NoSuchEntity or LimitExceeded."""
    if not names.POLICY_NAME.fullmatch(policy_name):
        raise InvalidInput("A policy name has 1 to 128 letters, digits and characters of +=,.@-_")
    text = documents.accept(document, name=policy_name, kind="identity")
    unit.write()
    kind.require(name)
    others = {row.name: row.document for row in inline(kind, name)} | {policy_name: text}
    if sum(documents.weight(each) for each in others.values()) > kind.inline_at_most:
        raise LimitExceeded(f"Maximum policy size of {kind.inline_at_most} bytes exceeded for {kind.noun} {name}")
    which = (kind.mine(kind.inline, name), kind.inline.name == policy_name)
    if not unit.execute(update(kind.inline).where(*which).values(document=text)).rowcount:
        unit.execute(insert(kind.inline).values({kind.column: name, "name": policy_name, "document": text}))
    kind.note(name, f"policy {policy_name} put")


def inline(kind: Kind, name: str) -> list[Any]:
    """The inline policies of a holder, by name: rows with ``name`` and ``document``."""
    found = select(kind.inline.name, kind.inline.document).where(kind.mine(kind.inline, name))
    return list(unit.execute(found.order_by(kind.inline.name)).all())


def get_inline(kind: Kind, name: str, policy_name: str) -> str:
    """The text of an inline policy. Raises NoSuchEntity."""
    kind.require(name)
    which = (kind.mine(kind.inline, name), kind.inline.name == policy_name)
    row = unit.execute(select(kind.inline.document).where(*which)).first()
    if row is None:
        raise NoSuchEntity(f"The {kind.noun} policy with name {policy_name} cannot be found.")
    return str(row.document)


def delete_inline(kind: Kind, name: str, policy_name: str) -> None:
    """Remove an inline policy. Raises NoSuchEntity."""
    unit.write()
    kind.require(name)
    which = (kind.mine(kind.inline, name), kind.inline.name == policy_name)
    if not unit.execute(delete_from(kind.inline).where(*which)).rowcount:
        raise NoSuchEntity(f"The {kind.noun} policy with name {policy_name} cannot be found.")
    kind.note(name, f"policy {policy_name} deleted")


# --- attached -----------------------------------------------------------------------------------------------------


def attach(kind: Kind, name: str, policy_arn: str) -> None:
    """Give a holder the permissions of a managed policy; twice is once. Raises NoSuchEntity or LimitExceeded."""
    unit.write()
    kind.require(name)
    if not managed.exists(policy_arn):
        raise managed.unknown(policy_arn)
    held = attached(kind, name)
    if policy_arn in held:
        return
    if len(held) >= _ATTACHED_AT_MOST:
        raise LimitExceeded(f"Cannot exceed quota for PoliciesPer{kind.noun.capitalize()}: {_ATTACHED_AT_MOST}")
    unit.execute(insert(kind.attached).values({kind.column: name, "policy_arn": policy_arn}))
    kind.note(name, f"{policy_arn} attached")


def attached(kind: Kind, name: str) -> list[str]:
    """The ARNs of the managed policies that a holder has."""
    found = select(kind.attached.policy_arn).where(kind.mine(kind.attached, name))
    return [row.policy_arn for row in unit.execute(found.order_by(kind.attached.policy_arn))]


def detach(kind: Kind, name: str, policy_arn: str) -> None:
    """Take a managed policy away. Raises NoSuchEntity."""
    unit.write()
    kind.require(name)
    which = (kind.mine(kind.attached, name), kind.attached.policy_arn == policy_arn)
    if not unit.execute(delete_from(kind.attached).where(*which)).rowcount:
        raise NoSuchEntity(f"Policy {policy_arn} was not found.")
    kind.note(name, f"{policy_arn} detached")


# --- boundary, and all together -----------------------------------------------------------------------------------


def set_boundary(kind: Kind, name: str, policy_arn: str) -> None:
    """Bound what a holder's policies can grant by a managed policy; "" for no bounds. Raises NoSuchEntity."""
    unit.write()
    kind.require(name)
    if policy_arn and not managed.exists(policy_arn):
        raise managed.unknown(policy_arn)
    unit.execute(update(kind.holder).where(kind.holder.name == name).values(boundary_arn=policy_arn))
    kind.note(name, f"boundary {policy_arn or 'removed'}")


def compiled(kind: Kind, name: str) -> tuple[Policy, ...]:
    """Every policy that speaks for a holder: managed ones first, then inline ones. Raises PolicyError."""
    found = [managed.compiled(arn) for arn in attached(kind, name)]
    found += [documents.stored(row.document, name=row.name, kind="identity") for row in inline(kind, name)]
    return tuple(found)


def holders(policy_arn: str) -> dict[str, list[Any]]:
    """Who has a managed policy attached: rows with ``name`` and ``id`` under "user" and "role"."""
    found: dict[str, list[Any]] = {}
    for kind, column in ((USER, IamUser.user_id), (ROLE, IamRole.role_id)):
        rows = select(kind.holder.name, column.label("id"))
        rows = rows.join(kind.attached, getattr(kind.attached, kind.column) == kind.holder.name)
        rows = rows.where(kind.attached.policy_arn == policy_arn).order_by(kind.holder.name)
        found[kind.noun] = list(unit.execute(rows).all())
    return found
