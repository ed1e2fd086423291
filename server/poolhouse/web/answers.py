"""How protocol endpoints send a browser on: by a redirect, by a form that posts itself, or to our error page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from flask import Response

from poolhouse.web import pools

_SUBMIT = "document.forms[0].submit()"
_SUBMIT_HASH = base64.b64encode(hashlib.sha256(_SUBMIT.encode()).digest()).decode()
_FORM = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>Continue</title></head>
<body><form method="post" action="{action}">{inputs}<p><button>Continue</button></p></form>
<script>{script}</script></body></html>
"""
_PAUSE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>Continue</title><meta http-equiv="refresh" content="0;url={address}">
</head><body><p><a href="{address}">Continue</a></p></body></html>
"""
# form-action names no host: Chrome would apply it to the redirects that follow at the app, which nobody here can list.
_FORM_POLICY = (
    f"default-src 'none'; script-src 'sha256-{_SUBMIT_HASH}'; form-action http: https:; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_POSTABLE: Final = frozenset({"http", "https"})
_ASCII = "".join(chr(c) for c in range(0x21, 0x7F))


def see_other(address: str) -> Response:
    """A redirect that is always followed by GET (RFC 9700 §4.12: a 307 would post the password onwards)."""
    response = Response(status=303)
    response.headers["Location"] = quote(address, safe=_ASCII)
    return private(response)


def form_post(action: str, said: Mapping[str, str]) -> Response:
    """A page that posts ``said`` to ``action`` by itself, and has a button for browsers without JavaScript.

    OAuth 2.0 Form Post Response Mode §2, SAML Bindings §3.5. Everything in it is escaped; an address of another scheme
    than http and https would run in our own origin (crewjam CVE-2023-45683), and is a ValueError.
    """
    if urlsplit(action).scheme not in _POSTABLE:
        raise ValueError("a form can be posted to http and https alone")
    inputs = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in said.items()
    )
    page = _FORM.format(action=escape(action), inputs=inputs, script=_SUBMIT)
    response = Response(page, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _FORM_POLICY
    return private(response)


def send(address: str, form: Mapping[str, str] | None) -> Response:
    """To ``address``: with ``form`` by a page that posts it there, else by a redirect."""
    return see_other(address) if form is None else form_post(address, form)


def pause(address: str) -> Response:
    """A page that goes on to ``address`` by itself: where a browser would tire of redirects."""
    response = Response(_PAUSE.format(address=escape(address)), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    return private(response)


def error_page(code: str) -> Response:
    """For what may not be sent to the app, because its address is not to be trusted (RFC 6749 §4.1.2.1)."""
    return see_other(pools.url("/error?" + urlencode({"error": code})))


def private(response: Response) -> Response:
    """Codes, assertions and states are for nobody's cache, history of referrers, or frame."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    return response
