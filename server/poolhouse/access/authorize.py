"""Asks the policies whether a caller may do an action to a resource: our evaluator guards our own administration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poolhouse import policy
from poolhouse.access import iam_users
from poolhouse.access.caller import Caller
from poolhouse.core import clock, runtime
from poolhouse.core.errors import AccessDenied, PoolhouseError
from poolhouse.policy import Decision, Effect, Lacking, Policy, PolicyError, builtin

ADMINISTRATOR_ACCESS = "arn:aws:iam::aws:policy/AdministratorAccess"
PASS_ROLE = "iam:PassRole"


@dataclass(frozen=True, slots=True)
class Permissions:
    """What speaks for a caller, compiled."""

    policies: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] = ()


def authorize(caller: Caller, action: str, resource: str, context: Mapping[str, Any] | None = None) -> None:
    """Return if `caller` may do `action` ("cognito-idp:ListUsers") to `resource`, an ARN or "*"; else AccessDenied."""
    if caller.kind == "internal":
        return
    decision = decide(caller, action, resource, context)
    if not decision.allowed:
        raise _denied(decision, caller, action, resource)


def pass_role(caller: Caller, role_arn: str, *, service: str = "cognito-identity.amazonaws.com") -> None:
    """Return if `caller` may hand that role to a service (iam:PassRole); else AccessDenied.

    Whoever may configure a pool could otherwise give themselves any role: by putting it behind a login of their own.
    """
    authorize(caller, PASS_ROLE, role_arn, {"iam:PassedToService": service})


def decide(caller: Caller, action: str, resource: str, context: Mapping[str, Any] | None = None) -> Decision:
    """The decision with its reasons. Raises AccessDenied only where a stored policy no longer reads."""
    held = permissions(caller)
    request = policy.Request(
        action=action,
        resource=resource,
        context=circumstances(caller, context or {}),
        principal=principal(caller),
        resource_account=caller.account,
    )
    return policy.decide(request, held.policies, boundary=held.boundary, session_policies=held.session)


def permissions(caller: Caller) -> Permissions:
    """A caller's compiled policies, from memory while no configuration has changed."""
    if caller.kind == "assumed_role" and caller.session is not None and caller.session.role is not None:
        role = caller.session.role
        return Permissions(role.policies, role.boundary, caller.session.session_policies)
    if caller.kind != "user":
        return Permissions()
    if caller.name == iam_users.FIRST_ADMINISTRATOR:
        return Permissions((builtin.compiled(ADMINISTRATOR_ACCESS),))
    try:
        return runtime.current().cache.get(
            ("iam policies", caller.name), lambda: Permissions(*iam_users.permissions(caller.name))
        )
    except (PolicyError, PoolhouseError) as broken:
        # A stored document that no longer reads may have held a Deny: without it nothing can be decided safely.
        raise AccessDenied(hint=f"{caller.arn}: {broken}") from broken


def principal(caller: Caller) -> policy.Principal:
    """The caller as policies of resources and roles name them."""
    session = caller.session
    role = session.role if session is not None else None
    if role is not None:
        return policy.Principal(caller.arn, account=caller.account, role=role.arn, role_id=role.role_id)
    return policy.Principal(caller.arn, account=caller.account, unique_id=caller.user_id)


def circumstances(caller: Caller, context: Mapping[str, Any]) -> dict[str, Any]:
    """`context` with the condition keys that every request has, and those that the caller's session began with."""
    now = clock.now()
    session = caller.session
    role = session.role if session is not None else None
    began = session.context if session is not None else {}
    tags = role.tags if role is not None else {}
    # Nothing that came with a session may stand in for what the server itself knows, in whatever spelling; the tags
    # of a session come before those of its role.
    known = set(_OURS | {key.lower() for key in context})
    inherited: dict[str, Any] = {}
    for key, value in [*began.items(), *((f"aws:PrincipalTag/{tag}", text) for tag, text in tags.items())]:
        if key.lower() not in known:
            known.add(key.lower())
            inherited[key] = value
    return inherited | {
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:PrincipalArn": role.arn if role is not None else caller.arn,
        "aws:PrincipalAccount": caller.account,
        "aws:PrincipalType": "AssumedRole" if role is not None else "User",
        "aws:userid": caller.user_id,
        "aws:username": None if role is not None else caller.name,
        "aws:TokenIssueTime": session.issued_at if session is not None else None,
        "aws:RequestedRegion": runtime.current().settings.region,
        "aws:SourceIp": caller.source_ip or None,
        "aws:UserAgent": caller.user_agent or None,
        **context,
    }


_OURS = frozenset(
    f"aws:{name}"
    for name in (
        "currenttime", "epochtime", "principalarn", "principalaccount", "principaltype", "userid", "username",
        "tokenissuetime", "requestedregion", "sourceip", "useragent",
    )
)  # fmt: skip


def _denied(decision: Decision, caller: Caller, action: str, resource: str) -> AccessDenied:
    if decision.effect is Effect.EXPLICIT_DENY:
        layer = {"boundary": "a permissions boundary", "session": "a session policy"}
        why = f"with an explicit deny in {layer.get(decision.statements[0].layer, 'an identity-based policy')}"
    elif decision.lacking is Lacking.BOUNDARY:
        why = f"because no permissions boundary allows the {action} action"
    elif decision.lacking is Lacking.SESSION:
        why = f"because no session policy allows the {action} action"
    else:
        why = f"because no identity-based policy allows the {action} action"
    said = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource} {why}"
    return AccessDenied(said, hint=decision.explanation)
