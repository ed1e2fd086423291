"""Answers to service providers: an assertion about whoever is signed in, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from poolhouse.core import clock
from poolhouse.core.events import emit
from poolhouse.federation import saml_keys
from poolhouse.federation.saml_idp import asked, names_of, participants, release
from poolhouse.federation.saml_idp.asked import Asked, NoAssertion, NoContext, NoSuchName, SomebodyElse
from poolhouse.federation.saml_idp.events import SamlAssertionIssued, SamlAssertionRefused
from poolhouse.federation.saml_idp.participants import Participant
from poolhouse.federation.saml_idp.service_providers import ServiceProvider
from poolhouse.saml import assertion, names
from poolhouse.saml.assertion import Name
from poolhouse.user_pools.snapshots import Pool
from poolhouse.users import groups
from poolhouse.users.snapshot import User

METADATA = "/saml2/idp/metadata"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in with a browser, as the web knows them. ``auth_time`` in seconds since 1970."""

    digest: bytes = field(repr=False)
    user: User
    auth_time: int
    amr: tuple[str, ...]


def entity_id(pool: Pool) -> str:
    """Who the pool is as an identity provider: the same whichever host it is reached by."""
    return pool.issuer + METADATA


def suits(to: ServiceProvider, session: Session, wanted: Asked) -> bool:
    """Whether this sign-in is of the kind that was asked for, and of whom."""
    in_kind = release.context(session.amr, wanted.contexts, wanted.comparison) is not None
    return in_kind and _is_subject(to, session, wanted)


def answer(to: ServiceProvider, session: Session, wanted: Asked, *, once: Callable[[], None] | None = None) -> bytes:
    """The response that vouches for the session's person; ``to`` takes part in the session from now on.

    Signs before it writes; ``once`` is called as the first thing written, and spends what is answered, or raises.
    Raises NoAssertion.
    """
    pool, user = to.client.pool, session.user
    context = release.context(session.amr, wanted.contexts, wanted.comparison)
    if context is None:
        raise NoContext
    if not _is_subject(to, session, wanted):
        raise SomebodyElse
    called = _name(to, session, wanted.format)
    index = names_of.session_index(pool.id, session.digest, to.entity_id)
    member_of = groups.of(pool.id, user.sub) if to.groups_attribute is not None else ()
    said = assertion.Statement(
        issuer=entity_id(pool),
        audience=to.entity_id,
        recipient=wanted.consumer,
        in_response_to=wanted.request_id,
        name=called,
        session_index=index,
        authn_instant=datetime.fromtimestamp(session.auth_time, UTC),
        authn_context=context,
        attributes=release.attributes(to, user, [group.name for group in member_of]),
        now=clock.now(),
    )
    document = assertion.response(
        said,
        saml_keys.signing(pool.id).pair,
        sign_assertion=to.sign_assertion,
        sign_response=to.sign_response,
        encrypt_to=to.encrypt_to,
    )
    if once is not None:
        once()
    joining = Participant(to.client.id, user.sub, called, index, session.digest)
    participants.join(pool.id, joining)
    emit(SamlAssertionIssued(pool.id, user.sub, to.client.id, context, wanted.request_id is not None))
    return document


def refusal(to: ServiceProvider, consumer: str, request_id: str | None, error: NoAssertion) -> bytes:
    """The response that says why there is no assertion, for the registered address ``consumer``."""
    pool = to.client.pool
    key = saml_keys.signing(pool.id).pair
    emit(SamlAssertionRefused(pool.id, to.client.id, error.codes[-1].rpartition(":")[2]))
    return assertion.failure(entity_id(pool), consumer, request_id, error.codes, str(error), clock.now(), key)


def _name(to: ServiceProvider, session: Session, wanted: str | None) -> Name:
    """What the person is called at ``to``. Raises NoSuchName."""
    pool, user = to.client.pool, session.user
    kind = asked.name_format(to, wanted)
    if kind == names.PERSISTENT:
        value = names_of.persistent(pool.id, user.sub, to.entity_id)
        return Name(value, kind, entity_id(pool), to.entity_id)
    if kind == names.TRANSIENT:
        return Name(names_of.transient(pool.id, session.digest, to.entity_id), kind)
    if kind == names.EMAIL:
        address = release.address(user)
        if address is None or not assertion.sayable(address):
            raise NoSuchName("The person has no verified e-mail address.")
        return Name(address, kind)
    if not assertion.sayable(user.username):
        raise NoSuchName
    return Name(user.username, kind)


def _is_subject(to: ServiceProvider, session: Session, wanted: Asked) -> bool:
    """Whether the person is whom the request is about, if it says so (SAML Core §3.4.1.4)."""
    if wanted.subject is None:
        return True
    try:
        known = _name(to, session, wanted.format)
    except NoSuchName:
        return False
    return known.value == wanted.subject.value and wanted.subject.format in {names.UNSPECIFIED, known.format}
