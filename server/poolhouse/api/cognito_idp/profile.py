"""A signed-in person's own profile: operations that carry an AccessToken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from poolhouse.account import administer, profile
from poolhouse.api.cognito_idp import bearer, views
from poolhouse.api.registry import operation


@operation("GetUser")
def get_user(*, access_token: str) -> dict[str, Any]:
    client, user = bearer.person(access_token)
    readable = None if client.read_attributes is None else client.read_attributes | {"sub"}
    return {"Username": user.username, "UserAttributes": views.attributes(user, readable), **views.factors(user)}


@operation("GetUserAuthFactors")
def get_user_auth_factors(*, access_token: str) -> dict[str, Any]:
    _, user = bearer.person(access_token)
    return {"Username": user.username, "ConfiguredUserAuthFactors": ["PASSWORD"], **views.factors(user)}


@operation("UpdateUserAttributes")
def update_user_attributes(
    *,
    user_attributes: Sequence[Mapping[str, str]],
    access_token: str,
    client_metadata: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    client, user = bearer.person(access_token)
    deliveries = profile.update(
        client.pool, user, views.pairs(user_attributes), client=client, metadata=client_metadata
    )
    return {"CodeDeliveryDetailsList": [delivery.describe() for delivery in deliveries] or None}


@operation("DeleteUserAttributes")
def delete_user_attributes(*, user_attribute_names: Sequence[str], access_token: str) -> None:
    client, user = bearer.person(access_token)
    profile.remove(client.pool, user, user_attribute_names, client=client)


@operation("GetUserAttributeVerificationCode")
def get_user_attribute_verification_code(
    *, access_token: str, attribute_name: str, client_metadata: Mapping[str, str] | None = None
) -> dict[str, Any]:
    client, user = bearer.person(access_token)
    delivery = profile.send_verification(client, user, attribute_name, metadata=client_metadata)
    return {"CodeDeliveryDetails": delivery.describe()}


@operation("VerifyUserAttribute")
def verify_user_attribute(*, access_token: str, attribute_name: str, code: str) -> None:
    client, user = bearer.person(access_token)
    profile.verify(client, user, attribute_name, code)


@operation("ChangePassword")
def change_password(*, proposed_password: str, access_token: str, previous_password: str | None = None) -> None:
    client, user = bearer.person(access_token)
    profile.change_password(client, user, previous_password, proposed_password)


@operation("DeleteUser")
def delete_user(*, access_token: str) -> None:
    client, user = bearer.person(access_token)
    profile.leave(client.pool, user, client=client)


@operation("GlobalSignOut")
def global_sign_out(*, access_token: str) -> None:
    client, user = bearer.person(access_token)
    administer.sign_out(client.pool, user, client_id=client.id)
