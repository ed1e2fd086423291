"""The AWS front as boto3 and browsers meet it: signatures, permissions, errors, CORS; stand-ins for operations."""

from __future__ import annotations

import io
import json
import logging
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from sqlalchemy import create_engine, select

from poolhouse import settings as settings_module
from poolhouse.access import iam_users, keys
from poolhouse.access.caller import ANONYMOUS, Caller, operator
from poolhouse.access.models import AccessKey
from poolhouse.api import registry
from poolhouse.api.perform import perform
from poolhouse.api.registry import operation
from poolhouse.core import clock, errors, unit
from poolhouse.core.cache import Cache
from poolhouse.core.db import Database, driver_url, engine_options
from poolhouse.core.events import Bus
from poolhouse.core.hashing import HashPool
from poolhouse.core.housekeeping import Housekeeper
from poolhouse.core.runtime import Runtime
from poolhouse.core.sealing import Sealer
from poolhouse.web import aws
from poolhouse.web.door import Door

ADMIN = ("AKIAFIRSTADMINISTRAT", "first/secret+of+forty+characters+0000000")
POOL = "us-east-1_Example1"
POOL_ARN = f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{POOL}"


# --- stand-ins ------------------------------------------------------------------------------------------------------


@dataclass
class Seen:
    """What the stand-ins were called with, and what they are to do instead."""

    callers: list[Caller] = field(default_factory=list)
    members: list[dict[str, Any]] = field(default_factory=list)
    writing: list[bool] = field(default_factory=list)
    instead: Callable[[], Any] = lambda: None


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Registers the stand-ins in a registry of this test's own."""
    stand_ins: dict[tuple[str, str], registry.Operation] = {}
    monkeypatch.setattr(registry, "_operations", stand_ins)
    monkeypatch.setattr(registry, "load", lambda: stand_ins)
    seen = Seen()

    def note(caller: Caller, **members: Any) -> Any:
        seen.callers.append(caller)
        seen.members.append(members)
        seen.writing.append(unit.current().writing)
        return seen.instead()

    @operation("ForgetDevice")
    def forget_device(caller: Caller, *, device_key: str, access_token: str | None = None) -> dict[str, Any] | None:
        answer: dict[str, Any] | None = note(caller, device_key=device_key, access_token=access_token)
        return answer

    @operation("DescribeUserPool")
    def describe_user_pool(caller: Caller, *, user_pool_id: str) -> dict[str, Any]:
        created = datetime(2026, 1, 2, tzinfo=UTC)
        pool = {"Id": user_pool_id, "CreationDate": created, "Name": None, "LambdaConfig": {}}
        return note(caller, user_pool_id=user_pool_id) or {"UserPool": pool}

    @operation("DeleteUserPool", writes=True)
    def delete_user_pool(caller: Caller, *, user_pool_id: str) -> None:
        note(caller, user_pool_id=user_pool_id)

    @operation("ListUserPools")
    def list_user_pools(caller: Caller, *, max_results: int, next_token: str | None = None) -> dict[str, Any]:
        return note(caller, max_results=max_results) or {"UserPools": []}

    @operation("TagResource")
    def tag_resource(caller: Caller, *, resource_arn: str, tags: dict[str, str]) -> None:
        note(caller, resource_arn=resource_arn, tags=tags)

    @operation("DescribeUserPoolDomain", resource=lambda given: f"{POOL_ARN}-of-{given['Domain']}")
    def describe_user_pool_domain(caller: Caller, *, domain: str) -> dict[str, Any]:
        note(caller, domain=domain)
        return {}

    @operation("GetId", service="cognito-identity")
    def get_id(*, identity_pool_id: str, account_id: str | None = None, logins: dict[str, str] | None = None) -> Any:
        return note(ANONYMOUS, identity_pool_id=identity_pool_id) or {"IdentityId": "us-east-1:1"}

    return seen


@pytest.fixture
def undeclared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(
        registry, "on_undeclared_error", lambda described, name: found.append(f"{described.name} {name}")
    )
    monkeypatch.setattr(registry, "on_misshapen_answer", lambda described, faults: found.extend(faults))
    return found


# --- the server without Flask ---------------------------------------------------------------------------------------


@pytest.fixture
def make_runtime(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Runtime]]:
    engines = []

    def make(**overrides: Any) -> Runtime:
        given = {"access_key_id": ADMIN[0], "secret_access_key": ADMIN[1]} | overrides
        settings = settings_module.load({}, database_url=database_url, data_dir=str(tmp_path), **given)
        engine = create_engine(driver_url(settings.database_url), **engine_options(settings))
        engines.append(engine)
        sealer, cache = Sealer(b"k" * 32), Cache(tmp_path)
        return Runtime(settings, Database(engine), sealer, cache, HashPool(threads=1), Bus(), Housekeeper())

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def rt(make_runtime: Callable[..., Runtime], seen: Seen) -> Runtime:
    return make_runtime()


def nothing_behind(environ: Any, start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [])
    return [b""]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


def send(rt: Runtime, body: bytes = b"{}", *, method: str = "POST", query: str = "", **headers: str) -> Answer:
    """One request through the door, headers by their names with underscores."""
    door = Door(rt, nothing_behind)
    door.root("POST", "/", aws.front)
    door.root("OPTIONS", "/", aws.preflight)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": "/",
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/x-amz-json-1.1",
        "REMOTE_ADDR": "203.0.113.9",
        "HTTP_HOST": "localhost:8080",
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    answered: list[Any] = []
    content = b"".join(door(environ, lambda status, sent, *_: answered.append((status, sent))))  # type: ignore[arg-type]
    status, sent = answered[0]
    assert all("\r" not in value and "\n" not in value and value.isascii() for _, value in sent)
    return Answer(int(status[:3]), {name.lower(): value for name, value in sent}, content)


def target(name: str) -> dict[str, str]:
    return {"x-amz-target": f"AWSCognitoIdentityProviderService.{name}"}


class _Raw(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


def client(
    rt: Runtime, key: tuple[str, str] | None = ADMIN, service: str = "cognito-idp", token: str | None = None
) -> Any:
    """A real boto3 client whose requests go through the door instead of a socket."""
    made = boto3.client(
        service,  # type: ignore[call-overload]
        region_name="eu-west-1",
        endpoint_url="http://localhost:8080",
        aws_access_key_id=key[0] if key else None,
        aws_secret_access_key=key[1] if key else None,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, signature_version=None if key else UNSIGNED),
    )

    def deliver(request: Any, **_: Any) -> AWSResponse:
        headers = {k.lower(): v.decode() if isinstance(v, bytes) else str(v) for k, v in request.headers.items()}
        answer = send(rt, request.body or b"", **headers)
        return AWSResponse(request.url, answer.status, answer.headers, _Raw(answer.content))

    made.meta.events.register("before-send", deliver)
    return made


def refusal(call: Callable[..., Any], **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**members)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


# --- who may call ---------------------------------------------------------------------------------------------------


def test_the_first_administrator_signs_and_may_do_everything(rt: Runtime, seen: Seen) -> None:
    described = client(rt).describe_user_pool(UserPoolId=POOL)
    assert described["UserPool"]["Id"] == POOL
    assert described["UserPool"]["CreationDate"] == datetime(2026, 1, 2, tzinfo=UTC)
    assert "Name" not in described["UserPool"]
    assert seen.callers[0].arn == "arn:aws:iam::000000000000:user/administrator"
    assert seen.callers[0].source_ip == "203.0.113.9"
    assert "Boto3" in seen.callers[0].user_agent


def test_a_wrong_secret_is_refused(rt: Runtime, seen: Seen) -> None:
    code, said = refusal(client(rt, (ADMIN[0], "wrong")).describe_user_pool, UserPoolId=POOL)
    assert code == "InvalidSignatureException"
    assert "does not match the signature you provided" in said
    assert not seen.callers


@pytest.mark.parametrize("key_id", ["AKIAUNKNOWN", "ASIATEMPORARY", "a" * 128, "ü"])
def test_an_unknown_key_is_refused(rt: Runtime, seen: Seen, key_id: str) -> None:
    code, said = refusal(client(rt, (key_id, ADMIN[1])).describe_user_pool, UserPoolId=POOL)
    assert code in {"UnrecognizedClientException", "IncompleteSignatureException"}
    assert not seen.callers
    if code.startswith("Unrec"):
        assert said == "The security token included in the request is invalid."


def test_a_session_token_beside_a_permanent_key_is_refused(rt: Runtime, seen: Seen) -> None:
    code, _ = refusal(client(rt, token="stolen").describe_user_pool, UserPoolId=POOL)
    assert code == "UnrecognizedClientException"
    assert not seen.callers


def test_a_signed_operation_without_a_signature_is_refused(rt: Runtime, seen: Seen) -> None:
    answer = send(rt, json.dumps({"UserPoolId": POOL}).encode(), **target("DescribeUserPool"))
    assert (answer.status, answer.json()) == (
        400,
        {"__type": "MissingAuthenticationTokenException", "message": "Missing Authentication Token"},
    )
    assert not seen.callers


@pytest.mark.parametrize(
    "signature",
    [
        {},
        {"authorization": "nonsense"},
        {"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/1/2/3/4", "x-amz-date": "?"},
    ],
)
def test_an_unsigned_operation_tolerates_any_signature(rt: Runtime, seen: Seen, signature: dict[str, str]) -> None:
    answer = send(
        rt, b'{"DeviceKey":"us-east-1_0d2b1dce-0b7b-4f3f-9b54-0e0a3c9a5b5b"}', **target("ForgetDevice"), **signature
    )
    assert answer.status == 200
    assert answer.content == b"{}"
    assert seen.callers[0].kind == "anonymous"


def test_an_old_signature_is_refused_and_says_so(rt: Runtime, seen: Seen) -> None:
    caller = client(rt)
    with clock.moved(minutes=16):
        code, said = refusal(caller.describe_user_pool, UserPoolId=POOL)
    assert code == "InvalidSignatureException"
    assert said.startswith("Signature expired: ")
    assert said.endswith("- 15 min.)")


def test_a_signature_for_another_service_is_refused(rt: Runtime, seen: Seen) -> None:
    caller = client(rt)
    caller.meta.events.register(
        "before-sign", lambda request, **_: request.context.update(signing={"signing_name": "iam"})
    )
    code, said = refusal(caller.describe_user_pool, UserPoolId=POOL)
    assert (code, said.strip()) == (
        "InvalidSignatureException",
        "Credential should be scoped to correct service: 'cognito-idp'.",
    )


# --- users and policies ---------------------------------------------------------------------------------------------


@pytest.fixture
def names() -> Iterator[str]:
    """Names of users that nobody else has: the database is shared."""
    return (f"user{uuid.uuid4().hex[:16]}" for _ in count())


def user(rt: Runtime, name: str, *, attached: str = "", policy: dict[str, Any] | None = None) -> tuple[str, str]:
    """A new user's access key."""
    with unit.open(rt):
        iam_users.create(name)
        if attached:
            iam_users.attach(name, f"arn:aws:iam::aws:policy/{attached}")
        if policy:
            iam_users.put_policy(name, "inline", policy)
        key = keys.create(name)
    return key.id, key.secret.reveal()


def statement(effect: str, action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    said = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [said]}


def test_a_user_without_policies_may_do_nothing(rt: Runtime, seen: Seen, names: Iterator[str]) -> None:
    name = next(names)
    code, said = refusal(client(rt, user(rt, name)).describe_user_pool, UserPoolId=POOL)
    assert code == "AccessDeniedException"
    assert said == (
        f"User: arn:aws:iam::000000000000:user/{name} is not authorized to perform: cognito-idp:DescribeUserPool on "
        f"resource: {POOL_ARN} because no identity-based policy allows the cognito-idp:DescribeUserPool action"
    )
    assert not seen.callers


def test_a_read_only_user_reads(rt: Runtime, seen: Seen, names: Iterator[str]) -> None:
    reader = client(rt, user(rt, next(names), attached="AmazonCognitoReadOnly"))
    assert reader.describe_user_pool(UserPoolId=POOL)
    code, said = refusal(reader.delete_user_pool, UserPoolId=POOL)
    assert code == "AccessDeniedException"
    assert "cognito-idp:DeleteUserPool" in said


def test_a_policy_for_one_pool_is_for_one_pool(rt: Runtime, seen: Seen, names: Iterator[str]) -> None:
    one = client(rt, user(rt, next(names), policy=statement("Allow", "cognito-idp:*", POOL_ARN)))
    assert one.describe_user_pool(UserPoolId=POOL)
    assert one.tag_resource(ResourceArn=POOL_ARN, Tags={"a": "b"})
    assert refusal(one.describe_user_pool, UserPoolId=POOL + "x")[0] == "AccessDeniedException"
    assert refusal(one.tag_resource, ResourceArn=POOL_ARN + "x", Tags={"a": "b"})[0] == "AccessDeniedException"
    assert "on resource: * because" in refusal(one.list_user_pools, MaxResults=1)[1]


def test_an_operation_may_name_its_resource(rt: Runtime, seen: Seen, names: Iterator[str]) -> None:
    policy = statement("Allow", "cognito-idp:DescribeUserPoolDomain", POOL_ARN + "-of-acme")
    one = client(rt, user(rt, next(names), policy=policy))
    assert one.describe_user_pool_domain(Domain="acme")
    assert refusal(one.describe_user_pool_domain, Domain="other")[0] == "AccessDeniedException"


def test_an_explicit_deny_wins_and_says_so(rt: Runtime, seen: Seen, names: Iterator[str]) -> None:
    policy = statement("Deny", "cognito-idp:Delete*")
    careful = client(rt, user(rt, next(names), attached="AdministratorAccess", policy=policy))
    assert careful.describe_user_pool(UserPoolId=POOL)
    code, said = refusal(careful.delete_user_pool, UserPoolId=POOL)
    assert code == "AccessDeniedException"
    assert said.endswith("with an explicit deny in an identity-based policy")


def test_conditions_see_where_a_request_comes_from(rt: Runtime, seen: Seen, names: Iterator[str]) -> None:
    def within(network: str) -> Any:
        condition = {"IpAddress": {"aws:SourceIp": network}}
        return client(rt, user(rt, next(names), policy=statement("Allow", "*", Condition=condition)))

    assert within("203.0.113.0/24").describe_user_pool(UserPoolId=POOL)
    assert refusal(within("198.51.100.0/24").describe_user_pool, UserPoolId=POOL)[0] == "AccessDeniedException"


def test_a_change_of_policies_counts_at_once(rt: Runtime, seen: Seen, names: Iterator[str]) -> None:
    name = next(names)
    one = client(rt, user(rt, name, attached="AdministratorAccess"))
    assert one.describe_user_pool(UserPoolId=POOL)
    with unit.open(rt):
        iam_users.detach(name, "arn:aws:iam::aws:policy/AdministratorAccess")
    assert refusal(one.describe_user_pool, UserPoolId=POOL)[0] == "AccessDeniedException"
    with unit.open(rt):
        iam_users.put_policy(name, "inline", statement("Allow", "*"))
    assert one.describe_user_pool(UserPoolId=POOL)
    with unit.open(rt):
        iam_users.delete_policy(name, "inline")
    assert refusal(one.describe_user_pool, UserPoolId=POOL)[0] == "AccessDeniedException"


@pytest.mark.parametrize("end", ["switched off", "deleted", "user deleted"])
def test_a_key_that_ended_is_unknown_at_once(rt: Runtime, seen: Seen, names: Iterator[str], end: str) -> None:
    name = next(names)
    key = user(rt, name, attached="AdministratorAccess")
    one = client(rt, key)
    assert one.describe_user_pool(UserPoolId=POOL)
    with unit.open(rt):
        if end == "switched off":
            keys.set_active(key[0], False)
        elif end == "deleted":
            keys.delete(key[0])
        else:
            iam_users.delete(name)
    assert refusal(one.describe_user_pool, UserPoolId=POOL)[0] == "UnrecognizedClientException"


def test_secrets_are_sealed_where_they_lie(rt: Runtime, seen: Seen, names: Iterator[str]) -> None:
    key_id, secret = user(rt, next(names))
    with unit.open(rt):
        stored = unit.execute(select(AccessKey.sealed_secret).where(AccessKey.id == key_id)).scalar_one()
    assert secret.encode() not in stored
    assert len(secret) == 40


def test_what_users_may_not_be(rt: Runtime, seen: Seen, names: Iterator[str]) -> None:
    name = next(names)
    user(rt, name)
    with unit.open(rt):
        for taken in (name, name.upper(), "administrator", "Administrator"):
            with pytest.raises(errors.EntityAlreadyExists):
                iam_users.create(taken)
        for bad in ("", "a" * 65, "a b", "a/b", "ü"):
            with pytest.raises(errors.InvalidInput):
                iam_users.create(bad)
        with pytest.raises(errors.MalformedPolicyDocument, match=r"^\$\.Statement: "):
            iam_users.put_policy(name, "broken", {"Statement": []})
        with pytest.raises(errors.ResourceNotFound):
            iam_users.attach(name, "arn:aws:iam::aws:policy/NoSuchPolicy")
        for action in (iam_users.delete, keys.create, keys.delete):
            with pytest.raises(errors.ResourceNotFound):
                action("nobody")
        keys.create(name)
        with pytest.raises(errors.LimitExceeded):
            keys.create(name)


# --- signing = accept -----------------------------------------------------------------------------------------------


def test_accept_believes_any_credentials_but_wants_some(make_runtime: Callable[..., Runtime], seen: Seen) -> None:
    rt = make_runtime(signing="accept")
    assert client(rt, ("test", "test")).describe_user_pool(UserPoolId=POOL)
    assert seen.callers[0].name == "administrator"
    body = json.dumps({"UserPoolId": POOL}).encode()
    assert send(rt, body, authorization="AWS4-HMAC-SHA256 whatever", **target("DescribeUserPool")).status == 200
    assert send(rt, body, **target("DescribeUserPool")).json()["__type"] == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", 200),
        ("http://127.0.0.1", 200),
        ("http://[::1]:5173", 200),
        ("https://evil.example", 400),
        ("http://localhost.evil.example", 400),
        ("null", 400),
        ("http://[", 400),
    ],
)
def test_accept_does_not_let_a_visited_web_page_administer(
    make_runtime: Callable[..., Runtime], seen: Seen, origin: str, status: int
) -> None:
    rt = make_runtime(signing="accept")
    body = json.dumps({"UserPoolId": POOL}).encode()
    headers = target("DescribeUserPool") | {"authorization": "AWS4-HMAC-SHA256 x", "origin": origin}
    answer = send(rt, body, **headers)
    assert answer.status == status
    assert status == 200 or answer.json()["__type"] == "AccessDeniedException"


# --- errors ---------------------------------------------------------------------------------------------------------

DEVICE = b'{"DeviceKey":"us-east-1_0d2b1dce-0b7b-4f3f-9b54-0e0a3c9a5b5b"}'


def raising(error: BaseException) -> Callable[[], Any]:
    def instead() -> Any:
        raise error

    return instead


def test_a_refusal_is_told_in_body_and_headers(rt: Runtime, seen: Seen) -> None:
    seen.instead = raising(errors.UserNotFound())
    answer = send(rt, DEVICE, **target("ForgetDevice"))
    assert answer.status == 400
    assert answer.json() == {"__type": "UserNotFoundException", "message": "User does not exist."}
    assert answer.headers["x-amzn-errortype"] == "UserNotFoundException:"
    assert answer.headers["x-amzn-errormessage"] == "User does not exist."
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert len(answer.headers["x-amzn-requestid"]) == 36
    device_key = json.loads(DEVICE)["DeviceKey"]
    assert refusal(client(rt).forget_device, DeviceKey=device_key) == ("UserNotFoundException", "User does not exist.")


def test_a_reason_code_goes_along(rt: Runtime, seen: Seen) -> None:
    seen.instead = raising(errors.InvalidParameter("No.", reason_code="BECAUSE"))
    assert send(rt, DEVICE, **target("ForgetDevice")).json()["reasonCode"] == "BECAUSE"


def test_a_sentence_with_line_breaks_makes_no_header(rt: Runtime, seen: Seen) -> None:
    seen.instead = raising(errors.InvalidParameter("a\r\nSet-Cookie: b=c\x00ü" + "x" * 5000))
    answer = send(rt, DEVICE, **target("ForgetDevice"))
    assert answer.headers["x-amzn-errormessage"].startswith("a??Set-Cookie: b=c??")
    assert len(answer.headers["x-amzn-errormessage"]) <= 1024
    assert answer.json()["message"].startswith("a\r\nSet-Cookie")


@pytest.mark.parametrize(
    "error", [RuntimeError("password=hunter2"), RecursionError(), KeyError("x"), errors.InternalError()]
)
def test_what_nobody_expected_is_logged_and_not_told(
    rt: Runtime, seen: Seen, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    seen.instead = raising(error)
    with caplog.at_level(logging.INFO):
        answer = send(rt, DEVICE, **target("ForgetDevice"))
    assert answer.status == 500
    assert answer.json() == {"__type": "InternalErrorException", "message": "Something went wrong"}
    assert b"hunter2" not in answer.content
    assert answer.headers["x-amzn-requestid"] in caplog.text


def test_an_answer_that_is_no_json_is_an_internal_error(rt: Runtime, seen: Seen) -> None:
    seen.instead = lambda: {"UserPool": {"Id": object()}}
    assert refusal(client(rt).describe_user_pool, UserPoolId=POOL)[0] == "InternalErrorException"


def test_an_operation_that_is_not_there_yet_says_501(rt: Runtime, seen: Seen) -> None:
    with pytest.raises(ClientError) as refused:
        client(rt).list_users(UserPoolId=POOL)
    response = refused.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert response["Error"]["Code"] == "OperationNotImplementedException"


@pytest.mark.parametrize(
    "name", ["", "X", "AWSCognitoIdentityProviderService", "Other.SignUp", "a.b.c", "ü.ß", "." * 3000]
)
def test_an_unknown_target_is_an_unknown_operation(rt: Runtime, seen: Seen, name: str) -> None:
    for asked in (name, f"AWSCognitoIdentityProviderService.{name}"):
        answer = send(rt, **{"x-amz-target": asked})
        assert (answer.status, answer.json()["__type"]) == (400, "UnknownOperationException")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"{", 400, "SerializationException"),
        (b"\xff", 400, "SerializationException"),
        (b'{"DeviceKey":1}', 400, "SerializationException"),
        (b'{"DeviceKey":"' + b"\\ud800" + b'"}', 400, "InvalidParameterException"),
        (b"", 400, "InvalidParameterException"),
        (b'{"a":' * 100_000, 400, "SerializationException"),
        (b" " * (1024 * 1024 + 1), 413, "RequestEntityTooLargeException"),
    ],
)
def test_a_bad_body_is_refused(rt: Runtime, seen: Seen, body: bytes, status: int, error: str) -> None:
    answer = send(rt, body, **target("ForgetDevice"))
    assert (answer.status, answer.json()["__type"]) == (status, error)
    assert not seen.callers


def test_identity_pools_have_their_own_prefix_and_their_own_errors(rt: Runtime, seen: Seen) -> None:
    pools = client(rt, None, "cognito-identity")
    assert pools.get_id(IdentityPoolId="us-east-1:11111111-1111-4111-8111-111111111111")["IdentityId"] == "us-east-1:1"
    assert refusal(pools.get_id, IdentityPoolId="nope")[0] == "ValidationException"


# --- the unit, and what the tests are told --------------------------------------------------------------------------


def test_only_operations_that_write_begin_with_a_transaction(rt: Runtime, seen: Seen) -> None:
    caller = client(rt)
    caller.describe_user_pool(UserPoolId=POOL)
    caller.delete_user_pool(UserPoolId=POOL)
    assert seen.writing == [False, True]


def test_a_refusal_keeps_what_it_says_it_keeps(rt: Runtime, seen: Seen, names: Iterator[str]) -> None:
    first, second = next(names), next(names)

    def refuse(name: str, keep: bool) -> Any:
        iam_users.create(name)
        raise errors.NotAuthorized(keep=keep)

    for name, keep in ((first, True), (second, False)):
        seen.instead = lambda name=name, keep=keep: refuse(name, keep)  # type: ignore[misc]
        assert send(rt, DEVICE, **target("ForgetDevice")).json()["__type"] == "NotAuthorizedException"
    with unit.open(rt):
        assert iam_users.require(first)
        with pytest.raises(errors.ResourceNotFound):
            iam_users.require(second)


def test_the_tests_hear_of_undeclared_errors_and_misshapen_answers(
    rt: Runtime, seen: Seen, undeclared: list[str]
) -> None:
    seen.instead = raising(errors.UsernameExists())
    send(rt, DEVICE, **target("ForgetDevice"))
    seen.instead = raising(errors.UserNotFound())
    send(rt, DEVICE, **target("ForgetDevice"))
    assert undeclared == ["ForgetDevice UsernameExistsException"]
    seen.instead = lambda: {"UserPool": {"Name": 5}}
    send_signed = client(rt)
    send_signed.describe_user_pool(UserPoolId=POOL)
    assert undeclared[1:] == ["DescribeUserPool.UserPool.Name: int where the model has a string"]


def test_in_process_the_same_checks_hold(rt: Runtime, seen: Seen) -> None:
    with unit.open(rt):
        me = operator(rt.settings.account_id)
        assert perform(me, "cognito-idp", "ListUserPools", {"MaxResults": 5}) == {"UserPools": []}
        with pytest.raises(errors.InvalidParameter):
            perform(me, "cognito-idp", "ListUserPools", {})
        with pytest.raises(errors.MissingAuthenticationToken):
            perform(ANONYMOUS, "cognito-idp", "ListUserPools", {"MaxResults": 5})
        with pytest.raises(errors.AccessDenied):
            perform(
                Caller("user", arn="arn:aws:iam::000000000000:user/x", name="x"),
                "cognito-idp",
                "ListUserPools",
                {"MaxResults": 5},
            )
        for service, name in (("cognito-idp", "Nope"), ("nope", "SignUp")):
            with pytest.raises(errors.UnknownOperation):
                perform(me, service, name, {})


# --- browsers -------------------------------------------------------------------------------------------------------


def test_any_page_may_call_and_read_the_errors(rt: Runtime, seen: Seen) -> None:
    for body in (DEVICE, b"{"):
        answer = send(rt, body, **target("ForgetDevice"))
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = answer.headers["access-control-expose-headers"].lower()
        assert all(name in exposed for name in ("x-amzn-requestid", "x-amzn-errortype", "x-amzn-errormessage"))
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        ("content-type,x-amz-target,x-amz-user-agent", "content-type,x-amz-target,x-amz-user-agent"),
        ("", "authorization,cache-control,content-type"),
        ("x\r\nSet-Cookie: a", "authorization,cache-control,content-type"),
        ("a," * 3000, "authorization,cache-control,content-type"),
    ],
)
def test_a_preflight_allows_what_sdks_send(rt: Runtime, seen: Seen, asked: str, allowed: str) -> None:
    answer = send(rt, b"", method="OPTIONS", **{"access-control-request-headers": asked})
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"].startswith(allowed)
    assert "POST" in answer.headers["access-control-allow-methods"]


def test_the_clock_of_the_test_is_the_clock_of_the_server() -> None:
    with clock.moved(minutes=16):
        assert clock.now() - datetime.now(UTC) > timedelta(minutes=15)
