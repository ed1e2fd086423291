"""Thousands of generated requests to the API: whatever is sent, the answer is a clear one and never a 500."""

from __future__ import annotations

import io
import os
import random
import string
from pathlib import Path
from typing import Any

import orjson

from poolhouse.api import model
from tests.world import PASSWORD, World

REQUESTS = int(os.environ.get("POOLHOUSE_TEST_FUZZ", "10000"))
SEED = int(os.environ.get("POOLHOUSE_TEST_SEED", "0")) or random.SystemRandom().randrange(2**32)
TENANT_LASTS = 500
# What would leave the rest of the requests with nothing real to be about gets identifiers that are made up.
ENDING = frozenset({"DeleteUserPool", "DeleteUserPoolClient"})
HOSTILE: tuple[Any, ...] = (
    None,
    "",
    " ",
    0,
    -1,
    2**63,
    1e308,
    True,
    [],
    {},
    [None],
    [[]],
    {"a": {"b": {}}},
    "\x00",
    "a\x00b",
    "\ud800",
    "\u202e\u0000",
    "' OR 1=1 --",
    '"; DROP TABLE users; --',
    "<script>alert(1)</script>",
    "${jndi:ldap://127.0.0.1/a}",
    "../../etc/passwd",
    "%00%0d%0a",
    "a\r\nBcc: b@c.example",
    "é" * 200,
    "𝔘𝔫𝔦",
    "x" * 5000,
    "{####}",
    "us-east-1_AAAAAAAAA",
    "arn:aws:cognito-idp:us-east-1:000000000000:userpool/none",
)


class Generator:
    """Requests that mostly fit the model, with members that do not, are hostile, or belong to something real."""

    def __init__(self, seed: int, real: dict[str, list[Any]]) -> None:
        self.random = random.Random(seed)
        self.real = real
        self.operations = model.service("cognito-idp").operations
        self.shapes = orjson.loads((Path(model.__file__).parent / "cognito-idp.json").read_bytes())["shapes"]
        implemented = [name for name in self.operations if self._implemented(name)]
        self.hostility = 0.0
        self.names = list(self.operations) + implemented * 4

    @staticmethod
    def _implemented(name: str) -> bool:
        from poolhouse.api import registry

        return registry.find("cognito-idp", name) is not None

    def request(self) -> tuple[str, bytes]:
        """An operation's name and a body."""
        name = self.random.choice(self.names)
        chance = self.random.random()
        if chance < 0.02:
            return name, self.random.randbytes(self.random.randrange(200))
        if chance < 0.04:
            return name, orjson.dumps(self._hostile_json())
        # Half of all requests fit the model, so that they get past its checks and into the operation.
        self.hostility = self.random.choice([0.0, 0.0, 0.03, 0.15])
        real, self.real = self.real, {} if name in ENDING else self.real
        given = self._structure(str(self.operations[name].input), 0)
        self.real = real
        return name, self._dump(given)

    def _dump(self, given: Any) -> bytes:
        try:
            return orjson.dumps(given)
        except (TypeError, ValueError):  # half a surrogate: JSON writes it as an escape
            import json

            return json.dumps(given).encode()

    def _hostile_json(self) -> Any:
        return self.random.choice([[], 1, "x", None, {"": ""}, {"UserPoolId": {"$ne": 1}}, [[[[[]]]]]])

    def _structure(self, name: str, depth: int) -> dict[str, Any]:
        shape = self.shapes[name]
        required = set(shape.get("required", ()))
        given = {}
        for member, target in shape.get("members", {}).items():
            if self.random.random() < (0.97 if member in required else 0.35):
                given[member] = self._value(member, target["shape"], depth + 1)
        return given

    def _value(self, member: str, name: str, depth: int) -> Any:
        if self.random.random() < self.hostility or depth > 6:
            return self.random.choice(HOSTILE)
        if member in self.real and self.random.random() < 0.8:
            return self.random.choice(self.real[member])
        shape = self.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            return self._structure(name, depth)
        if kind == "list":
            member_shape = shape["member"]["shape"]
            return [self._value("", member_shape, depth + 1) for _ in range(self.random.randrange(3))]
        if kind == "map":
            keys = self.real.get("map keys", ["a"])
            return {
                self.random.choice(keys): self._value("map value", shape["value"]["shape"], depth + 1)
                for _ in range(self.random.randrange(5))
            }
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind in {"integer", "long", "double", "float"}:
            return self.random.choice([0, 1, 3, 5, 60, 61, 3600, 10**6, shape.get("max", 7), shape.get("min", 7)])
        if kind == "timestamp":
            return self.random.choice([0, 1.5, 10**12])
        if kind == "blob":
            return self.random.choice(["", "AAAA", "not base64!"])
        if "enum" in shape:
            return self.random.choice(shape["enum"])
        length = self.random.randrange(shape.get("min", 0), min(shape.get("max", 20), 40) + 1)
        return "".join(self.random.choices(string.ascii_letters + string.digits + "_-@. ", k=length))


def test_no_generated_request_is_answered_with_a_500(engine: str, database_url: str, tmp_path: Path) -> None:
    world = World(database_url, tmp_path, signing="accept")
    try:
        _send(world, REQUESTS if engine == "sqlite" else REQUESTS // 5)
    finally:
        world.close()


def _send(world: World, requests: int) -> None:
    generator = Generator(SEED, {})
    print(f"\nseed {SEED}, {requests} requests")
    for number in range(requests):
        if number % TENANT_LASTS == 0:  # people and clients are deleted and locked on the way
            generator.real = _tenant(world)
        name, body = generator.request()
        status, answer = call(world, name, body)
        told = f"request {number} of seed {SEED}: {name} {body[:2000]!r} -> {status} {answer!r}"
        assert status < 500 or (status == 501 and b"OperationNotImplemented" in answer), told
        if status != 200:
            assert orjson.loads(answer).get("__type"), told


def _tenant(world: World) -> dict[str, list[Any]]:
    pool = world.pool(AutoVerifiedAttributes=["email"])
    pool.totp()
    client = pool.client()
    secret = pool.client(GenerateSecret=True)
    people = [pool.user(f"ann{i}", email=f"ann{i}@example.com", email_verified="true") for i in range(4)]
    pool.idp.create_group(UserPoolId=pool.id, GroupName="group")
    tokens = [client.tokens(person) for person in people]
    return {
        "UserPoolId": [pool.id],
        "ClientId": [client.id, client.id, secret.id],
        "Username": [p.username for p in people] + ["new-user"],
        "AccessToken": [t["AccessToken"] for t in tokens],
        "RefreshToken": [t["RefreshToken"] for t in tokens],
        "Token": [t["RefreshToken"] for t in tokens],
        "GroupName": ["group", "other"],
        "Password": [PASSWORD],
        "ProposedPassword": [PASSWORD],
        "PreviousPassword": [PASSWORD],
        "Session": ["x" * 64],
        "AttributeName": ["email", "phone_number"],
        "AuthFlow": ["USER_PASSWORD_AUTH", "USER_SRP_AUTH", "REFRESH_TOKEN_AUTH", "ADMIN_USER_PASSWORD_AUTH"],
        "Name": ["email", "name", "custom:x", "phone_number", "verified_email", "admin_only"],
        "Filter": ['email ^= "a"', 'username = "x"', 'status = "Enabled"', 'sub ^= ""'],
        "ResourceArn": [f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{pool.id}"],
        "map keys": ["USERNAME", "PASSWORD", "SRP_A", "REFRESH_TOKEN", "SECRET_HASH", "NEW_PASSWORD", "ANSWER", "a"],
        "map value": [people[0].username, PASSWORD, "abcdef", ""],
    }


def call(world: World, operation: str, body: bytes) -> tuple[int, bytes]:
    """One request to the API, without a socket between."""
    started: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "HTTP_HOST": f"localhost:{world.port}",
        "HTTP_X_AMZ_TARGET": f"AWSCognitoIdentityProviderService.{operation}",
        "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=anything/20260101/us-east-1/cognito-idp/aws4_request, "
        "SignedHeaders=host, Signature=00",
        "CONTENT_TYPE": "application/x-amz-json-1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": str(world.port),
        "REMOTE_ADDR": "127.0.0.1",
    }
    answer = b"".join(world.app.wsgi_app(environ, lambda status, headers, info=None: started.append(status)))
    return int(started[0].split()[0]), answer
