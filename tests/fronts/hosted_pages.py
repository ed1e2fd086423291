"""The hosted pages with a small provider beside them: what journeys need of web.oauth, and no more."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
from sqlalchemy import create_engine
from werkzeug.serving import make_server
from werkzeug.test import Client as Browser
from werkzeug.test import TestResponse

from poolhouse import settings as settings_module
from poolhouse.core import unit
from poolhouse.core.cache import Cache
from poolhouse.core.db import Database, driver_url, engine_options
from poolhouse.core.events import Bus
from poolhouse.core.hashing import HashPool
from poolhouse.core.housekeeping import Housekeeper
from poolhouse.core.runtime import Runtime
from poolhouse.core.sealing import Sealer
from poolhouse.messages import mailbox
from poolhouse.tokens import keys
from poolhouse.user_pools import clients, lookup
from poolhouse.user_pools import pools as user_pools
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.web import journey, pools, sessions
from poolhouse.web.door import Door
from poolhouse.web.hosted import blueprint

PASSWORD = "Correct-Horse-7"
NEW_PASSWORD = "Battery-Staple-8"
APP = "https://app.example.com/callback"
HOST = "http://localhost"


def stand_in() -> flask.Blueprint:
    """The authorization endpoint as journeys see it: it begins one, and answers with a code once somebody is in."""
    provider = flask.Blueprint("provider", __name__)

    @provider.get("/<pool_id>/oauth2/authorize")
    @pools.page
    def authorize() -> flask.Response:
        pool = pools.current()
        client = lookup.client(pool, flask.request.args["client_id"])
        parameters = flask.request.args.to_dict()
        handle = journey.save(pool, client, parameters)
        return flask.redirect(journey.first_url(handle, parameters), 303)  # type: ignore[return-value]

    @provider.get("/<pool_id>/oauth2/authorize/continue")
    @pools.page
    def go_on() -> flask.Response | tuple[str, int]:
        pool = pools.current()
        stored = journey.load(pool, flask.request.args["request"])
        session = sessions.current(pool)
        if session is None or not stored.signed_in_by(session) or not journey.finish(pool, stored):
            return "nobody is signed in", 403
        callback = stored.parameters["redirect_uri"]
        answer = f"{callback}?code=one&sub={session.sub}&amr={'+'.join(session.amr)}"
        return flask.redirect(answer, 302)  # type: ignore[return-value]

    @provider.get("/<pool_id>/whoami")
    @pools.page
    def who_am_i() -> dict[str, Any]:
        session = sessions.current(pools.current())
        return {"sub": session.sub if session else None}

    @provider.get("/<pool_id>/logout")
    @pools.page
    def logout() -> flask.Response:
        sessions.sign_out(pools.current())
        return flask.redirect(pools.url("/signedout"), 303)  # type: ignore[return-value]

    return provider


@contextmanager
def serving(database_url: str, directory: Path, **overrides: Any) -> Iterator[World]:
    """A server with the hosted pages on a migrated database."""
    settings = settings_module.load(
        {}, database_url=database_url, data_dir=str(directory), bcrypt_rounds=4, **overrides
    )
    engine = create_engine(driver_url(settings.database_url), **engine_options(settings))
    rt = Runtime(
        settings, Database(engine), Sealer(b"k" * 32), Cache(directory), HashPool(threads=1), Bus(), Housekeeper()
    )
    app = flask.Flask("poolhouse", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = 256 * 1024
    app.register_blueprint(stand_in())
    app.register_blueprint(blueprint)
    try:
        yield World(rt, Door(rt, app.wsgi_app))
    finally:
        engine.dispose()


@dataclass
class World:
    """A server, and people to make in it."""

    rt: Runtime
    application: Any
    issues_tokens: bool = False

    def pool(self, *, totp: bool = False, mfa: str = "OFF", **settings: Any) -> Pool:
        """A pool that confirms e-mail addresses by code."""
        settings = {"AutoVerifiedAttributes": ["email"], "UsernameAttributes": ["email"]} | settings
        with unit.open(self.rt, write=True):
            pool = user_pools.create(user_pools.new_id(), "Northwind", settings)
            if totp:
                given = {"MfaConfiguration": mfa, "SoftwareTokenMfaConfiguration": {"Enabled": True}}
                pool = user_pools.set_mfa(pool.id, given)
            if self.issues_tokens:
                keys.create_for(pool.id, "ES256")
        return pool

    def client(self, pool: Pool, callback: str = APP, **settings: Any) -> Client:
        """An app that signs people in by redirect."""
        settings = {
            "AllowedOAuthFlowsUserPoolClient": True,
            "AllowedOAuthFlows": ["code"],
            "AllowedOAuthScopes": ["openid", "email"],
            "CallbackURLs": [callback],
            "SupportedIdentityProviders": ["COGNITO"],
        } | settings
        with unit.open(self.rt, write=True):
            return clients.create(pool.id, "Northwind Shop", settings)

    def visitor(self, client: Client) -> Visitor:
        """Somebody with a browser of their own."""
        return Visitor(self, client, Browser(self.application))

    def mails(self) -> list[dict[str, Any]]:
        with unit.open(self.rt):
            return mailbox.list()

    def code_for(self, address: str) -> str:
        """The newest code that was mailed to ``address``."""
        texts = [m["text"] for m in self.mails() if m["to"] == address]
        found = re.findall(r"\b\d{6}\b", texts[-1])
        return str(found[-1])

    @contextmanager
    def listening(self) -> Iterator[str]:
        """The server on a port of this machine, for a real browser; its address."""
        server = make_server("127.0.0.1", 0, self.application, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)
            server.server_close()


def address() -> str:
    """An e-mail address that nobody else has."""
    return f"ann-{uuid.uuid4().hex[:12]}@example.com"


class Seen(HTMLParser):
    """What a page has for its visitor: forms with their fields, links, and what is said aloud."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.inputs: dict[str, dict[str, str]] = {}
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.alerts: list[str] = []
        self.lang = ""
        self._alert = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            assert given["id"] not in self.ids, f"id {given['id']} stands twice"
            self.ids.add(given["id"])
        if tag == "html":
            self.lang = given.get("lang", "")
        elif tag == "form":
            self.forms.append({"action": given["action"], "values": {}})
        elif tag == "input" and "name" in given:
            self.inputs[given["name"]] = given
            self.forms[-1]["values"].setdefault(given["name"], given.get("value", ""))
        elif tag == "a":
            self.links.append(given["href"])
        self._alert = given.get("role") == "alert"

    def handle_data(self, data: str) -> None:
        if self._alert and data.strip():
            self.alerts.append(data.strip())
            self._alert = False


class Visitor:
    """A browser without JavaScript that keeps cookies, follows our redirects and stops at the app's door."""

    def __init__(self, world: World, client: Client, browser: Browser) -> None:
        self.world, self.client, self.browser = world, client, browser
        self.at = ""
        self.response: TestResponse

    def open(self, path: str, **parameters: Any) -> Visitor:
        """Open a page of the pool."""
        return self.fetch("GET", f"/{self.client.pool.id}{path}", query_string=parameters)

    def begin(self, **parameters: str) -> Visitor:
        """Come from the app to sign in."""
        given = {
            "client_id": self.client.id,
            "response_type": "code",
            "redirect_uri": self.client.callback_urls[0],
            "state": "s",
        }
        return self.open("/oauth2/authorize", **(given | parameters))

    def fetch(self, method: str, path: str, **how: Any) -> Visitor:
        how = {"environ_base": {"REMOTE_ADDR": "127.0.0.1"}} | how
        self.response = self.browser.open(path, method=method, base_url=HOST, **how)
        self.at = path
        while self.response.status_code in {302, 303} and self.response.headers["Location"].startswith("/"):
            self.at = self.response.headers["Location"]
            self.response = self.browser.open(self.at, base_url=HOST)
        return self

    def submit(self, form: int = 0, /, **values: Any) -> Visitor:
        """Fill in the form and send it; ``attribute_email`` fills in ``attribute.email``."""
        shown = self.seen.forms[form]
        named = {k.replace("attribute_", "attribute."): v for k, v in values.items()}
        return self.fetch("POST", shown["action"], data=shown["values"] | named)

    @property
    def text(self) -> str:
        return str(self.response.get_data(as_text=True))

    @property
    def seen(self) -> Seen:
        return Seen(self.text)

    @property
    def handle(self) -> str:
        return self.seen.forms[0]["values"]["request"]

    @property
    def page(self) -> str:
        """The page's path within the pool."""
        return urlsplit(self.at).path.removeprefix(f"/{self.client.pool.id}")

    @property
    def arrived(self) -> dict[str, str]:
        """What the app was given; {} while the browser is still with us."""
        location = self.response.headers.get("Location", "")
        if not location.startswith(self.client.callback_urls[0]):
            return {}
        return {k: v[0] for k, v in parse_qs(urlsplit(location).query).items()}

    def sign_up(self, address: str, password: str = PASSWORD, **attributes: str) -> Visitor:
        """From the app through sign-up to the page that asks for the code."""
        self.begin(screen_hint="signup").submit(username=address, password=password, **attributes)
        assert self.page == "/confirmUser", (self.page, self.seen.alerts)
        return self
