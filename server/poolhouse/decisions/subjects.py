"""Who a question is about, with the roles that speak for them: a user, the bearer of an access token, a client."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from poolhouse.access import authorize, credentials, roles, sessions
from poolhouse.core import clock, runtime
from poolhouse.core.errors import ExpiredSession, NotAuthorized, UnrecognizedClient
from poolhouse.decisions.grants import PERSONAL, Role, Scopes, Subject
from poolhouse.tokens import verify
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import directory, groups
from poolhouse.users.groups import Group
from poolhouse.users.snapshot import User

_LONGEST_ID = 16_384
_SUB = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def find(pool: Pool, kind: str, name: str, access_key_id: str = "") -> Subject | None:
    """The subject of an AuthZEN request, or None: unknown, disabled, or with a token that does not work.

    A `user` is named by `sub`, username or active alias; an `access_token` by itself; a `client` by its id;
    a `session` of a role, such as an identity's, by its session token, which belongs to `access_key_id`.
    """
    if len(name) > _LONGEST_ID or "\x00" in name or not name.isprintable():
        return None
    if kind == "user":
        # By `sub` first: a username that looks like somebody else's `sub` must not stand in for them.
        user = (directory.by_sub(pool.id, name.lower()) if _SUB.fullmatch(name) else None) or directory.find(pool, name)
        return of_user(pool, user) if user is not None and user.enabled else None
    if kind == "access_token":
        return _of_token(pool, name)
    if kind == "client":
        client = lookup.find_client(pool, name) if len(name) <= 128 else None
        return None if client is None else _of_client(client, frozenset(client.oauth_scopes))
    return _of_session(name, access_key_id) if kind == "session" else None


def of_user(pool: Pool, user: User) -> Subject:
    """A user in person: their roles, and no app whose scopes could limit them."""
    return with_groups(user.sub, user.username, groups.of(pool.id, user.sub))


def with_groups(sub: str, username: str, mine: Iterable[Group]) -> Subject:
    """A user whose groups are known already."""
    mine = tuple(mine)
    facts = moment() | {"sub": sub, "aws:username": username, "cognito:groups": [group.name for group in mine]}
    return Subject(sub, _roles(group.role_arn for group in mine), facts=facts)


def _of_token(pool: Pool, text: str) -> Subject | None:
    """The user behind a token, limited by its scopes; or a client, which its scopes alone speak for."""
    try:
        token = verify.access(text, pool=pool)
    except NotAuthorized:
        return None
    if token.user is None:
        return _of_client(token.client, token.scopes)
    person = of_user(pool, token.user)
    limits = None if token.scopes == PERSONAL else token.scopes
    return Subject(person.sub, person.roles, limits, facts={**person.facts, "client_id": token.client.id})


def _of_client(client: Client, scopes: frozenset[str]) -> Subject:
    facts = moment() | {"sub": client.id, "client_id": client.id, "aws:username": ""}
    return Subject(client.id, (), scopes, machine=True, facts=facts)


def _of_session(token: str, access_key_id: str) -> Subject | None:
    """The bearer of temporary credentials: their role, cut down to what the session was given for."""
    try:
        session = credentials.open_(token, access_key_id)
    except (UnrecognizedClient, ExpiredSession):
        return None
    if session.role is None:  # an administrator's: the server's own affair
        return None
    role = session.role
    mine = Role(role.name, role.policies, role.boundary, role.arn, session.session_policies)
    facts = authorize.circumstances(sessions.caller(session), {})
    return Subject(session.name, (mine,), facts=facts)


def _roles(arns: Iterable[str | None]) -> tuple[Role, ...]:
    found = (role_of(arn) for arn in dict.fromkeys(arns) if arn)
    return tuple(role for role in found if role is not None)


def role_of(arn: str) -> Role | None:
    """A role's permissions, or None where there is no such role: a group may name one of AWS's.

    Raises AccessDenied for one whose policies cannot be read: a Deny may be among them.
    """
    stored = roles.find(arn)
    return None if stored is None else Role(stored.name, stored.policies, stored.boundary, stored.arn)


def scopes(pool: Pool) -> Scopes:
    """What the pool's scopes cover, from memory while nothing changes."""

    def load() -> Scopes:
        own = pool.settings.get("Poolhouse") or {}
        return Scopes(pool.resource_scopes, own.get("scope_actions"))

    return runtime.current().cache.get(("scope actions", pool.id), load)


def moment() -> dict[str, Any]:
    """The time, as policies ask for it."""
    now = clock.now()
    return {"aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "aws:EpochTime": str(int(now.timestamp()))}


__all__ = ["find", "moment", "of_user", "role_of", "scopes", "with_groups"]
