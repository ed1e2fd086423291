"""Whoever comes through a provider becomes a user, and comes back as the same one."""

from __future__ import annotations

import json

from tests.federation.vouching import Upstream, Vouching, somebody, upstream, vouching  # noqa: F401 - fixtures
from tests.oidc import Browser
from tests.world import PoolInWorld, World


def test_the_first_time_makes_a_profile_as_cognito_would(upstream: Upstream) -> None:  # noqa: F811
    claims = upstream.claims(
        somebody("00u1", email="ann@arrival.example", email_verified="true", name="Ann Bell", extra="not mapped")
    )
    assert claims["cognito:username"] == "Okta_00u1"
    assert claims["email"] == "ann@arrival.example"
    assert claims["email_verified"] is True
    assert claims["amr"] == ["fed"]
    assert claims["cognito:groups"] == [f"{upstream.pool.id}_Okta"]
    (identity,) = claims["identities"]
    assert identity.pop("dateCreated").isdigit()
    assert identity == {
        "userId": "00u1",
        "providerName": "Okta",
        "providerType": "OIDC",
        "issuer": None,
        "primary": "true",
    }
    user = upstream.user("Okta_00u1")
    assert user["UserStatus"] == "EXTERNAL_PROVIDER"
    assert user["Enabled"] is True
    assert user["Attributes"]["name"] == "Ann Bell"
    assert "extra" not in user["Attributes"]
    (stored,) = json.loads(user["Attributes"]["identities"])
    assert stored["primary"] is True
    assert isinstance(stored["dateCreated"], int)
    listed = upstream.pool.idp.list_users(UserPoolId=upstream.pool.id, Filter='username = "Okta_00u1"')["Users"]
    assert "identities" in {attribute["Name"] for attribute in listed[0]["Attributes"]}


def test_the_second_time_is_the_same_person_with_what_is_said_of_them_now(upstream: Upstream) -> None:  # noqa: F811
    first = upstream.claims(somebody("00u2", email="old@arrival.example", name="Ann", given_name="Ann"))
    second = upstream.claims(somebody("00u2", email="new@arrival.example", name="Ann Bell"))
    assert second["sub"] == first["sub"]
    assert (second["email"], second["name"]) == ("new@arrival.example", "Ann Bell")
    assert second["given_name"] == "Ann", "what the provider does not speak of stays, as in Cognito"
    assert second["email_verified"] is False
    assert upstream.usernames() == ["Okta_00u2"]
