"""A web app in one file: people sign in by redirect to Poolhouse, and it calls an API in their name."""

import secrets
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, render_template, request, url_for

from clients.examples import demo, pages


def create_app(**settings: str) -> Flask:
    """The app; `settings` stand above the environment and the demo's file."""
    known = demo.Demo({**demo.load().file, **settings})
    issuer = known.value("WEBAPP_ISSUER", "issuer")
    own_url = known.value("WEBAPP_URL", "webapp_url", demo.WEBAPP_URL).rstrip("/")
    api_url = known.value("WEBAPP_API", "api_url", demo.API_URL).rstrip("/")
    resource_server = known.value("API_RESOURCE_SERVER", "resource_server")
    scope = f"openid email profile {resource_server}/read {resource_server}/write"

    app = Flask(__name__)
    secret_key = known.value("WEBAPP_SECRET_KEY", "webapp_secret_key", secrets.token_hex(32))
    pages.prepare(app, "webapp_session", own_url, secret_key)
    people = pages.SignedIn()

    def keep(token: dict[str, Any], **_: Any) -> None:
        """Authlib renewed an expired access token: the new one takes its place."""
        if kept := people.current():
            kept["token"] = {**kept["token"], **token}

    poolhouse = OAuth(app, update_token=lambda _name, token, **more: keep(token, **more)).register(
        "poolhouse",
        client_id=known.value("WEBAPP_CLIENT_ID", "web_client_id"),
        client_secret=known.value("WEBAPP_CLIENT_SECRET", "web_client_secret"),
        # All else (endpoints, keys, algorithms) is read from here.
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": scope, "code_challenge_method": "S256", "default_timeout": 10},
    )

    def ask_api(method: str, **more: Any) -> tuple[list[str], str]:
        """The notes in the API's answer, or a sentence that says why there are none."""
        kept = people.current()
        assert kept is not None
        try:
            answer = poolhouse.request(method, f"{api_url}/notes", token=kept["token"], **more)
            if answer.ok:
                return list(answer.json()["notes"]), ""
            return [], f"The API answered {answer.status_code}: {answer.json()['error_description']}"
        except (requests.RequestException, OAuthError, ValueError, KeyError) as error:
            return [], f"The API could not be asked ({type(error).__name__}). Is it running at {api_url}?"

    def page(error: str = "", status: int = 200) -> tuple[str, int]:
        kept = people.current()
        if kept is None:
            return render_template("welcome.html", issuer=issuer, error=error), status
        notes, why = ask_api("GET")
        return render_template("home.html", claims=kept["claims"], notes=notes, error=error or why, api=api_url), status

    @app.get("/")
    def home() -> tuple[str, int]:
        return page()

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
            # Checks state, sends code and PKCE verifier, checks the ID token's signature, issuer, audience and nonce.
            token = poolhouse.authorize_access_token()
        except OAuthError as error:
            return page(f"You were not signed in: {error.description or error.error}.", 400)
        except (requests.RequestException, ValueError):
            return page("Poolhouse could not be asked for your tokens. Please sign in again.", 502)
        if not token.get("userinfo"):
            return page("Poolhouse sent no ID token. Please sign in again.", 502)
        people.begin(dict(token), dict(token["userinfo"]))
        return redirect(url_for("home"), 303)

    @app.post("/notes")
    def note() -> Any:
        if people.current() is None:
            return redirect(url_for("home"), 303)
        _, why = ask_api("POST", json={"text": request.form.get("text", "")})
        return page(why, 400) if why else redirect(url_for("home"), 303)

    @app.post("/sign-out")
    def sign_out() -> Any:
        kept = people.end()
        if kept is None:
            return redirect(url_for("home"), 303)
        # RP-Initiated Logout: the session at Poolhouse ends too, else the next sign-in would ask for no password.
        return poolhouse.logout_redirect(f"{own_url}/", kept["token"].get("id_token"), client_id=poolhouse.client_id)

    return app
