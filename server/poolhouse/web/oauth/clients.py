"""An app client as Authlib sees it, and how clients prove themselves at the OAuth endpoints (RFC 6749 §2.3)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import unquote

from authlib.oauth2.rfc6749 import ClientMixin

from poolhouse.core import sealing
from poolhouse.core.errors import OAuthError
from poolhouse.tokens.claims import API_SCOPE, SCOPE_CLAIMS
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.web.oauth import assertion
from poolhouse.web.oauth.wire import OAuthRequest

OPENID_SCOPES = ("openid", "email", "phone", "profile", "address")
METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
# Whoever may ask about tokens, or for tokens of their own, must have proven themselves.
CONFIDENTIAL_METHODS = METHODS[:-1]


class OAuthClient(ClientMixin):  # type: ignore[misc]
    """What Authlib asks of a client, answered from its snapshot."""

    __slots__ = ("client",)

    def __init__(self, client: Client) -> None:
        self.client = client

    def get_client_id(self) -> str:
        return self.client.id

    def get_default_redirect_uri(self) -> str | None:
        """DefaultRedirectURI, or the only one that there is (RFC 6749 §3.1.2.3)."""
        if self.client.default_redirect_uri:
            return self.client.default_redirect_uri
        urls = self.client.callback_urls
        return urls[0] if len(urls) == 1 else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """By exact string and nothing else (RFC 9700 §4.1.3): no pattern, no prefix, no normal form."""
        return redirect_uri in self.client.callback_urls

    def check_response_type(self, response_type: str) -> bool:
        return response_type in self.client.oauth_flows

    def check_grant_type(self, grant_type: str) -> bool:
        flows = self.client.oauth_flows
        if grant_type == "authorization_code":
            return "code" in flows
        if grant_type == "refresh_token":
            return bool(flows - {"client_credentials"})
        return grant_type in flows

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The scope that is granted where ``scope`` was asked for, or None if it must be refused.

        Without one: all that the client has (Cognito). ``offline_access`` does nothing here, and is ignored as
        OIDC Core §11 has it. The scopes of OpenID Connect need ``openid``.
        """
        allowed = self.allowed_scopes()
        if not scope:
            granted = list(allowed)
            if "openid" not in granted:
                granted = [s for s in granted if s not in SCOPE_CLAIMS]
            return " ".join(granted) or None
        asked = [s for s in dict.fromkeys(scope.split(" ")) if s and s != "offline_access"]
        if not asked or not set(asked) <= set(allowed):
            return None
        if "openid" not in asked and any(s in SCOPE_CLAIMS for s in asked):
            return None
        return " ".join(asked)

    def allowed_scopes(self) -> tuple[str, ...]:
        """Every scope that the client may ask for a user: those of a resource server must still exist."""
        client = self.client
        known = client.pool.resource_scopes
        scopes = tuple(s for s in client.oauth_scopes if s in OPENID_SCOPES or s == API_SCOPE or s in known)
        if client.own.get("strict_oidc") and "profile" in scopes and "address" not in scopes:
            scopes = (*scopes, "address")  # Cognito has no such scope of its own
        return scopes


def query(pool: Pool, client_id: str) -> OAuthClient | None:
    """The client of this pool, if it may use the OAuth endpoints at all."""
    found = lookup.find_client(pool, client_id) if len(client_id) <= 128 else None
    return OAuthClient(found) if found is not None else None


# --- Proof --------------------------------------------------------------------------------------------------------


def authenticate(request: OAuthRequest, methods: tuple[str, ...] = METHODS) -> OAuthClient:
    """The client that sent ``request``, by exactly one method. Raises OAuthError ``invalid_client``.

    Two credentials at once are refused (RFC 6749 §2.3), and so is a method that is not the client's own.
    """
    form = request.payload.data
    basic, asserted, posted = bool(request.authorization), "client_assertion" in form, "client_secret" in form
    if basic + asserted + posted > 1:
        raise OAuthError("invalid_request", "The client authenticated in more than one way.")
    if ("client_assertion_type" in form) != asserted:
        raise OAuthError("invalid_request", "client_assertion and client_assertion_type belong together.")
    if asserted:
        client, method = _by_assertion(request, form), "private_key_jwt"
    elif basic:
        client, method = _by_basic(request, form), "client_secret_basic"
    elif posted:
        client, method = _by_secret(request.pool, form.get("client_id"), (form["client_secret"],)), "client_secret_post"
    else:
        client, method = _by_name(request.pool, form.get("client_id")), "none"
    if method not in methods:
        raise _refused("this endpoint does not accept " + method)
    if client.token_endpoint_auth_method not in {"", method}:
        raise _refused("the client must use " + client.token_endpoint_auth_method)
    request.auth_method = method
    return OAuthClient(client)


def _refused(hint: str) -> OAuthError:
    return OAuthError("invalid_client", "Client authentication failed.", status=401, hint=hint)


def _by_assertion(request: OAuthRequest, form: Mapping[str, str]) -> Client:
    if form["client_assertion_type"] != assertion.TYPE:
        raise _refused("unknown client_assertion_type")
    return assertion.authenticate(request.pool, form["client_assertion"], form.get("client_id"))


def _by_basic(request: OAuthRequest, form: Mapping[str, str]) -> Client:
    scheme, _, credentials = (request.authorization or "").strip().partition(" ")
    if scheme.lower() != "basic":
        raise _refused("not the Basic scheme")
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise _refused("the Basic header is not base64 of UTF-8") from None
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise _refused("the Basic header has no colon")
    client_id = _form_decoded(client_id)
    if form.get("client_id", client_id) != client_id:
        raise OAuthError("invalid_request", "client_id differs from the one in the Authorization header.")
    # RFC 6749 §2.3.1 wants both parts form-encoded; many clients send them bare, and a secret may hold "+" or "%".
    return _by_secret(request.pool, client_id, (secret, _form_decoded(secret)))


def _form_decoded(text: str) -> str:
    return unquote(text.replace("+", " ")) if "%" in text or "+" in text else text


def _by_secret(pool: Pool, client_id: str | None, spellings: tuple[str, ...]) -> Client:
    client = lookup.find_client(pool, client_id) if client_id and len(client_id) <= 128 else None
    if client is None or not client.secrets:
        raise _refused("no such client, or one without a secret")
    # Every pair is compared, so that time does not tell which of two secrets is the nearer one.
    matches = [sealing.same(known.reveal(), given) for known in client.secrets for given in spellings]
    if not any(matches):
        raise _refused("the secret is wrong")
    return client


def _by_name(pool: Pool, client_id: str | None) -> Client:
    if not client_id:
        raise _refused("no client at all")
    client = lookup.find_client(pool, client_id) if len(client_id) <= 128 else None
    if client is None or client.confidential:
        raise _refused("no such client, or one that must authenticate")
    return client
