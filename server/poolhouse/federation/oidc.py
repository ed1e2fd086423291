"""The connector of OpenID providers and of social ones: authorization code, PKCE, and proof of who came back.

Built on Authlib's client (:mod:`poolhouse.federation.exchange`), with state of our own: what a sign-in has to remember
lies sealed in the trip's row, never in the browser's session. In what a provider differs stands in
:mod:`poolhouse.federation.social` as data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from poolhouse.core import clock, ids, jose, token_life
from poolhouse.federation import exchange, id_token, oidc_details, social
from poolhouse.federation.connector import (
    Claim,
    Departure,
    ExternalIdentity,
    FederationFailed,
    Landing,
    LoginRequired,
    Sent,
    Untrusted,
)
from poolhouse.federation.provider import Provider
from poolhouse.federation.upstream import TENANT_ID, Profile, Tokens, an_object, get, post, scopes, setting
from poolhouse.tokens.claims import ACR_LEVELS

_LONGEST_CODE = 8192
_LONGEST_HINT = 320
_DEEPEST = 12
# The flag that belongs to an address: it counts for the address that it came with, and for no other.
_FLAGGED = (("email", "email_verified"), ("phone_number", "phone_number_verified"))
# What an ID token says of itself: userinfo has no say in it.
_OF_THE_TOKEN = frozenset({"iss", "aud", "exp", "iat", "nbf", "azp", "nonce", "at_hash", "c_hash", "acr", "auth_time"})
_ASKS_THE_PERSON = frozenset(
    {"login_required", "interaction_required", "consent_required", "account_selection_required"}
)


class OpenIdConnector:
    """OpenID Connect and OAuth 2, with the providers that differ from it as data."""

    def check(self, provider: Provider) -> Mapping[str, str]:
        """See :meth:`connector.Connector.check`: endpoints are discovered where they are left out."""
        return oidc_details.completed(provider)

    def depart(self, provider: Provider, departure: Departure) -> Sent:
        """The authorization request (OIDC Core §3.1.2.1), with all that binds its answer to this browser."""
        preset = social.of(provider)
        remember: dict[str, Any] = {"departed": clock.timestamp()}
        asks: dict[str, str | None] = dict(preset.extra)
        if preset.openid:
            remember["nonce"] = ids.token(24)
            asks["nonce"] = remember["nonce"]
        if preset.pkce:
            remember["verifier"] = ids.token(48)
            asks |= {
                "code_challenge": create_s256_code_challenge(remember["verifier"]),
                "code_challenge_method": "S256",
            }
        if preset.form_post:
            asks["response_mode"] = "form_post"
        if departure.reauthenticate or provider.own.get("force_authn") is True or "login" in departure.prompt:
            asks |= preset.fresh
            remember["fresh"] = preset.proves_fresh
        asks |= _courtesies(provider, departure, asks.get("prompt"))
        if domain := provider.own.get("hosted_domain"):
            asks["hd"] = str(domain)
        address = prepare_grant_uri(
            setting(provider, "authorize_url"),
            setting(provider, "client_id"),
            "code",
            redirect_uri=departure.oauth_callback(provider),
            scope=preset.separator.join(scopes(provider)) or None,
            state=departure.state,
            **asks,
        )
        return Sent(address, remember=remember)

    def land(self, provider: Provider, landing: Landing) -> ExternalIdentity:
        """Redeem the code, verify the ID token, ask for the profile."""
        remember = landing.remember
        if remember is None:
            raise Untrusted(hint="nobody was sent to this provider")
        _require_issuer(provider, landing.parameters)
        if error := landing.parameters.get("error"):
            raise _refusal(error, landing.parameters.get("error_description", ""))
        code = landing.parameters.get("code", "")
        if not 0 < len(code) <= _LONGEST_CODE or not (code.isascii() and code.isprintable()):  # RFC 6749 A.11
            raise Untrusted(hint="neither a code nor an error came back")
        tokens = exchange.redeem(provider, code, landing.oauth_callback(provider), remember.get("verifier"))
        profile = _profile(provider, tokens, remember, landing.parameters)
        return _identity(profile)

    def refresh(self, provider: Provider, tokens: Mapping[str, Any]) -> Mapping[str, Any]:
        """New tokens for :attr:`ExternalIdentity.tokens`, in the same form. Raises FederationFailed.

        A new ID token has to be the same person's (OIDC Core §12.2); where none comes, the old one stays.
        """
        held = tokens.get("refresh_token")
        if not held:
            raise Untrusted(hint="the provider gave no refresh token")
        fresh = exchange.refresh(provider, held)
        if fresh.id_token and social.of(provider).openid:
            subject = id_token.verified(provider, fresh, None, None)["sub"]
            before = tokens.get("id_token")
            if before and jose.unverified_claims(before).get("sub") != subject:
                raise Untrusted(hint="refresh: the new ID token is somebody else's")
        stays = {name: tokens[name] for name in ("id_token", "refresh_token", "scope") if name in tokens}
        return {**stays, **_kept(fresh)}


CONNECTOR: Final = OpenIdConnector()


# --- depart -----------------------------------------------------------------------------------------------------------


def _courtesies(provider: Provider, departure: Departure, prompt: str | None) -> dict[str, str]:
    """What the app asked for that makes the person's way shorter, as far as this provider takes it."""
    preset = social.of(provider)
    asks = {}
    prompts = {*((prompt,) if prompt else ()), *(departure.prompt & preset.prompts)}
    if prompts:
        asks["prompt"] = " ".join(sorted(prompts))
    if preset.hint and departure.login_hint and len(departure.login_hint) <= _LONGEST_HINT:
        asks[preset.hint] = departure.login_hint
    if preset is social.OPENID and departure.locale:
        asks["ui_locales"] = departure.locale
    levels = {level: f"Level{number}" for number, level in enumerate(ACR_LEVELS, 1)}
    wanted = [provider.acr_mapping.get(levels.get(value, "")) for value in departure.acr_values]
    if known := " ".join(filter(None, wanted)):  # in the provider's words (Cognito's AcrMapping)
        asks["acr_values"] = known
    return asks


# --- land -------------------------------------------------------------------------------------------------------------


def _require_issuer(provider: Provider, parameters: Mapping[str, str]) -> None:
    """RFC 9207: an answer says whose it is, so that one provider's code is not shown to another (mix-up)."""
    named, issuer = parameters.get("iss"), provider.details.get("oidc_issuer", "")
    if named is None:
        if exchange.announced(provider).get("authorization_response_iss_parameter_supported") is True:
            raise Untrusted(hint="the answer does not say whose it is, and this provider's always do")
        return
    before, tenant, behind = issuer.partition(TENANT_ID)
    of_a_tenant = tenant and named.startswith(before) and named.endswith(behind)
    if issuer and not of_a_tenant and named not in (issuer, *id_token.aliases(provider)):
        raise Untrusted(hint=f"the answer is of {named[:200]!r}, not of {issuer!r}")


def _refusal(error: str, about: str) -> FederationFailed:
    hint = f"authorization endpoint: {error[:80]}: {about[:300]}"
    if error in _ASKS_THE_PERSON:
        return LoginRequired(hint=hint)
    return social.ERRORS.get(error, FederationFailed)(hint=hint)


def _profile(provider: Provider, tokens: Tokens, remember: Mapping[str, Any], sent: Mapping[str, str]) -> Profile:
    """All that the provider says of whoever came back, verified."""
    preset = social.of(provider)
    profile = Profile(provider, tokens, None, {}, sent=sent)
    if preset.openid:
        fresh_since = remember["departed"] if remember.get("fresh") else None
        signed = id_token.verified(provider, tokens, remember.get("nonce") if preset.nonce else None, fresh_since)
        userinfo = _userinfo(provider, profile, signed)
        profile = Profile(provider, tokens, signed, _merged(signed, userinfo), userinfo, sent)
    return preset.profile(profile) if preset.profile else profile


def _userinfo(provider: Provider, profile: Profile, signed: Mapping[str, Any]) -> dict[str, Any] | None:
    """OIDC Core §5.3. The answer is not signed: it is the person's only if its ``sub`` is the ID token's."""
    url = provider.details.get("attributes_url", "")
    if not url or url.endswith("="):  # an address that wants the names of fields: no userinfo endpoint
        return None
    ask = post if provider.details.get("attributes_request_method", "").upper() == "POST" else get
    found = an_object(ask(url, profile.bearer, "userinfo"), "userinfo")
    if found.get("sub") != signed["sub"]:
        raise Untrusted(hint="userinfo: its sub is not the ID token's")
    return found


def _merged(signed: Mapping[str, Any], userinfo: Mapping[str, Any] | None) -> dict[str, Any]:
    """Both sources together: userinfo is the newer, but what is said of an address stays with that address."""
    if userinfo is None:
        return dict(signed)
    merged = {**signed, **{name: value for name, value in userinfo.items() if name not in _OF_THE_TOKEN}}
    for address, flag in _FLAGGED:
        source = signed if address in signed else userinfo
        flagged = source
        if flag not in source and signed.get(address) == userinfo.get(address):
            flagged = userinfo
        for name, said in ((address, source.get(address)), (flag, flagged.get(flag))):
            merged.pop(name, None)
            if said is not None:
                merged[name] = said
    return merged


# --- the identity -----------------------------------------------------------------------------------------------------


def _identity(profile: Profile) -> ExternalIdentity:
    preset = social.of(profile.provider)
    if not _is_shallow((profile.claims, profile.signed, profile.userinfo), _DEEPEST):
        raise Untrusted(hint="the profile is nested too deeply")
    claims = {name: flat for name, value in profile.claims.items() if (flat := _flat(value)) is not None}
    subject = claims.get(preset.subject)
    if not isinstance(subject, str) or not 0 < len(subject) <= id_token.LONGEST_SUBJECT or not subject.isprintable():
        raise Untrusted(hint=f"the profile has no {preset.subject} that could be used")
    acr, moment = profile.claims.get("acr"), profile.claims.get("auth_time")
    tokens = profile.tokens
    answer = {"access_token": tokens.access, "token_type": tokens.type, "expires_in": tokens.lasts}
    inbound: dict[str, Any] = {"tokenResponse": answer}
    if profile.signed is not None:
        inbound["idToken"] = dict(profile.signed)
    if profile.userinfo is not None:
        inbound["userInfo"] = dict(profile.userinfo)
    return ExternalIdentity(
        subject=subject,
        claims=claims,
        acr=acr if isinstance(acr, str) and acr else None,
        auth_time=int(moment) if token_life.is_moment(moment) else None,
        inbound=inbound,
        tokens=_kept(tokens),
    )


def _is_shallow(value: Any, levels: int) -> bool:
    """Whether it is nested that deeply at most: what a parser takes, a writer may fall over."""
    if not isinstance(value, Mapping | list | tuple):
        return True
    within = value.values() if isinstance(value, Mapping) else value
    return levels > 0 and all(_is_shallow(one, levels - 1) for one in within)


def _flat(value: Any) -> Claim | None:
    """A JSON value as attributes have it: text, or several texts; an object (OIDC's address) as its JSON."""
    if isinstance(value, list):
        return tuple(text for one in value if (text := _text(one)) is not None)
    return _text(value)


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        value = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    text = value if isinstance(value, str) else str(value) if isinstance(value, int | float) else None
    return None if text is None or "\x00" in text else text  # PostgreSQL stores no NUL


def _kept(tokens: Tokens) -> dict[str, Any]:
    """Tokens as they are stored where a client may fetch them."""
    found = {
        "access_token": tokens.access,
        "token_type": tokens.type,
        "id_token": tokens.id_token,
        "refresh_token": tokens.refresh,
        "scope": tokens.scope,
        "expires_at": clock.timestamp() + tokens.lasts if tokens.lasts else None,
    }
    return {name: value for name, value in found.items() if value is not None}
