"""Answers questions about a pool's people: may this subject do this action to this resource, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from poolhouse.core.errors import AccessDenied
from poolhouse.decisions import grants, subjects
from poolhouse.decisions.grants import Considered, Reason, Subject, Verdict
from poolhouse.user_pools.snapshots import Pool


@dataclass(frozen=True, slots=True)
class Entity:
    """A subject or a resource: what it is and which one, with what the caller says about it."""

    type: str
    id: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Action:
    """What is to be done."""

    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """One question, in AuthZEN's four parts."""

    subject: Entity
    action: Action
    resource: Entity
    context: Mapping[str, Any] = field(default_factory=dict)


def action_of(action: Action, resource: Entity) -> str:
    """The action as policies name it: a bare name belongs to the resource's type, `Read` to `photos:Read`."""
    return action.name if ":" in action.name else f"{resource.type}:{action.name}"


def resource_of(resource: Entity) -> str:
    """The resource as policies name it: an ARN as it stands, anything else as `type/id`."""
    return resource.id if resource.id.startswith("arn:") else f"{resource.type}/{resource.id}"


class Asked:
    """Questions put together: whoever is asked about several times is looked up once."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._known: dict[tuple[str, str, str], Subject | None] = {}

    def subject(self, entity: Entity) -> Subject | None:
        """The subject, or None. Raises AccessDenied where a policy of theirs cannot be read."""
        key = (entity.type, entity.id, str(entity.properties.get("access_key_id", "")))
        if key not in self._known:
            self._known[key] = subjects.find(self.pool, *key)
        return self._known[key]

    def decide(self, question: Question) -> Verdict:
        """The verdict. Raises PolicyError (InvalidRequest) for a context that makes no sense."""
        try:
            subject = self.subject(question.subject)
        except AccessDenied as broken:
            return Verdict(False, Reason.DENIED, f"A policy that may deny it cannot be read: {broken.hint}")
        if subject is None:
            return Verdict(False, Reason.UNKNOWN_SUBJECT, "No such subject, or not one that may act.")
        return self.judge(subject, question)

    def judge(self, subject: Subject, question: Question) -> Verdict:
        """The verdict about somebody known."""
        return grants.judge(
            subject,
            action_of(question.action, question.resource),
            resource_of(question.resource),
            _said(question),
            scopes=subjects.scopes(self.pool),
        )

    def considered(self, question: Question) -> tuple[Considered, ...]:
        """Every statement that bears on the subject of a decided question, and how; none where nobody is known."""
        try:
            subject = self.subject(question.subject)
        except AccessDenied:
            return ()
        if subject is None:
            return ()
        action, resource = action_of(question.action, question.resource), resource_of(question.resource)
        return grants.considered(subject, action, resource, _said(question))


def _said(question: Question) -> dict[str, Any]:
    """Everything that the caller says, each part under a prefix of its own."""
    parts = {
        "context": question.context,
        "subject": question.subject.properties,
        "action": question.action.properties,
        "resource": question.resource.properties,
    }
    said: dict[str, Any] = {}
    for prefix, given in parts.items():
        if given:
            said |= grants.circumstances(given, prefix)
    # The type and id of the resource, so that conditions can speak of them as of its properties.
    return {**said, "resource:type": question.resource.type, "resource:id": question.resource.id}
