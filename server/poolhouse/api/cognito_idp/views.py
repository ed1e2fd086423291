"""How users, deliveries and tokens look in answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from poolhouse.core.errors import InvalidParameter
from poolhouse.tokens.issue import TokenSet
from poolhouse.users import User


def attributes(user: User, readable: Collection[str] | None = None) -> list[dict[str, str]]:
    """AttributeListType, ``sub`` first; only ``readable`` ones if given."""
    pairs = [("sub", user.sub), *sorted(user.attributes.items())]
    return [{"Name": name, "Value": value} for name, value in pairs if readable is None or name in readable]


def user_type(user: User, wanted: Collection[str] | None = None) -> dict[str, Any]:
    """UserType, with the attributes ``wanted``."""
    return {
        "Username": user.username,
        "Attributes": attributes(user, wanted),
        "UserCreateDate": user.created_at,
        "UserLastModifiedDate": user.modified_at,
        "Enabled": user.enabled,
        "UserStatus": str(user.status),
    }


def factors(user: User) -> dict[str, Any]:
    """The members that tell a user's second factors; absent where there are none."""
    return {"PreferredMfaSetting": user.mfa_preferred, "UserMFASettingList": list(user.mfa_enabled) or None}


def pairs(given: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """An AttributeListType as a mapping. Raises InvalidParameter if a name comes twice."""
    values: dict[str, str] = {}
    for attribute in given or ():
        if attribute["Name"] in values:
            raise InvalidParameter(f"Attribute {attribute['Name']} is given more than once.")
        values[attribute["Name"]] = attribute.get("Value") or ""
    return values


def authentication(tokens: TokenSet) -> dict[str, Any]:
    """AuthenticationResultType."""
    return {
        "AccessToken": tokens.access_token,
        "IdToken": tokens.id_token,
        "RefreshToken": tokens.refresh_token,
        "ExpiresIn": tokens.expires_in,
        "TokenType": tokens.token_type,
    }
