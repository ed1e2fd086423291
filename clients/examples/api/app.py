"""A protected API in one file: it asks Poolhouse about each token (RFC 7662) and decides by its scopes."""

import functools
from collections.abc import Callable
from typing import Any

import requests
from flask import Flask, Response, g, jsonify, request

from clients.examples import demo


class Introspection:
    """Poolhouse's word on a token: it knows at once when somebody has signed out or was disabled."""

    def __init__(self, issuer: str, client_id: str, client_secret: str) -> None:
        self.issuer, self.credentials = issuer, (client_id, client_secret)
        self._endpoint = ""

    def __call__(self, token: str) -> dict[str, Any]:
        answer = requests.post(self.endpoint(), {"token": token}, auth=self.credentials, timeout=10)
        answer.raise_for_status()
        facts: dict[str, Any] = answer.json()
        # A token of another pool, or an ID token, is somebody's proof of something else.
        known = facts.get("active") and facts.get("iss") == self.issuer and facts.get("token_use", "access") == "access"
        return facts if known else {"active": False}

    def endpoint(self) -> str:
        """Where discovery says that tokens are introspected; asked for once."""
        if not self._endpoint:
            document = requests.get(f"{self.issuer}/.well-known/openid-configuration", timeout=10)
            document.raise_for_status()
            self._endpoint = document.json()["introspection_endpoint"]
        return self._endpoint


def refused(status: int, error: str, description: str, **more: str) -> Response:
    """RFC 6750 §3: the reason stands in the header, where every OAuth client looks for it."""
    answer = jsonify(error=error, error_description=description)
    details = {"error": error, "error_description": description, **more}
    answer.headers["WWW-Authenticate"] = "Bearer " + ", ".join(f'{name}="{value}"' for name, value in details.items())
    answer.status_code = status
    return answer


def create_app(
    introspect: Callable[[str], dict[str, Any]] | None = None, scopes: dict[str, str] | None = None
) -> Flask:
    """The API; without arguments it is configured by the environment or by the demo's file."""
    app = Flask(__name__)
    if introspect is None:
        known = demo.load()
        introspect = Introspection(
            known.value("API_ISSUER", "issuer"),
            known.value("API_CLIENT_ID", "api_client_id"),
            known.value("API_CLIENT_SECRET", "api_client_secret"),
        )
        resource_server = known.value("API_RESOURCE_SERVER", "resource_server")
        scopes = {name: f"{resource_server}/{name}" for name in ("read", "write")}
    needed = scopes or {"read": "notes/read", "write": "notes/write"}
    notes: dict[str, list[str]] = {}  # a person's notes, by their `sub`: it never changes and is never given twice

    def protected(scope: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
        """Only for callers whose token has the scope; `g.token` says who they are."""

        def decorator(view: Callable[[], Any]) -> Callable[[], Any]:
            @functools.wraps(view)
            def guarded() -> Any:
                scheme, _, token = request.headers.get("Authorization", "").partition(" ")
                if scheme.lower() != "bearer" or not token.strip():
                    return refused(401, "invalid_request", "Send an access token: Authorization: Bearer ...")
                try:
                    facts = introspect(token.strip())
                except requests.RequestException:
                    return refused(503, "temporarily_unavailable", "The token cannot be checked just now; try again.")
                if not facts.get("active"):
                    return refused(401, "invalid_token", "The token has expired, was revoked, or is not for this API.")
                if needed[scope] not in str(facts.get("scope", "")).split():
                    return refused(403, "insufficient_scope", f"This needs {needed[scope]}.", scope=needed[scope])
                g.token = facts
                return view()

            return guarded

        return decorator

    @app.get("/notes")
    @protected("read")
    def read() -> Any:
        return {"owner": g.token["sub"], "notes": notes.get(g.token["sub"], [])}

    @app.post("/notes")
    @protected("write")
    def write() -> Any:
        sent = request.get_json(silent=True)
        text = sent.get("text") if isinstance(sent, dict) else None
        if not isinstance(text, str) or not 1 <= len(text.strip()) <= 200:
            return jsonify(error="invalid_note", error_description="A note is a text of 1 to 200 characters."), 400
        mine = notes.setdefault(g.token["sub"], [])
        mine.append(text.strip())
        del mine[:-20]
        return {"owner": g.token["sub"], "notes": mine}, 201

    @app.get("/")
    def about() -> Any:
        return {
            "name": "The example's API",
            "resources": {"GET /notes": needed["read"], "POST /notes": needed["write"]},
        }

    return app
