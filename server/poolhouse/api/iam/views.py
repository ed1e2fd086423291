"""What IAM shows of its rows, and how its lists are paged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from poolhouse.access import managed, names, principals
from poolhouse.access.caller import Caller
from poolhouse.core import paging
from poolhouse.core.errors import InvalidParameter, Validation
from poolhouse.policy import builtin

Answer = dict[str, Any]
Item = TypeVar("Item")

_PAGE = 100
# When the policies that come with the server were written: clients expect a date.
_BUILT_IN_ID = "ANPAPOOLHOUSE"


def document(text: str) -> str:
    """A policy document as IAM sends it: percent-encoded (RFC 3986), which clients undo."""
    return quote(text, safe="-._~")


def role(row: Any, *, whole: bool = True) -> Answer:
    """A role; lists show neither its tags nor its boundary."""
    shown: Answer = {
        "Path": row.path,
        "RoleName": row.name,
        "RoleId": row.role_id,
        "Arn": names.arn("role", row.path, row.name),
        "CreateDate": row.created_at,
        "AssumeRolePolicyDocument": document(principals.shown(row.trust)),
        "Description": row.description or None,
        "MaxSessionDuration": row.max_session_seconds,
    }
    return shown | _whole(row) | {"RoleLastUsed": {}} if whole else shown


def user(row: Any, *, whole: bool = True) -> Answer:
    """A user; lists show neither the tags nor the boundary."""
    shown: Answer = {
        "Path": row.path,
        "UserName": row.name,
        "UserId": row.user_id,
        "Arn": names.arn("user", row.path, row.name),
        "CreateDate": row.created_at,
    }
    return shown | _whole(row) if whole else shown


def administrator(who: Caller) -> Answer:
    """The first administrator, who stands in the settings and has no row: as old as time itself."""
    began = datetime.fromtimestamp(0, UTC)
    return {"Path": "/", "UserName": who.name, "UserId": who.user_id, "Arn": who.arn, "CreateDate": began}


def policy(row: Any, *, whole: bool = True) -> Answer:
    """A managed policy of the account."""
    used = managed.attachments(row.arn)
    shown: Answer = {
        "PolicyName": row.name,
        "PolicyId": row.policy_id,
        "Arn": row.arn,
        "Path": row.path,
        "DefaultVersionId": f"v{row.default_version}",
        "AttachmentCount": used["attached"],
        "PermissionsBoundaryUsageCount": used["boundary"],
        "IsAttachable": True,
        "CreateDate": row.created_at,
        "UpdateDate": row.modified_at,
    }
    return shown | {"Description": row.description or None, "Tags": tags(row.tags)} if whole else shown


def builtin_policy(arn: str, *, whole: bool = True) -> Answer:
    """A policy that comes with the server."""
    found, used = builtin.MANAGED[arn], managed.attachments(arn)
    shown: Answer = {
        "PolicyName": found.name,
        "PolicyId": f"{_BUILT_IN_ID}{list(builtin.MANAGED).index(arn):08d}",
        "Arn": arn,
        "Path": "/",
        "DefaultVersionId": "v1",
        "AttachmentCount": used["attached"],
        "PermissionsBoundaryUsageCount": used["boundary"],
        "IsAttachable": True,
    }
    return shown | {"Description": found.description, "Tags": []} if whole else shown


def builtin_version(arn: str) -> Answer:
    """The one version of a policy that comes with the server."""
    text = json.dumps(builtin.MANAGED[arn].document, indent=4)
    return {"Document": document(text), "VersionId": "v1", "IsDefaultVersion": True}


def version(row: Any, default: int, *, whole: bool = True) -> Answer:
    """A version of a managed policy; lists leave out the document."""
    shown: Answer = {
        "VersionId": f"v{row.version}",
        "IsDefaultVersion": row.version == default,
        "CreateDate": row.created_at,
    }
    return shown | {"Document": document(row.document)} if whole else shown


def attached(arns: Iterable[str], path_prefix: str | None) -> list[Answer]:
    """Attached policies, those whose path begins so."""
    shown = [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]
    return [each for each in shown if path_of(each["PolicyArn"]).startswith(path_prefix or "/")]


def path_of(arn: str) -> str:
    """The path in an ARN: "/team/" of "arn:aws:iam::000000000000:policy/team/read"."""
    return "/" + "".join(f"{part}/" for part in arn.partition("/")[2].split("/")[:-1])


def tags(held: Mapping[str, str]) -> list[Answer]:
    """Tags as a list of keys and values."""
    return [{"Key": key, "Value": value} for key, value in held.items()]


def given_tags(listed: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Tags as a mapping. Raises Validation where a key stands twice."""
    found = {tag["Key"]: tag["Value"] for tag in listed}
    if len({key.lower() for key in found}) != len(listed):
        raise Validation("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    return found


def page(
    kind: str,
    member: str,
    items: Sequence[Item],
    key: Callable[[Item], str],
    marker: str | None,
    max_items: int | None,
    show: Callable[[Item], Any] = lambda item: item,
) -> Answer:
    """A page of `items`, which are sorted by `key`, as an answer with IsTruncated and Marker. Raises Validation."""
    try:
        after = paging.decode(f"iam {kind}", marker).get("after")
    except InvalidParameter:
        raise Validation("Invalid Marker.") from None
    left = [item for item in items if after is None or key(item) > after]
    size = max_items or _PAGE
    shown = left[:size]
    answer: Answer = {member: [show(item) for item in shown], "IsTruncated": len(left) > size}
    if len(left) > size:
        answer["Marker"] = paging.encode(f"iam {kind}", {"after": key(shown[-1])})
    return answer


def _whole(row: Any) -> Answer:
    bounded = {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": row.boundary_arn}
    return {"PermissionsBoundary": bounded if row.boundary_arn else None, "Tags": tags(row.tags)}
