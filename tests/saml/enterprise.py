"""An app whose people come from an enterprise's SAML provider: made through boto3, as an administrator makes it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urljoin

import boto3
import botocore.session
import requests

from tests.oidc import CALLBACK, SIGNED_OUT, Rp
from tests.saml.surfer import Surfer
from tests.world import ACCESS_KEY_ID, SECRET_ACCESS_KEY, PoolInWorld, World

CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
EMAIL, GIVEN_NAME = CLAIMS + "emailaddress", CLAIMS + "givenname"
SCOPES = ["openid", "email", "profile", "aws.cognito.signin.user.admin"]
MAPPING = {"email": EMAIL, "given_name": GIVEN_NAME, "custom:team": "team"}


class IdentityProvider(Protocol):
    """What a counterpart has to be: pysaml2's and SimpleSAMLphp are."""

    @property
    def metadata_url(self) -> str: ...

    @property
    def metadata(self) -> bytes: ...

    def know(self, name: str, metadata: bytes) -> None: ...


def ours(world: World, directory: Path) -> Any:
    """boto3's client of our own service, from the model that ``aws configure add-model`` would be given."""
    folder = directory / "poolhouse" / "2026-01-01"
    folder.mkdir(parents=True, exist_ok=True)
    with resources.as_file(resources.files("poolhouse.api.model") / "poolhouse.json") as model:
        shutil.copy(model, folder / "service-2.json")
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.append(str(directory))
    return boto3.Session(botocore_session=session).client(
        "poolhouse",  # type: ignore[call-overload]
        endpoint_url=world.url,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
    )


@dataclass
class Joined:
    """A pool with an app, and the provider that its people come from."""

    pool: PoolInWorld
    name: str
    app: Rp
    idp: IdentityProvider

    @property
    def world(self) -> World:
        return self.pool.world

    @property
    def goodbye(self) -> str:
        """A page of the app's for whoever has signed out."""
        return urljoin(self.app.redirect_uri, "/goodbye")

    @property
    def entity_id(self) -> str:
        """Cognito's form of a service provider's name."""
        return f"urn:amazon:cognito:sp:{self.pool.id}"

    def metadata(self) -> bytes:
        """What we publish for the provider."""
        answer = requests.get(f"{self.pool.issuer}/saml2/metadata", params={"identity_provider": self.name}, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.content

    def introduce(self) -> None:
        """Give the provider our metadata, as it is now."""
        self.idp.know(self.pool.id, self.metadata())

    def beside(self, idp: IdentityProvider, name: str) -> Joined:
        """The same app with another provider, too."""
        add(self.pool, name, {"MetadataURL": idp.metadata_url}, MAPPING)
        self.pool.idp.update_user_pool_client(
            UserPoolId=self.pool.id,
            ClientId=self.app.client.id,
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["code"],
            AllowedOAuthScopes=SCOPES,
            CallbackURLs=[self.app.redirect_uri],
            SupportedIdentityProviders=[self.name, name],
        )
        other = Joined(self.pool, name, self.app, idp)
        other.introduce()
        return other

    def update(self, **members: Any) -> None:
        """UpdateIdentityProvider."""
        self.pool.idp.update_identity_provider(UserPoolId=self.pool.id, ProviderName=self.name, **members)

    def extend(self, directory: Path, **extensions: Any) -> None:
        """SetIdentityProviderExtensions."""
        ours(self.world, directory).set_identity_provider_extensions(
            UserPoolId=self.pool.id, ProviderName=self.name, Extensions=extensions
        )

    def leave(self, person: Surfer, **more: str | None) -> Surfer:
        """From the app to the provider."""
        return person.go(self.app.url(identity_provider=self.name, **more))

    def tokens(self, person: Surfer) -> dict[str, Any]:
        """What the app gets for the code that the browser brought."""
        assert person.left is not None, f"no app, but {person.status} at {person.url}: {person.text[:1500]}"
        assert "code" in person.left, person.left
        assert person.left["iss"] == self.pool.issuer
        response = self.app.exchange(person.left["code"])
        assert response.status_code == 200, response.get_data(as_text=True)
        return dict(response.get_json())

    def claims(self, person: Surfer) -> dict[str, Any]:
        """The ID token's claims, for the code that the browser brought."""
        return self.app.id_claims(self.tokens(person)["id_token"])

    def profile(self, subject: str) -> dict[str, str]:
        """The user's attributes as an administrator sees them, with ``status``."""
        user = self.pool.idp.admin_get_user(UserPoolId=self.pool.id, Username=f"{self.name}_{subject}")
        return {"status": user["UserStatus"], **{a["Name"]: a["Value"] for a in user["UserAttributes"]}}

    def groups(self, subject: str) -> set[str]:
        """The groups that the user is in."""
        listed = self.pool.idp.admin_list_groups_for_user(UserPoolId=self.pool.id, Username=f"{self.name}_{subject}")
        return {group["GroupName"] for group in listed["Groups"]}


def add(
    pool: PoolInWorld,
    name: str,
    details: Mapping[str, str],
    mapping: Mapping[str, str],
    identifiers: Sequence[str] = (),
) -> None:
    """CreateIdentityProvider."""
    pool.idp.create_identity_provider(
        UserPoolId=pool.id,
        ProviderName=name,
        ProviderType="SAML",
        ProviderDetails=dict(details),
        AttributeMapping=dict(mapping),
        IdpIdentifiers=list(identifiers),
    )


def joined(
    world: World,
    idp: IdentityProvider,
    *,
    name: str = "Okta",
    details: Mapping[str, str] | None = None,
    mapping: Mapping[str, str] = MAPPING,
    identifiers: Sequence[str] = (),
    callback: str = CALLBACK,
    local: bool = False,
    by_file: bool = False,
    schema: Sequence[Mapping[str, Any]] = (),
) -> Joined:
    """A new pool with an app that offers ``idp``, each told of the other."""
    pool = world.pool(Schema=[{"Name": "team", "AttributeDataType": "String", "Mutable": True}, *schema])
    known = {"MetadataFile": idp.metadata.decode()} if by_file else {"MetadataURL": idp.metadata_url}
    add(pool, name, {**known, **(details or {})}, mapping, identifiers)
    client = pool.client(
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=SCOPES,
        CallbackURLs=[callback],
        LogoutURLs=[SIGNED_OUT, urljoin(callback, "/goodbye")],
        SupportedIdentityProviders=[*(["COGNITO"] if local else []), name],
    )
    made = Joined(pool, name, Rp(client, redirect_uri=callback), idp)
    made.introduce()
    return made
