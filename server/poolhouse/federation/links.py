"""Whose identity at a provider is which user: found by the provider's own subject, never by a name or an address.

A link that an administrator makes by another attribute (AdminLinkProviderForUser) waits for whoever comes with that
value first; from then on it is of that person's subject, as in Cognito, and the attribute opens nothing any more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from poolhouse.core import clock, sealing, unit
from poolhouse.core.errors import LimitExceeded
from poolhouse.credentials.models import Password
from poolhouse.federation.models import LinkedIdentity
from poolhouse.federation.provider import Provider
from poolhouse.user_pools.snapshots import Pool
from poolhouse.users import Status, User, directory
from poolhouse.users.models import SEARCHED, UserRow

SUBJECT: Final = "Cognito_Subject"
ATTRIBUTE: Final = "identities"
AT_MOST: Final = 5
_MILLISECONDS: Final = 1000
_MANY: Final = 20


@dataclass(frozen=True, slots=True)
class Link:
    """That the provider's person whose ``attribute`` has exactly ``value`` is the user ``sub``.

    ``primary``: the profile was made for this very identity.
    """

    pool_id: str
    provider: str
    attribute: str
    value: str
    sub: str
    primary: bool
    created_at: datetime


def find(pool: Pool, provider: Provider, subject: str, values: Mapping[str, str]) -> Link | None:
    """The link of whoever arrived: by the subject, else by a mapped attribute that an administrator named.

    Values that differ in the case of a letter are different people.
    """
    wanted = {digest(value) for value in (subject, *values.values())}
    rows = unit.execute(
        select(LinkedIdentity.__table__).where(
            LinkedIdentity.pool_id == pool.id,
            LinkedIdentity.provider == provider.name,
            LinkedIdentity.digest.in_(sorted(wanted)),
        )
    ).all()
    # By both: somebody's attribute may read like somebody else's subject.
    found = {(row.attribute, row.value): _link(row) for row in rows}
    return next((found[known] for known in ((SUBJECT, subject), *values.items()) if known in found), None)


def joined(pool_id: str, sub: str, provider: str) -> bool:
    """Whether the user has any identity at ``provider``."""
    theirs = (LinkedIdentity.pool_id == pool_id, LinkedIdentity.sub == sub, LinkedIdentity.provider == provider)
    return unit.execute(select(LinkedIdentity.sub).where(*theirs).limit(1)).first() is not None


def get(pool: Pool, provider: str, attribute: str, value: str) -> Link | None:
    """The link of exactly that attribute and value."""
    row = unit.execute(select(LinkedIdentity.__table__).where(*_key(pool, provider, attribute, value))).first()
    return None if row is None else _link(row)


def of(pool: Pool, sub: str) -> list[Link]:
    """The user's links, oldest first."""
    rows = unit.execute(
        select(LinkedIdentity.__table__)
        .where(LinkedIdentity.pool_id == pool.id, LinkedIdentity.sub == sub)
        .order_by(LinkedIdentity.created_at)
    )
    return [_link(row) for row in rows]


def make(pool: Pool, provider: str, attribute: str, value: str, sub: str, *, primary: bool) -> bool:
    """Store a link; False if that identity is somebody's already, perhaps since this very moment."""
    unit.write()
    try:
        with unit.current().connection.begin_nested():
            unit.execute(
                insert(LinkedIdentity).values(
                    pool_id=pool.id,
                    provider=provider,
                    attribute=attribute,
                    digest=digest(value),
                    value=value,
                    sub=sub,
                    primary=primary,
                    created_at=clock.now(),
                )
            )
    except IntegrityError:
        return False
    return True


def settle(pool: Pool, link: Link, subject: str) -> bool:
    """Hold ``link`` until the unit ends, and make it one of ``subject``; False if it is gone, or another's by now."""
    unit.write()
    key = _key(pool, link.provider, link.attribute, link.value)
    mine = update(LinkedIdentity).where(*key, LinkedIdentity.sub == link.sub)
    if link.attribute == SUBJECT:
        return unit.execute(mine.values(sub=link.sub)).rowcount == 1
    try:
        with unit.current().connection.begin_nested():
            theirs = mine.values(attribute=SUBJECT, value=subject, digest=digest(subject))
            return unit.execute(theirs).rowcount == 1
    except IntegrityError:
        return False


def remove(pool: Pool, link: Link) -> bool:
    """Take a link away; False if it is gone already."""
    unit.write()
    key = _key(pool, link.provider, link.attribute, link.value)
    return unit.execute(delete(LinkedIdentity).where(*key, LinkedIdentity.sub == link.sub)).rowcount == 1


def refuse_beyond_limit(pool: Pool, user: User) -> None:
    """Raise LimitExceeded if ``user``, who is held, has as many links as Cognito allows beside their own identity."""
    count = unit.execute(
        select(func.count())
        .select_from(LinkedIdentity)
        .where(LinkedIdentity.pool_id == pool.id, LinkedIdentity.sub == user.sub, LinkedIdentity.primary.is_(False))
    ).scalar_one()
    if count >= AT_MOST:
        raise LimitExceeded(f"A user can be linked to at most {AT_MOST} federated identities.")


def digest(value: str) -> bytes:
    """Of the exact value; plain, since it has to outlive the master key."""
    return sealing.sha256(value)


def local_owner(pool: Pool, email: str) -> str | None:
    """The sub of the one enabled local user with a password whose proven address is ``email``; None if not just one."""
    address = pool.canonical(email)
    rows = unit.execute(
        select(*directory.COLUMNS)
        .join(Password, (Password.pool_id == UserRow.pool_id) & (Password.sub == UserRow.sub))
        .where(
            UserRow.pool_id == pool.id,
            UserRow.email == address[:SEARCHED],
            UserRow.status == Status.CONFIRMED.value,
            UserRow.enabled,
        )
        .limit(_MANY)
    )
    users = [directory.of_row(row) for row in rows]
    owners = [user for user in users if user.verified("email") and pool.canonical(user.get("email") or "") == address]
    return owners[0].sub if len(owners) == 1 and len(users) < _MANY else None


# --- The attribute ``identities`` -----------------------------------------------------------------------------------


def described(provider: Provider, value: str, *, primary: bool, issuer: str | None = None) -> dict[str, Any]:
    """An entry of ``identities`` as Cognito writes it in a profile; tokens have its last two members as strings."""
    return {
        "userId": value,
        "providerName": provider.name,
        "providerType": provider.type,
        "issuer": issuer,
        "primary": primary,
        "dateCreated": int(clock.now().timestamp() * _MILLISECONDS),
    }


def identities(user: User | None) -> list[dict[str, Any]]:
    """The entries of the user's ``identities``."""
    text = user.attributes.get(ATTRIBUTE) if user is not None else None
    read = json.loads(text) if text else []
    return [entry for entry in read if isinstance(entry, dict)]


def written(entries: list[dict[str, Any]]) -> str:
    """The attribute's text."""
    return json.dumps(entries, ensure_ascii=False, separators=(",", ":"))


def with_entry(user: User | None, entry: dict[str, Any], *, instead_of: str | None = None) -> str:
    """The user's ``identities`` with ``entry``, in place of the one of that provider whose userId is ``instead_of``."""
    gone = (entry["providerName"], instead_of if instead_of is not None else entry["userId"])
    kept = [old for old in identities(user) if (old.get("providerName"), old.get("userId")) != gone]
    return written([*kept, entry])


def forget_entry(pool: Pool, user: User, provider: str, value: str) -> User:
    """Take an entry out of the stored ``identities``; the attribute goes with its last one."""
    stored = directory.locked(pool, user)
    entries = [e for e in identities(stored) if (e.get("providerName"), e.get("userId")) != (provider, value)]
    if entries:
        return directory.change_attributes(pool, stored, {ATTRIBUTE: written(entries)})
    return directory.change_attributes(pool, stored, {}, remove=(ATTRIBUTE,))


def _key(pool: Pool, provider: str, attribute: str, value: str) -> tuple[Any, ...]:
    return (
        LinkedIdentity.pool_id == pool.id,
        LinkedIdentity.provider == provider,
        LinkedIdentity.attribute == attribute,
        LinkedIdentity.digest == digest(value),
    )


def _link(row: Any) -> Link:
    return Link(row.pool_id, row.provider, row.attribute, row.value, row.sub, row.primary, row.created_at)
