"""What is still owed before somebody is signed in: pure, and the single place where that is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PASSWORD: Final = "PASSWORD"
NEW_PASSWORD_REQUIRED: Final = "NEW_PASSWORD_REQUIRED"
MFA_SETUP: Final = "MFA_SETUP"
SELECT_MFA_TYPE: Final = "SELECT_MFA_TYPE"
SOFTWARE_TOKEN_MFA: Final = "SOFTWARE_TOKEN_MFA"
EMAIL_OTP: Final = "EMAIL_OTP"
SECOND_FACTORS: Final = (EMAIL_OTP, SOFTWARE_TOKEN_MFA)


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the decision depends on.

    ``mfa``: the pool's OFF, OPTIONAL or ON. ``usable``: second factors that the user could answer now. ``preferred``:
    the one they prefer, or chose just now. ``proven``: what this attempt has proven already.
    """

    mfa: str
    usable: frozenset[str] = frozenset()
    preferred: str | None = None
    proven: frozenset[str] = frozenset()
    must_change_password: bool = False
    just_confirmed: bool = False


def what_next(situation: Situation) -> str | None:
    """The challenge that is owed, or None if everything is proven.

    A new password comes before the second factor (Cognito's order). Whoever has just proven the address that codes go
    to is not sent another code at their first sign-in, but sets up a factor if the pool demands one.
    """
    if PASSWORD not in situation.proven:
        return PASSWORD
    if situation.must_change_password:
        return NEW_PASSWORD_REQUIRED
    if situation.mfa == "OFF" or situation.proven & set(SECOND_FACTORS):
        return None
    usable = situation.usable
    if situation.just_confirmed and usable == {EMAIL_OTP}:
        return None
    if situation.preferred in usable:
        return situation.preferred
    if len(usable) > 1:
        return SELECT_MFA_TYPE
    if usable:
        return next(iter(usable))
    return MFA_SETUP if situation.mfa == "ON" else None
