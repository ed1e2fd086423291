"""Acting as a SAML identity provider: what service providers are told of people, pysaml2's among them."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from lxml import etree
from sqlalchemy import select
from werkzeug.test import Client

from poolhouse import resealing
from poolhouse.core import clock, unit
from poolhouse.federation.saml_idp import names_of
from poolhouse.listeners.models import AuditEvent
from tests import runtimes
from tests.conftest import Databases
from tests.fronts.refusals import refused as refused_by_api
from tests.oidc import Page
from tests.saml.application import Application, introduced, sign_in
from tests.saml.enterprise import joined, ours
from tests.saml.handmade_sp import HandmadeSp, handmade, only, refused, response, statuses
from tests.saml.party import POST
from tests.saml.pysaml2_idp import Account, pysaml2_idp
from tests.saml.pysaml2_sp import Pysaml2Sp, pysaml2_sp
from tests.saml.surfer import Surfer
from tests.world import PoolInWorld, World

WELCOME = "Welcome to the app"
ATTRIBUTES = {"mail": "email", "given": "given_name", "urn:oid:0.9.2342.19200300.100.1.1": "username"}
CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
FORMATS = "urn:oasis:names:tc:SAML:1.1:nameid-format:"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
REFEDS_MFA = "https://refeds.org/profile/mfa"


@pytest.fixture(scope="module")
def _sp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Sp]:
    with pysaml2_sp(tmp_path_factory.mktemp("sp"), allow_unsolicited=True) as sp:
        yield sp


@pytest.fixture
def sp(_sp: Pysaml2Sp) -> Pysaml2Sp:
    _sp.arrived.clear()
    _sp.refused.clear()
    _sp.logged_out.clear()
    _sp.request = {}
    return _sp


@pytest.fixture
def app(world: World, sp: Pysaml2Sp, tmp_path: Path) -> Application:
    return introduced(world.pool(), sp, tmp_path, Attributes=ATTRIBUTES, GroupsAttribute="groups")


@pytest.fixture
def hand(pool: PoolInWorld, tmp_path: Path) -> HandmadeSp:
    return handmade(pool, tmp_path)


@pytest.fixture
def surfer() -> Surfer:
    return Surfer()


def welcomed(surfer: Surfer) -> Surfer:
    assert WELCOME in surfer.text, f"{surfer.status} at {surfer.url}: {surfer.text[:1500]}"
    return surfer


# --- An application of another make ---------------------------------------------------------------------------------


def test_a_person_of_the_pool_signs_in_to_a_saml_app(app: Application, sp: Pysaml2Sp, surfer: Surfer) -> None:
    ann = app.pool.user("ann", email="ann@saml-idp.example", email_verified="true", given_name="Änne <&>")
    for group in ("staff", "eng"):
        app.pool.idp.create_group(UserPoolId=app.pool.id, GroupName=group)
        app.pool.idp.admin_add_user_to_group(UserPoolId=app.pool.id, Username="ann", GroupName=group)
    surfer.go(f"{sp.url}/login?relay_state=<b>here</b>")
    welcomed(sign_in(surfer, ann))
    (arrived,) = sp.arrived
    assert arrived.relay_state == "<b>here</b>"
    assert arrived.attributes["mail"] == ["ann@saml-idp.example"]
    assert arrived.attributes["given"] == ["Änne <&>"]
    assert arrived.attributes["uid"] == ["ann"]
    assert sorted(arrived.attributes["groups"]) == ["eng", "staff"]
    assert arrived.authn_context == CLASSES + "PasswordProtectedTransport"
    assert arrived.name_id.format == PERSISTENT
    assert arrived.name_id.sp_name_qualifier == sp.entity_id
    assert ann.sub not in arrived.name_id.text


def test_who_is_signed_in_already_is_not_asked_again_unless_the_app_wants_it(
    app: Application, sp: Pysaml2Sp, surfer: Surfer
) -> None:
    ann = app.pool.user()
    surfer.go(f"{sp.url}/login")
    welcomed(sign_in(surfer, ann))
    welcomed(surfer.go(f"{sp.url}/login"))
    first, second = sp.arrived
    assert first.name_id.text == second.name_id.text
    assert first.session_index == second.session_index
    assert first.in_response_to != second.in_response_to

    sp.request = {"force_authn": "true"}
    surfer.go(f"{sp.url}/login")
    welcomed(sign_in(surfer, ann))
    assert sp.arrived[-1].name_id.text == first.name_id.text
    assert sp.arrived[-1].session_index != first.session_index


@pytest.mark.parametrize("binding", ["redirect", "post"])
@pytest.mark.parametrize(
    "how",
    [
        {"SignAssertion": True, "SignResponse": True},
        {"SignAssertion": True, "Encrypt": True},
        {"SignAssertion": True, "SignResponse": True, "Encrypt": True},
    ],
    ids=["both", "encrypted", "both-encrypted"],
)
def test_signed_and_encrypted_in_every_way(
    app: Application, sp: Pysaml2Sp, surfer: Surfer, how: dict[str, bool], binding: str
) -> None:
    app.configure(**how)
    sp.binding = POST if binding == "post" else "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
    ann = app.pool.user(email="enc@saml-idp.example", email_verified="true")
    surfer.go(f"{sp.url}/login")
    welcomed(sign_in(surfer, ann))
    assert sp.arrived[-1].attributes["mail"] == ["enc@saml-idp.example"]
    posted = [step.form["SAMLResponse"] for step in surfer.way if step.form and "SAMLResponse" in step.form][-1]
    sent = etree.fromstring(base64.b64decode(posted))
    assert bool(sent.findall("{*}EncryptedAssertion")) is bool(how.get("Encrypt"))
    assert bool(sent.findall("{*}Signature")) is bool(how.get("SignResponse"))


def test_the_same_person_has_another_name_at_every_app(pool: PoolInWorld, tmp_path: Path, surfer: Surfer) -> None:
    ann, bob = pool.user(), pool.user()
    one = handmade(pool, tmp_path, "one", NameIdFormat="persistent")
    two = handmade(pool, tmp_path, "two", NameIdFormat="persistent")
    named: dict[tuple[str, str], str] = {}
    for person in (ann, bob):
        browser = Surfer()
        for hand in (one, two):
            hand.ask(browser)
            if browser.left is None:
                sign_in(browser, person)
            named[person.sub, hand.entity_id] = only(response(browser), "//a:NameID").text
    assert len(set(named.values())) == 4
    again = Surfer()
    one.ask(again)
    sign_in(again, ann)
    assert only(response(again), "//a:NameID").text == named[ann.sub, one.entity_id]


def test_a_second_factor_is_part_of_the_journey_and_of_the_context(
    pool: PoolInWorld, hand: HandmadeSp, surfer: Surfer
) -> None:
    pool.totp()
    ann = pool.user()
    wanted = (
        f"<p:RequestedAuthnContext><a:AuthnContextClassRef>{REFEDS_MFA}</a:AuthnContextClassRef>"
        "</p:RequestedAuthnContext>"
    )
    hand.ask(surfer, hand.authn_request(wanted))
    sign_in(surfer, ann)
    assert statuses(surfer) == ["Responder", "NoAuthnContext"], "a password alone is not enough"
    hand.ask(surfer)
    assert only(response(surfer), "//a:AuthnContextClassRef").text == CLASSES + "PasswordProtectedTransport"

    ann.set_up_totp(pool.client())
    hand.ask(surfer, hand.authn_request(wanted))
    sign_in(surfer, ann)
    surfer.submit(code=ann.totp_code())
    assert only(response(surfer), "//a:AuthnContextClassRef").text == REFEDS_MFA
    hand.ask(surfer, hand.authn_request(wanted))
    assert statuses(surfer) == ["Success"], "the session has done it"


@pytest.mark.parametrize(
    ("asked", "comparison", "stated"),
    [
        (["PasswordProtectedTransport"], None, "PasswordProtectedTransport"),
        (["X509", "Password"], "exact", "Password"),
        (["unspecified"], "exact", "unspecified"),
        (["unspecified"], "minimum", "PasswordProtectedTransport"),
        (["PasswordProtectedTransport"], "maximum", "PasswordProtectedTransport"),
        (["unspecified"], "better", "PasswordProtectedTransport"),
        (["Smartcard"], "exact", None),
        (["Smartcard"], "minimum", None),
        (["unspecified"], "maximum", "unspecified"),
    ],
)
def test_contexts_that_are_asked_for(
    hand: HandmadeSp, surfer: Surfer, asked: list[str], comparison: str | None, stated: str | None
) -> None:
    classes = "".join(f"<a:AuthnContextClassRef>{CLASSES}{one}</a:AuthnContextClassRef>" for one in asked)
    how = f' Comparison="{comparison}"' if comparison else ""
    hand.ask(surfer, hand.authn_request(f"<p:RequestedAuthnContext{how}>{classes}</p:RequestedAuthnContext>"))
    if stated is None:
        assert statuses(surfer) == ["Responder", "NoAuthnContext"], "nobody is troubled with a sign-in"
        return
    sign_in(surfer, hand.app.pool.user())
    assert only(response(surfer), "//a:AuthnContextClassRef").text == CLASSES + stated


def test_passive_requests_trouble_nobody(hand: HandmadeSp, surfer: Surfer) -> None:
    hand.ask(surfer, hand.authn_request(IsPassive="true"))
    assert statuses(surfer) == ["Responder", "NoPassive"]
    hand.ask(surfer, hand.authn_request(IsPassive="1"), binding="post")
    assert statuses(surfer) == ["Responder", "NoPassive"]
    hand.ask(surfer)
    sign_in(surfer, hand.app.pool.user())
    hand.ask(surfer, hand.authn_request(IsPassive="true"))
    assert statuses(surfer) == ["Success"]
    hand.ask(surfer, hand.authn_request(IsPassive="true", ForceAuthn="true"))
    assert statuses(surfer) == ["Responder", "NoPassive"]


def test_a_request_about_one_person_is_answered_about_no_other(hand: HandmadeSp, surfer: Surfer) -> None:
    ann, bob = hand.app.pool.user(), hand.app.pool.user()
    about = f"<a:Subject><a:NameID>{bob.username}</a:NameID></a:Subject>"
    hand.ask(surfer)
    sign_in(surfer, ann)
    hand.ask(surfer, hand.authn_request(about))
    sign_in(surfer, ann)
    assert statuses(surfer) == ["Responder", "UnknownPrincipal"]
    hand.ask(surfer, hand.authn_request(about))
    sign_in(surfer, bob)
    assert only(response(surfer), "//a:NameID").text == bob.username


# --- Names and attributes -------------------------------------------------------------------------------------------


def test_an_address_that_nobody_has_proven_names_nobody(pool: PoolInWorld, tmp_path: Path, surfer: Surfer) -> None:
    hand = handmade(pool, tmp_path, NameIdFormat="emailAddress", Attributes={"mail": "email", "sub": "sub"})
    mallory = pool.user(email="victim@saml-idp.example")
    hand.ask(surfer)
    sign_in(surfer, mallory)
    assert statuses(surfer) == ["Requester", "InvalidNameIDPolicy"]
    assert "victim@" not in etree.tostring(response(surfer)).decode()

    hand.app.configure(NameIdFormat="persistent")
    hand.ask(surfer)
    told = response(surfer)
    assert "victim@" not in etree.tostring(told).decode(), "SAML cannot say that it is not proven"
    assert only(told, "//a:Attribute[@Name='sub']/a:AttributeValue").text == mallory.sub

    hand.app.configure(Attributes={"mail": "email", "proven": "email_verified"})
    hand.ask(surfer)
    told = response(surfer)
    assert only(told, "//a:Attribute[@Name='mail']/a:AttributeValue").text == "victim@saml-idp.example"

    pool.idp.admin_update_user_attributes(
        UserPoolId=pool.id,
        Username=mallory.username,
        UserAttributes=[{"Name": "email_verified", "Value": "true"}],
    )
    hand.app.configure(NameIdFormat="emailAddress", Attributes={"mail": "email"})
    hand.ask(surfer)
    told = response(surfer)
    assert only(told, "//a:NameID").text == "victim@saml-idp.example"
    assert only(told, "//a:NameID").get("Format") == FORMATS + "emailAddress"


def test_names_of_another_kind_are_given_only_where_they_say_less(
    pool: PoolInWorld, tmp_path: Path, surfer: Surfer
) -> None:
    hand = handmade(pool, tmp_path, NameIdFormat="persistent")
    ann = pool.user(email="kinds@saml-idp.example", email_verified="true")
    hand.ask(surfer, hand.authn_request(f'<p:NameIDPolicy Format="{FORMATS}emailAddress" AllowCreate="true"/>'))
    assert statuses(surfer) == ["Requester", "InvalidNameIDPolicy"]
    hand.ask(surfer, hand.authn_request(f'<p:NameIDPolicy Format="{FORMATS}unspecified"/>'))
    sign_in(surfer, ann)
    assert only(response(surfer), "//a:NameID").get("Format") == PERSISTENT
    hand.ask(surfer, hand.authn_request(f'<p:NameIDPolicy Format="{TRANSIENT}"/>'))
    first = only(response(surfer), "//a:NameID")
    assert first.get("Format") == TRANSIENT
    hand.ask(
        surfer, hand.authn_request(f'<p:NameIDPolicy Format="{PERSISTENT}" SPNameQualifier="https://two.example"/>')
    )
    assert statuses(surfer) == ["Requester", "InvalidNameIDPolicy"]
    elsewhere = Surfer()
    hand.ask(elsewhere, hand.authn_request(f'<p:NameIDPolicy Format="{TRANSIENT}"/>'))
    sign_in(elsewhere, ann)
    assert only(response(elsewhere), "//a:NameID").text != first.text


def test_an_app_is_told_what_it_may_read_and_no_more(pool: PoolInWorld, tmp_path: Path, surfer: Surfer) -> None:
    hand = handmade(pool, tmp_path, Attributes={"first": "given_name", "last": "family_name", "empty": "nickname"})
    pool.idp.update_user_pool_client(
        **hand.app.ids, ReadAttributes=["given_name"], SupportedIdentityProviders=["COGNITO"]
    )
    ann = pool.user(given_name="Ann\u0001\u00e9", family_name="Bell")
    hand.ask(surfer)
    sign_in(surfer, ann)
    told = response(surfer)
    assert [one.get("Name") for one in told.iter("{*}Attribute")] == ["first"]
    assert only(told, "//a:AttributeValue").text == "Ann\ufffd\u00e9"


# --- Begun by us ----------------------------------------------------------------------------------------------------


def test_a_portal_sends_people_to_an_app_that_allows_it(app: Application, sp: Pysaml2Sp, surfer: Surfer) -> None:
    start = f"{app.pool.issuer}/saml2/idp/init?client_id={app.client.id}"
    ann = app.pool.user()
    surfer.go(start)
    assert refused(surfer) == "unauthorized_client", "it is off until turned on"
    app.configure(IdpInitiated=True, RelayState="to the front page")
    surfer.go(start)
    welcomed(sign_in(surfer, ann))
    assert sp.arrived[-1].in_response_to is None
    assert sp.arrived[-1].relay_state == "to the front page"
    welcomed(surfer.go(f"{start}&{urlencode({'RelayState': 'elsewhere'})}"))
    assert sp.arrived[-1].relay_state == "elsewhere"


@pytest.mark.parametrize(
    "query", ["", "client_id=nobody", "client_id=" + "x" * 300, "client_id=a&client_id=b", "client_id=%00"]
)
def test_there_is_no_beginning_for_nobody(pool: PoolInWorld, surfer: Surfer, query: str) -> None:
    surfer.go(f"{pool.issuer}/saml2/idp/init?{query}")
    assert refused(surfer) == "saml_issuer"
    plain = pool.client()
    surfer.go(f"{pool.issuer}/saml2/idp/init?client_id={plain.id}")
    assert refused(surfer) == "saml_issuer", "an app client that is no service provider"


# --- What is published, and what may be configured ------------------------------------------------------------------


def test_the_metadata_says_what_there_is(app: Application, surfer: Surfer) -> None:
    root = etree.fromstring(app.metadata())
    assert root.get("entityID") == app.entity_id
    role = only(root, "*[local-name()='IDPSSODescriptor']")
    assert {one.get("Location") for one in role.iter("{*}SingleSignOnService")} == {app.sso}
    assert {one.get("Location") for one in role.iter("{*}SingleLogoutService")} == {app.slo}
    assert len(list(role.iter("{*}X509Certificate"))) == 1
    assert PERSISTENT in {one.text for one in role.iter("{*}NameIDFormat")}


def test_the_extension_is_filled_from_metadata_and_kept(app: Application, sp: Pysaml2Sp) -> None:
    shown = app.extensions.get_user_pool_client_extensions(**app.ids)["Extensions"]["Saml"]
    assert shown == app.saml
    assert shown["EntityId"] == sp.entity_id
    assert shown["AssertionConsumerServices"] == [sp.consumer_url]
    assert shown["SingleLogoutService"] == f"{sp.url}/slo"
    assert shown["RequireSignedRequests"] is True
    assert shown["Certificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert shown["EncryptionCertificate"] != shown["Certificate"]
    assert "Metadata" not in shown
    app.pool.idp.update_user_pool_client(**app.ids, AuthSessionValidity=5)
    assert app.extensions.get_user_pool_client_extensions(**app.ids)["Extensions"]["Saml"] == shown


def test_an_entity_id_is_one_app_clients(app: Application, tmp_path: Path) -> None:
    other = app.pool.client()
    ids = {"UserPoolId": app.pool.id, "ClientId": other.id}
    claimed = {"Saml": {"EntityId": app.saml["EntityId"], "AssertionConsumerServices": ["https://evil.example/acs"]}}
    claim = app.extensions.set_user_pool_client_extensions
    said = refused_by_api(claim, "InvalidParameterException", **ids, Extensions=claimed)
    assert "has this entity id already" in said
    assert app.extensions.get_user_pool_client_extensions(**ids)["Extensions"] == {}
    app.extensions.set_user_pool_client_extensions(**app.ids, Extensions={})
    claim(**ids, Extensions=claimed)
    app.pool.idp.delete_user_pool_client(**ids)
    app.configure()  # whoever is gone holds no name


def test_a_client_that_is_no_service_provider_any_more_gets_no_answer(hand: HandmadeSp, surfer: Surfer) -> None:
    hand.ask(surfer)
    hand.app.extensions.set_user_pool_client_extensions(**hand.app.ids, Extensions={})
    sign_in(surfer, hand.app.pool.user())
    assert refused(surfer) == "saml_issuer"
    hand.ask(surfer)
    assert refused(surfer) == "saml_issuer"


GOOD: dict[str, Any] = {"EntityId": "urn:x", "AssertionConsumerServices": ["https://app.example/acs"]}


@pytest.mark.parametrize(
    ("saml", "said"),
    [
        ({}, "EntityId is required"),
        ({"EntityId": "urn:x"}, "AssertionConsumerServices is required"),
        ({**GOOD, "EntityId": "two words"}, "printable characters, without spaces"),
        ({**GOOD, "AssertionConsumerServices": []}, "1 to 20"),
        ({**GOOD, "AssertionConsumerServices": ["http://app.example/acs"]}, "https://"),
        ({**GOOD, "AssertionConsumerServices": ["javascript:alert(1)"]}, "absolute URL"),
        ({**GOOD, "AssertionConsumerServices": ["https://u@app.example/acs"]}, "user name"),
        ({**GOOD, "AssertionConsumerServices": ["https://app.example/acs#x"]}, "fragment"),
        ({**GOOD, "AssertionConsumerServices": ["https://a.example/", "https://a.example/"]}, "each URL once"),
        ({**GOOD, "AssertionConsumerServiceIndexes": [0, 1]}, "index for each"),
        ({**GOOD, "Certificate": "no certificate"}, "certificate as PEM"),
        ({**GOOD, "RequireSignedRequests": True}, "needs a Certificate"),
        ({**GOOD, "Encrypt": True}, "needs a certificate"),
        ({**GOOD, "SingleLogoutService": "https://app.example/slo"}, "needs a Certificate"),
        ({**GOOD, "SignAssertion": False}, "nothing would be signed"),
        ({**GOOD, "NameIdFormat": "kerberos"}, "enum value set"),
        ({**GOOD, "Attributes": {"mail": "no_such_attribute"}}, "has no attribute no_such_attribute"),
        ({"Metadata": "<x/>"}, "not SAML metadata"),
        ({"Metadata": '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}, "could not be read"),
    ],
)
def test_what_a_service_provider_cannot_be(pool: PoolInWorld, tmp_path: Path, saml: dict[str, Any], said: str) -> None:
    client = pool.client()
    extensions = ours(pool.world, tmp_path)
    ids = {"UserPoolId": pool.id, "ClientId": client.id}
    answer = refused_by_api(
        extensions.set_user_pool_client_extensions, "InvalidParameterException", **ids, Extensions={"Saml": saml}
    )
    assert said in answer


def test_an_assertion_is_for_one_app_one_request_and_five_minutes(hand: HandmadeSp, surfer: Surfer) -> None:
    hand.ask(surfer)
    sign_in(surfer, hand.app.pool.user())
    told = response(surfer)
    conditions, data = only(told, "//a:Conditions"), only(told, "//a:SubjectConfirmationData")
    issued = datetime.fromisoformat(told.get("IssueInstant"))
    for element in (conditions, data):
        assert datetime.fromisoformat(element.get("NotOnOrAfter")) - issued <= timedelta(minutes=5)
        assert datetime.fromisoformat(element.get("NotOnOrAfter")) > clock.now()
    assert only(told, "//a:Audience").text == hand.entity_id
    assert only(told, "/p:Response/a:Issuer").text == hand.app.entity_id
    assert data.get("Recipient") == hand.acs
    assert data.get("InResponseTo") == told.get("InResponseTo")
    assert told.get("Destination") == hand.acs
    instant_of_sign_in = datetime.fromisoformat(only(told, "//a:AuthnStatement").get("AuthnInstant"))
    assert abs(issued - instant_of_sign_in) < timedelta(minutes=1)


# --- What stays behind ----------------------------------------------------------------------------------------------


def test_an_assertion_leaves_its_trace_and_no_attribute(pool: PoolInWorld, tmp_path: Path, surfer: Surfer) -> None:
    hand = handmade(pool, tmp_path, Attributes={"mail": "email"})
    ann = pool.user(email="audit@saml-idp.example", email_verified="true")
    hand.ask(surfer, hand.authn_request(IsPassive="true"))
    hand.ask(surfer)
    sign_in(surfer, ann)
    assert statuses(surfer) == ["Success"]
    with unit.open(pool.world.runtime):
        columns = (AuditEvent.name, AuditEvent.sub, AuditEvent.client_id, AuditEvent.detail)
        of_saml = AuditEvent.name.like("Saml%")
        found = select(*columns).where(AuditEvent.pool_id == pool.id, of_saml).order_by(AuditEvent.id)
        rows = [tuple(row) for row in unit.execute(found)]
    context = CLASSES + "PasswordProtectedTransport"
    assert rows == [
        ("SamlAssertionRefused", None, hand.app.client.id, {"status": "NoPassive"}),
        ("SamlAssertionIssued", ann.sub, hand.app.client.id, {"context": context, "asked_for": True}),
    ]


def test_who_is_signed_in_costs_three_statements_and_one_commit(hand: HandmadeSp, surfer: Surfer) -> None:
    hand.ask(surfer)
    sign_in(surfer, hand.app.pool.user())
    hand.ask(surfer)
    with hand.app.world.counting() as counted:
        hand.ask(surfer)
    assert statuses(surfer) == ["Success"]
    assert (len(counted), counted.commits) == (3, 1), counted.texts


def test_persistent_names_outlive_the_master_key(fresh_database_url: str) -> None:
    """A name that changed would be a new person to every application."""
    old, new = b"o" * 32, b"n" * 32
    with runtimes.running(fresh_database_url, key=old) as rt, unit.open(rt, write=True):
        names_of.prepare("us-east-1_Names")
        named = names_of.persistent("us-east-1_Names", "ann", "urn:app")
        assert named == names_of.persistent("us-east-1_Names", "ann", "urn:app")
        assert named != names_of.persistent("us-east-1_Names", "bob", "urn:app")
        assert named != names_of.persistent("us-east-1_Names", "ann", "urn:other")
    with runtimes.running(fresh_database_url, key=new, previous=(old,)) as rt:
        resealing.reseal(rt)
    with runtimes.running(fresh_database_url, key=new) as rt, unit.open(rt, write=True):
        names_of.prepare("us-east-1_Names")
        assert names_of.persistent("us-east-1_Names", "ann", "urn:app") == named


# --- With an enterprise behind us -----------------------------------------------------------------------------------


def test_who_says_no_at_the_enterprise_is_reported_to_the_app(world: World, tmp_path: Path, surfer: Surfer) -> None:
    with pysaml2_idp(tmp_path) as enterprise:
        enterprise.people["ann"] = Account("Ann-3", {})
        site = joined(world, enterprise)
        hand = handmade(site.pool, tmp_path)
        site.pool.idp.update_user_pool_client(**hand.app.ids, SupportedIdentityProviders=["COGNITO", site.name])

        def choose_the_enterprise(**attributes: str) -> None:
            hand.ask(surfer, hand.authn_request(**attributes), relay_state="state")
            surfer.go(next(link for link in links(surfer) if "/login/via" in link))

        choose_the_enterprise()
        surfer.submit(username="", do="no")
        assert surfer.left is None
        surfer.go(next(link for link in links(surfer) if "/saml2/idp/sso/refuse" in link))
        assert statuses(surfer) == ["Responder", "AuthnFailed"]
        assert (surfer.left or {})["RelayState"] == "state"
        assert only(response(surfer), "/p:Response/ds:Signature") is not None

        choose_the_enterprise()
        surfer.submit(username="ann", do="in")
        assert only(response(surfer), "//a:NameID").text == "Okta_Ann-3"
        assert only(response(surfer), "//a:AuthnContextClassRef").text == CLASSES + "unspecified"
        choose_the_enterprise(ForceAuthn="true")
        assert "Sign in at the enterprise" in surfer.text, "a new sign-in here is a new one there"
        surfer.submit(username="ann", do="in")
        assert statuses(surfer) == ["Success"]


def links(surfer: Surfer) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'href="([^"]+)"', surfer.text)]


# --- On a pool's own host -------------------------------------------------------------------------------------------


def test_a_pool_answers_on_its_own_host_and_takes_what_is_meant_for_either(
    databases: Databases, tmp_path: Path
) -> None:
    world = World(databases.make("sqlite"), tmp_path, domain_suffix="auth.example.com")
    try:
        pool = world.pool()
        world.idp.create_user_pool_domain(UserPoolId=pool.id, Domain="saml-apps")
        host = "http://saml-apps.auth.example.com"
        hand, ann = handmade(pool, tmp_path), pool.user()
        published = etree.fromstring(hand.app.metadata())
        assert {one.get("Location") for one in published.iter("{*}SingleSignOnService")} == {f"{host}/saml2/idp/sso"}
        assert published.get("entityID") == hand.app.entity_id, "who we are does not move with the host"

        browser = Client(world.app)
        for destination in (f"{host}/saml2/idp/sso", hand.app.sso):
            document = hand.authn_request(Destination=destination)
            query = hand.send(document, host + "/saml2/idp/sso").address.partition("?")[2]
            page = browser.get("/saml2/idp/sso", base_url=host, query_string=query, follow_redirects=True)
            if b"SAMLResponse" not in page.data:
                (form,) = (form for form in Page(host, page).forms if "password" in form["fields"])
                filled = {**form["fields"], "username": ann.username, "password": ann.password}
                page = browser.post(form["action"], base_url=host, data=filled, follow_redirects=True)
            (form,) = Page(host, page).forms
            assert form["action"] == hand.acs
            told = etree.fromstring(base64.b64decode(form["fields"]["SAMLResponse"]))
            assert only(told, "/p:Response/a:Issuer").text == hand.app.entity_id
        elsewhere = hand.authn_request(Destination="http://other.auth.example.com/saml2/idp/sso")
        query = hand.send(elsewhere, host).address.partition("?")[2]
        answer = browser.get("/saml2/idp/sso", base_url=host, query_string=query)
        assert answer.headers["Location"] == "/error?error=saml_request"
    finally:
        world.close()
