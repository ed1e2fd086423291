"""Identity providers through the API: what they must be, what is shown of them, and who finds them."""

from __future__ import annotations

from typing import Any

import pytest

from poolhouse.core import unit
from poolhouse.federation import catalogue
from poolhouse.user_pools import lookup
from tests.fronts.refusals import refused
from tests.world import PoolInWorld, World

GOOGLE = {"client_id": "1.apps.googleusercontent.com", "client_secret": "s3cret", "authorize_scopes": "email"}


def test_google_is_shown_as_cognito_shows_it(idp: Any, pool: PoolInWorld) -> None:
    scope = {"UserPoolId": pool.id, "ProviderName": "Google"}
    made = idp.create_identity_provider(**scope, ProviderType="Google", ProviderDetails=GOOGLE)["IdentityProvider"]
    assert made["ProviderDetails"] == {
        **GOOGLE,
        "attributes_url": "https://people.googleapis.com/v1/people/me?personFields=",
        "attributes_url_add_attributes": "true",
        "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
        "oidc_issuer": "https://accounts.google.com",
        "token_request_method": "POST",
        "token_url": "https://www.googleapis.com/oauth2/v4/token",
    }
    assert made["AttributeMapping"] == {"username": "sub"}
    assert made["IdpIdentifiers"] == []
    assert idp.describe_identity_provider(**scope)["IdentityProvider"] == made
