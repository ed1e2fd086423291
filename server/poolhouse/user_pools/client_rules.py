"""What an app client's settings must be beyond the shapes of the API's model."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Any
from urllib.parse import urlsplit

from poolhouse.core.errors import InvalidOAuthFlow, InvalidParameter, ScopeDoesNotExist
from poolhouse.user_pools import saml_extension, schema
from poolhouse.user_pools.snapshots import Client

STANDARD_SCOPES = frozenset({"openid", "email", "phone", "profile", "address", "aws.cognito.signin.user.admin"})
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TOKEN_SECONDS = range(5 * _MINUTE, _DAY + 1)
_REFRESH_SECONDS = range(_HOUR, 3650 * _DAY + 1)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# A browser that is redirected to one of these runs or shows what the URL itself holds: never an application of its own.
_DANGEROUS_SCHEMES = frozenset({"javascript", "data", "vbscript", "about", "blob", "file", "filesystem", "view-source"})
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\\]+")


def check(client: Client, doing: str, providers: Container[str] = ()) -> None:
    """Raise InvalidParameter, InvalidOAuthFlow or ScopeDoesNotExist unless the client's settings go together.

    ``doing`` is "creating" or "updating", for AWS's sentences; ``providers`` are the identity providers that the client
    may list beside the pool itself.
    """
    settings = client.settings
    _check_flows(client)
    _check_validity(client)
    for url in (*client.callback_urls, *client.logout_urls):
        _check_url(url)
    default = client.default_redirect_uri
    if default is not None and default not in client.callback_urls:
        raise InvalidParameter(f"The default redirect URI {default} is not in the callback URIs list.")
    _check_oauth(client)
    _check_scopes(client)
    _check_attributes(client, doing)
    if saml := client.own.get("saml"):
        saml_extension.check_attributes("Saml", saml, client.pool.schema)
    for provider in client.identity_providers:
        if provider != "COGNITO" and provider not in providers:
            raise InvalidParameter(f"The provider {provider} does not exist for User Pool {client.pool_id}.")
    if settings.get("EnablePropagateAdditionalUserContextData") and not client.secrets:
        raise InvalidParameter("EnablePropagateAdditionalUserContextData requires a client secret.")
    _check_analytics(settings.get("AnalyticsConfiguration"))


def _check_flows(client: Client) -> None:
    given = client.settings.get("ExplicitAuthFlows") or ()
    if 0 < sum(flow.startswith("ALLOW_") for flow in given) < len(given):
        raise InvalidParameter("Auth flow name with prefix 'ALLOW' cannot be used with legacy auth flow names.")
    if client.rotation_enabled and "ALLOW_REFRESH_TOKEN_AUTH" in given:
        raise InvalidParameter("ALLOW_REFRESH_TOKEN_AUTH cannot be used with refresh token rotation.")
    if "ALLOW_CLIENT_TOKEN_AUTH" in given and (len(given) > 1 or not client.secrets):
        raise InvalidParameter("ALLOW_CLIENT_TOKEN_AUTH must be the only auth flow, and requires a client secret.")


def _check_validity(client: Client) -> None:
    if client.access_seconds not in _TOKEN_SECONDS or client.id_seconds not in _TOKEN_SECONDS:
        raise InvalidParameter("Invalid range for token validity.")
    if client.refresh_seconds not in _REFRESH_SECONDS:
        raise InvalidParameter("Invalid range for token validity.")
    if client.refresh_seconds < max(client.access_seconds, client.id_seconds):
        raise InvalidParameter(
            "Invalid range for token validity. Access and ID tokens cannot be valid for longer than the refresh token."
        )


def _check_url(url: str) -> None:
    """A redirection target (RFC 6749 §3.1.2): absolute, without fragment; http on loopback alone (RFC 8252 §7.3)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise InvalidParameter(f"{url} is not a valid URL.") from None
    if not _ABSOLUTE.fullmatch(url):
        raise InvalidParameter(f"{url} is not an absolute URL.")
    if "#" in url:
        raise InvalidParameter(f"{url} cannot contain a fragment.")
    if parts.scheme in {"http", "https"} and not host:
        raise InvalidParameter(f"{url} is not a valid URL.")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise InvalidParameter(f"{url} cannot use the HTTP protocol.")
    if parts.scheme in _DANGEROUS_SCHEMES:
        raise InvalidParameter(f"{url} cannot use the scheme {parts.scheme}.")


def _check_oauth(client: Client) -> None:
    flows, scopes = set(client.settings.get("AllowedOAuthFlows") or ()), client.oauth_scopes
    if client.oauth_enabled and not (flows and scopes):
        raise InvalidParameter(
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows."
        )
    if "client_credentials" in flows:
        if len(flows) > 1:
            raise InvalidOAuthFlow("client_credentials flow can not be selected along with code flow or implicit flow.")
        if not client.confidential:
            raise InvalidOAuthFlow(
                "client_credentials flow can not be selected if client does not have a client secret."
            )
        # Standard scopes are about a person; here there is none.
        if any(scope in STANDARD_SCOPES for scope in scopes):
            raise InvalidOAuthFlow("client_credentials flow can be selected with scopes of resource servers only.")
    if flows & {"code", "implicit"} and not client.callback_urls:
        raise InvalidOAuthFlow("CallbackUrls can not be empty when code flow or implicit flow is selected")


def _check_scopes(client: Client) -> None:
    for scope in client.oauth_scopes:
        if scope not in STANDARD_SCOPES and scope not in client.pool.resource_scopes:
            raise ScopeDoesNotExist(f"Invalid scope requested: {scope}")


def _check_attributes(client: Client, doing: str) -> None:
    known = client.pool.schema
    if any(name not in known for name in client.settings.get("ReadAttributes") or ()):
        raise InvalidParameter(f"Invalid read attributes specified while {doing} a client")
    writable = client.settings.get("WriteAttributes") or ()
    if not writable:
        return
    never = schema.RESERVED | schema.VERIFIED_FLAGS
    unfit = any(name not in known or name in never or known[name].developer_only for name in writable)
    if unfit or not set(client.pool.required_attributes) <= set(writable):
        raise InvalidParameter(f"Invalid write attributes specified while {doing} a client")


def _check_analytics(given: Mapping[str, Any] | None) -> None:
    if not given:
        return
    by_arn, by_id = given.get("ApplicationArn"), [given.get(m) for m in ("ApplicationId", "RoleArn", "ExternalId")]
    if bool(by_arn) == any(by_id) or (any(by_id) and not all(by_id)):
        raise InvalidParameter(
            "Invalid analytics configuration given, either <application arn> or <application id, role arn, external"
            " id> are valid"
        )
