"""The examples' journey by HTTP: sign in by redirect, see who one is, keep a note in the API, sign out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from bench.browser import Browser
from tests.interop.server import ROOT, Live, free_port

pytestmark = pytest.mark.live


@dataclass(frozen=True)
class Example:
    """`make example`, running."""

    server: str
    webapp: str
    api: str
    photos: str
    demo: dict[str, Any]
    process: subprocess.Popen[bytes]


@contextmanager
def example() -> Iterator[Example]:
    """Run it on free ports over a directory of its own, and end it as Ctrl-C would."""
    data = Path(tempfile.mkdtemp(prefix="poolhouse-example-"))
    server, webapp, api, photos = (f"http://localhost:{free_port()}" for _ in range(4))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("POOLHOUSE_")} | {
        "POOLHOUSE_DATA_DIR": str(data / "data"),
        "POOLHOUSE_PORT": server.rpartition(":")[2],
        "POOLHOUSE_WORKERS": "1",
        "POOLHOUSE_BCRYPT_ROUNDS": "4",
        "WEBAPP_URL": webapp,
        "WEBAPP_API": api,
        "PHOTOS_URL": photos,
        "PHOTOS_DIRECTORY": str(data / "photos"),
    }
    with (data / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "clients.examples"], env=environ, cwd=ROOT, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while "Ctrl-C ends everything" not in (data / "output").read_text(errors="replace"):
            ended = process.poll() is not None or time.monotonic() > deadline
            assert not ended, (data / "output").read_text(errors="replace")[-4000:]
            time.sleep(0.1)
        known = json.loads((data / "data" / "demo.json").read_text())
        allow(known, server, webapp, photos)
        yield Example(server, webapp, api, photos, known, process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(40)
        shutil.rmtree(data, ignore_errors=True)


def allow(known: dict[str, Any], server: str, *apps: str) -> None:
    """The demo's client sends people back to the usual ports; this run's apps have free ones."""
    idp = Live(server, known["access_key_id"], known["secret_access_key"]).administrator()
    client = {"UserPoolId": known["user_pool_id"], "ClientId": known["web_client_id"]}
    settings = idp.describe_user_pool_client(**client)["UserPoolClient"]
    for name in ("ClientSecret", "CreationDate", "LastModifiedDate"):
        settings.pop(name, None)
    assert {"http://localhost:8081/callback", "http://localhost:8083/callback"} <= set(settings["CallbackURLs"])
    settings |= {"CallbackURLs": [f"{app}/callback" for app in apps], "LogoutURLs": [f"{app}/" for app in apps]}
    idp.update_user_pool_client(**settings)


def test_the_example_signs_in_calls_its_api_and_signs_out() -> None:
    with example() as running:
        demo = running.demo
        browser = Browser(running.webapp, running.server)
        welcome = browser.get(running.webapp + "/")
        assert (welcome.status, "Sign in with Poolhouse" in welcome.text) == (200, True)

        login = welcome.submit()
        assert login.url.startswith(running.server)
        home = login.submit(username=demo["username"], password=demo["password"])
        assert home.url == running.webapp + "/", f"{home.url} {home.status} {home.text[:500]}"
        assert demo["username"] in home.text
        assert "Nothing yet" in home.text

        home = home.submit(text="A heron & two coots")
        assert (home.status, "A heron & two coots" in home.text) == (200, True), home.text[:500]
        assert home.submit(text=" ").status == 400

        without = requests.get(running.api + "/notes", timeout=10)
        assert (without.status_code, without.headers["WWW-Authenticate"].split()[0]) == (401, "Bearer")
        wrong = requests.get(running.api + "/notes", headers={"Authorization": "Bearer nonsense"}, timeout=10)
        assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_token")

        pictures = Browser(running.photos, running.server)
        page = pictures.get(running.photos + "/")
        assert (page.status, "A guest" in page.text) == (200, True)
        page = next_form(page, "/sign-in").submit(username=demo["username"], password=demo["password"])
        assert page.url == running.photos + "/", f"{page.url} {page.status} {page.text[:500]}"
        assert "PrivateStaysPrivate" in page.text  # the demo's person is in the group that publishes
        said = page.submit(resource="photos/${sub}/1.jpg").text
        assert "Yes (allowed)" in said, said[-1500:]

        left = next_form(browser.get(running.webapp + "/"), "/sign-out")
        assert left.url.startswith(running.webapp), f"{left.url} {left.status} {left.text[:500]}"
        assert "Sign in with Poolhouse" in left.text
        assert browser.get(running.webapp + "/").submit().form("password")

        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(40) == 0
        for address in (running.webapp, running.api, running.photos, running.server):
            with pytest.raises(requests.ConnectionError):
                requests.get(address, timeout=5)


def next_form(page: Any, action: str) -> Any:
    """Press the button of the form that goes to `action`."""
    page.forms = [form for form in page.forms if form.action == action]
    return page.submit()


def test_a_callback_that_nobody_asked_for_signs_nobody_in() -> None:
    from clients.examples.webapp.app import create_app

    app = create_app(
        issuer="http://localhost:1/us-east-1_Example00",
        web_client_id="web",
        web_client_secret="secret",
        resource_server="notes",
    )
    browser = app.test_client()
    planted = browser.get("/callback?code=stolen&state=planted")
    assert planted.status_code == 400
    assert "not signed in" in planted.text
    mixed_up = browser.get("/callback?code=stolen&state=planted&iss=https%3A%2F%2Fevil.example")
    assert mixed_up.status_code == 400
    assert browser.post("/notes", data={"text": "x"}).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("facts", "status", "error"),
    [
        ({"active": False}, 401, "invalid_token"),
        ({"active": True, "sub": "s", "scope": "openid"}, 403, "insufficient_scope"),
        ({"active": True, "sub": "s", "scope": "openid notes/reader"}, 403, "insufficient_scope"),
        ({"active": True, "sub": "s", "scope": "openid notes/read"}, 200, None),
    ],
)
def test_the_api_lets_in_whom_the_token_lets_in(facts: dict[str, Any], status: int, error: str | None) -> None:
    from clients.examples.api.app import create_app

    api = create_app(lambda _token: facts).test_client()
    answer = api.get("/notes", headers={"Authorization": "Bearer token"})
    assert (answer.status_code, answer.get_json().get("error")) == (status, error)
    if error:
        assert f'error="{error}"' in answer.headers["WWW-Authenticate"]
