"""Whoever comes through a provider becomes a user, and comes back as the same one."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from poolhouse.account.events import PreSignUp
from poolhouse.core.errors import UserLambdaValidation
from poolhouse.federation.events import InboundFederation
from poolhouse.signin.events import PreAuthentication
from tests.federation.vouching import Hooks, Upstream, Vouching, hooks, somebody, upstream, vouching  # noqa: F401
from tests.fronts.refusals import refused
from tests.oidc import Browser
from tests.world import PASSWORD, World


def made(world: World, vouching: Vouching, **members: Any) -> Upstream:  # noqa: F811
    """A pool of one's own with the provider Okta."""
    here = Upstream(world.pool(**members), vouching)
    here.provider(mapping={"email": "email", "email_verified": "email_verified", "preferred_username": "login"})
    here.client()
    return here


# --- The profile ------------------------------------------------------------------------------------------------------


def test_the_first_time_makes_a_profile_as_cognito_would(upstream: Upstream) -> None:  # noqa: F811
    claims = upstream.claims(
        somebody("00u1", email="ann@arrival.example", email_verified="true", name="Ann Bell", extra="not mapped")
    )
    assert claims["cognito:username"] == "Okta_00u1"
    assert claims["email"] == "ann@arrival.example"
    assert claims["email_verified"] is True
    assert claims["amr"] == ["fed"]
    assert claims["acr"] == "urn:cognito:loa:1"
    assert claims["cognito:groups"] == [f"{upstream.pool.id}_Okta"]
    (identity,) = claims["identities"]
    assert identity.pop("dateCreated").isdigit()
    assert identity == {
        "userId": "00u1",
        "providerName": "Okta",
        "providerType": "OIDC",
        "issuer": None,
        "primary": "true",
    }
    user = upstream.user("Okta_00u1")
    assert user["UserStatus"] == "EXTERNAL_PROVIDER"
    assert user["Enabled"] is True
    assert user["Attributes"]["name"] == "Ann Bell"
    assert "extra" not in user["Attributes"]
    (stored,) = json.loads(user["Attributes"]["identities"])
    assert stored["primary"] is True
    assert isinstance(stored["dateCreated"], int)
    listed = upstream.pool.idp.list_users(UserPoolId=upstream.pool.id, Filter='username = "Okta_00u1"')["Users"]
    assert "identities" in {attribute["Name"] for attribute in listed[0]["Attributes"]}


def test_the_second_time_is_the_same_person_with_what_is_said_of_them_now(upstream: Upstream) -> None:  # noqa: F811
    first = upstream.claims(somebody("00u2", email="old@arrival.example", name="Ann", given_name="Ann"))
    second = upstream.claims(somebody("00u2", email="new@arrival.example", name="Ann Bell"))
    assert second["sub"] == first["sub"]
    assert (second["email"], second["name"]) == ("new@arrival.example", "Ann Bell")
    assert second["given_name"] == "Ann", "what the provider does not speak of stays, as in Cognito"
    assert second["email_verified"] is False
    assert upstream.usernames() == ["Okta_00u2"]


def test_what_a_provider_does_not_speak_of_any_more_goes_where_it_is_told_to(upstream: Upstream) -> None:  # noqa: F811
    upstream.extend("Okta", on_missing="remove")
    upstream.claims(somebody("00u3", email="ann3@arrival.example", email_verified="true", given_name="Ann"))
    claims = upstream.claims(somebody("00u3", name="Ann Bell"))
    assert claims["name"] == "Ann Bell"
    assert not {"email", "email_verified", "given_name"} & set(claims)
    assert "identities" in claims


def test_an_address_is_proven_only_by_who_says_so(upstream: Upstream) -> None:  # noqa: F811
    assert upstream.claims(somebody("00u4", email="a4@arrival.example"))["email_verified"] is False
    said = somebody("00u4", email="a4@arrival.example", email_verified="true")
    assert upstream.claims(said)["email_verified"] is True
    unsaid = somebody("00u4", email="a4@arrival.example")
    assert upstream.claims(unsaid)["email_verified"] is True, "the same address stays as proven as it was"
    assert upstream.claims(somebody("00u4", email="b4@arrival.example"))["email_verified"] is False
    assert upstream.claims(replace(said, claims={**said.claims, "email_verified": "yes"}))["email_verified"] is False
    upstream.extend("Okta", trust_email=True)
    assert upstream.claims(somebody("00u4", email="c4@arrival.example"))["email_verified"] is True


def test_several_values_are_flattened_as_cognito_does(world: World, vouching: Vouching) -> None:  # noqa: F811
    pool = world.pool(Schema=[{"Name": "teams", "AttributeDataType": "String", "Mutable": True}])
    here = Upstream(pool, vouching)
    here.provider(mapping={"custom:teams": "teams", "address": "address", "updated_at": "at", "locale": "address.land"})
    here.client()
    several: dict[str, Any] = {"teams": ("red", "blue, green", "ä]"), "address": "1 Main Street", "at": "1700000000"}
    claims = here.claims(somebody("00u5", **several))
    assert claims["custom:teams"] == "[red, blue%2C+green, %C3%A4%5D]"
    assert claims["updated_at"] == 1_700_000_000
    assert "locale" not in claims
    assert here.claims(somebody("00u5", teams=("red",)))["custom:teams"] == "red"


def test_what_the_pool_requires_the_provider_has_to_say(world: World, vouching: Vouching) -> None:  # noqa: F811
    here = made(world, vouching, Schema=[{"Name": "email", "Required": True, "Mutable": True}])
    told = here.refused(somebody("00u6"))
    assert (told["error"], told["error_description"]) == ("invalid_request", "attributes required: [email]")
    assert here.usernames() == []
    here.claims(somebody("00u6", email="six@arrival.example"))
    assert here.claims(somebody("00u6"))["email"] == "six@arrival.example", "it is there already"


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"email": "no address"}, "Invalid email address format."),
        ({"email": ("a@arrival.example", "b@arrival.example")}, "Invalid email address format."),
        ({"email": "a@arrival.example@evil.example"}, "Invalid email address format."),
        ({"name": "x" * 2049}, "name: String must be no longer than 2048 characters"),
        ({"name": "a\x00b"}, "user.name: The value has characters that cannot be stored."),
        ({"name": "half \ud83d"}, "user.name: The value has characters that cannot be stored."),
    ],
    ids=["no address", "two", "two at signs", "long", "nul", "surrogate"],
)
def test_what_does_not_fit_fails_the_sign_in_and_says_why(
    upstream: Upstream,  # noqa: F811
    claims: dict[str, Any],
    sentence: str,
) -> None:
    told = upstream.refused(somebody("00u7", **claims))
    assert (told["error"], told["error_description"]) == ("invalid_request", sentence)
    assert upstream.usernames() == []
    upstream.claims(somebody("00u7", name="Ann"))
    told = upstream.refused(somebody("00u7", **claims))
    assert told["error_description"] == sentence
    assert upstream.user("Okta_00u7")["Attributes"]["name"] == "Ann"


def test_a_client_that_may_not_write_an_attribute_lets_nobody_in_who_brings_it(upstream: Upstream) -> None:  # noqa: F811
    upstream.client(WriteAttributes=["email"])
    told = upstream.refused(somebody("00u8", name="Ann"))
    assert told["error_description"] == "user.name: A client attempted to write unauthorized attribute."
    upstream.claims(somebody("00u8", email="eight@arrival.example"))


# --- Names ------------------------------------------------------------------------------------------------------------


def test_subjects_that_differ_in_a_letters_case_are_two_people_in_any_pool(world: World, vouching: Vouching) -> None:  # noqa: F811
    here = made(world, vouching, UsernameConfiguration={"CaseSensitive": False})
    upper, lower = here.claims(somebody("Bob"))["sub"], here.claims(somebody("bob"))["sub"]
    assert upper != lower
    assert here.claims(somebody("Bob"))["sub"] == upper
    assert here.user("Okta_Bob")["Attributes"]["sub"] == upper
    assert here.user("Okta_bob")["Attributes"]["sub"] == lower
    refused(
        here.pool.idp.admin_get_user, "UserNotFoundException", UserPoolId=here.pool.id, Username="okta_BOB"
    )  # not a third spelling
    here.pool.idp.admin_delete_user(UserPoolId=here.pool.id, Username="Okta_Bob")
    assert here.usernames() == ["Okta_bob"]
    assert here.claims(somebody("bob"))["sub"] == lower


@pytest.mark.parametrize("subject", ["x" * 124, "two words", "tab\there", "long" * 500])
def test_a_subject_that_is_no_username_stands_there_as_its_digest(upstream: Upstream, subject: str) -> None:  # noqa: F811
    claims = upstream.claims(somebody(subject))
    name = claims["cognito:username"]
    assert name.startswith("Okta_sha256-")
    assert len(name) == len("Okta_sha256-") + 64
    assert claims["identities"][0]["userId"] == subject
    assert upstream.claims(somebody(subject))["sub"] == claims["sub"]
    assert upstream.user(name)["Attributes"]["sub"] == claims["sub"]


def test_the_longest_subject_that_is_a_username_is_one(upstream: Upstream) -> None:  # noqa: F811
    assert upstream.claims(somebody("x" * 123))["cognito:username"] == "Okta_" + "x" * 123


@pytest.mark.parametrize("subject", ["", "x" * 2049, "a\x00b", "\udfff"], ids=["empty", "endless", "nul", "half"])
def test_nobody_is_nobody(upstream: Upstream, subject: str) -> None:  # noqa: F811
    assert upstream.refused(somebody(subject))["error"] == "access_denied"
    assert upstream.usernames() == []


def test_a_name_that_somebody_had_before_the_provider_was_there_shuts_nobody_out(
    world: World,
    vouching: Vouching,  # noqa: F811
) -> None:
    pool = world.pool()
    squatter = pool.user("Okta_carol")
    here = Upstream(pool, vouching)
    here.provider()
    here.client()
    claims = here.claims(somebody("carol"))
    assert claims["sub"] != squatter.sub
    assert claims["cognito:username"].startswith("Okta_sha256-")
    assert here.user("Okta_carol")["UserStatus"] == "CONFIRMED"


@pytest.mark.parametrize("sensitive", [True, False])
def test_nobody_else_takes_a_name_of_a_providers_users(world: World, vouching: Vouching, sensitive: bool) -> None:  # noqa: F811
    here = made(world, vouching, UsernameConfiguration={"CaseSensitive": sensitive})
    idp, client = here.pool.idp, here.pool.client()
    for name in ["Okta_dave", "Okta_", *([] if sensitive else ["OKTA_dave", "okta_dave"])]:
        said = refused(idp.sign_up, "InvalidParameterException", ClientId=client.id, Username=name, Password=PASSWORD)
        assert said.startswith("Username cannot begin with")
        refused(idp.admin_create_user, "InvalidParameterException", UserPoolId=here.pool.id, Username=name)
    for name in ["Oktadave", "Okt_dave", "dave_Okta", "_Okta_dave"]:
        idp.sign_up(ClientId=client.id, Username=name, Password=PASSWORD)


def test_an_alias_does_not_stand_before_a_providers_user(world: World, vouching: Vouching) -> None:  # noqa: F811
    here = made(world, vouching, AliasAttributes=["preferred_username"])
    local = here.pool.user("erin")
    here.pool.idp.admin_update_user_attributes(
        UserPoolId=here.pool.id,
        Username="erin",
        UserAttributes=[{"Name": "preferred_username", "Value": "Okta_frank"}],
    )
    frank = here.claims(somebody("frank"))
    assert frank["sub"] != local.sub
    assert here.user(frank["cognito:username"])["Attributes"]["sub"] == frank["sub"]


def test_a_mapped_username_is_what_somebody_is_called_and_never_who_they_are(
    world: World,
    vouching: Vouching,  # noqa: F811
) -> None:
    here = Upstream(world.pool(), vouching)
    here.provider(mapping={"username": "login"})
    here.client()
    first = here.claims(somebody("1", login="ann"))
    assert first["cognito:username"] == "Okta_ann"
    assert first["identities"][0]["userId"] == "1"
    assert here.claims(somebody("1", login="bea"))["sub"] == first["sub"]
    second = here.claims(somebody("2", login="ann"))
    assert second["sub"] != first["sub"], "whoever has the login next is not who had it before"
    assert second["cognito:username"] == "Okta_2"


def test_people_see_whom_they_are_connected_to(upstream: Upstream) -> None:  # noqa: F811
    tokens = upstream.tokens(somebody("00u21"), scope="openid aws.cognito.signin.user.admin")
    me = upstream.pool.idp.get_user(AccessToken=tokens["access_token"])
    assert me["Username"] == "Okta_00u21"
    told = {attribute["Name"]: attribute["Value"] for attribute in me["UserAttributes"]}
    assert json.loads(told["identities"])[0]["userId"] == "00u21"
    refused(
        upstream.pool.idp.update_user_attributes,
        "InvalidParameterException",
        AccessToken=tokens["access_token"],
        UserAttributes=[{"Name": "identities", "Value": "[]"}],
    )
    assert json.loads(upstream.app.userinfo(tokens["access_token"]).get_json()["identities"])


# --- Addresses that are somebody's already ----------------------------------------------------------------------------


def test_an_alias_stays_with_its_owner_whatever_a_provider_says(world: World, vouching: Vouching) -> None:  # noqa: F811
    here = made(world, vouching, AliasAttributes=["email", "preferred_username"])
    local = here.pool.user("gina", email="gina@arrival.example", email_verified="true", preferred_username="gigi")
    said = somebody("00u9", email="gina@arrival.example", email_verified="true", login="gigi")
    for _ in range(2):
        claims = here.claims(said)
        assert claims["sub"] != local.sub
        assert claims["email"] == "gina@arrival.example"
        assert claims["email_verified"] is False
        assert "preferred_username" not in claims
    assert here.user("gina@arrival.example")["Username"] == "gina"
    assert here.user("gigi")["Username"] == "gina"
    free = here.claims(somebody("00u10", email="free@arrival.example", email_verified="true", login="free"))
    assert free["email_verified"] is True
    assert here.user("free@arrival.example")["Username"] == "Okta_00u10"


def test_where_addresses_are_names_the_two_remain_two_accounts(world: World, vouching: Vouching) -> None:  # noqa: F811
    here = made(world, vouching, UsernameAttributes=["email"])
    local = here.pool.user("hal@arrival.example")
    claims = here.claims(somebody("00u11", email="hal@arrival.example", email_verified="true"))
    assert claims["sub"] != local.sub
    assert claims["email"] == "hal@arrival.example"
    assert here.user("hal@arrival.example")["Attributes"]["sub"] == local.sub
    client = here.pool.client()
    assert client.tokens(local)["IdToken"]
    # The other way round: an address that came through a provider is free for a local user.
    here.claims(somebody("00u12", email="ida@arrival.example", email_verified="true"))
    assert client.tokens(here.pool.user("ida@arrival.example"))["IdToken"]


def test_two_providers_with_one_address_are_two_people(upstream: Upstream) -> None:  # noqa: F811
    upstream.provider("Entra")
    upstream.client()
    said = {"email": "jo@arrival.example", "email_verified": "true"}
    first, second = upstream.claims(somebody("1", **said)), upstream.claims(somebody("1", **said), "Entra")
    assert first["sub"] != second["sub"]
    assert {first["cognito:username"], second["cognito:username"]} == {"Okta_1", "Entra_1"}


# --- At the same moment -----------------------------------------------------------------------------------------------


def test_two_first_times_at_once_make_one_user(upstream: Upstream) -> None:  # noqa: F811
    said = somebody("00u13", email="kim@arrival.example", name="Kim")
    waiting = []
    for _ in range(6):
        browser = Browser(upstream.pool.world)
        waiting.append((browser, upstream.leave("Okta", browser), upstream.connector.code(said)))
    with ThreadPoolExecutor(6) as threads:
        pages = list(threads.map(lambda one: upstream.answer(*one), waiting))
    assert all("code" in page.given for page in pages), [page.given or page.text[:300] for page in pages]
    assert upstream.usernames() == ["Okta_00u13"]
    assert upstream.groups("Okta_00u13") == {f"{upstream.pool.id}_Okta"}


# --- Who stays out ----------------------------------------------------------------------------------------------------


def test_a_disabled_user_stays_out_and_their_profile_as_it_was(upstream: Upstream) -> None:  # noqa: F811
    upstream.claims(somebody("00u14", name="Lea"))
    upstream.pool.idp.admin_disable_user(UserPoolId=upstream.pool.id, Username="Okta_00u14")
    told = upstream.refused(somebody("00u14", name="Leah"))
    assert (told["error"], told["error_description"]) == ("access_denied", "User is disabled.")
    assert upstream.user("Okta_00u14")["Attributes"]["name"] == "Lea"
    upstream.pool.idp.admin_enable_user(UserPoolId=upstream.pool.id, Username="Okta_00u14")
    assert upstream.claims(somebody("00u14", name="Leah"))["name"] == "Leah"


def test_a_deleted_user_is_somebody_new(upstream: Upstream) -> None:  # noqa: F811
    before = upstream.claims(somebody("00u15"))["sub"]
    upstream.pool.idp.admin_delete_user(UserPoolId=upstream.pool.id, Username="Okta_00u15")
    after = upstream.claims(somebody("00u15"))
    assert after["sub"] != before
    assert after["cognito:username"] == "Okta_00u15"


# --- Hooks ------------------------------------------------------------------------------------------------------------


def test_hooks_are_asked_in_cognitos_order(upstream: Upstream, hooks: Hooks) -> None:  # noqa: F811
    said = somebody("00u16", email="mia@arrival.example")
    upstream.tokens(said)
    assert hooks.names == ["InboundFederation", "PreSignUp", "PostConfirmation", "PreTokenGeneration"]
    inbound, sign_up = hooks.asked[0], hooks.asked[1]
    assert (inbound.provider_name, inbound.provider_type) == ("Okta", "OIDC")
    assert (sign_up.source, sign_up.username) == ("ExternalProvider", "Okta_00u16")
    assert sign_up.attributes["email"] == "mia@arrival.example"
    assert (hooks.asked[2].source, hooks.asked[3].trigger) == ("ConfirmSignUp", "HostedAuth")
    hooks.asked.clear()
    upstream.tokens(said)
    assert hooks.names == ["InboundFederation", "PreAuthentication", "PostAuthentication", "PreTokenGeneration"]


def test_an_inbound_hook_replaces_what_is_mapped_and_what_it_leaves_out_is_dropped(
    upstream: Upstream,  # noqa: F811
    hooks: Hooks,  # noqa: F811
) -> None:
    said = somebody("00u17", email="nia@arrival.example", name="Nia")
    hooks.answers[InboundFederation] = lambda asked: replace(asked, user_attributes_to_map={})
    assert upstream.claims(said)["name"] == "Nia", "an empty answer changes nothing"
    replaced = {"email": "other@arrival.example", "given_name": ["N", "I"]}
    hooks.answers[InboundFederation] = lambda asked: replace(asked, user_attributes_to_map=replaced)
    claims = upstream.claims(somebody("00u18", name="Nia"))
    assert claims["email"] == "other@arrival.example"
    assert claims["given_name"] == "[N, I]"
    assert "name" not in claims


@pytest.mark.parametrize("question", [InboundFederation, PreSignUp])
def test_a_hook_that_refuses_shuts_out_and_the_app_hears_why(
    upstream: Upstream,  # noqa: F811
    hooks: Hooks,  # noqa: F811
    question: type,
) -> None:
    def refuse(asked: Any) -> Any:
        raise UserLambdaValidation("PreSignUp failed with error not you.")

    hooks.answers[question] = refuse
    told = upstream.refused(somebody("00u19"))
    assert told["error_description"] == "PreSignUp failed with error not you."
    assert upstream.usernames() == []
    hooks.answers.clear()
    upstream.claims(somebody("00u19"))
    hooks.answers[PreAuthentication] = refuse
    upstream.refused(somebody("00u19"))


def test_a_sign_up_hook_may_vouch_for_an_address_that_is_there(upstream: Upstream, hooks: Hooks) -> None:  # noqa: F811
    hooks.answers[PreSignUp] = lambda asked: replace(asked, auto_verify_email=True, auto_verify_phone=True)
    claims = upstream.claims(somebody("00u20", email="oda@arrival.example"))
    assert claims["email_verified"] is True
    assert "phone_number_verified" not in claims
