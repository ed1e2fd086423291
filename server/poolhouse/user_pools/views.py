"""Pools, clients and their parts as the API shows them: defaults filled in or left out as Cognito does."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from poolhouse.core import runtime
from poolhouse.user_pools import pool_rules, schema
from poolhouse.user_pools.clients import DescribedSecret
from poolhouse.user_pools.domains import Domain
from poolhouse.user_pools.snapshots import Client, Pool

# Shown as they were given, and left out where nothing was.
_POOL_AS_GIVEN = (
    "AutoVerifiedAttributes",
    "AliasAttributes",
    "UsernameAttributes",
    "SmsVerificationMessage",
    "EmailVerificationMessage",
    "EmailVerificationSubject",
    "SmsAuthenticationMessage",
    "SmsConfiguration",
    "UserPoolAddOns",
    "DcrConfiguration",
    "UsernameConfiguration",
    "AccountRecoverySetting",
    "KeyConfiguration",
    "IssuerConfiguration",
)
_CLIENT_AS_GIVEN = (
    "AccessTokenValidity",
    "IdTokenValidity",
    "TokenValidityUnits",
    "ReadAttributes",
    "WriteAttributes",
    "ExplicitAuthFlows",
    "SupportedIdentityProviders",
    "CallbackURLs",
    "LogoutURLs",
    "DefaultRedirectURI",
    "AllowedOAuthFlows",
    "AllowedOAuthScopes",
    "AnalyticsConfiguration",
    "PreventUserExistenceErrors",
    "RefreshTokenRotation",
)
_UNIT_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


def pool(found: Pool, users: int) -> dict[str, Any]:
    """UserPoolType, the whole of it."""
    settings = found.settings
    given = {member: settings[member] for member in _POOL_AS_GIVEN if settings.get(member)}
    return given | {
        "Id": found.id,
        "Name": found.name,
        "Arn": found.arn,
        "CreationDate": found.created_at,
        "LastModifiedDate": found.modified_at,
        "Policies": {
            "PasswordPolicy": found.password_policy.describe(),
            "SignInPolicy": {"AllowedFirstAuthFactors": pool_rules.first_factors(settings)},
        },
        "DeletionProtection": settings.get("DeletionProtection") or "INACTIVE",
        "LambdaConfig": triggers(found),
        "SchemaAttributes": _schema(found),
        "VerificationMessageTemplate": {
            "DefaultEmailOption": "CONFIRM_WITH_CODE",
            **(settings.get("VerificationMessageTemplate") or {}),
        },
        "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": list(found.verify_before_update)},
        "MfaConfiguration": found.mfa,
        "DeviceConfiguration": _devices(settings.get("DeviceConfiguration")),
        "EstimatedNumberOfUsers": users,
        "EmailConfiguration": {
            "EmailSendingAccount": "COGNITO_DEFAULT",
            **(settings.get("EmailConfiguration") or {}),
        },
        "UserPoolTags": dict(found.tags),
        "Domain": found.domain,
        "CustomDomain": found.custom_domain,
        "AdminCreateUserConfig": {
            "AllowAdminCreateUserOnly": False,
            **(settings.get("AdminCreateUserConfig") or {}),
            "UnusedAccountValidityDays": found.temporary_password_days,
        },
        "UserPoolTier": settings.get("UserPoolTier") or "ESSENTIALS",
        "AcrConfiguration": pool_rules.acr_names(settings),
    }


def _schema(found: Pool) -> list[dict[str, Any]]:
    """All attributes, standard ones first: `updated_at` and the like too, whether anybody asked for them or not."""
    attributes = found.schema
    names = [name for name in schema.standard() if name in attributes]
    names += [name for name in attributes if name not in schema.STANDARD_NAMES]
    return [attributes[name].describe() for name in names]


def _devices(given: dict[str, bool] | None) -> dict[str, bool] | None:
    if given is None:
        return None
    return {"ChallengeRequiredOnNewDevice": False, "DeviceOnlyRememberedOnUserPrompt": False} | given


def triggers(found: Pool) -> dict[str, Any]:
    """LambdaConfigType; the plain and the versioned form of the pre token generation trigger name the same function."""
    config = dict(found.settings.get("LambdaConfig") or {})
    if config.get("PreTokenGenerationConfig"):
        config.setdefault("PreTokenGeneration", config["PreTokenGenerationConfig"]["LambdaArn"])
    elif config.get("PreTokenGeneration"):
        config["PreTokenGenerationConfig"] = {"LambdaVersion": "V1_0", "LambdaArn": config["PreTokenGeneration"]}
    return config


def pool_summary(found: Pool) -> dict[str, Any]:
    """UserPoolDescriptionType."""
    return {
        "Id": found.id,
        "Name": found.name,
        "LambdaConfig": triggers(found),
        "CreationDate": found.created_at,
        "LastModifiedDate": found.modified_at,
    }


def mfa(found: Pool) -> dict[str, Any]:
    """What GetUserPoolMfaConfig and SetUserPoolMfaConfig answer."""
    settings = found.settings
    shown = {member: settings.get(member) for member in pool_rules.MFA_OWNED}
    if pool_rules.sms_factor(settings):
        shown["SmsMfaConfiguration"] = {
            "SmsAuthenticationMessage": settings.get("SmsAuthenticationMessage"),
            "SmsConfiguration": settings.get("SmsConfiguration"),
        }
    return shown | {"MfaConfiguration": found.mfa}


def client(found: Client) -> dict[str, Any]:
    """UserPoolClientType, secret included."""
    settings = found.settings
    given = {member: settings[member] for member in _CLIENT_AS_GIVEN if settings.get(member)}
    refresh_unit = (settings.get("TokenValidityUnits") or {}).get("RefreshToken", "days")
    return given | {
        "UserPoolId": found.pool_id,
        "ClientName": found.name,
        "ClientId": found.id,
        "ClientSecret": found.secrets[0].reveal() if found.secrets else None,
        "CreationDate": found.created_at,
        "LastModifiedDate": found.modified_at,
        "RefreshTokenValidity": found.refresh_seconds // _UNIT_SECONDS[refresh_unit],
        "AllowedOAuthFlowsUserPoolClient": found.oauth_enabled,
        "EnableTokenRevocation": found.revocation_enabled,
        "EnablePropagateAdditionalUserContextData": bool(settings.get("EnablePropagateAdditionalUserContextData")),
        "AuthSessionValidity": found.auth_session_seconds // 60,
    }


def secret(described: DescribedSecret, value: str | None = None) -> dict[str, Any]:
    """ClientSecretDescriptorType; a secret's value is shown once, to whoever had it generated."""
    return {
        "ClientSecretId": described.id,
        "ClientSecretValue": value,
        "ClientSecretCreateDate": described.created_at,
    }


def domain(found: Domain | None) -> dict[str, Any]:
    """DomainDescriptionType: empty for a domain that nobody has, as Cognito does."""
    if found is None:
        return {}
    return {
        "UserPoolId": found.pool_id,
        "AWSAccountId": runtime.current().settings.account_id,
        "Domain": found.name,
        "CloudFrontDistribution": found.host,
        "Version": found.created_at.strftime("%Y%m%d%H%M%S"),
        "Status": "ACTIVE",
        "CustomDomainConfig": found.settings.get("CustomDomainConfig"),
        "ManagedLoginVersion": found.managed_login_version,
        "Routing": found.settings.get("Routing"),
    }


def resource_server(pool_id: str, row: Row[Any]) -> dict[str, Any]:
    """ResourceServerType."""
    return {"UserPoolId": pool_id, "Identifier": row.identifier, "Name": row.name, "Scopes": row.scopes}
