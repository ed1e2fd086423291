"""MFA_SETUP: the pool demands a second factor and the user has none.

Between this challenge and its answer the client calls AssociateSoftwareToken and VerifySoftwareToken with the
Session. The secret stays in the attempt until then: a stolen password alone changes nothing that is stored.
"""

from __future__ import annotations

from collections.abc import Mapping

from poolhouse.core.errors import InvalidParameter
from poolhouse.credentials import totp
from poolhouse.signin import what_next
from poolhouse.signin.steps.step import Posed, Proof, Turn, user_id
from poolhouse.users import directory

NAME = what_next.MFA_SETUP


def pose(turn: Turn) -> Posed:
    """What can be set up."""
    return Posed({**user_id(turn), "MFAS_CAN_SETUP": '["SOFTWARE_TOKEN_MFA"]'})


def check(turn: Turn, answers: Mapping[str, str]) -> Proof:  # noqa: ARG001 - every step has this signature
    """The secret of this attempt, proven by a code."""
    secret, step = turn.state.get("totp_secret"), turn.state.get("totp_step")
    if not secret or step is None:
        raise InvalidParameter("The software token was not verified; call VerifySoftwareToken first.")
    user = turn.known.user

    def store() -> None:
        totp.install(turn.pool, user, str(secret), int(step), turn.state.get("device_name"))
        directory.change(turn.pool, user, mfa={"enabled": [what_next.SOFTWARE_TOKEN_MFA], "preferred": None})

    return Proof(proven=(what_next.SOFTWARE_TOKEN_MFA,), amr=("otp", "mfa"), store=store)
