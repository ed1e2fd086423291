"""The whole server in a real browser: from an app through the hosted pages to tokens, by path and on a pool's host."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from werkzeug.serving import make_server

from poolhouse.app import create_app
from poolhouse.core import unit
from poolhouse.user_pools import domains
from tests.conftest import Databases
from tests.fronts.hosted_pages import PASSWORD, World, address
from tests.journeys.browser import By, Person, app, chromium

pytestmark = pytest.mark.browser

VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PKCE = {
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "state": "s&s",
    "nonce": "n",
    "scope": "openid email",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def world(engine: str, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The whole server, on each engine."""
    port = free_port()
    made = create_app(
        database_url=databases.make(engine),
        data_dir=str(tmp_path_factory.mktemp("server")),
        public_url=f"http://localhost:{port}",
        domain_suffix=f"localhost:{port}",
        port=port,
        bcrypt_rounds=4,
        housekeeping=False,
    )
    server = make_server("127.0.0.1", port, made.wsgi_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    rt = made.extensions["poolhouse"]
    yield World(rt, made.wsgi_app, issues_tokens=True)
    server.shutdown()
    thread.join(10)
    server.server_close()
    rt.database.engine.dispose()


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture
def person(world: World, driver: Any) -> Iterator[Person]:
    driver.delete_all_cookies()
    driver.get_log("browser")
    with app() as callback:
        yield Person(driver, world.rt.settings.public_url, world.client(world.pool(), callback))


def answered(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def redeem(world: World, person: Person, code: str) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": person.client.callback_urls[0],
        "client_id": person.client.id,
        "code_verifier": VERIFIER,
    }
    url = f"{world.rt.settings.public_url}/{person.client.pool.id}/oauth2/token"
    answer = requests.post(url, data=form, timeout=10)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return decoded


def sign_up(world: World, person: Person) -> str:
    ann = address()
    person.press(".below a").enter(username=ann, password=PASSWORD).press()
    person.enter(code=world.code_for(ann)).press()
    return ann


def test_a_newcomer_ends_in_the_app_with_tokens_and_comes_again_without_a_password(
    world: World, person: Person
) -> None:
    person.begin(**PKCE)
    ann = sign_up(world, person)
    first = answered(person.arrive())
    assert first["state"] == "s&s"
    assert first["iss"] == f"{world.rt.settings.public_url}/{person.client.pool.id}"
    tokens = redeem(world, person, first["code"])
    told = claims(tokens["id_token"])
    assert (told["email"], told["email_verified"], told["nonce"]) == (ann, True, "n")

    again = answered(person.begin(**PKCE).arrive())
    assert claims(redeem(world, person, again["code"])["id_token"])["auth_time"] == told["auth_time"]
    assert person.complaints() == []


def test_on_a_host_of_its_own_a_pool_signs_people_in_just_so(world: World, person: Person) -> None:
    name = "acme" + address()[4:12]
    with unit.open(world.rt, write=True):
        domains.create(person.client.pool.id, name, {})
    host = f"http://{name}.{world.rt.settings.domain_suffix}"
    asked = {"client_id": person.client.id, "response_type": "code", "redirect_uri": person.client.callback_urls[0]}
    person.driver.get(f"{host}/oauth2/authorize?{urlencode(asked | PKCE)}")
    assert person.driver.current_url.startswith(f"{host}/login?request=")
    sign_up(world, person)
    assert redeem(world, person, answered(person.arrive())["code"])["access_token"]
    assert person.complaints() == []


def test_an_answer_by_form_post_reaches_the_app(world: World, driver: Any) -> None:
    with app() as callback:
        driver.delete_all_cookies()
        driver.get_log("browser")
        person = Person(driver, world.rt.settings.public_url, world.client(world.pool(), callback))
        person.begin(**PKCE, response_mode="form_post")
        sign_up(world, person)
        person.arrive()
        assert person.complaints() == []


def test_asked_to_sign_in_again_a_person_who_is_signed_in_does(world: World, person: Person) -> None:
    person.begin(**PKCE)
    ann = sign_up(world, person)
    person.arrive()
    person.begin(**PKCE, prompt="login", login_hint=ann)
    assert person.heading == "Sign in"
    person.enter(password=PASSWORD).press()
    person.arrive()


def test_signed_out_people_are_told_so_and_have_to_sign_in_again(world: World, person: Person) -> None:
    person.begin(**PKCE)
    sign_up(world, person)
    tokens = redeem(world, person, answered(person.arrive())["code"])
    base = f"{person.server}/{person.client.pool.id}"
    person.driver.get(f"{base}/logout?{urlencode({'id_token_hint': tokens['id_token']})}")
    assert person.heading == "You are signed out"
    person.begin(**PKCE)
    assert person.heading == "Sign in"


def test_back_from_the_app_never_ends_in_a_dead_form(world: World, person: Person) -> None:
    person.begin(**PKCE)
    sign_up(world, person)
    person.arrive()
    for _ in range(3):
        person.driver.back()
        person.wait(lambda: person.heading in {"You have already signed in", "Welcome to the app"})


def test_an_unregistered_address_to_return_to_is_explained_here_and_never_followed(person: Person) -> None:
    person.begin(redirect_uri="https://evil.example.com/")
    assert person.heading == "The app asked for something that is not allowed"
    assert "redirect_uri" in person.driver.find_element(By.CSS_SELECTOR, ".detail").text


def test_sign_up_can_be_asked_for_by_the_app(person: Person) -> None:
    person.begin(**PKCE, prompt="create")
    assert person.heading == "Create your account"
