"""The demo: a pool with clients, a user, a group and a resource server, made once through the API like anybody's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poolhouse.access import caller
from poolhouse.api.perform import perform
from poolhouse.core import ids, unit
from poolhouse.core.runtime import Runtime
from poolhouse.settings import Settings
from poolhouse.user_pools import lookup

FILE = "demo.json"
USER = "ann@example.com"
GROUP = "writers"
RESOURCE_SERVER = "notes"
SCOPES = {"read": "Read your notes", "write": "Write notes for you"}
_WEBAPP = ("http://localhost:8081", "http://localhost:8083", "http://localhost:5000", "http://localhost:3000")

Call = Callable[..., dict[str, Any]]


def file(settings: Settings) -> Path:
    """Where the ids and secrets of the demo are kept, for its owner and the examples to read."""
    return Path(settings.data_dir).absolute() / FILE


def read(settings: Settings) -> dict[str, str]:
    """What is in :func:`file`; nothing if there is none."""
    path = file(settings)
    if not path.exists():
        return {}
    known: dict[str, str] = json.loads(path.read_text("utf-8"))
    return known


def administrator(known: dict[str, str]) -> dict[str, str]:
    """The access key of the demo's administrator: the one that it had, else a new one. Settings by name."""
    return {
        "access_key_id": known.get("access_key_id") or "AKIA" + ids.alnum(16).upper(),
        "secret_access_key": known.get("secret_access_key") or ids.token(30),
    }


def seed(rt: Runtime) -> dict[str, str]:
    """Make the demo pool if it is not there yet, and write down where everything is now."""
    known = read(rt.settings)
    with unit.open(rt):
        there = "user_pool_id" in known and lookup.find_pool(known["user_pool_id"]) is not None
    if not there:
        with unit.open(rt):
            who = caller.operator(rt.settings.account_id)

            def call(operation: str, **members: Any) -> dict[str, Any]:
                return perform(who, "cognito-idp", operation, members)

            known = _make(call)
    known |= {
        "endpoint": rt.settings.api_endpoint,
        "issuer": f"{rt.settings.issuer_base}/{known['user_pool_id']}",
        "region": rt.settings.region,
        "access_key_id": rt.settings.access_key_id,
        "secret_access_key": rt.settings.secret_access_key.reveal(),
    }
    _write(file(rt.settings), known)
    return known


def _make(call: Call) -> dict[str, str]:
    pool = _pool(call)
    call(
        "CreateResourceServer",
        UserPoolId=pool,
        Identifier=RESOURCE_SERVER,
        Name="Notes",
        Scopes=[{"ScopeName": name, "ScopeDescription": about} for name, about in SCOPES.items()],
    )
    password = _password()
    _user(call, pool, password)
    own_scopes = [f"{RESOURCE_SERVER}/{name}" for name in SCOPES]
    people = ["openid", "email", "phone", "profile", "aws.cognito.signin.user.admin", *own_scopes]
    web = _client(call, pool, "web", GenerateSecret=True, **_sign_in(people))
    spa = _client(call, pool, "spa", GenerateSecret=False, **_sign_in(people))
    api = _client(call, pool, "api", GenerateSecret=True)
    machine = _client(
        call,
        pool,
        "machine",
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=own_scopes,
    )
    return {
        "user_pool_id": pool,
        "web_client_id": web["ClientId"],
        "web_client_secret": web["ClientSecret"],
        "spa_client_id": spa["ClientId"],
        "api_client_id": api["ClientId"],
        "api_client_secret": api["ClientSecret"],
        "machine_client_id": machine["ClientId"],
        "machine_client_secret": machine["ClientSecret"],
        "resource_server": RESOURCE_SERVER,
        "username": USER,
        "password": password,
        "group": GROUP,
    }


def _pool(call: Call) -> str:
    made = call(
        "CreateUserPool",
        PoolName="Demo",
        UsernameAttributes=["email"],
        AutoVerifiedAttributes=["email"],
        UsernameConfiguration={"CaseSensitive": False},
        AccountRecoverySetting={"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
    )
    pool = str(made["UserPool"]["Id"])
    # People may add an authenticator app, as they would at a real service.
    call(
        "SetUserPoolMfaConfig",
        UserPoolId=pool,
        SoftwareTokenMfaConfiguration={"Enabled": True},
        MfaConfiguration="OPTIONAL",
    )
    return pool


def _user(call: Call, pool: str, password: str) -> None:
    call("CreateGroup", UserPoolId=pool, GroupName=GROUP, Description="May write notes", Precedence=1)
    attributes = {"email": USER, "email_verified": "true", "name": "Ann Example"}
    given = [{"Name": name, "Value": value} for name, value in attributes.items()]
    call("AdminCreateUser", UserPoolId=pool, Username=USER, UserAttributes=given, MessageAction="SUPPRESS")
    call("AdminSetUserPassword", UserPoolId=pool, Username=USER, Password=password, Permanent=True)
    call("AdminAddUserToGroup", UserPoolId=pool, Username=USER, GroupName=GROUP)


def _sign_in(scopes: list[str]) -> dict[str, Any]:
    return {
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": scopes,
        "CallbackURLs": [f"{url}{path}" for url in _WEBAPP for path in ("/", "/callback")],
        "LogoutURLs": [f"{url}/" for url in _WEBAPP],
        "SupportedIdentityProviders": ["COGNITO"],
        "ExplicitAuthFlows": [
            "ALLOW_USER_PASSWORD_AUTH",
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_ADMIN_USER_PASSWORD_AUTH",
            "ALLOW_REFRESH_TOKEN_AUTH",
        ],
        "PreventUserExistenceErrors": "ENABLED",
    }


def _client(call: Call, pool: str, name: str, **settings: Any) -> dict[str, str]:
    made: dict[str, str] = call("CreateUserPoolClient", UserPoolId=pool, ClientName=name, **settings)["UserPoolClient"]
    return made


def _password() -> str:
    """Random, since a demo may be left running: with every kind of character that the default policy asks for."""
    return f"Aa1-{ids.token(9)}"


def _write(path: Path, known: dict[str, str]) -> None:
    draft = path.with_name(f"{FILE}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
        json.dump(known, handle, indent=2)
        handle.write("\n")
    draft.replace(path)
