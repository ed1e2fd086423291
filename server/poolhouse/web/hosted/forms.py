"""The fields of the hosted forms: which ones a pool asks for, and the reading of what came back, however hostile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from werkzeug.datastructures import MultiDict

from poolhouse.user_pools.rules import LONGEST_PASSWORD, PasswordPolicy
from poolhouse.user_pools.schema import LONGEST_VALUE, RESERVED, VERIFIED_FLAGS, Attribute, InvalidValue
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.web.hosted.words import Words

ATTRIBUTE = "attribute."
LONGEST_NAME = 128  # UsernameType of the API's model
LONGEST_EMAIL = 320
LONGEST_CODE = 32
_UNUSABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_KINDS = {"email": "email", "phone_number": "tel", "birthdate": "date", "website": "url", "profile": "url"}
_NAMES_FIRST = ("name", "given_name", "middle_name", "family_name", "nickname")
_AUTOCOMPLETE = {
    "email": "email",
    "phone_number": "tel",
    "birthdate": "bday",
    "website": "url",
    "name": "name",
    "given_name": "given-name",
    "middle_name": "additional-name",
    "family_name": "family-name",
    "nickname": "nickname",
    "gender": "sex",
    "address": "street-address",
    "locale": "language",
    "picture": "photo",
}


@dataclass(frozen=True)
class Field:
    """One input. ``kind`` is its HTML type, or ``code``; ``missing`` the sentence to say when it is empty."""

    name: str
    label: str
    kind: str = "text"
    autocomplete: str = "off"
    required: bool = True
    limit: int = LONGEST_VALUE
    missing: str = "fault.missing"
    hint: str = ""
    described_by: str = ""
    checks: tuple[Attribute, ...] = ()  # of these one has to admit the value
    value: str = ""
    fault: str = ""
    focus: bool = False

    @property
    def id(self) -> str:
        """Its id in the page."""
        return "field-" + self.name

    @property
    def secret(self) -> bool:
        """Whether what was entered is never written back into a page."""
        return self.kind in {"password", "code"}


@dataclass(frozen=True)
class Rule:
    """One line of the password policy."""

    kind: str
    text: str
    count: int = 0


@dataclass(frozen=True)
class Form:
    """The fields of one page, with the hidden values that go with them."""

    csrf: str
    request: str
    fields: tuple[Field, ...]


# --- Which fields ---------------------------------------------------------------------------------------------------


def sign_in_name(pool: Pool, words: Words) -> str:
    """What the name that people sign in with is called here: "Email address", "Username or email address", …"""
    kinds = list(pool.username_attributes) or [
        "username",
        *(a for a in pool.alias_attributes if words.knows("name." + a)),
    ]
    labels = [words("name." + kind) for kind in kinds[:2]]
    if len(labels) == 1:
        return labels[0]
    return words("field.any_name", first=labels[0], second=labels[1][:1].lower() + labels[1][1:])


def name(pool: Pool, words: Words) -> Field:
    """The name that an existing account signs in with."""
    only_email = pool.username_attributes == ("email",)
    return Field(
        "username",
        sign_in_name(pool, words),
        kind="email" if only_email else "text",
        autocomplete="username",
        limit=LONGEST_NAME,
        missing="fault.name",
    )


def name_or_email(named: Field, pool: Pool, words: Words, *, local: bool) -> Field:
    """:func:`name` where an e-mail address may lead to an identity provider, which it does alone unless ``local``."""
    if not local:
        return replace(named, label=words("name.email"), kind="email", limit=LONGEST_EMAIL, missing="fault.email_name")
    if "email" in {*pool.username_attributes, *pool.alias_attributes}:
        return named
    return replace(named, label=words("login.email_too", name=named.label))


def password(words: Words) -> Field:
    """The present password."""
    return Field(
        "password",
        words("field.password"),
        kind="password",
        autocomplete="current-password",
        limit=LONGEST_PASSWORD,
        missing="fault.password",
    )


def new_password(words: Words, label: str = "field.new_password") -> Field:
    """A password to be set; the policy stands below it."""
    return Field(
        "password",
        words(label),
        kind="password",
        autocomplete="new-password",
        limit=LONGEST_PASSWORD,
        missing="fault.new_password",
        described_by="policy",
    )


def code(words: Words) -> Field:
    """A code that was sent, or that an authenticator app shows."""
    return Field(
        "code",
        words("field.code"),
        kind="code",
        autocomplete="one-time-code",
        limit=LONGEST_CODE,
        missing="fault.code",
    )


def attribute(pool: Pool, words: Words, attribute_name: str, *, required: bool) -> Field:
    """An attribute of the pool's schema."""
    described = pool.schema[attribute_name]
    hint = "hint." + attribute_name
    return Field(
        ATTRIBUTE + attribute_name,
        words.attribute(attribute_name),
        kind=_KINDS.get(attribute_name, "text"),
        autocomplete=_AUTOCOMPLETE.get(attribute_name, "off"),
        required=required,
        limit=min(described.longest or LONGEST_VALUE, LONGEST_EMAIL if attribute_name == "email" else LONGEST_VALUE),
        hint=words(hint) if words.knows(hint) else "",
        checks=(described,),
    )


def sign_up(pool: Pool, client: Client, words: Words) -> tuple[Field, ...]:
    """What somebody new is asked for: a name, the attributes that the pool needs, a password."""
    if pool.username_attributes:
        first = name(pool, words)
        kinds = tuple(pool.schema[a] for a in pool.username_attributes if a in pool.schema)
        first = replace(first, autocomplete="email" if first.kind == "email" else "username", checks=kinds)
        if pool.username_attributes == ("phone_number",):
            first = replace(first, kind="tel", autocomplete="tel", hint=words("hint.phone_number"))
    else:
        label = words("field.username")
        first = Field("username", label, autocomplete="username", limit=LONGEST_NAME, missing="fault.username")
    asked = [
        a
        for a in sorted(_asked(pool, client), key=_place)
        if a not in pool.username_attributes or len(pool.username_attributes) > 1
    ]
    needed = _needed(pool)
    # An address that is the name already need not be given twice.
    others = [attribute(pool, words, a, required=a in needed and a not in pool.username_attributes) for a in asked]
    return (first, *others, new_password(words, "field.password"))


def _asked(pool: Pool, client: Client) -> list[str]:
    wanted = [*pool.alias_attributes, *pool.auto_verified, *pool.required_attributes]
    if len(pool.username_attributes) > 1:
        # The name is an address of either kind; the pool copies it into its attribute itself.
        wanted = [a for a in wanted if a not in pool.username_attributes or a in pool.required_attributes]
    unique = dict.fromkeys(a for a in wanted if a in pool.schema and a not in RESERVED | VERIFIED_FLAGS)
    # preferred_username may be set once the account is confirmed, not before (Cognito: aliases).
    return [a for a in unique if client.may_write(a) and not (a == "preferred_username" and a in pool.alias_attributes)]


def _place(attribute_name: str) -> int:
    """People expect their name first; everything else follows in the order of the schema."""
    return _NAMES_FIRST.index(attribute_name) if attribute_name in _NAMES_FIRST else len(_NAMES_FIRST)


def _needed(pool: Pool) -> set[str]:
    """Required attributes; and an address to send the code to, where none is required."""
    needed = set(pool.required_attributes)
    if pool.auto_verified and not pool.username_attributes and not needed & set(pool.auto_verified):
        needed.add("email" if "email" in pool.auto_verified else pool.auto_verified[0])
    return needed


def policy(rules: PasswordPolicy, words: Words) -> list[Rule]:
    """The password policy, a line each."""
    lines = [Rule("length", words("policy.length", count=rules.minimum_length), rules.minimum_length)]
    for kind in ("uppercase", "lowercase", "numbers", "symbols"):
        if getattr(rules, kind):
            lines.append(Rule(kind, words("policy." + kind)))
    if rules.history:
        lines.append(Rule("history", words("policy.history", count=rules.history)))
    return lines


# --- What came back -------------------------------------------------------------------------------------------------


def single(values: MultiDict[str, str], key: str) -> str:
    """The value of a hidden or query parameter; "" if it is absent, repeated or unusable."""
    found = values.getlist(key)
    return found[0] if len(found) == 1 and not _UNUSABLE.search(found[0]) else ""


def read(
    fields: Iterable[Field], posted: MultiDict[str, str], words: Words
) -> tuple[tuple[Field, ...], dict[str, str]]:
    """The fields with what was entered and what is wrong with it, and the values by name (only of those in order)."""
    filled, values = [], {}
    for field in fields:
        given = posted.getlist(field.name)
        value = given[0] if given else ""
        if field.kind == "code":
            value = re.sub(r"[\s-]", "", value)
        elif field.kind != "password":
            value = value.strip()
        fault = _fault(field, value, len(given), words)
        shown = "" if field.secret or _UNUSABLE.search(value) else value[: field.limit]
        filled.append(replace(field, value=shown, fault=fault))
        if not fault:
            values[field.name] = value
    return tuple(filled), values


def _fault(field: Field, value: str, times: int, words: Words) -> str:
    if times > 1:
        return words("fault.repeated")
    if value == "":
        return words(field.missing) if field.required else ""
    if _UNUSABLE.search(value):
        return words("fault.characters")
    if len(value) > field.limit:
        return words("fault.too_long", limit=field.limit)
    if field.checks and not any(_admits(check, value) for check in field.checks):
        key = "fault." + "_or_".join(check.name for check in field.checks)
        return words(key if words.knows(key) else "fault.value")
    return ""


def _admits(attribute: Attribute, value: str) -> bool:
    try:
        attribute.check(value)
    except InvalidValue:
        return False
    return True


def attributes(values: Mapping[str, str]) -> dict[str, str]:
    """The attributes among the values, by their name in the schema, without the empty ones."""
    return {key.removeprefix(ATTRIBUTE): v for key, v in values.items() if key.startswith(ATTRIBUTE) and v}


def with_fault(fields: Iterable[Field], name: str, fault: str) -> tuple[Field, ...]:
    """The fields, with ``fault`` at the one of that name."""
    return tuple(replace(field, fault=fault) if field.name == name else field for field in fields)


def focused(fields: Iterable[Field]) -> tuple[Field, ...]:
    """The fields, with the focus on the first that has a fault, else on the first that is empty."""
    listed = list(fields)
    faulty = [i for i, field in enumerate(listed) if field.fault]
    empty = [i for i, field in enumerate(listed) if not field.value]
    chosen = (faulty or empty or [0])[0]
    return tuple(replace(field, focus=i == chosen) for i, field in enumerate(listed))


def prefilled(field: Field, value: str) -> Field:
    """The field with a value known from before, if it could be one."""
    usable = len(value) <= field.limit and not _UNUSABLE.search(value)
    return replace(field, value=value if usable else "")
