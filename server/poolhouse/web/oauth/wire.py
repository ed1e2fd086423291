"""Read OAuth requests strictly and write their answers: the framework-free adapter that Authlib's core works on.

Stricter than Authlib's own integrations: parameters of a POST come from its form alone, none may be repeated
(RFC 6749 §3.1, §3.2), and what is not UTF-8, too large, or has control characters is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson
from authlib.oauth2.rfc6749.requests import OAuth2Payload, OAuth2Request

from poolhouse.core.errors import OAuthError
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web.door import Request, Response

LARGEST_FORM = 64 * 1024
MOST_PARAMETERS = 60
_FORM_TYPE = "application/x-www-form-urlencoded"
NO_STORE = [("Cache-Control", "no-store"), ("Pragma", "no-cache")]
JSON_HEADERS = [("Content-Type", "application/json"), *NO_STORE]
ANY_ORIGIN = ("Access-Control-Allow-Origin", "*")


class Payload(OAuth2Payload):  # type: ignore[misc]
    """A request's parameters: each once, none empty."""

    def __init__(self, parameters: dict[str, str]) -> None:
        self._parameters = parameters

    @property
    def data(self) -> dict[str, str]:
        return self._parameters

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return defaultdict(list, {name: [value] for name, value in self._parameters.items()})


class OAuthRequest(OAuth2Request):  # type: ignore[misc]
    """An OAuth request as Authlib's grants see it, with the pool that it is for."""

    def __init__(self, pool: Pool, method: str, parameters: dict[str, str], authorization: str | None = None) -> None:
        # Not through the base class: whether we are reached by https is the proxy's affair, and costs a parsed URL.
        self.pool = pool
        self.method = method
        self.authorization = authorization
        self.headers = {"Authorization": authorization} if authorization else {}
        self.payload = Payload(parameters)
        self.client = None
        self.auth_method: str | None = None
        self.user = None
        self.authorization_code = None
        self.refresh_token = None
        self.credential = None
        self._scope = None
        self._body = parameters

    @property
    def args(self) -> dict[str, str]:
        return self.payload.data

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data


def parameters(encoded: str | bytes) -> dict[str, str]:
    """The parameters of a query or a form, those without a value left out (RFC 6749 §3.1). Raises OAuthError."""
    if isinstance(encoded, str):
        encoded = encoded.encode("latin-1", "replace")
    if len(encoded) > LARGEST_FORM:
        raise OAuthError("invalid_request", "The request is too large.")
    found: dict[str, str] = {}
    if not encoded:
        return found
    pairs = encoded.split(b"&")
    if len(pairs) > MOST_PARAMETERS:
        raise OAuthError("invalid_request", "The request has too many parameters.")
    for pair in pairs:
        if not pair:
            continue
        name, _, value = pair.partition(b"=")
        decoded = _decoded(name)
        if decoded in found:
            raise OAuthError("invalid_request", "A parameter is repeated.")
        found[decoded] = _decoded(value)
    return {name: value for name, value in found.items() if value}


def _decoded(part: bytes) -> str:
    try:
        text = (
            unquote_to_bytes(part.replace(b"+", b" ")).decode("utf-8")
            if b"%" in part or b"+" in part
            else part.decode()
        )
    except UnicodeDecodeError:
        raise OAuthError("invalid_request", "A parameter is not UTF-8.") from None
    if "\x00" in text:
        raise OAuthError("invalid_request", "A parameter has a NUL character.")
    return text


def read_form(request: Request, pool: Pool) -> OAuthRequest:
    """The OAuth request in the form of a POST. Raises OAuthError ``invalid_request``."""
    content_type = str(request.headers.get("content-type") or "")
    if content_type.partition(";")[0].strip().lower() != _FORM_TYPE:
        raise OAuthError("invalid_request", f"The request must be a form of type {_FORM_TYPE}.")
    if request.query_string:
        # RFC 6749 §2.3.1: credentials never stand in a URI; nor does anything else here, so that nothing is said twice.
        raise OAuthError("invalid_request", "Parameters belong in the form, not in the address.")
    return OAuthRequest(pool, request.method, parameters(request.body), request.headers.get("authorization"))


def json_response(status: int, content: Any, headers: Iterable[tuple[str, str]] = JSON_HEADERS) -> Response:
    """An answer in JSON."""
    return Response(status, list(headers), orjson.dumps(content))


def described(text: str) -> str:
    """``text`` within the characters of ``error_description`` (RFC 6749 §5.2)."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" if c == '"' else "?" for c in text)[:400]


def error_response(error: OAuthError, pool: Pool, *, cors: bool = False) -> Response:
    """An error of the token endpoint and its siblings (RFC 6749 §5.2)."""
    headers = list(JSON_HEADERS)
    if cors:
        headers.append(ANY_ORIGIN)
    if error.status == 401:
        realm = described(pool.id)
        headers.append(("WWW-Authenticate", f'Basic realm="{realm}", error="{error.code}", charset="UTF-8"'))
    content = {"error": error.code}
    if str(error):
        content["error_description"] = described(str(error))
    return Response(error.status, headers, orjson.dumps(content))


def preflight(methods: str, allowed_headers: str = "Authorization, Content-Type") -> Response:
    """The answer to a browser's CORS preflight at an endpoint that any origin may use."""
    return Response(
        204,
        [
            ANY_ORIGIN,
            ("Access-Control-Allow-Methods", methods),
            ("Access-Control-Allow-Headers", allowed_headers),
            ("Access-Control-Max-Age", "86400"),
        ],
    )
