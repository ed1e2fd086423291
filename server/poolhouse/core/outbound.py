"""Requests of ours to other servers: time-outs, a limit of size, no redirects, no private addresses.

An address that an administrator or a document names is a way into our own network: what is reached is checked on the
connected socket, before a byte is sent, so that a name cannot resolve to one address for the check and to another for
the request.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from poolhouse.core import runtime

_CONNECT_SECONDS = 3.0
_READ_SECONDS = 5.0
_ALTOGETHER_SECONDS = 10.0
_LARGEST = 512 * 1024
_LONGEST_URL = 8192  # Amazon's tokens have up to 2,048 characters, and are asked about in a query
_CHUNK = 16 * 1024


class Unreachable(Exception):
    """The other server could not be asked, or its answer cannot be used. The message is for the log."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises Unreachable."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise Unreachable("the answer is not JSON") from None


def get(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """GET `url`. Raises Unreachable."""
    return _ask("GET", url, headers or {}, None)


def get_json(url: str, *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON object at `url`. Raises Unreachable for any other answer."""
    answer = get(url, headers={"Accept": "application/json", **(headers or {})})
    if answer.status != 200:
        raise Unreachable(f"{_shown(url)}: status {answer.status}")
    content = answer.json()
    if not isinstance(content, dict):
        raise Unreachable(f"{_shown(url)}: the answer is not a JSON object")
    return content


def post_form(url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> Answer:
    """POST a form to `url`. Raises Unreachable."""
    return _ask("POST", url, headers or {}, form)


def _ask(method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None) -> Answer:
    private = runtime.current().settings.reaches_private
    _require_fit(url)
    deadline = time.monotonic() + _ALTOGETHER_SECONDS
    with requests.Session() as session:
        session.trust_env = False  # neither ~/.netrc nor a proxy of the environment has a say
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(private))
        try:
            with session.request(
                method,
                url,
                data=form,
                headers={"Accept": "*/*", "User-Agent": "poolhouse", **headers},
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response:
                return Answer(response.status_code, _read(response, deadline))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as failed:
            raise Unreachable(f"{_shown(url)}: {type(failed).__name__}: {failed}"[:500]) from failed


def _read(response: requests.Response, deadline: float) -> bytes:
    body = b""
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > _LARGEST:
            raise Unreachable(f"{_shown(response.url)}: the answer is longer than {_LARGEST} bytes")
        if time.monotonic() > deadline:  # a drop at a time would hold this thread for ever
            raise Unreachable(f"{_shown(response.url)}: the answer takes too long")
    return body


def _require_fit(url: str) -> None:
    try:
        parts = urlsplit(url)
        fit = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
        fit = fit and parts.port != 0 and len(url) <= _LONGEST_URL
    except ValueError:
        fit = False
    if not fit:
        raise Unreachable("not an http or https URL")


def _shown(url: str) -> str:
    """A URL for the log: without its query, where secrets travel."""
    return url.partition("?")[0][:200]


# --- the address that is really reached ---------------------------------------------------------------------------


def _require_public(connection: socket.socket, private: bool) -> None:
    address = ipaddress.ip_address(str(connection.getpeername()[0]).partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    # Where clouds hand out their machines' credentials: never, whatever the settings say.
    if address.is_link_local or address.is_multicast or (not private and not address.is_global):
        connection.close()
        raise OSError("the address is not a public one")


def _adapter_pools(private: bool) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            connection: socket.socket = super()._new_conn()
            _require_public(connection, private)
            return connection

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            connection: socket.socket = super()._new_conn()
            _require_public(connection, private)
            return connection

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


_POOLS = {private: _adapter_pools(private) for private in (False, True)}


class _Adapter(HTTPAdapter):
    def __init__(self, private: bool) -> None:
        self._private = private
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = _POOLS[self._private]
