"""Credentials of another STS: what it is sent, and that nobody here waits for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from poolhouse.access import remote_sts, roles
from poolhouse.core import jose, outbound, unit
from poolhouse.core.outbound import Answer
from tests.fronts.identity_world import IdentityWorld, anonymous, identity_world
from tests.fronts.refusals import refused
from tests.world import World

ELSEWHERE = "arn:aws:iam::111111111111:role/web"
GIVEN = b"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAELSEWHERE</AccessKeyId>
<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>"""


class Elsewhere:
    """An STS that gives everybody credentials, and keeps what it was asked; `meanwhile` happens before it answers."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.status, self.body = 200, GIVEN
        self.meanwhile: Any = lambda: None
        here = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                here.asked.append({name: values[0] for name, values in form.items()})
                here.meanwhile()
                self.send_response(here.status)
                self.end_headers()
                self.wfile.write(here.body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    made = Elsewhere()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def ids(world: World, elsewhere: Elsewhere) -> IdentityWorld:
    """Identities whose credentials are made elsewhere, guests' too."""
    made = identity_world(world, AllowClassicFlow=True)
    given = {kind: made.role(kind) for kind in ("authenticated", "unauthenticated")}
    with unit.open(world.runtime, write=True):
        for arn in given.values():
            source = {"endpoint": elsewhere.url, "role_arn": ELSEWHERE}
            roles.set_credentials(arn.rpartition("/")[2], "sts", source)
    made.admin.set_identity_pool_roles(IdentityPoolId=made.id, Roles=given)
    return made


def policies(asked: Mapping[str, str]) -> Any:
    return json.loads(asked["Policy"]) if "Policy" in asked else None


def test_it_is_shown_the_identity_s_token_and_none_of_our_own_policies(
    ids: IdentityWorld, elsewhere: Elsewhere
) -> None:
    logins = ids.logins(ids.pool.user())
    identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
    made = ids.app.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
    assert (made["AccessKeyId"], made["SecretKey"], made["SessionToken"]) == ("ASIAELSEWHERE", "secret", "token")
    (asked,) = elsewhere.asked
    assert (asked["Action"], asked["RoleArn"], asked["DurationSeconds"]) == (
        "AssumeRoleWithWebIdentity",
        ELSEWHERE,
        "3600",
    )
    claims = jose.unverified_claims(asked["WebIdentityToken"])
    assert (claims["sub"], claims["aud"]) == (identity, ids.id)
    assert policies(asked) is None


def test_what_the_asker_wants_to_be_limited_to_is_passed_on(ids: IdentityWorld, elsewhere: Elsewhere) -> None:
    token = ids.app.get_open_id_token(IdentityId=ids.guest())["Token"]
    only = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    role = ids.admin.get_identity_pool_roles(IdentityPoolId=ids.id)["Roles"]["unauthenticated"]
    given = {"RoleArn": role, "RoleSessionName": "guest", "WebIdentityToken": token, "Policy": json.dumps(only)}
    anonymous(ids.world, "sts").assume_role_with_web_identity(**given)
    assert policies(elsewhere.asked[-1]) == only


def test_aws_itself_is_told_that_guests_do_not_administer(ids: IdentityWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = ids.admin.get_identity_pool_roles(IdentityPoolId=ids.id)["Roles"]["unauthenticated"]
    with unit.open(ids.world.runtime, write=True):
        source = {"endpoint": "https://sts.eu-west-1.amazonaws.com/", "role_arn": ELSEWHERE}
        roles.set_credentials(arn.rpartition("/")[2], "sts", source)
    asked: list[Mapping[str, str]] = []

    def post(url: str, form: Mapping[str, str], **_: Any) -> Answer:
        asked.append({**form, "url": url})
        return Answer(200, GIVEN)

    monkeypatch.setattr(outbound, "post_form", post)
    ids.app.get_credentials_for_identity(IdentityId=ids.guest())
    assert asked[0]["url"] == "https://sts.eu-west-1.amazonaws.com/"
    assert "iam:*" in policies(asked[0])["Statement"][0]["NotAction"]


@pytest.mark.parametrize(
    ("endpoint", "aws"),
    [
        ("https://sts.amazonaws.com", True),
        ("https://sts.cn-north-1.amazonaws.com.cn/", True),
        ("https://minio.example.com/", False),
        ("https://amazonaws.com.example.com/", False),
        ("https://sts.amazonaws.com@evil.example/", False),
        ("https://notamazonaws.com/", False),
    ],
)
def test_which_endpoints_are_aws_s(ids: IdentityWorld, endpoint: str, aws: bool) -> None:
    name = ids.role().rpartition("/")[2]
    with unit.open(ids.world.runtime, write=True):
        roles.set_credentials(name, "sts", {"endpoint": endpoint, "role_arn": ELSEWHERE})
    with unit.open(ids.world.runtime):
        assert remote_sts.is_aws(roles.get(name)) is aws


def test_nobody_waits_for_it_with_the_write_lock(ids: IdentityWorld, elsewhere: Elsewhere) -> None:
    """A guest signs in, which links a login, and gets credentials from elsewhere in one call."""
    guest, logins = ids.guest(), ids.logins(ids.pool.user())
    written: list[str] = []

    def somebody_else_writes() -> None:
        written.append(ids.pool.idp.create_group(UserPoolId=ids.pool.id, GroupName="meanwhile")["Group"]["GroupName"])

    elsewhere.meanwhile = somebody_else_writes
    answer = ids.app.get_credentials_for_identity(IdentityId=guest, Logins=logins)
    assert (written, answer["IdentityId"]) == (["meanwhile"], guest)


def test_its_refusal_tells_nothing_and_leaves_the_proven_login_linked(ids: IdentityWorld, elsewhere: Elsewhere) -> None:
    elsewhere.status, elsewhere.body = 403, b"<Error>account 111111111111 says no</Error>"
    guest, logins = ids.guest(), ids.logins(ids.pool.user())
    call = {"IdentityId": guest, "Logins": logins}
    said = refused(ids.app.get_credentials_for_identity, "ExternalServiceException", **call)
    assert "111111111111" not in said
    assert ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"] == guest


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"<a><SessionToken>x</SessionToken></a>",
        b"\xff\xfe",
        b"{}",
    ],
)
def test_an_answer_that_is_none_is_no_answer(ids: IdentityWorld, elsewhere: Elsewhere, body: bytes) -> None:
    elsewhere.body = body
    refused(ids.app.get_credentials_for_identity, "ExternalServiceException", IdentityId=ids.guest())
