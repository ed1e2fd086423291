"""Wildcard patterns: what they match, the same as a plain regular expression would, and that no pattern is slow."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolhouse.policy.wildcard import Wild, compile_pattern, compile_tokens, tokens, within_segments


def arn_matches(pattern: str, text: str) -> bool:
    return compile_tokens(within_segments(tokens(pattern)))(text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "", True),
        ("*", "anything:at/all", True),
        ("", "", True),
        ("", "x", False),
        ("?", "", False),
        ("?", "é", True),
        ("??", "x", False),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:Get*", "s3:PutObject", False),
        ("s3:*Object", "s3:GetObject", True),
        ("s3:*Object", "s3:GetObjectAcl", False),
        ("a*b", "ab", True),
        ("ab*ba", "aba", False),  # the ends must not share a character
        ("a*a", "a", False),
        ("*a*b*", "xxaxxbxx", True),
        ("*a*b*", "xxbxxaxx", False),
        ("*a*a*", "a", False),  # nor must two pieces
        ("*aa*aa*", "aaa", False),
        ("a**b", "ab", True),
        ("a*?", "a", False),
        ("a*?", "ab", True),
        ("*?c", "abc", True),
        ("Case", "case", False),
        ("a.c", "abc", False),  # a dot is a dot
        ("[a]", "a", False),
        ("a\nb*", "a\nb\nc", True),  # a line's end is a character like others
        ("a?c", "a\nc", True),
    ],
)
def test_a_pattern_matches_the_whole_text(pattern: str, text: str, expected: bool) -> None:
    assert compile_pattern(pattern)(text) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        # A star that ends its segment may cross colons ...
        ("arn:aws:sqs:*:queue", "arn:aws:sqs:us-east-1:123456789012:queue", True),
        ("arn:aws:s3:*", "arn:aws:s3:::bucket/key", True),
        # ... one inside a segment, and a question mark, may not.
        ("arn:aws:sqs:us-*t-1:123456789012:queue", "arn:aws:sqs:us-east-1:123456789012:queue", True),
        ("arn:aws:sqs:us-*2:queue", "arn:aws:sqs:us-east-1:123456789012:queue", False),
        ("arn:aws:sqs:us-east-1?123456789012:queue", "arn:aws:sqs:us-east-1:123456789012:queue", False),
        ("arn:aws:sqs:us-east-?:123456789012:queue", "arn:aws:sqs:us-east-1:123456789012:queue", True),
        # What names the resource may hold colons and slashes.
        ("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1/2/test/3/object.jpg", True),
        ("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1/test/", True),
        ("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1-test/object.jpg", False),
        (
            "arn:aws:logs:us-east-1:1:log-group:/app/*:stream",
            "arn:aws:logs:us-east-1:1:log-group:/app/a:b:stream",
            True,
        ),
        ("arn:aws:s3:::b*t/?", "arn:aws:s3:::b:t/:", True),
    ],
)
def test_wildcards_of_an_arn_keep_to_their_segment(pattern: str, text: str, expected: bool) -> None:
    assert arn_matches(pattern, text) is expected


def test_neighbouring_stars_are_as_wide_as_the_wider() -> None:
    assert compile_tokens(["a", Wild.ANY_IN_SEGMENT, Wild.ANY, "b"])("a:b")
    assert not compile_tokens(["a", Wild.ANY_IN_SEGMENT, Wild.ANY_IN_SEGMENT, "b"])("a:b")


LETTERS = st.text("ab:", max_size=12)


@given(st.text("ab:*?", max_size=10), LETTERS)
def test_the_answer_is_that_of_a_regular_expression(pattern: str, text: str) -> None:
    oracle = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    assert compile_pattern(pattern)(text) is bool(re.fullmatch(oracle, text, re.DOTALL))


TOKENS = st.lists(st.one_of(st.sampled_from(list(Wild)), st.text("ab:", min_size=1, max_size=2)), max_size=7)


@given(TOKENS, LETTERS)
def test_mixed_wildcards_answer_as_a_regular_expression(parts: list[str | Wild], text: str) -> None:
    wild = {Wild.ANY: ".*", Wild.ONE: ".", Wild.ANY_IN_SEGMENT: "[^:]*", Wild.ONE_IN_SEGMENT: "[^:]"}
    oracle = "".join(wild[part] if isinstance(part, Wild) else re.escape(part) for part in parts)
    assert compile_tokens(parts)(text) is bool(re.fullmatch(oracle, text, re.DOTALL))


@pytest.mark.parametrize(
    "pattern",
    [
        "a*" * 500 + "b",
        "*a" * 500 + "?b",
        "?*" * 500 + "b",
        "*" * 1000 + "b?",
        "*" + "a" * 999 + "b*",
        "*a?" * 300 + "b",
    ],
)
def test_hostile_patterns_are_linear_in_the_text(pattern: str) -> None:
    matches = compile_pattern(pattern)
    matches("a" * 20_000)
    took = []
    for length in (20_000, 80_000):
        start = time.perf_counter()
        assert matches("a" * length) is False
        took.append(time.perf_counter() - start)
    # Four times the text: sixteen times the time would be a square, and backtracking would never come back at all.
    assert took[1] < 10 * took[0] + 0.05
    assert took[1] < 2


def test_hostile_stars_in_an_arn_are_linear_too() -> None:
    pattern = "arn:aws:" + "a*" * 400 + "b:::x"
    start = time.perf_counter()
    assert arn_matches(pattern, "arn:aws:" + "a" * 20_000 + ":::x") is False
    assert time.perf_counter() - start < 1
