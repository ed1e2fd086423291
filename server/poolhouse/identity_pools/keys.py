"""The keys that sign the OpenID tokens of identities: a ring of the service's own, kept and rotated as pools' are."""

from __future__ import annotations

from collections.abc import Mapping

from poolhouse.core import jose
from poolhouse.core.jose import SigningKey, VerifyingKey
from poolhouse.tokens import keys
from poolhouse.tokens.keys import Generated

# No user pool is called so: their ids have an underscore. One that were could sign for every identity.
RING = "cognito-identity"
_PURPOSE = "id"
ALG = "RS256"


def prepare() -> None:
    """Make the first key where there is none. Slow that once: call it before ``unit.write()``."""
    if keys.verifying(RING):
        return
    key = jose.generate(ALG)
    keys.store(RING, Generated(ALG, {_PURPOSE: SigningKey(jose.key_id(key), ALG, key)}))


def signing() -> SigningKey:
    """The key that signs now; the first identity pool made it."""
    return keys.signing(RING, _PURPOSE)


def verifying() -> Mapping[str, VerifyingKey]:
    """Every key whose signature counts, by ``kid``."""
    return keys.verifying(RING)


def jwks() -> bytes:
    """The JWK Set (RFC 7517 §5), ready to be sent; empty before the first identity pool."""
    return keys.jwks(RING)
