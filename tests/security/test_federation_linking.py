"""Accounts and the identities of providers: nobody gets into another's account by what a provider says.

Classes 46 to 49 of docs/security-tests.md; the promise of each test is its name.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from poolhouse.core import clock, unit
from poolhouse.federation import catalogue, links, offers, trip
from poolhouse.federation.arrive import OfferLink, arrive
from poolhouse.federation.connector import ExternalIdentity, NotOpen, Refused
from poolhouse.federation.trip import TripElsewhere, TripEnded, TripExpired, TripSpent
from poolhouse.signin.outcome import SignedIn
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Client
from poolhouse.users import directory
from tests.federation.vouching import Upstream, Vouching, somebody, totp_secret, upstream, vouching  # noqa: F401
from tests.fronts.refusals import refused
from tests.oidc import Browser, Page
from tests.world import PASSWORD, Person, World

VICTIM = "victim@linking.example"


@pytest.fixture
def proving(upstream: Upstream) -> Upstream:  # noqa: F811
    """A pool where accounts may be connected by proof."""
    upstream.prove()
    return upstream


@pytest.fixture
def victim(upstream: Upstream) -> Person:  # noqa: F811
    return upstream.pool.user("victim", email=VICTIM, email_verified="true")


def vouched(subject: str, address: str = VICTIM, **claims: Any) -> ExternalIdentity:
    """Somebody whose address the provider calls proven."""
    return somebody(subject, email=address, email_verified="true", **claims)


def offered(page: Page) -> bool:
    """Whether the browser stands before the page that offers to connect an account."""
    return page.ours and page.path.endswith("/login/connect")


def decline(browser: Browser) -> Page:
    """Go on without connecting."""
    form = next(form for form in browser.page.forms if "password" in form["fields"])
    return browser.go(form["action"], {**form["fields"], "do": "decline"})


def came_in(here: Upstream, page: Page) -> dict[str, Any]:
    """The ID token of whoever has come to the app."""
    assert not page.ours, f"{page.status} at {page.url}: {page.text[:600]}"
    return here.app.id_claims(here.app.exchange(page.given["code"]).get_json()["id_token"])


# --- 46: proof of an address is not proof of an account ---------------------------------------------------------------


def test_a_proven_address_leads_to_no_account_unless_the_pool_says_so(upstream: Upstream, victim: Person) -> None:  # noqa: F811
    claims = upstream.claims(vouched("mallory"))
    assert claims["sub"] != victim.sub
    assert upstream.user("victim")["Attributes"].get("identities") is None


def test_where_it_may_be_connected_the_account_has_to_be_signed_in_to(proving: Upstream, victim: Person) -> None:
    browser = Browser(proving.pool.world)
    assert offered(proving.come(vouched("v-1"), browser=browser))
    page = browser.submit(password="Wr0ng-Horse!")
    assert offered(page)
    assert proving.user("victim")["Attributes"].get("identities") is None
    claims = came_in(proving, browser.submit(password=PASSWORD))
    assert claims["sub"] == victim.sub
    assert claims["amr"] == ["pwd"]
    again = proving.claims(vouched("v-1"))
    assert (again["sub"], again["amr"]) == (victim.sub, ["fed"])
    assert [entry["userId"] for entry in again["identities"]] == ["v-1"]
    # The connection is of that one subject: the next with the address is asked again.
    assert offered(proving.come(vouched("v-2")))


def test_a_second_factor_is_asked_for_before_anything_is_connected(proving: Upstream, victim: Person) -> None:
    proving.pool.totp()
    victim.set_up_totp(proving.pool.client())
    browser = Browser(proving.pool.world)
    proving.come(vouched("v-3"), browser=browser)
    page = browser.submit(password=PASSWORD)
    assert page.path.endswith("/challenge")
    assert proving.user("victim")["Attributes"].get("identities") is None
    assert came_in(proving, browser.submit(code=victim.totp_code()))["sub"] == victim.sub
    assert proving.claims(vouched("v-3"))["sub"] == victim.sub


def test_who_declines_gets_an_account_of_their_own_and_no_alias(proving: Upstream, victim: Person) -> None:
    browser = Browser(proving.pool.world)
    proving.come(vouched("v-4"), browser=browser)
    assert came_in(proving, decline(browser))["cognito:username"] == "Okta_v-4"
    assert proving.claims(vouched("v-4"))["sub"] != victim.sub, "and is not asked again"


def test_nothing_is_offered_for_an_address_that_only_looks_like_an_accounts(world: World, vouching: Vouching) -> None:  # noqa: F811
    here = Upstream(world.pool(), vouching)
    here.provider()
    here.client()
    here.prove()
    idp, pool = here.pool.idp, here.pool.id
    here.pool.user("unproven", email="unproven@linking.example")
    here.pool.user("off", email="off@linking.example", email_verified="true")
    idp.admin_disable_user(UserPoolId=pool, Username="off")
    idp.admin_create_user(
        UserPoolId=pool,
        Username="invited",
        MessageAction="SUPPRESS",
        UserAttributes=[
            {"Name": "email", "Value": "invited@linking.example"},
            {"Name": "email_verified", "Value": "true"},
        ],
    )
    here.pool.user("one", email="two@linking.example", email_verified="true")
    here.pool.user("two", email="two@linking.example", email_verified="true")
    here.claims(vouched("external", "external@linking.example"))
    here.pool.user("proven", email="proven@linking.example", email_verified="true")
    for name in ("unproven", "off", "invited", "two", "external", "PROVEN", "proven+x"):
        assert not offered(here.come(vouched(f"1-{name}", f"{name}@linking.example"))), name
    unsaid = somebody("1-unsaid", email="proven@linking.example")
    assert not offered(here.come(unsaid)), "the provider does not call it proven"
    here.client(local=False)
    assert not offered(here.come(vouched("1-local", "proven@linking.example"))), "nobody could sign in to it here"
    here.client()
    assert offered(here.come(vouched("1-proven", "proven@linking.example")))


class Offer:
    """An offer as the domain makes it, without a page: for what no page of ours would do."""

    def __init__(self, here: Upstream, identity: ExternalIdentity, provider: str = "Okta") -> None:
        self.here, self.rt = here, here.pool.world.runtime
        with unit.open(self.rt):
            arrival = arrive(self.client, catalogue.get(self.client.pool, provider), identity)
            assert isinstance(arrival, OfferLink)
            self.handle = offers.pend(
                self.client.pool,
                catalogue.get(self.client.pool, provider),
                arrival,
                journey="journey",
                browser=b"browser",
            )

    @property
    def client(self) -> Client:
        return lookup.client(lookup.pool(self.here.pool.id), self.here.app.client.id)

    def signed_in(self, username: str, provider: str | None = None, amr: tuple[str, ...] = ("pwd",)) -> SignedIn:
        user = directory.named(self.client.pool, username)
        return SignedIn(user, self.client, clock.timestamp(), amr, provider)

    def complete(
        self, username: str = "victim", journey: str = "journey", browser: bytes = b"browser", **more: Any
    ) -> bool:
        with unit.open(self.rt):
            who = self.signed_in(username, **more)
            return offers.complete(self.client, self.handle, who, journey=journey, browser=browser)


def test_an_offer_is_of_one_account_one_journey_and_one_browser_and_used_once(
    proving: Upstream, victim: Person
) -> None:
    proving.pool.user("mallory")
    offer = Offer(proving, vouched("v-5"))
    assert not offer.complete("mallory"), "somebody else signed in"
    assert not offer.complete(provider="Entra"), "another provider's word is no proof either"
    assert not offer.complete(amr=("fed",))
    for where in ({"journey": "another"}, {"browser": b"another"}):
        with pytest.raises(TripElsewhere):
            offer.complete(**where)  # type: ignore[arg-type]
    with unit.open(offer.rt):
        assert links.of(offer.client.pool, victim.sub) == []
    assert offer.complete()
    with pytest.raises(TripSpent):
        offer.complete()
    with unit.open(offer.rt):
        assert [link.value for link in links.of(offer.client.pool, victim.sub)] == ["v-5"]


def test_an_offer_ends_with_its_time_and_with_its_provider(proving: Upstream, victim: Person) -> None:
    late, cut = Offer(proving, vouched("v-6")), Offer(proving, vouched("v-7"))
    with clock.moved(seconds=trip.SECONDS[trip.LINKING] + 1), pytest.raises(TripExpired):
        late.complete()
    proving.extend("Okta", enabled=False)
    with pytest.raises(NotOpen):
        cut.complete()
    proving.extend("Okta", enabled=True)
    with pytest.raises(NotOpen):
        cut.complete()
    with unit.open(cut.rt):
        assert links.of(cut.client.pool, victim.sub) == []


def test_an_identity_that_became_somebodys_meanwhile_is_connected_to_nobody(proving: Upstream, victim: Person) -> None:
    offer = Offer(proving, vouched("v-8"))
    proving.pool.user("other")
    proving.pool.idp.admin_link_provider_for_user(
        UserPoolId=proving.pool.id,
        DestinationUser={"ProviderName": "Cognito", "ProviderAttributeValue": "other"},
        SourceUser={
            "ProviderName": "Okta",
            "ProviderAttributeName": "Cognito_Subject",
            "ProviderAttributeValue": "v-8",
        },
    )
    with pytest.raises(Refused):
        offer.complete()
    assert proving.user("victim")["Attributes"].get("identities") is None


def test_two_providers_with_the_same_proven_address_never_reach_each_others_account(
    proving: Upstream, victim: Person
) -> None:
    proving.provider("Entra")
    proving.client()
    browser = Browser(proving.pool.world)
    proving.come(vouched("v-9"), browser=browser)
    assert came_in(proving, browser.submit(password=PASSWORD))["sub"] == victim.sub
    # The same subject and address at another provider: asked anew, and without the password somebody else.
    browser = Browser(proving.pool.world)
    assert offered(proving.come(vouched("v-9"), "Entra", browser=browser))
    other = came_in(proving, decline(browser))
    assert other["sub"] != victim.sub
    assert other["cognito:username"] == "Entra_v-9"


def test_a_trip_does_not_connect_and_an_offer_lets_nobody_in(proving: Upstream, victim: Person) -> None:
    offer = Offer(proving, vouched("v-10"))
    browser = Browser(proving.pool.world)
    state = proving.leave(browser=browser)
    for page in (
        proving.answer(browser, offer.handle, proving.connector.code(vouched("v-10"))),
        browser.go(f"{proving.pool.issuer}/login/via/back?trip={offer.handle}"),
    ):
        assert page.ours
        assert page.status in {400, 403, 404, 410}, page.status
    with unit.open(offer.rt), pytest.raises(TripEnded):
        offers.complete(offer.client, state, offer.signed_in("victim"), journey="journey", browser=b"browser")


# --- 47: nobody verifies their own address ----------------------------------------------------------------------------


def test_an_address_that_somebody_gave_themselves_is_not_the_providers_word(proving: Upstream, victim: Person) -> None:
    """An attacker writes the victim's address into a profile that came through a provider, and waits."""
    tokens = proving.tokens(vouched("mallory", "mallory@linking.example"), scope="openid aws.cognito.signin.user.admin")
    mine = [{"Name": "email", "Value": VICTIM}]
    proving.pool.idp.update_user_attributes(AccessToken=tokens["access_token"], UserAttributes=mine)
    profile = proving.user("Okta_mallory")["Attributes"]
    assert (profile["email"], profile["email_verified"]) == (VICTIM, "false")
    flags = [{"Name": "email_verified", "Value": "true"}]
    refused(
        proving.pool.idp.update_user_attributes,
        "InvalidParameterException",
        AccessToken=tokens["access_token"],
        UserAttributes=flags,
    )
    # What the provider says is what counts at the next sign-in.
    claims = proving.claims(vouched("mallory", "mallory@linking.example"))
    assert (claims["email"], claims["email_verified"]) == ("mallory@linking.example", True)


def test_an_account_that_was_made_with_anothers_address_does_not_catch_its_owner(proving: Upstream) -> None:
    """Pre-hijacking: an attacker signs up with the victim's address and a password, and waits for the victim."""
    client = proving.pool.client()
    proving.pool.idp.sign_up(
        ClientId=client.id,
        Username="trap",
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "owner@linking.example"}],
    )
    proving.pool.idp.admin_confirm_sign_up(UserPoolId=proving.pool.id, Username="trap")
    page = proving.come(vouched("owner", "owner@linking.example"))
    assert not offered(page)
    assert came_in(proving, page)["cognito:username"] == "Okta_owner"


# --- 48: a provider that is turned off, and answers that come again ---------------------------------------------------


def _turn_off(here: Upstream, how: str) -> None:
    if how == "disabled":
        here.extend("Okta", enabled=False)
    else:
        here.pool.idp.delete_identity_provider(UserPoolId=here.pool.id, ProviderName="Okta")


@pytest.mark.parametrize("how", ["disabled", "deleted"])
def test_what_was_begun_through_a_provider_ends_with_it_at_once(upstream: Upstream, how: str) -> None:  # noqa: F811
    upstream.provider("Entra")
    app = upstream.client()
    browser, other = Browser(upstream.pool.world), Browser(upstream.pool.world)
    tokens = upstream.tokens(somebody("a-1"), browser=browser)
    kept = upstream.tokens(somebody("b-1"), "Entra", browser=other)
    code = upstream.come(somebody("a-2")).given["code"]
    under_way = Browser(upstream.pool.world)
    state = upstream.leave(browser=under_way)

    _turn_off(upstream, how)

    assert upstream.app.refresh(tokens["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert upstream.app.userinfo(tokens["access_token"]).status_code == 401
    assert upstream.app.introspect(tokens["access_token"]) == {"active": False}
    assert upstream.app.introspect(tokens["refresh_token"]) == {"active": False}
    assert upstream.app.exchange(code).get_json()["error"] == "invalid_grant"
    assert browser.go(app.url()).ours, "the browser's session has ended"
    page = upstream.answer(under_way, state, upstream.connector.code(somebody("a-3")))
    assert page.ours
    assert "a-3" not in " ".join(upstream.usernames())
    page = Browser(upstream.pool.world).go(app.url(identity_provider="Okta"))
    assert page.ours or page.given["error"] == "invalid_request"
    # What came through another provider lives on.
    assert upstream.app.refresh(kept["refresh_token"]).status_code == 200
    assert not other.go(app.url()).ours


@pytest.mark.parametrize("how", ["disabled", "deleted"])
def test_a_provider_that_is_back_brings_back_nothing_that_has_ended(upstream: Upstream, how: str) -> None:  # noqa: F811
    browser = Browser(upstream.pool.world)
    tokens = upstream.tokens(somebody("c-1"), browser=browser)
    _turn_off(upstream, how)
    if how == "disabled":
        upstream.extend("Okta", enabled=True)
    else:
        upstream.provider("Okta")
    assert upstream.app.refresh(tokens["refresh_token"]).status_code == 400
    assert upstream.app.userinfo(tokens["access_token"]).status_code == 401
    assert browser.go(upstream.app.url()).ours
    fresh = upstream.tokens(somebody("c-1"))
    assert upstream.app.refresh(fresh["refresh_token"]).status_code == 200


@pytest.mark.parametrize("how", ["disabled", "deleted", "parted"])
def test_an_access_token_that_knows_no_family_ends_with_the_provider_too(upstream: Upstream, how: str) -> None:  # noqa: F811
    app = upstream.client(EnableTokenRevocation=False)
    access = upstream.tokens(somebody("i-1"))["access_token"]
    assert app.userinfo(access).status_code == 200
    if how == "parted":
        who = {"ProviderName": "Okta", "ProviderAttributeName": "Cognito_Subject", "ProviderAttributeValue": "i-1"}
        upstream.pool.idp.admin_disable_provider_for_user(UserPoolId=upstream.pool.id, User=who)
    else:
        _turn_off(upstream, how)
    assert app.userinfo(access).status_code == 401


def test_changing_a_provider_ends_nothing(upstream: Upstream) -> None:  # noqa: F811
    tokens = upstream.tokens(somebody("d-1"))
    upstream.extend("Okta", label="Our Okta")
    upstream.pool.idp.update_identity_provider(
        UserPoolId=upstream.pool.id, ProviderName="Okta", AttributeMapping={"name": "name"}
    )
    assert upstream.app.refresh(tokens["refresh_token"]).status_code == 200


def test_a_provider_turned_off_while_somebody_is_asked_for_a_second_factor_lets_nobody_in(
    upstream: Upstream,  # noqa: F811
) -> None:
    upstream.pool.totp("ON")
    upstream.client(settings={"mfa_after_federation": True})
    browser = Browser(upstream.pool.world)
    page = upstream.come(somebody("e-1"), browser=browser)
    assert page.path.endswith("/challenge")
    person = Person(upstream.pool, "Okta_e-1", "", "")
    person.totp_secret = totp_secret(page)
    upstream.extend("Okta", enabled=False)
    assert browser.submit(code=person.totp_code()).ours
    assert browser.go(upstream.app.url()).ours


def test_an_answer_counts_once_and_for_the_browser_that_was_sent(upstream: Upstream) -> None:  # noqa: F811
    mine, theirs = Browser(upstream.pool.world), Browser(upstream.pool.world)
    state = upstream.leave(browser=mine)
    code = upstream.connector.code(somebody("f-1"))
    # Another browser brings the answer: it is asked to go away, and is nobody.
    page = upstream.answer(theirs, state, code)
    assert page.ours
    assert theirs.go(upstream.app.url()).ours
    # And it counts no more, wherever it comes to.
    page = upstream.answer(mine, state, upstream.connector.code(somebody("f-1")))
    assert page.ours
    assert mine.go(upstream.app.url()).ours


def test_a_session_through_one_apps_provider_is_no_way_into_an_app_that_does_not_offer_it(
    upstream: Upstream,  # noqa: F811
) -> None:
    open_to_all = upstream.client()
    browser = Browser(upstream.pool.world)
    upstream.come(somebody("g-1"), browser=browser)
    assert not browser.go(open_to_all.url()).ours
    upstream.names.remove("Okta")
    upstream.provider("Entra")
    closed = upstream.client(local=False)
    page = browser.go(closed.url())
    assert page.ours or page.url.startswith("https://upstream.example/Entra"), page.url
    page = browser.go(closed.url(prompt="none"))
    assert page.given["error"] == "login_required"


def test_a_session_without_a_second_factor_is_no_way_into_an_app_that_demands_one(upstream: Upstream) -> None:  # noqa: F811
    """The provider's word was enough for one app, and its session must not be for the other."""
    upstream.pool.totp("ON")
    lax, browser = upstream.client(), Browser(upstream.pool.world)
    upstream.come(somebody("h-1"), browser=browser)
    assert "code" in browser.go(lax.url()).given
    strict = upstream.client(settings={"mfa_after_federation": True})
    assert browser.go(strict.url(prompt="none")).given["error"] == "login_required"
    page = upstream.come(somebody("h-1"), browser=browser)
    assert page.path.endswith("/challenge")
    person = Person(upstream.pool, "Okta_h-1", "", "", totp_secret=totp_secret(page))
    assert "code" in browser.submit(code=person.totp_code()).given
    for app in (strict, lax):
        assert "code" in browser.go(app.url(prompt="none")).given


# --- 49: addresses that are two ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "victim@linking.example@evil.example",
        "evil@evil.example,victim@linking.example",
        "victim@linking.example evil@evil.example",
        "victim@linking.example\nBcc: evil@evil.example",
        "victim@linking.example\x00@evil.example",
        ("victim@linking.example", "evil@evil.example"),
    ],
)
def test_an_address_with_more_than_one_address_in_it_is_none(
    proving: Upstream,
    victim: Person,
    address: Any,
) -> None:
    identity = replace(vouched("mallory"), claims={"email": address, "email_verified": "true"})
    told = proving.refused(identity)
    assert told["error"] == "invalid_request"
    assert proving.usernames() == ["victim"]


# --- Everything at once -----------------------------------------------------------------------------------------------


def test_whatever_happens_to_one_identity_at_the_same_moment_is_answered(upstream: Upstream) -> None:  # noqa: F811
    """Nobody waits for one another for ever, nothing is half done, and one identity is one user's."""
    idp, pool, world = upstream.pool.idp, upstream.pool.id, upstream.pool.world
    idp.create_group(UserPoolId=pool, GroupName="engineers")
    upstream.extend("Okta", groups_attribute="groups", group_mapping={"eng": "engineers"})
    who = {"ProviderName": "Okta", "ProviderAttributeName": "Cognito_Subject", "ProviderAttributeValue": "busy"}
    statuses: list[int] = []

    def arriving(number: int) -> None:
        browser = Browser(world)
        state = upstream.leave(browser=browser)
        identity = somebody("busy", name=f"Busy {number}", groups=("eng",) if number % 2 else ())
        page = upstream.answer(browser, state, upstream.connector.code(identity))
        statuses.append(page.status if page.ours else 302)

    def administering(number: int) -> None:
        calls = (
            lambda: idp.admin_disable_provider_for_user(UserPoolId=pool, User=who),
            lambda: idp.admin_delete_user(UserPoolId=pool, Username="Okta_busy"),
            lambda: idp.admin_link_provider_for_user(
                UserPoolId=pool,
                DestinationUser={"ProviderName": "Cognito", "ProviderAttributeValue": "local"},
                SourceUser=who,
            ),
            lambda: idp.admin_update_user_attributes(
                UserPoolId=pool, Username="local", UserAttributes=[{"Name": "name", "Value": str(number)}]
            ),
        )
        try:
            calls[number % len(calls)]()
        except ClientError as error:
            statuses.append(error.response["ResponseMetadata"]["HTTPStatusCode"])

    upstream.pool.user("local")
    with ThreadPoolExecutor(8) as threads:
        jobs = [threads.submit(arriving if n % 2 else administering, n // 2) for n in range(48)]
        for job in jobs:
            job.result()
    assert max(statuses) < 500, statuses
    with unit.open(world.runtime):
        here = lookup.pool(pool)
        found = links.get(here, "Okta", "Cognito_Subject", "busy")
        assert found is None or directory.by_sub(pool, found.sub) is not None
    claims = upstream.claims(somebody("busy"))
    told = [(entry["providerName"], entry["userId"]) for entry in claims["identities"]]
    assert told == [("Okta", "busy")]
