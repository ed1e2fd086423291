"""IAM as boto3 and the AWS command line meet it: roles, policies with versions, users, keys, providers, what-ifs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import count
from typing import Any

import boto3
import botocore.config
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poolhouse.access import authorize, keys, roles
from poolhouse.api import model, registry
from poolhouse.core import unit
from poolhouse.core.errors import AccessDenied
from tests.fronts.refusals import refused
from tests.world import ACCESS_KEY_ID, SECRET_ACCESS_KEY, World

ACCOUNT = "000000000000"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonCognitoReadOnly"
names = count(1)


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


TRUST = document({"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"})


@pytest.fixture
def iam(world: World) -> Any:
    return world.boto3("iam")


@pytest.fixture
def role(iam: Any) -> str:
    name = f"role-{next(names)}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    return name


@pytest.fixture
def user(iam: Any) -> str:
    name = f"user-{next(names)}"
    iam.create_user(UserName=name)
    return name


# --- roles ------------------------------------------------------------------------------------------------------------


def test_a_role_is_shown_as_it_was_made(iam: Any) -> None:
    made = iam.create_role(
        RoleName="shown",
        Path="/team/red/",
        AssumeRolePolicyDocument=TRUST,
        Description="Who <edits> & co",
        MaxSessionDuration=7200,
        PermissionsBoundary=READ_ONLY,
        Tags=[{"Key": "team", "Value": "red"}],
    )["Role"]
    shown = iam.get_role(RoleName="shown")["Role"]
    assert shown == made
    assert shown["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/team/red/shown"
    assert shown["RoleId"].startswith("AROA")
    assert shown["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert (shown["Description"], shown["MaxSessionDuration"]) == ("Who <edits> & co", 7200)
    assert shown["PermissionsBoundary"]["PermissionsBoundaryArn"] == READ_ONLY
    assert shown["Tags"] == [{"Key": "team", "Value": "red"}]
    assert [each["RoleName"] for each in iam.list_roles(PathPrefix="/team/")["Roles"]] == ["shown"]
    refused(iam.create_role, "EntityAlreadyExists", RoleName="SHOWN", AssumeRolePolicyDocument=TRUST)
    iam.delete_role(RoleName="shown")
    said = refused(iam.get_role, "NoSuchEntity", RoleName="shown")
    assert said == "The role with name shown cannot be found."
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.delete_role(RoleName="shown")


def test_what_a_role_is_can_be_changed(iam: Any, role: str) -> None:
    iam.update_role(RoleName=role, Description="new", MaxSessionDuration=3601)
    iam.update_role(RoleName=role)
    iam.tag_role(RoleName=role, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.tag_role(RoleName=role, Tags=[{"Key": "a", "Value": "3"}])
    iam.untag_role(RoleName=role, TagKeys=["b", "unknown"])
    iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=READ_ONLY)
    other = document({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=other)
    shown = iam.get_role(RoleName=role)["Role"]
    assert (shown["Description"], shown["MaxSessionDuration"]) == ("new", 3601)
    assert shown["AssumeRolePolicyDocument"] == json.loads(other)
    assert iam.list_role_tags(RoleName=role)["Tags"] == [{"Key": "a", "Value": "3"}]
    iam.delete_role_permissions_boundary(RoleName=role)
    assert "PermissionsBoundary" not in iam.get_role(RoleName=role)["Role"]
    refused(iam.delete_role_permissions_boundary, "NoSuchEntity", RoleName=role)
    refused(iam.put_role_permissions_boundary, "NoSuchEntity", RoleName=role, PermissionsBoundary=READ_ONLY + "x")
    assert iam.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"] == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{", "$: this is not JSON"),
        ('{"Version": "2012-10-17"}', "$: needs a Statement"),
        (document({"Effect": "Allow", "Action": "sts:AssumeRole"}), "$.Statement[0]: needs a Principal"),
        (document({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}), "$.Statement[0].Action"),
        (
            document(
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": "cognito-identity.amazonaws.com"},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                }
            ),
            "$.Statement[0]: must name the identity pool",
        ),
        (document(allow("sts:AssumeRole")), "$.Statement[0]"),
    ],
)
def test_a_malformed_trust_policy_is_refused_with_the_place_of_its_fault(
    iam: Any, role: str, text: str, path: str
) -> None:
    said = refused(
        iam.create_role, "MalformedPolicyDocument", RoleName=f"r-{next(names)}", AssumeRolePolicyDocument=text
    )
    assert said.startswith(path)
    refused(iam.update_assume_role_policy, "MalformedPolicyDocument", RoleName=role, PolicyDocument=text)


def test_a_role_that_holds_policies_is_not_deleted(iam: Any, role: str) -> None:
    iam.put_role_policy(RoleName=role, PolicyName="inline", PolicyDocument=document(allow("s3:*")))
    said = refused(iam.delete_role, "DeleteConflict", RoleName=role)
    assert said == "Cannot delete entity, must delete policies first."
    iam.delete_role_policy(RoleName=role, PolicyName="inline")
    iam.attach_role_policy(RoleName=role, PolicyArn=READ_ONLY)
    said = refused(iam.delete_role, "DeleteConflict", RoleName=role)
    assert said == "Cannot delete entity, must detach all policies first."
    iam.detach_role_policy(RoleName=role, PolicyArn=READ_ONLY)
    iam.delete_role(RoleName=role)


@pytest.mark.parametrize(
    "given",
    [
        {"RoleName": "a" * 65},
        {"RoleName": "with space"},
        {"RoleName": ""},
        {"Path": "no-slashes"},
        {"Path": "/a b/"},
        {"MaxSessionDuration": 3599},
        {"MaxSessionDuration": 43201},
        {"Description": "\x01"},
        {"Tags": [{"Key": "", "Value": ""}]},
        {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]},
        {"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]},
    ],
)
def test_what_a_role_may_not_be(world: World, given: dict[str, Any]) -> None:
    create = world.boto3_unchecked("iam").create_role
    refused(create, "ValidationError", **{"RoleName": f"r-{next(names)}", "AssumeRolePolicyDocument": TRUST, **given})


# --- inline and attached ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["role", "user"])
def test_inline_and_attached_policies(iam: Any, role: str, user: str, kind: str) -> None:
    who = {"RoleName": role} if kind == "role" else {"UserName": user}

    def call(name: str) -> Any:
        return getattr(iam, name.format(kind))

    text = document(allow("s3:GetObject", "arn:aws:s3:::photos/${aws:username}/*"))
    for name in ("b", "a"):
        call("put_{}_policy")(**who, PolicyName=name, PolicyDocument=text)
    call("put_{}_policy")(**who, PolicyName="a", PolicyDocument=document(allow("s3:PutObject")))
    assert call("list_{}_policies")(**who)["PolicyNames"] == ["a", "b"]
    assert call("get_{}_policy")(**who, PolicyName="b")["PolicyDocument"] == json.loads(text)
    said = refused(
        call("put_{}_policy"), "MalformedPolicyDocument", **who, PolicyName="c", PolicyDocument='{"Statement": []}'
    )
    assert said.startswith("$.Statement: ")
    call("delete_{}_policy")(**who, PolicyName="a")
    refused(call("delete_{}_policy"), "NoSuchEntity", **who, PolicyName="a")
    refused(call("get_{}_policy"), "NoSuchEntity", **who, PolicyName="a")

    call("attach_{}_policy")(**who, PolicyArn=READ_ONLY)
    call("attach_{}_policy")(**who, PolicyArn=READ_ONLY)
    attached = call("list_attached_{}_policies")(**who)["AttachedPolicies"]
    assert attached == [{"PolicyName": "AmazonCognitoReadOnly", "PolicyArn": READ_ONLY}]
    assert call("list_attached_{}_policies")(**who, PathPrefix="/team/")["AttachedPolicies"] == []
    refused(call("attach_{}_policy"), "NoSuchEntity", **who, PolicyArn=READ_ONLY + "x")
    call("detach_{}_policy")(**who, PolicyArn=READ_ONLY)
    refused(call("detach_{}_policy"), "NoSuchEntity", **who, PolicyArn=READ_ONLY)


def test_inline_policies_have_a_size_altogether_that_white_space_does_not_count_in(iam: Any, user: str) -> None:
    def of(size: int) -> str:
        return document(allow("s3:GetObject", ["arn:aws:s3:::" + "x" * size]))

    iam.put_user_policy(UserName=user, PolicyName="a", PolicyDocument=of(900))
    iam.put_user_policy(UserName=user, PolicyName="b", PolicyDocument=of(900) + " " * 3000)
    said = refused(iam.put_user_policy, "LimitExceeded", UserName=user, PolicyName="c", PolicyDocument=of(100))
    assert said == f"Maximum policy size of 2048 bytes exceeded for user {user}"


# --- managed policies -------------------------------------------------------------------------------------------------


def test_a_managed_policy_has_versions_one_of_which_is_in_force(iam: Any, role: str) -> None:
    name = f"policy-{next(names)}"
    made = iam.create_policy(PolicyName=name, Path="/team/", PolicyDocument=document(allow("s3:GetObject")))["Policy"]
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/team/{name}"
    assert (made["DefaultVersionId"], made["AttachmentCount"]) == ("v1", 0)
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    assert decision(iam, role, "s3:GetObject") == "allowed"

    second = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("s3:PutObject")))["PolicyVersion"]
    assert (second["VersionId"], second["IsDefaultVersion"]) == ("v2", False)
    assert decision(iam, role, "s3:PutObject") == "implicitDeny"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    assert decision(iam, role, "s3:PutObject") == "allowed"
    assert decision(iam, role, "s3:GetObject") == "implicitDeny"
    shown = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert (shown["Document"], shown["IsDefaultVersion"]) == (json.loads(document(allow("s3:GetObject"))), False)

    refused(iam.delete_policy_version, "DeleteConflict", PolicyArn=arn, VersionId="v2")
    for _ in range(3):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("*")))
    said = refused(iam.create_policy_version, "LimitExceeded", PolicyArn=arn, PolicyDocument=document(allow("*")))
    assert "can have up to 5 versions" in said
    iam.delete_policy_version(PolicyArn=arn, VersionId="v5")
    last = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("*")), SetAsDefault=True)
    assert last["PolicyVersion"]["VersionId"] == "v6"  # a number is never used twice
    listed = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [each["VersionId"] for each in listed] == ["v6", "v4", "v3", "v2", "v1"]

    assert [each["RoleName"] for each in iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]] == [role]
    refused(iam.delete_policy, "DeleteConflict", PolicyArn=arn)
    iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    assert "more than one version" in refused(iam.delete_policy, "DeleteConflict", PolicyArn=arn)
    for version in ("v1", "v2", "v3", "v4"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    iam.delete_policy(PolicyArn=arn)
    refused(iam.get_policy, "NoSuchEntity", PolicyArn=arn)


def test_policies_that_come_along_are_listed_and_cannot_be_changed(iam: Any) -> None:
    shown = iam.get_policy(PolicyArn=READ_ONLY)["Policy"]
    assert shown["PolicyName"] == "AmazonCognitoReadOnly"
    assert iam.get_policy_version(PolicyArn=READ_ONLY, VersionId="v1")["PolicyVersion"]["Document"]["Statement"]
    assert READ_ONLY in [each["Arn"] for each in iam.list_policies(Scope="AWS")["Policies"]]
    assert READ_ONLY not in [each["Arn"] for each in iam.list_policies(Scope="Local")["Policies"]]
    for call, more in ((iam.delete_policy, {}), (iam.create_policy_version, {"PolicyDocument": document(allow("*"))})):
        refused(call, "InvalidInput", PolicyArn=READ_ONLY, **more)


def test_a_policy_too_large_or_malformed_is_refused(iam: Any) -> None:
    large = document(allow("s3:GetObject", ["arn:aws:s3:::" + "x" * 2000] * 4))
    refused(iam.create_policy, "LimitExceeded", PolicyName="large", PolicyDocument=large)
    said = refused(
        iam.create_policy, "MalformedPolicyDocument", PolicyName="bad", PolicyDocument=document(allow("nonsense"))
    )
    assert said.startswith("$.Statement[0].Action: ")
    twice = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}}'
    )
    refused(iam.create_policy, "MalformedPolicyDocument", PolicyName="bad", PolicyDocument=twice)


# --- users and keys ---------------------------------------------------------------------------------------------------


def test_a_user_and_their_keys(iam: Any, user: str) -> None:
    assert iam.get_user(UserName=user)["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{user}"
    refused(iam.create_user, "EntityAlreadyExists", UserName=user.upper())
    refused(iam.create_user, "EntityAlreadyExists", UserName="administrator")
    key = iam.create_access_key(UserName=user)["AccessKey"]
    assert key["Status"] == "Active"
    iam.create_access_key(UserName=user)
    refused(iam.create_access_key, "LimitExceeded", UserName=user)
    iam.update_access_key(UserName=user, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    status = {each["AccessKeyId"]: each["Status"] for each in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]}
    assert status[key["AccessKeyId"]] == "Inactive"
    refused(iam.delete_user, "DeleteConflict", UserName=user)
    for key_id in status:
        iam.delete_access_key(UserName=user, AccessKeyId=key_id)
    iam.delete_user(UserName=user)
    refused(iam.get_user, "NoSuchEntity", UserName=user)


def test_the_first_administrator_is_shown_although_no_table_knows_them(iam: Any) -> None:
    assert iam.get_user()["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/administrator"
    refused(iam.create_access_key, "NoSuchEntity")


def test_one_user_s_key_is_not_changed_in_another_s_name(iam: Any, user: str) -> None:
    """IDOR (security.md, class 51): the permission asked for is on the user who is named."""
    other = f"user-{next(names)}"
    iam.create_user(UserName=other)
    key = iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
    refused(iam.delete_access_key, "NoSuchEntity", UserName=other, AccessKeyId=key)
    refused(iam.update_access_key, "NoSuchEntity", UserName=other, AccessKeyId=key, Status="Inactive")


def test_whoever_may_manage_one_user_may_not_manage_another(world: World, iam: Any, user: str) -> None:
    helper = f"user-{next(names)}"
    iam.create_user(UserName=helper)
    own = allow("iam:*", f"arn:aws:iam::{ACCOUNT}:user/{helper}")
    iam.put_user_policy(UserName=helper, PolicyName="p", PolicyDocument=document(own))
    key = iam.create_access_key(UserName=helper)["AccessKey"]
    theirs = _iam(world, key)
    theirs.list_access_keys(UserName=helper)
    for call, asked in (
        (theirs.list_access_keys, {"UserName": user}),
        (theirs.create_access_key, {"UserName": user}),
        (theirs.attach_user_policy, {"UserName": user, "PolicyArn": READ_ONLY}),
        (theirs.create_role, {"RoleName": "mine", "AssumeRolePolicyDocument": TRUST}),
        (theirs.list_users, {}),
        (theirs.create_policy, {"PolicyName": "mine", "PolicyDocument": document(allow("*"))}),
    ):
        refused(call, "AccessDenied", **asked)


def test_a_boundary_bounds_a_user(world: World, iam: Any, user: str) -> None:
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document(allow("iam:*")))
    theirs = _iam(world, iam.create_access_key(UserName=user)["AccessKey"])
    assert theirs.list_users()["Users"]
    iam.put_user_permissions_boundary(UserName=user, PermissionsBoundary=READ_ONLY)
    assert "because no permissions boundary allows" in refused(theirs.list_users, "AccessDenied")
    assert "Roles" in theirs.list_roles()
    iam.delete_user_permissions_boundary(UserName=user)
    assert theirs.list_users()["Users"]


# --- passing roles ----------------------------------------------------------------------------------------------------


def test_a_role_is_passed_only_by_whoever_may_pass_it_to_that_service(
    world: World, iam: Any, role: str, user: str
) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    to_pools = {"StringEquals": {"iam:PassedToService": "cognito-identity.amazonaws.com"}}
    iam.put_user_policy(
        UserName=user, PolicyName="p", PolicyDocument=document(allow("iam:PassRole", arn, Condition=to_pools))
    )
    key_id = iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
    with unit.open(world.runtime):
        key = keys.find(key_id)
        assert key
        authorize.pass_role(key.caller, arn)
        with pytest.raises(AccessDenied, match="iam:PassRole"):
            authorize.pass_role(key.caller, arn + "x")
        with pytest.raises(AccessDenied):
            authorize.pass_role(key.caller, arn, service="cognito-idp.amazonaws.com")


def test_a_group_gets_a_role_only_from_whoever_may_pass_it(world: World, iam: Any, role: str, user: str) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    pool = world.pool()
    iam.attach_user_policy(UserName=user, PolicyArn="arn:aws:iam::aws:policy/AmazonCognitoPowerUser")
    key = iam.create_access_key(UserName=user)["AccessKey"]
    idp = _client(world, "cognito-idp", key)
    idp.create_group(UserPoolId=pool.id, GroupName="plain")
    said = refused(idp.create_group, "AccessDeniedException", UserPoolId=pool.id, GroupName="g", RoleArn=arn)
    assert "iam:PassRole on resource: " + arn in said
    refused(idp.update_group, "AccessDeniedException", UserPoolId=pool.id, GroupName="plain", RoleArn=arn)
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document(allow("iam:PassRole", arn)))
    assert idp.update_group(UserPoolId=pool.id, GroupName="plain", RoleArn=arn)["Group"]["RoleArn"] == arn


# --- what if ----------------------------------------------------------------------------------------------------------


def decision(iam: Any, role: str, action: str, **more: Any) -> str:
    found = iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", ActionNames=[action], **more
    )
    return str(found["EvaluationResults"][0]["EvalDecision"])


def test_a_what_if_names_the_statement_and_what_it_was_not_told(iam: Any) -> None:
    own = allow("s3:GetObject", "arn:aws:s3:::photos/${aws:username}/*", Sid="Own")
    never = {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*", "Sid": "Never"}
    asked = {
        "PolicyInputList": [document(own, never)],
        "ActionNames": ["s3:GetObject", "s3:DeleteObject"],
        "ResourceArns": ["arn:aws:s3:::photos/ann/1", "arn:aws:s3:::photos/bob/1"],
    }
    unknown = iam.simulate_custom_policy(**asked)["EvaluationResults"]
    assert [each["EvalDecision"] for each in unknown] == [
        "implicitDeny",
        "implicitDeny",
        "explicitDeny",
        "explicitDeny",
    ]
    assert unknown[0]["MissingContextValues"] == ["aws:username"]
    ann = {"ContextKeyName": "aws:username", "ContextKeyValues": ["ann"], "ContextKeyType": "string"}
    known = iam.simulate_custom_policy(**asked, ContextEntries=[ann])["EvaluationResults"]
    assert [each["EvalDecision"] for each in known] == ["allowed", "implicitDeny", "explicitDeny", "explicitDeny"]
    assert known[0]["MatchedStatements"][0]["SourcePolicyId"] == "PolicyInputList.1.Own"
    assert known[2]["MatchedStatements"][0]["SourcePolicyId"] == "PolicyInputList.1.Never"
    pages = [
        each["EvalResourceName"]
        for page in iam.get_paginator("simulate_custom_policy").paginate(**asked, PaginationConfig={"PageSize": 3})
        for each in page["EvaluationResults"]
    ]
    assert pages == asked["ResourceArns"] * 2


def test_a_what_if_about_a_role_counts_its_boundary(iam: Any, role: str) -> None:
    iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=document(allow("*")))
    assert decision(iam, role, "s3:GetObject") == "allowed"
    bound = [document(allow("cognito-idp:*"))]
    assert decision(iam, role, "s3:GetObject", PermissionsBoundaryPolicyInputList=bound) == "implicitDeny"
    iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=READ_ONLY)
    assert decision(iam, role, "s3:GetObject") == "implicitDeny"
    refused(
        iam.simulate_principal_policy, "NoSuchEntity", ActionNames=["s3:GetObject"],
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/nobody",
    )  # fmt: skip
    refused(
        iam.simulate_principal_policy, "InvalidInput", ActionNames=["s3:GetObject"],
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:group/team",
    )  # fmt: skip
    refused(iam.simulate_custom_policy, "InvalidInput", PolicyInputList=["{"], ActionNames=["s3:GetObject"])


# --- providers --------------------------------------------------------------------------------------------------------


def test_openid_connect_providers(iam: Any) -> None:
    url, thumbprint = f"https://idp{next(names)}.example.com/realm", "a" * 40
    made = iam.create_open_id_connect_provider(Url=url, ClientIDList=["one"], ThumbprintList=[thumbprint])
    arn = made["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:oidc-provider/{url.removeprefix('https://')}"
    refused(iam.create_open_id_connect_provider, "EntityAlreadyExists", Url=url)
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="two")
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="two")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="one")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["b" * 40])
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (shown["Url"], shown["ClientIDList"]) == (url.removeprefix("https://"), ["two"])
    assert shown["ThumbprintList"] == ["b" * 40]
    assert {"Arn": arn} in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    refused(iam.get_open_id_connect_provider, "NoSuchEntity", OpenIDConnectProviderArn=arn)
    for bad in ("ftp://example.com", "https://user@example.com", "https://example.com/?q=1", "https://[", "example"):
        refused(iam.create_open_id_connect_provider, "InvalidInput", Url=bad)


# --- pages ------------------------------------------------------------------------------------------------------------


def test_lists_come_in_pages_and_markers_cannot_be_made_up(iam: Any) -> None:
    made = sorted(f"paged-{letter}" for letter in "edcba")
    for name in made:
        iam.create_role(RoleName=name, Path="/paged/", AssumeRolePolicyDocument=TRUST)
    pages = list(iam.get_paginator("list_roles").paginate(PathPrefix="/paged/", PaginationConfig={"PageSize": 2}))
    assert [[each["RoleName"] for each in page["Roles"]] for page in pages] == [made[:2], made[2:4], made[4:]]
    marker = pages[0]["Marker"]
    refused(iam.list_roles, "ValidationError", Marker="made-up")
    refused(iam.list_users, "ValidationError", Marker=marker)
    refused(iam.list_roles, "ValidationError", PathPrefix="/other/", Marker=marker)


# --- the command line -------------------------------------------------------------------------------------------------


def test_the_aws_command_line(world: World) -> None:
    pytest.importorskip("awscli")
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{world.port}",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }

    def aws(*words: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "awscli", *words, "--output", "json"],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    assert aws("sts", "get-caller-identity")["Account"] == ACCOUNT
    made = aws("iam", "create-role", "--role-name", "from-the-shell", "--assume-role-policy-document", TRUST)
    aws("iam", "put-role-policy", "--role-name", "from-the-shell", "--policy-name", "p",
        "--policy-document", document(allow("cognito-idp:*")))  # fmt: skip
    session = aws("sts", "assume-role", "--role-arn", made["Role"]["Arn"], "--role-session-name", "shell")[
        "Credentials"
    ]
    environment |= {
        "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }
    assert aws("sts", "get-caller-identity")["Arn"].endswith(":assumed-role/from-the-shell/shell")
    assert "UserPools" in aws("cognito-idp", "list-user-pools", "--max-results", "1")


# --- any input --------------------------------------------------------------------------------------------------------

OPERATIONS = sorted(name for service, name in registry.load() if service == "iam")
VALUES = st.one_of(
    st.text(max_size=30), st.integers(), st.booleans(), st.none(),
    st.sampled_from([TRUST, "{}", "[]", document(allow("*")), "arn:aws:iam::000000000000:role/x", READ_ONLY, "*", "/"]),
    st.lists(st.text(max_size=5), max_size=3),
    st.lists(st.dictionaries(st.sampled_from(["Key", "Value", "ContextKeyName"]), st.text(max_size=5)), max_size=3),
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_input_makes_the_server_fail(world: World, data: st.DataObject) -> None:
    """Through perform, as JSON would come: the form's reader has tests of its own."""
    from poolhouse.access.caller import operator
    from poolhouse.api.perform import perform
    from poolhouse.core.errors import InternalError, PoolhouseError

    name = data.draw(st.sampled_from(OPERATIONS))
    members = list(model.service("iam").operations[name].members)
    sent = {member: data.draw(VALUES) for member in members if data.draw(st.booleans())}
    try:
        with unit.open(world.runtime):
            perform(operator(ACCOUNT), "iam", name, sent)
    except InternalError:
        raise
    except PoolhouseError:
        pass


def test_a_stored_policy_that_no_longer_reads_allows_nothing_and_can_be_mended(
    world: World, iam: Any, role: str
) -> None:
    from sqlalchemy import update

    from poolhouse.access.models import IamRole
    from poolhouse.core import cache

    with unit.open(world.runtime, write=True):
        unit.execute(update(IamRole).where(IamRole.name == role).values(trust='{"Statement": "?"}'))
        cache.changed()
    with unit.open(world.runtime), pytest.raises(AccessDenied):
        roles.get(role)
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=TRUST)
    with unit.open(world.runtime):
        assert roles.get(role).name == role


def _iam(world: World, key: dict[str, Any]) -> Any:
    return _client(world, "iam", key)


def _client(world: World, service: str, key: dict[str, Any]) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=f"http://127.0.0.1:{world.port}",
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=botocore.config.Config(retries={"total_max_attempts": 1}),
    )
