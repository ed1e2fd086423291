"""How a hosted page is rendered and sent: its words, its headers, and the pages for what cannot be gone on with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Response, make_response, redirect, render_template, request
from werkzeug.exceptions import HTTPException

from poolhouse.user_pools.snapshots import Pool
from poolhouse.web import answers
from poolhouse.web.hosted import assets
from poolhouse.web.hosted.blueprint import blueprint
from poolhouse.web.hosted.words import Words, choose
from poolhouse.web.journey import JourneyEnded

PRODUCT = "Poolhouse"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_AUTHORITY = re.compile(r"[a-z0-9.-]+(:[0-9]{1,5})?")
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action {targets}; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_STATUS_KIND = {404: "not_found", 405: "method", 413: "large"}


def words(asked: str = "") -> Words:
    """The catalogue for this request: ``asked`` (ui_locales), then ``lang`` as Cognito has it, then the browser's."""
    return choose([*asked.split(), request.args.get("lang", ""), *request.accept_languages.values()])


def render(
    template: str,
    said: Words,
    *,
    status: int = 200,
    pool: Pool | None = None,
    leads_to: str = "",
    **context: object,
) -> Response:
    """The page. ``leads_to`` is the address outside that the journey ends at, which the form may be redirected to."""
    page = render_template(
        f"hosted/{template}.html",
        words=said,
        pool_name=pool.name if pool else PRODUCT,
        asset=assets.url,
        brand=assets.brand_url(pool),
        **context,
    )
    response = make_response(page, status)
    targets = " ".join(["'self'", *_source(leads_to)])
    response.headers["Content-Security-Policy"] = _POLICY.format(targets=targets)
    return protect(response)


def protect(response: Response) -> Response:
    """The headers of whatever shows or moves somebody's sign-in."""
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return answers.private(response)


def _source(address: str) -> list[str]:
    """``address``'s origin as a CSP source; its scheme where CSP has no way to write the host (an app's own, IPv6)."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return []
    scheme, authority = parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()
    if not _SCHEME.fullmatch(scheme):
        return []
    if scheme in {"http", "https"} and _AUTHORITY.fullmatch(authority):
        return [f"{scheme}://{authority}"]
    return [f"{scheme}:"]


def see_other(address: str) -> Response:
    """Go on to one of our own pages."""
    return protect(make_response(redirect(address, 303)))


def away(address: str) -> Response:
    """Go on to somebody else, at ``address`` as it is to the letter: its query may be signed (SAML Bindings §3.4.4)."""
    return protect(answers.see_other(address))


def leave(address: str, said: Words, pool: Pool, client_name: str) -> Response:
    """Answer the last form: on to ``address``, and from there to the app.

    Chrome applies form-action to every redirect that follows a form, those of the app's own included, which nobody
    here can list: browsers get a page in between, from which they go on by themselves. Programs get a redirect.
    """
    if request.headers.get("Sec-Fetch-Mode") != "navigate":
        return see_other(address)
    return render("leaving", said, pool=pool, next_url=address, client_name=client_name)


def going(address: str, said: Words, pool: Pool, target: str) -> Response:
    """Answer a form, ours or another site's, with the way on to ``target``: as :func:`leave`, with nobody signed in."""
    if request.headers.get("Sec-Fetch-Mode") != "navigate":
        return see_other(address)
    return render("going", said, pool=pool, next_url=address, target=target)


def post_on(address: str, values: Mapping[str, str], said: Words, pool: Pool, target: str) -> Response:
    """A page that posts ``values`` to ``address`` by itself, and by a button where there is no JavaScript.

    form-action names no host: Chrome would hold it against every redirect that follows over there. What is neither
    http nor https it keeps out.
    """
    response = render("post", said, pool=pool, address=address, values=sorted(values.items()), target=target)
    response.headers["Content-Security-Policy"] = _POLICY.format(targets="http: https:")
    return response


def message(said: Words, pool: Pool | None, key: str, *, status: int = 400, again: str = "") -> Response:
    """A page that says what happened, then what to do; ``again`` is where the same begins anew."""
    name = pool.name if pool else PRODUCT
    link = {"link_url": again, "link_text": said("ended.again")} if again else {}
    return render(
        "message",
        said,
        status=status,
        pool=pool,
        heading=said("ended." + key),
        text=said(f"ended.{key}.text", pool=name),
        **link,
    )


def ended(error: JourneyEnded, pool: Pool) -> Response:
    """The page for a sign-in that cannot be gone on with."""
    return message(words(), pool, error.kind, again=error.again)


@blueprint.app_errorhandler(HTTPException)
def refused_by_http(error: HTTPException) -> Response:
    """404, 405, 413 and their kind, of any page; a redirect that Flask makes itself stays what it is."""
    code = error.code or 500
    if code < 400:
        return make_response(error.get_response())
    kind = _STATUS_KIND.get(code, "broken" if code >= 500 else "method")
    pool: Pool | None = request.environ.get("poolhouse.pool")
    response = message(words(), pool, kind, status=HTTPStatus(code))
    if code == 405 and (allowed := error.get_response().headers.get("Allow")):
        response.headers["Allow"] = allowed
    return response
