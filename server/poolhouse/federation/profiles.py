"""Profiles that providers give in their own way: Google, Apple, Amazon, Facebook, X, GitHub, Microsoft.

Each takes what is known and gives back what is known then. ``email_verified`` stays only where the provider says so of
that very address (Keycloak CVE-2025-7365: a flag of one source, an address of another).
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from poolhouse.federation.connector import Untrusted
from poolhouse.federation.upstream import Profile, an_object, get, scopes, setting

_LONGEST_NAME = 256
# What Google's People API knows beyond the ID token (personFields), and where in an entry it says it.
_PEOPLE: Mapping[str, str] = {
    "addresses": "formattedValue",
    "birthdays": "date",
    "genders": "value",
    "locales": "value",
    "nicknames": "value",
    "organizations": "name",
    "phoneNumbers": "value",
    "urls": "value",
}


def with_claims(profile: Profile, **more: Any) -> Profile:
    """``profile`` with those claims; None takes one away."""
    claims = {**profile.claims, **more}
    return dataclasses.replace(profile, claims={name: value for name, value in claims.items() if value is not None})


def google(profile: Profile) -> Profile:
    """The hosted domain as configured, and what is mapped from the People API.

    ``hd`` in the request only chooses what the page offers: the claim is what counts.
    """
    wanted = str(profile.provider.own.get("hosted_domain") or "").lower()
    domain = (profile.signed or {}).get("hd")
    if wanted and not (isinstance(domain, str) and domain and wanted in {"*", domain.lower()}):
        raise Untrusted(
            "This account does not belong to the organization.", hint=f"the hosted domain is {domain!r}"[:200]
        )
    return _people(profile)


def _people(profile: Profile) -> Profile:
    url = profile.provider.details.get("attributes_url", "")
    fields = sorted(profile.mapped() & _PEOPLE.keys())
    if not fields or not url.endswith("="):
        return profile
    found = an_object(get(url + ",".join(fields), profile.bearer, "profile"), "profile")
    values = {name: _primary(found.get(name), _PEOPLE[name]) for name in fields}
    return dataclasses.replace(with_claims(profile, **values), userinfo=found)


def _primary(entries: Any, key: str) -> Any:
    """The value of the primary entry of a list of the People API, else of the first."""
    listed = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    listed.sort(key=lambda entry: not (isinstance(entry.get("metadata"), dict) and entry["metadata"].get("primary")))
    value = listed[0].get(key) if listed else None
    if isinstance(value, dict):  # a date; the year is often kept back
        year, month, day = (value.get(part) for part in ("year", "month", "day"))
        numbers = isinstance(year, int) and isinstance(month, int) and isinstance(day, int)
        return f"{year:04}-{month:02}-{day:02}" if numbers else None
    return value


def apple(profile: Profile) -> Profile:
    """The name, which comes once, beside the code: unsigned, so that nothing but a name is read from it."""
    try:
        user = orjson.loads(profile.sent.get("user", "{}"))
    except orjson.JSONDecodeError:
        return profile
    name = user.get("name") if isinstance(user, dict) else None
    if not isinstance(name, dict):
        return profile
    parts = {part: name[part] for part in ("firstName", "lastName") if _is_name(name.get(part))}
    if not parts:
        return profile
    first, last = parts.get("firstName"), parts.get("lastName")
    return with_claims(profile, **parts, given_name=first, family_name=last, name=" ".join(parts.values()))


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME


def amazon(profile: Profile) -> Profile:
    """Login with Amazon: a token of any other app is as genuine, so its audience is asked for first."""
    about = an_object(
        get(f"{_beside_token(profile, 'tokeninfo')}?{urlencode({'access_token': profile.tokens.access})}", {}, "token"),
        "token",
    )
    if about.get("aud") != profile.provider.details.get("client_id"):
        raise Untrusted(hint="the access token was given to another app")
    found = an_object(get(setting(profile.provider, "attributes_url"), profile.bearer, "profile"), "profile")
    if found.get("user_id") != about.get("user_id"):
        raise Untrusted(hint="the profile is somebody else's")
    return dataclasses.replace(with_claims(profile, **_unflagged(found)), userinfo=found)


def _beside_token(profile: Profile, name: str) -> str:
    """The endpoint of that name beside the token endpoint."""
    return setting(profile.provider, "token_url").partition("?")[0].rpartition("/")[0] + "/" + name


def facebook(profile: Profile) -> Profile:
    """Graph: the token's app is asked for, and every call proves that it knows the app's secret.

    Facebook does not say whether an address was verified, so none counts as that.
    """
    details = profile.provider.details
    app, secret = setting(profile.provider, "client_id"), setting(profile.provider, "client_secret")
    graph = setting(profile.provider, "token_url").partition("?")[0].removesuffix("/oauth/access_token")
    debug = f"{graph}/debug_token?{urlencode({'input_token': profile.tokens.access})}"
    answer = an_object(get(debug, {"Authorization": f"Bearer {app}|{secret}"}, "token"), "token")
    about = an_object(answer.get("data"), "token")
    if about.get("is_valid") is not True or str(about.get("app_id")) != app:
        raise Untrusted(hint="the access token was given to another app, or is not valid")

    proof = hmac.digest(secret.encode(), profile.tokens.access.encode(), hashlib.sha256).hex()
    fields = ",".join(sorted(profile.mapped() | {"id"}))
    url, asks = details.get("attributes_url") or f"{graph}/me?fields=", f"&{urlencode({'appsecret_proof': proof})}"
    url += fields + asks if url.endswith("=") else ("&" if "?" in url else "?") + f"fields={fields}{asks}"
    found = an_object(get(url, profile.bearer, "profile"), "profile")
    if str(found.get("id")) != str(about.get("user_id")):
        raise Untrusted(hint="the profile is somebody else's")
    return dataclasses.replace(with_claims(profile, **_unflagged(found)), userinfo=found)


def x(profile: Profile) -> Profile:
    """X: a profile is wrapped in ``data``; an address is given only when it is confirmed."""
    fields = profile.mapped() - {"id", "email", "email_verified", "confirmed_email"}
    if "users.email" in scopes(profile.provider):
        fields.add("confirmed_email")
    url = setting(profile.provider, "attributes_url")
    url += ("&" if "?" in url else "?") + urlencode({"user.fields": ",".join(sorted(fields))}) if fields else ""
    found = an_object(an_object(get(url, profile.bearer, "profile"), "profile").get("data"), "profile")
    email = found.get("confirmed_email")
    flag = "true" if isinstance(email, str) and email else None
    claims = {**_unflagged(found), "email": email if flag else None, "email_verified": flag}
    return dataclasses.replace(with_claims(profile, **claims), userinfo=found)


def github(profile: Profile) -> Profile:
    """GitHub: ids are numbers, names can be given up and taken by others; the address is the verified primary one."""
    url = setting(profile.provider, "attributes_url")
    found = an_object(get(url, profile.bearer, "profile"), "profile")
    if not isinstance(found.get("id"), int) or isinstance(found["id"], bool):
        raise Untrusted(hint="the profile has no id")
    email = None
    if {"user", "user:email"} & set(scopes(profile.provider)):
        listed = get(url.partition("?")[0] + "/emails", profile.bearer, "addresses")
        entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
        email = next((e.get("email") for e in entries if e.get("primary") is True and e.get("verified") is True), None)
    flag = "true" if email else None
    claims = {**_unflagged(found), "email": email, "email_verified": flag}
    return dataclasses.replace(with_claims(profile, **claims), userinfo=found)


def microsoft(profile: Profile) -> Profile:
    """Microsoft: an administrator of any tenant writes any address into a profile.

    It counts as verified only where the ID token says that the owner of the domain was verified (``xms_edov``).
    """
    signed = profile.signed or {}
    sure = signed.get("xms_edov") in (True, 1, "1", "true") and isinstance(signed.get("email"), str)
    if sure:
        return with_claims(profile, email=signed["email"], email_verified="true")
    return with_claims(profile, email_verified=None)


def _unflagged(found: Mapping[str, Any]) -> dict[str, Any]:
    """A profile without flags that its provider does not document: they prove nothing."""
    return {name: value for name, value in found.items() if name not in {"email_verified", "phone_number_verified"}}
