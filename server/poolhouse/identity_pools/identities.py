"""Identities: find the one that logins belong to, make it, link and merge, and never by an id's word alone.

A guest's id is all that proves a guest. As soon as an identity has a login, its id proves nothing: one of its own
logins must come along. Two identities become one only where both were proven in the same request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from poolhouse.core import clock, ids, prepared, runtime, unit
from poolhouse.core.errors import NotAuthorized, ResourceNotFound
from poolhouse.core.events import emit
from poolhouse.identity_pools.errors import ResourceConflict
from poolhouse.identity_pools.events import IdentitiesMerged, IdentityLinked
from poolhouse.identity_pools.models import IdentityLogin, IdentityRow
from poolhouse.identity_pools.snapshot import IdentityPool
from poolhouse.identity_pools.verified import Login

NO_MATCH = "Logins don't match. Please include at least one valid login for this identity or identity pool."
NO_GUESTS = "Unauthenticated access is not supported for this identity pool."
LOGINS_AT_MOST = 20
_MERGES_AT_MOST = 10

# By primary key, whatever the number of identities.
_OWNER = prepared.Read(
    select(IdentityLogin.identity_id).where(
        IdentityLogin.identity_pool_id == bindparam("pool"),
        IdentityLogin.provider == bindparam("provider"),
        IdentityLogin.digest == bindparam("digest"),
    )
)
# The identity with its logins, or once with none.
_IDENTITY = prepared.Read(
    select(
        IdentityRow.id,
        IdentityRow.identity_pool_id,
        IdentityRow.enabled,
        IdentityRow.merged_into,
        IdentityLogin.provider,
        IdentityLogin.digest,
    )
    .select_from(IdentityRow)
    .outerjoin(IdentityLogin, IdentityLogin.identity_id == IdentityRow.id)
    .where(IdentityRow.id == bindparam("id"))
)


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity as it stands: whose logins it has, by provider and digest."""

    id: str
    pool_id: str
    enabled: bool
    merged_into: str | None
    logins: frozenset[tuple[str, bytes]]

    @property
    def guest(self) -> bool:
        """Whether its id is all that proves it."""
        return not self.logins

    def has(self, login: Login) -> bool:
        """Whether ``login`` is one of its own."""
        return (login.provider, login.digest) in self.logins

    def other_of(self, login: Login) -> bool:
        """Whether it has another login of the same provider; a developer may register several."""
        return not login.developer and any(
            provider == login.provider and digest != login.digest for provider, digest in self.logins
        )


def find(identity_id: str) -> Identity | None:
    """The identity, whichever pool it is of. One statement."""
    rows = _IDENTITY.all({"id": identity_id})
    if not rows:
        return None
    first = rows[0]
    held = frozenset((row.provider, bytes(row.digest)) for row in rows if row.provider is not None)
    return Identity(first.id, first.identity_pool_id, first.enabled, first.merged_into, held)


def get(identity_id: str) -> Identity:
    """The identity; where it was merged into another, that one. Raises ResourceNotFound."""
    found = find(identity_id)
    for _ in range(_MERGES_AT_MOST):
        if found is None or found.merged_into is None:
            break
        found = find(found.merged_into)
    if found is None or not found.enabled:
        raise unknown(identity_id)
    return found


def unknown(identity_id: str) -> ResourceNotFound:
    """AWS's sentence."""
    return ResourceNotFound(f"Identity '{identity_id}' not found.")


def owner(pool: IdentityPool, login: Login) -> str | None:
    """The identity that ``login`` belongs to in ``pool``. One statement."""
    row = _OWNER.first({"pool": pool.id, "provider": login.provider, "digest": login.digest})
    return None if row is None else str(row.identity_id)


def of_logins(pool: IdentityPool, logins: Sequence[Login]) -> str:
    """The id of the identity that ``logins`` prove, or of a new one; without any, of a new guest.

    One statement for a login that is known. Raises NotAuthorized, ResourceConflict.
    """
    if not logins:
        if not pool.guests:
            raise NotAuthorized(NO_GUESTS)
        unit.write()
        return _create(pool, ())
    owners = [owner(pool, login) for login in logins]
    known = next((each for each in owners if each is not None), None)
    if known is not None and set(owners) == {known}:
        return known
    unit.write()
    # What was read may have changed by now: all is decided again under the lock.
    known = next((found for login in logins if (found := owner(pool, login)) is not None), None)
    if known is None:
        try:
            with unit.current().connection.begin_nested():
                return _create(pool, logins)
        except ResourceConflict:  # another first visit came between: theirs is the identity
            known = next((found for login in logins if (found := owner(pool, login)) is not None), None)
            if known is None:
                raise
    return _settle(pool, known, logins).id


def proven(pool: IdentityPool, identity: Identity, logins: Sequence[Login]) -> Identity:
    """The identity whose id was given and that ``logins`` prove; new logins are linked to it.

    Its id may be another than asked for: a guest who signs in as somebody who was here before becomes that identity.
    No statement where every login is its own. Raises NotAuthorized, ResourceConflict.
    """
    if not logins:
        if not identity.guest:
            raise NotAuthorized(f"Access to Identity '{identity.id}' is forbidden.", hint="it has logins, none came")
        if not pool.guests:
            raise NotAuthorized(NO_GUESTS)
        return identity
    if all(identity.has(login) for login in logins):
        return identity
    unit.write()
    return _settle(pool, identity.id, logins)


def link(pool: IdentityPool, identity_id: str, logins: Sequence[Login]) -> Identity:
    """Link ``logins`` to an identity on a developer's signed word. Raises ResourceConflict, ResourceNotFound."""
    unit.write()
    identity = _locked(identity_id)
    for login in logins:
        identity = _attach(pool, identity, login)
    return identity


def merge(pool: IdentityPool, kept: Identity, gone: Identity) -> Identity:
    """Give ``kept`` the logins of ``gone``, which is disabled. Both locked. Raises ResourceConflict."""
    developer = pool.developer_provider
    twice = {provider for provider, _ in kept.logins} & {provider for provider, _ in gone.logins} - {developer}
    if twice:
        raise ResourceConflict(f"Both identities have a login of {', '.join(sorted(twice))}.")
    if len(kept.logins) + len(gone.logins) > LOGINS_AT_MOST:
        raise ResourceConflict(f"An identity has at most {LOGINS_AT_MOST} logins.")
    unit.execute(update(IdentityLogin).where(IdentityLogin.identity_id == gone.id).values(identity_id=kept.id))
    disable(gone.id, merged_into=kept.id)
    _touch(kept.id)
    emit(IdentitiesMerged(pool.id, kept.id, gone.id))
    return Identity(kept.id, pool.id, True, None, kept.logins | gone.logins)


def disable(identity_id: str, *, merged_into: str | None = None) -> None:
    """Let nobody be this identity any more."""
    values = {"enabled": False, "merged_into": merged_into, "modified_at": clock.now()}
    unit.execute(update(IdentityRow).where(IdentityRow.id == identity_id).values(**values))


def lock(identity_id: str) -> Identity:
    """The identity as it is now, nobody else changing it until the unit ends. Raises ResourceNotFound."""
    unit.write()
    return _locked(identity_id)


def unlink(identity: Identity, logins: Sequence[tuple[str, bytes]]) -> None:
    """Take logins away. Without any left the identity is disabled: it must not become a guest, whom an id proves."""
    mine = or_(*(and_(IdentityLogin.provider == p, IdentityLogin.digest == d) for p, d in logins))
    unit.execute(delete(IdentityLogin).where(IdentityLogin.identity_id == identity.id, mine))
    if identity.logins <= set(logins):
        disable(identity.id)
    else:
        _touch(identity.id)


def _settle(pool: IdentityPool, identity_id: str, logins: Sequence[Login]) -> Identity:
    """Link what is free and merge what is proven to be the same."""
    concerned = {identity_id, *(found for login in logins if (found := owner(pool, login)) is not None)}
    # In one order, whoever asks for whom first: two requests never wait for each other for ever.
    identity = {each: _locked(each) for each in sorted(concerned)}[identity_id]
    if not identity.guest and not any(identity.has(login) for login in logins):
        raise NotAuthorized(NO_MATCH)
    for login in logins:
        if identity.has(login):
            continue
        other_id = owner(pool, login)
        if other_id is None:
            identity = _attach(pool, identity, login)
            continue
        other = _locked(other_id)
        # A guest has nothing that anybody could miss: whoever was here before stays who they are.
        identity = merge(pool, other, identity) if identity.guest else merge(pool, identity, other)
    return identity


def _attach(pool: IdentityPool, identity: Identity, login: Login) -> Identity:
    if identity.has(login):
        return identity
    if identity.other_of(login):
        raise ResourceConflict(f"The identity has another login of {login.provider} already.")
    if len(identity.logins) >= LOGINS_AT_MOST:
        raise ResourceConflict(f"An identity has at most {LOGINS_AT_MOST} logins.")
    _claim(pool, identity.id, login)
    _touch(identity.id)
    emit(IdentityLinked(pool.id, identity.id, login.provider))
    held = identity.logins | {(login.provider, login.digest)}
    return Identity(identity.id, pool.id, True, None, held)


def _create(pool: IdentityPool, logins: Sequence[Login]) -> str:
    # 74 random bits: a guest's id is all that proves a guest.
    identity_id = f"{runtime.current().settings.region}:{ids.uuid7()}"
    now = clock.now()
    unit.execute(
        insert(IdentityRow).values(
            id=identity_id, identity_pool_id=pool.id, enabled=True, merged_into=None, created_at=now, modified_at=now
        )
    )
    for login in logins:
        _claim(pool, identity_id, login)
    return identity_id


def _claim(pool: IdentityPool, identity_id: str, login: Login) -> None:
    """Make a login this identity's. The key lets one of two requests at the same moment win."""
    row = {
        "identity_pool_id": pool.id,
        "provider": login.provider,
        "digest": login.digest,
        "identity_id": identity_id,
        "subject": login.subject if login.developer else None,
        "created_at": clock.now(),
    }
    try:
        with unit.current().connection.begin_nested():
            unit.execute(insert(IdentityLogin).values(**row))
    except IntegrityError:
        raise ResourceConflict("The login was linked by another request at the same time. Please try again.") from None


def _touch(identity_id: str) -> None:
    unit.execute(update(IdentityRow).where(IdentityRow.id == identity_id).values(modified_at=clock.now()))


def _locked(identity_id: str) -> Identity:
    statement = select(IdentityRow.id).where(IdentityRow.id == identity_id, IdentityRow.enabled)
    if unit.execute(statement.with_for_update()).first() is None:
        raise unknown(identity_id)
    found = find(identity_id)
    assert found is not None
    return found
