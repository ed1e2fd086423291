"""Amplify v6 and botocore's own providers obtain an identity's credentials from a live server, on both engines."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.interop.pools import make_client, make_person, make_pool, someone
from tests.interop.server import Live
from tests.interop.test_js_clients import story, vars_of

SELF = "cognito-identity.amazonaws.com"
pytestmark = [pytest.mark.live]


def client(live: Live, service: str, **credentials: str) -> Any:
    keys = credentials or {"aws_access_key_id": live.key_id, "aws_secret_access_key": live.secret}
    return boto3.client(service, **keys, **live.at)


def make_role(live: Live, identity_pool_id: str, amr: str) -> str:
    """A role that trusts the identity pool's guests, or those who signed in; made by boto3 as anybody would."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": SELF},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{SELF}:aud": identity_pool_id},
            "ForAnyValue:StringLike": {f"{SELF}:amr": amr},
        },
    }
    name = f"{amr}-{uuid.uuid4().hex[:8]}"
    made = client(live, "iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    return str(made["Role"]["Arn"])


def make_identity_pool(live: Live, pool_id: str, client_id: str) -> tuple[str, dict[str, str]]:
    """An identity pool over a user pool's client, with a role for guests and one for people; its id and its roles."""
    identity = client(live, "cognito-identity")
    made: str = identity.create_identity_pool(
        IdentityPoolName="stories",
        AllowUnauthenticatedIdentities=True,
        AllowClassicFlow=True,
        CognitoIdentityProviders=[
            {"ProviderName": f"cognito-idp.us-east-1.amazonaws.com/{pool_id}", "ClientId": client_id}
        ],
    )["IdentityPoolId"]
    roles = {each: make_role(live, made, each) for each in ("authenticated", "unauthenticated")}
    identity.set_identity_pool_roles(IdentityPoolId=made, Roles=roles)
    return made, roles


def assumed(live: Live, session: dict[str, str]) -> str:
    """The role that a session's credentials are of, as STS names it."""
    sts = client(
        live,
        "sts",
        aws_access_key_id=session["accessKeyId"],
        aws_secret_access_key=session["secretAccessKey"],
        aws_session_token=session["sessionToken"],
    )
    return str(sts.get_caller_identity()["Arn"]).split("/")[1]


@pytest.mark.node
def test_amplify_obtains_an_identity_and_its_credentials(live: Live) -> None:
    pool_id = make_pool(live)
    app = make_client(live, pool_id, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])
    ann = someone()
    sub = make_person(live, pool_id, ann)
    identity_pool_id, roles = make_identity_pool(live, pool_id, app["ClientId"])
    seen = story(
        "amplify_session.mjs",
        {
            "base": live.base,
            "pool_id": pool_id,
            "client_id": app["ClientId"],
            "identity_pool_id": identity_pool_id,
            **vars_of(ann),
        },
    )
    guest, session, after = seen["guest"], seen["session"], seen["after"]
    assert guest["identityId"].startswith("us-east-1:")
    assert guest.get("idToken") is None
    assert assumed(live, guest) == roles["unauthenticated"].rpartition("/")[2]

    assert (seen["signed_in"], seen["username"]) == ("DONE", ann.username)
    assert session["identityId"] == guest["identityId"]  # the guest signed in and kept the identity
    assert (session["userSub"], session["idToken"]["sub"]) == (sub, sub)
    assert assumed(live, session) == roles["authenticated"].rpartition("/")[2]
    left = datetime.fromisoformat(session["expires"].replace("Z", "+00:00")) - datetime.now(UTC)
    assert 3000 < left.total_seconds() <= 3600
    assert seen["refreshed"]["identityId"] == session["identityId"]
    assert seen["refreshed"]["accessKeyId"] != session["accessKeyId"]

    assert after["identityId"] != session["identityId"]  # who signs out leaves nothing to the next guest
    assert assumed(live, after) == roles["unauthenticated"].rpartition("/")[2]


def test_botocore_assumes_a_role_with_an_identity_s_token(live: Live, tmp_path: Path) -> None:
    """The classic flow as botocore's own AssumeRoleWithWebIdentity provider does it, from a token in a file."""
    pool_id = make_pool(live)
    app = make_client(live, pool_id, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])
    ann = someone()
    make_person(live, pool_id, ann)
    identity_pool_id, roles = make_identity_pool(live, pool_id, app["ClientId"])
    tokens = live.anybody().initiate_auth(
        ClientId=app["ClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": ann.username, "PASSWORD": ann.password},
    )["AuthenticationResult"]
    logins = {f"cognito-idp.us-east-1.amazonaws.com/{pool_id}": tokens["IdToken"]}
    identity = client(live, "cognito-identity")
    identity_id = identity.get_id(IdentityPoolId=identity_pool_id, Logins=logins)["IdentityId"]
    token = identity.get_open_id_token(IdentityId=identity_id, Logins=logins)["Token"]
    (tmp_path / "token").write_text(token)
    config = tmp_path / "config"
    config.write_text(
        "[profile ann]\n"
        f"role_arn = {roles['authenticated']}\n"
        f"web_identity_token_file = {tmp_path / 'token'}\n"
        "role_session_name = ann\n"
        f"endpoint_url = {live.base}\n"
        "region = us-east-1\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_CONFIG_FILE", str(config))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        who = boto3.Session(profile_name="ann").client("sts").get_caller_identity()
    assert who["Arn"].endswith(f"assumed-role/{roles['authenticated'].rpartition('/')[2]}/ann")
