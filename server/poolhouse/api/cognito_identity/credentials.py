"""What apps call without a signature: their identity, its tokens and its credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from poolhouse.api.registry import Answer, operation
from poolhouse.core.errors import NotAuthorized
from poolhouse.identity_pools import directory, vend

SERVICE = "cognito-identity"


@operation(
    "GetId",
    service=SERVICE,
    ignores={"AccountId": "The server has one account; the identity pool's id says enough."},
)
def get_id(*, identity_pool_id: str, logins: Mapping[str, str] | None = None) -> Answer:
    return {"IdentityId": vend.identity_id(identity_pool_id, logins or {})}


@operation("GetOpenIdToken", service=SERVICE)
def get_open_id_token(*, identity_id: str, logins: Mapping[str, str] | None = None) -> Answer:
    found, token = vend.openid_token(identity_id, logins or {})
    return {"IdentityId": found, "Token": token}


@operation("GetCredentialsForIdentity", service=SERVICE)
def get_credentials_for_identity(
    *, identity_id: str, logins: Mapping[str, str] | None = None, custom_role_arn: str | None = None
) -> Answer:
    found, made = vend.credentials(identity_id, logins or {}, custom_role_arn)
    return {
        "IdentityId": found,
        "Credentials": {
            "AccessKeyId": made.access_key_id,
            "SecretKey": made.secret_access_key.reveal(),
            "SessionToken": made.session_token,
            "Expiration": made.expiration,
        },
    }


@operation("UnlinkIdentity", service=SERVICE)
def unlink_identity(*, identity_id: str, logins: Mapping[str, str], logins_to_remove: Sequence[str]) -> None:
    if not logins:
        raise NotAuthorized(f"Access to Identity '{identity_id}' is forbidden.")
    proof = vend.prove(identity_id, logins)
    directory.unlink(proof.pool, proof.identity, proof.logins, logins_to_remove)
