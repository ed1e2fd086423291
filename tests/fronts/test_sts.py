"""STS as boto3 and bare HTTP meet it: who am I, roles in exchange for credentials or tokens, and what is refused."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import boto3
import botocore.config
import pytest
import requests
from botocore import UNSIGNED

from poolhouse.access import credentials, roles
from poolhouse.core import clock, jose, unit
from tests.fronts.refusals import refused
from tests.world import PoolInWorld, World

ACCOUNT = "000000000000"
COGNITO = "cognito-identity.amazonaws.com"
VERSION = "2011-06-15"
names = count(1)


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trusting(principal: dict[str, Any], action: Any = "sts:AssumeRole", **condition: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": action}
    return statement | ({"Condition": condition} if condition else {})


class Account:
    """The administrator's clients, and shortcuts to users, roles and their clients."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.iam, self.sts = world.boto3("iam"), world.boto3("sts")

    def client(self, service: str, key: dict[str, Any] | None) -> Any:
        given = (
            {
                "aws_access_key_id": key["AccessKeyId"],
                "aws_secret_access_key": key["SecretAccessKey"],
                "aws_session_token": key.get("SessionToken"),
            }
            if key
            else {}
        )
        config = botocore.config.Config(
            retries={"total_max_attempts": 1}, signature_version=None if key else UNSIGNED, parameter_validation=False
        )
        return boto3.client(
            service, endpoint_url=f"http://127.0.0.1:{self.world.port}", region_name="us-east-1", config=config, **given
        )

    def user(self, *statements: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """A user's ARN, and a key of theirs."""
        name = f"user{next(names)}"
        arn = self.iam.create_user(UserName=name)["User"]["Arn"]
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(*statements))
        return arn, self.iam.create_access_key(UserName=name)["AccessKey"]

    def role(self, trust: dict[str, Any], *statements: dict[str, Any], **more: Any) -> str:
        """A role's ARN."""
        name = f"role{next(names)}"
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust), **more)["Role"]
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(*statements))
        return str(made["Arn"])


@pytest.fixture
def account(world: World) -> Account:
    return Account(world)


# --- who am I ---------------------------------------------------------------------------------------------------------


def test_everybody_learns_who_they_are_without_any_permission(account: Account) -> None:
    assert account.sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/administrator"
    arn, key = account.user()
    answer = account.client("sts", key).get_caller_identity()
    assert (answer["Arn"], answer["Account"]) == (arn, ACCOUNT)
    assert answer["UserId"].startswith("AIDA")
    refused(account.client("sts", None).get_caller_identity, "MissingAuthenticationToken")


def test_a_wrong_secret_and_an_unknown_key_are_refused_in_the_protocol_s_words(account: Account) -> None:
    _, key = account.user()
    refused(account.client("sts", key | {"SecretAccessKey": "wrong"}).get_caller_identity, "SignatureDoesNotMatch")
    refused(account.client("sts", key | {"AccessKeyId": "AKIANOBODY"}).get_caller_identity, "InvalidClientTokenId")


# --- AssumeRole -------------------------------------------------------------------------------------------------------


def test_a_user_whom_a_role_trusts_takes_it_on_and_has_its_permissions_only(account: Account) -> None:
    arn, key = account.user()
    role = account.role(trusting({"AWS": arn}), allow("cognito-idp:ListUserPools"))
    answer = account.client("sts", key).assume_role(RoleArn=role, RoleSessionName="me")
    session = answer["Credentials"]
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/me"
    who = account.client("sts", session).get_caller_identity()
    assert who["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert who["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    idp = account.client("cognito-idp", session)
    assert "UserPools" in idp.list_user_pools(MaxResults=1)
    said = refused(idp.create_user_pool, "AccessDeniedException", PoolName="x")
    assert said.startswith(f"User: {who['Arn']} is not authorized to perform: cognito-idp:CreateUserPool")


def test_whom_a_role_does_not_trust_it_does_not_let_in_whatever_their_own_policies_say(account: Account) -> None:
    arn, _ = account.user()
    _, other = account.user(allow("*"))
    role = account.role(trusting({"AWS": arn}))
    said = refused(account.client("sts", other).assume_role, "AccessDenied", RoleArn=role, RoleSessionName="me")
    assert "is not authorized to perform: sts:AssumeRole on resource: " + role in said
    unknown = role + "x"
    assert refused(
        account.client("sts", other).assume_role, "AccessDenied", RoleArn=unknown, RoleSessionName="me"
    ) == said.replace(role, unknown)


def test_a_later_user_of_the_same_name_is_not_the_one_who_was_trusted(account: Account) -> None:
    arn, key = account.user()
    name = arn.rpartition("/")[2]
    role = account.role(trusting({"AWS": [arn, "111111111111"]}))
    shown = account.iam.get_role(RoleName=role.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"] == {"AWS": [arn, "111111111111"]}
    user_id = account.iam.get_user(UserName=name)["User"]["UserId"]
    account.iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    account.iam.delete_user(UserName=name)
    shown = account.iam.get_role(RoleName=role.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"] == {"AWS": [user_id, "111111111111"]}
    assert account.iam.create_user(UserName=name)["User"]["Arn"] == arn
    later = account.iam.create_access_key(UserName=name)["AccessKey"]
    refused(account.client("sts", later).assume_role, "AccessDenied", RoleArn=role, RoleSessionName="me")


def test_a_later_role_of_the_same_name_is_not_the_one_that_was_trusted(account: Account) -> None:
    arn, key = account.user()
    first = account.role(trusting({"AWS": arn}))
    name = first.rpartition("/")[2]
    second = account.role(trusting({"AWS": first}))
    session = account.client("sts", key).assume_role(RoleArn=first, RoleSessionName="me")["Credentials"]
    trusted = account.client("sts", session).assume_role
    account.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow("sts:*")))
    assert trusted(RoleArn=second, RoleSessionName="me")["Credentials"]
    account.iam.delete_role_policy(RoleName=name, PolicyName="p")
    account.iam.delete_role(RoleName=name)
    again = account.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trusting({"AWS": arn})))["Role"]
    assert again["Arn"] == first
    account.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow("sts:*")))
    session = account.client("sts", key).assume_role(RoleArn=first, RoleSessionName="me")["Credentials"]
    refused(account.client("sts", session).assume_role, "AccessDenied", RoleArn=second, RoleSessionName="me")


def test_a_trust_policy_names_nobody_who_is_not_there(account: Account) -> None:
    arn, _ = account.user()
    for wrong in (arn + "x", arn.replace(":user/", ":user/path/"), f"arn:aws:iam::{ACCOUNT}:role/nobody"):
        given = {"RoleName": "trusting-nobody", "AssumeRolePolicyDocument": document(trusting({"AWS": wrong}))}
        said = refused(account.iam.create_role, "MalformedPolicyDocument", **given)
        assert said == f'Invalid principal in policy: "AWS":"{wrong}"'


def test_a_session_policy_only_narrows(account: Account) -> None:
    arn, key = account.user()
    role = account.role(trusting({"AWS": arn}), allow(["cognito-idp:ListUserPools", "iam:ListUsers"]))
    sts = account.client("sts", key)
    narrow = document(allow(["iam:ListUsers", "iam:ListRoles"]))
    session = sts.assume_role(RoleArn=role, RoleSessionName="me", Policy=narrow)["Credentials"]
    assert "Users" in account.client("iam", session).list_users()
    refused(account.client("cognito-idp", session).list_user_pools, "AccessDeniedException", MaxResults=1)
    refused(account.client("iam", session).list_roles, "AccessDenied")
    said = refused(
        sts.assume_role, "MalformedPolicyDocument", RoleArn=role, RoleSessionName="me", Policy='{"Statement": {}}'
    )
    assert said.startswith("$.Statement")


def test_a_managed_policy_can_narrow_a_session_too(account: Account) -> None:
    arn, key = account.user()
    role = account.role(trusting({"AWS": arn}), allow("*"))
    read = "arn:aws:iam::aws:policy/AmazonCognitoReadOnly"
    assume = account.client("sts", key).assume_role
    session = assume(RoleArn=role, RoleSessionName="me", PolicyArns=[{"arn": read}])["Credentials"]
    assert "UserPools" in account.client("cognito-idp", session).list_user_pools(MaxResults=1)
    refused(account.client("cognito-idp", session).create_user_pool, "AccessDeniedException", PoolName="x")
    refused(assume, "MalformedPolicyDocument", RoleArn=role, RoleSessionName="me", PolicyArns=[{"arn": read + "x"}])


def test_session_tags_and_variables_reach_the_role_s_policies(account: Account) -> None:
    arn, key = account.user()
    actions = ["sts:AssumeRole", "sts:TagSession"]
    own = allow("iam:GetRole", "arn:aws:iam::*:role/${aws:PrincipalTag/team}")
    role = account.role(trusting({"AWS": arn}, actions), own)
    target = account.role(trusting({"AWS": arn})).rpartition("/")[2]
    tags = [{"Key": "team", "Value": target}]
    session = account.client("sts", key).assume_role(RoleArn=role, RoleSessionName="me", Tags=tags)["Credentials"]
    assert account.client("iam", session).get_role(RoleName=target)["Role"]["RoleName"] == target
    refused(account.client("iam", session).get_role, "AccessDenied", RoleName=role.rpartition("/")[2])
    untagging = account.role(trusting({"AWS": arn}))
    refused(account.client("sts", key).assume_role, "AccessDenied", RoleArn=untagging, RoleSessionName="me", Tags=tags)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"DurationSeconds": 899}, "ValidationError"),
        ({"DurationSeconds": 7200}, "ValidationError"),
        ({"RoleSessionName": "with space"}, "ValidationError"),
        ({"RoleSessionName": "x"}, "ValidationError"),
        ({"RoleArn": "nothing"}, "ValidationError"),
        ({"Policy": "x" * 2049}, "PackedPolicyTooLarge"),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]}, "ValidationError"),
    ],
)
def test_what_a_session_may_not_be(account: Account, given: dict[str, Any], error: str) -> None:
    role = account.role(trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:user/administrator"}, ["sts:*"]))
    account.sts.assume_role(RoleArn=role, RoleSessionName="fine")
    refused(account.client("sts", _admin()).assume_role, error, **{"RoleArn": role, "RoleSessionName": "me", **given})


def test_a_session_of_a_session_lasts_an_hour_at_most(account: Account) -> None:
    arn, key = account.user()
    first = account.role(trusting({"AWS": arn}), allow("sts:AssumeRole"), MaxSessionDuration=43200)
    second = account.role(trusting({"AWS": first}), MaxSessionDuration=43200)
    session = account.client("sts", key).assume_role(RoleArn=first, RoleSessionName="me", DurationSeconds=43200)
    chained = account.client("sts", session["Credentials"])
    assert chained.assume_role(RoleArn=second, RoleSessionName="me")["AssumedRoleUser"]["Arn"].endswith("/me")
    refused(chained.assume_role, "ValidationError", RoleArn=second, RoleSessionName="me", DurationSeconds=3601)


def test_a_user_gets_credentials_for_a_while_that_are_still_theirs(account: Account) -> None:
    arn, key = account.user(allow("iam:ListUsers"))
    session = account.client("sts", key).get_session_token(DurationSeconds=900)["Credentials"]
    assert account.client("sts", session).get_caller_identity()["Arn"] == arn
    assert "Users" in account.client("iam", session).list_users()
    refused(account.client("sts", session).get_session_token, "AccessDenied")
    account.iam.delete_user_policy(UserName=arn.rpartition("/")[2], PolicyName="p")
    refused(account.client("iam", session).list_users, "AccessDenied")
    account.iam.delete_access_key(UserName=arn.rpartition("/")[2], AccessKeyId=key["AccessKeyId"])
    account.iam.delete_user(UserName=arn.rpartition("/")[2])
    refused(account.client("sts", session).get_caller_identity, "InvalidClientTokenId")


# --- session tokens that are not what they were -----------------------------------------------------------------------


@pytest.fixture
def session(account: Account) -> dict[str, Any]:
    arn, key = account.user()
    account_role = account.role(trusting({"AWS": arn}), allow("cognito-idp:ListUserPools"))
    made = account.client("sts", key).assume_role(RoleArn=account_role, RoleSessionName="me")["Credentials"]
    return {**made, "Role": account_role.rpartition("/")[2]}


def test_an_expired_session_is_refused(account: Account, session: dict[str, Any]) -> None:
    sts = account.client("sts", session)
    sts.get_caller_identity()
    with unit.open(account.world.runtime), clock.moved(seconds=3601), pytest.raises(Exception, match="expired"):
        credentials.open_(session["SessionToken"], session["AccessKeyId"])
    with clock.moved(seconds=-3600), unit.open(account.world.runtime):
        old = credentials.mint(roles.get(session["Role"]), "me", seconds=900, context={})
    key = {
        "AccessKeyId": old.access_key_id,
        "SecretAccessKey": old.secret_access_key.reveal(),
        "SessionToken": old.session_token,
    }
    refused(account.client("sts", key).get_caller_identity, "ExpiredToken")
    refused(account.client("cognito-idp", key).list_user_pools, "ExpiredTokenException", MaxResults=1)


def test_a_tampered_session_token_is_refused_whichever_byte_it_is(account: Account, session: dict[str, Any]) -> None:
    raw = base64.b64decode(session["SessionToken"])
    for at in (0, 1, 5, 17, 20, len(raw) // 2, len(raw) - 17, len(raw) - 1):
        changed = base64.b64encode(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]).decode()
        refused(account.client("sts", session | {"SessionToken": changed}).get_caller_identity, "InvalidClientTokenId")
    for token in ("x", "AAAA", session["SessionToken"][:-4], session["SessionToken"] + "AAAA", "a" * 20_000):
        refused(account.client("sts", session | {"SessionToken": token}).get_caller_identity, "InvalidClientTokenId")


def test_a_session_token_beside_another_key_id_or_none_opens_nothing(account: Account, session: dict[str, Any]) -> None:
    _, key = account.user(allow("*"))
    stolen = {**key, "SessionToken": session["SessionToken"]}
    refused(account.client("sts", stolen).get_caller_identity, "InvalidClientTokenId")
    refused(account.client("sts", _admin() | {"SessionToken": session["SessionToken"]}).get_caller_identity,
            "InvalidClientTokenId")  # fmt: skip
    refused(account.client("sts", session | {"SessionToken": None}).get_caller_identity, "InvalidClientTokenId")
    refused(
        account.client("sts", session | {"SecretAccessKey": "guessed"}).get_caller_identity, "SignatureDoesNotMatch"
    )


def test_a_role_s_sessions_end_with_it_even_if_it_is_made_anew(account: Account, session: dict[str, Any]) -> None:
    name = session["Role"]
    trust = account.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    account.iam.delete_role_policy(RoleName=name, PolicyName="p")
    refused(account.client("cognito-idp", session).list_user_pools, "AccessDeniedException", MaxResults=1)
    account.iam.delete_role(RoleName=name)
    refused(account.client("sts", session).get_caller_identity, "InvalidClientTokenId")
    account.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    refused(account.client("sts", session).get_caller_identity, "InvalidClientTokenId")


def test_revoking_a_role_s_sessions_ends_those_of_before_and_not_those_of_after(
    account: Account, session: dict[str, Any]
) -> None:
    with unit.open(account.world.runtime, write=True):
        roles.revoke_sessions(session["Role"])
    refused(account.client("sts", session).get_caller_identity, "ExpiredToken")
    with unit.open(account.world.runtime):
        made = credentials.mint(roles.get(session["Role"]), "me", context={})
        assert credentials.open_(made.session_token, made.access_key_id).name == "me"


def test_what_is_sealed_for_another_purpose_is_no_session(account: Account, session: dict[str, Any]) -> None:
    """A page token is sealed under the same master key, and handed to clients just so."""
    for _ in range(2):
        account.role(trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    marker = account.iam.list_roles(MaxItems=1)["Marker"]
    padded = base64.b64encode(base64.urlsafe_b64decode(marker + "=" * (-len(marker) % 4))).decode()
    for token in (marker, padded):
        refused(account.client("sts", session | {"SessionToken": token}).get_caller_identity, "InvalidClientTokenId")


def test_with_signing_accepted_credentials_of_ours_stay_their_role_s(tmp_path: Any) -> None:
    world = World(f"sqlite:///{tmp_path / 'accept.sqlite'}", tmp_path, signing="accept")
    try:
        account = Account(world)
        made_up = account.client("sts", {"AccessKeyId": "test", "SecretAccessKey": "test"})
        assert made_up.get_caller_identity()["Arn"].endswith(":user/administrator")
        role = account.role(trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), allow("iam:ListRoles"))
        session = made_up.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
        iam = account.client("iam", session)
        assert iam.list_roles()["Roles"]
        refused(iam.list_users, "AccessDenied")
    finally:
        world.close()


# --- web identities ---------------------------------------------------------------------------------------------------


def web(account: Account, role: str, token: str, **more: Any) -> Any:
    """AssumeRoleWithWebIdentity, which nobody signs."""
    given = {"RoleArn": role, "RoleSessionName": "web", "WebIdentityToken": token, **more}
    return account.client("sts", None).assume_role_with_web_identity(**given)


def test_a_user_pool_s_id_token_takes_on_a_role_that_trusts_the_pool(account: Account, pool: PoolInWorld) -> None:
    client, ann = pool.client(), pool.user()
    token = client.sign_in(ann)["AuthenticationResult"]["IdToken"]
    name = f"cognito-idp.us-east-1.amazonaws.com/{pool.id}"
    provider = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{name}"}
    action = "sts:AssumeRoleWithWebIdentity"
    own = allow("iam:ListUsers", Condition={"StringEquals": {f"{name}:sub": ann.sub}})
    role = account.role(trusting(provider, action, StringEquals={f"{name}:aud": client.id}), own)
    answer = web(account, role, token)
    assert (answer["SubjectFromWebIdentityToken"], answer["Audience"]) == (ann.sub, client.id)
    assert "Users" in account.client("iam", answer["Credentials"]).list_users()

    elsewhere = account.role(trusting(provider, action, StringEquals={f"{name}:aud": "another"}), own)
    said = []
    for arn in (elsewhere, elsewhere + "x"):
        with pytest.raises(Exception, match="Not authorized to perform sts:AssumeRoleWithWebIdentity") as refusal:
            web(account, arn, token)
        said.append(str(refusal.value))
    assert said[0] == said[1]


def test_forged_foreign_and_dead_tokens_are_refused(account: Account, pool: PoolInWorld) -> None:
    client, ann = pool.client(), pool.user()
    made = client.sign_in(ann)["AuthenticationResult"]
    provider = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{pool.issuer.partition('://')[2]}"}
    role = account.role(trusting(provider, "sts:AssumeRoleWithWebIdentity"))
    assert web(account, role, made["IdToken"])["Credentials"]
    head, body, signature = made["IdToken"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))

    def written(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    forged = jose.SigningKey("forged", "RS256", jose.generate("RS256"))
    for token in (
        f"{head}.{written({**claims, 'sub': 'somebody'})}.{signature}",
        f"{written({'alg': 'none'})}.{body}.",
        jose.sign(forged, claims),
        made["AccessToken"],
        "no.token.at-all",
        "....",
        jose.sign(forged, {**claims, "iss": "https://unknown.example.com"}),
        jose.sign(forged, {**claims, "iss": f"https://{COGNITO}"}),
        jose.sign(forged, {**claims, "iss": 7}),
    ):
        with pytest.raises(Exception, match="InvalidIdentityToken"):
            web(account, role, token)
    with unit.open(account.world.runtime):
        from poolhouse.tokens import keys

        key = keys.signing(pool.id, "id")
    with pytest.raises(Exception, match="ExpiredTokenException"):
        web(account, role, jose.sign(key, {**claims, "exp": int(time.time()) - 1}))
    pool.idp.admin_disable_user(UserPoolId=pool.id, Username=ann.username)
    with pytest.raises(Exception, match="InvalidIdentityToken"):
        web(account, role, made["IdToken"])


def test_a_token_whose_sign_in_was_revoked_is_dead_and_another_sign_in_s_is_not(
    account: Account, pool: PoolInWorld
) -> None:
    client, ann = pool.client(EnableTokenRevocation=True), pool.user()
    provider = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/cognito-idp.us-east-1.amazonaws.com/{pool.id}"}
    role = account.role(trusting(provider, "sts:AssumeRoleWithWebIdentity"))
    first, second = (client.sign_in(ann)["AuthenticationResult"] for _ in range(2))
    assert web(account, role, first["IdToken"])["Credentials"]
    pool.idp.revoke_token(Token=first["RefreshToken"], ClientId=client.id)
    said = refused(lambda: web(account, role, first["IdToken"]), "InvalidIdentityToken")
    assert said == "The token has been revoked."
    assert web(account, role, second["IdToken"])["Credentials"]
    pool.idp.admin_user_global_sign_out(UserPoolId=pool.id, Username=ann.username)
    refused(lambda: web(account, role, second["IdToken"]), "InvalidIdentityToken")
    third = client.sign_in(ann)["AuthenticationResult"]["IdToken"]
    assert web(account, role, third)["Credentials"]
    pool.idp.admin_disable_user(UserPoolId=pool.id, Username=ann.username)
    refused(lambda: web(account, role, third), "InvalidIdentityToken")


def test_a_token_of_one_pool_does_not_open_a_role_of_another(account: Account, world: World) -> None:
    one, two = world.pool(), world.pool()
    provider = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{one.issuer.partition('://')[2]}"}
    role = account.role(trusting(provider, "sts:AssumeRoleWithWebIdentity"))
    token = two.client().sign_in(two.user())["AuthenticationResult"]["IdToken"]
    with pytest.raises(Exception, match="Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        web(account, role, token)


def test_the_classic_flow_of_an_identity_pool(account: Account, pool: PoolInWorld) -> None:
    client, ann = pool.client(), pool.user()
    name = f"cognito-idp.us-east-1.amazonaws.com/{pool.id}"
    identity = account.world.boto3("cognito-identity")
    pool_id = identity.create_identity_pool(
        IdentityPoolName="classic",
        AllowUnauthenticatedIdentities=True,
        AllowClassicFlow=True,
        CognitoIdentityProviders=[{"ProviderName": name, "ClientId": client.id}],
    )["IdentityPoolId"]
    signed_in = {
        "StringEquals": {f"{COGNITO}:aud": pool_id},
        "ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"},
    }
    own = allow("iam:GetRole", f"arn:aws:iam::*:role/${{{COGNITO}:sub}}")
    role = account.role(trusting({"Federated": COGNITO}, "sts:AssumeRoleWithWebIdentity", **signed_in), own)
    logins = {name: client.sign_in(ann)["AuthenticationResult"]["IdToken"]}
    me = identity.get_id(IdentityPoolId=pool_id, Logins=logins)["IdentityId"]
    token = identity.get_open_id_token(IdentityId=me, Logins=logins)["Token"]
    answer = web(account, role, token)
    assert (answer["SubjectFromWebIdentityToken"], answer["Audience"]) == (me, pool_id)
    iam = account.client("iam", answer["Credentials"])
    refused(iam.get_role, "AccessDenied", RoleName=role.rpartition("/")[2])
    guest = identity.get_id(IdentityPoolId=pool_id)["IdentityId"]
    with pytest.raises(Exception, match="Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        web(account, role, identity.get_open_id_token(IdentityId=guest)["Token"])


# --- providers of others ----------------------------------------------------------------------------------------------


class Issuer:
    """Somebody else's OpenID provider, as far as discovery and keys go."""

    def __init__(self) -> None:
        self.key = jose.SigningKey("k1", "RS256", jose.generate("RS256"))
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pages: dict[str, Any] = {
                    "/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"},
                    "/keys": {"keys": [issuer.key.public.jwk()]},
                }
                found = pages.get(self.path)
                self.send_response(200 if found else 404)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, **claims: Any) -> str:
        now = int(time.time())
        return jose.sign(
            self.key, {"iss": self.url, "aud": "app", "sub": "ann", "iat": now, "exp": now + 300, **claims}
        )


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_configured_provider_s_tokens_are_exchanged_and_its_removal_ends_that(
    account: Account, issuer: Issuer
) -> None:
    with pytest.raises(Exception, match="No OpenIDConnect provider found in your account for"):
        web(account, f"arn:aws:iam::{ACCOUNT}:role/any", issuer.token())
    arn = account.iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["app"])["OpenIDConnectProviderArn"]
    name = issuer.url.partition("://")[2]
    role = account.role(trusting({"Federated": arn}, "sts:AssumeRoleWithWebIdentity", StringLike={f"{name}:sub": "a*"}))
    assert web(account, role, issuer.token())["Provider"] == arn
    for claims, error in (
        ({"aud": "other"}, "InvalidIdentityToken"),
        ({"aud": ["app", "other"]}, "InvalidIdentityToken"),
        ({"exp": int(time.time()) - 1}, "ExpiredTokenException"),
        ({"exp": None}, "InvalidIdentityToken"),
        ({"sub": None}, "InvalidIdentityToken"),
        ({"sub": "bob"}, "AccessDenied"),
    ):
        with pytest.raises(Exception, match=error):
            web(account, role, issuer.token(**claims))
    account.iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="app")
    with pytest.raises(Exception, match="Incorrect token audience"):
        web(account, role, issuer.token())
    account.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with pytest.raises(Exception, match="No OpenIDConnect provider found"):
        web(account, role, issuer.token())


def test_an_unreachable_provider_is_said_to_be_so(account: Account, issuer: Issuer) -> None:
    token, url = issuer.token(), issuer.url
    issuer.server.shutdown()
    issuer.server.server_close()
    arn = account.iam.create_open_id_connect_provider(Url=url, ClientIDList=["app"])["OpenIDConnectProviderArn"]
    with pytest.raises(Exception, match="IDPCommunicationError"):
        web(account, account.role(trusting({"Federated": arn}, "sts:AssumeRoleWithWebIdentity")), token)


# --- the wire ---------------------------------------------------------------------------------------------------------


def post(world: World, body: bytes | str, **headers: str) -> requests.Response:
    sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    return requests.post(f"http://127.0.0.1:{world.port}/", data=body, headers=sent, timeout=10)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("", 400, "MalformedQueryString"),
        ("Action=GetCallerIdentity", 400, "InvalidAction"),
        (f"Action=NoSuch&Version={VERSION}", 400, "InvalidAction"),
        (f"Action=GetCallerIdentity&Version={VERSION}", 403, "MissingAuthenticationToken"),
        (f"Action=GetCallerIdentity&Action=GetCallerIdentity&Version={VERSION}", 400, "MalformedQueryString"),
        (f"Action=AssumeRoleWithWebIdentity&Version={VERSION}", 400, "ValidationError"),
        (f"Action=AssumeRoleWithWebIdentity&Version={VERSION}&DurationSeconds=x", 400, "MalformedQueryString"),
        (f"Action=AssumeRoleWithWebIdentity&Version={VERSION}&PolicyArns=x", 400, "MalformedQueryString"),
        (f"Action=AssumeRoleWithWebIdentity&Version={VERSION}&PolicyArns.member.7.arn=x", 400, "MalformedQueryString"),
        (f"Action=AssumeRoleWithWebIdentity&Version={VERSION}&PolicyArns.member.1=x", 400, "MalformedQueryString"),
        (f"Action=AssumeRoleWithWebIdentity&Version={VERSION}&RoleArn.a=x", 400, "MalformedQueryString"),
        (f"Action=AssumeRoleWithWebIdentity&Version={VERSION}&RoleArn=x&RoleArn.a=x", 400, "MalformedQueryString"),
        (f"Action=AssumeRole&Version={VERSION}&" + ".".join("a" * 50) + "=x", 400, "MalformedQueryString"),
        ("&".join(f"a{n}=1" for n in range(5000)), 400, "MalformedQueryString"),
        (b"Action=\xff\xfe", 400, "MalformedQueryString"),
        ("Action=%ff&Version=" + VERSION, 400, "MalformedQueryString"),
        (f"Action=AssumeRoleWithSAML&Version={VERSION}", 400, "ValidationError"),
    ],
)  # fmt: skip
def test_every_bad_form_gets_a_clear_error_in_xml(world: World, body: Any, status: int, code: str) -> None:
    answer = post(world, body)
    assert answer.status_code == status
    root = ElementTree.fromstring(answer.content)
    found = {element.tag.rpartition("}")[2]: element.text for element in root.iter()}
    assert found["Code"] == code
    assert found["RequestId"] == answer.headers["x-amzn-RequestId"]


def test_an_operation_that_is_not_there_says_so(account: Account) -> None:
    refused(account.sts.get_federation_token, "NotImplemented", Name="me")


def test_markup_in_what_is_sent_stays_text_in_the_answer(world: World) -> None:
    given = {"Action": "</Message><evil/>\x01", "Version": VERSION}
    answer = post(world, urlencode(given))
    assert answer.status_code == 400
    assert "<evil" not in answer.text
    ElementTree.fromstring(answer.content)


def test_the_answer_stands_in_sts_s_namespace(account: Account, world: World) -> None:
    seen: list[bytes] = []
    account.sts.meta.events.register(
        "after-call.sts.GetCallerIdentity", lambda http_response, **_: seen.append(http_response.content)
    )
    account.sts.get_caller_identity()
    assert seen[0].startswith(
        b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    )


# --- credentials of another STS ---------------------------------------------------------------------------------------


def test_a_role_of_another_sts_gives_that_one_s_credentials(account: Account, pool: PoolInWorld, tmp_path: Any) -> None:
    """A second server is the counterpart: it fetches the first one's keys and enforces its own trust policy."""
    other = World(f"sqlite:///{tmp_path / 'other.sqlite'}", tmp_path)
    try:
        there = Account(other)
        client, ann = pool.client(), pool.user()
        arn = there.iam.create_open_id_connect_provider(Url=pool.issuer, ClientIDList=[client.id])
        provider = {"Federated": arn["OpenIDConnectProviderArn"]}
        distant = there.role(trusting(provider, "sts:AssumeRoleWithWebIdentity"), allow("iam:ListUsers"))
        name = pool.issuer.partition("://")[2]
        provider = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{name}"}
        here = account.role(trusting(provider, "sts:AssumeRoleWithWebIdentity"))
        with unit.open(account.world.runtime, write=True):
            roles.set_credentials(here.rpartition("/")[2], "sts", {"endpoint": other.url + "/", "role_arn": distant})
        token = client.sign_in(ann)["AuthenticationResult"]["IdToken"]
        session = web(account, here, token)["Credentials"]
        who = there.client("sts", session).get_caller_identity()["Arn"]
        assert who == f"arn:aws:sts::{ACCOUNT}:assumed-role/{distant.rpartition('/')[2]}/web"
        assert "Users" in there.client("iam", session).list_users()
        refused(account.client("sts", session).get_caller_identity, "InvalidClientTokenId")
        narrowed = web(account, here, token, Policy=document(allow("iam:ListRoles")))["Credentials"]
        refused(there.client("iam", narrowed).list_users, "AccessDenied")
        there.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn["OpenIDConnectProviderArn"])
        with pytest.raises(Exception, match="IDPCommunicationError"):
            web(account, here, token)
    finally:
        other.close()


def _admin() -> dict[str, Any]:
    from tests.world import ACCESS_KEY_ID, SECRET_ACCESS_KEY

    return {"AccessKeyId": ACCESS_KEY_ID, "SecretAccessKey": SECRET_ACCESS_KEY}


def test_the_life_of_a_session_is_what_was_asked_for(account: Account) -> None:
    arn, key = account.user()
    role = account.role(trusting({"AWS": arn}))
    made = account.client("sts", key).assume_role(RoleArn=role, RoleSessionName="me", DurationSeconds=900)
    left = made["Credentials"]["Expiration"] - clock.now()
    assert timedelta(seconds=880) < left <= timedelta(seconds=900)
