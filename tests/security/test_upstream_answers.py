"""Answers of OpenID providers that somebody forged, replayed or bent: each is refused, saying which check it failed."""

from __future__ import annotations

import base64
import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from poolhouse.core import published
from poolhouse.core.errors import InvalidParameter
from poolhouse.core.runtime import Runtime, entered
from poolhouse.federation.connector import FederationFailed, Misconfigured, Unavailable, Untrusted
from poolhouse.federation.oidc import CONNECTOR
from poolhouse.federation.provider import Provider
from tests.federation.counterparts import POOL, SocialCounterpart, make_provider
from tests.federation.fake import Reply, Returned, ec_key
from tests.federation.openid_fakes import Google
from tests.federation.social import Social
from tests.runtimes import running


class OpenId(SocialCounterpart):
    """The fake Google as any OpenID provider."""

    fake: Google

    def provider(self, *, own: Any = None, **details: str) -> Provider:
        given = {**self.fake.details, **details}
        return make_provider(POOL, "OIDC", given, own=own, mapping={"email": "email"})

    def refused(self, **more: Any) -> str:
        """The journey fails: which check did."""
        with pytest.raises(Untrusted) as refused:
            self.journey(self.provider(), **more)
        return str(refused.value.hint)


@pytest.fixture
def there(unfronted: Runtime, social: Social) -> Iterator[OpenId]:
    with entered(unfronted):
        yield OpenId(social, "google")


def _in(seconds: int) -> int:
    return int(time.time()) + seconds


@pytest.mark.parametrize(
    ("claim", "value", "check"),
    [
        ("iss", "https://accounts.google.com", "iss"),
        ("iss", None, "iss"),
        ("iss", ["x"], "iss"),
        ("aud", "somebody-else", "aud"),
        ("aud", None, "aud"),
        ("aud", [], "aud"),
        ("aud", {"google-app": 1}, "aud"),
        ("azp", "somebody-else", "azp"),
        ("azp", ["google-app"], "azp"),
        ("nonce", "another sign-in's", "nonce"),
        ("nonce", None, "nonce"),
        ("nonce", 7, "nonce"),
        ("exp", None, "does not say when it ends"),
        ("exp", "soon", "does not say when it ends"),
        ("exp", True, "does not say when it ends"),
        ("exp", -1e300, "does not say when it ends"),
        ("iat", None, "when it was made"),
        ("iat", "now", "not valid yet"),
        ("at_hash", "AAAAAAAAAAAAAAAAAAAAAA", "at_hash"),
        ("at_hash", 7, "at_hash"),
        ("sub", None, "no subject"),
        ("sub", "", "no subject"),
        ("sub", 7, "no subject"),
        ("sub", "x" * 256, "no subject"),
    ],
)
def test_every_claim_of_an_id_token_is_checked(there: OpenId, claim: str, value: Any, check: str) -> None:
    there.fake.claims = {claim: value}
    assert check in there.refused()


@pytest.mark.parametrize(
    ("claim", "seconds", "check"),
    [("exp", -1, "expired"), ("iat", 900, "not valid yet"), ("nbf", 900, "not valid yet")],
)
def test_an_id_token_counts_in_its_own_time_alone(there: OpenId, claim: str, seconds: int, check: str) -> None:
    there.fake.claims = {claim: _in(seconds)}
    assert check in there.refused()


def test_a_token_for_several_parties_says_which_of_them_asked(there: OpenId) -> None:
    there.fake.claims = {"aud": ["google-app", "another"], "azp": None}
    assert "azp" in there.refused()
    there.fake.claims = {"aud": ["google-app", "another"], "azp": "google-app"}
    assert there.journey(there.provider()).subject == there.subject


# --- Signatures -------------------------------------------------------------------------------------------------------


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unsigned(fake: Google, claims: dict[str, Any]) -> str:
    head = _b64(json.dumps({"alg": "none", "kid": fake.key.kid}).encode())
    return f"{head}.{_b64(json.dumps(claims).encode())}."


def _hs256_with_the_secret(fake: Google, claims: dict[str, Any]) -> str:
    key = OctKey.import_key(fake.client_secret)
    return jwt.encode({"alg": "HS256", "kid": fake.key.kid}, claims, key, algorithms=["HS256"])


def _hs256_with_the_public_key(fake: Google, claims: dict[str, Any]) -> str:
    """RS/HS confusion: what everybody knows, taken for a secret."""
    import hmac

    head = _b64(json.dumps({"alg": "HS256", "kid": fake.key.kid}).encode())
    message = f"{head}.{_b64(json.dumps(claims).encode())}"
    return f"{message}.{_b64(hmac.digest(fake.key.as_pem(private=False), message.encode(), 'sha256'))}"


def _by_another_key(fake: Google, claims: dict[str, Any]) -> str:
    key = RSAKey.generate_key(2048)
    return jwt.encode({"alg": "RS256", "kid": fake.key.kid}, claims, key, algorithms=["RS256"])


def _with_its_own_key(fake: Google, claims: dict[str, Any]) -> str:
    key = ec_key()
    head = {"alg": "ES256", "jwk": key.as_dict(private=False)}
    return jwt.encode(head, claims, key, algorithms=["ES256"])


def _with_a_key_elsewhere(fake: Google, claims: dict[str, Any]) -> str:
    key = ec_key()
    head = {"alg": "ES256", "kid": key.kid, "jku": f"{fake.base}/elsewhere"}
    return jwt.encode(head, claims, key, algorithms=["ES256"])


def _critical(fake: Google, claims: dict[str, Any]) -> str:
    head = _b64(json.dumps({"alg": "RS256", "kid": fake.key.kid, "crit": ["b64"], "b64": True}).encode())
    return f"{head}.{_b64(json.dumps(claims).encode())}.AAAA"


def _tampered(fake: Google, claims: dict[str, Any]) -> str:
    head, _, signature = jwt.encode(
        {"alg": "RS256", "kid": fake.key.kid}, claims, fake.key, algorithms=["RS256"]
    ).split(".")
    return f"{head}.{_b64(json.dumps({**claims, 'sub': 'somebody else'}).encode())}.{signature}"


FORGERIES: list[Callable[[Google, dict[str, Any]], str]] = [
    _unsigned,
    _hs256_with_the_secret,
    _hs256_with_the_public_key,
    _by_another_key,
    _with_its_own_key,
    _with_a_key_elsewhere,
    _critical,
    _tampered,
]


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__.strip("_"))
def test_a_forged_id_token_is_nobodys(
    there: OpenId, monkeypatch: pytest.MonkeyPatch, forge: Callable[[Google, dict[str, Any]], str]
) -> None:
    """Authlib CVE-2026-27962, 2026-28802, 2025-59420, 2024-37568 and kin (security classes 20 to 24)."""
    fake = there.fake

    def forged(claims: Any, access: str) -> str:
        content = {"aud": fake.client_id, "iat": _in(0), "exp": _in(600), **claims}
        return forge(fake, {name: value for name, value in content.items() if value is not None})

    monkeypatch.setattr(fake, "id_token", forged)
    assert "ID token" in there.refused()
    assert not fake.asked_at("/elsewhere")


def test_keys_that_are_no_keys_for_signatures_count_for_nothing(there: OpenId) -> None:
    there.journey(there.provider())
    fake = there.fake
    public = fake.key.as_dict(private=False)
    useless = [{**public, "use": "enc"}, {**public, "alg": "HS256", "kty": "oct", "k": "AAAA"}, {**public, "n": "AQAB"}]
    details = {"jwks_uri": f"{fake.base}/other-keys"}
    fake.answers = {"/other-keys": Reply(200, {"keys": useless})}
    with pytest.raises(Untrusted):
        there.journey(there.provider(**details))


def test_a_rotated_key_is_found_and_made_up_ones_are_not_asked_for_again_and_again(
    there: OpenId, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, provider = there.fake, there.provider(jwks_uri=f"{there.fake.base}/oauth2/v3/certs?rotation")
    there.journey(provider)
    there.journey(provider)
    assert len(fake.asked_at("/oauth2/v3/certs")) == 1  # kept

    monkeypatch.setattr(published, "ASKED_AGAIN_SECONDS", 0.0)
    fake.rotate()
    there.journey(provider)
    assert len(fake.asked_at("/oauth2/v3/certs")) == 2

    monkeypatch.setattr(published, "ASKED_AGAIN_SECONDS", 30.0)
    fake.key = ec_key()
    fake.alg = "ES256"
    for _ in range(5):
        with pytest.raises(Untrusted):
            there.journey(provider)
    assert len(fake.asked_at("/oauth2/v3/certs")) == 2


def test_keys_stay_good_while_nobody_gives_new_ones(there: OpenId, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, provider = there.fake, there.provider(jwks_uri=f"{there.fake.base}/oauth2/v3/certs?outage")
    there.journey(provider)
    monkeypatch.setattr(published, "KEPT_SECONDS", 0.0)
    monkeypatch.setattr(published, "ASKED_AGAIN_SECONDS", 0.0)
    fake.answers = {"/oauth2/v3/certs": Reply(503, {})}
    assert there.journey(provider).subject == there.subject


# --- Whose answer it is -----------------------------------------------------------------------------------------------


def test_a_code_is_not_shown_to_another_provider(there: OpenId) -> None:
    """Mix-up (RFC 9207): the answer says whose it is, and nobody else's token endpoint hears of the code."""
    provider = there.provider()
    sent, state = there.depart(provider)
    for iss in ("https://attacker.example", "", provider.details["oidc_issuer"] + "/"):
        returned = Returned(there.callback, {"code": "c", "state": state, "iss": iss})
        with pytest.raises(Untrusted) as refused:
            there.land(provider, returned, sent)
        assert "the answer is of" in refused.value.hint
        with pytest.raises(Untrusted):  # errors are answers too
            there.land(provider, Returned(there.callback, {"error": "access_denied", "iss": iss}), sent)
    assert not there.fake.asked_at("/token")


def test_an_answer_that_has_to_say_whose_it_is_does(there: OpenId) -> None:
    fake = there.fake
    announced = {"issuer": fake.base, "authorization_response_iss_parameter_supported": True}
    fake.answers = {"/.well-known/openid-configuration": Reply(200, announced)}
    provider = there.provider()
    sent, _ = there.depart(provider)
    returned = there.visit(sent.address)
    del returned.parameters["iss"]
    published._current()._known.clear()  # what earlier tests have learnt
    with pytest.raises(Untrusted) as refused:
        there.land(provider, returned, sent)
    assert "does not say whose it is" in refused.value.hint
    assert not fake.asked_at("/token")
    published._current()._known.clear()


def test_userinfo_of_somebody_else_is_refused(there: OpenId) -> None:
    for sub in ("110", None, ["110"]):
        there.fake.answers = {"/v1/userinfo": Reply(200, {"sub": sub, "email": "eve@example.com"})}
        assert "userinfo" in there.refused()


@pytest.mark.parametrize(
    ("signed", "userinfo", "email", "verified"),
    [
        ({"email": "a@x.example", "email_verified": True}, {"email": "b@x.example"}, "a@x.example", "true"),
        ({"email": "a@x.example"}, {"email": "b@x.example", "email_verified": True}, "a@x.example", None),
        ({"email_verified": True}, {"email": "b@x.example"}, "b@x.example", None),
        ({"email": "a@x.example"}, {"email": "a@x.example", "email_verified": True}, "a@x.example", "true"),
        ({"email": "a@x.example"}, {"email_verified": True}, "a@x.example", None),
        ({}, {"email": "b@x.example", "email_verified": "true"}, "b@x.example", "true"),
        (
            {"email": "a@x.example", "email_verified": False},
            {"email": "a@x.example", "email_verified": True},
            "a@x.example",
            "false",
        ),
    ],
)
def test_a_flag_counts_for_the_address_that_it_came_with(
    there: OpenId, signed: dict[str, Any], userinfo: dict[str, Any], email: str, verified: str | None
) -> None:
    """Keycloak CVE-2025-7365, CVE-2026-9087: verified in one source, an address in another (security class 46)."""
    there.fake.claims = {"email": None, "email_verified": None, **signed}
    there.fake.answers = {"/v1/userinfo": Reply(200, {"sub": there.subject, **userinfo})}
    claims = there.journey(there.provider()).claims
    assert (claims["email"], claims.get("email_verified")) == (email, verified)


def test_what_an_id_token_says_of_itself_is_not_for_userinfo_to_change(there: OpenId) -> None:
    bent = {"sub": there.subject, "acr": "gold", "auth_time": 1, "iss": "https://attacker.example", "aud": "x"}
    there.fake.answers = {"/v1/userinfo": Reply(200, bent)}
    identity = there.journey(there.provider())
    assert (identity.acr, identity.auth_time) == (None, None)
    proven = _in(0)
    there.fake.claims = {"acr": "silver", "auth_time": proven}
    assert (there.journey(there.provider()).acr, there.journey(there.provider()).auth_time) == ("silver", proven)
    assert identity.claims["iss"] == there.fake.base


def test_who_asks_for_a_fresh_sign_in_is_shown_one(there: OpenId) -> None:
    """The request passes through the browser, whose owner can take prompt and max_age out of it."""
    fake = there.fake
    assert "auth_time" in there.refused(reauthenticate=True)
    fake.claims = {"auth_time": _in(-3600)}
    assert "auth_time" in there.refused(reauthenticate=True)
    fake.claims = {"auth_time": "now"}
    assert "auth_time" in there.refused(reauthenticate=True)
    fake.claims = {"auth_time": int(time.time())}
    assert there.journey(there.provider(), reauthenticate=True).auth_time
    assert there.journey(there.provider(own={"force_authn": True})).auth_time
    assert fake.asked_at("/o/oauth2/v2/auth")[-1].query["max_age"] == "0"
    assert fake.asked_at("/o/oauth2/v2/auth")[-1].query["prompt"] == "login"


# --- What we ask ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("endpoint", ["/token", "/v1/userinfo", "/other-keys"])
def test_no_endpoint_sends_us_elsewhere(there: OpenId, endpoint: str, status: int) -> None:
    """Secrets, codes and tokens go where the administrator said, and no further (security class 62)."""
    fake = there.fake
    fake.answers = {endpoint: Reply(status, location=f"{fake.base}/elsewhere"), "/elsewhere": Reply(200, {})}
    with pytest.raises(FederationFailed):
        there.journey(there.provider(jwks_uri=f"{fake.base}/other-keys?{status}"))
    assert not fake.asked_at("/elsewhere")


@pytest.mark.parametrize("endpoint", ["/token", "/v1/userinfo", "/other-keys"])
def test_an_answer_without_end_is_not_read_to_its_end(there: OpenId, endpoint: str) -> None:
    there.fake.answers = {endpoint: Reply(200, {"long": "x" * 600_000})}
    with pytest.raises(Unavailable):
        there.journey(there.provider(jwks_uri=f"{there.fake.base}/other-keys?long"))


def test_the_secret_is_said_to_nobody_but_the_token_endpoint(there: OpenId) -> None:
    fake = there.fake
    there.journey(there.provider())
    for asked in fake.asked:
        said = f"{asked.path} {asked.query} {asked.form} {asked.headers}"
        assert (fake.client_secret in said) is (asked.path == "/token")


@pytest.mark.parametrize("own", [None, {"token_endpoint_auth_method": "client_secret_post"}])
def test_without_a_secret_nobody_is_asked(there: OpenId, own: dict[str, Any] | None) -> None:
    provider = make_provider(
        POOL, "OIDC", {k: v for k, v in there.fake.details.items() if k != "client_secret"}, own=own
    )
    with pytest.raises(Misconfigured):
        there.journey(provider)
    assert not there.fake.asked_at("/token")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "0.0.0.0"])
def test_a_provider_is_no_way_into_our_own_network(sqlite_url: str, host: str, social: Social) -> None:
    """Security class 62: addresses that administrators type, and addresses that documents name."""
    with running(sqlite_url, outbound_private=False, public_url="https://id.example") as guarded, entered(guarded):
        base = {"client_id": "c", "client_secret": "s", "authorize_scopes": "openid"}
        with pytest.raises(InvalidParameter, match="Unable to contact well-known endpoint"):
            make_provider(
                POOL, "OIDC", {**base, "oidc_issuer": f"http://{host}:{social.server.http.server_port}/google"}
            )
        there = OpenId(social, "google")
        port = social.server.http.server_port
        provider = there.provider(token_url=f"http://{host}:{port}/google/token")
        sent, _ = there.depart(provider)
        returned = there.visit(sent.address)
        with pytest.raises(Unavailable):
            there.land(provider, returned, sent)
        assert not social.google.asked_at("/token")


def test_a_refreshed_token_stays_the_same_persons(there: OpenId) -> None:
    fake, provider = there.fake, there.provider()
    tokens: dict[str, Any] = {"access_token": "a", "id_token": "x.y.z"}
    with pytest.raises(Untrusted):
        CONNECTOR.refresh(provider, tokens)
    fake.refreshable = lambda grant: True  # type: ignore[method-assign]
    try:
        tokens = dict(there.journey(provider).tokens or {})
        fresh = CONNECTOR.refresh(provider, tokens)
        assert fresh["access_token"] != tokens["access_token"]
        assert fresh["refresh_token"] == tokens["refresh_token"]
        fake.claims = {"sub": "somebody else"}
        with pytest.raises(Untrusted):
            CONNECTOR.refresh(provider, tokens)
        with pytest.raises(Untrusted):
            CONNECTOR.refresh(provider, {**tokens, "refresh_token": "made up"})
    finally:
        del fake.refreshable


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=8,
)
_CLAIMS = (
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "nonce",
    "at_hash",
    "acr",
    "auth_time",
    "hd",
    "email",
    "tid",
)


@hypothesis.given(
    signed=st.dictionaries(st.sampled_from(_CLAIMS), _JSON, max_size=3),
    userinfo=st.dictionaries(st.sampled_from([*_CLAIMS, "email_verified", "name", "address"]), _JSON, max_size=4),
)
@hypothesis.settings(max_examples=150, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_no_claim_whatever_it_is_breaks_us_or_makes_somebody_else(
    there: OpenId, signed: dict[str, Any], userinfo: dict[str, Any]
) -> None:
    there.fake.claims = signed
    there.fake.answers = {"/v1/userinfo": Reply(200, {"sub": there.subject, **userinfo})}
    try:
        identity = there.journey(there.provider())
    except FederationFailed:
        return
    assert identity.subject == signed.get("sub", there.subject) == there.subject
    json.dumps(dataclasses.asdict(identity))
    assert not any("\x00" in value for value in identity.claims.values())
