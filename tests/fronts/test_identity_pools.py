"""Identity pools as an administrator configures them, by boto3."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fronts.identity_world import IdentityWorld, allow, anonymous, identity_world, signed
from tests.fronts.refusals import refused
from tests.world import World


@pytest.fixture
def ids(world: World) -> IdentityWorld:
    return identity_world(world)


def test_a_pool_is_what_it_was_made_as_until_it_is_replaced(world: World) -> None:
    admin = world.boto3("cognito-identity")
    made = admin.create_identity_pool(
        IdentityPoolName="photos",
        AllowUnauthenticatedIdentities=True,
        AllowClassicFlow=True,
        DeveloperProviderName="login.example",
        SupportedLoginProviders={"accounts.google.com": "app.apps.googleusercontent.com"},
        OpenIdConnectProviderARNs=["arn:aws:iam::000000000000:oidc-provider/id.example.com/tenant"],
        SamlProviderARNs=["arn:aws:iam::000000000000:saml-provider/corp"],
        IdentityPoolTags={"team": "red"},
    )
    pool_id = made["IdentityPoolId"]
    assert pool_id.startswith("us-east-1:")
    described = admin.describe_identity_pool(IdentityPoolId=pool_id)
    for answer in (made, described):
        answer.pop("ResponseMetadata")
    assert described == made
    # Update means replace: what is not sent is gone, but the developer's name, which identities depend on, and tags.
    changed = admin.update_identity_pool(
        IdentityPoolId=pool_id, IdentityPoolName="albums", AllowUnauthenticatedIdentities=False
    )
    changed.pop("ResponseMetadata")
    assert changed == {
        "IdentityPoolId": pool_id,
        "IdentityPoolName": "albums",
        "AllowUnauthenticatedIdentities": False,
        "DeveloperProviderName": "login.example",
        "IdentityPoolTags": {"team": "red"},
    }
    sentence = refused(
        admin.update_identity_pool,
        "InvalidParameterException",
        IdentityPoolId=pool_id,
        IdentityPoolName="albums",
        AllowUnauthenticatedIdentities=False,
        DeveloperProviderName="other.example",
    )
    assert "cannot be changed" in sentence
    admin.delete_identity_pool(IdentityPoolId=pool_id)
    assert refused(admin.describe_identity_pool, "ResourceNotFoundException", IdentityPoolId=pool_id) == (
        f"IdentityPool '{pool_id}' not found."
    )


@pytest.mark.parametrize(
    "members",
    [
        {"CognitoIdentityProviders": [{"ProviderName": "example.com/us-east-1_x", "ClientId": "a"}]},
        {"CognitoIdentityProviders": [{"ProviderName": "cognito-idp.eu-west-1.amazonaws.com/x_x", "ClientId": "a"}]},
        {"CognitoIdentityProviders": [{"ProviderName": "cognito-idp.us-east-1.amazonaws.com/us-east-1_x"}]},
        {"CognitoIdentityProviders": [{"ClientId": "a"}]},
        {
            "CognitoIdentityProviders": [
                {"ProviderName": "cognito-idp.us-east-1.amazonaws.com/us-east-1_x", "ClientId": "a"}
            ]
            * 2
        },
        {"SupportedLoginProviders": {"accounts.evil.com": "app"}},
        {"OpenIdConnectProviderARNs": ["arn:aws:iam::000000000000:saml-provider/x"]},
        {"SamlProviderARNs": ["arn:aws:iam::000000000000:oidc-provider/x"]},
        {"DeveloperProviderName": "accounts.google.com"},
        {"DeveloperProviderName": "cognito-identity.amazonaws.com"},
        {"IdentityPoolTags": {"aws:x": "y"}},
        {"IdentityPoolTags": {f"t{n}": "y" for n in range(51)}},
    ],
)
def test_what_makes_no_sense_is_refused(world: World, members: dict[str, Any]) -> None:
    refused(
        world.boto3("cognito-identity").create_identity_pool,
        "InvalidParameterException",
        IdentityPoolName="x",
        AllowUnauthenticatedIdentities=False,
        **members,
    )


def test_pools_are_listed_page_by_page(world: World) -> None:
    admin = world.boto3("cognito-identity")
    made = {identity_world(world).id for _ in range(3)}
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = admin.list_identity_pools(MaxResults=2, **token)
        assert len(page["IdentityPools"]) <= 2
        found += [each["IdentityPoolId"] for each in page["IdentityPools"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert made <= set(found)
    assert len(found) == len(set(found))
    refused(admin.list_identity_pools, "InvalidParameterException", MaxResults=2, NextToken="AAAA")


def test_tags(ids: IdentityWorld) -> None:
    arn = f"arn:aws:cognito-identity:us-east-1:000000000000:identitypool/{ids.id}"
    ids.admin.tag_resource(ResourceArn=arn, Tags={"team": "red", "stage": "dev"})
    ids.admin.untag_resource(ResourceArn=arn, TagKeys=["stage", "nothing"])
    assert ids.admin.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "red"}
    for wrong, name in (
        (arn.replace("000000000000", "111111111111"), "ResourceNotFoundException"),
        (f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{ids.pool.id}", "InvalidParameterException"),
    ):
        refused(ids.admin.tag_resource, name, ResourceArn=wrong, Tags={"a": "b"})


def test_roles_and_mappings_are_stored_as_they_were_set(ids: IdentityWorld) -> None:
    role = ids.role()
    mapping = {
        "Type": "Rules",
        "AmbiguousRoleResolution": "Deny",
        "RulesConfiguration": {"Rules": [{"Claim": "a", "MatchType": "Equals", "Value": "b", "RoleARN": role}]},
    }
    name = f"{ids.provider}:{ids.client.id}"
    ids.admin.set_identity_pool_roles(
        IdentityPoolId=ids.id, Roles={"authenticated": role}, RoleMappings={name: mapping}
    )
    stored = ids.admin.get_identity_pool_roles(IdentityPoolId=ids.id)
    assert (stored["Roles"], stored["RoleMappings"]) == ({"authenticated": role}, {name: mapping})
    ids.admin.set_identity_pool_roles(IdentityPoolId=ids.id, Roles={})
    assert ids.admin.get_identity_pool_roles(IdentityPoolId=ids.id)["Roles"] == {}


@pytest.mark.parametrize(
    "mapping",
    [
        {"Type": "Token"},
        {"Type": "Rules", "AmbiguousRoleResolution": "Deny"},
        {"Type": "Rules", "AmbiguousRoleResolution": "Deny", "RulesConfiguration": {"Rules": 26}},
        {"Type": "Token", "AmbiguousRoleResolution": "Deny", "RulesConfiguration": {"Rules": 1}},
    ],
)
def test_mappings_that_could_not_decide_are_refused(ids: IdentityWorld, mapping: dict[str, Any]) -> None:
    count = (mapping.get("RulesConfiguration") or {}).get("Rules", 0)
    rule = {"Claim": "a", "MatchType": "Equals", "Value": "b", "RoleARN": "arn:aws:iam::000000000000:role/x"}
    if count:
        mapping = mapping | {"RulesConfiguration": {"Rules": [rule] * count}}
    refused(
        ids.admin.set_identity_pool_roles,
        "InvalidParameterException",
        IdentityPoolId=ids.id,
        Roles={},
        RoleMappings={ids.provider: mapping},
    )
    refused(
        ids.admin.set_identity_pool_roles,
        "InvalidParameterException",
        IdentityPoolId=ids.id,
        Roles={"authenticated": "arn:aws:iam::000000000000:user/x"},
    )


def test_principal_tag_maps(ids: IdentityWorld) -> None:
    named = {"IdentityPoolId": ids.id, "IdentityProviderName": ids.provider}
    assert ids.admin.get_principal_tag_attribute_map(**named)["UseDefaults"] is False
    ids.admin.set_principal_tag_attribute_map(**named, PrincipalTags={"team": "custom:team"})
    assert ids.admin.get_principal_tag_attribute_map(**named)["PrincipalTags"] == {"team": "custom:team"}
    ids.admin.set_principal_tag_attribute_map(**named, UseDefaults=True)
    stored = ids.admin.get_principal_tag_attribute_map(**named)
    assert (stored["UseDefaults"], stored["PrincipalTags"]) == (True, {})
    refused(
        ids.admin.set_principal_tag_attribute_map,
        "InvalidParameterException",
        **named,
        PrincipalTags={"team": "a", "Team": "b"},
    )


SIGNED = (
    ("create_identity_pool", {"IdentityPoolName": "x", "AllowUnauthenticatedIdentities": True}),
    ("describe_identity_pool", {"IdentityPoolId": "P"}),
    ("update_identity_pool", {"IdentityPoolId": "P", "IdentityPoolName": "x", "AllowUnauthenticatedIdentities": True}),
    ("delete_identity_pool", {"IdentityPoolId": "P"}),
    ("list_identity_pools", {"MaxResults": 1}),
    ("describe_identity", {"IdentityId": "I"}),
    ("list_identities", {"IdentityPoolId": "P", "MaxResults": 1}),
    ("delete_identities", {"IdentityIdsToDelete": ["I"]}),
    ("set_identity_pool_roles", {"IdentityPoolId": "P", "Roles": {}}),
    ("get_identity_pool_roles", {"IdentityPoolId": "P"}),
    ("set_principal_tag_attribute_map", {"IdentityPoolId": "P", "IdentityProviderName": "x"}),
    ("get_principal_tag_attribute_map", {"IdentityPoolId": "P", "IdentityProviderName": "x"}),
    ("get_open_id_token_for_developer_identity", {"IdentityPoolId": "P", "Logins": {"login.example": "ann"}}),
    ("lookup_developer_identity", {"IdentityPoolId": "P", "IdentityId": "I"}),
    (
        "merge_developer_identities",
        {
            "IdentityPoolId": "P",
            "SourceUserIdentifier": "a",
            "DestinationUserIdentifier": "b",
            "DeveloperProviderName": "x",
        },
    ),
    (
        "unlink_developer_identity",
        {"IdentityPoolId": "P", "IdentityId": "I", "DeveloperProviderName": "x", "DeveloperUserIdentifier": "a"},
    ),
    ("tag_resource", {"ResourceArn": "A" * 30, "Tags": {"a": "b"}}),
    ("untag_resource", {"ResourceArn": "A" * 30, "TagKeys": ["a"]}),
    ("list_tags_for_resource", {"ResourceArn": "A" * 30}),
)


@pytest.mark.parametrize(("operation", "members"), SIGNED, ids=[name for name, _ in SIGNED])
def test_nobody_administers_without_a_signature(ids: IdentityWorld, operation: str, members: dict[str, Any]) -> None:
    there = {"P": ids.id, "I": "us-east-1:00000000-0000-0000-0000-000000000000"}
    given = {name: there.get(value, value) if isinstance(value, str) else value for name, value in members.items()}
    if "IdentityIdsToDelete" in given:
        given["IdentityIdsToDelete"] = [there["I"]]
    call = getattr(anonymous(ids.world), operation)
    with pytest.raises(Exception, match="MissingAuthenticationToken"):
        call(**given)


def test_a_credential_of_a_pool_cannot_administer_pools(ids: IdentityWorld) -> None:
    """Web identities cannot call the API of identity pools, whatever their role says by mistake."""
    everything = ids.role("authenticated", allow("*"))
    ids.admin.set_identity_pool_roles(IdentityPoolId=ids.id, Roles={"authenticated": everything})
    logins = ids.logins(ids.pool.user())
    identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
    keys = ids.app.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
    mine = signed(ids.world, keys)
    refused(mine.list_identity_pools, "AccessDeniedException", MaxResults=1)
    refused(mine.describe_identity, "AccessDeniedException", IdentityId=identity)
