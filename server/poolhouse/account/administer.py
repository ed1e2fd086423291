"""What administrators do to an account: invite, set a password, enable, disable, sign out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from poolhouse.account import attributes
from poolhouse.account.events import (
    PasswordChanged,
    PreSignUp,
    UserCreated,
    UserDisabled,
    UserEnabled,
    UserSignedOut,
)
from poolhouse.core import clock, unit
from poolhouse.core.errors import InvalidParameter, UnsupportedUserState, UsernameExists, UserNotFound
from poolhouse.core.events import ask, emit
from poolhouse.credentials import lockout, passwords
from poolhouse.messages import send
from poolhouse.tokens import revoke
from poolhouse.user_pools.snapshots import Pool
from poolhouse.users import Status, User, directory

_ATTRIBUTE_OF = {"EMAIL": "email", "SMS": "phone_number"}


def invite(
    pool: Pool,
    username: str,
    values: Mapping[str, str],
    *,
    temporary_password: str | None = None,
    force_alias: bool = False,
    silent: bool = False,
    media: Sequence[str] = (),
    validation_data: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> User:
    """Make an account with a temporary password and tell its owner, unless ``silent``.

    Raises UsernameExists, AliasExists, InvalidPassword, InvalidParameter.
    """
    password = temporary_password or passwords.temporary(pool)
    passwords.conform(pool, password)
    values = attributes.checked(pool, values)
    if directory.find(pool, username) is not None:
        raise UsernameExists("User account already exists")
    asked = ask(PreSignUp(pool, None, "AdminCreateUser", username, values, validation_data or {}, metadata or {}))
    plan = directory.plan(pool, username)
    prepared = passwords.prepare(pool, plan.username, password)

    unit.write()
    values = {**values, **asked.verified}
    user = directory.create(pool, plan, Status.FORCE_CHANGE_PASSWORD, values, force_alias=force_alias)
    passwords.store(pool, user.sub, prepared, expires_at=_temporary_until(pool))
    emit(UserCreated(pool.id, user.sub))
    if not silent:
        _send_invitation(pool, user, password, media, metadata)
    return user


def _temporary_until(pool: Pool) -> datetime:
    return clock.now() + timedelta(days=pool.temporary_password_days)


def reinvite(
    pool: Pool,
    username: str,
    *,
    temporary_password: str | None = None,
    media: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
) -> User:
    """Send the invitation again with a new temporary password, which has its full time again (MessageAction RESEND)."""
    user = directory.find(pool, username)
    if user is None:
        raise UserNotFound()
    if user.status != Status.FORCE_CHANGE_PASSWORD:
        raise UnsupportedUserState(f"Resend not possible. {user.username} status is not FORCE_CHANGE_PASSWORD")
    password = temporary_password or passwords.temporary(pool)
    passwords.conform(pool, password)
    prepared = passwords.prepare(pool, user.username, password)

    user = directory.locked(pool, user)
    passwords.store(pool, user.sub, prepared, expires_at=_temporary_until(pool))
    _send_invitation(pool, user, password, media, metadata)
    return user


def _send_invitation(
    pool: Pool, user: User, password: str, media: Sequence[str], metadata: Mapping[str, str] | None
) -> None:
    """Tell the new user by each medium that was asked for and that they have an address for; else by any they have."""
    asked_for = [_ATTRIBUTE_OF[m] for m in media] if media else ["phone_number", "email"]
    reachable = [attribute for attribute in asked_for if user.get(attribute)]
    if media and not reachable:
        missing = " or ".join(asked_for)
        raise InvalidParameter(f"User has no {missing} to send the invitation to")
    for attribute in reachable if media else reachable[:1]:
        send.invitation(pool, user, user.attributes[attribute], attribute, password, metadata=metadata)


def set_password(pool: Pool, username: str, password: str, *, permanent: bool) -> None:
    """Set a password, for good or until the user's next sign-in."""
    user = directory.named(pool, username)
    passwords.conform(pool, password)
    if permanent:
        passwords.forbid_reuse(pool, user, password)
    prepared = passwords.prepare(pool, user.username, password)

    user = directory.locked(pool, user)
    passwords.store(pool, user.sub, prepared, expires_at=None if permanent else _temporary_until(pool))
    lockout.forget(pool.id, user.sub)
    directory.change(pool, user, status=Status.CONFIRMED if permanent else Status.FORCE_CHANGE_PASSWORD)
    emit(PasswordChanged(pool.id, user.sub, "", "administrator"))


def disable(pool: Pool, username: str) -> None:
    """Shut a user out; their tokens end at once."""
    user = directory.change(pool, directory.named(pool, username), enabled=False)
    revoke.user(pool.id, user.sub)
    emit(UserDisabled(pool.id, user.sub))


def enable(pool: Pool, username: str) -> None:
    """Let a user in again."""
    user = directory.change(pool, directory.named(pool, username), enabled=True)
    emit(UserEnabled(pool.id, user.sub))


def sign_out(pool: Pool, user: User, *, client_id: str = "") -> None:
    """End every token of the user."""
    unit.write()
    revoke.user(pool.id, user.sub)
    emit(UserSignedOut(pool.id, user.sub, client_id))
