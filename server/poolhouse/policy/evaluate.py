"""The decision: which of all the policies that bear on a request prevails, and which statements made it so.

The order of the published evaluation logic: an explicit deny anywhere ends it; a resource's policy may grant by itself
within one account; what a person's own policies grant is cut down to what the permissions boundary and the session's
policies grant too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from .document import Policy, Statement
from .errors import shown
from .principal import Named
from .request import Request

Layer = Literal["identity", "resource", "boundary", "session"]

_LAYER = {
    "identity": "identity policy", "resource": "resource policy",
    "boundary": "permissions boundary", "session": "session policy",
}  # fmt: skip


class Effect(StrEnum):
    """How a decision came about."""

    ALLOW = "allow"
    EXPLICIT_DENY = "explicit_deny"
    IMPLICIT_DENY = "implicit_deny"


class Lacking(StrEnum):
    """What an implicit deny is for want of."""

    NOTHING = ""
    ALLOW = "allow"
    BOUNDARY = "boundary"
    SESSION = "session"
    IDENTITY = "identity"
    RESOURCE = "resource"


_WANTING = {
    Lacking.ALLOW: "no statement allows it",
    Lacking.BOUNDARY: "the permissions boundary does not allow it, whatever other policies grant",
    Lacking.SESSION: "no session policy allows it, whatever other policies grant",
    Lacking.IDENTITY: "the resource trusts the caller's account, but no policy of the caller allows it",
    Lacking.RESOURCE: "the resource is another account's, and no policy of the resource lets the caller in",
}


@dataclass(frozen=True, slots=True)
class Responsible:
    """A statement that bore on a decision."""

    policy: str
    sid: str
    index: int
    layer: Layer

    def __str__(self) -> str:
        sid = f" ({shown(self.sid)})" if self.sid else ""
        return f"Statement[{self.index}]{sid} of the {_LAYER[self.layer]} {shown(self.policy)}"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. `statements` are those that denied or allowed; none when nothing spoke for it."""

    allowed: bool
    effect: Effect
    statements: tuple[Responsible, ...]
    lacking: Lacking
    request: Request = field(repr=False)

    @property
    def explanation(self) -> str:
        """The answer in a sentence, for operators: it names policies, so it is not for the caller's eyes."""
        question = f"{shown(self.request.action)} on {shown(self.request.resource)}"
        by = "; ".join(str(statement) for statement in self.statements)
        if self.effect is Effect.ALLOW:
            return f"{question} is allowed by {by}."
        if self.effect is Effect.EXPLICIT_DENY:
            return f"{question} is denied by {by}: an explicit deny wins over every allow."
        return f"{question} is not allowed: {_WANTING[self.lacking]}."


def decide(
    request: Request,
    identity_policies: Sequence[Policy],
    *,
    resource_policies: Sequence[Policy] = (),
    boundary: Policy | None = None,
    session_policies: Sequence[Policy] = (),
) -> Decision:
    """Decide. The order of the policies, and of statements within them, does not change the answer.

    An empty `session_policies` means that the session has none, not that it may do nothing.
    """
    denies: list[Responsible] = []
    allows = _gather(request, identity_policies, "identity", denies)
    within = _gather(request, (boundary,), "boundary", denies) if boundary is not None else []
    in_session = _gather(request, session_policies, "session", denies) if session_policies else []
    granted, how = _gather_resource(request, resource_policies, denies) if resource_policies else ([], Named.NO)
    if denies:
        return Decision(False, Effect.EXPLICIT_DENY, tuple(denies), Lacking.NOTHING, request)

    bounded, sessioned = boundary is None or bool(within), not session_policies or bool(in_session)
    lacking = _lacking(request, bool(allows), bounded, sessioned, how)
    if lacking is not Lacking.NOTHING:
        return Decision(False, Effect.IMPLICIT_DENY, (), lacking, request)
    return Decision(True, Effect.ALLOW, (*allows, *granted, *within, *in_session), Lacking.NOTHING, request)


def _lacking(request: Request, allowed: bool, bounded: bool, sessioned: bool, how: Named) -> Lacking:
    if how is Named.IN_PERSON and not request.crosses_accounts:
        return Lacking.NOTHING
    if request.crosses_accounts and how is Named.NO:
        return Lacking.RESOURCE if allowed else Lacking.ALLOW
    granted = allowed or (how is Named.BY_ROLE and not request.crosses_accounts)
    if not granted:
        return Lacking.ALLOW if how is Named.NO else Lacking.IDENTITY
    if not bounded:
        return Lacking.BOUNDARY
    return Lacking.NOTHING if sessioned else Lacking.SESSION


def _gather(request: Request, policies: Sequence[Policy], layer: Layer, denies: list[Responsible]) -> list[Responsible]:
    allows: list[Responsible] = []
    for policy in policies:
        for statement in policy.statements:
            if statement.applies(request) and (
                statement.principals is None or statement.named(request.principal) is not Named.NO
            ):
                found = Responsible(policy.name, statement.sid, statement.index, layer)
                (allows if statement.allows else denies).append(found)
    return allows


def _gather_resource(
    request: Request, policies: Sequence[Policy], denies: list[Responsible]
) -> tuple[list[Responsible], Named]:
    allows: list[Responsible] = []
    closest = Named.NO
    for policy in policies:
        for statement in policy.statements:
            how = statement.named(request.principal)
            # A resource's statement that names nobody must let nobody in, and keep everybody out.
            concerned = how is not Named.NO or (statement.principals is None and not statement.allows)
            if concerned and statement.applies(request):
                found = Responsible(policy.name, statement.sid, statement.index, "resource")
                (allows if statement.allows else denies).append(found)
                if statement.allows:
                    closest = max(closest, how)
    return allows, closest


@dataclass(frozen=True, slots=True)
class Finding:
    """How one statement stands to a request; `mismatch` is the element that does not fit, empty when all do."""

    policy: str
    statement: Statement
    mismatch: str


def examine(request: Request, policies: Sequence[Policy]) -> tuple[Finding, ...]:
    """Hold every statement against a request and say where each fails to fit: what an operator asks after a refusal."""
    return tuple(
        Finding(policy.name, statement, statement.mismatch(request))
        for policy in policies
        for statement in policy.statements
    )
