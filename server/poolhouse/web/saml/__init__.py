"""SAML 2.0 in front of the web: the pool as an identity provider for apps, and metadata and single logout both ways."""

from __future__ import annotations

import flask

from poolhouse.web import pools
from poolhouse.web.door import PoolHandler
from poolhouse.web.saml import addresses, metadata, slo, sso

__all__ = ["blueprint", "routes"]

blueprint = flask.Blueprint("saml", __name__)


def routes() -> list[tuple[str, str, PoolHandler]]:
    """What the door serves of every pool, without a framework: method, path below the pool, handler."""
    served = ((addresses.METADATA, metadata.of_idp), (addresses.SP_METADATA, metadata.of_sp))
    return [(method, path, handler) for path, handler in served for method in ("GET", "HEAD")]


for path, serve, methods in (
    (addresses.SSO, sso.sso, ["GET", "POST"]),
    (addresses.CONTINUE, sso.proceed, ["GET"]),
    (addresses.REFUSE, sso.refuse, ["GET"]),
    (addresses.INIT, sso.begin, ["GET"]),
):
    blueprint.add_url_rule(f"/<pool_id>{path}", serve.__name__, pools.page(serve), methods=methods)
blueprint.add_url_rule(f"/<pool_id>{addresses.SLO}", "slo", slo.of_apps, methods=["GET", "POST"])
blueprint.add_url_rule(f"/<pool_id>{addresses.LOGOUT}", "logout", slo.of_providers, methods=["GET", "POST"])
