"""Signed tokens (RFC 7515, 7518, 7519): the only importer of joserfc.

Deliberately narrow: compact serialisation, asymmetric algorithms, the key chosen by ``kid`` among the pool's own. A
header's ``jwk``, ``jku``, ``x5u`` and ``x5c`` are never looked at; ``crit`` and ``b64`` are refused.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
CLIENT_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_LONGEST_TOKEN: Final = 16_384
_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
Key = RSAKey | ECKey | OKPKey


class InvalidToken(Exception):
    """The text is not a token that one of the given keys signed. The message is for the log."""


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _unb64(segment: bytes) -> bytes:
    # urlsafe_b64decode drops what it does not know; a signature must not have two spellings.
    if b"=" in segment or b"+" in segment or b"/" in segment:
        raise InvalidToken("a segment is not base64url")
    try:
        data = base64.b64decode(segment + b"=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidToken("a segment is not base64url") from None
    return data


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key, for one algorithm."""

    kid: str
    alg: str
    key: Key

    def jwk(self) -> dict[str, str]:
        """As it stands in a JWK Set (RFC 7517 §4)."""
        public = cast(dict[str, str], self.key.as_dict(private=False))
        shown = {"kid": self.kid, "alg": self.alg, "use": "sig"}
        for name in ("kty", "crv", "n", "e", "x", "y"):
            if name in public:
                shown[name] = public[name]
        return shown


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its prepared headers: the header of a token is the same for every token of a key."""

    kid: str
    alg: str
    key: Key

    def __repr__(self) -> str:
        return f"SigningKey({self.kid})"

    @property
    def public(self) -> VerifyingKey:
        """Its public half."""
        return VerifyingKey(self.kid, self.alg, type(self.key).import_key(self.key.as_dict(private=False)))

    def private_pem(self) -> bytes:
        """The private key, to be sealed and stored."""
        return self.key.as_pem(private=True)


def generate(alg: str) -> Key:
    """A new private key for ``alg``: RSA of 2,048 bits, P-256, or Ed25519."""
    if alg == "RS256":
        return RSAKey.generate_key(2048, auto_kid=False)
    if alg == "ES256":
        return ECKey.generate_key("P-256", auto_kid=False)
    if alg == "EdDSA":
        return OKPKey.generate_key("Ed25519", auto_kid=False)
    raise ValueError(f"no key can be made for {alg}")


def load_private(kid: str, alg: str, pem: bytes) -> SigningKey:
    """A stored private key."""
    if alg == "EdDSA":
        return SigningKey(kid, alg, OKPKey.import_key(pem))
    return SigningKey(kid, alg, ECKey.import_key(pem) if alg.startswith("E") else RSAKey.import_key(pem))


def key_id(key: Key) -> str:
    """A key's thumbprint (RFC 7638), in base64 with ``+/=`` as Cognito writes its own."""
    thumbprint = key.thumbprint()
    return base64.b64encode(_unb64(thumbprint.encode())).decode()


_headers: dict[tuple[str, str, str | None], bytes] = {}


def sign(key: SigningKey, claims: Mapping[str, Any], typ: str | None = None) -> str:
    """A compact JWT: header ``{kid, alg}`` (and ``typ`` if given), as Cognito's are."""
    wanted = (key.kid, key.alg, typ)
    header = _headers.get(wanted)
    if header is None:
        parts = {"kid": key.kid, "alg": key.alg} | ({"typ": typ} if typ else {})
        if len(_headers) > 10_000:
            _headers.clear()
        header = _headers[wanted] = _b64(orjson.dumps(parts)) + b"."
    message = header + _b64(orjson.dumps(claims))
    signature = JWSRegistry.algorithms[key.alg].sign(message, key.key)
    return (message + b"." + _b64(signature)).decode("ascii")


def _split(token: str) -> tuple[bytes, dict[str, Any], bytes, bytes]:
    if len(token) > _LONGEST_TOKEN:
        raise InvalidToken("longer than any token of ours")
    try:
        raw = token.encode("ascii")
    except UnicodeEncodeError:
        raise InvalidToken("not ASCII") from None
    parts = raw.split(b".")
    if len(parts) != 3:
        raise InvalidToken("not three segments")
    try:
        header = orjson.loads(_unb64(parts[0]))
    except orjson.JSONDecodeError:
        raise InvalidToken("the header is not JSON") from None
    if not isinstance(header, dict):
        raise InvalidToken("the header is not an object")
    if "crit" in header or "b64" in header:  # RFC 7515 §4.1.11: what is not understood is refused
        raise InvalidToken("the header has a critical extension")
    return parts[0] + b"." + parts[1], header, parts[1], parts[2]


def header(token: str) -> dict[str, Any]:
    """The header of a token, unverified: to find out who may have signed it. Raises InvalidToken."""
    return _split(token)[1]


def unverified_claims(token: str) -> dict[str, Any]:
    """The claims of a token, unverified: to find out whose keys to look at. Raises InvalidToken."""
    return _claims(_split(token)[2])


def _claims(segment: bytes) -> dict[str, Any]:
    try:
        claims = orjson.loads(_unb64(segment))
    except orjson.JSONDecodeError:
        raise InvalidToken("the claims are not JSON") from None
    if not isinstance(claims, dict):
        raise InvalidToken("the claims are not an object")
    return claims


def verify(token: str, keys: Mapping[str, VerifyingKey]) -> dict[str, Any]:
    """The claims of ``token`` if the key that its ``kid`` names among ``keys`` signed it. Raises InvalidToken.

    The algorithm is the key's own: a token's ``alg`` must agree with it and never chooses (CVE-2024-37568 and kin).
    """
    message, head, claims, signature = _split(token)
    kid = head.get("kid")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise InvalidToken("no key of that kid")
    if head.get("alg") != key.alg:
        raise InvalidToken("the algorithm is not the key's")
    if not _signed(key, message, _unb64(signature)):
        raise InvalidToken("the signature is wrong")
    return _claims(claims)


def _signed(key: VerifyingKey, message: bytes, signature: bytes) -> bool:
    try:
        return bool(JWSRegistry.algorithms[key.alg].verify(message, signature, key.key))
    except (JoseError, ValueError, TypeError):
        return False


def verify_with_jwks(token: str, jwks: Iterable[Any], algorithms: Iterable[str]) -> dict[str, Any]:
    """The claims of ``token`` if one of somebody else's keys (a JWK Set's ``keys``) signed it. Raises InvalidToken.

    A token without ``kid`` is tried against the keys whose type fits (RFC 7515 §4.1.4 leaves kid optional).
    """
    message, head, claims, signature = _split(token)
    alg, kid = head.get("alg"), head.get("kid")
    if not isinstance(alg, str) or alg not in set(algorithms):
        raise InvalidToken("the algorithm is not allowed")
    if kid is not None and not isinstance(kid, str):
        raise InvalidToken("the kid is not a string")
    raw = _unb64(signature)
    for entry in jwks:
        if not isinstance(entry, Mapping):  # somebody else's document: anything may stand there
            continue
        if kid is not None and entry.get("kid") not in (kid, None):
            continue
        key = import_public(entry, alg)
        if key is not None and _signed(VerifyingKey(str(kid), alg, key), message, raw):
            return _claims(claims)
    raise InvalidToken("no key fits, or the signature is wrong")


def import_public(entry: Mapping[str, Any], alg: str) -> Key | None:
    """The public key of a JWK if it can be used with ``alg``, else None. Symmetric and private keys never can."""
    if entry.get("use") not in (None, "sig") or entry.get("alg") not in (None, alg):  # a set takes no list or object
        return None
    public = {k: v for k, v in entry.items() if k in {"kty", "crv", "n", "e", "x", "y"} and isinstance(v, str)}
    wanted = {"R": "RSA", "P": "RSA"}.get(alg[0], "EC") if alg != "EdDSA" else "OKP"
    if public.get("kty") != wanted or (alg in _CURVES and public.get("crv") != _CURVES[alg]):
        return None
    try:
        if wanted == "RSA":
            key = RSAKey.import_key(public)  # type: ignore[arg-type]
            return key if key.raw_value.key_size >= 2048 else None
        return ECKey.import_key(public) if wanted == "EC" else OKPKey.import_key(public)  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, KeyError):
        return None
