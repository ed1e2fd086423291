"""Roles: create, look up, list, change, delete, tag and bound them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from poolhouse.access import holdings, roles
from poolhouse.access.models import IamRole
from poolhouse.api.iam import resources, views
from poolhouse.api.registry import Answer, operation
from poolhouse.core import unit
from poolhouse.core.errors import NoSuchEntity

_SERVICE = "iam"


@operation("CreateRole", service=_SERVICE, writes=True, resource=resources.role)
def create_role(
    *,
    role_name: str,
    assume_role_policy_document: str,
    path: str | None = None,
    description: str = "",
    max_session_duration: int = 3600,
    permissions_boundary: str = "",
    tags: Sequence[Mapping[str, str]] = (),
) -> Answer:
    row = roles.create(
        role_name,
        assume_role_policy_document,
        path=path,
        description=description,
        max_session_seconds=max_session_duration,
        boundary_arn=permissions_boundary,
        tags=views.given_tags(tags),
    )
    return {"Role": views.role(row)}


@operation("GetRole", service=_SERVICE, resource=resources.role)
def get_role(*, role_name: str) -> Answer:
    return {"Role": views.role(roles.require(role_name))}


@operation("ListRoles", service=_SERVICE)
def list_roles(*, path_prefix: str = "/", marker: str | None = None, max_items: int | None = None) -> Answer:
    found = select(IamRole.__table__).where(IamRole.path.startswith(path_prefix, autoescape=True))
    rows = sorted(unit.execute(found), key=lambda row: row.name)
    return views.page(
        f"roles {path_prefix}", "Roles", rows, lambda row: row.name, marker, max_items,
        lambda row: views.role(row, whole=False),
    )  # fmt: skip


@operation("UpdateRole", service=_SERVICE, writes=True, resource=resources.role)
def update_role(*, role_name: str, description: str | None = None, max_session_duration: int | None = None) -> None:
    given = {"description": description, "max_session_seconds": max_session_duration}
    roles.require(role_name)
    if values := {name: value for name, value in given.items() if value is not None}:
        roles.update_role(role_name, **values)


@operation("UpdateRoleDescription", service=_SERVICE, writes=True, resource=resources.role)
def update_role_description(*, role_name: str, description: str) -> Answer:
    roles.update_role(role_name, description=description)
    return {"Role": views.role(roles.require(role_name))}


@operation("UpdateAssumeRolePolicy", service=_SERVICE, writes=True, resource=resources.role)
def update_assume_role_policy(*, role_name: str, policy_document: str) -> None:
    roles.set_trust(role_name, policy_document)


@operation("DeleteRole", service=_SERVICE, writes=True, resource=resources.role)
def delete_role(*, role_name: str) -> None:
    roles.delete(role_name)


# --- tags ---------------------------------------------------------------------------------------------------------


@operation("TagRole", service=_SERVICE, writes=True, resource=resources.role)
def tag_role(*, role_name: str, tags: Sequence[Mapping[str, str]]) -> None:
    held = roles.require(role_name).tags
    roles.set_tags(role_name, roles.merged_tags(held, views.given_tags(tags)))


@operation("UntagRole", service=_SERVICE, writes=True, resource=resources.role)
def untag_role(*, role_name: str, tag_keys: Sequence[str]) -> None:
    held = roles.require(role_name).tags
    roles.set_tags(role_name, {key: value for key, value in held.items() if key not in tag_keys})


@operation("ListRoleTags", service=_SERVICE, resource=resources.role)
def list_role_tags(*, role_name: str, marker: str | None = None, max_items: int | None = None) -> Answer:
    listed = sorted(views.tags(roles.require(role_name).tags), key=lambda tag: str(tag["Key"]))
    return views.page(f"tags of role {role_name}", "Tags", listed, lambda tag: str(tag["Key"]), marker, max_items)


# --- boundary -----------------------------------------------------------------------------------------------------


@operation("PutRolePermissionsBoundary", service=_SERVICE, writes=True, resource=resources.role)
def put_role_permissions_boundary(*, role_name: str, permissions_boundary: str) -> None:
    holdings.set_boundary(holdings.ROLE, role_name, permissions_boundary)


@operation("DeleteRolePermissionsBoundary", service=_SERVICE, writes=True, resource=resources.role)
def delete_role_permissions_boundary(*, role_name: str) -> None:
    if not roles.require(role_name).boundary_arn:
        raise NoSuchEntity(f"Role {role_name} does not have a permissions boundary.")
    holdings.set_boundary(holdings.ROLE, role_name, "")


@operation("ListInstanceProfilesForRole", service=_SERVICE, resource=resources.role,
           ignores={"Marker": "there are no machines here, so no profiles", "MaxItems": "as Marker"})  # fmt: skip
def list_instance_profiles_for_role(*, role_name: str) -> Answer:
    roles.require(role_name)  # Terraform asks this before it deletes a role
    return {"InstanceProfiles": [], "IsTruncated": False}
