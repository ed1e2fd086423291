"""What a signed token cannot get past us: the JOSE attacks that other servers fell to, one by one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from poolhouse.core import jose
from poolhouse.core.jose import InvalidToken, SigningKey

CLAIMS = {"sub": "ann", "exp": 4_000_000_000}


def made(alg: str = "RS256", kid: str = "k1") -> SigningKey:
    return SigningKey(kid, alg, jose.generate(alg))


KEY = made()
KEYS = {KEY.kid: KEY.public}


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Any, payload: Any = CLAIMS, key: SigningKey = KEY) -> str:
    """A token with any header at all, whose RS256 signature is right."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    message = f"{encoded(header)}.{encoded(payload)}"
    raw = key.key.raw_value.sign(message.encode(), PKCS1v15(), SHA256())  # type: ignore[call-arg, union-attr, arg-type]
    return f"{message}.{encoded(raw)}"


def refused(token: str, keys: Any = KEYS) -> str:
    with pytest.raises(InvalidToken) as caught:
        jose.verify(token, keys)
    return str(caught.value)


def test_the_forger_of_these_tests_can_sign() -> None:
    assert jose.verify(signed({"alg": "RS256", "kid": "k1"}), KEYS) == CLAIMS


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, 0])
def test_alg_none_is_refused_in_every_spelling(alg: object) -> None:
    message = f"{encoded({'alg': alg, 'kid': 'k1'})}.{encoded(CLAIMS)}"
    for signature in ("", encoded(b"x")):
        assert refused(f"{message}.{signature}") == "the algorithm is not the key's"


def test_a_public_key_is_no_hmac_secret() -> None:
    """RS/HS confusion: CVE-2024-37568, CVE-2022-29217, CVE-2026-33322."""
    pem = KEY.public.key.as_pem(private=False)
    for secret in (pem, pem.strip(), json.dumps(KEY.public.jwk()).encode()):
        message = f"{encoded({'alg': 'HS256', 'kid': 'k1'})}.{encoded(CLAIMS)}"
        mac = hmac.digest(secret, message.encode(), hashlib.sha256)
        assert refused(f"{message}.{encoded(mac)}") == "the algorithm is not the key's"


def test_an_empty_hmac_key_opens_nothing() -> None:
    """CVE-2026-45363."""
    message = f"{encoded({'alg': 'HS256'})}.{encoded(CLAIMS)}"
    mac = encoded(hmac.digest(b"", message.encode(), hashlib.sha256))
    assert refused(f"{message}.{mac}", {}) == "no key of that kid"
    with pytest.raises(InvalidToken):
        jose.verify_with_jwks(f"{message}.{mac}", [{"kty": "oct", "k": ""}], jose.CLIENT_ALGORITHMS)


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_the_token_brings_along_is_never_used(member: str) -> None:
    """CVE-2026-27962."""
    own = made(kid="mine")
    header = {"alg": "RS256", "kid": "mine", member: own.public.jwk()}
    assert refused(signed(header, key=own)) == "no key of that kid"
    header["kid"] = "k1"
    assert refused(signed(header, key=own)) == "the signature is wrong"
    with pytest.raises(InvalidToken):
        jose.verify_with_jwks(signed(header, key=own), [KEY.public.jwk()], ["RS256"])


@pytest.mark.parametrize(
    "extension", [{"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": False, "crit": ["b64"]}]
)
def test_critical_extensions_are_refused(extension: dict[str, Any]) -> None:
    """CVE-2025-59420, CVE-2026-32597, CVE-2026-48525."""
    assert refused(signed({"alg": "RS256", "kid": "k1", **extension})) == "the header has a critical extension"


@pytest.mark.parametrize("kid", ["../../k1", "k1'--", "k1\x00", "K1", "", None, 1, ["k1"], {"k1": 1}])
def test_kid_names_a_key_and_does_nothing_else(kid: object) -> None:
    token = signed({"alg": "RS256", "kid": kid})
    assert refused(token) == "no key of that kid"
    if kid is not None:  # a client with one key need not name it
        with pytest.raises(InvalidToken):
            jose.verify_with_jwks(token, [KEY.public.jwk()], ["RS256"])


def test_another_algorithm_of_the_same_key_is_refused() -> None:
    token = jwt.encode({"alg": "PS256", "kid": "k1"}, CLAIMS, KEY.key, algorithms=["PS256"])
    assert refused(token) == "the algorithm is not the key's"


def test_a_token_of_another_key_is_refused() -> None:
    other = made()
    assert refused(signed({"alg": "RS256", "kid": "k1"}, key=other)) == "the signature is wrong"


def test_a_changed_token_is_refused() -> None:
    head, body, signature = jose.sign(KEY, CLAIMS).split(".")
    assert refused(f"{head}.{encoded({**CLAIMS, 'sub': 'eve'})}.{signature}") == "the signature is wrong"
    assert refused(f"{head}.{body}.{signature[:-8]}") == "the signature is wrong"


@pytest.mark.parametrize("padding", ["=", "==", "\n", " "])
def test_a_signature_has_one_spelling(padding: str) -> None:
    refused(jose.sign(KEY, CLAIMS) + padding)


def test_huge_tokens_are_refused_before_they_are_read() -> None:
    """CVE-2025-61920."""
    assert refused("A" * 20_000 + "." + "A" * 20_000 + ".A") == "longer than any token of ours"


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a.b", "a.b.c.d.e", "é.b.c", "{}.{}.{}", f"{encoded([])}.e30.e30",
     f"{encoded(b'{')}.e30.e30", f"{encoded('x')}.e30.e30", f"{encoded({'alg': 'RS256', 'enc': 'A256GCM'})}.a.b.c.d",
     "\ud800.b.c"],
)  # fmt: skip
def test_what_is_no_token_is_refused_without_a_fuss(token: str) -> None:
    """CVE-2026-34986: malformed JWE; CVE-2023-51774: encrypted where signed is wanted."""
    refused(token)


def test_claims_must_be_an_object() -> None:
    for payload in ([], "text", 3, None):
        assert refused(signed({"alg": "RS256", "kid": "k1"}, payload)) == "the claims are not an object"
    assert refused(signed({"alg": "RS256", "kid": "k1"}, b"{")) == "the claims are not JSON"


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # that is what is tried
def test_symmetric_private_weak_and_unfitting_keys_of_clients_are_not_used() -> None:
    weak = RSAKey.generate_key(1024, auto_kid=False)
    curve = ECKey.generate_key("P-384", auto_kid=False)
    for entry, alg in [
        (OctKey.generate_key(256).as_dict(), "RS256"),
        (weak.as_dict(private=False), "RS256"),
        (curve.as_dict(private=False), "ES256"),
        (KEY.public.jwk() | {"use": "enc"}, "RS256"),
        (KEY.public.jwk() | {"alg": "RS512"}, "RS256"),
        (KEY.public.jwk() | {"n": "!!"}, "RS256"),
        ({"kty": "RSA"}, "RS256"),
        ({}, "RS256"),
    ]:
        assert jose.import_public(entry, alg) is None


def test_algorithms_of_clients_come_from_a_list() -> None:
    key = OctKey.generate_key(256)
    token = jwt.encode({"alg": "HS256"}, CLAIMS, key)
    with pytest.raises(InvalidToken, match="not allowed"):
        jose.verify_with_jwks(token, [key.as_dict()], jose.CLIENT_ALGORITHMS)


# --- admissions -----------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # as a name alone: RFC 9864 calls it Ed25519
@pytest.mark.parametrize("alg", jose.ALGORITHMS)
def test_what_we_sign_anybody_can_verify(alg: str) -> None:
    key = made(alg)
    token = jose.sign(key, CLAIMS)
    assert jose.header(token) == {"kid": "k1", "alg": alg}
    assert jose.verify(token, {"k1": key.public}) == CLAIMS
    kind: Any = {"R": RSAKey, "E": ECKey}[alg[0]] if alg != "EdDSA" else OKPKey
    assert jwt.decode(token, kind.import_key(key.public.jwk()), algorithms=[alg]).claims == CLAIMS


@pytest.mark.parametrize("alg", jose.ALGORITHMS)
def test_keys_survive_being_stored(alg: str) -> None:
    key = made(alg)
    again = jose.load_private("k1", alg, key.private_pem())
    assert jose.verify(jose.sign(again, CLAIMS), {"k1": key.public}) == CLAIMS


def test_a_published_key_has_no_private_part() -> None:
    for alg in jose.ALGORITHMS:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(made(alg).public.jwk())


def test_kid_is_the_thumbprint_of_the_key() -> None:
    # RFC 7638 §3.1: the example's key and thumbprint.
    key = RSAKey.import_key({"kty": "RSA", "e": "AQAB", "n": (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM"
        "stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5h"
        "ajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )})  # fmt: skip
    assert (
        jose.key_id(key).replace("+", "-").replace("/", "_").rstrip("=")
        == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    )
