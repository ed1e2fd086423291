"""Hostile XML and hostile ciphertexts in SAML responses: refused, each for its reason, on every kind of signature."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from poolhouse.saml import encryption, response
from poolhouse.saml.response import Refused
from tests.saml import attack_idp
from tests.saml.attack_idp import DS, NS, SAML, SIGNED, Answer, Signing, T, assertion_of, parse, respond
from tests.saml.reading import expected, ours, read, reason, trust

EVIL = "Admin@Example.com"
MALLORY = attack_idp.key("mallory")
each = pytest.mark.parametrize("signed", SIGNED)


# --- XML --------------------------------------------------------------------------------------------------------------

JO = b"Jo.Doe@Example.com"
HOSTILE: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "a comment in the name": ("markup", lambda d: d.replace(JO, b"Jo.Doe@Example.com<!---->.evil.example")),
    "a comment in an attribute": ("markup", lambda d: d.replace(b"jo@example.com<", b"jo<!-- x -->@example.com<")),
    "a comment at the end": ("markup", lambda d: d + b"<!-- x -->"),
    "CDATA in the name": ("markup", lambda d: d.replace(JO, b"<![CDATA[Jo.Doe@Example.com]]>")),
    "a processing instruction in the name": ("processing-instruction", lambda d: d.replace(JO, b"Jo.Doe<?x?>@Example")),
    "a stylesheet": ("processing-instruction", lambda d: b'<?xml-stylesheet href="http://x.example/"?>' + d),
    "a DTD": ("markup", lambda d: b"<!DOCTYPE Response>" + d),
    "an external DTD": ("markup", lambda d: b'<!DOCTYPE r SYSTEM "http://x.example/x.dtd">' + d),
    "an entity": ("markup", lambda d: b'<!DOCTYPE r [<!ENTITY e "Admin">]>' + d.replace(JO, b"&e;")),
    "a file": ("markup", lambda d: b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + d.replace(JO, b"&e;")),
    "a billion laughs": (
        "markup",
        lambda d: b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]>' + d.replace(JO, b"&c;"),
    ),
    "an entity of nobody": ("not-xml", lambda d: d.replace(JO, b"&nobody;")),
    "an attribute with an id by DTD": ("markup", lambda d: b"<!DOCTYPE r [<!ATTLIST a b ID #IMPLIED>]>" + d),
    "UTF-16": ("encoding", lambda d: d.decode().encode("utf-16")),
    "UTF-32": ("encoding", lambda d: d.decode().encode("utf-32")),
    "UTF-16, declared as UTF-8": ("not-xml", lambda d: ('<?xml version="1.0"?>' + d.decode()).encode("utf-16-be")),
    "declared as Latin-1": ("encoding", lambda d: b'<?xml version="1.0" encoding="ISO-8859-1"?>' + d),
    "declared as UTF-7": ("encoding", lambda d: b'<?xml version="1.0" encoding="UTF-7"?>' + d),
    "declared as UTF-16": ("encoding", lambda d: b'<?xml version="1.0" encoding="UTF-16"?>' + d),
    "XML 1.1": ("encoding", lambda d: b'<?xml version="1.1"?>' + d),
    "two declarations": ("encoding", lambda d: b'<?xml version="1.0"?><?xml version="1.0"?>' + d),
    "not UTF-8": ("encoding", lambda d: d.replace(JO, b"Jo\xff\xfe")),
    "an overlong form": ("encoding", lambda d: d.replace(JO, b"Jo\xc0\xbcDoe")),
    "half a surrogate": ("encoding", lambda d: d.replace(JO, b"Jo\xed\xa0\x80")),
    "beyond the first plane": ("four-byte-character", lambda d: d.replace(JO, "Jo\U0001f600".encode())),
    "NUL": ("not-xml", lambda d: d.replace(JO, b"Jo\x00Doe")),
    "NUL by number": ("not-xml", lambda d: d.replace(JO, b"Jo&#0;Doe")),
    "a control character": ("not-xml", lambda d: d.replace(JO, b"Jo\x08Doe")),
    "cut off": ("not-xml", lambda d: d[:-40]),
    "two roots": ("not-xml", lambda d: d + d),
    "nothing": ("base64", lambda d: b""),
    "no XML": ("not-xml", lambda d: b"hello"),
    "an unknown prefix": ("not-xml", lambda d: d.replace(b"<saml:NameID ", b"<x:NameID ")),
    "too large": ("too-large", lambda d: d.replace(JO, JO * 10_000)),
    "too deep": ("too-complex", lambda d: d.replace(JO, b"<a>" * 60 + b"</a>" * 60)),
    "far too deep": ("not-xml", lambda d: d.replace(JO, b"<a>" * 9_000 + b"</a>" * 9_000)),
    "too many elements": ("too-complex", lambda d: d.replace(JO, b"<a/>" * 5_000)),
    "too many attributes": (
        "too-complex",
        lambda d: d.replace(b"<saml:NameID ", b"<saml:NameID " + b" ".join(b'a%d=""' % n for n in range(50)) + b" "),
    ),
    "too many namespaces": (
        "too-complex",
        lambda d: d.replace(b"<saml:NameID ", b"<saml:NameID " + b" ".join(b'xmlns:a%d="x"' % n for n in range(3000))),
    ),
    "a relative namespace": (
        "signature",
        lambda d: d.replace(b"<saml:NameID ", b'<saml:NameID xmlns:x="../x" x:y="" '),
    ),
    "a namespace that is redefined": (
        "signature",
        lambda d: d.replace(b"<saml:NameID ", b'<saml:NameID xmlns:saml="urn:x" '),
    ),
}


@each
@pytest.mark.parametrize(("why", "spoil"), HOSTILE.values(), ids=HOSTILE)
def test_xml_that_no_honest_message_has_is_refused(signed: str, why: str, spoil: Callable[[bytes], bytes]) -> None:
    found = reason(spoil(respond(signed=signed)))
    assert found == why or (why == "signature" and found in {"signature", "canonicalization", "name-id", "not-xml"})


@each
@pytest.mark.parametrize("inside", ["<!---->", "<?x?>", "<![CDATA[x]]>", "<!DOCTYPE x>"])
def test_what_was_encrypted_is_looked_at_alike(signed: str, inside: str) -> None:
    """A DTD, comments and the like within the ciphertext: only there would a provider's own signature be of use."""
    whole = respond(signed="assertion")
    inner = whole[whole.index(b"<saml:Assertion") : whole.index(b"</samlp:Response>")]
    root = parse(whole)
    root.remove(assertion_of(root))
    _encrypt_text(root, (inside.encode() if "DOCTYPE" in inside else b"") + inner.replace(JO, JO + inside.encode()))
    if signed != "assertion":
        attack_idp.sign(root)
    assert reason(root) == "encrypted-assertion"


def _encrypt_text(root: Any, plain: bytes) -> None:
    """An EncryptedAssertion of bytes that need not be XML."""
    key, nonce = os.urandom(32), os.urandom(12)
    public: Any = x509.load_pem_x509_certificate(ours()[1]).public_key()
    wrapped = public.encrypt(key, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
    sealed = nonce + AESGCM(key).encrypt(nonce, plain, None)
    xenc = attack_idp.XENC

    def value(octets: bytes) -> str:
        text = base64.b64encode(octets).decode()
        return f"<e:CipherData><e:CipherValue>{text}</e:CipherValue></e:CipherData>"

    root.append(
        parse(
            f'<s:EncryptedAssertion xmlns:s="{SAML}" xmlns:e="{xenc}" xmlns:d="{DS}"><e:EncryptedData>'
            f'<e:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/><d:KeyInfo><e:EncryptedKey>'
            f'<e:EncryptionMethod Algorithm="{xenc}rsa-oaep-mgf1p"/>{value(wrapped)}</e:EncryptedKey></d:KeyInfo>'
            f"{value(sealed)}</e:EncryptedData></s:EncryptedAssertion>"
        )
    )


def test_text_that_is_encrypted_by_hand_is_read_when_it_is_in_order() -> None:
    """The control of the test above."""
    whole = respond(signed="assertion")
    root = parse(whole)
    root.remove(assertion_of(root))
    _encrypt_text(root, whole[whole.index(b"<saml:Assertion") : whole.index(b"</samlp:Response>")])
    assert read(root).name_id


@pytest.mark.parametrize(
    "encoded", ["", "!", "====", "PHg+", "PHgv", "AAAA=AAA", "\u00e9", "PHg-_w==", "%3C", " " * 200_000, "A" * 200_000]
)
def test_what_is_not_base64_is_refused(encoded: str) -> None:
    with pytest.raises(Refused) as caught:
        response.read(encoded, trust(), expected())
    assert caught.value.reason in {"base64", "not-xml", "too-large", "encoding"}


# --- encryption -------------------------------------------------------------------------------------------------------


def spoilt(root: Any, what: str) -> Any:
    """An encrypted response with one thing of its encryption changed."""
    values = list(root.iter(f"{{{attack_idp.XENC}}}CipherValue"))
    methods = list(root.iter(f"{{{attack_idp.XENC}}}EncryptionMethod"))
    if what in {"key", "data"}:
        value = values[0 if what == "key" else 1]
        raw = bytearray(base64.b64decode("".join(value.text.split())))
        raw[len(raw) // 2] ^= 1
        value.text = base64.b64encode(raw).decode()
    elif what == "padding":
        raw = bytearray(base64.b64decode("".join(values[1].text.split())))
        raw[-17] ^= 0x55
        values[1].text = base64.b64encode(raw).decode()
    elif what == "short":
        values[1].text = "AAAA"
    elif what == "reference":
        cipher = values[1].getparent()
        cipher.remove(values[1])
        etree.SubElement(cipher, f"{{{attack_idp.XENC}}}CipherReference", URI="http://x.example/")
    elif what == "wrap":
        methods[1].set("Algorithm", attack_idp.XENC + "rsa-1_5")
    elif what == "3des":
        methods[0].set("Algorithm", attack_idp.XENC + "tripledes-cbc")
    elif what == "no key":
        wrapped = values[0].getparent().getparent()
        wrapped.getparent().remove(wrapped)
    return root


@pytest.mark.parametrize("data", ["AES256", "AES256_GCM"])
@pytest.mark.parametrize("what", ["key", "data", "padding", "short", "reference", "wrap", "3des", "no key"])
def test_a_ciphertext_that_was_changed_is_refused_the_same_way_whatever_was_changed(
    data: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(encryption.time, "sleep", slept.append)
    with pytest.raises(Refused) as caught:
        read(respond(encrypt_to=ours()[1], data=getattr(T, data), after=lambda root: spoilt(root, what)))
    assert caught.value.reason == "encrypted-assertion"
    assert caught.value.hint == "by none of our keys, or its signature does not hold"
    # Nor is the time another: each is held until the same fraction of a second has passed.
    assert len(slept) == 1
    assert 0 < slept[0] <= encryption._EVEN_SECONDS


@pytest.mark.parametrize("data", ["AES256", "AES256_GCM"])
def test_nothing_is_decrypted_before_a_signature_around_it_was_verified(
    data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encryption, "opened", lambda *given: pytest.fail("decrypted"))
    for signed in ("response", "both"):
        document = respond(
            signed=signed, encrypt_to=ours()[1], data=getattr(T, data), after=lambda root: spoilt(root, "data")
        )
        assert reason(document) == "signature"


def test_an_encrypted_assertion_is_signed_within_or_around() -> None:
    """Anybody can encrypt to us: the certificate is public."""
    assert reason(respond(signed="none", encrypt_to=ours()[1])) == "encrypted-assertion"
    assert reason(respond(how=Signing(key=MALLORY), encrypt_to=ours()[1])) == "encrypted-assertion"


def test_rsa_1_5_is_not_taken_although_the_message_is_honest() -> None:
    assert reason(respond(encrypt_to=ours()[1], wrap=T.RSA_PKCS1)) == "encrypted-assertion"


def test_a_ciphertext_moved_into_another_response_is_refused_where_the_response_is_signed() -> None:
    mine = parse(respond(signed="response", encrypt_to=ours()[1]))
    other = parse(respond(Answer(name_id=EVIL), signed="none", encrypt_to=ours()[1]))
    mine.replace(mine.find("saml:EncryptedAssertion", NS), other.find("saml:EncryptedAssertion", NS))
    assert reason(mine) == "signature"


def test_a_reason_for_the_log_has_one_line() -> None:
    def lie(root: Any) -> None:
        root.set("Destination", "x\n2026-11-23 12:00:00 INFO poolhouse somebody signed in\x85\u2028\u202e")

    with pytest.raises(Refused) as caught:
        read(respond(before=lie))
    assert str(caught.value).startswith("destination: x\N{REPLACEMENT CHARACTER}2026")
    assert str(caught.value).isprintable()
