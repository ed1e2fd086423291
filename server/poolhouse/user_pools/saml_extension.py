"""The client extension ``Saml``, which makes an app client a SAML service provider: what it may say. Pure.

It is stored by the names of the API, every default filled in but those that are absent altogether.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from poolhouse.core.errors import InvalidParameter
from poolhouse.user_pools.checks import one_of, switch

NAME_ID_FORMATS: Final = ("persistent", "emailAddress", "unspecified", "transient")
NOT_IN_SCHEMA: Final = frozenset({"sub", "username"})  # known of everybody, and no attribute of the schema
_CONSUMERS_MAX = 20
_ATTRIBUTES_MAX = 100
_CERTIFICATES_MAX = 5
_RSA_BITS_MIN = 2048
_EC_BITS_MIN = 256
_INDEX_MAX = 65_535  # xs:unsignedShort
_LONGEST_ENTITY_ID = 1024
_LONGEST_URL = 2048
_LONGEST_NAME = 256
_LONGEST_RELAY_STATE = 1024
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def checked(name: str, value: Any) -> dict[str, Any]:
    """The extension as it is stored. Raises InvalidParameter."""
    if not isinstance(value, Mapping):
        raise InvalidParameter(f"{name} must be an object.")
    for member in value:
        if member not in _MEMBERS:
            raise InvalidParameter(f"{name}: unknown member {member}. Known are {', '.join(_MEMBERS)}.")
    kept: dict[str, Any] = dict(_DEFAULTS) | {
        member: _MEMBERS[member](f"{name}.{member}", given) for member, given in value.items() if given is not None
    }
    _check_together(name, kept)
    return kept


def check_attributes(name: str, kept: Mapping[str, Any], schema: Collection[str]) -> None:
    """Raise InvalidParameter for an attribute that the pool does not have."""
    for attribute in kept["Attributes"].values():
        if attribute not in schema and attribute not in NOT_IN_SCHEMA:
            raise InvalidParameter(f"{name}.Attributes: the user pool has no attribute {attribute}.")


def certificates(pem: str) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM text, in its order. Raises ValueError."""
    return tuple(x509.load_pem_x509_certificates(pem.encode("ascii")))


def _check_together(name: str, kept: Mapping[str, Any]) -> None:
    for needed in ("EntityId", "AssertionConsumerServices"):
        if needed not in kept:
            raise InvalidParameter(f"{name}.{needed} is required; it may come from Metadata.")
    if not kept["SignAssertion"] and not kept["SignResponse"]:
        raise InvalidParameter(f"{name}: SignAssertion or SignResponse must be true, or nothing would be signed.")
    if kept["RequireSignedRequests"] and "Certificate" not in kept:
        raise InvalidParameter(f"{name}.RequireSignedRequests needs a Certificate to verify requests with.")
    if kept["Encrypt"]:
        to = kept.get("EncryptionCertificate") or kept.get("Certificate")
        if to is None or not isinstance(certificates(to)[0].public_key(), rsa.RSAPublicKey):
            raise InvalidParameter(f"{name}.Encrypt needs a certificate with an RSA key to encrypt to.")
    if "SingleLogoutService" in kept and "Certificate" not in kept:
        raise InvalidParameter(f"{name}.SingleLogoutService needs a Certificate: logout requests have to be signed.")
    if "SingleLogoutResponseService" in kept and "SingleLogoutService" not in kept:
        raise InvalidParameter(f"{name}.SingleLogoutResponseService needs a SingleLogoutService.")
    indexes = kept.get("AssertionConsumerServiceIndexes")
    if indexes is not None and len(indexes) != len(kept["AssertionConsumerServices"]):
        raise InvalidParameter(f"{name}.AssertionConsumerServiceIndexes must have an index for each service.")


def _text(longest: int, *, blanks: bool = False) -> Callable[[str, Any], str]:
    def check(name: str, value: Any) -> str:
        plain = isinstance(value, str) and value.isprintable() and (blanks or " " not in value)
        if not plain or not 0 < len(value) <= longest:
            raise InvalidParameter(
                f"{name} must be 1 to {longest} printable characters{'' if blanks else ', without spaces'}."
            )
        return str(value)

    return check


def _url(name: str, value: Any) -> str:
    """An address that a browser is sent to: https, or http on the developer's own machine."""
    try:
        parts = urlsplit(value) if isinstance(value, str) and len(value) <= _LONGEST_URL else None
        host = parts.hostname if parts is not None else None
        fits = parts is not None and bool(host) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or parts is None or not value.isascii() or any(c <= " " or c in '"<>\\^`{|}\x7f' for c in value):
        raise InvalidParameter(f"{name} must be an absolute URL.")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        raise InvalidParameter(f"{name} must begin with https://; http:// is for localhost alone.")
    if parts.fragment or parts.username is not None:
        raise InvalidParameter(f"{name} must have neither a fragment nor a user name.")
    return str(value)


def _urls(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= _CONSUMERS_MAX:
        raise InvalidParameter(f"{name} must list 1 to {_CONSUMERS_MAX} URLs.")
    urls = [_url(name, url) for url in value]
    if len(set(urls)) < len(urls):
        raise InvalidParameter(f"{name} must list each URL once.")
    return urls


def _indexes(name: str, value: Any) -> list[int]:
    fits = isinstance(value, list) and all(type(one) is int and 0 <= one <= _INDEX_MAX for one in value)
    if not fits or len(set(value)) < len(value):
        raise InvalidParameter(f"{name} must list different numbers from 0 to {_INDEX_MAX}.")
    return list(value)


def _certificate(name: str, value: Any) -> str:
    try:
        found = certificates(value)
        keys = [certificate.public_key() for certificate in found]
    except (ValueError, TypeError, AttributeError):
        raise InvalidParameter(f"{name} must be a certificate as PEM.") from None
    if not 1 <= len(found) <= _CERTIFICATES_MAX:
        raise InvalidParameter(f"{name} must have 1 to {_CERTIFICATES_MAX} certificates.")
    for key in keys:
        strong = isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS_MIN
        if not strong and not (isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= _EC_BITS_MIN):
            raise InvalidParameter(
                f"{name}: the key must be RSA of {_RSA_BITS_MIN} bits or more, or EC of 256 or more."
            )
    return str(value)


def _attributes(name: str, value: Any) -> dict[str, str]:
    """Names that the service provider knows, each with the attribute of ours that it is given."""
    if not isinstance(value, Mapping) or len(value) > _ATTRIBUTES_MAX:
        raise InvalidParameter(
            f"{name} must be an object with an attribute of the pool for each name, {_ATTRIBUTES_MAX} at most."
        )
    named = _text(_LONGEST_NAME)
    return {named(name, released): named(name, attribute) for released, attribute in value.items()}


_DEFAULTS: Final[Mapping[str, Any]] = {
    "RequireSignedRequests": False,
    "Encrypt": False,
    "NameIdFormat": "persistent",
    "Attributes": {},
    "SignResponse": False,
    "SignAssertion": True,
    "IdpInitiated": False,
}
_MEMBERS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "EntityId": _text(_LONGEST_ENTITY_ID),
    "AssertionConsumerServices": _urls,
    "AssertionConsumerServiceIndexes": _indexes,
    "SingleLogoutService": _url,
    "SingleLogoutResponseService": _url,
    "SingleLogoutBinding": one_of("redirect", "post"),
    "Certificate": _certificate,
    "EncryptionCertificate": _certificate,
    "RequireSignedRequests": switch,
    "Encrypt": switch,
    "NameIdFormat": one_of(*NAME_ID_FORMATS),
    "Attributes": _attributes,
    "GroupsAttribute": _text(_LONGEST_NAME),
    "SignResponse": switch,
    "SignAssertion": switch,
    "IdpInitiated": switch,
    "RelayState": _text(_LONGEST_RELAY_STATE, blanks=True),
}
