"""A pool's metadata as a SAML service provider: what an administrator gives to an identity provider."""

from __future__ import annotations

from urllib.parse import parse_qs

from poolhouse.core import runtime, unit
from poolhouse.federation import catalogue, saml_keys, saml_sp
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web import pools
from poolhouse.web.door import PoolHandler, Request, Response

PATH = "/saml2/metadata"
_MAX_AGE = 3600
_XML = "application/samlmetadata+xml"
_PLAIN = ("Content-Type", "text/plain; charset=utf-8")


def routes() -> list[tuple[str, str, PoolHandler]]:
    """What the door serves of every pool: method, path below the pool, handler."""
    return [("GET", PATH, metadata), ("HEAD", PATH, metadata)]


def metadata(request: Request, pool: Pool) -> Response:
    """``GET /saml2/metadata``; with ``identity_provider`` as this one has to know us.

    Then it has the certificates that assertions are encrypted to, and says whether requests will be signed. Built
    of settings alone, never of a request's Host: the addresses in it are where a provider sends people.
    """
    from poolhouse.saml import metadata as documents

    try:
        given = parse_qs(request.query_string, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return Response(400, [_PLAIN], b"There are too many parameters.\n")
    asked = given.get("identity_provider", [])
    if len(asked) > 1:
        return Response(400, [_PLAIN], b"identity_provider may be given once.\n")
    with unit.open(runtime.current()):
        provider = catalogue.find(pool, asked[0]) if asked else None
        if asked and (provider is None or provider.type != "SAML"):
            return Response(404, [_PLAIN], b"The user pool has no such SAML provider.\n")
        signing = saml_keys.published(pool.id)
        encryption = saml_keys.published(pool.id, provider.name) if provider is not None else ()
        base = pools.base(pool)
        document = documents.write_sp(
            saml_sp.entity_id(pool.id),
            consumers=[base + "/saml2/idpresponse"],
            signing=[key.der for key in signing],
            encryption=[key.der for key in encryption],
            signs_requests=provider is not None and saml_sp.signs_requests(provider),
            logout=[("post", base + "/saml2/logout"), ("redirect", base + "/saml2/logout")],
        )
    headers = [("Content-Type", _XML), ("Cache-Control", f"public, max-age={_MAX_AGE}")]
    return Response(200, headers, document)
