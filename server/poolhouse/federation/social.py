"""Social providers as data: where they are, what they want asked, and in what they differ from the standards.

Every address can be overridden by the documented keys of ProviderDetails, so that tests use stand-ins and enterprises
their proxies. Sources are the providers' own pages for developers; what an issue taught is said beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from poolhouse.federation import profiles
from poolhouse.federation.connector import Denied, FederationFailed, Misconfigured, Unavailable, Untrusted
from poolhouse.federation.provider import Provider
from poolhouse.federation.upstream import Profile

MICROSOFT_AT = "https://login.microsoftonline.com"
SECRET_POST, SECRET_BASIC, PRIVATE_KEY = "client_secret_post", "client_secret_basic", "private_key_jwt"


@dataclass(frozen=True, slots=True)
class Preset:
    """What is special about a provider. The defaults are those of any OpenID provider.

    ``details`` are its ProviderDetails unless they say otherwise, with ``{tenant}`` filled in. ``openid`` says that it
    gives ID tokens, ``nonce`` that they repeat ours, ``pkce`` that a verifier does no harm. ``prompts`` are the values
    of prompt that it takes, ``fresh`` what asks it for a new sign-in, ``proves_fresh`` that its ID token then has an
    auth_time to check. ``profile`` asks for a profile in the provider's own way; ``subject`` is what it calls a
    person's id. ``errors`` are codes of its token endpoint that are its own, or that it means otherwise.
    """

    details: Mapping[str, str] = field(default_factory=dict)
    openid: bool = True
    issuers: tuple[str, ...] = ()
    auth: str = SECRET_POST
    pkce: bool = True
    nonce: bool = True
    form_post: bool = False
    separator: str = " "
    prompts: frozenset[str] = frozenset()
    hint: str = ""
    fresh: Mapping[str, str] = field(default_factory=dict)
    proves_fresh: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)
    subject: str = "sub"
    profile: Callable[[Profile], Profile] | None = None
    errors: Mapping[str, type[FederationFailed]] = field(default_factory=dict)


OPENID = Preset(
    prompts=frozenset({"login", "select_account", "consent"}),
    hint="login_hint",
    fresh={"prompt": "login", "max_age": "0"},
    proves_fresh=True,
)

GOOGLE = Preset(
    issuers=("accounts.google.com",),  # in older tokens without the scheme
    prompts=frozenset({"select_account", "consent"}),
    hint="login_hint",
    fresh={"prompt": "select_account"},  # it has no way to ask for the password again
    profile=profiles.google,
)

APPLE = Preset(form_post=True, profile=profiles.apple)

AMAZON = Preset(openid=False, subject="user_id", profile=profiles.amazon)

FACEBOOK = Preset(
    openid=False,
    separator=",",
    fresh={"auth_type": "reauthenticate"},
    subject="id",
    profile=profiles.facebook,
)

X = Preset(
    details={
        "authorize_url": "https://x.com/i/oauth2/authorize",
        "token_url": "https://api.x.com/2/oauth2/token",
        "attributes_url": "https://api.x.com/2/users/me",
        "authorize_scopes": "users.read tweet.read users.email",
    },
    openid=False,
    auth=SECRET_BASIC,
    subject="id",
    profile=profiles.x,
    errors={"invalid_request": Untrusted},  # so it calls a code that it does not take
)

GITHUB = Preset(
    details={
        "authorize_url": "https://github.com/login/oauth/authorize",
        "token_url": "https://github.com/login/oauth/access_token",
        "attributes_url": "https://api.github.com/user",
        "authorize_scopes": "read:user user:email",
    },
    openid=False,
    prompts=frozenset({"select_account"}),
    hint="login",
    fresh={"prompt": "select_account"},
    subject="id",
    profile=profiles.github,
    errors={
        "bad_verification_code": Untrusted,
        "incorrect_client_credentials": Misconfigured,
        "unverified_user_email": Denied,
    },
)

MICROSOFT = Preset(
    details={
        "tenant": "common",
        "authorize_url": MICROSOFT_AT + "/{tenant}/oauth2/v2.0/authorize",
        "token_url": MICROSOFT_AT + "/{tenant}/oauth2/v2.0/token",
        "attributes_url": "https://graph.microsoft.com/oidc/userinfo",
        "jwks_uri": MICROSOFT_AT + "/{tenant}/discovery/v2.0/keys",
        "authorize_scopes": "openid profile email",
    },
    prompts=frozenset({"login", "select_account", "consent"}),
    hint="login_hint",
    fresh={"prompt": "login"},  # auth_time is an optional claim there
    profile=profiles.microsoft,
)

LINKEDIN = Preset(
    details={
        "authorize_url": "https://www.linkedin.com/oauth/v2/authorization",
        "token_url": "https://www.linkedin.com/oauth/v2/accessToken",
        "attributes_url": "https://api.linkedin.com/v2/userinfo",
        "jwks_uri": "https://www.linkedin.com/oauth/openid/jwks",
        "oidc_issuer": "https://www.linkedin.com/oauth",
        "authorize_scopes": "openid profile email",
    },
    issuers=("https://www.linkedin.com",),  # what it was until 2024
    # nextauthjs/next-auth#8831, directus/directus#23645: a verifier is answered with invalid_client, and the ID token
    # has no nonce. Its tokens are bound to the browser by the state alone.
    pkce=False,
    nonce=False,
    errors={"invalid_request": Untrusted},  # a code that it does not take, or a wrong redirect URI
)

BY_TYPE: Mapping[str, Preset] = {
    "OIDC": OPENID,
    "Google": GOOGLE,
    "SignInWithApple": APPLE,
    "LoginWithAmazon": AMAZON,
    "Facebook": FACEBOOK,
}
BY_NAME: Mapping[str, Preset] = {"x": X, "github": GITHUB, "microsoft": MICROSOFT, "linkedin": LINKEDIN}

# What an authorization or token endpoint may say (RFC 6749 §4.1.2.1 and §5.2, OIDC Core §3.1.2.6), and what that means.
ERRORS: Mapping[str, type[FederationFailed]] = {
    "access_denied": Denied,
    "user_denied": Denied,
    "user_cancelled_login": Denied,
    "user_cancelled_authorize": Denied,
    "server_error": Unavailable,
    "temporarily_unavailable": Unavailable,
    "slow_down": Unavailable,
    "application_suspended": Misconfigured,  # GitHub
    "invalid_client": Misconfigured,
    "invalid_request": Misconfigured,
    "invalid_scope": Misconfigured,
    "redirect_uri_mismatch": Misconfigured,
    "unauthorized_client": Misconfigured,
    "unsupported_grant_type": Misconfigured,
    "unsupported_response_type": Misconfigured,
    "invalid_grant": Untrusted,
}


def of(provider: Provider) -> Preset:
    """What is special about ``provider``: Microsoft is so too where it was set up as any OpenID provider."""
    if provider.type == "OIDC" and provider.details.get("oidc_issuer", "").startswith(f"{MICROSOFT_AT}/"):
        return MICROSOFT
    return BY_NAME.get(provider.details.get("preset", ""), BY_TYPE[provider.type])
