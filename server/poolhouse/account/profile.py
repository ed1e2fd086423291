"""A signed-in person and their own account: attributes, addresses to prove, the password, leaving."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from poolhouse.account import attributes, limits
from poolhouse.account.attributes import ADDRESSES
from poolhouse.account.events import AttributesChanged, PasswordChanged, UserDeleted
from poolhouse.core import unit
from poolhouse.core.errors import InvalidParameter, NotAuthorized
from poolhouse.core.events import emit
from poolhouse.credentials import candidate, codes, lockout, passwords
from poolhouse.messages import send
from poolhouse.messages.occasion import Occasion
from poolhouse.messages.send import Delivery
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import Status, User, directory


def update(
    pool: Pool,
    user: User,
    values: Mapping[str, str],
    *,
    client: Client | None = None,
    metadata: Mapping[str, str] | None = None,
) -> list[Delivery]:
    """Set attributes; ``client`` None: an administrator does. Gives where codes were sent.

    A changed address is not proven any more, and gets a code where the pool verifies it; where the pool wants it
    proven first, the old one stays until then. Raises AliasExists, InvalidParameter, NotAuthorized.
    """
    values = attributes.checked(pool, values, client=client, user=user)
    unit.write()
    user = directory.locked(pool, user)
    now, pending = dict(values), {}
    for name in ADDRESSES:
        if name not in values or values[name] == user.attributes.get(name, ""):
            continue
        codes.forget(pool, user.sub, codes.attribute_occasion(name))
        vouched = client is None and values.get(name + "_verified") == "true"
        if name in pool.auto_verified and values[name] and not vouched:
            pending[name] = values[name]
        if pending.get(name) and name in pool.verify_before_update:
            del now[name]
        elif not vouched:
            now[name + "_verified"] = "false"
    changed = directory.change_attributes(pool, user, now) if now else user
    deliveries = [
        _send_code(pool, changed, name, address, Occasion.UPDATE_ATTRIBUTE, client, metadata)
        for name, address in pending.items()
    ]
    emit(AttributesChanged(pool.id, user.sub, client.id if client else "", tuple(sorted(values))))
    return deliveries


def remove(pool: Pool, user: User, names: Iterable[str], *, client: Client | None = None) -> None:
    """Remove attributes. Raises InvalidParameter, NotAuthorized."""
    gone = attributes.removable(pool, names, client=client)
    directory.change_attributes(pool, user, {}, remove=gone)
    for name in ADDRESSES:
        if name in gone:
            codes.forget(pool, user.sub, codes.attribute_occasion(name))
    emit(AttributesChanged(pool.id, user.sub, client.id if client else "", tuple(sorted(gone))))


def _send_code(
    pool: Pool,
    user: User,
    attribute: str,
    address: str,
    occasion: Occasion,
    client: Client | None,
    metadata: Mapping[str, str] | None,
) -> Delivery:
    code = codes.new(pool, user.sub, codes.attribute_occasion(attribute), attribute, address)
    client_id = client.id if client else ""
    return send.code(pool, user, occasion, attribute, address, code, client_id=client_id, metadata=metadata)


def send_verification(
    client: Client, user: User, attribute: str, *, metadata: Mapping[str, str] | None = None
) -> Delivery:
    """Send a code that proves ``email`` or ``phone_number``: the pending address where one waits."""
    pool = client.pool
    if attribute not in ADDRESSES:
        raise InvalidParameter(f"Invalid attribute name: {attribute}. Only email and phone_number can be verified.")
    waiting = codes.pending(pool, user.sub, codes.attribute_occasion(attribute))
    address = (waiting.value if waiting else None) or user.get(attribute)
    if not address:
        raise InvalidParameter(f"User has no {attribute} to be verified.")
    limits.count(pool, user.sub, "verification code")
    return _send_code(pool, user, attribute, address, Occasion.VERIFY_ATTRIBUTE, client, metadata)


def verify(client: Client, user: User, attribute: str, code: str) -> None:
    """Prove an address by its code. An alias moves to whoever proved it last, silently, as in Cognito.

    Raises CodeMismatch, ExpiredCode, LimitExceeded, InvalidParameter.
    """
    pool = client.pool
    if attribute not in ADDRESSES:
        raise InvalidParameter(f"Invalid attribute name: {attribute}. Only email and phone_number can be verified.")
    user = directory.locked(pool, user)  # before the code, as `update` does: two at once must not wait for one another
    spent = codes.spend(pool, user.sub, codes.attribute_occasion(attribute), code)
    # The code proves the address it was sent to, not whatever stands in the profile by now.
    proven = {attribute: spent.value, attribute + "_verified": "true"}
    directory.change_attributes(pool, user, proven, force_alias=True)
    emit(AttributesChanged(pool.id, user.sub, client.id, (attribute,)))


def change_password(client: Client, user: User, previous: str | None, proposed: str) -> None:
    """Replace the password by one that the person proposes. Raises NotAuthorized, InvalidPassword, LimitExceeded."""
    pool = client.pool
    who = candidate.by_sub(pool, user.sub)
    if who is None:
        raise NotAuthorized()
    if who.user.status == Status.EXTERNAL_PROVIDER:
        raise NotAuthorized("User password cannot be changed in the current state.")
    lockout.refuse_if_resting(who.locked_until)
    if who.password_hash is not None and not passwords.check(previous or "", who.password_hash):
        lockout.failed(pool.id, user.sub)
        limits.count(pool, user.sub, "change password")
        raise NotAuthorized(keep=True)
    passwords.conform(pool, proposed)
    passwords.forbid_reuse(pool, user, proposed)
    prepared = passwords.prepare(pool, user.username, proposed)

    unit.write()
    limits.count(pool, user.sub, "change password")
    user = directory.locked(pool, user)
    passwords.store(pool, user.sub, prepared)
    emit(PasswordChanged(pool.id, user.sub, client.id))


def leave(pool: Pool, user: User, *, client: Client | None = None) -> None:
    """Delete the account with everything that is the user's."""
    unit.write()
    emit(UserDeleted(pool.id, user.sub, client.id if client else ""))
    directory.delete_user(pool.id, user.sub)
