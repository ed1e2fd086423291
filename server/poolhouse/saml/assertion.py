"""Responses of an identity provider: an assertion about somebody, signed and if wished encrypted, or a refusal."""

from __future__ import annotations

import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from poolhouse.core import ids
from poolhouse.saml import names, signatures, xml
from poolhouse.saml.trust import Refused
from poolhouse.saml.xml import make

VALID = timedelta(minutes=5)
_EARLY = timedelta(minutes=1)  # for clocks that are behind ours
_ELEMENT = xml.XENC + "Element"
_AES_256_GCM = xml.XENC11 + "aes256-gcm"
_RSA_OAEP = xml.XENC + "rsa-oaep-mgf1p"  # the one that every party knows: MGF1 with SHA-1, which is sound there
_SHA1 = xml.DSIG + "sha1"
_GCM_NONCE_BYTES = 12

Key = tuple[bytes, bytes]  # a private key and its certificate, PEM


@dataclass(frozen=True, slots=True)
class Name:
    """What a subject is called. ``qualifier`` and ``sp_qualifier`` go with persistent names (SAML Core §8.3.7)."""

    value: str = field(repr=False)
    format: str
    qualifier: str | None = None
    sp_qualifier: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said to a service provider (``audience``) of somebody who signed in.

    ``attributes`` by the names that the service provider knows them by; ``now`` is when it is said.
    """

    issuer: str
    audience: str
    recipient: str
    in_response_to: str | None
    name: Name
    session_index: str
    authn_instant: datetime
    authn_context: str
    attributes: Mapping[str, tuple[str, ...]] = field(repr=False)
    now: datetime


def message_id() -> str:
    """A new identifier of a message or an assertion: 160 random bits (SAML Core §1.3.4)."""
    return "_" + ids.token(20)


def response(
    said: Statement,
    key: Key,
    *,
    sign_assertion: bool = True,
    sign_response: bool = False,
    encrypt_to: bytes | None = None,
) -> bytes:
    """The response that vouches for somebody. ``encrypt_to`` is the service provider's certificate (DER).

    The assertion is signed before it is encrypted, the response after that, so that every signature covers what stands
    in the document. One of the two has to be signed.
    """
    from lxml import etree

    assert sign_assertion or sign_response, "an assertion that nobody signed is worth nothing"
    assertion = xml.written(_assertion(said))
    if sign_assertion:
        assertion = signatures.sign(assertion, *key)
    root = _response(said.issuer, said.recipient, said.in_response_to, said.now, _status((names.SUCCESS,), ""))
    if encrypt_to is None:
        root.append(etree.fromstring(assertion))
    else:
        root.append(encrypted("saml:EncryptedAssertion", assertion, encrypt_to))
    document = xml.written(root)
    return signatures.sign(document, *key) if sign_response else document


def failure(
    issuer: str, recipient: str, in_response_to: str | None, status: tuple[str, ...], text: str, now: datetime, key: Key
) -> bytes:
    """The response that says why there is no assertion: ``status`` is a code and the codes below it. Signed."""
    root = _response(issuer, recipient, in_response_to, now, _status(status, text))
    return signatures.sign(xml.written(root), *key)


def encoded(document: bytes) -> str:
    """A message as the POST binding carries it."""
    return binascii.b2a_base64(document, newline=False).decode()


def sayable(text: str) -> bool:
    """Whether XML has a way to write ``text``: control characters have none (XML §2.2)."""
    return all(_allowed(character) for character in text)


def _allowed(character: str) -> bool:
    code = ord(character)
    return (code >= 0x20 and not 0xD800 <= code <= 0xDFFF and code not in {0xFFFE, 0xFFFF}) or character in "\t\n\r"


def _response(
    issuer: str, recipient: str, in_response_to: str | None, now: datetime, status: xml.Element
) -> xml.Element:
    given = {"ID": message_id(), "Version": "2.0", "IssueInstant": xml.spelt(now), "Destination": recipient}
    if in_response_to is not None:
        given["InResponseTo"] = in_response_to
    return make("samlp:Response", given, make("saml:Issuer", {}, issuer), status)


def _status(codes: tuple[str, ...], text: str) -> xml.Element:
    return make("samlp:Status", {}, status_code(codes), *([make("samlp:StatusMessage", {}, text)] if text else []))


def status_code(codes: tuple[str, ...]) -> xml.Element:
    """A StatusCode, each one that follows below the one before (SAML Core §3.2.2.2)."""
    return make("samlp:StatusCode", {"Value": codes[0]}, *([status_code(codes[1:])] if codes[1:] else []))


def _assertion(said: Statement) -> xml.Element:
    until, start = xml.spelt(said.now + VALID), xml.spelt(said.now - _EARLY)
    confirmed = {"NotOnOrAfter": until, "Recipient": said.recipient}
    if said.in_response_to is not None:
        confirmed["InResponseTo"] = said.in_response_to
    bearer = make("saml:SubjectConfirmation", {"Method": names.BEARER}, make("saml:SubjectConfirmationData", confirmed))
    audience = make("saml:AudienceRestriction", {}, make("saml:Audience", {}, said.audience))
    context = make("saml:AuthnContext", {}, make("saml:AuthnContextClassRef", {}, said.authn_context))
    authn = {"AuthnInstant": xml.spelt(said.authn_instant), "SessionIndex": said.session_index}
    return make(
        "saml:Assertion",
        {"ID": message_id(), "Version": "2.0", "IssueInstant": xml.spelt(said.now)},
        make("saml:Issuer", {}, said.issuer),
        make("saml:Subject", {}, name_id(said.name), bearer),
        make("saml:Conditions", {"NotBefore": start, "NotOnOrAfter": until}, audience),
        make("saml:AuthnStatement", authn, context),
        *([_attributes(said.attributes)] if said.attributes else []),
    )


def name_id(name: Name) -> xml.Element:
    """A NameID."""
    given = {"Format": name.format}
    if name.qualifier is not None:
        given["NameQualifier"] = name.qualifier
    if name.sp_qualifier is not None:
        given["SPNameQualifier"] = name.sp_qualifier
    return make("saml:NameID", given, name.value)


def _attributes(attributes: Mapping[str, tuple[str, ...]]) -> xml.Element:
    return make("saml:AttributeStatement", {}, *(_attribute(*given) for given in attributes.items()))


def _attribute(name: str, values: tuple[str, ...]) -> xml.Element:
    is_uri = name.startswith(("urn:", "http://", "https://"))
    given = {"Name": name, "NameFormat": names.URI_NAME if is_uri else names.BASIC_NAME}
    written = ("".join(c if _allowed(c) else "\ufffd" for c in value) for value in values)
    return make("saml:Attribute", given, *(make("saml:AttributeValue", {}, value) for value in written))


def encrypted(tag: str, document: bytes, certificate: bytes) -> xml.Element:
    """``document`` for the holder of ``certificate`` (DER) alone, in an element called ``tag`` (XML Encryption §3).

    AES-256-GCM, its key encrypted with RSA-OAEP; the cipher text is the nonce, the text, the tag. Raises Refused for a
    certificate of another kind of key.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    public = signatures.public_key(certificate)
    if not isinstance(public, rsa.RSAPublicKey):
        raise Refused("certificate", "only an RSA key can be encrypted to")
    key, nonce = AESGCM.generate_key(256), os.urandom(_GCM_NONCE_BYTES)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 - no collision matters here
    method = make("xenc:EncryptionMethod", {"Algorithm": _RSA_OAEP}, make("ds:DigestMethod", {"Algorithm": _SHA1}))
    encrypted_key = make("xenc:EncryptedKey", {}, method, _cipher_data(public.encrypt(key, oaep)))
    return make(
        tag,
        {},
        make(
            "xenc:EncryptedData",
            {"Type": _ELEMENT},
            make("xenc:EncryptionMethod", {"Algorithm": _AES_256_GCM}),
            make("ds:KeyInfo", {}, encrypted_key),
            _cipher_data(nonce + AESGCM(key).encrypt(nonce, _without_declaration(document), None)),
        ),
    )


def _cipher_data(octets: bytes) -> xml.Element:
    return make("xenc:CipherData", {}, make("xenc:CipherValue", {}, encoded(octets)))


def _without_declaration(document: bytes) -> bytes:
    """An element is put in place of what was encrypted: an XML declaration cannot stand there."""
    from lxml import etree

    octets: bytes = etree.tostring(etree.fromstring(document), encoding="utf-8", xml_declaration=False)
    return octets
