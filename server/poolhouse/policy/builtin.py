"""Managed policies that every account has from the start, under the names that Cognito's administrators know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .document import Policy, parse
from .variables import WITH_VARIABLES


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A policy that comes with the server and cannot be changed."""

    name: str
    description: str
    document: Mapping[str, Any]

    @property
    def arn(self) -> str:
        """AWS's form for its own policies: the account is called aws."""
        return f"arn:aws:iam::aws:policy/{self.name}"


def _document(sid: str, actions: list[str]) -> Mapping[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": "*"}
    return {"Version": WITH_VARIABLES, "Statement": [statement]}


# What may be read must not become what may be done: GetId and the like are absent because they hand out identities and
# credentials, GetUser-like calls with an access token because they are the user's own.
_READ = [
    "cognito-idp:AdminGet*", "cognito-idp:AdminList*", "cognito-idp:Describe*", "cognito-idp:Get*",
    "cognito-idp:List*",    "cognito-identity:Describe*", "cognito-identity:GetIdentityPoolRoles",
    "cognito-identity:GetPrincipalTagAttributeMap", "cognito-identity:List*",
    "iam:GetOpenIDConnectProvider", "iam:GetRole", "iam:ListOpenIDConnectProviders", "iam:ListRoles",
    "iam:ListSAMLProviders", "iam:GetSAMLProvider",
]  # fmt: skip

_POWER = ["cognito-idp:*", "cognito-identity:*", *(action for action in _READ if action.startswith("iam:"))]

_DEVELOPER = [
    "cognito-identity:GetOpenIdTokenForDeveloperIdentity", "cognito-identity:LookupDeveloperIdentity",
    "cognito-identity:MergeDeveloperIdentities", "cognito-identity:UnlinkDeveloperIdentity",
]  # fmt: skip

MANAGED: Mapping[str, ManagedPolicy] = {
    policy.arn: policy
    for policy in (
        ManagedPolicy("AdministratorAccess", "Everything.", _document("Everything", ["*"])),
        ManagedPolicy(
            "AmazonCognitoPowerUser",
            "Everything in user pools and identity pools; no change to roles, policies or keys.",
            _document("UserPoolsAndIdentityPools", _POWER),
        ),
        ManagedPolicy(
            "AmazonCognitoReadOnly",
            "See user pools, users, identity pools and the roles they use; change nothing.",
            _document("Look", _READ),
        ),
        ManagedPolicy(
            "AmazonCognitoDeveloperAuthenticatedIdentities",
            "What a backend needs that signs its users in by itself.",
            _document("DeveloperIdentities", _DEVELOPER),
        ),
    )
}
"""By ARN."""


@cache
def compiled(arn: str) -> Policy:
    """Return a managed policy ready to decide with. Raises KeyError when there is none of this ARN."""
    policy = MANAGED[arn]
    return parse(policy.document, name=policy.name, kind="identity")
