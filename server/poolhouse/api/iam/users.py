"""Users, what they hold, and their access keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from poolhouse.access import holdings, iam_users, keys
from poolhouse.access.caller import Caller
from poolhouse.access.models import IamUser
from poolhouse.api.iam import resources, views
from poolhouse.api.registry import Answer, operation
from poolhouse.core import unit
from poolhouse.core.errors import NoSuchEntity, Validation

_SERVICE = "iam"
_KIND = holdings.USER


@operation("CreateUser", service=_SERVICE, writes=True, resource=resources.user)
def create_user(
    *,
    user_name: str,
    path: str | None = None,
    permissions_boundary: str = "",
    tags: Sequence[Mapping[str, str]] = (),
) -> Answer:
    row = iam_users.create(user_name, path=path, boundary_arn=permissions_boundary, tags=views.given_tags(tags))
    return {"User": views.user(row)}


@operation("GetUser", service=_SERVICE, resource=resources.user)
def get_user(caller: Caller, *, user_name: str | None = None) -> Answer:
    name = _named(caller, user_name)
    if name == iam_users.FIRST_ADMINISTRATOR:
        return {"User": views.administrator(keys.administrator())}
    return {"User": views.user(iam_users.row(name))}


@operation("ListUsers", service=_SERVICE)
def list_users(*, path_prefix: str = "/", marker: str | None = None, max_items: int | None = None) -> Answer:
    found = select(IamUser.__table__).where(IamUser.path.startswith(path_prefix, autoescape=True))
    rows = sorted(unit.execute(found), key=lambda row: row.name)
    return views.page(
        f"users {path_prefix}", "Users", rows, lambda row: row.name, marker, max_items,
        lambda row: views.user(row, whole=False),
    )  # fmt: skip


@operation("DeleteUser", service=_SERVICE, writes=True, resource=resources.user)
def delete_user(*, user_name: str) -> None:
    iam_users.delete_bare(user_name)


@operation("PutUserPermissionsBoundary", service=_SERVICE, writes=True, resource=resources.user)
def put_user_permissions_boundary(*, user_name: str, permissions_boundary: str) -> None:
    holdings.set_boundary(_KIND, user_name, permissions_boundary)


@operation("DeleteUserPermissionsBoundary", service=_SERVICE, writes=True, resource=resources.user)
def delete_user_permissions_boundary(*, user_name: str) -> None:
    if not iam_users.row(user_name).boundary_arn:
        raise NoSuchEntity(f"User {user_name} does not have a permissions boundary.")
    holdings.set_boundary(_KIND, user_name, "")


# --- policies -----------------------------------------------------------------------------------------------------


@operation("PutUserPolicy", service=_SERVICE, writes=True, resource=resources.user)
def put_user_policy(*, user_name: str, policy_name: str, policy_document: str) -> None:
    holdings.put_inline(_KIND, user_name, policy_name, policy_document)


@operation("GetUserPolicy", service=_SERVICE, resource=resources.user)
def get_user_policy(*, user_name: str, policy_name: str) -> Answer:
    text = holdings.get_inline(_KIND, user_name, policy_name)
    return {"UserName": user_name, "PolicyName": policy_name, "PolicyDocument": views.document(text)}


@operation("ListUserPolicies", service=_SERVICE, resource=resources.user)
def list_user_policies(*, user_name: str, marker: str | None = None, max_items: int | None = None) -> Answer:
    _KIND.require(user_name)
    held = sorted(row.name for row in holdings.inline(_KIND, user_name))
    return views.page(f"policies of user {user_name}", "PolicyNames", held, str, marker, max_items)


@operation("DeleteUserPolicy", service=_SERVICE, writes=True, resource=resources.user)
def delete_user_policy(*, user_name: str, policy_name: str) -> None:
    holdings.delete_inline(_KIND, user_name, policy_name)


@operation("AttachUserPolicy", service=_SERVICE, writes=True, resource=resources.user)
def attach_user_policy(*, user_name: str, policy_arn: str) -> None:
    holdings.attach(_KIND, user_name, policy_arn)


@operation("DetachUserPolicy", service=_SERVICE, writes=True, resource=resources.user)
def detach_user_policy(*, user_name: str, policy_arn: str) -> None:
    holdings.detach(_KIND, user_name, policy_arn)


@operation("ListAttachedUserPolicies", service=_SERVICE, resource=resources.user)
def list_attached_user_policies(
    *, user_name: str, path_prefix: str | None = None, marker: str | None = None, max_items: int | None = None
) -> Answer:
    _KIND.require(user_name)
    held = sorted(views.attached(holdings.attached(_KIND, user_name), path_prefix), key=_arn)
    return views.page(f"attached to user {user_name}", "AttachedPolicies", held, _arn, marker, max_items)


# --- access keys --------------------------------------------------------------------------------------------------


@operation("CreateAccessKey", service=_SERVICE, writes=True, resource=resources.user)
def create_access_key(caller: Caller, *, user_name: str | None = None) -> Answer:
    name = _named(caller, user_name)
    key = keys.create(name)
    held = next(row for row in keys.listed(name) if row.id == key.id)
    shown = {"UserName": name, "AccessKeyId": key.id, "Status": "Active", "CreateDate": held.created_at}
    return {"AccessKey": {**shown, "SecretAccessKey": key.secret.reveal()}}


@operation("ListAccessKeys", service=_SERVICE, resource=resources.user)
def list_access_keys(
    caller: Caller, *, user_name: str | None = None, marker: str | None = None, max_items: int | None = None
) -> Answer:
    name = _named(caller, user_name)
    shown: list[Answer] = [
        {
            "UserName": name,
            "AccessKeyId": row.id,
            "Status": "Active" if row.active else "Inactive",
            "CreateDate": row.created_at,
        }
        for row in sorted(keys.listed(name), key=lambda row: str(row.id))
    ]
    return views.page(
        f"keys of {name}", "AccessKeyMetadata", shown, lambda key: str(key["AccessKeyId"]), marker, max_items
    )


@operation("UpdateAccessKey", service=_SERVICE, writes=True, resource=resources.user)
def update_access_key(caller: Caller, *, access_key_id: str, status: str, user_name: str | None = None) -> None:
    if status not in {"Active", "Inactive"}:
        raise Validation("An access key is set Active or Inactive.")
    keys.set_active(access_key_id, status == "Active", user_name=_named(caller, user_name))


@operation("DeleteAccessKey", service=_SERVICE, writes=True, resource=resources.user)
def delete_access_key(caller: Caller, *, access_key_id: str, user_name: str | None = None) -> None:
    keys.delete(access_key_id, user_name=_named(caller, user_name))


def _named(caller: Caller, user_name: str | None) -> str:
    """The user that is named, or the caller. Raises Validation where the caller is no user."""
    if user_name is not None:
        return user_name
    if caller.kind != "user":
        raise Validation("Must specify userName when calling with non-User credentials")
    return caller.name


def _arn(shown: Answer) -> str:
    return str(shown["PolicyArn"])
