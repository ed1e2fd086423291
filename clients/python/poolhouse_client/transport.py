"""The one way out: HTTP with time-outs, a limit on the size of answers, no redirects, TLS except to this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3

from poolhouse_client.errors import Unavailable

_LARGEST = 4 * 1024 * 1024
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Transport:
    """A pool of connections. `allow_http` is for networks that are private by other means."""

    def __init__(self, *, timeout: float = 5.0, allow_http: bool = False) -> None:
        self._allow_http = allow_http
        self._http = urllib3.PoolManager(timeout=urllib3.Timeout(total=timeout), maxsize=16, retries=False)

    def ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, header fields and body. Raises Unavailable; an error status is the caller's to judge."""
        parts = urlsplit(url)
        if parts.scheme != "https" and not (
            parts.scheme == "http" and (self._allow_http or parts.hostname in _LOOPBACK)
        ):
            # Keys fetched in the clear are whatever somebody on the way says they are.
            raise Unavailable(f"{url} is not https")
        try:
            response = self._http.request(
                method, url, headers=dict(headers or {}), body=body, redirect=False, preload_content=False
            )
            try:
                content = response.read(_LARGEST + 1, decode_content=True)
            finally:
                response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise Unavailable(f"{method} {url}: {error}") from error
        if len(content) > _LARGEST:
            raise Unavailable(f"{method} {url}: the answer is larger than {_LARGEST} bytes")
        return response.status, response.headers, content


def json_object(url: str, content: bytes) -> dict[str, Any]:
    """The JSON object in an answer. Raises Unavailable."""
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise Unavailable(f"{url}: the answer is no JSON object")
    return parsed
