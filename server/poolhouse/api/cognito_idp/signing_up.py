"""Sign-up and recovery: SignUp, ConfirmSignUp, ResendConfirmationCode, ForgotPassword, ConfirmForgotPassword."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from poolhouse.account import recover, sign_up
from poolhouse.api.cognito_idp import views
from poolhouse.api.registry import operation
from poolhouse.user_pools import lookup
from poolhouse.user_pools.secret_hash import check

_CONTEXT = {
    "AnalyticsMetadata": "Amazon Pinpoint is not there to be told.",
    "UserContextData": "Threat protection is not built yet.",
}


@operation("SignUp", ignores=_CONTEXT)
def create(
    *,
    client_id: str,
    username: str,
    secret_hash: str | None = None,
    password: str | None = None,
    user_attributes: Sequence[Mapping[str, str]] | None = None,
    validation_data: Sequence[Mapping[str, str]] | None = None,
    client_metadata: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    client = lookup.client_anywhere(client_id)
    check(client, [username], secret_hash)
    result = sign_up.sign_up(
        client,
        username,
        password,
        views.pairs(user_attributes),
        validation_data=views.pairs(validation_data),
        metadata=client_metadata,
    )
    return {
        "UserConfirmed": result.confirmed,
        "UserSub": result.user.sub,
        "CodeDeliveryDetails": result.delivery.describe() if result.delivery else None,
    }


@operation("ConfirmSignUp", ignores=_CONTEXT | {"Session": "Sign-in right after confirmation is not built yet."})
def confirm(
    *,
    client_id: str,
    username: str,
    confirmation_code: str,
    secret_hash: str | None = None,
    force_alias_creation: bool = False,
    client_metadata: Mapping[str, str] | None = None,
) -> None:
    client = lookup.client_anywhere(client_id)
    check(client, [username], secret_hash)
    sign_up.confirm(client, username, confirmation_code, force_alias=force_alias_creation, metadata=client_metadata)


@operation("ResendConfirmationCode", ignores=_CONTEXT)
def resend(
    *,
    client_id: str,
    username: str,
    secret_hash: str | None = None,
    client_metadata: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    client = lookup.client_anywhere(client_id)
    check(client, [username], secret_hash)
    return {"CodeDeliveryDetails": sign_up.resend(client, username, metadata=client_metadata).describe()}


@operation("ForgotPassword", ignores=_CONTEXT)
def forgot(
    *,
    client_id: str,
    username: str,
    secret_hash: str | None = None,
    client_metadata: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    client = lookup.client_anywhere(client_id)
    check(client, [username], secret_hash)
    return {"CodeDeliveryDetails": recover.forgot(client, username, metadata=client_metadata).describe()}


@operation("ConfirmForgotPassword", ignores=_CONTEXT)
def confirm_forgot(
    *,
    client_id: str,
    username: str,
    confirmation_code: str,
    password: str,
    secret_hash: str | None = None,
    client_metadata: Mapping[str, str] | None = None,
) -> None:
    client = lookup.client_anywhere(client_id)
    check(client, [username], secret_hash)
    recover.confirm_forgot(client, username, confirmation_code, password, metadata=client_metadata)
