"""SAML providers through the API: what their metadata must be, what is shown of them, and the keys of the pool."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from cryptography import x509
from lxml import etree

from poolhouse.core import clock, unit
from poolhouse.federation import saml_keys
from tests.saml import attack_idp
from tests.world import PoolInWorld, World

NS = {"md": "urn:oasis:names:tc:SAML:2.0:metadata", "ds": "http://www.w3.org/2000/09/xmldsig#"}


def provider(pool: PoolInWorld, name: str = "Okta", **details: str) -> dict[str, Any]:
    """A new SAML provider of the pool."""
    details.setdefault("MetadataFile", attack_idp.metadata().decode())
    made = pool.idp.create_identity_provider(
        UserPoolId=pool.id, ProviderName=name, ProviderType="SAML", ProviderDetails=details
    )
    return dict(made["IdentityProvider"])


def published(pool: PoolInWorld, **query: str) -> Any:
    """The pool's metadata as a service provider."""
    answer = requests.get(f"{pool.issuer}/saml2/metadata", params=query, timeout=20)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/samlmetadata+xml"
    return etree.fromstring(answer.content)


def certificates(metadata: Any, use: str) -> list[str]:
    """The certificates in it, as base64."""
    return [element.text for element in metadata.iterfind(f".//md:KeyDescriptor[@use='{use}']//ds:X509Certificate", NS)]


def test_a_provider_is_shown_with_its_addresses(pool: PoolInWorld) -> None:
    made = provider(pool)
    shown = pool.idp.describe_identity_provider(UserPoolId=pool.id, ProviderName="Okta")["IdentityProvider"]
    for answer in (made, shown):
        assert answer["ProviderDetails"]["SSORedirectBindingURI"] == "https://idp.example/sso"
        assert answer["ProviderDetails"]["SLORedirectBindingURI"] == "https://idp.example/slo"
        assert "ActiveEncryptionCertificate" not in answer["ProviderDetails"]


def test_a_provider_that_encrypts_is_shown_what_to_encrypt_to(pool: PoolInWorld) -> None:
    made = provider(pool, EncryptedResponses="true")["ProviderDetails"]["ActiveEncryptionCertificate"]
    certificate = x509.load_der_x509_certificate(base64.b64decode(made))
    assert certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=3600)
    assert certificates(published(pool, identity_provider="Okta"), "encryption") == [made]
    assert certificates(published(pool), "encryption") == []
    other = provider(pool, "Other", EncryptedResponses="true")["ProviderDetails"]["ActiveEncryptionCertificate"]
    assert other != made


def test_what_describe_adds_may_come_back_with_an_update(pool: PoolInWorld) -> None:
    details = provider(pool, EncryptedResponses="true")["ProviderDetails"]
    updated = pool.idp.update_identity_provider(
        UserPoolId=pool.id,
        ProviderName="Okta",
        ProviderDetails={**details, "SSORedirectBindingURI": "https://x.example/"},
    )["IdentityProvider"]["ProviderDetails"]
    assert updated == details


def test_the_metadata_names_the_pool_as_cognito_does(pool: PoolInWorld) -> None:
    metadata = published(pool)
    assert metadata.get("entityID") == f"urn:amazon:cognito:sp:{pool.id}"
    (consumer,) = metadata.iterfind(".//md:AssertionConsumerService", NS)
    assert consumer.get("Location") == f"{pool.issuer}/saml2/idpresponse"
    assert consumer.get("Binding") == "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
    signing = pool.idp.get_signing_certificate(UserPoolId=pool.id)["Certificate"]
    assert certificates(metadata, "signing") == [signing]
    x509.load_der_x509_certificate(base64.b64decode(signing))


@pytest.mark.parametrize(
    "query", [{"identity_provider": "Nobody"}, {"identity_provider": ""}, {"identity_provider": "x" * 5000}]
)
def test_metadata_for_a_provider_that_is_not_there_is_not_found(pool: PoolInWorld, query: dict[str, str]) -> None:
    assert requests.get(f"{pool.issuer}/saml2/metadata", params=query, timeout=20).status_code == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("identity_provider=Okta&identity_provider=Okta", 400),
        ("&".join(f"a{n}=b" for n in range(30)), 400),
        ("identity_provider=%00", 404),
        ("identity_provider=%FF%FE", 404),
        ("identity_provider=%F0%9F%98%80", 404),
        ("identity_provider=okta", 404),
        ("identity_provider=COGNITO", 404),
        ("unknown=1", 200),
        ("%", 200),
        ("=", 200),
    ],
)
def test_whatever_is_asked_for_metadata_gets_an_answer(pool: PoolInWorld, query: str, status: int) -> None:
    provider(pool)
    assert requests.get(f"{pool.issuer}/saml2/metadata?{query}", timeout=20).status_code == status
    assert requests.post(f"{pool.issuer}/saml2/metadata?{query}", timeout=20).status_code == 405


# --- metadata that cannot be used -------------------------------------------------------------------------------------


def said(pool: PoolInWorld, **details: str) -> str:
    """Why the provider is refused."""
    with pytest.raises(pool.idp.exceptions.InvalidParameterException) as caught:
        provider(pool, **details)
    return str(caught.value.response["Error"]["Message"])


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{}", "could not be read"),
        ("<html/>", "no EntityDescriptor"),
        ('<!DOCTYPE x [<!ENTITY e "y">]><x>&e;</x>', "DTD"),
        (attack_idp.metadata(bindings=("HTTP-Artifact",)).decode(), "No SingleSignOn Http redirect or post binding"),
        (attack_idp.metadata(keys=[]).decode(), "signing certificate"),
        (attack_idp.metadata(keys=[attack_idp.key("weak", "short")]).decode(), "too short"),
        (attack_idp.metadata(sso="javascript:alert(1)").decode(), "unusable address"),
        (attack_idp.metadata(sso="https://user@idp.example/").decode(), "unusable address"),
        (attack_idp.metadata(slo="data:text/html,x").decode(), "unusable address"),
        (attack_idp.metadata(entity_id=" ").decode(), "entityID"),
        (attack_idp.metadata(valid_until=datetime(2020, 1, 1, tzinfo=UTC)).decode(), "expired"),
        (attack_idp.metadata().decode().replace("IDPSSODescriptor", "SPSSODescriptor"), "IDPSSODescriptor"),
        (attack_idp.metadata().decode().replace("SAML:2.0:protocol", "SAML:1.1:protocol"), "IDPSSODescriptor"),
    ],
)
def test_metadata_that_cannot_be_used_is_refused_with_the_reason(pool: PoolInWorld, document: str, reason: str) -> None:
    assert reason in said(pool, MetadataFile=document)


def test_metadata_is_given_one_way(pool: PoolInWorld) -> None:
    assert "MetadataURL" in said(pool, MetadataFile="")
    assert "MetadataURL" in said(pool, MetadataURL="https://idp.example/metadata")


# --- rotation ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def ours(world: World, tmp_path: Any) -> Any:
    """boto3's client of our own service."""
    from tests.saml.enterprise import ours as client

    return client(world, tmp_path)


def test_a_new_signing_key_is_published_a_day_before_it_signs(pool: PoolInWorld, ours: Any) -> None:
    def signing() -> str:
        return str(pool.idp.get_signing_certificate(UserPoolId=pool.id)["Certificate"])

    former = signing()
    made = ours.rotate_saml_key(UserPoolId=pool.id)
    assert made["Certificate"] != former
    assert timedelta(hours=23) < made["ActiveFrom"] - datetime.now(UTC) <= timedelta(hours=24)
    assert certificates(published(pool), "signing") == [made["Certificate"], former]
    assert signing() == former
    with clock.moved(hours=25), unit.open(pool.world.runtime):  # signed requests of the API know no other time
        assert saml_keys.signing(pool.id).shown == made["Certificate"]
        assert certificates(published(pool), "signing") == [made["Certificate"], former]
    with clock.moved(days=360), unit.open(pool.world.runtime):
        saml_keys.purge()
        assert [key.shown for key in saml_keys.published(pool.id)] == [made["Certificate"], former]
    with clock.moved(days=367), unit.open(pool.world.runtime):
        saml_keys.purge()
    assert certificates(published(pool), "signing") == [made["Certificate"]]


def test_a_signing_key_that_leaked_is_gone_at_once(pool: PoolInWorld, ours: Any) -> None:
    former = pool.idp.get_signing_certificate(UserPoolId=pool.id)["Certificate"]
    made = ours.rotate_saml_key(UserPoolId=pool.id, Withdraw=True)["Certificate"]
    assert made != former
    assert pool.idp.get_signing_certificate(UserPoolId=pool.id)["Certificate"] == made
    assert certificates(published(pool), "signing") == [made]


def test_the_key_that_a_provider_encrypts_to_is_rotated_apart(pool: PoolInWorld, ours: Any) -> None:
    former = provider(pool, EncryptedResponses="true")["ProviderDetails"]["ActiveEncryptionCertificate"]
    signing = certificates(published(pool), "signing")
    made = ours.rotate_saml_key(UserPoolId=pool.id, ProviderName="Okta")["Certificate"]
    shown = pool.idp.describe_identity_provider(UserPoolId=pool.id, ProviderName="Okta")["IdentityProvider"]
    assert shown["ProviderDetails"]["ActiveEncryptionCertificate"] == made
    assert certificates(published(pool, identity_provider="Okta"), "encryption") == [made, former]
    assert certificates(published(pool), "signing") == signing


def test_only_saml_providers_have_keys(pool: PoolInWorld, ours: Any) -> None:
    google = {"client_id": "1.apps.googleusercontent.com", "client_secret": "s", "authorize_scopes": "email"}
    pool.idp.create_identity_provider(
        UserPoolId=pool.id, ProviderName="Google", ProviderType="Google", ProviderDetails=google
    )
    assert requests.get(f"{pool.issuer}/saml2/metadata", {"identity_provider": "Google"}, timeout=20).status_code == 404
    with pytest.raises(ours.exceptions.InvalidParameterException):
        ours.rotate_saml_key(UserPoolId=pool.id, ProviderName="Google")
    with pytest.raises(ours.exceptions.ResourceNotFoundException):
        ours.rotate_saml_key(UserPoolId=pool.id, ProviderName="Nobody")
