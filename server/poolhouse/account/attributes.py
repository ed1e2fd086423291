"""Attribute values that somebody wants to set: checked against the schema, and against what the client may write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from poolhouse.core.errors import InvalidParameter, NotAuthorized
from poolhouse.user_pools.schema import RESERVED, VERIFIED_FLAGS, Attribute, InvalidValue
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import User

ADDRESSES = ("email", "phone_number")


def _known(pool: Pool, name: str) -> Attribute:
    attribute = pool.schema.get(name)
    if attribute is None:
        raise InvalidParameter(
            f"Attributes did not conform to the schema: {name}: Attribute does not exist in the schema.\n"
        )
    return attribute


def checked(
    pool: Pool, values: Mapping[str, str], *, client: Client | None = None, user: User | None = None
) -> dict[str, str]:
    """``values`` as they may be stored. ``client`` None: an administrator writes; ``user`` None: the account is new.

    Raises InvalidParameter for what the schema does not admit, NotAuthorized for what the client may not write.
    """
    for name, value in values.items():
        attribute = _known(pool, name)
        if name in RESERVED or (client is not None and name in VERIFIED_FLAGS):
            raise InvalidParameter(f"Cannot modify the non-mutable attribute {name}")
        if client is not None and not client.may_write(name) and not (user is None and not attribute.mutable):
            raise NotAuthorized("A client attempted to write unauthorized attribute")
        if user is not None and not attribute.mutable and user.get(name) and user.get(name) != value:
            raise InvalidParameter(f"user.{name}: Attribute cannot be updated.\n")
        try:
            attribute.check(value)
        except InvalidValue as error:
            raise InvalidParameter(str(error)) from None
    return {name: value.lower() if name in VERIFIED_FLAGS else value for name, value in values.items()}


def require_all(pool: Pool, values: Mapping[str, str]) -> None:
    """Raise InvalidParameter unless ``values`` has everything that the pool requires."""
    missing = [name for name in pool.required_attributes if not values.get(name)]
    if missing:
        faults = "".join(f"{name}: The attribute is required\n" for name in missing)
        raise InvalidParameter(f"Attributes did not conform to the schema: {faults}")


def removable(pool: Pool, names: Iterable[str], *, client: Client | None = None) -> list[str]:
    """The attributes that removing ``names`` removes. Raises as :func:`checked`."""
    gone = []
    for name in names:
        attribute = _known(pool, name)
        if name in RESERVED or (client is not None and name in VERIFIED_FLAGS):
            raise InvalidParameter(f"Cannot modify the non-mutable attribute {name}")
        if attribute.required or name in pool.username_attributes:
            raise InvalidParameter(f"user.{name}: The attribute is required and cannot be deleted.")
        if not attribute.mutable:
            raise InvalidParameter(f"user.{name}: Attribute cannot be updated.\n")
        if client is not None and not client.may_write(name):
            raise NotAuthorized("A client attempted to write unauthorized attribute")
        gone.append(name)
        if name in ADDRESSES:
            gone.append(name + "_verified")
    return gone
