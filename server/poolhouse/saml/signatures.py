"""Signatures on XML: one shape and a short list of algorithms is believed, and what was signed is handed back.

A verifier that says "valid" and leaves its caller to read the document has been the fault behind most attacks on SAML:
the part that was verified and the part that was read were two. Here the caller gets the very bytes whose digest stands
in the signature, and reads nothing else.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from poolhouse.saml import xml
from poolhouse.saml.trust import Refused
from poolhouse.saml.xml import DSIG, EXC_C14N, Element

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_C14N = frozenset({EXC_C14N, EXC_C14N + "WithComments"})  # there are no comments: the two are one
_RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
_SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_METHODS = {_RSA_SHA1: ("rsa", "sha1")} | {
    f"{_MORE}{kind}-{digest}": (kind, digest) for kind in ("rsa", "ecdsa") for digest in ("sha256", "sha384", "sha512")
}
_DIGESTS = {
    _SHA1: "sha1",
    SHA256: "sha256",
    f"{_MORE}sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
_CANONICAL_LARGEST = 8 * xml.LARGEST  # namespaces and entities written out make it longer
_RSA_BITS_MIN = 1024  # metadata asks for more; this is for what an administrator let in
SIGNATURE = f"{{{DSIG}}}Signature"


def verify_enveloped(
    document: bytes, certificates: Sequence[bytes], *, of: str | None = None, allow_sha1: bool = False
) -> bytes:
    """The bytes that an element's enveloped signature covers, verified by one of ``certificates`` (DER).

    The element is the root of ``document``, or with ``of`` the root's only child of that name. Nothing is looked up by
    an identifier: the signature is the element's own child, and its one Reference has to name that element. KeyInfo is
    not read. Raises Refused.
    """
    root = xml.parse(document)
    element = root if of is None else xml.only(root, of, "signature-place")
    signature = xml.only(element, SIGNATURE, "signature-count")
    reference, prefixes, digest = _signed_info(signature, certificates, allow_sha1)
    _take_out(signature)
    octets = xml.canonical(element, prefixes)
    name, expected = digest
    if not hmac.compare_digest(hashlib.new(name, octets, usedforsecurity=True).digest(), expected):
        raise Refused("signature", "the digest differs")
    identifier = xml.parse(octets, largest=_CANONICAL_LARGEST).get("ID")
    if not identifier or reference != "#" + identifier:
        raise Refused("signature-reference", f"{reference} is not the element's own"[:200])
    return octets


def verify_detached(
    signed: bytes, signature: str, algorithm: str, certificates: Sequence[bytes], *, allow_sha1: bool = False
) -> None:
    """Verify the signature of a redirect binding over the query exactly as it was sent (SAML bindings 3.4.4.1).

    ``signed`` is ``SAMLRequest=…&RelayState=…&SigAlg=…`` in its raw, still encoded form. Raises Refused.
    """
    _verify(signed, _base64(signature, "signature"), algorithm, certificates, allow_sha1)


def _signed_info(
    signature: Element, certificates: Sequence[bytes], allow_sha1: bool
) -> tuple[str, list[str], tuple[str, bytes]]:
    """Reference, prefixes of the canonicalisation, and digest: read from SignedInfo's own canonical bytes, verified."""
    info, value = _shape(signature)
    method = xml.only(info, f"{{{DSIG}}}CanonicalizationMethod", "signature-shape")
    octets = xml.canonical(info, _prefixes(method))
    verified = xml.parse(octets, largest=_CANONICAL_LARGEST)
    algorithm = _only(verified, "SignatureMethod").get("Algorithm", "")
    _verify(octets, value, algorithm, certificates, allow_sha1)
    method, _, reference = _exactly(verified, "CanonicalizationMethod", "SignatureMethod", "Reference")
    _prefixes(method)
    transforms, digest_method, digest_value = _exactly(reference, "Transforms", "DigestMethod", "DigestValue")
    first, second = _exactly(transforms, "Transform", "Transform")
    if first.get("Algorithm") != ENVELOPED or len(first):
        raise Refused("signature-transform", str(first.get("Algorithm"))[:200])
    digest = _DIGESTS.get(digest_method.get("Algorithm", ""))
    if digest is None or len(digest_method) or (digest == "sha1" and not allow_sha1):
        raise Refused("signature-algorithm", str(digest_method.get("Algorithm"))[:200])
    expected = _base64(xml.text_of(digest_value, "signature-shape"), "signature-digest")
    if len(expected) != hashlib.new(digest, usedforsecurity=True).digest_size:
        raise Refused("signature-digest", "of a wrong length")
    return reference.get("URI", ""), _prefixes(second), (digest, expected)


def _shape(signature: Element) -> tuple[Element, bytes]:
    """SignedInfo and the signature's value; an Object could hold anything, a second SignedInfo be the one read."""
    tags = [child.tag for child in signature]
    wanted = [f"{{{DSIG}}}SignedInfo", f"{{{DSIG}}}SignatureValue"]
    if tags[:2] != wanted or tags[2:] not in ([], [f"{{{DSIG}}}KeyInfo"]):
        raise Refused("signature-shape", "not SignedInfo, SignatureValue, KeyInfo")
    return signature[0], _base64(xml.text_of(signature[1], "signature-shape"), "signature")


def _exactly(element: Element, *locals_: str) -> list[Element]:
    if [child.tag for child in element] != [f"{{{DSIG}}}{local}" for local in locals_]:
        raise Refused("signature-shape", f"{element.tag.rpartition('}')[2]} is not as expected")
    return list(element)


def _only(element: Element, local: str) -> Element:
    found = xml.only(element, f"{{{DSIG}}}{local}", "signature-shape")
    if len(found):
        raise Refused("signature-shape", f"{local} has parameters")  # HMACOutputLength and the like
    return found


def _prefixes(method: Element) -> list[str]:
    """The InclusiveNamespaces of an exclusive canonicalisation. Raises Refused for any other transform."""
    if method.get("Algorithm") not in _C14N:
        raise Refused("signature-transform", str(method.get("Algorithm"))[:200])
    inclusive = list(method)
    if not inclusive:
        return []
    if len(inclusive) > 1 or inclusive[0].tag != f"{{{EXC_C14N}}}InclusiveNamespaces" or len(inclusive[0]):
        raise Refused("signature-transform", "parameters of a canonicalisation")
    return str(inclusive[0].get("PrefixList") or "").split()


def _take_out(signature: Element) -> None:
    """The enveloped-signature transform: without the element, with the text that follows it."""
    parent, before = signature.getparent(), signature.getprevious()
    if signature.tail and before is not None:
        before.tail = (before.tail or "") + signature.tail
    elif signature.tail:
        parent.text = (parent.text or "") + signature.tail
    signature.tail = None
    parent.remove(signature)


def _verify(signed: bytes, signature: bytes, algorithm: str, certificates: Sequence[bytes], allow_sha1: bool) -> None:
    kind, digest = _METHODS.get(algorithm, ("", ""))
    if not kind or (digest == "sha1" and not allow_sha1):
        raise Refused("signature-algorithm", str(algorithm)[:200])
    for certificate in certificates:
        if _fits(public_key(certificate), kind, _HASHES[digest](), signed, signature):
            return
    raise Refused("signature", "by no certificate of the provider")


def _fits(key: Any, kind: str, digest: hashes.HashAlgorithm, signed: bytes, signature: bytes) -> bool:
    try:
        if kind == "rsa" and isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS_MIN:
            key.verify(signature, signed, padding.PKCS1v15(), digest)
            return True
        if kind == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey) and len(signature) % 2 == 0:
            half = len(signature) // 2  # XML signatures have r and s side by side (RFC 6931 2.3.6)
            r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
            key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(digest))
            return True
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        pass
    return False


def public_key(certificate: bytes) -> Any:
    """The public key of a certificate (DER). Raises Refused."""
    try:
        return x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as broken:
        raise Refused("certificate", str(broken)[:200]) from None


def _base64(text: str, reason: str) -> bytes:
    try:
        return binascii.a2b_base64("".join(text.split()).encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeError):
        raise Refused(reason, "not base64") from None


# --- signing --------------------------------------------------------------------------------------------------------


def sign(document: bytes, private: bytes, certificate: bytes, *, of: str | None = None) -> bytes:
    """``document`` with an enveloped RSA-SHA256 signature in the root, or with ``of`` in the root's child of that name.

    The signature follows the Issuer, where the schema wants it, else it comes first (metadata). ``private`` and
    ``certificate`` are PEM. Sign an assertion before the response that it is in.
    """
    import xmlsec as _xmlsec
    from lxml import etree

    xmlsec: Any = _xmlsec  # its type information has neither constants nor namespaces
    root = etree.fromstring(document)
    element = root if of is None else xml.only(root, of, "signature-place")
    node = xmlsec.template.create(element, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.RSA_SHA256, ns="ds")
    issuer = element.find(xml.name("saml", "Issuer"))
    element.insert(0 if issuer is None else element.index(issuer) + 1, node)
    reference = xmlsec.template.add_reference(node, xmlsec.Transform.SHA256, uri="#" + element.get("ID"))
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(node))
    xmlsec.tree.add_ids(element, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(private, xmlsec.KeyFormat.PEM)
    context.key.load_cert_from_memory(certificate, xmlsec.KeyFormat.PEM)
    context.sign(node)
    octets: bytes = etree.tostring(root, encoding="utf-8")
    return octets


def sign_detached(signed: bytes, private: bytes) -> str:
    """The RSA-SHA256 signature of a redirect binding's query, in base64 (not yet quoted)."""
    key = serialization.load_pem_private_key(private, None, unsafe_skip_rsa_key_validation=True)  # ours, sealed
    assert isinstance(key, rsa.RSAPrivateKey)
    return binascii.b2a_base64(key.sign(signed, padding.PKCS1v15(), hashes.SHA256()), newline=False).decode()
