"""User pools through boto3: created, described, replaced, deleted; and everything that is refused on the way."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import select

from poolhouse import tables
from poolhouse.core import unit
from poolhouse.listeners.models import AuditEvent
from poolhouse.user_pools import pools
from tests.world import World

ARN = "arn:aws:lambda:us-east-1:123456789012:function:hook"
ROLE = "arn:aws:iam::123456789012:role/sms"
KEY = "arn:aws:kms:us-east-1:123456789012:key/0d2b1dce"
SES = "arn:aws:ses:us-east-1:123456789012:identity/mail@example.com"
UNKNOWN = "us-east-1_NobodyHas"
# What DescribeUserPool shows and UpdateUserPool does not take.
SHOWN_ONLY = {
    "Id", "Name", "Arn", "CreationDate", "LastModifiedDate", "SchemaAttributes", "EstimatedNumberOfUsers",
    "Domain", "CustomDomain", "UsernameAttributes", "AliasAttributes", "UsernameConfiguration",
}  # fmt: skip


def refusal(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**members)
    error = refused.value.response["Error"]
    return error["Code"].removesuffix("Exception"), error["Message"]


def create(idp: Any, **members: Any) -> dict[str, Any]:
    made: dict[str, Any] = idp.create_user_pool(**{"PoolName": "configured", **members})["UserPool"]
    return made


def described(idp: Any, pool: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = idp.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]
    return found


def timeless(shown: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in shown.items() if k not in {"CreationDate", "LastModifiedDate", "SchemaAttributes"}}


def attribute(shown: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(a for a in shown["SchemaAttributes"] if a["Name"] == name)
    return found


# --- Created and described ----------------------------------------------------------------------------------------


def test_a_pool_without_settings_has_cognito_s_defaults(idp: Any) -> None:
    pool = create(idp)
    assert re.fullmatch(r"us-east-1_[A-Za-z0-9]{9}", pool["Id"])
    assert timeless(pool) == {
        "Id": pool["Id"],
        "Name": "configured",
        "Arn": f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{pool['Id']}",
        "Policies": {
            "PasswordPolicy": {
                "MinimumLength": 8,
                "RequireUppercase": True,
                "RequireLowercase": True,
                "RequireNumbers": True,
                "RequireSymbols": True,
                "TemporaryPasswordValidityDays": 7,
            },
            "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD"]},
        },
        "DeletionProtection": "INACTIVE",
        "LambdaConfig": {},
        "VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_CODE"},
        "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": []},
        "MfaConfiguration": "OFF",
        "EstimatedNumberOfUsers": 0,
        "EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT"},
        "UserPoolTags": {},
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False, "UnusedAccountValidityDays": 7},
        "UserPoolTier": "ESSENTIALS",
        "AcrConfiguration": {f"Level{n}": {"AcrValue": f"urn:cognito:loa:{n}"} for n in range(1, 5)},
    }
    assert pool["CreationDate"] == pool["LastModifiedDate"]
    assert described(idp, pool) == pool


def test_a_new_pool_has_the_whole_standard_schema(idp: Any) -> None:
    shown = create(idp)
    assert {a["Name"] for a in shown["SchemaAttributes"]} == {
        "sub", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile",
        "picture", "website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number",
        "phone_number_verified", "address", "updated_at", "identities",
    }  # fmt: skip
    assert attribute(shown, "sub") == {
        "Name": "sub",
        "AttributeDataType": "String",
        "DeveloperOnlyAttribute": False,
        "Mutable": False,
        "Required": True,
        "StringAttributeConstraints": {"MinLength": "1", "MaxLength": "2048"},
    }


EVERYTHING: dict[str, Any] = {
    "Policies": {
        "PasswordPolicy": {
            "MinimumLength": 12,
            "RequireUppercase": False,
            "RequireLowercase": True,
            "RequireNumbers": True,
            "RequireSymbols": False,
            "PasswordHistorySize": 3,
            "TemporaryPasswordValidityDays": 3,
        },
        "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"]},
    },
    "DeletionProtection": "ACTIVE",
    "LambdaConfig": {
        "PreSignUp": ARN,
        "CustomEmailSender": {"LambdaVersion": "V1_0", "LambdaArn": ARN},
        "KMSKeyID": KEY,
    },
    "AutoVerifiedAttributes": ["email"],
    "EmailVerificationMessage": "Code {####}",
    "EmailVerificationSubject": "Subject",
    "SmsVerificationMessage": "Sms {####}",
    "VerificationMessageTemplate": {
        "SmsMessage": "Sms {####}",
        "EmailMessage": "Code {####}",
        "EmailSubject": "Subject",
        "DefaultEmailOption": "CONFIRM_WITH_CODE",
    },
    "SmsAuthenticationMessage": "Mfa {####}",
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
    "MfaConfiguration": "OPTIONAL",
    "DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": False},
    "EmailConfiguration": {
        "EmailSendingAccount": "DEVELOPER",
        "SourceArn": SES,
        "From": "A <mail@example.com>",
        "ReplyToEmailAddress": "reply@example.com",
    },
    "SmsConfiguration": {"SnsCallerArn": ROLE, "ExternalId": "x", "SnsRegion": "us-east-1"},
    "UserPoolTags": {"stage": "test"},
    "AdminCreateUserConfig": {
        "AllowAdminCreateUserOnly": True,
        "UnusedAccountValidityDays": 3,
        "InviteMessageTemplate": {
            "SMSMessage": "{username} {####}",
            "EmailMessage": "<b>{username}</b> {####}",
            "EmailSubject": "Welcome",
        },
    },
    "UserPoolAddOns": {"AdvancedSecurityMode": "AUDIT"},
    "DcrConfiguration": {"EnableStatus": "Disabled", "OpenDcrEnabled": False},
    "AccountRecoverySetting": {
        "RecoveryMechanisms": [
            {"Priority": 1, "Name": "verified_email"},
            {"Priority": 2, "Name": "verified_phone_number"},
        ]
    },
    "UserPoolTier": "PLUS",
    "KeyConfiguration": {"KeyType": "AWS_OWNED_KEY"},
    "IssuerConfiguration": {"Type": "ORIGINAL"},
    "AcrConfiguration": {f"Level{n}": {"AcrValue": f"https://example.com/loa/{n}"} for n in range(1, 5)},
}


def test_every_setting_comes_back_as_it_was_given(idp: Any) -> None:
    settled = {"UsernameConfiguration": {"CaseSensitive": False}, "AliasAttributes": ["email", "preferred_username"]}
    pool = create(idp, **EVERYTHING, **settled)
    shown = described(idp, pool)
    assert {member: shown[member] for member in EVERYTHING} == EVERYTHING
    assert {member: shown[member] for member in settled} == settled
    idp.update_user_pool(UserPoolId=pool["Id"], DeletionProtection="INACTIVE")
    idp.delete_user_pool(UserPoolId=pool["Id"])


def test_what_describe_shows_can_be_sent_back_and_changes_nothing(idp: Any) -> None:
    pool = create(idp, **EVERYTHING)
    before = described(idp, pool)
    sent_back = {member: value for member, value in before.items() if member not in SHOWN_ONLY}
    assert idp.update_user_pool(UserPoolId=pool["Id"], **sent_back).keys() == {"ResponseMetadata"}
    assert timeless(described(idp, pool)) == timeless(before)


def test_an_update_with_little_resets_the_rest_to_its_defaults(idp: Any) -> None:
    settled: dict[str, Any] = {
        "UsernameAttributes": ["email"],
        "UsernameConfiguration": {"CaseSensitive": False},
        "Schema": [{"Name": "level", "AttributeDataType": "Number"}, {"Name": "email", "Required": True}],
    }
    pool = create(idp, PoolName="kept", **EVERYTHING, **settled)
    fresh = create(idp, PoolName="kept", **settled)
    idp.update_user_pool(UserPoolId=pool["Id"], AutoVerifiedAttributes=["email"])
    after, default = described(idp, pool), described(idp, fresh)
    assert after.pop("AutoVerifiedAttributes") == ["email"]
    for shown in (after, default):
        del shown["Id"], shown["Arn"], shown["CreationDate"], shown["LastModifiedDate"]
    assert after == default
    assert after["UsernameAttributes"] == ["email"]
    assert attribute(after, "custom:level")["AttributeDataType"] == "Number"


def test_an_update_can_rename_and_tells_when(idp: Any) -> None:
    pool = create(idp)
    idp.update_user_pool(UserPoolId=pool["Id"], PoolName="renamed")
    shown = described(idp, pool)
    assert shown["Name"] == "renamed"
    assert shown["LastModifiedDate"] > shown["CreationDate"] == pool["CreationDate"]


def test_the_two_generations_of_verification_messages_mirror_each_other(idp: Any) -> None:
    old = create(
        idp, EmailVerificationMessage="Old {####}", EmailVerificationSubject="S", SmsVerificationMessage="s{####}"
    )
    assert old["VerificationMessageTemplate"] == {
        "DefaultEmailOption": "CONFIRM_WITH_CODE",
        "EmailMessage": "Old {####}",
        "EmailSubject": "S",
        "SmsMessage": "s{####}",
    }
    new = create(idp, VerificationMessageTemplate={"EmailMessage": "New {####}"})
    assert new["EmailVerificationMessage"] == "New {####}"


def test_the_versioned_and_the_plain_token_trigger_are_one(idp: Any) -> None:
    both = {"PreTokenGeneration": ARN, "PreTokenGenerationConfig": {"LambdaVersion": "V1_0", "LambdaArn": ARN}}
    assert create(idp, LambdaConfig={"PreTokenGeneration": ARN})["LambdaConfig"] == both
    v2 = {"LambdaVersion": "V2_0", "LambdaArn": ARN}
    assert create(idp, LambdaConfig={"PreTokenGenerationConfig": v2})["LambdaConfig"]["PreTokenGeneration"] == ARN


# --- Refused ------------------------------------------------------------------------------------------------------

REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"AliasAttributes": ["email"], "UsernameAttributes": ["email"]},
        "Only one of the aliasAttributes or usernameAttributes can be set in a User pool.",
    ),
    (
        {"MfaConfiguration": "ON"},
        "SMS configuration and Auto verification for phone_number are required when MFA is required/optional",
    ),
    (
        {"MfaConfiguration": "OPTIONAL"},
        "SMS configuration and Auto verification for phone_number are required when MFA is required/optional",
    ),
    (
        {
            "AccountRecoverySetting": {
                "RecoveryMechanisms": [
                    {"Priority": 1, "Name": "admin_only"},
                    {"Priority": 2, "Name": "verified_email"},
                ]
            }
        },
        "Account Recovery Setting cannot use admin_only setting with any other recovery mechanisms.",
    ),
    (
        {
            "AccountRecoverySetting": {
                "RecoveryMechanisms": [
                    {"Priority": 1, "Name": "verified_email"},
                    {"Priority": 1, "Name": "verified_phone_number"},
                ]
            }
        },
        "Account Recovery Setting cannot have duplicate priorities or recovery mechanisms.",
    ),
    (
        {
            "Policies": {"PasswordPolicy": {"TemporaryPasswordValidityDays": 2}},
            "AdminCreateUserConfig": {"UnusedAccountValidityDays": 9},
        },
        "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays",
    ),
    (
        {"UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]}},
        "Invalid value for UserAttributeUpdateSettings",
    ),
    ({"EmailConfiguration": {"EmailSendingAccount": "DEVELOPER"}}, "SourceArn is required"),
    ({"SmsConfiguration": {"ExternalId": "x"}}, "SnsCallerArn or EumsSms is required"),
    ({"LambdaConfig": {"CustomSMSSender": {"LambdaVersion": "V1_0", "LambdaArn": ARN}}}, "KMSKeyID is required"),
    (
        {
            "LambdaConfig": {
                "PreTokenGeneration": ARN,
                "PreTokenGenerationConfig": {"LambdaVersion": "V2_0", "LambdaArn": ARN + "2"},
            }
        },
        "must name the same Lambda function",
    ),
    ({"AcrConfiguration": {"Level1": {"AcrValue": "urn:cognito:loa:2"}}}, "ACR level names must be unique"),
    (
        {"Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["EMAIL_OTP"]}}},
        "Password should be configured as one of the allowed first auth factors.",
    ),
    (
        {"Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "SOFTWARE_TOKEN"]}}},
        "SOFTWARE_TOKEN is not supported",
    ),
    (
        {
            "Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}},
            "MfaConfiguration": "ON",
            "SmsConfiguration": {"SnsCallerArn": ROLE},
        },
        "One-time passwords cannot be first auth factors when MFA is required.",
    ),
    (
        {"AdminCreateUserConfig": {"InviteMessageTemplate": {"SMSMessage": "code {####}"}}},
        "Invalid SMS message for Admin create user flow parameter",
    ),
    (
        {"VerificationMessageTemplate": {"EmailMessage": "a {####}", "EmailMessageByLink": "a {##x##}"}},
        "cannot both be set",
    ),
    # The model's own rules, beyond what boto3 checks itself.
    ({"EmailVerificationMessage": "there is no code in it"}, "failed to satisfy constraint"),
    ({"SmsAuthenticationMessage": "no code either"}, "failed to satisfy constraint"),
    ({"Policies": {"PasswordPolicy": {"MinimumLength": 100}}}, "less than or equal to 99"),
    ({"Policies": {"PasswordPolicy": {"PasswordHistorySize": 25}}}, "less than or equal to 24"),
    ({"MfaConfiguration": "SOMETIMES"}, "enum value set"),
    ({"PoolName": "x" * 129}, "less than or equal to 128"),
    ({"PoolName": "semi;colon"}, "regular expression pattern"),
]


@pytest.mark.parametrize(("members", "said"), REFUSED)
def test_settings_that_do_not_go_together_are_refused(idp: Any, members: dict[str, Any], said: str) -> None:
    code, message = refusal(idp.create_user_pool, **{"PoolName": "refused", **members})
    assert code == "InvalidParameter"
    assert said in message


@pytest.fixture(scope="module")
def untouched(_world: World) -> dict[str, Any]:
    """A pool for those that only try: whatever they are refused must leave it as it is."""
    made: dict[str, Any] = _world.idp.create_user_pool(PoolName="untouched")["UserPool"]
    return made


@pytest.mark.parametrize(("members", "said"), [row for row in REFUSED if "AliasAttributes" not in row[0]])
def test_an_update_is_held_to_the_same_rules_and_changes_nothing(
    idp: Any, untouched: dict[str, Any], members: dict[str, Any], said: str
) -> None:
    code, message = refusal(idp.update_user_pool, UserPoolId=untouched["Id"], **members)
    assert code == "InvalidParameter"
    assert said in message
    assert described(idp, untouched) == untouched


@pytest.mark.parametrize("tags", [{"aws:owner": "x"}, {"AWS:owner": "x"}, {f"k{n}": "v" for n in range(51)}])
def test_tags_that_aws_would_not_take_are_refused(idp: Any, tags: dict[str, str]) -> None:
    assert refusal(idp.create_user_pool, PoolName="refused", UserPoolTags=tags)[0] == "UserPoolTagging"


# --- Schema -------------------------------------------------------------------------------------------------------


def test_a_schema_adds_custom_and_sharpens_standard_attributes(idp: Any) -> None:
    pool = create(
        idp,
        Schema=[
            {"Name": "email", "AttributeDataType": "String", "Required": True, "Mutable": False},
            {
                "Name": "level",
                "AttributeDataType": "Number",
                "NumberAttributeConstraints": {"MinValue": "-5", "MaxValue": "5"},
            },
            {
                "Name": "code",
                "AttributeDataType": "String",
                "Mutable": False,
                "StringAttributeConstraints": {"MinLength": "2", "MaxLength": "8"},
            },
            {"Name": "inner", "AttributeDataType": "Boolean", "DeveloperOnlyAttribute": True},
            {"Name": "since", "AttributeDataType": "DateTime"},
        ],
    )
    email = attribute(pool, "email")
    assert (email["Required"], email["Mutable"]) == (True, False)
    assert email["StringAttributeConstraints"] == {"MinLength": "0", "MaxLength": "2048"}
    assert attribute(pool, "custom:level")["NumberAttributeConstraints"] == {"MinValue": "-5", "MaxValue": "5"}
    assert attribute(pool, "custom:code")["StringAttributeConstraints"] == {"MinLength": "2", "MaxLength": "8"}
    assert attribute(pool, "custom:code")["Mutable"] is False
    assert attribute(pool, "dev:custom:inner")["DeveloperOnlyAttribute"] is True
    assert attribute(pool, "custom:since")["Mutable"] is True
    assert len(pool["SchemaAttributes"]) == 25
    assert described(idp, pool)["SchemaAttributes"] == pool["SchemaAttributes"]


def custom(data_type: str = "String", name: str = "a", **more: Any) -> dict[str, Any]:
    return {"Name": name, "AttributeDataType": data_type, **more}


def lengths(**bounds: str) -> dict[str, Any]:
    return custom(StringAttributeConstraints=bounds)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ([custom(Required=True)], "Required custom attributes are not supported currently."),
        ([{"Name": "a"}], "Invalid AttributeDataType input, consider using the provided AttributeDataType enum."),
        ([{"AttributeDataType": "String"}], "Attribute name is required"),
        ([custom("Number", "email")], "schema attribute email"),
        ([{"Name": "email", "DeveloperOnlyAttribute": True}], "schema attribute email"),
        ([{"Name": "sub", "Mutable": True}], "sub cannot be changed"),
        ([{"Name": "email_verified", "Required": True}], "email_verified cannot be required"),
        ([custom(), custom()], "Duplicate custom attribute names custom:a"),
        ([lengths(MinLength="9", MaxLength="8")], "custom:a cannot have a max length shorter than it's min length"),
        (
            [custom("Number", NumberAttributeConstraints={"MinValue": "9", "MaxValue": "8"})],
            "Attribute custom:a cannot have a max value smaller than it's min value",
        ),
        ([lengths(MaxLength="many")], "MaxLength"),
        ([lengths(MaxLength="2049")], "2048"),
        ([lengths(MinLength="-1")], "Invalid StringAttributeConstraints"),
        ([custom(name="x" * 21)], "less than or equal to 20"),
        ([custom(name="a:b")], "Invalid attribute name"),
        ([custom("Text")], "enum value set"),
    ],
)
def test_a_schema_that_cannot_be_is_refused(idp: Any, attributes: list[dict[str, Any]], said: str) -> None:
    code, message = refusal(idp.create_user_pool, PoolName="refused", Schema=attributes)
    assert code == "InvalidParameter"
    assert said in message


def test_custom_attributes_are_added_and_never_replaced(idp: Any) -> None:
    pool = create(idp, Schema=[{"Name": "first", "AttributeDataType": "String"}])
    added = [{"Name": "second", "AttributeDataType": "Number", "Mutable": False}]
    answer = idp.add_custom_attributes(UserPoolId=pool["Id"], CustomAttributes=added)
    assert answer.keys() == {"ResponseMetadata"}
    shown = described(idp, pool)
    assert attribute(shown, "custom:second")["Mutable"] is False
    assert attribute(shown, "custom:first") == attribute(pool, "custom:first")
    code, message = refusal(idp.add_custom_attributes, UserPoolId=pool["Id"], CustomAttributes=added)
    assert (code, message) == (
        "InvalidParameter",
        "custom:second: Existing attribute already has name custom:second.",
    )


def test_the_fifty_first_custom_attribute_is_refused(idp: Any) -> None:
    names = [f"a{n}" for n in range(51)]
    attributes = [{"Name": name, "AttributeDataType": "String"} for name in names]
    pool = create(idp, Schema=attributes[:25])
    idp.add_custom_attributes(UserPoolId=pool["Id"], CustomAttributes=attributes[25:50])
    code, message = refusal(idp.add_custom_attributes, UserPoolId=pool["Id"], CustomAttributes=attributes[50:])
    assert code == "InvalidParameter"
    assert "50" in message
    assert len([a for a in described(idp, pool)["SchemaAttributes"] if a["Name"].startswith("custom:")]) == 50


# --- Deleted and listed -------------------------------------------------------------------------------------------


def test_a_protected_pool_stays(idp: Any) -> None:
    pool = create(idp, DeletionProtection="ACTIVE")
    assert refusal(idp.delete_user_pool, UserPoolId=pool["Id"]) == (
        "InvalidParameter",
        "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be"
        " inactivated first.",
    )
    idp.update_user_pool(UserPoolId=pool["Id"], DeletionProtection="INACTIVE")
    assert idp.delete_user_pool(UserPoolId=pool["Id"]).keys() == {"ResponseMetadata"}


def test_a_pool_with_a_domain_stays(idp: Any) -> None:
    pool = create(idp)
    domain = f"dom-{pool['Id'][-9:].lower()}"
    idp.create_user_pool_domain(UserPoolId=pool["Id"], Domain=domain)
    assert refusal(idp.delete_user_pool, UserPoolId=pool["Id"]) == (
        "InvalidParameter",
        "User pool cannot be deleted. It has a domain configured that should be deleted first.",
    )
    idp.delete_user_pool_domain(UserPoolId=pool["Id"], Domain=domain)
    idp.delete_user_pool(UserPoolId=pool["Id"])


def test_everything_goes_with_a_pool(idp: Any) -> None:
    pool, other = create(idp), create(idp)
    for one in (pool, other):
        idp.create_user_pool_client(UserPoolId=one["Id"], ClientName="c", GenerateSecret=True)
        idp.create_resource_server(UserPoolId=one["Id"], Identifier="api", Name="api")
        idp.create_group(UserPoolId=one["Id"], GroupName="g")
        idp.admin_create_user(UserPoolId=one["Id"], Username="ann", MessageAction="SUPPRESS")
        idp.admin_add_user_to_group(UserPoolId=one["Id"], Username="ann", GroupName="g")
    idp.delete_user_pool(UserPoolId=pool["Id"])
    for call in (idp.describe_user_pool, idp.delete_user_pool, idp.list_user_pool_clients, idp.list_groups):
        assert refusal(call, UserPoolId=pool["Id"]) == (
            "ResourceNotFound",
            f"User pool {pool['Id']} does not exist.",
        )
    left = idp.list_users_in_group(UserPoolId=other["Id"], GroupName="g")["Users"]
    assert [user["Username"] for user in left] == ["ann"]
    assert described(idp, other)["EstimatedNumberOfUsers"] == 1


def test_the_audit_log_tells_of_a_pool_and_outlives_it(world: World, idp: Any) -> None:
    pool = create(idp)["Id"]
    named = {"UserPoolId": pool}
    idp.update_user_pool(**named)
    idp.add_custom_attributes(**named, CustomAttributes=[{"Name": "a", "AttributeDataType": "String"}])
    client = idp.create_user_pool_client(**named, ClientName="c", GenerateSecret=True)["UserPoolClient"]["ClientId"]
    secret = idp.add_user_pool_client_secret(**named, ClientId=client)["ClientSecretDescriptor"]["ClientSecretValue"]
    idp.create_resource_server(**named, Identifier="api", Name="API")
    idp.create_group(**named, GroupName="staff")
    idp.delete_user_pool(**named)
    with unit.open(world.runtime):
        columns = (AuditEvent.name, AuditEvent.client_id, AuditEvent.detail, AuditEvent.principal)
        rows = unit.execute(select(*columns).where(AuditEvent.pool_id == pool).order_by(AuditEvent.id)).all()
    assert [(row.name, row.client_id, row.detail) for row in rows] == [
        ("UserPoolCreated", None, {}),
        ("UserPoolUpdated", None, {"what": "settings"}),
        ("UserPoolUpdated", None, {"what": "schema"}),
        ("UserPoolClientCreated", client, {}),
        ("UserPoolClientUpdated", client, {"what": "secret added"}),
        ("ResourceServerChanged", None, {"identifier": "api", "what": "created"}),
        ("GroupChanged", None, {"group": "staff", "what": "created"}),
        ("UserPoolDeleted", None, {}),
    ]
    assert secret not in str(rows)


def test_no_table_keeps_anything_of_a_deleted_pool() -> None:
    owned = {table.name for table in pools.owned_tables()}
    for name, table in tables.metadata.tables.items():
        if "pool_id" in table.c and not table.info.get("outlives_pool"):
            assert name in owned
    assert {"app_clients", "client_secrets", "users", "groups", "group_members", "signing_keys"} <= owned


def test_pools_are_listed_in_pages_that_cover_them_all(idp: Any) -> None:
    mine = {create(idp, PoolName=f"listed{n}", LambdaConfig={"PreSignUp": ARN})["Id"] for n in range(5)}
    found = [
        pool
        for page in idp.get_paginator("list_user_pools").paginate(PaginationConfig={"PageSize": 2})
        for pool in page["UserPools"]
    ]
    ids = [pool["Id"] for pool in found]
    assert mine <= set(ids)
    assert len(ids) == len(set(ids))
    one = next(pool for pool in found if pool["Id"] in mine)
    assert one.keys() == {"Id", "Name", "LambdaConfig", "CreationDate", "LastModifiedDate"}


@pytest.mark.parametrize("token", ["nonsense", "a" * 9000, "ü", "AAAA", "%00"])
def test_a_made_up_token_is_refused(idp: Any, token: str) -> None:
    pool = create(idp)
    said = ("InvalidParameter", "Invalid pagination token given.")
    assert refusal(idp.list_user_pools, MaxResults=1, NextToken=token) == said
    assert refusal(idp.list_user_pool_clients, UserPoolId=pool["Id"], NextToken=token) == said
    assert refusal(idp.list_groups, UserPoolId=pool["Id"], NextToken=token) == said
    assert refusal(idp.list_resource_servers, UserPoolId=pool["Id"], NextToken=token) == said


def test_a_token_of_another_list_is_refused(idp: Any) -> None:
    create(idp), create(idp)
    pool = create(idp)
    token = idp.list_user_pools(MaxResults=1)["NextToken"]
    assert refusal(idp.list_groups, UserPoolId=pool["Id"], NextToken=token)[0] == "InvalidParameter"


def test_a_page_has_sixty_at_most(idp: Any) -> None:
    code, message = refusal(idp.list_user_pools, MaxResults=61)
    assert code == "InvalidParameter"
    assert "Member must have value less than or equal to 60" in message
    assert sent(idp, "ListUserPools", b'{"MaxResults":0}')[0] == 400


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("DescribeUserPool", {}),
    ("UpdateUserPool", {}),
    ("DeleteUserPool", {}),
    ("AddCustomAttributes", {"CustomAttributes": [{"Name": "a", "AttributeDataType": "String"}]}),
    ("GetUserPoolMfaConfig", {}),
    ("SetUserPoolMfaConfig", {}),
    ("CreateUserPoolClient", {"ClientName": "c"}),
    ("DescribeUserPoolClient", {"ClientId": "c"}),
    ("UpdateUserPoolClient", {"ClientId": "c"}),
    ("DeleteUserPoolClient", {"ClientId": "c"}),
    ("ListUserPoolClients", {}),
    ("AddUserPoolClientSecret", {"ClientId": "c"}),
    ("DeleteUserPoolClientSecret", {"ClientId": "c", "ClientSecretId": "s"}),
    ("ListUserPoolClientSecrets", {"ClientId": "c"}),
    ("CreateResourceServer", {"Identifier": "i", "Name": "n"}),
    ("DescribeResourceServer", {"Identifier": "i"}),
    ("UpdateResourceServer", {"Identifier": "i", "Name": "n"}),
    ("DeleteResourceServer", {"Identifier": "i"}),
    ("ListResourceServers", {}),
    ("CreateUserPoolDomain", {"Domain": "d"}),
    ("UpdateUserPoolDomain", {"Domain": "d"}),
    ("DeleteUserPoolDomain", {"Domain": "d"}),
    ("CreateGroup", {"GroupName": "g"}),
    ("GetGroup", {"GroupName": "g"}),
    ("UpdateGroup", {"GroupName": "g"}),
    ("DeleteGroup", {"GroupName": "g"}),
    ("ListGroups", {}),
    ("ListUsersInGroup", {"GroupName": "g"}),
    ("AdminAddUserToGroup", {"GroupName": "g", "Username": "u"}),
    ("AdminRemoveUserFromGroup", {"GroupName": "g", "Username": "u"}),
    ("AdminListGroupsForUser", {"Username": "u"}),
]


@pytest.mark.parametrize(("operation", "members"), CALLS)
def test_an_unknown_pool_is_said_to_be_unknown(idp: Any, operation: str, members: dict[str, Any]) -> None:
    code, message = refusal(idp._make_api_call, operation_name=operation, api_params={"UserPoolId": UNKNOWN, **members})
    assert (code, message) == ("ResourceNotFound", f"User pool {UNKNOWN} does not exist.")


@pytest.mark.parametrize(("operation", "members"), CALLS)
@pytest.mark.parametrize("wrong", ["no underscore", "x" * 54 + "_1", "_" * 56, "us-east-1_"])
def test_what_is_no_pool_id_is_refused(idp: Any, operation: str, members: dict[str, Any], wrong: str) -> None:
    if wrong == "_" * 56:
        operation, members = "DescribeUserPool", {}
    code, message = refusal(idp._make_api_call, operation_name=operation, api_params={"UserPoolId": wrong, **members})
    assert code in {"InvalidParameter", "ResourceNotFound"}
    assert code == "ResourceNotFound" or "at 'userPoolId' failed to satisfy constraint" in message


def sent(idp: Any, operation: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """The answer to a signed request with a body that boto3 itself would never send."""
    shape = idp.meta.service_model.operation_model(operation).input_shape
    members = {name: sample(shape.members[name]) for name in shape.required_members}

    def swap(params: dict[str, Any], **_: Any) -> None:
        params["body"] = body

    idp.meta.events.register_first("before-call", swap)
    try:
        answer = idp._make_api_call(operation, members)
        return 200, answer
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]
    finally:
        idp.meta.events.unregister("before-call", swap)


def sample(shape: Any) -> Any:
    match shape.type_name:
        case "string":
            return (shape.enum or ["x" * 20])[0]
        case "integer" | "long":
            return 1
        case "boolean":
            return True
        case "list":
            return [sample(shape.member)]
        case "map":
            return {"k": sample(shape.value)}
    return {name: sample(member) for name, member in shape.members.items() if name in shape.required_members}


MINE = [name for name, _ in CALLS] + [
    "CreateUserPool", "ListUserPools", "DescribeUserPoolDomain", "TagResource", "UntagResource", "ListTagsForResource",
]  # fmt: skip


@pytest.mark.parametrize("operation", MINE)
def test_wrong_types_and_absent_members_never_fail_inside(idp: Any, operation: str) -> None:
    shape = idp.meta.service_model.operation_model(operation).input_shape
    bodies: list[Any] = [{}, dict.fromkeys(shape.members)]
    for wrong in (7, 1.5, True, "", "x" * 200_000, [], [None], [[]], {}, {"a": {}}, "\u0000", "\ud800"):
        bodies += [dict.fromkeys(shape.members, wrong)]
        valid = {name: sample(member) for name, member in shape.members.items()}
        bodies += [valid | {name: wrong} for name in list(shape.members)[:6]]
    for body in bodies:
        status, answer = sent(idp, operation, json.dumps(body).encode())
        assert status in {200, 400, 413}, (operation, str(body)[:200], answer)
        if shape.required_members and body == {}:
            assert answer["Code"] == "InvalidParameterException"
            assert "Member must not be null" in answer["Message"]


# --- Second factors -----------------------------------------------------------------------------------------------


def test_totp_is_turned_on_and_off(idp: Any) -> None:
    pool = create(idp)["Id"]
    assert idp.get_user_pool_mfa_config(UserPoolId=pool)["MfaConfiguration"] == "OFF"
    on = idp.set_user_pool_mfa_config(
        UserPoolId=pool, MfaConfiguration="ON", SoftwareTokenMfaConfiguration={"Enabled": True}
    )
    del on["ResponseMetadata"]
    assert on == {"MfaConfiguration": "ON", "SoftwareTokenMfaConfiguration": {"Enabled": True}}
    shown = idp.get_user_pool_mfa_config(UserPoolId=pool)
    del shown["ResponseMetadata"]
    assert shown == on
    assert idp.describe_user_pool(UserPoolId=pool)["UserPool"]["MfaConfiguration"] == "ON"
    off = idp.set_user_pool_mfa_config(UserPoolId=pool, MfaConfiguration="OFF")
    assert off.keys() == {"MfaConfiguration", "ResponseMetadata"}


def test_sms_and_mail_as_second_factors_are_stored_and_shown(idp: Any) -> None:
    pool = create(idp)["Id"]
    given = {
        "SmsMfaConfiguration": {
            "SmsAuthenticationMessage": "Code {####}",
            "SmsConfiguration": {"SnsCallerArn": ROLE, "ExternalId": "x"},
        },
        "EmailMfaConfiguration": {"Message": "Code {####}", "Subject": "Code"},
        "SoftwareTokenMfaConfiguration": {"Enabled": True},
        "WebAuthnConfiguration": {"RelyingPartyId": "login.example.com", "UserVerification": "required"},
        "MfaConfiguration": "OPTIONAL",
    }
    idp.set_user_pool_mfa_config(UserPoolId=pool, **given)
    shown = idp.get_user_pool_mfa_config(UserPoolId=pool)
    del shown["ResponseMetadata"]
    assert shown == given
    described_pool = idp.describe_user_pool(UserPoolId=pool)["UserPool"]
    assert described_pool["SmsConfiguration"] == given["SmsMfaConfiguration"]["SmsConfiguration"]  # type: ignore[index]
    assert described_pool["SmsAuthenticationMessage"] == "Code {####}"


def test_setting_factors_replaces_them(idp: Any) -> None:
    pool = create(idp)["Id"]
    passkeys = {"RelyingPartyId": "example.com"}
    idp.set_user_pool_mfa_config(UserPoolId=pool, MfaConfiguration="OFF", WebAuthnConfiguration=passkeys)
    idp.set_user_pool_mfa_config(
        UserPoolId=pool, MfaConfiguration="OPTIONAL", EmailMfaConfiguration={"Message": "Code {####}"}
    )
    shown = idp.get_user_pool_mfa_config(UserPoolId=pool)
    assert shown.keys() == {"MfaConfiguration", "EmailMfaConfiguration", "ResponseMetadata"}


def test_an_update_of_the_pool_turns_mfa_off_but_keeps_the_factors(idp: Any) -> None:
    pool = create(idp)["Id"]
    idp.set_user_pool_mfa_config(
        UserPoolId=pool, MfaConfiguration="OPTIONAL", SoftwareTokenMfaConfiguration={"Enabled": True}
    )
    idp.update_user_pool(UserPoolId=pool)
    shown = idp.get_user_pool_mfa_config(UserPoolId=pool)
    assert (shown["MfaConfiguration"], shown["SoftwareTokenMfaConfiguration"]) == ("OFF", {"Enabled": True})
    idp.update_user_pool(UserPoolId=pool, MfaConfiguration="ON")
    assert idp.get_user_pool_mfa_config(UserPoolId=pool)["MfaConfiguration"] == "ON"


NO_FACTOR = "Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be enabled."
OFF_AND_ON = "Invalid MFA configuration given, can't turn off MFA and configure an MFA together."


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"MfaConfiguration": "ON"}, NO_FACTOR),
        ({"MfaConfiguration": "OPTIONAL"}, NO_FACTOR),
        ({"MfaConfiguration": "ON", "SoftwareTokenMfaConfiguration": {"Enabled": False}}, NO_FACTOR),
        ({"MfaConfiguration": "ON", "SmsMfaConfiguration": {"SmsAuthenticationMessage": "c {####}"}}, NO_FACTOR),
        ({"MfaConfiguration": "ON", "WebAuthnConfiguration": {"RelyingPartyId": "example.com"}}, NO_FACTOR),
        ({"MfaConfiguration": "OFF", "SoftwareTokenMfaConfiguration": {"Enabled": True}}, OFF_AND_ON),
        ({"SoftwareTokenMfaConfiguration": {"Enabled": True}}, OFF_AND_ON),
        ({"MfaConfiguration": "OFF", "WebAuthnConfiguration": {"RelyingPartyId": "https://x"}}, "relying party"),
        ({"MfaConfiguration": "ON", "EmailMfaConfiguration": {"Message": "no code"}}, "failed to satisfy constraint"),
    ],
)
def test_second_factors_that_cannot_be_are_refused(idp: Any, members: dict[str, Any], said: str) -> None:
    pool = create(idp)["Id"]
    code, message = refusal(idp.set_user_pool_mfa_config, UserPoolId=pool, **members)
    assert code == "InvalidParameter"
    assert said in message
    assert idp.get_user_pool_mfa_config(UserPoolId=pool)["MfaConfiguration"] == "OFF"


def test_mail_is_not_both_the_only_recovery_and_a_second_factor(idp: Any) -> None:
    only_mail = {"RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]}
    pool = create(idp, AccountRecoverySetting=only_mail)["Id"]
    code, message = refusal(
        idp.set_user_pool_mfa_config,
        UserPoolId=pool,
        MfaConfiguration="OPTIONAL",
        EmailMfaConfiguration={"Message": "Code {####}"},
    )
    assert code == "InvalidParameter"
    assert "recovery" in message


def test_required_mfa_admits_passkeys_only_as_multi_factor(idp: Any) -> None:
    pool = create(idp, Policies={"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}})["Id"]
    totp = {"UserPoolId": pool, "MfaConfiguration": "ON", "SoftwareTokenMfaConfiguration": {"Enabled": True}}
    assert refusal(idp.set_user_pool_mfa_config, **totp)[0] == "InvalidParameter"
    passkeys = {"RelyingPartyId": "example.com", "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION"}
    idp.set_user_pool_mfa_config(**totp, WebAuthnConfiguration=passkeys)
