"""A user as the domain sees them: immutable; changes go through ``directory``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """UserStatusType, those that occur."""

    UNCONFIRMED = "UNCONFIRMED"
    CONFIRMED = "CONFIRMED"
    FORCE_CHANGE_PASSWORD = "FORCE_CHANGE_PASSWORD"
    RESET_REQUIRED = "RESET_REQUIRED"
    EXTERNAL_PROVIDER = "EXTERNAL_PROVIDER"


@dataclass(frozen=True, slots=True)
class User:
    """A user of a pool. ``attributes`` has every attribute but ``sub``; all values are strings."""

    pool_id: str
    sub: str
    username: str
    status: str
    enabled: bool
    attributes: Mapping[str, str]
    created_at: datetime
    modified_at: datetime
    signed_out_at: datetime | None = None
    mfa: Mapping[str, Any] | None = None
    confirmed_by_code_at: datetime | None = None

    def get(self, attribute: str) -> str | None:
        """The attribute's value, ``sub`` included, or None if it is absent or empty."""
        return self.sub if attribute == "sub" else (self.attributes.get(attribute) or None)

    def verified(self, attribute: str) -> bool:
        """Whether ``email`` or ``phone_number`` was proven to be theirs."""
        return self.attributes.get(attribute + "_verified") == "true"

    @property
    def mfa_enabled(self) -> tuple[str, ...]:
        """Second factors the user has turned on: SOFTWARE_TOKEN_MFA, EMAIL_OTP, SMS_MFA."""
        return tuple((self.mfa or {}).get("enabled", ()))

    @property
    def mfa_preferred(self) -> str | None:
        """The one they prefer."""
        return (self.mfa or {}).get("preferred")
