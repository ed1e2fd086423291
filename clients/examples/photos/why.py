"""The photos API's page: people sign in by redirect, and see what they may do and which statement says so."""

import secrets
from dataclasses import dataclass
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, render_template, request, url_for

from clients.examples import demo, pages
from poolhouse_client import Refused
from poolhouse_client.flask import FlaskGuard
from poolhouse_client.guard import resource_named
from poolhouse_client.tokens import Token

ACTIONS = ("photos:List", "photos:Read", "photos:Write", "photos:Delete", "photos:Publish")
# What the page asks by itself: `${sub}` is whoever is signed in.
STORY = (
    ("put a photo into their own folder", "photos:Write", "photos/${sub}/cat.jpg"),
    ("put one into somebody else's", "photos:Write", "photos/somebody-else/cat.jpg"),
    ("publish one", "photos:Publish", "photos/somebody-else/cat.jpg"),
    ("publish what is private", "photos:Publish", "photos/somebody-else/private-cat.jpg"),
    ("see what is public", "photos:List", "photos/public"),
)


@dataclass(frozen=True)
class Answered:
    """A question and its answer."""

    action: str
    resource: str
    allowed: bool
    reason: str
    explanation: str
    about: str = ""


def answered(guard: FlaskGuard, token: Token | None, action: str, resource: str, about: str = "") -> Answered:
    """What the guard says to somebody, or to a guest, at a route that does `action` to `resource`."""
    try:
        target = resource_named(resource, token, {})
        verdict = guard.ask(token, action, target)
    except Refused as refused:
        # A guest has no folder: there is nothing to ask about.
        said = refused.description or "Only somebody who has signed in can be asked about."
        return Answered(action, resource, False, refused.error or "not_signed_in", said, about)
    return Answered(action, target, verdict.allowed, str(verdict.reason), verdict.explanation, about)


def add(app: Flask, guard: FlaskGuard, known: demo.Demo) -> None:
    """Give the API its page at `/`, with sign-in and sign-out."""
    issuer = known.value("PHOTOS_ISSUER", "issuer")
    own_url = known.value("PHOTOS_URL", "photos_url", demo.PHOTOS_URL).rstrip("/")
    secret_key = known.value("PHOTOS_SECRET_KEY", "photos_secret_key", secrets.token_hex(32))
    pages.prepare(app, "photos_session", own_url, secret_key)
    people = pages.SignedIn()
    poolhouse = OAuth(app).register(
        "poolhouse",
        client_id=known.value("PHOTOS_CLIENT_ID", "web_client_id"),
        client_secret=known.value("PHOTOS_CLIENT_SECRET", "web_client_secret"),
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid email", "code_challenge_method": "S256", "default_timeout": 10},
    )

    def who() -> Token | None:
        """Whoever is signed in, or nobody once their token has ended: it is checked as the API's routes check it."""
        kept = people.current()
        if kept is None:
            return None
        try:
            return guard.identify(f"Bearer {kept['token']['access_token']}")
        except Refused as refused:
            if refused.status == 401:
                people.end()
            return None

    def page(error: str = "", status: int = 200, asked: Answered | None = None) -> tuple[str, int]:
        token = who()
        kept = people.current()
        story = [answered(guard, token, action, resource, about) for about, action, resource in STORY]
        shown = {"token": token, "claims": kept["claims"] if kept else {}, "story": story, "asked": asked}
        return render_template("why.html", actions=ACTIONS, error=error, **shown), status

    @app.get("/")
    def home() -> tuple[str, int]:
        return page()

    @app.post("/")
    def ask() -> tuple[str, int]:
        given = {name: request.form.get(name, "").strip() for name in ("action", "resource")}
        action = given["action"] if given["action"] in ACTIONS else ACTIONS[0]
        return page(asked=answered(guard, who(), action, given["resource"][:300] or "photos/public"))

    @app.post("/sign-in")
    def sign_in() -> Any:
        try:
            return poolhouse.authorize_redirect(f"{own_url}/callback")
        except requests.RequestException:
            return page(f"Poolhouse did not answer at {issuer}. Start it, then try again.", 502)

    @app.get("/callback")
    def callback() -> Any:
        # RFC 9207: an answer from another issuer is refused before its code is sent anywhere (mix-up attack).
        if request.args.get("iss", issuer) != issuer:
            return page("That answer came from somewhere else. Please sign in again.", 400)
        try:
            token = poolhouse.authorize_access_token()
        except OAuthError as error:
            return page(f"You were not signed in: {error.description or error.error}.", 400)
        except (requests.RequestException, ValueError):
            return page("Poolhouse could not be asked for your tokens. Please sign in again.", 502)
        people.begin(dict(token), dict(token.get("userinfo") or {}))
        return redirect(url_for("home"), 303)

    @app.post("/sign-out")
    def sign_out() -> Any:
        kept = people.end()
        if kept is None:
            return redirect(url_for("home"), 303)
        return poolhouse.logout_redirect(f"{own_url}/", kept["token"].get("id_token"), client_id=poolhouse.client_id)
