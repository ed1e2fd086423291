"""Hostile documents and requests: whatever comes in, the answer is a list of faults, and soon."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolhouse.policy import Effect, InvalidRequest, MalformedPolicy, Request, decide, lint, parse
from poolhouse.policy.operators import OPERATORS
from poolhouse.policy.reading import MAX_CHARACTERS


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


GOOD: dict[str, Any] = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"Statement":' * 20_000,
        '{"Version": ' + "9" * 100_000 + "}",
        '{"Version": 1e999999999999999999999, "Statement": []}',
        '{"Version": -Infinity}',
        '"\\ud800"',
        '{"\\ud800": "\\udfff"}',
        "\x00",
        "{" + " " * MAX_CHARACTERS + "}",
        "\ufeff{}",
        b"\xef\xbb\xbf{}",
        b"{\x00}",
    ],
)
def test_texts_that_are_no_policy_get_faults(text: str | bytes) -> None:
    faults = lint(text)
    assert faults
    assert all(str(fault).isascii() and len(str(fault)) < 500 for fault in faults)
    with pytest.raises(MalformedPolicy):
        parse(text)


def test_a_text_too_long_is_not_even_read() -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": [GOOD]})
    assert not lint(text.ljust(MAX_CHARACTERS))
    assert "longer than" in str(lint(text.ljust(MAX_CHARACTERS + 1))[0])


@pytest.mark.parametrize("place", ["Version", "Id", "Statement"])
@pytest.mark.parametrize(
    "value", [nested(50_000), 1 << 400_000, object(), float("nan"), {1: 2}, [[]], {"\ud800": 1}], ids=type
)
def test_anything_may_stand_where_an_element_should(place: str, value: Any) -> None:
    with pytest.raises(MalformedPolicy):
        parse({"Version": "2012-10-17", "Statement": [GOOD], place: value})


ELEMENTS = ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"]
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
WORDS = st.sampled_from(
    ["Allow", "Deny", "*", "s3:*", "sts:AssumeRole", "arn:aws:s3:::b", "${aws:x}", "${", "AWS", "Federated", "true",
     "1", "cognito-identity.amazonaws.com", "123456789012", *list(OPERATORS)[:6], "ForAnyValue:StringLike", "Null"]
)  # fmt: skip
JUNK = st.recursive(
    st.one_of(SCALARS, WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(WORDS, st.text(max_size=4)), inner, max_size=3)
    ),
    max_leaves=8,
)
STATEMENTS = st.dictionaries(st.sampled_from(ELEMENTS), JUNK, max_size=6)


@given(
    st.fixed_dictionaries(
        {"Statement": st.one_of(JUNK, st.lists(STATEMENTS, max_size=3))},
        optional={"Version": st.one_of(JUNK, st.sampled_from(["2012-10-17", "2008-10-17"])), "Id": JUNK},
    ),
    st.sampled_from(["any", "identity", "resource", "trust"]),
)
def test_no_document_breaks_the_linter_and_what_it_passes_can_be_decided(document: Any, kind: Any) -> None:
    faults = lint(document, kind=kind)
    errors = tuple(fault for fault in faults if fault.severity == "error")
    if errors:
        with pytest.raises(MalformedPolicy) as refused:
            parse(document, kind=kind)
        assert refused.value.faults == errors
    else:
        policy = parse(document, kind=kind)
        decision = decide(Request("s3:Get", "arn:aws:s3:::b", {"aws:x": "1"}), [policy], resource_policies=[policy])
        assert decision.explanation


@given(st.text(max_size=60), st.text(max_size=60), st.dictionaries(st.text(max_size=8), SCALARS, max_size=4))
def test_no_request_breaks_a_decision(action: str, resource: str, context: dict[str, Any]) -> None:
    policy = parse(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "${aws:username}*",
                 "Condition": {f"{name}IfExists": {"k": value}}}
                for name, value in [
                    ("StringLike", "?*"), ("NumericLessThan", "7"), ("DateLessThan", "2026"), ("Bool", "true"),
                    ("IpAddress", "10.0.0.0/8"), ("ArnLike", "arn:*"), ("BinaryEquals", "AP8="),
                ]
            ],
        }
    )  # fmt: skip
    try:
        request = Request(action, resource, {**context, "K": action})
    except InvalidRequest:
        return
    assert decide(request, [policy]).effect in Effect
    assert decide(request, [policy]).explanation.isascii()


@given(st.sampled_from(sorted(OPERATORS)), st.text(max_size=40))
def test_no_value_of_a_request_breaks_an_operator(operator: str, value: str) -> None:
    kind = operator.removeprefix("Not")
    wanted = next(
        text
        for prefix, text in {
            "String": "a", "Numeric": "1", "Date": "2026", "Bool": "true", "Binary": "AA==", "Ip": "::/0", "Arn": "*",
        }.items()
        if kind.startswith(prefix)
    )  # fmt: skip
    condition = {operator: {"k": wanted}}
    policy = parse({"Version": "2012-10-17", "Statement": {**GOOD, "Condition": condition}})
    assert decide(Request("s3:Get", "x", {"k": value}), [policy]).effect in (Effect.ALLOW, Effect.IMPLICIT_DENY)


@pytest.mark.parametrize("field", ["action", "resource", "resource_account"])
@pytest.mark.parametrize("value", [None, 7, ["s3:Get"], {"a": 1}, b"s3:Get"])
def test_a_question_of_the_wrong_type_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidRequest):
        Request(**{"action": "s3:Get", field: value})


def unknown_operators(count: int) -> Any:
    return {**GOOD, "Condition": {f"StringEqual{number}": {"k": "v"} for number in range(count)}}


@pytest.mark.parametrize(
    "make",
    [
        lambda: [GOOD] * 3_000,
        lambda: [unknown_operators(20_000)],
        lambda: [{f"Effec{number}": 1 for number in range(20_000)}],
        lambda: [{**GOOD, "Action": ["s3:" + "?*" * 250] * 200}],
        lambda: [{**GOOD, "Resource": ["${aws:username}" * 130] * 60}],
        lambda: [{**GOOD, "Resource": ["${" * 1000] * 60}],
        lambda: [{**GOOD, "Condition": {"StringLike": {"k": ["*?" * 1000] * 60}}}],
        lambda: [{**GOOD, "Condition": {"StringEquals": {"k": [str(number) for number in range(20_000)]}}}],
        lambda: [{**GOOD, "Principal": {"AWS": ["x" * 100] * 10_000}}],
        lambda: [{"Sid": "A", **GOOD}] * 20_000,
    ],
)
def test_large_documents_are_read_soon_and_have_a_bounded_list_of_faults(make: Callable[[], Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": make()}
    start = time.perf_counter()
    faults = lint(document)
    assert len(faults) <= 200
    if not any(fault.severity == "error" for fault in faults):
        policy = parse(document)
        decide(Request("s3:" + "a" * 500, "a" * 2000, {"k": "a" * 2000, "aws:username": "a" * 15}), [policy])
    assert time.perf_counter() - start < 3


def test_a_thousand_warnings_do_not_hide_an_error() -> None:
    warned = {**GOOD, "Action": ["s*:Get"] * 1_000}
    document = {"Version": "2012-10-17", "Statement": [warned, {**GOOD, "Effect": "allow"}]}
    faults = lint(document)
    assert len(faults) == 101
    assert faults[-1].path == "$.Statement[1].Effect"
    with pytest.raises(MalformedPolicy):
        parse(document)


def test_a_hostile_pattern_and_a_long_request_meet_without_a_fire() -> None:
    statement = {**GOOD, "Action": "s3:" + "*a" * 200 + "?b", "Resource": "a*" * 1000 + "b?"}
    policy = parse(json.dumps({"Version": "2012-10-17", "Statement": statement}))
    start = time.perf_counter()
    assert not decide(Request("s3:" + "a" * 50_000, "a" * 50_000), [policy]).allowed
    assert time.perf_counter() - start < 2


def test_messages_never_repeat_a_long_value() -> None:
    statement = {**GOOD, "Effect": "x" * 100_000, "Action": "é" * 100_000, "y" * 100_000: 1}
    for fault in lint({"Version": "2012-10-17", "Statement": statement}):
        assert len(str(fault)) < 600
        assert str(fault).isascii()
