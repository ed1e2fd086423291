"""What identity providers may be, without database or server."""

from __future__ import annotations

from typing import Any

import pytest

from poolhouse.core.errors import InvalidParameter
from poolhouse.federation import extensions, provider_rules
from poolhouse.user_pools import schema

APP = {"client_id": "app", "client_secret": "s3cret"}
OIDC = {"client_id": "app", "oidc_issuer": "https://login.example.com"}
APPLE = {"client_id": "com.example", "team_id": "TEAM", "key_id": "KEY", "private_key": "MIG"}
SAML = {"MetadataURL": "https://login.example.com/metadata"}
MINIMAL = {
    "OIDC": OIDC,
    "Google": APP,
    "Facebook": APP,
    "LoginWithAmazon": APP,
    "SignInWithApple": APPLE,
    "SAML": SAML,
}
SCHEMA = schema.standard() | {
    "custom:team": schema.Attribute("custom:team", "String"),
    "custom:fixed": schema.Attribute("custom:fixed", "String", mutable=False),
}


# --- ProviderDetails ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "given", "filled"),
    [
        # The answers of Describe that CreateIdentityProvider's documentation shows.
        (
            "Google",
            {**APP, "authorize_scopes": "email profile openid"},
            {
                "attributes_url": "https://people.googleapis.com/v1/people/me?personFields=",
                "attributes_url_add_attributes": "true",
                "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
                "oidc_issuer": "https://accounts.google.com",
                "token_request_method": "POST",
                "token_url": "https://www.googleapis.com/oauth2/v4/token",
            },
        ),
        (
            "Facebook",
            {**APP, "api_version": "v17.0", "authorize_scopes": "public_profile, email"},
            {
                "attributes_url": "https://graph.facebook.com/v17.0/me?fields=",
                "attributes_url_add_attributes": "true",
                "authorize_url": "https://www.facebook.com/v17.0/dialog/oauth",
                "token_request_method": "GET",
                "token_url": "https://graph.facebook.com/v17.0/oauth/access_token",
            },
        ),
        (
            "LoginWithAmazon",
            {**APP, "authorize_scopes": "profile postal_code"},
            {
                "attributes_url": "https://api.amazon.com/user/profile",
                "attributes_url_add_attributes": "false",
                "authorize_url": "https://www.amazon.com/ap/oa",
                "token_request_method": "POST",
                "token_url": "https://api.amazon.com/auth/o2/token",
            },
        ),
        (
            "SignInWithApple",
            {**APPLE, "authorize_scopes": "email name"},
            {
                "attributes_url_add_attributes": "false",
                "authorize_url": "https://appleid.apple.com/auth/authorize",
                "oidc_issuer": "https://appleid.apple.com",
                "token_request_method": "POST",
                "token_url": "https://appleid.apple.com/auth/token",
            },
        ),
        (
            "OIDC",
            {**OIDC, "authorize_scopes": "openid profile email"},
            {"attributes_request_method": "GET", "attributes_url_add_attributes": "false"},
        ),
        ("SAML", {**SAML, "IDPInit": "true", "RequestSigningAlgorithm": "rsa-sha256"}, {}),
    ],
)
def test_defaults_are_those_that_cognito_shows(type_: str, given: dict[str, str], filled: dict[str, str]) -> None:
    made = provider_rules.details(type_, given, private=False)
    assert made == given | filled
    assert provider_rules.details(type_, made, private=False) == made, "what was shown may come back"


def test_scopes_have_defaults_where_none_are_given() -> None:
    asked = {
        type_: provider_rules.details(type_, given, False).get("authorize_scopes") for type_, given in MINIMAL.items()
    }
    assert asked == {
        "OIDC": "openid",
        "Google": "email profile openid",
        "Facebook": "public_profile,email",
        "LoginWithAmazon": "profile",
        "SignInWithApple": "email name",
        "SAML": None,
    }


@pytest.mark.parametrize(
    ("type_", "missing"),
    [(type_, key) for type_, kind in provider_rules.KINDS.items() for key in kind.required]
    + [("OIDC", "oidc_issuer"), ("SAML", "MetadataURL")],
)
def test_what_is_required_is_named_when_it_is_missing_or_empty(type_: str, missing: str) -> None:
    for given in ({**MINIMAL[type_], missing: ""}, {k: v for k, v in MINIMAL[type_].items() if k != missing}):
        with pytest.raises(InvalidParameter, match=missing):
            provider_rules.details(type_, given, private=True)


@pytest.mark.parametrize(
    ("type_", "given", "said"),
    [
        ("Google", {"api_version": "v17.0"}, "api_version is not a detail of Google"),
        ("OIDC", {"MetadataURL": "https://x.example"}, "MetadataURL is not a detail of OIDC"),
        ("SAML", {"client_id": "x"}, "client_id is not a detail of SAML"),
        ("SAML", {"MetadataFile": "<x/>"}, "Exactly one of MetadataURL and MetadataFile"),
        ("SAML", {"MetadataURL": "", "MetadataFile": "<x>" * 100_000}, "MetadataFile must be"),
        ("SAML", {"MetadataURL": "", "MetadataFile": " "}, "MetadataFile must be"),
        ("SAML", {"IDPSignout": "yes"}, "IDPSignout must be true or false"),
        ("SAML", {"RequestSigningAlgorithm": "rsa-sha1"}, "must be rsa-sha256"),
        ("SignInWithApple", {"client_secret": "x"}, "client_secret is not a detail of SignInWithApple"),
        ("SignInWithApple", {"private_key": "x" * 9000}, "private_key must be"),
        ("Facebook", {"api_version": "17"}, "a version such as"),
        ("Facebook", {"api_version": "v1.0/../x"}, "a version such as"),
        ("OIDC", {"attributes_request_method": "PUT"}, "GET or POST"),
        ("OIDC", {"authorize_scopes": "email"}, "must include openid"),
        ("OIDC", {"authorize_scopes": "openid\nemail"}, "must be scopes"),
        ("OIDC", {"authorize_scopes": 'openid "x"'}, "must be scopes"),
        ("OIDC", {"authorize_scopes": ","}, "must be scopes"),
        ("OIDC", {"client_id": "a\r\nb"}, "visible ASCII"),
        ("OIDC", {"client_secret": "ü"}, "visible ASCII"),
        ("OIDC", {"client_secret": "x" * 2049}, "visible ASCII"),
        ("OIDC", {"preset": "myspace"}, "preset must be"),
        ("OIDC", {"tenant": "contoso"}, "preset microsoft alone"),
        ("OIDC", {"preset": "github", "tenant": "contoso"}, "preset microsoft alone"),
        ("OIDC", {"preset": "microsoft", "tenant": "../common"}, "tenant must be"),
        ("OIDC", {"oidc_issuer": "https://login.example.com?x=1"}, "must have no query"),
    ],
)
def test_details_that_cannot_be(type_: str, given: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidParameter, match=said):
        provider_rules.details(type_, {**MINIMAL[type_], **given}, private=True)


@pytest.mark.parametrize("key", ["authorize_url", "token_url", "attributes_url", "jwks_uri", "oidc_issuer"])
@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com/",
        "ftp://login.example.com/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "//login.example.com/",
        "login.example.com",
        "https://",
        "https:///x",
        "https://login.example.com@evil.example/",
        "https://login.example.com\\@evil.example/",
        "https://user:password@login.example.com/",
        "https://login.example.com/#x",
        "https://login.example.com/ x",
        "https://login.example.com/\t",
        "https://lögin.example.com/",
        "https://[::1/",
        "https://login.example.com:99999/",
        "https://login.example.com:0/",
        "https://login.example.com/" + "x" * 2048,
    ],
)
def test_urls_that_we_send_nobody_to(key: str, url: str) -> None:
    with pytest.raises(InvalidParameter, match=key):
        provider_rules.details("OIDC", {**OIDC, key: url}, private=False)


def test_http_only_where_private_addresses_are_reached() -> None:
    for type_, key in (("OIDC", "oidc_issuer"), ("SAML", "MetadataURL"), ("Google", "token_url")):
        given = {**MINIMAL[type_], key: "http://127.0.0.1:8123/x"}
        assert provider_rules.details(type_, given, private=True)[key] == given[key]
        with pytest.raises(InvalidParameter, match=f"{key} must be an https URL"):
            provider_rules.details(type_, given, private=False)


def test_a_preset_needs_no_issuer_and_keeps_what_overrides_it() -> None:
    for preset in provider_rules.PRESETS:
        made = provider_rules.details(
            "OIDC", {"client_id": "x", "preset": preset, "token_url": "https://p.example/t"}, False
        )
        assert made["token_url"] == "https://p.example/t"
        assert "oidc_issuer" not in made
    with_tenant = {"client_id": "x", "preset": "microsoft", "tenant": "contoso.onmicrosoft.com"}
    assert provider_rules.details("OIDC", with_tenant, False)["tenant"] == "contoso.onmicrosoft.com"


def test_switches_are_text_in_any_case_and_kept_in_one() -> None:
    assert provider_rules.details("SAML", {**SAML, "IDPSignout": "True"}, False)["IDPSignout"] == "true"


def test_what_describe_adds_counts_for_nothing_when_it_comes_back() -> None:
    shown = dict.fromkeys(provider_rules.KINDS["SAML"].shown, "https://evil.example/")
    assert shown
    assert provider_rules.details("SAML", {**SAML, **shown}, False) == SAML


# --- names, mappings, identifiers -----------------------------------------------------------------------------------


RESERVED = ["COGNITO", "Cognito", "cognito", "Google", "Facebook", "SignInWithApple", "LoginWithAmazon"]
MALFORMED = ["", "ab", "a" * 33, "a_b", "my_okta", "a b c", " abc", "abc\n", "a\x00bc", "ab\udc80"]


@pytest.mark.parametrize("name", RESERVED + MALFORMED, ids=ascii)
def test_names_that_no_provider_has(name: str) -> None:
    with pytest.raises(InvalidParameter):
        provider_rules.check_name(name, "OIDC")


def test_names_that_providers_have() -> None:
    for name in ("Okta", "okta", "my-company.com", "größe", "a/b?c&d", "日本語", "x" * 32):
        provider_rules.check_name(name, "SAML")
    provider_rules.check_name("Google", "Google")
    provider_rules.check_name("google-workspace", "Google")


@pytest.mark.parametrize(
    ("type_", "preset", "username"),
    [
        ("OIDC", "", "sub"),
        ("Google", "", "sub"),
        ("SignInWithApple", "", "sub"),
        ("Facebook", "", "id"),
        ("LoginWithAmazon", "", "user_id"),
        ("OIDC", "github", "id"),
        ("OIDC", "x", "id"),
        ("OIDC", "microsoft", "sub"),
    ],
)
def test_the_username_is_mapped_as_cognito_fills_it_in(type_: str, preset: str, username: str) -> None:
    assert provider_rules.mapping(type_, {"email": "mail"}, SCHEMA, preset) == {"username": username, "email": "mail"}
    assert provider_rules.mapping(type_, {"username": "login"}, SCHEMA, preset) == {"username": "login"}


def test_saml_maps_what_it_is_told_to() -> None:
    claim = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
    given = {"email": claim, "custom:team": "team"}
    assert provider_rules.mapping("SAML", given, SCHEMA) == given
    assert provider_rules.mapping("SAML", {}, SCHEMA) == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"custom:nobody": "x"}, "is not an attribute"),
        ({"sub": "sub"}, "sub cannot be mapped"),
        ({"identities": "x"}, "identities cannot be mapped"),
        ({"custom:fixed": "x"}, "custom:fixed is not mutable"),
        ({"email": ""}, "needs the provider's name"),
        ({"email": "  "}, "needs the provider's name"),
        ({"email": "x" * 513}, "needs the provider's name"),
        ({"email": "a\nb"}, "needs the provider's name"),
        ({"username": ""}, "needs the provider's name"),
    ],
)
def test_mappings_that_cannot_be(given: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidParameter, match=said):
        provider_rules.mapping("OIDC", given, SCHEMA)


def test_identifiers_are_one_whatever_their_case() -> None:
    assert provider_rules.identifiers([" Acme.COM ", "sales"]) == ("Acme.COM", "sales")
    assert provider_rules.identifier_key(" Acme.COM ") == "acme.com"
    for given in (["acme.com", "ACME.com"], [" "], ["a", " a"]):
        with pytest.raises(InvalidParameter):
            provider_rules.identifiers(given)


def test_levels_of_assurance_are_for_openid_alone_and_told_apart() -> None:
    levels = {"Level1": "pwd", "Level2": "mfa"}
    assert provider_rules.acr_mapping("OIDC", levels) == levels
    assert provider_rules.acr_mapping("SAML", {}) == {}
    for type_, given in (("SAML", levels), ("Google", levels), ("OIDC", {"Level1": "x", "Level2": "x"})):
        with pytest.raises(InvalidParameter):
            provider_rules.acr_mapping(type_, given)


# --- our own settings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "own", "said"),
    [
        ("OIDC", {"enabeld": True}, "Unknown setting"),
        ("OIDC", {"enabled": "true"}, "true or false"),
        ("OIDC", {"label": " "}, "printable"),
        ("OIDC", {"label": "x" * 65}, "printable"),
        ("OIDC", {"label": "a\u202eb"}, "printable"),
        ("OIDC", {"group_mapping": {"a": ""}}, "printable"),
        ("OIDC", {"group_mapping": {"a": 1}}, "printable"),
        ("OIDC", {"group_mapping": ["a"]}, "a group of the pool"),
        ("OIDC", {"group_mapping": {str(n): "a" for n in range(1001)}}, "a group of the pool"),
        ("OIDC", {"on_missing": "forget"}, "one of keep, remove"),
        ("OIDC", {"hosted_domain": "example.com"}, "Google providers alone"),
        ("Google", {"hosted_domain": "example"}, "a domain"),
        ("Google", {"hosted_domain": "*.example.com"}, "a domain"),
        ("OIDC", {"allow_sha1": True}, "SAML providers alone"),
        ("Google", {"require_signed": "both"}, "SAML providers alone"),
        ("SAML", {"require_signed": "none"}, "one of either, assertion"),
        ("SAML", {"token_endpoint_auth_method": "private_key_jwt"}, "OIDC providers alone"),
        ("SAML", {"own_callback": True}, "OAuth and OpenID providers alone"),
        ("OIDC", {"own_callback": 1}, "true or false"),
        ("OIDC", {"token_endpoint_auth_method": "client_secret_basic"}, "has no client_secret"),
    ],
)
def test_extensions_that_cannot_be(type_: str, own: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidParameter, match=said):
        extensions.of_provider(own, type_, MINIMAL[type_])


def test_extensions_that_can_be() -> None:
    own = {
        "enabled": False,
        "label": "Sign in with Acme",
        "button": False,
        "trust_email": True,
        "groups_attribute": "groups",
        "group_mapping": {"CN=Ops,DC=acme": "operators"},
        "on_missing": "remove",
        "force_authn": True,
    }
    for type_ in provider_rules.KINDS:
        assert extensions.of_provider(own, type_, MINIMAL[type_]) == own
    assert extensions.of_provider({"hosted_domain": "Example.COM"}, "Google", APP) == {"hosted_domain": "example.com"}
    assert extensions.of_provider({"hosted_domain": "*"}, "Google", APP)
    assert extensions.of_provider({"own_callback": True}, "Google", APP)
    assert extensions.of_provider({"token_endpoint_auth_method": "private_key_jwt"}, "OIDC", OIDC)


def test_kinds_are_those_of_the_api() -> None:
    assert list(provider_rules.KINDS) == list(MINIMAL)
    for kind in provider_rules.KINDS.values():
        assert set(kind.required) <= set(kind.keys)
        assert set(kind.defaults) <= set(kind.keys)
        assert kind.hidden <= set(kind.keys)
        assert not kind.shown & set(kind.keys)
