"""Identity providers through the API: what they must be, what is shown of them, and who finds them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from botocore.exceptions import ClientError
from sqlalchemy import Column, insert, select

from poolhouse.api import model
from poolhouse.core import cache, clock, sealing, unit
from poolhouse.federation import catalogue, cut_off, provider_rules
from poolhouse.federation.models import ProviderIdentifier, StoredProvider
from poolhouse.federation.provider import Provider
from poolhouse.listeners.models import AuditEvent
from poolhouse.saml import keys, metadata
from poolhouse.tables import metadata as metadata_of_tables
from poolhouse.user_pools import limits, lookup
from tests.conftest import Databases
from tests.fronts.refusals import refused
from tests.saml.enterprise import ours as our_service
from tests.world import ClientInWorld, PoolInWorld, World

GOOGLE = {"client_id": "1.apps.googleusercontent.com", "client_secret": "s3cret-of-google", "authorize_scopes": "email"}
# Every address is given, so that nothing has to be asked for.
ADDRESSES = {
    "oidc_issuer": "https://login.example.com",
    "authorize_url": "https://login.example.com/authorize",
    "token_url": "https://login.example.com/token",
    "attributes_url": "https://login.example.com/userinfo",
    "jwks_uri": "https://login.example.com/keys",
}
OIDC = {"client_id": "pool", "client_secret": "s3cret-of-openid", "authorize_scopes": "openid email", **ADDRESSES}
ALWAYS_SHOWN = {"attributes_request_method": "GET", "attributes_url_add_attributes": "false"}


@pytest.fixture(scope="module")
def document() -> str:
    """What a SAML provider publishes."""
    _, certificate = keys.make_key("enterprise")
    sso, slo = [("redirect", "https://saml.example.com/sso")], [("redirect", "https://saml.example.com/slo")]
    return metadata.write_idp("https://saml.example.com", sso=sso, logout=slo, signing=[keys.der(certificate)]).decode()


@pytest.fixture
def ours(world: World, tmp_path: Path) -> Any:
    return our_service(world, tmp_path)


def make(pool: PoolInWorld, name: str = "Okta", type_: str = "OIDC", **members: Any) -> dict[str, Any]:
    """CreateIdentityProvider's answer."""
    members.setdefault("ProviderDetails", OIDC)
    answer = pool.idp.create_identity_provider(UserPoolId=pool.id, ProviderName=name, ProviderType=type_, **members)
    made: dict[str, Any] = answer["IdentityProvider"]
    return made


def described(pool: PoolInWorld, name: str = "Okta") -> dict[str, Any]:
    """DescribeIdentityProvider's answer."""
    answer = pool.idp.describe_identity_provider(UserPoolId=pool.id, ProviderName=name)
    shown: dict[str, Any] = answer["IdentityProvider"]
    return shown


def within(world: World, pool: PoolInWorld, ask: Callable[[Any], Any]) -> Any:
    """What ``ask`` finds, given the pool, in a unit of its own."""
    with unit.open(world.runtime):
        return ask(lookup.pool(pool.id))


# --- what is stored and shown ---------------------------------------------------------------------------------------


def test_every_type_of_the_api_can_be_made_and_is_described_as_it_was_made(pool: PoolInWorld, document: str) -> None:
    types = model.service("cognito-idp").shapes["IdentityProviderTypeType"]["enum"]
    assert set(types) == set(provider_rules.KINDS)
    app = {"client_id": "app", "client_secret": "s3cret"}
    apple = {"client_id": "com.example", "team_id": "TEAMTEAM00", "key_id": "KEYKEYKEY0", "private_key": PRIVATE_KEY}
    given = {
        "OIDC": OIDC,
        "SAML": {"MetadataFile": document},
        "SignInWithApple": apple,
        "Google": app,
        "Facebook": app,
        "LoginWithAmazon": app,
    }
    for type_ in types:
        name = type_ if type_ in provider_rules.SOCIAL else f"my-{type_}"
        made = make(pool, name, type_, ProviderDetails=given[type_])
        assert described(pool, name) == made
        hidden = {"private_key"}
        assert made["ProviderDetails"].items() >= {k: v for k, v in given[type_].items() if k not in hidden}.items()
        assert not hidden & set(made["ProviderDetails"])


def test_google_is_shown_as_cognito_shows_it(pool: PoolInWorld) -> None:
    made = make(pool, "Google", "Google", ProviderDetails=GOOGLE)
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
    assert "AcrMapping" not in made


def test_saml_metadata_says_where_browsers_are_sent(pool: PoolInWorld, document: str) -> None:
    given = {"MetadataFile": document, "IDPSignout": "true", "EncryptedResponses": "true"}
    shown = make(pool, "Acme", "SAML", ProviderDetails=given)["ProviderDetails"]
    assert shown["SSORedirectBindingURI"] == "https://saml.example.com/sso"
    assert shown["SLORedirectBindingURI"] == "https://saml.example.com/slo"
    assert shown["ActiveEncryptionCertificate"].startswith("MII")
    assert described(pool, "Acme")["ProviderDetails"] == shown
    # As Terraform does: everything that was shown comes back.
    pool.idp.update_identity_provider(UserPoolId=pool.id, ProviderName="Acme", ProviderDetails=shown)
    assert described(pool, "Acme")["ProviderDetails"] == shown


def test_metadata_that_cannot_be_used_is_refused_before_anything_is_stored(pool: PoolInWorld) -> None:
    scope = {"UserPoolId": pool.id, "ProviderName": "Acme", "ProviderType": "SAML"}
    for bad in ("<html/>", "not xml", '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>'):
        refused(
            pool.idp.create_identity_provider,
            "InvalidParameterException",
            **scope,
            ProviderDetails={"MetadataFile": bad},
        )
    assert pool.idp.list_identity_providers(UserPoolId=pool.id)["Providers"] == []


def test_a_key_of_apples_is_never_shown_and_kept_by_an_update_without_it(world: World, pool: PoolInWorld) -> None:
    given = {"client_id": "com.example", "team_id": "TEAMTEAM00", "key_id": "KEYKEYKEY0", "private_key": PRIVATE_KEY}
    make(pool, "SignInWithApple", "SignInWithApple", ProviderDetails=given)
    shown = described(pool, "SignInWithApple")["ProviderDetails"]
    assert "private_key" not in shown
    scope = {"UserPoolId": pool.id, "ProviderName": "SignInWithApple"}
    updated = pool.idp.update_identity_provider(**scope, ProviderDetails={**shown, "authorize_scopes": "email"})
    assert updated["IdentityProvider"]["ProviderDetails"] == {**shown, "authorize_scopes": "email"}
    kept = within(world, pool, lambda found: catalogue.get(found, "SignInWithApple"))
    assert kept.details["private_key"] == PRIVATE_KEY
    assert PRIVATE_KEY not in repr(kept)


def test_where_private_addresses_are_not_reached_every_address_is_https(databases: Databases, tmp_path: Path) -> None:
    world = World(databases.make("sqlite"), tmp_path, outbound_private=False)
    try:
        pool = world.pool()
        scope = {"UserPoolId": pool.id, "ProviderName": "Okta", "ProviderType": "OIDC"}
        for key in ADDRESSES:
            http = {**OIDC, key: OIDC[key].replace("https:", "http:")}
            said = refused(
                pool.idp.create_identity_provider, "InvalidParameterException", **scope, ProviderDetails=http
            )
            assert said == f"{key} must be an https URL."
        make(pool)
    finally:
        world.close()


def test_secrets_are_sealed_in_the_database(world: World, pool: PoolInWorld) -> None:
    make(pool)
    with unit.open(world.runtime):
        (row,) = unit.execute(select(StoredProvider.__table__).where(StoredProvider.pool_id == pool.id)).all()
    assert b"s3cret-of-openid" not in repr(tuple(row)).encode()
    assert b"s3cret-of-openid" not in bytes(row.sealed)


def test_what_happens_to_providers_is_audited(world: World, pool: PoolInWorld, ours: Any) -> None:
    make(pool)
    scope = {"UserPoolId": pool.id, "ProviderName": "Okta"}
    pool.idp.update_identity_provider(**scope, IdpIdentifiers=["a"])
    for enabled in (False, True):
        ours.set_identity_provider_extensions(**scope, Extensions={"Enabled": enabled})
    pool.idp.delete_identity_provider(**scope)
    with unit.open(world.runtime):
        rows = unit.execute(
            select(AuditEvent.name, AuditEvent.detail)
            .where(AuditEvent.pool_id == pool.id, AuditEvent.name.like("IdentityProvider%"))
            .order_by(AuditEvent.id)
        ).all()
    assert [(row.name.removeprefix("IdentityProvider"), row.detail) for row in rows] == [
        ("Created", {"provider": "Okta"}),
        ("Updated", {"provider": "Okta", "what": "settings"}),
        ("Updated", {"provider": "Okta", "what": "disabled"}),
        ("Updated", {"provider": "Okta", "what": "enabled"}),
        ("Deleted", {"provider": "Okta"}),
    ]


# --- updates --------------------------------------------------------------------------------------------------------


def test_an_update_replaces_what_it_gives_and_keeps_the_rest(pool: PoolInWorld) -> None:
    made = make(
        pool,
        AttributeMapping={"email": "email", "name": "name"},
        IdpIdentifiers=["Acme.com", "sales"],
        AcrMapping={"Level1": "pwd", "Level2": "mfa"},
    )
    scope = {"UserPoolId": pool.id, "ProviderName": "Okta"}
    assert made["AcrMapping"] == {"Level1": "pwd", "Level2": "mfa"}
    changes: list[dict[str, Any]] = [
        {"AttributeMapping": {"email": "mail"}},
        {"IdpIdentifiers": ["acme.org"]},
        {"AcrMapping": {"Level1": "urn:one"}},
        {"ProviderDetails": {**OIDC, "client_id": "other"}},
    ]
    expected = dict(made)
    for change in changes:
        updated = pool.idp.update_identity_provider(**scope, **change)["IdentityProvider"]
        assert updated["LastModifiedDate"] >= expected["LastModifiedDate"]
        expected |= change | {"LastModifiedDate": updated["LastModifiedDate"]}
        expected["ProviderDetails"] = {**ALWAYS_SHOWN, **expected["ProviderDetails"]}
        expected["AttributeMapping"] = {"username": "sub", **expected["AttributeMapping"]}
        assert updated == described(pool) == expected
    emptied = pool.idp.update_identity_provider(**scope, IdpIdentifiers=[], AcrMapping={})["IdentityProvider"]
    assert emptied["IdpIdentifiers"] == []
    assert "AcrMapping" not in emptied
    refused(pool.idp.get_identity_provider_by_identifier, "ResourceNotFoundException", UserPoolId=pool.id,
            IdpIdentifier="acme.org")  # fmt: skip


def test_of_two_updates_at_once_the_slower_is_told(pool: PoolInWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    make(pool)
    scope = {"UserPoolId": pool.id, "ProviderName": "Okta"}

    class Slow:
        """Fetches a document, while somebody else changes the provider."""

        def check(self, provider: Provider) -> Mapping[str, str]:
            pool.idp.update_identity_provider(**scope, IdpIdentifiers=["meanwhile"])
            return provider.details

    monkeypatch.setattr(catalogue, "connector", lambda provider: Slow())
    refused(
        pool.idp.update_identity_provider,
        "ConcurrentModificationException",
        **scope,
        ProviderDetails={**OIDC, "client_id": "slower"},
    )
    shown = described(pool)
    assert shown["IdpIdentifiers"] == ["meanwhile"]
    assert shown["ProviderDetails"]["client_id"] == "pool"


@pytest.mark.parametrize(
    "members",
    [
        {"ProviderDetails": {**OIDC, "token_url": "gopher://login.example.com/"}},
        {"ProviderDetails": {"client_id": "x"}},
        {"ProviderDetails": {**OIDC, "surprise": "x"}},
        {"AttributeMapping": {"custom:nobody": "x"}},
        {"AttributeMapping": {"sub": "sub"}},
        {"AttributeMapping": {"email": ""}},
        {"IdpIdentifiers": ["acme.com", "ACME.COM"]},
        {"AcrMapping": {"Level1": "x", "Level2": "x"}},
    ],
)
def test_what_cannot_be_made_cannot_be_changed_to_either(pool: PoolInWorld, members: dict[str, Any]) -> None:
    given = {"ProviderDetails": OIDC, **members}
    scope = {"UserPoolId": pool.id, "ProviderName": "Okta"}
    refused(pool.idp.create_identity_provider, "InvalidParameterException", **scope, ProviderType="OIDC", **given)
    made = make(pool)
    refused(pool.idp.update_identity_provider, "InvalidParameterException", **scope, **members)
    assert described(pool) == made


# --- names and identifiers ------------------------------------------------------------------------------------------


def test_a_name_is_there_once_and_exact(pool: PoolInWorld) -> None:
    make(pool)
    scope = {"UserPoolId": pool.id, "ProviderName": "Okta", "ProviderType": "OIDC", "ProviderDetails": OIDC}
    said = refused(pool.idp.create_identity_provider, "DuplicateProviderException", **scope)
    assert "Okta" in said
    refused(pool.idp.describe_identity_provider, "ResourceNotFoundException", UserPoolId=pool.id, ProviderName="okta")
    make(pool, "okta")  # upper and lower case are two providers, as in Cognito
    assert described(pool, "okta")["ProviderName"] == "okta"


def test_names_that_are_not_to_be_had(pool: PoolInWorld) -> None:
    call = pool.world.boto3_unchecked().create_identity_provider
    for name in ("COGNITO", "Cognito", "Google", "my_okta", "a_b", "ab", "a b", "x" * 33, "abc\n"):
        scope = {"UserPoolId": pool.id, "ProviderName": name}
        refused(call, "InvalidParameterException", **scope, ProviderType="OIDC", ProviderDetails=OIDC)


def test_the_pool_itself_is_no_provider_to_change(pool: PoolInWorld, ours: Any) -> None:
    scope = {"UserPoolId": pool.id, "ProviderName": "COGNITO"}
    refused(pool.idp.update_identity_provider, "UnsupportedIdentityProviderException", **scope, IdpIdentifiers=[])
    refused(pool.idp.delete_identity_provider, "UnsupportedIdentityProviderException", **scope)
    refused(ours.set_identity_provider_extensions, "UnsupportedIdentityProviderException", **scope, Extensions={})


def test_what_is_not_there_is_not_found(pool: PoolInWorld, ours: Any) -> None:
    nobody = {"UserPoolId": pool.id, "ProviderName": "Nobody"}
    nowhere = {"UserPoolId": "us-east-1_NobodyHas", "ProviderName": "Okta"}
    for scope in (nobody, nowhere):
        for call, more in (
            (pool.idp.describe_identity_provider, {}),
            (pool.idp.update_identity_provider, {"IdpIdentifiers": ["x"]}),
            (pool.idp.delete_identity_provider, {}),
            (ours.get_identity_provider_extensions, {}),
            (ours.set_identity_provider_extensions, {"Extensions": {}}),
        ):
            refused(call, "ResourceNotFoundException", **scope, **more)
    refused(pool.idp.create_identity_provider, "ResourceNotFoundException", **nowhere, ProviderType="OIDC",
            ProviderDetails=OIDC)  # fmt: skip
    refused(pool.idp.list_identity_providers, "ResourceNotFoundException", UserPoolId=nowhere["UserPoolId"])


def test_an_identifier_leads_to_one_provider_in_any_case(pool: PoolInWorld) -> None:
    made = make(pool, IdpIdentifiers=["Acme.com", "sales"])
    find = pool.idp.get_identity_provider_by_identifier
    for spelling in ("Acme.com", "acme.com", "ACME.COM", " acme.com "):
        assert find(UserPoolId=pool.id, IdpIdentifier=spelling)["IdentityProvider"] == made
    scope: dict[str, Any] = {"UserPoolId": pool.id, "ProviderName": "Other"}
    taken = {**scope, "ProviderType": "OIDC", "ProviderDetails": OIDC, "IdpIdentifiers": ["ACME.com"]}
    assert "acme.com" in refused(pool.idp.create_identity_provider, "InvalidParameterException", **taken)
    refused(pool.idp.describe_identity_provider, "ResourceNotFoundException", **scope)
    make(pool, "Other", IdpIdentifiers=["other.com"])
    refused(pool.idp.update_identity_provider, "InvalidParameterException", **scope, IdpIdentifiers=["sales"])
    assert find(UserPoolId=pool.id, IdpIdentifier="other.com")["IdentityProvider"]["ProviderName"] == "Other"
    pool.idp.delete_identity_provider(UserPoolId=pool.id, ProviderName="Okta")
    refused(find, "ResourceNotFoundException", UserPoolId=pool.id, IdpIdentifier="acme.com")
    pool.idp.update_identity_provider(**scope, IdpIdentifiers=["acme.com"])
    assert find(UserPoolId=pool.id, IdpIdentifier="acme.com")["IdentityProvider"]["ProviderName"] == "Other"


def test_what_looks_like_an_identifier_but_is_none_finds_nobody(world: World, pool: PoolInWorld) -> None:
    """Asked with whatever somebody types into a sign-in page, beyond what the API's model lets through."""
    make(pool, IdpIdentifiers=["acme.com"])
    for typed in ("", " ", "acme.com\x00", "acme.com\n", "x" * 100_000, "\udc80", "acme%", "%", "_cme.com", "'--"):
        expected = "Okta" if typed.strip() == "acme.com" else None
        found = within(world, pool, lambda at, typed=typed: catalogue.by_identifier(at, typed))
        assert (found and found.name) == expected
        assert within(world, pool, lambda at, typed=typed: catalogue.find(at, typed)) is None


def test_a_pool_has_many_and_lists_them_by_page(pool: PoolInWorld) -> None:
    names = sorted(f"Provider{number:02}" for number in range(5))
    for name in reversed(names):
        make(pool, name)
    listed: list[str] = []
    token: dict[str, Any] = {}
    for _ in range(3):
        page = pool.idp.list_identity_providers(UserPoolId=pool.id, MaxResults=2, **token)
        listed += [one["ProviderName"] for one in page["Providers"]]
        assert set(page["Providers"][0]) == {"ProviderName", "ProviderType", "LastModifiedDate", "CreationDate"}
        token = {"NextToken": page.get("NextToken")}
    assert listed == names
    assert token == {"NextToken": None}
    refused(pool.idp.list_identity_providers, "InvalidParameterException", UserPoolId=pool.id, NextToken="forged")


def test_a_pool_has_no_more_than_its_limit(pool: PoolInWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.IDENTITY_PROVIDERS >= 5_000
    monkeypatch.setattr(limits, "IDENTITY_PROVIDERS", 2)
    make(pool, "One")
    make(pool, "Two22")
    scope = {"UserPoolId": pool.id, "ProviderName": "Three", "ProviderType": "OIDC", "ProviderDetails": OIDC}
    refused(pool.idp.create_identity_provider, "LimitExceededException", **scope)


# --- our own settings -----------------------------------------------------------------------------------------------


def test_a_providers_extensions_are_replaced_as_a_whole_and_kept_by_updates(pool: PoolInWorld, ours: Any) -> None:
    make(pool)
    scope = {"UserPoolId": pool.id, "ProviderName": "Okta"}
    assert ours.get_identity_provider_extensions(**scope)["Extensions"] == {}
    given = {
        "Enabled": True,
        "Label": "Sign in with Acme",
        "Button": False,
        "TrustEmail": True,
        "GroupsAttribute": "groups",
        "GroupMapping": {"CN=Ops,DC=acme": "operators"},
        "OnMissing": "remove",
        "TokenEndpointAuthMethod": "client_secret_basic",
        "ForceAuthn": True,
        "OwnCallback": True,
    }
    assert ours.set_identity_provider_extensions(**scope, Extensions=given)["Extensions"] == given
    pool.idp.update_identity_provider(**scope, ProviderDetails={**OIDC, "client_id": "other"})
    assert ours.get_identity_provider_extensions(**scope)["Extensions"] == given
    assert "groups" not in repr(described(pool))
    assert ours.set_identity_provider_extensions(**scope, Extensions={"Label": "Acme"})["Extensions"] == {
        "Label": "Acme"
    }


def test_extensions_and_details_have_to_agree(pool: PoolInWorld, ours: Any) -> None:
    make(pool)
    scope = {"UserPoolId": pool.id, "ProviderName": "Okta"}
    call = ours.set_identity_provider_extensions
    for extensions in ({"HostedDomain": "acme.com"}, {"AllowSha1": True}, {"RequireSigned": "both"}):
        refused(call, "InvalidParameterException", **scope, Extensions=extensions)
    call(**scope, Extensions={"TokenEndpointAuthMethod": "client_secret_basic"})
    public = {key: value for key, value in OIDC.items() if key != "client_secret"}
    refused(pool.idp.update_identity_provider, "InvalidParameterException", **scope, ProviderDetails=public)
    assert described(pool)["ProviderDetails"]["client_secret"] == OIDC["client_secret"]


def test_what_was_begun_before_a_provider_was_turned_off_stays_ended(
    world: World, pool: PoolInWorld, ours: Any
) -> None:
    """Class 48: not by turning it on again, nor by making another one of that name."""
    scope = {"UserPoolId": pool.id, "ProviderName": "Okta"}

    def still_open(*moments: datetime) -> list[bool]:
        with unit.open(world.runtime):
            return [cut_off.is_open(pool.id, "Okta", moment) for moment in moments]

    def extend(**extensions: Any) -> datetime:
        ours.set_identity_provider_extensions(**scope, Extensions=extensions)
        return clock.now()

    make(pool)
    first = clock.now()
    assert still_open(first, first - timedelta(minutes=1)) == [True, False]
    extend(Label="Acme")
    assert still_open(first) == [True]
    meanwhile = extend(Enabled=False)
    assert still_open(first, meanwhile) == [False, False]
    second = extend(Enabled=True)
    assert still_open(first, meanwhile, second) == [False, False, True]
    extend(Label="Acme")
    extend()
    assert still_open(first, meanwhile, second) == [False, False, True]
    pool.idp.delete_identity_provider(**scope)
    assert still_open(first, second, clock.now()) == [False, False, False]
    make(pool)
    assert still_open(first, second, clock.now()) == [False, False, True]


def test_pools_and_clients_have_extensions_of_federation(pool: PoolInWorld, ours: Any) -> None:
    own = {"LinkByVerifiedEmail": "prove"}
    assert ours.set_user_pool_extensions(UserPoolId=pool.id, Extensions=own)["Extensions"] == own
    never = {"LinkByVerifiedEmail": "always"}
    refused(ours.set_user_pool_extensions, "InvalidParameterException", UserPoolId=pool.id, Extensions=never)
    app = {"UserPoolId": pool.id, "ClientId": pool.client().id}
    given = {"MfaAfterFederation": True, "UpstreamTokens": True}
    assert ours.set_user_pool_client_extensions(**app, Extensions=given)["Extensions"] == given
    assert ours.get_user_pool_client_extensions(**app)["Extensions"] == given


# --- which clients offer them ---------------------------------------------------------------------------------------


def listing(pool: PoolInWorld, *names: str) -> ClientInWorld:
    """A client with these providers."""
    return pool.client(SupportedIdentityProviders=list(names))


def offered(world: World, client: ClientInWorld) -> list[str]:
    """The buttons of the client's login page."""
    return within(  # type: ignore[no-any-return]
        world, client.pool, lambda at: [one.name for one in catalogue.offered(lookup.client(at, client.id))]
    )


def test_a_client_lists_providers_that_there_are_by_their_exact_names(pool: PoolInWorld) -> None:
    make(pool)
    client = listing(pool, "COGNITO", "Okta")
    scope = {"UserPoolId": pool.id, "ClientId": client.id}
    for unknown in ("okta", "Nobody", "cognito"):
        for call, members in (
            (pool.idp.create_user_pool_client, {"UserPoolId": pool.id, "ClientName": "c"}),
            (pool.idp.update_user_pool_client, scope),
        ):
            said = refused(
                call, "InvalidParameterException", **members, SupportedIdentityProviders=["COGNITO", unknown]
            )
            assert said == f"The provider {unknown} does not exist for User Pool {pool.id}."
    shown = pool.idp.describe_user_pool_client(**scope)["UserPoolClient"]
    assert shown["SupportedIdentityProviders"] == ["COGNITO", "Okta"]


def test_a_provider_of_another_pool_is_none_of_this_one(world: World, pool: PoolInWorld) -> None:
    other = world.pool()
    make(other, IdpIdentifiers=["acme.com"])
    name = {"UserPoolId": pool.id, "ProviderName": "Okta"}
    refused(pool.idp.describe_identity_provider, "ResourceNotFoundException", **name)
    refused(pool.idp.get_identity_provider_by_identifier, "ResourceNotFoundException", UserPoolId=pool.id,
            IdpIdentifier="acme.com")  # fmt: skip
    members = {"UserPoolId": pool.id, "ClientName": "c", "SupportedIdentityProviders": ["Okta"]}
    refused(pool.idp.create_user_pool_client, "InvalidParameterException", **members)
    make(pool, IdpIdentifiers=["acme.com"])
    pool.idp.delete_identity_provider(**name)
    assert described(other)["IdpIdentifiers"] == ["acme.com"]


def test_a_deleted_provider_may_stay_on_a_clients_list_and_counts_for_nothing(
    world: World, pool: PoolInWorld, ours: Any
) -> None:
    make(pool)
    client = listing(pool, "Okta")
    scope = {"UserPoolId": pool.id, "ClientId": client.id}
    assert offered(world, client) == ["Okta"]
    pool.idp.delete_identity_provider(UserPoolId=pool.id, ProviderName="Okta")
    assert offered(world, client) == []
    shown = pool.idp.describe_user_pool_client(**scope)["UserPoolClient"]
    # The list is not emptied: one without names would let the pool's own passwords in.
    assert shown["SupportedIdentityProviders"] == ["Okta"]
    pool.idp.update_user_pool_client(**scope, SupportedIdentityProviders=["Okta"], AuthSessionValidity=4)
    ours.set_user_pool_client_extensions(**scope, Extensions={"RequirePkce": True})
    pool.idp.update_user_pool_client(**scope, SupportedIdentityProviders=["COGNITO"])
    gone = {**scope, "SupportedIdentityProviders": ["Okta"]}
    refused(pool.idp.update_user_pool_client, "InvalidParameterException", **gone)


def test_buttons_are_social_and_openid_first_then_saml_in_the_clients_order(
    world: World, pool: PoolInWorld, ours: Any, document: str
) -> None:
    saml = {"type_": "SAML", "ProviderDetails": {"MetadataFile": document}}
    make(pool, "Enterprise", **saml)
    make(pool, "Domained", **saml, IdpIdentifiers=["domained.com"])
    make(pool, "Openid", IdpIdentifiers=["openid.com"])
    make(pool, "Google", "Google", ProviderDetails=GOOGLE)
    make(pool, "Unlisted")
    client = listing(pool, "Domained", "Enterprise", "COGNITO", "Openid", "Google")
    assert offered(world, client) == ["Openid", "Google", "Enterprise", "Domained"]
    scope = {"UserPoolId": pool.id, "ProviderName": "Openid"}
    for extensions in ({"Button": False}, {"Enabled": False}):
        ours.set_identity_provider_extensions(**scope, Extensions=extensions)
        assert offered(world, client) == ["Google", "Enterprise", "Domained"]
    ours.set_identity_provider_extensions(**scope, Extensions={})
    assert offered(world, client) == ["Openid", "Google", "Enterprise", "Domained"]
    assert offered(world, pool.client()) == []


def test_domains_lead_somewhere_for_clients_that_list_such_a_provider(world: World, pool: PoolInWorld) -> None:
    def routes(client: ClientInWorld) -> bool:
        return bool(within(world, pool, lambda at: catalogue.routes(lookup.client(at, client.id))))

    make(pool, "Domained", IdpIdentifiers=["domained.com"])
    make(pool, "Named", IdpIdentifiers=["sales"])
    assert routes(listing(pool, "COGNITO", "Domained"))
    assert not routes(listing(pool, "COGNITO", "Named"))
    assert not routes(pool.client())


# --- many -----------------------------------------------------------------------------------------------------------

MANY = 5_000


def crowd(world: World, pool: PoolInWorld) -> list[str]:
    """Thousands of providers, each with a domain; stored as the catalogue stores them, without asking a server each."""
    now = clock.now()
    names = [f"Enterprise{number}" for number in range(MANY)]
    details = orjson.dumps(OIDC)
    rows = [
        {
            "pool_id": pool.id,
            "name": name,
            "type": "SAML",
            "sealed": world.runtime.sealer.seal("identity provider", details, f"{pool.id}/{name}"),
            "mapping": {},
            "identifiers": [f"{name.lower()}.example"],
            "acr_mapping": {},
            "own": {},
            "created_at": now,
            "modified_at": now,
        }
        for name in names
    ]
    found = [{"pool_id": pool.id, "identifier": f"{name.lower()}.example", "provider": name} for name in names]
    with unit.open(world.runtime, write=True):
        unit.execute(insert(StoredProvider), rows)
        unit.execute(insert(ProviderIdentifier), found)
        cache.changed()
    return names


def test_five_thousand_providers_cost_what_five_do(world: World, pool: PoolInWorld) -> None:
    few = world.pool()
    for number in range(5):
        make(few, f"Enterprise{number}", IdpIdentifiers=[f"enterprise{number}.example"])
    names = crowd(world, pool)
    client = pool.client(SupportedIdentityProviders=["COGNITO", *names])
    small = listing(few, "COGNITO", *names[:5])

    def cost(at: PoolInWorld, whose: ClientInWorld, last: str) -> list[int]:
        """Statements of: the buttons, whether domains lead anywhere, an arrival, a domain; cold and warm."""
        counted = []
        asked: list[Callable[[Any], Any]] = [
            lambda found: catalogue.offered(lookup.client(found, whose.id)),
            lambda found: catalogue.routes(lookup.client(found, whose.id)),
            lambda found: catalogue.get(found, last),
            lambda found: catalogue.by_identifier(found, f"{last.lower()}.example"),
        ]
        within(world, at, lambda found: lookup.client(found, whose.id))
        for ask, _warm in itertools.product(asked, (False, True)):
            with world.counting() as statements:
                assert within(world, at, ask)
            counted.append(len(statements))
        return counted

    assert len(within(world, pool, lambda at: catalogue.offered(lookup.client(at, client.id)))) == catalogue.BUTTONS
    with unit.open(world.runtime, write=True):
        cache.changed()
    assert cost(pool, client, names[-1]) == cost(few, small, names[4]) == [2, 0, 1, 0, 1, 0, 1, 0]


def test_only_the_rows_of_buttons_are_opened(world: World, pool: PoolInWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    client = pool.client(SupportedIdentityProviders=crowd(world, pool))
    opened = []
    monkeypatch.setattr(sealing, "open_", lambda *given: opened.append(given) or orjson.dumps(OIDC))
    assert len(offered(world, client)) == catalogue.BUTTONS
    assert 0 < len(opened) <= catalogue.BUTTONS


def test_a_social_provider_behind_thousands_has_its_button_first(world: World, pool: PoolInWorld) -> None:
    names = crowd(world, pool)
    make(pool, "Google", "Google", ProviderDetails=GOOGLE)
    make(pool, "Unlisted")
    client = pool.client(SupportedIdentityProviders=[*names, "Google", "COGNITO"])
    assert offered(world, client) == ["Google", *names[: catalogue.BUTTONS - 1]]


def test_made_up_names_and_domains_leave_nothing_in_memory(world: World, pool: PoolInWorld) -> None:
    make(pool, IdpIdentifiers=["acme.com"])

    def flood(found: Any) -> int:
        assert catalogue.by_identifier(found, "acme.com")
        held = len(world.runtime.cache._values)
        for number in range(200):
            assert catalogue.by_identifier(found, f"made-up-{number}.com") is None
            assert catalogue.find(found, f"MadeUp{number}") is None
            assert catalogue.by_identifier(found, "ACME.com" + " " * number)
        return len(world.runtime.cache._values) - held

    assert within(world, pool, flood) == 0


# Who somebody is stays when a provider is deleted: they are the same user if it is made again (see the how-to).
KEPT = {"linked_identities"}
# These end because they were begun through a provider that is gone, or is another one since (federation.cut_off).
ENDED = {"authorization_codes", "browser_sessions", "refresh_families"}


def filler(pool: PoolInWorld, column: Column[Any]) -> Any:
    """Something to store in a column."""
    kind = type(column.type).__name__
    known = {"pool_id": pool.id, "provider": "Okta"}
    by_kind: dict[str, Any] = {
        "LargeBinary": os.urandom(32),
        "Boolean": False,
        "Integer": 1,
        "BigInteger": 1,
        "Document": [],
        "Timestamp": clock.now(),
    }
    return known.get(column.name) or by_kind.get(kind, "x")


def test_nothing_but_whose_users_are_whose_outlives_a_provider(world: World, pool: PoolInWorld) -> None:
    """Every table that names a provider is cleared, or stands in one of these lists."""
    make(pool)
    tables = [table for table in metadata_of_tables.tables.values() if {"pool_id", "provider"} <= set(table.c.keys())]
    assert {"identity_provider_identifiers", "federation_trips", "upstream_tokens"} <= {one.name for one in tables}
    for table in tables:
        with unit.open(world.runtime, write=True):
            unit.execute(insert(table).values(**{column.name: filler(pool, column) for column in table.c}))
    pool.idp.delete_identity_provider(UserPoolId=pool.id, ProviderName="Okta")
    left = set()
    for table in tables:
        with unit.open(world.runtime):
            if unit.execute(select(table.c.provider).where(table.c.pool_id == pool.id)).first() is not None:
                left.add(table.name)
    assert left == KEPT | ENDED


def test_providers_go_with_their_pool(world: World) -> None:
    pool = world.pool()
    make(pool, IdpIdentifiers=["acme.com"])
    pool.idp.delete_user_pool(UserPoolId=pool.id)
    with unit.open(world.runtime):
        for table in (StoredProvider, ProviderIdentifier):
            assert unit.execute(select(table.pool_id).where(table.pool_id == pool.id)).first() is None
    with pytest.raises(ClientError):
        described(pool)


PRIVATE_KEY = """\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r
1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G
"""
