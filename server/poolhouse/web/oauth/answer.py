"""How an authorization request is answered: by redirect, by a form that posts itself, or with an error page of ours."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Response

from poolhouse.core.errors import OAuthError
from poolhouse.web.answers import error_page, form_post, private, see_other
from poolhouse.web.oauth import wire

__all__ = ["Target", "error_page", "granted", "private", "refused", "see_other", "with_query"]


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
