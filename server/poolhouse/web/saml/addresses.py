"""Where SAML messages come to: below the pool, on the shared host or on its own."""

from __future__ import annotations

from typing import Final

from poolhouse.core import runtime
from poolhouse.federation.saml_idp import issue
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web import pools

METADATA: Final = issue.METADATA
SSO: Final = "/saml2/idp/sso"
CONTINUE: Final = "/saml2/idp/sso/continue"
REFUSE: Final = "/saml2/idp/sso/refuse"
INIT: Final = "/saml2/idp/init"
SLO: Final = "/saml2/idp/slo"
# Cognito's, of the pool as a service provider; its assertion consumer service is `hosted`'s, beside the login page
SP_METADATA: Final = "/saml2/metadata"
LOGOUT: Final = "/saml2/logout"


def destinations(pool: Pool, path: str) -> frozenset[str]:
    """What the Destination of a message to ``path`` may be: as the metadata has it, and on the shared host.

    Of settings alone, never of the Host header: a message for another server is not taken.
    """
    return frozenset({pools.base(pool) + path, f"{runtime.current().settings.public_url}/{pool.id}{path}"})
