"""A SAML response is read: every check of a service provider, then the data, from nothing but signed bytes.

In this order: what the bytes may be (``xml``), what the document may look like and who signed it (here), the conditions
under which an assertion holds (``conditions``), and last the second lock (``second_lock``).
"""

from __future__ import annotations

from poolhouse.saml import conditions, encryption, second_lock, signatures, xml
from poolhouse.saml.expected import Assertion, Expected, StatusRefused
from poolhouse.saml.signatures import SIGNATURE
from poolhouse.saml.trust import IdpTrust, Refused
from poolhouse.saml.xml import SAML, SAMLP, Element

__all__ = ["Assertion", "Expected", "Refused", "StatusRefused", "read"]

_ASSERTION = f"{{{SAML}}}Assertion"
_ENCRYPTED = f"{{{SAML}}}EncryptedAssertion"
_CHILDREN = frozenset(
    {f"{{{SAML}}}Issuer", SIGNATURE, f"{{{SAMLP}}}Extensions", f"{{{SAMLP}}}Status", _ASSERTION, _ENCRYPTED}
)
_SPLICED_LARGEST = 8 * xml.LARGEST


def read(encoded: str, idp: IdpTrust, expected: Expected) -> Assertion:
    """The assertion in a SAMLResponse parameter. Raises Refused and nothing else, whatever comes in."""
    try:
        return _read(encoded, idp, expected)
    except Refused:
        raise
    except Exception as unforeseen:  # what a library raises over hostile input is the input's fault
        raise Refused("unreadable", type(unforeseen).__name__) from unforeseen


def _read(encoded: str, idp: IdpTrust, expected: Expected) -> Assertion:
    document = xml.decode(encoded)
    root = xml.parse(document)
    _require_response(root)
    conditions.check_message(root, idp, expected)
    conditions.check_status(root)
    _require_one_assertion(root)
    signed = _signed_response(document, root, idp, expected)
    source, message = (document, root) if signed is None else (signed, _reread(signed))
    conditions.check_message(message, idp, expected)
    opened = None
    if xml.children(message, _ENCRYPTED):
        with encryption.evened():
            opened = encryption.opened(xml.only(message, _ENCRYPTED, encryption.REASON), expected.decryption_keys)
            whole = encryption.spliced(source, opened)
            content = _signed_assertion(whole, _inside(whole), idp, expected, signed is not None)
    elif expected.encrypted_only:
        raise Refused("not-encrypted")
    else:
        content = _signed_assertion(document, message, idp, expected, signed is not None)
    found = conditions.check_assertion(message, content, idp, expected)
    _second_lock(encoded, content, idp, expected, None if opened is None else encryption.spliced(document, opened))
    return found


def _require_response(root: Element) -> None:
    if root.tag != f"{{{SAMLP}}}Response":
        raise Refused("not-a-response", str(root.tag)[:200])
    for child in root:
        if child.tag not in _CHILDREN:
            raise Refused("shape", f"{child.tag} in the response"[:200])


def _require_one_assertion(root: Element) -> None:
    """One assertion in the whole document, the response's own child; signatures in these two alone.

    Whatever stands elsewhere (in extensions, an advice, a signature's object) is there to be taken for another.
    """
    inside = [*root.iter(_ASSERTION), *root.iter(_ENCRYPTED)]
    if len(inside) != 1:
        raise Refused("assertion-count", str(len(inside)))
    if inside[0].getparent() is not root:
        raise Refused("assertion-place")
    places = [signature.getparent() for signature in root.iter(SIGNATURE)]
    for place in places:
        if place is not root and not (place is inside[0] and place.tag == _ASSERTION):
            raise Refused("signature-place", str(place.tag)[:200])
    if len(places) > 2 or (len(places) == 2 and places[0] is places[1]):
        raise Refused("signature-count", str(len(places)))


def _signed_response(document: bytes, root: Element, idp: IdpTrust, expected: Expected) -> bytes | None:
    """The signed bytes of the response, or None where the assertion alone has to carry the signature."""
    if not xml.children(root, SIGNATURE):
        if expected.signed in {"response", "both"}:
            raise Refused("unsigned", "the response")
        return None
    return signatures.verify_enveloped(document, idp.certificates, allow_sha1=expected.allow_sha1)


def _signed_assertion(
    document: bytes, message: Element, idp: IdpTrust, expected: Expected, response_signed: bool
) -> Element:
    """The assertion out of its own signed bytes, else out of the signed response's (``message``)."""
    assertion = xml.only(message, _ASSERTION, "assertion-count")
    if xml.children(assertion, SIGNATURE):
        octets = signatures.verify_enveloped(document, idp.certificates, of=_ASSERTION, allow_sha1=expected.allow_sha1)
        own = _reread(octets)
        if own.tag != _ASSERTION or own.get("ID") != assertion.get("ID"):
            raise Refused("signature-place", "the signature is another assertion's")
        return own
    if expected.signed in {"assertion", "both"} or not response_signed:
        raise Refused("unsigned", "the assertion")
    return assertion


def _inside(whole: bytes) -> Element:
    """The response with what was decrypted in it, which has to look like any other."""
    root = xml.parse(whole, largest=_SPLICED_LARGEST)
    _require_response(root)
    _require_one_assertion(root)
    return root


def _reread(octets: bytes) -> Element:
    return xml.parse(octets, largest=_SPLICED_LARGEST)


def _second_lock(encoded: str, content: Element, idp: IdpTrust, expected: Expected, decrypted: bytes | None) -> None:
    second_lock.require(
        encoded,
        idp,
        entity_id=conditions.audience(content, expected.entity_ids),
        consumer_url=expected.consumer_url,
        request_id=expected.request_id,
        signed=expected.signed,
        allow_sha1=expected.allow_sha1,
        now=expected.now - expected.skew,  # it grants no skew to the time that a bearer has
        decrypted=decrypted,
    )
