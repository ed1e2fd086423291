"""A pool and a client as every request sees them: immutable, parsed once, shared between threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from poolhouse.settings import Secret
from poolhouse.user_pools import rules, schema
from poolhouse.user_pools.rules import PasswordPolicy
from poolhouse.user_pools.schema import Attribute

_UNIT_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
# ExplicitAuthFlows before 2020 and what each means today; the two generations are never mixed.
_LEGACY_FLOWS = {
    "ADMIN_NO_SRP_AUTH": ("ALLOW_ADMIN_USER_PASSWORD_AUTH",),
    "CUSTOM_AUTH_FLOW_ONLY": ("ALLOW_CUSTOM_AUTH",),
    "USER_PASSWORD_AUTH": ("ALLOW_USER_PASSWORD_AUTH",),
}
_DEFAULT_FLOWS = ("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH")
_RECOVERY_DEFAULT = ("verified_phone_number", "verified_email")


@dataclass(frozen=True)
class Pool:
    """A user pool. ``settings`` has the members of CreateUserPool as they were given, ``schema`` by attribute name."""

    id: str
    name: str
    settings: Mapping[str, Any]
    tags: Mapping[str, str]
    created_at: datetime
    modified_at: datetime
    region: str
    account_id: str
    issuer: str
    domain: str | None = None
    custom_domain: str | None = None
    resource_scopes: Mapping[str, str] = field(default_factory=dict)  # "identifier/scope" -> description

    @property
    def arn(self) -> str:
        """``arn:aws:cognito-idp:<region>:<account>:userpool/<id>``."""
        return f"arn:aws:cognito-idp:{self.region}:{self.account_id}:userpool/{self.id}"

    @property
    def srp_name(self) -> str:
        """The part of the id after ``_``: what SRP calls the pool's name."""
        return self.id.split("_", 1)[1]

    @cached_property
    def username_attributes(self) -> tuple[str, ...]:
        """``email``/``phone_number`` if people sign up with these instead of a username of their own."""
        return tuple(self.settings.get("UsernameAttributes") or ())

    @cached_property
    def alias_attributes(self) -> tuple[str, ...]:
        """Verified attributes that people may sign in with beside their username."""
        return tuple(self.settings.get("AliasAttributes") or ())

    @cached_property
    def case_sensitive(self) -> bool:
        """Whether ``Ann`` and ``ann`` are two people; true by default through the API."""
        return bool((self.settings.get("UsernameConfiguration") or {}).get("CaseSensitive", True))

    @cached_property
    def auto_verified(self) -> tuple[str, ...]:
        """Attributes that a code is sent to at sign-up."""
        return tuple(self.settings.get("AutoVerifiedAttributes") or ())

    @cached_property
    def verify_before_update(self) -> tuple[str, ...]:
        """Attributes that keep their old value until the new one is verified."""
        update = self.settings.get("UserAttributeUpdateSettings") or {}
        return tuple(update.get("AttributesRequireVerificationBeforeUpdate") or ())

    @cached_property
    def mfa(self) -> str:
        """OFF, OPTIONAL or ON."""
        return str(self.settings.get("MfaConfiguration") or "OFF")

    @cached_property
    def totp_enabled(self) -> bool:
        """Whether TOTP is a second factor here (SetUserPoolMfaConfig)."""
        return bool((self.settings.get("SoftwareTokenMfaConfiguration") or {}).get("Enabled"))

    @cached_property
    def email_mfa(self) -> bool:
        """Whether mailed codes are a second factor here (SetUserPoolMfaConfig)."""
        return bool(self.settings.get("EmailMfaConfiguration"))

    @cached_property
    def password_policy(self) -> PasswordPolicy:
        """What passwords must be."""
        return rules.password_policy(self.settings)

    @cached_property
    def schema(self) -> Mapping[str, Attribute]:
        """Every attribute, standard and custom, by its full name."""
        described = self.settings.get("SchemaAttributes") or ()
        return schema.standard() | {a["Name"]: schema.from_description(a) for a in described}

    @cached_property
    def required_attributes(self) -> tuple[str, ...]:
        """What every user must have, beside ``sub``."""
        return tuple(a.name for a in self.schema.values() if a.required and a.name != "sub")

    @cached_property
    def admin_create_only(self) -> bool:
        """Whether people may not sign themselves up."""
        return bool((self.settings.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly"))

    @cached_property
    def temporary_password_days(self) -> int:
        """How long an invitation's password works."""
        return self.password_policy.temporary_days

    @cached_property
    def recovery(self) -> tuple[str, ...]:
        """``verified_email``, ``verified_phone_number``, ``admin_only``, in the order in which they are tried."""
        given = (self.settings.get("AccountRecoverySetting") or {}).get("RecoveryMechanisms")
        if not given:
            return _RECOVERY_DEFAULT
        return tuple(m["Name"] for m in sorted(given, key=lambda m: m.get("Priority", 1)))

    def canonical(self, name: str) -> str:
        """``name`` in the form in which this pool compares names."""
        return rules.canonical(name, case_sensitive=self.case_sensitive)


@dataclass(frozen=True)
class Client:
    """An app client. ``settings`` has the members of CreateUserPoolClient as they were given."""

    pool: Pool
    id: str
    name: str
    settings: Mapping[str, Any]
    secrets: tuple[Secret, ...]
    created_at: datetime
    modified_at: datetime

    @property
    def pool_id(self) -> str:
        """The pool's id."""
        return self.pool.id

    @property
    def confidential(self) -> bool:
        """Whether it has a secret, or a key of its own (private_key_jwt)."""
        return bool(self.secrets) or self.token_endpoint_auth_method == "private_key_jwt"

    @cached_property
    def flows(self) -> frozenset[str]:
        """``ALLOW_…`` flows, legacy names translated, Cognito's default where none were given."""
        given = self.settings.get("ExplicitAuthFlows") or _DEFAULT_FLOWS
        legacy = [flow for flow in given if flow in _LEGACY_FLOWS]
        flows = frozenset(given)
        if legacy:
            # A client of the first generation may always use SRP and refresh.
            translated = frozenset(new for flow in legacy for new in _LEGACY_FLOWS[flow])
            flows = translated | {"ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"}
        # Rotated tokens come from GetTokensFromRefreshToken alone, whatever the default says.
        return flows - {"ALLOW_REFRESH_TOKEN_AUTH"} if self.rotation_enabled else flows

    @cached_property
    def callback_urls(self) -> tuple[str, ...]:
        return tuple(self.settings.get("CallbackURLs") or ())

    @cached_property
    def logout_urls(self) -> tuple[str, ...]:
        return tuple(self.settings.get("LogoutURLs") or ())

    @cached_property
    def default_redirect_uri(self) -> str | None:
        return self.settings.get("DefaultRedirectURI")

    @cached_property
    def oauth_enabled(self) -> bool:
        """AllowedOAuthFlowsUserPoolClient: whether the OAuth endpoints serve it."""
        return bool(self.settings.get("AllowedOAuthFlowsUserPoolClient"))

    @cached_property
    def oauth_flows(self) -> frozenset[str]:
        """``code``, ``implicit``, ``client_credentials``."""
        return frozenset(self.settings.get("AllowedOAuthFlows") or ()) if self.oauth_enabled else frozenset()

    @cached_property
    def oauth_scopes(self) -> tuple[str, ...]:
        return tuple(self.settings.get("AllowedOAuthScopes") or ())

    @cached_property
    def identity_providers(self) -> tuple[str, ...]:
        """SupportedIdentityProviders by name; ``COGNITO`` is the pool itself, and what a client without a list has."""
        return tuple(self.settings.get("SupportedIdentityProviders") or ("COGNITO",))

    def offers(self, provider: str) -> bool:
        """Whether people may come to it through ``provider``."""
        return provider in self._providers

    @cached_property
    def _providers(self) -> frozenset[str]:
        return frozenset(self.identity_providers)

    @cached_property
    def read_attributes(self) -> frozenset[str] | None:
        """What its tokens may show; None: everything."""
        given = self.settings.get("ReadAttributes")
        return frozenset(given) if given else None

    @cached_property
    def write_attributes(self) -> frozenset[str] | None:
        """What people may change through it; None: everything."""
        given = self.settings.get("WriteAttributes")
        return frozenset(given) if given else None

    @cached_property
    def hides_users(self) -> bool:
        """PreventUserExistenceErrors ENABLED."""
        return self.settings.get("PreventUserExistenceErrors") == "ENABLED"

    def _seconds(self, member: str, unit: str, default: int, default_unit: str) -> int:
        units = self.settings.get("TokenValidityUnits") or {}
        return int(self.settings.get(member) or default) * (
            _UNIT_SECONDS[units.get(unit, default_unit)] if self.settings.get(member) else _UNIT_SECONDS[default_unit]
        )

    @cached_property
    def access_seconds(self) -> int:
        return self._seconds("AccessTokenValidity", "AccessToken", 1, "hours")

    @cached_property
    def id_seconds(self) -> int:
        return self._seconds("IdTokenValidity", "IdToken", 1, "hours")

    @cached_property
    def refresh_seconds(self) -> int:
        return self._seconds("RefreshTokenValidity", "RefreshToken", 30, "days")

    @cached_property
    def auth_session_seconds(self) -> int:
        """How long a challenge may be answered."""
        return int(self.settings.get("AuthSessionValidity") or 3) * 60

    @cached_property
    def revocation_enabled(self) -> bool:
        return bool(self.settings.get("EnableTokenRevocation", True))

    @cached_property
    def rotation_enabled(self) -> bool:
        return (self.settings.get("RefreshTokenRotation") or {}).get("Feature") == "ENABLED"

    @cached_property
    def rotation_grace_seconds(self) -> int:
        return int((self.settings.get("RefreshTokenRotation") or {}).get("RetryGracePeriodSeconds") or 0)

    @cached_property
    def own(self) -> Mapping[str, Any]:
        """Our own settings beside Cognito's: jwks, token_endpoint_auth_method, require_pkce, token_profile, …"""
        return self.settings.get("Poolhouse") or {}

    @cached_property
    def token_endpoint_auth_method(self) -> str:
        """The one method it must use, or ``""``: basic or post with a secret, none without."""
        return str(self.own.get("token_endpoint_auth_method") or "")

    def may_read(self, attribute: str) -> bool:
        """Whether its tokens may show ``attribute``."""
        return self.read_attributes is None or attribute in self.read_attributes

    def may_write(self, attribute: str) -> bool:
        """Whether people may change ``attribute`` through it; required attributes always."""
        if attribute in schema.RESERVED or attribute in schema.VERIFIED_FLAGS:
            return False
        if attribute in self.pool.required_attributes:
            return True
        return self.write_attributes is None or attribute in self.write_attributes
