"""How many tokens a core verifies in a second with the client library, its keys at hand.

    python -m bench.verify_tokens [seconds]

Prints a line for each kind of token and one for a local decision; exits 1 below the promise of 8,000 RS256 tokens.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Callable, Mapping

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from poolhouse_client import Policies, Transport, Verifier

PROMISE = 8_000
ISSUER = "https://id.example.com/us-east-1_AbCdEfGhI"
FOLDER = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "photos:Read", "Resource": "photos/${sub}/*"}],
}


class _AtHand(Transport):
    """Answers with a JWK Set, without a network."""

    def __init__(self, jwks: bytes) -> None:
        super().__init__()
        self._jwks = jwks

    def ask(self, *_asked: object, **_more: object) -> tuple[int, Mapping[str, str], bytes]:
        return 200, {}, self._jwks


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _tokens(alg: str, key: RSAKey | ECKey | OKPKey, count: int) -> list[str]:
    """Tokens of as many people, as long as Cognito's."""
    now, tokens = int(time.time()), []
    head = _segment(json.dumps({"kid": alg, "alg": alg}).encode())
    for number in range(count):
        claims = {
            "sub": f"018f3a5e-0000-7000-8000-{number:012d}", "iss": ISSUER, "client_id": "1example23456789",
            "origin_jti": "7f0c9c1e-3c1e-4f7e-9f3a-1d2c3b4a5968", "event_id": "7f0c9c1e-3c1e-4f7e-9f3a-1d2c3b4a5968",
            "token_use": "access", "scope": "openid photos/Read", "auth_time": now, "exp": now + 3600, "iat": now,
            "jti": "7f0c9c1e-3c1e-4f7e-9f3a-1d2c3b4a5968", "username": f"user{number}", "cognito:groups": ["members"],
        }  # fmt: skip
        message = f"{head}.{_segment(json.dumps(claims).encode())}"
        tokens.append(f"{message}.{_segment(JWSRegistry.algorithms[alg].sign(message.encode(), key))}")
    return tokens


def _rate(work: Callable[[int], object], seconds: float) -> float:
    calls, began = 0, time.process_time()
    while (spent := time.process_time() - began) < seconds:
        for _ in range(100):
            work(calls)
            calls += 1
    return calls / spent


def _keys() -> dict[str, RSAKey | ECKey | OKPKey]:
    return {
        "RS256": RSAKey.generate_key(2048),
        "ES256": ECKey.generate_key("P-256"),
        "EdDSA": OKPKey.generate_key("Ed25519"),
    }


def _verifier(keys: Mapping[str, RSAKey | ECKey | OKPKey]) -> Verifier:
    published = [{**key.as_dict(private=False), "kid": alg, "alg": alg, "use": "sig"} for alg, key in keys.items()]
    return Verifier(ISSUER, transport=_AtHand(json.dumps({"keys": published}).encode()))


def verified(seconds: float) -> dict[str, float]:
    """Access tokens verified in a second of processor time, by algorithm."""
    keys = _keys()
    verifier, rates = _verifier(keys), {}
    for alg, key in keys.items():
        tokens = _tokens(alg, key, 500)
        rates[alg] = _rate(lambda n, tokens=tokens: verifier.access(tokens[n % 500]), seconds)  # type: ignore[misc]
    return rates


def decided(seconds: float) -> float:
    """Decisions made locally in a second of processor time, for a token that was verified already."""
    keys = _keys()
    policies, token = Policies(everyone=FOLDER), _verifier(keys).access(_tokens("RS256", keys["RS256"], 1)[0])
    asked = f"photos/{token.sub}/1.jpg"
    assert policies.decide(token, "photos:Read", asked).allowed
    return _rate(lambda _: policies.decide(token, "photos:Read", asked), seconds)


def main(seconds: float = 2.0) -> int:
    """Measure, print, and judge."""
    rates = verified(seconds)
    for name, rate in {**rates, "a local decision": decided(seconds)}.items():
        print(f"{name:<22} {rate:>10,.0f} a second")
    kept = rates["RS256"] >= PROMISE
    print(f"promise {PROMISE:,} RS256 tokens a second of one core: {'kept' if kept else 'NOT KEPT'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(*(float(given) for given in sys.argv[1:2])))
