"""Logins of other people's providers: OpenID Connect, Google, Apple, Facebook, Amazon and X, against stand-ins."""

from __future__ import annotations

import dataclasses
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from poolhouse.access import oidc_providers
from poolhouse.core import jose, unit
from poolhouse.core.jose import SigningKey
from tests.fronts.identity_world import IdentityWorld, identity_world
from tests.fronts.refusals import refused
from tests.world import World

FACEBOOK_APP, AMAZON_APP, X_APP = "1234567", "amzn1.application.a", "consumer;consumersecret"


class StandIn:
    """An OpenID Connect provider, and the endpoints that Facebook, Amazon and X are asked at."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.key = self._key()
        self.broken = False
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stand_in.asked.append(self.path)
                status, content = stand_in.answer(self.path, self.headers.get("Authorization") or "")
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @staticmethod
    def _key() -> SigningKey:
        key = jose.generate("ES256")
        return SigningKey(jose.key_id(key), "ES256", key)

    def answer(self, path: str, authorization: str) -> tuple[int, Any]:
        if self.broken:
            return 503, {}
        match urlsplit(path).path:
            case "/.well-known/openid-configuration":
                return 200, {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
            case "/keys":
                return 200, {"keys": [self.key.public.jwk()]}
            case "/app" if authorization == "Bearer fb-ann":
                return 200, {"id": FACEBOOK_APP}
            case "/app" if authorization == "Bearer fb-other-app":
                return 200, {"id": "999"}
            case "/me" if authorization.startswith("Bearer fb-"):
                return 200, {"id": "42", "name": "Ann"}
            case "/auth/o2/tokeninfo":
                token = parse_qs(urlsplit(path).query)["access_token"][0]
                known = {"az-ann": (AMAZON_APP, 100), "az-other-app": ("other", 100), "az-old": (AMAZON_APP, 0)}
                if token not in known:
                    return 400, {"error": "invalid_token"}
                app, left = known[token]
                return 200, {"user_id": "amzn1.account.1", "aud": "client", "app_id": app, "exp": left}
            case "/1.1/account/verify_credentials.json":
                named = re.search(r'oauth_token="([^"]*)"', authorization)
                signed = 'oauth_signature="' in authorization and 'oauth_consumer_key="consumer"' in authorization
                if named and named[1] == "x-ann" and signed:
                    return 200, {"id_str": "77"}
                return 401, {"errors": []}
        return 401, {"error": "invalid token"}

    def token(self, **more: Any) -> str:
        """An ID token of Ann for the app."""
        now = int(time.time())
        content = {"iss": self.url, "sub": "ann", "aud": "app", "exp": now + 300, "iat": now} | more
        return jose.sign(self.key, {name: value for name, value in content.items() if value is not None}, "JWT")


@pytest.fixture
def stand_in(world: World) -> Iterator[StandIn]:
    made = StandIn()
    names = ("accounts.google.com", "appleid.apple.com", "graph.facebook.com", "www.amazon.com", "api.twitter.com")
    before = world.runtime.settings
    moved = ", ".join(f"{name}={made.url}" for name in names)
    world.runtime.settings = dataclasses.replace(before, social_endpoints=moved)
    yield made
    world.runtime.settings = before
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def ids(world: World, stand_in: StandIn) -> IdentityWorld:
    with unit.open(world.runtime):
        arn = oidc_providers.create(stand_in.url, ["app", "second"], [], {})
    return identity_world(
        world,
        AllowClassicFlow=True,
        OpenIdConnectProviderARNs=[arn],
        SupportedLoginProviders={
            "accounts.google.com": "app",
            "appleid.apple.com": "app",
            "graph.facebook.com": FACEBOOK_APP,
            "www.amazon.com": AMAZON_APP,
            "api.twitter.com": X_APP,
        },
    )


def name_of(stand_in: StandIn) -> str:
    return stand_in.url.partition("://")[2]


def believed(ids: IdentityWorld, provider: str, token: str) -> str:
    return str(ids.app.get_id(IdentityPoolId=ids.id, Logins={provider: token})["IdentityId"])


def disbelieved(ids: IdentityWorld, provider: str, token: str, name: str = "NotAuthorizedException") -> str:
    return refused(ids.app.get_id, name, IdentityPoolId=ids.id, Logins={provider: token})


def test_an_openid_connect_login_is_one_identity(ids: IdentityWorld, stand_in: StandIn) -> None:
    name = name_of(stand_in)
    identity = believed(ids, name, stand_in.token())
    assert believed(ids, name, stand_in.token()) == identity
    assert believed(ids, name, stand_in.token(sub="bob")) != identity
    assert believed(ids, name, stand_in.token(aud=["second", "x"], azp="second")) == identity
    token = ids.app.get_open_id_token(IdentityId=identity, Logins={name: stand_in.token()})["Token"]
    arn = f"arn:aws:iam::000000000000:oidc-provider/{name}"
    assert jose.unverified_claims(token)["amr"] == ["authenticated", name, f"{arn}:OIDC:ann"]
    assert stand_in.asked.count("/keys") == 1  # kept, not fetched for every login


@pytest.mark.parametrize(
    "more",
    [
        {"iss": "http://localhost:1"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"aud": ["app", "other"]},
        {"aud": ["app", "other"], "azp": "other"},
        {"aud": "app", "azp": "other"},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"iat": 9999999999},
        {"nbf": 9999999999},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 1025},
    ],
)
def test_every_claim_of_a_login_is_checked(ids: IdentityWorld, stand_in: StandIn, more: dict[str, Any]) -> None:
    disbelieved(ids, name_of(stand_in), stand_in.token(**more))


def test_a_login_signed_by_somebody_else_is_not_believed(ids: IdentityWorld, stand_in: StandIn) -> None:
    name = name_of(stand_in)
    believed(ids, name, stand_in.token())
    genuine, stand_in.key = stand_in.key, SigningKey(stand_in.key.kid, "ES256", jose.generate("ES256"))
    disbelieved(ids, name, stand_in.token())
    stand_in.key = genuine
    asked = len(stand_in.asked)
    for number in range(5):  # made-up key ids do not make us ask for each
        stand_in.key = SigningKey(f"k{number}", "ES256", jose.generate("ES256"))
        disbelieved(ids, name, stand_in.token())
    assert len(stand_in.asked) == asked
    disbelieved(ids, name, stand_in.token(iss="https://accounts.google.com"))


def test_a_provider_that_does_not_answer_is_said_not_to(ids: IdentityWorld, stand_in: StandIn) -> None:
    stand_in.broken = True
    disbelieved(ids, name_of(stand_in), stand_in.token(), "ExternalServiceException")
    disbelieved(ids, "graph.facebook.com", "fb-ann", "ExternalServiceException")


def test_a_provider_that_iam_no_longer_has_lets_nobody_in(ids: IdentityWorld, stand_in: StandIn) -> None:
    name = name_of(stand_in)
    believed(ids, name, stand_in.token())
    with unit.open(ids.world.runtime):
        oidc_providers.delete(oidc_providers.arn(name))
    disbelieved(ids, name, stand_in.token())


@pytest.mark.parametrize("provider", ["accounts.google.com", "appleid.apple.com"])
def test_google_and_apple(ids: IdentityWorld, stand_in: StandIn, provider: str) -> None:
    identity = believed(ids, provider, stand_in.token())
    assert believed(ids, provider, stand_in.token()) == identity
    # The same person of another provider is another person until they are linked.
    assert believed(ids, name_of(stand_in), stand_in.token()) != identity
    disbelieved(ids, provider, stand_in.token(aud="other"))
    disbelieved(ids, provider, stand_in.token(exp=1))


@pytest.mark.parametrize(
    ("provider", "good", "bad"),
    [
        ("graph.facebook.com", "fb-ann", ["fb-other-app", "made-up", "fb-ann\r\nX: y", "fb ann", "f\u00fc"]),
        ("www.amazon.com", "az-ann", ["az-other-app", "az-old", "made-up"]),
        ("api.twitter.com", "x-ann;secret", ["x-ann", ";", "x-eve;secret", "x-ann\n;secret"]),
    ],
)
def test_facebook_amazon_and_x_are_asked_whose_token_it_is_and_for_which_app(
    ids: IdentityWorld, stand_in: StandIn, provider: str, good: str, bad: list[str]
) -> None:
    identity = believed(ids, provider, good)
    assert believed(ids, provider, good) == identity
    for token in bad:
        disbelieved(ids, provider, token)
    token = ids.app.get_open_id_token(IdentityId=identity, Logins={provider: good})["Token"]
    amr = jose.unverified_claims(token)["amr"]
    assert amr[:2] == ["authenticated", provider]
    assert "consumersecret" not in "".join(amr)


def test_a_second_login_of_a_provider_is_refused_and_another_provider_s_is_linked(
    ids: IdentityWorld, stand_in: StandIn
) -> None:
    name = name_of(stand_in)
    user = ids.logins(ids.pool.user())
    identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=user)["IdentityId"]
    call = ids.app.get_open_id_token
    both = user | {name: stand_in.token(sub="new")}
    assert call(IdentityId=identity, Logins=both)["IdentityId"] == identity
    assert believed(ids, name, stand_in.token(sub="new")) == identity
    refused(call, "ResourceConflictException", IdentityId=identity, Logins=user | {name: stand_in.token(sub="two")})
    # A login that belongs to another identity merges the two, both having been proven.
    other = believed(ids, "graph.facebook.com", "fb-ann")
    assert call(IdentityId=identity, Logins=user | {"graph.facebook.com": "fb-ann"})["IdentityId"] == identity
    assert believed(ids, "graph.facebook.com", "fb-ann") == identity
    assert call(IdentityId=other, Logins={"graph.facebook.com": "fb-ann"})["IdentityId"] == identity


def test_private_addresses_are_not_asked_where_the_server_is_public(ids: IdentityWorld, stand_in: StandIn) -> None:
    believed_before = ids.world.runtime.settings
    ids.world.runtime.settings = dataclasses.replace(believed_before, outbound_private=False)
    try:
        disbelieved(ids, name_of(stand_in), stand_in.token(), "ExternalServiceException")
        disbelieved(ids, "graph.facebook.com", "fb-ann", "ExternalServiceException")
    finally:
        ids.world.runtime.settings = believed_before
    assert stand_in.asked == []
