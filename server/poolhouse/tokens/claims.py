"""What stands in tokens, pure: exactly Cognito's claims, or RFC 9068's for the clients that ask for them.

Cognito: Understanding user pool JSON web tokens; OIDC Core §2, §5.1, §5.4; RFC 9068 §2.2.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from poolhouse.user_pools.snapshots import Client
    from poolhouse.users.groups import Group
    from poolhouse.users.snapshot import User

API_SCOPE = "aws.cognito.signin.user.admin"
SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
        "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
    ),
    "email": ("email", "email_verified"),
    "phone": ("phone_number", "phone_number_verified"),
    "address": ("address",),
}  # fmt: skip
_BOOLEAN = frozenset({"email_verified", "phone_number_verified"})
# Facts about the token and the sign-in: no hook and no mapper may state them (ZITADEL CVE-2024-29892).
RESERVED = frozenset(
    {
        *("iss", "sub", "aud", "azp", "exp", "iat", "nbf", "jti", "origin_jti", "event_id", "sid", "cnf"),
        *("token_use", "scope", "client_id", "username", "version", "device_key", "identities"),
        *("nonce", "at_hash", "c_hash", "auth_time", "acr", "amr"),
    }
)
_RESERVED_PREFIXES = ("cognito:", "aws:", "dev:")
# Cognito's names for how sure a sign-in is, weakest first.
ACR_LEVELS = tuple(f"urn:cognito:loa:{level}" for level in (1, 2, 3, 4))


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a PreTokenGeneration hook has changed (V2_0 and later; V1_0 is a part of it)."""

    id_add: Mapping[str, Any] = field(default_factory=dict)
    id_suppress: tuple[str, ...] = ()
    access_add: Mapping[str, Any] = field(default_factory=dict)
    access_suppress: tuple[str, ...] = ()
    scopes_add: tuple[str, ...] = ()
    scopes_suppress: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None
    roles: tuple[str, ...] | None = None
    preferred_role: str | None = None


NO_OVERRIDES = Overrides()


@dataclass(frozen=True, slots=True)
class Grant:
    """What a set of tokens says: who signed in to which client, how, when, and for what.

    ``requested`` are the claims asked for by name (OIDC Core §5.5), by ``id_token`` and ``userinfo``; ``acr`` is how
    sure a provider's word made us, None where ``amr`` says it.
    """

    client: Client
    user: User
    groups: tuple[Group, ...]
    scopes: tuple[str, ...]
    auth_time: int
    amr: tuple[str, ...]
    source: str
    origin_jti: str
    event_id: str
    nonce: str | None = None
    requested: Mapping[str, Any] = field(default_factory=dict)
    overrides: Overrides = NO_OVERRIDES
    acr: str | None = None


def id_token(grant: Grant, *, now: int, jti: str, at_hash: str | None) -> dict[str, Any]:
    """The claims of an ID token."""
    client, user = grant.client, grant.user
    asked = () if grant.source == "api" else grant.scopes
    claims: dict[str, Any] = {"sub": user.sub}
    claims.update(native(shown(client, user.attributes, asked, grant.requested.get("id_token", ()))))
    claims.update(_group_claims(grant))
    claims |= {
        "iss": client.pool.issuer,
        "cognito:username": user.username,
        "aud": client.id,
        "token_use": "id",
        "auth_time": grant.auth_time,
        "exp": now + client.id_seconds,
        "iat": now,
        "event_id": grant.event_id,
    }
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    if at_hash is not None:
        claims["at_hash"] = at_hash
    _add_authentication(claims, grant)
    _add_identifiers(claims, grant, jti)
    return overridden(claims, grant.overrides.id_add, grant.overrides.id_suppress)


def access_token(grant: Grant, *, now: int, jti: str) -> dict[str, Any]:
    """The claims of an access token of a user."""
    client, user = grant.client, grant.user
    claims: dict[str, Any] = {
        "sub": user.sub,
        "iss": client.pool.issuer,
        "client_id": client.id,
        "event_id": grant.event_id,
        "token_use": "access",
        "scope": " ".join(effective_scopes(grant.scopes, grant.overrides)),
        "auth_time": grant.auth_time,
        "exp": now + client.access_seconds,
        "iat": now,
    }
    groups = group_names(grant)
    if is_rfc9068(client):
        claims["aud"] = audience(client)
        claims["jti"] = jti
        if groups:
            claims["groups"] = groups  # RFC 9068 §2.2.3.1
    else:
        claims["username"] = user.username
        if groups:
            claims["cognito:groups"] = groups
        if grant.source == "oauth":
            claims["version"] = 2
    _add_authentication(claims, grant)
    _add_identifiers(claims, grant, jti)
    return overridden(claims, grant.overrides.access_add, grant.overrides.access_suppress)


def machine_token(
    client: Client, scopes: Iterable[str], *, now: int, jti: str, overrides: Overrides = NO_OVERRIDES
) -> dict[str, Any]:
    """The claims of an access token that a client has for itself: nobody signed in, nothing can be refreshed."""
    claims: dict[str, Any] = {
        "sub": client.id,
        "token_use": "access",
        "scope": " ".join(effective_scopes(tuple(scopes), overrides)),
        "auth_time": now,
        "iss": client.pool.issuer,
        "exp": now + client.access_seconds,
        "iat": now,
        "version": 2,
        "jti": jti,
        "client_id": client.id,
    }
    if is_rfc9068(client):
        del claims["auth_time"], claims["version"]
        claims["aud"] = audience(client)
    return overridden(claims, overrides.access_add, overrides.access_suppress)


def is_rfc9068(client: Client) -> bool:
    """Whether the client's access tokens have RFC 9068's form instead of Cognito's."""
    return client.own.get("token_profile") == "rfc9068"


def audience(client: Client) -> str:
    """``aud`` where nobody asked for a particular API (RFC 9068 §3: the default resource)."""
    return str(client.own.get("audience") or client.pool.issuer)


# --- Attributes ---------------------------------------------------------------------------------------------------


def shown(
    client: Client, attributes: Mapping[str, str], scopes: Iterable[str], requested: Iterable[str] = ()
) -> dict[str, str]:
    """The attributes that the client may read and that ``scopes`` cover, as they are stored.

    ``openid`` without profile, email, phone or address covers all of them; ``profile`` covers custom ones too.
    ``requested`` are attributes asked for by name, which no scope need cover.
    """
    narrowing = [scope for scope in scopes if scope in SCOPE_CLAIMS]
    if not narrowing:
        return {n: v for n, v in attributes.items() if n != "sub" and client.may_read(n) and n[:4] != "dev:"}
    covered = {name for scope in narrowing for name in SCOPE_CLAIMS[scope]} | {"identities"} | set(requested)
    custom = "profile" in narrowing
    return {
        name: value
        for name, value in attributes.items()
        if (name in covered or (custom and name.startswith("custom:"))) and name != "sub" and client.may_read(name)
    }


def unreadable(client: Client, scopes: Iterable[str]) -> str | None:
    """A requested scope whose attribute the client may not read (Cognito fails such a request), or None."""
    for scope in scopes:
        if scope in {"email", "phone"} and not client.may_read(SCOPE_CLAIMS[scope][0]):
            return scope
    return None


def native(attributes: Mapping[str, str]) -> dict[str, Any]:
    """Attributes as an ID token has them: flags as booleans, address and identities as structures, the rest strings."""
    claims: dict[str, Any] = {}
    for name, value in attributes.items():
        if value == "":
            continue
        if name in _BOOLEAN:
            claims[name] = value.lower() == "true"
        elif name == "address":
            claims[name] = _address(value)
        elif name == "identities":
            claims[name] = _identities(value)
        elif name == "updated_at" and value.lstrip("-").isdigit():
            claims[name] = int(value)
        else:
            claims[name] = value
    return claims


def _address(value: str) -> dict[str, Any]:
    """OIDC Core §5.1.1: an object. A stored text is its ``formatted`` member."""
    if value.startswith("{"):
        try:
            parsed = orjson.loads(value)
        except orjson.JSONDecodeError:
            parsed = None
        if isinstance(parsed, dict):
            return parsed
    return {"formatted": value}


def _identities(value: str) -> list[Any]:
    """As Cognito's tokens have them: ``primary`` and ``dateCreated`` are strings there, unlike in the profile."""
    try:
        parsed = orjson.loads(value)
    except orjson.JSONDecodeError:
        return []
    return [_spelt(entry) for entry in parsed if isinstance(entry, dict)] if isinstance(parsed, list) else []


def _spelt(identity: dict[str, Any]) -> dict[str, Any]:
    primary, created = identity.get("primary"), identity.get("dateCreated")
    return {
        **identity,
        "primary": str(primary).lower() if isinstance(primary, bool) else primary,
        "dateCreated": str(created) if isinstance(created, int) else created,
    }


# --- Groups and roles ---------------------------------------------------------------------------------------------


def group_names(grant: Grant) -> list[str]:
    """``cognito:groups``."""
    if grant.overrides.groups is not None:
        return list(grant.overrides.groups)
    return [group.name for group in grant.groups]


def roles(groups: Iterable[Group]) -> list[str]:
    """``cognito:roles``: the roles of all groups, each once."""
    return list(dict.fromkeys(group.role_arn for group in groups if group.role_arn))


def preferred_role(groups: Iterable[Group]) -> str | None:
    """``cognito:preferred_role``: of the group with the lowest precedence; None if groups there disagree."""
    ranked = [(_rank(group), group.role_arn) for group in groups if group.role_arn]
    if not ranked:
        return None
    best = min(rank for rank, _ in ranked)
    candidates = {role for rank, role in ranked if rank == best}
    return candidates.pop() if len(candidates) == 1 else None


def _rank(group: Group) -> float:
    return float("inf") if group.precedence is None else group.precedence


def _group_claims(grant: Grant) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    changed = grant.overrides
    names = group_names(grant)
    arns = list(changed.roles) if changed.roles is not None else roles(grant.groups)
    preferred = changed.preferred_role or preferred_role(grant.groups)
    if names:
        claims["cognito:groups"] = names
    if arns:
        claims["cognito:roles"] = arns
    if preferred:
        claims["cognito:preferred_role"] = preferred
    return claims


# --- The rest -----------------------------------------------------------------------------------------------------


def acr(amr: Iterable[str]) -> str:
    """How sure a sign-in by ``amr`` is: password; one code; passkey, or password and a sent code; password and TOTP."""
    methods = set(amr)
    if {"pwd", "otp"} <= methods:
        return ACR_LEVELS[3]
    if methods & {"swk", "hwk"} or ("pwd" in methods and methods & {"sms", "email_otp"}):
        return ACR_LEVELS[2]
    if methods & {"sms", "email_otp", "otp"}:
        return ACR_LEVELS[1]
    return ACR_LEVELS[0]


def stronger(one: str, other: str) -> str:
    """Of two of ``ACR_LEVELS`` the one that is surer."""
    return max(one, other, key=ACR_LEVELS.index)


def half_hash(value: str, alg: str) -> str:
    """``at_hash``: the left half of the hash that belongs to ``alg`` (OIDC Core §3.1.3.6)."""
    digest = (hashlib.sha512 if alg == "EdDSA" else hashlib.sha256)(value.encode("ascii")).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")


def effective_scopes(scopes: tuple[str, ...], overrides: Overrides) -> tuple[str, ...]:
    """``scopes`` as the hook has left them."""
    if not overrides.scopes_add and not overrides.scopes_suppress:
        return scopes
    kept = [scope for scope in scopes if scope not in overrides.scopes_suppress]
    return tuple(dict.fromkeys([*kept, *(s for s in overrides.scopes_add if s and " " not in s)]))


def may_override(name: str) -> bool:
    """Whether a hook may add, change or suppress the claim ``name``."""
    return name not in RESERVED and not name.startswith(_RESERVED_PREFIXES)


def overridden(claims: dict[str, Any], add: Mapping[str, Any], suppress: Iterable[str]) -> dict[str, Any]:
    """``claims`` with a hook's changes. Reserved claims stay as they are, whatever it says."""
    for name in suppress:
        if may_override(name):
            claims.pop(name, None)
    for name, value in add.items():
        if may_override(name):
            claims[name] = value
    return claims


def _add_authentication(claims: dict[str, Any], grant: Grant) -> None:
    if grant.amr:
        claims["acr"] = grant.acr or acr(grant.amr)
        claims["amr"] = list(grant.amr)


def _add_identifiers(claims: dict[str, Any], grant: Grant, jti: str) -> None:
    client = grant.client
    if client.revocation_enabled or client.rotation_enabled:
        claims["origin_jti"] = grant.origin_jti
        claims["jti"] = jti
