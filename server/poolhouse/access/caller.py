"""The caller of an operation: who asks, as permissions and the audit see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from poolhouse.access.credentials import Session

Kind = Literal["user", "assumed_role", "anonymous", "internal"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls the API.

    ``user`` signed with an access key, ``assumed_role`` with temporary credentials; ``anonymous`` signed nothing that
    counts (all that unsigned operations ever see); ``internal`` is the operator of this machine, who holds the master
    key anyway and is asked for no permission. With temporary credentials `session` says what they are good for;
    `name` is the role's then, and `user_id` the role's id and the session's name.
    """

    kind: Kind
    arn: str = ""
    account: str = ""
    name: str = ""
    user_id: str = ""
    access_key_id: str = ""
    source_ip: str = ""
    user_agent: str = ""
    session: Session | None = field(default=None, repr=False, compare=False)


ANONYMOUS = Caller("anonymous")


def operator(account: str) -> Caller:
    """Whoever runs commands on the server's own machine."""
    return Caller("internal", arn=f"arn:aws:iam::{account}:root", account=account, name="operator", user_id=account)
