"""Logins of Google, Apple, Facebook, Amazon and X: what each wants asked, as data, and the asking.

Google and Apple give ID tokens, checked here. The others give tokens that only they can judge: they are asked whose
the token is and, since a token of any other app is just as genuine, which app it was given to.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from poolhouse import settings
from poolhouse.core import clock, ids, outbound, runtime
from poolhouse.core.errors import NotAuthorized
from poolhouse.core.outbound import Unreachable
from poolhouse.identity_pools import web_tokens
from poolhouse.identity_pools.errors import ProviderUnreachable
from poolhouse.identity_pools.openid import INVALID
from poolhouse.identity_pools.verified import Login

_LONGEST_SUBJECT = 255
_LONGEST_OPAQUE = 4096


@dataclass(frozen=True, slots=True)
class OpenId:
    """A provider of ID tokens: what stands in ``iss``, and where its keys are discovered."""

    issuer: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A provider that is asked about a token at ``at``: ``ask(base, token, app) -> (subject, app ids, claims)``."""

    at: str
    ask: Callable[[str, str, str], tuple[Any, tuple[Any, ...], Mapping[str, Any]]]


def _facebook(base: str, token: str, app: str) -> tuple[Any, tuple[Any, ...], Mapping[str, Any]]:  # noqa: ARG001
    bearer = {"Authorization": f"Bearer {token}"}
    given_to = _answer(f"{base}/app?fields=id", bearer)
    person = _answer(f"{base}/me?fields=id,name", bearer)
    return person.get("id"), (given_to.get("id"),), person


def _amazon(base: str, token: str, app: str) -> tuple[Any, tuple[Any, ...], Mapping[str, Any]]:  # noqa: ARG001
    found = _answer(f"{base}/auth/o2/tokeninfo?{urlencode({'access_token': token})}", {})
    ends = found.get("exp")
    if not isinstance(ends, int) or ends <= 0:  # seconds that it has left
        raise NotAuthorized(INVALID + "Token expired")
    return found.get("user_id"), (found.get("aud"), found.get("app_id")), found


def _x(base: str, token: str, app: str) -> tuple[Any, tuple[Any, ...], Mapping[str, Any]]:
    """OAuth 1.0a (RFC 5849): token and app are each ``key;secret``, and the app's own signature is the check of it."""
    key, _, secret = token.partition(";")
    consumer, _, consumer_secret = app.partition(";")
    if not (key and secret and consumer and consumer_secret):
        raise NotAuthorized(INVALID + "Expected the token and its secret, separated by a semicolon.")
    url = f"{base}/1.1/account/verify_credentials.json"
    fields = {
        "oauth_consumer_key": consumer,
        "oauth_nonce": ids.alnum(32),
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(clock.timestamp()),
        "oauth_token": key,
        "oauth_version": "1.0",
    }
    listed = "&".join(f"{name}={_percent(value)}" for name, value in sorted(fields.items()))
    message = f"GET&{_percent(url)}&{_percent(listed)}"
    signed_with = f"{_percent(consumer_secret)}&{_percent(secret)}"
    fields["oauth_signature"] = base64.b64encode(
        hmac.digest(signed_with.encode(), message.encode(), hashlib.sha1)
    ).decode()
    header = "OAuth " + ", ".join(f'{name}="{_percent(value)}"' for name, value in fields.items())
    found = _answer(url, {"Authorization": header})
    return found.get("id_str"), (app,), found


PROVIDERS: Mapping[str, OpenId | Asked] = {
    "accounts.google.com": OpenId("https://accounts.google.com"),
    "appleid.apple.com": OpenId("https://appleid.apple.com"),
    "graph.facebook.com": Asked("https://graph.facebook.com", _facebook),
    "www.amazon.com": Asked("https://api.amazon.com", _amazon),
    "api.twitter.com": Asked("https://api.twitter.com", _x),
}


def verify(provider: str, app: str, token: str) -> Login:
    """A login of one of ``PROVIDERS`` through the application ``app``. Raises NotAuthorized, ProviderUnreachable."""
    known = PROVIDERS.get(provider)
    if known is None:
        raise NotAuthorized(f"Logins of {provider} are no longer supported: the provider is gone.")
    moved = endpoints().get(provider)
    if isinstance(known, OpenId):
        issuer = moved or known.issuer
        claims = web_tokens.verified(token, issuers=(issuer,), audiences=(app,), keys_at=issuer, discover=True)
        return _login(provider, app, claims["sub"], claims)
    if len(token) > _LONGEST_OPAQUE or not token.isprintable() or not token.isascii() or " " in token:
        raise NotAuthorized(INVALID + "Can't validate the token.")  # it stands in a header: one line, no more
    subject, apps, found = known.ask(moved or known.at, token, app)
    if app not in apps:
        raise NotAuthorized(INVALID + "Incorrect token audience.", hint="the token was given to another app")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise NotAuthorized(INVALID + "It has no subject.")
    public = app.partition(";")[0]
    return _login(provider, public, subject, {**found, "sub": subject, "aud": public})


def endpoints() -> Mapping[str, str]:
    """Where providers are asked instead of where they are: the setting ``social_endpoints``."""
    return settings.named_urls(runtime.current().settings.social_endpoints)


def _login(provider: str, app: str, subject: str, claims: Mapping[str, Any]) -> Login:
    return Login(provider, subject, (provider,), (provider, f"{provider}:{app}:{subject}"), claims)


def _answer(url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    try:
        answer = outbound.get(url, headers=headers)
        if 400 <= answer.status < 500 and answer.status != 429:
            raise NotAuthorized(INVALID + "The provider does not accept it.", hint=f"answered {answer.status}")
        if answer.status != 200:
            raise Unreachable(f"answered {answer.status}")
        found = answer.json()
        if not isinstance(found, dict):
            raise Unreachable("the answer is not an object")
        return found
    except Unreachable as reason:
        raise ProviderUnreachable(hint=str(reason)) from None


def _percent(text: str) -> str:
    return quote(text, safe="-._~")
