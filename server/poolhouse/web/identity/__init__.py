"""What the server says of itself to whoever verifies the OpenID tokens of identities: their keys, and discovery."""

from __future__ import annotations

import orjson

from poolhouse.core import runtime, unit
from poolhouse.identity_pools import keys, openid
from poolhouse.web.door import Request, Response, RootHandler

__all__ = ["root_routes"]

JWKS_PATH = "/.well-known/jwks_uri"


def root_routes() -> list[tuple[str, str, RootHandler]]:
    """What the door serves at the root of the server: method, path, handler."""
    served: list[tuple[str, str, RootHandler]] = []
    for path, handler in ((JWKS_PATH, jwks), ("/.well-known/openid-configuration", openid_configuration)):
        served += [("GET", path, handler), ("HEAD", path, handler)]
    return served


def jwks(_request: Request) -> Response:
    """The keys of the identity service (RFC 7517 §5)."""
    with unit.open(runtime.current()):
        return _document(keys.jwks())


def openid_configuration(_request: Request) -> Response:
    """Discovery (OpenID Connect Discovery §3): where the issuer is AWS's name, for those who are told to look here."""
    return _document(
        orjson.dumps(
            {
                "issuer": openid.issuer(),
                "jwks_uri": runtime.current().settings.public_url + JWKS_PATH,
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [keys.ALG],
                "claims_supported": ["sub", "aud", "amr", "iss", "exp", "iat"],
            }
        )
    )


def _document(content: bytes) -> Response:
    return Response(
        200,
        [
            ("Content-Type", "application/json"),
            ("Cache-Control", "public, max-age=300"),
            ("Access-Control-Allow-Origin", "*"),
        ],
        content,
    )
