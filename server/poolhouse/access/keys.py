"""Access keys: make one, take one back, and find the secret and the owner that a request's key id stands for."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy import delete as delete_from

from poolhouse.access import events, iam_users, names
from poolhouse.access.caller import Caller
from poolhouse.access.models import AccessKey, IamUser
from poolhouse.core import cache, clock, runtime, sealing, unit
from poolhouse.core.errors import LimitExceeded, NoSuchEntity, UnrecognizedClient
from poolhouse.settings import Secret, Settings

log = logging.getLogger("poolhouse.access")

_PURPOSE = "access key"
_KEYS_AT_MOST = 2


@dataclass(frozen=True, slots=True)
class Key:
    """An access key with its secret, and whom it speaks for."""

    id: str
    secret: Secret
    caller: Caller


def prepare(settings: Settings) -> None:
    """Say at start when nobody could sign a request: no key in the settings is fine only where others have one."""
    if settings.signing == "verify" and not settings.access_key_id:
        log.info("No access key in the settings: only keys made with `poolhouse keys` sign requests to the API.")


def create(user_name: str) -> Key:
    """A new access key; its secret is shown this once. Raises NoSuchEntity, or LimitExceeded after two."""
    unit.write()
    user = iam_users.row(user_name)
    held = unit.execute(select(AccessKey.id).where(AccessKey.user_name == user_name)).all()
    if len(held) >= _KEYS_AT_MOST:
        raise LimitExceeded(f"Cannot exceed quota for AccessKeysPerUser: {_KEYS_AT_MOST}")
    key_id, secret = names.identifier("AKIA"), new_secret()
    unit.execute(
        insert(AccessKey).values(
            id=key_id,
            user_name=user_name,
            sealed_secret=sealing.seal(_PURPOSE, secret.encode(), key_id),
            active=True,
            created_at=clock.now(),
        )
    )
    events.changed(f"access-key/{key_id}", f"created for {user_name}")
    return Key(key_id, secret, _caller(user_name, user.user_id, key_id, user.path))


def set_active(key_id: str, active: bool, *, user_name: str | None = None) -> None:
    """Switch a key off, or on again; with `user_name` only if it is that user's. Raises NoSuchEntity."""
    unit.write()
    events.changed(f"access-key/{key_id[:128]}", "switched on" if active else "switched off")
    if not unit.execute(update(AccessKey).where(*_which(key_id, user_name)).values(active=active)).rowcount:
        raise NoSuchEntity(f"The Access Key with id {key_id} cannot be found.")
    cache.changed()


def delete(key_id: str, *, user_name: str | None = None) -> None:
    """Remove a key for good; with `user_name` only if it is that user's. Raises NoSuchEntity."""
    unit.write()
    events.changed(f"access-key/{key_id[:128]}", "deleted")
    if not unit.execute(delete_from(AccessKey).where(*_which(key_id, user_name))).rowcount:
        raise NoSuchEntity(f"The Access Key with id {key_id} cannot be found.")
    cache.changed()


def listed(user_name: str) -> list[Row[Any]]:
    """A user's keys, oldest first: rows with ``id``, ``active`` and ``created_at``. Raises NoSuchEntity."""
    iam_users.require(user_name)
    found = select(AccessKey.id, AccessKey.active, AccessKey.created_at).where(AccessKey.user_name == user_name)
    return list(unit.execute(found.order_by(AccessKey.created_at, AccessKey.id)).all())


def owner(key_id: str) -> str | None:
    """Whose key that is, active or not."""
    first = first_administrator()
    if first is not None and key_id == first.id:
        return first.caller.name
    return unit.execute(select(AccessKey.user_name).where(AccessKey.id == key_id)).scalar_one_or_none()


def find(key_id: str) -> Key | None:
    """The active key of that id, from memory while nothing has changed; None where nobody has one."""
    first = first_administrator()
    if first is not None and key_id == first.id:
        return first
    return runtime.current().cache.get(("access key", key_id), lambda: _load(key_id))


def first_administrator() -> Key | None:
    """The key that the settings name: its owner needs no row, so that nobody can be locked out of a new server."""
    settings = runtime.current().settings
    if not settings.access_key_id:
        return None
    caller = _caller(iam_users.FIRST_ADMINISTRATOR, "AIDAADMINISTRATOR000", settings.access_key_id)
    return Key(settings.access_key_id, settings.secret_access_key, caller)


def administrator() -> Caller:
    """The first administrator, whether or not the settings give them a key."""
    return _caller(iam_users.FIRST_ADMINISTRATOR, "AIDAADMINISTRATOR000", "")


def require_user(name: str, user_id: str) -> Caller:
    """The user in person, for a session that they began. Raises UnrecognizedClient where they are gone."""
    first = administrator()
    if (name, user_id) == (first.name, first.user_id):
        return first
    try:
        held = runtime.current().cache.get(("iam user", name), lambda: iam_users.row(name))
    except NoSuchEntity as gone:
        raise UnrecognizedClient(hint=str(gone)) from None
    if held.user_id != user_id:
        raise UnrecognizedClient(hint=f"user {name} was made anew since")
    return _caller(name, user_id, "", held.path)


def new_secret() -> Secret:
    """A secret access key: 40 characters, 240 random bits."""
    return Secret(secrets.token_urlsafe(30).replace("-", "+").replace("_", "/"))


def _which(key_id: str, user_name: str | None) -> tuple[ColumnElement[bool], ...]:
    return (AccessKey.id == key_id, *(() if user_name is None else (AccessKey.user_name == user_name,)))


def _load(key_id: str) -> Key | None:
    owner = select(AccessKey.user_name, AccessKey.sealed_secret, IamUser.user_id, IamUser.path)
    owner = owner.join(IamUser, IamUser.name == AccessKey.user_name)
    row = unit.execute(owner.where(AccessKey.id == key_id, AccessKey.active)).first()
    if row is None:
        return None
    secret = sealing.open_(_PURPOSE, row.sealed_secret, key_id).decode()
    return Key(key_id, Secret(secret), _caller(row.user_name, row.user_id, key_id, row.path))


def _caller(name: str, user_id: str, key_id: str, path: str = "/") -> Caller:
    account = runtime.current().settings.account_id
    arn = names.arn("user", path, name)
    return Caller("user", arn=arn, account=account, name=name, user_id=user_id, access_key_id=key_id)
