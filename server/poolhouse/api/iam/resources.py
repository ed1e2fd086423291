"""The ARNs that IAM's operations are about, so that policies can allow them one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from poolhouse.access import names
from poolhouse.access.models import IamRole, IamUser
from poolhouse.core import unit


def role(given: Mapping[str, Any]) -> str:
    """The role of that name, with the path that it has or is about to have."""
    path = given.get("Path") or _path(IamRole, given["RoleName"])
    return names.arn("role", path, given["RoleName"])


def user(given: Mapping[str, Any]) -> str:
    """The user of that name; `*` where none is named and the caller is meant."""
    name = given.get("UserName")
    return names.arn("user", given.get("Path") or _path(IamUser, name), name) if name else "*"


def new_policy(given: Mapping[str, Any]) -> str:
    """The managed policy that is about to be made."""
    return names.arn("policy", given.get("Path") or "/", given["PolicyName"])


def policy(given: Mapping[str, Any]) -> str:
    """The managed policy of that ARN."""
    return str(given["PolicyArn"])


def provider(given: Mapping[str, Any]) -> str:
    """The OpenID Connect provider of that ARN."""
    return str(given["OpenIDConnectProviderArn"])


def new_provider(given: Mapping[str, Any]) -> str:
    """The OpenID Connect provider that is about to be made."""
    return names.arn("oidc-provider", "/", str(given["Url"]).partition("://")[2])


def saml_provider(given: Mapping[str, Any]) -> str:
    """The SAML provider of that ARN."""
    return str(given["SAMLProviderArn"])


def new_saml_provider(given: Mapping[str, Any]) -> str:
    """The SAML provider that is about to be made."""
    return names.arn("saml-provider", "/", given["Name"])


def source(given: Mapping[str, Any]) -> str:
    """Whose policies a what-if question is about."""
    return str(given["PolicySourceArn"])


def _path(table: Any, name: str) -> str:
    return unit.execute(select(table.path).where(table.name == name)).scalar_one_or_none() or "/"
