"""A pool's rules, pure: what a password must be, how names are compared, which kind of name a text is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Cognito: Adding user pool password requirements, the symbols that count.
SYMBOLS = frozenset("^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+- ")
LONGEST_PASSWORD = 256
_EMAIL_LIKE = re.compile(r"[^\s@]+@[^\s@]+")
_PHONE_LIKE = re.compile(r"\+[1-9][0-9]{1,14}")


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """PasswordPolicyType."""

    minimum_length: int = 8
    uppercase: bool = True
    lowercase: bool = True
    numbers: bool = True
    symbols: bool = True
    history: int = 0
    temporary_days: int = 7

    def faults(self, password: str) -> list[str]:
        """What ``password`` lacks, in AWS's words, worst first; [] if it conforms."""
        rows = (
            (len(password) < self.minimum_length, "Password not long enough"),
            (len(password) > LONGEST_PASSWORD, "Password too long"),
            (password != password.strip(), "Password must not begin or end with a space"),
            (self.uppercase and not any(c.isupper() for c in password), "Password must have uppercase characters"),
            (self.lowercase and not any(c.islower() for c in password), "Password must have lowercase characters"),
            (self.numbers and not any(c.isdigit() for c in password), "Password must have numeric characters"),
            (
                self.symbols and not any(c in SYMBOLS for c in password.strip()),
                "Password must have symbol characters",
            ),
        )
        return [sentence for bad, sentence in rows if bad]

    def describe(self) -> dict[str, Any]:
        """As DescribeUserPool shows it."""
        shown: dict[str, Any] = {
            "MinimumLength": self.minimum_length,
            "RequireUppercase": self.uppercase,
            "RequireLowercase": self.lowercase,
            "RequireNumbers": self.numbers,
            "RequireSymbols": self.symbols,
            "TemporaryPasswordValidityDays": self.temporary_days,
        }
        if self.history:
            shown["PasswordHistorySize"] = self.history
        return shown


def password_policy(settings: Mapping[str, Any]) -> PasswordPolicy:
    """The policy that a pool's ``Policies`` member sets; Cognito's defaults where it is absent."""
    given = (settings.get("Policies") or {}).get("PasswordPolicy")
    # The setting of pools from before 2019, when invitations had a life of their own.
    unused_days = (settings.get("AdminCreateUserConfig") or {}).get("UnusedAccountValidityDays") or 7
    if given is None:
        return PasswordPolicy(temporary_days=unused_days)
    return PasswordPolicy(
        minimum_length=given.get("MinimumLength", 8),
        uppercase=given.get("RequireUppercase", False),
        lowercase=given.get("RequireLowercase", False),
        numbers=given.get("RequireNumbers", False),
        symbols=given.get("RequireSymbols", False),
        history=given.get("PasswordHistorySize", 0),
        temporary_days=given.get("TemporaryPasswordValidityDays") or unused_days,
    )


def canonical(name: str, *, case_sensitive: bool) -> str:
    """The form in which names are compared: one account whatever the spelling (CVE-2026-47203, CVE-2025-24806)."""
    if case_sensitive:
        return unicodedata.normalize("NFC", name)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def looks_like(name: str) -> str | None:
    """``email`` or ``phone_number`` if ``name`` has that form, else None."""
    if _PHONE_LIKE.fullmatch(name):
        return "phone_number"
    if _EMAIL_LIKE.fullmatch(name):
        return "email"
    return None
