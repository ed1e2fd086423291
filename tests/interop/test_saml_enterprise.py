"""A whole SAML provider (SimpleSAMLphp) and a server as its users run it, two processes of it: one person's story."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from tests.interop.server import Live, running
from tests.saml.enterprise import EMAIL, GIVEN_NAME, MAPPING
from tests.saml.simplesamlphp import PASSWORD, SimpleSamlPhp, simplesamlphp
from tests.saml.surfer import Surfer

pytestmark = pytest.mark.live
CALLBACK, SIGNED_OUT = "https://app.example/callback", "https://app.example/goodbye"
THEIR_PAGE = "Enter your username and password"


def make(live: Live, idp: SimpleSamlPhp) -> dict[str, Any]:
    """The pool, its provider and the app, as an administrator makes them; the provider told of us."""
    administrator = live.administrator()
    pool_id = administrator.create_user_pool(
        PoolName="enterprise", Schema=[{"Name": "team", "AttributeDataType": "String", "Mutable": True}]
    )["UserPool"]["Id"]
    made = administrator.create_identity_provider(
        UserPoolId=pool_id,
        ProviderName="Enterprise",
        ProviderType="SAML",
        ProviderDetails={
            "MetadataURL": idp.metadata_url,
            "IDPSignout": "true",
            "EncryptedResponses": "true",
            "RequestSigningAlgorithm": "rsa-sha256",
        },
        AttributeMapping=MAPPING,
        IdpIdentifiers=["story.example"],
    )["IdentityProvider"]
    assert made["ProviderDetails"]["SSORedirectBindingURI"] == f"{idp.url}/saml2/idp/SSOService.php"
    assert made["ProviderDetails"]["ActiveEncryptionCertificate"]
    client = administrator.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="the app",
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid", "email", "profile"],
        CallbackURLs=[CALLBACK],
        LogoutURLs=[SIGNED_OUT],
        SupportedIdentityProviders=["Enterprise"],
    )["UserPoolClient"]
    base = f"{live.base}/{pool_id}"
    metadata = requests.get(f"{base}/saml2/metadata?identity_provider=Enterprise", timeout=20)
    assert metadata.status_code == 200, metadata.text
    idp.know(pool_id, metadata.content)
    return {"base": base, "pool_id": pool_id, "id": client["ClientId"], "secret": client["ClientSecret"]}


def arrive(person: Surfer, app: dict[str, Any], **asked: str) -> dict[str, Any]:
    """From the app to the provider and back; the ID token's claims."""
    parameters = {
        "response_type": "code",
        "client_id": app["id"],
        "redirect_uri": CALLBACK,
        "scope": "openid email profile",
        "state": "of-the-app",
        **asked,
    }
    person.go(f"{app['base']}/oauth2/authorize?{urlencode(parameters)}")
    if THEIR_PAGE in person.text:
        person.submit(username="ann", password=PASSWORD)
    assert person.left is not None, f"{person.status} at {person.url}: {person.text[:1500]}"
    assert person.left["state"] == "of-the-app"
    answer = requests.post(
        f"{app['base']}/oauth2/token",
        data={"grant_type": "authorization_code", "code": person.left["code"], "redirect_uri": CALLBACK},
        auth=(app["id"], app["secret"]),
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    payload = answer.json()["id_token"].split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def test_somebody_of_an_enterprise_comes_changes_and_goes(
    engine: str, make_database: Callable[[str], str], tmp_path: Path
) -> None:
    with simplesamlphp(tmp_path) as idp, running(make_database(engine), workers="2") as live:
        idp.people["ann"] = {EMAIL: ["ann@story.example"], GIVEN_NAME: ["Ann"], "team": ["red"]}
        idp.encrypt = idp.want_signed_requests = True
        app = make(live, idp)
        person = Surfer()
        first = arrive(person, app, idp_identifier="story.example")
        assert first["cognito:username"] == "Enterprise_ann"
        assert (first["email"], first["custom:team"]) == ("ann@story.example", "red")
        assert first["identities"][0]["issuer"] == idp.entity_id

        idp.people["ann"]["team"] = ["blue"]
        idp.save()
        again = arrive(person, app, identity_provider="Enterprise", prompt="login")
        assert (again["sub"], again["custom:team"]) == (first["sub"], "blue")
        user = live.administrator().admin_get_user(UserPoolId=app["pool_id"], Username="Enterprise_ann")
        assert user["UserStatus"] == "EXTERNAL_PROVIDER"

        person.go(f"{app['base']}/logout?{urlencode({'client_id': app['id'], 'logout_uri': SIGNED_OUT})}")
        assert person.url.startswith(SIGNED_OUT), f"{person.status} at {person.url}: {person.text[:1500]}"
        asked = {"response_type": "code", "client_id": app["id"], "redirect_uri": CALLBACK, "scope": "openid"}
        person.go(f"{app['base']}/oauth2/authorize?{urlencode(asked)}")
        assert THEIR_PAGE in person.text, "neither we nor they know the person any more"
