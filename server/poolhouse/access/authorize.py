"""Asks the policies whether a caller may do an action to a resource: our evaluator guards our own administration."""

from __future__ import annotations

from typing import Any

from poolhouse import policy
from poolhouse.access import iam_users
from poolhouse.access.caller import Caller
from poolhouse.core import clock, runtime
from poolhouse.core.errors import AccessDenied
from poolhouse.policy import Decision, Effect, Policy, PolicyError, builtin

ADMINISTRATOR_ACCESS = "arn:aws:iam::aws:policy/AdministratorAccess"


def authorize(caller: Caller, action: str, resource: str) -> None:
    """Return if `caller` may do `action` ("cognito-idp:ListUsers") to `resource`, an ARN or "*"; else AccessDenied."""
    if caller.kind == "internal":
        return
    request = policy.Request(
        action=action,
        resource=resource,
        context=_context(caller),
        principal=policy.Principal(caller.arn, account=caller.account),
        resource_account=caller.account,
    )
    decision = policy.decide(request, _policies(caller))
    if not decision.allowed:
        raise _denied(decision, caller, action, resource)


def _policies(caller: Caller) -> tuple[Policy, ...]:
    """A caller's compiled policies, from memory while no configuration has changed."""
    if caller.kind != "user":
        return ()
    if caller.name == iam_users.FIRST_ADMINISTRATOR:
        return (builtin.compiled(ADMINISTRATOR_ACCESS),)
    try:
        return runtime.current().cache.get(("iam policies", caller.name), lambda: iam_users.policies(caller.name))
    except PolicyError as broken:
        # A stored document that no longer reads may have held a Deny: without it nothing can be decided safely.
        raise AccessDenied(hint=f"{caller.arn}: {broken}") from broken


def _context(caller: Caller) -> dict[str, Any]:
    """The condition keys that every request has."""
    now = clock.now()
    context: dict[str, Any] = {
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:PrincipalArn": caller.arn,
        "aws:PrincipalAccount": caller.account,
        "aws:PrincipalType": "User",
        "aws:userid": caller.user_id,
        "aws:username": caller.name,
        "aws:RequestedRegion": runtime.current().settings.region,
    }
    if caller.source_ip:
        context["aws:SourceIp"] = caller.source_ip
    if caller.user_agent:
        context["aws:UserAgent"] = caller.user_agent
    return context


def _denied(decision: Decision, caller: Caller, action: str, resource: str) -> AccessDenied:
    why = (
        "with an explicit deny in an identity-based policy"
        if decision.effect is Effect.EXPLICIT_DENY
        else f"because no identity-based policy allows the {action} action"
    )
    said = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource} {why}"
    return AccessDenied(said, hint=decision.explanation)
