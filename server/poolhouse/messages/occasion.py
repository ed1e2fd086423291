"""Why a message is sent: what chooses its words, and what the CustomMessage hook is told."""

from __future__ import annotations

from enum import Enum


class Occasion(Enum):
    """The value is the trigger source of Cognito's CustomMessage trigger, after ``CustomMessage_``."""

    SIGN_UP = "SignUp"
    RESEND = "ResendCode"
    FORGOT_PASSWORD = "ForgotPassword"
    ADMIN_RESET = "ForgotPassword:Admin"
    VERIFY_ATTRIBUTE = "VerifyUserAttribute"
    UPDATE_ATTRIBUTE = "UpdateUserAttribute"
    INVITATION = "AdminCreateUser"
    MFA = "Authentication"

    @property
    def trigger(self) -> str:
        """``CustomMessage_SignUp`` and the like; an administrator's reset has no source of its own."""
        return "CustomMessage_" + self.value.partition(":")[0]
