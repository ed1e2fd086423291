"""The pool that the scenarios run against, set up through the API as any customer would do it."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import boto3
import requests
from botocore.config import Config

from bench.browser import Browser

CALLBACK = "https://app.example.com/callback"
PASSWORD = "Correct-horse-9"
SCOPE = "bench/read"
VERIFIER = secrets.token_urlsafe(48)
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Administrator:
    """An access key of the server under test."""

    key_id: str = "POOLHOUSEBENCHADMIN1"
    secret: str = "bench-only-secret-access-key-of-forty-ch"

    def client(self, base: str, service: str = "cognito-idp") -> Any:
        return boto3.client(
            service,
            endpoint_url=base,
            region_name="us-east-1",
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.secret,
            config=Config(retries={"max_attempts": 1}),
        )


@dataclass(frozen=True)
class Client:
    """An app client's credentials."""

    id: str
    secret: str = ""

    @property
    def basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.id}:{self.secret}".encode()).decode()


@dataclass(frozen=True)
class Tenant:
    """A pool with a machine client, a web client, a public client and one user."""

    pool_id: str
    machine: Client
    web: Client
    public: Client
    username: str

    def oauth(self, path: str) -> str:
        return f"/{self.pool_id}/oauth2/{path}"

    def authorize_query(self) -> str:
        return urlencode(
            {
                "response_type": "code",
                "client_id": self.web.id,
                "redirect_uri": CALLBACK,
                "scope": "openid email",
                "state": "s",
                "nonce": "n",
                "code_challenge": CHALLENGE,
                "code_challenge_method": "S256",
            }
        )

    def redeem_form(self, code: str) -> bytes:
        return urlencode(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": CALLBACK,
                "code_verifier": VERIFIER,
            }
        ).encode()


def furnish(base: str, administrator: Administrator) -> Tenant:
    """Create it all. Raises what boto3 raises."""
    idp = administrator.client(base)
    pool_id = idp.create_user_pool(PoolName="bench")["UserPool"]["Id"]
    idp.create_resource_server(
        UserPoolId=pool_id, Identifier="bench", Name="bench", Scopes=[{"ScopeName": "read", "ScopeDescription": "read"}]
    )

    def client(name: str, **settings: Any) -> Client:
        made = idp.create_user_pool_client(UserPoolId=pool_id, ClientName=name, **settings)["UserPoolClient"]
        return Client(made["ClientId"], made.get("ClientSecret", ""))

    machine = client(
        "machine",
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[SCOPE],
    )
    web = client(
        "web",
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid", "email"],
        CallbackURLs=[CALLBACK],
        SupportedIdentityProviders=["COGNITO"],
        RefreshTokenRotation={"Feature": "ENABLED", "RetryGracePeriodSeconds": 0},
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"],
    )
    public = client("public", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])
    username = "ann"
    idp.admin_create_user(
        UserPoolId=pool_id,
        Username=username,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": "ann@example.com"}, {"Name": "email_verified", "Value": "true"}],
    )
    idp.admin_set_user_password(UserPoolId=pool_id, Username=username, Password=PASSWORD, Permanent=True)
    return Tenant(pool_id, machine, web, public, username)


def sign_in(base: str, tenant: Tenant) -> Browser:
    """A browser that has a session, by the hosted pages."""
    browser = Browser(base)
    page = browser.get(f"{base}{tenant.oauth('authorize')}?{tenant.authorize_query()}")
    page = page.submit(username=tenant.username, password=PASSWORD)
    assert "code" in page.query, f"{page.url} {page.status} {page.text[:500]}"
    return browser


def tokens(base: str, tenant: Tenant, browser: Browser) -> dict[str, Any]:
    """ID, access and refresh token by the code flow, for a browser that is signed in."""
    page = browser.get(f"{base}{tenant.oauth('authorize')}?{tenant.authorize_query()}")
    code = parse_qs(urlsplit(page.url).query)["code"][0]
    form = {"Authorization": tenant.web.basic, "Content-Type": "application/x-www-form-urlencoded"}
    got = requests.post(f"{base}{tenant.oauth('token')}", tenant.redeem_form(code), headers=form, timeout=30)
    assert got.status_code == 200, got.text
    result: dict[str, Any] = got.json()
    return result
