"""A server killed in the middle of its work loses nothing that it acknowledged, and lets nothing be used twice.

``POOLHOUSE_TEST_KILLS=50`` kills it fifty times; the ordinary run does so five times on each engine.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fronts.test_cli import free_port

KILLS = int(os.environ.get("POOLHOUSE_TEST_KILLS", "5"))
LIVES = 6
PASSWORD, NEW_PASSWORD = "Corr3ct-Horse!", "Br4nd-new-word!"
PROGRAM = str(Path(sys.executable).with_name("poolhouse"))
# Believed where POOLHOUSE_SIGNING is "accept": signatures are not what this is about.
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIALOCAL/20260101/us-east-1/cognito-idp/aws4_request, "
    f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
)
_REFUSED = {"NotAuthorizedException", "CodeMismatchException", "ExpiredCodeException", "RefreshTokenReuseException"}


class Lost(Exception):
    """No whole answer came: whether it was done, nobody outside can know."""


@dataclass
class Server:
    """A server that is killed and started again on the same data."""

    environ: dict[str, str]
    port: int
    process: subprocess.Popen[bytes] | None = None
    output: Path = Path()

    def start(self) -> None:
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [PROGRAM, "serve"], env=self.environ, stdout=output, stderr=output, start_new_session=True
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                self.get("/healthz")
                return
            except Lost:
                alive = self.process.poll() is None and time.monotonic() < deadline
                assert alive, self.output.read_text(errors="replace")[-4000:]
                time.sleep(0.03)

    def kill(self) -> None:
        """SIGKILL for the process that serves and all its workers, at the same moment."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)

    def get(self, path: str) -> bytes:
        return self._ask("GET", path, b"", {})[1]

    def call(self, operation: str, **members: Any) -> tuple[dict[str, Any] | None, str]:
        """The answer and "", or None and the name of the error. Raises Lost."""
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
            "Authorization": SIGNED,
        }
        status, body = self._ask("POST", "/", json.dumps(members).encode(), headers)
        answer = json.loads(body)
        assert status < 500, f"{operation}: {status} {body!r}"
        return (answer, "") if status == 200 else (None, str(answer["__type"]))

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Lost from error
        finally:
            connection.close()


@dataclass
class Person:
    """What was acknowledged to somebody, and what was asked for without an answer."""

    name: str
    signed_up: bool = False
    confirmed: bool = False
    code: str = ""
    reset_code: str = ""
    password: str = PASSWORD
    refresh: str = ""  # the newest refresh token that was handed out
    spent: list[str] = field(default_factory=list)  # those whose exchange was acknowledged
    in_doubt: set[str] = field(default_factory=set)  # operations without an answer

    @property
    def email(self) -> str:
        return f"{self.name}@example.com"


class Load:
    """People who sign up, confirm, refresh and reset their passwords, with everything sent twice at once."""

    def __init__(self, server: Server, client_id: str) -> None:
        self.server, self.client_id = server, client_id
        self.people: list[Person] = []
        self.uses: Counter[str] = Counter()  # acknowledged uses of whatever may be used once
        self.faults: list[BaseException] = []
        self._names = itertools.count()
        self._stop = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        self._stop.clear()
        threads = [threading.Thread(target=self._live) for _ in range(LIVES)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
        if self.faults:
            raise self.faults[0]

    def wait_for_refreshes(self, since: int) -> None:
        """Until somebody of this round has refreshed, however slow the machine: every death is to meet all kinds."""
        deadline = time.monotonic() + 30
        while not self.faults and not any(person.spent for person in self.people[since:]):
            assert time.monotonic() < deadline, "nobody came as far as a refresh"
            time.sleep(0.02)

    def _live(self) -> None:
        with ThreadPoolExecutor(2) as twice:
            while not self._stop.is_set():
                person = Person(f"p{next(self._names)}")
                try:
                    self._one_life(person, twice)
                except Lost:
                    return  # the server is gone, and this person was where it was
                except BaseException as fault:
                    self.faults.append(fault)
                    return

    def _one_life(self, person: Person, twice: ThreadPoolExecutor) -> None:
        mail = [{"Name": "email", "Value": person.email}]
        self.people.append(person)
        self._done(person, "SignUp", Username=person.name, Password=PASSWORD, UserAttributes=mail)
        person.signed_up = True
        person.code = self._mailed(person, 1)
        self._race(twice, person, "ConfirmSignUp", person.code, Username=person.name, ConfirmationCode=person.code)
        person.confirmed = True
        auth = {"USERNAME": person.name, "PASSWORD": PASSWORD}
        signed_in = self._done(person, "InitiateAuth", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=auth)
        person.refresh = signed_in["AuthenticationResult"]["RefreshToken"]
        for _ in range(4):
            self._exchange(person)
        other = self._done(person, "InitiateAuth", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=auth)
        token = other["AuthenticationResult"]["RefreshToken"]  # of a family of its own, which the race may end
        self._race(twice, person, "GetTokensFromRefreshToken", token, RefreshToken=token)
        self._done(person, "ForgotPassword", Username=person.name)
        person.reset_code = code = self._mailed(person, 2)
        new = {"Username": person.name, "ConfirmationCode": code, "Password": NEW_PASSWORD}
        self._race(twice, person, "ConfirmForgotPassword", code, **new)
        person.password = NEW_PASSWORD

    def _exchange(self, person: Person) -> None:
        old = person.refresh
        new = self._done(person, "GetTokensFromRefreshToken", RefreshToken=old)["AuthenticationResult"]
        self.uses[f"{person.name}/{old}"] += 1
        person.spent.append(old)
        person.refresh = new["RefreshToken"]

    def _done(self, person: Person, operation: str, **members: Any) -> dict[str, Any]:
        """An operation that is to succeed; in doubt while there is no answer."""
        person.in_doubt.add(operation)
        answer, error = self.server.call(operation, ClientId=self.client_id, **members)
        assert answer is not None, f"{operation}: {error}"
        person.in_doubt.discard(operation)
        return answer

    def _race(self, twice: ThreadPoolExecutor, person: Person, operation: str, secret: str, **members: Any) -> None:
        """The same request twice at once: one of them is to succeed, if both are answered."""
        person.in_doubt.add(operation)
        asked = [twice.submit(self.server.call, operation, ClientId=self.client_id, **members) for _ in range(2)]
        done, lost = 0, False
        for answer in asked:
            try:
                result, error = answer.result()
            except Lost:
                lost = True
                continue
            assert result is not None or error in _REFUSED, f"{operation}: {error}"
            done += result is not None
        self.uses[f"{person.name}/{secret}"] += done
        if lost:
            raise Lost
        assert done == 1, f"{operation} was acknowledged {done} times"
        person.in_doubt.discard(operation)

    def _mailed(self, person: Person, number: int) -> str:
        """The code in the person's mail of that number; what a dying server did not send, the next one does."""
        while True:
            mails = [mail for mail in json.loads(self.server.get("/dev/mailbox.json")) if mail["to"] == person.email]
            if len(mails) >= number:
                found = re.search(r"\b[0-9]{6}\b", mails[number - 1]["text"])
                assert found
                return found[0]
            time.sleep(0.05)

    # --- after the server came back ---

    def check(self, person: Person, pool_id: str) -> None:
        """What was acknowledged is there, and what was used once is not taken again."""
        known = self._user(person, pool_id)
        if person.signed_up:
            assert known is not None, f"{person.name}: an acknowledged sign-up is lost"
        if known is None:
            return
        if person.confirmed:
            assert known["UserStatus"] == "CONFIRMED", f"{person.name}: an acknowledged confirmation is lost"
        if person.code and (person.confirmed or "ConfirmSignUp" in person.in_doubt):
            again = {"Username": person.name, "ConfirmationCode": person.code}
            self._use_again(person, person.code, person.confirmed, "ConfirmSignUp", **again)
        if person.reset_code:
            new = {"Username": person.name, "ConfirmationCode": person.reset_code, "Password": NEW_PASSWORD}
            acknowledged = person.password == NEW_PASSWORD
            self._use_again(person, person.reset_code, acknowledged, "ConfirmForgotPassword", **new)
        if person.confirmed and not person.in_doubt & {"ForgotPassword", "ConfirmForgotPassword"}:
            auth = {"USERNAME": person.name, "PASSWORD": person.password}
            answer, error = self.server.call(
                "InitiateAuth", ClientId=self.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=auth
            )
            assert answer is not None, f"{person.name}: an acknowledged password is lost: {error}"
        self._check_refresh(person)

    def _check_refresh(self, person: Person) -> None:
        if not person.refresh:
            return
        # A password that was reset ends every session: whether it was, is in doubt where no answer came.
        ended = bool(person.reset_code)
        if not ended and "GetTokensFromRefreshToken" not in person.in_doubt:
            answer, error = self.server.call(
                "GetTokensFromRefreshToken", ClientId=self.client_id, RefreshToken=person.refresh
            )
            assert answer is not None, f"{person.name}: the newest refresh token is lost: {error}"
            person.spent.append(person.refresh)
            self.uses[f"{person.name}/{person.refresh}"] += 1
        for token in person.spent:
            answer, error = self.server.call("GetTokensFromRefreshToken", ClientId=self.client_id, RefreshToken=token)
            assert answer is None, f"{person.name}: a refresh token was exchanged twice"
            assert error in _REFUSED, error
        person.refresh = ""

    def _use_again(self, person: Person, secret: str, acknowledged: bool, operation: str, **members: Any) -> None:
        answer, error = self.server.call(operation, ClientId=self.client_id, **members)
        self.uses[f"{person.name}/{secret}"] += answer is not None
        assert answer is not None or error in _REFUSED, f"{operation}: {error}"
        assert not (acknowledged and answer is not None), f"{person.name}: {operation} took a code twice"
        if answer is not None and operation == "ConfirmSignUp":
            person.confirmed = True
        if answer is not None and operation == "ConfirmForgotPassword":
            person.password = NEW_PASSWORD

    def _user(self, person: Person, pool_id: str) -> dict[str, Any] | None:
        answer, error = self.server.call("AdminGetUser", UserPoolId=pool_id, Username=person.name)
        assert answer is not None or error == "UserNotFoundException", error
        return answer


@pytest.fixture
def server(fresh_database_url: str, tmp_path: Path) -> Iterator[Server]:
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "POOLHOUSE_DATABASE_URL": fresh_database_url,
        "POOLHOUSE_DATA_DIR": str(tmp_path / "data"),
        "POOLHOUSE_PORT": str(port),
        "POOLHOUSE_WORKERS": "2",
        "POOLHOUSE_BCRYPT_ROUNDS": "4",
        "POOLHOUSE_SIGNING": "accept",
        "POOLHOUSE_LOG_LEVEL": "warning",
    }
    made = Server(environ, port, output=tmp_path / "output")
    made.start()
    yield made
    made.kill()


def _signed(server: Server, operation: str, **members: Any) -> dict[str, Any]:
    answer, error = server.call(operation, **members)
    assert answer is not None, error
    return answer


def _prepare(server: Server) -> tuple[str, str]:
    """A pool that mails codes, and a client that rotates refresh tokens without grace."""
    pool = _signed(server, "CreateUserPool", PoolName="durable", AutoVerifiedAttributes=["email"])["UserPool"]["Id"]
    client = _signed(
        server,
        "CreateUserPoolClient",
        UserPoolId=pool,
        ClientName="app",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
        RefreshTokenRotation={"Feature": "ENABLED", "RetryGracePeriodSeconds": 0},
    )
    return pool, client["UserPoolClient"]["ClientId"]


@pytest.mark.live
@pytest.mark.slow
def test_a_killed_server_loses_nothing_and_lets_nothing_be_used_twice(server: Server) -> None:
    seed = int(os.environ.get("POOLHOUSE_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"POOLHOUSE_TEST_SEED={seed} repeats these moments of death")
    chance = random.Random(seed)
    pool_id, client_id = _prepare(server)
    load = Load(server, client_id)
    checked = 0
    for _ in range(KILLS):
        with load.running():
            load.wait_for_refreshes(checked)
            time.sleep(chance.uniform(0.0, 1.2))
            server.kill()
        server.start()
        with ThreadPoolExecutor(4) as checkers:
            list(checkers.map(lambda person: load.check(person, pool_id), load.people[checked:]))
        checked = len(load.people)
    with ThreadPoolExecutor(4) as checkers:  # nothing that outlived one death was lost by a later one
        found = list(checkers.map(lambda person: load._user(person, pool_id), load.people))
    lost = [p.name for p, user in zip(load.people, found, strict=True) if p.signed_up and user is None]
    assert lost == []
    assert {secret: count for secret, count in load.uses.items() if count > 1} == {}
    progress = Counter(
        step for p in load.people for step in ("signed_up", "confirmed", "spent", "reset_code") if getattr(p, step)
    )
    print(f"{KILLS} deaths: {dict(progress)}, {len(load.uses)} codes and tokens used")
    assert min(progress[step] for step in ("signed_up", "confirmed", "spent")) >= KILLS
    assert progress["reset_code"]
