"""Credentials of another STS, at a real S3 server: each person reads and writes their own folder there and no other.

Collected where MinIO is (tests/interop/conftest.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from poolhouse.access.caller import operator
from poolhouse.api.perform import perform
from poolhouse.core import unit
from tests.fronts.identity_world import IdentityWorld, allow, anonymous, identity_world
from tests.fronts.refusals import refused
from tests.interop import minio
from tests.interop.minio import Minio
from tests.world import World

FOLDER = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "OwnFolder",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": "arn:aws:s3:::photos/${jwt:sub}/*",
        }
    ],
}

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def ids(_world: World) -> IdentityWorld:
    return identity_world(_world, AllowClassicFlow=True)


@pytest.fixture(scope="module")
def store(ids: IdentityWorld) -> Iterator[Minio]:
    """MinIO, and roles: signed-in people get theirs from it, guests get this server's."""
    with minio.running(ids.world.url, ids.id, FOLDER) as store:
        store.s3().create_bucket(Bucket="photos")
        signed_in = ids.role("authenticated", allow("s3:*"))
        source = {"Source": "sts", "Endpoint": store.url, "RoleArn": store.role_arn}
        name = signed_in.rpartition("/")[2]
        with unit.open(ids.world.runtime):
            given = {"RoleName": name, "CredentialSource": source}
            perform(operator("000000000000"), "poolhouse", "SetRoleCredentialSource", given)
        guests = ids.role("unauthenticated", allow("s3:*"))
        roles = {"authenticated": signed_in, "unauthenticated": guests}
        ids.admin.set_identity_pool_roles(IdentityPoolId=ids.id, Roles=roles)
        yield store


def signed_in(ids: IdentityWorld) -> tuple[str, dict[str, str], Any]:
    """A new person: identity id, logins, credentials."""
    logins = ids.logins(ids.pool.user())
    identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
    answer = ids.app.get_credentials_for_identity(IdentityId=identity, Logins=logins)
    return identity, logins, answer["Credentials"]


def test_people_have_their_own_folder_and_no_other(ids: IdentityWorld, store: Minio) -> None:
    ann, _, keys_of_ann = signed_in(ids)
    bob, _, keys_of_bob = signed_in(ids)
    of_ann, of_bob = store.s3(keys_of_ann), store.s3(keys_of_bob)
    of_ann.put_object(Bucket="photos", Key=f"{ann}/1.jpg", Body=b"of ann")
    assert of_ann.get_object(Bucket="photos", Key=f"{ann}/1.jpg")["Body"].read() == b"of ann"
    refused(lambda: of_ann.put_object(Bucket="photos", Key=f"{bob}/1.jpg", Body=b"of ann"), "AccessDenied")
    refused(lambda: of_bob.get_object(Bucket="photos", Key=f"{ann}/1.jpg"), "AccessDenied")
    refused(lambda: of_ann.list_objects_v2(Bucket="photos"), "AccessDenied")
    of_bob.put_object(Bucket="photos", Key=f"{bob}/1.jpg", Body=b"of bob")
    assert sorted(each["Key"] for each in store.s3().list_objects_v2(Bucket="photos")["Contents"]) == sorted(
        [f"{ann}/1.jpg", f"{bob}/1.jpg"]
    )


def test_a_guest_gets_nothing_there(ids: IdentityWorld, store: Minio) -> None:
    guest = ids.guest()
    keys = ids.app.get_credentials_for_identity(IdentityId=guest)["Credentials"]
    refused(lambda: store.s3(keys).put_object(Bucket="photos", Key=f"{guest}/1.jpg", Body=b""), "InvalidAccessKeyId")


def test_its_credentials_are_good_for_nothing_here(ids: IdentityWorld, store: Minio) -> None:
    _, _, keys = signed_in(ids)
    sts = boto3.client(
        "sts",
        endpoint_url=ids.world.url,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretKey"],
        aws_session_token=keys["SessionToken"],
    )
    with pytest.raises(ClientError):
        sts.get_caller_identity()


def test_the_classic_flow_exchanges_the_token_there(ids: IdentityWorld, store: Minio) -> None:
    ann, logins, _ = signed_in(ids)
    token = ids.app.get_open_id_token(IdentityId=ann, Logins=logins)["Token"]
    sts = boto3.client(
        "sts", endpoint_url=store.url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    asked = {"RoleArn": store.role_arn, "RoleSessionName": "ann", "DurationSeconds": 900}
    made = sts.assume_role_with_web_identity(WebIdentityToken=token, **asked)["Credentials"]
    keys = {**made, "SecretKey": made["SecretAccessKey"]}
    store.s3(keys).put_object(Bucket="photos", Key=f"{ann}/2.jpg", Body=b"classic")
    refused(lambda: store.s3(keys).put_object(Bucket="photos", Key="another/2.jpg", Body=b""), "AccessDenied")
    head, claims, signature = token.split(".")
    forged = f"{head}.{claims}.{signature[:-8]}AAAAAAAA"
    with pytest.raises(ClientError):
        sts.assume_role_with_web_identity(WebIdentityToken=forged, **asked)
    other = identity_world(ids.world, AllowClassicFlow=True)
    strange = anonymous(ids.world).get_open_id_token(IdentityId=other.guest())["Token"]
    with pytest.raises(ClientError):
        sts.assume_role_with_web_identity(WebIdentityToken=strange, **asked)
