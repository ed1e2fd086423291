"""Who an operation with an AccessToken is about."""

from __future__ import annotations

from poolhouse.core.errors import NotAuthorized
from poolhouse.tokens import verify
from poolhouse.tokens.claims import API_SCOPE
from poolhouse.user_pools.snapshots import Client
from poolhouse.users import User


def person(access_token: str) -> tuple[Client, User]:
    """The client and the user of a token that works and has the API's scope. Raises NotAuthorized."""
    token = verify.access(access_token, scope=API_SCOPE)
    if token.user is None:
        raise NotAuthorized(verify.INVALID, hint="a client's own token")
    return token.client, token.user
