"""Our own settings of identity providers, beside Cognito's: what they may be, pure. Refusals are InvalidParameter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from poolhouse.core.errors import InvalidParameter
from poolhouse.user_pools.checks import Check, Setting, checked, one_of, switch

_LABEL_LONGEST = 64
_NAME_LONGEST = 512
_GROUP_LONGEST = 128
_GROUPS_MAX = 1000
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
# What is of one type alone, and would stand there without effect at another.
_OF_ONE_TYPE = {
    "token_endpoint_auth_method": "OIDC",
    "hosted_domain": "Google",
    "allow_sha1": "SAML",
    "require_signed": "SAML",
}


def of_provider(own: Mapping[str, Any], type_: str, details: Mapping[str, str]) -> dict[str, Any]:
    """A provider's own settings, checked, also against its type and its ProviderDetails."""
    settings = checked(own, PROVIDER)
    if type_ == "SAML" and "own_callback" in settings:
        raise InvalidParameter("OwnCallback is for OAuth and OpenID providers alone: leave it out.")
    for name, owner in _OF_ONE_TYPE.items():
        if name in settings and type_ != owner:
            raise InvalidParameter(f"{PROVIDER[name].name} is for {owner} providers alone: leave it out.")
    fit(settings, details)
    return settings


def fit(own: Mapping[str, Any], details: Mapping[str, str]) -> None:
    """Raise InvalidParameter unless the two go together: asked again when ProviderDetails change."""
    method = own.get("token_endpoint_auth_method", "")
    if method.startswith("client_secret_") and "client_secret" not in details:
        raise InvalidParameter(
            f"The identity provider has no client_secret, which {method} needs: give one in ProviderDetails."
        )


def _word(longest: int) -> Check:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > longest or not value.isprintable():
            raise InvalidParameter(f"{name} must be 1 to {longest} printable characters.")
        return value.strip()

    return check


def _group_mapping(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > _GROUPS_MAX:
        raise InvalidParameter(
            f"{name} must be an object with a group of the pool for each of the provider's, {_GROUPS_MAX} at most."
        )
    theirs, ours = _word(_NAME_LONGEST), _word(_GROUP_LONGEST)
    return {theirs(f"{name}: a group", group): ours(f"{name}: a group", mapped) for group, mapped in value.items()}


def _domain(name: str, value: Any) -> str:
    """A domain, or ``*`` for whoever has an account of an organization."""
    if not isinstance(value, str) or (value != "*" and not _DOMAIN.fullmatch(value.lower())):
        raise InvalidParameter(f"{name} must be a domain such as example.com, or *.")
    return value.lower()


# By stored name.
PROVIDER: Mapping[str, Setting] = {
    "enabled": Setting("Enabled", switch),
    "label": Setting("Label", _word(_LABEL_LONGEST)),
    "button": Setting("Button", switch),
    "trust_email": Setting("TrustEmail", switch),
    "groups_attribute": Setting("GroupsAttribute", _word(_NAME_LONGEST)),
    "group_mapping": Setting("GroupMapping", _group_mapping),
    "on_missing": Setting("OnMissing", one_of("keep", "remove")),
    "token_endpoint_auth_method": Setting(
        "TokenEndpointAuthMethod", one_of("client_secret_basic", "client_secret_post", "private_key_jwt")
    ),
    "hosted_domain": Setting("HostedDomain", _domain),
    "allow_sha1": Setting("AllowSha1", switch),
    "require_signed": Setting("RequireSigned", one_of("either", "assertion", "response", "both")),
    "force_authn": Setting("ForceAuthn", switch),
    "own_callback": Setting("OwnCallback", switch),
}
