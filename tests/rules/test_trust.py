"""Trust policies enforced: who may take on a role, with which claims, and what is never enough."""

from __future__ import annotations

from typing import Any

import pytest

from poolhouse import policy
from poolhouse.access import trust
from poolhouse.access.roles import Role
from poolhouse.core.errors import AccessDenied
from poolhouse.policy import Policy, Principal

COGNITO = "cognito-identity.amazonaws.com"
ACCOUNT = "000000000000"
POOL = "us-east-1:11111111-1111-1111-1111-111111111111"
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"


def parsed(*statements: dict[str, Any], kind: Any = "trust") -> Policy:
    return policy.parse({"Version": "2012-10-17", "Statement": list(statements)}, name="t", kind=kind)


def role(*statements: dict[str, Any]) -> Role:
    return Role("r", f"arn:aws:iam::{ACCOUNT}:role/r", "AROA", parsed(*statements), (), None, 3600, "built_in", {})


def web(
    principal: str = COGNITO, action: Any = trust.WEB_IDENTITY, effect: str = "Allow", **amr: Any
) -> dict[str, Any]:
    condition: dict[str, Any] = {"StringEquals": {f"{COGNITO}:aud": POOL}}
    if amr:
        condition["ForAnyValue:StringLike"] = {f"{COGNITO}:amr": amr["amr"]}
    return {"Effect": effect, "Principal": {"Federated": principal}, "Action": action, "Condition": condition}


def claims(pool: str = POOL, *amr: str) -> dict[str, Any]:
    return {
        f"{COGNITO}:aud": pool,
        f"{COGNITO}:sub": "us-east-1:someone",
        f"{COGNITO}:amr": list(amr) or ["authenticated"],
    }


def test_an_identity_of_the_named_pool_is_let_in() -> None:
    trust.check(role(web()), trust.WEB_IDENTITY, COGNITO, claims())


@pytest.mark.parametrize(
    ("trusting", "principal", "given"),
    [
        (web(), COGNITO, claims("us-east-1:22222222-2222-2222-2222-222222222222")),
        (web(), "accounts.google.com", claims()),
        (web(principal="accounts.google.com"), COGNITO, claims()),
        (web(action="sts:AssumeRole"), COGNITO, claims()),
        (web(amr="authenticated"), COGNITO, claims(POOL, "unauthenticated")),
        (web(), COGNITO, {}),
        (web(), COGNITO, {f"{COGNITO}:sub": "us-east-1:someone"}),
    ],
    ids=["another pool", "another provider", "trusts another", "another action", "a guest", "no claims", "no audience"],
)
def test_who_is_not_let_in(trusting: dict[str, Any], principal: str, given: dict[str, Any]) -> None:
    with pytest.raises(AccessDenied, match=r"^Not authorized to perform sts:AssumeRoleWithWebIdentity$"):
        trust.check(role(trusting), trust.WEB_IDENTITY, principal, given)


def test_the_way_of_signing_in_decides_where_the_role_asks() -> None:
    signed_in = web(amr="authenticated")
    trust.check(role(signed_in), trust.WEB_IDENTITY, COGNITO, claims(POOL, "authenticated", "accounts.google.com"))
    through_google = web(amr="accounts.google.com")
    trust.check(role(through_google), trust.WEB_IDENTITY, COGNITO, claims(POOL, "authenticated", "accounts.google.com"))
    with pytest.raises(AccessDenied):
        trust.check(
            role(through_google), trust.WEB_IDENTITY, COGNITO, claims(POOL, "authenticated", "graph.facebook.com")
        )


def test_a_deny_wins_over_every_allow_in_whatever_name_the_provider_is_asked() -> None:
    denying = role(web(), web(effect="Deny"))
    with pytest.raises(AccessDenied):
        trust.check(denying, trust.WEB_IDENTITY, COGNITO, claims())
    other = "arn:aws:iam::000000000000:oidc-provider/one"
    two = role(web(principal=other), web(effect="Deny"))
    with pytest.raises(AccessDenied):
        trust.check(two, trust.WEB_IDENTITY, (other, COGNITO), claims())


def test_tags_need_the_right_to_tag() -> None:
    tagged = {**claims(), "aws:RequestTag/team": "red"}
    with pytest.raises(AccessDenied):
        trust.check(role(web()), trust.WEB_IDENTITY, COGNITO, tagged)
    trust.check(role(web(action=[trust.WEB_IDENTITY, trust.TAG_SESSION])), trust.WEB_IDENTITY, COGNITO, tagged)


def test_a_claim_that_no_policy_can_read_lets_nobody_in() -> None:
    with pytest.raises(AccessDenied):
        trust.check(role(web()), trust.WEB_IDENTITY, COGNITO, {**claims(), f"{COGNITO}:AUD": "twice"})


# --- callers of the account -----------------------------------------------------------------------------------------


def aws(principal: str, effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}


def own(effect: str, resource: str = "*") -> Policy:
    return parsed({"Effect": effect, "Action": "sts:AssumeRole", "Resource": resource}, kind="identity")


OTHER = f"arn:aws:iam::{ACCOUNT}:role/other"


@pytest.mark.parametrize(
    ("trusting", "policies", "allowed"),
    [
        ([aws(ANN)], [], True),
        ([aws(ANN)], [own("Deny")], False),
        ([aws(f"arn:aws:iam::{ACCOUNT}:root")], [], False),
        ([aws(f"arn:aws:iam::{ACCOUNT}:root")], [own("Allow")], True),
        ([aws(f"arn:aws:iam::{ACCOUNT}:root")], [own("Allow", OTHER)], False),
        ([aws(f"arn:aws:iam::{ACCOUNT}:user/bob")], [own("Allow")], False),
        ([aws("arn:aws:iam::111111111111:root")], [own("Allow")], False),
        ([aws(ANN), aws(ANN, "Deny")], [own("Allow")], False),
        ([web()], [own("Allow")], False),
    ],
    ids=[
        "named in person", "named, but their own deny", "the account, but no policy", "the account and a policy",
        "the account, and a policy for another role", "somebody else is named", "another account",
        "allowed and denied", "web identities only",
    ],
)  # fmt: skip
def test_both_sides_decide_who_of_the_account_may(
    trusting: list[dict[str, Any]], policies: list[Policy], allowed: bool
) -> None:
    decision = trust.check_caller(
        role(*trusting), trust.ASSUME, Principal(ANN, account=ACCOUNT), {}, identity_policies=policies
    )
    assert decision.allowed is allowed


def test_a_boundary_and_a_session_policy_limit_the_account_s_trust() -> None:
    trusting = role(aws(f"arn:aws:iam::{ACCOUNT}:root"))
    other = own("Allow", OTHER)
    ann = Principal(ANN, account=ACCOUNT)
    for limits in ({"boundary": other}, {"session_policies": (other,)}):
        decision = trust.check_caller(
            trusting,
            trust.ASSUME,
            ann,
            {},
            identity_policies=[own("Allow")],
            **limits,  # type: ignore[arg-type]
        )
        assert not decision.allowed
