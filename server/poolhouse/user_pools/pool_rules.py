"""What a pool's settings must be beyond the shapes of the API's model; every refusal is an InvalidParameter."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from poolhouse.core.errors import InvalidParameter, UserPoolTagging
from poolhouse.user_pools import schema
from poolhouse.user_pools.limits import TAGS
from poolhouse.user_pools.schema import Attribute, InvalidValue

ACR_DEFAULTS = {f"Level{level}": f"urn:cognito:loa:{level}" for level in range(1, 5)}
# The members of CreateUserPool that UpdateUserPool does not have: they are settled for good.
IMMUTABLE = ("SchemaAttributes", "AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
# What SetUserPoolMfaConfig alone sets.
MFA_OWNED = ("SoftwareTokenMfaConfiguration", "EmailMfaConfiguration", "WebAuthnConfiguration")
# Whether SetUserPoolMfaConfig turned SMS on or left it off; without it, an SMS sender is a second factor too.
SMS_FACTOR = "SmsMfaEnabled"
OWN = "Poolhouse"

_LONGEST_STRING = schema.LONGEST_VALUE
_HOST = re.compile(r"(?=.{1,127}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


def check(settings: Mapping[str, Any]) -> None:
    """Raise InvalidParameter unless ``settings`` (of a pool that is created or replaced) go together."""
    if settings.get("AliasAttributes") and settings.get("UsernameAttributes"):
        raise InvalidParameter("Only one of the aliasAttributes or usernameAttributes can be set in a User pool.")
    _check_verification(settings)
    _check_recovery(settings)
    _check_validity_days(settings)
    _check_templates(settings)
    _check_senders(settings)
    _check_triggers(settings)
    _check_acr(settings)
    _check_sign_in_policy(settings)
    check_mfa(
        settings, "SMS configuration and Auto verification for phone_number are required when MFA is required/optional"
    )


def _check_verification(settings: Mapping[str, Any]) -> None:
    update = settings.get("UserAttributeUpdateSettings") or {}
    before = set(update.get("AttributesRequireVerificationBeforeUpdate") or ())
    if before - set(settings.get("AutoVerifiedAttributes") or ()):
        raise InvalidParameter(
            "Invalid value for UserAttributeUpdateSettings: attributes that require verification before update must be"
            " auto verified attributes."
        )


def _check_recovery(settings: Mapping[str, Any]) -> None:
    mechanisms = (settings.get("AccountRecoverySetting") or {}).get("RecoveryMechanisms") or ()
    names = [mechanism["Name"] for mechanism in mechanisms]
    priorities = {mechanism["Priority"] for mechanism in mechanisms}
    if len(set(names)) < len(names) or len(priorities) < len(names):
        raise InvalidParameter("Account Recovery Setting cannot have duplicate priorities or recovery mechanisms.")
    if "admin_only" in names and len(names) > 1:
        raise InvalidParameter(
            "Account Recovery Setting cannot use admin_only setting with any other recovery mechanisms."
        )


def _check_validity_days(settings: Mapping[str, Any]) -> None:
    policy = (settings.get("Policies") or {}).get("PasswordPolicy") or {}
    days = policy.get("TemporaryPasswordValidityDays")
    unused_days = (settings.get("AdminCreateUserConfig") or {}).get("UnusedAccountValidityDays")
    # Cognito refuses both together; DescribeUserPool shows both, so we let what it showed come back.
    if days and unused_days and days != unused_days:
        raise InvalidParameter(
            "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays"
        )


def _check_templates(settings: Mapping[str, Any]) -> None:
    template = settings.get("VerificationMessageTemplate") or {}
    if template.get("EmailMessage") and template.get("EmailMessageByLink"):
        raise InvalidParameter(
            "EmailMessage and EmailMessageByLink cannot both be set: choose the one of DefaultEmailOption."
        )
    invitation = (settings.get("AdminCreateUserConfig") or {}).get("InviteMessageTemplate") or {}
    for member, name in (("SMSMessage", "SMS"), ("EmailMessage", "email")):
        text = invitation.get(member)
        if text is not None and not ("{username}" in text and "{####}" in text):
            raise InvalidParameter(
                f"Invalid {name} message for Admin create user flow parameter: it must contain {{username}} and"
                " {####}"
            )


def _check_senders(settings: Mapping[str, Any]) -> None:
    mail = settings.get("EmailConfiguration") or {}
    if mail.get("EmailSendingAccount") == "DEVELOPER" and not mail.get("SourceArn"):
        raise InvalidParameter("SourceArn is required when EmailSendingAccount is DEVELOPER.")
    sms = settings.get("SmsConfiguration")
    if sms is not None and not (sms.get("SnsCallerArn") or sms.get("EumsSms")):
        raise InvalidParameter("SnsCallerArn or EumsSms is required in SmsConfiguration.")


def _check_triggers(settings: Mapping[str, Any]) -> None:
    triggers = settings.get("LambdaConfig") or {}
    versioned = triggers.get("PreTokenGenerationConfig")
    plain = triggers.get("PreTokenGeneration")
    if versioned and plain and versioned["LambdaArn"] != plain:
        raise InvalidParameter("PreTokenGeneration and PreTokenGenerationConfig must name the same Lambda function.")
    if (triggers.get("CustomSMSSender") or triggers.get("CustomEmailSender")) and not triggers.get("KMSKeyID"):
        raise InvalidParameter("KMSKeyID is required with a custom sender Lambda trigger.")


def _check_acr(settings: Mapping[str, Any]) -> None:
    names = acr_names(settings)
    if len({name["AcrValue"] for name in names.values()}) < len(names):
        raise InvalidParameter("ACR level names must be unique across all levels, default names included.")


def acr_names(settings: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The names of all four levels, defaults filled in, as DescribeUserPool shows them."""
    given = settings.get("AcrConfiguration") or {}
    return {level: dict(given.get(level) or {"AcrValue": name}) for level, name in ACR_DEFAULTS.items()}


def first_factors(settings: Mapping[str, Any]) -> list[str]:
    """AllowedFirstAuthFactors in effect."""
    policy = (settings.get("Policies") or {}).get("SignInPolicy") or {}
    return list(policy.get("AllowedFirstAuthFactors") or ["PASSWORD"])


def _check_sign_in_policy(settings: Mapping[str, Any]) -> None:
    factors = first_factors(settings)
    if "PASSWORD" not in factors:
        raise InvalidParameter("Password should be configured as one of the allowed first auth factors.")
    if "SOFTWARE_TOKEN" in factors:
        raise InvalidParameter("SOFTWARE_TOKEN is not supported as a first auth factor.")
    if len(set(factors)) < len(factors):
        raise InvalidParameter("Allowed first auth factors must be unique.")


# --- Second factors ---------------------------------------------------------------------------------------------------


def check_mfa(settings: Mapping[str, Any], no_factor: str) -> None:
    """Raise InvalidParameter unless a pool that asks for second factors has one; ``no_factor`` is that refusal.

    Cognito's guide: a one-time password by mail cannot be the first factor where MFA is required, a passkey only where
    it verifies its user; mail cannot be both the only way to recover and a second factor.
    """
    required = settings.get("MfaConfiguration") or "OFF"
    if required == "OFF":
        return
    totp = (settings.get("SoftwareTokenMfaConfiguration") or {}).get("Enabled")
    mail = settings.get("EmailMfaConfiguration")
    if not (totp or mail is not None or sms_factor(settings)):
        raise InvalidParameter(no_factor)
    recovery = (settings.get("AccountRecoverySetting") or {}).get("RecoveryMechanisms") or ()
    if mail is not None and [mechanism["Name"] for mechanism in recovery] == ["verified_email"]:
        raise InvalidParameter("Email MFA cannot be combined with email as the only account recovery mechanism.")
    if required == "ON":
        _check_required(settings, set(first_factors(settings)))


def _check_required(settings: Mapping[str, Any], factors: set[str]) -> None:
    if factors & {"EMAIL_OTP", "SMS_OTP"}:
        raise InvalidParameter("One-time passwords cannot be first auth factors when MFA is required.")
    verifying = (settings.get("WebAuthnConfiguration") or {}).get("FactorConfiguration")
    if "WEB_AUTHN" in factors and verifying != "MULTI_FACTOR_WITH_USER_VERIFICATION":
        raise InvalidParameter(
            "WEB_AUTHN can be a first auth factor with required MFA only where passkeys are configured as"
            " MULTI_FACTOR_WITH_USER_VERIFICATION."
        )


def sms_factor(settings: Mapping[str, Any]) -> bool:
    """Whether SMS is a second factor of the pool."""
    if (settings.get("MfaConfiguration") or "OFF") == "OFF" or not settings.get("SmsConfiguration"):
        return False
    return bool(settings.get(SMS_FACTOR, True))


def check_mfa_call(given: Mapping[str, Any]) -> None:
    """Raise InvalidParameter for what SetUserPoolMfaConfig may not say in one breath."""
    totp = (given.get("SoftwareTokenMfaConfiguration") or {}).get("Enabled")
    if (given.get("MfaConfiguration") or "OFF") == "OFF" and (totp or given.get("SmsMfaConfiguration") is not None):
        raise InvalidParameter("Invalid MFA configuration given, can't turn off MFA and configure an MFA together.")
    relying_party = (given.get("WebAuthnConfiguration") or {}).get("RelyingPartyId")
    if relying_party is not None and not _HOST.fullmatch(relying_party):
        raise InvalidParameter("The relying party ID must be a domain name in lower case.")


# --- Schema -----------------------------------------------------------------------------------------------------------


def schema_of(described: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the ``Schema`` of CreateUserPool adds to or changes in the standard attributes, by full names."""
    attributes: dict[str, Attribute] = {}
    for one in described:
        attribute = _standard(one) if one.get("Name") in schema.STANDARD_NAMES else custom(one)
        if attribute.name in attributes:
            raise InvalidParameter(
                f"Duplicate custom attribute names {attribute.name} are not allowed in a user pool schema."
            )
        attributes[attribute.name] = attribute
    return [attribute.describe() for attribute in attributes.values()]


def custom(described: Mapping[str, Any]) -> Attribute:
    """A new custom attribute. Raises InvalidParameter."""
    if not described.get("Name"):
        raise InvalidParameter("Attribute name is required.")
    if "AttributeDataType" not in described:
        raise InvalidParameter("Invalid AttributeDataType input, consider using the provided AttributeDataType enum.")
    try:
        made = schema.custom(described)
    except InvalidValue as fault:
        raise InvalidParameter(str(fault)) from None
    return _bounded(made, described)


def _standard(described: Mapping[str, Any]) -> Attribute:
    """A standard attribute whose owner says more of it than its name; its type stays what it is."""
    usual = schema.standard()[described["Name"]]
    data_type = described.get("AttributeDataType", usual.data_type)
    if data_type != usual.data_type or described.get("DeveloperOnlyAttribute"):
        raise InvalidParameter(
            "You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute"
            f" {usual.name}"
        )
    full = {"Required": usual.required, "Mutable": usual.mutable, **usual.describe(), **described}
    try:
        made = schema.from_description(full)
    except InvalidValue as fault:
        raise InvalidParameter(str(fault)) from None
    if made.name in schema.RESERVED and made != usual:
        raise InvalidParameter(f"The standard attribute {made.name} cannot be changed.")
    if made.name in schema.VERIFIED_FLAGS and made.required:
        raise InvalidParameter(f"The standard attribute {made.name} cannot be required.")
    return _bounded(made, described)


def _bounded(made: Attribute, described: Mapping[str, Any]) -> Attribute:
    name = made.name
    lengths = (made.shortest, made.longest)
    if any(length is not None and length < 0 for length in lengths):
        raise InvalidParameter(f"Invalid StringAttributeConstraints for schema attribute {name}")
    given = described.get("StringAttributeConstraints") or {}
    if any(int(given[bound]) > _LONGEST_STRING for bound in ("MinLength", "MaxLength") if given.get(bound)):
        raise InvalidParameter(f"user.{name}: String attributes cannot have a length of more than {_LONGEST_STRING}")
    if made.shortest is not None and made.longest is not None and made.longest < made.shortest:
        raise InvalidParameter(f"Attribute {name} cannot have a max length shorter than it's min length")
    if made.least is not None and made.most is not None and made.most < made.least:
        raise InvalidParameter(f"Attribute {name} cannot have a max value smaller than it's min value")
    return made


# --- Tags -------------------------------------------------------------------------------------------------------------


def check_tags(tags: Mapping[str, str], refusal: type[InvalidParameter] | type[UserPoolTagging]) -> None:
    """Raise ``refusal`` for tags that AWS would not take."""
    if len(tags) > TAGS:
        raise refusal(f"A user pool can have at most {TAGS} tags.")
    if any(key.lower().startswith("aws:") for key in tags):
        raise refusal("Tag keys that start with aws: are reserved.")
