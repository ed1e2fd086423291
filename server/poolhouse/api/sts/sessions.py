"""Sessions: GetCallerIdentity, AssumeRole, AssumeRoleWithWebIdentity, GetSessionToken, GetAccessKeyInfo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from poolhouse.access import authorize, credentials, names, roles, trust, vend
from poolhouse.access.caller import Caller
from poolhouse.access.credentials import Credentials, SessionPolicy
from poolhouse.access.roles import Role
from poolhouse.api.registry import Answer, operation
from poolhouse.api.sts import web_identity
from poolhouse.core import runtime
from poolhouse.core.errors import AccessDenied, NoSuchEntity, PackedPolicyTooLarge, Validation

_SERVICE = "sts"
_HOUR = 3600
_HALF_A_DAY = 43_200
_POLICY_AT_MOST = 2048
_NO_MFA = "administrators sign with access keys; a second factor is a matter of user pools"
NO_PADDING = "session tokens are as long as what is sealed in them"


@operation("GetCallerIdentity", service=_SERVICE, unasked=True)
def get_caller_identity(caller: Caller) -> Answer:
    return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}


@operation("GetAccessKeyInfo", service=_SERVICE)
def get_access_key_info(*, access_key_id: str) -> Answer:  # noqa: ARG001 - there is one account
    return {"Account": runtime.current().settings.account_id}


@operation(
    "GetSessionToken",
    service=_SERVICE,
    unasked=True,
    ignores={"SerialNumber": _NO_MFA, "TokenCode": _NO_MFA, "MinimumSessionTokenSize": NO_PADDING},
)
def get_session_token(caller: Caller, *, duration_seconds: int | None = None) -> Answer:
    if caller.kind != "user" or caller.session is not None:
        raise AccessDenied("Cannot call GetSessionToken with session credentials")
    seconds = min(duration_seconds or _HALF_A_DAY, _HALF_A_DAY)
    return {"Credentials": _shown(credentials.mint_for_user(caller.name, caller.user_id, seconds=seconds))}


@operation(
    "AssumeRole",
    service=_SERVICE,
    unasked=True,
    ignores={
        "SerialNumber": _NO_MFA,
        "TokenCode": _NO_MFA,
        "TransitiveTagKeys": "tags end with the session; a session of a session has its own",
        "ProvidedContexts": "no trusted context providers here",
        "MinimumSessionTokenSize": NO_PADDING,
    },
)
def assume_role(
    caller: Caller,
    *,
    role_arn: str,
    role_session_name: str,
    policy_arns: Sequence[Mapping[str, str]] = (),
    policy: str | None = None,
    duration_seconds: int = _HOUR,
    tags: Sequence[Mapping[str, str]] = (),
    external_id: str | None = None,
    source_identity: str | None = None,
) -> Answer:
    role = _trusting(caller, role_arn, role_session_name, _tags(tags), external_id, source_identity)
    if caller.session is not None and duration_seconds > _HOUR:
        raise Validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
    context: dict[str, Any] = {f"aws:PrincipalTag/{key}": value for key, value in _tags(tags).items()}
    if source_identity:
        context["aws:SourceIdentity"] = source_identity
    made = credentials.mint(
        role,
        role_session_name,
        seconds=duration_seconds,
        context=context,
        session_policies=session_policies(policy, policy_arns),
        source="sts",
    )
    return assumed(role, role_session_name, made) | {"SourceIdentity": source_identity}


@operation(
    "AssumeRoleWithWebIdentity",
    service=_SERVICE,
    ignores={
        "ProviderId": "for OAuth 2 access tokens of two social providers; a token here says itself who issued it",
        "MinimumSessionTokenSize": NO_PADDING,
    },
)
def assume_role_with_web_identity(
    *,
    role_arn: str,
    role_session_name: str,
    web_identity_token: str,
    policy_arns: Sequence[Mapping[str, str]] = (),
    policy: str | None = None,
    duration_seconds: int = _HOUR,
) -> Answer:
    identity = web_identity.verified(web_identity_token)
    try:
        role = roles.get(role_arn)
    except NoSuchEntity as unknown:
        # The same words as for a role that does not trust the token: who asks has no business to know which it is.
        raise trust.refusal(trust.WEB_IDENTITY, str(unknown)) from None
    asked = {**identity.context, "sts:RoleSessionName": role_session_name}
    asked |= {f"aws:RequestTag/{key}": value for key, value in identity.tags.items()}
    trust.check(role, trust.WEB_IDENTITY, identity.principals, asked)
    context = dict(identity.context) | {f"aws:PrincipalTag/{key}": value for key, value in identity.tags.items()}
    made = vend.vend(
        role,
        role_session_name,
        seconds=duration_seconds,
        context={**context, "aws:FederatedProvider": identity.principals[0]},
        openid_token=lambda: web_identity_token,
        session_policies=session_policies(policy, policy_arns),
        source="sts",
    )
    return assumed(role, role_session_name, made) | {
        "SubjectFromWebIdentityToken": identity.subject,
        "Provider": identity.provider,
        "Audience": identity.audience,
    }


def _trusting(
    caller: Caller,
    role_arn: str,
    session_name: str,
    tags: Mapping[str, str],
    external_id: str | None,
    source: str | None,
) -> Role:
    """The role, if it trusts the caller and the caller's policies allow it. Raises AccessDenied."""
    said = f"User: {caller.arn} is not authorized to perform: {trust.ASSUME} on resource: {role_arn}"
    role = roles.find(role_arn)
    if role is None:
        raise AccessDenied(said, hint="there is no such role")
    if caller.kind == "internal":
        return role
    context: dict[str, Any] = {"sts:RoleSessionName": session_name}
    if external_id:
        context["sts:ExternalId"] = external_id
    if source:
        context["sts:SourceIdentity"] = source
    context |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    held = authorize.permissions(caller)
    for action in (trust.ASSUME, *((trust.TAG_SESSION,) if tags else ())):
        decision = trust.check_caller(
            role,
            action,
            authorize.principal(caller),
            authorize.circumstances(caller, context),
            identity_policies=held.policies,
            boundary=held.boundary,
            session_policies=held.session,
        )
        if not decision.allowed:
            raise AccessDenied(said.replace(trust.ASSUME, action), hint=decision.explanation)
    return role


def _tags(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    tags = {tag["Key"]: tag["Value"] for tag in given}
    if len({key.lower() for key in tags}) != len(given):
        raise Validation("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    return tags


def session_policies(policy: str | None, arns: Sequence[Mapping[str, str]]) -> list[SessionPolicy]:
    """What a request limits its session to. Raises PackedPolicyTooLarge, Validation."""
    if policy is not None and len(policy) > _POLICY_AT_MOST:
        raise PackedPolicyTooLarge(f"A session policy has at most {_POLICY_AT_MOST} characters.")
    found: list[SessionPolicy] = [each.get("arn", "") for each in arns]
    if any(not str(arn).startswith("arn:") for arn in found):
        raise Validation("A session policy is named by its ARN.")
    return [*found, *([policy] if policy is not None else [])]


def assumed(role: Role, session_name: str, made: Credentials) -> Answer:
    """What every way of taking on a role answers."""
    answer: Answer = {
        "Credentials": _shown(made),
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role.role_id}:{session_name}",
            "Arn": names.session_arn(role.name, session_name),
        },
    }
    if made.packed_percent:
        answer["PackedPolicySize"] = made.packed_percent
    return answer


def _shown(made: Credentials) -> Answer:
    return {
        "AccessKeyId": made.access_key_id,
        "SecretAccessKey": made.secret_access_key.reveal(),
        "SessionToken": made.session_token,
        "Expiration": made.expiration,
    }
