"""From any login, or none, to an identity and the credentials of its role: the story, and who is kept out."""

from __future__ import annotations

import base64
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import requests

from poolhouse.access import authorize, credentials, holdings, iam_users, roles, sessions
from poolhouse.access import keys as access_keys
from poolhouse.core import clock, jose, unit
from poolhouse.core.errors import PoolhouseError
from poolhouse.core.jose import SigningKey
from tests.fronts.identity_world import SELF, IdentityWorld, allow, identity_world, role, signed, trust
from tests.fronts.refusals import refused
from tests.world import World


@pytest.fixture
def ids(world: World) -> IdentityWorld:
    made = identity_world(world)
    made.admin.set_identity_pool_roles(
        IdentityPoolId=made.id,
        Roles={
            "authenticated": made.role("authenticated", allow("photos:*", resource=f"photos/${{{SELF}:sub}}/*")),
            "unauthenticated": made.role("unauthenticated", allow("photos:List")),
        },
    )
    return made


def keys_for(ids: IdentityWorld, identity: str, logins: dict[str, str] | None = None, **more: str) -> dict[str, Any]:
    answer = ids.app.get_credentials_for_identity(IdentityId=identity, Logins=logins or {}, **more)
    return dict(answer["Credentials"])


def may(ids: IdentityWorld, keys: dict[str, Any], action: str, resource: str = "*") -> bool:
    """Whether these credentials may do that, as any of our fronts would ask."""
    with unit.open(ids.world.runtime):
        session = credentials.open_(keys["SessionToken"], keys["AccessKeyId"])
        return authorize.decide(sessions.caller(session), action, resource).allowed


def claims(token: str) -> dict[str, Any]:
    return jose.unverified_claims(token)


# --- the story ------------------------------------------------------------------------------------------------------


def test_a_guest_signs_in_and_keeps_the_identity(ids: IdentityWorld) -> None:
    guest = ids.guest()
    as_guest = keys_for(ids, guest)
    assert as_guest["AccessKeyId"].startswith("ASIA")
    left = as_guest["Expiration"] - datetime.now(UTC)
    assert timedelta(minutes=58) < left <= timedelta(hours=1)
    assert may(ids, as_guest, "photos:List")
    assert not may(ids, as_guest, "photos:Put", f"photos/{guest}/1.jpg")

    ann = ids.pool.user()
    logins = ids.logins(ann)
    answer = ids.app.get_credentials_for_identity(IdentityId=guest, Logins=logins)
    assert answer["IdentityId"] == guest
    as_ann = answer["Credentials"]
    assert may(ids, as_ann, "photos:Put", f"photos/{guest}/1.jpg")
    assert not may(ids, as_ann, "photos:Put", "photos/us-east-1:somebody/1.jpg")
    assert ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"] == guest

    who = signed(ids.world, as_ann, "sts").get_caller_identity()
    assert who["Arn"].startswith("arn:aws:sts::000000000000:assumed-role/identity-role")
    assert who["Arn"].endswith("/CognitoIdentityCredentials")
    # From now on the id alone proves nothing.
    said = refused(ids.app.get_credentials_for_identity, "NotAuthorizedException", IdentityId=guest)
    assert said == f"Access to Identity '{guest}' is forbidden."
    described = ids.admin.describe_identity(IdentityId=guest)
    assert described["Logins"] == [ids.provider]


def test_roles_by_rules_over_claims(ids: IdentityWorld) -> None:
    everybody, editors = ids.role("authenticated"), ids.role("authenticated", allow("photos:Publish"))
    rule = {"Claim": "cognito:groups", "MatchType": "Contains", "Value": "editors", "RoleARN": editors}
    mapping = {
        "Type": "Rules",
        "AmbiguousRoleResolution": "AuthenticatedRole",
        "RulesConfiguration": {"Rules": [rule]},
    }
    ids.admin.set_identity_pool_roles(
        IdentityPoolId=ids.id,
        Roles={"authenticated": everybody},
        RoleMappings={f"{ids.provider}:{ids.client.id}": mapping},
    )
    ann, bob = ids.pool.user(), ids.pool.user()
    ids.pool.idp.create_group(UserPoolId=ids.pool.id, GroupName="editors")
    ids.pool.idp.admin_add_user_to_group(UserPoolId=ids.pool.id, GroupName="editors", Username=ann.username)
    for person, publishes in ((ann, True), (bob, False)):
        logins = ids.logins(person)
        identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
        assert may(ids, keys_for(ids, identity, logins), "photos:Publish") is publishes
        if publishes:
            assert may(ids, keys_for(ids, identity, logins, CustomRoleArn=editors), "photos:Publish")
        else:
            refused(
                ids.app.get_credentials_for_identity,
                "NotAuthorizedException",
                IdentityId=identity,
                Logins=logins,
                CustomRoleArn=editors,
            )


def test_roles_by_token(ids: IdentityWorld) -> None:
    first, second = ids.role("authenticated", allow("a:One")), ids.role("authenticated", allow("a:Two"))
    mapping = {ids.provider: {"Type": "Token", "AmbiguousRoleResolution": "Deny"}}
    ids.admin.set_identity_pool_roles(IdentityPoolId=ids.id, Roles={}, RoleMappings=mapping)
    ann, bob = ids.pool.user(), ids.pool.user()
    for group, arn, precedence in (("one", first, 2), ("two", second, 1)):
        ids.pool.idp.create_group(UserPoolId=ids.pool.id, GroupName=group, RoleArn=arn, Precedence=precedence)
        ids.pool.idp.admin_add_user_to_group(UserPoolId=ids.pool.id, GroupName=group, Username=ann.username)
    logins = ids.logins(ann)
    identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
    assert may(ids, keys_for(ids, identity, logins), "a:Two")  # the preferred one: lowest precedence
    assert may(ids, keys_for(ids, identity, logins, CustomRoleArn=first), "a:One")
    logins = ids.logins(bob)
    identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
    refused(ids.app.get_credentials_for_identity, "NotAuthorizedException", IdentityId=identity, Logins=logins)


def test_attributes_become_principal_tags(ids: IdentityWorld) -> None:
    tagged = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "photos:*", "Resource": "team/${aws:PrincipalTag/team}/*"}],
    }
    ids.admin.set_identity_pool_roles(IdentityPoolId=ids.id, Roles={"authenticated": ids.role("authenticated", tagged)})
    ids.admin.set_principal_tag_attribute_map(
        IdentityPoolId=ids.id, IdentityProviderName=ids.provider, PrincipalTags={"team": "nickname"}
    )
    logins = ids.logins(ids.pool.user(nickname="red"))
    identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
    keys = keys_for(ids, identity, logins)
    assert may(ids, keys, "photos:Get", "team/red/1")
    assert not may(ids, keys, "photos:Get", "team/blue/1")


def test_both_names_of_a_user_pool_are_one_login(ids: IdentityWorld) -> None:
    token = ids.client.tokens(ids.pool.user())["IdToken"]
    own = ids.pool.issuer.partition("://")[2]
    first = ids.app.get_id(IdentityPoolId=ids.id, Logins={ids.provider: token})["IdentityId"]
    assert ids.app.get_id(IdentityPoolId=ids.id, Logins={own: token})["IdentityId"] == first
    refused(
        ids.app.get_id, "ResourceConflictException", IdentityPoolId=ids.id, Logins={ids.provider: token, own: token}
    )


def test_the_openid_token_of_the_classic_flow(ids: IdentityWorld) -> None:
    ann = ids.pool.user()
    logins = ids.logins(ann)
    identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
    said = refused(ids.app.get_open_id_token, "NotAuthorizedException", IdentityId=identity, Logins=logins)
    assert said == "Basic (classic) flow is not enabled, please use enhanced flow."
    ids.update(AllowClassicFlow=True)
    token = ids.app.get_open_id_token(IdentityId=identity, Logins=logins)["Token"]
    content = claims(token)
    assert content["iss"] == "https://cognito-identity.amazonaws.com"
    assert (content["sub"], content["aud"]) == (identity, ids.id)
    assert content["amr"] == ["authenticated", ids.provider, f"{ids.provider}:CognitoSignIn:{ann.sub}"]
    assert content["exp"] - content["iat"] == 600
    guest = claims(ids.app.get_open_id_token(IdentityId=ids.guest())["Token"])
    assert guest["amr"] == ["unauthenticated"]

    keys = requests.get(f"{ids.world.url}/.well-known/jwks_uri", timeout=5).json()["keys"]
    assert jose.verify_with_jwks(token, keys, ["RS256"])["sub"] == identity
    document = requests.get(f"{ids.world.url}/.well-known/openid-configuration", timeout=5).json()
    assert document["issuer"] == content["iss"]
    assert requests.get(document["jwks_uri"], timeout=5).json()["keys"] == keys


# --- whose identity it is ---------------------------------------------------------------------------------------------


def test_a_guest_who_was_here_before_becomes_who_they_were(ids: IdentityWorld) -> None:
    ann = ids.pool.user()
    logins = ids.logins(ann)
    before = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
    guest = ids.guest()
    assert ids.app.get_credentials_for_identity(IdentityId=guest, Logins=logins)["IdentityId"] == before
    # The guest's id leads to the same identity, and is no way round its login.
    assert ids.app.get_credentials_for_identity(IdentityId=guest, Logins=logins)["IdentityId"] == before
    refused(ids.app.get_credentials_for_identity, "NotAuthorizedException", IdentityId=guest)
    shown = ids.admin.list_identities(IdentityPoolId=ids.id, MaxResults=60, HideDisabled=True)["Identities"]
    assert [each["IdentityId"] for each in shown] == [before]
    shown = ids.admin.list_identities(IdentityPoolId=ids.id, MaxResults=60)["Identities"]
    assert {each["IdentityId"] for each in shown} == {before, guest}


def test_an_identity_is_not_given_to_whoever_knows_its_id(ids: IdentityWorld) -> None:
    ann, eve = ids.pool.user(), ids.pool.user()
    identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=ids.logins(ann))["IdentityId"]
    for logins in ({}, ids.logins(eve)):
        refused(ids.app.get_credentials_for_identity, "NotAuthorizedException", IdentityId=identity, Logins=logins)
    eve_own = ids.app.get_id(IdentityPoolId=ids.id, Logins=ids.logins(eve))["IdentityId"]
    said = refused(
        ids.app.get_credentials_for_identity, "NotAuthorizedException", IdentityId=identity, Logins=ids.logins(eve)
    )
    assert said.startswith("Logins don't match.")
    assert eve_own != identity


def test_unlinking_the_last_login_leaves_no_guest_behind(ids: IdentityWorld) -> None:
    ann = ids.pool.user()
    logins = ids.logins(ann)
    identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
    eve = ids.logins(ids.pool.user())
    for wrong in ({}, eve):
        refused(
            ids.app.unlink_identity,
            "NotAuthorizedException",
            IdentityId=identity,
            Logins=wrong,
            LoginsToRemove=[ids.provider],
        )
    refused(
        ids.app.unlink_identity,
        "NotAuthorizedException",
        IdentityId=identity,
        Logins=logins,
        LoginsToRemove=["accounts.google.com"],
    )
    ids.app.unlink_identity(IdentityId=identity, Logins=logins, LoginsToRemove=[ids.provider])
    refused(ids.app.get_credentials_for_identity, "ResourceNotFoundException", IdentityId=identity)
    assert ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"] != identity


def test_a_deleted_identity_is_nobody_and_its_tokens_prove_nothing(ids: IdentityWorld) -> None:
    ids.update(AllowClassicFlow=True)
    logins = ids.logins(ids.pool.user())
    identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
    token = ids.app.get_open_id_token(IdentityId=identity, Logins=logins)["Token"]
    assert ids.app.get_id(IdentityPoolId=ids.id, Logins={SELF: token})["IdentityId"] == identity
    unknown = "us-east-1:00000000-0000-0000-0000-000000000000"
    assert ids.admin.delete_identities(IdentityIdsToDelete=[identity, unknown])["UnprocessedIdentityIds"] == []
    refused(ids.admin.describe_identity, "ResourceNotFoundException", IdentityId=identity)
    refused(ids.app.get_id, "NotAuthorizedException", IdentityPoolId=ids.id, Logins={SELF: token})
    refused(ids.app.get_credentials_for_identity, "ResourceNotFoundException", IdentityId=identity, Logins=logins)
    assert ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"] != identity


def test_two_first_visits_at_the_same_moment_make_one_identity(ids: IdentityWorld) -> None:
    logins = ids.logins(ids.pool.user())

    def visit(_: int) -> str:
        return str(ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"])

    assert ids.app is not None
    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(visit, range(12)))) == 1


# --- logins that are not believed -----------------------------------------------------------------------------------


def _unsigned(token: str) -> str:
    def segment(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{segment({'alg': 'none', 'typ': 'JWT'})}.{segment(claims(token))}."


def _resigned(token: str) -> str:
    key = jose.generate("RS256")
    return jose.sign(SigningKey(str(jose.header(token)["kid"]), "RS256", key), claims(token))


def _of_another_sub(token: str) -> str:
    head, _, signature = token.split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(token) | {"sub": str(uuid.uuid4())}).encode()).decode()
    return f"{head}.{body.rstrip('=')}.{signature}"


@pytest.mark.parametrize("forge", [_unsigned, _resigned, _of_another_sub, lambda token: token[:-8], lambda token: "x"])
def test_a_forged_login_is_not_believed(ids: IdentityWorld, forge: Any) -> None:
    token = forge(ids.client.tokens(ids.pool.user())["IdToken"])
    said = refused(ids.app.get_id, "NotAuthorizedException", IdentityPoolId=ids.id, Logins={ids.provider: token})
    assert said.startswith("Invalid login token.")


def test_an_expired_login_is_not_believed(ids: IdentityWorld) -> None:
    logins = ids.logins(ids.pool.user())
    identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
    with clock.moved(hours=2):
        said = refused(ids.app.get_id, "NotAuthorizedException", IdentityPoolId=ids.id, Logins=logins)
        assert said == "Invalid login token. Token expired"
        refused(ids.app.get_credentials_for_identity, "NotAuthorizedException", IdentityId=identity, Logins=logins)


def test_a_token_of_one_pool_never_opens_another(ids: IdentityWorld) -> None:
    other = identity_world(ids.world)
    token = other.client.tokens(other.pool.user())["IdToken"]
    for name in (ids.provider, other.provider, ids.pool.issuer.partition("://")[2]):
        refused(ids.app.get_id, "NotAuthorizedException", IdentityPoolId=ids.id, Logins={name: token})
    # Nor does a guest of one identity pool count for another.
    logins = ids.logins(ids.pool.user())
    guest = other.guest()
    refused(ids.app.get_credentials_for_identity, "NotAuthorizedException", IdentityId=guest, Logins=logins)


def test_a_token_of_another_client_or_kind_is_not_believed(ids: IdentityWorld) -> None:
    ann = ids.pool.user()
    stranger = ids.pool.client()
    mine = ids.client.tokens(ann)
    for token in (stranger.tokens(ann)["IdToken"], mine["AccessToken"], mine["RefreshToken"]):
        refused(ids.app.get_id, "NotAuthorizedException", IdentityPoolId=ids.id, Logins={ids.provider: token})


def test_one_bad_login_beside_a_good_one_opens_nothing(ids: IdentityWorld) -> None:
    ids.update(SupportedLoginProviders={"accounts.google.com": "app"})
    logins = ids.logins(ids.pool.user()) | {"accounts.google.com": "x"}
    refused(ids.app.get_id, "NotAuthorizedException", IdentityPoolId=ids.id, Logins=logins)


def test_providers_that_the_pool_does_not_name_are_refused(ids: IdentityWorld) -> None:
    for name in ("accounts.google.com", "example.com", "arn:aws:iam::000000000000:saml-provider/x", "login.example"):
        said = refused(ids.app.get_id, "NotAuthorizedException", IdentityPoolId=ids.id, Logins={name: "x"})
        assert said == "Token is not from a supported provider of this identity pool."
    ids.update(SamlProviderARNs=["arn:aws:iam::000000000000:saml-provider/x"], DeveloperProviderName="login.example")
    # A provider that IAM does not have is none, whatever the pool says of it.
    for name, word in (("arn:aws:iam::000000000000:saml-provider/x", "supported"), ("login.example", "developer")):
        assert word in refused(ids.app.get_id, "NotAuthorizedException", IdentityPoolId=ids.id, Logins={name: "x"})


def test_clients_and_pools_that_are_gone_let_nobody_in(ids: IdentityWorld) -> None:
    logins = ids.logins(ids.pool.user())
    ids.pool.idp.delete_user_pool_client(UserPoolId=ids.pool.id, ClientId=ids.client.id)
    refused(ids.app.get_id, "NotAuthorizedException", IdentityPoolId=ids.id, Logins=logins)
    ids.pool.idp.delete_user_pool(UserPoolId=ids.pool.id)
    refused(ids.app.get_id, "NotAuthorizedException", IdentityPoolId=ids.id, Logins=logins)


@pytest.mark.parametrize("act", ["disable", "delete", "sign_out", "revoke"])
def test_with_the_token_check_whoever_is_out_is_out_at_once(ids: IdentityWorld, act: str) -> None:
    ids.update(
        CognitoIdentityProviders=[
            {"ProviderName": ids.provider, "ClientId": ids.client.id, "ServerSideTokenCheck": True}
        ]
    )
    ann = ids.pool.user()
    tokens = ids.client.tokens(ann)
    logins = {ids.provider: tokens["IdToken"]}
    identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
    idp, named = ids.pool.idp, {"UserPoolId": ids.pool.id, "Username": ann.username}
    match act:
        case "disable":
            idp.admin_disable_user(**named)
        case "delete":
            idp.admin_delete_user(**named)
        case "sign_out":
            idp.admin_user_global_sign_out(**named)
        case "revoke":
            idp.revoke_token(Token=tokens["RefreshToken"], ClientId=ids.client.id)
    refused(ids.app.get_id, "NotAuthorizedException", IdentityPoolId=ids.id, Logins=logins)
    refused(ids.app.get_credentials_for_identity, "NotAuthorizedException", IdentityId=identity, Logins=logins)


def test_a_guest_s_token_is_no_login(ids: IdentityWorld) -> None:
    ids.update(AllowClassicFlow=True)
    guest = ids.guest()
    token = ids.app.get_open_id_token(IdentityId=guest)["Token"]
    for call, named in (
        (ids.app.get_credentials_for_identity, {"IdentityId": guest}),
        (ids.app.get_id, {"IdentityPoolId": ids.id}),
    ):
        refused(call, "NotAuthorizedException", Logins={SELF: token}, **named)


# --- guests ---------------------------------------------------------------------------------------------------------


def test_where_guests_are_not_allowed_nobody_is_one(world: World) -> None:
    ids = identity_world(world)
    before = ids.guest()
    ids.update(AllowUnauthenticatedIdentities=False)
    said = refused(ids.app.get_id, "NotAuthorizedException", IdentityPoolId=ids.id)
    assert said == "Unauthenticated access is not supported for this identity pool."
    refused(ids.app.get_credentials_for_identity, "NotAuthorizedException", IdentityId=before)


def test_a_guest_does_not_administer_whatever_the_role_says(ids: IdentityWorld) -> None:
    everything = ids.role("unauthenticated", allow("*"))
    ids.admin.set_identity_pool_roles(IdentityPoolId=ids.id, Roles={"unauthenticated": everything})
    keys = keys_for(ids, ids.guest())
    assert may(ids, keys, "photos:Put")
    for action in ("iam:CreateUser", "cognito-idp:ListUsers", "cognito-identity:ListIdentities", "sts:AssumeRole"):
        assert not may(ids, keys, action)
    mine = signed(ids.world, keys, "cognito-idp")
    refused(mine.list_user_pools, "AccessDeniedException", MaxResults=1)


# --- roles that may not be had ----------------------------------------------------------------------------------------


def test_a_role_is_given_only_to_those_whom_it_trusts(ids: IdentityWorld) -> None:
    other = identity_world(ids.world)
    for wrong in (
        role(ids.world, trust(other.id, "authenticated"), allow("*")),  # trusts another identity pool
        ids.role("unauthenticated", allow("*")),  # trusts guests alone
        "arn:aws:iam::000000000000:role/missing",
        "arn:aws:iam::111111111111:role/elsewhere",
    ):
        ids.admin.set_identity_pool_roles(IdentityPoolId=ids.id, Roles={"authenticated": wrong})
        logins = ids.logins(ids.pool.user())
        identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
        said = refused(
            ids.app.get_credentials_for_identity,
            "InvalidIdentityPoolConfigurationException",
            IdentityId=identity,
            Logins=logins,
        )
        assert said == "Invalid identity pool configuration. Check assigned IAM roles for this pool."


def test_credentials_that_were_tampered_with_open_nothing(ids: IdentityWorld) -> None:
    first, second = keys_for(ids, ids.guest()), keys_for(ids, ids.guest())
    wrong = [
        first | {"SessionToken": second["SessionToken"]},
        first | {"AccessKeyId": second["AccessKeyId"]},
        first | {"SessionToken": first["SessionToken"][:-4]},
    ]
    for keys in wrong:
        with pytest.raises(PoolhouseError), unit.open(ids.world.runtime):
            credentials.open_(keys["SessionToken"], keys["AccessKeyId"])
    with clock.moved(minutes=61), pytest.raises(PoolhouseError), unit.open(ids.world.runtime):
        credentials.open_(first["SessionToken"], first["AccessKeyId"])


def test_sessions_of_a_role_end_when_they_are_revoked(ids: IdentityWorld) -> None:
    keys = keys_for(ids, ids.guest())
    arn = ids.admin.get_identity_pool_roles(IdentityPoolId=ids.id)["Roles"]["unauthenticated"]
    with unit.open(ids.world.runtime):
        roles.revoke_sessions(arn.rpartition("/")[2])
    with pytest.raises(PoolhouseError):
        may(ids, keys, "photos:List")


def test_nobody_sets_a_role_that_is_not_theirs_to_pass(ids: IdentityWorld, world: World) -> None:
    """Whoever may configure a pool must not thereby become everybody (privilege escalation by PassRole)."""
    mine, other = ids.role("authenticated"), ids.role("authenticated", allow("*"))
    name = f"operator{uuid.uuid4().hex[:8]}"
    with unit.open(world.runtime):
        iam_users.create(name)
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "cognito-identity:*", "Resource": "*"},
                {"Effect": "Allow", "Action": "iam:PassRole", "Resource": mine},
            ],
        }
        holdings.put_inline(holdings.USER, name, "p", json.dumps(policy))
        key = access_keys.create(name)
    operator = boto3.client(
        "cognito-identity",
        endpoint_url=f"http://127.0.0.1:{world.port}",
        region_name="us-east-1",
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret.reveal(),
    )
    operator.set_identity_pool_roles(IdentityPoolId=ids.id, Roles={"authenticated": mine})
    rule = {"Claim": "a", "MatchType": "Equals", "Value": "b", "RoleARN": other}
    mapping = {"Type": "Rules", "AmbiguousRoleResolution": "Deny", "RulesConfiguration": {"Rules": [rule]}}
    for given in (
        {"Roles": {"authenticated": other}},
        {"Roles": {"authenticated": mine}, "RoleMappings": {ids.provider: mapping}},
    ):
        refused(operator.set_identity_pool_roles, "AccessDeniedException", IdentityPoolId=ids.id, **given)
    assert ids.admin.get_identity_pool_roles(IdentityPoolId=ids.id)["Roles"] == {"authenticated": mine}
