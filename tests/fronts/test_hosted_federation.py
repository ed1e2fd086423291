"""Signing in through others on the hosted pages: the ways that are offered, there and back, and whatever goes wrong."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poolhouse.core import clock
from poolhouse.federation import catalogue
from poolhouse.federation.connector import Departure, Sent
from poolhouse.federation.provider import Provider
from tests.federation.fake import Reply
from tests.federation.social import Social
from tests.fronts.federated import Visitor, app, extend, find, provider
from tests.saml.surfer import Surfer
from tests.world import PoolInWorld, World


def asked_at(fake: Any) -> dict[str, str]:
    """The newest authorization request that reached a fake."""
    path = urlsplit(fake.details["authorize_url"]).path.removeprefix(f"/{fake.name}")
    return dict(fake.asked_at(path)[-1].query)


# --- There and back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["google", "github"])
def test_from_the_button_through_the_provider_back_to_the_app(
    world: World, pool: PoolInWorld, social: Social, name: str
) -> None:
    fake = social[name]
    made = provider(pool, fake)
    visitor = Visitor(app(pool, "COGNITO", made)).begin()
    assert visitor.page == "/login"
    assert 'type="password"' in visitor.text
    visitor.press("Continue with Google" if name == "google" else "Continue with GitHub")
    claims = visitor.claims()
    assert claims["cognito:username"].startswith(f"{made}_")
    assert claims["identities"][0]["providerName"] == made
    assert find(world, pool, claims["sub"]).status == "EXTERNAL_PROVIDER"


def test_apple_answers_by_a_form_from_its_own_site(pool: PoolInWorld, social: Social) -> None:
    """A cross-site POST has no cookies of ours: the browser is recognised at the page that follows."""
    made = provider(pool, social.apple)
    visitor = Visitor(app(pool, "COGNITO", made)).begin().press("Continue with Apple")
    assert visitor.browser.left is not None or visitor.page == "/login/via/back", visitor.text[-500:]
    assert visitor.claims()["cognito:username"].startswith("SignInWithApple_")


def test_a_session_made_through_a_provider_counts_at_the_next_request(pool: PoolInWorld, social: Social) -> None:
    made = provider(pool, social.google)
    visitor = Visitor(app(pool, "COGNITO", made)).begin().press("Continue with Google")
    first = visitor.claims()
    asked = len(social.google.asked)
    assert visitor.begin().claims()["sub"] == first["sub"]
    assert visitor.begin(prompt="none").claims()["sub"] == first["sub"]
    assert visitor.begin(identity_provider=made).claims()["sub"] == first["sub"]
    assert len(social.google.asked) == asked


# --- What the sign-in page offers -----------------------------------------------------------------------------------


def test_the_page_offers_what_the_app_does_and_nothing_else(pool: PoolInWorld, social: Social) -> None:
    google, github = provider(pool, social.google), provider(pool, social.github)
    provider(pool, social.facebook)
    extend(pool, github, Label="The <b>people</b> & who code")
    both = Visitor(app(pool, "COGNITO", google, github)).begin()
    assert "Continue with Google" in both.text
    assert "The &lt;b&gt;people&lt;/b&gt; &amp; who code" in both.text
    assert "acebook" not in both.text
    assert 'name="password"' in both.text
    up = Visitor(app(pool, "COGNITO", google, github)).begin(screen_hint="signup")
    assert (up.page, up.press("Continue with Google").claims()["identities"][0]["providerName"]) == ("/signup", google)
    alone = Visitor(app(pool, "COGNITO")).begin()
    assert "Continue with" not in alone.text
    assert "/login/via" not in alone.text
    without = Visitor(app(pool, google, github)).begin()
    assert without.page == "/login"
    assert "<form" not in without.text
    assert "/signup" not in without.text


def test_an_app_with_one_provider_and_no_accounts_of_its_own_goes_straight_there(
    pool: PoolInWorld, social: Social
) -> None:
    google = provider(pool, social.google)
    assert Visitor(app(pool, google)).begin().claims()["cognito:username"].startswith("Google_")
    for hint in ("signup", "forgotPassword"):
        assert "code" in Visitor(app(pool, google)).begin(screen_hint=hint).given


def test_without_accounts_of_its_own_nobody_signs_in_up_or_resets_by_a_form(pool: PoolInWorld, social: Social) -> None:
    google, github = provider(pool, social.google), provider(pool, social.github)
    ann = pool.user(email="hosted-local@example.com", email_verified="true")
    local = app(pool, "COGNITO", google, github)
    only = app(pool, google, github)
    visitor = Visitor(local).begin()
    csrf = next(f["fields"]["csrf"] for f in visitor.browser.forms)
    visitor.app = only
    handle = visitor.begin().handle
    form = {"csrf": csrf, "request": handle, "username": ann.username, "password": ann.password, "code": "123456"}
    for path in ("/login", "/signup", "/confirmUser", "/resend", "/forgotPassword", "/confirmForgotPassword"):
        visitor.browser.go(f"{only.world.url}/{pool.id}{path}", form)
        assert visitor.browser.left is None
        assert visitor.page == "/login", path
        assert "<form" not in visitor.text, path
    assert Visitor(local).begin().browser.submit(username=ann.username, password=ann.password).left is not None


def test_an_app_whose_providers_are_all_off_says_so(pool: PoolInWorld, social: Social) -> None:
    google = provider(pool, social.google, IdpIdentifiers=["example.com"])
    client = app(pool, google)
    extend(pool, google, Enabled=False)
    visitor = Visitor(client).begin()
    assert visitor.status == 403
    assert "Nobody can sign in to this app yet" in visitor.text


# --- Which provider an address leads to -----------------------------------------------------------------------------


def routed(pool: PoolInWorld, social: Social, *more: str, **members: Any) -> Any:
    """An app whose Google is where addresses of example.com lead."""
    google = provider(pool, social.google, IdpIdentifiers=["example.com", "corp"])
    return app(pool, google, *more, **members)


def test_the_domain_of_an_address_leads_to_its_provider_before_a_password_is_asked(
    pool: PoolInWorld, social: Social
) -> None:
    visitor = Visitor(routed(pool, social, "COGNITO")).begin()
    assert 'name="username"' in visitor.text
    assert 'name="password"' not in visitor.text
    visitor.browser.submit(username="Ann@EXAMPLE.com")
    assert asked_at(social.google)["login_hint"] == "Ann@EXAMPLE.com", "and nobody else is told it"
    assert visitor.claims()["cognito:username"].startswith("Google_")


def test_everybody_else_is_asked_for_the_password_next(pool: PoolInWorld, social: Social) -> None:
    ann = pool.user()
    visitor = Visitor(routed(pool, social, "COGNITO")).begin()
    visitor.browser.submit(username=ann.username)
    assert 'name="password"' in visitor.text
    assert f'value="{ann.username}"' in visitor.text
    visitor.browser.submit(username=ann.username, password="Wrong-Horse-7!")
    assert visitor.status == 400
    assert 'name="password"' in visitor.text
    visitor.press("Use another name")
    assert 'name="password"' not in visitor.text
    visitor.browser.submit(username=ann.username).submit(password=ann.password)
    assert visitor.claims()["sub"] == ann.sub
    assert not social.google.asked


@pytest.mark.parametrize(
    "entered",
    [
        "ann@evil.test@example.com",
        "ann@example.com@evil.test",
        "@example.com",
        "ann@",
        "example.com",
        "corp",
        "ann@sub.example.com",
        "ann@example.com.",
        "ann@example.comx",
        "ann@exam\u00adple.com",
        "ann@ｅｘａｍｐｌｅ.com",
        "ann@example.com;x@y",
    ],
)
def test_what_only_looks_like_an_address_of_the_domain_leads_nowhere(
    pool: PoolInWorld, social: Social, entered: str
) -> None:
    """Class 49 (oauth2-proxy CVE-2026-40574): of several @ in an address none passes a domain rule."""
    visitor = Visitor(routed(pool, social, "COGNITO")).begin()
    visitor.browser.submit(username=entered)
    assert not social.google.asked
    assert 'name="password"' in visitor.text


def test_without_accounts_of_its_own_an_unknown_domain_is_said_at_the_field(pool: PoolInWorld, social: Social) -> None:
    github = provider(pool, social.github)
    visitor = Visitor(routed(pool, social, github)).begin()
    assert "Email address" in visitor.text
    assert "Continue with GitHub" in visitor.text
    visitor.browser.submit(username="ann@elsewhere.test")
    assert visitor.status == 400
    assert "No sign-in is set up for this address" in visitor.text
    assert not social.google.asked
    visitor.browser.submit(username="ann@example.com")
    assert "code" in visitor.given


def test_a_domain_of_a_provider_that_is_off_or_another_apps_leads_nowhere(pool: PoolInWorld, social: Social) -> None:
    client = routed(pool, social, "COGNITO")
    other = Visitor(app(pool, "COGNITO")).begin()
    other.browser.submit(username="ann@example.com", password="Wrong-Horse-7!")
    assert other.status == 400
    extend(pool, "Google", Enabled=False)
    visitor = Visitor(client).begin()
    visitor.browser.submit(username="ann@example.com")
    assert visitor.page == "/login"
    assert not social.google.asked


# --- The app names the provider -------------------------------------------------------------------------------------


def test_an_app_may_name_the_provider_or_an_identifier_of_it(pool: PoolInWorld, social: Social) -> None:
    client = routed(pool, social, "COGNITO")
    assert "code" in Visitor(client).begin(identity_provider="Google").given
    assert "code" in Visitor(client).begin(idp_identifier="corp").given
    assert "code" in Visitor(client).begin(idp_identifier="example.com", identity_provider="Google").given


def test_cognito_as_provider_means_the_pools_own_accounts_alone(pool: PoolInWorld, social: Social) -> None:
    visitor = Visitor(routed(pool, social, "COGNITO")).begin(identity_provider="COGNITO")
    assert 'name="password"' in visitor.text
    assert "/login/via" not in visitor.text


@pytest.mark.parametrize(
    "named",
    [
        {"identity_provider": "Facebook"},
        {"identity_provider": "google"},
        {"identity_provider": "nobody"},
        {"identity_provider": "COGNITO"},
        {"identity_provider": "x" * 300},
        {"idp_identifier": "elsewhere.test"},
        {"idp_identifier": "x" * 300},
        {"identity_provider": "Google", "idp_identifier": "elsewhere.test"},
        {"identity_provider": "COGNITO", "idp_identifier": "example.com"},
    ],
)
def test_a_provider_that_is_not_the_apps_is_an_invalid_request(
    pool: PoolInWorld, social: Social, named: dict[str, str]
) -> None:
    provider(pool, social.facebook)
    assert Visitor(routed(pool, social)).begin(**named).given["error"] == "invalid_request"
    assert not social.google.asked
    assert not social.facebook.asked


def test_prompt_none_never_leaves_for_a_provider(pool: PoolInWorld, social: Social) -> None:
    client = routed(pool, social)
    assert Visitor(client).begin(prompt="none").given["error"] == "login_required"
    assert Visitor(client).begin(prompt="none", identity_provider="Google").given["error"] == "login_required"
    assert not social.google.asked


def test_what_the_app_asks_of_the_sign_in_is_asked_of_the_provider(pool: PoolInWorld, social: Social) -> None:
    client = routed(pool, social)
    visitor = Visitor(client).begin(prompt="login", login_hint="ann@example.com")
    assert "code" in visitor.given
    assert asked_at(social.google)["prompt"] == "select_account", "the nearest that Google has"
    assert asked_at(social.google)["login_hint"] == "ann@example.com"
    before = len(social.google.asked)
    assert "code" in visitor.begin(prompt="select_account").given
    assert len(social.google.asked) > before, "a session was at hand, but the person asked to choose"
    assert asked_at(social.google)["prompt"] == "select_account"
    assert "code" in visitor.begin(prompt="login consent").given
    assert asked_at(social.google)["prompt"] == "consent select_account"


def test_a_session_too_old_for_max_age_is_renewed_at_the_provider(
    pool: PoolInWorld, social: Social, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(routed(pool, social)).begin()
    assert "code" in visitor.given
    before = len(social.google.asked)
    assert "code" in visitor.begin(max_age="600").given
    assert len(social.google.asked) == before
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(minutes=11))
    assert "code" in visitor.begin(max_age="600").given
    assert len(social.google.asked) > before
    assert asked_at(social.google)["prompt"] == "select_account", "the nearest that Google has to a new sign-in"


# --- What goes wrong ------------------------------------------------------------------------------------------------

TROUBLE = {
    "deny": ("denied", 400, "access_denied"),
    "unavailable": ("unavailable", 503, "temporarily_unavailable"),
    "broken": ("unavailable", 503, "temporarily_unavailable"),
    "token_unavailable": ("unavailable", 503, "temporarily_unavailable"),
}
HEADINGS = {
    "denied": "You are not signed in",
    "unavailable": "Google cannot be reached",
    "broken": "Google sent an answer that we cannot use",
    "misconfigured": "Signing in with Google is not set up right",
    "not_open": "You cannot sign in with Google here",
    "refused": "This account may not sign in",
    "expired": "That sign-in is no longer valid",
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_at_the_provider_is_a_page_that_says_what_to_do_and_an_error_for_the_app(
    pool: PoolInWorld, social: Social, trouble: str
) -> None:
    kind, status, oauth = TROUBLE[trouble]
    google = provider(pool, social.google)
    visitor = Visitor(app(pool, "COGNITO", google)).begin()
    social.google.trouble = trouble
    visitor.press("Continue with Google")
    assert (visitor.page, visitor.status) == ("/login/via/failed", status)
    assert HEADINGS[kind] in visitor.text
    visitor.browser.go(visitor.browser.url)
    assert visitor.status == status, "the page may be reloaded"
    failed = visitor.browser.url
    visitor.press("Back to sign-in")
    assert visitor.page == "/login"
    visitor.browser.go(failed)
    visitor.press("Return to")
    assert visitor.given["error"] == oauth
    assert visitor.given["error_description"]
    visitor.browser.go(failed)
    assert "already signed in" in visitor.text, "the journey has ended"
    social.google.trouble = ""
    assert "code" in visitor.begin().press("Continue with Google").given


def test_after_trouble_the_same_journey_still_leads_to_the_app(pool: PoolInWorld, social: Social) -> None:
    visitor = Visitor(app(pool, "COGNITO", provider(pool, social.google))).begin()
    social.google.trouble = "deny"
    visitor.press("Continue with Google").press("Back to sign-in")
    social.google.trouble = ""
    assert "code" in visitor.press("Continue with Google").given


def test_an_app_that_named_the_provider_hears_of_a_refusal_at_once(pool: PoolInWorld, social: Social) -> None:
    google = provider(pool, social.google)
    social.google.trouble = "deny"
    visitor = Visitor(app(pool, "COGNITO", google)).begin(identity_provider=google)
    assert visitor.given["error"] == "access_denied"
    social.google.trouble = "token_unavailable"
    visitor.begin(identity_provider=google)
    assert visitor.page == "/login/via/failed"


def test_a_provider_that_does_not_know_us_any_more_is_misconfigured(
    pool: PoolInWorld, social: Social, caplog: pytest.LogCaptureFixture
) -> None:
    google = provider(pool, social.google, ProviderDetails={**social.google.details, "client_secret": "another"})
    visitor = Visitor(app(pool, "COGNITO", google)).begin().press("Continue with Google")
    assert (visitor.page, visitor.status) == ("/login/via/failed", 502)
    assert HEADINGS["misconfigured"] in visitor.text
    assert visitor.text.split("Reference: ")[1].split("<")[0] in caplog.text, "the log says why"
    assert visitor.press("Return to").given["error"] == "server_error"


@pytest.mark.parametrize("claims", [{"aud": "somebody-else"}, {"nonce": "another"}, {"iss": "https://evil.test"}])
def test_an_id_token_that_fails_a_check_lets_nobody_in(
    pool: PoolInWorld, social: Social, claims: dict[str, Any]
) -> None:
    google = provider(pool, social.google)
    social.google.claims = claims
    visitor = Visitor(app(pool, "COGNITO", google)).begin().press("Continue with Google")
    assert (visitor.page, visitor.status) == ("/login/via/failed", 400)
    assert HEADINGS["broken"] in visitor.text
    assert "evil.test" not in visitor.text
    assert "somebody-else" not in visitor.text


def test_nonsense_from_the_provider_is_a_page(pool: PoolInWorld, social: Social) -> None:
    google = provider(pool, social.google)
    for nonsense in (Reply(200, ["x"]), Reply(200, page="<h1>hello</h1>"), Reply(500, {}), Reply(204, {})):
        social.google.answers["/token"] = nonsense
        visitor = Visitor(app(pool, "COGNITO", google)).begin().press("Continue with Google")
        assert visitor.page == "/login/via/failed"
        assert visitor.status in {400, 502, 503}


def test_somebody_who_was_disabled_is_refused(pool: PoolInWorld, social: Social) -> None:
    google = provider(pool, social.google)
    visitor = Visitor(app(pool, "COGNITO", google)).begin().press("Continue with Google")
    pool.idp.admin_disable_user(UserPoolId=pool.id, Username=visitor.claims()["cognito:username"])
    visitor.begin().press("Continue with Google")
    assert (visitor.page, visitor.status) == ("/login/via/failed", 400)
    assert HEADINGS["refused"] in visitor.text
    assert visitor.press("Return to").given["error"] == "access_denied"


# --- Providers that are turned off ----------------------------------------------------------------------------------


def test_a_provider_that_is_off_gone_or_another_apps_is_not_reached_by_its_address_either(
    pool: PoolInWorld, social: Social
) -> None:
    """Class 48 (ZITADEL CVE-2025-64717: login through a deactivated provider)."""
    google = provider(pool, social.google)
    facebook = provider(pool, social.facebook)
    visitor = Visitor(app(pool, "COGNITO", google)).begin()
    handle = visitor.handle
    for name in (facebook, "nobody", "", "google", "COGNITO", "x" * 200, "<b>"):
        visitor.open("/login/via", request=handle, provider=name)
        assert (visitor.page, visitor.status) == ("/login/via/failed", 400), name
        assert "<b>" not in visitor.text
    extend(pool, google, Enabled=False)
    visitor.open("/login/via", request=handle, provider=google)
    assert HEADINGS["not_open"] in visitor.text
    assert "Continue with" not in visitor.press("Back to sign-in").text
    assert not social.google.asked
    assert not social.facebook.asked


@pytest.mark.parametrize("how", ["off", "off and on", "deleted", "not the app's"])
def test_turning_a_provider_off_ends_what_is_under_way(pool: PoolInWorld, social: Social, how: str) -> None:
    google = provider(pool, social.google)
    client = app(pool, "COGNITO", google)
    social.google.asks = True
    visitor = Visitor(client).begin().press("Continue with Google")
    assert "Continue as" in visitor.text
    if how.startswith("off"):
        extend(pool, google, Enabled=False)
        if how == "off and on":
            extend(pool, google, Enabled=True)
    elif how == "deleted":
        pool.idp.delete_identity_provider(UserPoolId=pool.id, ProviderName=google)
    else:
        asked = pool.idp.describe_user_pool_client(UserPoolId=pool.id, ClientId=client.client.id)["UserPoolClient"]
        kept = {k: v for k, v in asked.items() if k not in {"ClientSecret", "CreationDate", "LastModifiedDate"}}
        pool.idp.update_user_pool_client(**{**kept, "SupportedIdentityProviders": ["COGNITO"]})
    visitor.browser.go(visitor.browser.links[0])
    assert visitor.browser.left is None
    assert visitor.status == 400
    if how != "deleted":
        assert HEADINGS["not_open"] in visitor.text


# --- Addresses that somebody made up --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/oauth2/idpresponse", "/saml2/idpresponse"])
def test_an_answer_that_nobody_waits_for_is_a_page(
    world: World, pool: PoolInWorld, social: Social, path: str, method: str
) -> None:
    provider(pool, social.google)
    name = "state" if path.startswith("/oauth2") else "RelayState"
    for value in (
        "",
        "x",
        "A" * 43,
        "A" * 5000,
        "\x00",
        "<script>alert(1)</script>",
        "é",
        "client_id=1",
        "https://a.b",
    ):
        for more in ({}, {"code": "c"}, {"error": "access_denied"}, {"SAMLResponse": "PHg+"}):
            visitor = Visitor(app(pool, "COGNITO", "Google"))
            given = {name: value, **more}
            if method == "GET":
                visitor.open(path, **given)
            else:
                visitor.browser.go(f"{world.url}/{pool.id}{path}", given)
            assert visitor.status in {400, 405}, (given, visitor.status)
            assert "<h1>" in visitor.text
            assert "<script>alert" not in visitor.text


def test_parameters_that_stand_twice_are_no_answer(world: World, pool: PoolInWorld, social: Social) -> None:
    google = provider(pool, social.google)
    social.google.asks = True
    visitor = Visitor(app(pool, "COGNITO", google)).begin().press("Continue with Google")
    answer = visitor.browser.http.get(
        visitor.browser.url.split("?")[0] + visitor.browser.links[0], allow_redirects=False
    )
    back = answer.headers["Location"]
    for twice in ("state=x", "code=other"):
        visitor.browser.go(f"{back}&{twice}")
        assert visitor.status == 400
    visitor.browser.go(back)
    assert "code" in visitor.given, "the answer itself is still good"


def test_an_answer_counts_once(pool: PoolInWorld, social: Social) -> None:
    """Class 48 (ZITADEL CVE-2025-46815: a provider's answer reused)."""
    google = provider(pool, social.google)
    visitor = Visitor(app(pool, "COGNITO", google)).begin().press("Continue with Google")
    assert "code" in visitor.given
    answers = [s.url for s in visitor.browser.way if "/oauth2/idpresponse" in s.url or "/login/via/back" in s.url]
    assert len(answers) == 2
    tokens = len(social.google.asked_at("/token"))
    for address in answers:
        visitor.browser.go(address)
        assert visitor.browser.left is None
        assert "already signed in" in visitor.text, "the journey has ended"
        stranger = Visitor(visitor.app)
        stranger.browser.go(address)
        assert stranger.browser.left is None
        assert stranger.status == 400
    assert len(social.google.asked_at("/token")) == tokens


def test_an_answer_that_comes_too_late_says_so_and_leads_back(
    pool: PoolInWorld, social: Social, monkeypatch: pytest.MonkeyPatch
) -> None:
    google = provider(pool, social.google)
    social.google.asks = True
    visitor = Visitor(app(pool, "COGNITO", google)).begin().press("Continue with Google")
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(minutes=6))
    visitor.browser.go(visitor.browser.links[0])
    assert (visitor.page, visitor.status) == ("/login/via/failed", 400)
    assert HEADINGS["expired"] in visitor.text
    assert visitor.press("Back to sign-in").page == "/login"


def test_a_journey_that_ended_meanwhile_says_so(
    pool: PoolInWorld, social: Social, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(app(pool, "COGNITO", provider(pool, social.google))).begin()
    social.google.asks, real = True, clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(minutes=58))
    visitor.press("Continue with Google")
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(minutes=61))
    visitor.browser.go(visitor.browser.links[0])
    assert (visitor.page, visitor.status) == ("/login/via/back", 400)
    assert "This sign-in took too long" in visitor.text


def test_looking_at_an_address_uses_nothing_up(pool: PoolInWorld, social: Social) -> None:
    visitor = Visitor(app(pool, "COGNITO", provider(pool, social.google))).begin()
    social.google.asks = True
    visitor.press("Continue with Google")
    url = visitor.browser.url.split("?")[0] + visitor.browser.links[0]
    for _ in range(2):
        url = visitor.browser.http.get(url, allow_redirects=False).headers["Location"]
        assert visitor.browser.http.head(url).status_code == 405
    assert "code" in visitor.browser.go(url).left


def test_two_tabs_do_not_disturb_each_other(pool: PoolInWorld, social: Social) -> None:
    google = provider(pool, social.google)
    social.google.asks = True
    one = Visitor(app(pool, "COGNITO", google)).begin()
    other = Visitor(one.app, one.browser)
    here = one.browser.url
    one.press("Continue with Google")
    first = one.browser.url.split("?")[0] + one.browser.links[0]
    asked = one.asked
    other.begin().press("Continue with Google")
    second = other.browser.url.split("?")[0] + other.browser.links[0]
    other.browser.go(second)
    assert "code" in other.given
    one.browser.go(first)
    one.asked = asked
    assert "code" in one.given
    one.browser.go(here)
    assert "already signed in" in one.text, "the back button"


def test_two_trips_of_one_journey_let_somebody_in_once(pool: PoolInWorld, social: Social) -> None:
    google = provider(pool, social.google)
    social.google.asks = True
    visitor = Visitor(app(pool, "COGNITO", google)).begin()
    page = visitor.browser.url
    ways = []
    for _ in range(2):
        visitor.browser.go(page)
        visitor.press("Continue with Google")
        ways.append(visitor.browser.url.split("?")[0] + visitor.browser.links[0])
    visitor.browser.go(ways[0])
    assert "code" in visitor.given
    visitor.browser.go(ways[1])
    assert visitor.browser.left is None
    assert "already signed in" in visitor.text


# --- Whose sign-in it is --------------------------------------------------------------------------------------------


def test_nobody_is_signed_in_as_whoever_handed_them_an_answer(pool: PoolInWorld, social: Social) -> None:
    """Login CSRF: the answer of an attacker's own sign-in, opened in the victim's browser."""
    google = provider(pool, social.google)
    attacker = Visitor(app(pool, "COGNITO", google)).begin()
    social.google.asks = True
    attacker.press("Continue with Google")
    url = attacker.browser.url.split("?")[0] + attacker.browser.links[0]
    answer = attacker.browser.http.get(url, allow_redirects=False).headers["Location"]
    victim = Visitor(attacker.app).begin()
    victim.browser.go(answer)
    assert victim.browser.left is None
    assert "belongs to another browser" in victim.text
    assert victim.page == "/login/via/back"
    assert victim.begin(prompt="none").given["error"] == "login_required"
    # The victim opening it has not spoilt the attacker's own way: the trip back is theirs.
    attacker.browser.go(f"{attacker.app.world.url}{victim_path(victim)}")
    assert "code" in attacker.given


def victim_path(victim: Visitor) -> str:
    step = next(s for s in reversed(victim.browser.way) if "/login/via/back" in s.url)
    parts = urlsplit(step.url)
    return f"{parts.path}?{parts.query}"


def test_an_answer_for_one_pool_is_none_for_another(world: World, pool: PoolInWorld, social: Social) -> None:
    google = provider(pool, social.google)
    other = world.pool()
    provider(other, social.google)
    social.google.asks = True
    visitor = Visitor(app(pool, "COGNITO", google)).begin().press("Continue with Google")
    url = visitor.browser.url.split("?")[0] + visitor.browser.links[0]
    answer = visitor.browser.http.get(url, allow_redirects=False).headers["Location"]
    visitor.browser.go(answer.replace(pool.id, other.id))
    assert visitor.status == 400
    assert not social.google.asked_at("/token")
    visitor.browser.go(answer)
    assert "code" in visitor.given


def test_giving_up_is_only_for_whose_journey_it_is(pool: PoolInWorld, social: Social) -> None:
    visitor = Visitor(app(pool, "COGNITO", provider(pool, social.google))).begin()
    handle = visitor.handle
    stranger = Visitor(visitor.app).open("/oauth2/authorize/refuse", request=handle)
    assert stranger.browser.left is None
    for odd in ("", "x", "A" * 43, "\x00"):
        assert stranger.open("/oauth2/authorize/refuse", request=odd).status == 400
    visitor.open("/oauth2/authorize/refuse", request=handle)
    assert visitor.given["error"] == "access_denied"
    visitor.open("/oauth2/authorize/refuse", request=handle)
    assert visitor.browser.left is None


def test_the_address_of_the_provider_gets_no_more_than_it_needs(pool: PoolInWorld, social: Social) -> None:
    google = provider(pool, social.google)
    visitor = Visitor(app(pool, "COGNITO", google)).begin(state="the-apps-own-state")
    handle = visitor.handle
    visitor.press("Continue with Google")
    asked = asked_at(social.google)
    assert asked["redirect_uri"] == f"{pool.issuer}/oauth2/idpresponse"
    assert asked["state"] not in {"the-apps-own-state", handle}
    assert handle not in str(asked)
    assert "the-apps-own-state" not in str(asked)
    assert dict(parse_qsl(urlsplit(visitor.browser.url).query))["state"] == "the-apps-own-state"


# --- Forms that post themselves, and whatever else may come ---------------------------------------------------------

HOSTILE = '"><script>alert(1)</script><input name="'


class Posting:
    """A connector that sends its request by a form."""

    def __init__(self, address: str) -> None:
        self.address = address

    def depart(self, provider: Provider, departure: Departure) -> Sent:
        return Sent(self.address, {"SAMLRequest": HOSTILE, HOSTILE: "x", "RelayState": departure.state})


def departing(monkeypatch: pytest.MonkeyPatch, pool: PoolInWorld, social: Social, address: str) -> Any:
    """What a browser is answered on its way to a provider at that address."""
    google = provider(pool, social.google)
    monkeypatch.setattr(catalogue, "connector", lambda _: Posting(address))
    visitor = Visitor(app(pool, "COGNITO", google)).begin()
    link = next(html.unescape(x) for x in visitor.browser.links if "/login/via" in x)
    return visitor.browser.http.get(urljoin(visitor.browser.url, link), allow_redirects=False)


def test_a_form_that_posts_itself_is_escaped_locked_down_and_has_a_button(
    monkeypatch: pytest.MonkeyPatch, pool: PoolInWorld, social: Social
) -> None:
    """Class 38 (ZITADEL CVE-2026-29191: script injected into the page that posts on)."""
    address = f"https://idp.example/sso?a=1&b={quote(HOSTILE)}'{HOSTILE}"
    answer = departing(monkeypatch, pool, social, address)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    shown = Surfer()
    shown.text = answer.text
    (form,) = shown.forms
    assert form["action"] == address
    assert form["fields"]["SAMLRequest"] == HOSTILE
    assert form["fields"][HOSTILE] == "x"
    assert answer.text.count("<form") == 1
    assert "data-posts-itself" in answer.text
    assert '<button type="submit"' in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "form-action 'self' http: https:;" in policy or "form-action http: https:;" in policy
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//idp.example", "", "ftp://idp.example"]
)
def test_nobody_is_sent_to_an_address_that_is_none(
    monkeypatch: pytest.MonkeyPatch, pool: PoolInWorld, social: Social, address: str
) -> None:
    """Class 37 (crewjam CVE-2023-45683: a consumer's address that is a script)."""
    answer = departing(monkeypatch, pool, social, address)
    assert answer.status_code == 303
    assert "/login/via/failed" in answer.headers["Location"]


def test_an_answer_at_the_address_of_another_protocol_is_none(world: World, pool: PoolInWorld, social: Social) -> None:
    google = provider(pool, social.google)
    social.google.asks = True
    visitor = Visitor(app(pool, "COGNITO", google)).begin().press("Continue with Google")
    state = dict(parse_qsl(urlsplit(visitor.browser.url).query))["state"]
    visitor.browser.go(f"{world.url}/{pool.id}/saml2/idpresponse", {"RelayState": state, "SAMLResponse": "PHg+"})
    assert (visitor.page, visitor.status) == ("/login/via/failed", 400)
    relayed = {
        "identity_provider": google,
        "client_id": visitor.app.client.id,
        "redirect_uri": visitor.app.redirect_uri,
        "response_type": "code",
    }
    visitor.browser.go(f"{world.url}/{pool.id}/saml2/idpresponse", {"RelayState": urlencode(relayed), "code": "x"})
    assert visitor.status == 400
    assert HEADINGS["not_open"] in visitor.text


@pytest.mark.parametrize(
    "relayed",
    [
        "client_id=%00&identity_provider=Google&redirect_uri=x&response_type=code",
        "client_id={id}&client_id={id}&identity_provider=Google&redirect_uri={uri}&response_type=code",
        "client_id={id}&identity_provider=Google&redirect_uri=https%3A%2F%2Fevil.test&response_type=code",
        "client_id={id}&identity_provider=Google&redirect_uri={uri}&response_type=code&prompt=none",
        "client_id={id}&identity_provider=Google",
        "client_id={id}&identity_provider=%00&redirect_uri={uri}&response_type=code",
        "client_id=" + "x" * 3000 + "&identity_provider=Google&redirect_uri={uri}&response_type=code",
        "client_id={id}" + "&a=b" * 1000,
        "https://evil.test/?client_id={id}&identity_provider=Google&redirect_uri={uri}&response_type=code",
    ],
)
def test_what_a_provider_relays_unasked_is_checked_like_a_request(
    world: World, pool: PoolInWorld, social: Social, relayed: str
) -> None:
    google = provider(pool, social.google)
    visitor = Visitor(app(pool, "COGNITO", google))
    state = relayed.replace("{id}", visitor.app.client.id).replace("{uri}", quote(visitor.app.redirect_uri, safe=""))
    visitor.browser.go(f"{world.url}/{pool.id}/saml2/idpresponse", {"RelayState": state, "SAMLResponse": "PHg+"})
    assert visitor.status == 400
    assert visitor.browser.left is None
    assert "evil.test" not in visitor.text


NAMES = ("state", "code", "error", "iss", "RelayState", "SAMLResponse", "provider", "trip", "request")
ADDRESSES = ("/oauth2/idpresponse", "/saml2/idpresponse", "/login/via", "/login/via/back", "/login/via/failed")


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    path=st.sampled_from(ADDRESSES),
    posted=st.booleans(),
    fields=st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=60)), max_size=5),
    genuine=st.booleans(),
)
def test_no_generated_answer_is_an_error_of_ours(
    pool: PoolInWorld,
    social: Social,
    path: str,
    posted: bool,
    fields: list[tuple[str, str]],
    genuine: bool,
) -> None:
    known = getattr(pool, "known", None)
    if known is None:
        google = provider(pool, social.google)
        social.google.asks = True
        known = pool.known = app(pool, "COGNITO", google)  # type: ignore[attr-defined]
    visitor = Visitor(known).begin()
    values = [(name, value.encode("utf-8", "replace").decode()) for name, value in fields]
    if genuine:
        handle = visitor.handle
        visitor.press("Continue with Google")
        state = dict(parse_qsl(urlsplit(visitor.browser.url).query))["state"]
        name = "state" if path.startswith("/oauth2") else "RelayState" if path.startswith("/saml2") else "request"
        values = [pair for pair in values if pair[0] != name] + [(name, handle if name == "request" else state)]
    url = f"{known.world.url}/{pool.id}{path}"
    http = visitor.browser.http
    answer = (
        http.post(url, data=values, allow_redirects=False)
        if posted
        else http.get(url, params=values, allow_redirects=False)
    )
    assert answer.status_code in {200, 303, 400, 405}, (answer.status_code, values)
    if answer.status_code == 303 and answer.headers["Location"].startswith((known.world.url, "/")):
        answer = http.get(urljoin(url, answer.headers["Location"]))
        assert answer.status_code in {200, 400, 502, 503}, (answer.status_code, values)
