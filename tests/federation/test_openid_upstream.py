"""npm's oidc-provider as an identity provider of a pool: made with boto3, and asked by the connector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from poolhouse.core import published, unit
from poolhouse.federation import catalogue
from poolhouse.federation.connector import Misconfigured, Untrusted
from poolhouse.federation.oidc import CONNECTOR
from poolhouse.federation.provider import Provider
from poolhouse.user_pools import lookup
from tests.federation.counterparts import OpenIdCounterpart
from tests.federation.upstream import Upstream
from tests.fronts.federated import extend
from tests.fronts.refusals import refused
from tests.oidc import Browser, rp
from tests.world import PoolInWorld, World

pytestmark = [pytest.mark.live, pytest.mark.node]


class There(OpenIdCounterpart):
    """oidc-provider, made an identity provider of a pool in the server."""

    def __init__(self, pool: PoolInWorld, upstream: Upstream, **client: Any) -> None:
        super().__init__(upstream, pool.id, pool.issuer, **client)
        self.pool = pool

    def provider(self, *, own: Any = None, **details: str) -> Provider:
        given = {k: v for k, v in {**self.upstream.details(self.client), **details}.items() if v}
        self.pool.idp.create_identity_provider(
            UserPoolId=self.pool_id,
            ProviderName="Upstream",
            ProviderType="OIDC",
            ProviderDetails=given,
            AttributeMapping={"email": "email"},
        )
        if own:
            extend(self.pool, "Upstream", **own)
        return catalogue.get(lookup.pool(self.pool_id), "Upstream")


@pytest.fixture
def within(world: World) -> Iterator[None]:
    """A unit of the server."""
    with unit.open(world.runtime):
        yield


def test_an_issuer_is_all_that_needs_to_be_typed(pool: PoolInWorld, upstream: Upstream) -> None:
    client = upstream.register(f"{pool.issuer}/oauth2/idpresponse")
    given = {"UserPoolId": pool.id, "ProviderName": "Upstream"}
    pool.idp.create_identity_provider(
        ProviderType="OIDC", ProviderDetails=upstream.details(client), AttributeMapping={}, **given
    )
    details = pool.idp.describe_identity_provider(**given)["IdentityProvider"]["ProviderDetails"]
    assert {name: details[name] for name in ("authorize_url", "token_url", "attributes_url", "jwks_uri")} == {
        "authorize_url": f"{upstream.issuer}/auth",
        "token_url": f"{upstream.issuer}/token",
        "attributes_url": f"{upstream.issuer}/me",
        "jwks_uri": f"{upstream.issuer}/jwks",
    }


@pytest.mark.parametrize("issuer", ["http://localhost:1", "{}/nowhere", "http://no-such-host.invalid"])
def test_an_issuer_that_publishes_nothing_is_refused_in_cognitos_words(
    pool: PoolInWorld, upstream: Upstream, issuer: str
) -> None:
    details = {
        "client_id": "c",
        "client_secret": "s",
        "authorize_scopes": "openid",
        "attributes_request_method": "GET",
        "oidc_issuer": issuer.format(upstream.issuer),
    }
    given = {"UserPoolId": pool.id, "ProviderName": "Upstream", "ProviderType": "OIDC", "ProviderDetails": details}
    said = refused(pool.idp.create_identity_provider, "InvalidParameterException", **given)
    assert said == "Unable to contact well-known endpoint"
    details["oidc_issuer"] = upstream.issuer + "/"
    said = refused(pool.idp.create_identity_provider, "InvalidParameterException", **given)
    assert said == f"The issuer calls itself {upstream.issuer}, not {upstream.issuer}/."


@pytest.mark.usefixtures("within")
@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic", "private_key_jwt"])
def test_we_show_who_we_are_in_every_way(pool: PoolInWorld, upstream: Upstream, method: str) -> None:
    metadata = {"token_endpoint_auth_method": method}
    if method == "private_key_jwt":
        metadata["jwks_uri"] = f"{pool.issuer}/.well-known/jwks.json"
    there = There(pool, upstream, **metadata)
    provider = there.provider(own={"TokenEndpointAuthMethod": method})
    identity = there.journey(provider)
    assert identity.subject == "Ann"
    assert CONNECTOR.refresh(provider, identity.tokens or {})["access_token"] != (identity.tokens or {})["access_token"]


@pytest.mark.usefixtures("within")
def test_another_way_than_the_registered_one_is_a_matter_for_the_administrator(
    pool: PoolInWorld, upstream: Upstream
) -> None:
    jwks = f"{pool.issuer}/.well-known/jwks.json"
    there = There(pool, upstream, token_endpoint_auth_method="private_key_jwt", jwks_uri=jwks)
    provider = there.provider(client_secret="a secret after all")
    with pytest.raises(Misconfigured) as failed:
        there.journey(provider)
    assert "invalid_client" in failed.value.hint


@pytest.mark.usefixtures("within")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_userinfo_is_asked_by_the_method_that_was_chosen(pool: PoolInWorld, upstream: Upstream, method: str) -> None:
    there = There(pool, upstream)
    claims = there.journey(there.provider(attributes_request_method=method)).claims
    assert (claims["email"], claims["email_verified"], claims["groups"]) == (there.email, "true", ("a", "b"))


@pytest.mark.usefixtures("within")
def test_what_changes_there_has_changed_at_the_next_sign_in(pool: PoolInWorld, upstream: Upstream) -> None:
    there = There(pool, upstream)
    provider = there.provider()
    there.journey(provider)
    upstream.accounts(Ann={"email": "ann@new.example", "address": {"locality": "Springfield"}})
    claims = there.journey(provider).claims
    assert claims["email"] == "ann@new.example"
    assert not {"name", "groups", "email_verified"} & set(claims)


@pytest.mark.usefixtures("within")
def test_a_key_that_was_rotated_there_is_believed(
    pool: PoolInWorld, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = There(pool, upstream)
    provider = there.provider()
    there.journey(provider)
    upstream.rotate()
    monkeypatch.setattr(published, "ASKED_AGAIN_SECONDS", 0.0)
    assert there.journey(provider).subject == "Ann"


@pytest.mark.usefixtures("within")
def test_an_answer_without_its_issuer_is_refused(pool: PoolInWorld, upstream: Upstream) -> None:
    """It announces RFC 9207, so that an answer without iss was bent on the way."""
    there = There(pool, upstream)
    provider = there.provider()
    sent, _ = there.depart(provider)
    returned = there.visit(sent.address)
    assert returned.parameters.pop("iss") == upstream.issuer
    with pytest.raises(Untrusted) as failed:
        there.land(provider, returned, sent)
    assert "whose it is" in failed.value.hint


@pytest.mark.usefixtures("within")
def test_levels_of_assurance_are_asked_for_in_the_providers_words(pool: PoolInWorld, upstream: Upstream) -> None:
    there = There(pool, upstream)
    there.provider()
    mapping = {"Level1": "urn:theirs:low", "Level3": "urn:theirs:high"}
    pool.idp.update_identity_provider(UserPoolId=pool.id, ProviderName="Upstream", AcrMapping=mapping)
    provider = catalogue.get(lookup.pool(pool.id), "Upstream")
    wanted = (*(f"urn:cognito:loa:{level}" for level in (3, 2, 1)), "urn:other")
    sent, _ = there.depart(provider, acr_values=wanted)
    assert dict(parse_qsl(urlsplit(sent.address).query))["acr_values"] == "urn:theirs:high urn:theirs:low"
    sent, _ = there.depart(provider, acr_values=("urn:cognito:loa:2",))
    assert "acr_values" not in sent.address

    app = rp(pool, SupportedIdentityProviders=["Upstream"])
    there_now = Browser(pool.world).go(app.url(identity_provider="Upstream", acr_values=wanted[0]))
    assert there_now.url.startswith(upstream.issuer)
    assert there_now.given["acr_values"] == "urn:theirs:high"


@pytest.mark.usefixtures("within")
def test_a_fresh_sign_in_is_asked_for_and_shown(pool: PoolInWorld, upstream: Upstream) -> None:
    there = There(pool, upstream)
    identity = there.journey(there.provider(), reauthenticate=True)
    assert identity.auth_time
