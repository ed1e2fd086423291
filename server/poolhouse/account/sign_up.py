"""Make an account, prove the address it gave, or ask for the code again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from poolhouse.account import attributes, limits, nobody
from poolhouse.account.events import PostConfirmation, PreSignUp, UserConfirmed, UserSignedUp
from poolhouse.core import clock, unit
from poolhouse.core.errors import InvalidParameter, NotAuthorized, UsernameExists, UserNotFound
from poolhouse.core.events import ask, emit
from poolhouse.credentials import codes, passwords
from poolhouse.messages import send
from poolhouse.messages.occasion import Occasion
from poolhouse.messages.send import Delivery
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import Status, User, directory

UNKNOWN = "Username/client id combination not found."


@dataclass(frozen=True, slots=True)
class SignUpResult:
    """The new account, whether it may sign in already, and where a code went (None: nowhere)."""

    user: User
    confirmed: bool
    delivery: Delivery | None


def sign_up(
    client: Client,
    username: str,
    password: str | None,
    values: Mapping[str, str],
    *,
    validation_data: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> SignUpResult:
    """Make an account. Raises UsernameExists, InvalidPassword, InvalidParameter, NotAuthorized."""
    pool = client.pool
    if pool.admin_create_only:
        raise NotAuthorized("SignUp is not permitted for this user pool")
    if not password:
        raise InvalidParameter("Password is required for this user pool.")
    passwords.conform(pool, password)
    values = attributes.checked(pool, values, client=client)
    _refuse_other_address(pool, username, values)
    if directory.find(pool, username) is not None:
        raise UsernameExists()
    asked = ask(PreSignUp(pool, client, "SignUp", username, values, validation_data or {}, metadata or {}))
    plan = directory.plan(pool, username)
    attributes.require_all(pool, {**values, **plan.implied})
    prepared = passwords.prepare(pool, plan.username, password)

    unit.write()
    values = {**values, **asked.verified}
    status = Status.CONFIRMED if asked.auto_confirm else Status.UNCONFIRMED
    user = directory.create(pool, plan, status, values)
    passwords.store(pool, user.sub, prepared)
    delivery = None if asked.auto_confirm else _send_code(pool, client, user, Occasion.SIGN_UP, metadata)
    emit(UserSignedUp(pool.id, user.sub, client.id))
    if asked.auto_confirm:
        ask(PostConfirmation(pool, client, "ConfirmSignUp", user, metadata or {}))
    return SignUpResult(user, asked.auto_confirm, delivery)


def _refuse_other_address(pool: Pool, username: str, values: Mapping[str, str]) -> None:
    """Where the username is an address, the attribute may not name another one."""
    for attribute in pool.username_attributes:
        given = values.get(attribute)
        if given and directory.is_address(pool, username, attribute) and given != username:
            raise InvalidParameter(f"Username and {attribute} must be the same where people sign in with {attribute}.")


def _send_code(
    pool: Pool, client: Client, user: User, occasion: Occasion, metadata: Mapping[str, str] | None
) -> Delivery | None:
    """Send the sign-up code: by phone first where both are verified at sign-up, as Cognito does."""
    for attribute in ("phone_number", "email"):
        address = user.get(attribute)
        if attribute in pool.auto_verified and address and not user.verified(attribute):
            code = codes.new(pool, user.sub, codes.SIGN_UP, attribute, address)
            return send.code(pool, user, occasion, attribute, address, code, client_id=client.id, metadata=metadata)
    return None


def confirm(
    client: Client,
    username: str,
    code: str,
    *,
    force_alias: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> User:
    """Prove that a new user owns the address the code was sent to.

    Raises CodeMismatch, ExpiredCode, LimitExceeded, AliasExists (unless forced), NotAuthorized, UserNotFound.
    """
    pool = client.pool
    user = directory.find(pool, username)
    if user is None:
        if not client.hides_users:
            raise UserNotFound(UNKNOWN)
        codes.spend(pool, nobody.sub(pool, username), codes.SIGN_UP, code)
        raise NotAuthorized()
    if user.status != Status.UNCONFIRMED:
        raise NotAuthorized(f"User cannot be confirmed. Current status is {user.status}")
    if not user.enabled:
        raise NotAuthorized("User is disabled.")
    user = directory.locked(pool, user)
    spent = codes.spend(pool, user.sub, codes.SIGN_UP, code)
    proven = dict(user.attributes)
    if user.get(spent.attribute) == spent.value:  # not if the address was changed since
        proven[spent.attribute + "_verified"] = "true"
    confirmed = replace(user, status=Status.CONFIRMED, attributes=proven, confirmed_by_code_at=clock.now())
    confirmed = directory.save(pool, confirmed, force_alias=force_alias)
    emit(UserConfirmed(pool.id, user.sub, client.id))
    unit.after_commit(lambda: ask(PostConfirmation(pool, client, "ConfirmSignUp", confirmed, metadata or {})))
    return confirmed


def confirm_by_administrator(pool: Pool, username: str, *, metadata: Mapping[str, str] | None = None) -> User:
    """Let a new user in without a code; no address becomes verified by it."""
    user = directory.locked(pool, directory.named(pool, username))
    if user.status != Status.UNCONFIRMED:
        raise NotAuthorized(f"User cannot be confirmed. Current status is {user.status}")
    confirmed = directory.save(pool, replace(user, status=Status.CONFIRMED))
    codes.forget(pool, user.sub, codes.SIGN_UP)
    emit(UserConfirmed(pool.id, user.sub))
    unit.after_commit(lambda: ask(PostConfirmation(pool, None, "ConfirmSignUp", confirmed, metadata or {})))
    return confirmed


def resend(client: Client, username: str, *, metadata: Mapping[str, str] | None = None) -> Delivery:
    """Send another sign-up code. Raises InvalidParameter, LimitExceeded, UserNotFound."""
    pool = client.pool
    user = directory.find(pool, username)
    if user is None and not client.hides_users:
        raise UserNotFound(UNKNOWN)
    limits.count(pool, user.sub if user else nobody.sub(pool, username), "resend")
    if user is None or (client.hides_users and (user.status != Status.UNCONFIRMED or not user.enabled)):
        return nobody.delivery(pool, username, codes.SIGN_UP)
    if user.status != Status.UNCONFIRMED:
        raise InvalidParameter("User is already confirmed.")
    if not user.enabled:
        raise NotAuthorized("User is disabled.")
    delivery = _send_code(pool, client, user, Occasion.RESEND, metadata)
    if delivery is None:
        raise InvalidParameter("Cannot resend codes. Auto verification not turned on.")
    return delivery
