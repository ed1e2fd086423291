"""A certificate for this machine's own name, so that a demo can be reached by https."""

from __future__ import annotations

import ipaddress
import os
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from poolhouse.core import clock

VALID_DAYS = 397  # the most that browsers accept
_RENEW_DAYS = 30


def for_localhost(directory: Path) -> tuple[Path, Path]:
    """The certificate and key files in ``directory``, made if they are missing or about to expire."""
    chain, key = directory / "localhost.pem", directory / "localhost-key.pem"
    if not (chain.exists() and key.exists() and _valid(chain)):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(chain, key)
    return chain, key


def expires_within(chain: Path, days: int) -> bool:
    """Whether the first certificate in the file expires within so many days, or has. Raises ValueError, OSError."""
    certificate = x509.load_pem_x509_certificate(chain.read_bytes())
    return certificate.not_valid_after_utc < clock.ahead(days=days)


def _valid(chain: Path) -> bool:
    try:
        return not expires_within(chain, _RENEW_DAYS)
    except ValueError:
        return False


def _make(chain: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    addresses = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    names = [x509.DNSName("localhost"), x509.DNSName("*.localhost"), *map(x509.IPAddress, addresses)]
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.ago(days=1))
        .not_valid_after(clock.now() + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        # No authority: whoever trusts this file trusts one server, and nothing that its key might sign.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key_file.unlink(missing_ok=True)
    with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(private)
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
