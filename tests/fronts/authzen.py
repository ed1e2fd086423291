"""A pool whose photos are guarded: people, groups with roles, scopes, and the clients that ask about them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from poolhouse.access import holdings, roles
from poolhouse.core import unit
from tests.world import ClientInWorld, Person, PoolInWorld, World

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Federated": "cognito-identity.amazonaws.com"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": "us-east-1:pool"}},
        }
    ],
}
MEMBER = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "Own", "Effect": "Allow", "Action": ["photos:Read", "photos:Write"], "Resource": "photos/${sub}/*"},
        {"Sid": "Index", "Effect": "Allow", "Action": "photos:Read", "Resource": "photos/${sub}/index"},
        {"Sid": "Public", "Effect": "Allow", "Action": ["photos:Read", "photos:List"],
         "Resource": ["photos/public", "photos/news"]},
        {"Sid": "Trusted", "Effect": "Allow", "Action": "photos:Export", "Resource": "*",
         "Condition": {"Bool": {"context:device.trusted": "true"}}},
        {"Sid": "Draft", "Effect": "Allow", "Action": "photos:Read", "Resource": "drafts/*",
         "Condition": {"StringEquals": {"resource:owner": "${sub}"}}},
    ],
}  # fmt: skip
EDITOR = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "Publish", "Effect": "Allow", "Action": "photos:Publish", "Resource": "photos/public"},
        {"Sid": "NoNews", "Effect": "Deny", "Action": "photos:*", "Resource": "photos/news"},
    ],
}
_names = itertools.count(1)


@dataclass
class Guarded:
    """The pool, its people, and a client that may ask everything."""

    world: World
    pool: PoolInWorld
    asker: ClientInWorld
    ann: Person  # a member
    bob: Person  # a member and an editor
    eve: Person  # in no group
    app: ClientInWorld  # what people sign in with

    @property
    def base(self) -> str:
        return f"{self.world.url}/{self.pool.id}"

    @property
    def credentials(self) -> tuple[str, str]:
        return (self.asker.id, str(self.asker.secret))

    def post(self, path: str, asked: Any, **more: Any) -> requests.Response:
        """Ask as the asker, unless `auth` or `headers` say otherwise."""
        more.setdefault("auth", self.credentials)
        more.setdefault("timeout", 20)
        return requests.post(f"{self.base}/access/v1/{path}", json=asked, **more)

    def told(self, path: str, asked: Any, **more: Any) -> dict[str, Any]:
        """The answer to a question that is in order."""
        response = self.post(path, asked, **more)
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"] == "application/json"
        answer: dict[str, Any] = response.json()
        return answer

    def decision(self, asked: Any) -> bool:
        """The decision of a single evaluation."""
        decided = self.told("evaluation", asked)["decision"]
        assert isinstance(decided, bool)
        return decided

    def question(self, person: Person | None = None, action: str = "Read", name: str = "public") -> dict[str, Any]:
        """May they do that to that photo?"""
        return {
            "subject": {"type": "user", "id": (person or self.ann).sub},
            "action": {"name": action},
            "resource": {"type": "photos", "id": name},
        }

    def role(self, document: dict[str, Any], *, name: str = "") -> str:
        """A new role with that policy; its ARN."""
        return make_role(self.world, name or f"Role{next(_names)}", document)

    def client(self, *scopes: str, **members: Any) -> ClientInWorld:
        """A confidential client with scopes of its own."""
        flows = {"AllowedOAuthFlows": ["client_credentials"], "AllowedOAuthScopes": list(scopes)} if scopes else {}
        return self.pool.client(GenerateSecret=True, AllowedOAuthFlowsUserPoolClient=bool(scopes), **flows, **members)

    def token(self, client: ClientInWorld, *scopes: str) -> str:
        """A client's own access token."""
        form = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
        auth = (client.id, str(client.secret))
        answer = requests.post(f"{self.base}/oauth2/token", data=form, auth=auth, timeout=20)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def join(self, person: Person, group: str) -> None:
        """Put somebody into a group."""
        self.pool.idp.admin_add_user_to_group(UserPoolId=self.pool.id, Username=person.username, GroupName=group)

    def group(self, name: str, role_arn: str | None) -> None:
        """A new group."""
        given = {"RoleArn": role_arn} if role_arn else {}
        self.pool.idp.create_group(UserPoolId=self.pool.id, GroupName=name, **given)


def make_role(world: World, name: str, document: dict[str, Any]) -> str:
    """A role with one inline policy; its ARN."""
    with unit.open(world.runtime):
        roles.create(name, TRUST)
        holdings.put_inline(holdings.ROLE, name, f"{name}Policy", document)
        return roles.get(name).arn


def guard(world: World) -> Guarded:
    """A new guarded pool."""
    pool = world.pool()
    for identifier, scopes in {
        "poolhouse": ("evaluate", "search", "explain", "bundle"),
        "photos": ("Read", "Write"),
    }.items():
        listed = [{"ScopeName": name, "ScopeDescription": name} for name in scopes]
        pool.idp.create_resource_server(UserPoolId=pool.id, Identifier=identifier, Name=identifier, Scopes=listed)
    number = next(_names)
    asker = pool.client(
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[f"poolhouse/{name}" for name in ("evaluate", "search", "explain", "bundle")],
    )
    made = Guarded(world, pool, asker, pool.user(), pool.user(), pool.user(), pool.client())
    made.group("members", make_role(world, f"Member{number}", MEMBER))
    made.group("editors", make_role(world, f"Editor{number}", EDITOR))
    made.join(made.ann, "members")
    made.join(made.bob, "members")
    made.join(made.bob, "editors")
    return made


@pytest.fixture
def guarded(world: World) -> Guarded:
    """A pool of its own for every test that changes something."""
    return guard(world)


@pytest.fixture(scope="module")
def shared(_world: World) -> Guarded:
    """A pool that the tests of a module only ask about."""
    return guard(_world)
