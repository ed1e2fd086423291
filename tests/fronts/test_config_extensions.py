"""Our own service beside Cognito's, through a boto3 that has been taught its model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from poolhouse.core import jose, unit
from poolhouse.core.errors import InvalidParameter
from poolhouse.tokens import keys
from poolhouse.user_pools.extensions import of_pool
from tests.saml.enterprise import ours as our_service
from tests.world import World


@pytest.fixture
def ours(world: World, tmp_path: Path) -> Any:
    """A client for the service `poolhouse`, from the model that `aws configure add-model` would be given."""
    return our_service(world, tmp_path)


@pytest.fixture(scope="module")
def untouched(_world: World) -> dict[str, str]:
    """A client that nobody manages to change."""
    pool = _world.idp.create_user_pool(PoolName="untouched")["UserPool"]["Id"]
    made = _world.idp.create_user_pool_client(UserPoolId=pool, ClientName="public")["UserPoolClient"]
    return {"UserPoolId": pool, "ClientId": made["ClientId"]}


@pytest.fixture
def pool(idp: Any) -> str:
    made: str = idp.create_user_pool(PoolName="extended")["UserPool"]["Id"]
    return made


@pytest.fixture
def app(idp: Any, pool: str) -> dict[str, str]:
    made = idp.create_user_pool_client(UserPoolId=pool, ClientName="public")["UserPoolClient"]
    return {"UserPoolId": pool, "ClientId": made["ClientId"]}


def refusal(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**members)
    error = refused.value.response["Error"]
    return error["Code"].removesuffix("Exception"), error["Message"]


def public_key(alg: str = "ES256", kid: str = "k1") -> dict[str, str]:
    return jose.SigningKey(kid, alg, jose.generate(alg)).public.jwk()


def test_a_client_s_extensions_are_replaced_as_a_whole(ours: Any, app: dict[str, str]) -> None:
    assert ours.get_user_pool_client_extensions(**app)["Extensions"] == {}
    given = {
        "TokenEndpointAuthMethod": "private_key_jwt",
        "Jwks": {"keys": [public_key(), public_key("RS256", "k2"), public_key("EdDSA", "k3")]},
        "RequirePkce": True,
        "TokenProfile": "rfc9068",
        "Audience": "https://api.example.com",
        "StrictOidc": True,
        "UserInfoForApiTokens": False,
    }
    assert ours.set_user_pool_client_extensions(**app, Extensions=given)["Extensions"] == given
    assert ours.get_user_pool_client_extensions(**app)["Extensions"] == given
    assert ours.set_user_pool_client_extensions(**app, Extensions={"RequirePkce": False})["Extensions"] == {
        "RequirePkce": False
    }


def test_cognito_s_own_operations_keep_and_hide_them(idp: Any, ours: Any, app: dict[str, str]) -> None:
    ours.set_user_pool_client_extensions(**app, Extensions={"TokenProfile": "rfc9068"})
    idp.update_user_pool_client(**app, AuthSessionValidity=4)
    assert ours.get_user_pool_client_extensions(**app)["Extensions"] == {"TokenProfile": "rfc9068"}
    assert "rfc9068" not in json.dumps(idp.describe_user_pool_client(**app), default=str)


def test_a_client_with_a_key_may_use_client_credentials_until_the_key_goes(
    idp: Any, ours: Any, app: dict[str, str]
) -> None:
    scope = [{"ScopeName": "read", "ScopeDescription": "Read"}]
    idp.create_resource_server(UserPoolId=app["UserPoolId"], Identifier="api", Name="API", Scopes=scope)
    machine: dict[str, Any] = {
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": ["api/read"],
    }
    assert refusal(idp.update_user_pool_client, **app, **machine)[0] == "InvalidOAuthFlow"
    keyed = {"TokenEndpointAuthMethod": "private_key_jwt", "Jwks": {"keys": [public_key()]}}
    ours.set_user_pool_client_extensions(**app, Extensions=keyed)
    idp.update_user_pool_client(**app, **machine)
    assert refusal(ours.set_user_pool_client_extensions, **app, Extensions={})[0] == "InvalidOAuthFlow"
    assert ours.get_user_pool_client_extensions(**app)["Extensions"] == keyed


PRIVATE = {**public_key(), "d": "AAAA"}


@pytest.mark.parametrize(
    ("extensions", "said"),
    [
        ({"TokenEndpointAuthMethod": "private_key_jwt"}, "Jwks is required"),
        ({"TokenEndpointAuthMethod": "client_secret_basic"}, "has no secret"),
        ({"TokenEndpointAuthMethod": "client_secret_jwt"}, "enum value set"),
        ({"TokenProfile": "mine"}, "enum value set"),
        ({"Audience": "not a uri"}, "absolute URI"),
        ({"Audience": "x"}, "absolute URI"),
        ({"Jwks": {}}, "JWK Set"),
        ({"Jwks": {"keys": []}}, "JWK Set"),
        ({"Jwks": {"keys": ["x"]}}, "must be an object"),
        ({"Jwks": {"keys": [PRIVATE]}}, "private"),
        ({"Jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}, "private"),
        ({"Jwks": {"keys": [{"kty": "oct"}]}}, "RSA of 2048 bits"),
        ({"Jwks": {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}}, "RSA of 2048 bits"),
        ({"Jwks": {"keys": [public_key(), public_key()]}}, "kid of its own"),
        ({"Jwks": {"keys": [public_key(kid=str(n)) for n in range(21)]}}, "JWK Set"),
    ],
)
def test_extensions_that_cannot_be(ours: Any, untouched: dict[str, str], extensions: dict[str, Any], said: str) -> None:
    code, message = refusal(ours.set_user_pool_client_extensions, **untouched, Extensions=extensions)
    assert code == "InvalidParameter"
    assert said in message
    assert ours.get_user_pool_client_extensions(**untouched)["Extensions"] == {}


def test_refusals_call_settings_what_the_api_calls_them(idp: Any, ours: Any, app: dict[str, str]) -> None:
    in_pool = {"UserPoolId": app["UserPoolId"]}
    details = {"client_id": "c", "client_secret": "s", "authorize_scopes": "openid"}
    idp.create_identity_provider(
        **in_pool, ProviderName="Google", ProviderType="Google", ProviderDetails=details, AttributeMapping={}
    )
    google = {**in_pool, "ProviderName": "Google"}
    for call, where, extensions in (
        (ours.set_user_pool_client_extensions, app, {"Audience": "x"}),
        (ours.set_user_pool_client_extensions, app, {"Saml": {"EntityId": "urn:wiki"}}),
        (ours.set_identity_provider_extensions, google, {"HostedDomain": "example"}),
        (ours.set_identity_provider_extensions, google, {"RequireSigned": "both"}),
    ):
        code, message = refusal(call, **where, Extensions=extensions)
        assert code == "InvalidParameter"
        assert message.startswith(next(iter(extensions))), message
    with pytest.raises(InvalidParameter, match=r"^AccentColor must be"):  # the model refuses it before we do
        of_pool({"accent": "crimson"})


def test_a_client_with_a_secret_cannot_be_told_to_use_none(idp: Any, ours: Any, pool: str) -> None:
    made = idp.create_user_pool_client(UserPoolId=pool, ClientName="c", GenerateSecret=True)["UserPoolClient"]
    app = {"UserPoolId": pool, "ClientId": made["ClientId"]}
    code, _ = refusal(ours.set_user_pool_client_extensions, **app, Extensions={"TokenEndpointAuthMethod": "none"})
    assert code == "InvalidParameter"
    ours.set_user_pool_client_extensions(**app, Extensions={"TokenEndpointAuthMethod": "client_secret_post"})


def test_another_algorithm_means_new_keys_beside_the_old(world: World, ours: Any, pool: str) -> None:
    def published() -> list[str]:
        with unit.open(world.runtime):
            return sorted(key["alg"] for key in json.loads(keys.jwks(pool))["keys"])

    assert ours.get_user_pool_extensions(UserPoolId=pool)["Extensions"] == {}
    assert published() == ["RS256", "RS256"]
    es256 = {"SigningAlg": "ES256"}
    assert ours.set_user_pool_extensions(UserPoolId=pool, Extensions=es256)["Extensions"] == es256
    assert published() == ["ES256", "ES256", "RS256", "RS256"]
    ours.set_user_pool_extensions(UserPoolId=pool, Extensions=es256)
    assert len(published()) == 4


def test_updating_the_pool_keeps_its_extensions(idp: Any, ours: Any, pool: str) -> None:
    given = {"SigningAlg": "EdDSA", "UserInfoForApiTokens": True, "IntrospectionForApiTokens": False}
    ours.set_user_pool_extensions(UserPoolId=pool, Extensions=given)
    idp.update_user_pool(UserPoolId=pool)
    assert ours.get_user_pool_extensions(UserPoolId=pool)["Extensions"] == given


def test_unknown_pools_clients_and_values(ours: Any, app: dict[str, str]) -> None:
    unknown = {"UserPoolId": "us-east-1_NobodyHas"}
    assert refusal(ours.get_user_pool_extensions, **unknown)[0] == "ResourceNotFound"
    assert refusal(ours.set_user_pool_extensions, **unknown, Extensions={})[0] == "ResourceNotFound"
    nobody = {"UserPoolId": app["UserPoolId"], "ClientId": "nobody"}
    assert refusal(ours.get_user_pool_client_extensions, **nobody)[0] == "ResourceNotFound"
    assert refusal(ours.set_user_pool_client_extensions, **nobody, Extensions={})[0] == "ResourceNotFound"
    none = {"UserPoolId": app["UserPoolId"], "Extensions": {"SigningAlg": "none"}}
    assert refusal(ours.set_user_pool_extensions, **none)[0] == "InvalidParameter"


def test_an_accent_colour_reaches_the_hosted_pages(world: World, ours: Any, pool: str) -> None:
    ours.set_user_pool_extensions(UserPoolId=pool, Extensions={"AccentColor": "#AA3355"})
    assert ours.get_user_pool_extensions(UserPoolId=pool)["Extensions"] == {"AccentColor": "#aa3355"}
    style = requests.get(f"{world.url}/{pool}/assets/-/brand.css", timeout=10).text
    plain = requests.get(f"{world.url}/{world.pool().id}/assets/-/brand.css", timeout=10).text
    assert style != plain
    assert refusal(ours.set_user_pool_extensions, UserPoolId=pool, Extensions={"AccentColor": "crimson"})
