"""Credentials for a session of a role, from whoever makes that role's credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from poolhouse.access import credentials, remote_sts
from poolhouse.access.credentials import Credentials, SessionPolicy
from poolhouse.access.roles import Role


def vend(
    role: Role,
    session_name: str,
    *,
    seconds: int,
    context: Mapping[str, str | list[str]],
    openid_token: Callable[[], str],
    session_policies: Sequence[SessionPolicy] = (),
    source: str = "cognito-identity",
) -> Credentials:
    """`credentials.mint` for a role of this server; for one of another STS an exchange of the identity's token.

    `openid_token` is called only for the latter. No unit should be writing then: the exchange takes its time. Raises
    what `mint` raises, or IDPCommunicationError.
    """
    if role.credentials_kind == "sts":
        return remote_sts.assume(
            role, session_name, seconds=seconds, token=openid_token(), session_policies=session_policies
        )
    return credentials.mint(
        role, session_name, seconds=seconds, context=context, session_policies=session_policies, source=source
    )
