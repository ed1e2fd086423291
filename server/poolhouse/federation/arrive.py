"""Somebody arrives from a provider: they become a user of the pool, or are one already, and are let in.

Read, ask, write, announce. The hooks are asked in Cognito's order: InboundFederation; for a new person PreSignUp and
PostConfirmation; for one who is known PreAuthentication and PostAuthentication. A person is known by the provider's own
subject alone: no name, no address and no flag leads to an account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from poolhouse.account.events import PostConfirmation, PreSignUp
from poolhouse.core import clock, ids, unit
from poolhouse.core.errors import PoolhouseError, TooManyRequests, UsernameExists
from poolhouse.core.events import ask, emit
from poolhouse.credentials import codes
from poolhouse.federation import cut_off, links, mapping, membership, reserved, upstream_tokens
from poolhouse.federation.connector import ExternalIdentity, FederationFailed, NotOpen, Refused, Untrusted
from poolhouse.federation.events import ExternalUserArrived, ExternalUserCreated, InboundFederation
from poolhouse.federation.links import Link
from poolhouse.federation.mapping import ADDRESSES, Mapped, Unfit
from poolhouse.federation.provider import LOCAL, Provider
from poolhouse.signin import engine
from poolhouse.signin.events import PreAuthentication
from poolhouse.signin.outcome import Outcome
from poolhouse.tokens.claims import ACR_LEVELS
from poolhouse.user_pools.pool_rules import OWN
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import Status, User, directory
from poolhouse.users.directory import Plan

_LONGEST_SUBJECT = 2048
_TAKEN = "An account with the given {} already exists."


@dataclass(frozen=True, slots=True)
class OfferLink:
    """Whoever arrived may connect to the account ``sub``, whose proven address ``email`` is theirs too: ask them.

    :mod:`poolhouse.federation.offers` goes on from here.
    """

    provider: str
    email: str
    sub: str
    identity: ExternalIdentity = field(repr=False)


Arrival = Outcome | OfferLink


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody at the door: who vouches for them, what is said of them, and what that becomes here."""

    client: Client
    provider: Provider
    identity: ExternalIdentity
    claims: Mapping[str, Any] = field(repr=False)
    mapped: Mapped = field(repr=False)
    metadata: Mapping[str, str]

    @property
    def pool(self) -> Pool:
        """The client's pool."""
        return self.client.pool

    @property
    def link(self) -> Link | None:
        """Whose identity it is, as stored now. An address that the provider calls unproven leads to nobody."""
        said = self.mapped.values
        sure = {name: value for name, value in said.items() if said.get(name + "_verified") != "false"}
        return links.find(self.pool, self.provider, self.identity.subject, sure)

    @property
    def acr(self) -> str | None:
        """How sure the provider was, by its AcrMapping; None if it does not say, or nothing of it is mapped."""
        levels = {theirs: ours for ours, theirs in self.provider.acr_mapping.items()}
        ours = levels.get(self.identity.acr or "")
        return ACR_LEVELS[int(ours.removeprefix("Level")) - 1] if ours else None

    def entry(self, *, primary: bool) -> dict[str, Any]:
        """How ``identities`` names them."""
        issuer = (self.identity.session or {}).get("issuer")
        return links.described(self.provider, self.identity.subject, primary=primary, issuer=issuer)


def arrive(
    client: Client,
    provider: Provider,
    identity: ExternalIdentity,
    *,
    metadata: Mapping[str, str] | None = None,
    offering: bool = True,
) -> Arrival:
    """Let in whoever ``provider`` vouches for. ``offering``: they may be asked to connect an account they have.

    Begins with reads and hooks, so call it in a unit that does not write yet. Raises FederationFailed and nothing else
    of the sort: NotOpen, Untrusted, Refused (disabled, refused by a hook), Unfit (does not fit the pool's schema).
    """
    with refusals():
        newcomer = _look(client, provider, identity, metadata or {})
        link = newcomer.link
        if link is not None:
            return _again(newcomer, link)
        if offering and (offer := _offer(newcomer)) is not None:
            return offer
        outcome = _first_time(newcomer)
        if outcome is not None:
            return outcome
        link = newcomer.link  # a hook has linked them, or they came twice at the same moment
        if link is None:
            raise Refused(hint="the link was taken away while somebody arrived by it")
        return _again(newcomer, link, asked=unit.current().writing)


@contextmanager
def refusals() -> Iterator[None]:
    """Say every refusal of the domain below as one of federation, which the app can be told of."""
    try:
        yield
    except (FederationFailed, TooManyRequests):
        raise
    except PoolhouseError as error:
        refused = Refused(str(error), hint=error.hint, keep=error.keep)
        raise refused from error


def _look(client: Client, provider: Provider, identity: ExternalIdentity, metadata: Mapping[str, str]) -> Newcomer:
    if not client.offers(provider.name) or not cut_off.is_open(client.pool_id, provider.name, clock.now()):
        raise NotOpen
    subject = identity.subject
    if not 0 < len(subject) <= _LONGEST_SUBJECT or not mapping.storable(subject):
        raise Untrusted(hint="the provider names nobody, or nobody who could be written down")
    asked = ask(
        InboundFederation(
            client, provider.name, provider.type, f"{provider.name}_{subject}", identity.inbound, identity.claims
        )
    )
    claims: Mapping[str, Any] = asked.user_attributes_to_map or identity.claims
    trust_email = provider.own.get("trust_email") is True
    mapped = mapping.apply(provider.mapping, claims, trust_email=trust_email)
    return Newcomer(client, provider, identity, claims, mapped, metadata)


def _offer(newcomer: Newcomer) -> OfferLink | None:
    """The account that the newcomer may be asked to connect to, where the pool has LinkByVerifiedEmail ``prove``.

    Only one with a password, at a client where people sign in with it: its owner has to prove that it is theirs.
    """
    pool, client, mapped = newcomer.pool, newcomer.client, newcomer.mapped
    own = pool.settings.get(OWN) or {}
    if own.get("link_by_verified_email") != "prove" or not client.offers(LOCAL) or not mapped.verified("email"):
        return None
    mapping.check(pool, client, mapped.values, new=True)  # an address is one address, or nothing
    email = mapped.values["email"]
    sub = links.local_owner(pool, email)
    return None if sub is None else OfferLink(newcomer.provider.name, email, sub, newcomer.identity)


# --- The first time ---------------------------------------------------------------------------------------------------


def _first_time(newcomer: Newcomer) -> Outcome | None:
    """Make a profile and let its owner in; None if there is one by now."""
    client, pool, provider, identity = newcomer.client, newcomer.pool, newcomer.provider, newcomer.identity
    values = mapping.settled(newcomer.mapped.values, {})
    mapping.check(pool, client, values, new=True)
    mapping.require(pool, values)
    names = _free_names(newcomer)
    asked = ask(PreSignUp(pool, client, reserved.EXTERNAL, names[0], values, {}, newcomer.metadata))
    if newcomer.link is not None:
        return None
    values |= {flag: said for flag, said in asked.verified.items() if values.get(flag.removesuffix("_verified"))}

    unit.write()
    sub = ids.uuid7()
    if not links.make(pool, provider.name, links.SUBJECT, identity.subject, sub, primary=True):
        return None
    entry = links.written([newcomer.entry(primary=True)])
    user = _create(pool, sub, names, {**values, links.ATTRIBUTE: entry})
    membership.join_automatic(pool, provider, user)
    membership.follow(pool, provider, user, newcomer.claims)
    upstream_tokens.keep(client, provider, user, identity.tokens)
    outcome = engine.admit(
        client, user, provider=provider.name, first=True, acr=newcomer.acr, metadata=newcomer.metadata
    )
    emit(ExternalUserCreated(pool.id, sub, provider.name, client.id))
    unit.after_commit(lambda: ask(PostConfirmation(pool, client, "ConfirmSignUp", user, newcomer.metadata)))
    return outcome


def _free_names(newcomer: Newcomer) -> list[str]:
    """What the new user may be called, those first that nobody has."""
    provider, subject = newcomer.provider, newcomer.identity.subject
    claim = provider.mapping.get(mapping.USERNAME)
    said = mapping.find(newcomer.claims, claim) if claim else None
    wanted = said if isinstance(said, str) else None
    names = mapping.names(provider.name, subject, wanted, links.digest(subject).hex())
    free = [name for name in names[:-1] if directory.find(newcomer.pool, name) is None]
    return [*free, names[-1]]


def _create(pool: Pool, sub: str, names: list[str], attributes: dict[str, str]) -> User:
    now = clock.now()
    draft = User(pool.id, sub, names[0], Status.EXTERNAL_PROVIDER, True, attributes, now, now)
    attributes = _yielding(attributes, directory.clashes(pool, draft))
    for name in names:
        try:
            return directory.create(pool, Plan(sub, name, {}), Status.EXTERNAL_PROVIDER, attributes)
        except UsernameExists:
            continue
    raise Refused("User already exists")


def _yielding(attributes: Mapping[str, str], clashing: frozenset[str]) -> dict[str, str]:
    """``attributes`` without what would take an alias away from its owner: a provider's word moves none.

    An address is kept as one that is not proven, since only proven ones are aliases; a preferred_username is left out.
    """
    kept = dict(attributes)
    for name in clashing:
        if name in ADDRESSES:
            kept[name + "_verified"] = "false"
        else:
            kept.pop(name, None)
    return kept


# --- Every other time -------------------------------------------------------------------------------------------------


def _again(newcomer: Newcomer, link: Link, *, asked: bool = False) -> Outcome:
    """Bring the profile up to date and let its owner in. ``asked``: hooks have been heard, and a write has begun."""
    client, pool, provider = newcomer.client, newcomer.pool, newcomer.provider
    user = directory.by_sub(pool.id, link.sub)
    if user is None:
        raise Refused(hint="the user was deleted at this moment")
    _refuse_state(user)
    mapping.check(pool, client, mapping.settled(newcomer.mapped.values, user.attributes), new=False)
    if not asked:
        ask(PreAuthentication(client, user.username, user, newcomer.metadata))

    unit.write()
    user = directory.locked(pool, user)
    _refuse_state(user)
    if not links.settle(pool, link, newcomer.identity.subject):
        raise Refused(hint="the link was taken away while somebody arrived by it")
    before = user.attributes
    user = _refresh(newcomer, link, user)
    membership.follow(pool, provider, user, newcomer.claims)
    upstream_tokens.keep(client, provider, user, newcomer.identity.tokens)
    outcome = engine.admit(
        client, user, provider=provider.name, first=False, acr=newcomer.acr, metadata=newcomer.metadata
    )
    changed = {name for name in before.keys() | user.attributes.keys() if before.get(name) != user.attributes.get(name)}
    emit(ExternalUserArrived(pool.id, user.sub, provider.name, client.id, tuple(sorted(changed))))
    return outcome


def _refuse_state(user: User) -> None:
    if not user.enabled:
        raise Refused("User is disabled.")
    if user.status == Status.UNCONFIRMED:
        raise Refused("User is not confirmed.")


def _refresh(newcomer: Newcomer, link: Link, user: User) -> User:
    """``user``, who is held, with every mapped attribute as the provider says it now."""
    pool, mapped = newcomer.pool, newcomer.mapped
    attributes = {**user.attributes, **mapping.settled(mapped.values, user.attributes)}
    if newcomer.provider.own.get("on_missing") == "remove":
        kept = pool.username_attributes if user.username == user.sub else ()
        gone = mapping.removable(pool, mapped.missing - set(kept))
        attributes = {name: value for name, value in attributes.items() if name not in gone}
    if link.attribute != links.SUBJECT:  # the first time by a link that waited for them
        entry = newcomer.entry(primary=link.primary)
        attributes[links.ATTRIBUTE] = links.with_entry(user, entry, instead_of=link.value)
    clashing = directory.clashes(pool, replace(user, attributes=attributes))
    if taken := sorted(clashing & set(pool.username_attributes)):
        raise Unfit(_TAKEN.format(taken[0]))
    attributes = _yielding(attributes, clashing)
    if attributes == user.attributes:
        return user
    for address in ADDRESSES:
        if attributes.get(address) != user.attributes.get(address):
            codes.forget(pool, user.sub, codes.attribute_occasion(address))
    return directory.save(pool, replace(user, attributes=attributes))
