"""Roles: look one up ready to decide with, make, change and remove them, and end all of a role's sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import Row, insert, select, update
from sqlalchemy import delete as delete_from

from poolhouse.access import documents, holdings, managed, names, principals
from poolhouse.access.models import IamRole
from poolhouse.core import clock, runtime, unit
from poolhouse.core.errors import (
    AccessDenied,
    DeleteConflict,
    EntityAlreadyExists,
    InvalidInput,
    NoSuchEntity,
    PoolhouseError,
)
from poolhouse.policy import Policy, PolicyError

CredentialsKind = Literal["built_in", "sts"]
_TRUST_AT_MOST = 4096
_TAGS_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class Role:
    """A role as requests need it; `trust`, `policies` and `boundary` are compiled.

    `credentials_kind` says who makes its credentials: this server ("built_in"), or the STS that `endpoint` describes:
    {"endpoint": URL, "role_arn": the role's ARN there}.
    """

    name: str
    arn: str
    role_id: str
    trust: Policy
    policies: tuple[Policy, ...]
    boundary: Policy | None
    max_session_seconds: int
    credentials_kind: CredentialsKind
    endpoint: Mapping[str, Any] = field(repr=False)
    sessions_revoked_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def get(arn_or_name: str) -> Role:
    """The role, from memory while nothing changes. Raises NoSuchEntity, or AccessDenied for one with a broken policy.

    An ARN must be the role's own to the letter: another account's, or another path, is another role.
    """
    found: Role = runtime.current().cache.get(("role", arn_or_name), lambda: _load(arn_or_name))
    return found


def find(arn_or_name: str) -> Role | None:
    """The role, or None."""
    try:
        return get(arn_or_name)
    except NoSuchEntity:
        return None


def require(name: str) -> Row[Any]:
    """A role's row, whatever its documents say. Raises NoSuchEntity."""
    row = unit.execute(select(IamRole.__table__).where(IamRole.name == name)).first()
    if row is None:
        raise holdings.ROLE.unknown(name)
    return row


def create(
    name: str,
    trust: str | Mapping[str, Any],
    *,
    path: str | None = None,
    description: str = "",
    max_session_seconds: int = 3600,
    boundary_arn: str = "",
    tags: Mapping[str, str] | None = None,
) -> Row[Any]:
    """A new role. Raises MalformedPolicyDocument, LimitExceeded, InvalidInput or EntityAlreadyExists."""
    if not names.NAME.fullmatch(name):
        raise InvalidInput("A role name has 1 to 64 letters, digits and characters of +=,.@-_")
    text = _trust(trust)
    where = names.path(path)
    unit.write()
    if boundary_arn and not managed.exists(boundary_arn):
        raise InvalidInput(f"Scope ARN: {boundary_arn} does not exist or is not attachable.")
    if unit.execute(select(IamRole.name).where(IamRole.folded_name == name.lower())).first() is not None:
        raise EntityAlreadyExists(f"Role with name {name} already exists.")
    values = {
        "name": name,
        "folded_name": name.lower(),
        "role_id": names.identifier("AROA"),
        "path": where,
        "description": description,
        "trust": text,
        "max_session_seconds": max_session_seconds,
        "boundary_arn": boundary_arn,
        "credentials": {"kind": "built_in"},
        "tags": merged_tags({}, tags or {}),
        "created_at": clock.now(),
    }
    unit.execute(insert(IamRole).values(**values))
    holdings.ROLE.note(name, "created")
    return require(name)


def update_role(name: str, **values: Any) -> None:
    """Change `description` or `max_session_seconds`. Raises NoSuchEntity."""
    _set(name, **values)


def set_trust(name: str, trust: str | Mapping[str, Any]) -> None:
    """Replace the trust policy. Raises MalformedPolicyDocument, LimitExceeded, NoSuchEntity."""
    _set(name, trust=_trust(trust))


def set_tags(name: str, tags: Mapping[str, str]) -> None:
    """Replace the tags. Raises NoSuchEntity."""
    _set(name, tags=dict(tags))


def set_credentials(name: str, kind: CredentialsKind, endpoint: Mapping[str, str] | None = None) -> None:
    """Say who makes a role's credentials: "built_in", or "sts" with {"endpoint": URL, "role_arn": …}.

    Raises InvalidInput, NoSuchEntity.
    """
    given = dict(endpoint or {})
    if kind == "sts":
        url = given.get("endpoint", "")
        if not url.startswith(("https://", "http://")) or len(url) > 1024:
            raise InvalidInput("The endpoint of an STS is an http or https URL.")
        if not given.get("role_arn", "").startswith("arn:"):
            raise InvalidInput("An STS needs the ARN of the role to assume there.")
    _set(name, credentials={"kind": kind, **given})


def revoke_sessions(name: str) -> None:
    """End every session that the role has had until now. Raises NoSuchEntity."""
    _set(name, sessions_revoked_at=clock.now())


def delete(name: str) -> None:
    """Remove a role that holds no policies any more, as IAM demands. Raises NoSuchEntity, DeleteConflict."""
    unit.write()
    require(name)
    if holdings.inline(holdings.ROLE, name):
        raise DeleteConflict("Cannot delete entity, must delete policies first.")
    if holdings.attached(holdings.ROLE, name):
        raise DeleteConflict("Cannot delete entity, must detach all policies first.")
    unit.execute(delete_from(IamRole).where(IamRole.name == name))
    holdings.ROLE.note(name, "deleted")


def merged_tags(held: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Tags with new ones laid over them. Raises InvalidInput beyond fifty."""
    merged = {**held, **given}
    if len(merged) > _TAGS_AT_MOST:
        raise InvalidInput(f"Number of tags should not exceed {_TAGS_AT_MOST}.")
    return merged


def _trust(trust: str | Mapping[str, Any]) -> str:
    text = documents.accept(trust, name="trust", kind="trust", at_most=_TRUST_AT_MOST, quota="ACLSizePerRole")
    return principals.pinned(text)


def _set(name: str, **values: Any) -> None:
    unit.write()
    if not unit.execute(update(IamRole).where(IamRole.name == name).values(**values)).rowcount:
        raise holdings.ROLE.unknown(name)
    holdings.ROLE.note(name, f"{', '.join(sorted(values))} set")


def _load(arn_or_name: str) -> Role:
    name = arn_or_name.rpartition("/")[2]
    row = unit.execute(select(IamRole.__table__).where(IamRole.name == name)).first()
    if row is None or (name != arn_or_name and names.arn("role", row.path, row.name) != arn_or_name):
        raise NoSuchEntity(f"The role with name {arn_or_name} cannot be found.")
    try:
        return _compiled(row)
    except (PolicyError, PoolhouseError) as broken:
        # A stored document that no longer reads may have held a Deny: without it nothing can be decided safely.
        raise AccessDenied(hint=f"role {name}: {broken}") from broken


def _compiled(row: Row[Any]) -> Role:
    settings = dict(row.credentials)
    return Role(
        name=row.name,
        arn=names.arn("role", row.path, row.name),
        role_id=row.role_id,
        trust=documents.stored(row.trust, name=f"trust of {row.name}", kind="trust"),
        policies=holdings.compiled(holdings.ROLE, row.name),
        boundary=managed.compiled(row.boundary_arn) if row.boundary_arn else None,
        max_session_seconds=row.max_session_seconds,
        credentials_kind=cast(CredentialsKind, settings.pop("kind", "built_in")),
        endpoint=settings,
        sessions_revoked_at=row.sessions_revoked_at,
        tags=row.tags,
    )
