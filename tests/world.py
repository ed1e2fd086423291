"""The world that tests at the front live in: a running server, an administrator's boto3, pools and people on demand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import pyotp
import pytest
import werkzeug.serving
from sqlalchemy import event

from poolhouse.api import registry
from poolhouse.app import create_app
from poolhouse.core import unit
from poolhouse.core.runtime import Runtime
from poolhouse.messages import mailbox, outbox
from poolhouse.settings import Secret, Settings, load

ACCESS_KEY_ID = "AKIAPOOLHOUSETEST"
SECRET_ACCESS_KEY = "a-secret-of-the-tests"
PASSWORD = "Corr3ct-Horse!"
_names = itertools.count(1)


class _Quiet(werkzeug.serving.WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@dataclass
class Statements:
    """What the server asked of its database while somebody counted."""

    texts: list[str] = field(default_factory=list)
    commits: int = 0

    def __len__(self) -> int:
        return len(self.texts)


class World:
    """A server on a free port, its runtime, and shortcuts to what most tests need."""

    def __init__(self, database_url: str, data_dir: Path, **settings: Any) -> None:
        values: dict[str, Any] = {
            "database_url": database_url,
            "data_dir": str(data_dir),
            "access_key_id": ACCESS_KEY_ID,
            "secret_access_key": Secret(SECRET_ACCESS_KEY),
            "bcrypt_rounds": 4,
            "workers": 1,
            **settings,
        }
        self.server = werkzeug.serving.make_server("127.0.0.1", 0, _nothing, threaded=True, request_handler=_Quiet)
        self.port = self.server.server_port
        # A setting that has our port in it is given as a function of it.
        values = {name: value(self.port) if callable(value) else value for name, value in values.items()}
        self.settings: Settings = load(
            {}, **{"port": self.port, "public_url": f"http://localhost:{self.port}"} | values
        )
        self.app = create_app(self.settings, housekeeping=False)
        self.runtime: Runtime = self.app.extensions["poolhouse"]
        self.server.app = self.app
        self.url = self.settings.public_url
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()
        self.runtime.hashers.close()
        self.runtime.database.engine.dispose()

    def boto3(self, service: str = "cognito-idp", *, parameter_validation: bool = True) -> Any:
        """A client of the server as the administrator."""
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            config=botocore.config.Config(retries={"total_max_attempts": 1}, parameter_validation=parameter_validation),
        )

    def boto3_unchecked(self, service: str = "cognito-idp") -> Any:
        """The same without boto3's own checks of what it is given: for input that is meant to be wrong."""
        return self.boto3(service, parameter_validation=False)

    @cached_property
    def idp(self) -> Any:
        """The administrator's cognito-idp."""
        return self.boto3()

    def pool(self, **members: Any) -> PoolInWorld:
        """A new pool, with CreateUserPool's members."""
        name = members.pop("PoolName", f"pool {next(_names)}")
        return PoolInWorld(self, self.idp.create_user_pool(PoolName=name, **members)["UserPool"]["Id"])

    def mails(self, to: str) -> list[dict[str, Any]]:
        """What was sent to that address, oldest first."""
        outbox.deliver_due(self.runtime)
        with unit.open(self.runtime):
            return [dict(mail) for mail in mailbox.list() if mail["to"] == to]

    def code(self, to: str) -> str:
        """The newest code that was sent to that address."""
        found = re.search(r"\b[0-9]{6}\b", self.mails(to)[-1]["text"])
        assert found, f"no code was sent to {to}"
        return found[0]

    @contextmanager
    def counting(self) -> Iterator[Statements]:
        """Count the statements and commits that the server runs meanwhile."""
        counted = Statements()
        engine = self.runtime.database.engine

        def statement(conn: Any, cursor: Any, text: str, *rest: Any) -> None:
            counted.texts.append(text)

        def commit(conn: Any) -> None:
            if conn.get_execution_options().get("poolhouse_writing"):
                counted.commits += 1

        event.listen(engine, "before_cursor_execute", statement)
        event.listen(engine, "commit", commit)
        try:
            yield counted
        finally:
            event.remove(engine, "before_cursor_execute", statement)
            event.remove(engine, "commit", commit)


def _nothing(environ: Any, start_response: Any) -> list[bytes]:
    start_response("503 Service Unavailable", [])
    return [b""]


@dataclass
class PoolInWorld:
    """A user pool and what tests make in it."""

    world: World
    id: str

    @property
    def idp(self) -> Any:
        return self.world.idp

    @property
    def issuer(self) -> str:
        return f"{self.world.url}/{self.id}"

    def client(self, **members: Any) -> ClientInWorld:
        """A new app client, with CreateUserPoolClient's members; by default every flow of passwords."""
        members.setdefault("ClientName", f"client {next(_names)}")
        members.setdefault(
            "ExplicitAuthFlows",
            [
                "ALLOW_USER_PASSWORD_AUTH",
                "ALLOW_USER_SRP_AUTH",
                "ALLOW_ADMIN_USER_PASSWORD_AUTH",
                "ALLOW_REFRESH_TOKEN_AUTH",
            ],
        )
        made = self.idp.create_user_pool_client(UserPoolId=self.id, **members)["UserPoolClient"]
        return ClientInWorld(self, made["ClientId"], made.get("ClientSecret"))

    def totp(self, mode: str = "OPTIONAL") -> None:
        """Let TOTP be a second factor."""
        self.idp.set_user_pool_mfa_config(
            UserPoolId=self.id, SoftwareTokenMfaConfiguration={"Enabled": True}, MfaConfiguration=mode
        )

    def user(self, username: str | None = None, *, password: str = PASSWORD, **attributes: str) -> Person:
        """A confirmed user."""
        username = username or f"user{next(_names)}"
        given = [{"Name": name, "Value": value} for name, value in attributes.items()]
        made = self.idp.admin_create_user(
            UserPoolId=self.id, Username=username, UserAttributes=given, MessageAction="SUPPRESS"
        )["User"]
        self.idp.admin_set_user_password(UserPoolId=self.id, Username=username, Password=password, Permanent=True)
        sub = next(a["Value"] for a in made["Attributes"] if a["Name"] == "sub")
        return Person(self, username, password, sub)


@dataclass
class ClientInWorld:
    """An app client."""

    pool: PoolInWorld
    id: str
    secret: str | None

    def secret_hash(self, username: str) -> str | None:
        """SECRET_HASH for that name, None for a public client."""
        if self.secret is None:
            return None
        mac = hmac.digest(self.secret.encode(), (username + self.id).encode(), hashlib.sha256)
        return base64.b64encode(mac).decode()

    def sign_in(self, person: Person, **more: str) -> dict[str, Any]:
        """InitiateAuth by password: the whole answer."""
        parameters = {"USERNAME": person.username, "PASSWORD": person.password, **more}
        if self.secret is not None:
            parameters["SECRET_HASH"] = str(self.secret_hash(person.username))
        return dict(
            self.pool.idp.initiate_auth(ClientId=self.id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
        )

    def tokens(self, person: Person) -> dict[str, Any]:
        """AuthenticationResult of a sign-in by password."""
        return dict(self.sign_in(person)["AuthenticationResult"])


@dataclass
class Person:
    """A user and what they know."""

    pool: PoolInWorld
    username: str
    password: str
    sub: str
    totp_secret: str | None = None
    _step: int = 0

    def set_up_totp(self, client: ClientInWorld, *, enable: bool = True) -> None:
        """Associate an authenticator through the API."""
        idp, access = self.pool.idp, client.tokens(self)["AccessToken"]
        self.totp_secret = idp.associate_software_token(AccessToken=access)["SecretCode"]
        idp.verify_software_token(AccessToken=access, UserCode=self.totp_code())
        if enable:
            idp.set_user_mfa_preference(
                AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
            )

    def totp_code(self) -> str:
        """A code that was not used before: of the next step if that of now was."""
        assert self.totp_secret is not None
        step = max(int(time.time()) // 30, self._step + 1)
        self._step = step
        return pyotp.TOTP(self.totp_secret).at(step * 30)


@pytest.fixture(scope="session")
def _world(engine: str, databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(databases.make(engine), tmp_path_factory.mktemp("world"))
    yield world
    world.close()


@pytest.fixture
def world(_world: World) -> Iterator[World]:
    """A running server, once on each engine. Errors that the model does not declare, and answers it has no place for,
    fail the test that met them."""
    undeclared: list[str] = []
    registry.on_undeclared_error = lambda operation, name: undeclared.append(f"{operation.name}: {name}")
    registry.on_misshapen_answer = lambda operation, faults: undeclared.append(f"{operation.name}: {faults}")
    try:
        yield _world
    finally:
        registry.on_undeclared_error = registry.on_misshapen_answer = None
    assert not undeclared, f"not in the service model: {undeclared}"


@pytest.fixture
def idp(world: World) -> Any:
    """The administrator's boto3 client of the server."""
    return world.idp


@pytest.fixture
def pool(world: World) -> PoolInWorld:
    """A new pool with Cognito's defaults."""
    return world.pool()
