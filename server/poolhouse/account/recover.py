"""Forgotten passwords: a code to a proven address, and a new password for it."""

from __future__ import annotations

from collections.abc import Mapping

from poolhouse.account import limits, nobody
from poolhouse.account.events import PasswordChanged, PasswordResetRequested, PostConfirmation
from poolhouse.account.sign_up import UNKNOWN
from poolhouse.core import unit
from poolhouse.core.errors import InvalidParameter, NotAuthorized, PoolhouseError, UserNotFound
from poolhouse.core.events import ask, emit
from poolhouse.credentials import codes, lockout, passwords
from poolhouse.messages import send
from poolhouse.messages.occasion import Occasion
from poolhouse.messages.send import Delivery
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import Status, User, directory

_WRONG_STATE = "User password cannot be reset in the current state."
_NO_CHANNEL = "Cannot reset password for the user as there is no registered/verified email or phone_number"


def _channel(pool: Pool, user: User) -> str:
    """The attribute that the pool recovers by and the user has proven. Raises NotAuthorized, InvalidParameter."""
    if "admin_only" in pool.recovery:
        raise NotAuthorized("Contact administrator to reset password.")
    for mechanism in pool.recovery:
        attribute = mechanism.removeprefix("verified_")
        if user.get(attribute) and user.verified(attribute):
            return attribute
    raise InvalidParameter(_NO_CHANNEL)


def _refusal(user: User) -> PoolhouseError | None:
    """Why this user's password cannot be recovered now, if so."""
    if not user.enabled:
        return NotAuthorized("User is disabled.")
    if user.status in {Status.FORCE_CHANGE_PASSWORD, Status.EXTERNAL_PROVIDER}:
        return NotAuthorized(_WRONG_STATE)
    return None


def forgot(client: Client, username: str, *, metadata: Mapping[str, str] | None = None) -> Delivery:
    """Send a code that lets a new password be set.

    Where the client hides who exists, every name gets the same kind of answer. Raises LimitExceeded; otherwise
    UserNotFound, NotAuthorized, InvalidParameter.
    """
    pool = client.pool
    user = directory.find(pool, username)
    if user is None and not client.hides_users:
        raise UserNotFound(UNKNOWN)
    limits.count(pool, user.sub if user else nobody.sub(pool, username), "forgot")
    try:
        if user is None:
            raise UserNotFound(UNKNOWN)
        if (refusal := _refusal(user)) is not None:
            raise refusal
        attribute = _channel(pool, user)
    except PoolhouseError as error:
        if client.hides_users:
            return nobody.delivery(pool, username, codes.FORGOT_PASSWORD)
        error.keep = True  # the request stays counted
        raise
    return _send(pool, user, attribute, Occasion.FORGOT_PASSWORD, client.id, metadata, by="self")


def _send(
    pool: Pool,
    user: User,
    attribute: str,
    occasion: Occasion,
    client_id: str,
    metadata: Mapping[str, str] | None,
    *,
    by: str,
) -> Delivery:
    address = user.attributes[attribute]
    code = codes.new(pool, user.sub, codes.FORGOT_PASSWORD, attribute, address)
    delivery = send.code(pool, user, occasion, attribute, address, code, client_id=client_id, metadata=metadata)
    emit(PasswordResetRequested(pool.id, user.sub, client_id, by))
    return delivery


def confirm_forgot(
    client: Client, username: str, code: str, password: str, *, metadata: Mapping[str, str] | None = None
) -> User:
    """Set a new password with the code. Raises CodeMismatch, ExpiredCode, LimitExceeded, InvalidPassword, …"""
    pool = client.pool
    passwords.conform(pool, password)
    user = directory.find(pool, username)
    if user is None and not client.hides_users:
        raise UserNotFound(UNKNOWN)
    if user is not None:
        passwords.forbid_reuse(pool, user, password)
    prepared = passwords.prepare(pool, user.username if user else username, password)

    unit.write()
    user = directory.locked(pool, user) if user is not None else None
    codes.spend(pool, user.sub if user else nobody.sub(pool, username), codes.FORGOT_PASSWORD, code)
    if user is None:
        raise NotAuthorized()
    if (refusal := _refusal(user)) is not None:
        raise refusal
    passwords.store(pool, user.sub, prepared)
    lockout.forget(pool.id, user.sub)
    changed = directory.change(pool, user, status=Status.CONFIRMED) if user.status != Status.CONFIRMED else user
    emit(PasswordChanged(pool.id, user.sub, client.id, "recovery"))
    unit.after_commit(lambda: ask(PostConfirmation(pool, client, "ConfirmForgotPassword", changed, metadata or {})))
    return changed


def reset_by_administrator(pool: Pool, username: str, *, metadata: Mapping[str, str] | None = None) -> Delivery:
    """Let the present password no longer work and send a code for a new one."""
    user = directory.named(pool, username)
    if user.status not in {Status.CONFIRMED, Status.RESET_REQUIRED}:
        raise NotAuthorized(_WRONG_STATE)
    attribute = _channel(pool, user)
    user = directory.change(pool, user, status=Status.RESET_REQUIRED)
    return _send(pool, user, attribute, Occasion.ADMIN_RESET, "", metadata, by="administrator")
