"""The token endpoint of a provider: codes and refresh tokens for tokens, asked by Authlib's client over core.outbound.

Authlib makes the requests and authenticates us in them. It is not let near the network, which goes through
:mod:`poolhouse.core.outbound` alone, nor does it read the answers: it would let through an error with status 200 that
is no text (Facebook's are objects), and fall over lifetimes that are no numbers.

Requests are POST, whatever token_request_method says (Cognito's GET at Facebook): URLs with secrets end up in logs.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode

import orjson
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749 import OAuth2Token

from poolhouse.core import outbound, published
from poolhouse.core.outbound import Unreachable
from poolhouse.federation import client_assertion, social
from poolhouse.federation.connector import FederationFailed, Misconfigured, Unavailable, Untrusted
from poolhouse.federation.provider import Provider
from poolhouse.federation.upstream import Tokens, scopes, setting

_LONGEST_TOKEN = 32_768
_LONGEST_LIFE = 10 * 366 * 86_400
_HEADERS = {"Accept": "application/json"}

_Prepared = tuple[str, MutableMapping[str, str], str]


class _Outbound:
    """What Authlib takes for a session of requests."""

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: ClientAuth) -> outbound.Answer:
        # A copy: Authlib writes the secret of one client into headers that it shares among all.
        _, sent, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        try:
            return outbound.post_form(url, dict(parse_qsl(body)), headers=sent)
        except Unreachable as reason:
            raise Unavailable(hint=f"token endpoint: {reason}") from None


class _Client(OAuth2Client):  # type: ignore[misc]
    def __init__(self, provider: Provider, redirect_uri: str | None = None) -> None:
        preset = social.of(provider)
        method = _method(provider)
        super().__init__(
            _Outbound(),
            client_id=setting(provider, "client_id"),
            client_secret=provider.details.get("client_secret", ""),
            token_endpoint_auth_method=method,
            redirect_uri=redirect_uri,
            scope=preset.separator.join(scopes(provider)) or None,
        )
        self.preset = preset
        self.register_client_auth_method((social.SECRET_BASIC, _basic))
        self.register_client_auth_method((social.PRIVATE_KEY, _asserted(provider)))
        if preset is social.APPLE:
            self.client_secret = client_assertion.apple_secret(provider)
        elif method != social.PRIVATE_KEY:
            setting(provider, "client_secret")

    def parse_response_token(self, resp: outbound.Answer) -> OAuth2Token:
        self.token = _understood(resp, self.preset)
        return self.token


def _method(provider: Provider) -> str:
    """How we authenticate: as our extension says, as the provider's kind wants it, else with the secret in the form.

    Cognito knows no other; where the provider's discovery document says that it does not take that, in a header.
    """
    chosen = provider.own.get("token_endpoint_auth_method")
    if chosen:
        return str(chosen)
    preset = social.of(provider)
    if preset is not social.OPENID:
        return preset.auth
    known = announced(provider).get("token_endpoint_auth_methods_supported")
    takes_no_form = isinstance(known, list) and social.SECRET_POST not in known and social.SECRET_BASIC in known
    return social.SECRET_BASIC if takes_no_form else social.SECRET_POST


def announced(provider: Provider) -> Mapping[str, Any]:
    """The discovery document of a provider that is nothing but an OpenID provider; nothing where there is none."""
    issuer = provider.details.get("oidc_issuer", "")
    if social.of(provider) is not social.OPENID or not issuer:
        return {}
    try:
        return published.configuration(issuer)
    except Unreachable:
        return {}


def _basic(auth: ClientAuth, _: str, uri: str, headers: MutableMapping[str, str], body: str) -> _Prepared:
    """RFC 6749 §2.3.1: both parts are form-encoded first, which Authlib leaves out."""
    pair = f"{quote_plus(auth.client_id)}:{quote_plus(auth.client_secret)}"
    headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    return uri, headers, body


def _asserted(provider: Provider) -> Callable[..., _Prepared]:
    def prepare(auth: ClientAuth, _: str, uri: str, headers: MutableMapping[str, str], body: str) -> _Prepared:
        shown = {
            "client_id": auth.client_id,
            "client_assertion_type": client_assertion.TYPE,
            "client_assertion": client_assertion.signed(provider),
        }
        return uri, headers, f"{body}&{urlencode(shown)}"

    return prepare


def redeem(provider: Provider, code: str, redirect_uri: str, verifier: str | None) -> Tokens:
    """What ``code`` is good for (RFC 6749 §4.1.3). Raises FederationFailed."""
    proof = {"code_verifier": verifier} if verifier else {}
    answer = _Client(provider, redirect_uri).fetch_token(
        setting(provider, "token_url"),
        grant_type="authorization_code",
        code=code,
        headers=_HEADERS,
        **proof,
    )
    return _tokens(answer)


def refresh(provider: Provider, token: str) -> Tokens:
    """New tokens for a refresh token, which stays where the provider gives no other. Raises FederationFailed."""
    client = _Client(provider)
    client.scope = None  # what was granted, not what is asked for now (RFC 6749 §6)
    return _tokens(client.refresh_token(setting(provider, "token_url"), refresh_token=token, headers=_HEADERS))


def _tokens(answer: Mapping[str, Any]) -> Tokens:
    return Tokens(
        access=answer["access_token"],
        id_token=answer.get("id_token"),
        refresh=answer.get("refresh_token"),
        scope=answer.get("scope"),
        type=answer.get("token_type") or "Bearer",
        lasts=answer.get("expires_in"),
    )


def _understood(answer: outbound.Answer, preset: social.Preset) -> dict[str, Any]:
    """A token endpoint's answer, of which only what is known and well formed is kept. Raises FederationFailed."""
    if answer.status == 429:
        raise Unavailable(hint="token endpoint: status 429")
    try:
        content = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        content = None
    if isinstance(content, dict) and content.get("error"):
        raise _refusal(content["error"], content.get("error_description"), answer.status, preset)
    if answer.status >= 500:
        raise Unavailable(hint=f"token endpoint: status {answer.status}")
    if answer.status != 200 or not isinstance(content, dict):
        raise Untrusted(hint=f"token endpoint: status {answer.status}, and no tokens")
    kept: dict[str, Any] = {}
    for name in ("access_token", "id_token", "refresh_token", "token_type", "scope"):
        value = content.get(name)
        if isinstance(value, str) and 0 < len(value) <= _LONGEST_TOKEN and value.isascii() and value.isprintable():
            kept[name] = value
    if " " in kept.get("access_token", " "):  # it stands in a header
        raise Untrusted(hint="token endpoint: no access token")
    if kept.get("token_type", "bearer").lower() != "bearer":
        raise Untrusted(hint="token endpoint: the access token is not a bearer token")
    lasts = content.get("expires_in")
    lasts = int(lasts) if isinstance(lasts, str) and lasts.isascii() and lasts.isdigit() and len(lasts) < 12 else lasts
    if isinstance(lasts, int) and not isinstance(lasts, bool) and 0 < lasts <= _LONGEST_LIFE:
        kept["expires_in"] = lasts
    return kept


def _refusal(error: object, about: object, status: int, preset: social.Preset) -> FederationFailed:
    if isinstance(error, dict):
        return _graph_refusal(error)
    code = error if isinstance(error, str) else ""
    kind = preset.errors.get(code) or social.ERRORS.get(code) or (Unavailable if status >= 500 else Misconfigured)
    return kind(hint=f"token endpoint: {code[:80]}: {str(about)[:300]}")


def _graph_refusal(error: Mapping[str, Any]) -> FederationFailed:
    """Facebook's errors: codes 1 and 2 may pass, 4 and 17 are limits of calls, 100 and 190 are a code or a token."""
    code, says = error.get("code"), str(error.get("message"))[:300]
    hint = f"token endpoint: {code}: {says}"
    if error.get("is_transient") is True or code in (2, 4, 17):
        return Unavailable(hint=hint)
    lowered = says.lower()
    if code in (101, 191) or "client secret" in lowered or "redirect_uri" in lowered:
        return Misconfigured(hint=hint)
    return Untrusted(hint=hint)
