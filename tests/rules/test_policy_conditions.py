"""Condition operators against facts of the published reference "IAM JSON policy elements: Condition operators"."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from poolhouse.policy import InvalidRequest, PolicyError, Request
from poolhouse.policy.condition import Condition, read_operator
from poolhouse.policy.operators import OPERATORS
from poolhouse.policy.values import Value

ABSENT: tuple[str, ...] = ()
ROLE = "arn:aws:iam::123456789012:role/App"


def holds(operator: str, wanted: str | list[str], given: Value, **others: Value) -> bool:
    values = [wanted] if isinstance(wanted, str) else wanted
    context = {"test:Key": given, **{name.replace("_", ":", 1): value for name, value in others.items()}}
    return Condition(operator, "Test:key", values, "2012-10-17").holds(Request("a:b", "*", context).keys)


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"),
    [
        ("StringEquals", "Ann", "Ann", True),
        ("StringEquals", "Ann", "ann", False),
        ("StringEquals", "A*", "Ann", False),
        ("StringEquals", "A*", "A*", True),
        ("StringEquals", ["Ann", "Bob"], "Bob", True),
        ("StringNotEquals", "Ann", "Bob", True),
        ("StringNotEquals", ["Ann", "Bob"], "Bob", False),  # several values of a Not operator: none of them
        ("StringEqualsIgnoreCase", "Ann", "aNN", True),
        ("StringNotEqualsIgnoreCase", "Ann", "aNN", False),
        ("StringLike", "home/?nn/*", "home/Ann/x/y", True),
        ("StringLike", "home/ann/*", "home/Ann/x", False),
        ("StringLike", ["x", "y*"], "yes", True),
        ("StringNotLike", "home/*", "home/x", False),
        ("StringNotLike", "home/*", "else", True),
        ("NumericEquals", "10", 10, True),
        ("NumericEquals", "10", "10.0", True),
        ("NumericEquals", "0.3", 0.3, True),
        ("NumericEquals", "0.3", 0.1 + 0.2, False),  # as decimal digits, 0.30000000000000004
        ("NumericNotEquals", "10", 11, True),
        ("NumericNotEquals", "10", Decimal("10.00"), False),
        ("NumericLessThan", "10", 9, True),
        ("NumericLessThan", "10", 10, False),
        ("NumericLessThan", "10", "9" * 3, False),  # 999: numbers, not text
        ("NumericLessThanEquals", "10", 10, True),
        ("NumericGreaterThan", "10", 10, False),
        ("NumericGreaterThan", "-1", 0, True),
        ("NumericGreaterThanEquals", "10", 10, True),
        ("NumericLessThan", "10", "ten", False),
        ("NumericGreaterThan", "10", "ten", False),
        ("NumericNotEquals", "10", "ten", True),
        ("NumericLessThan", "10", "1e-3", False),  # neither whole nor decimal
        ("DateEquals", "2026-01-01T00:00:00Z", "2026-01-01", True),
        ("DateEquals", "2026-01-01T00:00:00Z", "1767225600", True),
        ("DateEquals", "1767225600", datetime(2026, 1, 1, tzinfo=UTC), True),
        ("DateEquals", "2026-01-01T02:00:00+02:00", "2026-01-01T00:00Z", True),
        ("DateEquals", "2026-01-01T00:00:00Z", datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), True),
        ("DateEquals", "2026-01-01T00:00:00-05:30", "2026-01-01T05:30Z", True),
        ("DateEquals", "2026", "2026-01-01T00:00:00.0Z", True),
        ("DateNotEquals", "2026", "2027", True),
        ("DateLessThan", "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.4Z", True),
        ("DateLessThanEquals", "2026-01", "2026-01-01", True),
        ("DateGreaterThan", "2026-01-01", "2026-01-01T00:00:01Z", True),
        ("DateGreaterThanEquals", "2026-01-02", "2026-01-01T23:59:59Z", False),
        ("DateLessThan", "2026-01-01", "tomorrow", False),
        ("DateLessThan", "2026-01-01", "2025-02-30", False),
        ("Bool", "true", True, True),
        ("Bool", "true", "True", True),
        ("Bool", "false", True, False),
        ("Bool", "true", "yes", False),
        ("BinaryEquals", base64.b64encode(b"\x00\xff").decode(), b"\x00\xff", True),
        ("BinaryEquals", base64.b64encode(b"\x00\xff").decode(), "AP8=", True),
        ("BinaryEquals", "AP8=", b"\x00", False),
        ("BinaryEquals", "AP8=", "not base 64!", False),
        ("IpAddress", "203.0.113.0/24", "203.0.113.255", True),
        ("IpAddress", "203.0.113.0/24", "203.0.114.0", False),
        ("IpAddress", "203.0.113.7", "203.0.113.7", True),
        ("IpAddress", "2001:db8:1234:5678::/64", "2001:db8:1234:5678::9", True),
        ("IpAddress", "203.0.113.0/24", "2001:db8::1", False),
        ("IpAddress", ["203.0.113.0/24", "2001:db8::/32"], "2001:db8::1", True),
        ("IpAddress", "203.0.113.0/24", "localhost", False),
        ("NotIpAddress", "203.0.113.0/24", "203.0.113.7", False),
        ("NotIpAddress", "203.0.113.0/24", "198.51.100.1", True),
        ("ArnEquals", ROLE, ROLE, True),
        ("ArnEquals", "arn:aws:iam::*:role/A*", ROLE, True),  # ArnEquals and ArnLike behave alike
        ("ArnLike", "arn:aws:iam::123456789012:role/?pp", ROLE, True),
        ("ArnLike", "arn:aws:iam::*", ROLE, True),
        ("ArnLike", "*", ROLE, True),
        ("ArnLike", "arn:aws:*:::x", "arn:aws:s3:a:b:x", False),  # each of the six parts is compared by itself
        ("ArnLike", "arn:aws:*:1:x:y", "arn:aws:s3:eu:1:x:y", False),
        ("ArnLike", "arn:aws:sns:*:*:t", "arn:aws:sns:eu:1:t", True),
        ("ArnLike", "*", "no arn", False),
        ("ArnLike", "*", "urn:a:b:c:d:e", False),
        ("ArnNotEquals", ROLE, "arn:aws:iam::123456789012:role/Other", True),
        ("ArnNotLike", "arn:aws:iam::*:role/*", ROLE, False),
        ("Null", "true", ABSENT, True),
        ("Null", "true", "x", False),
        ("Null", "false", "x", True),
        ("Null", "false", ABSENT, False),
        ("Null", "false", ["", ""], False),
    ],
)  # fmt: skip
def test_operators(operator: str, wanted: str | list[str], given: Value, expected: bool) -> None:
    assert holds(operator, wanted, given) is expected


SAMPLES = {
    "String": "x",
    "Numeric": "1",
    "Date": "2026-01-01",
    "Bool": "true",
    "Binary": "AP8=",
    "Ip": "192.0.2.1",
    "Arn": ROLE,
}


def sample(operator: str) -> str:
    return next(text for prefix, text in SAMPLES.items() if operator.removeprefix("Not").startswith(prefix))


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_an_absent_key_is_false_except_where_a_difference_is_asked_for(operator: str) -> None:
    assert holds(operator, sample(operator), ABSENT) is ("Not" in operator)
    assert holds(operator, sample(operator), None) is ("Not" in operator)


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_if_exists_is_true_for_an_absent_key_and_changes_nothing_else(operator: str) -> None:
    wanted = sample(operator)
    assert holds(f"{operator}IfExists", wanted, ABSENT) is True
    for given in (wanted, "zzz", "7"):
        assert holds(f"{operator}IfExists", wanted, given) is holds(operator, wanted, given)


@pytest.mark.parametrize("operator", sorted(name for name in OPERATORS if "Not" in name))
def test_a_not_operator_is_the_opposite(operator: str) -> None:
    opposite = operator.replace("Not", "")
    for given in (sample(operator), "zzz", ["zzz", sample(operator)], ABSENT):
        assert holds(operator, sample(operator), given) is not holds(opposite, sample(operator), given)


@pytest.mark.parametrize(
    ("operator", "given", "expected"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "c"], False),
        ("ForAllValues:StringEquals", ABSENT, True),
        ("ForAllValues:StringEquals", [""], True),
        ("ForAllValues:StringNotEquals", ["c", "d"], True),
        ("ForAllValues:StringNotEquals", ["c", "a"], False),
        ("ForAnyValue:StringEquals", ["c", "a"], True),
        ("ForAnyValue:StringEquals", ["c"], False),
        ("ForAnyValue:StringEquals", ABSENT, False),
        ("ForAnyValue:StringEquals", [""], False),
        ("ForAnyValue:StringNotEquals", ["a", "c"], True),
        ("ForAnyValue:StringNotEquals", ["a", "b"], False),
        ("ForAnyValue:StringNotEquals", ABSENT, False),
        ("ForAnyValue:StringLikeIfExists", ABSENT, True),
        ("ForAnyValue:StringLikeIfExists", ["c"], False),
        ("ForAllValues:StringLikeIfExists", ["a", "b"], True),
        ("StringEquals", ["c", "a"], True),  # several values without a set operator: any of them
        ("StringNotEquals", ["c", "a"], False),
    ],
)
def test_sets_of_values(operator: str, given: Value, expected: bool) -> None:
    assert holds(operator, ["a", "b"], given) is expected


@pytest.mark.parametrize("given", ["::ffff:203.0.113.7", "::FFFF:cb00:7107"])
def test_an_ipv4_address_written_as_ipv6_does_not_slip_past_a_denied_range(given: str) -> None:
    assert holds("IpAddress", "203.0.113.0/24", given)
    assert holds("IpAddress", "::ffff:203.0.113.0/120", "203.0.113.7")
    assert not holds("NotIpAddress", "203.0.113.0/24", given)


def test_an_address_with_a_zone_is_no_address() -> None:
    assert not holds("IpAddress", "fe80::/10", "fe80::1%eth0")


def test_values_of_a_condition_may_be_variables() -> None:
    assert holds("StringEquals", "${aws:username}", "ann", aws_username="ann")
    assert not holds("StringEquals", "${aws:username}", "bob", aws_username="ann")
    assert holds("StringEqualsIgnoreCase", "${aws:username}", "ANN", aws_username="ann")
    assert holds("StringLike", "${aws:username}/*", "ann/x", aws_username="ann")
    assert holds("ArnLike", "arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::1:user/ann", aws_username="ann")
    assert holds("ArnEquals", "${aws:SourceArn}", ROLE, aws_SourceArn=ROLE)


def test_an_absent_variable_is_equal_to_nothing() -> None:
    for operator in ("StringEquals", "StringLike", "StringEqualsIgnoreCase"):
        assert not holds(operator, "${aws:username}", "")
        assert not holds(operator, "${aws:username}", "${aws:username}")
    assert holds("StringNotEquals", "${aws:username}", "x")


def test_the_value_of_a_variable_is_never_a_wildcard() -> None:
    assert not holds("StringLike", "home/${aws:username}/x", "home/bob/x", aws_username="*")
    assert holds("StringLike", "home/${aws:username}/x", "home/*/x", aws_username="*")
    assert not holds("ArnLike", "arn:aws:s3:::${aws:username}", "arn:aws:s3:::b", aws_username="?")


def test_the_value_of_a_variable_cannot_shift_the_parts_of_an_arn() -> None:
    with pytest.raises(PolicyError, match="six parts"):
        holds("ArnLike", "arn:aws:s3:${aws:username}:x", "arn:aws:s3:eu:1:x", aws_username="eu:1")
    assert not holds("ArnLike", "arn:aws:s3:${aws:username}::x", "arn:aws:s3:eu:1:x", aws_username="eu:1")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("StringEqual", "did you mean StringEquals"),
        ("stringlike", "there is no operator"),
        ("NullIfExists", "Null takes neither"),
        ("ForAnyValue:Null", "Null takes neither"),
        ("ForSomeValues:StringLike", "not a set operator"),
        ("forallvalues:StringLike", "not a set operator"),
        ("IfExists", "there is no operator"),
        ("", "there is no operator"),
        ("StringLikeIfExistsIfExists", "there is no operator"),
        ("ForAllValues:ForAnyValue:StringLike", "not a set operator"),
        (":StringLike", "not a set operator"),
        ("NotBool", "there is no operator"),
        ("x" * 100_000, "there is no operator"),
    ],
)
def test_unknown_operators_are_refused(name: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        read_operator(name)


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("NumericEquals", "ten"), ("NumericEquals", "1e9"), ("NumericEquals", "１"), ("NumericEquals", ""),
        ("NumericEquals", "NaN"), ("DateEquals", "yesterday"), ("DateEquals", "2026-13-01"),
        ("DateEquals", "0000-01-01"),
        ("DateEquals", "2026-01-01T25:00Z"), ("DateEquals", "2026-01-01T00:00:00+99:00"), ("Bool", "maybe"),
        ("Bool", "1"), ("BinaryEquals", "*"), ("IpAddress", "203.0.113.0/33"), ("IpAddress", "203.0.113"),
        ("IpAddress", "203.0.113.0/255.255.255.0"), ("IpAddress", "example.com"), ("IpAddress", "::/129"),
        ("ArnLike", "role/App"), ("ArnEquals", ""), ("Null", "maybe"), ("StringEquals", "${aws:username"),
    ],
)  # fmt: skip
def test_values_that_an_operator_cannot_read_are_refused(operator: str, value: str) -> None:
    with pytest.raises(PolicyError):
        Condition(operator, "k", [value], "2012-10-17")


def test_context_keys_are_not_case_sensitive_but_values_are() -> None:
    keys = Request("a:b", "*", {"AWS:SourceIp": "x"}).keys
    assert Condition("StringEquals", "aws:sourceIP", ["x"], "2012-10-17").holds(keys)
    assert not Condition("StringEquals", "aws:sourceIP", ["X"], "2012-10-17").holds(keys)


def test_a_key_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="context key must be text"):
        Request("a:b", "*", {7: "x"})  # type: ignore[dict-item]


def test_one_key_in_two_spellings_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="given twice"):
        Request("a:b", "*", {"aws:SourceIp": "203.0.113.1", "AWS:SourceIP": "192.0.2.1"})


@pytest.mark.parametrize(
    "value",
    [object(), {"a": 1}, [["x"]], [None], float("nan"), float("inf"), 1 << 400_000, Decimal("1E+999999999"), [{}], 1j],
    ids=type,
)
def test_context_values_that_no_policy_knows_are_refused(value: object) -> None:
    with pytest.raises(InvalidRequest):
        Request("a:b", "*", {"k": value})  # type: ignore[dict-item]
