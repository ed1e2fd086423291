"""Access keys: make one, take one back, and find the secret and the owner that a request's key id stands for."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass

from sqlalchemy import delete as delete_from
from sqlalchemy import insert, select, update

from poolhouse.access import iam_users
from poolhouse.access.caller import Caller
from poolhouse.access.models import AccessKey, IamUser
from poolhouse.core import cache, clock, runtime, sealing, unit
from poolhouse.core.errors import LimitExceeded, ResourceNotFound
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
    """A new access key; its secret is shown this once. Raises ResourceNotFound, or LimitExceeded after two."""
    unit.write()
    user_id = iam_users.require(user_name)
    held = unit.execute(select(AccessKey.id).where(AccessKey.user_name == user_name)).all()
    if len(held) >= _KEYS_AT_MOST:
        raise LimitExceeded(f"Cannot exceed quota for AccessKeysPerUser: {_KEYS_AT_MOST}")
    key_id, secret = iam_users.identifier("AKIA"), new_secret()
    unit.execute(
        insert(AccessKey).values(
            id=key_id,
            user_name=user_name,
            sealed_secret=sealing.seal(_PURPOSE, secret.encode(), key_id),
            active=True,
            created_at=clock.now(),
        )
    )
    return Key(key_id, secret, _caller(user_name, user_id, key_id))


def set_active(key_id: str, active: bool) -> None:
    """Switch a key off, or on again. Raises ResourceNotFound."""
    unit.write()
    if not unit.execute(update(AccessKey).where(AccessKey.id == key_id).values(active=active)).rowcount:
        raise ResourceNotFound(f"The access key with id {key_id} cannot be found.")
    cache.changed()


def delete(key_id: str) -> None:
    """Remove a key for good. Raises ResourceNotFound."""
    unit.write()
    if not unit.execute(delete_from(AccessKey).where(AccessKey.id == key_id)).rowcount:
        raise ResourceNotFound(f"The access key with id {key_id} cannot be found.")
    cache.changed()


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


def new_secret() -> Secret:
    """A secret access key: 40 characters, 240 random bits."""
    return Secret(secrets.token_urlsafe(30).replace("-", "+").replace("_", "/"))


def _load(key_id: str) -> Key | None:
    owner = select(AccessKey.user_name, AccessKey.sealed_secret, IamUser.user_id)
    owner = owner.join(IamUser, IamUser.name == AccessKey.user_name)
    row = unit.execute(owner.where(AccessKey.id == key_id, AccessKey.active)).first()
    if row is None:
        return None
    secret = sealing.open_(_PURPOSE, row.sealed_secret, key_id).decode()
    return Key(key_id, Secret(secret), _caller(row.user_name, row.user_id, key_id))


def _caller(name: str, user_id: str, key_id: str) -> Caller:
    account = runtime.current().settings.account_id
    return Caller("user", arn=iam_users.arn(name), account=account, name=name, user_id=user_id, access_key_id=key_id)
