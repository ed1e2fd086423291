"""SECRET_HASH: how a confidential client proves its secret in the API (Cognito: Computing secret hash values)."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable

from poolhouse.core import sealing
from poolhouse.core.errors import NotAuthorized
from poolhouse.user_pools.snapshots import Client


def compute(secret: str, username: str, client_id: str) -> str:
    """Base64(HMAC-SHA-256(secret, username | client id))."""
    return base64.b64encode(hmac.digest(secret.encode(), (username + client_id).encode(), "sha256")).decode()


def check(client: Client, usernames: Iterable[str], given: str | None) -> None:
    """Raise NotAuthorized unless ``given`` was made with one of the client's secrets and one of ``usernames``."""
    if not client.secrets:
        if given:
            raise NotAuthorized(f"Unable to verify secret hash for client {client.id}")
        return
    if not given:
        raise NotAuthorized(f"Client {client.id} is configured with secret but SECRET_HASH was not received")
    names = tuple(usernames)
    expected = [compute(secret.reveal(), name, client.id) for secret in client.secrets for name in names]
    if not any(sealing.same(given, right) for right in expected):
        raise NotAuthorized(f"Unable to verify secret hash for client {client.id}")


def check_secret(client: Client, given: str | None) -> bool:
    """Whether ``given`` is one of the client's secrets in clear, or the client has none and none was given."""
    if not client.secrets:
        return not given
    return any(sealing.same(given or "", secret.reveal()) for secret in client.secrets)
