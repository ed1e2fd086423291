"""Read an authorization request and say whether it is valid (RFC 6749 §4.1.1, OIDC Core §3.1.2.1, RFC 7636 §4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
from authlib.oauth2 import OAuth2Error

from poolhouse.core.errors import NotAuthorized, OAuthError
from poolhouse.federation import catalogue
from poolhouse.federation.provider import LOCAL
from poolhouse.tokens import verify
from poolhouse.tokens.claims import SCOPE_CLAIMS
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.web.oauth import clients
from poolhouse.web.oauth.answer import Target
from poolhouse.web.oauth.clients import OAuthClient
from poolhouse.web.oauth.grants import SERVER
from poolhouse.web.oauth.server import refusal
from poolhouse.web.oauth.wire import OAuthRequest

_MODES = frozenset({"query", "form_post"})
# RFC 9101 and OIDC Core §6, §7.2: not offered, and refused by the name that the specifications have for it.
_UNSUPPORTED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}
_PROMPTS = frozenset({"none", "login", "consent", "select_account", "create"})
_ASKABLE = frozenset(name for names in SCOPE_CLAIMS.values() for name in names)
_MOST_CLAIMS = 50
_LONGEST_AGE = 2**31


class NotToTheApp(Exception):
    """The client or its address is not known: whoever asks gets a page, never a redirect. ``code`` is for the page."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid authorization request."""

    client: Client
    target: Target
    scope: str
    nonce: str | None
    code_challenge: str | None
    prompt: frozenset[str]
    max_age: int | None
    subject: str | None  # the one person whom it may concern: id_token_hint, or a claim's value
    claims: Mapping[str, Any]
    acr: tuple[str, ...]  # one of these, or nothing
    provider: str | None = None  # whom to ask: an identity provider, or COGNITO for the pool's own accounts


def locate(pool: Pool, given: Mapping[str, str]) -> tuple[OAuthClient, Target]:
    """Where the answer goes. Raises NotToTheApp."""
    client_id = given.get("client_id")
    client = clients.query(pool, client_id) if client_id else None
    if client is None:
        raise NotToTheApp("invalid_client" if client_id else "invalid_request")
    if not client.client.oauth_enabled:
        raise NotToTheApp("unauthorized_client")
    named = given.get("redirect_uri")
    address = named if named is not None else client.get_default_redirect_uri()
    if address is None or not client.check_redirect_uri(address):
        raise NotToTheApp("redirect_mismatch")
    wanted = given.get("response_mode", "query")
    # With form_post a javascript: address would run in our own origin.
    postable = urlsplit(address).scheme in {"http", "https"}
    mode = wanted if wanted in _MODES and (wanted == "query" or postable) else "query"
    return client, Target(address, named is not None, mode, given.get("state"), pool.issuer)


def validate(pool: Pool, client: OAuthClient, target: Target, given: Mapping[str, str]) -> Asked:
    """The request, if everything else about it is in order. Raises OAuthError, for the app."""
    for name, code in _UNSUPPORTED.items():
        if name in given:
            raise OAuthError(code, f"The parameter {name} is not supported.")
    _check_response(given, target)
    prompt = _prompt(given)
    claims, acr, subject = _claims(given.get("claims"))
    hinted = _hinted(pool, client, given.get("id_token_hint"))
    if subject is not None and hinted is not None and subject != hinted:
        raise OAuthError("login_required", "id_token_hint and claims name two people.")
    return Asked(
        client=client.client,
        target=target,
        scope=_granted_scope(pool, given),
        nonce=given.get("nonce"),
        code_challenge=given.get("code_challenge"),
        prompt=prompt,
        max_age=_max_age(given.get("max_age")),
        subject=subject or hinted,
        claims=claims,
        acr=acr,
        provider=_provider(client.client, given),
    )


def _provider(client: Client, given: Mapping[str, str]) -> str | None:
    """Cognito's ``identity_provider`` (a provider's name) and ``idp_identifier`` (another name that leads to one).

    A provider that is turned off, or not the client's, is said to be unknown like one that never was.
    """
    named, identifier = given.get("identity_provider"), given.get("idp_identifier")
    if named == LOCAL and client.offers(LOCAL) and identifier is None:
        return LOCAL
    if named is not None:
        found = catalogue.find(client.pool, named)
    elif identifier is not None:
        found = catalogue.by_identifier(client.pool, identifier)
    else:
        return None
    if found is None or not found.enabled or not client.offers(found.name):
        name = "identity_provider" if named is not None else "idp_identifier"
        raise OAuthError("invalid_request", f"{name} names no identity provider of this client.")
    if named is not None and identifier is not None and catalogue.by_identifier(client.pool, identifier) != found:
        raise OAuthError("invalid_request", "identity_provider and idp_identifier name two providers.")
    return found.name


def _check_response(given: Mapping[str, str], target: Target) -> None:
    mode = given.get("response_mode", target.mode)
    if mode not in _MODES:
        raise OAuthError("invalid_request", "response_mode must be query or form_post.")
    if mode != target.mode:
        raise OAuthError("invalid_request", "form_post needs an http or https redirect_uri.")
    response_type = given.get("response_type")
    if response_type is None:
        raise OAuthError("invalid_request", "response_type is missing.")
    if response_type != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code.")


def _granted_scope(pool: Pool, given: Mapping[str, str]) -> str:
    """What Authlib's grant decides: whether the client may use the flow, with these scopes and this PKCE challenge."""
    request = OAuthRequest(pool, "GET", dict(given))
    try:
        SERVER.get_consent_grant(request)
    except OAuth2Error as error:
        raise refusal(error) from error
    return str(request.scope)


def _prompt(given: Mapping[str, str]) -> frozenset[str]:
    """Unknown values are refused: they were meant to change what happens (OIDC Core §3.1.2.1)."""
    prompt = frozenset((given.get("prompt") or "").split())
    if not prompt <= _PROMPTS:
        raise OAuthError("invalid_request", "prompt has an unknown value.")
    if "none" in prompt and len(prompt) > 1:
        raise OAuthError("invalid_request", "prompt=none admits no other value.")
    return prompt


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= _LONGEST_AGE):
        raise OAuthError("invalid_request", "max_age must be a number of seconds.")
    return int(text)


def _hinted(pool: Pool, client: OAuthClient, token: str | None) -> str | None:
    """Whom id_token_hint names. It may have expired; it must be ours, and this client's."""
    if token is None:
        return None
    try:
        hint = verify.id_token(token, pool, allow_expired=True)
    except NotAuthorized as error:
        raise OAuthError("invalid_request", "id_token_hint is not an ID token of ours.") from error
    if hint.get("aud") != client.client.id:
        raise OAuthError("invalid_request", "id_token_hint is for another client.")
    return str(hint["sub"])


def _claims(text: str | None) -> tuple[Mapping[str, Any], tuple[str, ...], str | None]:
    """The claims parameter (OIDC Core §5.5): attributes by place, required acr values, the required ``sub``."""
    if text is None:
        return {}, (), None
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        raise OAuthError("invalid_request", "claims must be a JSON object.")
    wanted: dict[str, list[str]] = {}
    acr: tuple[str, ...] = ()
    subject: str | None = None
    for place in ("id_token", "userinfo"):
        members = parsed.get(place)
        if members is None:
            continue
        if not isinstance(members, dict):
            raise OAuthError("invalid_request", f"claims.{place} must be a JSON object.")
        wanted[place] = [name for name in members if _askable(name)][:_MOST_CLAIMS]
        named = _values(members.get("sub"))
        subject = named[0] if len(named) == 1 else subject
        asked = members.get("acr")
        if place == "id_token" and isinstance(asked, dict) and asked.get("essential") is True:
            acr = _values(asked)
    return {place: names for place, names in wanted.items() if names}, acr, subject


def _askable(name: str) -> bool:
    return name in _ASKABLE or (name.startswith("custom:") and len(name) <= 64)


def _values(member: Any) -> tuple[str, ...]:
    if not isinstance(member, dict):
        return ()
    values = member.get("values") if isinstance(member.get("values"), list) else [member.get("value")]
    return tuple(value for value in values or () if isinstance(value, str))
