"""`/access/v1/evaluation` and `/access/v1/evaluations` (AuthZEN 1.0 §6, §7)."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from poolhouse.decisions.ask import Asked, Question
from poolhouse.decisions.grants import Considered, Reason, Verdict
from poolhouse.policy import PolicyError
from poolhouse.web.access import askers, wire
from poolhouse.web.access.askers import Asker
from poolhouse.web.access.wire import BadRequest

log = logging.getLogger("poolhouse.web.access")
MOST = 100
_PARTS = ("subject", "action", "resource", "context")
# What ends a series, by its semantic: AuthZEN §7.1.2.
_ENDS = {"execute_all": None, "deny_on_first_deny": False, "permit_on_first_permit": True}


def _evaluation(asker: Asker, asked: Mapping[str, Any]) -> dict[str, Any]:
    return _answer(asker, Asked(asker.pool), wire.question(asked))


def _evaluations(asker: Asker, asked: Mapping[str, Any]) -> dict[str, Any]:
    series = asked.get("evaluations")
    if series is None or series == []:  # §7.1: without a series it is a single evaluation
        return _evaluation(asker, asked)
    if not isinstance(series, list):
        raise BadRequest("evaluations must be a list.")
    if len(series) > MOST:
        raise BadRequest(f"At most {MOST} evaluations are asked for at once.")
    ends = _semantic(asked)
    together = Asked(asker.pool)
    defaults = {part: asked[part] for part in _PARTS if part in asked}
    answers = []
    for one in series:
        answers.append(_one(asker, together, defaults, one))
        if ends is not None and answers[-1]["decision"] is ends:
            break
    return {"evaluations": answers}


def _semantic(asked: Mapping[str, Any]) -> bool | None:
    options = asked.get("options")
    if options is not None and not isinstance(options, dict):
        raise BadRequest("options must be an object.")
    semantic = (options or {}).get("evaluations_semantic", "execute_all")
    if not isinstance(semantic, str) or semantic not in _ENDS:
        raise BadRequest(f"options.evaluations_semantic must be one of {', '.join(_ENDS)}.")
    return _ENDS[semantic]


def _one(asker: Asker, together: Asked, defaults: Mapping[str, Any], one: object) -> dict[str, Any]:
    """§7.2.1: what is wrong with one evaluation is told in its place, and means no."""
    try:
        if not isinstance(one, dict):
            raise BadRequest("An evaluation must be an object.")
        return _answer(asker, together, wire.question({**defaults, **one}))
    except (BadRequest, PolicyError) as error:
        return {"decision": False, "context": {"error": {"status": 400, "message": str(error)}}}


def _answer(asker: Asker, together: Asked, question: Question) -> dict[str, Any]:
    explain = "explain" in question.context
    if explain:
        if not isinstance(question.context["explain"], bool):
            raise BadRequest("context.explain must be true or false.")
        explain = question.context["explain"]
        asker.require(askers.EXPLAIN)
        context = {name: value for name, value in question.context.items() if name != "explain"}
        question = dataclasses.replace(question, context=context)
    verdict = together.decide(question)
    told: dict[str, Any] = {"reason": str(verdict.reason)}
    if explain:
        # The scopes of a token come first: where they do not let an action through, no role was asked.
        considered = () if verdict.reason is Reason.SCOPE else together.considered(question)
        told |= _explained(verdict, considered)
    return {"decision": verdict.allowed, "context": told}


def _explained(verdict: Verdict, considered: Sequence[Considered]) -> dict[str, Any]:
    statements = [
        {"policy": by.policy, "sid": by.sid, "statement": by.index, "layer": by.layer} for by in verdict.statements
    ]
    return {
        "explanation": verdict.explanation,
        "statements": statements,
        "considered": [_considered(each) for each in considered],
    }


def _considered(each: Considered) -> dict[str, Any]:
    """A statement, and the element of it that does not fit the question where it does not apply."""
    statement, mismatch = each.finding.statement, each.finding.mismatch
    told = {"role": each.role, "policy": each.finding.policy, "sid": statement.sid, "statement": statement.index}
    told |= {"layer": each.layer, "effect": "Allow" if statement.allows else "Deny", "applies": not mismatch}
    return {**told, **({"mismatch": mismatch} if mismatch else {})}


evaluation = wire.endpoint(_evaluation, askers.EVALUATE)
evaluations = wire.endpoint(_evaluations, askers.EVALUATE)
