"""Responses of identity providers that are as they should be, in all the forms that they may take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from poolhouse.saml.response import StatusRefused
from tests.saml import attack_idp
from tests.saml.attack_idp import NS, SAML, SIGNED, Answer, Signing, T, assertion_of, respond
from tests.saml.reading import AUDIENCE, CONSUMER, ours, read, reason, trust

EC = attack_idp.key("ec", "ec")


@pytest.mark.parametrize("signed", SIGNED)
def test_what_it_says_is_read(signed: str) -> None:
    now = datetime.now(UTC)
    answer = Answer(now=now, attributes={"mail": ["jo@example.com"], "groups": ["a", "b"], "none": []})
    read_ = read(respond(answer, signed))
    assert (read_.name_id, read_.name_id_format) == ("Jo.Doe@Example.com", attack_idp.PERSISTENT)
    assert read_.attributes == {"mail": ("jo@example.com",), "groups": ("a", "b"), "none": ()}
    assert (read_.issuer, read_.session_index) == (answer.issuer, "_session1")
    assert (read_.message_id, read_.assertion_id) == (answer.response_id, answer.assertion_id)
    assert read_.in_response_to == "_request1"
    assert read_.authn_context.endswith(":PasswordProtectedTransport")
    assert read_.authn_instant == now.replace(microsecond=0)
    # Ids are remembered for as long as the message could be taken.
    assert timedelta(minutes=5) <= read_.expires - now.replace(microsecond=0) <= timedelta(minutes=8)


@pytest.mark.parametrize("signed", SIGNED)
@pytest.mark.parametrize("data", ["AES128", "AES192", "AES256", "AES128_GCM", "AES192_GCM", "AES256_GCM"])
def test_an_encrypted_assertion_is_opened(signed: str, data: str) -> None:
    document = respond(signed=signed, encrypt_to=ours()[1], data=getattr(T, data))
    assert b"EncryptedAssertion" in document
    assert b"Jo.Doe" not in document
    assert read(document, encrypted_only=True).name_id == "Jo.Doe@Example.com"


@pytest.mark.parametrize("signed", SIGNED)
def test_an_encrypted_assertion_survives_other_prefixes_around_it(signed: str) -> None:
    """python3-saml renames prefixes when it puts the decrypted tree into the other one, and the signature breaks."""

    text = respond(signed="assertion").decode()
    inner = text[text.index("<saml:Assertion") : text.index("</samlp:Response>")]
    root = attack_idp.parse(text.replace(inner, "").replace("saml:Issuer", "a:Issuer").replace("ns:saml=", "ns:a="))
    attack_idp.encrypt(root, ours()[1], plain=inner.encode())
    root = attack_idp.parse(attack_idp.serialise(root))
    if signed != "assertion":
        attack_idp.sign(root)
    assert read(root).name_id == "Jo.Doe@Example.com"


def test_a_former_key_still_decrypts() -> None:
    from poolhouse.saml import keys

    newer = keys.make_key()[0]
    document = respond(encrypt_to=ours()[1])
    assert read(document, decryption_keys=(newer, ours()[0])).name_id == "Jo.Doe@Example.com"
    assert reason(document, decryption_keys=(newer,)) == "encrypted-assertion"


@pytest.mark.parametrize("signed", SIGNED)
@pytest.mark.parametrize("method", ["RSA_SHA256", "RSA_SHA384", "RSA_SHA512"])
@pytest.mark.parametrize("digest", ["SHA256", "SHA384", "SHA512"])
def test_the_strong_algorithms_are_taken(signed: str, method: str, digest: str) -> None:
    how = Signing(method=getattr(T, method), digest=getattr(T, digest))
    assert read(respond(signed=signed, how=how)).name_id


@pytest.mark.parametrize("method", ["ECDSA_SHA256", "ECDSA_SHA384", "ECDSA_SHA512"])
def test_elliptic_curves_are_taken(method: str) -> None:
    assert read(respond(how=Signing(key=EC, method=getattr(T, method))), trust(EC)).name_id


@pytest.mark.parametrize("signed", SIGNED)
def test_any_of_several_certificates_verifies(signed: str) -> None:
    other = attack_idp.key("next")
    for certified in ((attack_idp.key(), other), (other, attack_idp.key())):
        for signer in certified:
            assert read(respond(signed=signed, how=Signing(key=signer)), trust(*certified)).name_id


@pytest.mark.parametrize("signed", SIGNED)
@pytest.mark.parametrize("prefixes", ["xs", "saml xs", "#default samlp"])
def test_namespaces_that_the_signer_included_count(signed: str, prefixes: str) -> None:
    def typed(root: Any) -> None:
        value = root.find(".//saml:AttributeValue", NS)
        typed = etree.SubElement(
            value.getparent(),
            value.tag,
            {"{http://www.w3.org/2001/XMLSchema-instance}type": "xs:string"},
            nsmap={"xs": "http://www.w3.org/2001/XMLSchema"},
        )
        typed.text = "typed"

    document = respond(signed=signed, how=Signing(prefixes=prefixes), before=typed)
    assert read(document).attributes["mail"] == ("jo@example.com", "typed")


@pytest.mark.parametrize("signed", SIGNED)
def test_white_space_between_elements_is_no_matter(signed: str) -> None:
    def spread(root: Any) -> None:
        for element in root.iter():
            if len(element):
                element.text = "\n  "
                for child in element:
                    child.tail = "\n\t "

    assert read(respond(signed=signed, before=spread)).name_id == "Jo.Doe@Example.com"


@pytest.mark.parametrize("name", ["jo", "JO", "Jo", " jo ", "жо@пример.example", "a&b<c>\"d'", "x" * 256])
def test_a_name_is_exact(name: str) -> None:
    assert read(respond(Answer(name_id=name), "both")).name_id == name


def test_an_attribute_that_is_said_twice_has_both_values() -> None:
    def twice(root: Any) -> None:
        statement = root.find(".//saml:AttributeStatement", NS)
        statement.append(attack_idp.parse(attack_idp.serialise(statement[0])))

    assert read(respond(before=twice)).attributes == {"mail": ("jo@example.com", "jo@example.com")}


def test_a_response_needs_no_attributes_and_no_session() -> None:
    read_ = read(respond(Answer(attributes={}, session_index=None)))
    assert (read_.attributes, read_.session_index) == ({}, None)


def test_several_audiences_are_alternatives() -> None:
    def more(root: Any) -> None:
        restriction = root.find(".//saml:AudienceRestriction", NS)
        etree.SubElement(restriction, f"{{{SAML}}}Audience").text = "https://another.example"

    assert read(respond(before=more)).name_id
    assert read(respond(), entity_ids=("urn:another-name-of-ours", AUDIENCE)).name_id


def test_one_confirmation_that_holds_is_enough() -> None:
    def others(root: Any) -> None:
        confirmation = root.find(".//saml:SubjectConfirmation", NS)
        for method in ("urn:oasis:names:tc:SAML:2.0:cm:sender-vouches", attack_idp.BEARER):
            copy = attack_idp.parse(attack_idp.serialise(confirmation))
            copy.set("Method", method)
            copy[0].set("Recipient", "https://elsewhere.example")
            confirmation.addprevious(copy)

    assert read(respond(before=others)).name_id


def test_one_time_use_is_what_we_do_anyway() -> None:
    def once(root: Any) -> None:
        etree.SubElement(root.find(".//saml:Conditions", NS), f"{{{SAML}}}OneTimeUse")

    assert read(respond(before=once)).name_id


@pytest.mark.parametrize("signed", SIGNED)
def test_the_provider_may_begin_where_it_is_allowed(signed: str) -> None:
    document = respond(Answer(in_response_to=None), signed)
    assert read(document, request_id=None, unsolicited=True).in_response_to is None
    assert reason(document, request_id=None) == "unsolicited"


def test_what_the_provider_began_is_fresh() -> None:
    old = Answer(in_response_to=None, now=datetime.now(UTC) - timedelta(minutes=8), minutes=60)
    assert reason(respond(old), request_id=None, unsolicited=True) == "issue-instant"
    fresh = Answer(in_response_to=None, now=datetime.now(UTC) - timedelta(minutes=5), minutes=60)
    assert read(respond(fresh), request_id=None, unsolicited=True).name_id


def test_clocks_may_differ_by_a_minute() -> None:
    ahead = Answer(now=datetime.now(UTC) + timedelta(seconds=40))
    assert read(respond(ahead)).name_id
    behind = Answer(now=datetime.now(UTC) - timedelta(minutes=5, seconds=40))
    assert read(respond(behind)).name_id


@pytest.mark.parametrize("declaration", ['<?xml version="1.0"?>', "<?xml version='1.0' encoding='utf-8'?>\n", "\ufeff"])
def test_a_declaration_of_utf8_is_no_matter(declaration: str) -> None:
    assert read(declaration.encode() + respond()).name_id


def test_base64_may_have_line_breaks() -> None:
    from poolhouse.saml import response
    from tests.saml.reading import expected

    encoded = attack_idp.encode(respond())
    broken = "\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76))
    assert response.read(broken, trust(), expected()).name_id


@pytest.mark.parametrize("signed", [*SIGNED[1:2], "none"])
def test_a_provider_may_say_no(signed: str) -> None:
    prefix = "urn:oasis:names:tc:SAML:2.0:status:"
    answer = Answer(status=(prefix + "Responder", prefix + "AuthnFailed"), status_message=" no\n such ")
    with pytest.raises(StatusRefused) as caught:
        read(respond(answer, signed))
    assert caught.value.codes == (prefix + "Responder", prefix + "AuthnFailed")
    assert caught.value.message == "no such"


def test_a_no_is_for_us_and_in_answer_to_our_request() -> None:
    no = ("urn:oasis:names:tc:SAML:2.0:status:Responder",)
    assert reason(respond(Answer(status=no, in_response_to="_other"), "none")) == "in-response-to"
    assert reason(respond(Answer(status=no, consumer=CONSUMER + "x"), "none")) == "destination"
    assert reason(respond(Answer(status=no, issuer="https://other.example"), "none")) == "issuer"


def test_a_fresh_proof_is_asked_for_and_looked_for() -> None:
    asked = datetime.now(UTC)
    assert read(respond(), authenticated_since=asked).name_id

    def long_ago(root: Any) -> None:
        root.find(".//saml:AuthnStatement", NS).set("AuthnInstant", attack_idp.stamp(asked - timedelta(hours=2)))

    assert read(respond(before=long_ago)).name_id
    assert reason(respond(before=long_ago), authenticated_since=asked) == "authn-instant"


@pytest.mark.parametrize(
    ("demanded", "enough"),
    [
        ("either", {"assertion", "response", "both"}),
        ("assertion", {"assertion", "both"}),
        ("response", {"response", "both"}),
        ("both", {"both"}),
    ],
)
@pytest.mark.parametrize("encrypted", [False, True])
def test_what_has_to_be_signed_is_signed(demanded: str, enough: set[str], encrypted: bool) -> None:
    to = ours()[1] if encrypted else None
    for signed in (*SIGNED, "none"):
        document = respond(signed=signed, encrypt_to=to)
        if signed in enough:
            assert read(document, signed=demanded).name_id
        else:
            assert reason(document, signed=demanded) in {"unsigned", "encrypted-assertion"}


def test_only_encrypted_ones_where_so_configured() -> None:
    for signed in SIGNED:
        assert reason(respond(signed=signed), encrypted_only=True) == "not-encrypted"


def test_assertion_is_alone_in_knowing_its_issuer_where_the_response_is_not_signed() -> None:
    def nameless(root: Any) -> None:
        root.remove(root.find("saml:Issuer", NS))

    assert read(respond(before=nameless)).name_id
    assert assertion_of(attack_idp.parse(respond(before=nameless))) is not None
    assert reason(respond(before=nameless, signed="response")) == "issuer"
