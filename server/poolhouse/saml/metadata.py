"""Metadata: what a party publishes of itself, read with suspicion and written without surprises (SAML metadata 2.0)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from poolhouse.saml import names, signatures, xml
from poolhouse.saml.trust import POST, REDIRECT, BadMetadata, Consumer, IdpTrust, Refused, SpTrust
from poolhouse.saml.xml import DSIG, METADATA, SAMLP, Element

LARGEST = 512 * 1024  # what core.outbound fetches at most
BINDINGS = {names.REDIRECT: REDIRECT, names.POST: POST}
_BINDING_NAMES = {short: uri for uri, short in BINDINGS.items()}
_RSA_BITS_MIN = 2048
_ENTITY_LONGEST = 1024
_URL_LONGEST = 2048
_CERTIFICATES_MAX = 20


def read_idp(document: bytes, *, now: datetime, entity_id: str | None = None) -> IdpTrust:
    """The identity provider that a metadata document describes; ``entity_id`` names one of several.

    Raises BadMetadata, whose text is a sentence for the administrator. The document's own signature is not looked at:
    whom it comes from is known by how it was fetched (TLS), or by the administrator's having given it.
    """
    entity, role = _role(document, "IDPSSODescriptor", entity_id, now)
    sso = _services(role, "SingleSignOnService")
    if not sso:
        raise BadMetadata("no-sso", "No SingleSignOn Http redirect or post binding location found in SAML metadata.")
    certificates = _certificates(role, "signing")
    if not certificates:
        raise BadMetadata("no-certificate", "SAML metadata does not contain a signing certificate.")
    return IdpTrust(
        entity_id=_entity_id(entity),
        certificates=certificates,
        sso=sso,
        slo=_services(role, "SingleLogoutService"),
        slo_response=_services(role, "SingleLogoutService", "ResponseLocation"),
        want_authn_requests_signed=_flag(role.get("WantAuthnRequestsSigned"), False),
        valid_until=_valid_until(role),
        name_id_formats=_formats(role),
    )


def read_sp(document: bytes, *, now: datetime, entity_id: str | None = None) -> SpTrust:
    """The service provider that a metadata document describes, as :func:`read_idp`. Raises BadMetadata."""
    entity, role = _role(document, "SPSSODescriptor", entity_id, now)
    consumers = tuple(_consumers(role))
    if not consumers:
        raise BadMetadata("no-consumer", "SAML metadata has no assertion consumer service by HTTP-POST.")
    return SpTrust(
        entity_id=_entity_id(entity),
        consumers=consumers,
        certificates=_certificates(role, "signing"),
        encryption_certificates=_certificates(role, "encryption"),
        slo=_services(role, "SingleLogoutService"),
        slo_response=_services(role, "SingleLogoutService", "ResponseLocation"),
        authn_requests_signed=_flag(role.get("AuthnRequestsSigned"), False),
        want_assertions_signed=_flag(role.get("WantAssertionsSigned"), True),
        valid_until=_valid_until(role),
        name_id_formats=_formats(role),
    )


# --- reading --------------------------------------------------------------------------------------------------------


def _md(local: str) -> str:
    return f"{{{METADATA}}}{local}"


def _role(document: bytes, local: str, entity_id: str | None, now: datetime) -> tuple[Element, Element]:
    """The entity and its descriptor for SAML 2. Raises BadMetadata."""
    try:
        root = xml.parse_metadata(document, largest=LARGEST)
    except Refused as refused:
        raise BadMetadata(refused.reason, f"SAML metadata could not be read ({refused}).") from None
    if root.tag not in {_md("EntityDescriptor"), _md("EntitiesDescriptor")}:
        raise BadMetadata("not-metadata", "The document is not SAML metadata: it has no EntityDescriptor.")
    candidates = [
        (entity, role)
        for entity in root.iter(_md("EntityDescriptor"))
        for role in xml.children(entity, _md(local))
        if SAMLP in str(role.get("protocolSupportEnumeration", "")).split()
        and entity_id in {None, entity.get("entityID")}
    ]
    if not candidates:
        raise BadMetadata("no-descriptor", f"SAML metadata does not contain an {local} for SAML 2.0.")
    if len(candidates) > 1:
        raise BadMetadata("several", f"SAML metadata contains more than one {local}.")
    entity, role = candidates[0]
    _require_current(role, now)
    return entity, role


def _require_current(role: Element, now: datetime) -> None:
    until = _valid_until(role)
    if until is not None and until <= now:
        raise BadMetadata("expired", f"SAML metadata expired at {xml.spelt(until)} (validUntil).")


def _valid_until(role: Element) -> datetime | None:
    """The earliest validUntil of the descriptor, its entity and whatever they stand in."""
    moments = []
    around: Element | None = role
    while around is not None:
        if (value := around.get("validUntil")) is not None:
            try:
                moments.append(xml.instant(value, "valid-until"))
            except Refused:
                raise BadMetadata(
                    "valid-until", f"SAML metadata has an unreadable validUntil ({value[:60]!r})."
                ) from None
        around = around.getparent()
    return min(moments, default=None)


def _entity_id(entity: Element) -> str:
    found = str(entity.get("entityID") or "")
    if not found.strip() or len(found) > _ENTITY_LONGEST:
        raise BadMetadata("entity-id", "SAML metadata has no usable entityID.")
    return found


def _services(role: Element, local: str, attribute: str = "Location") -> dict[str, str]:
    """Addresses by binding, the first of each; bindings that we do not speak are left out."""
    found: dict[str, str] = {}
    for service in xml.children(role, _md(local)):
        binding, url = BINDINGS.get(service.get("Binding", "")), service.get(attribute)
        if binding is not None and url is not None:
            found.setdefault(binding, _url(url))
    return found


def _consumers(role: Element) -> list[Consumer]:
    found = []
    for place, service in enumerate(xml.children(role, _md("AssertionConsumerService"))):
        if BINDINGS.get(service.get("Binding", "")) != POST:
            continue
        index = str(service.get("index", place))
        if not index.isascii() or not index.isdigit() or len(index) > 5:
            raise BadMetadata("index", f"SAML metadata has an unusable index ({index[:20]!r}).")
        found.append(Consumer(int(index), _url(service.get("Location", "")), _flag(service.get("isDefault"), False)))
    return found


def _url(url: str) -> str:
    """An address a browser is sent to: ``javascript:`` and the like would run in our origin's name."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        fit = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
        fit = fit and parts.port != 0 and not parts.fragment and len(url) <= _URL_LONGEST
    except ValueError:
        fit = False
    if not fit or any(character <= " " or character in '"<>\\^`{|}\x7f' for character in url):
        raise BadMetadata("url", f"SAML metadata has an unusable address ({url[:100]!r}).")
    return url


def _certificates(role: Element, use: str) -> tuple[bytes, ...]:
    """Certificates of that use, or of no stated use, in DER; their dates do not count (metadata is what is trusted)."""
    found: list[bytes] = []
    for descriptor in xml.children(role, _md("KeyDescriptor")):
        if descriptor.get("use", use) != use:
            continue
        for text in descriptor.iterfind(f"{{{DSIG}}}KeyInfo/{{{DSIG}}}X509Data/{{{DSIG}}}X509Certificate"):
            certificate = _certificate("".join(str(text.text or "").split()))
            if certificate not in found:
                found.append(certificate)
    if len(found) > _CERTIFICATES_MAX:
        raise BadMetadata("certificates", f"SAML metadata has more than {_CERTIFICATES_MAX} certificates.")
    return tuple(found)


def _certificate(text: str) -> bytes:
    try:
        certificate = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
        key = signatures.public_key(certificate)
    except (binascii.Error, UnicodeError, Refused):
        raise BadMetadata("certificate", "SAML metadata has a certificate that cannot be read.") from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS_MIN:
        return certificate
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 256:
        return certificate
    raise BadMetadata("weak-key", "SAML metadata has a certificate whose key is too short or of an unknown kind.")


def _flag(value: str | None, default: bool) -> bool:
    return default if value is None else value.strip() in {"true", "1"}


def _formats(role: Element) -> tuple[str, ...]:
    return tuple(str(element.text or "").strip() for element in xml.children(role, _md("NameIDFormat")))


# --- writing --------------------------------------------------------------------------------------------------------


def write_sp(
    entity_id: str,
    *,
    consumers: Sequence[str],
    signing: Sequence[bytes] = (),
    encryption: Sequence[bytes] = (),
    logout: Sequence[tuple[str, str]] = (),
    signs_requests: bool = False,
) -> bytes:
    """A service provider's metadata: ours. Certificates are DER, ``logout`` pairs of binding and address.

    ``signs_requests`` is a promise: a provider that reads it turns away requests without a signature.
    """
    role = xml.make(
        "md:SPSSODescriptor",
        {
            "protocolSupportEnumeration": SAMLP,
            "AuthnRequestsSigned": "true" if signs_requests else "false",
            "WantAssertionsSigned": "true",
        },
        *_keys(signing, encryption),
        *_endpoints("md:SingleLogoutService", logout),
    )
    for place, url in enumerate(consumers):
        attributes = {"Binding": _BINDING_NAMES[POST], "Location": url, "index": str(place)}
        role.append(xml.make("md:AssertionConsumerService", attributes | ({"isDefault": "true"} if place == 0 else {})))
    return _entity(entity_id, role)


def write_idp(
    entity_id: str,
    *,
    sso: Sequence[tuple[str, str]],
    signing: Sequence[bytes],
    logout: Sequence[tuple[str, str]] = (),
    name_id_formats: Sequence[str] = (),
) -> bytes:
    """An identity provider's metadata: ours. Certificates are DER, ``sso`` and ``logout`` pairs of binding, address."""
    role = xml.make(
        "md:IDPSSODescriptor",
        {"protocolSupportEnumeration": SAMLP, "WantAuthnRequestsSigned": "false"},
        *_keys(signing, ()),
        *_endpoints("md:SingleLogoutService", logout),
        *(xml.make("md:NameIDFormat", {}, format_) for format_ in name_id_formats),
        *_endpoints("md:SingleSignOnService", sso),
    )
    return _entity(entity_id, role)


def _entity(entity_id: str, role: Element) -> bytes:
    return xml.written(xml.make("md:EntityDescriptor", {"entityID": entity_id}, role))


def _keys(signing: Sequence[bytes], encryption: Sequence[bytes]) -> list[Element]:
    return [
        xml.make("md:KeyDescriptor", {"use": use}, key_info(certificate))
        for use, certificates in (("signing", signing), ("encryption", encryption))
        for certificate in certificates
    ]


def key_info(certificate: bytes) -> Element:
    """A certificate (DER) as ds:KeyInfo."""
    text = base64.b64encode(certificate).decode()
    return xml.make("ds:KeyInfo", {}, xml.make("ds:X509Data", {}, xml.make("ds:X509Certificate", {}, text)))


def _endpoints(tag: str, places: Sequence[tuple[str, str]]) -> list[Element]:
    return [xml.make(tag, {"Binding": _BINDING_NAMES[binding], "Location": url}) for binding, url in places]
