"""Assertions of the account's SAML providers, as roles and identity pools are shown them: believed, or refused.

They come from applications that sign in at AWS, so that they are made out for AWS's endpoint or for this server's own.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from poolhouse.access.saml_providers import Provider
from poolhouse.core import clock, runtime
from poolhouse.core.errors import ExpiredToken, IDPRejectedClaim, InvalidIdentityToken

if TYPE_CHECKING:
    from poolhouse.saml.expected import Assertion
    from poolhouse.saml.trust import Refused

AWS_ENDPOINT = "https://signin.aws.amazon.com/saml"
AWS_ENTITY = "urn:amazon:webservices"
ENTITY = "urn:poolhouse:sts"
PATH = "/saml"

_EXPIRED = frozenset({"not-on-or-after", "issue-instant"})
# Who is meant is told by what else does not fit: another endpoint is tried for these alone.
_ELSEWHERE = frozenset({"destination", "recipient"})
_NAME_ID = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
# The attributes that AWS makes condition keys of, by the names that directories give them.
_KEYS = {
    "urn:oid:2.5.4.3": "cn",
    "urn:oid:2.5.4.4": "surname",
    "urn:oid:2.5.4.42": "givenName",
    "urn:oid:2.5.4.10": "organizationStatus",
    "urn:oid:2.5.4.45": "x500UniqueIdentifier",
    "urn:oid:0.9.2342.19200300.100.1.1": "uid",
    "urn:oid:0.9.2342.19200300.100.1.3": "mail",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.1": "eduPersonAffiliation",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.2": "eduPersonNickname",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.3": "eduPersonOrgDN",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.4": "eduPersonOrgUnitDN",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.5": "eduPersonPrimaryAffiliation",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.6": "eduPersonPrincipalName",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.7": "eduPersonEntitlement",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.8": "eduPersonPrimaryOrgUnitDN",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.9": "eduPersonScopedAffiliation",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.10": "eduPersonTargetedID",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.11": "eduPersonAssurance",
}


def endpoint() -> str:
    """Where assertions for this server itself are made out to be sent."""
    return runtime.current().settings.api_endpoint + PATH


def read(provider: Provider, encoded: str) -> tuple[Assertion, str]:
    """The assertion in a response of ``provider``, and the endpoint that it was made out for.

    Signature, issuer, audience, recipient, time and status were checked; whether it was used before was not. Raises
    ExpiredToken, IDPRejectedClaim, InvalidIdentityToken.
    """
    from poolhouse.saml.trust import Refused

    if provider.trust.valid_until is not None and provider.trust.valid_until <= clock.now():
        raise InvalidIdentityToken(hint=f"the metadata of {provider.name} was valid until {provider.trust.valid_until}")
    try:
        try:
            return _read(provider, encoded, endpoint()), endpoint()
        except Refused as refused:
            if refused.reason not in _ELSEWHERE:
                raise
        return _read(provider, encoded, AWS_ENDPOINT), AWS_ENDPOINT
    except Refused as refused:
        raise _refusal(refused) from None


def _read(provider: Provider, encoded: str, place: str) -> Assertion:
    from poolhouse.saml import response
    from poolhouse.saml.expected import Expected

    expected = Expected(
        (ENTITY, AWS_ENTITY, AWS_ENDPOINT, endpoint()),
        place,
        request_id=None,
        now=clock.now(),
        unsolicited=True,
        encrypted_only=provider.encrypted_only,
        decryption_keys=provider.decryption_keys,
    )
    return response.read(encoded, provider.trust, expected)


def context(assertion: Assertion, provider: Provider, place: str) -> dict[str, Any]:
    """What policies know of somebody who came with an assertion: AWS's condition keys."""
    found: dict[str, Any] = {
        "SAML:iss": assertion.issuer,
        "SAML:sub": assertion.name_id,
        "SAML:sub_type": subject_type(assertion),
        "SAML:aud": place,
        "SAML:doc": f"{runtime.current().settings.account_id}/{provider.name}",
        "SAML:namequalifier": name_qualifier(assertion, provider),
    }
    for name, values in assertion.attributes.items():
        if name in _KEYS and values:
            found[f"SAML:{_KEYS[name]}"] = list(values)
    return found


def subject_type(assertion: Assertion) -> str:
    """ "persistent", "transient", or a format of another family in full."""
    return assertion.name_id_format.removeprefix(_NAME_ID)


def name_qualifier(assertion: Assertion, provider: Provider) -> str:
    """What makes the subject unique in the world: a digest of issuer, account and provider, as AWS forms it."""
    named = f"{assertion.issuer}{runtime.current().settings.account_id}/{provider.name}"
    return base64.b64encode(hashlib.sha1(named.encode(), usedforsecurity=False).digest()).decode()


def _refusal(refused: Refused) -> ExpiredToken | IDPRejectedClaim | InvalidIdentityToken:
    hint = str(refused)
    if refused.reason == "status":
        return IDPRejectedClaim(hint=hint)
    if refused.reason in _EXPIRED:
        return ExpiredToken("Token must be redeemed within 5 minutes of issuance", hint=hint)
    said = {"signature": "Response signature invalid", "audience": "Incorrect audience"}.get(refused.reason)
    return InvalidIdentityToken(said or "The SAML response could not be validated.", hint=hint)
