"""The AuthnRequest that sends a browser to an identity provider (SAML core 3.4, profiles 4.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from poolhouse.core import ids
from poolhouse.saml import bindings, names, xml
from poolhouse.saml.bindings import Sending
from poolhouse.saml.trust import POST, REDIRECT, IdpTrust


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on its way: ``id`` is what the answer has to name."""

    id: str
    sending: Sending = field(repr=False)


def authn_request(
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
    identifier = "_" + ids.uuid4()
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
