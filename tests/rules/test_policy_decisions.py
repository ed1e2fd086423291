"""Decisions: the published evaluation logic, statement by statement and policy type by policy type."""

from typing import Any

import pytest

from poolhouse.policy import Effect, Lacking, Policy, Principal, Request, decide, examine, parse

ROOT = "arn:aws:iam::111122223333:root"
ANN = Principal("arn:aws:iam::111122223333:user/Ann")
ROLE = "arn:aws:iam::111122223333:role/team/App"
SESSION = Principal("arn:aws:sts::111122223333:assumed-role/App/ann", role=ROLE)
GUEST = Principal("cognito-identity.amazonaws.com", "Federated")
MINE, THEIRS = "111122223333", "444455556666"


def policy(*statements: dict[str, Any], name: str = "p", version: str = "2012-10-17") -> Policy:
    return parse({"Version": version, "Statement": list(statements)}, name=name)


def rule(effect: str, action: Any = "s3:*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def ask(*policies: Policy, action: str = "s3:GetObject", resource: str = "arn:aws:s3:::b/k", **context: Any) -> Effect:
    keys = {name.replace("_", ":", 1): value for name, value in context.items()}
    return decide(Request(action, resource, keys), policies).effect


ALLOW_ALL = policy(rule("Allow", "*"), name="all")
NOTHING = policy(rule("Allow", "none:Nothing"), name="nothing")


# --- Statements -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "action", "resource", "expected"),
    [
        (rule("Allow", "s3:GetObject"), "s3:GetObject", "x", True),
        (rule("Allow", "S3:getobject"), "s3:GetObject", "x", True),  # actions are not case-sensitive
        (rule("Allow", "s3:GetObject"), "S3:GETOBJECT", "x", True),
        (rule("Allow", "iam:*AccessKey*"), "iam:UpdateAccessKey", "x", True),
        (rule("Allow", "iam:*AccessKey*"), "iam:ListUsers", "x", False),
        (rule("Allow", ["s3:Put*", "s3:Get*"]), "s3:GetObject", "x", True),
        (rule("Allow", "*"), "anything:AtAll", "x", True),
        (rule("Allow", "s3:Get?bject"), "s3:GetObject", "x", True),
        (rule("Allow", resource="arn:aws:s3:::Bucket"), "s3:Get", "arn:aws:s3:::bucket", False),  # resources are
        (rule("Allow", resource=["arn:aws:s3:::a", "arn:aws:s3:::b/*"]), "s3:Get", "arn:aws:s3:::b/c/d", True),
        (rule("Allow", resource="arn:aws:sqs:us-*t:1:q"), "s3:Get", "arn:aws:sqs:us-east:1:at:1:q", False),
        (rule("Allow", resource="arn:aws:sqs:*:q"), "s3:Get", "arn:aws:sqs:us-east:1:q", True),
        (rule("Allow", resource="photos/*"), "s3:Get", "photos/1", True),  # our resource servers' names are no ARNs
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "s3:Get", "x", True),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "IAM:Get", "x", False),
        ({"Effect": "Allow", "NotAction": ["a:*", "s3:*"], "Resource": "*"}, "s3:Get", "x", False),
        ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::secret/*"}, "s3:Get", "arn:aws:s3:::a", True),
        ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::a*"}, "s3:Get", "arn:aws:s3:::a", False),
    ],
)
def test_a_statement_applies(statement: dict[str, Any], action: str, resource: str, expected: bool) -> None:
    assert decide(Request(action, resource), [policy(statement)]).allowed is expected


def test_nothing_is_allowed_without_a_statement_that_says_so() -> None:
    assert ask() is Effect.IMPLICIT_DENY
    assert ask(NOTHING) is Effect.IMPLICIT_DENY


def test_an_explicit_deny_wins_from_any_policy_and_place() -> None:
    deny = policy(rule("Deny"), name="no")
    assert ask(ALLOW_ALL, deny) is ask(deny, ALLOW_ALL) is Effect.EXPLICIT_DENY
    assert ask(policy(rule("Allow"), rule("Deny"))) is ask(policy(rule("Deny"), rule("Allow"))) is Effect.EXPLICIT_DENY


def test_a_deny_is_no_allow_of_the_rest() -> None:
    assert ask(policy(rule("Deny", "s3:Delete*"))) is Effect.IMPLICIT_DENY
    assert ask(policy({"Effect": "Deny", "NotAction": "s3:Get*", "Resource": "*"})) is Effect.IMPLICIT_DENY


def test_conditions_are_joined_by_and_their_values_by_or() -> None:
    both = policy(
        rule("Allow", Condition={
            "StringEquals": {"aws:a": ["1", "2"], "aws:b": "x"},
            "NumericLessThan": {"aws:c": 10},
        })
    )  # fmt: skip
    assert ask(both, aws_a="2", aws_b="x", aws_c=9) is Effect.ALLOW
    for wrong in ({"aws_a": "3"}, {"aws_b": "y"}, {"aws_c": 10}, {"aws_a": None}):
        assert ask(both, **{"aws_a": "2", "aws_b": "x", "aws_c": 9, **wrong}) is Effect.IMPLICIT_DENY


def test_deny_without_a_second_factor_reaches_those_whose_request_does_not_say() -> None:
    """The published pattern: BoolIfExists denies long-lived keys, which carry no such key; Bool would let them pass."""
    careful = policy(rule("Allow"), rule("Deny", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}))
    careless = policy(rule("Allow"), rule("Deny", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}}))
    assert ask(careful) is ask(careful, aws_MultiFactorAuthPresent=False) is Effect.EXPLICIT_DENY
    assert ask(careful, aws_MultiFactorAuthPresent=True) is Effect.ALLOW
    assert ask(careless) is Effect.ALLOW


def test_a_json_boolean_or_number_is_as_good_as_its_text() -> None:
    assert ask(policy(rule("Allow", Condition={"Bool": {"aws:x": True}})), aws_x="true") is Effect.ALLOW
    assert ask(policy(rule("Allow", Condition={"StringEquals": {"aws:x": 7}})), aws_x="7") is Effect.ALLOW


def test_a_single_statement_needs_no_list() -> None:
    single = parse({"Version": "2012-10-17", "Statement": rule("Allow")})
    assert ask(single) is Effect.ALLOW


# --- Variables --------------------------------------------------------------------------------------------------------

OWN = policy(rule("Allow", resource="arn:aws:s3:::b/${aws:username}/*"))


@pytest.mark.parametrize(
    ("resource", "username", "expected"),
    [
        ("arn:aws:s3:::b/ann/1.jpg", "ann", True),
        ("arn:aws:s3:::b/bob/1.jpg", "ann", False),
        ("arn:aws:s3:::b/bob/1.jpg", "*", False),
        ("arn:aws:s3:::b/bob/1.jpg", "b?b", False),
        ("arn:aws:s3:::b/*/1.jpg", "*", True),
        ("arn:aws:s3:::b/${aws:username}/1.jpg", "${aws:username}", True),
        ("arn:aws:s3:::b/${aws:username}/1.jpg", None, False),
        ("arn:aws:s3:::b//1.jpg", None, False),
        ("arn:aws:s3:::b/ann/1.jpg", ["ann", "bob"], False),
        ("arn:aws:s3:::b/x/y/1.jpg", "x/y", True),
    ],
)
def test_a_folder_of_ones_own(resource: str, username: Any, expected: bool) -> None:
    assert (ask(OWN, resource=resource, aws_username=username) is Effect.ALLOW) is expected


def test_variables_are_plain_text_in_the_older_language() -> None:
    old = policy(rule("Allow", resource="arn:aws:s3:::b/${aws:username}/*"), version="2008-10-17")
    assert ask(old, resource="arn:aws:s3:::b/ann/1", aws_username="ann") is Effect.IMPLICIT_DENY
    assert ask(old, resource="arn:aws:s3:::b/${aws:username}/1", aws_username="ann") is Effect.ALLOW


def test_a_document_without_a_version_is_of_the_older_language() -> None:
    old = parse({"Statement": rule("Allow", resource="arn:aws:s3:::b/${aws:username}/*")})
    assert old.version == "2008-10-17"
    assert ask(old, resource="arn:aws:s3:::b/ann/1", aws_username="ann") is Effect.IMPLICIT_DENY


def test_a_default_stands_in_for_an_absent_key() -> None:
    tagged = policy(rule("Allow", resource="arn:aws:s3:::b/${aws:PrincipalTag/team, 'company-wide'}/*"))
    with_tag: dict[str, Any] = {"aws:PrincipalTag/Team": "red"}
    for context, folder in (({}, "company-wide"), (with_tag, "red")):
        assert decide(Request("s3:Get", f"arn:aws:s3:::b/{folder}/1", context), [tagged]).allowed
    assert not decide(Request("s3:Get", "arn:aws:s3:::b/company-wide/1", with_tag), [tagged]).allowed


def test_escapes_mean_the_characters_themselves() -> None:
    starred = policy(rule("Allow", resource="arn:aws:s3:::b/${*}${?}${$}{x}*"))
    assert ask(starred, resource="arn:aws:s3:::b/*?${x}y") is Effect.ALLOW
    assert ask(starred, resource="arn:aws:s3:::b/aa${x}y") is Effect.IMPLICIT_DENY


def test_an_exception_that_is_unknown_allows_nothing_and_denies_everything() -> None:
    allow = policy({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b/${aws:username}/*"})
    assert ask(allow, aws_username="ann") is Effect.ALLOW
    assert ask(allow) is Effect.IMPLICIT_DENY
    deny = policy(rule("Allow"), {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::b/${aws:username}/*"})
    assert ask(deny, resource="arn:aws:s3:::b/ann/1", aws_username="ann") is Effect.ALLOW
    assert ask(deny, resource="arn:aws:s3:::b/ann/1") is Effect.EXPLICIT_DENY


# --- Boundaries, sessions, resources ----------------------------------------------------------------------------------

S3, EC2 = policy(rule("Allow"), name="s3"), policy(rule("Allow", "ec2:*"), name="ec2")
NO_S3 = policy(rule("Deny"), name="no")


@pytest.mark.parametrize(
    ("boundary", "session", "effect", "lacking"),
    [
        (None, [], Effect.ALLOW, ""),
        (S3, [], Effect.ALLOW, ""),
        (EC2, [], Effect.IMPLICIT_DENY, "boundary"),
        (None, [S3], Effect.ALLOW, ""),
        (None, [EC2], Effect.IMPLICIT_DENY, "session"),
        (None, [EC2, S3], Effect.ALLOW, ""),  # the session's policies together are one grant
        (S3, [S3], Effect.ALLOW, ""),
        (EC2, [S3], Effect.IMPLICIT_DENY, "boundary"),
        (S3, [EC2], Effect.IMPLICIT_DENY, "session"),
        (NO_S3, [], Effect.EXPLICIT_DENY, ""),
        (S3, [S3, NO_S3], Effect.EXPLICIT_DENY, ""),
    ],
)
def test_boundary_and_session_only_ever_limit(
    boundary: Policy | None, session: list[Policy], effect: Effect, lacking: str
) -> None:
    request = Request("s3:Get", "x", principal=ANN)
    decision = decide(request, [ALLOW_ALL], boundary=boundary, session_policies=session)
    assert (decision.effect, decision.lacking) == (effect, lacking)
    assert not decide(request, [], boundary=boundary, session_policies=session).allowed


def trusting(principal: Any, element: str = "Principal", effect: str = "Allow", **more: Any) -> Policy:
    return policy({"Effect": effect, element: principal, "Action": "*", "Resource": "*", **more}, name="resource")


@pytest.mark.parametrize(
    ("element", "principal", "expected"),
    [
        ("*", ANN, True),
        ({"AWS": "*"}, ANN, True),
        ({"AWS": ANN.name}, ANN, True),
        ({"AWS": [ANN.name, THEIRS]}, ANN, True),
        ({"AWS": "arn:aws:iam::111122223333:user/Bob"}, ANN, False),
        ({"AWS": ROLE}, SESSION, True),
        ({"AWS": SESSION.name}, SESSION, True),
        ({"AWS": MINE}, ANN, False),  # trusts the account: its own policies must choose the person
        ({"AWS": ROOT}, ANN, False),
        ({"AWS": THEIRS}, ANN, False),
        ({"Federated": "cognito-identity.amazonaws.com"}, GUEST, True),
        ({"Federated": "accounts.google.com"}, GUEST, False),
        ({"Service": "cognito-identity.amazonaws.com"}, GUEST, False),  # kinds are not mixed up
        ({"AWS": ANN.name}, GUEST, False),
    ],
)
def test_a_resource_policy_alone_within_one_account(element: Any, principal: Principal, expected: bool) -> None:
    request = Request("s3:Get", "x", principal=principal, resource_account=MINE)
    assert decide(request, [], resource_policies=[trusting(element)]).allowed is expected


@pytest.mark.parametrize("element", [MINE, ROOT])
def test_trust_in_the_account_leaves_the_choice_to_its_policies(element: str) -> None:
    request = Request("s3:Get", "x", principal=ANN, resource_account=MINE)
    trust = [trusting({"AWS": element})]
    assert decide(request, [], resource_policies=trust).lacking is Lacking.IDENTITY
    assert decide(request, [S3], resource_policies=trust).allowed


def test_a_person_named_by_the_resource_is_not_held_back_by_a_boundary_but_a_role_is() -> None:
    """Published: "Permissions boundaries for IAM entities", interaction with resource-based policies."""
    person = Request("s3:Get", "x", principal=ANN)
    assert decide(person, [], resource_policies=[trusting({"AWS": ANN.name})], boundary=EC2).allowed
    session = Request("s3:Get", "x", principal=SESSION)
    by_role, by_session = [trusting({"AWS": ROLE})], [trusting({"AWS": SESSION.name})]
    assert decide(session, [], resource_policies=by_role, boundary=EC2).lacking is Lacking.BOUNDARY
    assert decide(session, [], resource_policies=by_role, session_policies=[EC2]).lacking is Lacking.SESSION
    assert decide(session, [], resource_policies=by_role, boundary=S3, session_policies=[S3]).allowed
    assert decide(session, [], resource_policies=by_session, boundary=EC2, session_policies=[EC2]).allowed
    assert decide(session, [], resource_policies=[trusting("*")], boundary=EC2).lacking is Lacking.BOUNDARY


def test_between_accounts_both_sides_must_agree() -> None:
    request = Request("s3:Get", "x", principal=ANN, resource_account=THEIRS)
    trust = [trusting({"AWS": ANN.name})]
    assert decide(request, [S3]).lacking is Lacking.RESOURCE
    assert decide(request, [], resource_policies=trust).lacking is Lacking.IDENTITY
    assert decide(request, [S3], resource_policies=trust).allowed
    assert decide(request, [S3], resource_policies=[trusting({"AWS": MINE})]).allowed
    assert decide(request, [S3], resource_policies=trust, boundary=EC2).lacking is Lacking.BOUNDARY
    assert decide(request, [], resource_policies=[trusting("*")]).lacking is Lacking.IDENTITY
    session = Request("s3:Get", "x", principal=SESSION, resource_account=THEIRS)
    assert decide(session, [], resource_policies=[trusting({"AWS": ROLE})]).lacking is Lacking.IDENTITY
    assert decide(session, [S3], resource_policies=[trusting({"AWS": ROLE})]).allowed
    guest = Request("s3:Get", "x", principal=GUEST, resource_account=THEIRS)
    assert decide(guest, [], resource_policies=[trusting({"Federated": GUEST.name})]).allowed


def test_the_closest_of_several_names_counts() -> None:
    person, account = trusting({"AWS": ANN.name}), trusting({"AWS": MINE})
    for policies in ([person, account], [account, person]):
        assert decide(Request("s3:Get", "x", principal=ANN), [], resource_policies=policies).allowed


def test_a_resources_statement_that_names_nobody_lets_nobody_in_and_keeps_everybody_out() -> None:
    request = Request("s3:Get", "x", principal=ANN)
    assert not decide(request, [], resource_policies=[S3]).allowed
    assert {by.layer for by in decide(request, [S3], resource_policies=[S3]).statements} == {"identity"}
    assert decide(request, [S3], resource_policies=[NO_S3]).effect is Effect.EXPLICIT_DENY


@pytest.mark.parametrize(
    ("listed", "principal", "denied"),
    [
        # The published example: Bob's account and Bob himself are both named, or Bob is denied with the others.
        ([ROOT, ANN.name], ANN, False),
        ([ANN.name], ANN, True),
        ([ROOT], ANN, True),
        ([ROOT, "arn:aws:iam::111122223333:user/Bob"], ANN, True),
        ([ROOT, ROLE, SESSION.name], SESSION, False),
        ([ROOT, SESSION.name], SESSION, True),
        ([ROOT, ROLE], SESSION, True),
        ([MINE, ANN.name], ANN, False),
        ([ROOT, ANN.name], GUEST, True),
    ],
)
def test_deny_with_notprincipal_spares_only_who_is_wholly_named(
    listed: list[str], principal: Principal, denied: bool
) -> None:
    request = Request("s3:Get", "x", principal=principal)
    policies = [trusting({"AWS": listed}, "NotPrincipal", "Deny"), trusting("*")]
    assert (decide(request, [], resource_policies=policies).effect is Effect.EXPLICIT_DENY) is denied


def test_notprincipal_of_everybody_is_nobody() -> None:
    for everybody in ("*", {"AWS": "*"}):
        policies = [trusting(everybody, "NotPrincipal", "Deny"), trusting(everybody, "NotPrincipal"), trusting("*")]
        decision = decide(Request("s3:Get", principal=GUEST), [], resource_policies=policies)
        assert (decision.effect, len(decision.statements)) == (Effect.ALLOW, 1)
    federated = trusting({"Federated": "*"}, "NotPrincipal", "Deny")
    for principal, effect in ((GUEST, Effect.ALLOW), (ANN, Effect.EXPLICIT_DENY)):
        request = Request("s3:Get", principal=principal)
        assert decide(request, [], resource_policies=[federated, trusting("*")]).effect is effect


def test_allow_with_notprincipal_leaves_out_who_is_named_in_any_way() -> None:
    policies = [trusting({"AWS": ROOT}, "NotPrincipal")]
    assert not decide(Request("s3:Get", principal=ANN), [], resource_policies=policies).allowed
    bob = Principal("arn:aws:iam::444455556666:user/Bob")
    assert decide(Request("s3:Get", principal=bob), [], resource_policies=policies).allowed


TRUST = parse(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Federated": "cognito-identity.amazonaws.com"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {"cognito-identity.amazonaws.com:aud": "us-east-1:pool"},
                "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
            },
        },
    },
    name="trust",
    kind="trust",
)


@pytest.mark.parametrize(
    ("aud", "amr", "action", "expected"),
    [
        ("us-east-1:pool", ["authenticated", "cognito-idp"], "sts:AssumeRoleWithWebIdentity", True),
        ("us-east-1:pool", ["unauthenticated"], "sts:AssumeRoleWithWebIdentity", False),
        ("us-east-1:pool", [], "sts:AssumeRoleWithWebIdentity", False),
        ("us-east-1:else", ["authenticated"], "sts:AssumeRoleWithWebIdentity", False),
        (None, ["authenticated"], "sts:AssumeRoleWithWebIdentity", False),
        ("us-east-1:pool", ["authenticated"], "sts:AssumeRole", False),
    ],
)
def test_a_role_that_trusts_one_identity_pools_signed_in_people(
    aud: str | None, amr: list[str], action: str, expected: bool
) -> None:
    context = {"cognito-identity.amazonaws.com:aud": aud, "cognito-identity.amazonaws.com:amr": amr}
    request = Request(action, ROLE, context, GUEST, MINE)
    assert decide(request, [], resource_policies=[TRUST]).allowed is expected


# --- Why --------------------------------------------------------------------------------------------------------------


def test_a_decision_names_the_statements_responsible() -> None:
    guarded = policy(
        rule("Allow", Sid="Read"), rule("Deny", "s3:Get*", Sid="NoRead"), rule("Deny", Sid="Nothing"), name="guarded"
    )
    decision = decide(Request("s3:GetObject", "arn:aws:s3:::b"), [ALLOW_ALL, guarded])
    assert [(by.policy, by.sid, by.index, by.layer) for by in decision.statements] == [
        ("guarded", "NoRead", 1, "identity"),
        ("guarded", "Nothing", 2, "identity"),
    ]
    assert "Statement[1] ('NoRead') of the identity policy 'guarded'" in decision.explanation
    assert "explicit deny wins" in decision.explanation

    allowed = decide(Request("s3:GetObject"), [ALLOW_ALL], boundary=S3, session_policies=[S3])
    assert [(by.policy, by.layer) for by in allowed.statements] == [
        ("all", "identity"), ("s3", "boundary"), ("s3", "session"),
    ]  # fmt: skip
    assert "allowed by Statement[0] of the identity policy 'all'" in allowed.explanation


@pytest.mark.parametrize("lacking", [lacking for lacking in Lacking if lacking])
def test_every_way_not_to_be_allowed_has_a_sentence(lacking: Lacking) -> None:
    request = Request("s3:Get", "x", principal=ANN, resource_account=THEIRS if lacking is Lacking.RESOURCE else MINE)
    decision = {
        Lacking.ALLOW: lambda: decide(request, []),
        Lacking.BOUNDARY: lambda: decide(request, [S3], boundary=EC2),
        Lacking.SESSION: lambda: decide(request, [S3], session_policies=[EC2]),
        Lacking.IDENTITY: lambda: decide(request, [], resource_policies=[trusting({"AWS": MINE})]),
        Lacking.RESOURCE: lambda: decide(request, [S3]),
    }[lacking]()
    assert decision.lacking is lacking
    assert decision.statements == ()
    assert decision.explanation.startswith("'s3:Get' on 'x' is not allowed: ")


def test_examine_says_where_each_statement_fails_to_fit() -> None:
    statements = policy(
        rule("Allow", "ec2:*"),
        rule("Allow", resource="arn:aws:s3:::else"),
        rule("Allow", Condition={"StringEquals": {"aws:x": "1"}}),
        rule("Allow"),
        {"Effect": "Allow", "NotAction": "s3:*", "NotResource": "x"},
        {"Effect": "Allow", "Action": "*", "NotResource": "x"},
        {"Effect": "Allow", "Principal": {"AWS": THEIRS}, "Action": "*"},
    )
    found = [finding.mismatch for finding in examine(Request("s3:Get", "x", principal=ANN), [statements])]
    assert found == [
        "Action", "Resource", "Condition.StringEquals[aws:x]", "", "NotAction", "NotResource", "Principal",
    ]  # fmt: skip


def test_a_policy_knows_the_keys_it_asks_about() -> None:
    curious = policy(
        rule(
            "Allow",
            resource=["x/${aws:UserName}", "${aws:PrincipalTag/a b, 'none'}"],
            Condition={"StringLike": {"aws:Referer": "${sub}*"}, "Bool": {"aws:SecureTransport": True}},
        )
    )
    assert curious.context_keys == {"aws:username", "aws:principaltag/a b", "aws:referer", "sub", "aws:securetransport"}
