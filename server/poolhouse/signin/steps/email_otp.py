"""EMAIL_OTP: a code is sent to the user's e-mail address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from poolhouse.core.errors import CodeMismatch, ExpiredCode, LimitExceeded, NotAuthorized
from poolhouse.credentials import codes
from poolhouse.messages import send
from poolhouse.messages.occasion import Occasion
from poolhouse.signin import what_next
from poolhouse.signin.steps.step import Posed, Proof, Turn, required, user_id

NAME = what_next.EMAIL_OTP


def pose(turn: Turn) -> Posed:
    """Send a code that lives as long as the attempt."""
    user = turn.known.user
    address = user.attributes["email"]
    life = timedelta(seconds=turn.client.auth_session_seconds)
    code = codes.new(turn.pool, user.sub, codes.MFA, "email", address, life=life)
    delivery = send.code(turn.pool, user, Occasion.MFA, "email", address, code)
    return Posed(
        {
            **user_id(turn),
            "CODE_DELIVERY_DELIVERY_MEDIUM": delivery.medium,
            "CODE_DELIVERY_DESTINATION": delivery.destination,
        }
    )


def check(turn: Turn, answers: Mapping[str, str]) -> Proof:
    """The code that was sent."""
    try:
        codes.spend(turn.pool, turn.known.user.sub, codes.MFA, required(answers, "EMAIL_OTP_CODE"))
    except LimitExceeded:
        raise NotAuthorized("Password attempts exceeded", keep=True) from None
    except ExpiredCode:
        raise CodeMismatch("Invalid code or auth state for the user.", keep=True) from None
    return Proof(proven=(NAME,), amr=("otp", "email_otp", "mfa"))
