"""Connecting an account by proof: who arrives with an account's address may have it, once they sign in to it.

Only where the pool's extension LinkByVerifiedEmail is ``prove``. The provider's word about the address is no proof: it
makes an offer. The offer is of one subject at one provider, to one account, in one browser and journey, and used once.
"""

from __future__ import annotations

from collections.abc import Mapping

from poolhouse.core import sealing
from poolhouse.core.events import emit
from poolhouse.federation import catalogue, cut_off, links, trip
from poolhouse.federation.arrive import OfferLink, arrive, refusals
from poolhouse.federation.connector import NotOpen, Refused
from poolhouse.federation.events import IdentityLinked, LinkDeclined
from poolhouse.federation.provider import Provider
from poolhouse.federation.trip import LINKING, Trip, TripElsewhere
from poolhouse.signin.outcome import Outcome, SignedIn
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import directory


def pend(pool: Pool, provider: Provider, offer: OfferLink, *, journey: str, browser: bytes) -> str:
    """Store the offer; the handle that the journey keeps in its notes. ``browser`` is the digest of the cookie."""
    return trip.offer(pool, provider, offer.identity, journey=journey, browser=browser, to=offer.sub)


def complete(client: Client, handle: str, signed_in: SignedIn, *, journey: str, browser: bytes) -> bool:
    """Connect what was offered to whoever has just signed in; False if it was not offered to them.

    To be called with what the engine answered, in the unit that begins the browser's session. Only a sign-in by the
    account's own password proves it: what another provider says does not. Raises TripEnded, NotOpen, Refused.
    """
    pool = client.pool
    pending = trip.look(pool, handle, LINKING)
    if pending.journey != journey or not sealing.same(pending.browser, browser):
        raise TripElsewhere
    user = signed_in.user
    if user.sub != pending.target or signed_in.provider is not None or "pwd" not in signed_in.amr:
        return False
    trip.spend(pool, handle, LINKING, browser=browser)
    provider = _provider(pool, pending)
    assert pending.identity is not None, "an offer is of somebody"
    subject = pending.identity.subject
    with refusals():
        user = directory.locked(pool, user)
        links.refuse_beyond_limit(pool, user)
        if not links.make(pool, provider.name, links.SUBJECT, subject, user.sub, primary=False):
            raise Refused("This identity is connected to an account already.")
        entry = links.described(provider, subject, primary=False, issuer=(pending.identity.session or {}).get("issuer"))
        directory.change_attributes(pool, user, {links.ATTRIBUTE: links.with_entry(user, entry)})
    emit(IdentityLinked(pool.id, user.sub, provider.name, client.id, by="self"))
    return True


def decline(client: Client, pending: Trip, *, metadata: Mapping[str, str] | None = None) -> Outcome:
    """Go on with a profile of their own. ``pending``: what ``trip.spend(pool, handle, LINKING, browser=...)`` gave.

    Raises as :func:`arrive.arrive`.
    """
    provider = _provider(client.pool, pending)
    assert pending.identity is not None, "an offer is of somebody"
    outcome = arrive(client, provider, pending.identity, metadata=metadata, offering=False)
    assert not isinstance(outcome, OfferLink), "nothing is offered a second time"
    emit(LinkDeclined(client.pool_id, pending.target, provider.name, client.id))
    return outcome


def _provider(pool: Pool, pending: Trip) -> Provider:
    provider = catalogue.find(pool, pending.provider)
    if provider is None or not cut_off.is_open(pool.id, provider.name, pending.created_at):
        raise NotOpen
    return provider
