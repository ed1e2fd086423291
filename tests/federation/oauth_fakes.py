"""The fake providers that speak OAuth 2 and have a profile of their own: Facebook, Amazon, X and GitHub."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any

from tests.federation.fake import Answer, Fake, Grant, Refusal, Reply, Request


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
        given = request.query.get("access_token") or request.bearer
        if given != f"{self.client_id}|{self.client_secret}":
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
