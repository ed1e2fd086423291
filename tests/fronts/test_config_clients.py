"""App clients through boto3: created, described, replaced, their secrets; and everything that is refused on the way."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import select

from poolhouse.core import unit
from poolhouse.user_pools.models import AppClient, ClientSecret
from tests.world import World

OAUTH: dict[str, Any] = {
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid", "email"],
    "CallbackURLs": ["https://app.example.com/callback"],
}


@pytest.fixture
def pool(idp: Any) -> str:
    return make_pool(idp)


@pytest.fixture(scope="module")
def empty_pool(_world: World) -> str:
    """Such a pool for those that only try, and are refused."""
    return make_pool(_world.idp)


@pytest.fixture(scope="module")
def untouched(_world: World) -> dict[str, Any]:
    """A client that nobody manages to change."""
    return create(_world.idp, make_pool(_world.idp))


def make_pool(idp: Any) -> str:
    """A pool with a resource server, a custom and a required attribute."""
    schema = [
        {"Name": "email", "Required": True},
        {"Name": "level", "AttributeDataType": "Number"},
        {"Name": "inner", "AttributeDataType": "String", "DeveloperOnlyAttribute": True},
    ]
    made: str = idp.create_user_pool(PoolName="clients", Schema=schema)["UserPool"]["Id"]
    idp.create_resource_server(
        UserPoolId=made, Identifier="api", Name="API", Scopes=[{"ScopeName": "read", "ScopeDescription": "Read"}]
    )
    return made


@pytest.fixture
def unchecked(world: World) -> Any:
    """boto3 that does not look at what it is given, for input that is meant to be wrong."""
    return world.boto3_unchecked()


def refusal(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**members)
    error = refused.value.response["Error"]
    return error["Code"].removesuffix("Exception"), error["Message"]


def create(idp: Any, pool: str, **members: Any) -> dict[str, Any]:
    made: dict[str, Any] = idp.create_user_pool_client(UserPoolId=pool, **{"ClientName": "app", **members})[
        "UserPoolClient"
    ]
    return made


def described(idp: Any, client: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = idp.describe_user_pool_client(UserPoolId=client["UserPoolId"], ClientId=client["ClientId"])[
        "UserPoolClient"
    ]
    return found


# --- Created and described ----------------------------------------------------------------------------------------


def test_a_client_without_settings_has_cognito_s_defaults(idp: Any, pool: str) -> None:
    client = create(idp, pool)
    assert re.fullmatch(r"[a-z0-9]{26}", client["ClientId"])
    assert described(idp, client) == client
    for varying in ("ClientId", "CreationDate", "LastModifiedDate"):
        del client[varying]
    assert client == {
        "UserPoolId": pool,
        "ClientName": "app",
        "RefreshTokenValidity": 30,
        "AllowedOAuthFlowsUserPoolClient": False,
        "EnableTokenRevocation": True,
        "EnablePropagateAdditionalUserContextData": False,
        "AuthSessionValidity": 3,
    }


def test_a_secret_is_generated_and_shown_again(idp: Any, pool: str) -> None:
    client = create(idp, pool, GenerateSecret=True)
    assert re.fullmatch(r"[a-z0-9]{52}", client["ClientSecret"])
    assert described(idp, client)["ClientSecret"] == client["ClientSecret"]
    assert "ClientSecret" not in create(idp, pool, GenerateSecret=False)


def test_a_secret_of_one_s_own_is_taken(idp: Any, unchecked: Any, pool: str) -> None:
    own = "Custom_Secret_0123456789abcdef"
    assert create(idp, pool, ClientSecret=own)["ClientSecret"] == own
    assert (
        refusal(idp.create_user_pool_client, UserPoolId=pool, ClientName="c", ClientSecret=own, GenerateSecret=True)[0]
        == "InvalidParameter"
    )
    for wrong in ("short", "x" * 65, "spaces are not secret enough"):
        code, message = refusal(unchecked.create_user_pool_client, UserPoolId=pool, ClientName="c", ClientSecret=wrong)
        assert code == "InvalidParameter"
        assert wrong not in message


EVERYTHING: dict[str, Any] = {
    "RefreshTokenValidity": 10,
    "AccessTokenValidity": 30,
    "IdTokenValidity": 3600,
    "TokenValidityUnits": {"AccessToken": "minutes", "IdToken": "seconds", "RefreshToken": "hours"},
    "ReadAttributes": ["email", "custom:level", "email_verified"],
    "WriteAttributes": ["email", "name"],
    "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"],
    "SupportedIdentityProviders": ["COGNITO"],
    "CallbackURLs": ["https://app.example.com/callback", "http://localhost:3000/cb", "myapp://signed-in"],
    "LogoutURLs": ["https://app.example.com/bye"],
    "DefaultRedirectURI": "http://localhost:3000/cb",
    "AllowedOAuthFlows": ["code", "implicit"],
    "AllowedOAuthScopes": ["openid", "email", "api/read", "aws.cognito.signin.user.admin"],
    "AllowedOAuthFlowsUserPoolClient": True,
    "AnalyticsConfiguration": {"ApplicationArn": "arn:aws:mobiletargeting:us-east-1:123456789012:apps/a1b2c3d4"},
    "PreventUserExistenceErrors": "ENABLED",
    "EnableTokenRevocation": False,
    "EnablePropagateAdditionalUserContextData": True,
    "AuthSessionValidity": 15,
    "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 30},
}


def test_every_setting_comes_back_as_it_was_given(idp: Any, pool: str) -> None:
    client = create(idp, pool, GenerateSecret=True, **EVERYTHING)
    assert {member: client[member] for member in EVERYTHING} == EVERYTHING
    assert described(idp, client) == client


def test_an_update_with_little_resets_the_rest_to_its_defaults(idp: Any, pool: str) -> None:
    client = create(idp, pool, GenerateSecret=True, **EVERYTHING)
    default = create(idp, pool, GenerateSecret=True)
    answer = idp.update_user_pool_client(UserPoolId=pool, ClientId=client["ClientId"], AuthSessionValidity=5)
    after = described(idp, client)
    assert answer["UserPoolClient"] == after
    assert after["ClientSecret"] == client["ClientSecret"]
    assert after["LastModifiedDate"] > client["LastModifiedDate"]
    assert after.pop("AuthSessionValidity") == 5
    del default["AuthSessionValidity"]
    for shown in (after, default):
        for varying in ("ClientId", "ClientSecret", "CreationDate", "LastModifiedDate"):
            del shown[varying]
    assert after == default


def test_what_describe_shows_can_be_sent_back_and_changes_nothing(idp: Any, pool: str) -> None:
    client = create(idp, pool, GenerateSecret=True, **EVERYTHING)
    sent_back = {k: v for k, v in client.items() if k not in {"ClientSecret", "CreationDate", "LastModifiedDate"}}
    after = idp.update_user_pool_client(**sent_back)["UserPoolClient"]
    del client["LastModifiedDate"], after["LastModifiedDate"]
    assert after == client


def test_a_client_is_renamed_or_keeps_its_name(idp: Any, pool: str) -> None:
    client = create(idp, pool)
    idp.update_user_pool_client(UserPoolId=pool, ClientId=client["ClientId"], ClientName="renamed")
    idp.update_user_pool_client(UserPoolId=pool, ClientId=client["ClientId"])
    assert described(idp, client)["ClientName"] == "renamed"


@pytest.mark.parametrize(("unit", "shown"), [("days", 30), ("hours", 720), ("minutes", 43_200), ("seconds", 2_592_000)])
def test_the_default_of_refresh_tokens_is_thirty_days_in_any_unit(idp: Any, pool: str, unit: str, shown: int) -> None:
    client = create(idp, pool, TokenValidityUnits={"RefreshToken": unit})
    assert client["RefreshTokenValidity"] == shown
    assert create(idp, pool, RefreshTokenValidity=0)["RefreshTokenValidity"] == 30


# --- Refused ------------------------------------------------------------------------------------------------------

RANGE = "Invalid range for token validity."
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (
        {"ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ADMIN_NO_SRP_AUTH"]},
        "InvalidParameter",
        "Auth flow name with prefix 'ALLOW' cannot be used with legacy auth flow names.",
    ),
    (
        {
            "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            "RefreshTokenRotation": {"Feature": "ENABLED"},
        },
        "InvalidParameter",
        "ALLOW_REFRESH_TOKEN_AUTH cannot be used with refresh token rotation.",
    ),
    ({"ExplicitAuthFlows": ["ALLOW_CLIENT_TOKEN_AUTH"]}, "InvalidParameter", "requires a client secret"),
    ({"ExplicitAuthFlows": ["ALLOW_ANYTHING"]}, "InvalidParameter", "enum value set"),
    ({"AccessTokenValidity": 4, "TokenValidityUnits": {"AccessToken": "minutes"}}, "InvalidParameter", RANGE),
    ({"IdTokenValidity": 299, "TokenValidityUnits": {"IdToken": "seconds"}}, "InvalidParameter", RANGE),
    ({"AccessTokenValidity": 25}, "InvalidParameter", RANGE),
    ({"IdTokenValidity": 2, "TokenValidityUnits": {"IdToken": "days"}}, "InvalidParameter", RANGE),
    ({"RefreshTokenValidity": 59, "TokenValidityUnits": {"RefreshToken": "minutes"}}, "InvalidParameter", RANGE),
    ({"RefreshTokenValidity": 3651}, "InvalidParameter", RANGE),
    (
        {"AccessTokenValidity": 2, "RefreshTokenValidity": 1, "TokenValidityUnits": {"RefreshToken": "hours"}},
        "InvalidParameter",
        RANGE,
    ),
    ({"AccessTokenValidity": 0}, "InvalidParameter", "greater than or equal to 1"),
    ({"AccessTokenValidity": 86_401}, "InvalidParameter", "less than or equal to 86400"),
    ({"AuthSessionValidity": 2}, "InvalidParameter", "greater than or equal to 3"),
    ({"AuthSessionValidity": 16}, "InvalidParameter", "less than or equal to 15"),
    ({"RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 61}}, "InvalidParameter", "60"),
    ({"ReadAttributes": ["custom:none"]}, "InvalidParameter", "Invalid read attributes specified while {} a client"),
    ({"WriteAttributes": ["name"]}, "InvalidParameter", "Invalid write attributes specified while {} a client"),
    ({"WriteAttributes": ["email", "sub"]}, "InvalidParameter", "Invalid write attributes specified while {} a client"),
    (
        {"WriteAttributes": ["email", "email_verified"]},
        "InvalidParameter",
        "Invalid write attributes specified while {} a client",
    ),
    (
        {"WriteAttributes": ["email", "dev:custom:inner"]},
        "InvalidParameter",
        "Invalid write attributes specified while {} a client",
    ),
    (
        {"SupportedIdentityProviders": ["Nobody"]},
        "InvalidParameter",
        "The provider Nobody does not exist for User Pool",
    ),
    ({"EnablePropagateAdditionalUserContextData": True}, "InvalidParameter", "requires a client secret"),
    (
        {"AnalyticsConfiguration": {"ApplicationId": "abc"}},
        "InvalidParameter",
        "Invalid analytics configuration given, either <application arn> or",
    ),
    (
        OAUTH | {"DefaultRedirectURI": "https://else.example.com/"},
        "InvalidParameter",
        "The default redirect URI https://else.example.com/ is not in the callback URIs list.",
    ),
    (
        {"AllowedOAuthFlowsUserPoolClient": True},
        "InvalidParameter",
        "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows.",
    ),
    (
        OAUTH | {"AllowedOAuthScopes": []},
        "InvalidParameter",
        "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows.",
    ),
    (
        OAUTH | {"AllowedOAuthScopes": ["openid", "api/write"]},
        "ScopeDoesNotExist",
        "Invalid scope requested: api/write",
    ),
    (OAUTH | {"AllowedOAuthScopes": ["anything"]}, "ScopeDoesNotExist", "Invalid scope requested: anything"),
    (
        OAUTH | {"CallbackURLs": []},
        "InvalidOAuthFlow",
        "CallbackUrls can not be empty when code flow or implicit flow is selected",
    ),
    (
        OAUTH | {"AllowedOAuthFlows": ["code", "client_credentials"]},
        "InvalidOAuthFlow",
        "client_credentials flow can not be selected along with code flow or implicit flow.",
    ),
    (
        OAUTH | {"AllowedOAuthFlows": ["client_credentials"], "AllowedOAuthScopes": ["api/read"]},
        "InvalidOAuthFlow",
        "client_credentials flow can not be selected if client does not have a client secret.",
    ),
    ({"ClientName": "semi;colon"}, "InvalidParameter", "regular expression pattern"),
    ({"ClientName": "x" * 129}, "InvalidParameter", "less than or equal to 128"),
]


@pytest.mark.parametrize(("members", "code", "said"), REFUSED)
def test_settings_that_do_not_go_together_are_refused(
    idp: Any, unchecked: Any, empty_pool: str, members: dict[str, Any], code: str, said: str
) -> None:
    given = {"UserPoolId": empty_pool, "ClientName": "refused", **members}
    found, message = refusal(unchecked.create_user_pool_client, **given)
    assert found == code
    assert said.format("creating") in message
    assert idp.list_user_pool_clients(UserPoolId=empty_pool)["UserPoolClients"] == []


@pytest.mark.parametrize(("members", "code", "said"), REFUSED)
def test_an_update_is_held_to_the_same_rules_and_changes_nothing(
    idp: Any, unchecked: Any, untouched: dict[str, Any], members: dict[str, Any], code: str, said: str
) -> None:
    named = {"UserPoolId": untouched["UserPoolId"], "ClientId": untouched["ClientId"]}
    found, message = refusal(unchecked.update_user_pool_client, **named, **members)
    assert found == code
    assert said.format("updating") in message
    assert described(idp, untouched) == untouched


def test_a_machine_s_client_has_a_secret_and_scopes_of_resource_servers(idp: Any, pool: str) -> None:
    machine: dict[str, Any] = {
        "GenerateSecret": True,
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["client_credentials"],
    }
    assert create(idp, pool, **machine, AllowedOAuthScopes=["api/read"])["AllowedOAuthScopes"] == ["api/read"]
    given = {"UserPoolId": pool, "ClientName": "c", **machine, "AllowedOAuthScopes": ["openid"]}
    assert refusal(idp.create_user_pool_client, **given)[0] == "InvalidOAuthFlow"


GOOD_URLS = [
    "https://example.com",
    "https://example.com:8443/a?b=c",
    "http://localhost",
    "http://localhost:3000/x",
    "http://127.0.0.1:1/x",
    "http://[::1]:3000/x",
    "myapp://example",
    "com.example.app:/signed-in",
    "exp://192.168.0.2:8081",
]
BAD_URLS = [
    ("http://example.com/cb", "cannot use the HTTP protocol."),
    ("http://192.168.0.2/cb", "cannot use the HTTP protocol."),
    ("HTTP://example.com/cb", "cannot use the HTTP protocol."),
    ("http://localhost.example.com/", "cannot use the HTTP protocol."),
    ("http://localhost@example.com/", "cannot use the HTTP protocol."),
    ("https://example.com/#x", "fragment"),
    ("https://example.com/#", "fragment"),
    ("/callback", "not an absolute URL"),
    ("example.com/callback", "not an absolute URL"),
    ("https:///callback", "not a valid URL"),
    ("https://", "not a valid URL"),
    ("https://example.com:port/", "not a valid URL"),
    ("https://[::1/", "not a valid URL"),
    ("https://example.com\\@evil.example", "not an absolute URL"),
    ("javascript:alert(1)", "cannot use the scheme javascript"),
    ("JavaScript:alert(1)", "cannot use the scheme javascript"),
    ("data:text/html,x", "cannot use the scheme data"),
    ("file:///etc/passwd", "cannot use the scheme file"),
]


@pytest.mark.parametrize("member", ["CallbackURLs", "LogoutURLs"])
def test_urls_that_a_browser_may_be_sent_to(idp: Any, pool: str, member: str) -> None:
    assert create(idp, pool, **{member: GOOD_URLS})[member] == GOOD_URLS


@pytest.mark.parametrize("member", ["CallbackURLs", "LogoutURLs"])
@pytest.mark.parametrize(("url", "said"), BAD_URLS)
def test_urls_that_no_browser_may_be_sent_to(idp: Any, empty_pool: str, member: str, url: str, said: str) -> None:
    code, message = refusal(idp.create_user_pool_client, UserPoolId=empty_pool, ClientName="c", **{member: [url]})
    assert code == "InvalidParameter"
    assert said in message


def test_a_hundred_and_one_callbacks_are_too_many(idp: Any, pool: str) -> None:
    urls = [f"https://example.com/{n}" for n in range(101)]
    assert len(create(idp, pool, CallbackURLs=urls[:100])["CallbackURLs"]) == 100
    code, message = refusal(idp.create_user_pool_client, UserPoolId=pool, ClientName="c", CallbackURLs=urls)
    assert code == "InvalidParameter"
    assert "Member must have length less than or equal to 100" in message


# --- Deleted and listed -------------------------------------------------------------------------------------------


def test_a_deleted_client_is_gone(idp: Any, pool: str) -> None:
    client = create(idp, pool, GenerateSecret=True)
    named = {"UserPoolId": pool, "ClientId": client["ClientId"]}
    assert idp.delete_user_pool_client(**named).keys() == {"ResponseMetadata"}
    gone = ("ResourceNotFound", f"User pool client {client['ClientId']} does not exist.")
    for call in (
        idp.describe_user_pool_client,
        idp.delete_user_pool_client,
        idp.update_user_pool_client,
        idp.add_user_pool_client_secret,
        idp.list_user_pool_client_secrets,
    ):
        assert refusal(call, **named) == gone


def test_a_client_of_another_pool_is_nobody_here(idp: Any, pool: str) -> None:
    other = idp.create_user_pool(PoolName="other")["UserPool"]["Id"]
    client = create(idp, pool)
    for call in (idp.describe_user_pool_client, idp.update_user_pool_client, idp.delete_user_pool_client):
        assert refusal(call, UserPoolId=other, ClientId=client["ClientId"])[0] == "ResourceNotFound"
    assert described(idp, client) == client


@pytest.mark.parametrize("client_id", ["has space", "x" * 129, "semi;colon", "ü"])
def test_what_is_no_client_id_is_refused_unrepeated(idp: Any, pool: str, client_id: str) -> None:
    code, message = refusal(idp.describe_user_pool_client, UserPoolId=pool, ClientId=client_id)
    assert code == "InvalidParameter"
    assert client_id not in message


def test_clients_are_listed_in_pages_that_cover_them_all(idp: Any, pool: str) -> None:
    mine = {create(idp, pool, ClientName=f"app {n}")["ClientId"] for n in range(7)}
    pages = list(idp.get_paginator("list_user_pool_clients").paginate(UserPoolId=pool, MaxResults=3))
    assert [len(page["UserPoolClients"]) for page in pages] == [3, 3, 1]
    found = [client for page in pages for client in page["UserPoolClients"]]
    assert {client["ClientId"] for client in found} == mine
    assert found[0].keys() == {"ClientId", "UserPoolId", "ClientName"}
    assert len(idp.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"]) == 7
    assert len(idp.list_user_pool_clients(UserPoolId=pool, ClientType="REGULAR")["UserPoolClients"]) == 7
    assert idp.list_user_pool_clients(UserPoolId=pool, ClientType="DCR")["UserPoolClients"] == []


# --- Secrets ------------------------------------------------------------------------------------------------------


def secret_ids(idp: Any, client: dict[str, Any]) -> list[str]:
    listed = idp.list_user_pool_client_secrets(UserPoolId=client["UserPoolId"], ClientId=client["ClientId"])
    for secret in listed["ClientSecrets"]:
        assert secret.keys() == {"ClientSecretId", "ClientSecretCreateDate"}
    return [secret["ClientSecretId"] for secret in listed["ClientSecrets"]]


def test_a_second_secret_takes_over_from_the_first(idp: Any, pool: str) -> None:
    client = create(idp, pool, GenerateSecret=True)
    named = {"UserPoolId": pool, "ClientId": client["ClientId"]}
    [first] = secret_ids(idp, client)
    added = idp.add_user_pool_client_secret(**named)["ClientSecretDescriptor"]
    assert re.fullmatch(rf"{client['ClientId']}--\d+", added["ClientSecretId"])
    assert re.fullmatch(r"[a-z0-9]{52}", added["ClientSecretValue"])
    assert secret_ids(idp, client) == [first, added["ClientSecretId"]]
    assert described(idp, client)["ClientSecret"] == client["ClientSecret"]

    idp.delete_user_pool_client_secret(**named, ClientSecretId=first)
    assert secret_ids(idp, client) == [added["ClientSecretId"]]
    assert described(idp, client)["ClientSecret"] == added["ClientSecretValue"]
    # Updating the client leaves its secrets alone.
    assert idp.update_user_pool_client(**named)["UserPoolClient"]["ClientSecret"] == added["ClientSecretValue"]


def test_a_secret_of_one_s_own_is_not_shown_back(idp: Any, pool: str) -> None:
    client = create(idp, pool, GenerateSecret=True)
    own = "Custom_Secret_0123456789abcdef"
    added = idp.add_user_pool_client_secret(UserPoolId=pool, ClientId=client["ClientId"], ClientSecret=own)
    assert "ClientSecretValue" not in added["ClientSecretDescriptor"]


def test_two_secrets_at_most_and_one_at_least(idp: Any, pool: str) -> None:
    client = create(idp, pool, GenerateSecret=True)
    named = {"UserPoolId": pool, "ClientId": client["ClientId"]}
    [first] = secret_ids(idp, client)
    code, message = refusal(idp.delete_user_pool_client_secret, **named, ClientSecretId=first)
    assert (code, message) == (
        "InvalidParameter",
        "The last client secret of a user pool client cannot be deleted.",
    )
    idp.add_user_pool_client_secret(**named)
    assert refusal(idp.add_user_pool_client_secret, **named)[0] == "LimitExceeded"
    assert refusal(idp.delete_user_pool_client_secret, **named, ClientSecretId="nothing")[0] == "ResourceNotFound"
    assert refusal(idp.list_user_pool_client_secrets, **named, NextToken="x") == (
        "InvalidParameter",
        "Invalid pagination token given.",
    )


def test_a_public_client_stays_public(idp: Any, pool: str) -> None:
    client = create(idp, pool)
    named = {"UserPoolId": pool, "ClientId": client["ClientId"]}
    assert secret_ids(idp, client) == []
    assert refusal(idp.add_user_pool_client_secret, **named)[0] == "InvalidParameter"


def test_secrets_are_sealed_in_the_database(world: World, idp: Any, pool: str) -> None:
    client = create(idp, pool, GenerateSecret=True)
    with unit.open(world.runtime):
        sealed = unit.execute(
            select(ClientSecret.sealed).where(ClientSecret.client_id == client["ClientId"])
        ).scalar_one()
        settings = unit.execute(select(AppClient.settings).where(AppClient.id == client["ClientId"])).scalar_one()
    assert client["ClientSecret"].encode() not in sealed
    assert client["ClientSecret"] not in str(settings)
