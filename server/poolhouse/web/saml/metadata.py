"""A pool's metadata as a SAML identity provider: what an app's administrator gives to the app."""

from __future__ import annotations

from poolhouse.core import runtime, unit
from poolhouse.federation import saml_keys
from poolhouse.federation.saml_idp import issue, service_providers
from poolhouse.saml.trust import POST, REDIRECT
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web import pools
from poolhouse.web.door import Request, Response
from poolhouse.web.saml import addresses

_MAX_AGE = 3600


def metadata(request: Request, pool: Pool) -> Response:  # noqa: ARG001 - a handler's signature
    """``GET /saml2/idp/metadata``."""
    from poolhouse.saml import metadata as documents

    with unit.open(runtime.current()):
        base = pools.base(pool)
        document = documents.write_idp(
            issue.entity_id(pool),
            sso=[(binding, base + addresses.SSO) for binding in (REDIRECT, POST)],
            signing=[key.der for key in saml_keys.published(pool.id)],
            logout=[(binding, base + addresses.SLO) for binding in (REDIRECT, POST)],
            name_id_formats=list(service_providers.FORMATS.values()),
        )
    headers = [("Content-Type", "application/samlmetadata+xml"), ("Cache-Control", f"public, max-age={_MAX_AGE}")]
    return Response(200, headers, document)
