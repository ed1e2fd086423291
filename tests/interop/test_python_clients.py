"""Stories that Python's clients complete against a live server, on both engines: boto3, AWS CLI, pycognito, Authlib."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pyotp
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from botocore.config import Config
from joserfc import jwt
from joserfc.jwk import KeySet

from bench.browser import Browser
from tests.interop.pools import (
    CALLBACK,
    LOGOUT,
    mailed_code,
    make_client,
    make_person,
    make_pool,
    someone,
    web_client,
)
from tests.interop.server import PASSWORD, Live

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # its dependency `envs` was written for older Pythons
    from pycognito import AWSSRP, Cognito

pytestmark = pytest.mark.live


def pycognito(live: Live, pool_id: str, client: dict[str, Any], username: str, **secrets: str) -> Cognito:
    """pycognito's user, its calls to our server."""
    return Cognito(
        pool_id,
        client["ClientId"],
        client_secret=client.get("ClientSecret"),
        username=username,
        access_key=live.key_id,
        secret_key=live.secret,
        user_pool_region="us-east-1",
        botocore_config=Config(retries={"max_attempts": 1}),
        boto3_client_kwargs={"endpoint_url": live.base},
        **secrets,
    )


def claims_of(live: Live, pool_id: str, token: str) -> dict[str, Any]:
    """A token's claims, its signature verified with the pool's published keys."""
    published = requests.get(f"{live.base}/{pool_id}/.well-known/jwks.json", timeout=10).json()
    decoded = jwt.decode(token, KeySet.import_key_set(published), algorithms=["RS256"])
    return dict(decoded.claims)


@pytest.mark.parametrize("confidential", [False, True], ids=["public client", "client with a secret"])
def test_pycognito_completes_its_story_by_srp(live: Live, confidential: bool) -> None:
    pool_id = make_pool(live)
    flows = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    client = make_client(live, pool_id, GenerateSecret=confidential, ExplicitAuthFlows=flows)
    ann = someone()
    user = pycognito(live, pool_id, client, ann.username)

    user.set_base_attributes(email=ann.email)
    user.register(ann.username, PASSWORD)
    user.confirm_sign_up(mailed_code(live, ann.email), ann.username)

    user.authenticate(PASSWORD)
    claims = claims_of(live, pool_id, user.id_token)
    assert (claims["cognito:username"], claims["aud"]) == (ann.username, client["ClientId"])
    assert claims_of(live, pool_id, user.access_token)["token_use"] == "access"

    user.update_profile({"given_name": "Ann"})
    assert user.get_user().given_name == "Ann"
    before = user.access_token
    user.renew_access_token()
    assert user.access_token != before
    user.change_password(PASSWORD, PASSWORD + "-new")
    user.logout()

    again = pycognito(live, pool_id, client, ann.username)
    with pytest.raises(again.client.exceptions.NotAuthorizedException):
        again.authenticate(PASSWORD)
    again.authenticate(PASSWORD + "-new")
    again.admin_authenticate(PASSWORD + "-new")

    again.initiate_forgot_password()
    again.confirm_forgot_password(mailed_code(live, ann.email, known=1), PASSWORD)
    again.authenticate(PASSWORD)


def test_pycognito_sets_a_new_password_when_one_is_owed(live: Live) -> None:
    pool_id = make_pool(live)
    client = make_client(live, pool_id, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])
    ann = someone()
    idp = live.administrator()
    idp.admin_create_user(
        UserPoolId=pool_id,
        Username=ann.username,
        TemporaryPassword="For-today-1",
        UserAttributes=[{"Name": "email", "Value": ann.email}],
    )
    proof = AWSSRP(
        username=ann.username,
        password="For-today-1",
        pool_id=pool_id,
        client_id=client["ClientId"],
        client=live.anybody(),
    )
    answer = proof.set_new_password_challenge(PASSWORD)
    assert "AccessToken" in answer["AuthenticationResult"]
    assert idp.admin_get_user(UserPoolId=pool_id, Username=ann.username)["UserStatus"] == "CONFIRMED"


def test_boto3_completes_its_story(live: Live) -> None:
    idp, app = live.administrator(), live.anybody()
    pool_id = make_pool(live)
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    client_id = make_client(live, pool_id, ExplicitAuthFlows=flows)["ClientId"]
    ann = someone()

    delivery = app.sign_up(
        ClientId=client_id,
        Username=ann.username,
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": ann.email}],
    )["CodeDeliveryDetails"]
    assert (delivery["DeliveryMedium"], delivery["AttributeName"]) == ("EMAIL", "email")
    with pytest.raises(app.exceptions.UsernameExistsException):
        app.sign_up(ClientId=client_id, Username=ann.username, Password=PASSWORD)
    app.resend_confirmation_code(ClientId=client_id, Username=ann.username)
    code = mailed_code(live, ann.email, known=1)
    app.confirm_sign_up(ClientId=client_id, Username=ann.username, ConfirmationCode=code)

    signing_in = {
        "AuthFlow": "USER_PASSWORD_AUTH",
        "ClientId": client_id,
        "AuthParameters": {"USERNAME": ann.username, "PASSWORD": PASSWORD},
    }
    tokens = app.initiate_auth(**signing_in)["AuthenticationResult"]
    assert tokens["TokenType"] == "Bearer"
    assert {"AccessToken", "IdToken", "RefreshToken"} <= set(tokens)

    secret = app.associate_software_token(AccessToken=tokens["AccessToken"])["SecretCode"]
    clock = pyotp.TOTP(secret)
    now = int(time.time())
    checked = app.verify_software_token(AccessToken=tokens["AccessToken"], UserCode=clock.at(now - 30))
    assert checked["Status"] == "SUCCESS"
    wanted = {"Enabled": True, "PreferredMfa": True}
    app.set_user_mfa_preference(AccessToken=tokens["AccessToken"], SoftwareTokenMfaSettings=wanted)
    challenge = app.initiate_auth(**signing_in)
    assert challenge["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    answered = app.respond_to_auth_challenge(
        ClientId=client_id,
        ChallengeName="SOFTWARE_TOKEN_MFA",
        Session=challenge["Session"],
        ChallengeResponses={"USERNAME": ann.username, "SOFTWARE_TOKEN_MFA_CODE": clock.at(int(time.time()))},
    )["AuthenticationResult"]

    idp.create_group(UserPoolId=pool_id, GroupName="readers", Precedence=1)
    idp.admin_add_user_to_group(UserPoolId=pool_id, Username=ann.username, GroupName="readers")
    renewed = app.initiate_auth(
        AuthFlow="REFRESH_TOKEN_AUTH",
        ClientId=client_id,
        AuthParameters={"REFRESH_TOKEN": answered["RefreshToken"]},
    )["AuthenticationResult"]
    assert claims_of(live, pool_id, renewed["IdToken"])["cognito:groups"] == ["readers"]
    assert "RefreshToken" not in renewed

    found = idp.list_users(UserPoolId=pool_id, Filter=f'email = "{ann.email}"')["Users"]
    assert [one["Username"] for one in found] == [ann.username]
    idp.admin_disable_user(UserPoolId=pool_id, Username=ann.username)
    with pytest.raises(app.exceptions.NotAuthorizedException):
        app.initiate_auth(**signing_in)
    idp.admin_enable_user(UserPoolId=pool_id, Username=ann.username)
    idp.admin_user_global_sign_out(UserPoolId=pool_id, Username=ann.username)
    with pytest.raises(app.exceptions.NotAuthorizedException):
        app.get_user(AccessToken=renewed["AccessToken"])
    idp.admin_delete_user(UserPoolId=pool_id, Username=ann.username)
    with pytest.raises(idp.exceptions.UserNotFoundException):
        idp.admin_get_user(UserPoolId=pool_id, Username=ann.username)


def aws(live: Live, *words: str, fails: bool = False) -> Any:
    """`aws cognito-idp …` as an operator types it; its JSON, or its complaint when it is to fail."""
    program = str(Path(sys.executable).with_name("aws"))
    command = [sys.executable, program, "cognito-idp", *words, "--endpoint-url", live.base, "--output", "json"]
    done = subprocess.run(command, env=live.environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode != 0) is fails, f"{' '.join(words)}: {done.stdout}\n{done.stderr}"
    if fails:
        return done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_the_aws_command_line_completes_its_story(live: Live) -> None:
    pool = aws(live, "create-user-pool", "--pool-name", "by hand", "--auto-verified-attributes", "email")["UserPool"]
    at = ["--user-pool-id", pool["Id"]]
    assert pool["Id"] in {one["Id"] for one in aws(live, "list-user-pools", "--max-results", "60")["UserPools"]}
    flows = ["--explicit-auth-flows", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    client = aws(live, "create-user-pool-client", *at, "--client-name", "app", *flows)["UserPoolClient"]["ClientId"]

    made = [
        "--username",
        "ann",
        "--user-attributes",
        "Name=email,Value=ann@example.com",
        "--message-action",
        "SUPPRESS",
    ]
    assert aws(live, "admin-create-user", *at, *made)["User"]["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    complaint = aws(live, "admin-create-user", *at, "--username", "ann", fails=True)
    assert "UsernameExistsException" in complaint
    aws(live, "admin-set-user-password", *at, "--username", "ann", "--password", PASSWORD, "--permanent")
    aws(live, "create-group", *at, "--group-name", "readers")
    aws(live, "admin-add-user-to-group", *at, "--username", "ann", "--group-name", "readers")
    groups = aws(live, "admin-list-groups-for-user", *at, "--username", "ann")["Groups"]
    assert [one["GroupName"] for one in groups] == ["readers"]

    flow = ["--client-id", client, "--auth-flow", "ADMIN_USER_PASSWORD_AUTH"]
    parameters = ["--auth-parameters", f"USERNAME=ann,PASSWORD={PASSWORD}"]
    tokens = aws(live, "admin-initiate-auth", *at, *flow, *parameters)["AuthenticationResult"]
    user = aws(live, "get-user", "--access-token", tokens["AccessToken"])
    assert user["Username"] == "ann"
    filtered = aws(live, "list-users", *at, "--filter", 'username ^= "an"')["Users"]
    assert [one["UserStatus"] for one in filtered] == ["CONFIRMED"]
    aws(live, "delete-user-pool", *at)
    assert "ResourceNotFoundException" in aws(live, "describe-user-pool", *at, fails=True)


def test_the_aws_command_line_is_refused_with_a_wrong_key(live: Live) -> None:
    stranger = Live(live.base, live.key_id, "not-the-secret-of-this-key")
    assert "SignatureDoesNotMatch" in (said := aws(stranger, "list-user-pools", "--max-results", "1", fails=True)) or (
        "InvalidSignatureException" in said
    )


def test_authlibs_client_completes_its_story(live: Live) -> None:
    pool_id = make_pool(live)
    ann = someone()
    sub = make_person(live, pool_id, ann)
    client = make_client(live, pool_id, GenerateSecret=True, **web_client())
    document = requests.get(f"{live.base}/{pool_id}/.well-known/openid-configuration", timeout=10).json()

    with OAuth2Session(
        client["ClientId"],
        client["ClientSecret"],
        scope="openid email",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
    ) as session:
        verifier = "v" * 64
        url, state = session.create_authorization_url(
            document["authorization_endpoint"], code_verifier=verifier, nonce="the nonce"
        )
        browser = Browser(live.base)
        page = browser.get(url)
        page = page.submit(username=ann.username, password="not-It-1-at-all")
        assert "code" not in page.query
        page = page.submit(username=ann.username, password=PASSWORD)
        assert page.url.startswith(CALLBACK)
        assert (page.query["state"], page.query["iss"]) == (state, document["issuer"])

        token = session.fetch_token(
            document["token_endpoint"], authorization_response=page.url, code_verifier=verifier, state=state
        )
        claims = claims_of(live, pool_id, token["id_token"])
        assert (claims["sub"], claims["nonce"], claims["aud"]) == (sub, "the nonce", client["ClientId"])
        profile = session.get(document["userinfo_endpoint"]).json()
        assert (profile["sub"], profile["email"]) == (sub, ann.email)
        renewed = session.refresh_token(document["token_endpoint"])
        assert renewed["access_token"] != token["access_token"] or renewed["id_token"] != token["id_token"]
        facts = session.introspect_token(document["introspection_endpoint"], token=renewed["access_token"]).json()
        assert (facts["active"], facts["sub"]) == (True, sub)
        held = renewed.get("refresh_token") or token["refresh_token"]
        assert session.revoke_token(document["revocation_endpoint"], token=held).status_code == 200
        facts = session.introspect_token(document["introspection_endpoint"], token=renewed["access_token"]).json()
        assert facts == {"active": False}

    left = browser.get(f"{live.base}/{pool_id}/logout?client_id={client['ClientId']}&logout_uri={LOGOUT}")
    assert left.url == LOGOUT
    assert browser.get(url).form("password")


def test_authlibs_client_gets_a_token_for_a_machine(live: Live) -> None:
    pool_id = make_pool(live)
    scopes = [{"ScopeName": "read", "ScopeDescription": "Read all"}]
    live.administrator().create_resource_server(UserPoolId=pool_id, Identifier="books", Name="Books", Scopes=scopes)
    client = make_client(
        live,
        pool_id,
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["books/read"],
    )
    with OAuth2Session(client["ClientId"], client["ClientSecret"], scope="books/read") as session:
        token = session.fetch_token(f"{live.base}/{pool_id}/oauth2/token", grant_type="client_credentials")
    claims = claims_of(live, pool_id, token["access_token"])
    assert (claims["scope"], claims["sub"], claims["client_id"]) == ("books/read", *[client["ClientId"]] * 2)
    assert "refresh_token" not in token
