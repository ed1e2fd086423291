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
    guard: SessionPolicy | None = None,
    source: str = "cognito-identity",
) -> Credentials:
    """`credentials.mint` for a role of this server; for one of another STS an exchange of the identity's token.

    `session_policies` are the asker's own limits; `guard` is ours, which keeps sessions of its kind from administering.
    `openid_token` is called only for another STS. No unit should be writing then: the exchange takes its time. Raises
    what `mint` raises, or IDPCommunicationError.
    """
    all_of_them = [*session_policies, *([guard] if guard is not None else [])]
    if role.credentials_kind == "sts":
        # What the guard speaks of is AWS's administration and ours; MinIO refuses a policy with words it does not know.
        sent = all_of_them if remote_sts.is_aws(role) else session_policies
        return remote_sts.assume(role, session_name, seconds=seconds, token=openid_token(), session_policies=sent)
    return credentials.mint(
        role, session_name, seconds=seconds, context=context, session_policies=all_of_them, source=source
    )
