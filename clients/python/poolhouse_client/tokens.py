"""Verify a pool's access and ID tokens here, without asking anybody: signature, issuer, use, life, client."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeGuard

from poolhouse_client.errors import ExpiredToken, InvalidToken
from poolhouse_client.keys import KeySet
from poolhouse_client.transport import Transport

Use = Literal["access", "id"]
_LONGEST = 16_384
_HEADERS_KEPT = 256


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was verified. The text itself stays out of logs."""

    text: str = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)

    @property
    def sub(self) -> str:
        """Whose it is: a user's `sub`; for a client's own token, the client's id."""
        return str(self.claims["sub"])

    @property
    def client_id(self) -> str:
        """The app client that it was issued to."""
        return str(self.claims.get("client_id") or self.claims.get("aud") or "")

    @property
    def username(self) -> str:
        """The username, where the token tells."""
        return str(self.claims.get("username") or self.claims.get("cognito:username") or "")

    @property
    def scopes(self) -> frozenset[str]:
        """What it was granted for."""
        return frozenset(str(self.claims.get("scope") or "").split())

    @property
    def groups(self) -> tuple[str, ...]:
        """The user's groups."""
        listed = self.claims.get("cognito:groups") or self.claims.get("groups") or ()
        return tuple(name for name in listed if isinstance(name, str)) if isinstance(listed, list) else ()

    @property
    def is_machine(self) -> bool:
        """Whether it is a client's own (client_credentials): nobody signed in."""
        return self.claims.get("sub") == self.claims.get("client_id")


class Verifier:
    """Verifies the tokens of one pool, Poolhouse's or Amazon Cognito's.

    `issuer` is the pool's, such as `https://id.example.com/us-east-1_AbC` or
    `https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbC`: a token of any other is nobody's. `clients` are the
    app clients whose tokens count; None means every client of the pool. `skew` is how far clocks may differ, in
    seconds. Tokens are believed until they expire: where a sign-out must count at once, ask by introspection.
    """

    def __init__(
        self,
        issuer: str,
        *,
        clients: Collection[str] | None = None,
        skew: float = 10,
        jwks_uri: str | None = None,
        transport: Transport | None = None,
    ) -> None:
        if isinstance(clients, str):
            raise TypeError("clients must be a list of client ids, not one text")
        self.issuer = issuer.rstrip("/")
        self.clients = None if clients is None else frozenset(clients)
        self.transport = transport or Transport()
        self.keys = KeySet(jwks_uri or f"{self.issuer}/.well-known/jwks.json", self.transport)
        self._skew = skew
        self._kids: dict[bytes, tuple[str, str]] = {}

    def access(self, token: str) -> Token:
        """An access token. Raises InvalidToken, ExpiredToken, Unavailable."""
        return self._verified(token, "access")

    def id(self, token: str) -> Token:
        """An ID token: who somebody is, and no permission to do anything. Raises as `access`."""
        return self._verified(token, "id")

    def _verified(self, token: str, use: Use) -> Token:
        claims = self.signed(token)
        if claims.get("iss") != self.issuer:
            raise InvalidToken("issued by somebody else")
        if claims.get("token_use") != use:
            raise InvalidToken(f"not an {use} token")
        if not isinstance(claims.get("sub"), str):
            raise InvalidToken("sub is missing")
        client = claims.get("client_id" if use == "access" else "aud")
        if not isinstance(client, str) or (self.clients is not None and client not in self.clients):
            raise InvalidToken("issued to another client")
        self.check_life(claims)
        return Token(token, claims)

    def signed(self, token: str) -> dict[str, Any]:
        """The claims of a JWT that one of the pool's keys signed, and nothing else checked."""
        head, dot, rest = token.partition(".")
        payload, second, signature = rest.partition(".")
        if len(token) > _LONGEST or not (dot and second) or "." in signature or not token.isascii():
            raise InvalidToken("not a JWT")
        kid, alg = self._header(head.encode())
        key = self.keys.get(kid)
        if key is None:
            raise InvalidToken("no key of that kid")
        if alg != key.alg:
            raise InvalidToken("the algorithm is not the key's")
        if not key.signed(f"{head}.{payload}".encode(), _decoded(signature.encode())):
            raise InvalidToken("the signature is wrong")
        return _object(payload.encode())

    def _header(self, segment: bytes) -> tuple[str, str]:
        """A pool's tokens have two headers in all: parsed ones are kept."""
        known = self._kids.get(segment)
        if known is not None:
            return known
        header = _object(segment)
        if "crit" in header or "b64" in header:  # RFC 7515 §4.1.11: what is not understood is refused
            raise InvalidToken("the header has a critical extension")
        kid, alg = header.get("kid"), header.get("alg")
        if not isinstance(kid, str) or not isinstance(alg, str):
            raise InvalidToken("kid or alg is missing")
        if len(self._kids) >= _HEADERS_KEPT:
            self._kids.clear()
        self._kids[segment] = kid, alg
        return kid, alg

    def check_life(self, claims: Mapping[str, Any]) -> None:
        """exp, nbf, iat (RFC 7519 §4.1), with clocks that disagree a little. Raises ExpiredToken, InvalidToken."""
        now = time.time()
        expires = claims.get("exp")
        if not _is_number(expires):
            raise InvalidToken("exp is missing")
        if expires + self._skew <= now:
            raise ExpiredToken("the token has expired")
        for name in ("nbf", "iat"):
            moment = claims.get(name, 0)
            if not _is_number(moment) or moment - self._skew > now:
                raise InvalidToken(f"{name} is in the future")


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decoded(segment: bytes) -> bytes:
    # The lenient decoder drops what it does not know; a signature must not have two spellings.
    if b"=" in segment or b"+" in segment or b"/" in segment:
        raise InvalidToken("a segment is not base64url")
    try:
        return base64.b64decode(segment + b"=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidToken("a segment is not base64url") from None


def _object(segment: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(_decoded(segment))
    except (ValueError, RecursionError):
        raise InvalidToken("a segment is not JSON") from None
    if not isinstance(parsed, dict):
        raise InvalidToken("a segment is no object")
    return parsed
