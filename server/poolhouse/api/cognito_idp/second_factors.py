"""Second factors: AssociateSoftwareToken, VerifySoftwareToken, the MFA preferences, and an administrator's way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolhouse.account import second_factor
from poolhouse.api.cognito_idp import bearer, views
from poolhouse.api.registry import operation
from poolhouse.core.errors import InvalidParameter
from poolhouse.signin import attempt, engine
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import User, directory

Setting = Mapping[str, Any]
_NEITHER = "Either AccessToken or Session is required."


def _client_of(session: str) -> Client:
    pool_id, client_id = attempt.owner(session)
    return lookup.client(lookup.pool(pool_id), client_id)


@operation("AssociateSoftwareToken")
def associate_software_token(*, access_token: str | None = None, session: str | None = None) -> dict[str, Any]:
    if access_token:
        client, user = bearer.person(access_token)
        return {"SecretCode": second_factor.associate(client.pool, user)}
    if not session:
        raise InvalidParameter(_NEITHER)
    secret, following = engine.associate_software_token(_client_of(session), session)
    return {"SecretCode": secret, "Session": following}


@operation("VerifySoftwareToken")
def verify_software_token(
    *,
    user_code: str,
    access_token: str | None = None,
    session: str | None = None,
    friendly_device_name: str | None = None,
) -> dict[str, Any]:
    if access_token:
        client, user = bearer.person(access_token)
        second_factor.verify(client.pool, user, user_code, friendly_device_name)
        return {"Status": "SUCCESS"}
    if not session:
        raise InvalidParameter(_NEITHER)
    following = engine.verify_software_token(_client_of(session), session, user_code, friendly_device_name)
    return {"Status": "SUCCESS", "Session": following}


@operation("SetUserMFAPreference")
def set_user_mfa_preference(
    *,
    access_token: str,
    sms_mfa_settings: Setting | None = None,
    software_token_mfa_settings: Setting | None = None,
    email_mfa_settings: Setting | None = None,
    webauthn_mfa_settings: Setting | None = None,
) -> None:
    client, user = bearer.person(access_token)
    _prefer(client.pool, user, sms_mfa_settings, software_token_mfa_settings, email_mfa_settings, webauthn_mfa_settings)


@operation("AdminSetUserMFAPreference")
def admin_set_user_mfa_preference(
    *,
    username: str,
    user_pool_id: str,
    sms_mfa_settings: Setting | None = None,
    software_token_mfa_settings: Setting | None = None,
    email_mfa_settings: Setting | None = None,
    webauthn_mfa_settings: Setting | None = None,
) -> None:
    pool = lookup.pool(user_pool_id)
    user = directory.named(pool, username)
    _prefer(pool, user, sms_mfa_settings, software_token_mfa_settings, email_mfa_settings, webauthn_mfa_settings)


def _prefer(
    pool: Pool,
    user: User,
    sms: Setting | None,
    software_token: Setting | None,
    email: Setting | None,
    webauthn: Setting | None,
) -> None:
    for name, given in (("SMS", sms), ("WebAuthn", webauthn)):
        if given and given.get("Enabled"):
            raise InvalidParameter(f"{name} MFA is not supported by this server yet.")
    second_factor.prefer(pool, user, {second_factor.SOFTWARE_TOKEN: software_token, second_factor.EMAIL: email})


@operation("AdminDeleteSoftwareToken", writes=True)
def admin_delete_software_token(*, user_pool_id: str, username: str) -> None:
    pool = lookup.pool(user_pool_id)
    second_factor.forget_software_token(pool, directory.named(pool, username))


@operation("AdminGetUserAuthFactors")
def admin_get_user_auth_factors(*, user_pool_id: str, username: str) -> dict[str, Any]:
    user = directory.named(lookup.pool(user_pool_id), username)
    return {"Username": user.username, "ConfiguredUserAuthFactors": ["PASSWORD"], **views.factors(user)}
