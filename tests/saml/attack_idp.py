"""An identity provider of our own for the tests: it answers as it should, or in any way that one could wish.

Built of lxml and xmlsec alone, so that it shares no code with what it tests.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
NS = {"saml": SAML, "samlp": SAMLP, "ds": DS, "xenc": XENC}
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
SIGNED = ("assertion", "response", "both")
T = xmlsec.Transform
_ids = itertools.count(1)

Edit = Callable[[Any], Any]


@dataclass(frozen=True)
class Key:
    """A private key and its certificate, PEM."""

    private: bytes
    certificate: bytes

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return x509.load_pem_x509_certificate(self.certificate).public_bytes(serialization.Encoding.DER)


@cache
def key(name: str = "idp", kind: str = "rsa") -> Key:
    """A key by name, the same in the whole test run; ``kind`` "rsa", "ec" or "short"."""
    private: Any
    if kind == "ec":
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=1024 if kind == "short" else 2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(private, hashes.SHA256())
    )
    return Key(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        certificate.public_bytes(serialization.Encoding.PEM),
    )


def stamp(moment: datetime) -> str:
    """A moment as SAML writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Answer:
    """What a response says. None leaves out what it stands for."""

    consumer: str = "https://sp.example/saml2/idpresponse"
    audience: str | None = "urn:amazon:cognito:sp:us-east-1_Example01"
    in_response_to: str | None = "_request1"
    name_id: str | None = "Jo.Doe@Example.com"
    name_format: str = PERSISTENT
    attributes: Mapping[str, Sequence[str]] = field(default_factory=lambda: {"mail": ["jo@example.com"]})
    issuer: str = "https://idp.example/metadata"
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    response_id: str = field(default_factory=lambda: f"_response{next(_ids)}")
    assertion_id: str = field(default_factory=lambda: f"_assertion{next(_ids)}")
    session_index: str | None = "_session1"
    status: Sequence[str] = (SUCCESS,)
    status_message: str | None = None
    minutes: float = 5

    def xml(self) -> str:
        """The whole response, unsigned."""
        assertion = self.assertion() if self.status[0] == SUCCESS else ""
        return (
            f'<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="{self.response_id}" Version="2.0" '
            f'IssueInstant="{stamp(self.now)}" Destination={quoteattr(self.consumer)}{self._answer()}>'
            f"<saml:Issuer>{escape(self.issuer)}</saml:Issuer>"
            f"<samlp:Status>{self._codes()}{self._message()}</samlp:Status>{assertion}</samlp:Response>"
        )

    def assertion(self) -> str:
        """The assertion alone."""
        now, end = stamp(self.now), stamp(self.now + timedelta(minutes=self.minutes))
        name = "" if self.name_id is None else f"<saml:NameID{self._format()}>{escape(self.name_id)}</saml:NameID>"
        session = "" if self.session_index is None else f" SessionIndex={quoteattr(self.session_index)}"
        audience = "" if self.audience is None else _audiences(self.audience)
        return (
            f'<saml:Assertion xmlns:saml="{SAML}" ID="{self.assertion_id}" Version="2.0" IssueInstant="{now}">'
            f"<saml:Issuer>{escape(self.issuer)}</saml:Issuer>"
            f'<saml:Subject>{name}<saml:SubjectConfirmation Method="{BEARER}"><saml:SubjectConfirmationData '
            f'NotOnOrAfter="{end}" Recipient={quoteattr(self.consumer)}{self._answer()}/>'
            "</saml:SubjectConfirmation></saml:Subject>"
            f'<saml:Conditions NotBefore="{now}" NotOnOrAfter="{end}">{audience}</saml:Conditions>'
            f'<saml:AuthnStatement AuthnInstant="{now}"{session}><saml:AuthnContext><saml:AuthnContextClassRef>'
            "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>"
            f"</saml:AuthnContext></saml:AuthnStatement>{self._statement()}</saml:Assertion>"
        )

    def _format(self) -> str:
        return f" Format={quoteattr(self.name_format)}" if self.name_format else ""

    def _answer(self) -> str:
        return "" if self.in_response_to is None else f" InResponseTo={quoteattr(self.in_response_to)}"

    def _codes(self) -> str:
        text = ""
        for code in reversed(self.status):
            text = f"<samlp:StatusCode Value={quoteattr(code)}>{text}</samlp:StatusCode>"
        return text

    def _message(self) -> str:
        if self.status_message is None:
            return ""
        return f"<samlp:StatusMessage>{escape(self.status_message)}</samlp:StatusMessage>"

    def _statement(self) -> str:
        if not self.attributes:
            return ""
        said = "".join(
            f"<saml:Attribute Name={quoteattr(name)}>"
            + "".join(f"<saml:AttributeValue>{escape(value)}</saml:AttributeValue>" for value in values)
            + "</saml:Attribute>"
            for name, values in self.attributes.items()
        )
        return f"<saml:AttributeStatement>{said}</saml:AttributeStatement>"


def _audiences(*names: str) -> str:
    inside = "".join(f"<saml:Audience>{escape(name)}</saml:Audience>" for name in names)
    return f"<saml:AudienceRestriction>{inside}</saml:AudienceRestriction>"


@dataclass(frozen=True)
class Signing:
    """How an element is signed."""

    key: Key = field(default_factory=key)
    method: Any = T.RSA_SHA256
    digest: Any = T.SHA256
    c14n: Any = T.EXCL_C14N
    transforms: Sequence[Any] = (T.ENVELOPED, T.EXCL_C14N)
    prefixes: str | None = None
    embed: Key | None = None  # whose certificate stands in KeyInfo, where another's signed
    references: Sequence[str] | None = None


def parse(document: bytes | str) -> Any:
    """XML as a tree."""
    return etree.fromstring(document.encode() if isinstance(document, str) else document)


def serialise(root: Any) -> bytes:
    """A tree as XML."""
    return bytes(etree.tostring(root))


def encode(document: bytes | str | Any) -> str:
    """XML as SAMLResponse."""
    if not isinstance(document, bytes | str):
        document = serialise(document)
    return base64.b64encode(document.encode() if isinstance(document, str) else document).decode()


def sign(element: Any, how: Signing | None = None) -> Any:
    """Sign `element` in place, behind its Issuer; the ds:Signature."""
    how = how or Signing()
    signature = xmlsec.template.create(element, how.c14n, how.method, ns="ds")
    issuer = element.find("saml:Issuer", NS)
    element.insert(0 if issuer is None else element.index(issuer) + 1, signature)
    for uri in how.references if how.references is not None else ["#" + element.get("ID")]:
        reference = xmlsec.template.add_reference(signature, how.digest, uri=uri)
        for transform in how.transforms:
            xmlsec.template.add_transform(reference, transform)
    if how.prefixes is not None:
        for transform in signature.iter(f"{{{DS}}}Transform"):
            if "exc-c14n" in transform.get("Algorithm"):
                etree.SubElement(
                    transform,
                    "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces",
                    {"PrefixList": how.prefixes},
                )
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
    xmlsec.tree.add_ids(element.getroottree().getroot(), ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(how.key.private, xmlsec.KeyFormat.PEM)
    context.key.load_cert_from_memory((how.embed or how.key).certificate, xmlsec.KeyFormat.PEM)
    context.sign(signature)
    return signature


def assertion_of(root: Any) -> Any:
    """The response's assertion."""
    return root.find("saml:Assertion", NS)


def encrypt(
    root: Any, to: bytes, *, data: Any = T.AES256_GCM, wrap: Any = T.RSA_OAEP, plain: bytes | None = None
) -> None:
    """Replace the response's assertion by itself encrypted to a certificate (PEM); or by ``plain`` encrypted."""
    if plain is None:
        assertion = assertion_of(root)
        plain = serialise(assertion)
        root.remove(assertion)
    template = xmlsec.template.encrypted_data_create(
        root, data, type="http://www.w3.org/2001/04/xmlenc#Element", ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(template)
    info = xmlsec.template.encrypted_data_ensure_key_info(template, ns="ds")
    wrapped = xmlsec.template.add_encrypted_key(info, wrap)
    xmlsec.template.encrypted_data_ensure_cipher_value(wrapped)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(to, xmlsec.KeyFormat.CERT_PEM))
    context = xmlsec.EncryptionContext(manager)
    bits = {T.AES128: 128, T.AES128_GCM: 128, T.AES192: 192, T.AES192_GCM: 192}.get(data, 256)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, bits, xmlsec.KeyDataType.SESSION)
    place = etree.SubElement(root, f"{{{SAML}}}EncryptedAssertion")
    holder = parse(plain)  # alone, as encryptors see it
    place.append(context.encrypt_xml(template, holder))


def respond(
    answer: Answer | None = None,
    signed: str = "assertion",
    *,
    how: Signing | None = None,
    before: Edit | None = None,
    between: Edit | None = None,
    after: Edit | None = None,
    encrypt_to: bytes | None = None,
    **encryption: Any,
) -> bytes:
    """A response, signed ("assertion", "response", "both", "none"); edited before signing, between assertion and
    response, and after signing. With ``encrypt_to`` (a certificate) the assertion is encrypted once it is signed."""
    root = parse((answer or Answer()).xml())
    if before is not None:
        before(root)
        root = parse(serialise(root))
    if signed in {"assertion", "both"}:
        sign(assertion_of(root), how)
    if encrypt_to is not None:
        encrypt(root, encrypt_to, **encryption)
    root = parse(serialise(root))  # lxml does not find by name what xmlsec has made
    if between is not None:
        between(root)
    if signed in {"response", "both"}:
        sign(root, how)
    if after is not None:
        root = parse(serialise(root))
        changed = after(root)
        root = root if changed is None else changed
    return serialise(root)


def metadata(
    *,
    entity_id: str = "https://idp.example/metadata",
    keys: Sequence[Key] | None = None,
    sso: str = "https://idp.example/sso",
    slo: str | None = "https://idp.example/slo",
    bindings: Sequence[str] = ("HTTP-Redirect", "HTTP-POST"),
    valid_until: datetime | None = None,
) -> bytes:
    """The provider's metadata."""
    descriptors = "".join(
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>'
        f"{base64.b64encode(one.der).decode()}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        for one in (keys if keys is not None else [key()])
    )
    uris = [f"urn:oasis:names:tc:SAML:2.0:bindings:{binding}" for binding in bindings]
    logout = "" if slo is None else "".join(f'<md:SingleLogoutService Binding="{u}" Location="{slo}"/>' for u in uris)
    signon = "".join(f'<md:SingleSignOnService Binding="{u}" Location="{sso}"/>' for u in uris)
    until = "" if valid_until is None else f' validUntil="{stamp(valid_until)}"'
    return (
        f'<?xml version="1.0"?><!-- made for tests --><md:EntityDescriptor '
        f'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="{DS}" entityID={quoteattr(entity_id)}{until}>'
        f'<md:IDPSSODescriptor protocolSupportEnumeration="{SAMLP}">{descriptors}{logout}'
        f"<md:NameIDFormat>{PERSISTENT}</md:NameIDFormat>{signon}</md:IDPSSODescriptor></md:EntityDescriptor>"
    ).encode()


def later(answer: Answer, **changes: Any) -> Answer:
    """`answer` with other ids, and `changes`."""
    fresh = {"response_id": f"_response{next(_ids)}", "assertion_id": f"_assertion{next(_ids)}"}
    return replace(answer, **(fresh | changes))
