"""What administrators see of a pool's identities: describe, list, delete; and people unlinking their own logins."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import delete as delete_from
from sqlalchemy import select

from poolhouse.core import paging, unit
from poolhouse.core.errors import NotAuthorized
from poolhouse.core.events import emit
from poolhouse.identity_pools import identities, providers, snapshot
from poolhouse.identity_pools.events import IdentityDeleted, IdentityUnlinked
from poolhouse.identity_pools.identities import NO_MATCH, Identity
from poolhouse.identity_pools.models import IdentityLogin, IdentityRow
from poolhouse.identity_pools.snapshot import IdentityPool
from poolhouse.identity_pools.verified import Login

_SHOWN = (IdentityRow.id, IdentityRow.created_at, IdentityRow.modified_at)


def describe(identity_id: str) -> dict[str, Any]:
    """An identity with the providers of its logins, disabled or not. Raises ResourceNotFound."""
    row = unit.execute(select(*_SHOWN).where(IdentityRow.id == identity_id)).first()
    if row is None:
        raise identities.unknown(identity_id)
    return _view(row, _providers([identity_id]).get(identity_id, ()))


def page(
    identity_pool_id: str, limit: int, token: str | None, *, hide_disabled: bool
) -> tuple[list[dict[str, Any]], str | None]:
    """Up to ``limit`` identities of a pool, oldest first, and the next page's token. Raises ResourceNotFound."""
    snapshot.get(identity_pool_id)
    kind = f"identities of {identity_pool_id} {hide_disabled}"
    after = paging.decode(kind, token).get("after", "")
    here = [IdentityRow.identity_pool_id == identity_pool_id, IdentityRow.id > after]
    if hide_disabled:
        here.append(IdentityRow.enabled.is_(True))
    rows = unit.execute(select(*_SHOWN).where(*here).order_by(IdentityRow.id).limit(limit + 1)).all()
    shown = rows[:limit]
    held = _providers([row.id for row in shown])
    views = [_view(row, held.get(row.id, ())) for row in shown]
    return views, paging.encode(kind, {"after": shown[-1].id}) if len(rows) > limit else None


def delete(identity_ids: Collection[str]) -> None:
    """Remove identities and their logins; those that are not there do not matter."""
    unit.write()
    rows = unit.execute(
        select(IdentityRow.id, IdentityRow.identity_pool_id).where(IdentityRow.id.in_(identity_ids))
    ).all()
    unit.execute(delete_from(IdentityLogin).where(IdentityLogin.identity_id.in_(identity_ids)))
    unit.execute(delete_from(IdentityRow).where(IdentityRow.id.in_(identity_ids)))
    for row in rows:
        emit(IdentityDeleted(row.identity_pool_id, row.id))


def unlink(pool: IdentityPool, identity: Identity, logins: Sequence[Login], names: Iterable[str]) -> None:
    """Take away an identity's logins of the providers ``names``; each must have been proven just now.

    Raises NotAuthorized.
    """
    proven = {login.provider: login for login in logins}
    identity = identities.lock(identity.id)
    removed = []
    for name in dict.fromkeys(providers.canonical(name) for name in names):
        login = proven.get(name)
        if login is None or not identity.has(login):
            raise NotAuthorized(NO_MATCH)
        removed.append((login.provider, login.digest))
    if not removed:
        return
    identities.unlink(identity, removed)
    for provider, _ in removed:
        emit(IdentityUnlinked(pool.id, identity.id, provider))


def _providers(identity_ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if not identity_ids:
        return found
    statement = select(IdentityLogin.identity_id, IdentityLogin.provider)
    statement = statement.where(IdentityLogin.identity_id.in_(identity_ids)).order_by(IdentityLogin.provider)
    for row in unit.execute(statement):
        held = found.setdefault(row.identity_id, [])
        if row.provider not in held:
            held.append(row.provider)
    return found


def _view(row: Any, held: Sequence[str]) -> dict[str, Any]:
    return {
        "IdentityId": row.id,
        "Logins": list(held),
        "CreationDate": row.created_at,
        "LastModifiedDate": row.modified_at,
    }
