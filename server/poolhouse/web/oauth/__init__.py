"""The OAuth 2 and OpenID Connect endpoints. Authlib lives here."""

from __future__ import annotations

import flask

from poolhouse.user_pools.snapshots import Pool
from poolhouse.web import pools
from poolhouse.web.door import PoolHandler, Request, Response
from poolhouse.web.oauth import authorize, discovery, logout, token, upstream_token, userinfo, wire

__all__ = ["blueprint", "routes"]

blueprint = flask.Blueprint("oauth", __name__)


def routes() -> list[tuple[str, str, PoolHandler]]:
    """What the door serves of every pool, without a framework: method, path below the pool, handler."""
    documents = (
        ("/.well-known/openid-configuration", discovery.openid_configuration),
        ("/.well-known/oauth-authorization-server", discovery.openid_configuration),
        ("/.well-known/jwks.json", discovery.jwks),
    )
    served: list[tuple[str, str, PoolHandler]] = [
        ("POST", "/oauth2/token", token.token),
        ("POST", "/oauth2/introspect", token.introspect),
        ("POST", "/oauth2/revoke", token.revocation),
        ("GET", "/oauth2/userInfo", userinfo.userinfo),
        ("POST", "/oauth2/userInfo", userinfo.userinfo),
        ("GET", "/oauth2/upstreamToken", upstream_token.upstream_token),
        ("OPTIONS", "/oauth2/upstreamToken", _preflight_get),
        ("OPTIONS", "/oauth2/token", _preflight_post),
        ("OPTIONS", "/oauth2/revoke", _preflight_post),
        ("OPTIONS", "/oauth2/userInfo", _preflight_userinfo),
    ]
    for path, handler in documents:
        served += [("GET", path, handler), ("HEAD", path, handler), ("OPTIONS", path, discovery.preflight)]
    return served


def _preflight_post(request: Request, pool: Pool) -> Response:  # noqa: ARG001 - a handler's signature
    return wire.preflight("POST")


def _preflight_get(request: Request, pool: Pool) -> Response:  # noqa: ARG001
    return wire.preflight("GET")


def _preflight_userinfo(request: Request, pool: Pool) -> Response:  # noqa: ARG001
    return wire.preflight("GET, POST")


@blueprint.get("/.well-known/oauth-authorization-server/<pool_id>")
def metadata_by_issuer(pool_id: str) -> flask.Response:
    """RFC 8414 §3.1: the well-known part stands before the issuer's path."""
    return discovery.by_issuer_path(pool_id)


blueprint.add_url_rule(
    "/<pool_id>/oauth2/authorize", "authorize", pools.page(authorize.authorize), methods=["GET", "POST"]
)
blueprint.add_url_rule("/<pool_id>/oauth2/authorize/continue", "continue", pools.page(authorize.proceed))
blueprint.add_url_rule("/<pool_id>/oauth2/authorize/refuse", "refuse", pools.page(authorize.refuse))
blueprint.add_url_rule("/<pool_id>/logout", "logout", pools.page(logout.logout), methods=["GET", "POST"])
