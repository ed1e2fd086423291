"""Domains, resource servers and tags through boto3."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

CERTIFICATE = {"CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0d2b1dce"}


@pytest.fixture
def pool(idp: Any) -> dict[str, Any]:
    made: dict[str, Any] = idp.create_user_pool(PoolName="domains")["UserPool"]
    return made


@pytest.fixture
def name() -> str:
    """A domain prefix that nobody else has: prefixes are the server's, not the pool's."""
    return f"d{uuid.uuid4().hex[:16]}"


def refusal(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**members)
    error = refused.value.response["Error"]
    return error["Code"].removesuffix("Exception"), error["Message"]


# --- Domains ------------------------------------------------------------------------------------------------------


def test_a_prefix_domain(idp: Any, pool: dict[str, Any], name: str) -> None:
    created = idp.create_user_pool_domain(UserPoolId=pool["Id"], Domain=name)
    assert created.keys() == {"ManagedLoginVersion", "ResponseMetadata"}
    shown = idp.describe_user_pool_domain(Domain=name)["DomainDescription"]
    assert shown["UserPoolId"] == pool["Id"]
    assert (shown["Domain"], shown["Status"], shown["ManagedLoginVersion"]) == (name, "ACTIVE", 1)
    assert shown["AWSAccountId"] == "000000000000"
    assert "CustomDomainConfig" not in shown
    assert idp.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]["Domain"] == name


def test_a_custom_domain_beside_the_prefix(idp: Any, pool: dict[str, Any], name: str) -> None:
    idp.create_user_pool_domain(UserPoolId=pool["Id"], Domain=name)
    host = f"{name}.login.example.org"
    created = idp.create_user_pool_domain(UserPoolId=pool["Id"], Domain=host, CustomDomainConfig=CERTIFICATE)
    assert created["CloudFrontDomain"] == "localhost"
    shown = idp.describe_user_pool_domain(Domain=host)["DomainDescription"]
    assert shown["CustomDomainConfig"] == CERTIFICATE
    assert shown["CloudFrontDistribution"] == host
    described = idp.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]
    assert (described["Domain"], described["CustomDomain"]) == (name, host)


def test_a_domain_is_changed_and_deleted(idp: Any, pool: dict[str, Any], name: str) -> None:
    named = {"UserPoolId": pool["Id"], "Domain": name}
    idp.create_user_pool_domain(**named, ManagedLoginVersion=2)
    assert idp.describe_user_pool_domain(Domain=name)["DomainDescription"]["ManagedLoginVersion"] == 2
    assert idp.update_user_pool_domain(**named)["ManagedLoginVersion"] == 1
    idp.delete_user_pool_domain(**named)
    assert idp.describe_user_pool_domain(Domain=name)["DomainDescription"] == {}
    assert "Domain" not in idp.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]
    idp.create_user_pool_domain(**named)


def test_a_domain_that_nobody_has_is_described_as_nothing(idp: Any, name: str) -> None:
    answer = idp.describe_user_pool_domain(Domain=name)
    assert answer["DomainDescription"] == {}


@pytest.mark.parametrize("call", ["update_user_pool_domain", "delete_user_pool_domain"])
def test_another_pool_s_domain_is_out_of_reach(idp: Any, pool: dict[str, Any], name: str, call: str) -> None:
    idp.create_user_pool_domain(UserPoolId=pool["Id"], Domain=name)
    other = idp.create_user_pool(PoolName="other")["UserPool"]["Id"]
    said = ("InvalidParameter", "No such domain or user pool exists.")
    assert refusal(getattr(idp, call), UserPoolId=other, Domain=name) == said
    assert refusal(getattr(idp, call), UserPoolId=pool["Id"], Domain=name + "x") == said
    assert idp.describe_user_pool_domain(Domain=name)["DomainDescription"]["UserPoolId"] == pool["Id"]


def test_a_domain_has_one_pool_and_a_pool_one_of_each_kind(idp: Any, pool: dict[str, Any], name: str) -> None:
    idp.create_user_pool_domain(UserPoolId=pool["Id"], Domain=name)
    other = idp.create_user_pool(PoolName="other")["UserPool"]["Id"]
    assert refusal(idp.create_user_pool_domain, UserPoolId=other, Domain=name) == (
        "InvalidParameter",
        "Domain already associated with another user pool.",
    )
    code, message = refusal(idp.create_user_pool_domain, UserPoolId=pool["Id"], Domain=name + "2")
    assert (code, message) == ("InvalidParameter", "User pool already has a prefix domain configured.")
    idp.create_user_pool_domain(UserPoolId=other, Domain=name + "2")


@pytest.mark.parametrize(
    ("domain", "said"),
    [
        ("my-aws-app", "Domain cannot contain reserved word: aws"),
        ("amazon", "Domain cannot contain reserved word: amazon"),
        ("cognito-test", "Domain cannot contain reserved word: cognito"),
        ("Upper", "failed to satisfy constraint"),
        ("-dash", "failed to satisfy constraint"),
        ("dash-", "failed to satisfy constraint"),
        ("under_score", "failed to satisfy constraint"),
        ("x" * 64, "failed to satisfy constraint"),
        ("a..b", "Custom domain is not a valid subdomain"),
        ("127.0.0.1", "Custom domain is not a valid subdomain"),
        ("a.-b.org", "Custom domain is not a valid subdomain"),
    ],
)
def test_names_that_no_domain_can_have(idp: Any, pool: dict[str, Any], domain: str, said: str) -> None:
    code, message = refusal(idp.create_user_pool_domain, UserPoolId=pool["Id"], Domain=domain)
    assert code == "InvalidParameter"
    assert said in message


def test_a_word_within_a_word_is_not_reserved(idp: Any, pool: dict[str, Any], name: str) -> None:
    idp.create_user_pool_domain(UserPoolId=pool["Id"], Domain=f"{name}-awsome")


@pytest.mark.parametrize(
    "members",
    [
        {"ManagedLoginVersion": 3},
        {"ManagedLoginVersion": -1},
        {"CustomDomainConfig": CERTIFICATE},
        {"Routing": {"Failover": {"SecondaryRegion": "us-west-2", "PrimaryRoute53HealthCheckId": "x"}}},
    ],
)
def test_settings_that_a_prefix_cannot_have(idp: Any, pool: dict[str, Any], name: str, members: dict[str, Any]) -> None:
    assert refusal(idp.create_user_pool_domain, UserPoolId=pool["Id"], Domain=name, **members)[0] == "InvalidParameter"


# --- Resource servers ---------------------------------------------------------------------------------------------

READ = {"ScopeName": "read", "ScopeDescription": "Read"}
WRITE = {"ScopeName": "write", "ScopeDescription": "Write"}


def test_a_resource_server_from_beginning_to_end(idp: Any, pool: dict[str, Any]) -> None:
    named = {"UserPoolId": pool["Id"], "Identifier": "https://api.example.com"}
    created = idp.create_resource_server(**named, Name="API", Scopes=[READ])["ResourceServer"]
    assert created == {**named, "Name": "API", "Scopes": [READ]}
    assert idp.describe_resource_server(**named)["ResourceServer"] == created
    changed = idp.update_resource_server(**named, Name="Renamed", Scopes=[READ, WRITE])["ResourceServer"]
    assert changed == {**named, "Name": "Renamed", "Scopes": [READ, WRITE]}
    assert idp.update_resource_server(**named, Name="Renamed")["ResourceServer"]["Scopes"] == []
    assert idp.delete_resource_server(**named).keys() == {"ResponseMetadata"}
    for call, more in (
        (idp.describe_resource_server, {}),
        (idp.delete_resource_server, {}),
        (idp.update_resource_server, {"Name": "n"}),
    ):
        assert refusal(call, **named, **more)[0] == "ResourceNotFound"


def test_scopes_are_there_for_clients_at_once_and_gone_at_once(idp: Any, pool: dict[str, Any]) -> None:
    client: dict[str, Any] = {
        "UserPoolId": pool["Id"],
        "ClientName": "c",
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["code"],
        "CallbackURLs": ["https://example.com"],
        "AllowedOAuthScopes": ["api/read"],
    }
    assert refusal(idp.create_user_pool_client, **client)[0] == "ScopeDoesNotExist"
    idp.create_resource_server(UserPoolId=pool["Id"], Identifier="api", Name="API", Scopes=[READ])
    idp.create_user_pool_client(**client)
    idp.delete_resource_server(UserPoolId=pool["Id"], Identifier="api")
    assert refusal(idp.create_user_pool_client, **client)[0] == "ScopeDoesNotExist"


@pytest.mark.parametrize(
    "members",
    [
        {"Identifier": "has space"},
        {"Identifier": "x" * 257},
        {"Identifier": "aws.cognito"},
        {"Identifier": "aws.cognito/dcr"},
        {"Name": "semi;colon"},
        {"Scopes": [READ, READ]},
        {"Scopes": [{"ScopeName": "a/b", "ScopeDescription": "x"}]},
        {"Scopes": [{"ScopeName": f"s{n}", "ScopeDescription": "x"} for n in range(101)]},
    ],
)
def test_resource_servers_that_cannot_be(idp: Any, pool: dict[str, Any], members: dict[str, Any]) -> None:
    given = {"UserPoolId": pool["Id"], "Identifier": "api", "Name": "API", **members}
    assert refusal(idp.create_resource_server, **given)[0] == "InvalidParameter"
    assert idp.list_resource_servers(UserPoolId=pool["Id"])["ResourceServers"] == []


def test_an_identifier_is_taken_once(idp: Any, pool: dict[str, Any]) -> None:
    given = {"UserPoolId": pool["Id"], "Identifier": "api", "Name": "API"}
    idp.create_resource_server(**given)
    assert refusal(idp.create_resource_server, **given) == (
        "InvalidParameter",
        f"api already exists in user pool {pool['Id']}.",
    )


def test_resource_servers_are_listed_in_pages(idp: Any, pool: dict[str, Any]) -> None:
    for n in range(5):
        idp.create_resource_server(UserPoolId=pool["Id"], Identifier=f"api{n}", Name="API")
    pages = list(idp.get_paginator("list_resource_servers").paginate(UserPoolId=pool["Id"], MaxResults=2))
    assert [[s["Identifier"] for s in page["ResourceServers"]] for page in pages] == [
        ["api0", "api1"],
        ["api2", "api3"],
        ["api4"],
    ]


# --- Tags ---------------------------------------------------------------------------------------------------------


def test_tags_are_added_replaced_and_removed(idp: Any) -> None:
    pool = idp.create_user_pool(PoolName="tagged", UserPoolTags={"a": "1"})["UserPool"]
    arn = pool["Arn"]
    idp.tag_resource(ResourceArn=arn, Tags={"a": "2", "b": ""})
    assert idp.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"a": "2", "b": ""}
    idp.untag_resource(ResourceArn=arn, TagKeys=["b", "never there"])
    assert idp.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"a": "2"}
    assert idp.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]["UserPoolTags"] == {"a": "2"}
    # An update replaces, tags included.
    idp.update_user_pool(UserPoolId=pool["Id"], UserPoolTags={"c": "3"})
    assert idp.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"c": "3"}
    idp.update_user_pool(UserPoolId=pool["Id"])
    assert idp.list_tags_for_resource(ResourceArn=arn)["Tags"] == {}


def test_tags_that_cannot_be(idp: Any, pool: dict[str, Any]) -> None:
    arn = pool["Arn"]
    for tags in ({"aws:x": "1"}, {"k" * 129: "1"}, {"k": "v" * 257}, {f"k{n}": "" for n in range(51)}):
        assert refusal(idp.tag_resource, ResourceArn=arn, Tags=tags)[0] == "InvalidParameter"
    assert idp.list_tags_for_resource(ResourceArn=arn)["Tags"] == {}


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_NobodyHas", "ResourceNotFound"),
        ("arn:aws:cognito-idp:us-east-1:111111111111:userpool/{id}", "ResourceNotFound"),
        ("arn:aws:cognito-idp:eu-west-1:000000000000:userpool/{id}", "ResourceNotFound"),
        ("arn:aws:cognito-idp:us-east-1:000000000000:userpool/", "InvalidParameter"),
        ("arn:aws:cognito-idp:us-east-1:000000000000:pool/{id}", "InvalidParameter"),
        ("arn:aws:s3:us-east-1:000000000000:userpool/{id}", "InvalidParameter"),
        ("not an arn, but long enough", "InvalidParameter"),
    ],
)
def test_tags_of_what_is_no_pool_of_ours(idp: Any, pool: dict[str, Any], arn: str, code: str) -> None:
    named = arn.format(id=pool["Id"])
    assert refusal(idp.list_tags_for_resource, ResourceArn=named)[0] == code
    assert refusal(idp.tag_resource, ResourceArn=named, Tags={"a": "b"})[0] == code
    assert refusal(idp.untag_resource, ResourceArn=named, TagKeys=["a"])[0] == code
