"""The tables of IAM: users and their access keys, roles, managed policies with versions, identity providers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core.db import Base

USER_NAME = String(64)
ROLE_NAME = String(64)
POLICY_NAME = String(128)
# AWS's longest path and name together with the rest of an ARN.
POLICY_ARN = String(700)


class IamUser(Base):
    """Somebody who administers: a name that policies and ARNs carry, and an id that is never used twice."""

    __tablename__ = "iam_users"
    name: Mapped[str] = mapped_column(USER_NAME, primary_key=True)
    # Names differ at least by more than their case, as IAM's do: "Ann" must not pass for "ann" in somebody's log.
    folded_name: Mapped[str] = mapped_column(USER_NAME, unique=True)
    user_id: Mapped[str] = mapped_column(String(32), unique=True)
    path: Mapped[str] = mapped_column(String(512))
    boundary_arn: Mapped[str] = mapped_column(POLICY_ARN, default="")
    tags: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class AccessKey(Base):
    """A user's access key; the secret is sealed, since a signature can only be checked with the secret itself."""

    __tablename__ = "access_keys"
    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    user_name: Mapped[str] = mapped_column(USER_NAME, ForeignKey("iam_users.name", ondelete="CASCADE"), index=True)
    sealed_secret: Mapped[bytes]
    active: Mapped[bool]
    created_at: Mapped[datetime]


class UserPolicy(Base):
    """An inline policy of a user: a document of the IAM policy language, as its author wrote it."""

    __tablename__ = "iam_user_policies"
    user_name: Mapped[str] = mapped_column(
        USER_NAME, ForeignKey("iam_users.name", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(POLICY_NAME, primary_key=True)
    document: Mapped[str] = mapped_column(Text)


class UserAttachment(Base):
    """A managed policy that is attached to a user, by its ARN."""

    __tablename__ = "iam_user_attachments"
    user_name: Mapped[str] = mapped_column(
        USER_NAME, ForeignKey("iam_users.name", ondelete="CASCADE"), primary_key=True
    )
    policy_arn: Mapped[str] = mapped_column(POLICY_ARN, primary_key=True)


class IamRole(Base):
    """Permissions that whoever its trust policy lets in takes on for a while."""

    __tablename__ = "iam_roles"
    name: Mapped[str] = mapped_column(ROLE_NAME, primary_key=True)
    folded_name: Mapped[str] = mapped_column(ROLE_NAME, unique=True)
    # Never used twice: a session of a deleted role must not pass for one of a new role of the same name.
    role_id: Mapped[str] = mapped_column(String(32), unique=True)
    path: Mapped[str] = mapped_column(String(512))
    description: Mapped[str] = mapped_column(String(1000), default="")
    trust: Mapped[str] = mapped_column(Text)
    max_session_seconds: Mapped[int]
    boundary_arn: Mapped[str] = mapped_column(POLICY_ARN, default="")
    # Who makes its credentials: {"kind": "built_in"}, or {"kind": "sts", "endpoint": …, "role_arn": …}.
    credentials: Mapped[dict[str, Any]]
    tags: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    # Sessions that began before are dead.
    sessions_revoked_at: Mapped[datetime | None]


class RolePolicy(Base):
    """An inline policy of a role."""

    __tablename__ = "iam_role_policies"
    role_name: Mapped[str] = mapped_column(
        ROLE_NAME, ForeignKey("iam_roles.name", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(POLICY_NAME, primary_key=True)
    document: Mapped[str] = mapped_column(Text)


class RoleAttachment(Base):
    """A managed policy that is attached to a role, by its ARN."""

    __tablename__ = "iam_role_attachments"
    role_name: Mapped[str] = mapped_column(
        ROLE_NAME, ForeignKey("iam_roles.name", ondelete="CASCADE"), primary_key=True
    )
    policy_arn: Mapped[str] = mapped_column(POLICY_ARN, primary_key=True)


class ManagedPolicyRow(Base):
    """A managed policy of the account; its documents are its versions."""

    __tablename__ = "iam_policies"
    arn: Mapped[str] = mapped_column(POLICY_ARN, primary_key=True)
    name: Mapped[str] = mapped_column(POLICY_NAME)
    folded_name: Mapped[str] = mapped_column(POLICY_NAME, unique=True)
    policy_id: Mapped[str] = mapped_column(String(32), unique=True)
    path: Mapped[str] = mapped_column(String(512))
    description: Mapped[str] = mapped_column(String(1000), default="")
    default_version: Mapped[int]
    # Numbers are never used twice, or somebody's "v3" could mean another document tomorrow.
    last_version: Mapped[int]
    tags: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]


class PolicyVersion(Base):
    """One document of a managed policy."""

    __tablename__ = "iam_policy_versions"
    policy_arn: Mapped[str] = mapped_column(POLICY_ARN, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    __table_args__ = (ForeignKeyConstraint(["policy_arn"], ["iam_policies.arn"], ondelete="CASCADE"),)


class SamlProvider(Base):
    """A SAML identity provider whose assertions may be exchanged for a role's credentials; ``document`` is metadata."""

    __tablename__ = "iam_saml_providers"
    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    provider_id: Mapped[str] = mapped_column(String(32), unique=True)
    document: Mapped[str] = mapped_column(Text)
    # Whether assertions may or must be encrypted, and the private keys that open them, sealed.
    encryption: Mapped[str] = mapped_column(String(8), default="")
    sealed_keys: Mapped[bytes]
    valid_until: Mapped[datetime | None]
    tags: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class OidcProvider(Base):
    """An OpenID Connect provider whose tokens may be exchanged for a role's credentials."""

    __tablename__ = "iam_oidc_providers"
    # The issuer without its scheme, which is how ARNs and condition keys name it.
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    scheme: Mapped[str] = mapped_column(String(8))
    client_ids: Mapped[list[Any]]
    thumbprints: Mapped[list[Any]]
    tags: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
