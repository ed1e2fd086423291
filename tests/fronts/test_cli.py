"""The command line as an operator uses it: every command, what it says, what it leaves behind, and its exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from tests import smtp_server
from tests.architecture.tree import ROOT

PROGRAM = str(Path(sys.executable).with_name("poolhouse"))
TOTAL = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Installation:
    """A data directory and the environment of whoever runs commands on it."""

    def __init__(self, directory: Path, database_url: str = "") -> None:
        self.data = directory / "data"
        self.port = free_port()
        self.environ = {
            "PATH": os.environ["PATH"],
            "POOLHOUSE_DATA_DIR": str(self.data),
            "POOLHOUSE_PORT": str(self.port),
            "POOLHOUSE_WORKERS": "1",
            "POOLHOUSE_BCRYPT_ROUNDS": "4",
            "POOLHOUSE_DATABASE_URL": database_url,
        }
        self.directory = directory

    def run(self, *arguments: str, given: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *arguments],
            env=self.environ | {f"POOLHOUSE_{name.upper()}": value for name, value in settings.items()},
            cwd=self.directory,
            input=given,
            capture_output=True,
            text=True,
            timeout=TOTAL,
            check=False,
        )

    def says(self, *arguments: str, **more: str) -> str:
        """What a command that succeeds prints."""
        done = self.run(*arguments, **more)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        return done.stdout

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.says("call", "cognito-idp", operation, json.dumps(members)))
        return answer

    @contextmanager
    def serving(self, *arguments: str, context: ssl.SSLContext | None = None) -> Iterator[subprocess.Popen[str]]:
        """The server as a process of its own, until the end or until it was stopped."""
        scheme = "https" if context else "http"
        process = subprocess.Popen(
            [PROGRAM, *(arguments or ("serve",))],
            env=self.environ,
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            self._wait(process, f"{scheme}://localhost:{self.port}/healthz", context)
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=TOTAL)

    def _wait(self, process: subprocess.Popen[str], url: str, context: ssl.SSLContext | None) -> None:
        deadline = time.monotonic() + TOTAL
        while True:
            try:
                urllib.request.urlopen(url, timeout=5, context=context).close()
                return
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline
                time.sleep(0.05)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation with the demo in it."""
    made = Installation(tmp_path_factory.mktemp("demo"))
    made.says("seed")
    return made


# --- init ------------------------------------------------------------------------------------------------------------


def test_init_makes_what_an_installation_needs_and_says_where(installation: Installation) -> None:
    said = installation.says("init")
    for part in (str(installation.data), "poolhouse.db", "master.key", "access key", "shown this once"):
        assert part in said
    assert stat.S_IMODE(installation.data.stat().st_mode) == 0o700
    assert stat.S_IMODE((installation.data / "master.key").stat().st_mode) == 0o600


def test_init_a_second_time_changes_nothing(installation: Installation) -> None:
    installation.says("init")
    key = (installation.data / "master.key").read_text()
    keys = installation.says("keys", "list")
    again = installation.says("init")
    assert "shown this once" not in again
    assert "new: keep a copy" not in again
    assert (installation.data / "master.key").read_text() == key
    assert installation.says("keys", "list") == keys


def test_init_uses_the_keys_that_the_settings_give(installation: Installation) -> None:
    master = "bWFzdGVyIGtleSBvZiB0aGlydHktdHdvIGJ5dGVzLi4="
    given = {"master_key": master, "access_key_id": "AKIAGIVEN", "secret_access_key": "given"}
    said = installation.says("init", **given)
    assert "POOLHOUSE_MASTER_KEY" in said
    assert "AKIAGIVEN" in said
    assert "shown this once" not in said
    assert not (installation.data / "master.key").exists()
    assert "given\n" not in said


def test_the_key_that_init_prints_signs_requests(installation: Installation) -> None:
    said = installation.says("init")
    key_id, secret = re.findall(r"(?:access key|secret) +(\S+)", said)[:2]
    with installation.serving():

        def client(secret: str) -> Any:
            url = f"http://localhost:{installation.port}"
            named = {"aws_access_key_id": key_id, "aws_secret_access_key": secret, "region_name": "us-east-1"}
            return boto3.client("cognito-idp", endpoint_url=url, **named)

        assert client(secret).list_user_pools(MaxResults=10)["UserPools"] == []
        with pytest.raises(ClientError, match="InvalidSignature"):
            client(secret[:-1] + "x").list_user_pools(MaxResults=10)


def test_init_works_on_either_engine(tmp_path: Path, fresh_database_url: str) -> None:
    installation = Installation(tmp_path, fresh_database_url)
    assert "access key" in installation.says("init")
    assert installation.call("ListUserPools", MaxResults=10) == {"UserPools": []}


# --- serve -----------------------------------------------------------------------------------------------------------


def test_ctrl_c_ends_it_cleanly_and_the_data_is_still_there(installation: Installation) -> None:
    installation.says("init")
    for round_ in range(2):
        with installation.serving() as server:
            pools = installation.call("ListUserPools", MaxResults=10)["UserPools"]
            assert len(pools) == round_
            installation.call("CreateUserPool", PoolName="kept")
            server.send_signal(signal.SIGINT)
            said = server.communicate(timeout=TOTAL)[0]
            assert server.returncode == 0
            assert "Traceback" not in said


def test_wrong_settings_are_all_named_with_their_cure(installation: Installation) -> None:
    wrong = {"port": "http", "bcrypt_rounds": "99", "signing": "accept", "host": "0.0.0.0", "master_key": "short"}
    done = installation.run("serve", colour="red", **wrong)
    assert done.returncode == 2
    assert done.stdout == ""
    for name in ("PORT", "BCRYPT_ROUNDS", "SIGNING", "MASTER_KEY", "COLOUR"):
        assert f"POOLHOUSE_{name}:" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"database_url": "postgresql://nobody@127.0.0.1:1/none"}, "POOLHOUSE_DATABASE_URL"),
        ({"data_dir": "/proc/nothing/here"}, "POOLHOUSE_DATA_DIR"),
        ({"database_url": "sqlite:////proc/nothing.db"}, "POOLHOUSE_DA"),
    ],
)
def test_what_cannot_be_reached_is_named(installation: Installation, settings: dict[str, str], named: str) -> None:
    done = installation.run("serve", **settings)
    assert (done.returncode, named in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr


def test_a_wrong_master_key_is_told_before_anything_listens(installation: Installation) -> None:
    installation.says("init")
    (installation.data / "master.key").unlink()
    done = installation.run("serve")
    assert done.returncode == 2
    assert "put the former key back" in done.stderr
    assert not (installation.data / "master.key").exists()


def test_a_database_from_a_newer_version_is_told(installation: Installation) -> None:
    import sqlite3

    installation.says("init")
    with sqlite3.connect(installation.data / "poolhouse.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    done = installation.run("serve")
    assert (done.returncode, "9999" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_a_port_that_is_taken_is_told(installation: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", installation.port))
        taken.listen()
        done = installation.run("serve")
    assert (done.returncode, "POOLHOUSE_PORT" in done.stderr) == (2, True)


def test_a_second_server_does_not_share_the_port_of_the_first(installation: Installation) -> None:
    with installation.serving():
        done = installation.run("serve")
        assert (done.returncode, "POOLHOUSE_PORT" in done.stderr) == (2, True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process that its parent died")
def test_workers_do_not_outlive_a_server_that_was_killed(installation: Installation) -> None:
    with installation.serving() as server:
        server.kill()
        server.communicate(timeout=TOTAL)  # the workers share its output: this waits for them, too
    with installation.serving():
        assert requests.get(f"http://localhost:{installation.port}/healthz", timeout=10).status_code == 200


def test_gunicorn_serves_as_well(installation: Installation) -> None:
    installation.says("init")
    with installation.serving("serve", "--server", "gunicorn") as server:
        assert requests.get(f"http://localhost:{installation.port}/healthz", timeout=10).text == "ok\n"
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=TOTAL)
        assert server.returncode == 0


def test_options_of_the_command_line_come_before_the_environment(installation: Installation) -> None:
    installation.port = free_port()
    with installation.serving("serve", "--port", str(installation.port), "--workers", "2"):
        assert requests.get(f"http://localhost:{installation.port}/healthz", timeout=10).status_code == 200


# --- demo and seed ---------------------------------------------------------------------------------------------------


def test_the_demo_works_as_it_says(installation: Installation) -> None:
    with installation.serving("demo") as server:
        known = json.loads((installation.data / "demo.json").read_text())
        discovery = requests.get(known["issuer"] + "/.well-known/openid-configuration", timeout=10).json()
        assert discovery["issuer"] == known["issuer"]
        idp = boto3.client(
            "cognito-idp",
            endpoint_url=known["endpoint"],
            region_name=known["region"],
            aws_access_key_id=known["access_key_id"],
            aws_secret_access_key=known["secret_access_key"],
        )
        auth = {"USERNAME": known["username"], "PASSWORD": known["password"]}
        signed_in = idp.initiate_auth(
            ClientId=known["spa_client_id"], AuthFlow="USER_PASSWORD_AUTH", AuthParameters=auth
        )
        assert signed_in["AuthenticationResult"]["TokenType"] == "Bearer"
        groups = idp.admin_list_groups_for_user(UserPoolId=known["user_pool_id"], Username=known["username"])
        assert [group["GroupName"] for group in groups["Groups"]] == [known["group"]]
        machine = requests.post(
            discovery["token_endpoint"],
            data={"grant_type": "client_credentials", "scope": f"{known['resource_server']}/read"},
            auth=(known["machine_client_id"], known["machine_client_secret"]),
            timeout=10,
        ).json()
        introspected = requests.post(
            discovery["introspection_endpoint"],
            data={"token": machine["access_token"]},
            auth=(known["api_client_id"], known["api_client_secret"]),
            timeout=10,
        ).json()
        assert (introspected["active"], introspected["scope"]) == (True, "notes/read")
        server.send_signal(signal.SIGINT)
        said = server.communicate(timeout=TOTAL)[0]
    for part in ("password", "aws cognito-idp", "boto3.client", known["issuer"], known["password"], "/dev/mailbox"):
        assert part in said


def test_the_lines_that_the_demo_prints_can_be_pasted(demo: Installation) -> None:
    said = demo.says("seed")
    with demo.serving("demo"):
        exports = re.findall(r"^ +(export .+)$", said, re.MULTILINE)
        (command,) = re.findall(r"^ +(aws .+)$", said, re.MULTILINE)
        script = "\n".join([*exports, command])
        environ = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "AWS_PAGER": "",
            "HOME": "/nonexistent",
        }
        done = subprocess.run(
            ["/bin/sh", "-ec", script], env=environ, capture_output=True, text=True, timeout=TOTAL, check=False
        )
        assert "ann@example.com" in done.stdout, done.stderr
        snippet = "\n".join(
            line[2:]
            for line in said.splitlines()
            if line.startswith(("  import boto3", "  idp =", "  print(", '      "U'))
        )
        keys = dict(pair.split("=", 1) for line in exports for pair in line.removeprefix("export ").split())
        done = subprocess.run(
            [sys.executable, "-c", snippet],
            env=environ | keys,
            capture_output=True,
            text=True,
            timeout=TOTAL,
            check=False,
        )
        assert "AccessToken" in done.stdout, done.stderr


def test_a_demo_is_made_once(demo: Installation) -> None:
    before = json.loads((demo.data / "demo.json").read_text())
    demo.says("seed")
    assert json.loads((demo.data / "demo.json").read_text()) == before
    assert len(demo.call("ListUserPools", MaxResults=10)["UserPools"]) == 1
    assert stat.S_IMODE((demo.data / "demo.json").stat().st_mode) == 0o600


def test_the_demo_by_https_has_a_certificate_for_this_machine(demo: Installation) -> None:
    process = subprocess.Popen(
        [PROGRAM, "demo", "--tls"], env=demo.environ, cwd=demo.directory, stdout=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + TOTAL
        while not (demo.data / "localhost.pem").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        demo._wait(process, f"https://127.0.0.1:{demo.port}/healthz", _trusting(demo))
        known = json.loads((demo.data / "demo.json").read_text())
        assert known["issuer"].startswith(f"https://localhost:{demo.port}/")
        url = known["issuer"] + "/.well-known/openid-configuration"
        with urllib.request.urlopen(url, context=_trusting(demo)) as answer:
            assert json.load(answer)["issuer"] == known["issuer"]
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(url, context=ssl.create_default_context())
    finally:
        process.terminate()
        process.communicate(timeout=TOTAL)
    assert stat.S_IMODE((demo.data / "localhost-key.pem").stat().st_mode) == 0o600


def _trusting(demo: Installation) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(demo.data / "localhost.pem"))


# --- call ------------------------------------------------------------------------------------------------------------


def test_call_performs_an_operation(demo: Installation) -> None:
    pool = json.loads((demo.data / "demo.json").read_text())["user_pool_id"]
    assert demo.call("DescribeUserPool", UserPoolId=pool)["UserPool"]["Name"] == "Demo"
    (demo.directory / "input.json").write_text('{"MaxResults": 1}')
    for given, text in (("@input.json", ""), ("-", '{"MaxResults": 1}')):
        assert pool in demo.says("call", "cognito-idp", "ListUserPools", given, given=text)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("cognito-idp", "DescribeUserPool", '{"UserPoolId": "us-east-1_none"}'), 1, "ResourceNotFoundException: "),
        (("cognito-idp", "NoSuchOperation"), 1, "UnknownOperationException: "),
        (("cognito-idp", "ListUserPools", '{"MaxResults": 1000}'), 1, "InvalidParameterException: "),
        (("cognito-idp", "CreateUserImportJob", "{}"), 1, "OperationNotImplementedException: "),
        (("nothing", "ListUserPools"), 1, "UnknownOperationException: "),
        (("cognito-idp", "ListUserPools", "{"), 2, "cannot be read"),
        (("cognito-idp", "ListUserPools", "[]"), 2, "JSON object"),
        (("cognito-idp", "ListUserPools", "@nothing"), 2, "cannot be read"),
    ],
)
def test_call_says_why_not(demo: Installation, arguments: tuple[str, ...], code: int, sentence: str) -> None:
    done = demo.run("call", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


# --- keys ------------------------------------------------------------------------------------------------------------


def test_access_keys_are_made_disabled_enabled_and_deleted(installation: Installation) -> None:
    (key,) = re.findall(r"access key +(\S+)", installation.says("keys", "create", "ann"))
    assert re.search(rf"{key} +ann +active", installation.says("keys", "list"))
    installation.says("keys", "disable", key)
    assert re.search(rf"{key} +ann +disabled", installation.says("keys", "list"))
    installation.says("keys", "enable", key)
    installation.says("keys", "delete", key)
    assert installation.says("keys", "list") == ""
    done = installation.run("keys", "delete", key)
    assert (done.returncode, key in done.stderr) == (1, True)


def test_signing_keys_are_rotated_with_overlap(demo: Installation) -> None:
    pool = json.loads((demo.data / "demo.json").read_text())["user_pool_id"]
    before = demo.says("keys", "list", pool)
    assert (before.count(" id "), before.count(" access ")) == (1, 1)
    (kid,) = re.findall(r"^(\S+) +id +is published", demo.says("keys", "rotate", pool, "--purpose", "id"), re.MULTILINE)
    after = demo.says("keys", "list", pool)
    assert after.count(" id ") == 2
    assert re.search(re.escape(kid) + r" +id +RS256 +signs from", after)
    done = demo.run("keys", "list", "us-east-1_none")
    assert (done.returncode, "does not exist" in done.stderr) == (1, True)


def test_the_master_key_is_rotated_and_everything_still_opens(tmp_path: Path) -> None:
    demo = Installation(tmp_path)
    demo.says("seed")
    old = (demo.data / "master.key").read_text()
    said = demo.says("keys", "rotate-master")
    assert "sealed anew" in said
    assert (demo.data / "master.key").read_text() != old
    assert (demo.data / "master.key.previous").read_text() == old
    (demo.data / "master.key.previous").unlink()  # nothing needs the old one any more
    known = json.loads((demo.data / "demo.json").read_text())
    described = demo.call("DescribeUserPoolClient", UserPoolId=known["user_pool_id"], ClientId=known["web_client_id"])
    assert described["UserPoolClient"]["ClientSecret"] == known["web_client_secret"]
    assert "present master key" in demo.says("keys", "reseal")


def test_a_master_key_from_the_settings_is_not_rotated_behind_their_back(installation: Installation) -> None:
    key = "bWFzdGVyIGtleSBvZiB0aGlydHktdHdvIGJ5dGVzLi4="
    done = installation.run("keys", "rotate-master", master_key=key)
    assert (done.returncode, "POOLHOUSE_MASTER_KEY_PREVIOUS" in done.stdout) == (1, True)


# --- doctor and docs -------------------------------------------------------------------------------------------------


def test_the_doctor_finds_a_sound_installation_sound(installation: Installation) -> None:
    installation.says("init")
    said = installation.says("doctor")
    assert "fault" not in said
    for name in ("settings", "data", "database", "master key", "clock", "callers", "mail", "tls", "saml"):
        assert re.search(rf"^(ok|advice) +{name}\b", said, re.MULTILINE), said


def test_the_doctor_looks_whether_the_libraries_of_saml_fit_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from poolhouse.cli import doctor
    from poolhouse.saml import second_lock

    assert "python3-saml" in doctor._saml()
    monkeypatch.setitem(sys.modules, "onelogin.saml2.response", None)
    second_lock._library.cache_clear()
    try:
        with pytest.raises(doctor.Fault, match="install lxml, xmlsec and python3-saml anew"):
            doctor._saml()
    finally:
        second_lock._library.cache_clear()


def test_the_doctor_makes_nothing_by_looking(installation: Installation) -> None:
    done = installation.run("doctor")
    assert done.returncode == 1
    assert "poolhouse init" in done.stdout
    assert not installation.data.exists()


def test_the_doctor_names_each_fault_and_its_cure(installation: Installation) -> None:
    installation.says("init")
    (installation.data / "master.key").chmod(0o644)
    bad = {"host": "0.0.0.0", "smtp_url": "smtp://127.0.0.1:1", "dev_mailbox": "false"}
    done = installation.run("doctor", **bad)
    assert done.returncode == 1
    for fault in ("chmod 600", "POOLHOUSE_SMTP_URL", "POOLHOUSE_TLS_CERT"):
        assert fault in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_doctor_finds_a_wrong_key_a_strange_database_and_broken_certificates(installation: Installation) -> None:
    installation.says("init")
    wrong = installation.run("doctor", master_key="bWFzdGVyIGtleSBvZiB0aGlydHktdHdvIGJ5dGVzLi4=")
    assert (wrong.returncode, "sealed with" in wrong.stdout) == (1, True)
    gone = installation.run("doctor", database_url="postgresql://nobody@127.0.0.1:1/none")
    assert (gone.returncode, "POOLHOUSE_DATABASE_URL" in gone.stdout) == (1, True)
    (installation.directory / "broken.pem").write_text("nothing")
    broken = {"tls_cert": "broken.pem", "tls_key": "broken.pem"}
    tls = installation.run("doctor", **broken)
    assert (tls.returncode, "belong together" in tls.stdout) == (1, True)


def test_the_doctor_asks_the_mail_server(installation: Installation) -> None:
    installation.says("init")
    with smtp_server.running() as sink:
        said = installation.says("doctor", smtp_url=f"smtp://127.0.0.1:{sink.port}")
        assert re.search(r"^ok +mail", said, re.MULTILINE)
        assert sink.sessions == 1
        assert sink.mails == []


def test_docs_name_every_setting_and_every_operation(installation: Installation) -> None:
    from poolhouse import settings

    said = installation.says("docs", "settings")
    assert all(f"POOLHOUSE_{name.upper()}" in said for name, _, _ in settings.describe())
    said = installation.says("docs", "operations")
    assert re.search(r"^ +works +SignUp$", said, re.MULTILINE)
    assert re.search(r"^ +501 +CreateUserImportJob$", said, re.MULTILINE)


def test_a_command_that_is_none_is_told_with_those_that_are() -> None:
    done = subprocess.run([PROGRAM, "dance"], capture_output=True, text=True, timeout=TOTAL, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert all(name in done.stderr for name in ("init", "serve", "seed", "keys", "call", "doctor", "demo", "docs"))
