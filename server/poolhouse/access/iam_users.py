"""IAM users: create, look up, delete; what they may do is what they hold (`holdings`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy import delete as delete_from

from poolhouse.access import holdings, managed, names
from poolhouse.access.models import AccessKey, IamUser, UserAttachment, UserPolicy
from poolhouse.core import clock, unit
from poolhouse.core.errors import DeleteConflict, EntityAlreadyExists, InvalidInput
from poolhouse.policy import Policy

# The first administrator stands in the settings, not in the table: nobody else may take the name.
FIRST_ADMINISTRATOR = "administrator"
_TAGS_AT_MOST = 50


def create(
    name: str, *, path: str | None = None, boundary_arn: str = "", tags: Mapping[str, str] | None = None
) -> Row[Any]:
    """A new user who may do nothing yet. Raises InvalidInput, NoSuchEntity (the boundary) or EntityAlreadyExists."""
    if not names.NAME.fullmatch(name):
        raise InvalidInput("A user name has 1 to 64 letters, digits and characters of +=,.@-_")
    if len(tags or {}) > _TAGS_AT_MOST:
        raise InvalidInput(f"Number of tags should not exceed {_TAGS_AT_MOST}.")
    where = names.path(path)
    unit.write()
    if boundary_arn and not managed.exists(boundary_arn):
        raise managed.unknown(boundary_arn)
    taken = select(IamUser.name).where(IamUser.folded_name == name.lower())
    if name.lower() == FIRST_ADMINISTRATOR or unit.execute(taken).first() is not None:
        raise EntityAlreadyExists(f"User with name {name} already exists.")
    values = {
        "name": name,
        "folded_name": name.lower(),
        "user_id": names.identifier("AIDA"),
        "path": where,
        "boundary_arn": boundary_arn,
        "tags": dict(tags or {}),
        "created_at": clock.now(),
    }
    unit.execute(insert(IamUser).values(**values))
    holdings.USER.note(name, "created")
    return row(name)


def delete(name: str) -> None:
    """Remove a user with all keys and policies. Raises NoSuchEntity."""
    unit.write()
    for table in (AccessKey, UserPolicy, UserAttachment):
        unit.execute(delete_from(table).where(table.user_name == name))
    if not unit.execute(delete_from(IamUser).where(IamUser.name == name)).rowcount:
        raise holdings.USER.unknown(name)
    holdings.USER.note(name, "deleted")


def delete_bare(name: str) -> None:
    """Remove a user who holds nothing any more, as IAM demands. Raises NoSuchEntity, DeleteConflict."""
    unit.write()
    require(name)
    if unit.execute(select(AccessKey.id).where(AccessKey.user_name == name)).first() is not None:
        raise DeleteConflict("Cannot delete entity, must delete access keys first.")
    if holdings.inline(holdings.USER, name):
        raise DeleteConflict("Cannot delete entity, must delete policies first.")
    if holdings.attached(holdings.USER, name):
        raise DeleteConflict("Cannot delete entity, must detach all policies first.")
    delete(name)


def attach(name: str, policy_arn: str) -> None:
    """Give a user the permissions of a managed policy. Raises NoSuchEntity."""
    holdings.attach(holdings.USER, name, policy_arn)


def detach(name: str, policy_arn: str) -> None:
    """Take a managed policy from a user. Raises NoSuchEntity."""
    holdings.detach(holdings.USER, name, policy_arn)


def put_policy(name: str, policy_name: str, document: str | Mapping[str, Any]) -> None:
    """Set an inline policy. Raises MalformedPolicyDocument, InvalidInput, LimitExceeded, NoSuchEntity."""
    holdings.put_inline(holdings.USER, name, policy_name, document)


def delete_policy(name: str, policy_name: str) -> None:
    """Remove an inline policy. Raises NoSuchEntity."""
    holdings.delete_inline(holdings.USER, name, policy_name)


def permissions(name: str) -> tuple[tuple[Policy, ...], Policy | None]:
    """Every policy that speaks for a user, and their permissions boundary. Raises PolicyError."""
    found = unit.execute(select(IamUser.boundary_arn).where(IamUser.name == name)).first()
    bounded = found is not None and found.boundary_arn
    return holdings.compiled(holdings.USER, name), managed.compiled(found.boundary_arn) if found and bounded else None


def row(name: str) -> Row[Any]:
    """A user's row. Raises NoSuchEntity."""
    found = unit.execute(select(IamUser.__table__).where(IamUser.name == name)).first()
    if found is None:
        raise holdings.USER.unknown(name)
    return found


def require(name: str) -> str:
    """The id of a user that exists. Raises NoSuchEntity."""
    return str(row(name).user_id)
