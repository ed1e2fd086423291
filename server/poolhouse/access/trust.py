"""Trust policies enforced: who may take on a role, and with which claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from poolhouse import policy
from poolhouse.access.roles import Role
from poolhouse.core import clock
from poolhouse.core.errors import AccessDenied
from poolhouse.policy import Decision, Effect, Lacking, Policy, PolicyError, Principal

WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
SAML = "sts:AssumeRoleWithSAML"
ASSUME = "sts:AssumeRole"
TAG_SESSION = "sts:TagSession"


def check(role: Role, action: str, principal_federated: str | Sequence[str], context: Mapping[str, Any]) -> None:
    """Return if `role` lets in somebody whom an identity provider vouches for.

    `principal_federated` is how a trust policy names the provider ("cognito-identity.amazonaws.com", or the ARN of
    an OpenID Connect provider); several names for one provider may be given. `context` are the token's claims as
    condition keys ("cognito-identity.amazonaws.com:aud", ":sub", ":amr" with a list). With tags among them
    ("aws:RequestTag/…") the trust policy must allow sts:TagSession too. Raises AccessDenied.
    """
    known = (principal_federated,) if isinstance(principal_federated, str) else tuple(principal_federated)
    full = {**circumstances(), "aws:FederatedProvider": known[0], **context}
    asked = [action]
    if any(key.lower().startswith("aws:requesttag/") for key in context):
        asked.append(TAG_SESSION)
    try:
        for each in asked:
            _require(role, each, known, full)
    except PolicyError as unreadable:  # a claim that no condition key can hold
        raise refusal(action, str(unreadable)) from None


def check_caller(
    role: Role,
    action: str,
    principal: Principal,
    context: Mapping[str, Any],
    *,
    identity_policies: Sequence[Policy],
    boundary: Policy | None = None,
    session_policies: Sequence[Policy] = (),
) -> Decision:
    """Decide whether a caller of this account may take on `role`: it must trust them, and they must be allowed to.

    Where the role names the caller in person, that is enough; where it names their account, their own policies must
    grant it. A deny on either side ends it.
    """
    full = {**circumstances(), **context}
    account = role.arn.split(":")[4]
    request = policy.Request(action, role.arn, full, principal, account)
    trusted = policy.decide(request, (), resource_policies=(role.trust,))
    if not trusted.allowed and trusted.lacking is not Lacking.IDENTITY:
        return trusted
    return policy.decide(
        request,
        identity_policies,
        resource_policies=(role.trust,),
        boundary=boundary,
        session_policies=session_policies,
    )


def circumstances() -> dict[str, Any]:
    """The condition keys that every request has."""
    now = clock.now()
    return {"aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "aws:EpochTime": str(int(now.timestamp()))}


def refusal(action: str, hint: str = "") -> AccessDenied:
    """AWS's sentence, which does not say which condition failed: that is for the log."""
    return AccessDenied(f"Not authorized to perform {action}", hint=hint)


def _require(role: Role, action: str, known: Sequence[str], context: Mapping[str, Any]) -> None:
    decisions = [
        policy.decide(
            policy.Request(action, role.arn, context, Principal(name, "Federated")), (), resource_policies=(role.trust,)
        )
        for name in known
    ]
    denied = [each for each in decisions if each.effect is Effect.EXPLICIT_DENY]
    if denied or not any(each.allowed for each in decisions):
        raise refusal(action, (denied or decisions)[0].explanation)
