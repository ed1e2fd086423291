"""OpenID tokens of identities with an issuer of our own: whoever looks it up finds the keys; STS still knows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from poolhouse.core import jose
from poolhouse.settings import SettingsError, load
from tests.conftest import Databases
from tests.fronts.identity_world import SELF, IdentityWorld, anonymous, identity_world
from tests.fronts.refusals import refused
from tests.world import World


@pytest.fixture
def ids(engine: str, databases: Databases, tmp_path: Path) -> Iterator[IdentityWorld]:
    """A server that names itself in the tokens of identities."""
    world = World(databases.make(engine), tmp_path, identity_issuer=lambda port: f"http://localhost:{port}/")
    yield identity_world(world, AllowClassicFlow=True)
    world.close()


def test_a_verifier_finds_the_keys_by_the_issuer_alone(ids: IdentityWorld) -> None:
    token = ids.app.get_open_id_token(IdentityId=ids.guest())["Token"]
    issuer = jose.unverified_claims(token)["iss"]
    assert issuer == ids.world.url
    described = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=5).json()
    assert described["issuer"] == issuer  # OpenID Connect Discovery §4.3
    assert described["jwks_uri"].startswith(issuer)
    keys = requests.get(described["jwks_uri"], timeout=5).json()["keys"]
    claims = jose.verify_with_jwks(token, keys, ["RS256"])
    assert claims["aud"] == ids.id
    assert claims[f"https://{SELF}/identity-pool-arn"].endswith(ids.id)


def test_its_tokens_open_roles_and_logins_as_before(ids: IdentityWorld) -> None:
    guest = ids.guest()
    token = ids.app.get_open_id_token(IdentityId=guest)["Token"]
    sts = anonymous(ids.world, "sts")
    asked = {"RoleArn": ids.role("unauthenticated"), "RoleSessionName": "guest", "WebIdentityToken": token}
    answer = sts.assume_role_with_web_identity(**asked)
    assert (answer["SubjectFromWebIdentityToken"], answer["Provider"]) == (guest, SELF)
    made = ids.admin.get_open_id_token_for_developer_identity
    ids.update(DeveloperProviderName="login.example")
    theirs = made(IdentityPoolId=ids.id, Logins={"login.example": "ann"})
    ids.admin.set_identity_pool_roles(IdentityPoolId=ids.id, Roles={"authenticated": ids.role("authenticated")})
    own = {SELF: theirs["Token"]}
    assert ids.app.get_credentials_for_identity(IdentityId=theirs["IdentityId"], Logins=own)["Credentials"]


def test_a_token_that_names_the_former_issuer_is_refused(world: World, ids: IdentityWorld) -> None:
    elsewhere = identity_world(world, AllowClassicFlow=True)
    token = elsewhere.app.get_open_id_token(IdentityId=elsewhere.guest())["Token"]
    assert jose.unverified_claims(token)["iss"] == f"https://{SELF}"
    sts = anonymous(ids.world, "sts")
    asked = {"RoleArn": ids.role("unauthenticated"), "RoleSessionName": "guest", "WebIdentityToken": token}
    refused(lambda: sts.assume_role_with_web_identity(**asked), "InvalidIdentityToken")


@pytest.mark.parametrize("wrong", ["localhost", "ftp://localhost", "https://id.example.com/identity", "https://x/?a"])
def test_an_issuer_is_a_scheme_and_a_host(wrong: str) -> None:
    with pytest.raises(SettingsError, match="IDENTITY_ISSUER"):
        load({}, identity_issuer=wrong)
