"""The JSON of a request body: whatever two parsers could read in two ways is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolhouse.core.errors import Serialization
from poolhouse.web.aws import body


def test_an_object_is_read_and_nothing_is_an_empty_object() -> None:
    assert body.read('{"a": {"b": [1, 2.5, true, null, "ü"]}}'.encode()) == {"a": {"b": [1, 2.5, True, None, "ü"]}}
    assert body.read(b"") == {}


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"{", "not JSON"),
        (b"nonsense", "not JSON"),
        (b'{"a":1}{', "not JSON"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"a":"\xff"}', "not UTF-8"),
        ('{"a":1}'.encode("utf-16"), "not UTF-8"),
        ('\ufeff{"a":1}'.encode(), "not JSON"),
        (b'{"a":NaN}', "NaN and Infinity"),
        (b'{"a":-Infinity}', "NaN and Infinity"),
        (b'{"a":1e999}', "out of range"),
        (b'{"a":' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"Username":"ann","Username":"bob"}', "stands twice"),
        (b'{"a":[{"x":1,"x":1}]}', "stands twice"),
        (b'{"a":"\x00"}', "not JSON"),
        (b'{"a":' * 50_000, "too deeply|not JSON"),
        (b"[" * 500_000, "too deeply|not JSON"),
    ],
)
def test_what_is_ambiguous_or_broken_is_refused(sent: bytes, said: str) -> None:
    with pytest.raises(Serialization, match=said):
        body.read(sent)


def test_what_was_sent_is_not_repeated() -> None:
    with pytest.raises(Serialization) as refused:
        body.read(b'{"Password": "hunter2" "x"}')
    assert "hunter2" not in str(refused.value)


@given(st.binary(max_size=100))
def test_no_bytes_break_it(sent: bytes) -> None:
    with contextlib.suppress(Serialization):
        assert isinstance(body.read(sent), dict)
