"""Issue tokens: to somebody who signed in, or to a client for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from poolhouse.core import clock, ids, jose, prepared, sealing, unit
from poolhouse.core.errors import OAuthError
from poolhouse.core.events import ask
from poolhouse.tokens import claims, keys
from poolhouse.tokens.claims import API_SCOPE, NO_OVERRIDES, Grant
from poolhouse.tokens.events import PreTokenGeneration
from poolhouse.tokens.models import RefreshFamily, StoredRefreshToken
from poolhouse.user_pools.snapshots import Client
from poolhouse.users import groups
from poolhouse.users.snapshot import User

REFRESH_TOKEN_BYTES = 48


@dataclass(frozen=True, slots=True)
class TokenSet:
    """What a client gets. ``expires_in`` is the access token's life in seconds, ``scope`` what it is good for."""

    access_token: str = field(repr=False)
    id_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: int
    scope: str
    origin_jti: str = ""
    token_type: str = "Bearer"


def sign_in(
    client: Client,
    user: User,
    *,
    auth_time: int,
    amr: Iterable[str] = (),
    scope: str = API_SCOPE,
    source: str = "api",
    nonce: str | None = None,
    requested: Mapping[str, Any] | None = None,
    origin_jti: str | None = None,
    trigger: str | None = None,
    client_metadata: Mapping[str, str] | None = None,
    provider: str | None = None,
    acr: str | None = None,
    once: Callable[[], None] | None = None,
) -> TokenSet:
    """Tokens for somebody who has just signed in, and the family that their refresh tokens are born into.

    ``source`` is ``api`` or ``oauth``; ``requested`` the claims asked for by name; ``origin_jti`` a name for the
    family that was chosen beforehand; ``provider`` the identity provider that they came through, ``acr`` how sure that
    made us. Signs before it writes; ``once`` is called as the first thing written, and spends what the tokens are in
    exchange for, or raises. Raises OAuthError ``invalid_grant`` if the client may not read the attribute of a requested
    scope (Cognito: App client attribute permissions).
    """
    if source == "oauth" and (scope_refused := claims.unreadable(client, scope.split())):
        raise OAuthError("invalid_grant", f"The client may not read the attributes of scope {scope_refused}.")
    now = clock.now()
    grant = Grant(
        client=client,
        user=user,
        groups=groups.of(client.pool_id, user.sub),
        scopes=tuple(scope.split()),
        auth_time=auth_time,
        amr=tuple(amr),
        source=source,
        origin_jti=origin_jti or ids.uuid4(),
        event_id=ids.uuid4(),
        nonce=nonce,
        requested=requested or {},
        acr=acr,
    )
    trigger = trigger or ("HostedAuth" if source == "oauth" else "Authentication")
    tokens = mint(grant, trigger, client_metadata)
    expires_at = now + timedelta(seconds=client.refresh_seconds)
    unit.write()
    if once is not None:
        once()
    _NEW_FAMILY.run(
        {
            "pool_id": client.pool_id,
            "origin_jti": grant.origin_jti,
            "sub": user.sub,
            "client_id": client.id,
            "auth_time": auth_time,
            "scope": scope,
            "amr": list(grant.amr),
            "source": source,
            "claims": dict(requested) if requested else None,
            "created_at": now,
            "expires_at": expires_at,
            "revoked_at": None,
            "provider": provider,
            "acr": acr,
        },
    )
    token, values = new_refresh_token(client.pool_id, grant.origin_jti)
    NEW_REFRESH_TOKEN.run(values | {"issued_at": now, "expires_at": expires_at})
    return replace(tokens, refresh_token=token)


_NEW_FAMILY = prepared.Write(insert(RefreshFamily))
NEW_REFRESH_TOKEN = prepared.Write(insert(StoredRefreshToken))


def new_refresh_token(pool_id: str, origin_jti: str) -> tuple[str, dict[str, Any]]:
    """A refresh token, and the row of it without its times: only its digest is stored."""
    token = ids.token(REFRESH_TOKEN_BYTES)
    return token, {"pool_id": pool_id, "digest": sealing.sha256(token), "origin_jti": origin_jti, "spent_at": None}


def mint(grant: Grant, trigger: str, client_metadata: Mapping[str, str] | None = None) -> TokenSet:
    """Signed access and ID tokens for ``grant``, once hooks were asked; no refresh token, nothing stored."""
    client = grant.client
    changed = _ask(grant, trigger, client_metadata)
    if changed is not NO_OVERRIDES:
        grant = replace(grant, overrides=changed)
    now = clock.timestamp()
    rfc9068 = claims.is_rfc9068(client)
    access_claims = claims.access_token(grant, now=now, jti=ids.uuid4())
    access_key = keys.signing(client.pool_id, "access")
    access = jose.sign(access_key, access_claims, "at+jwt" if rfc9068 else None)
    id_token = None
    if grant.source == "api" or "openid" in grant.scopes:
        id_key = keys.signing(client.pool_id, "id")
        at_hash = claims.half_hash(access, id_key.alg) if grant.source == "oauth" else None
        id_token = jose.sign(id_key, claims.id_token(grant, now=now, jti=ids.uuid4(), at_hash=at_hash))
    return TokenSet(access, id_token, None, client.access_seconds, str(access_claims["scope"]), grant.origin_jti)


def machine(client: Client, scopes: Iterable[str], client_metadata: Mapping[str, str] | None = None) -> TokenSet:
    """An access token for the client itself (client_credentials): no statement, nothing stored."""
    asked = tuple(scopes)
    question = ask(PreTokenGeneration("ClientCredentials", client, None, (), (), None, asked, client_metadata or {}))
    content = claims.machine_token(client, asked, now=clock.timestamp(), jti=ids.uuid4(), overrides=question.overrides)
    typ = "at+jwt" if claims.is_rfc9068(client) else None
    token = jose.sign(keys.signing(client.pool_id, "access"), content, typ)
    return TokenSet(token, None, None, client.access_seconds, str(content["scope"]))


def _ask(grant: Grant, trigger: str, client_metadata: Mapping[str, str] | None) -> claims.Overrides:
    question = PreTokenGeneration(
        trigger,
        grant.client,
        grant.user,
        tuple(group.name for group in grant.groups),
        tuple(claims.roles(grant.groups)),
        claims.preferred_role(grant.groups),
        grant.scopes,
        client_metadata or {},
        grant.overrides,
    )
    return ask(question).overrides
