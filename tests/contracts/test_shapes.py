"""The checkers compiled from the model: AWS's sentences for what does not fit, a clean copy of the rest."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolhouse.api import model, shapes
from poolhouse.core.errors import InvalidParameter, PoolhouseError, Serialization, Validation

POOL = "us-east-1_Example1"
EVERY = [(service, name) for service in model.SERVICES + model.OURS for name in model.service(service).operations]


def check(operation: str, service: str = "cognito-idp", /, **given: Any) -> dict[str, Any]:
    return shapes.checker(service, operation)(given)


def sign_up(**more: Any) -> dict[str, Any]:
    return {"ClientId": "client1", "Username": "ann", "Password": "Correct-horse1"} | more


def test_what_fits_comes_back_without_unknown_members() -> None:
    attributes = [{"Name": "email", "Value": "ann@example.com", "Surprise": 1}]
    assert check("SignUp", **sign_up(UserAttributes=attributes, NewerThanOurModel=True)) == sign_up(
        UserAttributes=[{"Name": "email", "Value": "ann@example.com"}]
    )


def test_null_is_as_good_as_left_out() -> None:
    assert check("SignUp", **sign_up(SecretHash=None)) == sign_up()


def test_null_in_a_map_is_as_good_as_left_out() -> None:
    """amazon-cognito-identity-js sends DEVICE_KEY: null when the browser's storage has none."""
    assert check("SignUp", **sign_up(ClientMetadata={"plan": None, "a": "b"}))["ClientMetadata"] == {"a": "b"}


DETECTED = "1 validation error detected: "


@pytest.mark.parametrize(
    ("operation", "given", "said"),
    [
        (
            "DescribeUserPool",
            {"UserPoolId": "nope"},
            DETECTED + "Value 'nope' at 'userPoolId' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+",
        ),
        (
            "DescribeUserPool",
            {},
            DETECTED + "Value null at 'userPoolId' failed to satisfy constraint: Member must not be null",
        ),
        (
            "SignUp",
            sign_up(Username="a" * 129),
            DETECTED + "Value at 'username' failed to satisfy constraint: "
            "Member must have length less than or equal to 128",
        ),
        (
            "SignUp",
            sign_up(Username=""),
            "2 validation errors detected: Value at 'username' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1; Value at 'username' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+",
        ),
        (
            "SignUp",
            {"Password": "Correct-horse1"},
            "2 validation errors detected: Value null at 'clientId' failed to satisfy constraint: Member must not be "
            "null; Value null at 'username' failed to satisfy constraint: Member must not be null",
        ),
        (
            "ListUsers",
            {"UserPoolId": POOL, "Limit": 61},
            DETECTED + "Value '61' at 'limit' failed to satisfy constraint: "
            "Member must have value less than or equal to 60",
        ),
        (
            "CreateUserPool",
            {"PoolName": "p", "Policies": {"PasswordPolicy": {"MinimumLength": 5}}},
            DETECTED + "Value '5' at 'policies.passwordPolicy.minimumLength' failed to satisfy constraint: "
            "Member must have value greater than or equal to 6",
        ),
        (
            "CreateUserPool",
            {"PoolName": "p", "Schema": [{"Name": "a"}, {"Name": "b", "AttributeDataType": "Text"}]},
            DETECTED + "Value 'Text' at 'schema.2.member.attributeDataType' failed to satisfy constraint: "
            "Member must satisfy enum value set: [String, Number, DateTime, Boolean]",
        ),
        (
            "CreateUserPool",
            {"PoolName": "p", "AliasAttributes": ["email", "fax"]},
            DETECTED + "Value '[email, fax]' at 'aliasAttributes' failed to satisfy constraint: Member must satisfy "
            "constraint: [Member must satisfy enum value set: [phone_number, email, preferred_username]]",
        ),
        (
            "CreateUserPool",
            {"PoolName": "p", "Schema": []},
            DETECTED + "Value '[]' at 'schema' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
    ],
)
def test_the_sentences_are_those_of_aws(operation: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        check(operation, **given)
    assert str(refused.value) == said


def test_identity_pools_call_it_a_validation_exception() -> None:
    with pytest.raises(Validation, match="'identityPoolId' failed to satisfy constraint"):
        check("GetId", "cognito-identity", IdentityPoolId="nope")


@pytest.mark.parametrize(
    ("given", "secret"),
    [
        (sign_up(Password="hunter2 with blanks"), "hunter2"),
        (sign_up(SecretHash="not+a hash hunter2"), "hunter2"),
        (sign_up(UserAttributes=[{"Name": "email", "Value": "hunter2" * 1000}]), "hunter2"),
    ],
)
def test_secrets_are_not_repeated(given: dict[str, Any], secret: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        check("SignUp", **given)
    assert secret not in str(refused.value)


def test_a_list_of_structures_with_secrets_is_not_repeated() -> None:
    asset = {
        "Category": "FORM_LOGO",
        "ColorMode": "LIGHT",
        "Extension": "ICO",
        "Bytes": "aGk=",
        "ResourceId": "hunter2",
    }
    with pytest.raises(InvalidParameter, match="Value at 'assets' failed to satisfy") as refused:
        check("CreateManagedLoginBranding", UserPoolId=POOL, ClientId="c", Assets=[asset] * 41)
    assert "hunter2" not in str(refused.value)


def test_the_parameters_of_a_sign_in_are_not_repeated() -> None:
    parameters = {"USERNAME": "ann", "PASSWORD": "x" * 200_000}
    with pytest.raises(InvalidParameter, match="Value at 'authParameters'"):
        check("InitiateAuth", ClientId="client1", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)


def test_a_documented_value_that_the_model_lacks_is_accepted() -> None:
    flows = ["ALLOW_CLIENT_TOKEN_AUTH"]
    assert check("CreateUserPoolClient", UserPoolId=POOL, ClientName="c", ExplicitAuthFlows=flows)
    with pytest.raises(InvalidParameter, match="enum value set"):
        check("CreateUserPoolClient", UserPoolId=POOL, ClientName="c", ExplicitAuthFlows=["ALLOW_EVERYTHING"])


@pytest.mark.parametrize("name", ["日本", "Zoë", "ann+tag@example.com", "😀", "e\u0301"])
def test_patterns_know_unicode(name: str) -> None:
    assert check("SignUp", **sign_up(Username=name))["Username"] == name


@pytest.mark.parametrize("name", ["a b", "a\tb", "a\n", "\u00a0", "\u2028"])
def test_a_pattern_is_for_the_whole_value(name: str) -> None:
    with pytest.raises(InvalidParameter, match="regular expression"):
        check("SignUp", **sign_up(Username=name))


def test_a_trailing_newline_does_not_slip_past_an_anchor() -> None:
    with pytest.raises(InvalidParameter, match="regular expression"):
        check("DescribeUserPool", UserPoolId=POOL + "\n")


def test_word_characters_are_ascii_as_in_java() -> None:
    with pytest.raises(InvalidParameter, match="regular expression"):
        check("DescribeUserPool", UserPoolId="ü_abc")


@pytest.mark.parametrize("given", [sign_up(Username="a\0b"), sign_up(ClientMetadata={"a": "\0"})])
def test_nul_is_refused_before_a_database_would(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter, match="the NUL character"):
        check("SignUp", **given)


@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\udc00\ud800"])
def test_half_a_surrogate_pair_is_refused_and_the_answer_can_be_encoded(text: str) -> None:
    for bad in (
        sign_up(Username=text),
        sign_up(ClientMetadata={text: text}),
        sign_up(ValidationData=[{"Name": text}]),
    ):
        with pytest.raises(InvalidParameter, match="valid Unicode text") as refused:
            check("SignUp", **bad)
        str(refused.value).encode()


def test_free_documents_are_looked_through() -> None:
    pool = {"UserPoolId": POOL}
    assert check("CreateManagedLoginBranding", ClientId="c", Settings={"a": [1, {"b": None}]}, **pool)["Settings"]
    for bad in ({"a": ["\0"]}, {"\ud800": 1}, nested(65)):
        with pytest.raises(InvalidParameter, match="'settings'"):
            check("CreateManagedLoginBranding", ClientId="c", Settings=bad, **pool)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (sign_up(Username=1), "NUMBER_VALUE can not be converted to a String"),
        (sign_up(Username=True), "TRUE_VALUE can not be converted to a String"),
        (sign_up(Username={}), "Start of structure or map found where not expected."),
        (sign_up(Username=[]), "Start of list found where not expected."),
        (sign_up(UserAttributes={}), "Start of structure or map found where not expected."),
        (sign_up(UserAttributes="email"), "STRING_VALUE can not be converted to a list"),
        (sign_up(UserAttributes=["email"]), "STRING_VALUE can not be converted to a structure"),
        (sign_up(ClientMetadata=[]), "Start of list found where not expected."),
        (sign_up(ClientMetadata={"a": 1}), "NUMBER_VALUE can not be converted to a String"),
    ],
)
def test_a_wrong_json_type_is_a_serialization_exception(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Serialization) as refused:
        check("SignUp", **given)
    assert str(refused.value) == said


@pytest.mark.parametrize("limit", ["5", True, 5.5, 2**31, -(2**31) - 1, 1e300, float("inf"), float("nan")])
def test_only_whole_numbers_in_range_are_integers(limit: Any) -> None:
    with pytest.raises(Serialization):
        check("ListUsers", UserPoolId=POOL, Limit=limit)
    assert check("ListUsers", UserPoolId=POOL, Limit=5.0)["Limit"] == 5


def test_blobs_are_bytes_within_their_size() -> None:
    pool = {"UserPoolId": POOL}
    assert check("SetUICustomization", ImageFile="aGk=", **pool)["ImageFile"] == b"hi"
    assert check("SetUICustomization", ImageFile=b"hi", **pool)["ImageFile"] == b"hi"
    with pytest.raises(Serialization, match="base64"):
        check("SetUICustomization", ImageFile="not base64!", **pool)
    with pytest.raises(InvalidParameter, match="131072"):
        check("SetUICustomization", ImageFile=b"x" * 131073, **pool)


def test_many_faults_make_no_long_answer() -> None:
    attributes = [{"Name": " " * 2000}] * 20_000
    with pytest.raises(InvalidParameter) as refused:
        check("SignUp", **sign_up(UserAttributes=attributes))
    assert len(str(refused.value)) < 100_000


@pytest.mark.parametrize("long", ["@" * 900_000 + " ", "{##" * 300_000, "a" * 900_000 + "@"])
def test_no_value_keeps_a_pattern_busy(long: str) -> None:
    template = {"EmailMessageByLink": long[:20_000], "EmailMessage": long[:20_000]}
    began = time.thread_time()
    with pytest.raises(InvalidParameter):
        check(
            "CreateUserPool",
            PoolName="p",
            EmailConfiguration={"ReplyToEmailAddress": long},
            VerificationMessageTemplate=template,
        )
    assert time.thread_time() - began < 2


@pytest.mark.parametrize(("service", "name"), EVERY)
def test_every_input_compiles_and_asks_for_what_it_requires(service: str, name: str) -> None:
    described = model.service(service).operations[name]
    if not described.required:
        assert shapes.checker(service, name)({}) == {}
        return
    with pytest.raises((InvalidParameter, Validation)) as refused:
        shapes.checker(service, name)({})
    for member in described.required:
        assert f"Value null at '{member[0].lower()}{member[1:]}'" in str(refused.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=600)
@given(st.data(), st.sampled_from(EVERY))
def test_nothing_that_json_can_say_breaks_a_checker(data: st.DataObject, which: tuple[str, str]) -> None:
    service, name = which
    members = data.draw(
        st.fixed_dictionaries({}, optional=dict.fromkeys(model.service(service).operations[name].members, anything))
    )
    error: PoolhouseError | None = None
    try:
        clean = shapes.checker(service, name)(members)
    except PoolhouseError as refused:
        error = refused
    if error is None:
        assert set(clean) <= set(members)
    else:
        assert error.status == 400
        assert str(error).encode()
