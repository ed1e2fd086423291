"""Identities that administrators connect to users, and part from them again: with boto3, as against Cognito."""

from __future__ import annotations

import json
from typing import Any

import pytest

from poolhouse.account.events import PreSignUp
from tests.federation.vouching import Hooks, Upstream, Vouching, hooks, somebody, upstream, vouching  # noqa: F401
from tests.fronts.refusals import refused
from tests.oidc import Browser
from tests.world import PASSWORD, World

SUBJECT = "Cognito_Subject"
MERGING = "Merging is not currently supported, provide a SourceUser that has not been signed up in order to link"


def named(provider: str, value: str, attribute: str = SUBJECT) -> dict[str, str]:
    """A ProviderUserIdentifierType."""
    return {"ProviderName": provider, "ProviderAttributeName": attribute, "ProviderAttributeValue": value}


def link(here: Upstream, destination: str | dict[str, str], source: dict[str, str]) -> None:
    """AdminLinkProviderForUser; a destination that is a word is a username."""
    if isinstance(destination, str):
        destination = {"ProviderName": "Cognito", "ProviderAttributeValue": destination}
    here.pool.idp.admin_link_provider_for_user(UserPoolId=here.pool.id, DestinationUser=destination, SourceUser=source)


def unlink(here: Upstream, who: dict[str, str]) -> None:
    """AdminDisableProviderForUser."""
    here.pool.idp.admin_disable_provider_for_user(UserPoolId=here.pool.id, User=who)


def identities(here: Upstream, username: str) -> list[dict[str, Any]]:
    """The ``identities`` of the profile, without their dates."""
    text = here.user(username)["Attributes"].get("identities", "[]")
    return [{name: value for name, value in entry.items() if name != "dateCreated"} for entry in json.loads(text)]


def test_a_linked_person_signs_in_as_the_local_user_with_what_is_said_of_them(upstream: Upstream) -> None:  # noqa: F811
    local = upstream.pool.user("carlos", email="carlos@links.example", email_verified="true")
    link(upstream, "carlos", named("Okta", "c-1"))
    entry = {"userId": "c-1", "providerName": "Okta", "providerType": "OIDC", "issuer": None, "primary": False}
    assert identities(upstream, "carlos") == [entry]
    claims = upstream.claims(somebody("c-1", name="Carlos", email="carlos@links.example"))
    assert claims["sub"] == local.sub
    assert claims["cognito:username"] == "carlos"
    assert claims["name"] == "Carlos"
    assert claims["email_verified"] is True
    assert claims["identities"][0]["primary"] == "false"
    assert "cognito:groups" not in claims, "the provider's own group is of its own users"
    assert upstream.user("carlos")["UserStatus"] == "CONFIRMED"
    assert upstream.usernames() == ["carlos"]
    assert upstream.pool.client().tokens(local)["IdToken"], "and the password still works"


def test_another_spelling_of_the_subject_is_somebody_else(upstream: Upstream) -> None:  # noqa: F811
    local = upstream.pool.user("diana")
    link(upstream, "diana", named("Okta", "Diana"))
    assert upstream.claims(somebody("diana"))["sub"] != local.sub
    assert upstream.claims(somebody("Diana"))["sub"] == local.sub


def test_a_link_by_a_mapped_attribute_is_of_the_first_subject_that_comes_with_it(upstream: Upstream) -> None:  # noqa: F811
    local = upstream.pool.user("elsa")
    link(upstream, "elsa", named("Okta", "elsa@links.example", "email"))
    assert identities(upstream, "elsa")[0]["userId"] == "elsa@links.example"
    said = {"email": "elsa@links.example"}
    assert upstream.claims(somebody("e-1", **said))["sub"] == local.sub
    assert identities(upstream, "elsa")[0]["userId"] == "e-1"
    assert upstream.claims(somebody("e-1", email="other@links.example"))["sub"] == local.sub
    assert upstream.claims(somebody("e-2", **said))["sub"] != local.sub, "an address that moves on takes nobody along"


def test_the_providers_own_name_of_a_mapped_attribute_is_understood(
    world: World,
    vouching: Vouching,  # noqa: F811
) -> None:
    here = Upstream(world.pool(), vouching)
    here.provider("ADFS", "SAML", {"email": "http://claims.example/mail"})
    here.client()
    local = here.pool.user("fred")
    link(here, "fred", named("ADFS", "fred@links.example", "http://claims.example/mail"))
    arrived = somebody("f-1", **{"http://claims.example/mail": "fred@links.example"})
    assert here.claims(arrived, "ADFS")["sub"] == local.sub
    assert identities(here, "fred")[0]["providerType"] == "SAML"


def test_a_provider_and_a_subject_are_both_part_of_who_it_is(upstream: Upstream) -> None:  # noqa: F811
    upstream.provider("Entra")
    upstream.client()
    local = upstream.pool.user("gus")
    link(upstream, "gus", named("Okta", "g-1"))
    assert upstream.claims(somebody("g-1"), "Entra")["sub"] != local.sub


def test_a_users_own_provider_may_be_joined_by_others(upstream: Upstream) -> None:  # noqa: F811
    upstream.provider("Entra")
    upstream.client()
    first = upstream.claims(somebody("h-1"))["sub"]
    link(upstream, named("Okta", "h-1", "ignored"), named("Entra", "h-2"))
    assert upstream.claims(somebody("h-2"), "Entra")["sub"] == first
    assert [(entry["providerName"], entry["primary"]) for entry in identities(upstream, "Okta_h-1")] == [
        ("Okta", True),
        ("Entra", False),
    ]


def test_five_links_are_all_there_may_be(upstream: Upstream) -> None:  # noqa: F811
    upstream.pool.user("ines")
    for number in range(5):
        link(upstream, "ines", named("Okta", f"i-{number}"))
    with pytest.raises(upstream.pool.idp.exceptions.LimitExceededException):
        link(upstream, "ines", named("Okta", "i-5"))
    assert len(identities(upstream, "ines")) == 5
    unlink(upstream, named("Okta", "i-0"))
    link(upstream, "ines", named("Okta", "i-5"))


def test_a_user_with_what_may_never_change_is_no_destination(world: World, vouching: Vouching) -> None:  # noqa: F811
    fixed = [{"Name": "badge", "AttributeDataType": "String", "Mutable": False}]
    here = Upstream(world.pool(Schema=fixed), vouching)
    here.provider()
    here.pool.user("ida", **{"custom:badge": "7"})
    here.pool.user("ivan")
    with pytest.raises(here.pool.idp.exceptions.InvalidParameterException):
        link(here, "ida", named("Okta", "i-7"))
    link(here, "ivan", named("Okta", "i-7"))


def test_what_cannot_be_linked_is_refused_in_cognitos_words(upstream: Upstream) -> None:  # noqa: F811
    here, idp = upstream, upstream.pool.idp
    here.provider("Google", "Google")
    here.client()
    here.pool.user("jack")
    here.pool.user("john")
    here.claims(somebody("j-1"))
    link(here, "jack", named("Okta", "j-2"))
    jack = {"ProviderName": "Cognito", "ProviderAttributeValue": "jack"}

    def no(error: str, source: dict[str, str], destination: dict[str, str] = jack) -> str:
        return refused(
            idp.admin_link_provider_for_user,
            error,
            UserPoolId=here.pool.id,
            DestinationUser=destination,
            SourceUser=source,
        )

    assert no("InvalidParameterException", named("Okta", "j-1")) == MERGING
    assert no("InvalidParameterException", named("Okta", "j-2")) == "SourceUser is already linked to DestinationUser"
    john = {"ProviderName": "Cognito", "ProviderAttributeValue": "john"}
    assert no("AliasExistsException", named("Okta", "j-2"), john)
    assert no("UserNotFoundException", named("Okta", "j-3"), {**jack, "ProviderAttributeValue": "nobody"})
    assert no("UserNotFoundException", named("Okta", "j-3"), named("Okta", "j-9"))
    assert no("ResourceNotFoundException", named("Nowhere", "j-3"))
    assert no("ResourceNotFoundException", named("Okta", "j-3"), named("Nowhere", "j-1"))
    assert no("InvalidParameterException", named("Cognito", "john"))
    assert no("InvalidParameterException", named("Okta", "x", "not mapped"))
    assert no("InvalidParameterException", named("Google", "x@links.example", "email"))
    assert no("InvalidParameterException", named("Okta", "x" * 2049))
    assert no("InvalidParameterException", named("Okta", "a\x00b"))
    for missing in ("ProviderName", "ProviderAttributeName", "ProviderAttributeValue"):
        assert no("InvalidParameterException", {**named("Okta", "j-3"), missing: ""} | _without(missing))
    assert len(identities(here, "jack")) == 1


def _without(member: str) -> dict[str, str]:
    # An empty ProviderName is refused by the model already.
    return {"ProviderName": "Nowhere", "ProviderAttributeValue": ""} if member == "ProviderName" else {}


def test_a_parted_identity_is_somebody_new(upstream: Upstream) -> None:  # noqa: F811
    local = upstream.pool.user("kurt")
    link(upstream, "kurt", named("Okta", "k-1"))
    browser = Browser(upstream.pool.world)
    tokens = upstream.tokens(somebody("k-1"), browser=browser)
    unlink(upstream, named("Okta", "k-1"))
    assert identities(upstream, "kurt") == []
    assert upstream.app.refresh(tokens["refresh_token"]).status_code == 400
    assert upstream.app.userinfo(tokens["access_token"]).status_code == 401
    assert browser.go(upstream.app.url()).ours, "the browser is signed in no more"
    assert upstream.claims(somebody("k-1"))["sub"] != local.sub
    assert upstream.pool.client().tokens(local)["IdToken"]


def test_a_parted_identity_that_never_came_is_named_as_it_was_linked(upstream: Upstream) -> None:  # noqa: F811
    upstream.pool.user("lars")
    link(upstream, "lars", named("Okta", "lars@links.example", "email"))
    idp, here = upstream.pool.idp, upstream.pool.id
    wrong = named("Okta", "lars@links.example")
    refused(idp.admin_disable_provider_for_user, "UserNotFoundException", UserPoolId=here, User=wrong)
    unlink(upstream, named("Okta", "lars@links.example", "email"))
    assert identities(upstream, "lars") == []
    upstream.claims(somebody("l-1", email="lars@links.example"))
    assert upstream.usernames() == ["Okta_l-1", "lars"]


def test_a_parted_profile_of_a_providers_own_user_stays_and_the_next_is_new(upstream: Upstream) -> None:  # noqa: F811
    before = upstream.claims(somebody("m-1"))
    unlink(upstream, named("Okta", "m-1"))
    after = upstream.claims(somebody("m-1"))
    assert after["sub"] != before["sub"]
    assert after["cognito:username"] != before["cognito:username"]
    assert upstream.user("Okta_m-1")["Attributes"].get("identities") is None


def test_a_local_user_may_be_left_without_their_password(upstream: Upstream) -> None:  # noqa: F811
    local = upstream.pool.user("nora", email="nora@links.example", email_verified="true")
    link(upstream, "nora", named("Okta", "n-1"))
    client, idp = upstream.pool.client(), upstream.pool.idp
    refresh = client.tokens(local)["RefreshToken"]
    unlink(upstream, named("Cognito", "nora"))
    flow = {"USERNAME": "nora", "PASSWORD": PASSWORD}
    for given in (flow, {**flow, "PASSWORD": ""}):
        with pytest.raises((idp.exceptions.NotAuthorizedException, idp.exceptions.InvalidParameterException)):
            idp.initiate_auth(ClientId=client.id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given)
    refused(
        idp.initiate_auth,
        "NotAuthorizedException",
        ClientId=client.id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": refresh},
    )
    refused(idp.forgot_password, "NotAuthorizedException", ClientId=client.id, Username="nora")
    assert upstream.claims(somebody("n-1"))["sub"] == local.sub
    refused(
        idp.admin_disable_provider_for_user,
        "UserNotFoundException",
        UserPoolId=upstream.pool.id,
        User=named("Cognito", "nobody"),
    )


def test_a_link_of_a_provider_that_is_gone_can_be_taken_away(upstream: Upstream) -> None:  # noqa: F811
    upstream.pool.user("olaf")
    link(upstream, "olaf", named("Okta", "o-1"))
    idp, here = upstream.pool.idp, upstream.pool.id
    idp.delete_identity_provider(UserPoolId=here, ProviderName="Okta")
    unlink(upstream, named("Okta", "o-1"))
    assert identities(upstream, "olaf") == []
    gone = named("Okta", "o-1")
    refused(idp.admin_disable_provider_for_user, "ResourceNotFoundException", UserPoolId=here, User=gone)


def test_a_deleted_users_identities_are_free(upstream: Upstream) -> None:  # noqa: F811
    upstream.pool.user("pia")
    upstream.pool.user("paul")
    link(upstream, "pia", named("Okta", "p-1"))
    upstream.pool.idp.admin_delete_user(UserPoolId=upstream.pool.id, Username="pia")
    link(upstream, "paul", named("Okta", "p-1"))
    assert upstream.claims(somebody("p-1"))["cognito:username"] == "paul"


def test_an_unconfirmed_account_is_not_entered_through_a_link(upstream: Upstream) -> None:  # noqa: F811
    client = upstream.pool.client()
    upstream.pool.idp.sign_up(ClientId=client.id, Username="quin", Password=PASSWORD)
    link(upstream, "quin", named("Okta", "q-1"))
    assert upstream.refused(somebody("q-1"))["error_description"] == "User is not confirmed."
    upstream.pool.idp.admin_confirm_sign_up(UserPoolId=upstream.pool.id, Username="quin")
    assert upstream.claims(somebody("q-1"))["cognito:username"] == "quin"


def test_an_invited_user_comes_in_without_the_temporary_password(upstream: Upstream) -> None:  # noqa: F811
    upstream.pool.idp.admin_create_user(UserPoolId=upstream.pool.id, Username="rosa", MessageAction="SUPPRESS")
    link(upstream, "rosa", named("Okta", "r-1"))
    assert upstream.claims(somebody("r-1"))["cognito:username"] == "rosa"


def test_a_link_made_while_somebody_signs_up_counts_at_once(upstream: Upstream, hooks: Hooks) -> None:  # noqa: F811
    """The usual PreSignUp trigger: it links whoever comes to the account they have."""
    local = upstream.pool.user("sven", email="sven@links.example", email_verified="true")

    def linking(question: PreSignUp) -> PreSignUp:
        link(upstream, "sven", named("Okta", question.username.removeprefix("Okta_")))
        return question

    hooks.answers[PreSignUp] = linking
    assert upstream.claims(somebody("s-1", email="sven@links.example"))["sub"] == local.sub
    assert upstream.usernames() == ["sven"]


def test_an_address_that_is_another_local_users_name_does_not_move(world: World, vouching: Vouching) -> None:  # noqa: F811
    here = Upstream(world.pool(UsernameAttributes=["email"]), vouching)
    here.provider()
    here.client()
    here.pool.user("tess@links.example")
    here.pool.user("theo@links.example")
    link(here, "theo@links.example", named("Okta", "t-1"))
    told = here.refused(somebody("t-1", email="tess@links.example", email_verified="true"))
    assert told["error_description"] == "An account with the given email already exists."
    claims = here.claims(somebody("t-1", email="theo2@links.example", email_verified="true"))
    assert claims["email"] == "theo2@links.example"
    assert here.user("theo2@links.example")["Attributes"]["sub"] == claims["sub"]
