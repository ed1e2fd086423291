"""private_key_jwt: a client that proves itself by a token it has signed (RFC 7523 §2.2, OIDC Core §9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError

from poolhouse.core import clock, jose, sealing, unit
from poolhouse.core.errors import OAuthError
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.web import pools
from poolhouse.web.oauth.models import SeenAssertion

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LEEWAY = 60
_LONGEST_LIFE = 24 * 3600
_LONGEST_JTI = 512


def refused(hint: str) -> OAuthError:
    """One sentence for whatever is wrong: a stranger learns nothing of clients and their keys."""
    return OAuthError("invalid_client", "The client assertion is not accepted.", status=401, hint=hint)


def authenticate(pool: Pool, token: str, claimed_id: str | None) -> Client:
    """The client that signed ``token``, which is used up by it. Raises OAuthError ``invalid_client``."""
    try:
        subject = jose.unverified_claims(token).get("sub")
    except jose.InvalidToken as reason:
        raise refused(str(reason)) from None
    client = lookup.find_client(pool, subject) if isinstance(subject, str) and len(subject) <= 128 else None
    if client is None or (claimed_id is not None and claimed_id != client.id):
        raise refused("no such client, or another one than client_id says")
    if client.token_endpoint_auth_method != "private_key_jwt":
        raise refused("the client does not use private_key_jwt")
    try:
        claims = jose.verify_with_jwks(token, registered_keys(client), jose.CLIENT_ALGORITHMS)
    except jose.InvalidToken as reason:
        raise refused(str(reason)) from None
    expires = _check(pool, client, claims)
    _use_once(client, claims["jti"], expires)
    return client


def registered_keys(client: Client) -> Sequence[Mapping[str, Any]]:
    """The public keys that the client registered; never those that a token brings along (CVE-2026-27962)."""
    registered = client.own.get("jwks")
    if isinstance(registered, str):
        try:
            registered = orjson.loads(registered)
        except orjson.JSONDecodeError:
            return ()
    keys = registered.get("keys") if isinstance(registered, Mapping) else None
    return [key for key in keys if isinstance(key, Mapping)] if isinstance(keys, list) else ()


def _check(pool: Pool, client: Client, claims: Mapping[str, Any]) -> int:
    """RFC 7523 §3. Gives ``exp``."""
    now = clock.timestamp()
    if claims.get("iss") != client.id or claims.get("sub") != client.id:
        raise refused("iss and sub are not the client")
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    ours = {pool.issuer, pools.base(pool) + "/oauth2/token"}
    # One audience, and it is ours: an assertion for several servers could be carried from one to the next.
    if len(named) != 1 or not isinstance(named[0], str) or named[0] not in ours:
        raise refused("aud is neither the issuer nor the token endpoint")
    expires = _moment(claims, "exp")
    if expires is None or expires + _LEEWAY <= now or expires > now + _LONGEST_LIFE:
        raise refused("exp is missing, past, or too far ahead")
    for name in ("nbf", "iat"):
        if name in claims and ((moment := _moment(claims, name)) is None or moment > now + _LEEWAY):
            raise refused(f"{name} is in the future")
    if not isinstance(claims.get("jti"), str) or not 0 < len(claims["jti"]) <= _LONGEST_JTI:
        raise refused("jti is missing")
    return expires


def _moment(claims: Mapping[str, Any], name: str) -> int | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        return None
    return int(value)


def _use_once(client: Client, jti: str, expires: int) -> None:
    unit.write()
    seen = insert(SeenAssertion).values(
        pool_id=client.pool_id,
        digest=sealing.sha256(f"{client.id}/{jti}"),
        expires_at=datetime.fromtimestamp(expires + _LEEWAY, UTC),
    )
    try:
        with unit.current().connection.begin_nested():
            unit.execute(seen)
    except IntegrityError:
        raise refused("the assertion was used before") from None


def purge() -> None:
    """Drop assertions that expired: they are refused for that."""
    unit.write()
    unit.execute(delete(SeenAssertion).where(SeenAssertion.expires_at < clock.ago(minutes=5)))
