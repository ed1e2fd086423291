"""Credentials of AWS's kind from an identity pool, for boto3: fetched when first needed, renewed before they expire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import boto3
import botocore.config
import botocore.session
from botocore import UNSIGNED
from botocore.credentials import RefreshableCredentials

Logins = Mapping[str, str] | Callable[[], Mapping[str, str]]


class IdentityPool:
    """An identity of a pool, and its credentials. Without `logins` it is a guest's.

    `logins` are tokens by the provider's name (`{"cognito-idp.us-east-1.amazonaws.com/us-east-1_AbC": id_token}`), or a
    function that returns them: ID tokens expire within the hour, and renewing credentials needs one that has not.
    `identity_id` is one from before, so that a guest who signs in keeps it. `custom_role_arn` chooses among the roles
    that the token names.
    """

    def __init__(
        self,
        identity_pool_id: str,
        *,
        logins: Logins | None = None,
        identity_id: str = "",
        custom_role_arn: str = "",
        endpoint_url: str | None = None,
        region: str = "",
    ) -> None:
        self.identity_pool_id, self.identity_id = identity_pool_id, identity_id
        self._logins, self._custom_role_arn = logins, custom_role_arn
        self.region = region or identity_pool_id.partition(":")[0]
        config = botocore.config.Config(signature_version=UNSIGNED)
        self._client: Any = boto3.client(
            "cognito-identity", region_name=self.region, endpoint_url=endpoint_url, config=config
        )

    def credentials(self) -> RefreshableCredentials:
        """Credentials that renew themselves. Raises botocore's ClientError with the server's sentence."""
        return RefreshableCredentials.create_from_metadata(
            metadata=self._fetch(), refresh_using=self._fetch, method="poolhouse-identity-pool"
        )

    def session(self) -> boto3.Session:
        """A boto3 session that signs with them: `pool.session().client("s3")`."""
        inner = botocore.session.get_session()
        inner._credentials = self.credentials()
        return boto3.Session(botocore_session=inner, region_name=self.region)

    def _fetch(self) -> dict[str, str]:
        logins = dict(self._logins() if callable(self._logins) else self._logins or {})
        given: dict[str, Any] = {"Logins": logins} if logins else {}
        if not self.identity_id:
            found = self._client.get_id(IdentityPoolId=self.identity_pool_id, **given)
            self.identity_id = found["IdentityId"]
        if self._custom_role_arn:
            given["CustomRoleArn"] = self._custom_role_arn
        answer = self._client.get_credentials_for_identity(IdentityId=self.identity_id, **given)
        # Two guests of which one signs in become one: the server says which id lives on.
        self.identity_id = answer["IdentityId"]
        got = answer["Credentials"]
        return {
            "access_key": got["AccessKeyId"],
            "secret_key": got["SecretKey"],
            "token": got["SessionToken"],
            "expiry_time": got["Expiration"].isoformat(),
        }


def credentials(identity_pool_id: str, **options: Any) -> RefreshableCredentials:
    """`IdentityPool(identity_pool_id, …).credentials()`."""
    return IdentityPool(identity_pool_id, **options).credentials()
