"""The challenges, a file each: how one is posed, and how an answer is checked.

A step knows neither HTTP nor what follows. ``pose`` gives what the client is told and what is to be remembered;
``check`` gives what the answer has proven, or raises.
"""

from __future__ import annotations

from poolhouse.signin import what_next
from poolhouse.signin.steps import email_otp, mfa_setup, new_password, select_mfa_type, software_token, srp
from poolhouse.signin.steps.step import Posed, Proof, Step, Turn

STEPS: dict[str, Step] = {
    srp.NAME: srp,
    what_next.NEW_PASSWORD_REQUIRED: new_password,
    what_next.MFA_SETUP: mfa_setup,
    what_next.SELECT_MFA_TYPE: select_mfa_type,
    what_next.SOFTWARE_TOKEN_MFA: software_token,
    what_next.EMAIL_OTP: email_otp,
}

__all__ = ["STEPS", "Posed", "Proof", "Step", "Turn"]
