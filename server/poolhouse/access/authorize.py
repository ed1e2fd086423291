"""Asks the policies whether a caller may do an action to a resource: our evaluator guards our own administration."""

from __future__ import annotations

from typing import Any

from poolhouse import policy
from poolhouse.access import iam_users, managed
from poolhouse.access.caller import Caller
from poolhouse.core import clock, runtime
from poolhouse.core.errors import AccessDenied


def authorize(caller: Caller, action: str, resource: str) -> None:
    """Return if `caller` may do `action` ("cognito-idp:ListUsers") to `resource`, an ARN or "*". Raises AccessDenied."""
    if caller.kind == "internal":
        return
    request = policy.Request(
        action=action,
        resource=resource,
        principal=policy.Principal(caller.arn, account=caller.account),
        resource_account=caller.account,
        context=_context(caller),
    )
    decision = policy.decide(request, _policies(caller))
    if not decision.allowed:
        raise _denied(caller, action, resource, explicitly=decision.explicit)


def _policies(caller: Caller) -> Any:
    """A caller's compiled policies, from memory while no configuration has changed."""
    if caller.kind != "user":
        return policy.Policies()
    return runtime.current().cache.get(("iam policies", caller.name), lambda: _compiled(caller.name))


def _compiled(name: str) -> Any:
    if name == iam_users.FIRST_ADMINISTRATOR:
        documents = [dict(managed.POLICIES[managed.ADMINISTRATOR])]
    else:
        documents = iam_users.documents(name)
    return policy.Policies(identity=[policy.parse(document) for document in documents])


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


def _denied(caller: Caller, action: str, resource: str, *, explicitly: bool) -> AccessDenied:
    why = (
        "with an explicit deny in an identity-based policy"
        if explicitly
        else f"because no identity-based policy allows the {action} action"
    )
    return AccessDenied(f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource} {why}")
