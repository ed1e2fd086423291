"""AuthnRequests (SAML Core §3.4, Profiles §4.1): ours to identity providers written, service providers' to us read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from poolhouse.saml import bindings, names, xml
from poolhouse.saml.assertion import Name, message_id
from poolhouse.saml.bindings import Received, Sending, issuer_of
from poolhouse.saml.logout import read_name_id
from poolhouse.saml.trust import POST, REDIRECT, IdpTrust, Refused

_OLDEST: Final = timedelta(minutes=30)  # somebody may have left it open, or kept it as a bookmark
_CONTEXTS_MAX: Final = 20
_COMPARISONS: Final = ("exact", "minimum", "maximum", "better")


# --- ours -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on its way: ``id`` is what the answer has to name."""

    id: str
    sending: Sending = field(repr=False)


def send(
    idp: IdpTrust,
    *,
    issuer: str,
    consumer_url: str,
    now: datetime,
    relay_state: str | None = None,
    key: tuple[bytes, bytes] | None = None,
    force: bool = False,
    passive: bool = False,
) -> Asked:
    """Ask ``idp`` who is at this browser; the answer goes to ``consumer_url`` by POST.

    ``key`` (private key and certificate, PEM) signs it. By redirect where the provider takes that, as Cognito does,
    else by POST. No format of the NameID is asked for and no context: with either, a provider names people otherwise
    than it always did, or turns away those who came by a passkey.
    """
    binding = REDIRECT if REDIRECT in idp.sso else POST
    identifier = message_id()
    attributes = {
        "ID": identifier,
        "Version": "2.0",
        "IssueInstant": xml.spelt(now),
        "Destination": idp.sso[binding],
        "AssertionConsumerServiceURL": consumer_url,
        "ProtocolBinding": names.POST,
    }
    if force:
        attributes["ForceAuthn"] = "true"
    if passive:
        attributes["IsPassive"] = "true"
    request = xml.make(
        "samlp:AuthnRequest",
        attributes,
        xml.make("saml:Issuer", {}, issuer),
        xml.make("samlp:NameIDPolicy", {"AllowCreate": "true"}),
    )
    sending = bindings.send(
        "SAMLRequest", xml.written(request), binding, idp.sso[binding], relay_state=relay_state, key=key
    )
    return Asked(identifier, sending)


# --- theirs ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AuthnRequest:
    """What a service provider asks for: who is at this browser?

    ``consumer_url`` or ``consumer_index`` say where the answer is to go; whoever answers holds them against what is
    registered. ``contexts`` are classes of authentication, compared as ``comparison`` says.
    """

    id: str
    issuer: str
    consumer_url: str | None = None
    consumer_index: int | None = None
    binding: str | None = None
    name_id_format: str | None = None
    sp_name_qualifier: str | None = None
    force: bool = False
    passive: bool = False
    contexts: tuple[str, ...] = ()
    comparison: str = "exact"
    subject: Name | None = None


def read_authn_request(
    received: Received,
    *,
    issuer: str,
    certificates: Sequence[bytes],
    require_signed: bool,
    destinations: Collection[str],
    now: datetime,
    skew_seconds: int = 60,
) -> AuthnRequest:
    """The AuthnRequest of ``issuer``. Raises Refused.

    With ``certificates`` (DER) every signature is verified; a request may do without one unless ``require_signed``.
    Where there is no certificate a signature says nothing and is not looked at.
    """
    signed = received.signed
    if require_signed and not signed:
        raise Refused("unsigned")
    verified = signed and bool(certificates)
    root = xml.parse(received.verified(certificates) if verified else received.document)
    if root.tag != xml.name("samlp", "AuthnRequest"):
        raise Refused("message", "no AuthnRequest")
    if root.get("Version") != "2.0":
        raise Refused("version", str(root.get("Version"))[:20])
    if issuer_of(root) != issuer:
        raise Refused("issuer", "another one signed it")
    _require_for(root.get("Destination"), destinations, required=verified)
    _require_recent(root, now, timedelta(seconds=skew_seconds))
    policy = xml.optional(root, xml.name("samlp", "NameIDPolicy"), "name-id-policy")
    contexts, comparison = _contexts(root)
    return AuthnRequest(
        id=_id(root),
        issuer=issuer,
        consumer_url=root.get("AssertionConsumerServiceURL"),
        consumer_index=_index(root.get("AssertionConsumerServiceIndex")),
        binding=root.get("ProtocolBinding"),
        name_id_format=policy.get("Format") if policy is not None else None,
        sp_name_qualifier=policy.get("SPNameQualifier") if policy is not None else None,
        force=_switch(root, "ForceAuthn"),
        passive=_switch(root, "IsPassive"),
        contexts=contexts,
        comparison=comparison,
        subject=_subject(root),
    )


def _require_for(named: str | None, destinations: Collection[str], *, required: bool) -> None:
    """Bindings §3.4.5.2, §3.5.5.2: a signed message names whom it is for, or it could be passed on to others."""
    if named in destinations or (named is None and not required):
        return
    raise Refused("destination", str(named)[:200])


def _require_recent(root: xml.Element, now: datetime, skew: timedelta) -> None:
    sent = xml.instant(root.get("IssueInstant"), "issue-instant")
    if not now - _OLDEST - skew <= sent <= now + skew:
        raise Refused("issue-instant", xml.spelt(sent))


def _id(root: xml.Element) -> str:
    number = root.get("ID")
    if not number:
        raise Refused("id")
    return str(number)


def _switch(root: xml.Element, attribute: str) -> bool:
    value = root.get(attribute, "false").strip()
    if value not in {"true", "false", "1", "0"}:  # xs:boolean
        raise Refused("boolean", attribute)
    return value in {"true", "1"}


def _index(value: str | None) -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 5):  # xs:unsignedShort
        raise Refused("consumer-index", value[:40])
    return int(value)


def _contexts(root: xml.Element) -> tuple[tuple[str, ...], str]:
    asked = xml.optional(root, xml.name("samlp", "RequestedAuthnContext"), "authn-context")
    if asked is None:
        return (), "exact"
    comparison = asked.get("Comparison", "exact")
    if comparison not in _COMPARISONS:
        raise Refused("authn-context", str(comparison)[:40])
    given = list(asked)  # references to declarations are of a kind that we have none of
    if len(given) > _CONTEXTS_MAX:
        raise Refused("authn-context", "too many")
    return tuple(xml.text_of(one, "authn-context").strip() for one in given), comparison


def _subject(root: xml.Element) -> Name | None:
    """Whom the request is about, where it says so."""
    subject = xml.optional(root, xml.name("saml", "Subject"), "subject")
    if subject is None:
        return None
    if xml.children(subject, xml.name("saml", "SubjectConfirmation")):
        raise Refused("subject", "no confirmation is taken from a request")  # Profiles §4.1.4.1
    return read_name_id(subject, "subject")
