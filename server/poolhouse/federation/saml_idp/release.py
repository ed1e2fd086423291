"""What a service provider is told of somebody, and how sure the sign-in is said to have been: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from poolhouse.saml import names
from poolhouse.user_pools.saml_extension import NOT_IN_SCHEMA

if TYPE_CHECKING:
    from poolhouse.federation.saml_idp.service_providers import ServiceProvider
    from poolhouse.users.snapshot import User

_PROVABLE = ("email", "phone_number")
_SECOND_FACTORS = frozenset({"otp", "sms", "email_otp", "swk", "hwk"})
# From the weakest to the strongest: what "minimum" and its kin compare (SAML Core §3.3.2.2.1).
_RANKS: Mapping[str, int] = {
    names.UNSPECIFIED_CONTEXT: 0,
    names.PASSWORD: 1,
    names.PROTECTED_PASSWORD: 1,
    names.TIME_SYNC_TOKEN: 2,
    names.SEVERAL_FACTORS: 3,
}


def attributes(to: ServiceProvider, user: User, groups: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The attributes that ``to`` is configured to be told and may read, those that the user has.

    SAML has no word for "not verified": an address that nobody has proven is left out, since it would be taken for the
    person's own, unless the service provider is told about the proof as well.
    """
    told = set(to.attributes.values())
    released: dict[str, tuple[str, ...]] = {}
    for name, attribute in to.attributes.items():
        if attribute not in NOT_IN_SCHEMA and not to.client.may_read(attribute):
            continue
        if attribute in _PROVABLE and attribute + "_verified" not in told and not user.verified(attribute):
            continue
        value = user.username if attribute == "username" else user.get(attribute)
        if value:
            released[name] = (value,)
    if to.groups_attribute is not None and groups:
        released[to.groups_attribute] = (*released.get(to.groups_attribute, ()), *groups)
    return released


def address(user: User) -> str | None:
    """The address that may stand for the person: the one that they have proven."""
    return user.get("email") if user.verified("email") else None


def contexts(amr: Collection[str]) -> tuple[str, ...]:
    """The classes of authentication that a sign-in by ``amr`` may be said to be of, the most telling first."""
    methods = set(amr)
    said = []
    if "pwd" in methods and methods & _SECOND_FACTORS:
        said.append(names.SEVERAL_FACTORS)
    if "otp" in methods:
        said.append(names.TIME_SYNC_TOKEN)
    if "pwd" in methods:
        said += [names.PROTECTED_PASSWORD, names.PASSWORD]
    return (*said, names.UNSPECIFIED_CONTEXT)


def context(amr: Collection[str], asked: Sequence[str], comparison: str) -> str | None:
    """The class to state for a sign-in by ``amr``, None if it does not do what was ``asked`` (§3.3.2.2.1).

    Unasked, a password is said to be a password whatever came with it: it is what most service providers know.
    """
    possible = contexts(amr)
    if not asked:
        return names.PROTECTED_PASSWORD if names.PROTECTED_PASSWORD in possible else possible[0]
    if comparison == "exact":
        return next((one for one in asked if one in possible), None)
    ranks = [_RANKS[one] for one in asked if one in _RANKS]
    if not ranks:
        return None
    return next((one for one in possible if _compares(_RANKS[one], comparison, ranks)), None)


def _compares(rank: int, comparison: str, asked: Sequence[int]) -> bool:
    if comparison == "minimum":
        return rank >= min(asked)
    return rank > max(asked) if comparison == "better" else rank <= max(asked)


def attainable(asked: Sequence[str], comparison: str) -> bool:
    """Whether any sign-in here could do what was asked: if none can, nobody is troubled with one."""
    everything = ("pwd", "otp")
    return context(everything, asked, comparison) is not None
