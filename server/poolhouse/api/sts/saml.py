"""AssumeRoleWithSAML: a role in exchange for an identity provider's assertion, which names the roles that it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from poolhouse.access import credentials, names, roles, saml_assertions, saml_providers, trust
from poolhouse.api.registry import Answer, operation
from poolhouse.api.sts import sessions
from poolhouse.core import clock, seen
from poolhouse.core.errors import ExpiredToken, InvalidIdentityToken, NoSuchEntity

if TYPE_CHECKING:
    from poolhouse.saml.expected import Assertion

_ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
_TAG = f"{_ATTRIBUTES}PrincipalTag:"
_HOUR = 3600


@operation(
    "AssumeRoleWithSAML",
    service="sts",
    ignores={"MinimumSessionTokenSize": sessions.NO_PADDING},
)
def assume_role_with_saml(
    *,
    role_arn: str,
    principal_arn: str,
    saml_assertion: str,
    policy_arns: Sequence[Mapping[str, str]] = (),
    policy: str | None = None,
    duration_seconds: int | None = None,
) -> Answer:
    provider = saml_providers.get(principal_arn)
    if provider is None:
        raise InvalidIdentityToken("Specified provider doesn't exist")
    assertion, place = saml_assertions.read(provider, saml_assertion)
    end = assertion.session_not_on_or_after
    if end is not None and end <= clock.now():
        raise ExpiredToken("The session at the identity provider is over.")
    name = _session_name(assertion)
    try:
        role = roles.get(role_arn)
    except NoSuchEntity as unknown:
        raise trust.refusal(trust.SAML, str(unknown)) from None
    _require_named(assertion, role.arn, provider.arn)
    tags, source = _tags(assertion), _alone(assertion, "SourceIdentity")
    known = saml_assertions.context(assertion, provider, place)
    asked = {**known, "sts:RoleSessionName": name, **{f"aws:RequestTag/{key}": text for key, text in tags.items()}}
    if source:
        asked["sts:SourceIdentity"] = source
    trust.check(role, trust.SAML, provider.arn, asked)
    # An assertion is a bearer's: whoever reads it on its way must not be able to use it a second time.
    taken = (assertion.assertion_id, assertion.message_id)
    if not seen.take("", provider.arn, taken, assertion.expires):
        raise InvalidIdentityToken("The SAML response was used before.")
    context = {**known, **{f"aws:PrincipalTag/{key}": text for key, text in tags.items()}}
    context["aws:FederatedProvider"] = provider.arn
    if source:
        context["aws:SourceIdentity"] = source
    made = credentials.mint(
        role,
        name,
        seconds=duration_seconds or _duration(assertion),
        until=end,  # AWS: whichever is sooner
        context=context,
        session_policies=sessions.session_policies(policy, policy_arns),
        source="sts",
    )
    return sessions.assumed(role, name, made) | {
        "Subject": assertion.name_id,
        "SubjectType": saml_assertions.subject_type(assertion),
        "Issuer": assertion.issuer,
        "Audience": place,
        "NameQualifier": saml_assertions.name_qualifier(assertion, provider),
        "SourceIdentity": source or None,
    }


def _session_name(assertion: Assertion) -> str:
    name = _alone(assertion, "RoleSessionName")
    if not name:
        raise InvalidIdentityToken("RoleSessionName is required in AuthnResponse")
    if not names.SESSION_NAME.fullmatch(name):
        raise InvalidIdentityToken("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}")
    return name


def _require_named(assertion: Assertion, role_arn: str, provider_arn: str) -> None:
    """The assertion must be for this role by way of this provider: pairs of ARNs, in either order."""
    for value in assertion.attributes.get(f"{_ATTRIBUTES}Role", ()):
        if sorted(part.strip() for part in value.split(",")) == sorted((role_arn, provider_arn)):
            return
    raise trust.refusal(trust.SAML, "the assertion does not name this role with this provider")


def _tags(assertion: Assertion) -> dict[str, str]:
    found = {
        name.removeprefix(_TAG): values[0]
        for name, values in assertion.attributes.items()
        if name.startswith(_TAG) and len(values) == 1
    }
    if len({key.lower() for key in found}) != len(found):
        raise InvalidIdentityToken("Two principal tags differ in case only.")
    return found


def _alone(assertion: Assertion, name: str) -> str:
    """The attribute's one value; none where there are several, which name nobody."""
    values = assertion.attributes.get(_ATTRIBUTES + name, ())
    return values[0] if len(values) == 1 else ""


def _duration(assertion: Assertion) -> int:
    """What the assertion says, in seconds."""
    said = _alone(assertion, "SessionDuration")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 6 else _HOUR
