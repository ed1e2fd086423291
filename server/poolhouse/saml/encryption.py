"""Encrypted assertions: opened with our keys, a short list of algorithms, one answer to whatever goes wrong.

Who can tell apart why a changed ciphertext was refused can decrypt one by asking often enough (the attacks on XML
encryption's CBC mode, and on RSA 1.5, which is not taken at all). So every failure has the one reason
:data:`REASON`, and :func:`evened` makes failures take the same time.
"""

from __future__ import annotations

import binascii
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from poolhouse.saml import xml
from poolhouse.saml.trust import Refused
from poolhouse.saml.xml import DSIG, SAML, XENC, XENC11, Element

REASON = "encrypted-assertion"
_EVEN_SECONDS = 0.05
_RECIPIENTS_MAX = 4
_GCM = {XENC11 + "aes128-gcm": 16, XENC11 + "aes192-gcm": 24, XENC11 + "aes256-gcm": 32}
_CBC = {XENC + "aes128-cbc": 16, XENC + "aes192-cbc": 24, XENC + "aes256-cbc": 32}
_OAEP_MGF1P = XENC + "rsa-oaep-mgf1p"
_OAEP = XENC11 + "rsa-oaep"
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    DSIG + "sha1": hashes.SHA1,
    XENC + "sha256": hashes.SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384,
    XENC + "sha512": hashes.SHA512,
}
_MASKS: dict[str, type[hashes.HashAlgorithm]] = {
    XENC11 + "mgf1sha1": hashes.SHA1,
    XENC11 + "mgf1sha256": hashes.SHA256,
    XENC11 + "mgf1sha384": hashes.SHA384,
    XENC11 + "mgf1sha512": hashes.SHA512,
}


@contextmanager
def evened() -> Iterator[None]:
    """Give every refusal within the one reason, after the same time; what succeeds is not held up."""
    began = time.monotonic()
    try:
        yield
    except Exception as failed:
        took = time.monotonic() - began
        time.sleep(_EVEN_SECONDS - took % _EVEN_SECONDS)
        hint = "by none of our keys, or its signature does not hold"
        raise Refused(REASON, hint) from (None if isinstance(failed, Refused) else failed)


def opened(encrypted: Element, keys: Sequence[bytes]) -> bytes:
    """What an EncryptedAssertion holds, by the first of ``keys`` (PEM) that fits. Within :func:`evened`."""
    data = xml.only(encrypted, f"{{{XENC}}}EncryptedData", REASON)
    algorithm = _algorithm(data)
    length = _GCM.get(algorithm) or _CBC.get(algorithm)
    if length is None:
        raise Refused(REASON, algorithm[:200])
    ciphertext = _cipher_value(data)
    for key in _session_keys(encrypted, data, keys):
        if len(key) == length:
            return _decrypted(algorithm, key, ciphertext)
    raise Refused(REASON, "no key")


def spliced(document: bytes, plain: bytes) -> bytes:
    """``document`` with its root's EncryptedAssertion replaced by ``plain``, as text.

    As text, because moving the decrypted tree into the other one renames prefixes where the two bind a namespace to
    different ones: the signature then fails although nobody changed anything.
    """
    from lxml import etree

    root = xml.parse(document, largest=8 * xml.LARGEST)
    encrypted = xml.only(root, f"{{{SAML}}}EncryptedAssertion", REASON)
    mark = etree.Element("mark")  # of no prefix that could clash; the tail stays where it is
    mark.tail = encrypted.tail
    root.replace(encrypted, mark)
    before, found, after = etree.tostring(root, encoding="utf-8").partition(b"<mark/>")
    if not found:
        raise Refused(REASON, "no place for what was decrypted")
    whole: bytes = before + plain.strip() + after
    return whole


def _session_keys(encrypted: Element, data: Element, keys: Sequence[bytes]) -> Iterator[bytes]:
    """Session keys, unwrapped by whichever of our keys does it. They stand in KeyInfo, or beside EncryptedData."""
    info = xml.optional(data, f"{{{DSIG}}}KeyInfo", REASON)
    tag = f"{{{XENC}}}EncryptedKey"
    wrapped = [*(xml.children(info, tag) if info is not None else ()), *xml.children(encrypted, tag)]
    for one in wrapped[:_RECIPIENTS_MAX]:
        scheme = _oaep(one)
        ciphertext = _cipher_value(one)
        for pem in keys:
            private = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)  # ours, sealed
            assert isinstance(private, rsa.RSAPrivateKey)
            try:
                yield private.decrypt(ciphertext, scheme)
            except ValueError:
                continue


def _oaep(wrapped: Element) -> padding.OAEP:
    algorithm = _algorithm(wrapped)
    if algorithm not in {_OAEP_MGF1P, _OAEP}:
        raise Refused(REASON, algorithm[:200])
    method = xml.only(wrapped, f"{{{XENC}}}EncryptionMethod", REASON)
    named = xml.optional(method, f"{{{DSIG}}}DigestMethod", REASON)
    digest = _HASHES[named.get("Algorithm")] if named is not None else hashes.SHA1
    mask: type[hashes.HashAlgorithm] = hashes.SHA1
    generation = xml.optional(method, f"{{{XENC11}}}MGF", REASON)
    if algorithm == _OAEP and generation is not None:
        mask = _MASKS[generation.get("Algorithm")]
    return padding.OAEP(padding.MGF1(mask()), digest(), None)


def _algorithm(element: Element) -> str:
    return str(xml.only(element, f"{{{XENC}}}EncryptionMethod", REASON).get("Algorithm"))


def _cipher_value(element: Element) -> bytes:
    """The ciphertext that is here: a CipherReference would have us fetch it from somewhere."""
    cipher = xml.only(element, f"{{{XENC}}}CipherData", REASON)
    value = xml.text_of(xml.only(cipher, f"{{{XENC}}}CipherValue", REASON), REASON)
    try:
        return binascii.a2b_base64("".join(value.split()).encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeError):
        raise Refused(REASON, "not base64") from None


def _decrypted(algorithm: str, key: bytes, ciphertext: bytes) -> bytes:
    if algorithm in _GCM:
        try:
            return AESGCM(key).decrypt(ciphertext[:12], ciphertext[12:], None)
        except (InvalidTag, ValueError):
            raise Refused(REASON, "the tag differs") from None
    if len(ciphertext) < 32 or len(ciphertext) % 16:
        raise Refused(REASON, "no whole blocks")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(ciphertext[:16])).decryptor()
    padded = decryptor.update(ciphertext[16:]) + decryptor.finalize()
    if not 1 <= padded[-1] <= 16:  # XML encryption 5.2: the last byte says how many were added
        raise Refused(REASON, "padding")
    return padded[: -padded[-1]]
