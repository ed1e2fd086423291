"""Managed policies: those that come with the server, and the account's own with up to five versions each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy import delete as delete_from

from poolhouse.access import documents, events, names
from poolhouse.access.models import (
    IamRole,
    IamUser,
    ManagedPolicyRow,
    PolicyVersion,
    RoleAttachment,
    UserAttachment,
)
from poolhouse.core import cache, clock, runtime, unit
from poolhouse.core.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    InvalidInput,
    LimitExceeded,
    NoSuchEntity,
)
from poolhouse.policy import Policy, builtin

_LONGEST = 6144
_VERSIONS_AT_MOST = 5


def create(
    name: str,
    document: str,
    *,
    path: str | None = None,
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> Row[Any]:
    """A new policy, whose document is its first version.

    Raises MalformedPolicyDocument, LimitExceeded, InvalidInput or EntityAlreadyExists.
    """
    text = documents.accept(document, name=name, kind="identity", at_most=_LONGEST, quota="PolicySize")
    where = names.path(path)
    now = clock.now()
    unit.write()
    if unit.execute(select(ManagedPolicyRow.name).where(ManagedPolicyRow.folded_name == name.lower())).first():
        raise EntityAlreadyExists(f"A policy called {name} already exists. Duplicate names are not allowed.")
    arn = names.arn("policy", where, name)
    values = {
        "arn": arn,
        "name": name,
        "folded_name": name.lower(),
        "policy_id": names.identifier("ANPA"),
        "path": where,
        "description": description,
        "default_version": 1,
        "last_version": 1,
        "tags": dict(tags or {}),
        "created_at": now,
        "modified_at": now,
    }
    unit.execute(insert(ManagedPolicyRow).values(**values))
    _add_version(arn, 1, text, now)
    _note(arn, "created")
    return require(arn)


def require(arn: str) -> Row[Any]:
    """The row of one of the account's own policies. Raises NoSuchEntity."""
    row = unit.execute(select(ManagedPolicyRow.__table__).where(ManagedPolicyRow.arn == arn)).first()
    if row is None:
        raise unknown(arn)
    return row


def exists(arn: str) -> bool:
    """Whether a policy of that ARN can be attached."""
    if arn in builtin.MANAGED:
        return True
    return unit.execute(select(ManagedPolicyRow.name).where(ManagedPolicyRow.arn == arn)).first() is not None


def compiled(arn: str) -> Policy:
    """The version in force, ready to decide with, from memory while nothing changes.

    Raises NoSuchEntity, or PolicyError for a document that an older version of the server accepted.
    """
    if arn in builtin.MANAGED:
        return builtin.compiled(arn)
    return runtime.current().cache.get(("managed policy", arn), lambda: _load(arn))


def delete(arn: str) -> None:
    """Remove a policy that nobody has and that has no further versions. Raises NoSuchEntity, DeleteConflict."""
    _own(arn)
    unit.write()
    require(arn)
    if any(attachments(arn).values()):
        raise DeleteConflict("Cannot delete a policy attached to entities.")
    if len(versions(arn)) > 1:
        raise DeleteConflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy."
        )
    unit.execute(delete_from(PolicyVersion).where(PolicyVersion.policy_arn == arn))
    unit.execute(delete_from(ManagedPolicyRow).where(ManagedPolicyRow.arn == arn))
    _note(arn, "deleted")


def attachments(arn: str) -> dict[str, int]:
    """How many users and roles have a policy, or are bounded by it: {"attached": …, "boundary": …}."""
    attached = bounded = 0
    for table, holder in ((UserAttachment, IamUser), (RoleAttachment, IamRole)):
        attached += _count(select(func.count()).select_from(table).where(table.policy_arn == arn))
        bounded += _count(select(func.count()).select_from(holder).where(holder.boundary_arn == arn))
    return {"attached": attached, "boundary": bounded}


# --- versions -----------------------------------------------------------------------------------------------------


def add_version(arn: str, document: str, *, default: bool) -> Row[Any]:
    """A new version, in force at once if `default`. Raises MalformedPolicyDocument, LimitExceeded, NoSuchEntity."""
    _own(arn)
    name = arn.rpartition("/")[2]
    text = documents.accept(document, name=name, kind="identity", at_most=_LONGEST, quota="PolicySize")
    now = clock.now()
    unit.write()
    row = require(arn)
    if len(versions(arn)) >= _VERSIONS_AT_MOST:
        raise LimitExceeded(
            f"A managed policy can have up to {_VERSIONS_AT_MOST} versions. Before you create a new version, you must "
            "delete an existing version."
        )
    number = row.last_version + 1
    values: dict[str, Any] = {"last_version": number, "modified_at": now}
    if default:
        values["default_version"] = number
    unit.execute(update(ManagedPolicyRow).where(ManagedPolicyRow.arn == arn).values(**values))
    _add_version(arn, number, text, now)
    _note(arn, f"version {number} created" + (", in force" if default else ""))
    return version(arn, f"v{number}")


def versions(arn: str) -> list[Row[Any]]:
    """All versions of a policy, newest first."""
    found = select(PolicyVersion.__table__).where(PolicyVersion.policy_arn == arn)
    return list(unit.execute(found.order_by(PolicyVersion.version.desc())).all())


def version(arn: str, version_id: str) -> Row[Any]:
    """One version by its id ("v2"). Raises NoSuchEntity."""
    number = _number(version_id)
    which = (PolicyVersion.policy_arn == arn, PolicyVersion.version == number)
    row = unit.execute(select(PolicyVersion.__table__).where(*which)).first() if number else None
    if row is None:
        raise NoSuchEntity(f"Policy {arn} version {version_id} does not exist or is not attachable.")
    return row


def set_default(arn: str, version_id: str) -> None:
    """Put a version into force. Raises NoSuchEntity."""
    _own(arn)
    unit.write()
    require(arn)
    chosen = version(arn, version_id)
    values = {"default_version": chosen.version, "modified_at": clock.now()}
    unit.execute(update(ManagedPolicyRow).where(ManagedPolicyRow.arn == arn).values(**values))
    _note(arn, f"version {chosen.version} in force")


def delete_version(arn: str, version_id: str) -> None:
    """Remove a version that is not in force. Raises NoSuchEntity, DeleteConflict."""
    _own(arn)
    unit.write()
    row = require(arn)
    chosen = version(arn, version_id)
    if chosen.version == row.default_version:
        raise DeleteConflict("Cannot delete the default version of a policy.")
    which = (PolicyVersion.policy_arn == arn, PolicyVersion.version == chosen.version)
    unit.execute(delete_from(PolicyVersion).where(*which))
    _note(arn, f"version {chosen.version} deleted")


def unknown(arn: str) -> NoSuchEntity:
    """What is said of a policy that does not exist."""
    known = ", ".join(builtin.MANAGED)
    return NoSuchEntity(f"Policy {arn} does not exist or is not attachable.", hint=f"those that come along: {known}")


def _note(arn: str, what: str) -> None:
    cache.changed()
    events.changed("policy" + arn.partition(":policy")[2], what)


def _own(arn: str) -> None:
    if not arn.startswith("arn:aws:iam::"):
        raise InvalidInput(f"ARN {arn} is not valid.")
    if arn in builtin.MANAGED:
        raise InvalidInput(f"Policy {arn} comes with the server and cannot be changed.")


def _add_version(arn: str, number: int, text: str, now: datetime) -> None:
    unit.execute(insert(PolicyVersion).values(policy_arn=arn, version=number, document=text, created_at=now))


def _load(arn: str) -> Policy:
    columns = select(PolicyVersion.document, ManagedPolicyRow.name)
    joined = columns.join(ManagedPolicyRow, ManagedPolicyRow.arn == PolicyVersion.policy_arn)
    row = unit.execute(
        joined.where(ManagedPolicyRow.arn == arn, PolicyVersion.version == ManagedPolicyRow.default_version)
    ).first()
    if row is None:
        raise unknown(arn)
    return documents.stored(row.document, name=row.name, kind="identity")


def _count(statement: Any) -> int:
    return int(unit.execute(statement).scalar_one())


def _number(version_id: str) -> int:
    digits = version_id[1:].partition(".")[0]
    return int(digits) if version_id[:1] == "v" and digits.isascii() and digits.isdigit() and len(digits) < 9 else 0
