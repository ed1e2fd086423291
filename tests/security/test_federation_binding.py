"""Who a provider's word is for: this browser, this journey, this identity, and only as long as it is theirs.

Classes 46, 48 and 56 of docs/security-tests.md; the promise of each test is its name.
"""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.federation.vouching import Upstream, Vouching, somebody, upstream, vouching  # noqa: F401
from tests.fronts.refusals import refused
from tests.oidc import CALLBACK, Browser, Page
from tests.world import PASSWORD, Person, World

VICTIM = "victim@binding.example"


def named(value: str, attribute: str = "Cognito_Subject") -> dict[str, str]:
    """A person of Okta, as administrators name them."""
    return {"ProviderName": "Okta", "ProviderAttributeName": attribute, "ProviderAttributeValue": value}


def link(here: Upstream, username: str, source: dict[str, str]) -> None:
    """AdminLinkProviderForUser."""
    local = {"ProviderName": "Cognito", "ProviderAttributeValue": username}
    here.pool.idp.admin_link_provider_for_user(UserPoolId=here.pool.id, DestinationUser=local, SourceUser=source)


# --- Sent unasked -----------------------------------------------------------------------------------------------------


@pytest.fixture
def enterprise(world: World, vouching: Vouching) -> Upstream:  # noqa: F811
    """A pool with a SAML provider that may begin, where accounts may be connected by proof."""
    made = Upstream(world.pool(), vouching)
    made.provider(type_="SAML")
    made.client()
    made.prove()
    return made


@pytest.fixture
def victim(enterprise: Upstream) -> Person:
    return enterprise.pool.user("victim", email=VICTIM, email_verified="true")


def unasked(here: Upstream, code: str) -> dict[str, str]:
    """The form with an answer of the provider that nobody asked for."""
    relayed = {
        "identity_provider": "Okta",
        "client_id": here.app.client.id,
        "redirect_uri": here.app.redirect_uri,
        "response_type": "code",
        "scope": "openid",
    }
    return {"RelayState": urlencode(relayed), "code": code}


def sent_unasked(here: Upstream, browser: Browser, code: str) -> Page:
    """What any page in the world can make a browser do."""
    return browser.go(f"{here.pool.issuer}/saml2/idpresponse", unasked(here, code))


def test_nobody_is_offered_to_connect_an_account_to_an_identity_that_came_unasked(
    enterprise: Upstream, victim: Person
) -> None:
    """Mallory's assertion, posted by Mallory's page in the victim's browser, may not wait for the victim's password."""
    mallory = somebody("mallory", email=VICTIM, email_verified="true")
    browser = Browser(enterprise.pool.world)
    page = sent_unasked(enterprise, browser, enterprise.connector.code(mallory))
    assert page.url.startswith("https://upstream.example/Okta?"), "the provider is asked who is at this browser"
    state = page.given["state"]
    herself = somebody("v-1", email=VICTIM, email_verified="true")
    asked = enterprise.answer(browser, state, enterprise.connector.code(herself), "Okta")
    assert asked.path.endswith("/login/connect")
    page = browser.submit(password=PASSWORD)
    assert page.url.startswith(CALLBACK)
    entries = enterprise.user("victim")["Attributes"]["identities"]
    assert '"v-1"' in entries
    assert "mallory" not in entries


def test_who_comes_unasked_and_has_nothing_to_connect_comes_in(enterprise: Upstream) -> None:
    page = sent_unasked(enterprise, Browser(enterprise.pool.world), enterprise.connector.code(somebody("u-1")))
    assert page.url.startswith(CALLBACK)
    assert "code" in page.given
    assert enterprise.usernames() == ["Okta_u-1"]


def test_who_came_unasked_before_the_provider_was_turned_off_stays_out_when_it_is_back(enterprise: Upstream) -> None:
    browser = Browser(enterprise.pool.world)
    form = unasked(enterprise, enterprise.connector.code(somebody("u-2")))
    there = {"path": f"/{enterprise.pool.id}/saml2/idpresponse", "base_url": enterprise.pool.world.url}
    way = browser.http.post(**there, data=form).headers["Location"]
    for enabled in (False, True):
        enterprise.extend("Okta", enabled=enabled)
    assert browser.go(way).status == 400
    assert enterprise.usernames() == []
    assert sent_unasked(enterprise, browser, enterprise.connector.code(somebody("u-3"))).given["code"]


# --- Whose identity ---------------------------------------------------------------------------------------------------


def test_an_attribute_that_reads_like_anothers_subject_changes_nobodys_identity(upstream: Upstream) -> None:  # noqa: F811
    first = upstream.claims(somebody("ann@binding.example", name="Ann"))["sub"]
    for address in (f"bob-{number}@binding.example" for number in range(6)):
        mine = upstream.claims(somebody(address, name="Bob"))["sub"]
        assert upstream.claims(somebody(address, name="ann@binding.example"))["sub"] == mine != first
    assert upstream.claims(somebody("ann@binding.example", name="bob-1@binding.example"))["sub"] == first


def test_a_link_that_waits_for_an_address_is_not_of_one_that_the_provider_calls_unproven(
    upstream: Upstream,  # noqa: F811
) -> None:
    local = upstream.pool.user("elsa")
    link(upstream, "elsa", named("elsa@binding.example", "email"))
    said = {"email": "elsa@binding.example"}
    assert upstream.claims(somebody("mallory", **said, email_verified="false"))["sub"] != local.sub
    assert upstream.claims(somebody("e-1", **said, email_verified="true"))["sub"] == local.sub


def test_what_users_are_called_after_is_not_what_they_are_known_by(
    world: World,
    vouching: Vouching,  # noqa: F811
) -> None:
    """A link by the claim that ``username`` is mapped from would be of whoever has that value as their subject."""
    here = Upstream(world.pool(), vouching)
    here.provider(mapping={"username": "login"})
    here.client()
    local = here.pool.user("gina")
    with pytest.raises(here.pool.idp.exceptions.InvalidParameterException):
        link(here, "gina", named("gina-at-okta", "login"))
    assert here.claims(somebody("gina-at-okta", login="mallory"))["sub"] != local.sub
    link(here, "gina", named("g-7", "sub"))
    assert here.claims(somebody("g-7", login="gina-at-okta"))["sub"] == local.sub


def test_a_code_of_an_identity_that_was_parted_opens_nothing(upstream: Upstream) -> None:  # noqa: F811
    upstream.pool.user("carlos")
    link(upstream, "carlos", named("c-1"))
    page = upstream.come(somebody("c-1"))
    code = page.given["code"]
    upstream.pool.idp.admin_disable_provider_for_user(UserPoolId=upstream.pool.id, User=named("c-1"))
    response = upstream.app.exchange(code)
    assert (response.status_code, response.get_json()["error"]) == (400, "invalid_grant")


def test_parting_one_of_two_identities_at_a_provider_ends_what_came_of_it(upstream: Upstream) -> None:  # noqa: F811
    upstream.pool.user("dora")
    for subject in ("d-1", "d-2"):
        link(upstream, "dora", named(subject))
    browser = Browser(upstream.pool.world)
    upstream.tokens(somebody("d-1"), browser=browser)
    code = browser.go(upstream.app.url()).given["code"]
    upstream.pool.idp.admin_disable_provider_for_user(UserPoolId=upstream.pool.id, User=named("d-1"))
    assert upstream.app.exchange(code).get_json()["error"] == "invalid_grant"
    assert browser.go(upstream.app.url()).ours
    assert upstream.claims(somebody("d-2"))["cognito:username"] == "dora"


# --- Names ------------------------------------------------------------------------------------------------------------


def test_nobody_is_found_by_anothers_sub_whatever_they_or_a_provider_call_them(
    world: World,
    vouching: Vouching,  # noqa: F811
) -> None:
    """Back ends name people by their sub: whoever had it as an alias would be given what was meant for another."""
    here = Upstream(world.pool(AliasAttributes=["preferred_username"]), vouching)
    here.provider(mapping={"preferred_username": "login"})
    here.client()
    victim, mallory = here.pool.user("victim"), here.pool.user("mallory")
    for spelling in (victim.sub, victim.sub.upper()):
        assert "preferred_username" not in here.claims(somebody(f"m-{spelling}", login=spelling))
        refused(
            here.pool.idp.update_user_attributes,
            "AliasExistsException",
            AccessToken=here.pool.client().tokens(mallory)["AccessToken"],
            UserAttributes=[{"Name": "preferred_username", "Value": spelling}],
        )
        refused(
            here.pool.idp.admin_create_user,
            "UsernameExistsException",
            UserPoolId=here.pool.id,
            Username=spelling,
            MessageAction="SUPPRESS",
        )
    assert here.user(victim.sub)["Username"] == "victim"
    own = [{"Name": "preferred_username", "Value": mallory.sub}]
    here.pool.idp.admin_update_user_attributes(UserPoolId=here.pool.id, Username="mallory", UserAttributes=own)
