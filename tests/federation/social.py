"""Fake social providers that answer as each one publishes that it does, errors included.

How to use them::

    from tests.federation.social import Social, social  # noqa: F401 - a fixture

    def test_something(world, pool, social):
        google = social.google                      # facebook amazon apple x github microsoft linkedin
        google.person |= {"email": "ann@example.com"}
        pool.idp.create_identity_provider(
            UserPoolId=pool.id, ProviderName="Google", ProviderType=google.type, ProviderDetails=google.details,
            AttributeMapping={"email": "email", "username": "sub"},
        )

The details hold the fake's addresses in the documented OpenID keys. A fake agrees at once and redirects back; with
``fake.asks = True`` its page has the links ``#allow`` and ``#deny`` for a real browser. ``visit(address)`` is a browser
without cookies: it opens an authorization address at a fake and tells where that sent it (:class:`fake.Returned`).

``fake.trouble`` is one of: ``deny`` (the person cancels) · ``unavailable``, ``broken`` (the authorization endpoint says
temporarily_unavailable, server_error) · ``token_unavailable`` (503 at the token endpoint) · ``code_expired`` ·
``profile_unavailable`` (503 where the profile is asked). Another ``client_secret`` in the details gives the provider's
own words for that. ``fake.redirect_uris = {...}`` is what is registered. ``fake.claims`` changes ID tokens,
``fake.answers["/path"] = Reply(...)`` answers anything, ``fake.asked_at("/token")`` tells what was asked.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError

from tests.federation.fake import Answer, Fake, Grant, Refusal, Reply, Request, Returned, Server, ec_key
from tests.oidc import _Forms


class Google(Fake):
    name = "google"
    type = "Google"
    PERSON: Mapping[str, Any] = {
        "sub": "110169484474386276334",
        "email": "ann@gmail.com",
        "email_verified": True,
        "name": "Ann Bell",
        "given_name": "Ann",
        "family_name": "Bell",
        "picture": "https://pictures.example/ann",
    }

    @property
    def details(self) -> dict[str, str]:
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "authorize_scopes": "openid email profile",
            "oidc_issuer": self.base,
            "authorize_url": f"{self.base}/o/oauth2/v2/auth",
            "token_url": f"{self.base}/token",
            "attributes_url": f"{self.base}/v1/userinfo",
            "jwks_uri": f"{self.base}/oauth2/v3/certs",
        }

    def routes(self) -> dict[str, Answer]:
        return {
            "/.well-known/openid-configuration": self.configuration,
            "/o/oauth2/v2/auth": self.authorize,
            "/token": self.token,
            "/v1/userinfo": lambda request: Reply(200, self.person_of(request)),
            "/oauth2/v3/certs": self.jwks,
        }

    def configuration(self, request: Request) -> Reply:
        details = self.details
        return Reply(
            200,
            {
                "issuer": self.base,
                "authorization_endpoint": details["authorize_url"],
                "token_endpoint": details["token_url"],
                "userinfo_endpoint": details["attributes_url"],
                "jwks_uri": details["jwks_uri"],
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "code_challenge_methods_supported": ["plain", "S256"],
            },
        )

    def beside_the_code(self, grant: Grant) -> dict[str, str]:
        return {"scope": grant.scope, "authuser": "0", "prompt": "none", "iss": self.base}

    def refuse(self, error: str) -> Refusal:
        says = {"invalid_client": "Unauthorized"}.get(error, "Bad Request")
        return Refusal(Reply(401 if error == "invalid_client" else 400, {"error": error, "error_description": says}))

    def refreshable(self, grant: Grant) -> bool:
        last = self.asked_at("/o/oauth2/v2/auth")
        return bool(last) and last[-1].query.get("access_type") == "offline"

    def token_answer(self, grant: Grant, *, refreshed: bool) -> dict[str, Any]:
        answer = super().token_answer(grant, refreshed=refreshed)
        claims = {"iss": self.base, "azp": self.client_id, "nonce": grant.nonce, **grant.person}
        return answer | {"scope": grant.scope, "id_token": self.id_token(claims, answer["access_token"])}


class Facebook(Fake):
    """Graph API: errors are objects, a fragment of its own comes back, and whose token it is can be asked."""

    name = "facebook"
    type = "Facebook"
    version = "v21.0"
    PERSON: Mapping[str, Any] = {
        "id": "10158000000000001",
        "name": "Ann Bell",
        "email": "ann@example.com",
        "first_name": "Ann",
    }
    app_of_tokens: str | None = None  # another app's, when a test says so

    def reset(self) -> None:
        super().reset()
        self.app_of_tokens = None

    @property
    def details(self) -> dict[str, str]:
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "authorize_scopes": "public_profile, email",
            "api_version": self.version,
            "authorize_url": f"{self.base}/{self.version}/dialog/oauth",
            "token_url": f"{self.base}/{self.version}/oauth/access_token",
            "attributes_url": f"{self.base}/{self.version}/me?fields=",
        }

    def routes(self) -> dict[str, Answer]:
        return {
            f"/{self.version}/dialog/oauth": self.authorize,
            f"/{self.version}/oauth/access_token": self.token,
            f"/{self.version}/me": self.me,
            f"/{self.version}/debug_token": self.debug,
        }

    def denial(self) -> dict[str, str]:
        return {
            "error": "access_denied",
            "error_code": "200",
            "error_description": "Permissions error",
            "error_reason": "user_denied",
        }

    def send_back(self, given: Mapping[str, str], parameters: Mapping[str, str]) -> Reply:
        reply = super().send_back(given, parameters)
        return Reply(302, location=f"{reply.location}#_=_")

    def error(self, status: int, code: int, message: str, *, transient: bool = False) -> Refusal:
        about = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1b2"}
        return Refusal(Reply(status, {"error": about | ({"is_transient": True} if transient else {})}))

    def refuse(self, error: str) -> Refusal:
        says = {
            "invalid_client": (1, "Error validating client secret."),
            "redirect_uri_mismatch": (100, "Error validating verification code. Please make sure your redirect_uri is"),
        }.get(error, (100, "This authorization code has expired."))
        return self.error(400, *says)

    def refreshable(self, grant: Grant) -> bool:
        return False

    def token_answer(self, grant: Grant, *, refreshed: bool) -> dict[str, Any]:
        return super().token_answer(grant, refreshed=refreshed) | {"token_type": "bearer", "expires_in": 5183944}

    def me(self, request: Request) -> Reply:
        if self.trouble == "profile_unavailable":
            raise self.error(
                500, 2, "An unexpected error has occurred. Please retry your request later.", transient=True
            )
        access = request.query.get("access_token") or request.bearer
        grant = self.tokens.get(access)
        if grant is None:
            raise self.error(400, 190, "Invalid OAuth access token.")
        proof = hmac.digest(self.client_secret.encode(), access.encode(), hashlib.sha256).hex()
        if request.query.get("appsecret_proof") != proof:
            raise self.error(400, 100, "Invalid appsecret_proof provided in the API argument")
        wanted = [name for name in request.query.get("fields", "id,name").split(",") if name]
        return Reply(200, {name: grant.person[name] for name in ["id", *wanted] if name in grant.person})

    def debug(self, request: Request) -> Reply:
        if request.query.get("access_token") != f"{self.client_id}|{self.client_secret}":
            raise self.error(400, 190, "Invalid OAuth access token signature.")
        grant = self.tokens.get(request.query.get("input_token", ""))
        if grant is None:
            return Reply(200, {"data": {"is_valid": False, "scopes": []}})
        app = self.app_of_tokens or self.client_id
        known = {"app_id": app, "type": "USER", "is_valid": True, "user_id": grant.person["id"], "scopes": ["email"]}
        return Reply(200, {"data": known | {"expires_at": int(time.time()) + 5000}})


class Amazon(Fake):
    name = "amazon"
    type = "LoginWithAmazon"
    PERSON: Mapping[str, Any] = {
        "user_id": "amzn1.account.AAA",
        "name": "Ann Bell",
        "email": "ann@example.com",
        "postal_code": "98101",
    }
    audience: str | None = None

    def reset(self) -> None:
        super().reset()
        self.audience = None

    @property
    def details(self) -> dict[str, str]:
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "authorize_scopes": "profile postal_code",
            "authorize_url": f"{self.base}/ap/oa",
            "token_url": f"{self.base}/auth/o2/token",
            "attributes_url": f"{self.base}/user/profile",
        }

    def routes(self) -> dict[str, Answer]:
        return {
            "/ap/oa": self.authorize,
            "/auth/o2/token": self.token,
            "/auth/o2/tokeninfo": self.tokeninfo,
            "/user/profile": lambda request: Reply(200, self.person_of(request)),
        }

    def denial(self) -> dict[str, str]:
        return {"error": "access_denied", "error_description": "The customer denied the request."}

    def refuse(self, error: str) -> Refusal:
        says = {
            "invalid_client": "Client authentication failed",
            "invalid_grant": "The request has an invalid grant parameter : code",
        }.get(error, "The request has an invalid parameter : redirect_uri")
        name = "invalid_request" if error == "redirect_uri_mismatch" else error
        status = 401 if error == "invalid_client" else 400
        return Refusal(Reply(status, {"error": name, "error_description": says, "request_id": "r-1"}))

    def unknown_token(self) -> Refusal:
        return Refusal(Reply(400, {"error": "invalid_token", "error_description": "The token is invalid."}))

    def token_answer(self, grant: Grant, *, refreshed: bool) -> dict[str, Any]:
        return super().token_answer(grant, refreshed=refreshed) | {"token_type": "bearer"}

    def tokeninfo(self, request: Request) -> Reply:
        grant = self.tokens.get(request.query.get("access_token", ""))
        if grant is None:
            raise self.unknown_token()
        known = {"iss": "https://www.amazon.com", "user_id": grant.person["user_id"], "app_id": "amzn1.application.a"}
        return Reply(200, known | {"aud": self.audience or self.client_id, "exp": 3597, "iat": int(time.time())})


class Apple(Fake):
    """The secret is a JWT, the answer a form, and the name comes once."""

    name = "apple"
    type = "SignInWithApple"
    PERSON: Mapping[str, Any] = {
        "sub": "001234.abcdef.0123",
        "email": "xyz@privaterelay.appleid.com",
        "email_verified": "true",
        "is_private_email": "true",
        "firstName": "Ann",
        "lastName": "Bell",
    }

    def __init__(self, base: str) -> None:
        super().__init__(base)
        self.client_id, self.team_id, self.key_id = "com.example.web", "TEAM123456", "KEY1234567"
        self.developer_key = ec_key()

    @property
    def details(self) -> dict[str, str]:
        pem = self.developer_key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {
            "client_id": self.client_id,
            "team_id": self.team_id,
            "key_id": self.key_id,
            "private_key": "".join(line for line in pem.splitlines() if "-----" not in line),
            "authorize_scopes": "email name",
            "oidc_issuer": self.base,
            "authorize_url": f"{self.base}/auth/authorize",
            "token_url": f"{self.base}/auth/token",
            "jwks_uri": f"{self.base}/auth/keys",
        }

    def routes(self) -> dict[str, Answer]:
        return {"/auth/authorize": self.authorize, "/auth/token": self.token, "/auth/keys": self.jwks}

    def authorize(self, request: Request) -> Reply:
        given = request.query
        if given.get("scope") and given.get("response_mode") != "form_post":
            return self.page(400, "invalid_request: response_mode must be form_post when name or email is requested.")
        return super().authorize(request)

    def denial(self) -> dict[str, str]:
        return {"error": "user_cancelled_authorize"}

    def beside_the_code(self, grant: Grant) -> dict[str, str]:
        if not grant.first or "name" not in grant.scope.split():
            return {}
        name = {"firstName": grant.person["firstName"], "lastName": grant.person["lastName"]}
        return {"user": json.dumps({"name": name, "email": grant.person["email"]})}

    def send_back(self, given: Mapping[str, str], parameters: Mapping[str, str]) -> Reply:
        if given.get("response_mode") == "form_post":
            return self.send_form(given, parameters)
        return super().send_back(given, parameters)

    def require_client(self, request: Request) -> None:
        try:
            token = jwt.decode(request.form.get("client_secret", ""), self.developer_key, algorithms=["ES256"])
        except (JoseError, ValueError):
            raise self.refuse("invalid_client") from None
        wanted = {"iss": self.team_id, "sub": self.client_id, "aud": "https://appleid.apple.com"}
        fits = all(token.claims.get(name) == value for name, value in wanted.items())
        now, ends = time.time(), token.claims.get("exp", 0)
        fits = fits and token.header.get("kid") == self.key_id and now < ends <= now + 15_777_000
        if not fits or request.form.get("client_id") != self.client_id:
            raise self.refuse("invalid_client")

    def refuse(self, error: str) -> Refusal:
        if error == "invalid_client":
            return Refusal(Reply(400, {"error": "invalid_client"}))
        says = "The code has expired or has been revoked."
        return Refusal(Reply(400, {"error": "invalid_grant", "error_description": says}))

    def token_answer(self, grant: Grant, *, refreshed: bool) -> dict[str, Any]:
        answer = super().token_answer(grant, refreshed=refreshed)
        known = {name: value for name, value in grant.person.items() if name not in {"firstName", "lastName"}}
        times = {"auth_time": int(time.time()), "nonce_supported": True}
        claims = {"iss": self.base, "nonce": grant.nonce, **known, **times}
        return answer | {"id_token": self.id_token(claims, answer["access_token"])}


class X(Fake):
    """OAuth 2 only; PKCE is required, the secret comes as Basic, a profile is wrapped in ``data``."""

    name = "x"
    pkce = "required"
    PERSON: Mapping[str, Any] = {
        "id": "2244994945",
        "name": "Ann Bell",
        "username": "annbell",
        "confirmed_email": "ann@example.com",
    }

    @property
    def details(self) -> dict[str, str]:
        return {
            "preset": "x",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "authorize_url": f"{self.base}/i/oauth2/authorize",
            "token_url": f"{self.base}/2/oauth2/token",
            "attributes_url": f"{self.base}/2/users/me",
        }

    def routes(self) -> dict[str, Answer]:
        return {"/i/oauth2/authorize": self.authorize, "/2/oauth2/token": self.token, "/2/users/me": self.me}

    def require_client(self, request: Request) -> None:
        if request.basic() != (self.client_id, self.client_secret):
            raise self.refuse("unauthorized_client")

    def refuse(self, error: str) -> Refusal:
        says = {"unauthorized_client": "Missing valid authorization header"}
        name = error if error == "unauthorized_client" else "invalid_request"
        said = says.get(error, "Value passed for the authorization code was invalid.")
        return Refusal(Reply(401 if name == error else 400, {"error": name, "error_description": said}))

    def refreshable(self, grant: Grant) -> bool:
        return "offline.access" in grant.scope.split()

    def token_answer(self, grant: Grant, *, refreshed: bool) -> dict[str, Any]:
        answer = super().token_answer(grant, refreshed=refreshed)
        return answer | {"token_type": "bearer", "expires_in": 7200, "scope": grant.scope}

    def unknown_token(self) -> Refusal:
        about = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}
        return Refusal(Reply(401, about))

    def me(self, request: Request) -> Reply:
        person = self.person_of(request)
        fields = request.query.get("user.fields", "").split(",")
        allowed = "users.email" in self.tokens[request.bearer].scope.split()
        hidden = set() if allowed and "confirmed_email" in fields else {"confirmed_email"}
        shown = {k: v for k, v in person.items() if k in {"id", "name", "username", *fields} and k not in hidden}
        return Reply(200, {"data": shown})


class GitHub(Fake):
    """OAuth 2 only; errors of the token endpoint come with status 200, addresses from an endpoint of their own."""

    name = "github"
    PERSON: Mapping[str, Any] = {
        "id": 583231,
        "login": "annbell",
        "name": "Ann Bell",
        "email": None,
        "avatar_url": "https://a.example/1",
    }
    EMAILS = (
        {"email": "old@example.com", "verified": True, "primary": False, "visibility": None},
        {"email": "ann@example.com", "verified": True, "primary": True, "visibility": "private"},
    )

    def reset(self) -> None:
        super().reset()
        self.emails: list[dict[str, Any]] = [dict(email) for email in self.EMAILS]

    @property
    def details(self) -> dict[str, str]:
        return {
            "preset": "github",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "authorize_url": f"{self.base}/login/oauth/authorize",
            "token_url": f"{self.base}/login/oauth/access_token",
            "attributes_url": f"{self.base}/user",
        }

    def routes(self) -> dict[str, Answer]:
        return {
            "/login/oauth/authorize": self.authorize,
            "/login/oauth/access_token": self.token,
            "/user": self.user,
            "/user/emails": self.addresses,
        }

    def denial(self) -> dict[str, str]:
        return {
            "error": "access_denied",
            "error_description": "The user has denied your application access.",
            "error_uri": "https://docs.example/access-denied",
        }

    def wrong_redirect(self, given: Mapping[str, str]) -> Reply:
        says = "The redirect_uri MUST match the registered callback URL for this application."
        registered = {**given, "redirect_uri": sorted(self.redirect_uris or {""})[0]}
        return self.send_back(registered, {"error": "redirect_uri_mismatch", "error_description": says})

    def refuse(self, error: str) -> Refusal:
        name, says = {
            "invalid_client": (
                "incorrect_client_credentials",
                "The client_id and/or client_secret passed are incorrect.",
            ),
            "redirect_uri_mismatch": (
                "redirect_uri_mismatch",
                "The redirect_uri MUST match the registered callback URL",
            ),
        }.get(error, ("bad_verification_code", "The code passed is incorrect or expired."))
        return Refusal(Reply(200, {"error": name, "error_description": says, "error_uri": "https://docs.example/"}))

    def refreshable(self, grant: Grant) -> bool:
        return False

    def token_answer(self, grant: Grant, *, refreshed: bool) -> dict[str, Any]:
        answer = super().token_answer(grant, refreshed=refreshed)
        del answer["expires_in"]
        return answer | {"token_type": "bearer", "scope": grant.scope.replace(" ", ",")}

    def unknown_token(self) -> Refusal:
        return Refusal(Reply(401, {"message": "Bad credentials", "documentation_url": "https://docs.example/rest"}))

    def user(self, request: Request) -> Reply:
        if not request.headers.get("User-Agent"):
            return Reply(403, {"message": "Request forbidden by administrative rules."})
        return Reply(200, self.person_of(request))

    def addresses(self, request: Request) -> Reply:
        self.person_of(request)
        if "user:email" not in self.tokens[request.bearer].scope.split():
            return Reply(404, {"message": "Not Found", "documentation_url": "https://docs.example/rest"})
        return Reply(200, self.emails)


class Microsoft(Fake):
    """The identity platform v2.0: a tenant's issuer, or with ``organizations`` one that is filled in from ``tid``."""

    name = "microsoft"
    TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
    PERSON: Mapping[str, Any] = {
        "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        "oid": "00000000-0000-0000-66f3-3332eca7ea81",
        "tid": TENANT,
        "name": "Ann Bell",
        "preferred_username": "ann@contoso.example",
        "email": "ann@contoso.example",
        "ver": "2.0",
    }
    tenant = "organizations"

    def reset(self) -> None:
        super().reset()
        self.tenant = "organizations"

    @property
    def issuer(self) -> str:
        several = self.tenant in {"common", "organizations", "consumers"}
        return f"{self.base}/{'{tenantid}' if several else self.tenant}/v2.0"

    @property
    def details(self) -> dict[str, str]:
        at = f"{self.base}/{self.tenant}"
        return {
            "preset": "microsoft",
            "tenant": self.tenant,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "oidc_issuer": self.issuer,
            "authorize_url": f"{at}/oauth2/v2.0/authorize",
            "token_url": f"{at}/oauth2/v2.0/token",
            "attributes_url": f"{self.base}/oidc/userinfo",
            "jwks_uri": f"{at}/discovery/v2.0/keys",
        }

    def routes(self) -> dict[str, Answer]:
        at = f"/{self.tenant}"
        return {
            f"{at}/v2.0/.well-known/openid-configuration": self.configuration,
            f"{at}/oauth2/v2.0/authorize": self.authorize,
            f"{at}/oauth2/v2.0/token": self.token,
            f"{at}/discovery/v2.0/keys": self.jwks,
            "/oidc/userinfo": self.userinfo,
        }

    def configuration(self, request: Request) -> Reply:
        details = self.details
        return Reply(
            200,
            {
                "issuer": self.issuer,
                "authorization_endpoint": details["authorize_url"],
                "token_endpoint": details["token_url"],
                "userinfo_endpoint": details["attributes_url"],
                "jwks_uri": details["jwks_uri"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            },
        )

    def jwks(self, request: Request) -> Reply:
        keys = [key.as_dict(private=False) | {"issuer": f"{self.base}/{{tenantid}}/v2.0"} for key in self.keys]
        return Reply(200, {"keys": keys})

    def denial(self) -> dict[str, str]:
        says = "AADSTS65004: User declined to consent to access the app."
        return {"error": "access_denied", "error_description": says, "error_subcode": "cancel"}

    def refuse(self, error: str) -> Refusal:
        codes = {
            "invalid_client": (7000215, "Invalid client secret provided."),
            "redirect_uri_mismatch": (50011, "The redirect URI specified in the request does not match."),
        }
        code, says = codes.get(error, (70008, "The provided authorization code or refresh token has expired."))
        name = "invalid_client" if error == "invalid_client" else "invalid_grant"
        about = {"error": name, "error_description": f"AADSTS{code}: {says}", "error_codes": [code], "trace_id": "t-1"}
        return Refusal(Reply(401 if name == "invalid_client" else 400, about))

    def refreshable(self, grant: Grant) -> bool:
        return "offline_access" in grant.scope.split()

    def token_answer(self, grant: Grant, *, refreshed: bool) -> dict[str, Any]:
        answer = super().token_answer(grant, refreshed=refreshed)
        issuer = f"{self.base}/{grant.person['tid']}/v2.0"
        claims = {"iss": issuer, "nonce": grant.nonce, "at_hash": None, **grant.person}
        return answer | {"scope": grant.scope, "id_token": self.id_token(claims, answer["access_token"])}

    def userinfo(self, request: Request) -> Reply:
        person = self.person_of(request)
        return Reply(200, {name: person[name] for name in ("sub", "name", "email") if name in person})


class LinkedIn(Fake):
    """OpenID Connect without nonce in its ID tokens; a PKCE verifier is taken for a wrong client."""

    name = "linkedin"
    pkce = "refused"
    PERSON: Mapping[str, Any] = {
        "sub": "782bbtaQ",
        "name": "Ann Bell",
        "given_name": "Ann",
        "family_name": "Bell",
        "email": "ann@example.com",
        "email_verified": True,
        "locale": {"country": "US", "language": "en"},
    }

    @property
    def details(self) -> dict[str, str]:
        return {
            "preset": "linkedin",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "oidc_issuer": self.base,
            "authorize_url": f"{self.base}/oauth/v2/authorization",
            "token_url": f"{self.base}/oauth/v2/accessToken",
            "attributes_url": f"{self.base}/v2/userinfo",
            "jwks_uri": f"{self.base}/oauth/openid/jwks",
        }

    def routes(self) -> dict[str, Answer]:
        return {
            "/oauth/v2/authorization": self.authorize,
            "/oauth/v2/accessToken": self.token,
            "/v2/userinfo": lambda request: Reply(200, self.person_of(request)),
            "/oauth/openid/jwks": self.jwks,
        }

    def denial(self) -> dict[str, str]:
        says = "The user cancelled LinkedIn login"
        return {"error": "user_cancelled_login", "error_description": says}

    def refuse(self, error: str) -> Refusal:
        says = "Client authentication failed"
        if error != "invalid_client":
            error, says = "invalid_request", "Unable to retrieve access token: appid/redirect uri/code verifier"
        return Refusal(Reply(401 if error == "invalid_client" else 400, {"error": error, "error_description": says}))

    def refreshable(self, grant: Grant) -> bool:
        return False

    def token_answer(self, grant: Grant, *, refreshed: bool) -> dict[str, Any]:
        answer = super().token_answer(grant, refreshed=refreshed)
        known = {name: value for name, value in grant.person.items() if name != "locale"}
        claims = {"iss": self.base, "at_hash": None, **known}
        return answer | {"scope": "email,openid,profile", "id_token": self.id_token(claims, answer["access_token"])}


F = TypeVar("F", bound=Fake)


class Social:
    """All of them, on one port."""

    def __init__(self) -> None:
        self.server = Server()
        self.google = self._add(Google(self.server.url))
        self.facebook = self._add(Facebook(self.server.url))
        self.amazon = self._add(Amazon(self.server.url))
        self.apple = self._add(Apple(self.server.url))
        self.x = self._add(X(self.server.url))
        self.github = self._add(GitHub(self.server.url))
        self.microsoft = self._add(Microsoft(self.server.url))
        self.linkedin = self._add(LinkedIn(self.server.url))

    def _add(self, fake: F) -> F:
        self.server.fakes[fake.name] = fake
        return fake

    def __iter__(self) -> Iterator[Fake]:
        return iter(self.server.fakes.values())

    def __getitem__(self, name: str) -> Any:
        return self.server.fakes[name]


@pytest.fixture(scope="session")
def _social() -> Iterator[Social]:
    made = Social()
    yield made
    made.server.close()


@pytest.fixture
def social(_social: Social) -> Social:
    """The fake providers, as new."""
    for fake in _social:
        fake.reset()
    return _social


def visit(address: str) -> Returned:
    """Open an address at a fake as a browser does: where it sends back to, and with what."""
    answer = requests.get(address, allow_redirects=False, timeout=10)
    if location := answer.headers.get("Location"):
        parts = urlsplit(location)
        return Returned(f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query)))
    if "document.forms[0].submit()" in answer.text:
        form = _Forms(answer.text).forms[0]
        return Returned(form["action"], form["fields"], posted=True)
    return Returned(address, {}, page=answer.text, status=answer.status_code)
