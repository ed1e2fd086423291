"""Mutations of SAML responses that know what they mutate: elements moved, copied, wrapped, renamed; text that hurts."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from lxml import etree

from tests.saml import attack_idp
from tests.saml.attack_idp import DS, SAML, SAMLP, XENC

EVIL = "Admin@Example.com"
TEXTS = (
    "", " ", EVIL, "<!---->", "<!-- x -->", "<?x y?>", "<![CDATA[x]]>", "&#0;", "&#x41;", "&amp;", "&e;", "]]>", "\x00",
    "\u202e", "😀", "&#128512;", "x" * 3000, "-1", "2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "https://sp.example/saml2/idpresponse", "https://sp.example/saml2/idpresponse/x", "#", "#xpointer(/)", "_request1",
    "urn:amazon:cognito:sp:us-east-1_Example01", "https://idp.example/metadata", "true", "ID", "AAAA", "=", "2.0",
    '<!DOCTYPE x [<!ENTITY e "Admin">]>', "<saml:NameID>Admin</saml:NameID>", "<a>" * 300, "xmlns:saml='urn:x'",
    "urn:oasis:names:tc:SAML:2.0:cm:bearer", "urn:oasis:names:tc:SAML:2.0:status:Success", "0", "1" * 40,
)  # fmt: skip
ATTRIBUTES = (
    "ID", "Id", "id", "iD", "{http://www.w3.org/XML/1998/namespace}id", "URI", "Algorithm", "Version", "Destination",
    "Recipient", "InResponseTo", "NotBefore", "NotOnOrAfter", "IssueInstant", "Method", "Format", "Value", "Name",
    "AuthnInstant", "SessionIndex", "SessionNotOnOrAfter", "PrefixList", "{urn:x}x", "Unknown", "AssertionID",
)  # fmt: skip
TAGS = tuple(
    f"{{{namespace}}}{local}"
    for namespace, locals_ in {
        SAML: ("Assertion", "NameID", "Subject", "Issuer", "Conditions", "Audience", "EncryptedAssertion", "Advice",
               "EncryptedID", "AuthnStatement", "AttributeStatement", "Attribute", "AttributeValue", "Condition"),
        SAMLP: ("Response", "Status", "StatusCode", "Extensions", "AuthnRequest", "LogoutResponse"),
        DS: ("Signature", "SignedInfo", "Reference", "Transforms", "Transform", "Object", "KeyInfo", "DigestValue",
             "SignatureValue", "DigestMethod", "SignatureMethod", "CanonicalizationMethod", "X509Data", "Manifest"),
        XENC: ("EncryptedData", "EncryptedKey", "CipherData", "CipherValue", "CipherReference"),
        "urn:x": ("Assertion", "x"),
    }.items()
    for local in locals_
)  # fmt: skip
ALGORITHMS = (
    "http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11",
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/TR/1999/REC-xslt-19991116",
    "http://www.w3.org/TR/1999/REC-xpath-19991116", "http://www.w3.org/2000/09/xmldsig#base64",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", "http://www.w3.org/2000/09/xmldsig#sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmlenc#sha512", "none", "",
    "http://www.w3.org/2001/04/xmlenc#aes256-cbc", "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2001/04/xmlenc#rsa-1_5", "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
)  # fmt: skip
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-7", "latin-1", "cp037")


class Mutator:
    """Mutates responses, the same way for the same seed. ``others`` are honest responses to take parts from."""

    def __init__(self, seed: int, others: list[bytes]) -> None:
        self.random = random.Random(seed)
        self.others = others

    def mutate(self, document: bytes) -> str:
        """SAMLResponse of ``document``, mutated once to four times, and never as it was."""
        while True:
            changed = document
            for _ in range(self.random.choice((1, 1, 1, 2, 2, 3, 4))):
                changed = self._once(changed)
            if changed != document:
                break
        encoded = base64.b64encode(changed).decode()
        return self._spoilt(encoded) if self.random.random() < 0.02 else encoded

    def _once(self, document: bytes) -> bytes:
        if self.random.random() < 0.75:
            try:
                root = attack_idp.parse(document)
                return self._tree(root)
            except (etree.LxmlError, AttributeError, TypeError, ValueError):  # what came before left no such tree
                return self._bytes(document)
        return self._bytes(document)

    # --- trees

    def _tree(self, root: Any) -> bytes:
        kinds: list[Callable[[Any], Any]] = [
            *([self._attribute] * 3),
            *([self._text] * 3),
            *([self._move] * 3),
            *([self._copy] * 3),
            *([self._wrap] * 2),
            *([self._evil] * 4),
            *([self._foreign] * 2),
            self._remove,
            self._rename,
            self._swap,
            self._comment,
            self._algorithm,
            self._identify,
            self._base64,
            self._insert,
            self._rooted,
        ]
        changed = self.random.choice(kinds)(root)
        return attack_idp.serialise(root if changed is None else changed)

    def _any(self, root: Any, *, below: bool = False) -> Any:
        elements = [element for element in root.iter() if isinstance(element.tag, str)]
        return self.random.choice(elements[1:] if below and len(elements) > 1 else elements)

    def _attribute(self, root: Any) -> None:
        element = self._any(root)
        if element.attrib and self.random.random() < 0.7:
            name = self.random.choice(list(element.attrib))
            if self.random.random() < 0.2:
                del element.attrib[name]
                return
        else:
            name = self.random.choice(ATTRIBUTES)
        self._set(lambda value: element.set(name, value), element.get(name, ""))

    def _text(self, root: Any) -> None:
        element = self._any(root)
        if self.random.random() < 0.2:
            self._set(lambda value: setattr(element, "tail", value), element.tail or "")
        else:
            self._set(lambda value: setattr(element, "text", value), element.text or "")

    def _set(self, put: Callable[[str], Any], before: str) -> None:
        value = self.random.choice(
            (
                lambda: self.random.choice(TEXTS),
                lambda: before + self.random.choice(TEXTS),
                lambda: self.random.choice(TEXTS) + before,
                lambda: before.swapcase(),
                lambda: before[: len(before) // 2],
                lambda: before.replace("example", "evil", 1),
                lambda: self._letter(before),
            )
        )()
        try:
            put(value)
        except ValueError:  # NUL and the like cannot be put into a tree
            put(EVIL)

    def _letter(self, text: str) -> str:
        if not text:
            return "x"
        at = self.random.randrange(len(text))
        return text[:at] + self.random.choice(string.printable[:94]) + text[at + 1 :]

    def _move(self, root: Any) -> None:
        element, to = self._any(root, below=True), self._any(root)
        if element is root or to in set(element.iter()):
            return
        to.insert(self.random.randint(0, len(to)), element)

    def _copy(self, root: Any) -> None:
        element, to = self._any(root), self._any(root)
        to.insert(self.random.randint(0, len(to)), deepcopy(element))

    def _wrap(self, root: Any) -> None:
        element = self._any(root, below=True)
        parent = element.getparent()
        if parent is None:
            return
        around = etree.Element(self.random.choice(TAGS))
        parent.replace(element, around)
        around.append(element)

    def _evil(self, root: Any) -> Any:
        """Something that names another person beside, around or instead of what is signed."""
        honest = self._named(root, "Assertion", "Response")
        forged = deepcopy(honest)
        for name in forged.iter(f"{{{SAML}}}NameID"):
            name.text = EVIL
        if self.random.random() < 0.6:
            for signature in list(forged.iter(f"{{{DS}}}Signature")):
                signature.getparent().remove(signature)
        if self.random.random() < 0.5:
            for element in forged.iter():
                if isinstance(element.tag, str) and element.get("ID"):
                    element.set("ID", element.get("ID") + "x")
        how = self.random.randrange(6)
        if how == 0 and honest.getparent() is not None:
            honest.addprevious(forged)
        elif how == 1 and honest.getparent() is not None:
            honest.addnext(forged)
        elif how == 2:
            self._any(forged).append(deepcopy(honest))
            if honest.getparent() is None:
                return forged
            honest.getparent().replace(honest, forged)
        elif how == 3:
            holder = etree.SubElement(self._named(root, "Signature", "Response"), self.random.choice(TAGS))
            holder.append(deepcopy(honest))
            for name in list(honest.iter(f"{{{SAML}}}NameID")):
                name.text = EVIL
        elif how == 4:
            self._any(root).insert(0, forged)
        elif honest.getparent() is not None:
            honest.getparent().replace(honest, forged)
        return None

    def _foreign(self, root: Any) -> None:
        """Parts of another honest response in this one."""
        other = attack_idp.parse(self.random.choice(self.others))
        part = self._any(other)
        same = [element for element in root.iter(part.tag) if element.getparent() is not None]
        if same and self.random.random() < 0.7:
            place = self.random.choice(same)
            place.getparent().replace(place, part)
        else:
            self._any(root).append(part)

    def _named(self, root: Any, *locals_: str) -> Any:
        found = [
            element
            for element in root.iter()
            if isinstance(element.tag, str) and element.tag.rpartition("}")[2] in locals_
        ]
        return self.random.choice(found) if found else root

    def _remove(self, root: Any) -> None:
        element = self._any(root, below=True)
        if element.getparent() is not None:
            element.getparent().remove(element)

    def _rename(self, root: Any) -> None:
        element = self._any(root)
        namespace, _, local = str(element.tag).rpartition("}")
        element.tag = self.random.choice(
            (
                self.random.choice(TAGS),
                local,
                f"{namespace}}}{local.lower()}" if namespace else "x",
                f"{{urn:x}}{local}",
            )
        )

    def _swap(self, root: Any) -> None:
        element = self._any(root)
        if len(element) > 1:
            element.insert(0, element[-1])

    def _comment(self, root: Any) -> None:
        node = self.random.choice((etree.Comment("x"), etree.ProcessingInstruction("x", "y")))
        element = self._any(root)
        if element.text and self.random.random() < 0.7:
            at = self.random.randint(0, len(element.text))
            element.text, node.tail = element.text[:at], element.text[at:]
        element.insert(0, node)

    def _algorithm(self, root: Any) -> None:
        holders = [element for element in root.iter() if isinstance(element.tag, str) and element.get("Algorithm")]
        if holders:
            self.random.choice(holders).set("Algorithm", self.random.choice(ALGORITHMS))

    def _identify(self, root: Any) -> None:
        ids = [element.get("ID") for element in root.iter() if isinstance(element.tag, str) and element.get("ID")]
        holders = [element for element in root.iter() if isinstance(element.tag, str)]
        if ids:
            element = self.random.choice(holders)
            name, value = self.random.choice((("ID", ""), ("URI", "#"), ("Id", ""), ("InResponseTo", "")))
            element.set(name, value + self.random.choice(ids))

    def _base64(self, root: Any) -> None:
        """Another byte of a digest, a signature, a certificate, a ciphertext."""
        texts = [
            element
            for element in root.iter()
            if isinstance(element.tag, str) and element.tag.endswith(("Value", "Certificate")) and element.text
        ]
        if not texts:
            return
        element = self.random.choice(texts)
        try:
            raw = bytearray(base64.b64decode("".join(element.text.split())))
        except ValueError:
            return
        if raw:
            raw[self.random.randrange(len(raw))] ^= 1 << self.random.randrange(8)
            del raw[self.random.choice((len(raw), len(raw), len(raw), len(raw) // 2)) :]
        element.text = base64.b64encode(bytes(raw)).decode()

    def _insert(self, root: Any) -> None:
        element = etree.Element(self.random.choice(TAGS))
        element.text = self.random.choice((EVIL, None, "x"))
        to = self._any(root)
        to.insert(self.random.randint(0, len(to)), element)

    def _rooted(self, root: Any) -> Any:
        return deepcopy(self._any(root)) if self.random.random() < 0.3 else None

    # --- bytes

    def _bytes(self, document: bytes) -> bytes:
        at = self.random.randint(0, len(document))
        to = min(len(document), at + self.random.choice((1, 1, 2, 8, 80, 600)))
        kind = self.random.randrange(9)
        if kind == 0:
            return document[:at] + bytes([self.random.randrange(256)]) + document[at + 1 :]
        if kind == 1:
            return document[:at] + document[to:]
        if kind == 2:
            return document[:to] + document[at:]
        if kind == 3:
            return document[:at] + self.random.choice(TEXTS).encode("utf-8", "surrogatepass") + document[at:]
        if kind == 4:
            return self._prefixed(document)
        if kind == 5:
            text = document.decode("utf-8", "replace")
            return text.encode(self.random.choice(ENCODINGS), "replace")
        if kind == 6:
            start = self.random.choice(
                (
                    b'<?xml version="1.0" encoding="UTF-16"?>',
                    b'<?xml version="1.1"?>',
                    b'<!DOCTYPE r [<!ENTITY e "x">]>',
                    b"<!DOCTYPE r SYSTEM 'http://127.0.0.1:1/x'>",
                    b"\xef\xbb\xbf\xef\xbb\xbf",
                    b" ",
                )
            )
            return start + document
        if kind == 7:
            end = document.rfind(b">", 0, at) + 1
            return document[:end] + self.random.choice(TEXTS).encode("utf-8", "surrogatepass") + document[end:]
        return document + self.random.choice((document, b"<x/>", b"\x00", b"<!--", b"x"))

    def _prefixed(self, document: bytes) -> bytes:
        one, other = self.random.sample((b"saml:", b"samlp:", b"ds:", b"xenc:", b"x:"), 2)
        return document.replace(one, other, self.random.choice((1, 2, -1)))

    def _spoilt(self, encoded: str) -> str:
        at = self.random.randint(0, len(encoded))
        return (
            encoded[:at] + self.random.choice(("=", "!", " ", "%", "-", "_", "\u00e9", "\x00", "AAAA")) + encoded[at:]
        )
