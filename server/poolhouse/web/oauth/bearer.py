"""Access tokens that come to endpoints of ours, and how they are refused there (RFC 6750)."""

from __future__ import annotations

from poolhouse.core.errors import OAuthError
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web.door import Request, Response
from poolhouse.web.oauth import wire

_HEADERS = [("Access-Control-Expose-Headers", "WWW-Authenticate")]


def token(request: Request) -> str:
    """The access token, from the header or the form, never from the address (RFC 6750 §2). Raises OAuthError."""
    header = request.headers.get("authorization")
    form: dict[str, str] = {}
    content_type = str(request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if request.method == "POST" and content_type == "application/x-www-form-urlencoded":
        form = wire.parameters(request.body)
    if header is not None and "access_token" in form:
        raise OAuthError("invalid_request", "The access token is there more than once.")
    if "access_token" in form:
        return form["access_token"]
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise OAuthError("", "", status=401)  # RFC 6750 §3.1: no error code where nothing was presented
    return token.strip()


def refused(pool: Pool, status: int, code: str, description: str, scope: str = "openid") -> Response:
    """RFC 6750 §3. ``scope`` is what a token needs that has too little."""
    parts = [f'realm="{wire.described(pool.id)}"']
    content: dict[str, str] = {}
    if code:
        content = {"error": code, "error_description": wire.described(description)}
        parts += [f'{name}="{value}"' for name, value in content.items()]
    if code == "insufficient_scope":
        parts.append(f'scope="{scope}"')
    headers = [*wire.JSON_HEADERS, wire.ANY_ORIGIN, *_HEADERS]
    if status in {401, 403}:
        headers.append(("WWW-Authenticate", "Bearer " + ", ".join(parts)))
    return wire.json_response(status, content, headers)
