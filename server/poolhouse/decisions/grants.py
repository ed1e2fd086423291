"""The rule of decision, pure: what somebody may do with the roles of their groups, through an app with some scopes.

Roles grant: a user may do what the policies of any of their roles allow and no policy of any of their roles denies.
Scopes limit: where some scope of the pool covers an action, an access token needs such a scope as well; an action that
no scope covers is not limited by scopes. A client's own token stands for no user: its scopes are its permissions.
The client library carries this very file, so that an API that decides by itself decides as the server would.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..policy import (
    Decision,
    Effect,
    Finding,
    Policy,
    PolicyError,
    Principal,
    Request,
    Responsible,
    decide,
    examine,
    parse,
)
from ..policy.values import Value

_SERVICE = re.compile(r"[A-Za-z0-9-]+")
_ACTION = re.compile(r"[A-Za-z0-9_*?-]+")


# What a token of the API's own sign-in is for: it is the user in person, with no app between that a scope could limit.
PERSONAL = frozenset({"aws.cognito.signin.user.admin"})
_DEEPEST = 4


class Reason(StrEnum):
    """Why the answer is what it is: a word that may be told, unlike the names of policies."""

    ALLOWED = "allowed"
    DENIED = "explicit_deny"
    NO_ROLE = "no_role"
    NOT_ALLOWED = "not_allowed"
    SCOPE = "insufficient_scope"
    UNKNOWN_SUBJECT = "unknown_subject"


@dataclass(frozen=True, slots=True)
class Role:
    """A role's permissions, compiled; `session` are the policies of a session of it, which limit it further."""

    name: str
    policies: tuple[Policy, ...]
    boundary: Policy | None = None
    arn: str = ""
    session: tuple[Policy, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks. `scopes` is None for whoever no app stands in front of; `machine`: a client for itself."""

    sub: str
    roles: tuple[Role, ...] = ()
    scopes: frozenset[str] | None = None
    machine: bool = False
    facts: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. `explanation` and `statements` name policies: for operators, not for callers."""

    allowed: bool
    reason: Reason
    explanation: str
    statements: tuple[Responsible, ...] = ()


class Scopes:
    """Which actions each scope of a pool covers, compiled.

    `actions` says it by scope. A scope that it does not name covers the action of its own name, when it has one:
    `photos/Read` covers `photos:Read`, and `photos/*` all of `photos`. Raises PolicyError for what is no action.
    """

    def __init__(self, known: Iterable[str], actions: Mapping[str, Iterable[str]] | None = None) -> None:
        given = {scope: tuple(listed) for scope, listed in (actions or {}).items()}
        self.actions = {s: given[s] if s in given else own_action(s) for s in dict.fromkeys([*known, *given])}
        self._policies = {scope: _covering(scope, listed) for scope, listed in self.actions.items() if listed}
        self._all = tuple(self._policies.values())

    def cover(self, request: Request) -> bool:
        """Whether any scope of the pool is about this action."""
        return decide(request, self._all).allowed

    def among(self, granted: Iterable[str]) -> tuple[Policy, ...]:
        """What the granted scopes let through."""
        return tuple(self._policies[scope] for scope in sorted(granted) if scope in self._policies)


def own_action(scope: str) -> tuple[str, ...]:
    """The action that a scope names by itself.

    >>> own_action("photos/Read"), own_action("https://api.example.com/read"), own_action("openid")
    (('photos:Read',), (), ())
    """
    service, slash, name = scope.rpartition("/")
    return (f"{service}:{name}",) if slash and _SERVICE.fullmatch(service) and _ACTION.fullmatch(name) else ()


def _covering(scope: str, actions: tuple[str, ...]) -> Policy:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return parse({"Version": "2012-10-17", "Statement": [statement]}, name=f"scope {scope}", kind="identity")


def judge(
    subject: Subject, action: str, resource: str, context: Mapping[str, Value] | None = None, *, scopes: Scopes
) -> Verdict:
    """Decide. What the subject is known to be is never overridden by `context`. Raises PolicyError (InvalidRequest)."""
    keys = _keys(subject, context)
    request = Request(action, resource, keys)
    through: tuple[Policy, ...] = ()
    if subject.scopes is not None:
        through = scopes.among(subject.scopes)
        covered = scopes.cover(request)
        if covered and not decide(request, through).allowed:
            return Verdict(False, Reason.SCOPE, f"No scope of the token covers {action}.")
        if not covered:
            through = ()
    if subject.machine:
        return _by_scope(request, through)
    if not subject.roles:
        return Verdict(False, Reason.NO_ROLE, "The subject has no role.")
    decisions = [_by_role(role, action, resource, keys) for role in subject.roles]
    return _joined(subject.roles, decisions)


@dataclass(frozen=True, slots=True)
class Considered:
    """A statement of one of the subject's roles, and whether it bears on the question or why it does not."""

    role: str
    layer: str
    finding: Finding


def considered(
    subject: Subject, action: str, resource: str, context: Mapping[str, Value] | None = None
) -> tuple[Considered, ...]:
    """Every statement of the subject's roles, held against the question: for operators. Raises PolicyError."""
    keys = _keys(subject, context)
    return tuple(
        Considered(role.name, layer, finding)
        for role in subject.roles
        for layer, policies in (
            ("identity", role.policies),
            ("boundary", (role.boundary,) if role.boundary is not None else ()),
            ("session", role.session),
        )
        for finding in examine(_request(role, action, resource, keys), policies)
    )


def circumstances(context: Mapping[str, object] | None, prefix: str = "context") -> dict[str, Value]:
    """What somebody says about a request, as context keys of their own: `context:ip`, `context:device.trusted`.

    The prefix keeps them apart from what is known: nobody becomes another `sub` by saying so.

    >>> circumstances({"device": {"trusted": True}, "tags": ["a", "b"]})
    {'context:device.trusted': True, 'context:tags': ['a', 'b']}
    """
    found: dict[str, Value] = {}

    def gather(name: str, value: object, depth: int) -> None:
        if isinstance(value, Mapping) and depth < _DEEPEST:
            for key, inner in value.items():
                gather(f"{name}.{key}" if depth else f"{name}:{key}", inner, depth + 1)
        elif isinstance(value, str | bool | int | float):
            found[name] = value
        elif isinstance(value, list | tuple) and all(isinstance(item, str | bool | int | float) for item in value):
            found[name] = list(value)

    gather(prefix, context or {}, 0)
    return found


def _by_scope(request: Request, through: tuple[Policy, ...]) -> Verdict:
    decision = decide(request, through)
    if not decision.allowed:
        return Verdict(False, Reason.SCOPE, "No scope of the client's covers the action.")
    return Verdict(True, Reason.ALLOWED, decision.explanation, decision.statements)


def _keys(subject: Subject, context: Mapping[str, Value] | None) -> dict[str, Value]:
    folded = {name.lower() for name in subject.facts}
    given = {name: value for name, value in (context or {}).items() if name.lower() not in folded}
    return {**given, **subject.facts}


def _request(role: Role, action: str, resource: str, keys: Mapping[str, Value]) -> Request:
    principal = Principal(role.arn, role=role.arn) if role.arn else Principal(role.name, "Service")
    return Request(action, resource, keys, principal)


def _by_role(role: Role, action: str, resource: str, keys: Mapping[str, Value]) -> Decision:
    asked = _request(role, action, resource, keys)
    return decide(asked, role.policies, boundary=role.boundary, session_policies=role.session)


def _joined(roles: tuple[Role, ...], decisions: list[Decision]) -> Verdict:
    """A deny in one role wins over an allow in another, as it would within one."""
    told = [f"Role {role.name}: {decision.explanation}" for role, decision in zip(roles, decisions, strict=True)]
    for decision, said in zip(decisions, told, strict=True):
        if decision.effect is Effect.EXPLICIT_DENY:
            return Verdict(False, Reason.DENIED, said, decision.statements)
    for decision, said in zip(decisions, told, strict=True):
        if decision.allowed:
            return Verdict(True, Reason.ALLOWED, said, decision.statements)
    return Verdict(False, Reason.NOT_ALLOWED, " ".join(told))


__all__ = [
    "PERSONAL",
    "Considered",
    "PolicyError",
    "Reason",
    "Role",
    "Scopes",
    "Subject",
    "Verdict",
    "circumstances",
    "considered",
    "judge",
    "own_action",
]
