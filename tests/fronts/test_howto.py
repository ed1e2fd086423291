"""The how-tos work as they are written: their commands are read from the page and run, their Python too."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from poolhouse.access.caller import operator
from poolhouse.api import model
from poolhouse.api.perform import perform
from poolhouse.core import unit
from poolhouse.federation import catalogue, provider_rules
from poolhouse.saml import keys as saml_keys
from poolhouse.saml import metadata
from poolhouse.user_pools import lookup
from tests.architecture.tree import ROOT, read
from tests.conftest import Databases
from tests.fronts.test_cli import Installation
from tests.oidc import Browser, api, machine
from tests.saml import attack_idp
from tests.world import World

HOWTO = ROOT / "docs" / "howto"
POOL = "us-east-1_AbCdEfGhI"  # what pages call a pool


def blocks(page: str, language: str = "") -> list[str]:
    """The fenced blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", read(HOWTO / page), re.MULTILINE | re.DOTALL)


def calls(page: str) -> list[tuple[str, dict[str, Any]]]:
    """Every `poolhouse call` of a page, with its members."""
    found = []
    for block in blocks(page):
        for name, members in re.findall(r"poolhouse call cognito-idp (\w+) '(\{.*?\})'", block, re.DOTALL):
            found.append((name, json.loads(members)))
    return found


@pytest.fixture
def world(databases: Databases, tmp_path: Path) -> Iterator[World]:
    world = World(databases.make("sqlite"), tmp_path)
    yield world
    world.close()


def performed(world: World, page: str, **ids: str) -> list[dict[str, Any]]:
    """What the calls of a page answer, with a pool of ours in place of the page's."""
    answers = []
    for name, members in calls(page):
        given = {key: ids.get(key, value) for key, value in members.items()}
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        answers.append(getattr(world.idp, snake)(**given))
    return answers


def test_a_web_app_written_as_the_page_says_signs_people_in(world: World) -> None:
    pool = world.pool()
    ann = pool.user("ann", email="ann@example.com", email_verified="true")
    (made,) = performed(world, "web-app.md", UserPoolId=pool.id)
    client = made["UserPoolClient"]
    (source,) = blocks("web-app.md", "python")
    source = source.replace(f"http://localhost:8080/{POOL}", f"http://localhost:{world.port}/{pool.id}")
    source = source.replace("<client id>", client["ClientId"]).replace("<client secret>", client["ClientSecret"])
    names: dict[str, Any] = {"__name__": "app"}
    exec(compile(source, "web-app.md", "exec"), names)
    visitor, browser = names["app"].test_client(), Browser(world)
    assert visitor.get("/").headers["Location"] == "/login"
    browser.go(visitor.get("/login").headers["Location"])
    page = browser.sign_in(ann)
    assert page.url.startswith("http://localhost:5000/callback?")
    parts = urlsplit(page.url)
    assert visitor.get(f"{parts.path}?{parts.query}").headers["Location"] == "/"
    assert visitor.get("/").get_data(as_text=True) == "Hello ann@example.com"
    out = f"{world.url}/{pool.id}/logout?client_id={client['ClientId']}&logout_uri=http://localhost:5000/"
    assert browser.go(out).url == "http://localhost:5000/"


def test_an_api_written_as_the_page_says_knows_its_scopes(world: World) -> None:
    jwt = pytest.importorskip("jwt")
    pool = world.pool()
    server, job, asker = performed(world, "resource-servers.md", UserPoolId=pool.id)
    assert server["ResourceServer"]["Identifier"] == "notes"
    issuer, job, asker = pool.issuer, job["UserPoolClient"], asker["UserPoolClient"]
    asked = {"grant_type": "client_credentials", "scope": "notes/read"}
    secret = (job["ClientId"], job["ClientSecret"])
    token = requests.post(f"{issuer}/oauth2/token", asked, auth=secret, timeout=10).json()["access_token"]
    by = (asker["ClientId"], asker["ClientSecret"])
    told = requests.post(f"{issuer}/oauth2/introspect", {"token": token}, auth=by, timeout=10).json()
    assert (told["active"], told["scope"]) == (True, "notes/read")
    names: dict[str, Any] = {"ISSUER": issuer}
    (source,) = blocks("resource-servers.md", "python")
    exec(compile(source, "resource-servers.md", "exec"), names)
    assert names["scopes"](token) == {"notes/read"}
    other = world.pool()
    elsewhere = machine(other, api(other)).token(grant_type="client_credentials").get_json()["access_token"]
    with pytest.raises(jwt.PyJWTError):
        names["scopes"](elsewhere)


def test_people_are_moved_as_the_page_says(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, ours = world.pool(), world.pool(AutoVerifiedAttributes=["email"])
    client = ours.client()
    theirs.user("ann", email="moved@example.com", email_verified="true")
    (source,) = blocks("moving-from-cognito.md", "python")
    source = source.replace("us-east-1_theirs", theirs.id).replace("us-east-1_ours", ours.id)
    monkeypatch.setattr(boto3, "client", lambda *_, **__: world.idp)
    exec(compile(source, "moving-from-cognito.md", "exec"), {})
    world.idp.forgot_password(ClientId=client.id, Username="ann")
    code = world.code("moved@example.com")
    given = {"ClientId": client.id, "Username": "ann", "ConfirmationCode": code, "Password": "N3w-and-long!"}
    world.idp.confirm_forgot_password(**given)
    ann = SimpleNamespace(username="ann", password="N3w-and-long!")
    assert client.tokens(ann)  # type: ignore[arg-type]


def test_secrets_of_clients_are_changed_as_the_page_says(world: World) -> None:
    pool = world.pool()
    client = pool.client(GenerateSecret=True)
    names = [name for name, _ in calls("key-rotation.md")]
    assert names == ["AddUserPoolClientSecret", "ListUserPoolClientSecrets", "DeleteUserPoolClientSecret"]
    scope = {"UserPoolId": pool.id, "ClientId": client.id}
    added = world.idp.add_user_pool_client_secret(**scope)["ClientSecretDescriptor"]
    listed = world.idp.list_user_pool_client_secrets(**scope)["ClientSecrets"]
    former = next(s["ClientSecretId"] for s in listed if s["ClientSecretId"] != added["ClientSecretId"])
    world.idp.delete_user_pool_client_secret(**scope, ClientSecretId=former)


def test_the_clients_of_aws_find_us_by_their_own_variable(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    page = read(HOWTO / "moving-from-cognito.md")
    (variable,) = re.findall(r"export (AWS_ENDPOINT_URL_\w+)=", page)
    monkeypatch.setenv(variable, f"http://localhost:{world.port}")
    key = world.idp._get_credentials()
    found = boto3.client(
        "cognito-idp", region_name="us-east-1", aws_access_key_id=key.access_key, aws_secret_access_key=key.secret_key
    )
    assert found.list_user_pools(MaxResults=1)["UserPools"] == []


def test_roles_are_made_taken_on_and_explained_as_the_page_says(world: World, tmp_path: Path) -> None:
    pool = world.pool()
    client, ann = pool.client(), pool.user("ann")
    page = "\n".join(blocks("roles.md"))
    assert page.count("aws ") >= 4
    for placeholder, ours in {
        "http://localhost:8080": f"http://localhost:{world.port}",
        POOL: pool.id,
        '"CLIENT_ID"': f'"{client.id}"',
    }.items():
        assert placeholder in page
        page = page.replace(placeholder, ours)
    (inline,) = re.findall(r"`(aws iam create-open-id-connect-provider [^`]+)`", read(HOWTO / "roles.md"))
    key = world.idp._get_credentials()
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": key.access_key,
        "AWS_SECRET_ACCESS_KEY": key.secret_key,
        "AWS_PAGER": "",
        "AWS_EC2_METADATA_DISABLED": "true",
        "ID_TOKEN": client.tokens(ann)["IdToken"],
        "POOLHOUSE_DATABASE_URL": world.settings.database_url,
        "POOLHOUSE_DATA_DIR": str(world.settings.data_dir),
    }
    (tmp_path / "metadata.xml").write_bytes(attack_idp.metadata())
    script = f"set -e\n{page}\n{inline}\n"
    ran = subprocess.run(["bash"], input=script, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr[-2000:] + ran.stdout[-2000:]
    assert '"Arn": "arn:aws:iam::000000000000:user/administrator"' in ran.stdout
    assert '"Arn": "arn:aws:sts::000000000000:assumed-role/reader/app"' in ran.stdout
    assert '"SAMLProviderArn": "arn:aws:iam::000000000000:saml-provider/company"' in ran.stdout
    assert '"Reason": "no_role"' in ran.stdout
    assert '"Endpoint": "https://sts.example.com/"' in ran.stdout
    assert "oidc-provider/accounts.example.com" in ran.stdout
    reader = world.boto3("iam").get_role_policy(RoleName="reader", PolicyName="own-folder")["PolicyDocument"]
    assert reader["Statement"][0]["Resource"].startswith("arn:aws:s3:::photos/${cognito-idp.")


def test_a_backup_comes_back_as_the_page_says(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    made.says("init")
    pool_id = made.call("CreateUserPool", PoolName="kept")["UserPool"]["Id"]
    (command,) = re.findall(r'^sqlite3 data/poolhouse.db "\.backup \'(.+)\'"$', read(HOWTO / "backup.md"), re.MULTILINE)
    restored = tmp_path / "restored"
    restored.mkdir(mode=0o700)
    source, copy = made.data / "poolhouse.db", tmp_path / command
    with made.serving(), sqlite3.connect(source) as store, sqlite3.connect(copy) as kept:
        store.backup(kept)
    (tmp_path / command).rename(restored / "poolhouse.db")
    shutil.copy2(made.data / "master.key", restored)  # as `cp -p` does
    made.data = restored
    made.environ["POOLHOUSE_DATA_DIR"] = str(restored)
    assert "cp -p" in read(HOWTO / "backup.md")
    assert "fault" not in made.run("doctor").stdout
    assert made.call("DescribeUserPool", UserPoolId=pool_id)["UserPool"]["Name"] == "kept"


class _Enterprise(BaseHTTPRequestHandler):
    """What an enterprise publishes, as an OpenID provider and as a SAML provider."""

    def do_GET(self) -> None:
        here = f"http://{self.headers['Host']}"
        if self.path == "/metadata":
            certificate = saml_keys.der(saml_keys.make_key("enterprise")[1])
            body = metadata.write_idp(here, sso=[("redirect", f"{here}/sso")], signing=[certificate])
        else:
            named = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
            body = json.dumps({"issuer": here, **{name: f"{here}/{name}" for name in named}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def enterprise() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Enterprise) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_identity_providers_are_set_up_as_the_page_says(
    world: World, enterprise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clidriver = pytest.importorskip("awscli.clidriver")
    pool = world.pool()
    key = world.idp._get_credentials()
    environment = {
        "AWS_ACCESS_KEY_ID": key.access_key,
        "AWS_SECRET_ACCESS_KEY": key.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": world.url,
        "AWS_CONFIG_FILE": os.devnull,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for_apple = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    in_place_of = {
        POOL: pool.id,
        "--client-id CLIENT_ID": f"--client-id {pool.client().id}",
        "https://login.example.com": enterprise,
        "https://saml.example.com": enterprise,
        "PRIVATE_KEY": base64.b64encode(for_apple).decode(),
    }
    aws = clidriver.create_clidriver()
    commands = [command for block in blocks("identity-providers.md") for command in block.split("\n\n")]
    for command in commands:
        for theirs, ours in in_place_of.items():
            command = command.replace(theirs, ours)
        program, *words = shlex.split(command.replace("\\\n", " "))
        if program == "aws":
            assert aws.main([*words, "--output", "json"]) == 0, command
        else:
            assert (program, words[0]) == ("poolhouse", "call")
            with unit.open(world.runtime):
                perform(operator(world.settings.account_id), words[1], words[2], json.loads(words[3]))
    made = {one["ProviderName"] for one in world.idp.list_identity_providers(UserPoolId=pool.id)["Providers"]}
    assert made == {
        *("Google", "Facebook", "LoginWithAmazon", "SignInWithApple"),
        *("GitHub", "Microsoft", "X-com", "LinkedIn", "Acme", "Enterprise"),
    }
    with unit.open(world.runtime):
        found = catalogue.by_identifier(lookup.pool(pool.id), "enterprise.example")
    assert found is not None
    assert found.own["group_mapping"] == {"CN=Editors,DC=enterprise": "editors"}


def test_the_page_of_identity_providers_names_every_extension_and_detail() -> None:
    page = read(HOWTO / "identity-providers.md")
    shapes = model.service("poolhouse").shapes
    for extension in shapes["IdentityProviderExtensionsType"]["members"]:
        assert f"`{extension}`" in page, extension
    for detail in provider_rules.KINDS["SAML"].keys:
        assert detail in page, detail
    for preset in provider_rules.PRESETS:
        assert f"preset={preset}" in page


def test_a_saml_application_made_as_the_page_says_gets_assertions(world: World, tmp_path: Path) -> None:
    pool = world.pool()
    ann = pool.user("ann", email="ann@howto-saml.example", email_verified="true", given_name="Ann")
    acs = "https://wiki.example.com/consume"
    document = metadata.write_sp("https://wiki.example.com/metadata", consumers=[acs])
    (tmp_path / "wiki-metadata.xml").write_bytes(document)
    (by_metadata,), (by_hand,) = (block.split("\n\n")[-1:] for block in blocks("saml-idp.md"))
    for command, where in ((by_metadata, acs), (by_hand, "https://wiki.example.com/saml/acs")):
        client = pool.client()
        written = command.replace(POOL, pool.id).replace("CLIENT_ID", client.id)
        shown = 'poolhouse() { printf "%s\\n" "$@"; }\n' + written
        run = subprocess.run(["bash", "-c", shown], cwd=tmp_path, capture_output=True, text=True, check=True)
        _, service, operation, members = run.stdout.split("\n", 3)
        given = json.loads(members)
        given["Extensions"]["Saml"]["IdpInitiated"] = True  # so that the test needs no application that asks
        with unit.open(world.runtime):
            perform(operator(world.settings.account_id), service, operation, given)
        browser = Browser(world)
        browser.go(f"{pool.issuer}/saml2/idp/init?client_id={client.id}")
        page = browser.sign_in(ann)
        assert page.url == where
        assert b">ann@howto-saml.example<" in base64.b64decode(page.given["SAMLResponse"])
        pool.idp.delete_user_pool_client(UserPoolId=pool.id, ClientId=client.id)


def test_the_page_of_saml_applications_names_every_member() -> None:
    page = read(HOWTO / "saml-idp.md")
    for member in model.service("poolhouse").shapes["SamlServiceProviderType"]["members"]:
        if member not in {"AssertionConsumerServiceIndexes", "SingleLogoutResponseService", "SingleLogoutBinding"}:
            assert member in page, member


def test_every_command_of_ours_on_the_pages_is_one() -> None:
    from poolhouse.cli import parser

    lines = [line for page in HOWTO.glob("*.md") for block in blocks(page.name) for line in block.splitlines()]
    tried = 0
    for line in lines:
        if not (found := re.fullmatch(r"(?:[A-Z_]+=\S+ )*poolhouse ((?:(?!call).)+)", line)):
            continue
        parser().parse_args(found[1].replace("…", "X").split())
        tried += 1
    assert tried >= 12
