"""Cognito's secure remote password, pure (SRP-6a in the 3072-bit group of RFC 5054, with a derived key of its own).

x = H(salt | H(pool name | user id | ":" | password)); the proof is an HMAC under HKDF(S, u, "Caldera Derived Key").
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

try:
    from gmpy2 import mpz
    from gmpy2 import powmod as _powmod

    def _pow(base: int, exponent: int, modulus: int) -> int:
        return int(_powmod(mpz(base), mpz(exponent), mpz(modulus)))

except ImportError:  # eight times slower, and it holds the GIL

    def _pow(base: int, exponent: int, modulus: int) -> int:
        return pow(base, exponent, modulus)


# RFC 3526 §4: the 3072-bit MODP group, the one of that size in RFC 5054 appendix A.
N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
G = 2
SALT_BYTES = 16
_INFO = b"Caldera Derived Key"
_LONGEST_A = 2 * 3072 // 8 + 8


class InvalidPublicValue(ValueError):
    """The client's A is not a number, or zero in the group: the session key would not depend on the password."""


def padded(value: int) -> bytes:
    """A number as bytes, with a leading zero byte where the top bit is set, as Cognito's clients hash it."""
    return value.to_bytes(value.bit_length() // 8 + 1)


def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest())


_K = _hash(padded(N), padded(G))


def verifier(pool_name: str, user_id: str, password: str, salt: int) -> int:
    """v = g^x: what the server keeps of a password. ``pool_name`` is the pool id after ``_``."""
    inner = hashlib.sha256(f"{pool_name}{user_id}:{password}".encode("utf-8", "surrogatepass")).digest()
    return _pow(G, _hash(padded(salt), inner), N)


@dataclass(frozen=True, slots=True)
class Offer:
    """The server's half: the secret ``b`` and the public ``B`` that goes to the client."""

    b: int
    public: int


def offer(v: int) -> Offer:
    """A fresh half for verifier ``v``: B = kv + g^b."""
    while True:
        b = secrets.randbits(256)
        public = (_K * v + _pow(G, b, N)) % N
        if public:
            return Offer(b, public)


def parse_public(text: str) -> int:
    """The client's A from hexadecimal. Raises InvalidPublicValue, for A = 0 mod N too (RFC 5054 §2.5.4)."""
    try:
        if not text or len(text) > _LONGEST_A or text[:1] in "+-_" or "_" in text or not text.isascii():
            raise ValueError
        value = int(text, 16)
    except ValueError:
        raise InvalidPublicValue("SRP_A is not a hexadecimal number") from None
    if value % N == 0:
        raise InvalidPublicValue("SRP_A is zero in the group")
    return value


def session_key(v: int, half: Offer, a_public: int) -> bytes:
    """The 16 bytes that both sides derive if the client knew the password."""
    u = _hash(padded(a_public), padded(half.public))
    shared = _pow(a_public * _pow(v, u, N), half.b, N)
    extracted = hmac.digest(padded(u), padded(shared), "sha256")
    return hmac.digest(extracted, _INFO + b"\x01", "sha256")[:16]


def proof(key: bytes, pool_name: str, user_id: str, secret_block: bytes, timestamp: str) -> bytes:
    """PASSWORD_CLAIM_SIGNATURE before base64."""
    message = pool_name.encode() + user_id.encode() + secret_block + timestamp.encode("utf-8", "surrogatepass")
    return hmac.digest(key, message, "sha256")
