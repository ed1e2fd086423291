"""The tables of administrators: IAM users, their access keys, and the policies that give them permissions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from poolhouse.core.db import Base

USER_NAME = String(64)


class IamUser(Base):
    """Somebody who administers: a name that policies and ARNs carry, and an id that is never used twice."""

    __tablename__ = "iam_users"
    name: Mapped[str] = mapped_column(USER_NAME, primary_key=True)
    # Names differ at least by more than their case, as IAM's do: "Ann" must not pass for "ann" in somebody's log.
    folded_name: Mapped[str] = mapped_column(USER_NAME, unique=True)
    user_id: Mapped[str] = mapped_column(String(32), unique=True)
    path: Mapped[str] = mapped_column(String(512))
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
    """An inline policy of a user: a document of the IAM policy language."""

    __tablename__ = "iam_user_policies"
    user_name: Mapped[str] = mapped_column(
        USER_NAME, ForeignKey("iam_users.name", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    document: Mapped[dict[str, Any]]


class UserAttachment(Base):
    """A managed policy that is attached to a user, by its ARN."""

    __tablename__ = "iam_user_attachments"
    user_name: Mapped[str] = mapped_column(
        USER_NAME, ForeignKey("iam_users.name", ondelete="CASCADE"), primary_key=True
    )
    policy_arn: Mapped[str] = mapped_column(String(2048), primary_key=True)
