"""The one Authlib authorization server, which serves every pool: the pool comes with each request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn

from authlib.oauth2 import AuthorizationServer, OAuth2Error

from poolhouse.core.errors import OAuthError
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web.door import Response
from poolhouse.web.oauth import clients, wire
from poolhouse.web.oauth.clients import OAuthClient
from poolhouse.web.oauth.wire import OAuthRequest

_pool: ContextVar[Pool] = ContextVar("poolhouse_oauth_pool")


@contextmanager
def serving(pool: Pool) -> Iterator[None]:
    """Everything inside concerns ``pool``: Authlib asks for a client by its id alone."""
    token = _pool.set(pool)
    try:
        yield
    finally:
        _pool.reset(token)


class Server(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server on our requests and responses. What it refuses is raised, so that nothing of it is stored."""

    def query_client(self, client_id: str) -> OAuthClient | None:
        """A client of the pool that is served: another pool's is nobody here."""
        return clients.query(_pool.get(), client_id)

    def authenticate_client(self, request: OAuthRequest, methods: object, endpoint: str = "token") -> OAuthClient:  # noqa: ARG002
        """As :func:`clients.authenticate`: the client's settings say which methods there are, not the grant."""
        return clients.authenticate(request)

    def save_token(self, token: object, request: object) -> None:
        """Nothing: tokens are stored where they are issued."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nothing: our own events say what happened."""

    def create_oauth2_request(self, request: OAuthRequest) -> OAuthRequest:
        """Our requests are made before Authlib sees them."""
        return request

    def handle_response(self, status: int, body: Any, headers: object) -> Response:  # noqa: ARG002
        """An answer that is not an error."""
        return wire.json_response(status, body)

    def handle_error_response(self, request: object, error: OAuth2Error) -> NoReturn:  # noqa: ARG002
        """Raise, so that the unit of work rolls back, and the handler writes every error alike."""
        raise refusal(error)


def refusal(error: OAuth2Error) -> OAuthError:
    """Authlib's error as ours."""
    return OAuthError(
        str(error.error or "invalid_request"),
        wire.described(error.get_error_description() or ""),
        status=401 if error.error == "invalid_client" else 400,
    )
