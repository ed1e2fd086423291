"""SELECT_MFA_TYPE: the user has several second factors, prefers none, and says which."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from poolhouse.core.errors import InvalidParameter
from poolhouse.signin import what_next
from poolhouse.signin.steps.step import Posed, Proof, Turn, required, user_id

NAME = what_next.SELECT_MFA_TYPE


def pose(turn: Turn) -> Posed:
    """The factors there are: the guide names the key MFAS_CAN_SELECT, clients in the field read MFAS_CAN_CHOOSE."""
    factors = orjson.dumps(sorted(turn.state["usable"])).decode()
    return Posed({**user_id(turn), "MFAS_CAN_CHOOSE": factors, "MFAS_CAN_SELECT": factors})


def check(turn: Turn, answers: Mapping[str, str]) -> Proof:
    """One of them."""
    answer = required(answers, "ANSWER")
    if answer not in turn.state["usable"]:
        raise InvalidParameter(f"Invalid MFA type selected: {answer}")
    return Proof(chosen=answer)
