"""Identities as administrators see them."""

from __future__ import annotations

from collections.abc import Sequence

from poolhouse.api.registry import Answer, operation
from poolhouse.identity_pools import directory

SERVICE = "cognito-identity"


@operation("DescribeIdentity", service=SERVICE)
def describe_identity(*, identity_id: str) -> Answer:
    return directory.describe(identity_id)


@operation("ListIdentities", service=SERVICE)
def list_identities(
    *, identity_pool_id: str, max_results: int, next_token: str | None = None, hide_disabled: bool = False
) -> Answer:
    found, token = directory.page(identity_pool_id, max_results, next_token, hide_disabled=hide_disabled)
    return {"IdentityPoolId": identity_pool_id, "Identities": found, "NextToken": token}


@operation("DeleteIdentities", service=SERVICE, writes=True)
def delete_identities(*, identity_ids_to_delete: Sequence[str]) -> Answer:
    directory.delete(identity_ids_to_delete)
    return {"UnprocessedIdentityIds": []}
