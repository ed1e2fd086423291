"""A pool as SAML service provider: what it asks, whom it believes, what it remembers, and whose metadata it keeps."""

from __future__ import annotations

import base64
import threading
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree
from sqlalchemy import func, select, update

from poolhouse.core import clock, seen, unit
from poolhouse.core.seen import SeenMessage
from poolhouse.federation import catalogue, documents, saml_keys, saml_sp
from poolhouse.federation.connector import (
    Denied,
    Departure,
    ExternalIdentity,
    FederationFailed,
    Landing,
    LoginRequired,
    Misconfigured,
    Sent,
    Unavailable,
    Untrusted,
)
from poolhouse.federation.models import ProviderDocument
from poolhouse.federation.provider import Provider
from poolhouse.user_pools import lookup
from tests.saml import attack_idp
from tests.saml.attack_idp import NS, SIGNED, Answer, Signing, respond
from tests.saml.enterprise import ours as our_client
from tests.saml.party import Answer as Reply
from tests.saml.party import Party, Question
from tests.world import PoolInWorld, World

STATUS = "urn:oasis:names:tc:SAML:2.0:status:"


class Publisher(Party):
    """A provider whose metadata is at a URL; ``reply`` says otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.metadata = attack_idp.metadata()
        self.reply: Reply | None = None
        self.asked = 0

    def answer(self, question: Question) -> Reply:
        self.asked += 1
        return self.reply or Reply(self.metadata, headers={"Content-Type": "application/samlmetadata+xml"})


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    party = Publisher()
    yield party
    party.close()


class Site:
    """A pool with one SAML provider."""

    def __init__(self, pool: PoolInWorld, **details: str) -> None:
        self.pool, self.runtime = pool, pool.world.runtime
        if "MetadataURL" not in details:
            details.setdefault("MetadataFile", attack_idp.metadata().decode())
        pool.idp.create_identity_provider(
            UserPoolId=pool.id, ProviderName="Okta", ProviderType="SAML", ProviderDetails=details
        )

    @property
    def provider(self) -> Provider:
        with unit.open(self.runtime):
            return catalogue.get(lookup.pool(self.pool.id), "Okta")

    def depart(self, **changes: Any) -> Sent:
        departure = Departure(**({"state": "the-handle", "base": self.pool.issuer} | changes))
        with unit.open(self.runtime):
            return saml_sp.CONNECTOR.depart(self.provider, departure)

    def land(
        self, document: bytes, remember: Mapping[str, Any] | None = None, *, unasked: bool = False, posted: bool = True
    ) -> ExternalIdentity:
        asked = {"id": "_request1", "consumer": self.pool.issuer + "/saml2/idpresponse", **(remember or {})}
        parameters = {"SAMLResponse": attack_idp.encode(document), "RelayState": "the-handle"}
        landing = Landing(self.pool.issuer, parameters, None if unasked else asked, posted=posted)
        with unit.open(self.runtime):
            return saml_sp.CONNECTOR.land(self.provider, landing)

    def answer(self, **changes: Any) -> Answer:
        """What the provider says to this pool."""
        consumer = self.pool.issuer + "/saml2/idpresponse"
        return Answer(**({"consumer": consumer, "audience": f"urn:amazon:cognito:sp:{self.pool.id}"} | changes))

    def certificate(self) -> bytes:
        """What assertions are to be encrypted to, as an administrator finds it."""
        details = self.pool.idp.describe_identity_provider(UserPoolId=self.pool.id, ProviderName="Okta")
        shown = details["IdentityProvider"]["ProviderDetails"]["ActiveEncryptionCertificate"]
        return b"-----BEGIN CERTIFICATE-----\n" + shown.encode() + b"\n-----END CERTIFICATE-----\n"


@pytest.fixture
def site(pool: PoolInWorld) -> Site:
    return Site(pool)


def request_in(sent: Sent) -> Any:
    """The AuthnRequest that a browser is sent with."""
    if sent.form is not None:
        return etree.fromstring(base64.b64decode(sent.form["SAMLRequest"]))
    encoded = parse_qs(urlsplit(sent.address).query)["SAMLRequest"][0]
    return etree.fromstring(zlib.decompress(base64.b64decode(encoded), -15))


# --- leaving ----------------------------------------------------------------------------------------------------------


def test_the_request_is_as_cognitos(site: Site) -> None:
    sent = site.depart()
    assert sent.form is None
    assert sent.address.startswith("https://idp.example/sso?SAMLRequest=")
    query = parse_qs(urlsplit(sent.address).query)
    assert query["RelayState"] == ["the-handle"]
    assert "Signature" not in query
    request = request_in(sent)
    now = datetime.now(UTC)
    at = datetime.fromisoformat(request.attrib.pop("IssueInstant"))
    assert now - timedelta(seconds=20) < at <= now
    assert dict(request.attrib) == {
        "ID": sent.remember["id"],
        "Version": "2.0",
        "Destination": "https://idp.example/sso",
        "AssertionConsumerServiceURL": f"{site.pool.issuer}/saml2/idpresponse",
        "ProtocolBinding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
    }
    assert request.find("saml:Issuer", NS).text == f"urn:amazon:cognito:sp:{site.pool.id}"
    assert request.find("samlp:NameIDPolicy", NS).attrib == {"AllowCreate": "true"}
    assert request.find("samlp:RequestedAuthnContext", NS) is None
    assert site.depart().remember["id"] != sent.remember["id"]


def test_a_signed_request_is_verified_with_the_pools_certificate(pool: PoolInWorld) -> None:
    sent = Site(pool, RequestSigningAlgorithm="rsa-sha256").depart()
    signed, _, signature = urlsplit(sent.address).query.partition("&Signature=")
    assert parse_qs(signed)["SigAlg"] == ["http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"]
    shown = pool.idp.get_signing_certificate(UserPoolId=pool.id)["Certificate"]
    public: Any = x509.load_der_x509_certificate(base64.b64decode(shown)).public_key()
    raw = base64.b64decode(parse_qs("s=" + signature)["s"][0])
    public.verify(raw, signed.encode(), padding.PKCS1v15(), hashes.SHA256())


def test_a_provider_that_takes_no_redirect_gets_a_form(pool: PoolInWorld) -> None:
    only_post = attack_idp.metadata(bindings=("HTTP-POST",)).decode()
    site = Site(pool, MetadataFile=only_post, RequestSigningAlgorithm="rsa-sha256")
    sent = site.depart()
    assert sent.address == "https://idp.example/sso"
    assert sent.form is not None
    assert sent.form["RelayState"] == "the-handle"
    request = request_in(sent)
    shown = pool.idp.get_signing_certificate(UserPoolId=pool.id)["Certificate"]
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(base64.b64decode(shown), xmlsec.KeyFormat.CERT_DER)
    xmlsec.tree.add_ids(request, ["ID"])
    context.verify(request.find("ds:Signature", NS))


@pytest.mark.parametrize("changes", [{"reauthenticate": True}, {"prompt": frozenset({"login"})}])
def test_a_fresh_proof_is_asked_for_and_required(site: Site, changes: dict[str, Any]) -> None:
    assert request_in(site.depart(prompt=frozenset({"consent"}))).get("ForceAuthn") is None
    sent = site.depart(**changes)
    assert request_in(sent).get("ForceAuthn") == "true"

    def earlier(root: Any) -> None:
        before = attack_idp.stamp(datetime.now(UTC) - timedelta(hours=1))
        root.find(".//saml:AuthnStatement", NS).set("AuthnInstant", before)

    answer = site.answer(in_response_to=sent.remember["id"])
    with pytest.raises(Untrusted) as caught:
        site.land(respond(answer, before=earlier), sent.remember)
    assert caught.value.hint.startswith("authn-instant")
    assert site.land(respond(answer), sent.remember).subject


def test_an_extension_asks_for_a_fresh_proof_always(site: Site, world: World, tmp_path: Any) -> None:
    our_client(world, tmp_path).set_identity_provider_extensions(
        UserPoolId=site.pool.id, ProviderName="Okta", Extensions={"ForceAuthn": True}
    )
    assert request_in(site.depart()).get("ForceAuthn") == "true"


# --- coming -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signed", SIGNED)
def test_who_comes_back_is_who_the_provider_says(site: Site, signed: str) -> None:
    sent = site.depart()
    answer = site.answer(
        in_response_to=sent.remember["id"], attributes={"mail": ["jo@example.com"], "groups": ["a", "b"], "none": []}
    )
    found = site.land(respond(answer, signed), sent.remember)
    assert found.subject == "Jo.Doe@Example.com"
    assert found.claims == {"mail": "jo@example.com", "groups": ("a", "b")}
    assert found.inbound == {"samlResponse": {"mail": ["jo@example.com"], "groups": ["a", "b"], "none": []}}
    assert found.session == {
        "issuer": answer.issuer,
        "name_id": "Jo.Doe@Example.com",
        "name_id_format": attack_idp.PERSISTENT,
        "session_index": "_session1",
    }
    assert found.auth_time is not None
    assert abs(found.auth_time - answer.now.timestamp()) < 2


@pytest.mark.parametrize("signed", SIGNED)
def test_an_assertion_is_taken_once(site: Site, signed: str) -> None:
    document = respond(site.answer(), signed)
    site.land(document)
    for again in (document, document.replace(b'ID="_response', b'ID="_another')):
        with pytest.raises(Untrusted):
            site.land(again)


def test_a_response_is_taken_once_whatever_assertion_is_in_it(site: Site) -> None:
    site.land(respond(site.answer(response_id="_twice"), "response"))
    with pytest.raises(Untrusted) as caught:
        site.land(respond(site.answer(response_id="_twice"), "response"))
    assert caught.value.hint.startswith("replay")


def test_of_many_at_once_one_gets_in(site: Site) -> None:
    document = respond(site.answer())
    results: list[str] = []
    ready = threading.Barrier(6)

    def land() -> None:
        ready.wait()
        try:
            results.append(site.land(document).subject)
        except Untrusted as refused:
            results.append(refused.hint)

    threads = [threading.Thread(target=land) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["Jo.Doe@Example.com"] + ["replay: this message was taken before"] * 5


def test_what_one_provider_brought_another_of_the_same_party_does_not(pool: PoolInWorld) -> None:
    site = Site(pool, IDPInit="true")
    pool.idp.create_identity_provider(
        UserPoolId=pool.id,
        ProviderName="Again",
        ProviderType="SAML",
        ProviderDetails={"MetadataFile": attack_idp.metadata().decode(), "IDPInit": "true"},
    )
    document = respond(site.answer(in_response_to=None))
    site.land(document, unasked=True)
    with unit.open(site.runtime), pytest.raises(Untrusted) as caught:
        again = catalogue.get(lookup.pool(pool.id), "Again")
        landing = Landing(pool.issuer, {"SAMLResponse": attack_idp.encode(document)}, None, posted=True)
        saml_sp.CONNECTOR.land(again, landing)
    assert caught.value.hint.startswith("replay")


def test_another_pool_may_take_the_same_ids(world: World) -> None:
    one, other = Site(world.pool()), Site(world.pool())
    ids = {"response_id": "_r", "assertion_id": "_a"}
    one.land(respond(one.answer(**ids)))
    other.land(respond(other.answer(**ids)))
    with pytest.raises(Untrusted) as caught:
        other.land(respond(one.answer()))
    assert caught.value.hint.startswith("destination")


def test_what_was_taken_is_forgotten_once_it_would_be_refused_anyway(site: Site) -> None:
    def remembered() -> int:
        with unit.open(site.runtime):
            count = select(func.count()).where(SeenMessage.pool_id == site.pool.id)
            return int(unit.execute(count).scalar_one())

    document = respond(site.answer())
    site.land(document)
    with unit.open(site.runtime):
        seen.purge()
    assert remembered() == 2
    with clock.moved(minutes=8):
        with unit.open(site.runtime):
            seen.purge()
        assert remembered() == 0
        with pytest.raises(Untrusted) as caught:
            site.land(document)
        assert caught.value.hint.startswith("not-on-or-after")


def test_the_provider_may_begin_only_where_it_is_allowed(world: World) -> None:
    allowed, not_allowed = Site(world.pool(), IDPInit="true"), Site(world.pool())
    assert allowed.land(respond(allowed.answer(in_response_to=None)), unasked=True).subject
    with pytest.raises(Untrusted) as caught:
        not_allowed.land(respond(not_allowed.answer(in_response_to=None)), unasked=True)
    assert caught.value.hint == "unsolicited"
    with pytest.raises(Untrusted) as caught:
        allowed.land(respond(allowed.answer()), unasked=True)
    assert caught.value.hint.startswith("in-response-to")
    with clock.moved(minutes=8), pytest.raises(Untrusted) as caught:
        allowed.land(respond(allowed.answer(in_response_to=None, minutes=60)), unasked=True)
    assert caught.value.hint.startswith("issue-instant")


def test_an_answer_comes_by_post(site: Site) -> None:
    with pytest.raises(Untrusted):
        site.land(respond(site.answer()), posted=False)


def test_the_address_is_the_one_that_was_asked_for(site: Site) -> None:
    """A pool is reached by path and by a host of its own: the answer goes where the request said."""
    elsewhere = "https://auth.example.com/saml2/idpresponse"
    assert site.land(respond(site.answer(consumer=elsewhere)), {"consumer": elsewhere}).subject
    with pytest.raises(Untrusted):
        site.land(respond(site.answer()), {"consumer": elsewhere})


@pytest.mark.parametrize(
    ("codes", "means"),
    [
        (("Responder", "AuthnFailed"), Denied),
        (("Responder", "RequestDenied"), Denied),
        (("Responder", "UnknownPrincipal"), Denied),
        (("Responder", "NoPassive"), LoginRequired),
        (("Requester", "InvalidNameIDPolicy"), Misconfigured),
        (("Requester",), Misconfigured),
        (("VersionMismatch",), Misconfigured),
        (("Responder",), FederationFailed),
        (("Responder", "urn:of-our-own"), FederationFailed),
    ],
)
@pytest.mark.parametrize("signed", ["none", "response"])
def test_a_no_of_the_provider_says_what_it_means(
    site: Site, codes: tuple[str, ...], means: type[FederationFailed], signed: str
) -> None:
    status = [code if code.startswith("urn:") else STATUS + code for code in codes]
    with pytest.raises(FederationFailed) as caught:
        site.land(respond(site.answer(status=status, status_message="Not today"), signed))
    assert type(caught.value) is means
    assert "Not today" in caught.value.hint
    assert "Not today" not in str(caught.value)


def test_a_no_to_what_nobody_asked_is_nobodys_word(pool: PoolInWorld) -> None:
    site = Site(pool, IDPInit="true")
    for code in ("Responder", "Requester", "VersionMismatch"):
        with pytest.raises(Untrusted):
            site.land(respond(site.answer(status=[STATUS + code], in_response_to=None), "none"), unasked=True)


# --- extensions of ours -----------------------------------------------------------------------------------------------


def test_sha1_and_what_has_to_be_signed_are_settings(site: Site, world: World, tmp_path: Any) -> None:
    ours = our_client(world, tmp_path)

    def extend(**extensions: Any) -> None:
        ours.set_identity_provider_extensions(UserPoolId=site.pool.id, ProviderName="Okta", Extensions=extensions)

    old = Signing(method=attack_idp.T.RSA_SHA1, digest=attack_idp.T.SHA1)
    with pytest.raises(Untrusted):
        site.land(respond(site.answer(), how=old))
    extend(AllowSha1=True)
    assert site.land(respond(site.answer(), how=old)).subject
    extend(RequireSigned="both")
    for signed in SIGNED:
        if signed == "both":
            assert site.land(respond(site.answer(), signed)).subject
        else:
            with pytest.raises(Untrusted) as caught:
                site.land(respond(site.answer(), signed))
            assert caught.value.hint.startswith("unsigned")


# --- encryption and rotation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signed", SIGNED)
def test_only_encrypted_assertions_where_so_configured(pool: PoolInWorld, signed: str) -> None:
    site = Site(pool, EncryptedResponses="true")
    assert site.land(respond(site.answer(), signed, encrypt_to=site.certificate())).subject
    with pytest.raises(Untrusted) as caught:
        site.land(respond(site.answer(), signed))
    assert caught.value.hint == "not-encrypted"


def test_a_former_key_decrypts_until_it_is_withdrawn(pool: PoolInWorld, world: World, tmp_path: Any) -> None:
    site, ours = Site(pool, EncryptedResponses="true"), our_client(world, tmp_path)
    former = site.certificate()
    ours.rotate_saml_key(UserPoolId=pool.id, ProviderName="Okta")
    newer = site.certificate()
    assert newer != former
    for certificate in (former, newer):
        assert site.land(respond(site.answer(), encrypt_to=certificate)).subject
    ours.rotate_saml_key(UserPoolId=pool.id, ProviderName="Okta", Withdraw=True)
    for certificate in (former, newer):
        with pytest.raises(Untrusted) as caught:
            site.land(respond(site.answer(), encrypt_to=certificate))
        assert caught.value.hint.startswith("encrypted-assertion")
    assert site.land(respond(site.answer(), encrypt_to=site.certificate())).subject


def test_the_key_of_one_provider_does_not_open_what_is_encrypted_to_anothers(world: World) -> None:
    one, other = Site(world.pool(), EncryptedResponses="true"), Site(world.pool(), EncryptedResponses="true")
    with pytest.raises(Untrusted):
        one.land(respond(one.answer(), encrypt_to=other.certificate()))


def test_requests_are_signed_with_the_former_key_until_the_new_one_is_known(pool: PoolInWorld) -> None:
    site = Site(pool, RequestSigningAlgorithm="rsa-sha256")
    with unit.open(site.runtime):
        former = saml_keys.signing(pool.id)
        made = saml_keys.rotate(pool.id)
    for moved, key in ({"hours": 23}, former), ({"hours": 25}, made):
        with clock.moved(**moved):  # type: ignore[arg-type]
            signed, _, signature = urlsplit(site.depart().address).query.partition("&Signature=")
        public: Any = x509.load_der_x509_certificate(key.der).public_key()
        raw = base64.b64decode(parse_qs("s=" + signature)["s"][0])
        public.verify(raw, signed.encode(), padding.PKCS1v15(), hashes.SHA256())


# --- metadata by URL --------------------------------------------------------------------------------------------------

NEXT = attack_idp.key("next")


def document_of(site: Site) -> Any:
    """The copy that is kept."""
    with unit.open(site.runtime):
        mine = (ProviderDocument.pool_id == site.pool.id, ProviderDocument.provider == "Okta")
        return unit.execute(select(ProviderDocument.__table__).where(*mine)).first()


def published(pool: PoolInWorld, publisher: Publisher) -> Site:
    return Site(pool, MetadataURL=publisher.url + "/metadata")


def test_metadata_is_fetched_once_and_kept(pool: PoolInWorld, publisher: Publisher) -> None:
    site = published(pool, publisher)
    assert publisher.asked == 1
    for _ in range(3):
        site.depart()
        site.land(respond(site.answer()))
    shown = pool.idp.describe_identity_provider(UserPoolId=pool.id, ProviderName="Okta")["IdentityProvider"]
    assert shown["ProviderDetails"]["SSORedirectBindingURI"] == "https://idp.example/sso"
    assert publisher.asked == 1
    kept = document_of(site)
    assert bytes(kept.body) == publisher.metadata
    assert kept.due_at - kept.fetched_at <= timedelta(hours=6)


def test_metadata_is_fetched_again_in_the_background(pool: PoolInWorld, publisher: Publisher) -> None:
    site = published(pool, publisher)
    publisher.metadata = attack_idp.metadata(keys=[NEXT], sso="https://idp.example/new")
    documents.refresh_due(site.runtime)
    assert publisher.asked == 1
    with clock.moved(hours=6, minutes=1):
        documents.refresh_due(site.runtime)
        documents.refresh_due(site.runtime)
        assert publisher.asked == 2
        assert site.depart().address.startswith("https://idp.example/new?")
        answer = site.answer(now=clock.now())
        assert site.land(respond(answer, how=Signing(key=NEXT))).subject
        with pytest.raises(Untrusted):
            site.land(respond(site.answer(now=clock.now())))
    shown = pool.idp.describe_identity_provider(UserPoolId=pool.id, ProviderName="Okta")["IdentityProvider"]
    assert shown["ProviderDetails"]["SSORedirectBindingURI"] == "https://idp.example/new"


def test_the_housekeeper_does_not_wait_for_metadata(pool: PoolInWorld, publisher: Publisher) -> None:
    site = published(pool, publisher)
    publisher.metadata = attack_idp.metadata(sso="https://idp.example/new")
    for _ in range(2):
        documents.refresh_in_background(site.runtime)
        thread = site.runtime.extras["metadata refresh"]
        assert isinstance(thread, threading.Thread)
        thread.join(30)
    assert publisher.asked == 1
    with unit.open(site.runtime, write=True):
        mine = ProviderDocument.pool_id == pool.id
        unit.execute(update(ProviderDocument).where(mine).values(due_at=clock.ago(minutes=1)))
    documents.refresh_in_background(site.runtime)
    thread = site.runtime.extras["metadata refresh"]
    assert isinstance(thread, threading.Thread)
    thread.join(30)
    assert publisher.asked == 2
    assert site.depart().address.startswith("https://idp.example/new?")


GOOD = attack_idp.metadata()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"busy", 503),
        Reply(b"", 200),
        Reply(b"<html>We are back soon</html>", 200),
        Reply(GOOD[:500], 200),
        Reply(GOOD + b" " * 600_000, 200),
        Reply(attack_idp.metadata(keys=[]), 200),
        Reply(attack_idp.metadata(valid_until=datetime(2020, 1, 1, tzinfo=UTC)), 200),
        Reply(b'<!DOCTYPE x SYSTEM "http://x.example/">' + GOOD, 200),
        Reply(b"", 302, {"Location": "http://localhost:1/"}),
    ],
    ids=["503", "empty", "html", "cut off", "too large", "no keys", "expired", "dtd", "redirect"],
)
def test_the_last_good_copy_stays_while_what_comes_cannot_be_used(
    pool: PoolInWorld, publisher: Publisher, reply: Reply
) -> None:
    site = published(pool, publisher)
    publisher.reply = reply
    for hours in (7, 14, 100):
        with clock.moved(hours=hours):
            documents.refresh_due(site.runtime)
            assert site.land(respond(site.answer(now=clock.now()))).subject
    kept = document_of(site)
    assert bytes(kept.body) == publisher.metadata
    assert kept.failure
    # It was asked again each time, and not before its time had come.
    assert publisher.asked == 4
    publisher.reply = None
    with clock.moved(hours=101):
        documents.refresh_due(site.runtime)
    assert document_of(site).failure is None


def test_a_copy_is_good_until_its_own_end(pool: PoolInWorld, publisher: Publisher) -> None:
    publisher.metadata = attack_idp.metadata(valid_until=datetime.now(UTC) + timedelta(hours=10))
    site = published(pool, publisher)
    publisher.reply = Reply(b"", 503)
    with clock.moved(hours=9):
        documents.refresh_due(site.runtime)
        assert site.land(respond(site.answer(now=clock.now()))).subject
    with clock.moved(hours=11):
        with pytest.raises(Misconfigured) as caught:
            site.depart()
        assert "validUntil" in caught.value.hint
        with pytest.raises(Misconfigured):
            site.land(respond(site.answer(now=clock.now())))
        publisher.reply, publisher.metadata = None, attack_idp.metadata()
        documents.refresh_due(site.runtime)
        assert site.land(respond(site.answer(now=clock.now()))).subject


def test_a_file_is_good_until_its_own_end(pool: PoolInWorld) -> None:
    until = datetime.now(UTC) + timedelta(hours=10)
    site = Site(pool, MetadataFile=attack_idp.metadata(valid_until=until).decode())
    assert site.depart()
    with clock.moved(hours=11), pytest.raises(Misconfigured):
        site.depart()


def test_a_provider_that_has_just_changed_its_key_is_asked_at_once_but_not_for_every_forgery(
    pool: PoolInWorld, publisher: Publisher
) -> None:
    site = published(pool, publisher)
    with pytest.raises(Untrusted):
        site.land(respond(site.answer(), how=Signing(key=NEXT)))
    assert publisher.asked == 1  # fetched a moment ago
    with clock.moved(minutes=10):
        mallory = Signing(key=attack_idp.key("mallory"))
        for _ in range(5):
            with pytest.raises(Untrusted):
                site.land(respond(site.answer(now=clock.now()), how=mallory))
        assert publisher.asked == 2
    publisher.metadata = attack_idp.metadata(keys=[attack_idp.key(), NEXT])
    with clock.moved(minutes=20):
        for key in (NEXT, attack_idp.key()):
            assert site.land(respond(site.answer(now=clock.now()), how=Signing(key=key))).subject
        assert publisher.asked == 3


def test_a_provider_that_is_gone_is_asked_no_more(pool: PoolInWorld, publisher: Publisher) -> None:
    site = published(pool, publisher)
    pool.idp.delete_identity_provider(UserPoolId=pool.id, ProviderName="Okta")
    with clock.moved(hours=7):
        documents.refresh_due(site.runtime)
    assert publisher.asked == 1
    assert document_of(site) is None


def test_another_url_is_another_document(pool: PoolInWorld, publisher: Publisher) -> None:
    site = published(pool, publisher)
    other = Publisher()
    try:
        other.metadata = attack_idp.metadata(sso="https://other.example/sso")
        pool.idp.update_identity_provider(
            UserPoolId=pool.id, ProviderName="Okta", ProviderDetails={"MetadataURL": other.url + "/metadata"}
        )
        assert site.depart().address.startswith("https://other.example/sso?")
        assert other.asked == 1
    finally:
        other.close()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(b"", 404), "Non-ok status code 404 returned from remote metadata source"),
        (Reply(b"", 302, {"Location": "http://localhost:1/"}), "Non-ok status code 302"),
        (Reply(b"x" * 600_000, 200), "Unable to read metadata from remote metadata source"),
        (Reply(b"<html/>", 200), "no EntityDescriptor"),
    ],
)
def test_a_url_that_gives_no_metadata_is_refused(
    pool: PoolInWorld, publisher: Publisher, reply: Reply, said: str
) -> None:
    publisher.reply = reply
    with pytest.raises(pool.idp.exceptions.InvalidParameterException) as caught:
        published(pool, publisher)
    assert said in caught.value.response["Error"]["Message"]


def test_a_copy_that_was_lost_is_fetched_when_somebody_leaves(pool: PoolInWorld, publisher: Publisher) -> None:
    site = published(pool, publisher)
    with unit.open(site.runtime, write=True):
        unit.execute(ProviderDocument.__table__.delete().where(ProviderDocument.pool_id == pool.id))  # type: ignore[attr-defined]
    publisher.reply = Reply(b"", 503)
    with pytest.raises(Unavailable):
        site.depart()
    publisher.reply = None
    assert site.depart()
    assert bytes(document_of(site).body) == publisher.metadata
