"""The story with boto3 alone: guests, people and editors put photos through an API that asks who may, and why."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import boto3
import botocore.config
import pytest

from poolhouse_client import AuthZEN
from poolhouse_client.credentials import IdentityPool
from tests.fronts.identity_world import SELF, administrator, allow, role, trust
from tests.fronts.refusals import refused
from tests.world import ClientInWorld, Person, PoolInWorld, World

BUCKET = "arn:aws:s3:::photos"
_KEY_ID = re.compile(r"Credential=([A-Z0-9]+)/")


class PhotoStore:
    """An API that boto3's S3 client speaks to: it keeps what is put, if the decision point says that its sender may.

    It cannot check signatures, since the secret keys are Poolhouse's affair: the session token is what it believes,
    as it would an access token, and Poolhouse says whether it belongs to the key id and whose it is.
    """

    def __init__(self, decisions: AuthZEN) -> None:
        self.kept: dict[str, bytes] = {}
        self.asked: list[dict[str, Any]] = []
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # boto3 waits for "100 Continue"

            def do_PUT(self) -> None:
                key = unquote(self.path).removeprefix("/photos/")
                content = self.rfile.read(int(self.headers["Content-Length"]))
                found = _KEY_ID.search(self.headers["Authorization"])
                token, key_id = self.headers["X-Amz-Security-Token"], found[1] if found else ""
                subject = {"type": "session", "id": token, "properties": {"access_key_id": key_id}}
                question = {"name": "s3:PutObject"}, {"type": "s3", "id": f"{BUCKET}/{key}"}
                answer = decisions.evaluate(subject, *question, {"explain": True})
                store.asked.append(answer)
                if answer["decision"]:
                    store.kept[key] = content
                self.send_response(200 if answer["decision"] else 403)
                body = b"" if answer["decision"] else b"<Error><Code>AccessDenied</Code><Message>No</Message></Error>"
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def put(self, session: boto3.Session, key: str) -> None:
        """As boto3 puts an object."""
        config = botocore.config.Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
        session.client("s3", endpoint_url=self.url, config=config).put_object(Bucket="photos", Key=key, Body=b"a photo")

    @property
    def why(self) -> list[str]:
        """The statements that made the last decision."""
        return [by["sid"] for by in self.asked[-1]["context"]["statements"]]


class Photos:
    """What an administrator makes of it all through the API: pool, app, identity pool, roles, rules."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.pool: PoolInWorld = world.pool()
        self.app: ClientInWorld = self.pool.client()
        self.provider = f"cognito-idp.us-east-1.amazonaws.com/{self.pool.id}"
        identities = administrator(world)
        self.id = identities.create_identity_pool(
            IdentityPoolName="photos",
            AllowUnauthenticatedIdentities=True,
            CognitoIdentityProviders=[{"ProviderName": self.provider, "ClientId": self.app.id}],
        )["IdentityPoolId"]
        own = _sid(allow("s3:*", resource=f"{BUCKET}/${{{SELF}:sub}}/*"), "OwnFolder")
        public = _sid(allow("s3:PutObject", resource=f"{BUCKET}/public/*"), "Publish")
        listing = _sid(allow("s3:ListBucket", resource=BUCKET), "ListWhatIsPublic")
        member = role(world, trust(self.id, "authenticated"), own)
        editor = role(world, trust(self.id, "authenticated"), own, public)
        guest = role(world, trust(self.id, "unauthenticated"), listing)
        rule = {"Claim": "cognito:groups", "MatchType": "Contains", "Value": "editors", "RoleARN": editor}
        mapping = {
            "Type": "Rules",
            "AmbiguousRoleResolution": "AuthenticatedRole",
            "RulesConfiguration": {"Rules": [rule]},
        }
        identities.set_identity_pool_roles(
            IdentityPoolId=self.id,
            Roles={"authenticated": member, "unauthenticated": guest},
            RoleMappings={f"{self.provider}:{self.app.id}": mapping},
        )
        self.pool.idp.create_group(UserPoolId=self.pool.id, GroupName="editors")

    def editor(self) -> Person:
        """A new person in the editors' group."""
        person = self.pool.user()
        group = {"UserPoolId": self.pool.id, "GroupName": "editors", "Username": person.username}
        self.pool.idp.admin_add_user_to_group(**group)
        return person

    def identity(self, person: Person | None = None, identity_id: str = "") -> IdentityPool:
        """The identity of a person who has just signed in, or of a guest."""
        logins = {self.provider: self.app.tokens(person)["IdToken"]} if person else None
        url = f"http://127.0.0.1:{self.world.port}"
        return IdentityPool(self.id, logins=logins, identity_id=identity_id, endpoint_url=url)

    def decisions(self) -> AuthZEN:
        """What the store asks with: a client that may ask, and ask why."""
        scopes = [{"ScopeName": name, "ScopeDescription": name} for name in ("evaluate", "explain")]
        where = {"UserPoolId": self.pool.id, "Identifier": "poolhouse", "Name": "questions"}
        self.pool.idp.create_resource_server(**where, Scopes=scopes)
        asker = self.pool.client(
            GenerateSecret=True,
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=["poolhouse/evaluate", "poolhouse/explain"],
        )
        return AuthZEN(f"{self.world.url}/{self.pool.id}", asker.id, str(asker.secret))


def _sid(policy: dict[str, Any], sid: str) -> dict[str, Any]:
    return json.loads(json.dumps(policy)) | {"Statement": [{**policy["Statement"][0], "Sid": sid}]}


@pytest.fixture
def photos(world: World) -> Photos:
    return Photos(world)


@pytest.fixture
def store(photos: Photos) -> Iterator[PhotoStore]:
    store = PhotoStore(photos.decisions())
    yield store
    store.close()


def test_a_guest_becomes_somebody_who_has_a_folder(photos: Photos, store: PhotoStore) -> None:
    guest = photos.identity()
    session = guest.session()
    who = session.client("sts", endpoint_url=photos.world.url).get_caller_identity()
    assert ":assumed-role/" in who["Arn"]
    refused(lambda: store.put(session, f"{guest.identity_id}/1.jpg"), "AccessDenied")
    assert (store.kept, store.why) == ({}, [])
    ann, bob = photos.pool.user(), photos.pool.user()
    of_ann = photos.identity(ann, guest.identity_id)
    session = of_ann.session()
    assert of_ann.identity_id == guest.identity_id
    store.put(session, f"{of_ann.identity_id}/1.jpg")
    assert store.why[0] == "OwnFolder"
    of_bob = photos.identity(bob)
    theirs = of_bob.session()
    store.put(theirs, f"{of_bob.identity_id}/1.jpg")
    refused(lambda: store.put(session, f"{of_bob.identity_id}/2.jpg"), "AccessDenied")
    refused(lambda: store.put(theirs, f"{of_ann.identity_id}/2.jpg"), "AccessDenied")
    refused(lambda: store.put(session, "public/1.jpg"), "AccessDenied")
    assert sorted(store.kept) == sorted([f"{of_ann.identity_id}/1.jpg", f"{of_bob.identity_id}/1.jpg"])


def test_an_editor_s_rule_gives_the_role_that_publishes(photos: Photos, store: PhotoStore) -> None:
    editor = photos.identity(photos.editor())
    session = editor.session()
    store.put(session, "public/1.jpg")
    assert store.why[0] == "Publish"
    store.put(session, f"{editor.identity_id}/1.jpg")
    refused(lambda: store.put(session, "somebody-else/1.jpg"), "AccessDenied")
    assert sorted(store.kept) == sorted(["public/1.jpg", f"{editor.identity_id}/1.jpg"])


def test_a_session_that_is_not_the_key_s_own_puts_nothing(photos: Photos, store: PhotoStore) -> None:
    ann, bob = photos.identity(photos.pool.user()), photos.identity(photos.pool.user())
    mine, theirs = ann.session().get_credentials(), bob.session().get_credentials()
    assert mine is not None
    assert theirs is not None
    mixed = boto3.Session(theirs.access_key, theirs.secret_key, mine.token, region_name="us-east-1")
    refused(lambda: store.put(mixed, f"{ann.identity_id}/1.jpg"), "AccessDenied")
    tampered = mine.token[:-6] + "AAAAAA"
    changed = boto3.Session(mine.access_key, mine.secret_key, tampered, region_name="us-east-1")
    refused(lambda: store.put(changed, f"{ann.identity_id}/1.jpg"), "AccessDenied")
    assert store.kept == {}
