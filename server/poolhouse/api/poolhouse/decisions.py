"""Why may somebody do that, or why not: the decision point's answer for administrators, with all that it considered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolhouse.api.registry import Answer, operation
from poolhouse.core.errors import InvalidParameter
from poolhouse.decisions.ask import Action, Asked, Entity, Question
from poolhouse.decisions.grants import Considered, Reason
from poolhouse.policy import PolicyError, Responsible
from poolhouse.user_pools import lookup


@operation("ExplainDecision", service="poolhouse")
def explain_decision(
    *,
    user_pool_id: str,
    subject: Mapping[str, Any],
    action: str,
    resource: Mapping[str, Any],
    context: Mapping[str, Any] | None = None,
) -> Answer:
    question = Question(_entity(subject), Action(action), _entity(resource), _object(context, "Context"))
    asked = Asked(lookup.pool(user_pool_id))
    try:
        verdict = asked.decide(question)
        # The scopes of a token come first: where they do not let an action through, no role was asked.
        considered = () if verdict.reason is Reason.SCOPE else asked.considered(question)
    except PolicyError as unreadable:
        raise InvalidParameter(str(unreadable)) from None
    return {
        "Allowed": verdict.allowed,
        "Reason": str(verdict.reason),
        "Explanation": verdict.explanation,
        "Statements": [_responsible(each) for each in verdict.statements],
        "Considered": [_considered(each) for each in considered],
    }


def _entity(given: Mapping[str, Any]) -> Entity:
    return Entity(given["Type"], given["Id"], _object(given.get("Properties"), "Properties"))


def _object(given: Any, name: str) -> Mapping[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise InvalidParameter(f"{name} must be an object.")
    return given or {}


def _responsible(found: Responsible) -> Answer:
    return {"Policy": found.policy, "Sid": found.sid, "Index": found.index, "Layer": found.layer}


def _considered(each: Considered) -> Answer:
    statement, mismatch = each.finding.statement, each.finding.mismatch
    return {
        "Role": each.role,
        "Policy": each.finding.policy,
        "Sid": statement.sid,
        "Index": statement.index,
        "Layer": each.layer,
        "Effect": "Allow" if statement.allows else "Deny",
        "Applies": not mismatch,
        "Mismatch": mismatch or None,
    }
