"""Developer identities: users of somebody's own system."""

from __future__ import annotations

from collections.abc import Mapping

from poolhouse.api.registry import Answer, operation
from poolhouse.identity_pools import developers, openid

SERVICE = "cognito-identity"


@operation("GetOpenIdTokenForDeveloperIdentity", service=SERVICE)
def get_open_id_token_for_developer_identity(
    *,
    identity_pool_id: str,
    logins: Mapping[str, str],
    identity_id: str | None = None,
    principal_tags: Mapping[str, str] | None = None,
    token_duration: int | None = None,
) -> Answer:
    found, token = developers.token(
        identity_pool_id,
        identity_id,
        logins,
        principal_tags=principal_tags or {},
        seconds=token_duration or openid.DEVELOPER_SECONDS,
    )
    return {"IdentityId": found, "Token": token}


@operation("LookupDeveloperIdentity", service=SERVICE)
def lookup_developer_identity(
    *,
    identity_pool_id: str,
    identity_id: str | None = None,
    developer_user_identifier: str | None = None,
    max_results: int | None = None,
    next_token: str | None = None,
) -> Answer:
    found, users, token = developers.lookup(
        identity_pool_id, identity_id, developer_user_identifier, max_results or 60, next_token
    )
    return {"IdentityId": found, "DeveloperUserIdentifierList": users, "NextToken": token}


@operation("MergeDeveloperIdentities", service=SERVICE, writes=True)
def merge_developer_identities(
    *,
    identity_pool_id: str,
    developer_provider_name: str,
    source_user_identifier: str,
    destination_user_identifier: str,
) -> Answer:
    kept = developers.merge(
        identity_pool_id, developer_provider_name, source_user_identifier, destination_user_identifier
    )
    return {"IdentityId": kept}


@operation("UnlinkDeveloperIdentity", service=SERVICE, writes=True)
def unlink_developer_identity(
    *, identity_pool_id: str, identity_id: str, developer_provider_name: str, developer_user_identifier: str
) -> None:
    developers.unlink(identity_pool_id, identity_id, developer_provider_name, developer_user_identifier)
