"""SimpleSAMLphp as an application of an enterprise that speaks only SAML: people of a pool sign in to it, and out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.saml.application import Application, application, sign_in
from tests.saml.simplesamlphp import SimpleSamlPhp, simplesamlphp
from tests.saml.surfer import Surfer
from tests.world import Person, World


@pytest.fixture(scope="module")
def php(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleSamlPhp]:
    with simplesamlphp(tmp_path_factory.mktemp("php")) as php:
        yield php


@pytest.fixture
def app(world: World, php: SimpleSamlPhp, tmp_path: Path) -> Application:
    told = {"mail": "email", "givenName": "given_name"}
    made = application(world.pool(), tmp_path, Metadata=php.app_metadata.decode(), Attributes=told, Encrypt=True)
    php.app_idp = made.entity_id
    php.know("us", made.metadata())
    return made


@pytest.fixture
def ann(app: Application) -> Person:
    return app.pool.user(email="ann@php.example", email_verified="true", given_name="Ann & Söhne")


def greeted(php: SimpleSamlPhp, ann: Person) -> Surfer:
    """Somebody who is signed in to the application."""
    person = sign_in(Surfer().go(php.app_url), ann)
    assert "Your attributes" in person.text, f"{person.status} at {person.url}: {person.text[:1500]}\n{php.log}"
    return person


def test_it_understands_an_encrypted_assertion(php: SimpleSamlPhp, app: Application, ann: Person) -> None:
    person = greeted(php, ann)
    assert "ann@php.example" in person.text
    assert "Ann &amp; Söhne" in person.text
    assert app.entity_id in person.text


def test_signing_out_there_signs_out_here(php: SimpleSamlPhp, app: Application, ann: Person) -> None:
    person = greeted(php, ann)
    person.go(next(link for link in person.links if link.endswith("&logout")))
    assert "You have been logged out" in person.text, (
        f"{person.status} at {person.url}: {person.text[:1500]}\n{php.log}"
    )
    assert any(step.url.startswith(app.slo) for step in person.way)
    assert any("password" in form["fields"] for form in person.go(php.app_url).forms), "our page asks again"


def test_signing_out_here_signs_out_there(php: SimpleSamlPhp, app: Application, ann: Person) -> None:
    person = greeted(php, ann)
    goodbye = "https://rp.example/goodbye"
    app.pool.idp.update_user_pool_client(
        **app.ids, SupportedIdentityProviders=["COGNITO"], CallbackURLs=[goodbye], LogoutURLs=[goodbye]
    )
    person.go(f"{app.pool.issuer}/logout?{urlencode({'client_id': app.client.id, 'logout_uri': goodbye})}")
    assert person.url == goodbye, f"{person.status} at {person.url}: {person.text[:1500]}\n{php.log}"
    person.go(php.app_url)
    assert any("password" in form["fields"] for form in person.forms), "neither they nor we know the person any more"
