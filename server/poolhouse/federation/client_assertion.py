"""How we show a provider's token endpoint who we are when a shared secret is not enough: by a signed token."""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from poolhouse.core import clock, ids, jose
from poolhouse.core.errors import ResourceNotFound
from poolhouse.federation.connector import Misconfigured
from poolhouse.federation.provider import Provider
from poolhouse.federation.upstream import setting
from poolhouse.tokens import keys

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SECONDS = 300
_APPLE = "https://appleid.apple.com"


def signed(provider: Provider) -> str:
    """A ``private_key_jwt`` (RFC 7523, OIDC Core §9) by the key that signs the pool's access tokens.

    The provider registers our pool's ``jwks_uri``, and so follows us when we rotate keys. One audience alone: the token
    endpoint that it is sent to. Raises Misconfigured.
    """
    client_id, now = setting(provider, "client_id"), clock.timestamp()
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": setting(provider, "token_url"),
        "jti": ids.token(16),
        "iat": now,
        "exp": now + _SECONDS,
    }
    try:
        return jose.sign(keys.signing(provider.pool_id, "access"), claims, "JWT")
    except ResourceNotFound as gone:
        raise Misconfigured(hint=gone.hint) from None


def apple_secret(provider: Provider) -> str:
    """The client secret that Apple wants: a JWT by the developer's key, for five minutes. Raises Misconfigured."""
    pem = apple_key(setting(provider, "private_key"))
    if pem is None:
        raise Misconfigured(hint="private_key is no key for ES256")
    now = clock.timestamp()
    claims = {
        "iss": setting(provider, "team_id"),
        "iat": now,
        "exp": now + _SECONDS,
        "aud": _APPLE,
        "sub": setting(provider, "client_id"),
    }
    return jose.sign(jose.load_private(setting(provider, "key_id"), "ES256", pem), claims)


def apple_key(text: str) -> bytes | None:
    """A key file of Apple's (PKCS #8), with its armour or as Cognito takes it, without: as PEM, or None."""
    lines = [line.strip() for line in text.replace("\\n", "\n").splitlines()]
    armour = "-----BEGIN PRIVATE KEY-----"
    body = "".join(line for line in lines if "-----" not in line) or text.removeprefix(armour)
    try:
        key = load_der_private_key(base64.b64decode(body, validate=True), None)
    except (binascii.Error, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        return None
    wrapped = "\n".join([armour, *(body[at : at + 64] for at in range(0, len(body), 64)), "-----END PRIVATE KEY-----"])
    load_pem_private_key(wrapped.encode(), None)
    return wrapped.encode() + b"\n"
