"""The caller that a session of temporary credentials stands for."""

from __future__ import annotations

import dataclasses

from poolhouse.access import keys, names
from poolhouse.access.caller import Caller
from poolhouse.access.credentials import Session
from poolhouse.core import runtime


def caller(session: Session) -> Caller:
    """Whoever signs with a session's credentials. Raises UnrecognizedClient where its user is gone."""
    role = session.role
    if role is None:
        user = keys.require_user(session.user_name, session.user_id)
        return dataclasses.replace(user, access_key_id=session.access_key_id, session=session)
    return Caller(
        "assumed_role",
        arn=names.session_arn(role.name, session.name),
        account=runtime.current().settings.account_id,
        name=role.name,
        user_id=f"{role.role_id}:{session.name}",
        access_key_id=session.access_key_id,
        session=session,
    )
