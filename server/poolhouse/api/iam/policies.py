"""Managed policies and their versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from poolhouse.access import holdings, managed
from poolhouse.access.models import ManagedPolicyRow
from poolhouse.api.iam import resources, views
from poolhouse.api.registry import Answer, operation
from poolhouse.core import unit
from poolhouse.policy import builtin

_SERVICE = "iam"


@operation("CreatePolicy", service=_SERVICE, writes=True, resource=resources.new_policy)
def create_policy(
    *,
    policy_name: str,
    policy_document: str,
    path: str | None = None,
    description: str = "",
    tags: Sequence[Mapping[str, str]] = (),
) -> Answer:
    given = views.given_tags(tags)
    row = managed.create(policy_name, policy_document, path=path, description=description, tags=given)
    return {"Policy": views.policy(row)}


@operation("GetPolicy", service=_SERVICE, resource=resources.policy)
def get_policy(*, policy_arn: str) -> Answer:
    if policy_arn in builtin.MANAGED:
        return {"Policy": views.builtin_policy(policy_arn)}
    return {"Policy": views.policy(managed.require(policy_arn))}


@operation("ListPolicies", service=_SERVICE)
def list_policies(
    *,
    scope: str = "All",
    only_attached: bool = False,
    path_prefix: str = "/",
    policy_usage_filter: str | None = None,
    marker: str | None = None,
    max_items: int | None = None,
) -> Answer:
    shown: list[Answer] = []
    if scope in {"All", "AWS"}:
        shown += [views.builtin_policy(arn, whole=False) for arn in builtin.MANAGED]
    if scope in {"All", "Local"}:
        shown += [views.policy(row, whole=False) for row in unit.execute(select(ManagedPolicyRow.__table__))]
    used = {"PermissionsPolicy": "AttachmentCount", "PermissionsBoundary": "PermissionsBoundaryUsageCount"}
    member = used.get(policy_usage_filter or ("PermissionsPolicy" if only_attached else ""), "")
    fit = [each for each in shown if each["Path"].startswith(path_prefix) and (not member or each[member])]
    kind = f"policies {scope} {member} {path_prefix}"
    return views.page(kind, "Policies", sorted(fit, key=_arn), _arn, marker, max_items)


@operation("DeletePolicy", service=_SERVICE, writes=True, resource=resources.policy)
def delete_policy(*, policy_arn: str) -> None:
    managed.delete(policy_arn)


@operation("ListEntitiesForPolicy", service=_SERVICE, resource=resources.policy,
           ignores={"Marker": "all of them come in one page", "MaxItems": "as Marker",
                    "PathPrefix": "everybody is shown", "PolicyUsageFilter": "attachments are shown"})  # fmt: skip
def list_entities_for_policy(*, policy_arn: str, entity_filter: str | None = None) -> Answer:
    if policy_arn not in builtin.MANAGED:
        managed.require(policy_arn)
    found = holdings.holders(policy_arn)
    users = [{"UserName": row.name, "UserId": row.id} for row in found["user"]]
    roles = [{"RoleName": row.name, "RoleId": row.id} for row in found["role"]]
    return {
        "PolicyGroups": [],
        "PolicyUsers": users if entity_filter in {None, "User"} else [],
        "PolicyRoles": roles if entity_filter in {None, "Role"} else [],
        "IsTruncated": False,
    }


# --- versions -----------------------------------------------------------------------------------------------------


@operation("CreatePolicyVersion", service=_SERVICE, writes=True, resource=resources.policy)
def create_policy_version(*, policy_arn: str, policy_document: str, set_as_default: bool = False) -> Answer:
    made = managed.add_version(policy_arn, policy_document, default=set_as_default)
    shown = views.version(made, made.version if set_as_default else 0, whole=False)
    return {"PolicyVersion": shown}


@operation("GetPolicyVersion", service=_SERVICE, resource=resources.policy)
def get_policy_version(*, policy_arn: str, version_id: str) -> Answer:
    if policy_arn in builtin.MANAGED and version_id == "v1":
        return {"PolicyVersion": views.builtin_version(policy_arn)}
    row = managed.require(policy_arn)
    return {"PolicyVersion": views.version(managed.version(policy_arn, version_id), row.default_version)}


@operation("ListPolicyVersions", service=_SERVICE, resource=resources.policy)
def list_policy_versions(*, policy_arn: str, marker: str | None = None, max_items: int | None = None) -> Answer:
    if policy_arn in builtin.MANAGED:
        return {"Versions": [{"VersionId": "v1", "IsDefaultVersion": True}], "IsTruncated": False}
    default = managed.require(policy_arn).default_version
    return views.page(
        f"versions of {policy_arn}", "Versions", managed.versions(policy_arn), _newest_first, marker, max_items,
        lambda row: views.version(row, default, whole=False),
    )  # fmt: skip


@operation("SetDefaultPolicyVersion", service=_SERVICE, writes=True, resource=resources.policy)
def set_default_policy_version(*, policy_arn: str, version_id: str) -> None:
    managed.set_default(policy_arn, version_id)


@operation("DeletePolicyVersion", service=_SERVICE, writes=True, resource=resources.policy)
def delete_policy_version(*, policy_arn: str, version_id: str) -> None:
    managed.delete_version(policy_arn, version_id)


def _arn(shown: Answer) -> str:
    return str(shown["Arn"])


def _newest_first(row: Any) -> str:
    return f"{10**9 - row.version:010d}"
