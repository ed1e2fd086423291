"""People of an enterprise sign in through its SAML provider (pysaml2's): from the app, and back to it with tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests

from poolhouse.core import clock
from poolhouse.federation import documents
from tests.saml.enterprise import EMAIL, GIVEN_NAME, Joined, joined, ours
from tests.saml.pysaml2_idp import Account, Pysaml2Idp, pysaml2_idp, start_url
from tests.saml.surfer import Surfer
from tests.world import World

SIGN_IN = "Sign in at the enterprise"
# What no engine makes a difference to.
one_engine = pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")


def ann(**more: list[str]) -> Account:
    return Account("Ann-7", {EMAIL: ["ann@saml.example"], GIVEN_NAME: ["Ann"], "team": ["red"], **more})


@pytest.fixture(scope="module")
def _idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Idp]:
    with pysaml2_idp(tmp_path_factory.mktemp("pysaml2")) as idp:
        yield idp


@pytest.fixture
def provider(_idp: Pysaml2Idp) -> Pysaml2Idp:
    """The provider, as it is by default."""
    _idp.sign_assertion, _idp.sign_response, _idp.encrypt, _idp.spoil = True, False, False, ""
    _idp.people = {"ann": ann()}
    return _idp


@pytest.fixture
def person() -> Surfer:
    return Surfer()


def arrive(site: Joined, person: Surfer, username: str = "ann", **more: str | None) -> Surfer:
    """From the app to the provider, and back."""
    site.leave(person, **more)
    if SIGN_IN in person.text:
        person.submit(username=username, do="in")
    return person


# --- Coming -----------------------------------------------------------------------------------------------------------


@one_engine
@pytest.mark.parametrize("signed", ["assertion", "response", "both"])
@pytest.mark.parametrize("encrypt", [False, True], ids=["clear", "encrypted"])
def test_the_app_gets_tokens_and_the_profile_what_was_mapped(
    world: World, provider: Pysaml2Idp, person: Surfer, signed: str, encrypt: bool
) -> None:
    site = joined(world, provider, details={"EncryptedResponses": "true"} if encrypt else {})
    provider.sign_assertion, provider.sign_response = signed != "response", signed != "assertion"
    provider.encrypt = encrypt
    site.leave(person)
    assert SIGN_IN in person.text
    asked = provider.requests[-1]
    assert asked.issuer.text == site.entity_id
    assert asked.assertion_consumer_service_url == f"{site.pool.issuer}/saml2/idpresponse"
    person.submit(username="ann", do="in")
    assert ("EncryptedAssertion" in provider.responses[-1]) is encrypt

    tokens = site.tokens(person)
    claims = site.app.id_claims(tokens["id_token"])
    assert claims["cognito:username"] == "Okta_Ann-7"
    assert claims["email"] == "ann@saml.example"
    assert claims["email_verified"] is False
    assert (claims["given_name"], claims["custom:team"]) == ("Ann", "red")
    assert claims["cognito:groups"] == [f"{site.pool.id}_Okta"]
    (identity,) = claims["identities"]
    assert (identity["userId"], identity["providerName"], identity["providerType"]) == ("Ann-7", "Okta", "SAML")
    assert identity["issuer"] == provider.entity_id

    profile = site.profile("Ann-7")
    assert profile["status"] == "EXTERNAL_PROVIDER"
    assert (profile["email"], profile["given_name"], profile["custom:team"]) == ("ann@saml.example", "Ann", "red")
    assert json.loads(profile["identities"])[0]["userId"] == "Ann-7"
    assert site.app.refresh(tokens["refresh_token"]).status_code == 200
    assert site.app.userinfo(tokens["access_token"]).get_json()["username"] == "Okta_Ann-7"


@one_engine
def test_metadata_as_a_file_does_as_well(world: World, provider: Pysaml2Idp, person: Surfer) -> None:
    site = joined(world, provider, by_file=True)
    assert site.claims(arrive(site, person))["cognito:username"] == "Okta_Ann-7"


@one_engine
def test_where_responses_must_be_encrypted_a_clear_one_is_refused(
    world: World, provider: Pysaml2Idp, person: Surfer
) -> None:
    site = joined(world, provider, details={"EncryptedResponses": "true"})
    provider.encrypt = False
    assert_broken(site, arrive(site, person))


def test_one_request_one_arrival_and_the_next_is_the_same_user(
    world: World, provider: Pysaml2Idp, person: Surfer
) -> None:
    site = joined(world, provider)
    first = site.claims(arrive(site, person))
    again = site.claims(arrive(site, Surfer()))
    assert first["sub"] == again["sub"]
    provider.people["other"] = Account("ann-7", {EMAIL: ["ann@saml.example"]})
    other = site.claims(arrive(site, Surfer(), "other"))
    assert other["sub"] != first["sub"], "a NameID in other letters is somebody else"
    assert other["cognito:username"] == "Okta_ann-7"


@one_engine
def test_signed_requests_are_understood_where_nothing_else_is_taken(
    world: World, person: Surfer, tmp_path: Path
) -> None:
    with pysaml2_idp(tmp_path, want_signed_requests=True) as strict:
        strict.people["ann"] = ann()
        site = joined(world, strict, details={"RequestSigningAlgorithm": "rsa-sha256"})
        assert site.claims(arrive(site, person))["cognito:username"] == "Okta_Ann-7"


@one_engine
def test_a_provider_that_takes_requests_by_form_alone(world: World, person: Surfer, tmp_path: Path) -> None:
    with pysaml2_idp(tmp_path, want_signed_requests=True, sso_by_redirect=False) as strict:
        strict.people["ann"] = ann()
        site = joined(world, strict, details={"RequestSigningAlgorithm": "rsa-sha256"})
        assert site.claims(arrive(site, person))["cognito:username"] == "Okta_Ann-7"
        assert any(step.method == "POST" and step.url == f"{strict.url}/sso" for step in person.way)


@one_engine
def test_prompt_login_has_the_provider_ask_again(world: World, provider: Pysaml2Idp, person: Surfer) -> None:
    site = joined(world, provider)
    arrive(site, person)
    site.leave(person)
    assert person.left is not None, "nobody had to sign in a second time"
    site.leave(person, prompt="login")
    assert SIGN_IN in person.text
    assert provider.requests[-1].force_authn == "true"


# --- What changes upstream --------------------------------------------------------------------------------------------


def test_what_changes_upstream_changes_in_the_profile_with_the_next_sign_in(
    world: World, provider: Pysaml2Idp, person: Surfer
) -> None:
    site = joined(world, provider)
    arrive(site, person)
    provider.people["ann"] = ann(team=["blue", "green"])
    provider.people["ann"].attributes[EMAIL] = ["ann.bell@saml.example"]
    claims = site.claims(arrive(site, Surfer()))
    assert claims["email"] == "ann.bell@saml.example"
    assert claims["custom:team"] == "[blue, green]"
    assert site.profile("Ann-7")["email"] == "ann.bell@saml.example"


@pytest.mark.parametrize("on_missing", ["keep", "remove"])
def test_what_is_removed_upstream_goes_as_the_provider_is_set(
    world: World, provider: Pysaml2Idp, person: Surfer, tmp_path: Path, on_missing: str
) -> None:
    site = joined(world, provider)
    if on_missing == "remove":
        site.extend(tmp_path, OnMissing="remove")
    arrive(site, person)
    assert site.profile("Ann-7")["custom:team"] == "red"
    del provider.people["ann"].attributes["team"]
    claims = site.claims(arrive(site, Surfer()))
    assert ("custom:team" in claims) is (on_missing == "keep")
    assert ("custom:team" in site.profile("Ann-7")) is (on_missing == "keep")


def test_groups_follow_the_provider(world: World, provider: Pysaml2Idp, person: Surfer, tmp_path: Path) -> None:
    site = joined(world, provider)
    for group in ("engineers", "admins", "by-hand"):
        site.pool.idp.create_group(UserPoolId=site.pool.id, GroupName=group)
    site.extend(tmp_path, GroupsAttribute="groups", GroupMapping={"Eng": "engineers", "Ops": "admins"})
    provider.people["ann"] = ann(groups=["Eng", "Ops", "Golf"])
    own = f"{site.pool.id}_Okta"
    assert set(site.claims(arrive(site, person))["cognito:groups"]) == {"engineers", "admins", own}
    site.pool.idp.admin_add_user_to_group(UserPoolId=site.pool.id, Username="Okta_Ann-7", GroupName="by-hand")
    provider.people["ann"] = ann(groups=["Eng"])
    assert set(site.claims(arrive(site, Surfer()))["cognito:groups"]) == {"engineers", "by-hand", own}
    provider.people["ann"] = ann()
    arrive(site, Surfer())
    assert site.groups("Ann-7") == {"by-hand", own}


@pytest.mark.parametrize("noticed", ["in the background", "by a signature that does not fit", "by an update"])
def test_a_new_certificate_counts_once_the_metadata_was_fetched_again(
    world: World, person: Surfer, tmp_path: Path, noticed: str
) -> None:
    with pysaml2_idp(tmp_path) as rotating:
        rotating.people["ann"] = ann()
        site = joined(world, rotating)
        arrive(site, person)
        rotating.rotate()
        assert_broken(site, arrive(site, Surfer()))
        if noticed == "by a signature that does not fit":
            with clock.moved(minutes=6):  # nobody can have us ask more often
                assert site.tokens(arrive(site, Surfer()))
        elif noticed == "by an update":
            site.update(ProviderDetails={"MetadataURL": rotating.metadata_url})
        else:
            with clock.moved(hours=7):
                documents.refresh_due(world.runtime)
        assert site.claims(arrive(site, Surfer()))["cognito:username"] == "Okta_Ann-7"
        rotating.close()
        with clock.moved(hours=14):
            documents.refresh_due(world.runtime)
        with pytest.raises(requests.ConnectionError, match="/sso"):  # where the last good copy says
            site.leave(Surfer())


def test_our_own_keys_change_without_anybody_noticing(world: World, person: Surfer, tmp_path: Path) -> None:
    with pysaml2_idp(tmp_path, want_signed_requests=True) as strict:
        strict.people["ann"], strict.encrypt = ann(), True
        site = joined(world, strict, details={"EncryptedResponses": "true"})
        console = ours(world, tmp_path)
        before = site.metadata()
        console.rotate_saml_key(UserPoolId=site.pool.id)
        console.rotate_saml_key(UserPoolId=site.pool.id, ProviderName=site.name)
        assert site.metadata().count(b"<ds:X509Certificate>") == 2 * before.count(b"<ds:X509Certificate>")
        assert site.tokens(arrive(site, person)), "the provider has not read of it yet"
        site.introduce()
        assert site.tokens(arrive(site, Surfer())), "it encrypts to one of two keys"
        with clock.moved(days=2):
            site.leave(Surfer())
            assert len(strict.requests) == 3, "the new key signs, and the provider knows it"


# --- Refused ----------------------------------------------------------------------------------------------------------


def assert_broken(site: Joined, person: Surfer, error: str = "access_denied") -> None:
    """A page says what to do; the app hears of it when the person goes back there."""
    assert person.left is None, f"the app got {person.left}"
    assert 400 <= person.status < 500, f"{person.status} at {person.url}: {person.text[:1500]}"
    person.press("secondary")
    assert person.left is not None
    assert (person.left["error"], person.left["iss"]) == (error, site.pool.issuer)
    assert person.left["state"]
    assert person.left["error_description"]


@one_engine
def test_no_at_the_provider_is_an_error_for_the_app_that_sent_somebody_there(
    world: World, provider: Pysaml2Idp, person: Surfer
) -> None:
    site = joined(world, provider)
    site.leave(person, state="of-the-app")
    person.submit(username="", do="no")
    assert person.left is not None
    assert (person.left["error"], person.left["state"]) == ("access_denied", "of-the-app")
    assert person.left["iss"] == site.pool.issuer


@one_engine
def test_no_at_the_provider_leads_back_to_the_choice_of_whoever_chose_it(
    world: World, provider: Pysaml2Idp, person: Surfer
) -> None:
    site = joined(world, provider, local=True)
    person.go(site.app.url())
    person.go(next(link for link in person.links if "/login/via" in link)).submit(username="", do="no")
    assert "You are not signed in" in person.text
    person.press("primary")
    assert "/login/via" in person.text
    person.go(next(link for link in person.links if "/login/via" in link)).submit(username="ann", do="in")
    assert site.claims(person)["cognito:username"] == "Okta_Ann-7"


@one_engine
def test_a_response_that_was_changed_on_the_way_is_refused(world: World, provider: Pysaml2Idp, person: Surfer) -> None:
    site = joined(world, provider)
    provider.spoil = "ann@saml.example"
    assert_broken(site, arrive(site, person))
    with pytest.raises(site.pool.idp.exceptions.UserNotFoundException):
        site.profile("Ann-7")


def test_an_answer_counts_once(world: World, provider: Pysaml2Idp, person: Surfer) -> None:
    site = joined(world, provider)
    arrive(site, person)
    answer = next(step for step in person.way if step.url.endswith("/saml2/idpresponse"))
    person.go(answer.url, answer.form)
    assert person.left is None
    assert 400 <= person.status < 500


@one_engine
def test_an_answer_brought_by_another_browser_signs_nobody_in(
    world: World, provider: Pysaml2Idp, person: Surfer
) -> None:
    site = joined(world, provider)
    site.leave(person)
    attacker, victim = person, Surfer()
    handle = attacker.forms[0]["fields"]["handle"]
    victim.go(f"{provider.url}/login", {"handle": handle, "username": "ann", "do": "in"})
    assert victim.left is None
    assert 400 <= victim.status < 500


def test_a_disabled_user_and_a_disabled_provider_stay_out(
    world: World, provider: Pysaml2Idp, person: Surfer, tmp_path: Path
) -> None:
    site = joined(world, provider)
    tokens = site.tokens(arrive(site, person))
    site.pool.idp.admin_disable_user(UserPoolId=site.pool.id, Username="Okta_Ann-7")
    assert_broken(site, arrive(site, Surfer()))
    site.pool.idp.admin_enable_user(UserPoolId=site.pool.id, Username="Okta_Ann-7")
    tokens = site.tokens(arrive(site, Surfer()))
    waiting = site.leave(Surfer())
    site.extend(tmp_path, Enabled=False)
    assert waiting.submit(username="ann", do="in").left is None, "somebody under way stays out, too"
    assert site.app.refresh(tokens["refresh_token"]).status_code == 400
    site.leave(person)
    assert person.left is not None
    assert (person.left["error"], person.left["iss"]) == ("invalid_request", site.pool.issuer)
    site.extend(tmp_path)
    assert site.claims(arrive(site, person))["cognito:username"] == "Okta_Ann-7"
    site.pool.idp.delete_identity_provider(UserPoolId=site.pool.id, ProviderName="Okta")
    site.leave(person)
    assert person.left is None or "error" in person.left


@one_engine
def test_somebody_without_what_the_pool_requires_stays_out_until_the_provider_says_it(
    world: World, provider: Pysaml2Idp, person: Surfer
) -> None:
    site = joined(world, provider, schema=[{"Name": "given_name", "Required": True, "Mutable": True}])
    del provider.people["ann"].attributes[GIVEN_NAME]
    arrive(site, person)
    assert "lack something" in person.text, "the page says what it may be"
    assert_broken(site, person, "invalid_request")
    provider.people["ann"] = ann()
    assert site.claims(arrive(site, person))["given_name"] == "Ann"


@one_engine
@pytest.mark.parametrize(
    ("name_id", "name_id_format"),
    [
        ("ann@saml.example", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"),
        ("CN=Ann Bell,OU=Staff", "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"),
        ("änne", "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"),
        ("a" * 256, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"),
    ],
    ids=["address", "distinguished name", "beyond ASCII", "long"],
)
def test_people_may_be_called_as_their_provider_likes(
    world: World, provider: Pysaml2Idp, person: Surfer, name_id: str, name_id_format: str
) -> None:
    site = joined(world, provider)
    provider.people["ann"].name_id, provider.people["ann"].name_id_format = name_id, name_id_format
    first = site.claims(arrive(site, person))
    assert first["identities"][0]["userId"] == name_id
    assert site.claims(arrive(site, Surfer()))["sub"] == first["sub"]


# --- Begun by the provider --------------------------------------------------------------------------------------------


def relay_state(site: Joined, **more: str) -> str:
    """RelayState as Cognito wants it of a provider that begins."""
    given = {
        "identity_provider": site.name,
        "client_id": site.app.client.id,
        "redirect_uri": site.app.redirect_uri,
        "response_type": "code",
        "scope": "openid email",
        **more,
    }
    return urlencode(given)


def test_where_it_is_allowed_the_provider_may_begin(world: World, provider: Pysaml2Idp, person: Surfer) -> None:
    site = joined(world, provider, details={"IDPInit": "true"})
    person.go(start_url(provider, site.entity_id, relay_state(site)))
    person.submit(username="ann", do="in")
    assert site.claims(person)["cognito:username"] == "Okta_Ann-7"


@one_engine
def test_where_it_is_not_allowed_nobody_comes_unasked(world: World, provider: Pysaml2Idp, person: Surfer) -> None:
    site = joined(world, provider)
    person.go(start_url(provider, site.entity_id, relay_state(site)))
    person.submit(username="ann", do="in")
    assert person.left is None
    assert 400 <= person.status < 500


@one_engine
@pytest.mark.parametrize(
    "wrong",
    [{"redirect_uri": "https://evil.example/"}, {"client_id": "nobody"}, {"response_type": "token"}, {"scope": "root"}],
    ids=["redirect_uri", "client_id", "response_type", "scope"],
)
def test_what_the_provider_asks_for_is_checked_as_a_request_of_the_app(
    world: World, provider: Pysaml2Idp, person: Surfer, wrong: dict[str, str]
) -> None:
    site = joined(world, provider, details={"IDPInit": "true"})
    person.go(start_url(provider, site.entity_id, relay_state(site, **wrong)))
    person.submit(username="ann", do="in")
    assert person.left is None or ("error" in person.left and person.url.startswith(site.app.redirect_uri))
