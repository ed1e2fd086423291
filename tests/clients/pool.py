"""A pool's issuer without a server: keys, tokens, and a transport that counts what is fetched."""

from __future__ import annotations

import base64
import functools
import json
import time
from collections.abc import Mapping
from typing import Any

from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from poolhouse_client import Unavailable, Verifier

ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI"
CLIENT = "1example23456789"
SUB = "018f3a5e-0000-7000-8000-00000000000a"


@functools.cache
def key(kid: str) -> RSAKey | ECKey:
    """A key of that name, the same one each time; names that begin with "ec" are P-256."""
    return ECKey.generate_key("P-256") if kid.startswith("ec") else RSAKey.generate_key(2048)


def jwk(kid: str, **more: Any) -> dict[str, Any]:
    """A public key as it stands in a JWK Set."""
    alg = "ES256" if kid.startswith("ec") else "RS256"
    return {**key(kid).as_dict(private=False), "kid": kid, "alg": alg, "use": "sig", **more}


def b64(data: bytes | Mapping[str, Any]) -> str:
    """A segment."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(claims: Mapping[str, Any], by: str = "a", **header: Any) -> str:
    """A JWT as a pool signs it."""
    alg = "ES256" if by.startswith("ec") else "RS256"
    message = b64({"kid": by, "alg": alg, **header}) + "." + b64(claims)
    return message + "." + b64(JWSRegistry.algorithms[alg].sign(message.encode(), key(by)))


def access(**claims: Any) -> dict[str, Any]:
    """The claims of an access token that is in order."""
    now = int(time.time())
    told = {"sub": SUB, "iss": ISSUER, "client_id": CLIENT, "token_use": "access", "scope": "openid photos/Read"}
    return {**told, "username": "ann", "cognito:groups": ["members"], "iat": now, "exp": now + 600, **claims}


def id_(**claims: Any) -> dict[str, Any]:
    """The claims of an ID token that is in order."""
    now = int(time.time())
    return {"sub": SUB, "iss": ISSUER, "aud": CLIENT, "token_use": "id", "iat": now, "exp": now + 600, **claims}


class Wire:
    """A transport that answers from a table: address -> (status, fields, body). It keeps what was asked."""

    def __init__(self, *kids: str) -> None:
        self.asked: list[tuple[str, str, Mapping[str, str], bytes | None]] = []
        self.answers: dict[str, Any] = {}
        self.publish(*(kids or ("a",)))

    def publish(self, *kids: str) -> None:
        """Let these be the pool's keys."""
        self.answer(f"{ISSUER}/.well-known/jwks.json", {"keys": [jwk(kid) for kid in kids]})

    def answer(self, url: str, content: Any, status: int = 200, **fields: str) -> None:
        """What that address answers from now on; None: nothing does."""
        body = content if isinstance(content, bytes) or content is None else json.dumps(content).encode()
        self.answers[url] = None if body is None else (status, fields, body)

    def ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        self.asked.append((method, url, dict(headers or {}), body))
        answer = self.answers.get(url)
        if answer is None:
            raise Unavailable(f"{url} does not answer")
        return answer  # type: ignore[no-any-return]


def verifier(wire: Wire | None = None, **more: Any) -> Verifier:
    """A verifier of that pool."""
    return Verifier(ISSUER, transport=wire or Wire(), **more)  # type: ignore[arg-type]
