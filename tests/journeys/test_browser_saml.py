"""People of an enterprise in a real browser: SimpleSAMLphp as their provider, whole stories from the app and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from poolhouse.core import clock
from poolhouse.federation import documents
from tests.conftest import Databases
from tests.journeys.browser import Person, app, chromium
from tests.saml.application import introduced
from tests.saml.enterprise import EMAIL, GIVEN_NAME, Joined, joined
from tests.saml.party import POST
from tests.saml.pysaml2_idp import Account, Pysaml2Idp, pysaml2_idp
from tests.saml.pysaml2_sp import pysaml2_sp
from tests.saml.simplesamlphp import PASSWORD, SimpleSamlPhp, simplesamlphp
from tests.world import World

pytestmark = pytest.mark.browser
THEIR_PAGE = "Enter your username and password"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture(scope="module")
def world(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """No engine makes a difference to a browser: one is enough."""
    directory = tmp_path_factory.mktemp("browser-saml")
    world = World(databases.make("sqlite"), directory, domain_suffix=lambda port: f"localhost:{port}")
    yield world
    world.close()


@pytest.fixture(scope="module")
def _enterprise(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleSamlPhp]:
    with simplesamlphp(tmp_path_factory.mktemp("simplesamlphp")) as idp:
        yield idp


@pytest.fixture
def enterprise(_enterprise: SimpleSamlPhp) -> SimpleSamlPhp:
    """The provider, as it is by default."""
    _enterprise.people = {"ann": {EMAIL: ["ann@journey.example"], GIVEN_NAME: ["Ann"], "team": ["red"]}}
    _enterprise.encrypt = _enterprise.want_signed_requests = False
    _enterprise.save()
    return _enterprise


@pytest.fixture(scope="module")
def pysaml2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Idp]:
    with pysaml2_idp(tmp_path_factory.mktemp("pysaml2")) as idp:
        idp.people["ann"] = Account("Ann-7", {EMAIL: ["ann@journey.example"]})
        yield idp


@pytest.fixture(scope="module")
def callback() -> Iterator[str]:
    with app() as url:
        yield url


class Employee(Person):
    """Somebody who comes through the enterprise."""

    def __init__(self, driver: Any, site: Joined) -> None:
        super().__init__(driver, site.world.url, site.app.client)  # type: ignore[arg-type]
        self.site = site

    def press(self, selector: str = "button.primary") -> Employee:
        """Press it, and wait where that leads: over pages that send themselves on, too."""
        super().press(selector)
        self.wait(lambda: self.heading not in {"", "One moment"})
        return self

    def begin(self, **parameters: str) -> Employee:
        self.driver.get(self.site.app.url(**parameters))
        return self

    def sign_in_there(self, username: str = "ann", password: str = PASSWORD) -> Employee:
        """At the enterprise's page."""
        self.wait(lambda: THEIR_PAGE in self.driver.page_source)
        self.enter(username=username, password=password).press("#submit_button")
        return self

    def claims(self) -> dict[str, Any]:
        """The ID token's claims, for the code that came to the app."""
        code = self.given()["code"]
        response = self.site.app.exchange(code)
        assert response.status_code == 200, response.get_data(as_text=True)
        return self.site.app.id_claims(response.get_json()["id_token"])

    def given(self) -> dict[str, str]:
        """What the app was given."""
        return dict(parse_qsl(urlsplit(self.arrive()).query))


@pytest.fixture
def somebody(driver: Any) -> Iterator[Any]:
    """Makes an employee at a browser that knows nobody yet."""
    driver.delete_all_cookies()
    driver.get_log("browser")
    yield lambda site: Employee(driver, site)
    driver.delete_all_cookies()


# --- Coming -----------------------------------------------------------------------------------------------------------


def test_from_the_login_page_to_the_enterprise_and_back_to_the_app(
    world: World, enterprise: SimpleSamlPhp, somebody: Any, callback: str
) -> None:
    site = joined(world, enterprise, callback=callback, local=True)
    person = somebody(site).begin()
    assert person.heading == "Sign in"
    person.press("a[href*='/login/via']")
    person.sign_in_there("ann", "not the password").sign_in_there()
    claims = person.claims()
    assert claims["cognito:username"] == "Okta_ann"
    assert (claims["email"], claims["given_name"], claims["custom:team"]) == ("ann@journey.example", "Ann", "red")
    assert claims["identities"][0]["userId"] == "ann"
    assert person.complaints() == []

    # The next time neither we nor they ask for anything.
    assert person.begin(identity_provider="Okta").claims()["sub"] == claims["sub"]


def test_the_domain_of_an_address_leads_to_its_enterprise(
    world: World, enterprise: SimpleSamlPhp, somebody: Any, callback: str
) -> None:
    site = joined(world, enterprise, callback=callback, local=True, identifiers=["journey.example"])
    person = somebody(site).begin()
    person.enter(username="ann@journey.example").press()
    assert person.sign_in_there().claims()["cognito:username"] == "Okta_ann"
    assert person.complaints() == []


def test_encrypted_and_asked_for_with_a_signature(
    world: World, enterprise: SimpleSamlPhp, somebody: Any, callback: str
) -> None:
    enterprise.encrypt = enterprise.want_signed_requests = True
    enterprise.save()
    wanted = {"EncryptedResponses": "true", "RequestSigningAlgorithm": "rsa-sha256"}
    site = joined(world, enterprise, callback=callback, details=wanted)
    person = somebody(site).begin(identity_provider="Okta").sign_in_there()
    assert person.claims()["email"] == "ann@journey.example"
    assert person.complaints() == []


def test_from_the_enterprises_own_portal(world: World, enterprise: SimpleSamlPhp, somebody: Any, callback: str) -> None:
    site = joined(world, enterprise, callback=callback, details={"IDPInit": "true"})
    person = somebody(site)
    wanted = {
        "identity_provider": "Okta",
        "client_id": site.app.client.id,
        "redirect_uri": callback,
        "response_type": "code",
        "scope": "openid email",
    }
    start = urlencode({"spentityid": site.entity_id, "RelayState": urlencode(wanted)})
    person.driver.get(f"{enterprise.url}/saml2/idp/SSOService.php?{start}")
    assert person.sign_in_there().claims()["cognito:username"] == "Okta_ann"
    assert person.complaints() == []


def test_where_every_message_travels_by_a_form(world: World, somebody: Any, callback: str, tmp_path: Path) -> None:
    with pysaml2_idp(tmp_path, sso_by_redirect=False) as posting:
        posting.people["ann"] = Account("Ann-7", {EMAIL: ["ann@journey.example"]})
        site = joined(world, posting, callback=callback, local=True, details={"IDPSignout": "true"})
        person = somebody(site).begin().press("a[href*='/login/via']").enter(username="ann").press()
        assert person.claims()["cognito:username"] == "Okta_Ann-7"
        person.driver.get(f"{posting.url}/logout?{urlencode({'binding': POST})}")
        person.wait(lambda: person.heading == "You have signed out everywhere")
        assert person.begin(prompt="none").given()["error"] == "login_required"
        assert person.complaints() == []


def test_on_the_pools_own_host(world: World, enterprise: SimpleSamlPhp, somebody: Any, callback: str) -> None:
    site = joined(world, enterprise, callback=callback, local=True, details={"IDPSignout": "true"})
    site.pool.idp.create_user_pool_domain(UserPoolId=site.pool.id, Domain="enterprise")
    site.introduce()  # the consumer's address is another
    person, host = somebody(site), f"http://enterprise.localhost:{world.port}"
    person.driver.get(site.app.url().replace(site.pool.issuer, host))
    person.press("a[href*='/login/via']").sign_in_there()
    assert person.claims()["cognito:username"] == "Okta_ann"
    asked = {"client_id": site.app.client.id, "logout_uri": site.goodbye}
    person.driver.get(f"{host}/logout?{urlencode(asked)}")
    assert person.arrive().startswith(site.goodbye)
    # Whoever comes by the other address gets there all the same.
    assert person.begin(identity_provider="Okta").sign_in_there().claims()["cognito:username"] == "Okta_ann"
    assert person.complaints() == []


def test_what_changes_at_the_enterprise_is_in_the_next_token(
    world: World, enterprise: SimpleSamlPhp, somebody: Any, callback: str
) -> None:
    site = joined(world, enterprise, callback=callback)
    person = somebody(site).begin(identity_provider="Okta").sign_in_there()
    assert person.claims()["custom:team"] == "red"
    enterprise.people["ann"]["team"] = ["blue"]
    enterprise.save()
    person.begin(identity_provider="Okta", prompt="login").sign_in_there()
    assert person.claims()["custom:team"] == "blue"
    assert site.profile("ann")["custom:team"] == "blue"


# --- Not coming -------------------------------------------------------------------------------------------------------


def test_whoever_says_no_there_may_choose_again_or_go_back_to_the_app(
    world: World, pysaml2: Pysaml2Idp, somebody: Any, callback: str
) -> None:
    site = joined(world, pysaml2, callback=callback, local=True)
    person = somebody(site).begin(state="of-the-app")
    person.press("a[href*='/login/via']").press("button.no")
    assert person.heading == "You are not signed in"
    person.press("a.primary")
    assert person.heading == "Sign in"
    person.press("a[href*='/login/via']").press("button.no").press("a.secondary")
    told = person.given()
    assert (told["error"], told["state"], told["iss"]) == ("access_denied", "of-the-app", site.pool.issuer)
    assert person.complaints() == []


def test_an_app_that_named_the_provider_hears_at_once(
    world: World, pysaml2: Pysaml2Idp, somebody: Any, callback: str
) -> None:
    site = joined(world, pysaml2, callback=callback)
    person = somebody(site).begin(identity_provider="Okta").press("button.no")
    assert person.given()["error"] == "access_denied"


def test_an_answer_that_was_changed_on_the_way_gives_a_page_that_says_what_to_do(
    world: World, pysaml2: Pysaml2Idp, somebody: Any, callback: str
) -> None:
    site = joined(world, pysaml2, callback=callback, local=True)
    pysaml2.spoil = "ann@journey.example"
    person = somebody(site).begin().press("a[href*='/login/via']").enter(username="ann").press()
    assert person.heading == "Okta sent an answer that we cannot use"
    pysaml2.spoil = ""
    person.press("a.primary").press("a[href*='/login/via']")
    assert person.claims()["cognito:username"] == "Okta_Ann-7", "the provider still knows who it is"
    assert person.complaints() == []


def test_a_new_certificate_of_the_enterprise_counts_once_its_metadata_was_fetched(
    world: World, enterprise: SimpleSamlPhp, somebody: Any, callback: str
) -> None:
    site = joined(world, enterprise, callback=callback, local=True)
    enterprise.rotate()
    person = somebody(site).begin(identity_provider="Okta").sign_in_there()
    assert person.heading == "Okta sent an answer that we cannot use"
    with clock.moved(hours=7):
        documents.refresh_due(world.runtime)
    person.press("a.primary").press("a[href*='/login/via']")
    assert person.claims()["cognito:username"] == "Okta_ann"


# --- Going ------------------------------------------------------------------------------------------------------------


def test_signing_out_at_the_app_signs_out_at_the_enterprise(
    world: World, enterprise: SimpleSamlPhp, somebody: Any, callback: str
) -> None:
    site = joined(world, enterprise, callback=callback, details={"IDPSignout": "true"})
    person = somebody(site).begin(identity_provider="Okta").sign_in_there()
    person.arrive()
    asked = {"client_id": site.app.client.id, "logout_uri": site.goodbye}
    person.driver.get(f"{site.pool.issuer}/logout?{urlencode(asked)}")
    assert person.arrive().startswith(site.goodbye)
    person.begin(identity_provider="Okta").sign_in_there().arrive()
    assert person.complaints() == []


def test_signing_out_at_the_enterprise_signs_out_here(
    world: World, enterprise: SimpleSamlPhp, somebody: Any, callback: str
) -> None:
    site = joined(world, enterprise, callback=callback, local=True, details={"IDPSignout": "true"})
    person = somebody(site).begin(identity_provider="Okta").sign_in_there()
    person.arrive()
    assert "code" in person.begin(prompt="none").given()
    portal = callback.replace("/callback", "/portal")
    person.driver.get(f"{enterprise.url}/saml2/idp/initSLO.php?{urlencode({'RelayState': portal})}")
    assert person.arrive().startswith(portal)
    assert person.begin(prompt="none").given()["error"] == "login_required"
    assert person.complaints() == []


# --- To applications that speak only SAML -----------------------------------------------------------------------------


def test_a_person_of_the_pool_signs_in_to_a_saml_application_and_out_again(
    world: World, driver: Any, tmp_path: Path
) -> None:
    pool = world.pool()
    ann = pool.user(email="ann@application.example", email_verified="true", given_name="Ann")
    with pysaml2_sp(tmp_path) as sp:
        attributes = {"mail": "email", "givenName": "given_name"}
        made = introduced(pool, sp, tmp_path, Attributes=attributes, Encrypt=True)
        person = Person(driver, world.url, made.client)  # type: ignore[arg-type]
        driver.delete_all_cookies()
        driver.get_log("browser")
        driver.get(f"{sp.url}/login")
        assert person.heading == "Sign in"
        person.enter(username=ann.username, password=ann.password).press()
        person.wait(lambda: person.heading == "Welcome to the app")
        assert "EncryptedAssertion" in sp.responses[-1]
        assert sp.arrived[-1].attributes["mail"] == ["ann@application.example"]
        driver.get(f"{sp.url}/logout")
        person.wait(lambda: person.heading == "You have signed out everywhere")
        driver.get(f"{sp.url}/login")
        assert person.heading == "Sign in"
        assert person.complaints() == []


def test_from_a_saml_application_through_us_to_the_enterprise_and_all_the_way_back(
    world: World, enterprise: SimpleSamlPhp, somebody: Any, callback: str, tmp_path: Path
) -> None:
    site = joined(world, enterprise, callback=callback, local=True, details={"IDPSignout": "true"})
    with pysaml2_sp(tmp_path) as sp:
        made = introduced(site.pool, sp, tmp_path, Attributes={"mail": "email", "email_verified": "email_verified"})
        offered = ["COGNITO", site.name]
        site.pool.idp.update_user_pool_client(**made.ids, SupportedIdentityProviders=offered)
        person = somebody(site)
        person.driver.get(f"{sp.url}/login")
        person.press("a[href*='/login/via']").sign_in_there()
        person.arrive()
        assert sp.arrived[-1].attributes["mail"] == ["ann@journey.example"]
        person.driver.get(f"{sp.url}/logout")
        person.wait(lambda: person.heading == "You have signed out everywhere")
        person.driver.get(f"{sp.url}/login")
        person.press("a[href*='/login/via']")
        assert THEIR_PAGE in person.driver.page_source, "the enterprise's session is over, too"
        assert person.complaints() == []
