"""Who asks about permissions: a confidential client of the pool, by its secret or by a token of its own."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import unquote

from poolhouse.core import sealing
from poolhouse.core.errors import NotAuthorized, ResourceNotFound
from poolhouse.tokens import verify
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.web.door import Request

# Scopes of a resource server that operators create with the identifier `poolhouse`.
EVALUATE, SEARCH, EXPLAIN, BUNDLE = (f"poolhouse/{name}" for name in ("evaluate", "search", "explain", "bundle"))


class NotAdmitted(Exception):
    """401 for who did not prove who they are, 403 for who may not ask that; `challenges` are WWW-Authenticate's."""

    def __init__(self, status: int, said: str, *challenges: str) -> None:
        super().__init__(said)
        self.status, self.challenges = status, challenges


@dataclass(frozen=True, slots=True)
class Asker:
    """A client and what it may ask."""

    client: Client
    scopes: frozenset[str]

    @property
    def pool(self) -> Pool:
        """The pool that it may ask about: its own."""
        return self.client.pool

    def require(self, scope: str) -> None:
        """Raises NotAdmitted without that scope."""
        if scope not in self.scopes:
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            raise NotAdmitted(403, f"The client needs the scope {scope}.", challenge)


def identify(request: Request, pool: Pool | None) -> Asker:
    """The client that asks: of `pool`, or without one of whichever pool is its own. Raises NotAdmitted (401)."""
    scheme, _, credentials = str(request.headers.get("authorization") or "").strip().partition(" ")
    if scheme.lower() == "basic":
        return _by_secret(pool, credentials.strip())
    if scheme.lower() == "bearer":
        return _by_token(pool, credentials.strip())
    raise _unknown("Authenticate with a client's id and secret, or with an access token of its own.")


def _unknown(said: str) -> NotAdmitted:
    return NotAdmitted(401, said, 'Basic realm="poolhouse", charset="UTF-8"', 'Bearer realm="poolhouse"')


def _by_secret(pool: Pool | None, credentials: str) -> Asker:
    refused = _unknown("Client authentication failed.")
    try:
        text = base64.b64decode(credentials, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise refused from None
    client_id, colon, secret = text.partition(":")
    client = _client(pool, unquote(client_id)) if colon else None
    if client is None or not client.secrets:
        raise refused
    # Bare or form-encoded (RFC 6749 §2.3.1); every pair is compared, so that time does not tell which is nearer.
    spellings = (secret, unquote(secret.replace("+", " ")))
    matches = [sealing.same(known.reveal(), given) for known in client.secrets for given in spellings]
    if not any(matches) or client.token_endpoint_auth_method not in {"", "client_secret_basic"}:
        raise refused
    # What its tokens could have: a client that may have none of its own may not ask either.
    granted = client.oauth_scopes if "client_credentials" in client.oauth_flows else ()
    return Asker(client, frozenset(granted) & frozenset(client.pool.resource_scopes))


def _client(pool: Pool | None, client_id: str) -> Client | None:
    if not 0 < len(client_id) <= 128 or not client_id.isascii() or not client_id.isalnum():
        return None
    try:
        return lookup.find_client(pool, client_id) if pool is not None else lookup.client_anywhere(client_id)
    except ResourceNotFound:
        return None


def _by_token(pool: Pool | None, token: str) -> Asker:
    try:
        found = verify.access(token, pool=pool)
    except NotAuthorized as error:
        raise NotAdmitted(401, str(error), 'Bearer error="invalid_token"') from None
    if found.user is not None:
        # A person's token must not open what everybody else may do.
        raise NotAdmitted(403, "Ask with a token of the client's own (client_credentials).", "Bearer")
    return Asker(found.client, found.scopes)
