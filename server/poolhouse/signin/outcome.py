"""What a step of a sign-in ends in: another challenge, or somebody signed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from poolhouse.user_pools.snapshots import Client
from poolhouse.users import User


class Entrance(StrEnum):
    """Where somebody signs in, which decides what they may use there."""

    API = "api"
    ADMIN = "admin"
    HOSTED = "hosted"


@dataclass(frozen=True, slots=True)
class Challenge:
    """Something to be answered: its name as in ChallengeNameType, the handle (``Session``), what the client is told."""

    name: str
    handle: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody proved who they are. ``auth_time`` in seconds since 1970; ``amr`` as in RFC 8176 and Cognito.

    ``provider`` is the identity provider that vouched for them: what they begin ends with it. ``acr`` is how sure
    that makes us, None where ``amr`` says it.
    """

    user: User
    client: Client
    auth_time: int
    amr: tuple[str, ...]
    provider: str | None = None
    acr: str | None = None


Outcome = Challenge | SignedIn
