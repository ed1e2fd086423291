"""PASSWORD_VERIFIER: the password is proven without being sent.

Clients of this step send no Session: SECRET_BLOCK is the handle. For names that nobody has, salt and user id are
derived from the name, so that asking twice tells nothing (RFC 5054 §2.5.1.3).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from poolhouse.core import clock, sealing
from poolhouse.core.errors import InvalidParameter, NotAuthorized
from poolhouse.credentials import passwords, srp
from poolhouse.signin import what_next
from poolhouse.signin.steps.step import Posed, Proof, Turn, required

NAME = "PASSWORD_VERIFIER"
_SKEW = timedelta(minutes=5)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIMESTAMP = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>[0-9]{1,2}) "
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2}) UTC (?P<year>[0-9]{4})"
)


def pose(turn: Turn) -> Posed:
    """The server's half. ``turn.state`` has the name as typed and SRP_A."""
    try:
        srp.parse_public(str(turn.state["a"]))
    except srp.InvalidPublicValue as error:
        raise InvalidParameter(str(error)) from None
    verifier, salt, user_id = _verifier(turn)
    half = srp.offer(verifier)
    parameters = {
        "SALT": salt,
        "SRP_B": f"{half.public:x}",
        "USERNAME": user_id,
        "USER_ID_FOR_SRP": user_id,
    }
    return Posed(parameters, {"b": f"{half.b:x}", "public": f"{half.public:x}", "user_id": user_id})


def _verifier(turn: Turn) -> tuple[int, str, str]:
    candidate = turn.candidate
    if candidate is not None and candidate.srp_verifier is not None and candidate.srp_salt is not None:
        verifier = passwords.verifier(turn.pool.id, candidate.user.sub, candidate.srp_verifier)
        return verifier, candidate.srp_salt, candidate.user.username
    name = turn.pool.canonical(str(turn.state["username"]))
    seed = sealing.digest("srp of nobody", f"{turn.pool.id}/{name}")
    salt = int.from_bytes(seed[:16]) >> 1 | 1 << 126
    user_id = candidate.user.username if candidate is not None else _user_id_of_nobody(turn, seed)
    # Any number below N serves as a verifier that no password has.
    return int.from_bytes(hashlib.sha512(seed).digest() * 5) % srp.N, f"{salt:x}", user_id


def _user_id_of_nobody(turn: Turn, seed: bytes) -> str:
    if not turn.pool.username_attributes:
        return str(turn.state["username"])
    text = seed[16:].hex()
    return f"{text[:8]}-{text[8:12]}-7{text[13:16]}-a{text[17:20]}-{text[20:32]}"


def check(turn: Turn, answers: Mapping[str, str]) -> Proof:
    """The proof, against the verifier."""
    block = required(answers, "PASSWORD_CLAIM_SECRET_BLOCK")
    signature = required(answers, "PASSWORD_CLAIM_SIGNATURE")
    timestamp = required(answers, "TIMESTAMP")
    _check_timestamp(timestamp)
    try:
        raw_block = base64.b64decode(block, validate=True)
        raw_signature = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise NotAuthorized() from None
    verifier, _, _ = _verifier(turn)
    half = srp.Offer(int(turn.state["b"], 16), int(turn.state["public"], 16))
    key = srp.session_key(verifier, half, srp.parse_public(str(turn.state["a"])))
    expected = srp.proof(key, turn.pool.srp_name, str(turn.state["user_id"]), raw_block, timestamp)
    if turn.candidate is None or not sealing.same(expected, raw_signature):
        raise NotAuthorized()
    return Proof(proven=(what_next.PASSWORD,), amr=("pwd",))


def _check_timestamp(text: str) -> None:
    """Raise unless ``text`` is now, in the format that Cognito's clients write (the day is not padded)."""
    match = _TIMESTAMP.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        month = _MONTHS.index(match["month"]) + 1
        day, hour, minute, second = (int(match[name]) for name in ("day", "hour", "minute", "second"))
        at = datetime(int(match["year"]), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise InvalidParameter("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.") from None
    if abs(clock.now() - at) > _SKEW:
        raise NotAuthorized(hint="the TIMESTAMP is not now")
