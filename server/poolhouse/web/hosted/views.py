"""The routes of the hosted pages, and the pages without a form: signed out, errors, the landing page, the mailbox."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from flask import Response, abort, jsonify, request

from poolhouse.core import runtime, unit
from poolhouse.messages import mailbox
from poolhouse.settings import is_loopback
from poolhouse.web import pools
from poolhouse.web.hosted import accounts, connecting, pages, signing_in
from poolhouse.web.hosted.blueprint import blueprint
from poolhouse.web.hosted.visit import Page

_OAUTH_ERRORS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "unauthorized_client",
        "redirect_mismatch",
        "saml_issuer",
        "saml_consumer",
        "saml_request",
        "unsupported_response_type",
        "invalid_scope",
        "access_denied",
        "login_required",
        "server_error",
        "temporarily_unavailable",
    }
)


def _view(page: type[Page]) -> Callable[[str], Response]:
    def view(pool_id: str) -> Response:  # noqa: ARG001 - the door has found the pool
        return page().serve()

    return view


for _page in (*signing_in.PAGES, *accounts.PAGES, *connecting.PAGES):
    blueprint.add_url_rule(
        f"/<pool_id>{_page.path}", _page.path.strip("/"), _view(_page), methods=["GET", "POST"], strict_slashes=False
    )


@blueprint.get("/<pool_id>/confirmforgotPassword")
def cognito_spelling(pool_id: str) -> Response:  # noqa: ARG001
    """Cognito writes this path in two ways."""
    query = request.query_string.decode("ascii", "replace")
    return pages.see_other(pools.url("/confirmForgotPassword") + ("?" + query if query else ""))


@blueprint.get("/<pool_id>/signedout")
def signed_out(pool_id: str) -> Response:  # noqa: ARG001
    """Where people are left after logout, if the app has no page of its own for that."""
    pool, said = pools.current(), pages.words()
    return pages.render(
        "message", said, pool=pool, heading=said("signed_out.task"), text=said("signed_out.text", pool=pool.name)
    )


@blueprint.get("/<pool_id>/error")
def error(pool_id: str) -> Response:  # noqa: ARG001
    """An error that may not be sent to the app: its address is not to be trusted.

    Only the code is read, and only if it is known: whatever else stands in the address is anybody's text.
    """
    pool, said = pools.current(), pages.words()
    code = request.args.get("error", "")
    if code not in _OAUTH_ERRORS:
        return pages.message(said, pool, "unknown")
    return pages.render(
        "message",
        said,
        status=400,
        pool=pool,
        heading=said("ended.oauth"),
        text=said("ended.oauth.text"),
        detail=said("oauth." + code),
        code=said("ended.oauth.code", code=code),
    )


@blueprint.get("/<pool_id>/", strict_slashes=False)
def front_of_pool(pool_id: str) -> Response:  # noqa: ARG001
    """A pool's own address, opened by hand."""
    pool, said = pools.current(), pages.words()
    return pages.render("message", said, pool=pool, heading=said("pool.task", pool=pool.name), text=said("pool.text"))


@blueprint.get("/")
def landing() -> Response:
    """What this server is."""
    settings = runtime.current().settings
    return pages.render(
        "landing",
        pages.words(),
        public_url=settings.api_endpoint or settings.public_url,
        issuer_base=settings.issuer_base,
        mailbox_url="/dev/mailbox" if _mailbox_open() else "",
    )


# --- The development mailbox ----------------------------------------------------------------------------------------


@blueprint.get("/dev/mailbox")
def mailbox_page() -> Response:
    """What was mailed, newest first."""
    mails = [
        {**mail, "shown_at": datetime.fromisoformat(mail["sent_at"]).strftime("%-d %b %Y, %H:%M:%S UTC")}
        for mail in reversed(_mails())
    ]
    return pages.render("mailbox", pages.words(), mails=mails, here="/dev/mailbox", json_url="/dev/mailbox.json")


@blueprint.get("/dev/mailbox.json")
def mailbox_json() -> Response:
    """What was mailed, oldest first: ``{to, subject, text, html, sent_at}``."""
    return pages.protect(jsonify(_mails()))


def _mails() -> list[dict[str, str]]:
    if not _mailbox_open():
        abort(404)
    with unit.open(runtime.current()):
        return mailbox.list()


def _mailbox_open() -> bool:
    """Only in development, only from this machine, and only by its own name.

    The last stops a page on the Internet that has its own name point at 127.0.0.1 (DNS rebinding) from reading codes.
    """
    settings = runtime.current().settings
    try:
        host = urlsplit(f"//{request.host}").hostname or ""
        near = ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
    own = {urlsplit(settings.public_url).hostname, settings.host}
    return settings.mailbox and near and (is_loopback(host) or host in own)
