"""SAML providers of the account: configured with boto3, and what their assertions open; forged ones open nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from poolhouse.access import saml_providers
from poolhouse.core import clock, unit
from poolhouse.saml import keys
from tests.fronts.identity_world import IdentityWorld, administrator, anonymous, identity_world, role, signed, trust
from tests.fronts.refusals import refused
from tests.saml import attack_idp
from tests.saml.attack_idp import Answer, Signing, later, respond
from tests.world import World

ACCOUNT = "000000000000"
AWS = "https://signin.aws.amazon.com/saml"
SAML = "https://aws.amazon.com/SAML/Attributes/"
ENTITY = "https://idp.example/metadata"
names = count(1)


def metadata(**more: Any) -> str:
    return attack_idp.metadata(**more).decode()


@dataclass
class Company:
    """A company whose people sign in at a SAML provider, and a role that trusts it."""

    world: World
    provider: str
    role: str

    @property
    def iam(self) -> Any:
        return administrator(self.world, "iam")

    def answer(self, **changes: Any) -> Answer:
        """What the provider says of Jo by itself, for AWS's endpoint; `roles` and `attributes` add to it."""
        attributes = {
            f"{SAML}Role": [f"{self.role},{self.provider}"],
            f"{SAML}RoleSessionName": ["jo@example.com"],
            **changes.pop("attributes", {}),
        }
        said = {"consumer": AWS, "audience": AWS, "in_response_to": None, "name_id": "jo-7", "issuer": ENTITY}
        return Answer(**{**said, "attributes": attributes, **changes})

    def assertion(self, **changes: Any) -> str:
        # Where nobody signed in there is no assertion to sign.
        return attack_idp.encode(respond(self.answer(**changes), "response" if "status" in changes else "assertion"))

    def assume(self, assertion: str | None = None, **more: Any) -> Any:
        """AssumeRoleWithSAML, which nobody signs."""
        given = {"RoleArn": self.role, "PrincipalArn": self.provider, "SAMLAssertion": assertion or self.assertion()}
        return anonymous(self.world, "sts").assume_role_with_saml(**given | more)


def trusting(provider: str, actions: list[str] | None = None, **condition: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": actions or ["sts:AssumeRoleWithSAML", "sts:TagSession"],
    }
    return {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}


def found(world: World, *policies: Mapping[str, Any], **condition: Any) -> Company:
    """A new company."""
    iam = administrator(world, "iam")
    name = f"Company{next(names)}"
    arn = iam.create_saml_provider(Name=name, SAMLMetadataDocument=metadata())["SAMLProviderArn"]
    given = condition or {"StringEquals": {"SAML:aud": AWS}}
    return Company(world, arn, role(world, trusting(arn, **given), *[dict(policy) for policy in policies]))


@pytest.fixture
def company(world: World) -> Company:
    return found(world)


def allow(action: str, resource: str = "*") -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}


# --- the providers ----------------------------------------------------------------------------------------------------


def test_a_provider_is_made_shown_changed_tagged_and_deleted(world: World) -> None:
    iam, name = administrator(world, "iam"), f"Provider{next(names)}"
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    document = metadata(valid_until=until)
    made = iam.create_saml_provider(Name=name, SAMLMetadataDocument=document, Tags=[{"Key": "team", "Value": "red"}])
    arn = made["SAMLProviderArn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:saml-provider/{name}"
    assert made["Tags"] == [{"Key": "team", "Value": "red"}]
    shown = iam.get_saml_provider(SAMLProviderArn=arn)
    assert (shown["SAMLMetadataDocument"], shown["ValidUntil"]) == (document, until)
    assert shown["SAMLProviderUUID"].isalnum()
    assert {"Arn": arn, "ValidUntil": until, "CreateDate": shown["CreateDate"]} in iam.list_saml_providers()[
        "SAMLProviderList"
    ]
    later_ = metadata(sso="https://idp.example/elsewhere")
    assert iam.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=later_)["SAMLProviderArn"] == arn
    shown = iam.get_saml_provider(SAMLProviderArn=arn)
    assert (shown["SAMLMetadataDocument"], "ValidUntil" in shown) == (later_, False)
    iam.tag_saml_provider(SAMLProviderArn=arn, Tags=[{"Key": "cost", "Value": "7"}])
    iam.untag_saml_provider(SAMLProviderArn=arn, TagKeys=["team"])
    assert iam.list_saml_provider_tags(SAMLProviderArn=arn)["Tags"] == [{"Key": "cost", "Value": "7"}]
    iam.delete_saml_provider(SAMLProviderArn=arn)
    refused(iam.get_saml_provider, "NoSuchEntity", SAMLProviderArn=arn)
    refused(iam.delete_saml_provider, "NoSuchEntity", SAMLProviderArn=arn)
    refused(iam.update_saml_provider, "NoSuchEntity", SAMLProviderArn=arn, SAMLMetadataDocument=later_)


def test_what_no_provider_can_be_made_of_is_told(company: Company) -> None:
    create, name = company.iam.create_saml_provider, company.provider.rpartition("/")[2]
    refused(create, "EntityAlreadyExists", Name=name, SAMLMetadataDocument=metadata())
    past = datetime.now(UTC) - timedelta(days=1)
    entity = metadata().replace('<?xml version="1.0"?>', '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>')
    for document in ("x" * 1000, metadata(valid_until=past), metadata(keys=[]) + " " * 500, entity, metadata()[:1000]):
        said = refused(create, "InvalidInput", Name="Unmade", SAMLMetadataDocument=document)
        assert said.startswith("Could not parse metadata: "), said
    refused(create, "InvalidInput", Name="Unmade", SAMLMetadataDocument=metadata() + " " * 600_000)
    refused(create, "ValidationError", Name="has space", SAMLMetadataDocument=metadata())


def test_assertions_can_be_encrypted_and_have_to_be_where_that_is_said(company: Company) -> None:
    old, new = keys.make_key(), keys.make_key()
    update, arn = company.iam.update_saml_provider, company.provider

    def encrypted(certificate: bytes) -> str:
        return attack_idp.encode(respond(company.answer(), encrypt_to=certificate))

    refused(update, "InvalidInput", SAMLProviderArn=arn, AssertionEncryptionMode="Required")
    refused(lambda: company.assume(encrypted(old[1])), "InvalidIdentityToken")
    update(SAMLProviderArn=arn, AssertionEncryptionMode="Allowed", AddPrivateKey=old[0].decode())
    assert company.assume(encrypted(old[1]))["Credentials"]
    assert company.assume()["Credentials"]
    update(SAMLProviderArn=arn, AssertionEncryptionMode="Required", AddPrivateKey=new[0].decode())
    refused(company.assume, "InvalidIdentityToken")
    assert company.assume(encrypted(old[1]))["Credentials"]
    assert company.assume(encrypted(new[1]))["Credentials"]
    shown = company.iam.get_saml_provider(SAMLProviderArn=arn)
    assert shown["AssertionEncryptionMode"] == "Required"
    newer, older = shown["PrivateKeyList"]
    assert newer["Timestamp"] >= older["Timestamp"]
    assert "PRIVATE" not in json.dumps(shown, default=str)
    refused(update, "LimitExceeded", SAMLProviderArn=arn, AddPrivateKey=new[0].decode())
    update(SAMLProviderArn=arn, RemovePrivateKey=older["KeyId"])
    refused(update, "NoSuchEntity", SAMLProviderArn=arn, RemovePrivateKey=older["KeyId"])
    refused(lambda: company.assume(encrypted(old[1])), "InvalidIdentityToken")
    assert company.assume(encrypted(new[1]))["Credentials"]
    refused(update, "InvalidInput", SAMLProviderArn=arn, RemovePrivateKey=newer["KeyId"])


@pytest.mark.parametrize("kind", ["short", "ec", "nonsense"])
def test_what_is_no_private_key_is_refused(company: Company, kind: str) -> None:
    pem = "-----BEGIN" if kind == "nonsense" else attack_idp.key(f"of {kind}", kind).private.decode()
    given = {"SAMLProviderArn": company.provider, "AssertionEncryptionMode": "Allowed", "AddPrivateKey": pem}
    said = refused(company.iam.update_saml_provider, "InvalidInput", **given)
    assert "RSA key of 2048 bits" in said


# --- a role -----------------------------------------------------------------------------------------------------------


def test_somebody_of_the_company_takes_on_a_role(world: World) -> None:
    company = found(world, allow("iam:GetRole", f"arn:aws:iam::{ACCOUNT}:role/${{SAML:sub}}"))
    answer = company.assume()
    assert (answer["Subject"], answer["SubjectType"], answer["Issuer"]) == ("jo-7", "persistent", ENTITY)
    assert (answer["Audience"], len(answer["NameQualifier"])) == (AWS, 28)
    name = company.role.rpartition("/")[2]
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/jo@example.com"
    keys = {**answer["Credentials"], "SecretKey": answer["Credentials"]["SecretAccessKey"]}
    who = signed(world, keys, "sts").get_caller_identity()
    assert who["Arn"] == answer["AssumedRoleUser"]["Arn"]
    iam = signed(world, keys, "iam")
    refused(iam.get_role, "NoSuchEntity", RoleName="jo-7")
    refused(iam.get_role, "AccessDenied", RoleName=name)


def test_this_servers_own_endpoint_is_an_audience_too(company: Company, world: World) -> None:
    ours = f"{world.settings.api_endpoint}/saml"
    refused(lambda: company.assume(company.assertion(consumer=ours, audience="urn:poolhouse:sts")), "AccessDenied")
    trusted = found(world, StringEquals={"SAML:aud": ours})
    answer = trusted.assume(trusted.assertion(consumer=ours, audience="urn:poolhouse:sts"))
    assert answer["Audience"] == ours
    assert trusted.assume(trusted.assertion(consumer=ours, audience=ours))["Credentials"]
    assert company.assume(company.assertion(audience="urn:amazon:webservices"))["Credentials"]


@pytest.mark.parametrize(
    ("condition", "in_"),
    [
        ({"StringEquals": {"SAML:iss": ENTITY}}, True),
        ({"StringEquals": {"SAML:iss": "https://idp.example/other"}}, False),
        ({"StringLike": {"SAML:sub": "jo-*"}}, True),
        ({"StringLike": {"SAML:sub": "bo-*"}}, False),
        ({"StringEquals": {"SAML:sub_type": "persistent"}}, True),
        ({"StringEquals": {"SAML:sub_type": "transient"}}, False),
        ({"ForAnyValue:StringEquals": {"SAML:eduPersonAffiliation": ["staff"]}}, True),
        ({"ForAnyValue:StringEquals": {"SAML:eduPersonAffiliation": ["alum"]}}, False),
        ({"StringLike": {"SAML:doc": f"{ACCOUNT}/Company*"}}, True),
        ({"StringEquals": {"sts:RoleSessionName": "jo@example.com"}}, True),
        ({"StringEquals": {"sts:RoleSessionName": "bo@example.com"}}, False),
        ({"StringEquals": {"aws:RequestTag/team": "red"}}, True),
        ({"StringEquals": {"aws:RequestTag/team": "blue"}}, False),
    ],
)
def test_the_trust_policy_decides_by_what_was_asserted(world: World, condition: dict[str, Any], in_: bool) -> None:
    company = found(world, **condition)
    more = {"urn:oid:1.3.6.1.4.1.5923.1.1.1.1": ["member", "staff"], f"{SAML}PrincipalTag:team": ["red"]}
    if in_:
        assert company.assume(company.assertion(attributes=more))["Credentials"]
    else:
        refused(lambda: company.assume(company.assertion(attributes=more)), "AccessDenied")


def test_tags_reach_the_role_s_policies_and_need_leave(world: World) -> None:
    company = found(world, allow("iam:GetRole", f"arn:aws:iam::{ACCOUNT}:role/${{aws:PrincipalTag/team}}"))
    tagged = {f"{SAML}PrincipalTag:team": [company.role.rpartition("/")[2]]}
    made = company.assume(company.assertion(attributes=tagged))["Credentials"]
    iam = signed(world, {**made, "SecretKey": made["SecretAccessKey"]}, "iam")
    assert iam.get_role(RoleName=company.role.rpartition("/")[2])["Role"]["Arn"] == company.role
    untagging = Company(world, company.provider, role(world, trusting(company.provider, ["sts:AssumeRoleWithSAML"])))
    refused(lambda: untagging.assume(untagging.assertion(attributes=tagged)), "AccessDenied")
    assert untagging.assume()["Credentials"]
    twice = {f"{SAML}PrincipalTag:team": ["a"], f"{SAML}PrincipalTag:Team": ["b"]}
    refused(lambda: company.assume(company.assertion(attributes=twice)), "InvalidIdentityToken")


def test_how_long_a_session_lasts(world: World) -> None:
    company = found(world)

    def seconds(assertion: str | None = None, **more: Any) -> float:
        end: datetime = company.assume(assertion, **more)["Credentials"]["Expiration"]
        return (end - clock.now()).total_seconds()

    assert 3500 < seconds() <= 3600
    assert 850 < seconds(DurationSeconds=900) <= 900
    assert 1750 < seconds(company.assertion(attributes={f"{SAML}SessionDuration": ["1800"]})) <= 1800
    assert 850 < seconds(company.assertion(attributes={f"{SAML}SessionDuration": ["1800"]}), DurationSeconds=900) <= 900

    def until(end: datetime) -> str:
        def edit(root: Any) -> None:
            statement = root.find(".//saml:AuthnStatement", attack_idp.NS)
            statement.set("SessionNotOnOrAfter", attack_idp.stamp(end))

        return attack_idp.encode(respond(company.answer(), before=edit))

    assert 1100 < seconds(until(datetime.now(UTC) + timedelta(minutes=20))) <= 1200
    assert 200 < seconds(until(datetime.now(UTC) + timedelta(minutes=5))) <= 300, "sooner than could be asked for"
    refused(lambda: company.assume(until(datetime.now(UTC) - timedelta(seconds=30))), "ExpiredTokenException")
    refused(lambda: company.assume(DurationSeconds=7200), "ValidationError")


def test_a_session_policy_narrows(world: World) -> None:
    company = found(world, allow("iam:*"))
    made = company.assume(Policy=json.dumps(allow("iam:ListRoles")))["Credentials"]
    iam = signed(world, {**made, "SecretKey": made["SecretAccessKey"]}, "iam")
    assert iam.list_roles()["Roles"]
    refused(iam.list_users, "AccessDenied")


# --- attacks ----------------------------------------------------------------------------------------------------------


def test_an_assertion_is_taken_once(company: Company) -> None:
    assertion = company.assertion()
    assert company.assume(assertion)["Credentials"]
    assert refused(lambda: company.assume(assertion), "InvalidIdentityToken") == "The SAML response was used before."
    # The same assertion in another response: it is the assertion that counts.
    answer = company.answer()
    assert company.assume(attack_idp.encode(respond(answer)))["Credentials"]
    again = Answer(**{**answer.__dict__, "response_id": "_another"})
    refused(lambda: company.assume(attack_idp.encode(respond(again))), "InvalidIdentityToken")


def test_a_refusal_does_not_use_it_up(company: Company) -> None:
    assertion = company.assertion()
    refused(lambda: company.assume(assertion, DurationSeconds=7200), "ValidationError")
    refused(lambda: company.assume(assertion, RoleArn=company.role + "x"), "AccessDenied")
    assert company.assume(assertion)["Credentials"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"audience": "https://other.example/saml"}, "InvalidIdentityToken"),
        ({"audience": None}, "InvalidIdentityToken"),
        ({"consumer": "https://other.example/saml"}, "InvalidIdentityToken"),
        ({"issuer": "https://evil.example/metadata"}, "InvalidIdentityToken"),
        ({"in_response_to": "_request1"}, "InvalidIdentityToken"),
        ({"name_id": None}, "InvalidIdentityToken"),
        ({"now": datetime.now(UTC) - timedelta(minutes=30)}, "ExpiredTokenException"),
        ({"now": datetime.now(UTC) + timedelta(minutes=30)}, "ExpiredTokenException"),
        ({"minutes": -20}, "ExpiredTokenException"),
        ({"status": ("urn:oasis:names:tc:SAML:2.0:status:Responder",)}, "IDPRejectedClaim"),
        ({"attributes": {f"{SAML}RoleSessionName": []}}, "InvalidIdentityToken"),
        ({"attributes": {f"{SAML}RoleSessionName": ["a", "b"]}}, "InvalidIdentityToken"),
        ({"attributes": {f"{SAML}RoleSessionName": ["has space"]}}, "InvalidIdentityToken"),
        ({"attributes": {f"{SAML}Role": []}}, "AccessDenied"),
        ({"attributes": {f"{SAML}Role": ["arn:aws:iam::000000000000:role/other"]}}, "AccessDenied"),
    ],
)
def test_what_was_made_for_somebody_else_or_is_too_old_opens_nothing(
    company: Company, changes: dict[str, Any], error: str
) -> None:
    with pytest.raises(Exception, match=error):
        company.assume(company.assertion(**changes))


def test_what_the_provider_did_not_sign_opens_nothing(company: Company) -> None:
    for document in (
        respond(company.answer(), "none"),
        respond(company.answer(), how=Signing(key=attack_idp.key("evil"))),
        respond(company.answer(), how=Signing(key=attack_idp.key("evil"), embed=attack_idp.key())),
    ):
        refused(lambda document=document: company.assume(attack_idp.encode(document)), "InvalidIdentityToken")

    def promoted(root: Any) -> None:
        root.find(".//saml:NameID", attack_idp.NS).text = "admin"

    refused(
        lambda: company.assume(attack_idp.encode(respond(company.answer(), after=promoted))), "InvalidIdentityToken"
    )
    for nonsense in ("AAAA", "====", "PGE+", "é" * 4, "x" * 90_000):
        refused(lambda nonsense=nonsense: company.assume(nonsense), "InvalidIdentityToken")


def test_one_provider_s_people_are_not_another_s(company: Company, world: World) -> None:
    """Both providers have the same name for themselves; each has a key of its own."""
    name = f"Other{next(names)}"
    document = metadata(keys=[attack_idp.key("other")])
    other = company.iam.create_saml_provider(Name=name, SAMLMetadataDocument=document)["SAMLProviderArn"]
    pair = {f"{SAML}Role": [f"{company.role},{company.provider}", f"{company.role},{other}"]}
    theirs = attack_idp.encode(respond(company.answer(attributes=pair), how=Signing(key=attack_idp.key("other"))))
    refused(lambda: company.assume(theirs), "InvalidIdentityToken")
    # By their own provider's name the signature holds, and the role does not trust it.
    refused(lambda: company.assume(theirs, PrincipalArn=other), "AccessDenied")
    refused(lambda: company.assume(PrincipalArn=company.provider + "x"), "InvalidIdentityToken")


def test_the_pair_of_role_and_provider_must_be_asserted_together(company: Company, world: World) -> None:
    second = role(world, trusting(company.provider))
    assert company.assume(company.assertion(attributes={f"{SAML}Role": [f"{company.provider}, {second}"]}),
                          RoleArn=second)["Credentials"]  # fmt: skip
    said = refused(lambda: company.assume(RoleArn=second), "AccessDenied")
    unknown = refused(lambda: company.assume(RoleArn=second + "x"), "AccessDenied")
    assert said == unknown == "Not authorized to perform sts:AssumeRoleWithSAML"


def test_a_deleted_or_changed_provider_lets_nobody_in(company: Company) -> None:
    company.iam.update_saml_provider(
        SAMLProviderArn=company.provider, SAMLMetadataDocument=metadata(keys=[attack_idp.key("renewed")])
    )
    refused(company.assume, "InvalidIdentityToken")
    renewed = respond(company.answer(), how=Signing(key=attack_idp.key("renewed")))
    assert company.assume(attack_idp.encode(renewed))["Credentials"]
    company.iam.delete_saml_provider(SAMLProviderArn=company.provider)
    again = respond(later(company.answer()), how=Signing(key=attack_idp.key("renewed")))
    refused(lambda: company.assume(attack_idp.encode(again)), "InvalidIdentityToken")


def test_metadata_that_has_run_out_lets_nobody_in(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    company.iam.update_saml_provider(SAMLProviderArn=company.provider, SAMLMetadataDocument=metadata(valid_until=until))
    assert company.assume()["Credentials"]
    then = datetime.now(UTC) + timedelta(hours=2)
    monkeypatch.setattr(clock, "now", lambda: then)
    with unit.open(company.world.runtime):
        assert saml_providers.get(company.provider) is not None  # as it was read before
    refused(lambda: company.assume(company.assertion(now=then)), "InvalidIdentityToken")


# --- identity pools ---------------------------------------------------------------------------------------------------


@pytest.fixture
def ids(company: Company) -> IdentityWorld:
    """Identities of the company's people."""
    made = identity_world(company.world, SamlProviderARNs=[company.provider])
    given = {kind: made.role(kind) for kind in ("authenticated", "unauthenticated")}
    made.admin.set_identity_pool_roles(IdentityPoolId=made.id, Roles=given)
    return made


def test_an_assertion_is_a_login_of_an_identity(company: Company, ids: IdentityWorld) -> None:
    guest = ids.guest()
    logins = {company.provider: company.assertion()}
    answer = ids.app.get_credentials_for_identity(IdentityId=guest, Logins=logins)
    assert answer["IdentityId"] == guest
    # The same login goes with the calls that follow, as SDKs send it; and the next sign-in is the same person.
    assert ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"] == guest
    assert ids.app.get_id(IdentityPoolId=ids.id, Logins={company.provider: company.assertion()})["IdentityId"] == guest
    bo = {company.provider: company.assertion(name_id="bo-8")}
    assert ids.app.get_id(IdentityPoolId=ids.id, Logins=bo)["IdentityId"] != guest
    refused(lambda: ids.app.get_credentials_for_identity(IdentityId=guest, Logins=bo), "NotAuthorizedException")
    assert ids.admin.describe_identity(IdentityId=guest)["Logins"] == [company.provider]
    who = signed(ids.world, answer["Credentials"], "sts").get_caller_identity()["Arn"]
    assert ":assumed-role/identity-role" in who


def test_rules_choose_a_role_by_attributes(company: Company, ids: IdentityWorld) -> None:
    editor = role(ids.world, trust(ids.id, "authenticated"))
    rule = {"Claim": "groups", "MatchType": "Contains", "Value": "editors", "RoleARN": editor}
    now = ids.admin.get_identity_pool_roles(IdentityPoolId=ids.id)["Roles"]
    mapping = {"Type": "Rules", "AmbiguousRoleResolution": "AuthenticatedRole", "RulesConfiguration": {"Rules": [rule]}}
    ids.admin.set_identity_pool_roles(IdentityPoolId=ids.id, Roles=now, RoleMappings={company.provider: mapping})

    def taken(**attributes: list[str]) -> str:
        logins = {company.provider: company.assertion(attributes=attributes)}
        identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
        made = ids.app.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
        return str(signed(ids.world, made, "sts").get_caller_identity()["Arn"]).split("/")[1]

    assert taken(groups=["staff", "editors"]) == editor.rpartition("/")[2]
    assert taken(groups=["staff"]) == now["authenticated"].rpartition("/")[2]


@pytest.mark.parametrize(
    "changes",
    [
        {"audience": "https://other.example"},
        {"consumer": "https://other.example/saml"},
        {"issuer": "https://evil.example/metadata"},
        {"now": datetime.now(UTC) - timedelta(minutes=30)},
        {"status": ("urn:oasis:names:tc:SAML:2.0:status:Responder",)},
        {"name_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"},
    ],
)
def test_an_assertion_that_does_not_hold_is_no_login(
    company: Company, ids: IdentityWorld, changes: dict[str, Any]
) -> None:
    logins = {company.provider: company.assertion(**changes)}
    refused(lambda: ids.app.get_id(IdentityPoolId=ids.id, Logins=logins), "NotAuthorizedException")


def test_an_unsigned_assertion_another_pool_s_provider_and_a_deleted_one_are_no_login(
    company: Company, ids: IdentityWorld
) -> None:
    def no_login(name: str, document: bytes, pool_id: str = ids.id) -> None:
        logins = {name: attack_idp.encode(document)}
        refused(lambda: ids.app.get_id(IdentityPoolId=pool_id, Logins=logins), "NotAuthorizedException")

    no_login(company.provider, respond(company.answer(), "none"))
    no_login(company.provider, respond(company.answer(), how=Signing(key=attack_idp.key("evil"))))
    no_login(company.provider, b"<a/>")
    no_login(found(ids.world).provider, respond(company.answer()))
    no_login(company.provider, respond(company.answer()), identity_world(ids.world).id)
    company.iam.delete_saml_provider(SAMLProviderArn=company.provider)
    no_login(company.provider, respond(company.answer()))
