"""The managed policies that exist without anybody making them, under the ARNs that AWS gives them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
POWER_USER = "arn:aws:iam::aws:policy/AmazonCognitoPowerUser"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonCognitoReadOnly"


def _allow(*actions: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


POLICIES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        ADMINISTRATOR: _allow("*"),
        POWER_USER: _allow("cognito-identity:*", "cognito-idp:*", "cognito-sync:*", "iam:ListRoles"),
        READ_ONLY: _allow(
            "cognito-identity:Describe*",
            "cognito-identity:Get*",
            "cognito-identity:List*",
            "cognito-idp:Describe*",
            "cognito-idp:AdminGet*",
            "cognito-idp:AdminList*",
            "cognito-idp:List*",
            "cognito-idp:Get*",
            "iam:ListRoles",
        ),
    }
)
