"""Developer identities: somebody's own users, for whom a signed request speaks."""

from __future__ import annotations

from typing import Any

import pytest

from poolhouse.core import jose
from tests.fronts.identity_world import SELF, IdentityWorld, identity_world
from tests.fronts.refusals import refused
from tests.world import World

NAME = "login.example"


@pytest.fixture
def ids(world: World) -> IdentityWorld:
    made = identity_world(world, DeveloperProviderName=NAME)
    made.admin.set_identity_pool_roles(IdentityPoolId=made.id, Roles={"authenticated": made.role("authenticated")})
    return made


def token(ids: IdentityWorld, user: str, logins: dict[str, str] | None = None, **more: Any) -> tuple[str, str]:
    answer = ids.admin.get_open_id_token_for_developer_identity(
        IdentityPoolId=ids.id, Logins={NAME: user} | (logins or {}), **more
    )
    return answer["IdentityId"], answer["Token"]


def users(ids: IdentityWorld, identity: str) -> list[str]:
    return list(
        ids.admin.lookup_developer_identity(IdentityPoolId=ids.id, IdentityId=identity)["DeveloperUserIdentifierList"]
    )


def test_a_developer_s_user_gets_an_identity_a_token_and_credentials(ids: IdentityWorld) -> None:
    identity, first = token(ids, "ann", TokenDuration=3600, PrincipalTags={"team": "red"})
    content = jose.unverified_claims(first)
    assert (content["sub"], content["aud"], content["exp"] - content["iat"]) == (identity, ids.id, 3600)
    assert content["amr"] == ["authenticated", NAME, f"{NAME}:{ids.id}:ann"]
    assert content["https://aws.amazon.com/tags"] == {"principal_tags": {"team": ["red"]}}
    assert token(ids, "ann")[0] == identity
    assert jose.unverified_claims(token(ids, "ann")[1])["exp"] - content["iat"] in range(899, 910)
    assert token(ids, "bob")[0] != identity
    keys = ids.app.get_credentials_for_identity(IdentityId=identity, Logins={SELF: first})["Credentials"]
    assert keys["AccessKeyId"].startswith("ASIA")


def test_a_token_is_good_for_its_own_identity_and_pool_alone(ids: IdentityWorld) -> None:
    ann, of_ann = token(ids, "ann")
    bob, _ = token(ids, "bob")
    other = identity_world(ids.world, DeveloperProviderName=NAME)
    refused(ids.app.get_credentials_for_identity, "NotAuthorizedException", IdentityId=bob, Logins={SELF: of_ann})
    refused(ids.app.get_credentials_for_identity, "NotAuthorizedException", IdentityId=ann)
    refused(other.app.get_id, "NotAuthorizedException", IdentityPoolId=other.id, Logins={SELF: of_ann})
    refused(
        ids.app.get_id,
        "NotAuthorizedException",
        IdentityPoolId=ids.id,
        Logins={SELF: of_ann[:-6] + "AAAAAA"},
    )


def test_an_identity_of_another_pool_is_nobody_here(ids: IdentityWorld) -> None:
    other = identity_world(ids.world, DeveloperProviderName=NAME)
    theirs, _ = token(other, "ann")
    for call, more in (
        (ids.admin.get_open_id_token_for_developer_identity, {"Logins": {NAME: "eve"}}),
        (ids.admin.lookup_developer_identity, {}),
        (
            ids.admin.unlink_developer_identity,
            {"DeveloperProviderName": NAME, "DeveloperUserIdentifier": "ann"},
        ),
    ):
        refused(call, "ResourceNotFoundException", IdentityPoolId=ids.id, IdentityId=theirs, **more)
    assert users(other, theirs) == ["ann"]


def test_a_guest_becomes_a_developer_s_user_and_keeps_the_id(ids: IdentityWorld) -> None:
    guest = ids.guest()
    assert token(ids, "carol", IdentityId=guest)[0] == guest
    assert token(ids, "carol")[0] == guest
    refused(ids.app.get_credentials_for_identity, "NotAuthorizedException", IdentityId=guest)
    elsewhere = ids.guest()
    refused(
        ids.admin.get_open_id_token_for_developer_identity,
        "DeveloperUserAlreadyRegisteredException",
        IdentityPoolId=ids.id,
        IdentityId=elsewhere,
        Logins={NAME: "carol"},
    )


def test_a_developer_s_user_and_a_user_pool_s_are_linked(ids: IdentityWorld) -> None:
    logins = ids.logins(ids.pool.user())
    identity, _ = token(ids, "dora", logins=logins)
    assert ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"] == identity
    assert ids.admin.describe_identity(IdentityId=identity)["Logins"] == sorted([ids.provider, NAME])
    refused(
        ids.admin.get_open_id_token_for_developer_identity,
        "NotAuthorizedException",
        IdentityPoolId=ids.id,
        Logins={NAME: "dora", ids.provider: "x"},
    )


def test_merging_and_unlinking(ids: IdentityWorld) -> None:
    ann, _ = token(ids, "ann")
    bob, _ = token(ids, "bob")
    named = {"IdentityPoolId": ids.id, "DeveloperProviderName": NAME}
    merged = ids.admin.merge_developer_identities(SourceUserIdentifier="ann", DestinationUserIdentifier="bob", **named)[
        "IdentityId"
    ]
    assert merged == bob
    assert users(ids, bob) == ["ann", "bob"]
    assert token(ids, "ann")[0] == bob
    page = ids.admin.lookup_developer_identity(IdentityPoolId=ids.id, IdentityId=bob, MaxResults=1)
    assert page["DeveloperUserIdentifierList"] == ["ann"]
    rest = ids.admin.lookup_developer_identity(
        IdentityPoolId=ids.id, IdentityId=bob, MaxResults=1, NextToken=page["NextToken"]
    )
    assert rest["DeveloperUserIdentifierList"] == ["bob"]
    ids.admin.unlink_developer_identity(IdentityId=bob, DeveloperUserIdentifier="bob", **named)
    assert users(ids, bob) == ["ann"]
    again, _ = token(ids, "bob")
    assert again not in {ann, bob}
    ids.admin.unlink_developer_identity(IdentityId=bob, DeveloperUserIdentifier="ann", **named)
    refused(ids.app.get_credentials_for_identity, "ResourceNotFoundException", IdentityId=bob)


def test_two_who_have_the_same_provider_are_not_merged(ids: IdentityWorld) -> None:
    for user in ("ann", "bob"):
        token(ids, user, logins=ids.logins(ids.pool.user()))
    refused(
        ids.admin.merge_developer_identities,
        "ResourceConflictException",
        IdentityPoolId=ids.id,
        DeveloperProviderName=NAME,
        SourceUserIdentifier="ann",
        DestinationUserIdentifier="bob",
    )


def test_what_is_not_there_is_said_not_to_be(ids: IdentityWorld) -> None:
    ann, _ = token(ids, "ann")
    token(ids, "bob")
    here = {"IdentityPoolId": ids.id}
    lookup = ids.admin.lookup_developer_identity
    refused(lookup, "InvalidParameterException", **here)
    refused(lookup, "ResourceNotFoundException", DeveloperUserIdentifier="nobody", **here)
    refused(lookup, "ResourceConflictException", DeveloperUserIdentifier="bob", IdentityId=ann, **here)
    refused(
        ids.admin.merge_developer_identities,
        "NotAuthorizedException",
        DeveloperProviderName="other.example",
        SourceUserIdentifier="ann",
        DestinationUserIdentifier="bob",
        **here,
    )
    refused(
        ids.admin.get_open_id_token_for_developer_identity,
        "InvalidParameterException",
        Logins={"other.example": "ann"},
        **here,
    )
    refused(
        ids.admin.get_open_id_token_for_developer_identity,
        "InvalidParameterException",
        Logins={NAME: "ann"},
        PrincipalTags={"a": "1", "A": "2"},
        **here,
    )
