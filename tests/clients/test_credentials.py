"""Credentials from an identity pool: fetched once, renewed in time, and an identity that is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from poolhouse_client.credentials import IdentityPool
from tests.fronts.identity_world import IdentityWorld, allow, identity_world
from tests.world import World

POOL = "us-east-1:0f0c9c1e-3c1e-4f7e-9f3a-1d2c3b4a5968"
GUEST, PERSON = "us-east-1:11111111-3c1e-4f7e-9f3a-1d2c3b4a5968", "us-east-1:22222222-3c1e-4f7e-9f3a-1d2c3b4a5968"
PROVIDER = "cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI"


def _given(number: int, identity: str = GUEST, **life: float) -> dict[str, Any]:
    expiration = datetime.now(UTC) + timedelta(**(life or {"hours": 1}))
    keys = {"AccessKeyId": f"ASIA{number:016d}", "SecretKey": "s" * 40, "SessionToken": f"token {number}"}
    return {"IdentityId": identity, "Credentials": keys | {"Expiration": expiration}}


@pytest.fixture
def pool() -> IdentityPool:
    return IdentityPool(POOL, endpoint_url="http://localhost:1")


def test_a_guest_gets_credentials_that_sign(pool: IdentityPool) -> None:
    with Stubber(pool._client) as stub:
        stub.add_response("get_id", {"IdentityId": GUEST}, {"IdentityPoolId": POOL})
        stub.add_response("get_credentials_for_identity", _given(1), {"IdentityId": GUEST})
        session = pool.session()
        frozen = session.get_credentials().get_frozen_credentials()
        stub.assert_no_pending_responses()
    assert (frozen.access_key, frozen.token) == ("ASIA0000000000000001", "token 1")
    assert (session.region_name, pool.identity_id) == ("us-east-1", GUEST)


def test_credentials_are_renewed_before_they_expire_with_todays_login() -> None:
    logins = iter([{PROVIDER: "token of today"}, {PROVIDER: "token of tomorrow"}])
    pool = IdentityPool(POOL, logins=lambda: next(logins), endpoint_url="http://localhost:1")
    with Stubber(pool._client) as stub:
        first = {PROVIDER: "token of today"}
        stub.add_response("get_id", {"IdentityId": GUEST}, {"IdentityPoolId": POOL, "Logins": first})
        stub.add_response("get_credentials_for_identity", _given(1, seconds=30), {"IdentityId": GUEST, "Logins": first})
        second = {"IdentityId": GUEST, "Logins": {PROVIDER: "token of tomorrow"}}
        stub.add_response("get_credentials_for_identity", _given(2), second)
        credentials = pool.credentials()
        assert credentials.get_frozen_credentials().token == "token 2"
        assert credentials.get_frozen_credentials().token == "token 2"
        stub.assert_no_pending_responses()


def test_an_identity_of_before_is_kept_and_a_merged_one_followed() -> None:
    pool = IdentityPool(POOL, identity_id=GUEST, logins={PROVIDER: "t"}, endpoint_url="http://localhost:1")
    with Stubber(pool._client) as stub:
        asked = {"IdentityId": GUEST, "Logins": {PROVIDER: "t"}}
        stub.add_response("get_credentials_for_identity", _given(1, PERSON), asked)
        pool.credentials()
    assert pool.identity_id == PERSON


def test_a_role_can_be_chosen() -> None:
    role = "arn:aws:iam::000000000000:role/Editor"
    pool = IdentityPool(POOL, identity_id=GUEST, custom_role_arn=role, endpoint_url="http://localhost:1")
    with Stubber(pool._client) as stub:
        asked = {"IdentityId": GUEST, "CustomRoleArn": role}
        stub.add_response("get_credentials_for_identity", _given(1), asked)
        pool.credentials()


def test_a_refusal_comes_through_with_its_sentence(pool: IdentityPool) -> None:
    with Stubber(pool._client) as stub:
        stub.add_client_error("get_id", "NotAuthorizedException", "Unauthenticated access is not supported.")
        with pytest.raises(ClientError, match="Unauthenticated access"):
            pool.credentials()


# --- Against the server -------------------------------------------------------------------------------------------


def _identities(world: World) -> IdentityWorld:
    made = identity_world(world)
    roles = {
        "authenticated": made.role("authenticated", allow("cognito-idp:ListUserPools")),
        "unauthenticated": made.role("unauthenticated", allow("photos:List")),
    }
    made.admin.set_identity_pool_roles(IdentityPoolId=made.id, Roles=roles)
    return made


def test_a_guest_who_signs_in_keeps_the_identity_and_signs_with_its_role(world: World) -> None:
    made = _identities(world)
    guest = IdentityPool(made.id, endpoint_url=world.url)
    sts = guest.session().client("sts", endpoint_url=world.url)
    assert ":assumed-role/" in sts.get_caller_identity()["Arn"]
    with pytest.raises(ClientError, match="not authorized"):
        guest.session().client("cognito-idp", endpoint_url=world.url).list_user_pools(MaxResults=1)

    logins = made.logins(made.pool.user())
    person = IdentityPool(made.id, logins=logins, identity_id=guest.identity_id, endpoint_url=world.url)
    idp = person.session().client("cognito-idp", endpoint_url=world.url)
    assert idp.list_user_pools(MaxResults=1)["UserPools"]
    assert person.identity_id == guest.identity_id


def test_credentials_of_the_server_renew_themselves(world: World) -> None:
    pool = IdentityPool(_identities(world).id, endpoint_url=world.url)
    credentials = pool.credentials()
    first = credentials.get_frozen_credentials().token
    assert credentials.get_frozen_credentials().token == first
    credentials._expiry_time = datetime.now(UTC) + timedelta(seconds=30)
    assert credentials.get_frozen_credentials().token != first
