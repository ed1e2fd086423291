"""Discovery and the claims of every kind of token, as files: whoever changes them sees it in the diff.

POOLHOUSE_TEST_GOLDEN=write writes them anew.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws

from tests.oidc import PROFILE, Browser, Rp, api, machine, own, rp
from tests.world import PoolInWorld, World

HERE = Path(__file__).parent
# What differs from run to run, by the name it is shown as.
_VARYING = {
    "sub": "<sub>", "jti": "<jti>", "origin_jti": "<origin_jti>", "event_id": "<event_id>", "at_hash": "<at_hash>",
    "iat": 0, "exp": "<iat + life>", "auth_time": "<auth_time>", "kid": "<kid>", "nonce": "<nonce>",
}  # fmt: skip


def golden(name: str, content: Any, *hidden: tuple[str, str]) -> None:
    """Hold ``content`` against the file; ``hidden`` are values of this run and what stands for them."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    for value, shown in hidden:
        text = text.replace(value, shown)
    path = HERE / name
    if os.environ.get("POOLHOUSE_TEST_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text(), f"{name} differs; if that is meant, write it with POOLHOUSE_TEST_GOLDEN=write"


def told(token: str) -> dict[str, Any]:
    """Header and claims, with what varies replaced."""
    signed = jws.extract_compact(token.encode())
    claims = json.loads(signed.payload)
    life = claims["exp"] - claims["iat"]
    shown = {name: _VARYING.get(name, value) for name, value in claims.items()}
    if claims["sub"] == claims.get("client_id"):
        shown["sub"] = claims["sub"]
    return {
        "header": {name: _VARYING.get(name, value) for name, value in signed.headers().items()},
        "claims": shown | {"exp": f"<iat + {life}>", "iat": "<iat>"},
    }


@pytest.fixture
def client(pool: PoolInWorld) -> Rp:
    return rp(pool)


def test_discovery(client: Rp) -> None:
    golden("discovery.json", client.discovery(), (client.pool.issuer, "<issuer>"))


def test_claims(world: World, pool: PoolInWorld, client: Rp) -> None:
    idp, person = pool.idp, pool.user("ann", **PROFILE)
    role = "arn:aws:iam::000000000000:role/editor"
    idp.create_group(UserPoolId=pool.id, GroupName="editors", RoleArn=role, Precedence=1)
    idp.create_group(UserPoolId=pool.id, GroupName="readers", Precedence=2)
    for name in ("editors", "readers"):
        idp.admin_add_user_to_group(UserPoolId=pool.id, Username="ann", GroupName=name)
    hosted = client.tokens(Browser(world), person, nonce="n")
    by_api = client.client.tokens(person)
    service = machine(pool, api(pool))
    own_token = service.token(grant_type="client_credentials").get_json()["access_token"]
    standard = own(rp(pool), token_profile="rfc9068", audience="https://api.example")
    kinds = {
        "hosted id": hosted["id_token"],
        "hosted access": hosted["access_token"],
        "api id": by_api["IdToken"],
        "api access": by_api["AccessToken"],
        "machine access": own_token,
        "rfc9068 access": standard.tokens(Browser(world), person)["access_token"],
    }
    golden(
        "claims.json",
        {kind: told(token) for kind, token in kinds.items()},
        (client.client.id, "<client>"),
        (service.client.id, "<service>"),
        (standard.client.id, "<standard>"),
        (pool.issuer, "<issuer>"),
    )


def test_userinfo(world: World, pool: PoolInWorld, client: Rp) -> None:
    person, browser = pool.user("ann", **PROFILE), Browser(world)
    told = {}
    for scope in ("openid", "openid email", "openid phone", "openid profile"):
        tokens = client.tokens(browser, person, scope=scope)
        told[scope] = client.userinfo(tokens["access_token"]).get_json()
    own(client, strict_oidc=True)
    told["strict: openid"] = client.userinfo(client.tokens(browser, person)["access_token"]).get_json()
    golden("userinfo.json", told, (person.sub, "<sub>"))


def test_the_files_name_no_run(client: Rp) -> None:
    for path in HERE.glob("*.json"):
        assert not re.search(r"localhost|127\.0\.0\.1|us-east-1_", path.read_text()), path.name
