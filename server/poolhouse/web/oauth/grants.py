"""The grants of the token endpoint, on Authlib's: authorization code with PKCE, refresh, client credentials."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from typing import Any

from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7636 import CodeChallenge

from poolhouse.core import sealing
from poolhouse.core.errors import NotAuthorized, OAuthError, RefreshTokenReuse
from poolhouse.federation import links
from poolhouse.tokens import issue, refresh, revoke
from poolhouse.tokens.issue import TokenSet
from poolhouse.users import User, directory
from poolhouse.web.oauth import codes
from poolhouse.web.oauth.clients import OAuthClient
from poolhouse.web.oauth.codes import AuthorizationCode
from poolhouse.web.oauth.server import Server

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def rendered(tokens: TokenSet) -> dict[str, Any]:
    """A token response (RFC 6749 §5.1, OIDC Core §3.1.3.3). ``scope`` is there even where it is what was asked for."""
    answer: dict[str, Any] = {}
    if tokens.id_token is not None:
        answer["id_token"] = tokens.id_token
    answer["access_token"] = tokens.access_token
    if tokens.refresh_token is not None:
        answer["refresh_token"] = tokens.refresh_token
    answer |= {"expires_in": tokens.expires_in, "token_type": tokens.token_type, "scope": tokens.scope}
    return answer


class AuthorizationCodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """RFC 6749 §4.1. The code is spent in the transaction that stores the first refresh token, and not before."""

    def query_authorization_code(self, code: str, client: OAuthClient) -> AuthorizationCode | None:
        """The code if ``client`` may exchange it. One that was exchanged before kills what came of it."""
        found = codes.find(client.client.pool, code)
        # A stranger's attempt proves nothing against the rightful client: it is refused, and that is all.
        if found is None or found.client_id != client.client.id:
            return None
        if found.used_at is not None:
            raise reused(found)
        given = self.request.payload.redirect_uri
        if not found.redirect_uri_given and given is not None and given != found.redirect_uri:
            return None
        return None if found.expired else found

    def authenticate_user(self, authorization_code: AuthorizationCode) -> User | None:
        """Whoever signed in, if they still may."""
        if revoke.cut_off(authorization_code.pool_id, authorization_code.provider, authorization_code.issued_at):
            return None
        user = directory.by_sub(authorization_code.pool_id, authorization_code.sub)
        came_by = authorization_code.provider
        if came_by is not None and not links.joined(authorization_code.pool_id, authorization_code.sub, came_by):
            return None  # an administrator has parted them since
        return user if user is not None and user.enabled else None

    def generate_token(self, user: User, **_: Any) -> dict[str, Any]:
        """The first tokens, in exchange for the code."""
        code: AuthorizationCode = self.request.authorization_code

        def spend() -> None:
            if not codes.spend(code):
                raise reused(code)

        tokens = issue.sign_in(
            self.request.client.client,
            user,
            auth_time=code.auth_time,
            amr=code.amr,
            scope=code.scope,
            source="oauth",
            nonce=code.nonce,
            requested=code.claims,
            origin_jti=code.origin_jti,
            provider=code.provider,
            acr=code.acr,
            once=spend,
        )
        return rendered(tokens)

    def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
        """It stays, as used, so that one that comes back is known."""


def reused(code: AuthorizationCode) -> OAuthError:
    """A code came back: somebody has a copy, so everything that came of it ends (RFC 6749 §4.1.2, RFC 9700 §4.5)."""
    revoke.family(code.pool_id, code.origin_jti)
    return OAuthError("invalid_grant", "The code was used before.", keep=True)


class Pkce(CodeChallenge):  # type: ignore[misc]
    """RFC 7636, S256 alone. Public clients must use it, others may; ``require_pkce`` makes them."""

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:  # noqa: ARG002
        """At authorize. Without the method RFC 7636 would mean ``plain``: refused, as is plain itself."""
        parameters = grant.request.payload.data
        challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
        client = grant.request.client.client
        if challenge is None:
            if method is not None:
                raise OAuthError("invalid_request", "code_challenge_method without code_challenge.")
            if not client.confidential or client.own.get("require_pkce"):
                raise OAuthError("invalid_request", "code_challenge is required.")
            return
        if method != "S256":
            raise OAuthError("invalid_request", "code_challenge_method must be S256.")
        if not _CHALLENGE.fullmatch(challenge):
            raise OAuthError("invalid_request", "code_challenge is not a SHA-256 digest in base64url.")

    def validate_code_verifier(self, grant: Any, result: object) -> None:  # noqa: ARG002
        """At the token endpoint. A verifier without a challenge is refused too: somebody cut the challenge out."""
        verifier = grant.request.payload.data.get("code_verifier")
        code: AuthorizationCode = grant.request.authorization_code
        if code.code_challenge is None:
            if verifier is not None:
                raise OAuthError("invalid_grant", "The authorization request had no code_challenge.")
            return
        if verifier is None:
            raise OAuthError("invalid_grant", "code_verifier is missing.")
        if not _VERIFIER.fullmatch(verifier):
            raise OAuthError("invalid_grant", "code_verifier is not 43 to 128 of the permitted characters.")
        digest = urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=")
        if not sealing.same(digest.decode("ascii"), code.code_challenge):
            raise OAuthError("invalid_grant", "code_verifier does not fit the code_challenge.")


class RefreshTokenGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
    """RFC 6749 §6. All of it happens in ``tokens.refresh``: found, checked and spent in four statements."""

    def validate_token_request(self) -> None:
        self.request.client = self._validate_request_client()
        if not self.request.payload.data.get("refresh_token"):
            raise OAuthError("invalid_request", "refresh_token is missing.")

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        parameters = self.request.payload.data
        try:
            tokens = refresh.refresh(
                self.request.client.client, parameters["refresh_token"], scope=parameters.get("scope")
            )
        except (NotAuthorized, RefreshTokenReuse) as error:
            raise OAuthError("invalid_grant", str(error), hint=error.hint, keep=error.keep) from error
        return 200, rendered(tokens), self.TOKEN_RESPONSE_HEADER


class ClientCredentialsGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]
    """RFC 6749 §4.4: scopes of resource servers alone; nothing is stored."""

    def validate_requested_scope(self) -> None:
        """Set the scopes that are granted: those asked for, or all that the client has."""
        client = self.request.client.client
        if not client.confidential:
            raise OAuthError("unauthorized_client", "Only a client that can authenticate has tokens of its own.")
        known = client.pool.resource_scopes
        allowed = [scope for scope in client.oauth_scopes if scope in known]
        asked = dict.fromkeys((self.request.payload.scope or "").split())
        if unknown := [scope for scope in asked if scope not in allowed]:
            # Cognito tells an unknown scope from one that the client does not have; the RFC does not.
            exists = all(scope in known for scope in unknown)
            raise OAuthError(
                "invalid_scope",
                "The scope is not one of the client's." if exists else "The scope does not exist.",
                hint="disallowed" if exists else "unknown",
            )
        if not allowed:
            raise OAuthError("invalid_scope", "The client has no scope of a resource server.")
        self.scopes = tuple(asked) or tuple(allowed)

    def generate_token(self, **_: Any) -> dict[str, Any]:
        return rendered(issue.machine(self.request.client.client, self.scopes))


def build() -> Server:
    """The server with its grants."""
    server = Server()
    server.register_grant(AuthorizationCodeGrant, [Pkce(required=False)])
    server.register_grant(RefreshTokenGrant)
    server.register_grant(ClientCredentialsGrant)
    return server


SERVER = build()
