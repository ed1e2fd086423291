"""What a request says of its own address is believed by nobody: no link, document or cookie is built from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from tests.conftest import Databases
from tests.oidc import Browser, Rp, rp
from tests.world import PASSWORD, PoolInWorld, World

EVIL = "evil.example"
POISON = {
    "X-Forwarded-Host": EVIL,
    "X-Forwarded-Server": EVIL,
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "4443",
    "X-Forwarded-Prefix": f"//{EVIL}",
    "X-Forwarded-Uri": f"https://{EVIL}/healthz",
    "X-Original-Url": f"https://{EVIL}/healthz",
    "X-Rewrite-Url": f"https://{EVIL}/healthz",
    "X-Host": EVIL,
    "Forwarded": f"for=1.2.3.4;host={EVIL};proto=https",
    "Referer": f"https://{EVIL}/",
}
DOCUMENTS = (
    "/{id}/.well-known/openid-configuration",
    "/{id}/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/{id}",
    "/{id}/.well-known/jwks.json",
)


@pytest.fixture
def client(pool: PoolInWorld) -> Rp:
    return rp(pool)


def poisoned(base: str) -> list[dict[str, Any]]:
    """Ways to lie about one's address: with every header of proxies, and with the Host header itself."""
    return [
        {"base_url": base, "headers": POISON},
        {"base_url": f"http://{EVIL}"},
        {"base_url": f"http://{EVIL}", "headers": POISON},
        {"base_url": base, "headers": {"Host": f"localhost:{EVIL}"}},
        {"base_url": base, "headers": {"Host": f"localhost@{EVIL}"}},
        {"base_url": base, "headers": {"Host": ""}},
    ]


def test_discovery_is_the_same_whatever_headers_come(world: World, pool: PoolInWorld) -> None:
    """Class 9."""
    http = Client(world.app)
    for path in DOCUMENTS:
        told = http.get(path.format(id=pool.id), base_url=world.url).get_data()
        for how in poisoned(world.url):
            answer = http.get(path.format(id=pool.id), **how)
            assert answer.get_data() == told, (path, how)


def test_no_page_and_no_redirect_names_a_host_that_a_header_named(client: Rp) -> None:
    """Classes 5, 8: from the first redirect to the last error, Location, cookies and pages know nothing of it."""
    pool = client.pool
    for how in poisoned(client.world.url):
        http = Client(client.world.app)
        first = http.get(f"/{pool.id}/oauth2/authorize", query_string=client.request(), **how)
        assert first.status_code == 303
        assert first.headers["Location"].startswith(f"/{pool.id}/login?request=")
        answers = [first, http.get(first.headers["Location"], **how)]
        for path in (
            "logout",
            "logout?logout_uri=x",
            "error?error=invalid_request",
            "signedout",
            "login",
            "",
            "nothing",
        ):
            answers.append(http.get(f"/{pool.id}/{path}", **how))
        answers.append(http.get("/", **how))
        for answer in answers:
            assert EVIL not in str(answer.headers), (how, answer.request.path)
            assert EVIL not in answer.get_data(as_text=True), (how, answer.request.path)


def test_mails_are_the_same_whatever_headers_come(world: World) -> None:
    """Class 5: the link or code in a password reset is never sent towards a host of the attacker's."""
    pool = world.pool(
        AutoVerifiedAttributes=["email"],
        VerificationMessageTemplate={"DefaultEmailOption": "CONFIRM_WITH_LINK"},
    )
    client, http = rp(pool), Client(world.app)
    email = f"ann-{pool.id[-9:].lower()}@example.com"
    pool.user("ann", email=email, email_verified="true")
    target = {"X-Amz-Target": "AWSCognitoIdentityProviderService.ForgotPassword", **POISON}
    given: dict[str, Any] = {
        "ClientId": client.client.id,
        "Username": "ann",
        "SecretHash": client.client.secret_hash("ann"),
    }
    assert http.post("/", json=given, base_url=f"http://{EVIL}", headers=target).status_code == 200
    target["X-Amz-Target"] = "AWSCognitoIdentityProviderService.SignUp"
    new = f"new-{email}"
    given |= {"Username": "new", "Password": PASSWORD, "UserAttributes": [{"Name": "email", "Value": new}]}
    given["SecretHash"] = client.client.secret_hash("new")
    assert http.post("/", json=given, base_url=f"http://{EVIL}", headers=target).status_code == 200
    for mail in world.mails(email) + world.mails(new):
        assert EVIL not in str(mail)
    assert world.mails(email)
    assert world.mails(new)


def test_a_header_cannot_turn_a_path_into_another(client: Rp) -> None:
    """Class 8, X-Forwarded-Uri: what is asked for is what the request line says."""
    http, path = Client(client.world.app), f"/{client.pool.id}/oauth2/userInfo"
    for name in ("X-Forwarded-Uri", "X-Original-Url", "X-Rewrite-Url", "X-Http-Method-Override"):
        answer = http.get(path, base_url=client.world.url, headers={name: "/healthz"})
        assert answer.status_code == 401


def test_the_address_in_a_header_does_not_part_lock_outs_nor_policies(world: World, pool: PoolInWorld) -> None:
    """Class 44: guessing under ever new addresses counts on the one account."""
    client, ann = pool.client(), pool.user()
    http, said = Client(world.app), []
    for number in range(7):
        target = {
            "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
            "X-Forwarded-For": f"2001:db8::{number:x}",
        }
        auth = {"USERNAME": ann.username, "PASSWORD": "Wr0ng-password!"}
        given = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": auth}
        came_from = {"REMOTE_ADDR": f"2001:db8:{number:x}::1"}
        answer = http.post("/", json=given, base_url=world.url, headers=target, environ_base=came_from)
        said.append(json.loads(answer.get_data())["message"])
    assert said == ["Incorrect username or password."] * 5 + ["Password attempts exceeded"] * 2


# --- Behind a proxy that is trusted -----------------------------------------------------------------------------------


def test_of_many_forwarded_addresses_only_the_trusted_proxys_word_counts(databases: Databases, tmp_path: Path) -> None:
    """What a client writes before the proxy adds its own is still the client's word."""
    world = World(databases.make("sqlite"), tmp_path, trusted_proxies=1, domain_suffix="auth.example.com")
    try:
        pool = world.pool()
        client, http = rp(pool), Client(world.app)
        seen: list[tuple[str, str, str]] = []
        inner = world.app.wsgi_app.app  # type: ignore[attr-defined]

        def spy(environ: dict[str, Any], start_response: Any) -> Any:
            seen.append((environ["REMOTE_ADDR"], environ["HTTP_HOST"], environ["wsgi.url_scheme"]))
            return inner(environ, start_response)

        world.app.wsgi_app.app = spy  # type: ignore[attr-defined]
        told = {
            "X-Forwarded-For": "6.6.6.6, 203.0.113.7",
            "X-Forwarded-Host": f"{EVIL}, id.example.com",
            "X-Forwarded-Proto": "http, https",
            "X-Forwarded-Prefix": "/evil",
            "X-Forwarded-Port": "1",
        }
        answer = http.get(
            f"/{pool.id}/oauth2/authorize",
            query_string=client.request(),
            headers=told,
            base_url="http://inner",
            environ_base={"REMOTE_ADDR": "10.0.0.1"},
        )
        assert seen == [("203.0.113.7", "id.example.com", "https")]
        assert answer.headers["Location"].startswith(f"/{pool.id}/login")
        assert answer.headers["Set-Cookie"].startswith("__Secure-")
        assert EVIL not in str(answer.headers)
    finally:
        world.close()


def test_without_a_setting_no_proxy_is_trusted(world: World) -> None:
    assert world.settings.trusted_proxies == 0
    assert type(world.app.wsgi_app).__name__ == "Door"


def test_a_host_of_one_pool_serves_that_pool_and_no_other(databases: Databases, tmp_path: Path) -> None:
    """Neither by another pool's path on it, nor by a name that only looks like it."""
    world = World(databases.make("sqlite"), tmp_path, domain_suffix="auth.example.com")
    try:
        ours, theirs = world.pool(), world.pool()
        for pool, name in ((ours, "ours"), (theirs, "theirs")):
            world.idp.create_user_pool_domain(UserPoolId=pool.id, Domain=name)
        http = Client(world.app)

        def issuer(host: str, path: str = "") -> str | None:
            answer = http.get(f"{path}/.well-known/openid-configuration", base_url=f"http://{host}")
            return answer.get_json()["issuer"] if answer.status_code == 200 else None

        assert issuer("ours.auth.example.com") == ours.issuer
        assert issuer("OURS.auth.example.com:8080") == ours.issuer
        assert issuer("theirs.auth.example.com") == theirs.issuer
        assert issuer("ours.auth.example.com", f"/{theirs.id}") is None
        for host in ("ours.auth.example.com.evil.example", "xours.auth.example.com", "ours", "auth.example.com",
                     "ours.auth.example.com@evil.example", "theirs.ours.auth.example.com"):  # fmt: skip
            assert issuer(host) not in {ours.issuer, theirs.issuer}, host
        browser = Browser(world)
        page = browser.http.get(
            "/oauth2/authorize", query_string=rp(theirs).request(), base_url="http://ours.auth.example.com"
        )
        assert page.headers["Location"].startswith("/error?")
    finally:
        world.close()
