"""Developer identities: users of somebody's own system, for whom their backend speaks with a signed request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from poolhouse.core import paging, unit
from poolhouse.core.errors import InvalidParameter, NotAuthorized, ResourceNotFound
from poolhouse.core.events import emit
from poolhouse.identity_pools import identities, logins, openid, snapshot
from poolhouse.identity_pools.errors import DeveloperUserAlreadyRegistered, ResourceConflict
from poolhouse.identity_pools.events import IdentityUnlinked
from poolhouse.identity_pools.identities import Identity
from poolhouse.identity_pools.models import IdentityLogin
from poolhouse.identity_pools.snapshot import IdentityPool
from poolhouse.identity_pools.verified import Login


def token(
    identity_pool_id: str,
    identity_id: str | None,
    given: Mapping[str, str],
    *,
    principal_tags: Mapping[str, str],
    seconds: int,
) -> tuple[str, str]:
    """The identity of a developer's user, made or linked as need be, and an OpenID token for it.

    Raises ResourceNotFound, NotAuthorized, InvalidParameter, ResourceConflict, DeveloperUserAlreadyRegistered.
    """
    pool = snapshot.get(identity_pool_id)
    name = pool.developer_provider
    if name is None or name not in given:
        raise InvalidParameter("Please provide a valid developer provider: Logins must have this pool's own.")
    if len({key.lower() for key in principal_tags}) != len(principal_tags):
        raise InvalidParameter("Two principal tags differ in case only.")  # as condition keys they would be one
    mine = logins.developer(pool, given[name])
    others = logins.verify(pool, {key: value for key, value in given.items() if key != name})
    found = _identity(pool, identity_id, (mine, *others))
    amr = ["authenticated", *(each for login in (mine, *others) for each in login.amr)]
    return found, openid.issue(pool, found, amr, seconds=seconds, principal_tags=principal_tags)


def _identity(pool: IdentityPool, identity_id: str | None, given: tuple[Login, ...]) -> str:
    if identity_id is None:
        return identities.of_logins(pool, given)
    asked = in_pool(pool, identity_id)
    for login in given:
        owner = identities.owner(pool, login)
        if owner not in {None, asked.id}:
            raise DeveloperUserAlreadyRegistered() if login.developer else ResourceConflict()
    if all(asked.has(login) for login in given):
        return asked.id
    return identities.link(pool, asked.id, given).id


def in_pool(pool: IdentityPool, identity_id: str) -> Identity:
    """An identity of ``pool``: one of another pool is nobody here, whoever asks. Raises ResourceNotFound."""
    found = identities.get(identity_id)
    if found.pool_id != pool.id:
        raise identities.unknown(identity_id)
    return found


def lookup(
    identity_pool_id: str, identity_id: str | None, user_identifier: str | None, limit: int, page_token: str | None
) -> tuple[str, list[str], str | None]:
    """The identity, its developer user identifiers, and the next page's token.

    Raises InvalidParameter, ResourceNotFound, ResourceConflict where the two do not belong together.
    """
    pool = snapshot.get(identity_pool_id)
    if identity_id is None and user_identifier is None:
        raise InvalidParameter("Please provide IdentityId or DeveloperUserIdentifier.")
    owner = None
    if user_identifier is not None:
        owner = identities.owner(pool, logins.developer(pool, user_identifier))
        if owner is None:
            raise ResourceNotFound("The developer user identifier is not found.")
    asked = in_pool(pool, identity_id).id if identity_id is not None else owner
    assert asked is not None
    if owner is not None and owner != asked:
        raise ResourceConflict("The developer user identifier belongs to another identity.")
    kind = f"developer users of {asked}"
    after = paging.decode(kind, page_token).get("after", "")
    statement = select(IdentityLogin.subject).where(
        IdentityLogin.identity_id == asked,
        IdentityLogin.provider == (pool.developer_provider or ""),
        IdentityLogin.subject > after,
    )
    rows = unit.execute(statement.order_by(IdentityLogin.subject).limit(limit + 1)).all()
    found = [row.subject for row in rows[:limit]]
    return asked, found, paging.encode(kind, {"after": found[-1]}) if len(rows) > limit else None


def merge(identity_pool_id: str, provider: str, source: str, destination: str) -> str:
    """Make two users of the developer's one; the id of the destination's identity, which stays.

    Raises ResourceNotFound, ResourceConflict, InvalidParameter, NotAuthorized.
    """
    pool = _with_provider(identity_pool_id, provider)
    unit.write()
    ids = [identities.owner(pool, logins.developer(pool, each)) for each in (source, destination)]
    gone, kept = ids
    if gone is None or kept is None:
        raise ResourceNotFound("The developer user identifier is not found.")
    if gone == kept:
        return kept
    # In one order, whichever way round two requests name them: neither waits for the other for ever.
    locked: dict[str, Any] = {each: identities.lock(each) for each in sorted((gone, kept))}
    identities.merge(pool, locked[kept], locked[gone])
    return kept


def unlink(identity_pool_id: str, identity_id: str, provider: str, user_identifier: str) -> None:
    """Take a developer user identifier from its identity. Raises ResourceNotFound, NotAuthorized, InvalidParameter."""
    pool = _with_provider(identity_pool_id, provider)
    login = logins.developer(pool, user_identifier)
    identity = identities.lock(in_pool(pool, identity_id).id)
    if not identity.has(login):
        raise ResourceNotFound("The developer user identifier is not linked to this identity.")
    identities.unlink(identity, [(login.provider, login.digest)])
    emit(IdentityUnlinked(pool.id, identity.id, login.provider))


def _with_provider(identity_pool_id: str, provider: str) -> IdentityPool:
    pool = snapshot.get(identity_pool_id)
    if pool.developer_provider != provider:
        raise NotAuthorized("The developer provider is not this identity pool's.")
    return pool
