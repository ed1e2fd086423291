"""What a provider says of somebody becomes attributes of their profile: pure.

Cognito: Mapping IdP attributes to profiles and tokens. A mapping's keys are attributes of ours, its values the
provider's names of claims. A name with dots (``address.country``) reaches into nested claims, if no
claim has exactly that name.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus

from poolhouse.federation.connector import Refused
from poolhouse.user_pools.schema import RESERVED, VERIFIED_FLAGS, InvalidValue
from poolhouse.user_pools.snapshots import Client, Pool

USERNAME: Final = "username"
ADDRESSES: Final = ("email", "phone_number")
_DEEPEST: Final = 8
_LONGEST_NAME: Final = 128
_LONGEST_OBJECT: Final = 16_384


class Unfit(Refused):
    """What the provider says does not fit the pool's schema, or the app's permission to write it (Cognito's words)."""

    oauth = "invalid_request"
    sentence = "What the identity provider says of this person does not fit the user pool."


@dataclass(frozen=True, slots=True)
class Mapped:
    """``values`` to set; ``missing``: mapped attributes that the provider did not speak of."""

    values: Mapping[str, str]
    missing: frozenset[str] = frozenset()

    def verified(self, attribute: str) -> bool:
        """Whether the provider itself says that the address is proven."""
        return bool(self.values.get(attribute)) and self.values.get(attribute + "_verified") == "true"


def apply(mapping: Mapping[str, str], claims: Mapping[str, Any], *, trust_email: bool = False) -> Mapped:
    """The attributes that ``claims`` become. ``trust_email``: the provider's word makes every e-mail address proven.

    An address whose flag is not mapped is not proven, and a flag without its address proves nothing: the flag of one
    source never counts for the address of another (Keycloak CVE-2025-7365).
    """
    values: dict[str, str] = {}
    missing = set()
    for attribute, claim in mapping.items():
        if attribute == USERNAME or attribute in RESERVED:
            continue
        value = find(claims, claim)
        if value is None:
            missing.add(attribute)
        else:
            values[attribute] = text(value)
    for address in ADDRESSES:
        flag = address + "_verified"
        if address not in values:
            values.pop(flag, None)
        elif trust_email and address == "email":
            values[flag] = "true"
        elif flag in values:
            said = values[flag].strip().lower() == "true" and _about(claims, mapping[flag], values[address])
            values[flag] = "true" if said else "false"
        missing.discard(flag)
    return Mapped(values, frozenset(missing))


def _about(claims: Mapping[str, Any], flag: str, address: str) -> bool:
    """Whether the claim ``flag`` is about ``address``: one called ``email_verified`` is about the claim ``email``."""
    base = flag.removesuffix("_verified")
    return base == flag or text(find(claims, base)) == address


def settled(values: Mapping[str, str], present: Mapping[str, str]) -> dict[str, str]:
    """``values`` with a flag for each address: what nobody vouches for is not proven.

    An address that stays what it was stays as proven as it was, unless the provider says otherwise.
    """
    complete = dict(values)
    for address in ADDRESSES:
        flag = address + "_verified"
        if address in values and flag not in values:
            same = bool(values[address]) and present.get(address) == values[address]
            complete[flag] = present.get(flag, "false") if same else "false"
    return complete


def find(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of exactly that name, else what its dotted path leads to; None if there is nothing."""
    if name in claims:
        return _present(claims[name])
    value: Any = claims
    steps = name.split(".")
    if len(steps) > _DEEPEST:
        return None
    for step in steps:
        within = _members(value)
        if step not in within:
            return None
        value = within[step]
    return _present(value)


def _members(value: Any) -> Mapping[str, Any]:
    """What an object holds; connectors hand nested ones on as their JSON."""
    if isinstance(value, str) and value.startswith("{") and len(value) <= _LONGEST_OBJECT:
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    return value if isinstance(value, Mapping) else {}


def _present(value: Any) -> Any:
    return None if value is None or (isinstance(value, list | tuple) and not value) else value


def text(value: Any) -> str:
    """A claim as an attribute holds it: one string.

    Several values are flattened as Cognito does, ``[a, b]``, each form-encoded so that no value can pass for two.
    """
    if isinstance(value, list | tuple):
        if len(value) == 1:
            return text(value[0])
        return "[" + ", ".join(quote_plus(text(item), safe="*").replace("~", "%7E") for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "" if value is None else str(value)


def values_of(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """The several values of a claim, such as a person's groups at the provider."""
    value = find(claims, name)
    if value is None:
        return frozenset()
    return frozenset(text(item) for item in value) if isinstance(value, list | tuple) else frozenset({text(value)})


def check(pool: Pool, client: Client, values: Mapping[str, str], *, new: bool) -> None:
    """Raise :class:`Unfit` unless ``values`` may be written: known, mutable once there, writable, of the right form.

    An attribute that cannot be changed fails every sign-in but the first, the same value or not, as in Cognito.
    """
    for name, value in values.items():
        attribute = pool.schema.get(name)
        if attribute is None:
            raise Unfit(f"user.{name}: Attribute does not exist in the schema.")
        if name not in VERIFIED_FLAGS and not client.may_write(name) and not (new and not attribute.mutable):
            raise Unfit(f"user.{name}: A client attempted to write unauthorized attribute.")
        if not attribute.mutable and not new:
            raise Unfit(f"user.{name}: Attribute cannot be updated.")
        if not storable(value):
            raise Unfit(f"user.{name}: The value has characters that cannot be stored.")
        try:
            attribute.check(value)
        except InvalidValue as error:
            raise Unfit(str(error)) from None


def require(pool: Pool, values: Mapping[str, str]) -> None:
    """Raise :class:`Unfit` unless ``values`` has everything that the pool requires (Cognito's sentence)."""
    missing = [name for name in pool.required_attributes if not values.get(name)]
    if missing:
        raise Unfit(f"attributes required: [{', '.join(missing)}]")


def storable(value: str) -> bool:
    """Whether every engine can hold ``value``: neither NUL nor half a character."""
    return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def names(provider: str, subject: str, wanted: str | None, digest: str) -> tuple[str, ...]:
    """What a new user may be called, first choice first; ``wanted`` is the claim that ``username`` is mapped to.

    ``<Provider>_<subject>`` as in Cognito. A subject that makes it longer than 128 characters, or that holds what no
    username may (blanks, control characters), stands there as ``sha256-<hex>``; so does one whose name is taken.
    """
    plain = [f"{provider}_{text}" for text in dict.fromkeys((wanted or subject, subject)) if _nameable(text)]
    return (*(name for name in plain if len(name) <= _LONGEST_NAME), f"{provider}_sha256-{digest}")


def _nameable(value: str) -> bool:
    return bool(value) and value.isprintable() and not any(character.isspace() for character in value)


def groups(
    claims: Mapping[str, Any], attribute: str | None, by_group: Mapping[str, str], present: Collection[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """The groups of ours to add to, and those to take out of: only such as ``by_group`` can name.

    A provider that leaves the claim out says that there is no group: rights that are gone upstream are gone here.
    """
    if not attribute:
        return frozenset(), frozenset()
    held = values_of(claims, attribute)
    wanted = frozenset(ours for theirs, ours in by_group.items() if theirs in held)
    here = frozenset(present)
    return wanted - here, (frozenset(by_group.values()) & here) - wanted


def removable(pool: Pool, missing: Iterable[str]) -> frozenset[str]:
    """Of the attributes that a provider does not speak of any more, those that may go (OnMissing ``remove``)."""
    gone = set()
    for name in missing:
        attribute = pool.schema.get(name)
        if attribute is not None and attribute.mutable and not attribute.required:
            gone.add(name)
            if name in ADDRESSES:
                gone.add(name + "_verified")
    return frozenset(gone)
