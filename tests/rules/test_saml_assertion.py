"""SAML as an identity provider speaks it, pure: assertions, bindings, requests, single logout, what is released."""

from __future__ import annotations

import base64
import dataclasses
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from poolhouse.federation.saml_idp import release
from poolhouse.saml import assertion, authn_request, bindings, encryption, keys, logout, names, signatures, xml
from poolhouse.saml.assertion import Name, Statement
from poolhouse.saml.trust import Refused

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = keys.make_key("test")
DER = keys.der(KEY[1])
THEIRS = keys.make_key("theirs")
US = "https://idp.example/slo"
SAID = Statement(
    issuer="urn:idp",
    audience="urn:sp",
    recipient="https://sp.example/acs",
    in_response_to="_request",
    name=Name("Ann <&>", names.PERSISTENT, "urn:idp", "urn:sp"),
    session_index="_session",
    authn_instant=NOW - timedelta(minutes=1),
    authn_context=names.PROTECTED_PASSWORD,
    attributes={"mail": ("ann@example.com",), "urn:groups": ("a", "b"), "odd": ("\x01\x0b\ud800<>&\"'\ufffe",)},
    now=NOW,
)
ASSERTION = xml.name("saml", "Assertion")


def reason(call: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(Refused) as refused:
        call(*arguments, **more)
    return refused.value.reason


# --- Assertions -----------------------------------------------------------------------------------------------------


def test_an_assertion_says_all_that_was_meant() -> None:
    document = assertion.response(SAID, KEY)
    octets = signatures.verify_enveloped(document, [DER], of=ASSERTION)
    root = etree.fromstring(octets)
    read = {"a": xml.SAML}
    assert root.xpath("string(a:Issuer)", namespaces=read) == "urn:idp"
    assert root.xpath("string(a:Subject/a:NameID)", namespaces=read) == "Ann <&>"
    assert root.xpath("string(.//a:NameID/@SPNameQualifier)", namespaces=read) == "urn:sp"
    assert root.xpath("string(.//a:Audience)", namespaces=read) == "urn:sp"
    assert root.xpath("string(.//a:AuthnContextClassRef)", namespaces=read) == names.PROTECTED_PASSWORD
    assert root.xpath("string(.//a:AuthnStatement/@SessionIndex)", namespaces=read) == "_session"
    assert root.xpath("string(.//a:SubjectConfirmation/@Method)", namespaces=read) == names.BEARER
    data = root.find(".//{*}SubjectConfirmationData")
    assert data is not None
    assert dict(data.attrib) == {
        "NotOnOrAfter": "2026-11-23T12:05:00.000Z",
        "Recipient": "https://sp.example/acs",
        "InResponseTo": "_request",
    }
    conditions = root.find("{*}Conditions")
    assert conditions is not None
    assert (conditions.get("NotBefore"), conditions.get("NotOnOrAfter")) == (
        "2026-11-23T11:59:00.000Z",
        "2026-11-23T12:05:00.000Z",
    )
    told = {one.get("Name"): [value.text for value in one] for one in root.iter("{*}Attribute")}
    assert told["mail"] == ["ann@example.com"]
    assert told["urn:groups"] == ["a", "b"]
    assert told["odd"] == ["\ufffd\ufffd\ufffd<>&\"'\ufffd"], "what XML cannot write is marked, and nothing breaks"
    assert {one.get("NameFormat") for one in root.iter("{*}Attribute")} == {names.BASIC_NAME, names.URI_NAME}


@pytest.mark.parametrize("encrypt", [False, True], ids=["clear", "encrypted"])
@pytest.mark.parametrize(("of_assertion", "of_response"), [(True, False), (False, True), (True, True)])
def test_every_signature_that_is_promised_verifies(encrypt: bool, of_assertion: bool, of_response: bool) -> None:
    to = keys.der(THEIRS[1]) if encrypt else None
    document = assertion.response(SAID, KEY, sign_assertion=of_assertion, sign_response=of_response, encrypt_to=to)
    if of_response:
        signatures.verify_enveloped(document, [DER])
    root = etree.fromstring(document)
    assert bool(root.findall(ASSERTION)) is not encrypt
    if encrypt:
        assert b"ann@example.com" not in document
        plain = encryption.opened(root.find("{*}EncryptedAssertion"), [THEIRS[0]])
    else:
        plain = etree.tostring(root.find(ASSERTION))
    assert b"ann@example.com" in plain
    if of_assertion:
        signatures.verify_enveloped(plain, [DER])
    else:
        assert reason(signatures.verify_enveloped, plain, [DER]) == "signature-count"


def test_an_encrypted_assertion_opens_for_one_key_and_as_it_was() -> None:
    document = assertion.response(SAID, KEY, encrypt_to=keys.der(THEIRS[1]))
    element = etree.fromstring(document).find("{*}EncryptedAssertion")
    assert reason(encryption.opened, element, [KEY[0]]) == encryption.REASON
    value = element.findall(".//{*}CipherValue")[-1]
    raw = bytearray(base64.b64decode(value.text))
    raw[40] ^= 1
    value.text = base64.b64encode(raw).decode()
    assert reason(encryption.opened, element, [THEIRS[0]]) == encryption.REASON
    algorithms = {one.get("Algorithm") for one in element.iter("{*}EncryptionMethod")}
    assert algorithms == {
        "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
    }


def test_nobody_vouches_without_a_signature() -> None:
    with pytest.raises(AssertionError):
        assertion.response(SAID, KEY, sign_assertion=False, sign_response=False)


def test_identifiers_are_names_and_never_the_same() -> None:
    made = {assertion.message_id() for _ in range(1000)}
    assert len(made) == 1000
    root = xml.parse(assertion.response(SAID, KEY))  # which refuses what is no identifier, or is one twice
    assert root.get("ID") not in made


def test_a_refusal_is_signed_and_nests_its_status() -> None:
    status = (names.RESPONDER, names.NO_PASSIVE)
    document = assertion.failure("urn:idp", "https://sp.example/acs", "_r", status, "Nobody.", NOW, KEY)
    root = etree.fromstring(signatures.verify_enveloped(document, [DER]))
    assert [one.get("Value") for one in root.iter("{*}StatusCode")] == list(status)
    assert root.find("{*}Status/{*}StatusCode/{*}StatusCode") is not None
    assert root.get("InResponseTo") == "_r"


# --- Bindings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("relay_state", [None, "", "plain", "a b+c&d=e%20ü𝕏\n"])
@pytest.mark.parametrize("address", ["https://x.example/slo", "https://x.example/slo?tenant=a%20b"])
def test_what_is_sent_by_redirect_arrives(relay_state: str | None, address: str) -> None:
    sending = bindings.send("SAMLRequest", b"<x/>", "redirect", address, relay_state=relay_state, key=KEY)
    assert sending.form is None
    assert sending.address.startswith(address)
    received = bindings.of_query(sending.address.partition("?")[2])
    assert received.relay_state == relay_state
    assert received.verified([DER]) == b"<x/>"
    assert reason(received.verified, [keys.der(THEIRS[1])]) == "signature"


def test_what_is_sent_by_form_arrives() -> None:
    number, document = logout.request("urn:idp", "https://sp.example/slo", SAID.name, "_s", NOW)
    sending = bindings.send("SAMLRequest", document, "post", "https://sp.example/slo", relay_state="r", key=KEY)
    assert sending.form is not None
    received = bindings.of_form(sending.form)
    assert (received.relay_state, received.signed) == ("r", True)
    assert number.encode() in received.verified([DER])
    unsigned = bindings.of_form(bindings.send("SAMLRequest", document, "post", "https://x/").form or {})
    assert not unsigned.signed
    assert reason(unsigned.verified, [DER]) == "unsigned"


def deflated(document: bytes) -> str:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    text = base64.b64encode(compressor.compress(document) + compressor.flush()).decode()
    return text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("", "no-message"),
        ("RelayState=x", "no-message"),
        ("SAMLRequest=a&SAMLResponse=b", "no-message"),
        ("SAMLRequest=a&SAMLRequest=a", "repeated-parameter"),
        ("SAMLRequest=!", "base64"),
        ("SAMLRequest=", "base64"),
        ("SAMLRequest=AAAA", "deflate"),
        ("SAMLRequest=%FF", "encoding"),
        (f"SAMLRequest={deflated(b'x' * 200_000)}", "too-large"),
        (f"SAMLRequest={deflated(b'x' * 100_000_000)}", "too-large"),
        (f"SAMLRequest={deflated(b'<x/>')}&SigAlg=a", "signature"),
        (f"SAMLRequest={deflated(b'<x/>')}&Signature=a", "signature"),
        (f"SAMLRequest={deflated(b'<x/>')}&RelayState=%00", "relay-state"),
        (f"SAMLRequest={deflated(b'<x/>')}&RelayState={'x' * 5000}", "relay-state"),
        (f"SAMLRequest={deflated(b'<x/>')}&SAMLEncoding=urn:x", "encoding"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_queries_that_are_refused(query: str, why: str) -> None:
    assert reason(bindings.of_query, query) == why


# --- Requests to sign in ----------------------------------------------------------------------------------------------


def authn(inside: str = "", **attributes: str) -> bindings.Received:
    given = {"ID": "_1", "Version": "2.0", "IssueInstant": xml.spelt(NOW), "Destination": US, **attributes}
    written = "".join(f' {name}="{value}"' for name, value in given.items())
    issuer = '<a:Issuer xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion">urn:sp</a:Issuer>'
    document = f'<p:AuthnRequest xmlns:p="{xml.SAMLP}" xmlns:a="{xml.SAML}"{written}>{issuer}{inside}</p:AuthnRequest>'
    return bindings.Received("SAMLRequest", "redirect", document.encode(), None)


def read_authn(received: bindings.Received, **changed: Any) -> authn_request.AuthnRequest:
    expected: dict[str, Any] = {
        "issuer": "urn:sp",
        "certificates": (),
        "require_signed": False,
        "destinations": {US},
        "now": NOW,
        **changed,
    }
    return authn_request.read_authn_request(received, **expected)


def test_a_request_is_read_as_it_was_meant() -> None:
    inside = (
        f'<a:Subject><a:NameID Format="{names.EMAIL}"> ann@example.com </a:NameID></a:Subject>'
        f'<p:NameIDPolicy Format="{names.TRANSIENT}" SPNameQualifier="urn:sp" AllowCreate="true"/>'
        f'<p:RequestedAuthnContext Comparison="minimum"><a:AuthnContextClassRef>{names.PASSWORD}'
        "</a:AuthnContextClassRef></p:RequestedAuthnContext>"
    )
    asked = read_authn(authn(inside, ForceAuthn="1", IsPassive="false", AssertionConsumerServiceIndex="3"))
    assert asked == authn_request.AuthnRequest(
        id="_1",
        issuer="urn:sp",
        consumer_index=3,
        name_id_format=names.TRANSIENT,
        sp_name_qualifier="urn:sp",
        force=True,
        contexts=(names.PASSWORD,),
        comparison="minimum",
        subject=Name("ann@example.com", names.EMAIL),
    )


@pytest.mark.parametrize(
    ("inside", "attributes", "why"),
    [
        ("", {"Version": "1.1"}, "version"),
        ("", {"Destination": "https://other.example/"}, "destination"),
        ("", {"IssueInstant": "2026-11-23T10:00:00Z"}, "issue-instant"),
        ("", {"IssueInstant": "2026-11-23T12:02:00Z"}, "issue-instant"),
        ("", {"IssueInstant": "2026-11-23T12:00:00+01:00"}, "issue-instant"),
        ("", {"ForceAuthn": "yes"}, "boolean"),
        ("", {"AssertionConsumerServiceIndex": "65536000"}, "consumer-index"),
        ("", {"AssertionConsumerServiceIndex": "²"}, "consumer-index"),
        ("<a:Issuer>urn:other</a:Issuer>", {}, "issuer"),
        ("<p:NameIDPolicy/><p:NameIDPolicy/>", {}, "name-id-policy"),
        ('<p:RequestedAuthnContext Comparison="sure"/>', {}, "authn-context"),
        (
            "<p:RequestedAuthnContext>" + "<a:AuthnContextClassRef/>" * 21 + "</p:RequestedAuthnContext>",
            {},
            "authn-context",
        ),
        ("<a:Subject/>", {}, "subject"),
        ("<a:Subject><a:NameID>x<b/></a:NameID></a:Subject>", {}, "subject"),
        ("<a:Subject><a:NameID>x</a:NameID><a:SubjectConfirmation/></a:Subject>", {}, "subject"),
        ("<!-- x -->", {}, "markup"),
    ],
)
def test_requests_that_are_refused(inside: str, attributes: Mapping[str, str], why: str) -> None:
    assert reason(read_authn, authn(inside, **attributes)) == why


def test_a_request_is_signed_where_it_has_to_be() -> None:
    received = authn()
    assert reason(read_authn, received, require_signed=True) == "unsigned"
    signed = bindings.of_query(
        bindings.send("SAMLRequest", received.document, "redirect", "x", key=THEIRS).address.partition("?")[2]
    )
    assert read_authn(signed, require_signed=True, certificates=[keys.der(THEIRS[1])]).id == "_1"
    assert reason(read_authn, signed, certificates=[DER]) == "signature"
    assert read_authn(signed).id == "_1", "with no certificate a signature says nothing"
    nowhere = dataclasses.replace(received, document=received.document.replace(f' Destination="{US}"'.encode(), b""))
    assert read_authn(nowhere).id == "_1"
    unbound = bindings.send("SAMLRequest", nowhere.document, "redirect", "x", key=THEIRS).address.partition("?")[2]
    found = bindings.of_query(unbound)
    assert reason(read_authn, found, certificates=[keys.der(THEIRS[1])]) == "destination"


# --- Single logout ----------------------------------------------------------------------------------------------------


def carried(document: bytes, kind: Any, binding: str, key: tuple[bytes, bytes] | None = THEIRS) -> bindings.Received:
    sending = bindings.send(kind, document, binding, US, key=key)
    return bindings.of_form(sending.form) if sending.form else bindings.of_query(sending.address.partition("?")[2])


WHO: dict[str, Any] = {"issuer": "urn:sp", "certificates": [keys.der(THEIRS[1])], "destinations": {US}, "now": NOW}


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_logout_requests_are_read_as_they_were_written(binding: str) -> None:
    name = Name("Ann", names.PERSISTENT, "urn:idp", "urn:sp")
    number, document = logout.request("urn:sp", US, name, "_s", NOW)
    asked = logout.read_request(carried(document, "SAMLRequest", binding), **WHO)
    assert (asked.id, asked.issuer, asked.name, asked.session_indexes) == (number, "urn:sp", name, ("_s",))
    assert NOW < asked.expires <= NOW + timedelta(minutes=7)
    _, everything = logout.request("urn:sp", US, name, None, NOW)
    assert logout.read_request(carried(everything, "SAMLRequest", binding), **WHO).session_indexes == ()


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_logout_requests_that_are_refused(binding: str) -> None:
    name = Name("Ann", names.UNSPECIFIED)
    _, document = logout.request("urn:sp", US, name, "_s", NOW)
    received = carried(document, "SAMLRequest", binding)
    read = logout.read_request
    assert reason(read, carried(document, "SAMLRequest", binding, None), **WHO) == "unsigned"
    assert reason(read, received, **WHO | {"certificates": [DER]}) == "signature"
    assert reason(read, received, **WHO | {"certificates": []}) == "signature"
    assert reason(read, received, **WHO | {"issuer": "urn:other"}) == "issuer"
    assert reason(read, received, **WHO | {"destinations": {US + "/"}}) == "destination"
    assert reason(read, received, **WHO | {"now": NOW + timedelta(minutes=7)}) in {"issue-instant", "not-on-or-after"}
    assert reason(read, received, **WHO | {"now": NOW - timedelta(minutes=2)}) == "issue-instant"
    answer = logout.response("urn:sp", US, "_1", (names.SUCCESS,), NOW)
    assert reason(read, carried(answer, "SAMLRequest", binding), **WHO) == "message"


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_a_logout_request_may_hide_whom_it_names(binding: str) -> None:
    _, document = logout.request("urn:sp", US, Name("Ann", names.PERSISTENT), "_s", NOW)
    root = etree.fromstring(document)
    plain = root.find("{*}NameID")
    hidden = assertion.encrypted("saml:EncryptedID", etree.tostring(plain), DER)
    root.replace(plain, hidden)
    received = carried(etree.tostring(root), "SAMLRequest", binding)
    asked = logout.read_request(received, decryption_keys=[THEIRS[0], KEY[0]], **WHO)
    assert asked.name == Name("Ann", names.PERSISTENT)
    for keys_of in ([], [THEIRS[0]]):
        assert reason(logout.read_request, received, decryption_keys=keys_of, **WHO) == encryption.REASON
    both = etree.fromstring(document)
    both.append(assertion.encrypted("saml:EncryptedID", etree.tostring(name_of("Bob")), DER))
    twice = carried(etree.tostring(both), "SAMLRequest", binding)
    assert logout.read_request(twice, decryption_keys=[KEY[0]], **WHO).name.value == "Ann"
    root.replace(hidden, assertion.encrypted("saml:EncryptedID", b"<x/>", DER))
    other = carried(etree.tostring(root), "SAMLRequest", binding)
    assert reason(logout.read_request, other, decryption_keys=[KEY[0]], **WHO) == encryption.REASON


def name_of(value: str) -> Any:
    return assertion.name_id(Name(value, names.PERSISTENT))


def test_logout_responses() -> None:
    partial = (names.SUCCESS, names.PARTIAL_LOGOUT)
    for status in ((names.SUCCESS,), partial, (names.RESPONDER, names.REQUEST_DENIED)):
        received = carried(logout.response("urn:sp", US, "_1", status, NOW), "SAMLResponse", "redirect")
        told = logout.read_response(received, in_response_to="_1", **WHO)
        assert told.status == status
        assert told.complete is (status == (names.SUCCESS,))
        assert reason(logout.read_response, received, in_response_to="_2", **WHO) == "in-response-to"


def test_who_is_meant_by_a_name() -> None:
    told = Name("Ann", names.PERSISTENT, "urn:idp", "urn:sp")
    assert logout.same_name(told, Name("Ann", names.UNSPECIFIED))
    assert logout.same_name(told, told)
    assert not logout.same_name(told, Name("ann", names.PERSISTENT))
    assert not logout.same_name(told, Name("Ann", names.PERSISTENT, "urn:idp", "urn:other"))
    assert not logout.same_name(told, Name("Ann", names.PERSISTENT, "urn:other"))


# --- How sure a sign-in is said to be ---------------------------------------------------------------------------------

MFA = names.SEVERAL_FACTORS
SMART = "urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard"


@pytest.mark.parametrize(
    ("amr", "asked", "comparison", "stated"),
    [
        (("pwd",), (), "exact", names.PROTECTED_PASSWORD),
        (("pwd", "otp"), (), "exact", names.PROTECTED_PASSWORD),
        (("email_otp",), (), "exact", names.UNSPECIFIED_CONTEXT),
        (("fed",), (), "exact", names.UNSPECIFIED_CONTEXT),
        ((), (), "exact", names.UNSPECIFIED_CONTEXT),
        (("pwd",), (names.PASSWORD,), "exact", names.PASSWORD),
        (("pwd",), (MFA,), "exact", None),
        (("otp",), (MFA,), "exact", None),
        (("pwd", "otp"), (MFA,), "exact", MFA),
        (("pwd", "sms"), (MFA,), "exact", MFA),
        (("pwd", "otp"), (SMART, names.TIME_SYNC_TOKEN), "exact", names.TIME_SYNC_TOKEN),
        (("pwd", "sms"), (names.TIME_SYNC_TOKEN,), "exact", None),
        (("fed",), (names.PASSWORD,), "exact", None),
        (("pwd",), (names.PASSWORD,), "minimum", names.PROTECTED_PASSWORD),
        (("pwd", "otp"), (names.PASSWORD,), "minimum", MFA),
        (("fed",), (names.PASSWORD,), "minimum", None),
        (("pwd",), (names.PASSWORD,), "better", None),
        (("pwd", "otp"), (names.PASSWORD,), "better", MFA),
        (("pwd", "otp"), (names.PASSWORD,), "maximum", names.PROTECTED_PASSWORD),
        (("pwd", "otp"), (SMART,), "minimum", None),
    ],
)
def test_what_a_sign_in_is_said_to_be(
    amr: tuple[str, ...], asked: tuple[str, ...], comparison: str, stated: str | None
) -> None:
    assert release.context(amr, asked, comparison) == stated


def test_what_no_sign_in_here_can_be() -> None:
    assert release.attainable((MFA,), "exact")
    assert release.attainable((SMART, names.PASSWORD), "exact")
    assert not release.attainable((SMART,), "exact")
    assert not release.attainable((MFA,), "better")
