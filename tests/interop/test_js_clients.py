"""Stories that JavaScript clients complete against a live server, on both engines; Node.js runs them."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.interop.pools import CALLBACK, LOGOUT, extend, make_client, make_person, make_pool, someone, web_client
from tests.interop.server import Live

HERE = Path(__file__).parent
pytestmark = [pytest.mark.live, pytest.mark.node]


def story(script: str, given: dict[str, Any]) -> dict[str, Any]:
    """Run a story; what it saw. A story that ends early fails with all it had to say."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is missing: install it (20 or newer) to run the JavaScript clients' stories")
    if not (HERE / "node_modules").is_dir():
        pytest.skip("The JavaScript clients are missing: npm ci --prefix tests/interop")
    # A machine's proxy settings are no part of a story that stays on this machine.
    environ = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environ["INTEROP"] = json.dumps(given)
    done = subprocess.run(
        [node, script], cwd=HERE, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{script} ended with {done.returncode}:\n{done.stderr}\n{done.stdout}"
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_amazon_cognito_identity_js_completes_its_story(live: Live) -> None:
    pool_id = make_pool(live)
    client = make_client(live, pool_id, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])
    ann, bob = someone(), someone()
    live.administrator().admin_create_user(
        UserPoolId=pool_id,
        Username=bob.username,
        TemporaryPassword=bob.password,
        UserAttributes=[{"Name": "email", "Value": bob.email}, {"Name": "email_verified", "Value": "true"}],
    )
    seen = story(
        "cognito_identity_js.mjs",
        {
            "base": live.base,
            "pool_id": pool_id,
            "client_id": client["ClientId"],
            **vars_of(ann),
            "made_by_admin": vars_of(bob),
        },
    )

    assert seen["confirmed_at_sign_up"] is False
    assert seen["delivered_to"]["DeliveryMedium"] == "EMAIL"
    assert seen["delivered_to"]["Destination"] != ann.email
    assert seen["before_confirmation"] == "UserNotConfirmedException"
    assert seen["wrong_code"] == "CodeMismatchException"
    assert seen["confirmation"] == "SUCCESS"
    assert seen["wrong_password"] == "NotAuthorizedException"
    assert (seen["signed_in"], seen["session_valid"]) == ("onSuccess", True)

    issuer = f"{live.base}/{pool_id}"
    identity, access = seen["id_claims"], seen["access_claims"]
    assert (identity["iss"], identity["aud"], identity["token_use"]) == (issuer, client["ClientId"], "id")
    assert (identity["cognito:username"], identity["email"]) == (ann.username, ann.email)
    assert identity["email_verified"] is True
    assert (access["iss"], access["client_id"], access["token_use"]) == (issuer, client["ClientId"], "access")
    assert (access["username"], access["scope"]) == (ann.username, "aws.cognito.signin.user.admin")
    assert "aud" not in access

    assert (seen["attributes"]["email"], seen["attributes"]["email_verified"]) == (ann.email, "true")
    assert seen["attributes"]["sub"] == identity["sub"]
    assert seen["update"] == "SUCCESS"
    assert (seen["updated"]["given_name"], seen["updated"]["locale"]) == ("Ann", "en")
    assert seen["change"] == "SUCCESS"
    assert (seen["old_password"], seen["new_password"]) == ("NotAuthorizedException", "onSuccess")

    assert seen["secret_length"] >= 32
    assert seen["wrong_totp"] == "EnableSoftwareTokenMFAException"
    assert (seen["verified"], seen["preference"]) == ("onSuccess", "SUCCESS")
    assert seen["challenge"] == {"name": "totpRequired", "challenge": "SOFTWARE_TOKEN_MFA"}
    assert seen["passed"] == "onSuccess"
    assert seen["refreshed"] == {"new_token": True, "same_origin": True, "same_auth_time": True}
    assert (seen["global_sign_out"], seen["after_sign_out"]) == ("SUCCESS", "NotAuthorizedException")

    assert (seen["owed"], seen["completed"]) == ("newPasswordRequired", "onSuccess")
    assert seen["completed_as"] == bob.username
    assert seen["after_reset"] == "onSuccess"


def vars_of(person: Any) -> dict[str, str]:
    return {"username": person.username, "email": person.email, "password": person.password}


def test_openid_client_completes_its_story_with_a_shared_secret(live: Live) -> None:
    pool_id = make_pool(live)
    ann = someone()
    sub = make_person(live, pool_id, ann)
    client = make_client(live, pool_id, GenerateSecret=True, **web_client())
    given = {"method": "client_secret_basic", "client_secret": client["ClientSecret"]}
    seen = openid_story(live, pool_id, client["ClientId"], ann, given)
    check_openid_story(seen, live, pool_id, client["ClientId"], sub)
    assert seen["renewed"]["rotated"] is False


def test_openid_client_completes_its_story_with_the_secret_in_the_form_and_rotation(live: Live) -> None:
    pool_id = make_pool(live)
    ann = someone()
    sub = make_person(live, pool_id, ann)
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}
    settings = web_client(RefreshTokenRotation=rotation, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"])
    client = make_client(live, pool_id, GenerateSecret=True, **settings)
    given = {"method": "client_secret_post", "client_secret": client["ClientSecret"]}
    seen = openid_story(live, pool_id, client["ClientId"], ann, given)
    check_openid_story(seen, live, pool_id, client["ClientId"], sub)
    assert seen["renewed"]["rotated"] is True
    assert (seen["reused"], seen["family"]) == ("invalid_grant", "invalid_grant")


def test_openid_client_completes_its_story_with_a_private_key(live: Live) -> None:
    pool_id = make_pool(live)
    ann = someone()
    sub = make_person(live, pool_id, ann)
    private, public = key_pair()
    client = make_client(live, pool_id, **web_client())
    jwks = {"keys": [public]}
    extend(live, pool_id, client["ClientId"], {"TokenEndpointAuthMethod": "private_key_jwt", "Jwks": jwks})
    given = {"method": "private_key_jwt", "private_jwk": private}
    seen = openid_story(live, pool_id, client["ClientId"], ann, given)
    check_openid_story(seen, live, pool_id, client["ClientId"], sub)


def openid_story(live: Live, pool_id: str, client_id: str, person: Any, given: dict[str, Any]) -> dict[str, Any]:
    return story(
        "openid_client.mjs",
        {
            "base": live.base,
            "issuer": f"{live.base}/{pool_id}",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "logout_uri": LOGOUT,
            "scope": "openid email",
            "username": person.username,
            "password": person.password,
            **given,
        },
    )


def check_openid_story(seen: dict[str, Any], live: Live, pool_id: str, client_id: str, sub: str) -> None:
    assert seen["issuer"] == f"{live.base}/{pool_id}"
    assert seen["supports_pkce"] is True
    assert seen["announces_iss"] is True
    assert seen["login_page"] == {"status": 200, "asks_for_password": True}
    assert seen["wrong_password"]["stays"] is True
    assert 200 <= seen["wrong_password"]["status"] < 500
    assert seen["returned_to"] == CALLBACK
    assert (seen["claims"]["sub"], seen["claims"]["aud"]) == (sub, client_id)
    assert seen["token_type"] == "bearer"
    assert seen["code_again"] == "invalid_grant"
    assert (seen["silent"], seen["same_person"], seen["prompt_none"]) == (True, True, True)
    assert seen["prompt_login"] == {"status": 200, "asks_for_password": True}
    assert seen["userinfo"]["sub"] == sub
    assert seen["userinfo"]["email"]
    assert seen["renewed"]["id_token"] is True
    assert seen["introspection"]["active"] is True
    assert (seen["introspection"]["sub"], seen["introspection"]["client_id"]) == (sub, client_id)
    assert seen["introspection_of_refresh"]["active"] is True
    assert seen["after_revocation"]["access"] is False
    assert seen["after_revocation"]["refresh"] == "invalid_grant"
    assert seen["after_revocation"]["userinfo"] != "accepted"
    assert seen["introspection_of_nonsense"] == {"active": False}
    assert seen["logged_out_to"] == f"{LOGOUT}?state=bye"
    assert seen["after_logout"] is True


def key_pair() -> tuple[dict[str, str], dict[str, str]]:
    """An RSA key as a private and a public JWK (RFC 7517)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_numbers()

    def number(value: int) -> str:
        return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).rstrip(b"=").decode()

    shared = {"kty": "RSA", "kid": "story", "alg": "RS256", "use": "sig"}
    public = shared | {"n": number(key.public_numbers.n), "e": number(key.public_numbers.e)}
    secret = {"d": key.d, "p": key.p, "q": key.q, "dp": key.dmp1, "dq": key.dmq1, "qi": key.iqmp}
    return public | {name: number(value) for name, value in secret.items()}, public
