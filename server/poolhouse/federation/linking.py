"""What administrators do to links: connect a provider's person to a user, and part them again.

Cognito: AdminLinkProviderForUser, AdminDisableProviderForUser. Their sentences are Cognito's, as far as they are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from poolhouse.account.events import PasswordChanged
from poolhouse.core import unit
from poolhouse.core.errors import AliasExists, InvalidParameter, UserNotFound
from poolhouse.core.events import emit
from poolhouse.credentials import passwords
from poolhouse.federation import catalogue, links, mapping, provider_rules, upstream_tokens
from poolhouse.federation.events import IdentityLinked, IdentityUnlinked
from poolhouse.federation.links import SUBJECT, Link
from poolhouse.federation.provider import Provider
from poolhouse.tokens import revoke
from poolhouse.user_pools.snapshots import Pool
from poolhouse.users import Status, User, directory

_LOCAL = "cognito"
_LONGEST_VALUE = 2048
_MERGING = "Merging is not currently supported, provide a SourceUser that has not been signed up in order to link"


@dataclass(frozen=True, slots=True)
class Named:
    """A ProviderUserIdentifierType: a provider, what its person is known by there, and the value of that."""

    provider: str
    attribute: str
    value: str

    @property
    def local(self) -> bool:
        """Whether it names a user of the pool by username."""
        return self.provider.lower() == _LOCAL


def link(pool: Pool, destination: Named, source: Named) -> None:
    """Let ``source`` sign in as ``destination`` from now on.

    Raises ResourceNotFound (no such provider), UserNotFound, InvalidParameter, AliasExists, LimitExceeded.
    """
    if source.local:
        raise InvalidParameter("SourceUser must be a user of an external identity provider.")
    provider = catalogue.get(pool, source.provider)
    attribute = _attribute(provider, source.attribute)
    if not 0 < len(source.value) <= _LONGEST_VALUE or not mapping.storable(source.value):
        raise InvalidParameter("ProviderAttributeValue of SourceUser is missing, or no possible value.")
    user = _user(pool, destination)
    _refuse_immutable(pool, user)

    user = directory.locked(pool, user)
    present = links.get(pool, provider.name, attribute, source.value)
    if present is not None:
        _refuse(present, user)
    links.refuse_beyond_limit(pool, user)
    if not links.make(pool, provider.name, attribute, source.value, user.sub, primary=False):
        _refuse(links.get(pool, provider.name, attribute, source.value), user)
    entry = links.described(provider, source.value, primary=False)
    directory.change_attributes(pool, user, {links.ATTRIBUTE: links.with_entry(user, entry)})
    emit(IdentityLinked(pool.id, user.sub, provider.name))


def _user(pool: Pool, named: Named) -> User:
    """The present user that is named. Raises UserNotFound, ResourceNotFound."""
    if named.local:
        user = directory.find(pool, named.value)
    else:
        provider = catalogue.get(pool, named.provider)
        theirs = links.get(pool, provider.name, SUBJECT, named.value)
        user = directory.by_sub(pool.id, theirs.sub) if theirs is not None else None
    if user is None:
        raise UserNotFound("User does not exist.")
    return user


def _attribute(provider: Provider, name: str) -> str:
    """What a source is known by: the subject, or at OpenID and SAML providers an attribute that is mapped.

    Cognito asks for the name of the pool's attribute; the provider's own name for it is understood too.
    """
    if name in {SUBJECT, provider_rules.subject_claim(provider.type, provider.details.get("preset", "")) or SUBJECT}:
        return SUBJECT
    if provider.type in provider_rules.SOCIAL:
        raise InvalidParameter(f"ProviderAttributeName must be {SUBJECT} for a social identity provider.")
    for attribute, claim in provider.mapping.items():
        if attribute != mapping.USERNAME and name in {attribute, claim}:
            return attribute
    raise InvalidParameter(f"{name} is no attribute that is mapped from the identity provider {provider.name}.")


def _refuse_immutable(pool: Pool, user: User) -> None:
    """Cognito: all attributes of the destination must be mutable."""
    for name in user.attributes:
        attribute = pool.schema.get(name)
        if attribute is not None and attribute.custom and not attribute.mutable:
            raise InvalidParameter(f"user.{name}: Attribute cannot be updated.\n")


def _refuse(present: Link | None, user: User) -> NoReturn:
    if present is not None and present.primary:
        raise InvalidParameter(_MERGING)
    if present is not None and present.sub == user.sub:
        raise InvalidParameter("SourceUser is already linked to DestinationUser")
    raise AliasExists("SourceUser is already linked to another user.")


def unlink(pool: Pool, named: Named) -> None:
    """Part a provider's person from their user: who comes with that identity next is somebody new.

    A local user (ProviderName ``Cognito``) can sign in with their password no more. Raises UserNotFound,
    InvalidParameter, ResourceNotFound.
    """
    if named.local:
        _end_passwords(pool, named)
        return
    present = _present(pool, named)
    user = directory.by_sub(pool.id, present.sub)
    if user is None:
        raise UserNotFound("User does not exist.")

    directory.locked(pool, user)
    if not links.remove(pool, present):
        raise UserNotFound("User does not exist.")
    links.forget_entry(pool, user, present.provider, present.value)
    revoke.through(pool.id, user.sub, present.provider)
    upstream_tokens.forget(pool, present.provider, user.sub)
    emit(IdentityUnlinked(pool.id, user.sub, present.provider))


def _present(pool: Pool, named: Named) -> Link:
    """The link that is named; also one of a provider that is gone."""
    provider = catalogue.find(pool, named.provider)
    attribute = _attribute(provider, named.attribute) if provider is not None else named.attribute
    present = links.get(pool, named.provider, attribute, named.value) if mapping.storable(named.value) else None
    if present is None:
        if provider is None:
            catalogue.get(pool, named.provider)
        raise UserNotFound("User does not exist.")
    return present


def _end_passwords(pool: Pool, named: Named) -> None:
    if named.attribute != SUBJECT:
        raise InvalidParameter(f"ProviderAttributeName must be {SUBJECT} for a local user.")
    user = directory.named(pool, named.value)
    unit.write()
    user = directory.locked(pool, user)
    passwords.remove(pool, user.sub)
    directory.change(pool, user, status=Status.EXTERNAL_PROVIDER)
    revoke.user(pool.id, user.sub)
    emit(PasswordChanged(pool.id, user.sub, "", "administrator"))
