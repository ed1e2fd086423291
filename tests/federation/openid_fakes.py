"""The fake providers that give ID tokens: Google, Apple, Microsoft and LinkedIn."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError

from tests.federation.fake import Answer, Fake, Grant, Refusal, Reply, Request, ec_key


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
