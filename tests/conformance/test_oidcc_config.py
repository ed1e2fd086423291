"""The OpenID Foundation's Config plan for providers, ``oidcc-config-certification-test-plan``: one module, discovery.

And the promise behind it: the document says what works and nothing else, so every entry is exercised.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.oidc import PROFILE, Browser, Rp, api, machine, pkce, rp
from tests.world import PoolInWorld, World

REQUIRED = (
    *("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported"),
    *("subject_types_supported", "id_token_signing_alg_values_supported"),
)
RECOMMENDED = ("userinfo_endpoint", "scopes_supported", "claims_supported")


@pytest.fixture
def client(pool: PoolInWorld) -> Rp:
    return rp(pool)


def test_discovery_endpoint_verification(client: Rp) -> None:
    response = client.get("/.well-known/openid-configuration")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    document = response.get_json()
    assert not [name for name in (*REQUIRED, *RECOMMENDED) if not document.get(name)]
    assert document["issuer"] == client.pool.issuer
    assert "RS256" in document["id_token_signing_alg_values_supported"]
    assert "code" in document["response_types_supported"]
    assert "openid" in document["scopes_supported"]
    assert set(document["claim_types_supported"]) == {"normal"}
    keys = client.get(urlsplit(document["jwks_uri"]).path.removeprefix(f"/{client.pool.id}")).get_json()["keys"]
    assert len({key["kid"] for key in keys}) == 2
    for key in keys:
        assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
        assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key), "a private key is published"


def test_the_document_is_the_same_at_all_its_addresses(client: Rp) -> None:
    first = client.discovery()
    assert client.get("/.well-known/oauth-authorization-server").get_json() == first
    inserted = client.http.get(f"/.well-known/oauth-authorization-server/{client.pool.id}", base_url=client.world.url)
    assert inserted.get_json() == first


def test_the_document_does_not_believe_the_host_header(client: Rp) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    answer = client.http.get(f"/{client.pool.id}/.well-known/openid-configuration", headers=headers)
    assert "evil" not in answer.get_data(as_text=True)


def test_every_entry_of_the_document_works(world: World, pool: PoolInWorld) -> None:
    scopes = api(pool)
    client, person, browser = rp(pool), pool.user(**PROFILE), Browser(world)
    document = client.discovery()
    walked: set[str] = {"issuer"}

    def path(name: str) -> str:
        walked.add(name)
        assert document[name].startswith(world.url)
        return urlsplit(document[name]).path.removeprefix(f"/{pool.id}")

    def only(name: str, *values: Any) -> None:
        walked.add(name)
        assert document[name] == list(values)

    # the front channel: each response mode, prompt, and parameter
    assert path("authorization_endpoint") == "/oauth2/authorize"
    only("response_types_supported", "code")
    walked.add("response_modes_supported")
    for mode in document["response_modes_supported"]:
        client.mode = mode
        assert "code" in client.code(browser, person).given
    client.mode = "query"
    walked.add("prompt_values_supported")
    for prompt in document["prompt_values_supported"]:
        page = browser.go(client.url(prompt=prompt))
        assert page.ours or "code" in page.given
    for name, parameter in (
        ("request_parameter_supported", "request"),
        ("request_uri_parameter_supported", "request_uri"),
    ):
        walked.add(name)
        assert document[name] is False
        assert client.code(browser, **{parameter: "x"}).given["error"] == f"{parameter}_not_supported"
    walked |= {"claims_parameter_supported", "authorization_response_iss_parameter_supported"}
    assert document["claims_parameter_supported"] is True
    page = client.code(browser, claims='{"userinfo":{"nickname":null}}', scope="openid email")
    assert page.given["iss"] == document["issuer"]

    # the back channel
    tokens = client.exchange(page.given["code"]).get_json()
    told = client.http.get(
        document["userinfo_endpoint"], headers={"Authorization": "Bearer " + tokens["access_token"]}
    ).get_json()
    walked.add("userinfo_endpoint")
    assert told["nickname"] == PROFILE["nickname"]
    claims = client.id_claims(tokens["id_token"])
    only("subject_types_supported", "public")
    only("claim_types_supported", "normal")
    only("id_token_signing_alg_values_supported", "RS256")
    only("code_challenge_methods_supported", "S256")
    verifier, challenge = pkce()
    code = client.code(browser, **challenge).given["code"]
    assert client.exchange(code, code_verifier=verifier).status_code == 200
    assert claims["acr"] in document["acr_values_supported"]
    walked |= {"jwks_uri", "acr_values_supported"}
    pool.idp.create_group(UserPoolId=pool.id, GroupName="g", RoleArn="arn:aws:iam::000000000000:role/r", Precedence=1)
    pool.idp.admin_add_user_to_group(UserPoolId=pool.id, Username=person.username, GroupName="g")
    full = client.id_claims(client.tokens(browser, person, scope="openid")["id_token"])
    walked.add("claims_supported")
    assert set(document["claims_supported"]) <= set(full)
    walked.add("scopes_supported")
    assert client.code(browser, scope=" ".join(document["scopes_supported"])).given["code"]

    walked.add("grant_types_supported")
    service = machine(pool, scopes)
    by_grant = {
        "authorization_code": lambda: client.exchange(client.code(browser).given["code"]),
        "refresh_token": lambda: client.refresh(tokens["refresh_token"]),
        "client_credentials": lambda: service.token(grant_type="client_credentials"),
    }
    assert set(document["grant_types_supported"]) == set(by_grant)
    for grant in by_grant.values():
        assert grant().status_code == 200

    # private_key_jwt has a file of its own: test_oauth_clients.py
    methods = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
    for endpoint in ("token", "revocation", "introspection"):
        path(f"{endpoint}_endpoint")
        only(f"{endpoint}_endpoint_auth_methods_supported", *(methods if endpoint != "introspection" else methods[:3]))
        walked.add(f"{endpoint}_endpoint_auth_signing_alg_values_supported")
    assert client.introspect(tokens["access_token"])["active"]
    assert client.post(path("revocation_endpoint"), {"token": tokens["refresh_token"]}).status_code == 200
    assert not client.introspect(tokens["access_token"])["active"]
    path("end_session_endpoint")
    page = browser.go(document["end_session_endpoint"] + f"?id_token_hint={tokens['id_token']}")
    assert page.path.endswith("/signedout")
    assert walked == set(document), f"not exercised: {set(document) - walked}"
