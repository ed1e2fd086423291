"""Generated requests to the whole API: right ones, bent ones and nonsense. None may be answered with a 500.

POOLHOUSE_TEST_FUZZ sets how many (default 1,000 on each engine), POOLHOUSE_TEST_SEED repeats a run; both are printed.
"""

from __future__ import annotations

import base64
import io
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from poolhouse.access.caller import operator
from poolhouse.api import model, registry
from poolhouse.api.perform import perform
from poolhouse.core import unit
from poolhouse.core.errors import PoolhouseError
from poolhouse.core.runtime import Runtime
from poolhouse.web import aws
from poolhouse.web.door import Door
from tests.runtimes import running

REQUESTS = int(os.environ.get("POOLHOUSE_TEST_FUZZ", "1000"))
SEED = int(os.environ.get("POOLHOUSE_TEST_SEED", "0")) or time.time_ns() % 1_000_000_000
KEY = ("AKIAFUZZ", "the/secret+of+the+fuzz")

ODD_TEXTS = (
    "", " ", "a", "0", "-1", "null", "\0", "\ud800", "é", "日本語", "😀", "\u202e", "a" * 130, "x" * 3000, "%00", "'",
    '"', "' OR 1=1 --", "../../etc/passwd", "<script>", "${jndi:ldap://x}", "{####}", "a@b", "ann@example.com", "[]",
    "+15551234567", "\r\nX: y", "1" * 40, "9" * 400, "true", "{}", "_", "us-east-1_", "custom:x", "dev:custom:y", "sub",
    "email", "cognito:user_status", 'username = "ann"', 'email ^= "a"', 'sub = "', "A:B", "urn:x", "*", "2026-01-01",
    "eyJhbGciOiJub25lIn0.e30.",
)  # fmt: skip
ODD_VALUES = (None, True, False, 0, 1, -1, 5, 60, 2**31 - 1, 2**31, 2**63, -0.5, 1e300, [], {}, [[]], {"a": {}}, ["\0"])
PARAMETERS = ("USERNAME", "PASSWORD", "SRP_A", "SECRET_HASH", "REFRESH_TOKEN", "NEW_PASSWORD", "ANSWER", "DEVICE_KEY",
              "SOFTWARE_TOKEN_MFA_CODE", "PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK", "TIMESTAMP",
              "userAttributes.email", "SMS_MFA_CODE", "PREFERRED_CHALLENGE", "SESSION")  # fmt: skip
DETAILS = ("client_id", "client_secret", "oidc_issuer", "authorize_url", "token_url", "attributes_url", "jwks_uri",
           "authorize_scopes", "preset", "tenant", "api_version", "team_id", "key_id", "private_key", "MetadataFile",
           "MetadataURL", "IDPInit", "EncryptedResponses", "RequestSigningAlgorithm", "surprise")  # fmt: skip
# Addresses where nobody listens: what is asked for is refused at once.
NOWHERE = dict.fromkeys(("authorize_url", "token_url", "attributes_url", "jwks_uri"), "http://127.0.0.1:9/")
PROVIDERS = {
    "OIDC": {"client_id": "a", "client_secret": "s", "oidc_issuer": "http://127.0.0.1:9/x", **NOWHERE},
    "Google": {"client_id": "a", "client_secret": "s"},
    "Facebook": {"client_id": "a", "client_secret": "s", "api_version": "v23.0"},
}
MAPPED = ("email", "username", "name", "sub", "email_verified", "custom:x", "identities", "phone_number")
# The keys of maps, by the member's name; of any other map they are nonsense.
KEYS = {
    "AuthParameters": PARAMETERS,
    "ChallengeResponses": PARAMETERS,
    "ProviderDetails": DETAILS,
    "AttributeMapping": MAPPED,
    "AcrMapping": ("Level1", "Level2", "Level3", "Level9"),
}


class Generator:
    """Requests that are right more often than not, so that they come past the first check."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        # What answers gave, by the member's name: ids, tokens, sessions and codes come back in later requests.
        self.known: dict[str, list[Any]] = {}
        # Maps that are right as a whole, by the member's name.
        self.whole: dict[str, list[dict[str, Any]]] = {}

    def remember(self, value: Any, name: str = "") -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                self.remember(item, key)
        elif isinstance(value, list):
            for item in value[:5]:
                self.remember(item, name)
        elif isinstance(value, str) and value:
            names = {"Id": ("UserPoolId",), "NewDeviceKey": ("DeviceKey",), "Arn": ("ResourceArn",)}.get(name, (name,))
            for key in names:
                kept = self.known.setdefault(key, [])
                kept.append(value)
                del kept[:-20]

    def request(self, service: str, name: str) -> dict[str, Any]:
        described = model.service(service).operations[name]
        given: dict[str, Any] = {}
        for member, shape in described.members.items():
            if self.random.random() < (0.97 if member in described.required else 0.4):
                given[member] = self.value(service, shape, member)
        if self.random.random() < 0.05:
            given[self.random.choice(ODD_TEXTS)] = self.random.choice(ODD_VALUES)
        return given

    def value(self, service: str, shape_name: str, name: str, depth: int = 0) -> Any:
        chance = self.random.random()
        if chance < 0.03:
            return self.random.choice(ODD_VALUES)
        shape = model.service(service).shapes[shape_name]
        if shape.get("document"):
            return self.random.choice(({}, {"a": [1, None]}, *ODD_VALUES))
        match shape["type"]:
            case "structure":
                return {
                    member: self.value(service, ref["shape"], member, depth + 1)
                    for member, ref in shape["members"].items()
                    if self.random.random() < (0.95 if member in shape.get("required", ()) else 0.5 / (depth + 1) + 0.2)
                }
            case "list":
                length = self.random.choice((0, 1, 1, 1, 2, 3))
                return [self.value(service, shape["member"]["shape"], name, depth + 1) for _ in range(length)]
            case "map":
                if name in self.whole and self.random.random() < 0.5:
                    return self.random.choice(self.whole[name])
                names = KEYS.get(name, ODD_TEXTS)
                keys = self.random.sample(names, min(len(names), self.random.choice((0, 1, 2, 3, 5))))
                return {key: self.value(service, shape["value"]["shape"], key, depth + 1) for key in keys}
            case "boolean":
                return self.random.random() < 0.5
            case "integer" | "long":
                low, high = shape.get("min", 0), shape.get("max", 100)
                return self.random.choice((low, high, low - 1, high + 1, self.random.randint(low, high)))
            case "blob":
                return base64.b64encode(self.random.randbytes(self.random.choice((0, 3, 50)))).decode()
        return self.text(shape, name)

    def text(self, shape: dict[str, Any], name: str) -> str:
        if "enum" in shape and self.random.random() < 0.93:
            return str(self.random.choice(shape["enum"]))
        known = self.known.get(name) or self.known.get(
            {"USERNAME": "Username", "REFRESH_TOKEN": "RefreshToken"}.get(name, "")
        )
        chance = self.random.random()
        if known and chance < 0.85:
            return str(self.random.choice(known))
        if known and chance < 0.9:
            return self.bent(str(self.random.choice(known)))
        if name.upper().endswith("PASSWORD") and chance < 0.9:
            return "Corr3ct-Horse!"
        return self.random.choice(ODD_TEXTS)

    def bent(self, text: str) -> str:
        """A known value with one character changed, cut short, or doubled."""
        place = self.random.randrange(len(text))
        return self.random.choice((text[:place], text[:place] + "A" + text[place + 1 :], text + text, text.upper()))


@pytest.fixture
def rt(fresh_database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    given = {"access_key_id": KEY[0], "secret_access_key": KEY[1], "bcrypt_rounds": 4, "data_dir": str(tmp_path)}
    with running(fresh_database_url, **given) as made:
        yield made


def send(door: Door, service: str, name: str, body: bytes, *, sign: bool) -> tuple[int, bytes]:
    headers = {
        "X-Amz-Target": f"{model.service(service).target_prefix}.{name}",
        "Content-Type": "application/x-amz-json-1.1",
        "Host": "localhost:8080",
    }
    request = AWSRequest("POST", "http://localhost:8080/", data=body, headers=headers)
    if sign:
        SigV4Auth(Credentials(*KEY), service, "us-east-1").add_auth(request)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(body),
    }
    environ |= {f"HTTP_{key.upper().replace('-', '_')}": value for key, value in request.headers.items()}
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE")
    answered: list[str] = []
    content = b"".join(door(environ, lambda status, *_: answered.append(status)))  # type: ignore[arg-type]
    return int(answered[0][:3]), content


def furnish(rt: Runtime, known: Generator) -> None:
    """A pool, clients and people for generated requests to be about."""
    person = [{"Name": "email", "Value": "ann@example.com"}, {"Name": "email_verified", "Value": "true"}]
    flows = [
        "ALLOW_USER_PASSWORD_AUTH",
        "ALLOW_USER_SRP_AUTH",
        "ALLOW_ADMIN_USER_PASSWORD_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH",
    ]

    def do(name: str, **given: Any) -> dict[str, Any]:
        with unit.open(rt):
            answer = perform(operator(rt.settings.account_id), "cognito-idp", name, given)
        known.remember(answer)
        return answer

    pool = do("CreateUserPool", PoolName="fuzz", AutoVerifiedAttributes=["email"], AliasAttributes=["email"])
    where = {"UserPoolId": pool["UserPool"]["Id"]}
    app = {**where, "ClientName": "c", "ExplicitAuthFlows": flows}
    client = do("CreateUserPoolClient", **app)["UserPoolClient"]["ClientId"]
    do("CreateUserPoolClient", **app, GenerateSecret=True)
    do("AdminCreateUser", **where, Username="ann", UserAttributes=person, MessageAction="SUPPRESS")
    do("AdminSetUserPassword", **where, Username="ann", Password="Corr3ct-Horse!", Permanent=True)
    do("CreateGroup", **where, GroupName="admins")
    known.whole["ProviderDetails"] = list(PROVIDERS.values())
    for type_, details in PROVIDERS.items():
        provider = {"ProviderName": type_ if type_ != "OIDC" else "Acme", "ProviderType": type_}
        do("CreateIdentityProvider", **where, **provider, ProviderDetails=details, IdpIdentifiers=[f"{type_}.example"])
    parameters = {"USERNAME": "ann", "PASSWORD": "Corr3ct-Horse!"}
    do("InitiateAuth", ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)


# A pool makes RSA keys, and most of what deletes would soon leave nothing to ask about.
SELDOM = {"CreateUserPool", "DeleteUserPool", "DeleteUserPoolClient", "AdminDeleteUser", "DeleteUser", "GlobalSignOut",
          "AdminUserGlobalSignOut", "RevokeToken", "AdminDisableUser", "AdminResetUserPassword"}  # fmt: skip


@pytest.mark.slow
def test_no_generated_request_is_answered_with_a_500(
    rt: Runtime, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    print(f"POOLHOUSE_TEST_SEED={SEED} POOLHOUSE_TEST_FUZZ={REQUESTS}")
    outside: list[str] = []
    monkeypatch.setattr(registry, "on_undeclared_error", lambda what, name: outside.append(f"{what.name}: {name}"))
    monkeypatch.setattr(registry, "on_misshapen_answer", lambda what, faults: outside.append(f"{what.name}: {faults}"))
    generator = Generator(SEED)
    door = Door(rt, lambda environ, start_response: [])
    door.root("POST", "/", aws.front)
    names = sorted(registry.load())
    weights = [0.1 if name in SELDOM else 1 for _, name in names]
    statuses: dict[int, int] = {}
    reached: set[str] = set()
    for number in range(REQUESTS):
        if number % 200 == 0:
            furnish(rt, generator)  # somebody who is still there, and whose tokens are still good
        service, name = generator.random.choices(names, weights)[0]
        given = generator.request(service, name)
        body = json.dumps(given).encode()
        if generator.random.random() < 0.02:
            body = body[: generator.random.randrange(len(body))] + generator.random.randbytes(3)
        caplog.clear()
        status, content = send(door, service, name, body, sign=generator.random.random() < 0.95)
        statuses[status] = statuses.get(status, 0) + 1
        said = f"seed {SEED}, request {number}: {service} {name} {body!r} -> {status} {content!r}\n{caplog.text}"
        assert status in {200, 400}, said
        assert not outside, f"not in the service model: {outside}\n{said}"
        answer = json.loads(content)
        assert status == 200 or (answer["__type"] and answer["message"]), said
        generator.remember(answer)
        if status == 200:
            reached.add(name)
    # Where hardly anything gets through, hardly anything is tested.
    assert statuses.get(200, 0) > REQUESTS / 20, statuses
    print(statuses, f"{len(reached)} of {len(names)} operations succeeded at least once")


def test_a_seed_repeats_its_requests() -> None:
    one, other = (Generator(7) for _ in range(2))
    names = sorted(registry.load())
    assert [one.request(*name) for name in names] == [other.request(*name) for name in names]


def test_an_operation_in_process_refuses_as_the_front_does(rt: Runtime) -> None:
    with unit.open(rt), pytest.raises(PoolhouseError):
        perform(
            operator(rt.settings.account_id), "cognito-idp", "DescribeUserPool", {"UserPoolId": "us-east-1_None00000"}
        )
