"""Keys of ours as a SAML party, each with a self-signed certificate: what metadata carries."""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from poolhouse.core import clock

_BITS = 2048
VALID = timedelta(days=3652)  # ten years, as Cognito's


def make_key(name: str = "poolhouse") -> tuple[bytes, bytes]:
    """A new RSA-2048 key and its certificate for ten years, both PEM. Slow: a tenth of a second."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:64])])
    now = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALID)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)


def der(certificate: bytes) -> bytes:
    """A certificate from PEM to DER."""
    return x509.load_pem_x509_certificate(certificate).public_bytes(serialization.Encoding.DER)
