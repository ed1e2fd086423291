"""The certificate that a pool signs its SAML requests with."""

from __future__ import annotations

from poolhouse.api.registry import Answer, operation
from poolhouse.federation import saml_keys
from poolhouse.user_pools import lookup


@operation("GetSigningCertificate")
def get_signing_certificate(*, user_pool_id: str) -> Answer:
    return {"Certificate": saml_keys.signing(lookup.pool(user_pool_id).id).shown}
