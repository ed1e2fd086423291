"""IAM users and their permissions: create, delete, attach a managed policy, put an inline one."""

from __future__ import annotations

import re
import secrets
from typing import Any

from sqlalchemy import delete as delete_from
from sqlalchemy import insert, select, update

from poolhouse import policy
from poolhouse.access.models import AccessKey, IamUser, UserAttachment, UserPolicy
from poolhouse.core import cache, clock, runtime, unit
from poolhouse.core.errors import InvalidParameter, LimitExceeded, ResourceNotFound, UsernameExists
from poolhouse.policy import Policy, PolicyError, builtin

# The first administrator stands in the settings, not in the table: nobody else may take the name.
FIRST_ADMINISTRATOR = "administrator"

_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_POLICY_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_POLICIES_AT_MOST = 20


def create(name: str) -> IamUser:
    """A new user who may do nothing yet. Raises InvalidParameter or UsernameExists."""
    if not _NAME.fullmatch(name):
        raise InvalidParameter("A user name has 1 to 64 letters, digits and characters of +=,.@-_")
    unit.write()
    taken = select(IamUser.name).where(IamUser.folded_name == name.lower())
    if name.lower() == FIRST_ADMINISTRATOR or unit.execute(taken).first() is not None:
        raise UsernameExists(f"User with name {name} already exists.")
    user = IamUser(name=name, folded_name=name.lower(), user_id=identifier("AIDA"), path="/", created_at=clock.now())
    columns = {column.key: getattr(user, column.key) for column in IamUser.__table__.columns}
    unit.execute(insert(IamUser).values(**columns))
    return user


def delete(name: str) -> None:
    """Remove a user with all keys and policies. Raises ResourceNotFound."""
    unit.write()
    for table in (AccessKey, UserPolicy, UserAttachment):
        unit.execute(delete_from(table).where(table.user_name == name))
    if not unit.execute(delete_from(IamUser).where(IamUser.name == name)).rowcount:
        raise _unknown(name)
    cache.changed()


def attach(name: str, policy_arn: str) -> None:
    """Give a user the permissions of a managed policy. Raises ResourceNotFound."""
    if policy_arn not in builtin.MANAGED:
        known = ", ".join(builtin.MANAGED)
        raise ResourceNotFound(f"Policy {policy_arn} does not exist or is not attachable. Those that are: {known}")
    unit.write()
    require(name)
    held = select(UserAttachment.policy_arn).where(UserAttachment.user_name == name)
    arns = {row.policy_arn for row in unit.execute(held)}
    if policy_arn not in arns:
        unit.execute(insert(UserAttachment).values(user_name=name, policy_arn=policy_arn))
    cache.changed()


def detach(name: str, policy_arn: str) -> None:
    """Take a managed policy from a user. Raises ResourceNotFound."""
    unit.write()
    mine = (UserAttachment.user_name == name, UserAttachment.policy_arn == policy_arn)
    if not unit.execute(delete_from(UserAttachment).where(*mine)).rowcount:
        raise ResourceNotFound(f"Policy {policy_arn} is not attached to user {name}.")
    cache.changed()


def put_policy(name: str, policy_name: str, document: dict[str, Any]) -> None:
    """Set an inline policy. Raises InvalidParameter for a document that is no policy, ResourceNotFound."""
    if not _POLICY_NAME.fullmatch(policy_name):
        raise InvalidParameter("A policy name has 1 to 128 letters, digits and characters of +=,.@-_")
    _compiled(policy_name, document)
    unit.write()
    require(name)
    mine = (UserPolicy.user_name == name, UserPolicy.name == policy_name)
    if not unit.execute(update(UserPolicy).where(*mine).values(document=document)).rowcount:
        if len(unit.execute(select(UserPolicy.name).where(UserPolicy.user_name == name)).all()) >= _POLICIES_AT_MOST:
            raise LimitExceeded(f"A user has at most {_POLICIES_AT_MOST} inline policies.")
        unit.execute(insert(UserPolicy).values(user_name=name, name=policy_name, document=document))
    cache.changed()


def delete_policy(name: str, policy_name: str) -> None:
    """Remove an inline policy. Raises ResourceNotFound."""
    unit.write()
    mine = (UserPolicy.user_name == name, UserPolicy.name == policy_name)
    if not unit.execute(delete_from(UserPolicy).where(*mine)).rowcount:
        raise ResourceNotFound(f"User {name} has no policy {policy_name}.")
    cache.changed()


def policies(name: str) -> tuple[Policy, ...]:
    """Every policy that speaks for a user, compiled: managed ones first, then inline ones. Raises PolicyError."""
    attached = unit.execute(select(UserAttachment.policy_arn).where(UserAttachment.user_name == name))
    found = [builtin.compiled(row.policy_arn) for row in attached if row.policy_arn in builtin.MANAGED]
    inline = select(UserPolicy.name, UserPolicy.document).where(UserPolicy.user_name == name)
    found += [policy.parse(row.document, name=row.name, kind="identity") for row in unit.execute(inline)]
    return tuple(found)


def require(name: str) -> str:
    """The id of a user that exists. Raises ResourceNotFound."""
    row = unit.execute(select(IamUser.user_id).where(IamUser.name == name)).first()
    if row is None:
        raise _unknown(name)
    return str(row.user_id)


def arn(name: str) -> str:
    """The ARN of a user."""
    return f"arn:aws:iam::{runtime.current().settings.account_id}:user/{name}"


def identifier(prefix: str) -> str:
    """A new unique id as IAM makes them: AIDA… for users, AKIA… for access keys; 80 random bits."""
    return prefix + "".join(secrets.choice(_ID_ALPHABET) for _ in range(16))


def _compiled(name: str, document: dict[str, Any]) -> Policy:
    try:
        return policy.parse(document, name=name, kind="identity")
    except PolicyError as error:
        raise InvalidParameter(f"Policy {name}: {error}") from error


def _unknown(name: str) -> ResourceNotFound:
    return ResourceNotFound(f"The user with name {name} cannot be found.")
