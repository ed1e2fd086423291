"""Pools, clients and people for the stories, made through the API by boto3."""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.interop.server import PASSWORD, Live

CALLBACK = "https://app.example.com/callback"
LOGOUT = "https://app.example.com/bye"


@dataclass(frozen=True)
class Person:
    """Somebody who is in the pool, or will be."""

    username: str
    email: str
    password: str = PASSWORD


def someone() -> Person:
    """A name and an address that nobody else has."""
    name = f"ann-{uuid.uuid4().hex[:12]}"
    return Person(name, f"{name}@example.com")


def make_pool(live: Live, **settings: Any) -> str:
    """A pool that confirms addresses by code and allows authenticator apps; its id."""
    idp = live.administrator()
    pool_id: str = idp.create_user_pool(PoolName="stories", **({"AutoVerifiedAttributes": ["email"]} | settings))[
        "UserPool"
    ]["Id"]
    idp.set_user_pool_mfa_config(
        UserPoolId=pool_id, SoftwareTokenMfaConfiguration={"Enabled": True}, MfaConfiguration="OPTIONAL"
    )
    return pool_id


def make_client(live: Live, pool_id: str, **settings: Any) -> dict[str, Any]:
    """An app client; the API's description of it."""
    made = live.administrator().create_user_pool_client(UserPoolId=pool_id, ClientName="app", **settings)
    client: dict[str, Any] = made["UserPoolClient"]
    return client


def web_client(**settings: Any) -> dict[str, Any]:
    """The settings of a client that signs people in by redirect."""
    return {
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": ["openid", "email", "profile"],
        "CallbackURLs": [CALLBACK],
        "LogoutURLs": [LOGOUT],
        "SupportedIdentityProviders": ["COGNITO"],
        **settings,
    }


def make_person(live: Live, pool_id: str, person: Person) -> str:
    """A confirmed user with a verified address; their sub."""
    idp = live.administrator()
    made = idp.admin_create_user(
        UserPoolId=pool_id,
        Username=person.username,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": person.email}, {"Name": "email_verified", "Value": "true"}],
    )["User"]
    idp.admin_set_user_password(UserPoolId=pool_id, Username=person.username, Password=person.password, Permanent=True)
    sub: str = next(one["Value"] for one in made["Attributes"] if one["Name"] == "sub")
    return sub


def extend(live: Live, pool_id: str, client_id: str, extensions: dict[str, Any]) -> None:
    """Settings of a client that Cognito does not have: an operation of our own service, signed like any other."""
    request = AWSRequest(
        "POST",
        live.base + "/",
        data=json.dumps({"UserPoolId": pool_id, "ClientId": client_id, "Extensions": extensions}),
        headers={
            "Host": urlsplit(live.base).netloc,
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "PoolhouseService.SetUserPoolClientExtensions",
        },
    )
    SigV4Auth(Credentials(live.key_id, live.secret), "poolhouse", "us-east-1").add_auth(request)
    got = requests.post(live.base + "/", request.data, headers=dict(request.headers.items()), timeout=30)
    assert got.status_code == 200, got.text


def mailed_code(live: Live, to: str, known: int = 0) -> str:
    """The code in the newest message to an address, once there are more than `known` of them."""
    for _ in range(100):
        mine = [one for one in requests.get(live.base + "/dev/mailbox.json", timeout=10).json() if to in one["to"]]
        if len(mine) > known:
            found = re.search(r"\b\d{6}\b", mine[-1]["text"])
            assert found, mine[-1]
            return found.group()
        time.sleep(0.1)
    raise AssertionError(f"no message {known + 1} to {to}")
