"""Signatures that we make are verified by others, and what was signed comes back."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from poolhouse.saml import keys, signatures, xml
from poolhouse.saml.trust import Refused
from tests.saml import attack_idp
from tests.saml.attack_idp import NS, SAML, Answer

PRIVATE, CERTIFICATE = keys.make_key("ours")
DER = keys.der(CERTIFICATE)


def test_what_we_sign_xmlsec_verifies() -> None:
    assertion = f"{{{SAML}}}Assertion"
    signed = signatures.sign(Answer().xml().encode(), PRIVATE, CERTIFICATE, of=assertion)
    both = signatures.sign(signed, PRIVATE, CERTIFICATE)
    root = attack_idp.parse(both)
    xmlsec.tree.add_ids(root, ["ID"])
    for element in (root, root.find("saml:Assertion", NS)):
        assert element[1].tag == signatures.SIGNATURE  # behind the Issuer, as the schema has it
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(CERTIFICATE, xmlsec.KeyFormat.CERT_PEM)
        context.verify(element[1])
    octets = signatures.verify_enveloped(both, [DER], of=assertion)
    assert attack_idp.parse(octets).tag == assertion
    assert b"Signature" not in octets
    assert signatures.verify_enveloped(both, [DER]).count(b"<ds:Signature ") == 1


def test_a_message_without_issuer_is_signed_at_its_beginning() -> None:
    signed = signatures.sign(b'<md:x xmlns:md="urn:x" ID="_1"><md:y/></md:x>', PRIVATE, CERTIFICATE)
    assert attack_idp.parse(signed)[0].tag == signatures.SIGNATURE
    assert signatures.verify_enveloped(signed, [DER]) == b'<md:x xmlns:md="urn:x" ID="_1"><md:y></md:y></md:x>'


def test_what_comes_back_is_canonical() -> None:
    document = b"<a  ID='_1' b = 'x'\n xmlns:z='urn:z'>1 &lt; 2<z:c/>\n</a>"
    signed = signatures.sign(document, PRIVATE, CERTIFICATE)
    assert signatures.verify_enveloped(signed, [DER]) == (b'<a ID="_1" b="x">1 &lt; 2<z:c xmlns:z="urn:z"></z:c>\n</a>')


def test_a_query_is_signed_as_it_is_sent() -> None:
    query = b"SAMLRequest=a%2Bb&RelayState=c&SigAlg=x"
    signature = signatures.sign_detached(query, PRIVATE)
    signatures.verify_detached(query, signature, signatures.RSA_SHA256, [attack_idp.key().der, DER])
    rsa, sha1 = signatures.RSA_SHA256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
    wrong: list[tuple[bytes, str, str, list[bytes], str]] = [
        (query.replace(b"%2B", b"%2b"), signature, rsa, [DER], "signature"),
        (query, signature, rsa, [attack_idp.key().der], "signature"),
        (query, signature, rsa, [], "signature"),
        (query, signature, sha1, [DER], "signature-algorithm"),
        (query, signature, rsa.replace("256", "512"), [DER], "signature"),
        (query, signature, rsa.replace("rsa", "hmac"), [DER], "signature-algorithm"),
        (query, signature, "", [DER], "signature-algorithm"),
        (query, "", rsa, [DER], "signature"),
        (query, "!", rsa, [DER], "signature"),
        (query, signature[:-8], rsa, [DER], "signature"),
        (query, signature, rsa, [b"no certificate"], "certificate"),
    ]
    for signed, value, algorithm, certificates, reason in wrong:
        with pytest.raises(Refused) as caught:
            signatures.verify_detached(signed, value, algorithm, certificates)
        assert caught.value.reason == reason


def test_a_query_may_be_signed_by_an_elliptic_curve() -> None:
    key = attack_idp.key("ec", "ec")
    private: Any = serialization.load_pem_private_key(key.private, None)
    r, s = decode_dss_signature(private.sign(b"query", ec.ECDSA(hashes.SHA256())))
    value = base64.b64encode(r.to_bytes(32) + s.to_bytes(32)).decode()
    method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
    signatures.verify_detached(b"query", value, method, [key.der])
    for wrong in (base64.b64encode(bytes(64)).decode(), base64.b64encode(b"x").decode(), value[:44]):
        with pytest.raises(Refused):
            signatures.verify_detached(b"query", wrong, method, [key.der])
    with pytest.raises(Refused):  # a key of one kind, a signature of another
        signatures.verify_detached(b"query", value, method, [DER])


def test_keys_of_ours_are_good_for_ten_years() -> None:
    certificate = x509.load_pem_x509_certificate(CERTIFICATE)
    span = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert 3650 < span.days < 3660
    public: Any = certificate.public_key()
    assert public.key_size == 2048


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "now", "2026-11-23", "2026-11-23T12:00:00", "2026-11-23T12:00:00+00:00", "2026-02-30T00:00:00Z"),
        *("2026-11-23T24:00:01Z", "20261123T120000Z", "2026-11-23T12:00:00.Z", " 2026-11-23T12:00:00Z"),
        "\u0662\u0660\u0662\u0666-11-23T12:00:00Z",
    ],
)
def test_a_moment_is_in_utc_and_whole(value: str | None) -> None:
    with pytest.raises(Refused) as caught:
        xml.instant(value, "why")
    assert caught.value.reason == "why"


@pytest.mark.parametrize("value", ["2026-11-23T12:00:00Z", "2026-11-23T12:00:00.5Z", "2026-11-23T12:00:00.123456789Z"])
def test_a_moment_is_read_as_it_is_written(value: str) -> None:
    moment = xml.instant(value, "x")
    assert moment - xml.instant(xml.spelt(moment), "x") < timedelta(milliseconds=1)
