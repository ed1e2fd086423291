"""Whom trust policies name, pinned: the ids of users and roles are stored, since another may bear their name later.

As IAM does it: a policy that names ``arn:aws:iam::<account>:user/ann`` is kept with her unique id and shown with her
ARN while she is there, with the bare id afterwards. A later user of that name is somebody else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from poolhouse.access import names
from poolhouse.access.iam_users import FIRST_ADMINISTRATOR
from poolhouse.access.models import IamRole, IamUser
from poolhouse.core import runtime, unit
from poolhouse.core.errors import MalformedPolicyDocument

_ARN = re.compile(r"arn:[a-z0-9-]+:iam::([0-9]{12}):(user|role)/\S+")
_UNIQUE = re.compile(r"(AIDA|AROA)[A-Z2-7]{16}")


def pinned(document: str) -> str:
    """A trust policy (that was linted) with ids in place of this account's names.

    Raises MalformedPolicyDocument where it names a user or role of this account that is not there.
    """
    return _with_principals(document, _id_of) if ":iam::" in document else document


def shown(document: str) -> str:
    """A stored trust policy with ARNs in place of the ids of those who are still there."""
    return _with_principals(document, _arn_of) if _UNIQUE.search(document) else document


def _id_of(name: str) -> str:
    found = _ARN.fullmatch(name)
    if found is None or found[1] != runtime.current().settings.account_id:
        return name
    last, user = name.rpartition("/")[2], found[2] == "user"
    # The first administrator stands in the settings: nobody else can bear the name, and there is no row to look for.
    if user and name == names.arn("user", "/", FIRST_ADMINISTRATOR):
        return name
    statement = (
        select(IamUser.path, IamUser.user_id.label("id")).where(IamUser.name == last)
        if user
        else select(IamRole.path, IamRole.role_id.label("id")).where(IamRole.name == last)
    )
    row = unit.execute(statement).first()
    if row is None or names.arn(found[2], row.path, last) != name:
        raise MalformedPolicyDocument(f'Invalid principal in policy: "AWS":"{name}"')
    return str(row.id)


def _arn_of(name: str) -> str:
    found = _UNIQUE.fullmatch(name)
    return name if found is None else runtime.current().cache.get(("principal", name), lambda: _look_up(name, found[1]))


def _look_up(unique_id: str, prefix: str) -> str:
    kind, statement = (
        ("user", select(IamUser.path, IamUser.name).where(IamUser.user_id == unique_id))
        if prefix == "AIDA"
        else ("role", select(IamRole.path, IamRole.name).where(IamRole.role_id == unique_id))
    )
    row = unit.execute(statement).first()
    return unique_id if row is None else names.arn(kind, row.path, row.name)


def _with_principals(document: str, change: Callable[[str], str]) -> str:
    """The document with every AWS principal changed; to the letter the same where none is."""
    content = json.loads(document)
    touched = False
    statements = content["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element)
            if not isinstance(named, dict) or "AWS" not in named:
                continue
            given: Any = named["AWS"]
            made = [change(each) for each in given] if isinstance(given, list) else change(given)
            touched = touched or made != given
            named["AWS"] = made
    return json.dumps(content) if touched else document
