"""How messages travel with a browser (SAML Bindings §3.4, §3.5): in the query of a redirect, or in a posted form."""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import quote, unquote_to_bytes

from poolhouse.saml import signatures, xml
from poolhouse.saml.trust import POST, REDIRECT, Refused

Kind = Literal["SAMLRequest", "SAMLResponse"]
REQUEST: Final = "SAMLRequest"
RESPONSE: Final = "SAMLResponse"
LONGEST_RELAY_STATE: Final = 4096  # §3.4.3 says 80 bytes; many send whole addresses
_RAW_DEFLATE: Final = -15


@dataclass(frozen=True, slots=True)
class Sending:
    """Where to send the browser with a message: by a redirect, or with ``form`` by a page that posts it there."""

    address: str = field(repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


def send(
    kind: Kind,
    document: bytes,
    binding: str,
    address: str,
    *,
    relay_state: str | None = None,
    key: tuple[bytes, bytes] | None = None,
) -> Sending:
    """``document`` on its way to ``address`` by ``binding`` (``redirect``, ``post``), signed if there is a ``key``.

    ``key`` is a private key and its certificate, PEM. A redirect's signature stands in the query, beside the message.
    """
    if binding == POST:
        signed = signatures.sign(document, *key) if key else document
        form: dict[str, str] = {kind: binascii.b2a_base64(signed, newline=False).decode()}
        return Sending(address, form if relay_state is None else {**form, "RelayState": relay_state})
    compressor = zlib.compressobj(9, zlib.DEFLATED, _RAW_DEFLATE)
    deflated = compressor.compress(document) + compressor.flush()
    parameters = [(str(kind), binascii.b2a_base64(deflated, newline=False).decode())]
    if relay_state is not None:
        parameters.append(("RelayState", relay_state))
    if key is not None:
        parameters.append(("SigAlg", signatures.RSA_SHA256))
        parameters.append(("Signature", signatures.sign_detached(_query(parameters).encode(), key[0])))
    return Sending(f"{address}{'&' if '?' in address else '?'}{_query(parameters)}")


def _query(parameters: Sequence[tuple[str, str]]) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters)


@dataclass(frozen=True, slots=True)
class Received:
    """A message as a browser brought it, nothing of it believed yet.

    ``signature`` are the parts of a redirect's: the query that was signed, SigAlg, Signature.
    """

    kind: Kind
    binding: str
    document: bytes = field(repr=False)
    relay_state: str | None = field(repr=False)
    signature: tuple[bytes, str, str] | None = field(default=None, repr=False)

    @property
    def signed(self) -> bool:
        """Whether it claims to be signed."""
        if self.binding == REDIRECT:
            return self.signature is not None
        return bool(xml.children(xml.parse(self.document), signatures.SIGNATURE))

    def verified(self, certificates: Sequence[bytes], *, allow_sha1: bool = False) -> bytes:
        """The document that one of ``certificates`` (DER) signed: read this, and nothing else. Raises Refused."""
        if not self.signed:
            raise Refused("unsigned")
        if self.binding == POST:
            return signatures.verify_enveloped(self.document, certificates, allow_sha1=allow_sha1)
        assert self.signature is not None
        query, algorithm, signature = self.signature
        signatures.verify_detached(query, signature, algorithm, certificates, allow_sha1=allow_sha1)
        return self.document

    def issuer(self) -> str:
        """Who says to have sent it, unverified: to find out whose certificates to look at. Raises Refused."""
        return issuer_of(xml.parse(self.document))


def issuer_of(root: xml.Element) -> str:
    """The Issuer of a message. Raises Refused."""
    issuer = xml.text_of(xml.only(root, xml.name("saml", "Issuer"), "issuer"), "issuer").strip()
    if not 0 < len(issuer) <= 1024:
        raise Refused("issuer", "empty or too long")
    return issuer


def of_form(form: Mapping[str, str]) -> Received:
    """The message in a form. Raises Refused."""
    kind = _kind(form)
    return Received(kind, POST, xml.decode(form[kind]), relay_state(form.get("RelayState")))


def of_query(query: str) -> Received:
    """The message in a query exactly as it came: what is signed are its encoded characters. Raises Refused."""
    raw: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name in raw:
            raise Refused("repeated-parameter", name[:40])
        raw[name] = value
    kind = _kind(raw)
    if len(raw.get("SAMLEncoding", "")) and not _decoded(raw["SAMLEncoding"]).endswith(":DEFLATE"):
        raise Refused("encoding", "SAMLEncoding")
    state = _decoded(raw["RelayState"].replace("+", "%20")) if "RelayState" in raw else None
    return Received(kind, REDIRECT, _inflated(_decoded(raw[kind])), relay_state(state), _signature(raw, kind))


def _kind(given: Mapping[str, str]) -> Kind:
    if (REQUEST in given) == (RESPONSE in given):
        raise Refused("no-message", "neither or both of SAMLRequest and SAMLResponse")
    return "SAMLRequest" if REQUEST in given else "SAMLResponse"


def _signature(raw: Mapping[str, str], kind: Kind) -> tuple[bytes, str, str] | None:
    if "Signature" not in raw and "SigAlg" not in raw:
        return None
    if "Signature" not in raw or "SigAlg" not in raw:
        raise Refused("signature", "Signature and SigAlg belong together")
    signed = "&".join(f"{name}={raw[name]}" for name in (kind, "RelayState", "SigAlg") if name in raw)
    return signed.encode("ascii", "replace"), _decoded(raw["SigAlg"]), _decoded(raw["Signature"])


def _decoded(value: str) -> str:
    try:
        return unquote_to_bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("encoding", "a parameter is not UTF-8") from None


def relay_state(value: str | None) -> str | None:
    """``value`` if it is one that can be handed on. Raises Refused."""
    if value is not None and (len(value) > LONGEST_RELAY_STATE or "\x00" in value):
        raise Refused("relay-state", "too long, or with a NUL")
    return value


def _inflated(encoded: str) -> bytes:
    """A query's message: base64 of a raw deflate stream (RFC 1951), which may not grow beyond what a message may be."""
    decompressor = zlib.decompressobj(_RAW_DEFLATE)
    try:
        document = decompressor.decompress(xml.decode(encoded), xml.LARGEST + 1)
    except zlib.error as broken:
        raise Refused("deflate", str(broken)[:100]) from None
    if len(document) > xml.LARGEST:
        raise Refused("too-large", "inflated")
    if not decompressor.eof or decompressor.unused_data:
        raise Refused("deflate", "cut off, or followed by something")
    return document
