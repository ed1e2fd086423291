"""The door in front of Flask: finds the pool by path or host, and serves protocol endpoints without a framework.

Flask's dispatch alone costs what verifying an RS256 signature costs, so token, introspection, userInfo, JWKS,
discovery and the AWS API are plain functions from :class:`Request` to :class:`Response`. Pages go on to Flask, which
always sees the path style ``/<pool id>/…``: on a pool's own host the door writes the pool into the path.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from poolhouse.core import circumstances, ids, runtime, unit
from poolhouse.core.errors import RequestTooLarge
from poolhouse.core.runtime import Runtime
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Pool

if TYPE_CHECKING:
    from contextvars import Token

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from poolhouse.core.circumstances import Circumstances

log = logging.getLogger("poolhouse.web")
LARGEST_BODY = 1024 * 1024
REQUEST_ID = "X-Request-Id"
_STATUS = {s.value: f"{s.value} {s.phrase}" for s in HTTPStatus}
_FORBIDDEN_IN_POOL_ID = frozenset("./%\\\x00")


class Headers(Mapping[str, str]):
    """The request's headers by lower-case name, read from the WSGI environment when asked for."""

    __slots__ = ("_environ",)

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._environ = environ

    @staticmethod
    def _key(name: str) -> str:
        key = name.upper().replace("-", "_")
        return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else "HTTP_" + key

    def __getitem__(self, name: str) -> str:
        return str(self._environ[self._key(name)])

    def get(self, name: str, default: Any = None) -> Any:
        return self._environ.get(self._key(name), default)

    def __iter__(self) -> Any:
        for key in self._environ:
            if key.startswith("HTTP_"):
                yield key[5:].replace("_", "-").lower()
            elif key in {"CONTENT_TYPE", "CONTENT_LENGTH"} and self._environ[key]:
                yield key.replace("_", "-").lower()

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Request:
    """A request as protocol endpoints see it."""

    __slots__ = ("_body", "environ", "headers", "method", "path", "query_string")

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ.get("PATH_INFO", "/")
        self.query_string: str = environ.get("QUERY_STRING", "")
        self.headers = Headers(environ)
        self._body: bytes | None = None

    @property
    def body(self) -> bytes:
        """The whole body. Raises RequestTooLarge beyond a mebibyte, whatever Content-Length says."""
        if self._body is None:
            declared = self.environ.get("CONTENT_LENGTH") or ""
            if declared and (not declared.isdigit() or int(declared) > LARGEST_BODY):
                raise RequestTooLarge()
            stream = self.environ["wsgi.input"]
            # Without a length only a server that ends the stream itself may be read to the end (chunked requests).
            chunked = self.environ.get("wsgi.input_terminated") or self.environ.get("HTTP_TRANSFER_ENCODING")
            if declared:
                self._body = stream.read(int(declared))
            elif chunked:
                self._body = stream.read(LARGEST_BODY + 1)
            else:
                self._body = b""
            if len(self._body) > LARGEST_BODY:
                raise RequestTooLarge()
        return self._body

    @property
    def remote_addr(self) -> str:
        """The peer's address: a proxy's word only where ``trusted_proxies`` says so."""
        return str(self.environ.get("REMOTE_ADDR") or "")

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return str(self.environ.get("wsgi.url_scheme", "http"))

    @property
    def host(self) -> str:
        """The Host header: for choosing a pool's domain and checking signatures, never for building URLs."""
        return str(self.environ.get("HTTP_HOST", ""))


@dataclass(slots=True)
class Response:
    """A complete answer."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


PoolHandler = Callable[[Request, Pool], Response]
RootHandler = Callable[[Request], Response]


class Door:
    """The WSGI application that the server runs."""

    def __init__(self, rt: Runtime, behind: WSGIApplication) -> None:
        self._runtime = rt
        self._behind = behind
        self._root: dict[tuple[str, str], RootHandler] = {}
        self._pool: dict[tuple[str, str], PoolHandler] = {}
        self._methods: dict[str, list[str]] = {}

    def root(self, method: str, path: str, handler: RootHandler) -> None:
        """Serve ``path`` of the server itself."""
        self._root[method, path] = handler

    def pool(self, method: str, path: str, handler: PoolHandler) -> None:
        """Serve ``path`` of every pool, below its id and on its domain."""
        self._pool[method, path] = handler
        self._methods.setdefault(path, []).append(method)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        token = runtime.enter(self._runtime)
        # What only reads a document or a token leaves no trace, and so needs no name to leave it under.
        around = _around(environ) if environ["REQUEST_METHOD"] == "POST" else None
        try:
            response = self._answer(environ)
            if response is None:
                around = around or _around(environ)
                _quote_query(environ)
                return self._behind(environ, _naming(start_response))
            # An answer may have the name that its request came with (AuthZEN §10.1.5).
            if around is not None and all(name.lower() != "x-request-id" for name, _ in response.headers):
                response.headers.append((REQUEST_ID, circumstances.current().request_id))
        except RequestTooLarge as error:
            response = Response(413, [("Content-Type", "text/plain")], str(error).encode())
        except Exception:
            log.exception("%s %s failed", environ.get("REQUEST_METHOD"), environ.get("PATH_INFO"))
            response = Response(500, [("Content-Type", "application/json")], b'{"error":"server_error"}')
        finally:
            if around is not None:
                circumstances.leave(around)
            runtime.leave(token)
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else response.body
        if response.status not in {204, 304}:
            response.headers.append(("Content-Length", str(len(response.body))))
        start_response(_STATUS.get(response.status, str(response.status)), response.headers)
        return (body,)

    def _answer(self, environ: WSGIEnvironment) -> Response | None:
        path: str = environ.get("PATH_INFO") or "/"
        method: str = environ["REQUEST_METHOD"]
        pool = self._pool_of_host(environ)
        if pool is not None:
            rest = path
            environ["PATH_INFO"] = f"/{pool.id}{path}"
        else:
            handler = self._root.get((method, path))
            if handler is not None:
                return handler(Request(environ))
            slash = path.find("/", 1)
            if slash < 0:
                return None
            pool, rest = self._pool_by_id(path[1:slash]), path[slash:]
            if pool is None:
                return None
            environ["poolhouse.prefix"] = f"/{pool.id}"
        environ["poolhouse.pool"] = pool
        served = self._pool.get((method, rest))
        if served is not None:
            return served(Request(environ), pool)
        allowed = self._methods.get(rest)
        if allowed is not None and method != "OPTIONS":
            return Response(405, [("Allow", ", ".join(allowed)), ("Content-Type", "text/plain")], b"Method not allowed")
        return None

    def _pool_of_host(self, environ: WSGIEnvironment) -> Pool | None:
        host = str(environ.get("HTTP_HOST") or "").lower()
        name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
        if not name or name in {"localhost", "127.0.0.1"} or "\x00" in name:
            return None
        with unit.open(self._runtime):
            return lookup.pool_by_host(name)

    def _pool_by_id(self, pool_id: str) -> Pool | None:
        if "_" not in pool_id or len(pool_id) > 55 or not pool_id.isascii() or _FORBIDDEN_IN_POOL_ID & set(pool_id):
            return None
        cached: Pool | None = self._runtime.cache.peek(("pool", pool_id))
        if cached is not None:
            return cached
        with unit.open(self._runtime):
            return lookup.find_pool(pool_id)


def _around(environ: WSGIEnvironment) -> Token[Circumstances]:
    return circumstances.enter(ids.uuid4(), str(environ.get("REMOTE_ADDR") or ""))


def _naming(start_response: StartResponse) -> StartResponse:
    """``start_response`` for a page whose answer carries the request's id."""
    request_id = circumstances.current().request_id

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
        return start_response(status, [*headers, (REQUEST_ID, request_id)], exc_info)

    return start


def _quote_query(environ: WSGIEnvironment) -> None:
    """Write bytes that no browser sends bare the way it would send them: Werkzeug fails on what is not UTF-8."""
    query = environ.get("QUERY_STRING", "")
    if not query.isascii():
        environ["QUERY_STRING"] = "".join(c if c.isascii() else f"%{ord(c):02X}" for c in query)
