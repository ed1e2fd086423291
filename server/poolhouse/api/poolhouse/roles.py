"""What roles can here and not in IAM: credentials from another STS, and an end to all sessions at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolhouse.access import roles
from poolhouse.api.iam import resources
from poolhouse.api.registry import Answer, operation

_SERVICE = "poolhouse"


@operation("GetRoleCredentialSource", service=_SERVICE, resource=resources.role)
def get_role_credential_source(*, role_name: str) -> Answer:
    stored = roles.require(role_name).credentials
    shown = {"Source": stored["kind"], "Endpoint": stored.get("endpoint"), "RoleArn": stored.get("role_arn")}
    return {"CredentialSource": shown}


@operation("SetRoleCredentialSource", service=_SERVICE, writes=True, resource=resources.role)
def set_role_credential_source(*, role_name: str, credential_source: Mapping[str, Any]) -> Answer:
    endpoint = {"endpoint": credential_source.get("Endpoint", ""), "role_arn": credential_source.get("RoleArn", "")}
    kind = credential_source["Source"]
    roles.set_credentials(role_name, kind, endpoint if kind == "sts" else None)
    return get_role_credential_source(role_name=role_name)


@operation("RevokeRoleSessions", service=_SERVICE, writes=True, resource=resources.role)
def revoke_role_sessions(*, role_name: str) -> None:
    roles.revoke_sessions(role_name)
