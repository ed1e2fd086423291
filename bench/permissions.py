"""Permissions under load: identities and their credentials, the decision point, and the library's own speed."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import directory, policy_decisions, verify_tokens
from bench import tenant as tenants
from bench.load import repeat, request
from bench.peers import ceiling
from bench.scenarios import Scenario, get
from bench.tenant import Administrator, Client, Tenant

SELF = "cognito-identity.amazonaws.com"
FEW = 100
FOLDER = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "Own", "Effect": "Allow", "Action": ["photos:Read", "photos:Write"], "Resource": "photos/${sub}/*"},
        {"Sid": "Public", "Effect": "Allow", "Action": "photos:Read", "Resource": "photos/public/*"},
    ],
}


@dataclass(frozen=True)
class Guarded:
    """An identity pool over the tenant's user pool, what a signed-in person and a guest have of it, and who asks."""

    identity_pool: str
    logins: dict[str, str]
    identity: str
    guest: str
    sub: str
    asker: Client


@dataclass(frozen=True)
class Library:
    """What the client library does in a second on one core, and how much is promised."""

    name: str
    rate: float
    promise: int | None


def furnish(base: str, administrator: Administrator, tenant: Tenant) -> Guarded:
    """Create it all through the API, two identities included. Raises what boto3 raises."""
    identities, iam = administrator.client(base, "cognito-identity"), administrator.client(base, "iam")
    provider = f"cognito-idp.us-east-1.amazonaws.com/{tenant.pool_id}"
    pool = identities.create_identity_pool(
        IdentityPoolName="bench",
        AllowUnauthenticatedIdentities=True,
        CognitoIdentityProviders=[{"ProviderName": provider, "ClientId": tenant.web.id}],
    )["IdentityPoolId"]
    roles = {}
    for kind in ("authenticated", "unauthenticated"):
        trust = _trust(pool, kind)
        roles[kind] = iam.create_role(RoleName=f"Bench-{kind}", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.put_role_policy(RoleName=f"Bench-{kind}", PolicyName="folder", PolicyDocument=json.dumps(FOLDER))
    identities.set_identity_pool_roles(IdentityPoolId=pool, Roles=roles)
    logins = {provider: tenants.tokens(base, tenant, tenants.sign_in(base, tenant))["id_token"]}
    identity = identities.get_id(IdentityPoolId=pool, Logins=logins)["IdentityId"]
    guest = identities.get_id(IdentityPoolId=pool)["IdentityId"]
    return Guarded(pool, logins, identity, guest, *_asker(base, administrator, tenant, roles["authenticated"]))


def _asker(base: str, administrator: Administrator, tenant: Tenant, role: str) -> tuple[str, Client]:
    """The tenant's user in a group with a role, and the client that may ask what they may do."""
    idp = administrator.client(base)
    where = {"UserPoolId": tenant.pool_id}
    idp.create_group(**where, GroupName="members", RoleArn=role)
    idp.admin_add_user_to_group(**where, GroupName="members", Username=tenant.username)
    scopes = [{"ScopeName": "evaluate", "ScopeDescription": "ask"}]
    idp.create_resource_server(**where, Identifier="poolhouse", Name="questions", Scopes=scopes)
    made = idp.create_user_pool_client(
        **where,
        ClientName="asker",
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["poolhouse/evaluate"],
    )["UserPoolClient"]
    user = idp.admin_get_user(**where, Username=tenant.username)["UserAttributes"]
    return next(each["Value"] for each in user if each["Name"] == "sub"), Client(made["ClientId"], made["ClientSecret"])


def _trust(identity_pool: str, amr: str) -> str:
    condition = {"StringEquals": {f"{SELF}:aud": identity_pool}, "ForAnyValue:StringLike": {f"{SELF}:amr": amr}}
    action = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
    statement = {"Effect": "Allow", "Principal": {"Federated": SELF}, "Action": action, "Condition": condition}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def fill(database: Path, guarded: Guarded, size: int) -> None:
    """`size` identities, each with a login. The server must not run."""
    (provider,) = guarded.logins
    directory.fill_identities(database, guarded.identity_pool, provider, size)


# --- Scenarios ----------------------------------------------------------------------------------------------------


def identities(base: str, guarded: Guarded, peers: str, peer_token: str) -> list[Scenario]:
    """What apps ask of an identity pool, each beside a bare program that verifies as many tokens."""
    host, peer = urlsplit(base).netloc, urlsplit(peers).netloc
    verified = repeat(get(peer, "/userinfo", Authorization=f"Bearer {peer_token}"))
    hello = repeat(get(peer, "/hello"))
    pool, logins = {"IdentityPoolId": guarded.identity_pool}, {"Logins": guarded.logins}

    def call(operation: str, **members: Any) -> bytes:
        headers = {
            "Host": host,
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"AWSCognitoIdentityService.{operation}",
        }
        return request("POST", "/", headers, json.dumps(members).encode())

    known = {"statements": 1, "commits": 0}
    return [
        Scenario("GetId", repeat(call("GetId", **pool, **logins)), verified, **known, note="one verification"),
        Scenario(
            "GetId, a new guest",
            repeat(call("GetId", **pool)),
            repeat(get(peer, "/code/authorize"), 303),
            statements=1,
            commits=1,
            note="one durable commit",
        ),
        Scenario(
            "GetCredentialsForIdentity",
            repeat(call("GetCredentialsForIdentity", IdentityId=guarded.identity, **logins)),
            verified,
            **known,
            note="one verification",
        ),
        Scenario(
            "GetCredentialsForIdentity, a guest",
            repeat(call("GetCredentialsForIdentity", IdentityId=guarded.guest)),
            hello,
            **known,
            note="a bare answer",
        ),
    ]


def decisions(base: str, tenant: Tenant, guarded: Guarded, peers: str) -> list[Scenario]:
    """A resource server's question about a person, beside a bare program that checks the asker's secret and answers."""
    asked = {
        "subject": {"type": "user", "id": guarded.sub},
        "action": {"name": "Read"},
        "resource": {"type": "photos", "id": f"{guarded.sub}/1.jpg"},
    }
    headers = {"Host": urlsplit(base).netloc, "Content-Type": "application/json", "Authorization": guarded.asker.basic}
    path, body = f"/{tenant.pool_id}/access/v1/evaluation", json.dumps(asked).encode()
    peer = {
        "Host": urlsplit(peers).netloc,
        "Authorization": "Basic " + base64.b64encode(f"{ceiling.CLIENT_ID}:{ceiling.CLIENT_SECRET}".encode()).decode(),
    }
    return [
        Scenario(
            "AuthZEN evaluation",
            repeat(request("POST", path, headers, body)),
            repeat(request("POST", "/decide", peer, body)),
            statements=2,
            commits=0,
            note="parse the question, check the secret",
        )
    ]


def every(base: str, tenant: Tenant, guarded: Guarded, peers: str, peer_token: str) -> list[Scenario]:
    """All of them."""
    return [*identities(base, guarded, peers, peer_token), *decisions(base, tenant, guarded, peers)]


def growing(base: str, guarded: Guarded) -> list[Scenario]:
    """Those that must not care how many identities there are; a new guest would make the pool grow."""
    return [one for one in identities(base, guarded, base, "none") if one.name != "GetId, a new guest"]


def library(seconds: float) -> list[Library]:
    """What needs no server: tokens verified, and decisions made at the API itself."""
    found = [
        Library(f"{name} verified, keys at hand", rate, verify_tokens.PROMISE if name == "RS256" else None)
        for name, rate in verify_tokens.verified(seconds).items()
    ]
    found.append(Library("local evaluation, a verified token against a policy", verify_tokens.decided(seconds), None))
    mix = policy_decisions.mixed(seconds / len(policy_decisions.QUESTIONS))
    return [*found, Library("policy decision, ten statements compiled", mix, policy_decisions.PROMISE)]
