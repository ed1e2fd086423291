"""Three addresses, three settings: the API's endpoint, the issuer, the pools' hosts; TLS by files; a proxy in front."""

from __future__ import annotations

import http.client
import json
import re
import sqlite3
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.test import Client

from poolhouse.cli import certificate
from tests.conftest import Databases
from tests.fronts.test_cli import Installation, free_port
from tests.oidc import CALLBACK, SIGNED_OUT, Rp, rp
from tests.world import ACCESS_KEY_ID, PASSWORD, SECRET_ACCESS_KEY, PoolInWorld, World

ISSUER = "https://cognito-idp.us-east-1.amazonaws.com"
PUBLIC = "https://id.example.com"
API = "https://api.id.example.com"
SUFFIX = "auth.example.com"
CUSTOM = "login.acme.example"


# --- The settings, each for itself ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(engine: str, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    settings = {"public_url": PUBLIC, "issuer_base": ISSUER, "api_endpoint": API, "domain_suffix": SUFFIX}
    world = World(databases.make(engine), tmp_path_factory.mktemp("addresses"), **settings)
    yield world
    world.close()


def prefixed(world: World) -> PoolInWorld:
    """A pool with a domain of its own under the suffix."""
    pool = world.pool(AutoVerifiedAttributes=["email"])
    world.idp.create_user_pool_domain(UserPoolId=pool.id, Domain=prefix(pool))
    return pool


def prefix(pool: PoolInWorld) -> str:
    return "acme" + pool.id[-9:].lower()


def customised(world: World) -> PoolInWorld:
    """A pool with a host name of its owner's, beside its prefix."""
    pool = prefixed(world)
    arn = "arn:aws:acm:us-east-1:000000000000:certificate/11111111-1111-1111-1111-111111111111"
    world.idp.create_user_pool_domain(
        UserPoolId=pool.id, Domain=f"{prefix(pool)}.{CUSTOM}", CustomDomainConfig={"CertificateArn": arn}
    )
    return pool


def document(world: World, pool: PoolInWorld, host: str = "") -> dict[str, Any]:
    path = "/.well-known/openid-configuration"
    if host:
        return dict(Client(world.app).get(path, base_url=f"https://{host}").get_json())
    return dict(Client(world.app).get(f"/{pool.id}{path}", base_url=PUBLIC).get_json())


@pytest.mark.parametrize("kind", ["path", "prefix", "custom"])
def test_discovery_names_the_issuer_by_one_setting_and_the_endpoints_by_another(world: World, kind: str) -> None:
    pool = {"path": World.pool, "prefix": prefixed, "custom": customised}[kind](world)
    bases = {
        "path": f"{PUBLIC}/{pool.id}",
        "prefix": f"https://{prefix(pool)}.{SUFFIX}",
        "custom": f"https://{prefix(pool)}.{CUSTOM}",
    }
    told = document(world, pool)
    assert told["issuer"] == f"{ISSUER}/{pool.id}"
    for name, value in told.items():
        if name.endswith(("_endpoint", "jwks_uri")):
            assert value.startswith(bases[kind] + "/"), name
    if kind != "path":
        assert document(world, pool, urlsplit(bases[kind]).netloc) == told


def test_tokens_name_the_issuer_in_awss_own_form_at_every_door(world: World) -> None:
    """So that verifiers with Cognito's form baked in take them."""
    pool = world.pool()
    client, ann = rp(pool, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]), pool.user("ann")
    by_api = client.client.tokens(ann)
    page = journey(world, client, PUBLIC, f"/{pool.id}", "ann")
    assert page["iss"] == f"{ISSUER}/{pool.id}"
    by_page = client.exchange(page["code"]).get_json()
    for token in (by_api["AccessToken"], by_api["IdToken"], by_page["access_token"], by_page["id_token"]):
        assert claims(token)["iss"] == f"{ISSUER}/{pool.id}"
    assert pool.idp.get_user(AccessToken=by_api["AccessToken"])["Username"] == "ann"
    assert client.introspect(by_page["access_token"])["iss"] == f"{ISSUER}/{pool.id}"
    assert client.userinfo(by_page["access_token"]).status_code == 200


def claims(token: str) -> dict[str, Any]:
    from poolhouse.core import jose

    return jose.unverified_claims(token)


def journey(world: World, client: Rp, base: str, root: str, name: str) -> dict[str, str]:
    """A sign-in on the host ``base`` below ``root``: what the app is given. No address may lead off that host."""
    http, path = Client(world.app), f"{root}/oauth2/authorize?{urlencode(client.request())}"
    answer = http.get(path, base_url=base)
    form: dict[str, str] | None = None
    for _ in range(8):
        if answer.status_code == 303:
            target = answer.headers["Location"]
            if target.startswith(CALLBACK):
                return {key: value[0] for key, value in parse_qs(urlsplit(target).query).items()}
            assert target.startswith(root + "/"), target
            answer = http.get(target, base_url=base)
            continue
        page = answer.get_data(as_text=True)
        assert answer.status_code == 200, page
        assert 'action="' in page
        assert form is None, page
        form = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
        form |= {"username": name, "password": PASSWORD}
        action = re.findall(r'<form[^>]*action="([^"]+)"', page)[0]
        assert action.startswith(root + "/")
        answer = http.post(action, data=form, base_url=base)
    raise AssertionError("never arrived")


@pytest.mark.parametrize("host", [SUFFIX, CUSTOM])
def test_on_its_own_host_a_pool_is_signed_in_to_and_out_of(world: World, host: str) -> None:
    pool = customised(world)
    client, base = rp(pool), f"https://{prefix(pool)}.{host}"
    pool.user("ann")
    given = journey(world, client, base, "", "ann")
    answer = client.exchange(given["code"])
    assert answer.status_code == 200
    http = Client(world.app)
    out = http.get("/logout", query_string={"client_id": client.client.id, "logout_uri": SIGNED_OUT}, base_url=base)
    assert out.headers["Location"] == SIGNED_OUT
    first = http.get("/oauth2/authorize", query_string=client.request(), base_url=base)
    assert first.headers["Set-Cookie"].startswith("__Host-poolhouse-browser-")
    assert "; Secure;" in first.headers["Set-Cookie"]


def test_mails_name_no_address_but_those_of_the_settings(world: World) -> None:
    pool = customised(world)
    email = f"ann-{pool.id[-9:].lower()}@example.com"
    given = [{"Name": "email", "Value": email}]
    pool.idp.sign_up(ClientId=pool.client().id, Username="ann", Password=PASSWORD, UserAttributes=given)
    pool.idp.admin_create_user(UserPoolId=pool.id, Username="bob", UserAttributes=given)
    mails = world.mails(email)
    assert len(mails) == 2
    allowed = (PUBLIC, f"https://{prefix(pool)}.")
    for mail in mails:
        for link in re.findall(r"https?://[^\s\"'<>]+", mail["text"] + mail["html"]):
            assert link.startswith(allowed), link


def test_the_api_answers_under_every_name_that_requests_are_signed_for(world: World) -> None:
    """SigV4 covers the Host header: whichever name the client used is the one that is verified."""
    for host in ("127.0.0.1", "localhost"):
        client = boto3.client(
            "cognito-idp",
            endpoint_url=f"http://{host}:{world.port}",
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
        )
        assert client.list_user_pools(MaxResults=1)["UserPools"] is not None


def test_only_our_own_issuer_is_ours(world: World) -> None:
    """AWS's form names AWS's own pools too: a token of theirs is none of ours."""
    pool = world.pool()
    token = pool.client().tokens(pool.user("ann"))["AccessToken"]
    head, _, signature = token.split(".")
    import base64

    theirs = claims(token) | {"iss": f"{ISSUER}/us-east-1_AAAAAAAAA"}
    body = base64.urlsafe_b64encode(json.dumps(theirs).encode()).rstrip(b"=").decode()
    with pytest.raises(ClientError, match="Invalid Access Token"):
        pool.idp.get_user(AccessToken=f"{head}.{body}.{signature}")


# --- TLS by certificate files -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-made certificate for localhost, and its key."""
    return certificate.for_localhost(tmp_path_factory.mktemp("tls"))


def administrator(url: str, installation: Installation, verify: Path | bool = True) -> Any:
    return boto3.client(
        "cognito-idp",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=installation.environ["POOLHOUSE_ACCESS_KEY_ID"],
        aws_secret_access_key=installation.environ["POOLHOUSE_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}),
        verify=str(verify) if isinstance(verify, Path) else verify,
    )


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = Installation(tmp_path)
    made.environ |= {"POOLHOUSE_ACCESS_KEY_ID": ACCESS_KEY_ID, "POOLHOUSE_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
    return made


def web_client(idp: Any) -> dict[str, str]:
    """A pool with an app and a user: their ids."""
    pool_id = idp.create_user_pool(PoolName="addresses")["UserPool"]["Id"]
    client = idp.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="app",
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid"],
        CallbackURLs=[CALLBACK],
        SupportedIdentityProviders=["COGNITO"],
    )["UserPoolClient"]
    idp.admin_create_user(UserPoolId=pool_id, Username="ann", MessageAction="SUPPRESS")
    idp.admin_set_user_password(UserPoolId=pool_id, Username="ann", Password=PASSWORD, Permanent=True)
    return {"pool": pool_id, "client": client["ClientId"], "secret": client["ClientSecret"]}


def sign_in(url: str, made: dict[str, str], verify: Path) -> tuple[dict[str, Any], list[str]]:
    """The code flow over the wire: the tokens, and the Set-Cookie headers on the way."""
    session, cookies = requests.Session(), []
    session.verify, session.trust_env = str(verify), False  # a bundle in the environment would win over it
    request = {"client_id": made["client"], "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid"}
    address = f"{url}/{made['pool']}/oauth2/authorize?{urlencode(request)}"
    answer = session.get(address, allow_redirects=False)
    while not answer.headers.get("Location", "").startswith(CALLBACK):
        cookies += [answer.headers["Set-Cookie"]] if "Set-Cookie" in answer.headers else []
        if answer.status_code == 303:
            address = urljoin(url, answer.headers["Location"])
            assert address.startswith(url + "/"), address
            answer = session.get(address, allow_redirects=False)
            continue
        assert answer.status_code == 200, answer.text
        form = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', answer.text))
        action = re.findall(r'<form[^>]*action="([^"]+)"', answer.text)[0]
        sent = form | {"username": "ann", "password": PASSWORD}
        answer = session.post(urljoin(url, action), data=sent, allow_redirects=False)
    code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
    exchange = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    token_endpoint = f"{url}/{made['pool']}/oauth2/token"
    tokens = session.post(token_endpoint, data=exchange, auth=(made["client"], made["secret"]))
    assert tokens.status_code == 200, tokens.text
    return tokens.json(), cookies


def test_with_certificate_files_everything_is_https(installation: Installation, pem: tuple[Path, Path]) -> None:
    chain, key = pem
    installation.environ |= {"POOLHOUSE_TLS_CERT": str(chain), "POOLHOUSE_TLS_KEY": str(key)}
    url = f"https://localhost:{installation.port}"
    with installation.serving(context=ssl.create_default_context(cafile=str(chain))):
        idp = administrator(url, installation, chain)
        made = web_client(idp)
        issuer = f"{url}/{made['pool']}"
        told = requests.get(f"{issuer}/.well-known/openid-configuration", verify=str(chain), timeout=10).json()
        assert told["issuer"] == issuer
        assert all(value.startswith(url) for name, value in told.items() if name.endswith(("_endpoint", "_uri")))
        tokens, cookies = sign_in(url, made, chain)
        assert claims(tokens["id_token"])["iss"] == issuer
        assert len(cookies) >= 2
        assert all(cookie.startswith("__Secure-") and "; Secure;" in cookie for cookie in cookies)
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(url, timeout=10)
        with pytest.raises((ssl.SSLError, OSError)):
            _old_tls(installation.port)


def _old_tls(port: int) -> None:
    """Class 64: TLS before 1.2."""
    import socket
    import warnings

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain, context.wrap_socket(plain):
        pass


# --- A reverse proxy in front -----------------------------------------------------------------------------------------

VISITOR = "203.0.113.9"  # what the proxy says of whoever asks


@contextmanager
def proxy(upstream: int, pem: tuple[Path, Path], *, keeps_host: bool = True, port: int = 0) -> Iterator[int]:
    """A reverse proxy that ends TLS, as nginx does with docs/howto/reverse-proxy.md's lines; its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            # Names with an underscore are dropped: to an application they are the same as those with a hyphen.
            headers = {name: value for name, value in self.headers.items() if "_" not in name}
            given = headers.get("X-Forwarded-For")
            headers["X-Forwarded-For"] = f"{given}, {VISITOR}" if given else VISITOR
            headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-Host": headers["Host"], "Connection": "close"}
            if not keeps_host:
                headers["Host"] = f"127.0.0.1:{upstream}"
            length = int(self.headers.get("Content-Length") or 0)
            connection = http.client.HTTPConnection("127.0.0.1", upstream, timeout=30)
            connection.request(self.command, self.path, self.rfile.read(length) if length else None, headers)
            answer = connection.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"connection", "transfer-encoding", "content-length", "date", "server"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            connection.close()

        do_GET = do_POST = do_OPTIONS = _pass_on

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, pem))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def audited(installation: Installation, name: str) -> list[str | None]:
    """Where the events of that name came from, by the audit log."""
    with sqlite3.connect(installation.data / "poolhouse.db") as store:
        rows = store.execute("SELECT remote_address FROM audit_events WHERE name = ? ORDER BY id", (name,))
        return [row[0] for row in rows]


@pytest.mark.parametrize("keeps_host", [True, False])
def test_behind_a_trusted_proxy_everything_works_and_says_https(
    installation: Installation, pem: tuple[Path, Path], keeps_host: bool
) -> None:
    """Signatures, cookies, issuer, and who asked: by the proxy's word, and by nobody else's."""
    port = free_port()
    url = f"https://localhost:{port}"
    installation.environ |= {"POOLHOUSE_TRUSTED_PROXIES": "1", "POOLHOUSE_PUBLIC_URL": url}
    with installation.serving(), proxy(installation.port, pem, keeps_host=keeps_host, port=port):
        idp = administrator(url, installation, pem[0])
        made = web_client(idp)
        tokens, cookies = sign_in(url, made, pem[0])
        assert claims(tokens["id_token"])["iss"] == f"{url}/{made['pool']}"
        assert all(cookie.startswith("__Secure-") and "; Secure;" in cookie for cookie in cookies)
        lied = {
            "X-Amz-Target": "AWSCognitoIdentityProviderService.SignUp",
            "X-Forwarded-For": "6.6.6.6",
            "X_Forwarded_For": "7.7.7.7",
        }
        given = {"ClientId": made["client"], "Username": "eve", "Password": PASSWORD}
        given["SecretHash"] = _secret_hash(made, "eve")
        answer = requests.post(url, json=given, headers=lied, verify=str(pem[0]), timeout=10)
        assert answer.status_code == 200, answer.text
    assert set(audited(installation, "UserPoolCreated")) == {VISITOR}
    assert audited(installation, "UserSignedUp") == [VISITOR]
    assert audited(installation, "UserSignedIn") == [VISITOR]


def _secret_hash(made: dict[str, str], username: str) -> str:
    import base64
    import hashlib
    import hmac

    mac = hmac.digest(made["secret"].encode(), (username + made["client"]).encode(), hashlib.sha256)
    return base64.b64encode(mac).decode()


def test_without_the_setting_a_proxys_word_is_not_believed(installation: Installation, pem: tuple[Path, Path]) -> None:
    """The address is then the proxy's own, and a Host that the proxy has changed breaks every signature."""
    with installation.serving():
        with proxy(installation.port, pem) as port:
            administrator(f"https://localhost:{port}", installation, pem[0]).create_user_pool(PoolName="seen")
        with proxy(installation.port, pem, keeps_host=False) as port:
            idp = administrator(f"https://localhost:{port}", installation, pem[0])
            with pytest.raises(ClientError, match="signature"):
                idp.create_user_pool(PoolName="unseen")
    assert audited(installation, "UserPoolCreated") == ["127.0.0.1"]


def test_hosts_of_pools_are_reached_through_the_proxy(installation: Installation, pem: tuple[Path, Path]) -> None:
    port = free_port()
    settings = {"TRUSTED_PROXIES": "1", "PUBLIC_URL": f"https://localhost:{port}", "DOMAIN_SUFFIX": f"localhost:{port}"}
    installation.environ |= {f"POOLHOUSE_{name}": value for name, value in settings.items()}
    with installation.serving(), proxy(installation.port, pem, port=port):
        idp = administrator(f"https://localhost:{port}", installation, pem[0])
        pool_id = web_client(idp)["pool"]
        idp.create_user_pool_domain(UserPoolId=pool_id, Domain="acme")
        context = ssl.create_default_context(cafile=str(pem[0]))
        context.check_hostname = False  # the certificate is localhost's
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context)
        connection.request("GET", "/.well-known/openid-configuration", headers={"Host": f"acme.localhost:{port}"})
        told = json.loads(connection.getresponse().read())
        connection.close()
        assert told["issuer"] == f"https://localhost:{port}/{pool_id}"
        assert told["token_endpoint"] == f"https://acme.localhost:{port}/oauth2/token"
