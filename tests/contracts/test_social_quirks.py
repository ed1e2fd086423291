"""In what each social provider differs from the standards, and from the others."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from poolhouse.core import jose
from poolhouse.core.errors import InvalidParameter
from poolhouse.core.runtime import Runtime, entered
from poolhouse.federation import social as social_presets
from poolhouse.federation.connector import ExternalIdentity, Misconfigured, Unavailable, Untrusted
from poolhouse.federation.oidc import CONNECTOR
from tests.federation.counterparts import POOL, SocialCounterpart, make_provider
from tests.federation.fake import Reply
from tests.federation.social import Social

Through = Callable[[str], SocialCounterpart]


@pytest.fixture
def through(unfronted: Runtime, social: Social) -> Iterator[Through]:
    """``through("google")``."""
    with entered(unfronted):
        yield lambda name: SocialCounterpart(social, name)


def asks(there: SocialCounterpart, *, own: Any = None, **departure: Any) -> dict[str, str]:
    """The parameters of an authorization request."""
    sent, _ = there.depart(there.provider(own=own), **departure)
    return dict(parse_qsl(urlsplit(sent.address).query))


# --- What the app asks for is passed on as far as it is understood ----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "prompt", "hint"),
    [
        ("google", "consent select_account", "login_hint"),
        ("microsoft", "consent login select_account", "login_hint"),
        ("github", "select_account", "login"),
        ("apple", None, None),
        ("amazon", None, None),
        ("facebook", None, None),
        ("x", None, None),
        ("linkedin", None, None),
    ],
)
def test_prompt_and_login_hint(through: Through, name: str, prompt: str | None, hint: str | None) -> None:
    there = through(name)
    wanted = frozenset({"none", "login", "select_account", "consent", "create"})
    asked = asks(there, prompt=wanted, login_hint="ann@example.com", locale="de")
    assert asked.get("prompt") == prompt  # none never: we have a person before us
    assert {key for key, value in asked.items() if value == "ann@example.com"} == ({hint} if hint else set())
    assert "login_hint" not in asks(there, login_hint="x" * 1000)


@pytest.mark.parametrize(
    ("name", "fresh"),
    [
        ("google", {"prompt": "select_account"}),
        ("microsoft", {"prompt": "login"}),
        ("facebook", {"auth_type": "reauthenticate"}),
        ("github", {"prompt": "select_account"}),
        ("apple", {}),
        ("amazon", {}),
        ("x", {}),
        ("linkedin", {}),
    ],
)
def test_a_fresh_sign_in_is_asked_for_as_each_one_knows_it(through: Through, name: str, fresh: dict[str, str]) -> None:
    there = through(name)
    for asked in (asks(there, reauthenticate=True), asks(there, prompt=frozenset({"login"}))):
        assert {key: asked.get(key) for key in ("prompt", "auth_type") if key in asked} == fresh
    there.journey(there.provider(), reauthenticate=True)


@pytest.mark.parametrize("name", ["google", "facebook", "amazon", "apple", "x", "github", "microsoft"])
def test_pkce_wherever_it_does_no_harm(through: Through, name: str) -> None:
    there = through(name)
    there.journey(there.provider())
    tokens = next(asked for asked in there.fake.asked if asked.form.get("grant_type") == "authorization_code")
    assert len(tokens.form["code_verifier"]) >= 43
    assert "code_challenge" in asks(there)


# --- Google -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "has", "fits"),
    [
        ("example.com", "example.com", True),
        ("Example.com", "EXAMPLE.COM", True),
        ("*", "anything.example", True),
        ("example.com", "example.com.evil.example", False),
        ("example.com", "sub.example.com", False),
        ("example.com", None, False),
        ("example.com", ["example.com"], False),
        ("*", None, False),
        ("*", "", False),
    ],
)
def test_googles_hosted_domain_is_enforced_and_not_only_asked_for(
    through: Through, wanted: str, has: Any, fits: bool
) -> None:
    there = through("google")
    there.fake.claims = {"hd": has}
    own = {"hosted_domain": wanted}
    assert asks(there, own=own)["hd"] == wanted
    if fits:
        assert there.journey(there.provider(own=own)).subject == there.subject
    else:
        with pytest.raises(Untrusted) as refused:
            there.journey(there.provider(own=own))
        assert "hosted domain" in refused.value.hint


def test_googles_old_issuer_is_googles_alone(through: Through) -> None:
    there = through("google")
    there.fake.claims = {"iss": "accounts.google.com"}
    with pytest.raises(Untrusted):  # the fake is set to an issuer of its own
        there.journey(there.provider())


def test_what_the_id_token_lacks_is_asked_of_googles_people(through: Through) -> None:
    there = through("google")
    person = {
        "birthdays": [
            {"date": {"year": 1999, "month": 1, "day": 1}},
            {"metadata": {"primary": True}, "date": {"year": 1990, "month": 2, "day": 3}},
        ],
        "phoneNumbers": [{"value": "+15555550123"}],
        "genders": "unexpected",
    }
    there.fake.answers = {"/people": Reply(200, person)}
    there.mapping |= {"birthdate": "birthdays", "phone_number": "phoneNumbers", "gender": "genders"}
    identity = there.journey(there.provider(attributes_url=f"{there.fake.base}/people?personFields="))
    assert there.fake.asked_at("/people")[0].query == {"personFields": "birthdays,genders,phoneNumbers"}
    assert (identity.claims["birthdays"], identity.claims["phoneNumbers"]) == ("1990-02-03", "+15555550123")
    assert "genders" not in identity.claims
    assert identity.claims["email"] == there.email

    del there.mapping["birthdate"], there.mapping["phone_number"], there.mapping["gender"]
    there.fake.asked.clear()
    there.journey(there.provider(attributes_url=f"{there.fake.base}/people?personFields="))
    assert not there.fake.asked_at("/people")  # for nothing, nobody is asked


# --- Apple ------------------------------------------------------------------------------------------------------------


def test_apple_gets_a_secret_of_five_minutes_and_answers_by_a_form(through: Through) -> None:
    there = through("apple")
    asked = asks(there)
    assert (asked["response_mode"], asked["scope"]) == ("form_post", "email name")
    there.journey(there.provider())
    secret = there.fake.asked_at("/auth/token")[0].form["client_secret"]
    claims = jose.unverified_claims(secret)
    assert jose.header(secret) == {"alg": "ES256", "kid": there.fake.key_id}  # type: ignore[attr-defined]
    assert claims["aud"] == "https://appleid.apple.com"
    assert 0 < claims["exp"] - int(time.time()) <= 300


def test_apple_says_the_name_once(through: Through) -> None:
    there = through("apple")
    first, second = there.journey(there.provider()), there.journey(there.provider())
    names = ("name", "firstName", "lastName", "given_name", "family_name")
    assert [first.claims.get(name) for name in names] == ["Ann Bell", "Ann", "Bell", "Ann", "Bell"]
    assert not set(names) & set(second.claims)
    assert second.claims["email_verified"] == "true"


@pytest.mark.parametrize(
    "user",
    [
        '{"name": {"firstName": "Eve"}, "email": "eve@example.com", "email_verified": true, "sub": "eve"}',
        "[]",
        "{",
        '{"name": 5}',
        '{"name": {"firstName": 5, "lastName": ["x"]}}',
        '{"name": {"firstName": "' + "x" * 5000 + '"}}',
    ],
)
def test_beside_apples_code_only_a_name_is_believed(through: Through, user: str) -> None:
    there = through("apple")
    provider = there.provider()
    sent, _ = there.depart(provider)
    returned = there.visit(sent.address)
    returned.parameters["user"] = user
    identity = there.land(provider, returned, sent)
    assert (identity.subject, identity.claims["email"]) == (there.subject, there.email)
    assert identity.claims.get("firstName") in {None, "Eve"}


def _pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def test_apples_key_is_taken_in_every_form_it_is_handed_round_in(through: Through) -> None:
    there = through("apple")
    whole = _pem(there.fake.developer_key.private_key)  # type: ignore[attr-defined]
    body = "".join(whole.splitlines()[1:-1])
    for text in (whole, whole.strip(), body, whole.replace("\n", "\\n"), whole.replace("\n", "\r\n")):
        assert there.journey(there.provider(private_key=text)).subject == there.subject


@pytest.mark.parametrize(
    "text",
    [
        "a secret",
        "AAAA",
        _pem(rsa.generate_private_key(65537, 2048)),
        _pem(ec.generate_private_key(ec.SECP384R1())),
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
    ],
)
def test_any_other_key_is_refused_when_it_is_typed(through: Through, text: str) -> None:
    with pytest.raises(InvalidParameter, match="private_key"):
        through("apple").provider(private_key=text)


# --- Amazon, Facebook -------------------------------------------------------------------------------------------------


def test_a_token_of_another_app_of_amazons_is_refused(through: Through) -> None:
    there = through("amazon")
    there.fake.audience = "amzn1.application-oa2-client.other"  # type: ignore[attr-defined]
    with pytest.raises(Untrusted) as refused:
        there.journey(there.provider())
    assert "another app" in refused.value.hint
    assert not there.fake.asked_at("/user/profile")


@pytest.mark.parametrize("name", ["amazon", "facebook", "github", "google"])
def test_a_long_token_is_a_token(through: Through, name: str) -> None:
    there = through(name)
    there.fake.token_bytes = 1500  # 2,000 characters
    assert there.journey(there.provider()).subject == there.subject


def test_a_token_of_another_app_of_facebooks_is_refused(through: Through) -> None:
    there = through("facebook")
    there.fake.app_of_tokens = "999"  # type: ignore[attr-defined]
    with pytest.raises(Untrusted) as refused:
        there.journey(there.provider())
    assert "another app" in refused.value.hint


def test_amazon_and_facebook_vouch_for_no_address(through: Through) -> None:
    for name in ("amazon", "facebook"):
        there = through(name)
        there.fake.person["email_verified"] = True
        there.mapping["email_verified"] = "email_verified"
        claims = there.journey(there.provider()).claims
        assert "email_verified" not in claims
        assert claims["email"] == there.email


def test_a_profile_of_somebody_else_is_refused(through: Through) -> None:
    there = through("amazon")
    there.fake.answers = {"/user/profile": Reply(200, {"user_id": "amzn1.account.EVE"})}
    with pytest.raises(Untrusted):
        there.journey(there.provider())
    there = through("facebook")
    there.fake.answers = {"/v21.0/me": Reply(200, {"id": "1"})}
    with pytest.raises(Untrusted):
        there.journey(there.provider())


def test_facebook_is_asked_for_what_is_mapped_and_shown_that_we_know_the_secret(through: Through) -> None:
    there = through("facebook")
    there.mapping |= {"given_name": "first_name", "family_name": "no&such=field"}
    there.journey(there.provider())
    (asked,) = there.fake.asked_at("/v21.0/me")
    assert asked.query["fields"] == "email,first_name,id,name"
    assert len(asked.query["appsecret_proof"]) == 64  # the fake checks it
    assert there.fake.client_secret not in str(asked.query)


def test_facebooks_errors_are_objects(through: Through) -> None:
    there = through("facebook")
    kinds: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"code": 2, "message": "Please retry"}, Unavailable),
        ({"code": 1, "message": "Please retry", "is_transient": True}, Unavailable),
        ({"code": 4, "message": "Application request limit reached"}, Unavailable),
        ({"code": 101, "message": "Error validating application"}, Misconfigured),
        ({"code": 191, "message": "The redirect_uri URL must be absolute"}, Misconfigured),
        ({"code": 190, "message": "Invalid OAuth access token"}, Untrusted),
        ({"code": {}, "message": []}, Untrusted),
    ]
    for error, kind in kinds:
        there.fake.answers = {"/v21.0/oauth/access_token": Reply(400, {"error": {"type": "OAuthException", **error}})}
        with pytest.raises(kind):
            there.journey(there.provider())


# --- X, GitHub --------------------------------------------------------------------------------------------------------


def test_x_gives_an_address_only_when_it_is_confirmed_and_allowed(through: Through) -> None:
    there = through("x")
    claims = there.journey(there.provider()).claims
    assert (claims["email"], claims["email_verified"]) == ("ann@example.com", "true")
    claims = there.journey(there.provider(authorize_scopes="users.read tweet.read")).claims
    assert not {"email", "email_verified"} & set(claims)
    there.fake.person |= {"email": "eve@example.com", "email_verified": True}
    del there.fake.person["confirmed_email"]
    assert not {"email", "email_verified"} & set(there.journey(there.provider()).claims)


def test_x_refreshes_where_offline_access_was_asked_for(through: Through) -> None:
    there = through("x")
    provider = there.provider(authorize_scopes="users.read tweet.read offline.access")
    tokens = there.journey(provider).tokens or {}
    fresh = CONNECTOR.refresh(provider, tokens)
    assert fresh["access_token"] != tokens["access_token"]
    assert fresh["refresh_token"] == tokens["refresh_token"]
    assert fresh["expires_at"] > time.time() + 7000
    assert there.fake.asked_at("/2/oauth2/token")[-1].basic() == (there.fake.client_id, there.fake.client_secret)


def test_a_secret_in_a_header_is_encoded_as_the_rfc_says_and_stays_out_of_the_next_request(through: Through) -> None:
    """RFC 6749 §2.3.1; and Authlib shares the headers that it writes the secret into among all clients."""
    there = through("x")
    before = there.fake.client_secret
    there.fake.client_secret = "a b:c%2B+d&e=f"
    try:
        there.journey(there.provider())
    finally:
        there.fake.client_secret = before
    google = through("google")
    google.journey(google.provider())
    assert "Authorization" not in google.fake.asked_at("/token")[-1].headers


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({"expires_in": -5}, {"expires_at"}),
        ({"expires_in": 0}, {"expires_at"}),
        ({"expires_in": True}, {"expires_at"}),
        ({"expires_in": "soon"}, {"expires_at"}),
        ({"expires_in": 10**30}, {"expires_at"}),
        ({"expires_in": None}, {"expires_at"}),
        ({"expires_in": "3600"}, set()),
        ({"refresh_token": "é"}, {"refresh_token"}),
        ({"refresh_token": ["x"]}, {"refresh_token"}),
        ({"scope": "a\nb"}, {"scope"}),
        ({"scope": "x" * 40_000}, {"scope"}),
    ],
)
def test_of_tokens_only_what_is_well_formed_is_kept(through: Through, changed: dict[str, Any], kept: set[str]) -> None:
    there = through("x")
    provider = there.provider(authorize_scopes="users.read tweet.read offline.access")
    whole = set(there.journey(provider).tokens or {})
    assert whole == {"access_token", "token_type", "expires_at", "refresh_token", "scope"}
    given = there.fake.token_answer
    there.fake.token_answer = lambda grant, *, refreshed: given(grant, refreshed=refreshed) | changed  # type: ignore[method-assign]
    try:
        assert whole - set(there.journey(provider).tokens or {}) == kept
    finally:
        del there.fake.token_answer


@pytest.mark.parametrize(
    "changed",
    [
        {"token_type": "mac"},
        {"token_type": "DPoP"},
        {"access_token": "a b"},
        {"access_token": "a\r\nHost: x"},
        {"access_token": "é"},
        {"access_token": "x" * 40_000},
        {"access_token": ""},
        {"access_token": None},
    ],
)
def test_an_access_token_that_cannot_stand_in_a_header_is_none(through: Through, changed: dict[str, Any]) -> None:
    there = through("x")
    given = there.fake.token_answer
    there.fake.token_answer = lambda grant, *, refreshed: given(grant, refreshed=refreshed) | changed  # type: ignore[method-assign]
    try:
        with pytest.raises(Untrusted) as refused:
            there.journey(there.provider())
    finally:
        del there.fake.token_answer
    assert "access token" in refused.value.hint
    assert not there.fake.asked_at("/2/users/me")


@pytest.mark.parametrize(
    ("emails", "email"),
    [
        ([{"email": "a@x.example", "primary": True, "verified": True}], "a@x.example"),
        ([{"email": "a@x.example", "primary": True, "verified": False}], None),
        ([{"email": "a@x.example", "primary": False, "verified": True}], None),
        ([{"email": "a@x.example", "primary": "yes", "verified": "yes"}], None),
        ([], None),
        (["a@x.example"], None),
        ({"email": "a@x.example"}, None),
    ],
)
def test_githubs_address_is_the_verified_primary_one(through: Through, emails: Any, email: str | None) -> None:
    there = through("github")
    there.fake.person |= {"email": "shown@public.example", "email_verified": True}
    there.fake.emails = emails  # type: ignore[attr-defined]
    claims = there.journey(there.provider()).claims
    assert (claims.get("email"), claims.get("email_verified")) == (email, "true" if email else None)


def test_githubs_people_keep_their_number_whatever_they_call_themselves(through: Through) -> None:
    there = through("github")
    before = there.journey(there.provider())
    there.fake.person["login"] = "somebody-else"
    after = there.journey(there.provider())
    assert before.subject == after.subject == "583231"
    for number in ("583231", True, None, 1.5):
        there.fake.person["id"] = number
        with pytest.raises(Untrusted):
            there.journey(there.provider())


def test_githubs_wrong_redirect_comes_back_as_an_error(through: Through) -> None:
    there = through("github")
    there.fake.redirect_uris = {f"{there.callback}"}
    there.journey(there.provider())
    there.base, provider = "http://localhost:8080/elsewhere", there.provider()
    sent, _ = there.depart(provider)
    with pytest.raises(Misconfigured):
        there.land(provider, there.visit(sent.address), sent)


# --- Microsoft --------------------------------------------------------------------------------------------------------

PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
OTHER = "aaaaaaaa-86f1-41af-91ab-2d7cd011db47"


def arrive(there: SocialCounterpart, tenant: str, **person: Any) -> ExternalIdentity:
    there.fake.tenant = tenant  # type: ignore[attr-defined]
    there.fake.person |= person
    return there.journey(there.provider())


@pytest.mark.parametrize(
    ("tenant", "of", "fits"),
    [
        ("organizations", OTHER, True),
        ("organizations", PERSONAL, False),
        ("common", OTHER, True),
        ("common", PERSONAL, True),
        ("consumers", PERSONAL, True),
        ("consumers", OTHER, False),
        (OTHER, OTHER, True),
        (OTHER, PERSONAL, False),
        ("common", "../common", False),
        ("common", "{tenantid}", False),
    ],
)
def test_microsofts_issuer_is_that_of_the_tenant(through: Through, tenant: str, of: str, fits: bool) -> None:
    there = through("microsoft")
    if fits:
        assert arrive(there, tenant, tid=of).claims["iss"] == f"{there.fake.base}/{of}/v2.0"
    else:
        with pytest.raises(Untrusted):
            arrive(there, tenant, tid=of)


def test_a_tenant_does_not_speak_for_another(through: Through) -> None:
    there = through("microsoft")
    there.fake.claims = {"tid": OTHER}  # its issuer is still that of TENANT
    with pytest.raises(Untrusted):
        arrive(there, "organizations")
    there.fake.claims = {"tid": None}
    with pytest.raises(Untrusted):
        arrive(there, "organizations")


def test_an_answer_that_names_a_tenant_names_one_of_microsofts(through: Through) -> None:
    there = through("microsoft")
    provider = there.provider()
    for issuer, fits in ((f"{there.fake.base}/{OTHER}/v2.0", True), ("https://attacker.example/x/v2.0", False)):
        sent, _ = there.depart(provider)
        returned = there.visit(sent.address)
        returned.parameters["iss"] = issuer
        if fits:
            assert there.land(provider, returned, sent).subject == there.subject
        else:
            with pytest.raises(Untrusted):
                there.land(provider, returned, sent)


def test_a_key_of_one_tenant_signs_for_no_other(through: Through) -> None:
    there = through("microsoft")
    keys = [key.as_dict(private=False) | {"issuer": f"{there.fake.base}/{OTHER}/v2.0"} for key in there.fake.keys]
    there.fake.answers = {"/keys-of-one": Reply(200, {"keys": keys})}
    provider = there.provider(jwks_uri=f"{there.fake.base}/keys-of-one")
    with pytest.raises(Untrusted):
        there.journey(provider)
    there.fake.person["tid"] = OTHER
    assert there.journey(provider).subject == there.subject


@pytest.mark.parametrize(
    ("claims", "verified"),
    [
        ({}, None),
        ({"email_verified": True}, None),
        ({"xms_edov": True}, "true"),
        ({"xms_edov": "1"}, "true"),
        ({"xms_edov": 1}, "true"),
        ({"xms_edov": False}, None),
        ({"xms_edov": "0"}, None),
        ({"xms_edov": True, "email": None}, None),
    ],
)
def test_microsofts_address_is_verified_only_where_its_domains_owner_is(
    through: Through, claims: dict[str, Any], verified: str | None
) -> None:
    """Anybody with a tenant writes anybody's address into a profile (nOAuth)."""
    there = through("microsoft")
    there.fake.claims = claims
    found = there.journey(there.provider()).claims
    assert found.get("email_verified") == verified
    assert found["email"] == "ann@contoso.example"


def test_microsoft_set_up_as_any_openid_provider_is_microsoft_all_the_same(through: Through) -> None:
    at = f"https://login.microsoftonline.com/{OTHER}"
    details = {
        "client_id": "c",
        "client_secret": "s",
        "authorize_scopes": "openid email",
        "oidc_issuer": f"{at}/v2.0",
        "authorize_url": f"{at}/oauth2/v2.0/authorize",
        "token_url": f"{at}/oauth2/v2.0/token",
        "attributes_url": "https://graph.microsoft.com/oidc/userinfo",
        "jwks_uri": f"{at}/discovery/v2.0/keys",
    }
    provider = make_provider(POOL, "OIDC", details)
    assert social_presets.of(provider) is social_presets.MICROSOFT
    elsewhere = dataclasses.replace(
        provider, details={**details, "oidc_issuer": "https://login.microsoftonline.com.x/v2.0"}
    )
    assert social_presets.of(elsewhere) is social_presets.OPENID


# --- What is filled in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "details", "token_url", "issuer"),
    [
        ("OIDC", {"preset": "x"}, "https://api.x.com/2/oauth2/token", None),
        ("OIDC", {"preset": "github"}, "https://github.com/login/oauth/access_token", None),
        (
            "OIDC",
            {"preset": "linkedin"},
            "https://www.linkedin.com/oauth/v2/accessToken",
            "https://www.linkedin.com/oauth",
        ),
        (
            "OIDC",
            {"preset": "microsoft"},
            "https://login.microsoftonline.com/common/oauth2/v2.0/token",
            "https://login.microsoftonline.com/{tenantid}/v2.0",
        ),
        (
            "OIDC",
            {"preset": "microsoft", "tenant": OTHER},
            f"https://login.microsoftonline.com/{OTHER}/oauth2/v2.0/token",
            f"https://login.microsoftonline.com/{OTHER}/v2.0",
        ),
        ("Google", {}, "https://www.googleapis.com/oauth2/v4/token", "https://accounts.google.com"),
        ("LoginWithAmazon", {}, "https://api.amazon.com/auth/o2/token", None),
    ],
)
def test_a_client_is_all_that_needs_to_be_typed(
    through: Through, type_: str, details: dict[str, str], token_url: str, issuer: str | None
) -> None:
    given = {"client_id": "c", "client_secret": "s", **details}
    stored = make_provider(POOL, type_, given).details
    assert stored["token_url"] == token_url
    assert stored.get("oidc_issuer") == issuer
    assert stored["authorize_scopes"]
    assert all(stored[name].startswith("https://") for name in ("authorize_url", "token_url", "attributes_url"))


def test_a_preset_without_a_secret_is_refused_when_it_is_typed(through: Through) -> None:
    with pytest.raises(InvalidParameter, match="client_secret"):
        make_provider(POOL, "OIDC", {"preset": "github", "client_id": "c"})
