"""Pools keep to themselves: generated from the registry, no operation reaches through one pool into another."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

import pytest

from poolhouse.access.caller import ANONYMOUS, operator
from poolhouse.api import model, registry
from poolhouse.api.perform import perform
from poolhouse.core import unit
from poolhouse.core.errors import MissingAuthenticationToken, PoolhouseError
from poolhouse.saml import keys, metadata
from tests.fronts.refusals import refused
from tests.oidc import Browser, rp
from tests.world import PASSWORD, PoolInWorld, World

REGISTERED = registry.load()
# What names a thing of a pool. A new operation with another such member has to be said here, or its test fails.
IDENTIFIERS = ("Username", "ClientId", "GroupName", "Identifier", "Domain", "ClientSecretId", "ProviderName",
               "IdpIdentifier", "User", "DestinationUser")  # fmt: skip
# What an operation wants besides: anything that is valid.
OTHERWISE: dict[str, Any] = {
    "CustomAttributes": [{"Name": "more", "AttributeDataType": "String"}],
    "UserAttributes": [{"Name": "nickname", "Value": "eve"}],
    "UserAttributeNames": ["nickname"],
    "Password": "N3w-password-of-eve!",
    "Permanent": True,
    "Name": "renamed",
    "Extensions": {},
    "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
    "ChallengeName": "NEW_PASSWORD_REQUIRED",
    "SoftwareTokenMfaSettings": {"Enabled": False},
    "ProviderType": "OIDC",
    "ProviderDetails": {
        "client_id": "pool",
        "oidc_issuer": "https://login.example.com",
        **dict.fromkeys(("authorize_url", "token_url", "attributes_url", "jwks_uri"), "https://login.example.com/"),
    },
}
# Where what names a thing of the pool may be left out.
OPTIONAL = {"RotateSamlKey"}
# These make a new thing of that name in their own pool: what they must not do is touch the other's.
MAKES = {"AdminCreateUser", "CreateGroup", "CreateResourceServer", "CreateIdentityProvider"}
# Both pools have the same user and group here, so that one identifier at a time is the other pool's.
PAIRED = {"AdminAddUserToGroup", "AdminRemoveUserFromGroup"}
REFUSALS = {"ResourceNotFoundException", "UserNotFoundException", "InvalidParameterException"}


@functools.cache
def saml_metadata() -> str:
    """What some SAML provider publishes."""
    certificate = keys.der(keys.make_key("enterprise")[1])
    sso = [("redirect", "https://saml.example.com/sso")]
    return metadata.write_idp("https://saml.example.com", sso=sso, signing=[certificate]).decode()


def scoped() -> list[tuple[str, str]]:
    """Every operation that is told a pool and something of that pool."""
    found = []
    for service, name in sorted(REGISTERED):
        members = model.service(service).operations[name].required
        if "UserPoolId" in members and (set(IDENTIFIERS) & members or name in OPTIONAL):
            found.append((service, name))
    return found


@dataclass
class Tenant:
    """A pool with one of everything."""

    pool: PoolInWorld
    ids: dict[str, Any]

    def call(self, service: str, name: str, **given: Any) -> dict[str, Any]:
        rt = self.pool.world.runtime
        with unit.open(rt):
            return perform(operator(rt.settings.account_id), service, name, given)

    def own(self, service: str, name: str) -> dict[str, Any]:
        """What the operation is to be called with to be about this pool's things."""
        described = model.service(service).operations[name]
        wanted = described.required | ({"Username"} & set(described.members) if "Group" in name else set())
        given: dict[str, Any] = {}
        for member in wanted - {"UserPoolId"}:
            assert member in self.ids or member in OTHERWISE, f"{name}: say in this test what a {member} is"
            given[member] = self.ids.get(member, OTHERWISE.get(member))
        if "ClientSecret" in name:
            given["ClientId"] = self.ids["one secret" if name.startswith("Add") else "two secrets"]
        if name == "RotateSamlKey":
            given["ProviderName"] = self.ids["saml provider"]
        if name == "AdminConfirmSignUp":
            given["Username"] = self.ids["pending"]
        if name == "AdminInitiateAuth":
            given["AuthParameters"] = {"USERNAME": self.ids["Username"], "PASSWORD": PASSWORD}
        if name == "AdminSetUserPassword":
            given["Permanent"] = True
        if name == "AdminRespondToAuthChallenge":
            given["Session"] = self.session()
            given["ChallengeResponses"] = {"USERNAME": "invited", "NEW_PASSWORD": OTHERWISE["Password"]}
        return given

    def session(self) -> str:
        """Of a sign-in that waits for a new password."""
        auth = {"USERNAME": "invited", "PASSWORD": "Temp0rary-one!"}
        given = {"UserPoolId": self.pool.id, "ClientId": self.ids["ClientId"], "AuthParameters": auth}
        return str(self.call("cognito-idp", "AdminInitiateAuth", AuthFlow=OTHERWISE["AuthFlow"], **given)["Session"])

    def everything(self) -> str:
        """All that the API shows of the pool."""
        told = [
            self.call("cognito-idp", name, UserPoolId=self.pool.id, **more)
            for name, more in (
                ("DescribeUserPool", {}),
                ("ListUsers", {}),
                ("ListGroups", {}),
                ("ListUsersInGroup", {"GroupName": self.ids["GroupName"]}),
                ("ListResourceServers", {"MaxResults": 10}),
                ("ListUserPoolClients", {"MaxResults": 10}),
                ("DescribeUserPoolClient", {"ClientId": self.ids["ClientId"]}),
                ("ListUserPoolClientSecrets", {"ClientId": self.ids["ClientId"]}),
                ("ListIdentityProviders", {}),
                ("DescribeIdentityProvider", {"ProviderName": self.ids["ProviderName"]}),
            )
        ]
        told.append(
            self.call(
                "poolhouse",
                "GetIdentityProviderExtensions",
                UserPoolId=self.pool.id,
                ProviderName=self.ids["ProviderName"],
            )
        )
        return json.dumps(told, default=str, sort_keys=True)


def tenant(world: World, name: str) -> Tenant:
    pool = world.pool()
    client = pool.client(ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"])
    secretive, other = pool.client(GenerateSecret=True), pool.client(GenerateSecret=True)
    idp, scope = pool.idp, {"UserPoolId": pool.id}
    secret = idp.add_user_pool_client_secret(**scope, ClientId=secretive.id)["ClientSecretDescriptor"]
    ids: dict[str, Any] = {
        "Username": f"user-of-{name}",
        "pending": f"pending-of-{name}",
        "ClientId": client.id,
        "GroupName": f"group-of-{name}",
        "Identifier": f"server-of-{name}",
        "Domain": f"{name}-{pool.id[-9:].lower()}".replace("_", ""),
        "ClientSecretId": secret["ClientSecretId"],
        "ProviderName": f"OpenId-of-{name}",
        "saml provider": f"Saml-of-{name}",
        "IdpIdentifier": f"{name}.example",
        "DestinationUser": {"ProviderName": "Cognito", "ProviderAttributeValue": f"user-of-{name}"},
    }
    of_provider = {"ProviderName": ids["ProviderName"], "ProviderAttributeName": "Cognito_Subject"}
    ids["User"] = {**of_provider, "ProviderAttributeValue": f"subject-of-{name}"}
    ids["SourceUser"] = {**of_provider, "ProviderAttributeValue": f"new-subject-of-{name}"}
    pool.user(ids["Username"], email=f"{name}@example.com", email_verified="true")
    idp.sign_up(ClientId=client.id, Username=ids["pending"], Password=PASSWORD)
    idp.create_group(**scope, GroupName=ids["GroupName"])
    idp.admin_add_user_to_group(**scope, GroupName=ids["GroupName"], Username=ids["Username"])
    idp.create_resource_server(**scope, Identifier=ids["Identifier"], Name="server")
    idp.create_user_pool_domain(**scope, Domain=ids["Domain"])
    openid = {"ProviderName": ids["ProviderName"], "IdpIdentifiers": [ids["IdpIdentifier"]]}
    idp.create_identity_provider(**scope, **openid, ProviderType="OIDC", ProviderDetails=OTHERWISE["ProviderDetails"])
    saml = {"ProviderName": ids["saml provider"], "ProviderDetails": {"MetadataFile": saml_metadata()}}
    idp.create_identity_provider(**scope, **saml, ProviderType="SAML")
    idp.admin_link_provider_for_user(**scope, DestinationUser=ids["DestinationUser"], SourceUser=ids["User"])
    idp.admin_create_user(**scope, Username="invited", TemporaryPassword="Temp0rary-one!", MessageAction="SUPPRESS")
    return Tenant(pool, ids | {"two secrets": secretive.id, "one secret": other.id})


@pytest.fixture(scope="module")
def _ours(_world: World) -> Tenant:
    return tenant(_world, "ours")


@pytest.fixture
def ours(world: World, _ours: Tenant) -> Tenant:
    return _ours


@pytest.fixture(scope="module")
def _theirs(_world: World) -> Tenant:
    return tenant(_world, "theirs")


@pytest.fixture
def theirs(world: World, _theirs: Tenant) -> Tenant:
    return _theirs


@pytest.mark.parametrize(("service", "name"), scoped(), ids=lambda value: str(value))
def test_no_operation_on_one_pool_takes_another_pools_identifier(
    ours: Tenant, theirs: Tenant, service: str, name: str
) -> None:
    """Class 51, IDOR: their thing, asked for through our pool, is not there."""
    given = theirs.own(service, name)
    before = theirs.everything()
    if name in MAKES:
        ours.call(service, name, UserPoolId=ours.pool.id, **given)
        _unmake(ours, name, given)
    else:
        with pytest.raises(PoolhouseError) as refusal:
            ours.call(service, name, UserPoolId=ours.pool.id, **given)
        assert refusal.value.aws in REFUSALS
    assert theirs.everything() == before


@pytest.mark.parametrize("name", sorted(PAIRED))
def test_of_two_identifiers_neither_may_be_another_pools(ours: Tenant, theirs: Tenant, name: str) -> None:
    for stolen in ("Username", "GroupName"):
        given = {key: ours.ids[key] for key in ("Username", "GroupName")} | {stolen: theirs.ids[stolen]}
        with pytest.raises(PoolhouseError) as refusal:
            ours.call("cognito-idp", name, UserPoolId=ours.pool.id, **given)
        assert refusal.value.aws in REFUSALS


def test_nobody_is_linked_across_pools(ours: Tenant, theirs: Tenant) -> None:
    for stolen in ("DestinationUser", "SourceUser"):
        given = {key: ours.ids[key] for key in ("DestinationUser", "SourceUser")} | {stolen: theirs.ids[stolen]}
        with pytest.raises(PoolhouseError) as refusal:
            ours.call("cognito-idp", "AdminLinkProviderForUser", UserPoolId=ours.pool.id, **given)
        assert refusal.value.aws in REFUSALS


def _unmake(ours: Tenant, name: str, given: dict[str, Any]) -> None:
    undo = {
        "AdminCreateUser": ("AdminDeleteUser", "Username"),
        "CreateGroup": ("DeleteGroup", "GroupName"),
        "CreateResourceServer": ("DeleteResourceServer", "Identifier"),
        "CreateIdentityProvider": ("DeleteIdentityProvider", "ProviderName"),
    }
    operation, member = undo[name]
    ours.call("cognito-idp", operation, UserPoolId=ours.pool.id, **{member: given[member]})


@pytest.mark.parametrize(("service", "name"), [o for o in scoped() if o[1] not in MAKES | {"CreateUserPoolDomain"}],
                         ids=lambda value: str(value))  # fmt: skip
def test_the_same_call_through_the_right_pool_works(world: World, service: str, name: str) -> None:
    """So that each refusal above is about the pool, and not about something else that this test got wrong."""
    if engine_of(world) != "sqlite":
        return  # what is tried here is this file's own calls
    owner = tenant(world, "owner")
    given = owner.own(service, name)
    owner.call(service, name, UserPoolId=owner.pool.id, **given)


def engine_of(world: World) -> str:
    return world.settings.database_url.split(":")[0].split("+")[0]


def test_nothing_that_is_listed_or_counted_is_another_pools(ours: Tenant, theirs: Tenant) -> None:
    """Class 65: totals and pages."""
    told = ours.everything()
    for identifier in theirs.ids.values():
        if isinstance(identifier, str):
            assert identifier not in told
    described = ours.call("cognito-idp", "DescribeUserPool", UserPoolId=ours.pool.id)["UserPool"]
    assert described["EstimatedNumberOfUsers"] == 3


@pytest.mark.parametrize(("service", "name"), sorted(REGISTERED), ids=lambda value: str(value))
def test_nothing_that_must_be_signed_is_done_for_nobody(world: World, service: str, name: str) -> None:
    """Class 53: keys, users, tokens minted for anyone. Asked before the input is so much as looked at."""
    if not model.service(service).operations[name].signed:
        return
    with unit.open(world.runtime), pytest.raises(MissingAuthenticationToken):
        perform(ANONYMOUS, service, name, {"UserPoolId": "x"})


def test_tokens_and_sessions_are_good_in_their_own_pool_alone(ours: Tenant, theirs: Tenant) -> None:
    """Classes 10, 51: whatever is in somebody's hands, through a client of another pool it opens nothing."""
    idp, stranger = ours.pool.idp, ours.pool.client()
    at_home, ann = theirs.pool.client(), theirs.pool.user()
    refresh = at_home.tokens(ann)["RefreshToken"]
    auth = {"REFRESH_TOKEN": refresh, "USERNAME": ann.username}
    for flow in ("REFRESH_TOKEN", "REFRESH_TOKEN_AUTH"):
        call = {"ClientId": stranger.id, "AuthFlow": flow, "AuthParameters": auth}
        refused(idp.initiate_auth, "NotAuthorizedException", **call)
    refused(idp.get_tokens_from_refresh_token, "NotAuthorizedException", RefreshToken=refresh, ClientId=stranger.id)
    idp.revoke_token(Token=refresh, ClientId=stranger.id)  # RFC 7009 §2.2: says nothing, and does nothing
    assert idp.get_tokens_from_refresh_token(RefreshToken=refresh, ClientId=at_home.id)["AuthenticationResult"]
    answers = {"USERNAME": "invited", "NEW_PASSWORD": OTHERWISE["Password"]}
    refused(
        idp.respond_to_auth_challenge,
        "NotAuthorizedException",
        ClientId=stranger.id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=theirs.session(),
        ChallengeResponses=answers,
    )
    assert at_home.tokens(ann)


def test_codes_of_one_pool_are_no_codes_of_another(world: World) -> None:
    """A code mailed by one pool, to somebody of the same name and address in another."""
    settings = {"AutoVerifiedAttributes": ["email"]}
    pools = [world.pool(**settings), world.pool(**settings)]
    email = f"both-{pools[0].id[-9:].lower()}@example.com"
    for pool in pools:
        pool.user("ann", email=email, email_verified="true")
    clients = [pool.client() for pool in pools]
    world.idp.forgot_password(ClientId=clients[1].id, Username="ann")
    world.idp.forgot_password(ClientId=clients[0].id, Username="ann")
    confirm = {"Username": "ann", "ConfirmationCode": world.code(email), "Password": OTHERWISE["Password"]}
    refused(world.idp.confirm_forgot_password, "CodeMismatchException", ClientId=clients[1].id, **confirm)
    world.idp.confirm_forgot_password(ClientId=clients[0].id, **confirm)


def test_a_name_that_comes_again_does_not_bring_back_its_former_owners_rights(world: World, pool: PoolInWorld) -> None:
    """Class 51, recycled identifiers: tokens, sessions, groups and codes stay with whoever is gone."""
    client, api, browser = rp(pool), pool.client(), Browser(world)
    gone = pool.user("ann", email="gone@example.com", email_verified="true")
    pool.idp.create_group(UserPoolId=pool.id, GroupName="editors")
    pool.idp.admin_add_user_to_group(UserPoolId=pool.id, GroupName="editors", Username="ann")
    kept = client.tokens(browser, gone), api.tokens(gone)
    api_session = pool.idp.forgot_password(ClientId=api.id, Username="ann") and world.code("gone@example.com")
    pool.idp.admin_delete_user(UserPoolId=pool.id, Username="ann")
    new = pool.user("ann", email="new@example.com", email_verified="true", password="Another-0ne!")
    assert new.sub != gone.sub
    assert pool.idp.admin_list_groups_for_user(UserPoolId=pool.id, Username="ann")["Groups"] == []
    assert client.refresh(kept[0]["refresh_token"]).status_code == 400
    assert client.userinfo(kept[0]["access_token"]).status_code == 401
    refused(pool.idp.get_user, "NotAuthorizedException", AccessToken=kept[1]["AccessToken"])
    assert "error" in browser.go(client.url(prompt="none")).given
    confirm = {"ClientId": api.id, "Username": "ann", "ConfirmationCode": api_session, "Password": "Thi3ves-own!"}
    with pytest.raises(Exception, match=r"ExpiredCode|CodeMismatch"):
        pool.idp.confirm_forgot_password(**confirm)
    assert api.tokens(new)
