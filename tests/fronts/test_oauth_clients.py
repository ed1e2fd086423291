"""How clients prove themselves, and what the strict request adapter refuses."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from werkzeug.test import TestResponse

from poolhouse.core import clock, unit
from poolhouse.user_pools import pools
from tests.oidc import CALLBACK, Browser, Rp, api, machine, own, rp
from tests.world import PoolInWorld, World

FORM = "application/x-www-form-urlencoded"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def service(pool: PoolInWorld) -> Rp:
    """A client with tokens of its own."""
    return machine(pool, api(pool))


def send(client: Rp, body: str | bytes, *, query: str = "", content_type: str = FORM, **headers: str) -> TestResponse:
    """Any bytes at all to the token endpoint."""
    return client.http.post(
        f"/{client.pool.id}/oauth2/token{query}",
        data=body,
        content_type=content_type,
        headers=headers,
        base_url=client.world.url,
    )


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def refused(response: TestResponse, code: str, status: int | None = None) -> None:
    assert response.status_code == (status or (401 if code == "invalid_client" else 400)), response.data
    assert response.get_json()["error"] == code
    assert response.headers["Cache-Control"] == "no-store"
    if response.status_code == 401:
        assert response.headers["WWW-Authenticate"].startswith("Basic realm=")


# --- the strict adapter ---------------------------------------------------------------------------------------------


def test_parameters_in_the_address_are_refused(service: Rp) -> None:
    auth = basic(service.client.id, str(service.client.secret))
    refused(send(service, "", query="?grant_type=client_credentials", **auth), "invalid_request")
    refused(send(service, "grant_type=client_credentials", query="?client_id=x", **auth), "invalid_request")


@pytest.mark.parametrize(
    "body",
    [
        "grant_type=client_credentials&grant_type=client_credentials",
        "grant_type=client_credentials&scope=a&scope=b",
        "grant_type=client_credentials&grant%5Ftype=refresh_token",
        "grant_type=client_credentials&x=%ff",
        "grant_type=client_credentials&%ff=x",
        b"grant_type=client_credentials&x=\xff",
        "grant_type=client_credentials&x=%00",
        "grant_type=client_credentials\x00",
        "grant_type=client_credentials&" + "x" * 70_000,
        "&".join(["grant_type=client_credentials", *(f"a{n}=1" for n in range(100))]),
        "grant_type=",
        "",
    ],
    ids=range(12),
)
def test_a_malformed_form_is_refused(service: Rp, body: str | bytes) -> None:
    """CVE-2026-9689 (parameter pollution) among others."""
    refused(send(service, body, **basic(service.client.id, str(service.client.secret))), "invalid_request")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "multipart/form-data; boundary=x"])
def test_only_forms_are_read(service: Rp, content_type: str) -> None:
    auth = basic(service.client.id, str(service.client.secret))
    for body in ("grant_type=client_credentials", json.dumps({"grant_type": "client_credentials"})):
        refused(send(service, body, content_type=content_type, **auth), "invalid_request")


def test_a_body_beyond_a_mebibyte_is_not_read(service: Rp) -> None:
    assert send(service, b"x" * (1024 * 1024 + 1)).status_code in {400, 413}


@pytest.mark.parametrize("grant_type", ["password", "implicit", "", "CLIENT_CREDENTIALS", '"é"', "authorization_code "])
def test_other_grants_are_unsupported(service: Rp, grant_type: str) -> None:
    response = service.token(grant_type=grant_type)
    refused(response, "unsupported_grant_type" if grant_type else "invalid_request")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_the_token_endpoint_is_posted_to(service: Rp, method: str) -> None:
    answer = service.http.open(f"/{service.pool.id}/oauth2/token", method=method, base_url=service.world.url)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


# --- secrets --------------------------------------------------------------------------------------------------------


def test_two_credentials_at_once_are_refused(service: Rp) -> None:
    secret = str(service.client.secret)
    for more in ({"client_secret": secret}, {"client_assertion": "x", "client_assertion_type": ASSERTION}):
        refused(service.token(grant_type="client_credentials", **more), "invalid_request")
    refused(
        service.token("post", grant_type="client_credentials", client_assertion="x", client_assertion_type=ASSERTION),
        "invalid_request",
    )


def test_the_client_in_the_form_must_be_the_one_in_the_header(service: Rp) -> None:
    refused(service.token(grant_type="client_credentials", client_id=rp(service.pool).client.id), "invalid_request")
    assert service.token(grant_type="client_credentials", client_id=service.client.id).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no-colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b":").decode(),
        "Bearer abc",
        "Digest x",
        "x",
    ],
)
def test_a_broken_authorization_header_is_a_401(service: Rp, header: str) -> None:
    refused(send(service, "grant_type=client_credentials", Authorization=header), "invalid_client")


@pytest.mark.parametrize("auth", ["basic", "post"])
def test_a_wrong_secret_is_a_401(service: Rp, auth: str) -> None:
    secret = str(service.client.secret)
    for wrong in (secret[:-1], secret + "x", secret.swapcase(), " " + secret, "é" * 20, "x" * 5000):
        service.client.secret = wrong
        refused(service.token(auth, grant_type="client_credentials"), "invalid_client")


def test_an_unknown_client_and_a_wrong_secret_look_alike(service: Rp) -> None:
    wrong = send(service, "grant_type=client_credentials", **basic(service.client.id, "wrong"))
    unknown = send(service, "grant_type=client_credentials", **basic("x" * 26, "wrong"))
    assert (wrong.status_code, wrong.data) == (unknown.status_code, unknown.data)
    assert wrong.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"]


def test_a_confidential_client_cannot_go_without_its_secret(service: Rp) -> None:
    refused(service.token("none", grant_type="client_credentials"), "invalid_client")
    client = rp(service.pool)
    refused(client.exchange("x", "none"), "invalid_client")
    refused(client.exchange("x", ""), "invalid_client")


def test_a_public_client_cannot_use_a_secret_or_have_tokens_of_its_own(pool: PoolInWorld) -> None:
    public = rp(pool, public=True)
    body = f"grant_type=authorization_code&code=x&client_id={public.client.id}&client_secret=x"
    refused(send(public, body), "invalid_client")
    refused(public.token("none", grant_type="client_credentials"), "unauthorized_client")


def test_a_client_of_another_pool_is_nobody(world: World, service: Rp) -> None:
    elsewhere = Rp(service.client)
    elsewhere.pool = world.pool()
    refused(elsewhere.token(grant_type="client_credentials"), "invalid_client")


def test_both_of_two_secrets_work_until_one_is_taken_away(service: Rp) -> None:
    idp, where = service.pool.idp, {"UserPoolId": service.pool.id, "ClientId": service.client.id}
    first = service.client.secret
    added = idp.add_user_pool_client_secret(**where)["ClientSecretDescriptor"]
    for secret in (first, added["ClientSecretValue"]):
        service.client.secret = secret
        for auth in ("basic", "post"):
            assert service.token(auth, grant_type="client_credentials").status_code == 200
    idp.delete_user_pool_client_secret(**where, ClientSecretId=added["ClientSecretId"])
    refused(service.token(grant_type="client_credentials"), "invalid_client")


def test_a_client_that_must_use_one_method_may_use_no_other(service: Rp) -> None:
    own(service, token_endpoint_auth_method="client_secret_post")
    refused(service.token("basic", grant_type="client_credentials"), "invalid_client")
    assert service.token("post", grant_type="client_credentials").status_code == 200


def test_a_deleted_client_stops_at_once(service: Rp) -> None:
    token = service.token(grant_type="client_credentials").get_json()["access_token"]
    asking = rp(service.pool)
    assert asking.introspect(token)["active"]
    service.pool.idp.delete_user_pool_client(UserPoolId=service.pool.id, ClientId=service.client.id)
    refused(service.token(grant_type="client_credentials"), "invalid_client")
    assert not asking.introspect(token)["active"]


# --- client_credentials ---------------------------------------------------------------------------------------------


def test_a_client_may_ask_only_for_its_own_scopes_of_resource_servers(pool: PoolInWorld) -> None:
    scopes = api(pool)
    client = machine(pool, [scopes[0]])
    for scope in (scopes[1], "notes/nothing", "openid", "aws.cognito.signin.user.admin", f"{scopes[0]} {scopes[1]}"):
        refused(client.token(grant_type="client_credentials", scope=scope), "invalid_scope")
    answer = client.token(grant_type="client_credentials", scope=scopes[0]).get_json()
    assert set(answer) == {"access_token", "expires_in", "token_type", "scope"}
    assert answer["scope"] == scopes[0]


def test_without_a_scope_all_of_the_clients_are_granted(service: Rp) -> None:
    assert service.token(grant_type="client_credentials").get_json()["scope"] == "notes/read notes/write"


def test_a_client_of_the_code_flow_has_no_tokens_of_its_own(pool: PoolInWorld) -> None:
    refused(rp(pool).token(grant_type="client_credentials"), "unauthorized_client")


def test_errors_may_be_cognitos(pool: PoolInWorld) -> None:
    scopes = api(pool)
    client = machine(pool, [scopes[0]])
    with unit.open(pool.world.runtime, write=True):
        pools.set_own(pool.id, {"token_errors": "cognito"})
    assert client.token(grant_type="client_credentials", scope=scopes[1]).get_json() == {"error": "invalid_grant"}
    assert client.token(grant_type="client_credentials", scope="x/y").get_json() == {"error": "invalid_scope"}
    client.client.secret = "wrong"
    answer = client.token(grant_type="client_credentials")
    assert (answer.status_code, answer.get_json()) == (400, {"error": "invalid_client"})


# --- private_key_jwt ------------------------------------------------------------------------------------------------

KEY = RSAKey.generate_key(2048, {"kid": "app"})
OTHER = RSAKey.generate_key(2048, {"kid": "app"})


@pytest.fixture
def signer(pool: PoolInWorld) -> Rp:
    """A client that proves itself by its key."""
    keys = {"keys": [KEY.as_dict(private=False)]}
    client = own(machine(pool, api(pool)), token_endpoint_auth_method="private_key_jwt", jwks=keys)
    client.client.secret = None
    return client


def assertion(client: Rp, *, key: Any = KEY, header: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(time.time())
    given = {
        "iss": client.client.id,
        "sub": client.client.id,
        "aud": client.pool.issuer,
        "exp": now + 60,
        "iat": now,
        "jti": f"jti-{time.perf_counter_ns()}",
    } | claims
    given = {name: value for name, value in given.items() if value is not None}
    head = {"alg": "RS256", "kid": "app"} | (header or {})
    return jwt.encode(head, given, key, algorithms=[head["alg"]])


def present(client: Rp, token: str, **more: str) -> TestResponse:
    return client.token(
        "",
        grant_type="client_credentials",
        client_assertion=token,
        **({"client_assertion_type": ASSERTION} | more),
    )


def test_a_client_can_prove_itself_by_its_key(signer: Rp) -> None:
    assert present(signer, assertion(signer)).status_code == 200
    assert present(signer, assertion(signer, aud=f"{signer.pool.issuer}/oauth2/token")).status_code == 200
    assert present(signer, assertion(signer, aud=[signer.pool.issuer])).status_code == 200


def test_an_assertion_is_good_once(signer: Rp) -> None:
    token = assertion(signer)
    assert present(signer, token).status_code == 200
    refused(present(signer, token), "invalid_client")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody"},
        {"iss": None},
        {"sub": "somebody"},
        {"sub": None},
        {"sub": 7},
        {"aud": None},
        {"aud": "https://other.example/"},
        {"aud": []},
        {"aud": {"a": 1}},
        {"aud": [["x"]]},
        {"exp": None},
        {"exp": 1},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 10**18},
        {"exp": int(time.time()) + 10 * 86400},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) + 3600},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
        {"jti": "x" * 600},
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(signer: Rp, claims: dict[str, Any]) -> None:
    """CVE-2026-55669, CVE-2026-55689: aud and exp unchecked."""
    refused(present(signer, assertion(signer, **claims)), "invalid_client")


def test_an_assertion_for_several_servers_is_refused(signer: Rp) -> None:
    refused(present(signer, assertion(signer, aud=[signer.pool.issuer, "https://other.example/"])), "invalid_client")


def test_an_assertion_by_another_key_is_refused(signer: Rp) -> None:
    public = OTHER.as_dict(private=False)
    refused(present(signer, assertion(signer, key=OTHER)), "invalid_client")
    refused(present(signer, assertion(signer, key=OTHER, header={"jwk": public})), "invalid_client")
    for other, alg in ((OctKey.generate_key(256), "HS256"), (ECKey.generate_key("P-256"), "ES256")):
        refused(present(signer, assertion(signer, key=other, header={"alg": alg})), "invalid_client")


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "é", "x" * 30_000])
def test_what_is_no_assertion_is_refused(signer: Rp, token: str) -> None:
    refused(present(signer, token), "invalid_client")


def test_an_assertion_needs_its_type(signer: Rp) -> None:
    refused(present(signer, assertion(signer), client_assertion_type="urn:other"), "invalid_client")
    refused(signer.token("", grant_type="client_credentials", client_assertion="x"), "invalid_request")
    refused(signer.token("", grant_type="client_credentials", client_assertion_type=ASSERTION), "invalid_request")


def test_an_assertion_of_another_client_is_refused(signer: Rp) -> None:
    refused(present(signer, assertion(signer), client_id=rp(signer.pool).client.id), "invalid_client")


def test_a_client_of_keys_cannot_use_a_secret_nor_go_without(signer: Rp) -> None:
    refused(signer.token("none", grant_type="client_credentials"), "invalid_client")


def test_a_client_of_secrets_cannot_use_keys(pool: PoolInWorld) -> None:
    client = machine(pool, api(pool))
    refused(present(client, assertion(client)), "invalid_client")


def test_an_assertion_is_no_good_once_it_expired(signer: Rp) -> None:
    token = assertion(signer)
    with clock.moved(seconds=200):
        refused(present(signer, token), "invalid_client")


def test_the_whole_code_flow_works_with_a_key(pool: PoolInWorld, world: World) -> None:
    client = own(rp(pool), token_endpoint_auth_method="private_key_jwt", jwks={"keys": [KEY.as_dict(private=False)]})
    code = client.code(Browser(world), pool.user()).given["code"]
    client.client.secret = None
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    answer = client.token("", client_assertion=assertion(client), client_assertion_type=ASSERTION, **form)
    assert answer.status_code == 200
    claim = {"client_assertion": assertion(client), "client_assertion_type": ASSERTION}
    told = client.post("/oauth2/introspect", {"token": answer.get_json()["access_token"], **claim}, "")
    assert told.get_json()["active"]
