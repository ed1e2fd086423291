"""What roles hold: inline policies, and managed ones that are attached."""

from __future__ import annotations

from poolhouse.access import holdings
from poolhouse.api.iam import resources, views
from poolhouse.api.registry import Answer, operation

_SERVICE = "iam"
_KIND = holdings.ROLE


@operation("PutRolePolicy", service=_SERVICE, writes=True, resource=resources.role)
def put_role_policy(*, role_name: str, policy_name: str, policy_document: str) -> None:
    holdings.put_inline(_KIND, role_name, policy_name, policy_document)


@operation("GetRolePolicy", service=_SERVICE, resource=resources.role)
def get_role_policy(*, role_name: str, policy_name: str) -> Answer:
    text = holdings.get_inline(_KIND, role_name, policy_name)
    return {"RoleName": role_name, "PolicyName": policy_name, "PolicyDocument": views.document(text)}


@operation("ListRolePolicies", service=_SERVICE, resource=resources.role)
def list_role_policies(*, role_name: str, marker: str | None = None, max_items: int | None = None) -> Answer:
    _KIND.require(role_name)
    held = sorted(row.name for row in holdings.inline(_KIND, role_name))
    return views.page(f"policies of role {role_name}", "PolicyNames", held, str, marker, max_items)


@operation("DeleteRolePolicy", service=_SERVICE, writes=True, resource=resources.role)
def delete_role_policy(*, role_name: str, policy_name: str) -> None:
    holdings.delete_inline(_KIND, role_name, policy_name)


@operation("AttachRolePolicy", service=_SERVICE, writes=True, resource=resources.role)
def attach_role_policy(*, role_name: str, policy_arn: str) -> None:
    holdings.attach(_KIND, role_name, policy_arn)


@operation("DetachRolePolicy", service=_SERVICE, writes=True, resource=resources.role)
def detach_role_policy(*, role_name: str, policy_arn: str) -> None:
    holdings.detach(_KIND, role_name, policy_arn)


@operation("ListAttachedRolePolicies", service=_SERVICE, resource=resources.role)
def list_attached_role_policies(
    *, role_name: str, path_prefix: str | None = None, marker: str | None = None, max_items: int | None = None
) -> Answer:
    _KIND.require(role_name)
    held = sorted(views.attached(holdings.attached(_KIND, role_name), path_prefix), key=_arn)
    return views.page(f"attached to role {role_name}", "AttachedPolicies", held, _arn, marker, max_items)


def _arn(shown: Answer) -> str:
    return str(shown["PolicyArn"])
