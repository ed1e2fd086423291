"""A pool's schema, pure: which attributes a user may have, and which values each may hold (Cognito: attributes)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

LONGEST_VALUE = 2048
CUSTOM_MAX = 50
_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]+(\.[^\s@\x00-\x1f\x7f]+)*")
_PHONE = re.compile(r"\+[1-9][0-9]{1,14}")
_NUMBER = re.compile(r"-?[0-9]{1,19}")

# OIDC Core §5.1, with Cognito's constraints; the order is the one in which Cognito describes them.
_STANDARD: tuple[tuple[str, str, tuple[str, str] | None], ...] = (
    ("profile", "String", ("0", "2048")),
    ("address", "String", ("0", "2048")),
    ("birthdate", "String", ("10", "10")),
    ("gender", "String", ("0", "2048")),
    ("preferred_username", "String", ("0", "2048")),
    ("updated_at", "Number", ("0", "")),
    ("website", "String", ("0", "2048")),
    ("picture", "String", ("0", "2048")),
    ("identities", "String", None),
    ("sub", "String", ("1", "2048")),
    ("phone_number", "String", ("0", "2048")),
    ("phone_number_verified", "Boolean", None),
    ("zoneinfo", "String", ("0", "2048")),
    ("locale", "String", ("0", "2048")),
    ("email", "String", ("0", "2048")),
    ("email_verified", "Boolean", None),
    ("given_name", "String", ("0", "2048")),
    ("family_name", "String", ("0", "2048")),
    ("middle_name", "String", ("0", "2048")),
    ("name", "String", ("0", "2048")),
    ("nickname", "String", ("0", "2048")),
)
STANDARD_NAMES = frozenset(name for name, _, _ in _STANDARD)
# Nobody writes these, whatever the client may: they are facts the server keeps.
RESERVED = frozenset({"sub", "identities"})
VERIFIED_FLAGS = frozenset({"email_verified", "phone_number_verified"})


class InvalidValue(ValueError):
    """A value that its attribute does not admit; the message is AWS's sentence."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a schema."""

    name: str
    data_type: str
    mutable: bool = True
    required: bool = False
    developer_only: bool = False
    shortest: int | None = None
    longest: int | None = None
    least: int | None = None
    most: int | None = None

    @property
    def custom(self) -> bool:
        """Whether the pool's owner defined it."""
        return self.name.startswith(("custom:", "dev:"))

    def check(self, value: str) -> None:
        """Raise InvalidValue unless ``value`` may be stored."""
        if len(value) > LONGEST_VALUE:
            raise InvalidValue(f"{self.name}: String must be no longer than {LONGEST_VALUE} characters")
        if value == "":
            return  # Cognito: an empty value removes the attribute's content
        if self.name == "email" and (not _EMAIL.fullmatch(value) or len(value) > 320):
            raise InvalidValue("Invalid email address format.")
        if self.name == "phone_number" and not _PHONE.fullmatch(value):
            raise InvalidValue("Invalid phone number format.")
        if self.name == "birthdate":
            _check_birthdate(value)
        self._check_type(value)

    def _check_type(self, value: str) -> None:
        if self.data_type == "String":
            if self.shortest is not None and len(value) < self.shortest:
                raise InvalidValue(f"{self.name}: String must be no shorter than {self.shortest} characters")
            if self.longest is not None and len(value) > self.longest:
                raise InvalidValue(f"{self.name}: String must be no longer than {self.longest} characters")
        elif self.data_type == "Number":
            if not _NUMBER.fullmatch(value):
                raise InvalidValue(f"{self.name}: Value must be a number")
            if self.least is not None and int(value) < self.least:
                raise InvalidValue(f"{self.name}: Number must be no less than {self.least}")
            if self.most is not None and int(value) > self.most:
                raise InvalidValue(f"{self.name}: Number must be no greater than {self.most}")
        elif self.data_type == "Boolean" and value.lower() not in {"true", "false"}:
            raise InvalidValue(f"{self.name}: Value must be true or false")
        elif self.data_type == "DateTime" and not re.fullmatch(r"[0-9T:.Z+ -]{1,40}", value):
            raise InvalidValue(f"{self.name}: Value must be a date")

    def describe(self) -> dict[str, Any]:
        """As DescribeUserPool shows it (SchemaAttributeType; constraints are strings)."""
        shown: dict[str, Any] = {
            "Name": self.name,
            "AttributeDataType": self.data_type,
            "DeveloperOnlyAttribute": self.developer_only,
            "Mutable": self.mutable,
            "Required": self.required,
        }
        if self.data_type == "String":
            bounds = {"MinLength": self.shortest, "MaxLength": self.longest}
            shown["StringAttributeConstraints"] = {k: str(v) for k, v in bounds.items() if v is not None}
        elif self.data_type == "Number":
            bounds = {"MinValue": self.least, "MaxValue": self.most}
            shown["NumberAttributeConstraints"] = {k: str(v) for k, v in bounds.items() if v is not None}
        return shown


def _check_birthdate(value: str) -> None:
    try:
        if len(value) != 10:
            raise ValueError
        date.fromisoformat(value)
    except ValueError:
        raise InvalidValue("Invalid birthdate format. Expected YYYY-MM-DD.") from None


def _bound(constraints: Mapping[str, Any] | None, name: str) -> int | None:
    text = (constraints or {}).get(name)
    if text in {None, ""}:
        return None
    if not _NUMBER.fullmatch(str(text)):
        raise InvalidValue(f"Invalid {name}: must be a whole number.")
    return int(str(text))


def from_description(described: Mapping[str, Any]) -> Attribute:
    """The attribute that a SchemaAttributeType describes."""
    strings, numbers = described.get("StringAttributeConstraints"), described.get("NumberAttributeConstraints")
    return Attribute(
        name=described["Name"],
        data_type=described.get("AttributeDataType", "String"),
        mutable=described.get("Mutable", True),
        required=described.get("Required", False),
        developer_only=described.get("DeveloperOnlyAttribute", False),
        shortest=_bound(strings, "MinLength"),
        longest=_bound(strings, "MaxLength"),
        least=_bound(numbers, "MinValue"),
        most=_bound(numbers, "MaxValue"),
    )


def standard() -> dict[str, Attribute]:
    """The standard attributes of a new pool, by name."""
    attributes = {}
    for name, data_type, bounds in _STANDARD:
        low, high = bounds or ("", "")
        text = data_type == "String"
        attributes[name] = Attribute(
            name,
            data_type,
            mutable=name != "sub",
            required=name == "sub",
            shortest=int(low) if text and low else None,
            longest=int(high) if text and high else None,
            least=int(low) if not text and low else None,
        )
    return attributes


def custom(described: Mapping[str, Any]) -> Attribute:
    """A new custom attribute as AddCustomAttributes names it (without prefix). Raises InvalidValue."""
    bare = from_description(described)
    name = bare.name.removeprefix("custom:")
    if not re.fullmatch(r"[^\s:\x00-\x1f]{1,20}", name):
        raise InvalidValue(f"Invalid attribute name: {bare.name}. Custom attribute names have 1 to 20 characters.")
    if bare.required:
        raise InvalidValue("Required custom attributes are not supported currently.")
    prefix = "dev:custom:" if bare.developer_only else "custom:"
    return Attribute(
        prefix + name,
        bare.data_type,
        bare.mutable,
        False,
        bare.developer_only,
        bare.shortest,
        min(bare.longest, LONGEST_VALUE) if bare.longest is not None else None,
        bare.least,
        bare.most,
    )
