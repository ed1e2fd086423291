"""Temporary credentials: minted without a row, opened again when they sign a request.

All that a session is stands sealed in its token: the role, the name, the identity's condition keys, session policies,
the secret key and the end. Nobody can read or change one, or use it with another access key id; a role's sessions end
together when they are revoked, or when the role goes.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from poolhouse.access import documents, keys, managed, names, roles
from poolhouse.access.roles import Role
from poolhouse.core import clock, sealing
from poolhouse.core.errors import (
    ExpiredSession,
    MalformedPolicyDocument,
    NoSuchEntity,
    PackedPolicyTooLarge,
    UnrecognizedClient,
    Validation,
)
from poolhouse.core.sealing import SealBroken
from poolhouse.policy import Policy, PolicyError
from poolhouse.settings import Secret

SHORTEST_SECONDS = 900
LONGEST_SECONDS = 43_200

_PURPOSE = "session token"
_FORM = 1
# A token travels in a header of every request: what is packed into it must fit beside the rest of the headers.
_PACKED_AT_MOST = 4096
_LONGEST_TOKEN = 12_288

SessionPolicy = str | Mapping[str, Any]
"""A document, or the ARN of a managed policy."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client signs with until `expiration`."""

    access_key_id: str
    secret_access_key: Secret
    session_token: str = field(repr=False)
    expiration: datetime
    packed_percent: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its token tells: of a role, or (`role` None) of the IAM user `user_name` in person.

    `context` are the condition keys that it was begun with: the identity's (":sub", ":aud", ":amr"), principal tags.
    """

    access_key_id: str
    secret: Secret
    role: Role | None
    name: str
    user_name: str
    user_id: str
    issued_at: datetime
    expires_at: datetime
    context: Mapping[str, Any]
    session_policies: tuple[Policy, ...]
    source: str


def mint(
    role: Role,
    session_name: str,
    *,
    seconds: int = 3600,
    context: Mapping[str, str | list[str]],
    session_policies: Sequence[SessionPolicy] = (),
    source: str = "cognito-identity",
    until: datetime | None = None,
) -> Credentials:
    """Credentials of this server's own for a session of `role`; no statement, no row.

    What the session may do is what both the role and `session_policies` allow. It ends after `seconds`, or with
    `until`, which may be sooner than any duration that can be asked for. Raises Validation for a duration or
    name that cannot be, MalformedPolicyDocument, PackedPolicyTooLarge.
    """
    if seconds > role.max_session_seconds:
        raise Validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    if not names.SESSION_NAME.fullmatch(session_name):
        raise Validation("A session name has 2 to 64 letters, digits and characters of +=,.@-_")
    if len({key.lower() for key in context}) != len(context):
        raise Validation("Two condition keys of a session differ in case only.")
    texts = [_session_policy(each) for each in session_policies]
    content = {"r": role.name, "i": role.role_id, "n": session_name, "x": dict(context), "p": texts, "o": source}
    return _sealed(content, seconds, until)


def mint_for_user(user_name: str, user_id: str, *, seconds: int) -> Credentials:
    """Credentials with which an IAM user stays who they are for a while."""
    return _sealed({"u": user_name, "i": user_id, "n": user_name, "x": {}, "p": [], "o": "sts"}, seconds)


def open_(session_token: str, access_key_id: str) -> Session:
    """The session that a token is, if it belongs to that access key id.

    Raises UnrecognizedClient for a token that is no token of ours, was changed, belongs to another key, or whose role
    is gone; ExpiredSession for one whose time is over, or that was revoked with its role's others.
    """
    content = _content(session_token, access_key_id)
    issued, expires = _moment(content["b"]), _moment(content["e"])
    if expires <= clock.now():
        raise ExpiredSession()
    role = _role(content, issued)
    try:
        policies = tuple(_opened_policy(text) for text in content["p"])
    except (PolicyError, NoSuchEntity) as broken:
        # Without the policy that limits it the session would be good for more than it was given for.
        raise UnrecognizedClient(hint=f"session policy: {broken}") from broken
    return Session(
        access_key_id=access_key_id,
        secret=Secret(content["s"]),
        role=role,
        name=content["n"],
        user_name=content.get("u", ""),
        user_id=content["i"] if role is None else "",
        issued_at=issued,
        expires_at=expires,
        context=content["x"],
        session_policies=policies,
        source=content["o"],
    )


def _sealed(content: dict[str, Any], seconds: int, until: datetime | None = None) -> Credentials:
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise Validation(f"DurationSeconds must be between {SHORTEST_SECONDS} and {LONGEST_SECONDS}.")
    packed = len(orjson.dumps([content["x"], content["p"]]))
    if packed > _PACKED_AT_MOST:
        percent = packed * 100 // _PACKED_AT_MOST
        raise PackedPolicyTooLarge(f"Packed policy consumes {percent}% of allotted space, please use smaller policy.")
    now = clock.now()
    key_id, secret = names.identifier("ASIA"), keys.new_secret()
    longest = now + timedelta(seconds=seconds)
    expires = min(longest, until or longest).replace(microsecond=0)
    full = {"v": _FORM, "s": secret.reveal(), "b": now.timestamp(), "e": expires.timestamp(), **content}
    token = base64.b64encode(sealing.seal(_PURPOSE, orjson.dumps(full), key_id)).decode()
    percent = packed * 100 // _PACKED_AT_MOST if content["x"] or content["p"] else 0
    return Credentials(key_id, secret, token, expires, percent)


def _session_policy(given: SessionPolicy) -> str:
    if isinstance(given, str) and given.startswith("arn:"):
        if not managed.exists(given):
            raise MalformedPolicyDocument(f"Policy {given} does not exist or is not attachable.")
        return given
    return _accepted(given if isinstance(given, str) else json.dumps(given))


@functools.lru_cache(maxsize=256)
def _accepted(text: str) -> str:
    """A session's policy, read once however many sessions are given it: most are the same few."""
    return documents.accept(text, name="session policy", kind="identity")


def _opened_policy(text: str) -> Policy:
    if text.startswith("arn:"):
        return managed.compiled(text)
    return _compiled(text)


@functools.lru_cache(maxsize=256)
def _compiled(text: str) -> Policy:
    return documents.stored(text, name="session policy", kind="identity")


def _content(token: str, access_key_id: str) -> dict[str, Any]:
    if len(token) > _LONGEST_TOKEN:
        raise UnrecognizedClient(hint="a session token longer than any of ours")
    try:
        opened = sealing.open_(_PURPOSE, base64.b64decode(token, validate=True), access_key_id)
    except (SealBroken, binascii.Error, ValueError) as reason:
        raise UnrecognizedClient(hint=f"session token: {reason}") from None
    content: dict[str, Any] = orjson.loads(opened)
    if content.get("v") != _FORM:
        raise UnrecognizedClient(hint="a session token of another version")
    return content


def _role(content: Mapping[str, Any], issued: datetime) -> Role | None:
    if "r" not in content:
        return None
    try:
        role = roles.get(content["r"])
    except NoSuchEntity as gone:
        raise UnrecognizedClient(hint=str(gone)) from None
    # A new role of the same name is another role: it never let this session in.
    if role.role_id != content["i"]:
        raise UnrecognizedClient(hint=f"role {role.name} was made anew since")
    if role.sessions_revoked_at is not None and issued <= role.sessions_revoked_at:
        raise ExpiredSession(hint=f"the sessions of role {role.name} were revoked")
    return role


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
