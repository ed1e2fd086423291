"""How IAM names things: ids, names, paths and ARNs, and the forms that they must have."""

from __future__ import annotations

import base64
import re
import secrets

from poolhouse.core import runtime
from poolhouse.core.errors import InvalidInput

NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
POLICY_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_PATH = re.compile(r"/|/[!-.0-~][!-~]*/")


def identifier(prefix: str) -> str:
    """A new unique id as IAM makes them: AIDA… for users, AROA… for roles, AKIA… for keys; 80 random bits."""
    return prefix + base64.b32encode(secrets.token_bytes(10)).decode()


def arn(kind: str, path: str, name: str) -> str:
    """``arn("role", "/", "editor")`` is ``arn:aws:iam::<account>:role/editor``."""
    return f"arn:aws:iam::{runtime.current().settings.account_id}:{kind}{path}{name}"


def session_arn(role_name: str, session_name: str) -> str:
    """The ARN of a role's session; it lacks the role's path, as STS's do."""
    return f"arn:aws:sts::{runtime.current().settings.account_id}:assumed-role/{role_name}/{session_name}"


def path(given: str | None) -> str:
    """A path that is given, "/" where none is. Raises InvalidInput."""
    if given is None:
        return "/"
    if len(given) > 512 or not _PATH.fullmatch(given):
        raise InvalidInput(
            "The specified value for path is invalid. It must begin and end with / and contain only printable ASCII "
            "characters between ! and ~."
        )
    return given
