"""What an identity provider's settings must be beyond the shapes of the API's model: pure.

ProviderDetails are Cognito's (CreateIdentityProvider), with the same defaults that Describe shows there. All refusals
are InvalidParameter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from poolhouse.core.errors import InvalidParameter
from poolhouse.user_pools import schema
from poolhouse.user_pools.schema import Attribute

IDENTIFIER_LONGEST = 40
PRESETS = ("x", "github", "microsoft", "linkedin")
SOCIAL = ("Facebook", "Google", "LoginWithAmazon", "SignInWithApple")
# What leads to other places than a provider of that name: the pool itself, and what AWS calls a local user's provider.
_RESERVED = frozenset({"cognito"})
_NAME = re.compile(r"[^\s_]{3,32}")
_LONGEST_URL = 2048
_LONGEST_TEXT = 2048
_LONGEST_CLAIM = 512
_LONGEST_DOCUMENT = 256 * 1024
_LONGEST_KEY = 8 * 1024
_VSCHAR = re.compile(r"[\x20-\x7e]+")
_SCOPES = re.compile(r"[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+(?:(?: +| *, *)[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+)*")
_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")

Check = Callable[[str, str], str]


# --- single values ----------------------------------------------------------------------------------------------------


def _text(name: str, value: str) -> str:
    """RFC 6749 appendix A: client ids and secrets are visible ASCII and spaces."""
    if len(value) > _LONGEST_TEXT or not _VSCHAR.fullmatch(value):
        raise InvalidParameter(f"{name} must be 1 to {_LONGEST_TEXT} visible ASCII characters.")
    return value


def _truth(name: str, value: str) -> str:
    if value.lower() not in {"true", "false"}:
        raise InvalidParameter(f"{name} must be true or false.")
    return value.lower()


def _scopes(name: str, value: str) -> str:
    if len(value) > _LONGEST_TEXT or not _SCOPES.fullmatch(value):
        raise InvalidParameter(f"{name} must be scopes with spaces or commas between them.")
    return value


def url(name: str, value: str) -> str:
    """An absolute URL that we, or a browser of ours, may be sent to.

    No user info, which hides the host from whoever reads the URL, and no fragment.
    """
    try:
        parts = urlsplit(value)
        fit = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fit = False
    if not fit or len(value) > _LONGEST_URL or not re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", value):
        raise InvalidParameter(f"{name} must be an absolute https URL of at most {_LONGEST_URL} characters.")
    if "#" in value or "@" in parts.netloc:
        raise InvalidParameter(f"{name} must have neither a fragment nor user information.")
    return value


def _issuer(name: str, value: str) -> str:
    if "?" in url(name, value):  # OpenID Connect Discovery §2: scheme, host, port and path
        raise InvalidParameter(f"{name} must have no query.")
    return value


def _one_of(*values: str) -> Check:
    def check(name: str, value: str) -> str:
        if value not in values:
            raise InvalidParameter(f"{name} must be {' or '.join(values)}.")
        return value

    return check


def _like(pattern: re.Pattern[str], what: str) -> Check:
    def check(name: str, value: str) -> str:
        if not pattern.fullmatch(value):
            raise InvalidParameter(f"{name} must be {what}.")
        return value

    return check


def _document(longest: int) -> Check:
    def check(name: str, value: str) -> str:
        if not value.strip() or len(value) > longest:
            raise InvalidParameter(f"{name} must be 1 to {longest} characters.")
        return value

    return check


_URLS = frozenset({url, _issuer})

# --- ProviderDetails by type ------------------------------------------------------------------------------------------

_OAUTH: Mapping[str, Check] = {
    "client_id": _text,
    "client_secret": _text,
    "authorize_scopes": _scopes,
    "authorize_url": url,
    "token_url": url,
    "attributes_url": url,
    "jwks_uri": url,
    "oidc_issuer": _issuer,
    "attributes_url_add_attributes": _truth,
    "attributes_request_method": _one_of("GET", "POST"),
    "token_request_method": _one_of("GET", "POST"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What ProviderDetails of a type may be, must be, and are if nothing is said.

    ``shown`` are keys that Describe adds: they may come back with an update, and count for nothing. ``hidden`` are
    those that Describe keeps to itself: an update that leaves them out keeps them. ``{key}`` in a default is another
    key's value.
    """

    keys: Mapping[str, Check]
    required: tuple[str, ...]
    defaults: Mapping[str, str] = field(default_factory=dict)
    shown: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    username: str = ""


KINDS: Mapping[str, Kind] = {
    "OIDC": Kind(
        {
            **_OAUTH,
            "preset": _one_of(*PRESETS),
            "tenant": _like(_TENANT, "a tenant's id or domain, or common, organizations or consumers"),
        },
        ("client_id",),
        {"attributes_request_method": "GET", "attributes_url_add_attributes": "false"},
        username="sub",
    ),
    "Google": Kind(
        _OAUTH,
        ("client_id", "client_secret"),
        {
            "attributes_url": "https://people.googleapis.com/v1/people/me?personFields=",
            "attributes_url_add_attributes": "true",
            "authorize_scopes": "email profile openid",
            "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
            "oidc_issuer": "https://accounts.google.com",
            "token_request_method": "POST",
            "token_url": "https://www.googleapis.com/oauth2/v4/token",
        },
        username="sub",
    ),
    "Facebook": Kind(
        {**_OAUTH, "api_version": _like(re.compile(r"v[0-9]{1,3}\.[0-9]{1,2}"), "a version such as v23.0")},
        ("client_id", "client_secret"),
        {
            "api_version": "v23.0",
            "attributes_url": "https://graph.facebook.com/{api_version}/me?fields=",
            "attributes_url_add_attributes": "true",
            "authorize_scopes": "public_profile,email",
            "authorize_url": "https://www.facebook.com/{api_version}/dialog/oauth",
            "token_request_method": "GET",
            "token_url": "https://graph.facebook.com/{api_version}/oauth/access_token",
        },
        username="id",
    ),
    "LoginWithAmazon": Kind(
        _OAUTH,
        ("client_id", "client_secret"),
        {
            "attributes_url": "https://api.amazon.com/user/profile",
            "attributes_url_add_attributes": "false",
            "authorize_scopes": "profile",
            "authorize_url": "https://www.amazon.com/ap/oa",
            "token_request_method": "POST",
            "token_url": "https://api.amazon.com/auth/o2/token",
        },
        username="user_id",
    ),
    "SignInWithApple": Kind(
        {
            **{key: check for key, check in _OAUTH.items() if key != "client_secret"},
            "team_id": _text,
            "key_id": _text,
            "private_key": _document(_LONGEST_KEY),
        },
        ("client_id", "team_id", "key_id", "private_key"),
        {
            "attributes_url_add_attributes": "false",
            "authorize_scopes": "email name",
            "authorize_url": "https://appleid.apple.com/auth/authorize",
            "oidc_issuer": "https://appleid.apple.com",
            "token_request_method": "POST",
            "token_url": "https://appleid.apple.com/auth/token",
        },
        hidden=frozenset({"private_key"}),
        username="sub",
    ),
    "SAML": Kind(
        {
            "MetadataURL": url,
            "MetadataFile": _document(_LONGEST_DOCUMENT),
            "IDPSignout": _truth,
            "IDPInit": _truth,
            "EncryptedResponses": _truth,
            "RequestSigningAlgorithm": _one_of("rsa-sha256"),
        },
        (),
        shown=frozenset({"SSORedirectBindingURI", "SLORedirectBindingURI", "ActiveEncryptionCertificate"}),
    ),
}
# How the presets that are no OpenID providers call a person's id.
_PRESET_USERNAME = {"x": "id", "github": "id"}


def details(type_: str, given: Mapping[str, str], private: bool) -> dict[str, str]:
    """``given`` checked, with the defaults of its type.

    URLs are https; http only where ``private`` says that requests of ours may reach private addresses, as on a
    developer's machine.
    """
    kind = KINDS[type_]
    checked = {}
    for name, value in given.items():
        if name in kind.shown:
            continue
        if name not in kind.keys:
            raise InvalidParameter(
                f"{name} is not a detail of {type_} providers. Known are {', '.join(sorted(kind.keys))}."
            )
        if value:
            checked[name] = kind.keys[name](name, value)
            if kind.keys[name] in _URLS and not private and urlsplit(value).scheme == "http":
                raise InvalidParameter(f"{name} must be an https URL.")
    missing = [name for name in kind.required if name not in checked]
    if missing:
        raise InvalidParameter(f"The following provider details are missing for {type_}: {', '.join(missing)}.")
    _check_together(type_, checked)
    filled = {**kind.defaults, **checked}
    return {name: value.format_map(filled) if name not in checked else value for name, value in filled.items()}


def _check_together(type_: str, checked: dict[str, str]) -> None:
    if type_ == "SAML" and ("MetadataURL" in checked) is ("MetadataFile" in checked):
        raise InvalidParameter("Exactly one of MetadataURL and MetadataFile is required for SAML.")
    if type_ != "OIDC":
        return
    if "tenant" in checked and checked.get("preset") != "microsoft":
        raise InvalidParameter("tenant is a detail of the preset microsoft alone.")
    if "preset" in checked:
        return
    if "oidc_issuer" not in checked:
        raise InvalidParameter("The following provider details are missing for OIDC: oidc_issuer.")
    if "openid" not in re.split(r"[ ,]+", checked.setdefault("authorize_scopes", "openid")):
        raise InvalidParameter("authorize_scopes of an OIDC provider must include openid.")


# --- the rest ---------------------------------------------------------------------------------------------------------


def is_name(name: str) -> bool:
    """Whether a provider can be called that: anything else need not be looked for."""
    return bool(_NAME.fullmatch(name)) and name.isprintable()


def check_name(name: str, type_: str) -> None:
    """Raise InvalidParameter for a name that would be taken for something else."""
    if not is_name(name):
        raise InvalidParameter("A provider's name has 3 to 32 printable characters, without spaces and underscores.")
    if name.lower() in _RESERVED:
        raise InvalidParameter(f"The provider name {name} is reserved. Choose another.")
    if name in SOCIAL and name != type_:
        raise InvalidParameter(f"The provider name {name} is reserved for providers of that type. Choose another.")


def mapping(type_: str, given: Mapping[str, str], known: Mapping[str, Attribute], preset: str = "") -> dict[str, str]:
    """AttributeMapping checked against the pool's schema, with the ``username`` that Cognito fills in."""
    for name, claim in given.items():
        attribute = known.get(name)
        if name != "username" and attribute is None:
            raise InvalidParameter(f"Attribute mapping: {name} is not an attribute of the user pool.")
        if name in schema.RESERVED:
            raise InvalidParameter(f"Attribute mapping: {name} cannot be mapped.")
        if attribute is not None and not attribute.mutable:
            # It would be written at the first sign-in, and every later one would fail.
            raise InvalidParameter(
                f"Attribute mapping: {name} is not mutable. Map to attributes that can be written at every sign-in."
            )
        if not claim.strip() or len(claim) > _LONGEST_CLAIM or not claim.isprintable():
            raise InvalidParameter(
                f"Attribute mapping: {name} needs the provider's name for it, of at most {_LONGEST_CLAIM} characters."
            )
    username = subject_claim(type_, preset)
    return {**({"username": username} if username else {}), **given}


def subject_claim(type_: str, preset: str = "") -> str:
    """What the provider itself calls a person's id, whatever ``username`` is mapped from; "" for SAML's NameID."""
    return _PRESET_USERNAME.get(preset) or KINDS[type_].username


def identifier_key(identifier: str) -> str:
    """An identifier in the form in which identifiers are compared: domains know no upper and lower case."""
    return identifier.strip().lower()


def identifiers(given: Sequence[str]) -> tuple[str, ...]:
    """IdpIdentifiers checked: not blank, each once."""
    keys = [identifier_key(identifier) for identifier in given]
    if not all(keys):
        raise InvalidParameter("An identifier must not be blank.")
    if len(set(keys)) < len(keys):
        raise InvalidParameter("Identifiers must differ in more than upper and lower case.")
    return tuple(identifier.strip() for identifier in given)


def acr_mapping(type_: str, given: Mapping[str, str]) -> dict[str, str]:
    """AcrMapping checked."""
    if given and type_ != "OIDC":
        raise InvalidParameter("Only OIDC providers support ACR mapping.")
    if len(set(given.values())) < len(given):
        raise InvalidParameter("Each level of the ACR mapping needs a value of its own.")
    return dict(given)
