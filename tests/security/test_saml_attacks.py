"""Every check of a SAML service provider, and for each a response that breaks exactly it (security.md's list).

Most run three times: on a response whose assertion is signed, that is signed itself, and with both.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import xmlsec
from lxml import etree

from poolhouse.saml import response, second_lock, signatures
from poolhouse.saml.response import StatusRefused
from tests.saml import attack_idp
from tests.saml.attack_idp import DS, NS, SAML, SAMLP, SIGNED, Signing, T, assertion_of, parse, respond
from tests.saml.reading import AUDIENCE, CONSUMER, ours, read, reason, trust

Edit = Callable[[Any], Any]
EVIL = "Admin@Example.com"
MALLORY = attack_idp.key("mallory")
each = pytest.mark.parametrize("signed", SIGNED)


def find(root: Any, path: str) -> Any:
    """The first element at that path."""
    found = root.find(f".//{path}", NS)
    assert found is not None, path
    return found


def put(path: str, name: str, value: str | None) -> Edit:
    """Set an attribute of the element at that path, or leave it out."""

    def edit(root: Any) -> None:
        element = root if path == "." else find(root, path)
        if value is None:
            del element.attrib[name]
        else:
            element.set(name, value)

    return edit


def without(path: str) -> Edit:
    """Leave the element at that path out."""

    def edit(root: Any) -> None:
        element = find(root, path)
        element.getparent().remove(element)

    return edit


def text(path: str, value: str) -> Edit:
    """Set the text of the element at that path."""

    def edit(root: Any) -> None:
        find(root, path).text = value

    return edit


def twice(path: str) -> Edit:
    """Say the element at that path twice."""

    def edit(root: Any) -> None:
        element = find(root, path)
        element.addnext(deepcopy(element))

    return edit


def add(path: str, content: str) -> Edit:
    """Put XML into the element at that path."""

    def edit(root: Any) -> None:
        (root if path == "." else find(root, path)).append(
            parse(f'<x xmlns:saml="{SAML}" xmlns:samlp="{SAMLP}" xmlns:ds="{DS}">{content}</x>')[0]
        )

    return edit


def ago(**span: float) -> str:
    return attack_idp.stamp(datetime.now(UTC) - timedelta(**span))


def ahead(**span: float) -> str:
    return attack_idp.stamp(datetime.now(UTC) + timedelta(**span))


# --- what an honest signature does not help: the content is wrong -----------------------------------------------------

CONTENT: list[tuple[str, str, Edit]] = [
    ("version", "the response is SAML 1.1", put(".", "Version", "1.1")),
    ("version", "the assertion is SAML 1.1", put("saml:Assertion", "Version", "1.1")),
    ("version", "no version", put(".", "Version", None)),
    ("issuer", "another issuer of the response", text("saml:Issuer", "https://other.example")),
    ("issuer", "another issuer of the assertion", text("saml:Assertion/saml:Issuer", "https://other.example")),
    ("issuer", "an issuer with a slash more", text("saml:Assertion/saml:Issuer", "https://idp.example/metadata/")),
    ("issuer", "an issuer in capitals", text("saml:Assertion/saml:Issuer", "https://IDP.example/metadata")),
    ("issuer", "white space around an issuer", text("saml:Assertion/saml:Issuer", " https://idp.example/metadata ")),
    ("issuer", "an empty issuer", text("saml:Assertion/saml:Issuer", "")),
    ("issuer", "no issuer of the assertion", without("saml:Assertion/saml:Issuer")),
    ("issuer", "two issuers of the response", twice("saml:Issuer")),
    ("issuer", "two issuers of the assertion", twice("saml:Assertion/saml:Issuer")),
    ("issuer", "an issuer of another format", put("saml:Assertion/saml:Issuer", "Format", "urn:x")),
    ("destination", "no destination", put(".", "Destination", None)),
    ("destination", "an empty destination", put(".", "Destination", "")),
    ("destination", "another destination", put(".", "Destination", "https://other.example/saml2/idpresponse")),
    ("destination", "a destination with a suffix", put(".", "Destination", CONSUMER + "/x")),
    ("destination", "a destination with a query", put(".", "Destination", CONSUMER + "?x=1")),
    ("destination", "a destination in capitals", put(".", "Destination", CONSUMER.replace("sp.", "SP."))),
    ("in-response-to", "an answer to nothing", put(".", "InResponseTo", None)),
    ("in-response-to", "an answer to another request", put(".", "InResponseTo", "_request2")),
    ("in-response-to", "confirmed for nothing", put("saml:SubjectConfirmationData", "InResponseTo", None)),
    ("in-response-to", "confirmed for another", put("saml:SubjectConfirmationData", "InResponseTo", "_request2")),
    ("recipient", "no recipient", put("saml:SubjectConfirmationData", "Recipient", None)),
    ("recipient", "another recipient", put("saml:SubjectConfirmationData", "Recipient", "https://other.example/")),
    ("recipient", "a recipient with a suffix", put("saml:SubjectConfirmationData", "Recipient", CONSUMER + "x")),
    ("recipient", "a recipient that ours is in", put("saml:SubjectConfirmationData", "Recipient", "x" + CONSUMER)),
    ("audience", "no audience restriction", without("saml:AudienceRestriction")),
    ("audience", "a restriction without audience", without("saml:Audience")),
    ("audience", "another audience", text("saml:Audience", "urn:amazon:cognito:sp:us-east-1_Other0001")),
    ("audience", "an audience with a suffix", text("saml:Audience", AUDIENCE + "x")),
    ("audience", "an audience in lower case", text("saml:Audience", AUDIENCE.lower())),
    (
        "audience",
        "a second restriction to another",
        add("saml:Conditions", "<saml:AudienceRestriction><saml:Audience>x</saml:Audience></saml:AudienceRestriction>"),
    ),
    ("conditions", "no conditions", without("saml:Conditions")),
    ("conditions", "two sets of conditions", twice("saml:Conditions")),
    ("conditions", "a condition that nobody knows", add("saml:Conditions", "<saml:Condition/>")),
    ("not-before", "not yet", put("saml:Conditions", "NotBefore", ahead(minutes=3))),
    ("not-before", "no beginning", put("saml:Conditions", "NotBefore", None)),
    ("not-before", "confirmed, not yet", put("saml:SubjectConfirmationData", "NotBefore", ahead(minutes=3))),
    ("not-before", "a beginning without zone", put("saml:Conditions", "NotBefore", "2020-01-01T00:00:00")),
    ("not-before", "a beginning that is no date", put("saml:Conditions", "NotBefore", "2020-13-40T00:00:00Z")),
    ("not-on-or-after", "expired", put("saml:Conditions", "NotOnOrAfter", ago(minutes=2))),
    ("not-on-or-after", "no end", put("saml:Conditions", "NotOnOrAfter", None)),
    ("not-on-or-after", "confirmed until before", put("saml:SubjectConfirmationData", "NotOnOrAfter", ago(minutes=2))),
    ("not-on-or-after", "confirmed without end", put("saml:SubjectConfirmationData", "NotOnOrAfter", None)),
    ("issue-instant", "made tomorrow", put("saml:Assertion", "IssueInstant", ahead(days=1))),
    ("issue-instant", "made long ago", put("saml:Assertion", "IssueInstant", ago(days=2))),
    ("issue-instant", "sent tomorrow", put(".", "IssueInstant", ahead(days=1))),
    ("issue-instant", "sent at no time", put(".", "IssueInstant", "now")),
    ("subject", "no subject", without("saml:Subject")),
    ("subject", "two subjects", twice("saml:Subject")),
    ("name-id", "no name", without("saml:NameID")),
    ("name-id", "two names", twice("saml:NameID")),
    ("name-id", "an empty name", text("saml:NameID", "")),
    ("name-id", "a name of spaces", text("saml:NameID", " \t")),
    ("name-id", "an endless name", text("saml:NameID", "x" * 1100)),
    ("name-id", "an element within the name", add("saml:NameID", "<saml:NameID>Admin</saml:NameID>")),
    ("subject-confirmation", "no confirmation", without("saml:SubjectConfirmation")),
    ("subject-confirmation", "no data of the confirmation", without("saml:SubjectConfirmationData")),
    (
        "subject-confirmation",
        "a holder of a key, not a bearer",
        put("saml:SubjectConfirmation", "Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"),
    ),
    ("subject-confirmation", "no method", put("saml:SubjectConfirmation", "Method", None)),
    ("authn-statement", "nobody was authenticated", without("saml:AuthnStatement")),
    ("authn-statement", "authenticated twice", twice("saml:AuthnStatement")),
    ("authn-statement", "authenticated nohow", without("saml:AuthnContext")),
    ("authn-instant", "authenticated tomorrow", put("saml:AuthnStatement", "AuthnInstant", ahead(days=1))),
    ("authn-instant", "authenticated at no time", put("saml:AuthnStatement", "AuthnInstant", None)),
    ("session-over", "the session is over", put("saml:AuthnStatement", "SessionNotOnOrAfter", ago(minutes=2))),
    ("attribute", "an attribute without a name", put("saml:Attribute", "Name", None)),
    (
        "encrypted-attribute",
        "an attribute that nobody can read",
        add("saml:AttributeStatement", "<saml:EncryptedAttribute/>"),
    ),
    (
        "assertion-count",
        "two assertions",
        lambda root: assertion_of(root).addnext(new_ids(deepcopy(assertion_of(root)))),
    ),
    ("assertion-count", "an assertion within an advice", add("saml:Assertion", "<saml:Assertion/>")),
    ("assertion-count", "an encrypted one beside", add(".", "<saml:EncryptedAssertion/>")),
    ("assertion-count", "an assertion in the status", add("samlp:Status", "<saml:Assertion/>")),
    (
        "assertion-place",
        "the assertion in the status",
        lambda root: find(root, "samlp:Status").append(assertion_of(root)),
    ),
    ("shape", "an element that does not belong there", add(".", "<saml:NameID>x</saml:NameID>")),
    ("status-shape", "no status", without("samlp:Status")),
    ("status-shape", "two statuses", twice("samlp:Status")),
    ("status-shape", "two codes", twice("samlp:StatusCode")),
    ("bad-id", "an id in other letters", put("saml:NameID", "iD", "x")),
    ("bad-id", "an xml:id", put("saml:NameID", "{http://www.w3.org/XML/1998/namespace}id", "x")),
    ("bad-id", "an id in another namespace", put("saml:NameID", "{urn:x}ID", "x")),
    ("four-byte-character", "beyond the first plane", text("saml:NameID", "jo\U0001f600")),
    ("second-lock", "what only the schema forbids", put("saml:Assertion", "Unknown", "x")),
]


@each
@pytest.mark.parametrize(("why", "edit"), [(c[0], c[2]) for c in CONTENT], ids=[c[1] for c in CONTENT])
def test_content_that_does_not_hold_is_refused_although_it_is_signed(signed: str, why: str, edit: Edit) -> None:
    try:
        document = respond(signed=signed, before=edit)
    except (
        xmlsec.Error,
        AttributeError,
        TypeError,
    ):  # no assertion to sign in its place any more: edited once it is signed
        document = respond(signed=signed, between=edit)
    assert reason(document) == why


@pytest.mark.parametrize("value", [None, "", "1 2", "1", "x" * 300, "a b", "é"])
def test_a_response_has_an_id_that_is_one(value: str | None) -> None:
    assert reason(respond(before=put(".", "ID", value))) == "bad-id"


@each
def test_the_same_is_taken_when_nothing_is_wrong(signed: str) -> None:
    assert read(respond(signed=signed)).name_id == "Jo.Doe@Example.com"


@each
def test_an_encrypted_name_is_not_read(signed: str) -> None:
    def hide(root: Any) -> None:
        name = find(root, "saml:NameID")
        wrapped = etree.SubElement(name.getparent(), f"{{{SAML}}}EncryptedID")
        name.getparent().replace(name, wrapped)

    assert reason(respond(signed=signed, before=hide)) == "encrypted-id"


@each
def test_an_answer_to_a_request_is_no_answer_to_none(signed: str) -> None:
    assert reason(respond(signed=signed), request_id=None, unsolicited=True) == "in-response-to"
    assert reason(respond(signed=signed), request_id=None, unsolicited=False) == "unsolicited"
    only_message = respond(signed=signed, before=put(".", "InResponseTo", None))
    assert reason(only_message, request_id=None, unsolicited=True) == "in-response-to"


def test_a_status_that_is_no_success_gives_no_assertion() -> None:
    for value in ("urn:oasis:names:tc:SAML:2.0:status:Responder", "urn:oasis:names:tc:SAML:2.0:status:success", ""):
        with pytest.raises(StatusRefused):
            read(respond(signed="both", before=put("samlp:StatusCode", "Value", value)))


@pytest.mark.parametrize(
    "root", ["samlp:LogoutResponse", "samlp:AuthnRequest", "saml:Assertion", "samlp:ArtifactResponse", "Response"]
)
def test_no_other_message_is_a_response(root: str) -> None:
    document = respond(signed="none").replace(b"samlp:Response", root.encode())
    assert reason(document) in {"not-a-response", "not-xml"}


# --- signatures -------------------------------------------------------------------------------------------------------


def test_a_signature_is_required() -> None:
    assert reason(respond(signed="none")) == "unsigned"


@each
def test_a_signature_by_somebody_else_is_refused(signed: str) -> None:
    assert reason(respond(signed=signed, how=Signing(key=MALLORY))) == "signature"


@each
def test_a_certificate_in_the_message_is_nothing(signed: str) -> None:
    """Signed by Mallory, with the provider's certificate beside it, or with hers."""
    for embed in (attack_idp.key(), MALLORY):
        assert reason(respond(signed=signed, how=Signing(key=MALLORY, embed=embed))) == "signature"


@each
@pytest.mark.parametrize("secret", [attack_idp.key().certificate, attack_idp.key().der], ids=["PEM", "DER"])
def test_whoever_has_the_certificate_cannot_sign_with_it(signed: str, secret: bytes) -> None:
    """HMAC with what is public as its secret (the confusion of algorithms), computed as it should be."""

    def forge(root: Any) -> None:
        for element in {"assertion": [assertion_of(root)], "response": [root], "both": [assertion_of(root), root]}[
            signed
        ]:
            signature = xmlsec.template.create(element, T.EXCL_C14N, T.HMAC_SHA256, ns="ds")
            element.insert(1, signature)
            reference = xmlsec.template.add_reference(signature, T.SHA256, uri="#" + element.get("ID"))
            xmlsec.template.add_transform(reference, T.ENVELOPED)
            xmlsec.template.add_transform(reference, T.EXCL_C14N)
            xmlsec.tree.add_ids(root, ["ID"])
            context = xmlsec.SignatureContext()
            context.key = xmlsec.Key.from_binary_data(xmlsec.KeyData.HMAC, secret)
            context.sign(signature)

    document = respond(signed="none", after=forge)
    assert document.count(b"hmac-sha256") == (2 if signed == "both" else 1)
    assert reason(document) == "signature-algorithm"


@each
@pytest.mark.parametrize("how", [Signing(method=T.RSA_SHA1), Signing(digest=T.SHA1)], ids=["signature", "digest"])
def test_sha1_is_refused_unless_the_provider_is_marked_for_it(signed: str, how: Signing) -> None:
    document = respond(signed=signed, how=how)
    assert reason(document) == "signature-algorithm"
    assert read(document, allow_sha1=True).name_id


@each
@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "none",
        "",
    ],
)
def test_no_other_algorithm_is_known(signed: str, algorithm: str) -> None:
    def change(root: Any) -> None:
        for method in root.iter(f"{{{DS}}}SignatureMethod"):
            method.set("Algorithm", algorithm)

    assert reason(respond(signed=signed, after=change), allow_sha1=True) == "signature-algorithm"


@each
@pytest.mark.parametrize(
    "path",
    ["saml:NameID", "saml:AttributeValue", "saml:Audience", "saml:Assertion/saml:Issuer"],
)
def test_nothing_that_is_signed_can_be_changed(signed: str, path: str) -> None:
    assert reason(respond(signed=signed, after=text(path, "https://idp.example/metadata "))) in {"signature", "issuer"}


@each
@pytest.mark.parametrize("part", ["DigestValue", "SignatureValue"])
@pytest.mark.parametrize("value", ["", "AAAA", "====", "!", "AAAA" * 2000])
def test_an_empty_or_broken_signature_is_refused(signed: str, part: str, value: str) -> None:
    """ruby-saml CVE-2025-66567: an empty digest matched what could not be canonicalised."""

    def spoil(root: Any) -> None:
        for element in root.iter(f"{{{DS}}}{part}"):
            element.text = value

    assert reason(respond(signed=signed, after=spoil)) in {"signature", "signature-digest"}


@each
@pytest.mark.parametrize("references", [["#_elsewhere"], [""], [], ["#xpointer(/)"], ["http://idp.example/x"]])
def test_a_signature_covers_the_element_that_it_is_in(signed: str, references: list[str]) -> None:
    def point(root: Any) -> None:
        for reference in list(root.iter(f"{{{DS}}}Reference")):
            if references:
                reference.set("URI", references[0])
            else:
                reference.getparent().remove(reference)

    assert reason(respond(signed=signed, after=point)).startswith("signature")


@pytest.mark.parametrize("part", ["assertion", "response"])
def test_a_signature_over_the_whole_document_by_an_empty_uri_is_not_taken(part: str) -> None:
    assert reason(respond(signed=part, how=Signing(references=[""]))) == "signature-reference" or part == "assertion"


@pytest.mark.parametrize("part", ["assertion", "response"])
def test_a_signature_has_one_reference(part: str) -> None:
    """Honestly signed, over the element and something else."""

    def sign(root: Any) -> None:
        element = assertion_of(root) if part == "assertion" else root
        other = root if part == "assertion" else assertion_of(root)
        attack_idp.sign(element, Signing(references=["#" + element.get("ID"), "#" + other.get("ID")]))

    def one_document(root: Any) -> None:
        for element in (root, assertion_of(root)):
            xmlsec.tree.add_ids(element, ["ID"])
        sign(root)

    assert reason(respond(signed="none", after=one_document)) == "signature-shape"


@each
@pytest.mark.parametrize("part", ["SignedInfo", "Reference", "Transform", "DigestMethod", "DigestValue"])
def test_what_a_signature_says_it_says_once(signed: str, part: str) -> None:
    """xml-crypto CVE-2025-29774: the second SignedInfo was the one that was read."""

    def repeat(root: Any) -> None:
        for element in list(root.iter(f"{{{DS}}}{part}")):
            element.addprevious(deepcopy(element))

    assert reason(respond(signed=signed, after=repeat)).startswith("signature")


@each
@pytest.mark.parametrize("place", ["before", "after"])
def test_an_element_has_one_signature(signed: str, place: str) -> None:
    def repeat(root: Any) -> None:
        for signature in list(root.iter(f"{{{DS}}}Signature")):
            copy = deepcopy(signature)
            (signature.addprevious if place == "before" else signature.addnext)(copy)

    assert reason(respond(signed=signed, after=repeat)) == "signature-count"


@each
def test_comments_in_a_digest_do_not_make_another(signed: str) -> None:
    """xml-crypto CVE-2025-29775: of ``<DigestValue><!--forged-->honest</DigestValue>`` the forged one was read."""

    def comment(root: Any) -> None:
        for digest in root.iter(f"{{{DS}}}DigestValue"):
            honest, digest.text = digest.text, None
            forged = etree.Comment(base64.b64encode(b"x" * 32).decode())
            digest.append(forged)
            forged.tail = honest

    assert reason(respond(signed=signed, after=comment)) == "markup"


@each
def test_a_signature_holds_nothing_else(signed: str) -> None:
    def hide(root: Any) -> None:
        for signature in root.iter(f"{{{DS}}}Signature"):
            etree.SubElement(signature, f"{{{DS}}}Object").text = "x"

    assert reason(respond(signed=signed, after=hide)) == "signature-shape"


TRANSFORMS = {
    "inclusive canonicalisation": (T.ENVELOPED, T.C14N),
    "none but enveloped": (T.ENVELOPED,),
    "canonicalisation alone": (T.EXCL_C14N,),
    "three": (T.ENVELOPED, T.EXCL_C14N, T.EXCL_C14N),
}


@pytest.mark.parametrize("part", ["assertion", "response"])
@pytest.mark.parametrize("transforms", TRANSFORMS.values(), ids=TRANSFORMS)
def test_only_the_transforms_of_saml_are_taken(part: str, transforms: Any) -> None:
    """Honestly signed with others (SAML core 5.4.4 has two)."""
    assert reason(respond(signed=part, how=Signing(transforms=transforms))) in {
        "signature-transform",
        "signature-shape",
    }


XSLT = (
    '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/">'
    "<xsl:copy-of select=\"document('file:///etc/passwd')\"/></xsl:template></xsl:stylesheet>"
)
ACTIVE = {
    "http://www.w3.org/TR/1999/REC-xslt-19991116": XSLT,
    "http://www.w3.org/TR/1999/REC-xpath-19991116": f'<ds:XPath xmlns:ds="{DS}">not(self::text())</ds:XPath>',
    "http://www.w3.org/2002/06/xmldsig-filter2": "",
    "http://www.w3.org/2001/10/xml-exc-c14n#": '<x xmlns="urn:x"/>',
    "http://www.w3.org/2000/09/xmldsig#base64": "",
}


@each
@pytest.mark.parametrize("algorithm", ACTIVE)
@pytest.mark.parametrize("place", [0, 1])
def test_no_transform_computes_anything(signed: str, algorithm: str, place: int) -> None:
    def active(root: Any) -> None:
        for transforms in root.iter(f"{{{DS}}}Transforms"):
            transforms[place].set("Algorithm", algorithm)
            if ACTIVE[algorithm]:
                transforms[place].append(parse(ACTIVE[algorithm]))

    # SignedInfo was signed with another transform: whichever is noticed first.
    assert reason(respond(signed=signed, after=active)) in {"signature", "signature-transform"}


@each
def test_a_canonicalisation_with_parameters_is_refused(signed: str) -> None:
    def parameters(root: Any) -> None:
        for method in root.iter(f"{{{DS}}}CanonicalizationMethod"):
            method.append(parse(XSLT))

    assert reason(respond(signed=signed, after=parameters)) == "signature-transform"


@each
def test_an_output_length_does_not_shorten_a_signature(signed: str) -> None:
    def shorten(root: Any) -> None:
        for method in root.iter(f"{{{DS}}}SignatureMethod"):
            etree.SubElement(method, f"{{{DS}}}HMACOutputLength").text = "1"

    assert reason(respond(signed=signed, after=shorten)) == "signature-shape"


@pytest.mark.parametrize("part", ["assertion", "response"])
def test_inclusive_canonicalisation_of_the_signature_is_refused(part: str) -> None:
    assert reason(respond(signed=part, how=Signing(c14n=T.C14N))) == "signature-transform"


# --- wrapping (XSW): what is signed is there, and something else is where one looks -----------------------------------


def evil(element: Any) -> Any:
    """A copy that names somebody else, unsigned."""
    copy = deepcopy(element)
    for name in copy.iter(f"{{{SAML}}}NameID"):
        name.text = EVIL
    for signature in list(copy.iter(f"{{{DS}}}Signature")):
        signature.getparent().remove(signature)
    return copy


def new_ids(element: Any) -> Any:
    for one in element.iter():
        if one.get("ID"):
            one.set("ID", one.get("ID") + "x")
    return element


def signature_of(element: Any) -> Any:
    return element.find("ds:Signature", NS)


def xsw1(root: Any) -> Any:
    """The evil response around; the honest one within its signature."""
    forged = new_ids(evil(root))
    signature = deepcopy(signature_of(root))
    forged.insert(1, signature)
    signature.append(deepcopy(root))
    return forged


def xsw2(root: Any) -> Any:
    """The evil response around, the honest one before the signature."""
    forged = new_ids(evil(root))
    forged.insert(1, deepcopy(signature_of(root)))
    forged.insert(1, deepcopy(root))
    return forged


def xsw3(root: Any) -> None:
    """The evil assertion before the honest one."""
    honest = assertion_of(root)
    honest.addprevious(new_ids(evil(honest)))


def xsw4(root: Any) -> None:
    """The honest assertion within the evil one."""
    honest = assertion_of(root)
    forged = new_ids(evil(honest))
    honest.addprevious(forged)
    forged.append(honest)


def xsw5(root: Any) -> None:
    """The evil assertion has the signature, the honest one without it stands at the end."""
    honest = assertion_of(root)
    forged = new_ids(evil(honest))
    if (signature := signature_of(honest)) is not None:
        forged.insert(1, signature)
    honest.addprevious(forged)


def xsw6(root: Any) -> None:
    """The evil assertion has the signature, and the honest one stands in that."""
    honest = assertion_of(root)
    forged = new_ids(evil(honest))
    signature = signature_of(honest)
    if signature is None:
        signature = signature_of(root)
    honest.addprevious(forged)
    forged.insert(1, signature)
    signature.append(honest)


def xsw7(root: Any) -> None:
    """The evil assertion in extensions, before the honest one."""
    extensions = etree.Element(f"{{{SAMLP}}}Extensions")
    extensions.append(new_ids(evil(assertion_of(root))))
    root.insert(1, extensions)


def xsw8(root: Any) -> None:
    """The honest assertion in an object of the evil one's signature."""
    honest = assertion_of(root)
    forged = new_ids(evil(honest))
    signature = signature_of(honest)
    if signature is None:
        signature = signature_of(root)
    honest.addprevious(forged)
    forged.insert(1, signature)
    etree.SubElement(signature, f"{{{DS}}}Object").append(honest)


def same_id(root: Any) -> None:
    """The evil assertion bears the honest one's ID."""
    honest = assertion_of(root)
    honest.addprevious(evil(honest))


def hidden_in(tag: str) -> Edit:
    """The honest assertion put away into an element of ours, the evil one in its place."""

    def edit(root: Any) -> None:
        honest = assertion_of(root)
        forged = new_ids(evil(honest))
        root.replace(honest, forged)
        etree.SubElement(forged, tag).append(honest)

    return edit


def moved_signature(root: Any) -> None:
    """The evil assertion in place of the honest one, with its signature and its ID."""
    honest = assertion_of(root)
    forged = evil(honest)
    if (signature := signature_of(honest)) is not None:
        forged.insert(1, deepcopy(signature))
    root.replace(honest, forged)


def two_responses(root: Any) -> Any:
    """The honest response within an evil one, as its sibling assertion's neighbour."""
    forged = new_ids(evil(root))
    forged.append(deepcopy(root))
    return forged


WRAPPINGS: dict[str, Edit] = {
    **{f"XSW{number}": edit for number, edit in enumerate((xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8), 1)},
    "same id": same_id,
    "in an advice": hidden_in(f"{{{SAML}}}Advice"),
    "in an attribute": hidden_in(f"{{{SAML}}}AttributeValue"),
    "in a foreign element": hidden_in("{urn:x}x"),
    "moved signature": moved_signature,
    "a response in a response": two_responses,
}


@each
@pytest.mark.parametrize("wrapping", WRAPPINGS.values(), ids=WRAPPINGS)
def test_what_is_not_signed_is_not_read_whatever_is_wrapped_around_it(signed: str, wrapping: Edit) -> None:
    if wrapping in {xsw1, xsw2} and signed == "assertion":
        document = respond(signed=signed, after=lambda root: _wrapped_with_the_assertions(root, wrapping))
    else:
        document = respond(signed=signed, after=wrapping)
    assert EVIL.encode() in document
    assert reason(document)
    # The same where the provider may begin, and whatever has to be signed.
    for changes in ({"signed": "assertion"}, {"signed": "response"}, {"request_id": None, "unsolicited": True}):
        assert reason(document, **changes)


def _wrapped_with_the_assertions(root: Any, wrapping: Edit) -> Any:
    """XSW1 and 2 with the signature of the assertion, where the response has none."""
    signature = deepcopy(signature_of(assertion_of(root)))
    root.insert(1, signature)
    return wrapping(root)


@each
def test_two_encrypted_assertions_or_one_beside_a_plain_one_are_refused(signed: str) -> None:
    plain = parse(respond(signed="assertion"))
    for more in ([assertion_of(plain)], []):
        root = parse(respond(signed=signed, encrypt_to=ours()[1]))
        root.extend(more or [deepcopy(root.find("saml:EncryptedAssertion", NS))])
        assert reason(root) in {"assertion-count", "duplicate-id", "signature"}


# --- the two locks ----------------------------------------------------------------------------------------------------

LAX: dict[str, tuple[str, Edit]] = {
    "no InResponseTo, although a request was sent": (
        "in-response-to",
        lambda root: (
            put(".", "InResponseTo", None)(root),
            put("saml:SubjectConfirmationData", "InResponseTo", None)(root),
        ),
    ),
    "no audience": ("audience", without("saml:AudienceRestriction")),
    "no recipient": ("recipient", put("saml:SubjectConfirmationData", "Recipient", None)),
    "a recipient that begins like ours": (
        "recipient",
        put("saml:SubjectConfirmationData", "Recipient", CONSUMER + ".evil.example"),
    ),
    "no destination": ("destination", put(".", "Destination", None)),
    "a destination that begins like ours": ("destination", put(".", "Destination", CONSUMER + "/evil")),
    "no end of the confirmation": (
        "not-on-or-after",
        put("saml:SubjectConfirmationData", "NotOnOrAfter", None),
    ),
}


def second(document: bytes, *, request_id: str | None = "_request1", signed: str = "either") -> None:
    """python3-saml alone."""
    second_lock.require(
        attack_idp.encode(document),
        trust(),
        entity_id=AUDIENCE,
        consumer_url=CONSUMER,
        request_id=request_id,
        signed=signed,
        allow_sha1=False,
        now=datetime.now(UTC),
        decrypted=None,
    )


@each
@pytest.mark.parametrize(("why", "edit"), LAX.values(), ids=LAX)
def test_what_python3_saml_lets_through_we_do_not(signed: str, why: str, edit: Edit) -> None:
    document = respond(signed=signed, before=edit)
    second(document)
    assert reason(document) == why


def test_python3_saml_takes_an_answer_to_a_request_that_nobody_sent() -> None:
    document = respond()
    second(document, request_id=None)
    second(document, request_id=None)  # and the same once more
    assert reason(document, request_id=None, unsolicited=True) == "in-response-to"


FORGED: dict[str, Edit] = {
    "the name": text("saml:NameID", EVIL),
    "an attribute": text("saml:AttributeValue", EVIL),
    "a wrapped assertion": xsw3,
    "an assertion in extensions": xsw7,
}


@each
@pytest.mark.parametrize("edit", FORGED.values(), ids=FORGED)
def test_the_second_lock_holds_alone(signed: str, edit: Edit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were our own verification broken, so that it says yes to everything, python3-saml still says no."""
    monkeypatch.setattr(response, "_require_one_assertion", lambda root: None)
    monkeypatch.setattr(response, "_signed_response", lambda *given: None)
    monkeypatch.setattr(response, "_signed_assertion", lambda document, message, *rest: find(message, "saml:Assertion"))
    document = respond(signed=signed, after=edit)
    assert reason(document) == "second-lock"


@each
def test_the_first_lock_holds_alone(signed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_lock, "require", lambda *given, **more: None)
    for edit in FORGED.values():
        assert reason(respond(signed=signed, after=edit))


@each
def test_what_is_read_is_what_was_signed(signed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree that came is not looked at for data: it could be changed after the verification, and nobody noticed."""
    real = signatures.verify_enveloped

    def spoiling(document: bytes, certificates: Any, **more: Any) -> bytes:
        octets = real(document, certificates, **more)
        return octets.replace(b"Jo.Doe@Example.com", b"Signed@Example.com")

    monkeypatch.setattr(signatures, "verify_enveloped", spoiling)
    assert read(respond(signed=signed)).name_id == "Signed@Example.com"


def test_whatever_happens_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any, **more: Any) -> bytes:
        raise RecursionError

    monkeypatch.setattr(signatures, "verify_enveloped", broken)
    assert reason(respond()) == "unreadable"
