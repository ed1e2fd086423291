"""The rules of pools and clients, without database or server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from poolhouse.core.errors import InvalidParameter
from poolhouse.settings import Secret
from poolhouse.user_pools import client_rules, extensions, pool_rules, schema
from poolhouse.user_pools.rules import password_policy
from poolhouse.user_pools.snapshots import Client, Pool

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pool(**settings: Any) -> Pool:
    return Pool("us-east-1_abc", "p", settings, {}, NOW, NOW, "us-east-1", "0" * 12, "https://issuer")


def client(of: Pool | None = None, secret: str = "", **settings: Any) -> Client:
    return Client(of or pool(), "c", "c", settings, (Secret(secret),) if secret else (), NOW, NOW)


# --- Pools --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "days"),
    [
        ({}, 7),
        ({"AdminCreateUserConfig": {"UnusedAccountValidityDays": 3}}, 3),
        ({"AdminCreateUserConfig": {"UnusedAccountValidityDays": 0}}, 7),
        ({"Policies": {"PasswordPolicy": {"TemporaryPasswordValidityDays": 2}}}, 2),
        ({"Policies": {"PasswordPolicy": {"TemporaryPasswordValidityDays": 0}}}, 7),
        ({"Policies": {"PasswordPolicy": {}}, "AdminCreateUserConfig": {"UnusedAccountValidityDays": 4}}, 4),
    ],
)
def test_how_long_an_invitation_works(settings: dict[str, Any], days: int) -> None:
    assert password_policy(settings).temporary_days == days
    assert pool(**settings).temporary_password_days == days


@pytest.mark.parametrize(
    ("settings", "is_factor"),
    [
        ({}, False),
        ({"MfaConfiguration": "ON"}, False),
        ({"MfaConfiguration": "OFF", "SmsConfiguration": {"SnsCallerArn": "a"}}, False),
        ({"MfaConfiguration": "ON", "SmsConfiguration": {"SnsCallerArn": "a"}}, True),
        ({"MfaConfiguration": "ON", "SmsConfiguration": {"SnsCallerArn": "a"}, "SmsMfaEnabled": False}, False),
    ],
)
def test_when_sms_is_a_second_factor(settings: dict[str, Any], is_factor: bool) -> None:
    assert pool_rules.sms_factor(settings) is is_factor


def test_empty_settings_go_together() -> None:
    pool_rules.check({})


def test_levels_keep_their_default_names_where_none_is_given() -> None:
    names = pool_rules.acr_names({"AcrConfiguration": {"Level2": {"AcrValue": "mine"}}})
    assert [names[f"Level{n}"]["AcrValue"] for n in range(1, 5)] == [
        "urn:cognito:loa:1",
        "mine",
        "urn:cognito:loa:3",
        "urn:cognito:loa:4",
    ]


def test_a_standard_attribute_keeps_what_is_not_said_of_it() -> None:
    [birthdate] = pool_rules.schema_of([{"Name": "birthdate", "Required": True}])
    assert birthdate["StringAttributeConstraints"] == {"MinLength": "10", "MaxLength": "10"}
    assert birthdate["Required"] is True
    assert birthdate["Mutable"] is True


def test_the_schema_as_described_can_be_given_again() -> None:
    described = [attribute.describe() for attribute in schema.standard().values()]
    again = {a["Name"]: a for a in pool_rules.schema_of(described)}
    assert again == {a["Name"]: a for a in described}


# --- Clients ------------------------------------------------------------------------------------------------------


def test_rotation_takes_the_old_way_to_refresh_out_of_the_default() -> None:
    assert "ALLOW_REFRESH_TOKEN_AUTH" in client().flows
    rotating = client(RefreshTokenRotation={"Feature": "ENABLED"})
    assert rotating.flows == {"ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"}
    client_rules.check(rotating, "creating")


def test_flows_of_the_first_generation_are_translated() -> None:
    assert client(ExplicitAuthFlows=["ADMIN_NO_SRP_AUTH"]).flows == {
        "ALLOW_ADMIN_USER_PASSWORD_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH",
        "ALLOW_USER_SRP_AUTH",
    }


@pytest.mark.parametrize(
    ("settings", "good"),
    [
        ({"AccessTokenValidity": 300, "TokenValidityUnits": {"AccessToken": "seconds"}}, True),
        ({"AccessTokenValidity": 299, "TokenValidityUnits": {"AccessToken": "seconds"}}, False),
        ({"AccessTokenValidity": 1, "TokenValidityUnits": {"AccessToken": "days"}}, True),
        ({"AccessTokenValidity": 86_401, "TokenValidityUnits": {"AccessToken": "seconds"}}, False),
        ({"AccessTokenValidity": 1}, True),
        ({"RefreshTokenValidity": 60, "TokenValidityUnits": {"RefreshToken": "minutes"}}, True),
        ({"RefreshTokenValidity": 3599, "TokenValidityUnits": {"RefreshToken": "seconds"}}, False),
        ({"RefreshTokenValidity": 3650}, True),
        ({"RefreshTokenValidity": 315_360_000, "TokenValidityUnits": {"RefreshToken": "days"}}, False),
        ({"RefreshTokenValidity": 1, "TokenValidityUnits": {"RefreshToken": "hours"}}, True),
        (
            {"RefreshTokenValidity": 1, "IdTokenValidity": 61,
             "TokenValidityUnits": {"RefreshToken": "hours", "IdToken": "minutes"}},
            False,
        ),
    ],
)  # fmt: skip
def test_how_long_tokens_may_live(settings: Mapping[str, Any], good: bool) -> None:
    made = client(**settings)
    if good:
        client_rules.check(made, "creating")
    else:
        with pytest.raises(InvalidParameter, match="Invalid range for token validity"):
            client_rules.check(made, "creating")


def test_a_client_for_tokens_of_its_own_needs_a_secret() -> None:
    flows = {"ExplicitAuthFlows": ["ALLOW_CLIENT_TOKEN_AUTH"]}
    client_rules.check(client(secret="s" * 24, **flows), "creating")
    with pytest.raises(InvalidParameter):
        client_rules.check(client(**flows), "creating")


# --- Our own settings ---------------------------------------------------------------------------------------------


def test_a_setting_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="Unknown setting: requre_pkce"):
        extensions.of_client({"requre_pkce": True}, has_secret=False)
    with pytest.raises(InvalidParameter, match="Unknown setting: require_pkce"):
        extensions.of_pool({"require_pkce": True})


@pytest.mark.parametrize("name", ["require_pkce", "strict_oidc", "userinfo_for_api_tokens"])
@pytest.mark.parametrize("value", ["true", 1, [], {}])
def test_a_switch_is_true_or_false(name: str, value: Any) -> None:
    with pytest.raises(InvalidParameter, match="true or false"):
        extensions.of_client({name: value}, has_secret=False)
    assert extensions.of_client({name: None}, has_secret=False) == {}
