"""Logout requests of others, verified: which sessions here an app or an identity provider may end, and ends."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from poolhouse.core import clock, runtime
from poolhouse.core.events import emit
from poolhouse.federation import catalogue, documents, replay, saml_keys, upstream_sessions
from poolhouse.federation.connector import FederationFailed
from poolhouse.federation.events import SamlLogoutReceived
from poolhouse.federation.saml_idp import participants, service_providers
from poolhouse.federation.single_logout import APP, PROVIDER, Beginning, Kind
from poolhouse.federation.upstream_sessions import Upstream
from poolhouse.saml import logout, xml
from poolhouse.saml.bindings import Received
from poolhouse.saml.logout import LogoutRequest
from poolhouse.saml.trust import IdpTrust, Refused
from poolhouse.user_pools.snapshots import Pool

_LOOKED_AT: Final = 60


@dataclass(frozen=True, slots=True)
class Wanted:
    """A verified request: who is answered, whose sessions end (digests of browser sessions), what ends with them."""

    beginning: Beginning
    party: tuple[Kind, str]
    message_id: str
    expires: datetime
    sessions: tuple[bytes, ...] = field(repr=False)
    sub: str = ""
    upstream: tuple[Upstream, ...] = ()

    @property
    def known(self) -> bool:
        """Whether that party knows anybody by that name here."""
        return bool(self.sub)


def of_app(pool: Pool, received: Received, destinations: Collection[str]) -> Wanted:
    """The request of a service provider of the pool. It reaches the sessions that it was told of, and no others.

    Raises Refused, also where the service provider has no certificate to prove with that it sent this.
    """
    to = service_providers.find(pool, received.issuer())
    if to is None:
        raise Refused("issuer", "no service provider of the pool")
    if not to.certificates:
        raise Refused("unsigned", "the service provider has no certificate")
    asked = logout.read_request(
        received, issuer=to.entity_id, certificates=to.certificates, destinations=destinations, now=clock.now()
    )
    found = participants.of_name(pool.id, to.client.id, asked.name, asked.session_indexes)
    sessions = tuple(dict.fromkeys(one.browser_session for one in found))
    sub = found[0].sub if found else ""
    return _wanted(received, asked, (APP, to.client.id), sessions, sub)


def of_provider(pool: Pool, received: Received, destinations: Collection[str]) -> Wanted:
    """The request of an identity provider that people come from. Raises Refused."""
    issuer = received.issuer()
    refusal = Refused("issuer", "no provider that anybody of that name came from")
    for name in _candidates(pool, issuer, received):
        try:
            asked = _signed_by(pool, name, issuer, received, destinations)
        except Refused as refused:
            refusal = refused
            continue
        found = tuple(
            one
            for one in upstream_sessions.of_name(pool.id, issuer, asked.name)
            if one.provider == name and (not asked.session_indexes or one.session_index in asked.session_indexes)
        )
        sessions = tuple(dict.fromkeys(one.browser_session for one in found))
        return _wanted(received, asked, (PROVIDER, name), sessions, found[0].sub if found else "", found)
    raise refusal


def _candidates(pool: Pool, issuer: str, received: Received) -> tuple[str, ...]:
    """The providers whose certificates are to be tried: by whom the request names, where that is not encrypted."""
    root = xml.parse(received.document)
    if not xml.children(root, xml.name("saml", "NameID")):
        return _of_issuer(pool, issuer)
    return upstream_sessions.providers(pool.id, issuer, logout.read_name_id(root, "name-id")) or _of_issuer(
        pool, issuer
    )


def _of_issuer(pool: Pool, issuer: str) -> tuple[str, ...]:
    """The providers of that entity id: for a request about somebody unknown, too, since it wants an answer.

    Of many providers only some are looked at, and what they are is remembered: made-up issuers cost nothing.
    """

    def load() -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for row in catalogue.page(pool.id, _LOOKED_AT, None)[0]:
            provider = catalogue.find(pool, row.name) if row.type == upstream_sessions.KIND else None
            trust = documents.known(provider) if provider is not None else None
            if trust is not None:
                found[trust.entity_id] = (*found.get(trust.entity_id, ()), row.name)
        return found

    return runtime.current().cache.get(("saml issuers", pool.id), load).get(issuer, ())


def _signed_by(pool: Pool, name: str, issuer: str, received: Received, destinations: Collection[str]) -> LogoutRequest:
    """The request, if the provider ``name`` signed it; by fresh metadata if it may have changed its key."""
    provider = catalogue.find(pool, name)
    if provider is None:
        raise Refused("issuer", "there is no such provider any more")

    def read(trust: IdpTrust) -> LogoutRequest:
        if trust.entity_id != issuer:
            raise Refused("issuer", "the provider is another party today")
        return logout.read_request(
            received,
            issuer=issuer,
            certificates=trust.certificates,
            destinations=destinations,
            now=clock.now(),
            allow_sha1=provider.own.get("allow_sha1") is True,
            decryption_keys=saml_keys.decrypting(pool.id, name),
        )

    try:
        return read(documents.trust(provider))
    except FederationFailed as error:
        raise Refused("trust", error.hint or str(error)) from None
    except Refused as refused:
        renewed = documents.renewed(provider) if refused.reason == "signature" else None
        if renewed is None:
            raise
        return read(renewed)


def _wanted(
    received: Received,
    asked: LogoutRequest,
    party: tuple[Kind, str],
    sessions: tuple[bytes, ...],
    sub: str,
    upstream: tuple[Upstream, ...] = (),
) -> Wanted:
    kind, identifier = party
    beginning = Beginning("", kind, identifier, asked.id, received.relay_state, received.binding)
    return Wanted(beginning, party, asked.id, asked.expires, sessions, sub, upstream)


def take(pool: Pool, wanted: Wanted) -> None:
    """Note the request, which counts once, and end the tokens that came of a provider's sessions.

    The browser sessions are the web's to end. Raises connector.Untrusted for a request that was sent before.
    """
    kind, identifier = wanted.party
    replay.take(pool.id, f"logout/{kind}/{identifier}", (wanted.message_id,), wanted.expires)
    if wanted.upstream:
        upstream_sessions.end_tokens(pool.id, wanted.upstream)
    if wanted.sessions:
        participants.forget(pool.id, wanted.sessions)
    if wanted.known:
        client_id, provider = (identifier, "") if kind == APP else ("", identifier)
        emit(SamlLogoutReceived(pool.id, wanted.sub, client_id, provider, len(wanted.sessions)))
