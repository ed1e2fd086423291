"""What the providers of logins are called: one canonical name each, however a client or an administrator writes it."""

from __future__ import annotations

import re

from poolhouse.core import runtime

SELF = "cognito-identity.amazonaws.com"
_AWS_FORM = re.compile(r"cognito-idp\.([a-z0-9-]+)\.amazonaws\.com/([\w-]{1,55})", re.ASCII)
_POOL_ID = re.compile(r"[\w-]{1,55}", re.ASCII)
_OIDC_ARN = re.compile(r"arn:aws[\w-]*:iam::[0-9]{12}:oidc-provider/(\S{1,255})")
_SAML_ARN = re.compile(r"arn:aws[\w-]*:iam::[0-9]{12}:saml-provider/[\w._-]{1,128}", re.ASCII)


def user_pool_of(name: str) -> str | None:
    """The id of the user pool that a provider's name stands for, None if it stands for none of this server's.

    Both forms do: ``cognito-idp.<region>.amazonaws.com/<pool>``, which is baked into AWS's clients, and the issuer of
    this server without its scheme.
    """
    settings = runtime.current().settings
    found = _AWS_FORM.fullmatch(name)
    if found:
        return found[2] if found[1] == settings.region else None
    base = settings.issuer_base.partition("://")[2] + "/"
    pool_id = name.removeprefix(base)
    return pool_id if name.startswith(base) and _POOL_ID.fullmatch(pool_id) else None


def of_user_pool(pool_id: str) -> str:
    """The canonical name of a user pool."""
    return f"cognito-idp.{runtime.current().settings.region}.amazonaws.com/{pool_id}"


def canonical(name: str) -> str:
    """The one name that tables and tokens use; a client id after a user pool's name (``…/<pool>:<client>``) stays.

    >>> canonical("accounts.google.com")
    'accounts.google.com'
    """
    if pool_id := user_pool_of(name):
        return of_user_pool(pool_id)
    head, colon, client_id = name.rpartition(":")
    if colon and (pool_id := user_pool_of(head)):
        return f"{of_user_pool(pool_id)}:{client_id}"
    return name


def oidc_name(arn: str) -> str | None:
    """The login's key for an OpenID Connect provider's ARN: its issuer without scheme."""
    found = _OIDC_ARN.fullmatch(arn)
    return found[1] if found else None


def is_saml(name: str) -> bool:
    """Whether a name is the ARN of a SAML provider."""
    return _SAML_ARN.fullmatch(name) is not None
