"""Signing in through others in a real browser: npm's oidc-provider and social providers, there and back, or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from selenium.webdriver.common.keys import Keys

from tests.conftest import Databases
from tests.federation.fake import Fake, Reply
from tests.federation.social import Social
from tests.federation.upstream import Upstream
from tests.fronts.federated import extend, ours, provider
from tests.journeys.browser import By, Person, app, chromium
from tests.oidc import Rp, rp
from tests.saml.enterprise import EMAIL, joined
from tests.saml.pysaml2_idp import Account, Pysaml2Idp, pysaml2_idp
from tests.world import PoolInWorld, World

pytestmark = pytest.mark.browser
OKTA = "Okta"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture(scope="module")
def world(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """No engine makes a difference to a browser: one is enough."""
    world = World(databases.make("sqlite"), tmp_path_factory.mktemp("browser-federation"))
    yield world
    world.close()


@pytest.fixture(scope="module")
def callback() -> Iterator[str]:
    with app() as url:
        yield url


@pytest.fixture
def pool(world: World) -> PoolInWorld:
    return world.pool(PoolName="Northwind", AliasAttributes=["email"], AutoVerifiedAttributes=["email"])


class Guest(Person):
    """Somebody whom the app sends to sign in."""

    def __init__(self, driver: Any, app: Rp) -> None:
        super().__init__(driver, app.world.url, app.client)  # type: ignore[arg-type]
        driver.delete_all_cookies()
        driver.get_log("browser")
        self.app = app

    def begin(self, **parameters: str) -> Guest:
        self.asked = self.app.request(**parameters)
        self.driver.get(self.app.url(**self.asked))
        return self

    def follow(self, text: str) -> Guest:
        """Click the link or the button that says ``text``."""
        before = self.driver.find_element(By.TAG_NAME, "html")
        path = f"//a[contains(normalize-space(.), '{text}')] | //button[contains(normalize-space(.), '{text}')]"
        self.driver.find_element(By.XPATH, path).click()
        self.wait(lambda: before.id != self.driver.find_element(By.TAG_NAME, "html").id)
        return self

    def reads(self, heading: str) -> Guest:
        """Wait for a page with that heading."""
        self.wait(lambda: self.heading == heading)
        return self

    def complaints(self) -> list[str]:
        """As ever, save that the page for a failure has the status of one, and how oidc-provider dresses its pages."""
        theirs = ("googleapis.com", "[DOM]")
        lines = [line for line in super().complaints() if not any(part in line for part in theirs)]
        return [line for line in lines if "/login/via/failed" not in line or "status of 50" not in line]

    def answered(self) -> dict[str, str]:
        """What the app is given in the end, and nothing that the browser held against any page on the way."""
        given = dict(parse_qsl(urlsplit(self.arrive()).query))
        assert given["state"] == self.asked["state"]
        assert given["iss"] == self.app.pool.issuer
        assert self.complaints() == []
        return given

    def claims(self) -> dict[str, Any]:
        """The ID token that the app gets."""
        response = self.app.exchange(self.answered()["code"])
        assert response.status_code == 200, response.get_data(as_text=True)
        return self.app.id_claims(response.get_json()["id_token"], self.asked["nonce"])


def client(pool: PoolInWorld, callback: str, *providers: str) -> Rp:
    """The app's client."""
    made = rp(
        pool, ClientName="Northwind Shop", CallbackURLs=[callback], SupportedIdentityProviders=["COGNITO", *providers]
    )
    made.redirect_uri = callback
    return made


@pytest.fixture
def okta(pool: PoolInWorld, upstream: Upstream) -> str:
    """npm's oidc-provider as a provider of the pool."""
    upstream.accounts(ann={"email": "browser-ann@example.com", "email_verified": True, "name": "Ann Bell"})
    registered = upstream.register(f"{pool.issuer}/oauth2/idpresponse")
    pool.idp.create_identity_provider(
        UserPoolId=pool.id,
        ProviderName=OKTA,
        ProviderType="OIDC",
        ProviderDetails=upstream.details(registered),
        AttributeMapping={"email": "email", "name": "name", "email_verified": "email_verified"},
    )
    return OKTA


def sign_in_at_okta(guest: Guest, login: str = "ann") -> None:
    """Fill in oidc-provider's own pages: who it is, then that the app may know it."""
    guest.wait(lambda: guest.driver.find_elements(By.NAME, "login"))
    guest.enter(login=login, password="x").press("button[type=submit]")
    consent_at_okta(guest)


def consent_at_okta(guest: Guest) -> None:
    guest.wait(lambda: guest.driver.find_elements(By.CSS_SELECTOR, "input[name=prompt][value=consent]"))
    guest.press("button[type=submit]")


# --- OpenID Connect: npm's oidc-provider ----------------------------------------------------------------------------


def test_from_the_sign_in_page_through_an_openid_provider_back_to_the_app(
    driver: Any, pool: PoolInWorld, okta: str, callback: str
) -> None:
    guest = Guest(driver, client(pool, callback, okta)).begin()
    assert guest.heading == "Sign in"
    guest.follow("Continue with Okta")
    sign_in_at_okta(guest)
    claims = guest.claims()
    assert claims["cognito:username"] == "Okta_ann"
    assert claims["identities"][0]["providerName"] == "Okta"
    # Signed in here, no page is shown any more.
    assert guest.begin().claims()["sub"] == claims["sub"]


def test_whoever_cancels_at_the_provider_may_try_again_or_give_up(
    driver: Any, pool: PoolInWorld, okta: str, callback: str
) -> None:
    guest = Guest(driver, client(pool, callback, okta)).begin()
    guest.follow("Continue with Okta")
    guest.wait(lambda: guest.driver.find_elements(By.NAME, "login"))
    guest.follow("Cancel").reads("You are not signed in")
    guest.follow("Back to sign-in").reads("Sign in")
    guest.follow("Continue with Okta")
    sign_in_at_okta(guest)
    assert "code" in guest.answered()
    guest.begin(prompt="login").follow("Continue with Okta")
    guest.wait(lambda: guest.driver.find_elements(By.NAME, "login"))
    guest.follow("Cancel").reads("You are not signed in")
    guest.follow("Return to Northwind Shop")
    assert guest.answered()["error"] == "access_denied"


def test_prompt_login_has_the_person_sign_in_anew_at_the_provider(
    driver: Any, pool: PoolInWorld, okta: str, callback: str
) -> None:
    guest = Guest(driver, client(pool, callback, okta)).begin(identity_provider=okta)
    sign_in_at_okta(guest)
    assert "code" in guest.answered()
    guest.begin(identity_provider=okta, prompt="login")
    guest.wait(lambda: guest.driver.find_elements(By.NAME, "login"))
    guest.enter(login="ann", password="x").press("button[type=submit]")  # consent was given before
    assert "code" in guest.answered()


# --- Social providers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["github", "google"])
def test_from_the_sign_in_page_through_a_social_provider_back_to_the_app(
    driver: Any, pool: PoolInWorld, social: Social, callback: str, name: str
) -> None:
    fake = social[name]
    made = provider(pool, fake)
    fake.asks = True
    guest = Guest(driver, client(pool, callback, made)).begin()
    guest.follow("Continue with").press("#allow")
    assert guest.claims()["cognito:username"].startswith(f"{made}_")


def test_apples_answer_comes_by_a_form_of_another_site(
    driver: Any, pool: PoolInWorld, social: Social, callback: str
) -> None:
    """127.0.0.1 and localhost are two sites: no cookie of ours comes with that form."""
    details = social.apple.details
    details["authorize_url"] = details["authorize_url"].replace("localhost", "127.0.0.1")
    made = provider(pool, social.apple, ProviderDetails=details)
    social.apple.asks = True
    guest = Guest(driver, client(pool, callback, made)).begin()
    guest.follow("Continue with Apple").press("#allow")
    assert guest.claims()["cognito:username"].startswith("SignInWithApple_")


def test_the_provider_of_a_domain_is_found_with_the_keyboard_alone(
    driver: Any, pool: PoolInWorld, social: Social, callback: str
) -> None:
    made = provider(pool, social.google, IdpIdentifiers=["gmail.com"])
    social.google.asks = True
    guest = Guest(driver, client(pool, callback, made)).begin()
    assert guest.focused == "username"
    assert guest.driver.find_elements(By.NAME, "password") == []
    guest.driver.switch_to.active_element.send_keys("ann@gmail.com", Keys.ENTER)
    guest.wait(lambda: guest.driver.find_elements(By.ID, "allow"))
    guest.press("#allow")
    assert "code" in guest.answered()


def test_everybody_else_signs_in_by_password_in_two_steps(
    driver: Any, pool: PoolInWorld, social: Social, callback: str
) -> None:
    bob = pool.user(email="browser-bob@example.com", email_verified="true")
    made = provider(pool, social.google, IdpIdentifiers=["gmail.com"])
    guest = Guest(driver, client(pool, callback, made)).begin()
    guest.driver.switch_to.active_element.send_keys("browser-bob@example.com", Keys.ENTER)
    guest.wait(lambda: guest.focused == "password")
    guest.driver.switch_to.active_element.send_keys(bob.password, Keys.ENTER)
    assert guest.claims()["sub"] == bob.sub


# --- Requests that travel by a form ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_form(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Idp]:
    """A SAML provider that takes requests by POST alone."""
    directory = tmp_path_factory.mktemp("by-form")
    with pysaml2_idp(directory, want_signed_requests=True, sso_by_redirect=False) as idp:
        idp.people["ann"] = Account("Ann-7", {EMAIL: ["browser-form@example.com"]})
        yield idp


def test_a_request_that_travels_by_a_form_posts_itself(
    driver: Any, world: World, by_form: Pysaml2Idp, callback: str
) -> None:
    site = joined(world, by_form, callback=callback, local=True)
    guest = Guest(driver, site.app).begin()
    guest.follow("Continue with")
    guest.wait(lambda: by_form_shown(guest, by_form))
    guest.driver.back()
    guest.wait(lambda: guest.heading in {"One moment", "Sign in"})
    if guest.heading == "One moment":  # whoever comes back to it is not sent away again
        guest.press("form[data-posts-itself] button")
    else:
        guest.follow("Continue with")
    guest.wait(lambda: by_form_shown(guest, by_form))
    assert guest.complaints() == []


def test_without_javascript_a_press_sends_it(driver: Any, world: World, by_form: Pysaml2Idp, callback: str) -> None:
    site = joined(world, by_form, callback=callback, local=True)
    guest = Guest(driver, site.app).begin()
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        guest.follow("Continue with").reads("One moment")
        guest.press("form[data-posts-itself] button")
        guest.wait(lambda: by_form_shown(guest, by_form))
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert guest.complaints() == []


def by_form_shown(guest: Guest, idp: Pysaml2Idp) -> bool:
    """Whether the browser stands before the provider's own sign-in page."""
    return bool(guest.driver.current_url.startswith(idp.url) and guest.driver.find_elements(By.NAME, "username"))


# --- Refused, and broken at each hop --------------------------------------------------------------------------------


def unreachable(fake: Fake) -> dict[str, Reply]:
    """The provider's pages are out of order: nobody comes back from them."""
    return {urlsplit(fake.details["authorize_url"]).path.removeprefix(f"/{fake.name}"): Reply(503, page="<h1>503</h1>")}


@pytest.mark.parametrize(
    ("trouble", "heading", "error"),
    [
        ("deny", "You are not signed in", "access_denied"),
        ("unavailable", "Google cannot be reached", "temporarily_unavailable"),
        ("broken", "Google cannot be reached", "temporarily_unavailable"),
        ("token_unavailable", "Google cannot be reached", "temporarily_unavailable"),
        ("code_expired", None, None),
    ],
)
def test_what_goes_wrong_at_a_provider_is_a_page_and_an_error_for_the_app(
    driver: Any, pool: PoolInWorld, social: Social, callback: str, trouble: str, heading: str | None, error: str | None
) -> None:
    made = provider(pool, social.google)
    guest = Guest(driver, client(pool, callback, made)).begin()
    social.google.trouble = trouble
    guest.follow("Continue with Google")
    guest.wait(lambda: "/login/via/failed" in guest.driver.current_url)
    assert heading in {None, guest.heading}
    guest.driver.refresh()
    assert heading in {None, guest.heading}
    social.google.trouble = ""
    guest.follow("Back to sign-in").reads("Sign in")
    social.google.trouble = trouble
    guest.follow("Continue with Google").follow("Return to Northwind Shop")
    given = guest.answered()
    assert given["error"] == (error or given["error"])
    assert "code" not in given


def test_an_id_token_for_somebody_else_lets_nobody_in(
    driver: Any, pool: PoolInWorld, social: Social, callback: str
) -> None:
    social.google.claims = {"aud": "another-app"}
    guest = Guest(driver, client(pool, callback, provider(pool, social.google))).begin()
    guest.follow("Continue with Google").reads("Google sent an answer that we cannot use")
    guest.follow("Return to Northwind Shop")
    assert guest.answered()["error"] == "access_denied"


def test_from_a_page_of_the_provider_that_is_out_of_order_the_back_button_leads_back(
    driver: Any, pool: PoolInWorld, social: Social, callback: str
) -> None:
    social.google.answers = unreachable(social.google)
    guest = Guest(driver, client(pool, callback, provider(pool, social.google))).begin()
    guest.follow("Continue with Google").reads("503")
    guest.driver.back()
    guest.reads("Sign in")
    social.google.answers = {}
    guest.driver.get_log("browser")  # the 503 was theirs
    guest.follow("Continue with Google")
    assert "code" in guest.answered()


def test_an_app_that_named_the_provider_hears_of_a_refusal_at_once(
    driver: Any, pool: PoolInWorld, social: Social, callback: str
) -> None:
    made = provider(pool, social.google)
    social.google.asks = True
    guest = Guest(driver, client(pool, callback, made)).begin(identity_provider=made)
    guest.press("#deny")
    assert guest.answered()["error"] == "access_denied"


def test_the_back_button_after_a_sign_in_signs_nobody_in_again(
    driver: Any, pool: PoolInWorld, social: Social, callback: str
) -> None:
    made = provider(pool, social.google)
    social.google.asks = True
    guest = Guest(driver, client(pool, callback, made)).begin()
    guest.follow("Continue with Google").press("#allow")
    assert "code" in guest.answered()
    guest.driver.back()
    guest.wait(lambda: guest.driver.find_elements(By.ID, "allow") or guest.heading)
    if guest.driver.find_elements(By.ID, "allow"):
        guest.press("#allow")
    guest.reads("You have already signed in")


def test_a_provider_that_is_turned_off_meanwhile_lets_nobody_in(
    driver: Any, pool: PoolInWorld, social: Social, callback: str
) -> None:
    made = provider(pool, social.google)
    social.google.asks = True
    guest = Guest(driver, client(pool, callback, made)).begin()
    guest.follow("Continue with Google")
    extend(pool, made, Enabled=False)
    guest.press("#allow").reads("You cannot sign in with Google here")
    guest.follow("Back to sign-in").reads("Sign in")
    assert "Google" not in guest.driver.page_source


# --- Connecting an account ------------------------------------------------------------------------------------------


def test_an_account_is_connected_by_signing_in_to_it(
    driver: Any, world: World, pool: PoolInWorld, social: Social, callback: str
) -> None:
    ours(world).set_user_pool_extensions(UserPoolId=pool.id, Extensions={"LinkByVerifiedEmail": "prove"})
    ann = pool.user(email="browser-connecting@example.com", email_verified="true")
    social.google.person |= {"email": "browser-connecting@example.com", "email_verified": True}
    made = provider(pool, social.google, AttributeMapping={"email": "email", "email_verified": "email_verified"})
    guest = Guest(driver, client(pool, callback, made)).begin()
    guest.follow("Continue with Google").reads("Connect your account")
    assert guest.focused == "password"
    guest.enter(password="Wrong-Horse-7!").press()
    assert guest.alerts == ["That is not this account’s password. Try again, or reset it."]
    guest.enter(password=ann.password).press()
    claims = guest.claims()
    assert claims["sub"] == ann.sub
    described = pool.idp.admin_get_user(UserPoolId=pool.id, Username=ann.username)
    attributes = {a["Name"]: a["Value"] for a in described["UserAttributes"]}
    assert [entry["providerName"] for entry in json.loads(attributes["identities"])] == [made]
