"""What the examples' pages share: sessions whose tokens stay on the server, and headers that guard a page."""

import secrets
from typing import Any

from flask import Flask, Response, request, session

# Nothing on the pages comes from elsewhere, and nobody may frame them. There is no form-action: Chromium applies it to
# the redirects that follow a form too, and ours lead to Poolhouse.
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"


class SignedIn:
    """Who is signed in, by session: tokens stay on the server, the browser's cookie holds a handle only.

    One process keeps them in memory; an app of several processes keeps them in its database.
    """

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Any]] = {}

    def begin(self, token: dict[str, Any], claims: dict[str, Any]) -> None:
        # A new session for a new sign-in: a handle that somebody planted beforehand must not become theirs.
        session.clear()
        session["handle"] = secrets.token_urlsafe(32)
        self._kept[session["handle"]] = {"token": token, "claims": claims}

    def current(self) -> dict[str, Any] | None:
        return self._kept.get(session.get("handle", ""))

    def end(self) -> dict[str, Any] | None:
        kept = self._kept.pop(session.get("handle", ""), None)
        session.clear()
        return kept


def prepare(app: Flask, cookie: str, own_url: str, secret_key: str) -> None:
    """Sessions and headers of an app that shows pages at `own_url`."""
    app.secret_key = secret_key
    app.config.update(
        # Other ports of this machine share its cookies, so that the name has to be this app's own.
        SESSION_COOKIE_NAME=cookie,
        SESSION_COOKIE_HTTPONLY=True,
        # Lax: forms on other sites are sent without it, so that they cannot act in somebody's name.
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=own_url.startswith("https:"),
    )

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response
