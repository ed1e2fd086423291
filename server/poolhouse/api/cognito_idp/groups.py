"""Groups of a pool, and who is in them."""

from __future__ import annotations

from poolhouse.access import authorize
from poolhouse.access.caller import Caller
from poolhouse.api.cognito_idp import views
from poolhouse.api.registry import Answer, operation
from poolhouse.user_pools import limits, lookup
from poolhouse.users import directory, groups
from poolhouse.users.groups import Group
from poolhouse.users.models import GroupRow


@operation("CreateGroup", writes=True)
def create_group(
    caller: Caller,
    *,
    group_name: str,
    user_pool_id: str,
    description: str | None = None,
    role_arn: str | None = None,
    precedence: int | None = None,
) -> Answer:
    _may_pass(caller, role_arn)
    pool = lookup.pool(user_pool_id)
    limits.check(limits.GROUPS, "groups", GroupRow.name, GroupRow.pool_id == pool.id)
    return {"Group": _shown(pool.id, groups.create(pool, group_name, description, role_arn, precedence))}


@operation("GetGroup")
def get_group(*, group_name: str, user_pool_id: str) -> Answer:
    pool = lookup.pool(user_pool_id)
    return {"Group": _shown(pool.id, groups.get(pool, group_name))}


@operation("UpdateGroup", writes=True)
def update_group(
    caller: Caller,
    *,
    group_name: str,
    user_pool_id: str,
    description: str | None = None,
    role_arn: str | None = None,
    precedence: int | None = None,
) -> Answer:
    _may_pass(caller, role_arn)
    pool = lookup.pool(user_pool_id)
    changed = groups.change(pool, group_name, description=description, role_arn=role_arn, precedence=precedence)
    return {"Group": _shown(pool.id, changed)}


@operation("DeleteGroup", writes=True)
def delete_group(*, group_name: str, user_pool_id: str) -> None:
    groups.remove(lookup.pool(user_pool_id), group_name)


@operation("ListGroups")
def list_groups(*, user_pool_id: str, limit: int | None = None, next_token: str | None = None) -> Answer:
    pool = lookup.pool(user_pool_id)
    found, following = groups.page(pool, limit or limits.PAGE, next_token)
    return {"Groups": [_shown(pool.id, group) for group in found], "NextToken": following}


@operation("ListUsersInGroup")
def list_users_in_group(
    *, user_pool_id: str, group_name: str, limit: int | None = None, next_token: str | None = None
) -> Answer:
    pool = lookup.pool(user_pool_id)
    found, following = groups.members_page(pool, group_name, limit or limits.PAGE, next_token)
    return {"Users": [views.user_type(user) for user in found], "NextToken": following}


@operation("AdminAddUserToGroup", writes=True)
def admin_add_user_to_group(*, user_pool_id: str, username: str, group_name: str) -> None:
    pool = lookup.pool(user_pool_id)
    groups.add(pool, group_name, directory.named(pool, username))


@operation("AdminRemoveUserFromGroup", writes=True)
def admin_remove_user_from_group(*, user_pool_id: str, username: str, group_name: str) -> None:
    pool = lookup.pool(user_pool_id)
    groups.take_out(pool, group_name, directory.named(pool, username))


@operation("AdminListGroupsForUser")
def admin_list_groups_for_user(
    *, username: str, user_pool_id: str, limit: int | None = None, next_token: str | None = None
) -> Answer:
    pool = lookup.pool(user_pool_id)
    user = directory.named(pool, username)
    found, following = groups.of_page(pool, user, limit or limits.PAGE, next_token)
    return {"Groups": [_shown(pool.id, group) for group in found], "NextToken": following}


def _may_pass(caller: Caller, role_arn: str | None) -> None:
    """Whoever may make groups must not give their members a role that they could not hand on themselves."""
    if role_arn:
        authorize.pass_role(caller, role_arn, service="cognito-idp.amazonaws.com")


def _shown(pool_id: str, group: Group) -> Answer:
    return {
        "GroupName": group.name,
        "UserPoolId": pool_id,
        "Description": group.description,
        "RoleArn": group.role_arn,
        "Precedence": group.precedence,
        "LastModifiedDate": group.modified_at,
        "CreationDate": group.created_at,
    }
