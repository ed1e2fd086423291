"""The linter: each fault of a document is found, and its path leads to it."""

from typing import Any

import pytest

from poolhouse.policy import Fault, MalformedPolicy, lint, parse
from poolhouse.policy.lint import Kind

GOOD: dict[str, Any] = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
WHOM: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": "s3:Get*", "Resource": "*"}
TRUST: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Federated": "cognito-identity.amazonaws.com"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": "us-east-1:pool"}},
}


def document(*statements: Any, **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements), **more}


def changed(**elements: Any) -> dict[str, Any]:
    return {name: value for name, value in {**GOOD, **elements}.items() if value is not ...}


def when(operator: str, keys: Any) -> dict[str, Any]:
    return changed(Condition={operator: keys})


def errors(given: Any, kind: Kind = "any") -> list[str]:
    return [fault.path for fault in lint(given, kind=kind) if fault.severity == "error"]


def test_a_good_document_has_no_fault() -> None:
    assert lint(document(GOOD, Id="x")) == ()
    assert lint(document(GOOD), kind="identity") == lint(document(WHOM), kind="resource") == ()
    assert lint(document(TRUST), kind="trust") == ()
    assert lint({"Version": "2008-10-17", "Statement": GOOD}) == ()


S = "$.Statement[0]"


@pytest.mark.parametrize(
    ("statement", "path"),
    [
        (changed(Effect=...), S),
        (changed(Effect="allow"), f"{S}.Effect"),
        (changed(Effect=["Allow"]), f"{S}.Effect"),
        (changed(Action=...), S),
        (changed(Action=[]), f"{S}.Action"),
        (changed(Action=["s3:Get", "s3"]), f"{S}.Action[1]"),
        (changed(Action=""), f"{S}.Action"),
        (changed(Action="s3:"), f"{S}.Action"),
        (changed(Action="s3:Get Object"), f"{S}.Action"),
        (changed(Action="${aws:username}:x"), f"{S}.Action"),
        (changed(Action=["s3:Get", 7]), f"{S}.Action[1]"),
        (changed(Action={"s3": "Get"}), f"{S}.Action"),
        (changed(NotAction="s3:*"), S),
        (changed(Resource=...), S),
        (changed(Resource=[]), f"{S}.Resource"),
        (changed(Resource=""), f"{S}.Resource"),
        (changed(Resource=None), f"{S}.Resource"),
        (changed(Resource=["*", "arn:aws:s3"]), f"{S}.Resource[1]"),
        (changed(Resource="arn:aws:s3:${aws:username}"), f"{S}.Resource"),
        (changed(Resource="a/${aws:username"), f"{S}.Resource"),
        (changed(Resource="a/${}"), f"{S}.Resource"),
        (changed(Resource="a/${ aws:username}"), f"{S}.Resource"),
        (changed(Resource="a/${aws:username, none}"), f"{S}.Resource"),
        (changed(Resource="a/${aws:username, 'x}"), f"{S}.Resource"),
        (changed(Resource="a/${aws:{username}}"), f"{S}.Resource"),
        (changed(Resource="a/${#}"), f"{S}.Resource"),
        (changed(Resource="x" * 2049), f"{S}.Resource"),
        (changed(NotResource="*"), S),
        (changed(Sid=1), f"{S}.Sid"),
        (changed(effect="Allow"), f"{S}.effect"),
        (changed(Actions="s3:*"), f"{S}.Actions"),
        (changed(**{"a b": 1}), f"{S}['a b']"),
        (changed(Condition=[]), f"{S}.Condition"),
        (when("StringEqual", {"k": "v"}), f"{S}.Condition.StringEqual"),
        (when("ForAnyValue:StringLik", {"k": "v"}), f"{S}.Condition['ForAnyValue:StringLik']"),
        (when("NullIfExists", {"k": "true"}), f"{S}.Condition.NullIfExists"),
        (when("StringEquals", "k"), f"{S}.Condition.StringEquals"),
        (when("StringEquals", {"aws:k": {"a": 1}}), f"{S}.Condition.StringEquals['aws:k']"),
        (when("StringEquals", {"aws:k": ["a", None]}), f"{S}.Condition.StringEquals['aws:k'][1]"),
        (when("StringEquals", {"": "v"}), f"{S}.Condition.StringEquals['']"),
        (when("StringEquals", {"k": "v", "K": "v"}), f"{S}.Condition.StringEquals.K"),
        (when("NumericEquals", {"k": ["1", "one"]}), f"{S}.Condition.NumericEquals.k[1]"),
        (when("NumericEquals", {"k": "${aws:x}"}), f"{S}.Condition.NumericEquals.k"),
        (when("DateLessThan", {"k": "soon"}), f"{S}.Condition.DateLessThan.k"),
        (when("IpAddress", {"k": "10.0.0.0/40"}), f"{S}.Condition.IpAddress.k"),
        (when("Bool", {"k": "perhaps"}), f"{S}.Condition.Bool.k"),
        (when("Bool", {"k": ["true", "false"]}), f"{S}.Condition.Bool.k"),
        (when("Null", {"k": "perhaps"}), f"{S}.Condition.Null.k"),
        (when("BinaryEquals", {"k": "%"}), f"{S}.Condition.BinaryEquals.k"),
        (when("ArnLike", {"k": "role/x"}), f"{S}.Condition.ArnLike.k"),
        (when("StringLike", {"k": "${x"}), f"{S}.Condition.StringLike.k"),
        (when("StringLike", {"k": "*" * 2049}), f"{S}.Condition.StringLike.k"),
        (changed(Principal="me"), f"{S}.Principal"),
        (changed(Principal=None), f"{S}.Principal"),
        (changed(Principal={}), f"{S}.Principal"),
        (changed(Principal={"Aws": "*"}), f"{S}.Principal.Aws"),
        (changed(Principal={"AWS": []}), f"{S}.Principal.AWS"),
        (changed(Principal={"AWS": ["*", "1234"]}), f"{S}.Principal.AWS[1]"),
        (changed(Principal={"AWS": "arn:aws:iam::123456789012:role/*"}), f"{S}.Principal.AWS"),
        (changed(Principal={"AWS": "arn:aws:s3:::bucket"}), f"{S}.Principal.AWS"),
        (changed(Principal={"Federated": 5}), f"{S}.Principal.Federated"),
        (changed(Principal={"Service": ""}), f"{S}.Principal.Service"),
        (changed(Principal="*", NotPrincipal="*"), S),
        (None, S),
        ("Allow", S),
        ([GOOD], S),
    ],
)
def test_a_fault_of_a_statement_is_found_at_its_place(statement: Any, path: str) -> None:
    assert errors(document(statement)) == [path]
    with pytest.raises(MalformedPolicy) as refused:
        parse(document(statement))
    assert [fault.path for fault in refused.value.faults] == [path]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"Version": "2012-10-17"}, "$"),
        ({"Version": "2012-10-18", "Statement": GOOD}, "$.Version"),
        ({"Version": 2012, "Statement": GOOD}, "$.Version"),
        ({"Version": ["2012-10-17"], "Statement": GOOD}, "$.Version"),
        ({"Version": None, "Statement": GOOD}, "$.Version"),
        (document(), "$.Statement"),
        (document(GOOD, Id=1), "$.Id"),
        (document(GOOD, Name="x"), "$.Name"),
        ({"Version": "2012-10-17", "Statement": changed(Effect="?")}, "$.Statement.Effect"),
        ({"Version": "2012-10-17", "Statement": "x"}, "$.Statement"),
        (document(changed(Sid="A"), changed(Sid="B"), changed(Sid="A")), "$.Statement[2].Sid"),
        ({1: 2}, "$"),
        ("", "$"),
        ("[]", "$"),
        ("null", "$"),
        ('{"Statement": NaN}', "$"),
        (b"\xff\xfe", "$"),
        (None, "$"),
        (7, "$"),
    ],
)
def test_a_fault_of_the_document_is_found_at_its_place(given: Any, path: str) -> None:
    assert errors(given) == [path]


@pytest.mark.parametrize(
    ("kind", "statement", "path"),
    [
        ("identity", changed(Principal="*"), f"{S}.Principal"),
        ("identity", changed(Sid="not allowed"), f"{S}.Sid"),
        ("identity", changed(Sid="naïve"), f"{S}.Sid"),
        ("resource", GOOD, S),
        ("trust", changed(Resource=..., Action="sts:AssumeRole"), S),
        ("trust", {**TRUST, "Resource": "*"}, f"{S}.Resource"),
        ("trust", {**TRUST, "Action": "s3:*"}, f"{S}.Action"),
        ("trust", {**TRUST, "Condition": {}}, S),
        ("trust", {**TRUST, "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:sub": "x"}}}, S),
        ("trust", {**TRUST, "Principal": {"Federated": ["x.y", "cognito-identity.amazonaws.com"]}, "Condition": {}}, S),
    ],
)
def test_a_policy_must_fit_where_it_will_stand(kind: Kind, statement: Any, path: str) -> None:
    assert errors(document(statement), kind) == [path]


def test_a_deny_in_a_trust_policy_need_not_name_the_identity_pool() -> None:
    assert errors(document({**TRUST, "Effect": "Deny", "Condition": {}}), "trust") == []


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"Statement": GOOD}, "$"),
        ({"Version": "2008-10-17", "Statement": changed(Resource="a/${aws:username}")}, "$.Statement.Resource"),
        (document(changed(Principal=..., NotPrincipal="*")), f"{S}.NotPrincipal"),
        (document({"Effect": "Allow", "NotAction": "a:b", "NotResource": "x"}), S),
        (
            {"Version": "2008-10-17", "Statement": when("StringLike", {"k": "${aws:username}"})},
            "$.Statement.Condition.StringLike.k",
        ),
        (document(changed(Action="s*:Get")), f"{S}.Action"),
        (document(changed(Resource="arn:aws:s*:::b")), f"{S}.Resource"),
        (document(changed(Principal={"Federated": "*"})), f"{S}.Principal.Federated"),
        (document(when("StringEquals", {"k": "a*"})), f"{S}.Condition.StringEquals.k"),
        (document(when("StringEquals", {"k": []})), f"{S}.Condition.StringEquals.k"),
        (document(when("ForAllValues:StringEquals", {"k": "a"})), f"{S}.Condition['ForAllValues:StringEquals'].k"),
    ],
)
def test_what_is_lawful_but_hardly_meant_is_a_warning(given: Any, path: str) -> None:
    assert [(fault.path, fault.severity) for fault in lint(given)] == [(path, "warning")]
    parse(given)


def test_a_guard_against_the_absent_key_silences_the_warning() -> None:
    guarded = changed(Condition={"ForAllValues:StringEquals": {"aws:TagKeys": "a"}, "Null": {"aws:tagkeys": "false"}})
    assert lint(document(guarded)) == ()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"Version": "2012-10-17", "Version": "2008-10-17", "Statement": []}', "$.Version"),
        ('{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}]}',
         f"{S}.Effect"),
        ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*",'
         '"Condition":{"Bool":{"aws:x":"true","aws:x":"false"}}}]}', f"{S}.Condition.Bool['aws:x']"),
    ],
)  # fmt: skip
def test_a_member_given_twice_is_refused(text: str, path: str) -> None:
    """Two readers that each believe another one of the two would see two different policies."""
    assert path in errors(text)


def test_all_faults_are_reported_at_once_and_in_one_message() -> None:
    with pytest.raises(MalformedPolicy) as refused:
        parse(document(changed(Effect="No"), changed(Action="x", Resource="")))
    assert [fault.path for fault in refused.value.faults] == [
        "$.Statement[0].Effect", "$.Statement[1].Action", "$.Statement[1].Resource",
    ]  # fmt: skip
    assert str(refused.value) == f"{refused.value.faults[0]} (and 2 more)"


def test_a_near_miss_is_named() -> None:
    messages = [fault.message for fault in lint(document(changed(Actions="s3:*"), when("StringsEquals", {"k": "v"})))]
    assert "did you mean Action" in messages[0]
    assert "did you mean StringEquals" in messages[1]


def test_a_fault_reads_as_path_and_sentence() -> None:
    assert str(Fault("$.Version", "must be 2012-10-17")) == "$.Version: must be 2012-10-17"


def test_syntax_errors_say_where() -> None:
    (fault,) = lint('{\n "Version": }')
    assert "line 2, column 13" in fault.message
