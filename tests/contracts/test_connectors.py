"""What every connector owes, over all of them: one suite, each provider's own stand-in behind it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from poolhouse.core import unit
from poolhouse.core.runtime import Runtime, entered
from poolhouse.federation import connectors
from poolhouse.federation.connector import (
    Denied,
    FederationFailed,
    Landing,
    Misconfigured,
    Unavailable,
    Untrusted,
)
from tests.federation.counterparts import (
    ALL,
    FAKES,
    OAUTH,
    Counterpart,
    OpenIdCounterpart,
    SamlCounterpart,
    SocialCounterpart,
)
from tests.federation.fake import Reply
from tests.federation.social import Social


def counterpart(name: str, request: pytest.FixtureRequest) -> Counterpart:
    if name == "oidc":
        return OpenIdCounterpart(request.getfixturevalue("upstream"))
    return SamlCounterpart() if name == "saml" else SocialCounterpart(request.getfixturevalue("social"), name)


@pytest.fixture(params=ALL)
def there(request: pytest.FixtureRequest, unfronted: Runtime) -> Iterator[Counterpart]:
    """Each counterpart in turn."""
    with unit.open(unfronted):
        yield counterpart(request.param, request)


@pytest.fixture(params=OAUTH)
def oauth(request: pytest.FixtureRequest, unfronted: Runtime) -> Iterator[Counterpart]:
    """Those that speak OAuth 2."""
    with entered(unfronted):
        yield counterpart(request.param, request)


@pytest.fixture(params=FAKES)
def fake(request: pytest.FixtureRequest, unfronted: Runtime, social: Social) -> Iterator[SocialCounterpart]:
    """Each fake in turn."""
    with entered(unfronted):
        yield SocialCounterpart(social, request.param)


def test_who_signs_in_there_arrives_here(there: Counterpart) -> None:
    identity = there.journey(there.provider())
    assert identity.subject == there.subject
    assert identity.claims["email"] == there.email
    assert identity.claims["name"] == "Ann Bell" or there.name == "apple"
    for value in identity.claims.values():
        assert isinstance(value, str) or all(isinstance(one, str) for one in value)
    json.dumps(dataclasses.asdict(identity))  # it travels in the trip's row


def test_the_tokens_that_came_with_somebody_are_handed_on(oauth: Counterpart) -> None:
    identity = oauth.journey(oauth.provider())
    assert identity.tokens
    assert identity.inbound["tokenResponse"]["access_token"] == identity.tokens["access_token"]
    assert set(identity.tokens) <= {"access_token", "token_type", "id_token", "refresh_token", "scope", "expires_at"}


def test_whoever_is_there_twice_is_one_person(there: Counterpart) -> None:
    provider = there.provider()
    assert there.journey(provider).subject == there.journey(provider).subject


def test_what_is_stored_is_complete(there: Counterpart) -> None:
    provider = there.provider()
    assert all(isinstance(value, str) and value for value in provider.details.values())
    assert dict(connectors.connector(provider).check(provider)) == dict(provider.details)


def test_no_two_departures_are_alike(there: Counterpart) -> None:
    provider = there.provider()
    (first, state), (second, other) = there.depart(provider), there.depart(provider)
    asked, again = (dict(parse_qsl(urlsplit(sent.address).query)) for sent in (first, second))
    assert (asked[there.state], again[there.state]) == (state, other)
    assert dict(first.remember) != dict(second.remember)
    for name in ("state", "nonce", "code_challenge", "SAMLRequest"):
        assert name not in asked or asked[name] != again[name]
    json.dumps(dict(first.remember))


def test_no_secret_travels_with_the_browser(oauth: Counterpart) -> None:
    provider = oauth.provider()
    sent, _ = oauth.depart(provider)
    asked = dict(parse_qsl(urlsplit(sent.address).query))
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == oauth.callback
    assert asked.get("code_challenge_method", "S256") == "S256"
    assert provider.details.get("client_secret", "no secret") not in sent.address
    assert str(sent.remember.get("verifier", "no verifier")) not in sent.address


def test_the_answer_to_another_browsers_sign_in_is_refused(there: Counterpart) -> None:
    """The attacker's own code, put into somebody else's way back (RFC 9700 §4.5)."""
    provider = there.provider()
    (mine, _), (theirs, _) = there.depart(provider), there.depart(provider)
    returned = there.visit(mine.address)
    if there.name == "linkedin":  # knows neither nonce nor PKCE: its answers are bound by the state alone
        assert {"nonce", "verifier"} & set(dict(parse_qsl(urlsplit(mine.address).query))) == {"nonce"}
        return
    with pytest.raises(Untrusted):
        there.land(provider, returned, theirs)


def test_an_answer_is_good_once(there: Counterpart) -> None:
    provider = there.provider()
    sent, _ = there.depart(provider)
    returned = there.visit(sent.address)
    there.land(provider, returned, sent)
    with pytest.raises(Untrusted):
        there.land(provider, returned, sent)


def test_whoever_cancels_is_said_to_have(there: Counterpart) -> None:
    with pytest.raises(Denied) as refused:
        there.journey(there.provider(), cancel=True)
    assert refused.value.oauth == "access_denied"


def test_a_secret_that_is_not_ours_is_a_matter_for_the_administrator(oauth: Counterpart) -> None:
    if oauth.name == "apple":
        provider = oauth.provider(key_id="SOMEOTHER1")
    else:
        provider = oauth.provider(client_secret="another secret")
    with pytest.raises(Misconfigured) as refused:
        oauth.journey(provider)
    assert "another secret" not in f"{refused.value}{refused.value.hint}"


@pytest.mark.parametrize(
    "parameters",
    [{}, {"code": ""}, {"code": "x" * 9000}, {"state": "s"}, {"code": "made up"}, {"code": "\x00\ud800"}],
)
def test_an_answer_without_a_code_of_the_provider_is_nobody(oauth: Counterpart, parameters: dict[str, str]) -> None:
    provider = oauth.provider()
    sent, _ = oauth.depart(provider)
    given = {**({"iss": provider.details["oidc_issuer"]} if oauth.name == "oidc" else {}), **parameters}
    with pytest.raises(FederationFailed):
        connectors.connector(provider).land(provider, Landing(oauth.base, given, sent.remember))


def test_nobody_comes_unasked(there: Counterpart) -> None:
    provider = there.provider()
    sent, _ = there.depart(provider)
    returned = there.visit(sent.address)
    with pytest.raises(Untrusted):
        connectors.connector(provider).land(provider, Landing(there.base, returned.parameters, None, returned.posted))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("temporarily_unavailable", Unavailable),
        ("server_error", Unavailable),
        ("unauthorized_client", Misconfigured),
        ("invalid_scope", Misconfigured),
        ("something_new", FederationFailed),
        ("\x00<script>", FederationFailed),
    ],
)
def test_every_error_that_comes_back_is_one_of_ours(
    oauth: Counterpart, error: str, kind: type[FederationFailed]
) -> None:
    provider = oauth.provider()
    sent, _ = oauth.depart(provider)
    given = {"error": error, "error_description": "said by whoever made the link"}
    if oauth.name == "oidc":
        given["iss"] = provider.details["oidc_issuer"]
    with pytest.raises(FederationFailed) as refused:
        connectors.connector(provider).land(provider, Landing(oauth.base, given, sent.remember))
    assert type(refused.value) is kind
    assert "said by" not in str(refused.value)  # anybody can make a link: their words are not ours
    assert "said by" in refused.value.hint


# --- What goes wrong at the provider ----------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["unavailable", "broken", "token_unavailable", "profile_unavailable"])
def test_a_provider_out_of_order_is_said_to_be(fake: SocialCounterpart, trouble: str) -> None:
    fake.fake.trouble = trouble
    if trouble == "profile_unavailable" and fake.name == "apple":  # which has none to ask for
        assert fake.journey(fake.provider()).subject == fake.subject
        return
    with pytest.raises(Unavailable) as refused:
        fake.journey(fake.provider())
    assert refused.value.oauth == "temporarily_unavailable"


def test_a_provider_that_nobody_answers_for_is_unavailable(fake: SocialCounterpart) -> None:
    provider = fake.provider(token_url="http://localhost:1/token")
    with pytest.raises(Unavailable):
        fake.journey(provider)


def test_a_code_that_ran_out_is_refused(fake: SocialCounterpart) -> None:
    fake.fake.trouble = "code_expired"
    with pytest.raises(Untrusted):
        fake.journey(fake.provider())


def _endpoints(fake: SocialCounterpart) -> list[str]:
    """The paths that are asked on the way back."""
    fake.fake.asked.clear()
    fake.journey(fake.provider())
    base = urlsplit(fake.fake.base).path
    authorize = urlsplit(fake.fake.details["authorize_url"]).path.removeprefix(base)
    return sorted({asked.path for asked in fake.fake.asked} - {authorize})


JUNK: list[Any] = [
    Reply(200, None),
    Reply(200, []),
    Reply(200, "text"),
    Reply(200, 7),
    Reply(200, {}),
    Reply(200, {"error": {"code": {}, "message": []}}),
    Reply(200, {"error": ["x"], "error_description": {"a": 1}}),
    Reply(200, {"access_token": ["x"], "id_token": 7, "token_type": {}, "expires_in": "soon"}),
    Reply(200, {"access_token": "a b", "expires_in": 10**30}),
    Reply(200, {"access_token": "x", "token_type": "mac", "id_token": "a.b.c"}),
    Reply(200, {"keys": [1, None, {"kid": [], "use": ["sig"], "alg": {}, "kty": {}}]}),
    Reply(200, {"data": [], "id": {}, "user_id": [1], "sub": ["x"], "aud": {}, "app_id": []}),
    Reply(200, {"sub": "x", "id": True, "deep": json.loads("[" * 200 + "]" * 200)}),
    Reply(200, page="<h1>Sign in to the hotel's network</h1>"),
    Reply(200, page=""),
    Reply(302, location="http://localhost:1/elsewhere"),
    Reply(400, {"error": "nothing like it"}),
    Reply(404, page="gone"),
    Reply(429, {}),
    Reply(500, {"error": "server_error"}),
]


def test_no_answer_of_an_endpoint_breaks_us(fake: SocialCounterpart) -> None:
    """Whatever stands behind an address that an administrator typed: refused, in words, never a fault of ours."""
    for path in _endpoints(fake):
        for number, junk in enumerate(JUNK):
            fake.fake.answers = {path: junk}
            if path.startswith(("/oauth2/v3/certs", "/auth/keys", "/oauth/openid/jwks")) or "discovery" in path:
                fake.fake.rotate()  # else the keys that are known are not asked for
            try:
                identity = fake.journey(fake.provider())
            except FederationFailed:
                continue
            # Only what a provider may leave out is done without.
            assert path.endswith("/emails"), f"{path} answered by junk {number}"
            assert "email" not in identity.claims
