"""Administrators and users: the twelve operations on a user's life, and ListUsers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from poolhouse.account import administer, profile, recover, sign_up
from poolhouse.api.cognito_idp import views
from poolhouse.api.registry import operation
from poolhouse.core.errors import AliasExists, InvalidParameter, UsernameExists
from poolhouse.user_pools import lookup
from poolhouse.users import directory, search

_LARGEST_PAGE = 60


@operation("AdminCreateUser")
def admin_create_user(
    *,
    user_pool_id: str,
    username: str,
    user_attributes: Sequence[Mapping[str, str]] | None = None,
    validation_data: Sequence[Mapping[str, str]] | None = None,
    temporary_password: str | None = None,
    force_alias_creation: bool = False,
    message_action: str | None = None,
    desired_delivery_mediums: Sequence[str] | None = None,
    client_metadata: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    pool = lookup.pool(user_pool_id)
    media = tuple(desired_delivery_mediums or ())
    if message_action == "RESEND":
        user = administer.reinvite(
            pool, username, temporary_password=temporary_password, media=media, metadata=client_metadata
        )
        return {"User": views.user_type(user)}
    try:
        user = administer.invite(
            pool,
            username,
            views.pairs(user_attributes),
            temporary_password=temporary_password,
            force_alias=force_alias_creation,
            silent=message_action == "SUPPRESS",
            media=media,
            validation_data=views.pairs(validation_data),
            metadata=client_metadata,
        )
    except AliasExists as error:  # the model declares no AliasExists here
        raise UsernameExists(str(error)) from None
    return {"User": views.user_type(user)}


@operation("AdminConfirmSignUp", writes=True)
def admin_confirm_sign_up(
    *, user_pool_id: str, username: str, client_metadata: Mapping[str, str] | None = None
) -> None:
    sign_up.confirm_by_administrator(lookup.pool(user_pool_id), username, metadata=client_metadata)


@operation("AdminGetUser")
def admin_get_user(*, user_pool_id: str, username: str) -> dict[str, Any]:
    user = directory.named(lookup.pool(user_pool_id), username)
    shown = views.user_type(user)
    return {"UserAttributes": shown.pop("Attributes"), **shown, **views.factors(user)}


@operation("AdminDeleteUser", writes=True)
def admin_delete_user(*, user_pool_id: str, username: str) -> None:
    pool = lookup.pool(user_pool_id)
    profile.leave(pool, directory.named(pool, username))


@operation("AdminDisableUser", writes=True)
def admin_disable_user(*, user_pool_id: str, username: str) -> None:
    administer.disable(lookup.pool(user_pool_id), username)


@operation("AdminEnableUser", writes=True)
def admin_enable_user(*, user_pool_id: str, username: str) -> None:
    administer.enable(lookup.pool(user_pool_id), username)


@operation("AdminUpdateUserAttributes")
def admin_update_user_attributes(
    *,
    user_pool_id: str,
    username: str,
    user_attributes: Sequence[Mapping[str, str]],
    client_metadata: Mapping[str, str] | None = None,
) -> None:
    pool = lookup.pool(user_pool_id)
    user = directory.named(pool, username)
    profile.update(pool, user, views.pairs(user_attributes), metadata=client_metadata)


@operation("AdminDeleteUserAttributes", writes=True)
def admin_delete_user_attributes(*, user_pool_id: str, username: str, user_attribute_names: Sequence[str]) -> None:
    pool = lookup.pool(user_pool_id)
    profile.remove(pool, directory.named(pool, username), user_attribute_names)


@operation("AdminSetUserPassword")
def admin_set_user_password(*, user_pool_id: str, username: str, password: str, permanent: bool = False) -> None:
    administer.set_password(lookup.pool(user_pool_id), username, password, permanent=permanent)


@operation("AdminResetUserPassword")
def admin_reset_user_password(
    *, user_pool_id: str, username: str, client_metadata: Mapping[str, str] | None = None
) -> None:
    recover.reset_by_administrator(lookup.pool(user_pool_id), username, metadata=client_metadata)


@operation("AdminUserGlobalSignOut", writes=True)
def admin_user_global_sign_out(*, user_pool_id: str, username: str) -> None:
    pool = lookup.pool(user_pool_id)
    administer.sign_out(pool, directory.named(pool, username))


@operation("ListUsers")
def list_users(
    *,
    user_pool_id: str,
    attributes_to_get: Sequence[str] | None = None,
    limit: int | None = None,
    pagination_token: str | None = None,
    filter: str | None = None,
) -> dict[str, Any]:
    pool = lookup.pool(user_pool_id)
    for name in attributes_to_get or ():
        if name not in pool.schema:
            raise InvalidParameter(f"Invalid attribute to get: {name}")
    # Limit 0 means: as many as a page holds.
    users, following = search.page(pool, filter, limit or _LARGEST_PAGE, pagination_token)
    wanted = set(attributes_to_get) if attributes_to_get else None
    return {"Users": [views.user_type(user, wanted) for user in users], "PaginationToken": following}
