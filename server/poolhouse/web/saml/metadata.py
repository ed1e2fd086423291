"""A pool's metadata: as an identity provider, for apps, and as a service provider, for identity providers."""

from __future__ import annotations

from urllib.parse import parse_qs

from poolhouse.core import runtime, unit
from poolhouse.federation import catalogue, saml_keys, saml_sp
from poolhouse.federation.saml_idp import issue, service_providers
from poolhouse.saml.trust import POST, REDIRECT
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web import pools
from poolhouse.web.door import Request, Response
from poolhouse.web.saml import addresses

_MAX_AGE = 3600
_PLAIN = ("Content-Type", "text/plain; charset=utf-8")


def of_idp(request: Request, pool: Pool) -> Response:  # noqa: ARG001 - a handler's signature
    """``GET /saml2/idp/metadata``: the pool as an identity provider."""
    from poolhouse.saml import metadata

    with unit.open(runtime.current()):
        base = pools.base(pool)
        document = metadata.write_idp(
            issue.entity_id(pool),
            sso=[(binding, base + addresses.SSO) for binding in (REDIRECT, POST)],
            signing=[key.der for key in saml_keys.published(pool.id)],
            logout=[(binding, base + addresses.SLO) for binding in (REDIRECT, POST)],
            name_id_formats=list(service_providers.FORMATS.values()),
        )
    return _published(document)


def of_sp(request: Request, pool: Pool) -> Response:
    """``GET /saml2/metadata``: the pool as a service provider; with ``identity_provider`` as this one has to know us.

    Then it has the certificates that assertions are encrypted to, and says whether requests will be signed. Built
    of settings alone, never of a request's Host: the addresses in it are where a provider sends people.
    """
    from poolhouse.saml import metadata

    try:
        given = parse_qs(request.query_string, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return Response(400, [_PLAIN], b"There are too many parameters: give identity_provider alone.\n")
    asked = given.get("identity_provider", [])
    if len(asked) > 1:
        return Response(400, [_PLAIN], b"Give identity_provider once.\n")
    with unit.open(runtime.current()):
        provider = catalogue.find(pool, asked[0]) if asked else None
        if asked and (provider is None or provider.type != "SAML"):
            return Response(404, [_PLAIN], b"The user pool has no such SAML provider.\n")
        signing = saml_keys.published(pool.id)
        encryption = saml_keys.published(pool.id, provider.name) if provider is not None else ()
        base = pools.base(pool)
        document = metadata.write_sp(
            saml_sp.entity_id(pool.id),
            consumers=[base + "/saml2/idpresponse"],
            signing=[key.der for key in signing],
            encryption=[key.der for key in encryption],
            signs_requests=provider is not None and saml_sp.signs_requests(provider),
            logout=[(binding, base + addresses.LOGOUT) for binding in (POST, REDIRECT)],
        )
    return _published(document)


def _published(document: bytes) -> Response:
    headers = [("Content-Type", "application/samlmetadata+xml"), ("Cache-Control", f"public, max-age={_MAX_AGE}")]
    return Response(200, headers, document)
