"""What a provider says becomes attributes: the rules, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolhouse.federation import mapping
from poolhouse.federation.mapping import Mapped

EMAIL = {"email": "mail", "email_verified": "mail_ok"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is, with [brackets] & %41", "as it is, with [brackets] & %41"),
        (("a", "b"), "[a, b]"),
        (["a"], "a"),
        (("one, two", "a b", "x]", "é", "a~b", "a.b-c*d_e"), "[one%2C+two, a+b, x%5D, %C3%A9, a%7Eb, a.b-c*d_e]"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (10**30, "1" + "0" * 30),
        (7.0, "7"),
        (7.5, "7.5"),
        (0, "0"),
        ("", ""),
        ([1, True, None], "[1, true, ]"),
        ({"a": {"b": "ü"}}, '{"a":{"b":"ü"}}'),
    ],
)
def test_a_claim_becomes_one_string(value: Any, text: str) -> None:
    assert mapping.text(value) == text


@given(st.lists(st.text(), min_size=2, max_size=5))
def test_no_value_passes_for_two(values: list[str]) -> None:
    values = [value.encode("utf-8", "replace").decode() for value in values]
    flat = mapping.text(values)
    assert flat[1:-1].count(", ") == len(values) - 1
    assert not set("[],") & set(flat[1:-1].replace(", ", ""))


@pytest.mark.parametrize(
    ("claims", "name", "found"),
    [
        ({"a": "1"}, "a", "1"),
        ({"a": {"b": {"c": "1"}}}, "a.b.c", "1"),
        ({"a.b": "exact", "a": {"b": "nested"}}, "a.b", "exact"),
        ({"a.b": None, "a": {"b": "nested"}}, "a.b", None),
        ({"a": '{"b": "as JSON"}'}, "a.b", "as JSON"),
        ({"a": "{broken"}, "a.b", None),
        ({"a": "[1]"}, "a.0", None),
        ({"a": ["x"]}, "a.0", None),
        ({"a": "1"}, "a.b", None),
        ({"a": []}, "a", None),
        ({"a": ()}, "a", None),
        ({"a": False}, "a", False),
        ({"a": 0}, "a", 0),
        ({"a": ""}, "a", ""),
        ({"http://claims.example/mail": "x"}, "http://claims.example/mail", "x"),
        ({}, "." * 400, None),
        ({"": {"": "x"}}, ".", "x"),
    ],
)
def test_a_dotted_name_reaches_into_what_is_nested_if_nothing_has_the_name(
    claims: Mapping[str, Any], name: str, found: Any
) -> None:
    assert mapping.find(claims, name) == found


def test_deep_nesting_leads_nowhere_and_breaks_nothing() -> None:
    assert mapping.find({"a": '{"a":' * 5000}, "a.a.a") is None
    assert mapping.find({"a": {"a": "x"}}, ".".join("a" * 9)) is None


@pytest.mark.parametrize(
    ("claims", "trust", "values"),
    [
        ({"mail": "a@x.example", "mail_ok": "true"}, False, {"email": "a@x.example", "email_verified": "true"}),
        ({"mail": "a@x.example", "mail_ok": True}, False, {"email": "a@x.example", "email_verified": "true"}),
        ({"mail": "a@x.example", "mail_ok": " TRUE "}, False, {"email": "a@x.example", "email_verified": "true"}),
        ({"mail": "a@x.example", "mail_ok": "1"}, False, {"email": "a@x.example", "email_verified": "false"}),
        (
            {"mail": "a@x.example", "mail_ok": ["true", "true"]},
            False,
            {"email": "a@x.example", "email_verified": "false"},
        ),
        ({"mail": "a@x.example"}, False, {"email": "a@x.example"}),
        ({"mail": "a@x.example"}, True, {"email": "a@x.example", "email_verified": "true"}),
        ({"mail": "a@x.example", "mail_ok": False}, True, {"email": "a@x.example", "email_verified": "true"}),
        ({"mail_ok": "true"}, False, {}),
        ({"mail_ok": "true"}, True, {}),
    ],
)
def test_a_flag_is_of_the_address_beside_it(claims: dict[str, Any], trust: bool, values: dict[str, str]) -> None:
    assert mapping.apply(EMAIL, claims, trust_email=trust).values == values


def test_the_flag_of_another_claim_is_not_that_of_the_address() -> None:
    """Keycloak CVE-2025-7365: the provider has proven ``email``, and what is mapped is somebody's own word."""
    claims = {"email": "proven@x.example", "email_verified": "true", "upn": "wanted@x.example"}
    mixed = {"email": "upn", "email_verified": "email_verified"}
    assert mapping.apply(mixed, claims).values["email_verified"] == "false"
    assert mapping.apply(mixed, {**claims, "upn": "proven@x.example"}).values["email_verified"] == "true"
    assert mapping.apply(mixed, {k: v for k, v in claims.items() if k != "email"}).values["email_verified"] == "false"
    renamed = {"email": "mail", "email_verified": "checked"}
    assert mapping.apply(renamed, {"mail": "a@x.example", "checked": "true"}).values["email_verified"] == "true"


@pytest.mark.parametrize(
    ("values", "present", "flag"),
    [
        ({"email": "a"}, {}, "false"),
        ({"email": "a"}, {"email": "a", "email_verified": "true"}, "true"),
        ({"email": "a"}, {"email": "a"}, "false"),
        ({"email": "b"}, {"email": "a", "email_verified": "true"}, "false"),
        ({"email": "A"}, {"email": "a", "email_verified": "true"}, "false"),
        ({"email": "a", "email_verified": "false"}, {"email": "a", "email_verified": "true"}, "false"),
        ({"email": ""}, {"email": "", "email_verified": "true"}, "false"),
    ],
)
def test_an_address_that_nobody_vouches_for_is_as_proven_as_it_was(
    values: dict[str, str], present: dict[str, str], flag: str
) -> None:
    assert mapping.settled(values, present)["email_verified"] == flag


def test_nothing_reserved_is_mapped_and_what_is_not_said_is_known() -> None:
    wanted = {"username": "id", "sub": "id", "identities": "id", "name": "name", "email": "mail", "locale": "l"}
    assert mapping.apply(wanted, {"id": "1", "name": "Ann"}) == Mapped({"name": "Ann"}, frozenset({"email", "locale"}))


@pytest.mark.parametrize(
    ("subject", "wanted", "names"),
    [
        ("1", None, ("P_1", "P_sha256-d")),
        ("1", "ann", ("P_ann", "P_1", "P_sha256-d")),
        ("1", "1", ("P_1", "P_sha256-d")),
        ("1", "two words", ("P_1", "P_sha256-d")),
        ("x" * 126, None, ("P_" + "x" * 126, "P_sha256-d")),
        ("x" * 127, None, ("P_sha256-d",)),
        ("AD\\ann", None, ("P_AD\\ann", "P_sha256-d")),
        ("a\u200bb", None, ("P_sha256-d",)),
    ],
)
def test_what_somebody_may_be_called(subject: str, wanted: str | None, names: tuple[str, ...]) -> None:
    assert mapping.names("P", subject, wanted, "d") == names


@pytest.mark.parametrize(
    ("claims", "present", "joined", "left"),
    [
        ({"groups": ("eng", "sales")}, (), {"engineers", "sellers"}, set()),
        ({"groups": "eng"}, ("engineers",), set(), set()),
        ({"groups": ("Eng",)}, ("engineers",), set(), {"engineers"}),
        ({"groups": ("eng",)}, ("sellers", "administrators"), {"engineers"}, {"sellers"}),
        ({}, ("engineers", "administrators"), set(), {"engineers"}),
        ({"groups": ("administrators",)}, (), set(), set()),
        ({"groups": ("ops",)}, ("engineers",), set(), set()),
        ({"groups": ("eng", "ops")}, (), {"engineers"}, set()),
    ],
)
def test_only_groups_that_the_mapping_names_come_and_go(
    claims: dict[str, Any], present: tuple[str, ...], joined: set[str], left: set[str]
) -> None:
    by_group = {"eng": "engineers", "ops": "engineers", "sales": "sellers"}
    come, go = mapping.groups(claims, "groups", by_group, present)
    assert (set(come), set(go)) == (joined, left)


def test_without_a_groups_attribute_nothing_comes_or_goes() -> None:
    assert not any(mapping.groups({"groups": ("eng",)}, None, {"eng": "engineers"}, ("engineers",)))


@given(
    st.dictionaries(st.text(max_size=5), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
)
def test_whatever_is_said_becomes_text(claims: dict[str, Any]) -> None:
    wanted = {"name": "a", "email": "b", "email_verified": "a.b", "locale": ""} | {f"custom:{n}": n for n in claims}
    values = mapping.apply(wanted, claims).values
    assert all(isinstance(value, str) for value in values.values())
    assert values.get("email_verified", "false") in {"true", "false"}
