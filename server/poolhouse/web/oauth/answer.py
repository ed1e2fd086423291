"""How an authorization request is answered: by redirect, by a form that posts itself, or with an error page of ours."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from urllib.parse import quote, urlencode

from flask import Response

from poolhouse.core.errors import OAuthError
from poolhouse.web import pools
from poolhouse.web.oauth import wire

_SUBMIT = "document.forms[0].submit()"
_SUBMIT_HASH = base64.b64encode(hashlib.sha256(_SUBMIT.encode()).digest()).decode()
_FORM = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>Continue</title></head>
<body><form method="post" action="{action}">{inputs}<p><button>Continue</button></p></form>
<script>{script}</script></body></html>
"""
_ASCII = "".join(chr(c) for c in range(0x21, 0x7F))


@dataclass(frozen=True, slots=True)
class Target:
    """Where an answer goes: an address that the client registered, and how."""

    redirect_uri: str
    redirect_uri_given: bool
    mode: str
    state: str | None
    issuer: str


def granted(target: Target, code: str) -> Response:
    """The code (RFC 6749 §4.1.2)."""
    return _answer(target, {"code": code})


def refused(target: Target, error: OAuthError) -> Response:
    """The error (RFC 6749 §4.1.2.1)."""
    return _answer(target, {"error": error.code, "error_description": wire.described(str(error))})


def _answer(target: Target, said: dict[str, str]) -> Response:
    if target.state is not None:
        said["state"] = target.state
    said["iss"] = target.issuer  # RFC 9207, against mix-up: in every answer, errors too
    if target.mode == "form_post":
        return form_post(target.redirect_uri, said)
    return see_other(with_query(target.redirect_uri, said))


def with_query(uri: str, said: dict[str, str]) -> str:
    """``uri`` with more parameters; a query that it has already stays exactly as it was registered."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(said)}"


def see_other(address: str) -> Response:
    """A redirect that is always followed by GET (RFC 9700 §4.12: a 307 would post the password onwards)."""
    response = Response(status=303)
    response.headers["Location"] = quote(address, safe=_ASCII)
    return private(response)


def form_post(action: str, said: dict[str, str]) -> Response:
    """OAuth 2.0 Form Post Response Mode §2: submits itself, and has a button for browsers without JavaScript."""
    inputs = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in said.items()
    )
    page = _FORM.format(action=escape(action), inputs=inputs, script=_SUBMIT)
    response = Response(page, content_type="text/html; charset=utf-8")
    # No form-action: Chrome would apply it to the redirects that follow at the app, which nobody here can list.
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'sha256-{_SUBMIT_HASH}'; base-uri 'none'; frame-ancestors 'none'"
    )
    return private(response)


def error_page(code: str) -> Response:
    """For what may not be sent to the app, because its address is not to be trusted (RFC 6749 §4.1.2.1)."""
    return see_other(pools.url("/error?" + urlencode({"error": code})))


def private(response: Response) -> Response:
    """Codes and states are for nobody's cache, history of referrers, or frame."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    return response
