"""XML as SAML needs it: parsed without what attackers use, canonicalised, and read by exact names.

lxml is imported by the functions that need it: a server on which nobody uses SAML neither loads it nor fails on it.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from poolhouse.saml.trust import Refused

Element = Any  # lxml carries no type information

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
NAMES = {"saml": SAML, "samlp": SAMLP, "md": METADATA, "ds": DSIG, "xenc": XENC}

LARGEST = 100_000  # Cognito's limit for a SAML response, in characters; ours counts bytes
_DEEPEST = 40
_ELEMENTS_MAX = 4_000
_NAMESPACES_MAX = 2_000
_ATTRIBUTES_MAX = 32
_DECLARATION = re.compile(
    r"""\ufeff?<\?xml\s+version\s*=\s*(["'])1\.0\1"""
    r"""(\s+encoding\s*=\s*(["'])[uU][tT][fF]-?8\3)?(\s+standalone\s*=\s*(["'])(yes|no)\5)?\s*\?>\s*"""
)
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,254}", re.ASCII)
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)


def decode(encoded: str, *, largest: int = LARGEST) -> bytes:
    """What a POST binding's parameter holds: base64, in which only line breaks are forgiven. Raises Refused."""
    if len(encoded) > largest * 3 // 2:
        raise Refused("too-large", f"{len(encoded)} characters")
    try:
        decoded = binascii.a2b_base64(re.sub(r"[ \t\r\n]+", "", encoded).encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeError) as broken:
        raise Refused("base64", str(broken)) from None
    if not decoded:
        raise Refused("base64", "empty")
    return decoded


def parse(document: bytes, *, largest: int = LARGEST) -> Element:
    """The root of a message. Raises Refused for whatever no honest message contains.

    A signature does not cover comments and processing instructions, so that anybody can add them to a signed message;
    a DTD brings entities; CDATA hides text from whoever looks for these. None is needed: all are refused, as are
    encodings other than UTF-8, which two parsers may see differently.
    """
    text = _text(document, largest)
    if "<!" in text:
        raise Refused("markup", "a DTD, a comment or CDATA")
    if "<?" in text:
        raise Refused("processing-instruction")
    if _BEYOND_BMP.search(text):
        raise Refused("four-byte-character")  # as Cognito does
    root = _parsed(text, keep=True)
    _require_sane(root)
    return root


def parse_metadata(document: bytes, *, largest: int) -> Element:
    """The root of a metadata document, comments and processing instructions dropped. Raises Refused."""
    text = _text(document, largest)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Refused("markup", "a DTD")
    return _parsed(text, keep=False)


def _text(document: bytes, largest: int) -> str:
    if len(document) > largest:
        raise Refused("too-large", f"{len(document)} bytes")
    try:
        text = document.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("encoding", "not UTF-8") from None
    declared = _DECLARATION.match(text)
    text = text[declared.end() :] if declared else text.removeprefix("\ufeff")
    if text.startswith("<?xml") and text[5:6].isspace():
        raise Refused("encoding", "declared as another encoding or version")
    if text.count("xmlns") > _NAMESPACES_MAX and largest <= LARGEST:
        raise Refused("too-complex", "namespaces")
    return text


def _parsed(text: str, *, keep: bool) -> Element:
    from lxml import etree

    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=not keep,
        remove_pis=not keep,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except (etree.LxmlError, ValueError) as broken:
        raise Refused("not-xml", str(broken)[:200]) from None
    if root.getroottree().docinfo.doctype:
        raise Refused("markup", "a DTD")
    return root


def _require_sane(root: Element) -> None:
    """Bounds of depth and number; every identifier is one, once. Raises Refused."""
    from lxml import etree

    depth = count = 0
    seen: set[str] = set()
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event == "end":
            depth -= 1
            continue
        depth, count = depth + 1, count + 1
        if depth > _DEEPEST or count > _ELEMENTS_MAX or len(element.attrib) > _ATTRIBUTES_MAX:
            raise Refused("too-complex", "nesting, elements or attributes")
        for identifier in _identifiers(element):
            if identifier in seen:
                raise Refused("duplicate-id", identifier[:80])
            seen.add(identifier)


def _identifiers(element: Element) -> Iterator[str]:
    """Values of ID and Id. Other spellings, and xml:id, are identifiers to some parsers only: refused."""
    for name, value in element.attrib.items():
        if name.rpartition("}")[2].lower() != "id":
            continue
        if name not in {"ID", "Id"} or not _ID.fullmatch(value):
            raise Refused("bad-id", f"{name}={value}"[:120])
        yield value


def canonical(element: Element, prefixes: Iterable[str] = ()) -> bytes:
    """Exclusive canonical form without comments (W3C xml-exc-c14n). Raises Refused where there is none."""
    from lxml import etree

    try:
        octets: bytes = etree.tostring(
            element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=list(prefixes)
        )
    except (etree.LxmlError, ValueError) as broken:
        raise Refused("canonicalization", str(broken)[:200]) from None
    if not octets:
        raise Refused("canonicalization", "empty")  # an empty digest is easily matched
    return octets


# --- reading --------------------------------------------------------------------------------------------------------


def name(prefix: str, local: str) -> str:
    """An element's name as lxml writes it: ``name("saml", "Issuer")``."""
    return f"{{{NAMES[prefix]}}}{local}"


def children(element: Element, tag: str) -> list[Element]:
    """Direct children of that name, and of no other depth."""
    return [child for child in element if child.tag == tag]


def only(element: Element, tag: str, reason: str) -> Element:
    """The single direct child of that name. Raises Refused with ``reason`` for none or several."""
    found = children(element, tag)
    if len(found) != 1:
        raise Refused(reason, f"{len(found)} × {tag.rpartition('}')[2]}")
    return found[0]


def optional(element: Element, tag: str, reason: str) -> Element | None:
    """The direct child of that name, or None. Raises Refused with ``reason`` for several."""
    found = children(element, tag)
    if len(found) > 1:
        raise Refused(reason, f"{len(found)} × {tag.rpartition('}')[2]}")
    return found[0] if found else None


def text_of(element: Element, reason: str) -> str:
    """The text of an element that holds nothing else. Raises Refused with ``reason`` for children."""
    if len(element):
        raise Refused(reason, "an element where text belongs")
    return str(element.text or "")


def instant(value: str | None, reason: str) -> datetime:
    """A moment in UTC, as SAML core 1.3.3 wants it written. Raises Refused with ``reason``."""
    match = _INSTANT.fullmatch(value or "")
    if match is None:
        raise Refused(reason, f"no instant in UTC: {value}"[:100])
    micro = (match[2] or "0").ljust(6, "0")[:6]
    try:
        return datetime.strptime(f"{match[1]}.{micro}", "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC)
    except ValueError:
        raise Refused(reason, f"no such moment: {value}"[:100]) from None


def spelt(moment: datetime) -> str:
    """A moment as SAML core 1.3.3 wants it written: UTC, whole milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


# --- writing --------------------------------------------------------------------------------------------------------


def make(tag: str, attributes: dict[str, str] | None = None, *content: Element | str) -> Element:
    """An element of ours: ``make("saml:Issuer", {}, "urn:x")``. lxml escapes what it is given."""
    from lxml import etree

    prefix, _, local = tag.partition(":")
    element = etree.Element(name(prefix, local), attributes or {}, nsmap={prefix: NAMES[prefix]})
    for part in content:
        if isinstance(part, str):
            element.text = (element.text or "") + part
        else:
            element.append(part)
    return element


def written(element: Element) -> bytes:
    """An element of ours as bytes, with a declaration."""
    from lxml import etree

    etree.cleanup_namespaces(element)
    octets: bytes = etree.tostring(element, encoding="utf-8", xml_declaration=True)
    return octets
