"""NEW_PASSWORD_REQUIRED: whoever was given a password chooses their own, and fills in what the pool requires."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from poolhouse.core.errors import InvalidParameter
from poolhouse.credentials import passwords
from poolhouse.signin import what_next
from poolhouse.signin.steps.step import Posed, Proof, Turn, required, user_id
from poolhouse.user_pools.schema import RESERVED, VERIFIED_FLAGS, InvalidValue
from poolhouse.users import Status, directory

NAME = what_next.NEW_PASSWORD_REQUIRED
_PREFIX = "userAttributes."


def _missing(turn: Turn) -> list[str]:
    user = turn.known.user
    return [name for name in turn.pool.required_attributes if not user.get(name)]


def pose(turn: Turn) -> Posed:
    """The attributes there are, and those still required."""
    shown = {k: v for k, v in turn.known.user.attributes.items() if turn.client.may_read(k)}
    required_names = [_PREFIX + name for name in _missing(turn)]
    return Posed(
        {
            **user_id(turn),
            "userAttributes": orjson.dumps(shown).decode(),
            "requiredAttributes": orjson.dumps(required_names).decode(),
        }
    )


def check(turn: Turn, answers: Mapping[str, str]) -> Proof:
    """A password that conforms, and every attribute that is required."""
    password = required(answers, "NEW_PASSWORD")
    pool, user = turn.pool, turn.known.user
    passwords.conform(pool, password)
    passwords.forbid_reuse(pool, user, password)
    values = _attributes(turn, answers)
    prepared = passwords.prepare(pool, user.username, password)

    def store() -> None:
        passwords.store(pool, user.sub, prepared)
        changed = directory.change_attributes(pool, user, values)
        directory.change(pool, changed, status=Status.CONFIRMED)

    return Proof(store=store)


def _attributes(turn: Turn, answers: Mapping[str, str]) -> dict[str, str]:
    values = {k.removeprefix(_PREFIX): v for k, v in answers.items() if k.startswith(_PREFIX)}
    schema = turn.pool.schema
    for name, value in values.items():
        attribute = schema.get(name)
        if attribute is None or name in RESERVED | VERIFIED_FLAGS:
            raise InvalidParameter(f"Invalid user attribute: {name}")
        if name in turn.pool.required_attributes and turn.known.user.get(name):
            raise InvalidParameter(f"Cannot modify an already provided {name}")
        if not turn.client.may_write(name):
            raise InvalidParameter(f"A client attempted to write unauthorized attribute: {name}")
        if not attribute.mutable and turn.known.user.get(name):
            raise InvalidParameter(f"{name}: Attribute cannot be updated.")
        try:
            attribute.check(value)
        except InvalidValue as error:
            raise InvalidParameter(str(error)) from None
    missing = [name for name in _missing(turn) if not values.get(name)]
    if missing:
        raise InvalidParameter(f"Invalid attributes given, {missing[0]} is missing")
    return values
