"""Policy bundles: what an API needs to decide by itself, signed, with a name that changes when the content does."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import orjson

from poolhouse.core import clock, jose
from poolhouse.decisions import documents, subjects
from poolhouse.tokens import keys
from poolhouse.user_pools.snapshots import Client, Pool

TYPE = "poolhouse-bundle+jwt"
SECONDS = 3600
_LARGEST = 2 * 1024 * 1024


class TooLarge(Exception):
    """The pool's roles do not fit into one bundle."""


def content(pool: Pool) -> dict[str, Any]:
    """The pool's groups with a role, those roles' documents, and what scopes cover.

    A group whose role cannot be read would lose its Deny statements: the whole bundle is refused then (AccessDenied).
    """
    of_groups = documents.of_groups(pool.id)
    roles = {}
    for arn in sorted(set(of_groups.values())):
        written = documents.of_role(arn)
        if written is not None:
            roles[arn] = {"name": written.name, "policies": list(written.policies), "boundary": written.boundary}
    return {
        "groups": {name: arn for name, arn in of_groups.items() if arn in roles},
        "roles": roles,
        "scopes": {scope: list(actions) for scope, actions in subjects.scopes(pool).actions.items()},
    }


def etag(pool: Pool, client: Client, told: dict[str, Any]) -> str:
    """A strong validator of a client's bundle (RFC 9110 §8.8.3): the same content has the same, whenever signed."""
    whole = orjson.dumps(
        [pool.issuer, client.id, keys.signing(pool.id, "access").kid, told], option=orjson.OPT_SORT_KEYS
    )
    return '"' + base64.urlsafe_b64encode(hashlib.sha256(whole).digest()[:18]).decode() + '"'


def signed(pool: Pool, client: Client, told: dict[str, Any]) -> str:
    """The bundle as a JWT for one client, good for an hour. `token_use` keeps it from passing for a token of a user."""
    now = clock.timestamp()
    claims = {"iss": pool.issuer, "aud": client.id, "token_use": "bundle", "iat": now, "exp": now + SECONDS, **told}
    token = jose.sign(keys.signing(pool.id, "access"), claims, TYPE)
    if len(token) > _LARGEST:
        raise TooLarge
    return token
