"""The three searches: who may do it, what it may be done to, what may be done. Every result is one that was decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import select

from poolhouse.core import unit
from poolhouse.core.errors import AccessDenied
from poolhouse.decisions import documents, subjects
from poolhouse.decisions.ask import Action, Asked, Entity, Question
from poolhouse.decisions.grants import Subject
from poolhouse.policy.values import keys_of
from poolhouse.policy.variables import WITH_VARIABLES, scan, written
from poolhouse.user_pools.snapshots import Pool
from poolhouse.users.groups import Group
from poolhouse.users.models import GroupMember, GroupRow, UserRow

SCANNED_AT_MOST = 500
_BATCH = 100
_WILD = frozenset("*?")


# --- Subjects -----------------------------------------------------------------------------------------------------


def users(pool: Pool, question: Question, after: str, limit: int) -> tuple[list[str], str]:
    """The `sub`s of users who may, in their order from `after` on, and where to go on, "" at the end.

    Only members of a group with a role may anything. A page holds fewer than `limit` where many had to be looked at.
    One more than `limit` is looked for: only then is it known that there is anything to go on to.
    """
    asked = Asked(pool)
    found: list[str] = []
    looked, size = 0, max(limit, _BATCH)
    while looked < SCANNED_AT_MOST:
        batch = _members(pool.id, after, size)
        for sub, username, groups in batch:
            after = sub
            looked += 1
            if _may(asked, question, sub, username, groups):
                found.append(sub)
                if len(found) > limit:
                    return found[:limit], found[limit - 1]
        if len(batch) < size:
            return found, ""
    return found, after


def _may(asked: Asked, question: Question, sub: str, username: str, groups: list[Group]) -> bool:
    try:
        subject = subjects.with_groups(sub, username, groups)
    except AccessDenied:  # a policy of theirs cannot be read
        return False
    return asked.judge(subject, question).allowed


def _members(pool_id: str, after: str, limit: int) -> list[tuple[str, str, list[Group]]]:
    """The next enabled users who are in a group with a role, with all their groups: two statements."""
    in_group = (GroupMember.pool_id == GroupRow.pool_id) & (GroupMember.group_name == GroupRow.name)
    is_user = (UserRow.pool_id == GroupMember.pool_id) & (UserRow.sub == GroupMember.sub)
    with_role = (
        select(GroupMember.sub)
        .join(GroupRow, in_group)
        .join(UserRow, is_user)
        .where(GroupMember.pool_id == pool_id, GroupMember.sub > after, GroupRow.role_arn.is_not(None), UserRow.enabled)
    )
    subs = [row.sub for row in unit.execute(with_role.distinct().order_by(GroupMember.sub).limit(limit))]
    if not subs:
        return []
    columns = (GroupRow.name, GroupRow.description, GroupRow.role_arn, GroupRow.precedence)
    columns += (GroupRow.created_at, GroupRow.modified_at)  # type: ignore[assignment]
    rows = unit.execute(
        select(GroupMember.sub, UserRow.username, *columns)
        .join(GroupRow, in_group)
        .join(UserRow, is_user)
        .where(GroupMember.pool_id == pool_id, GroupMember.sub.in_(subs))
    )
    names: dict[str, str] = {}
    held: defaultdict[str, list[Group]] = defaultdict(list)
    for row in rows:
        names[row.sub] = row.username
        held[row.sub].append(Group(*row[2:]))
    return [(sub, names[sub], held[sub]) for sub in subs if sub in names]


# --- Resources and actions ----------------------------------------------------------------------------------------


def resources(pool: Pool, question: Question) -> list[str]:
    """The ids of resources of the question's type that the subject may do the action to, sorted.

    The server keeps no list of anybody's resources: it finds those that policies name, variables filled in, and not
    those that only a wildcard reaches.
    """
    asked = Asked(pool)
    subject = _subject(asked, question)
    if subject is None:
        return []
    kind = question.resource.type
    found = set()
    for name in _named(subject):
        short = (
            name if name.startswith("arn:") else name.removeprefix(kind + "/") if name.startswith(kind + "/") else ""
        )
        resource = Entity(kind, short, question.resource.properties)
        if (
            short
            and asked.judge(subject, Question(question.subject, question.action, resource, question.context)).allowed
        ):
            found.add(short)
    return sorted(found)


def actions(pool: Pool, question: Question) -> list[str]:
    """The actions that the subject may do to the resource, sorted, as policies name them.

    Found among the actions that the pool's scopes cover and that policies of the subject's roles name in full.
    """
    asked = Asked(pool)
    subject = _subject(asked, question)
    if subject is None:
        return []
    listed = (action for covered in subjects.scopes(pool).actions.values() for action in covered)
    by_name = {name.lower(): name for name in (*_actions(subject), *listed) if not _WILD & set(name) and ":" in name}
    found = []
    for name in by_name.values():
        action = Action(name, question.action.properties)
        if asked.judge(subject, Question(question.subject, action, question.resource, question.context)).allowed:
            found.append(name)
    return sorted(found)


def _subject(asked: Asked, question: Question) -> Subject | None:
    try:
        return asked.subject(question.subject)
    except AccessDenied:
        return None


def _statements(subject: Subject) -> Iterator[dict[str, Any]]:
    for role in subject.roles:
        found = documents.of_role(role.arn)
        if found is not None:
            yield from (statement for statement in found.statements() if statement["Effect"] == "Allow")


def _named(subject: Subject) -> set[str]:
    """Resources that the subject's policies name without a wildcard, variables filled in with who they are."""
    keys = keys_of(subject.facts)
    names = set()
    for statement in _statements(subject):
        for text in _texts(statement.get("Resource")):
            parts = scan(text, WITH_VARIABLES)
            if not any(isinstance(part, str) and _WILD & set(part) for part in parts):
                name = written(parts, keys)
                if name:
                    names.add(name)
    return names


def _actions(subject: Subject) -> Iterator[str]:
    for statement in _statements(subject):
        yield from _texts(statement.get("Action"))


def _texts(value: Any) -> Iterable[str]:
    return [value] if isinstance(value, str) else value or ()
