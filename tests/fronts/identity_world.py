"""What the tests of identity pools stand on: a pool of identities over a user pool, roles, guests and people."""

from __future__ import annotations

import functools
import itertools
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
import botocore.config
from botocore import UNSIGNED

from tests.world import ClientInWorld, Person, PoolInWorld, World

SELF = "cognito-identity.amazonaws.com"
_numbers = itertools.count(1)


def trust(identity_pool_id: str, amr: str | None) -> dict[str, Any]:
    """The trust policy that Cognito's guide gives a role: this identity pool, guests or not."""
    condition: dict[str, Any] = {"StringEquals": {f"{SELF}:aud": identity_pool_id}}
    if amr is not None:
        condition["ForAnyValue:StringLike"] = {f"{SELF}:amr": amr}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": SELF},
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        "Condition": condition,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def allow(*actions: str, resource: str = "*") -> dict[str, Any]:
    """A policy that allows that."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}],
    }


@dataclass
class IdentityWorld:
    """An identity pool whose user pool has one client."""

    world: World
    pool: PoolInWorld
    client: ClientInWorld
    id: str

    @property
    def provider(self) -> str:
        """The user pool as AWS's clients name it."""
        return f"cognito-idp.us-east-1.amazonaws.com/{self.pool.id}"

    @cached_property
    def admin(self) -> Any:
        """The administrator's cognito-identity."""
        return administrator(self.world)

    @cached_property
    def app(self) -> Any:
        """What an app has: no credentials."""
        return anonymous(self.world)

    def role(self, amr: str | None = None, *policies: dict[str, Any], pool_id: str | None = None) -> str:
        """A new role that trusts this identity pool; its ARN."""
        return role(self.world, trust(pool_id or self.id, amr), *policies)

    def logins(self, person: Person) -> dict[str, str]:
        """Logins of somebody who has just signed in."""
        return {self.provider: self.client.tokens(person)["IdToken"]}

    def guest(self) -> str:
        """A new guest's id."""
        return str(self.app.get_id(IdentityPoolId=self.id)["IdentityId"])

    def update(self, **members: Any) -> None:
        """UpdateIdentityPool with what is there and ``members``."""
        now = self.admin.describe_identity_pool(IdentityPoolId=self.id)
        now.pop("ResponseMetadata")
        self.admin.update_identity_pool(**now | members)


@functools.cache  # a client costs more than most tests do with it
def anonymous(world: World, service: str = "cognito-identity") -> Any:
    """boto3 without credentials."""
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{world.port}",
        region_name="us-east-1",
        config=botocore.config.Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )


@functools.cache
def administrator(world: World, service: str = "cognito-identity") -> Any:
    """boto3 with the administrator's key."""
    return world.boto3(service)


def role(world: World, trust_policy: dict[str, Any], *policies: dict[str, Any]) -> str:
    """A new role of that trust policy; its ARN."""
    name = f"identity-role{next(_numbers)}"
    iam = administrator(world, "iam")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust_policy))
    for number, policy in enumerate(policies):
        iam.put_role_policy(RoleName=name, PolicyName=f"p{number}", PolicyDocument=json.dumps(policy))
    return str(made["Role"]["Arn"])


def identity_world(world: World, **members: Any) -> IdentityWorld:
    """A new identity pool over a new user pool; guests are welcome unless ``members`` say otherwise."""
    pool = world.pool()
    client = pool.client()
    given = {
        "IdentityPoolName": f"identities {next(_numbers)}",
        "AllowUnauthenticatedIdentities": True,
        "CognitoIdentityProviders": [
            {"ProviderName": f"cognito-idp.us-east-1.amazonaws.com/{pool.id}", "ClientId": client.id}
        ],
        **members,
    }
    made = administrator(world).create_identity_pool(**given)
    return IdentityWorld(world, pool, client, made["IdentityPoolId"])


def signed(world: World, keys: dict[str, Any], service: str = "cognito-identity") -> Any:
    """boto3 with the temporary credentials that GetCredentialsForIdentity gave."""
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{world.port}",
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretKey"],
        aws_session_token=keys["SessionToken"],
        config=botocore.config.Config(retries={"total_max_attempts": 1}),
    )
