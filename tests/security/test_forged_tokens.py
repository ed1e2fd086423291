"""Forged tokens at every door that takes one: what `core.jose` refuses, each endpoint refuses too, and calmly."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import RSAKey

from poolhouse.core import unit
from poolhouse.core.jose import SigningKey
from poolhouse.tokens import keys
from tests.oidc import SIGNED_OUT, Browser, Rp, api, machine, own, rp
from tests.world import Person, PoolInWorld, World

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CLIENTS_KEY = RSAKey.generate_key(2048, {"kid": "app"})
ATTACKERS_KEY = RSAKey.generate_key(2048, {"kid": "evil"})


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Any, claims: Any, key: RSAKey) -> str:
    """A token with any header at all and an RS256 signature that is right."""
    message = f"{encoded(header)}.{encoded(claims)}"
    raw = key.raw_value.sign(message.encode(), PKCS1v15(), SHA256())  # type: ignore[union-attr]
    return f"{message}.{encoded(raw)}"


def hashed(header: Any, claims: Any, secret: bytes) -> str:
    message = f"{encoded(header)}.{encoded(claims)}"
    return f"{message}.{encoded(hmac.digest(secret, message.encode(), hashlib.sha256))}"


@dataclass(frozen=True)
class Genuine:
    """A token that a door would take: its claims, and the key that signed it."""

    claims: dict[str, Any]
    key: RSAKey
    kid: str

    @property
    def token(self) -> str:
        return signed({"alg": "RS256", "kid": self.kid}, self.claims, self.key)

    @property
    def header(self) -> dict[str, Any]:
        return {"alg": "RS256", "kid": self.kid}

    @property
    def public(self) -> dict[str, Any]:
        return dict(self.key.as_dict(private=False))


def _tampered(g: Genuine) -> str:
    head, _, signature = g.token.split(".")
    return f"{head}.{encoded(g.claims | {'x': 1})}.{signature}"


def _encrypted(g: Genuine) -> str:
    return f"{encoded({'alg': 'RSA-OAEP', 'enc': 'A256GCM', 'kid': g.kid})}.!!.AAAA.{encoded(g.claims)}.AAAA"


ATTACKERS = dict(ATTACKERS_KEY.as_dict(private=False))
FORGERIES: dict[str, Callable[[Genuine], str]] = {
    "alg none": lambda g: f"{encoded({'alg': 'none', 'kid': g.kid})}.{encoded(g.claims)}.",
    "alg NONE with a signature": lambda g: f"{encoded({'alg': 'NONE'})}.{encoded(g.claims)}.{g.token.split('.')[2]}",
    "public key as HMAC secret": lambda g: hashed(
        {"alg": "HS256", "kid": g.kid}, g.claims, g.key.as_pem(private=False)
    ),
    "public JWK as HMAC secret": lambda g: hashed(
        {"alg": "HS256", "kid": g.kid}, g.claims, json.dumps(g.public).encode()
    ),
    "empty HMAC secret": lambda g: hashed({"alg": "HS256", "kid": g.kid}, g.claims, b""),
    "another key": lambda g: signed(g.header, g.claims, ATTACKERS_KEY),
    "a key of its own in jwk": lambda g: signed(g.header | {"jwk": ATTACKERS}, g.claims, ATTACKERS_KEY),
    "a key of its own by jku": lambda g: signed(
        g.header | {"kid": "evil", "jku": "https://evil.example/jwks.json"}, g.claims, ATTACKERS_KEY
    ),
    "a key of its own by x5u": lambda g: signed(
        g.header | {"kid": "evil", "x5u": "https://evil.example/"}, g.claims, ATTACKERS_KEY
    ),
    "unknown crit": lambda g: signed(g.header | {"crit": ["x"], "x": 1}, g.claims, g.key),
    "b64=false": lambda g: signed(g.header | {"b64": False, "crit": ["b64"]}, g.claims, g.key),
    "kid as a path": lambda g: signed(g.header | {"kid": "../../../dev/null"}, g.claims, ATTACKERS_KEY),
    "kid as SQL": lambda g: signed(g.header | {"kid": "' OR 1=1 --"}, g.claims, ATTACKERS_KEY),
    "kid as a list": lambda g: signed(g.header | {"kid": [g.kid]}, g.claims, g.key),
    "changed claims": _tampered,
    "truncated": lambda g: g.token[:-9],
    "a JWE where a JWS is wanted": _encrypted,
    "huge segments": lambda g: signed(g.header | {"pad": "A" * 40_000}, g.claims, g.key),
    "nothing but dots": lambda g: "..",
    "no object": lambda g: signed(g.header, [1], g.key),
}


# --- The doors ------------------------------------------------------------------------------------------------------


@dataclass
class Doors:
    """One person's genuine tokens, and every place that reads one."""

    world: World
    pool: PoolInWorld
    client: Rp
    person: Person
    tokens: dict[str, Any]
    machine: Rp

    def genuine(self, kind: str) -> Genuine:
        purpose, token = ("id", self.tokens["id_token"]) if kind == "id" else ("access", self.tokens["access_token"])
        with unit.open(self.world.runtime):
            key: SigningKey = keys.signing(self.pool.id, purpose)
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        assert isinstance(key.key, RSAKey)
        return Genuine(claims, key.key, key.kid)

    def assertion(self) -> Genuine:
        now, client_id = int(time.time()), self.machine.client.id
        claims = {"iss": client_id, "sub": client_id, "aud": self.pool.issuer, "iat": now, "exp": now + 60}
        return Genuine(claims | {"jti": f"jti-{time.perf_counter_ns()}"}, CLIENTS_KEY, "app")

    # each says whether the door opens

    def userinfo(self, token: str) -> bool:
        answer = self.client.userinfo(token)
        assert answer.status_code in {200, 401}, answer.get_data(as_text=True)
        return answer.status_code == 200

    def introspection(self, token: str) -> bool:
        told = self.client.introspect(token)
        assert told["active"] or told == {"active": False}
        return bool(told["active"])

    def api(self, token: str) -> bool:
        try:
            self.pool.idp.get_user(AccessToken=token)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"NotAuthorizedException", "InvalidParameterException"}:
                raise
            return False
        return True

    def hint_at_authorize(self, token: str) -> bool:
        browser = Browser(self.world)
        assert not self.client.code(browser, self.person).ours
        page = browser.go(self.client.url(prompt="none", id_token_hint=token))
        if page.ours:  # longer than a request may be
            assert page.status == 400
            return False
        assert page.given.get("error") in {None, "invalid_request", "login_required"}
        return "code" in page.given

    def hint_at_logout(self, token: str) -> bool:
        browser = Browser(self.world)
        assert not self.client.code(browser, self.person).ours
        page = browser.go(
            f"{self.world.url}/{self.pool.id}/logout?post_logout_redirect_uri={SIGNED_OUT}&id_token_hint={token}"
        )
        assert not page.ours or page.status in {200, 400}
        return page.url.startswith(SIGNED_OUT)

    def client_assertion(self, token: str) -> bool:
        form = {"client_assertion": token, "client_assertion_type": ASSERTION}
        answer = self.machine.token("", grant_type="client_credentials", **form)
        if answer.status_code != 200:
            assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
        return answer.status_code == 200


@pytest.fixture(scope="module")
def _doors(_world: World) -> Doors:
    pool = _world.pool()
    person, client = pool.user(email="ann@example.com"), rp(pool)
    client = rp(pool, AllowedOAuthScopes=["openid", "email", "aws.cognito.signin.user.admin"])
    tokens = client.tokens(Browser(_world), person, scope="openid email aws.cognito.signin.user.admin")
    jwks = {"keys": [CLIENTS_KEY.as_dict(private=False)]}
    keyed = own(machine(pool, api(pool)), token_endpoint_auth_method="private_key_jwt", jwks=jwks)
    keyed.client.secret = None
    return Doors(_world, pool, client, person, tokens, keyed)


@pytest.fixture
def doors(world: World, _doors: Doors) -> Doors:
    return _doors


DOORS = {
    "userinfo": "access",
    "introspection": "access",
    "api": "access",
    "hint_at_authorize": "id",
    "hint_at_logout": "id",
    "client_assertion": "assertion",
}


def _genuine(doors: Doors, kind: str) -> Genuine:
    return doors.assertion() if kind == "assertion" else doors.genuine(kind)


@pytest.mark.parametrize("door", DOORS)
def test_a_token_forged_by_the_hands_of_this_test_opens_the_door_if_nothing_is_wrong_with_it(
    doors: Doors, door: str
) -> None:
    """So that each refusal below is a refusal of the one thing that is wrong."""
    assert getattr(doors, door)(_genuine(doors, DOORS[door]).token)


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("door", DOORS)
def test_no_forged_token_opens_a_door(doors: Doors, door: str, forgery: str) -> None:
    """Classes 20, 21, 23 to 28 of the list, at each place that reads a token."""
    assert not getattr(doors, door)(FORGERIES[forgery](_genuine(doors, DOORS[door])))


NEEDED = {
    "access": ("iss", "exp", "token_use", "client_id", "sub"),
    "id": ("iss", "exp", "token_use", "aud", "sub"),
    "assertion": ("iss", "exp", "aud", "sub", "jti"),
}


@pytest.mark.parametrize(("door", "claim"), [(door, claim) for door, kind in DOORS.items() for claim in NEEDED[kind]])
def test_no_token_that_lacks_a_claim_opens_a_door(doors: Doors, door: str, claim: str) -> None:
    """Class 29: rightly signed, and still not to be believed without issuer, expiry, audience and use."""
    genuine = _genuine(doors, DOORS[door])
    without = Genuine({k: v for k, v in genuine.claims.items() if k != claim}, genuine.key, genuine.kid)
    assert not getattr(doors, door)(without.token)
    if claim == "jti" or (claim == "exp" and door.startswith("hint")):
        return  # any jti will do; a hint may have expired (OIDC Core §3.1.2.1, RP-Initiated Logout §4)
    wrong = {claim: 1 if claim == "exp" else "https://evil.example"}
    assert not getattr(doors, door)(Genuine(genuine.claims | wrong, genuine.key, genuine.kid).token)


@pytest.mark.parametrize("door", [name for name, kind in DOORS.items() if kind != "assertion"])
def test_tokens_of_the_other_use_are_refused(doors: Doors, door: str) -> None:
    """ID token as access token, and the reverse."""
    other = "id" if DOORS[door] == "access" else "access"
    assert not getattr(doors, door)(doors.genuine(other).token)


def test_at_hash_is_of_the_access_token_beside_it(doors: Doors) -> None:
    """Class 22: an ID token carried to another access token does not fit it."""
    digest = hashlib.sha256(doors.tokens["access_token"].encode()).digest()[:16]
    assert doors.genuine("id").claims["at_hash"] == encoded(digest)
