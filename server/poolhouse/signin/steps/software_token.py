"""SOFTWARE_TOKEN_MFA: a code of the user's authenticator app."""

from __future__ import annotations

from collections.abc import Mapping

from poolhouse.core.errors import CodeMismatch
from poolhouse.credentials import totp
from poolhouse.signin import what_next
from poolhouse.signin.steps.step import Posed, Proof, Turn, required, user_id

NAME = what_next.SOFTWARE_TOKEN_MFA


def pose(turn: Turn) -> Posed:
    """Nothing is sent: the app computes the code."""
    named = {"FRIENDLY_DEVICE_NAME": turn.known.device_name} if turn.known.device_name else {}
    return Posed({**user_id(turn), **named})


def check(turn: Turn, answers: Mapping[str, str]) -> Proof:
    """The code of now, not used before."""
    code = required(answers, "SOFTWARE_TOKEN_MFA_CODE")
    if not totp.check(turn.pool.id, turn.known.user.sub, code):
        raise CodeMismatch("Invalid code received for user")
    return Proof(proven=(NAME,), amr=("otp", "mfa"))
