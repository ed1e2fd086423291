"""Single logout (SAML Core §3.7, Profiles §4.4): requests that a session end, and answers to them, written and read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from poolhouse.saml import encryption, names, xml
from poolhouse.saml.assertion import Name, message_id, name_id, status_code
from poolhouse.saml.bindings import Received, issuer_of
from poolhouse.saml.trust import Refused
from poolhouse.saml.xml import make

VALID: Final = timedelta(minutes=5)
_SESSIONS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """That a party wants the sessions of a subject to end: those of ``session_indexes``, all where there are none.

    ``expires`` is until when its id has to be remembered, so that nobody sends it again.
    """

    id: str
    issuer: str
    name: Name
    session_indexes: tuple[str, ...]
    expires: datetime


@dataclass(frozen=True, slots=True)
class LogoutResponse:
    """What a party says to a request of ours. ``status`` is its code and those below it."""

    issuer: str
    in_response_to: str
    status: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether the session is over there, and at everybody whom that party asked in turn."""
        return self.status == (names.SUCCESS,)


def same_name(told: Name, named: Name) -> bool:
    """Whether ``named`` is whom ``told`` was: to the letter, upper and lower case apart.

    A qualifier that is left out is the one that it would have (SAML Core §8.3.7).
    """
    qualified = named.qualifier in {None, told.qualifier} and named.sp_qualifier in {None, told.sp_qualifier}
    return told.value == named.value and qualified


# --- writing --------------------------------------------------------------------------------------------------------


def request(issuer: str, destination: str, name: Name, session_index: str | None, now: datetime) -> tuple[str, bytes]:
    """A LogoutRequest for one session (all of the subject's without ``session_index``), and its id. Not yet signed."""
    number = message_id()
    given = _head(number, destination, now) | {"NotOnOrAfter": xml.spelt(now + VALID), "Reason": names.BY_USER}
    index = [] if session_index is None else [make("samlp:SessionIndex", {}, session_index)]
    root = make("samlp:LogoutRequest", given, make("saml:Issuer", {}, issuer), name_id(name), *index)
    return number, xml.written(root)


def response(issuer: str, destination: str, in_response_to: str, status: tuple[str, ...], now: datetime) -> bytes:
    """A LogoutResponse: ``status`` is a code and the codes below it. Not yet signed."""
    given = _head(message_id(), destination, now) | {"InResponseTo": in_response_to}
    said = make("samlp:Status", {}, status_code(status))
    return xml.written(make("samlp:LogoutResponse", given, make("saml:Issuer", {}, issuer), said))


def _head(number: str, destination: str, now: datetime) -> dict[str, str]:
    return {"ID": number, "Version": "2.0", "IssueInstant": xml.spelt(now), "Destination": destination}


# --- reading --------------------------------------------------------------------------------------------------------


def read_request(
    received: Received,
    *,
    issuer: str,
    certificates: Sequence[bytes],
    destinations: Collection[str],
    now: datetime,
    skew_seconds: int = 60,
    allow_sha1: bool = False,
    decryption_keys: Sequence[bytes] = (),
) -> LogoutRequest:
    """The LogoutRequest of ``issuer``, signed by one of ``certificates`` (DER), to one of ``destinations``.

    A signature is required: with none, whoever knows somebody's name could sign them out (gosaml2). Raises
    Refused.
    """
    root = xml.parse(received.verified(certificates, allow_sha1=allow_sha1))
    if root.tag != xml.name("samlp", "LogoutRequest"):
        raise Refused("message", "no LogoutRequest")
    number, sent = _read_head(root, issuer, destinations, now, skew_seconds)
    expires = sent + VALID
    if root.get("NotOnOrAfter") is not None:
        ends = xml.instant(root.get("NotOnOrAfter"), "not-on-or-after")
        if ends + timedelta(seconds=skew_seconds) <= now:
            raise Refused("not-on-or-after", "the request has expired")
        expires = max(expires, min(ends, now + VALID))
    indexes = xml.children(root, xml.name("samlp", "SessionIndex"))
    if len(indexes) > _SESSIONS_MAX:
        raise Refused("session-index", "too many")
    return LogoutRequest(
        number,
        issuer,
        _name(root, decryption_keys),
        tuple(xml.text_of(index, "session-index").strip() for index in indexes),
        expires + timedelta(seconds=skew_seconds),
    )


def _name(root: xml.Element, decryption_keys: Sequence[bytes]) -> Name:
    """Whom a verified request names; an EncryptedID is opened by one of our keys (PEM)."""
    hidden = xml.optional(root, xml.name("saml", "EncryptedID"), "name-id")
    if hidden is None or xml.children(root, xml.name("saml", "NameID")):
        return read_name_id(root, "name-id")
    with encryption.evened():
        opened = xml.parse(encryption.opened(hidden, decryption_keys))
        return read_name_id(make("samlp:LogoutRequest", {}, opened), "name-id")


def read_name_id(parent: xml.Element, reason: str) -> Name:
    """The NameID below ``parent``, white space around it dropped. Raises Refused."""
    element = xml.only(parent, xml.name("saml", "NameID"), reason)
    value = xml.text_of(element, reason).strip()
    if not 0 < len(value) <= 1024:
        raise Refused(reason, "empty or too long")
    given = element.get("Format") or names.UNSPECIFIED
    return Name(value, given, element.get("NameQualifier"), element.get("SPNameQualifier"))


def read_response(
    received: Received,
    *,
    issuer: str,
    certificates: Sequence[bytes],
    destinations: Collection[str],
    in_response_to: str,
    now: datetime,
    skew_seconds: int = 60,
    allow_sha1: bool = False,
) -> LogoutResponse:
    """The LogoutResponse of ``issuer`` to our request ``in_response_to``, signed. Raises Refused."""
    root = xml.parse(received.verified(certificates, allow_sha1=allow_sha1))
    if root.tag != xml.name("samlp", "LogoutResponse"):
        raise Refused("message", "no LogoutResponse")
    _read_head(root, issuer, destinations, now, skew_seconds)
    if root.get("InResponseTo") != in_response_to:
        raise Refused("in-response-to", "to another request")
    code = xml.only(xml.only(root, xml.name("samlp", "Status"), "status"), xml.name("samlp", "StatusCode"), "status")
    return LogoutResponse(issuer, in_response_to, _codes(code))


def _codes(code: xml.Element) -> tuple[str, ...]:
    below = xml.optional(code, xml.name("samlp", "StatusCode"), "status")
    return (str(code.get("Value")), *(_codes(below) if below is not None else ()))


def _read_head(
    root: xml.Element, issuer: str, destinations: Collection[str], now: datetime, skew_seconds: int
) -> tuple[str, datetime]:
    """Id and moment of a message, once it is of this version, from ``issuer``, for us, and of now."""
    if root.get("Version") != "2.0":
        raise Refused("version", str(root.get("Version"))[:20])
    if issuer_of(root) != issuer:
        raise Refused("issuer", "another one signed it")
    if root.get("Destination") not in destinations:  # Bindings §3.4.5.2: required in what is signed
        raise Refused("destination", str(root.get("Destination"))[:200])
    sent = xml.instant(root.get("IssueInstant"), "issue-instant")
    skew = timedelta(seconds=skew_seconds)
    if not now - VALID - skew <= sent <= now + skew:
        raise Refused("issue-instant", xml.spelt(sent))
    number = root.get("ID")
    if not number:
        raise Refused("id")
    return str(number), sent
