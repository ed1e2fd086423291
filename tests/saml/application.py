"""An enterprise's application that people of a pool sign in to: made through boto3, as an administrator makes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.saml.enterprise import ours
from tests.saml.pysaml2_sp import Pysaml2Sp
from tests.saml.surfer import Surfer
from tests.world import ClientInWorld, Person, PoolInWorld, World


@dataclass
class Application:
    """A pool's app client that is a service provider."""

    pool: PoolInWorld
    client: ClientInWorld
    extensions: Any  # boto3's client of our own service
    saml: dict[str, Any]  # as it is stored

    @property
    def world(self) -> World:
        return self.pool.world

    @property
    def ids(self) -> dict[str, str]:
        return {"UserPoolId": self.pool.id, "ClientId": self.client.id}

    @property
    def entity_id(self) -> str:
        """Of the identity provider, which is us."""
        return f"{self.pool.issuer}/saml2/idp/metadata"

    @property
    def sso(self) -> str:
        return f"{self.pool.issuer}/saml2/idp/sso"

    @property
    def slo(self) -> str:
        return f"{self.pool.issuer}/saml2/idp/slo"

    def configure(self, **changes: Any) -> dict[str, Any]:
        """SetUserPoolClientExtensions with ``changes`` to the present members; None takes one out."""
        given = {name: value for name, value in {**self.saml, **changes}.items() if value is not None}
        answer = self.extensions.set_user_pool_client_extensions(**self.ids, Extensions={"Saml": given})
        self.saml = answer["Extensions"]["Saml"]
        return self.saml

    def metadata(self) -> bytes:
        """What we publish."""
        answer = requests.get(f"{self.pool.issuer}/saml2/idp/metadata", timeout=20)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "application/samlmetadata+xml"
        return answer.content


def application(pool: PoolInWorld, directory: Path, **saml: Any) -> Application:
    """A new app client with the extension ``Saml``."""
    client = pool.client(SupportedIdentityProviders=["COGNITO"])
    made = Application(pool, client, ours(pool.world, directory), {})
    made.configure(**saml)
    return made


def introduced(pool: PoolInWorld, sp: Pysaml2Sp, directory: Path, **saml: Any) -> Application:
    """The same for pysaml2's service provider: each has read the other's metadata."""
    made = application(pool, directory, Metadata=sp.metadata.decode(), **saml)
    sp.know(made.metadata())
    return made


def sign_in(surfer: Surfer, person: Person) -> Surfer:
    """Fill in our sign-in page."""
    assert any("password" in form["fields"] for form in surfer.forms), f"{surfer.status} {surfer.url}: {surfer.text}"
    return surfer.submit(username=person.username, password=person.password)
