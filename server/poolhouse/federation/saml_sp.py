"""SAML providers: the pool is the service provider, and believes what passes every check of ``saml.response``.

What reads and writes messages is imported where it is needed: a server on which nobody uses SAML stays small.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from poolhouse.core import clock
from poolhouse.federation import documents, replay, saml_keys
from poolhouse.federation.connector import (
    Claim,
    Denied,
    Departure,
    ExternalIdentity,
    FederationFailed,
    Landing,
    LoginRequired,
    Misconfigured,
    Sent,
    Untrusted,
)
from poolhouse.federation.provider import Provider
from poolhouse.saml import names

if TYPE_CHECKING:
    from poolhouse.saml.expected import Assertion, Expected, StatusRefused
    from poolhouse.saml.trust import IdpTrust

log = logging.getLogger("poolhouse.federation")
_DENIED = frozenset({names.AUTHN_FAILED, names.REQUEST_DENIED, names.UNKNOWN_PRINCIPAL})
_MISCONFIGURED = frozenset(
    {
        names.REQUESTER,
        names.VERSION_MISMATCH,
        names.INVALID_NAME_ID_POLICY,
        names.NO_AUTHN_CONTEXT,
        names.NO_AVAILABLE_IDP,
        names.NO_SUPPORTED_IDP,
        names.REQUEST_UNSUPPORTED,
        names.RESOURCE_NOT_RECOGNIZED,
        names.UNSUPPORTED_BINDING,
    }
)


def entity_id(pool_id: str) -> str:
    """The pool's name as a service provider, in Cognito's form."""
    return f"urn:amazon:cognito:sp:{pool_id}"


class SamlProviders:
    """The connector of SAML providers."""

    def check(self, provider: Provider) -> Mapping[str, str]:
        """Metadata that can be used, and a key where assertions are to be encrypted. Raises InvalidParameter."""
        trust = documents.checked(provider)
        if provider.flag("EncryptedResponses"):
            saml_keys.published(provider.pool_id, provider.name)
        return {**provider.details, **_addresses(trust)}

    def depart(self, provider: Provider, departure: Departure) -> Sent:
        """Where to send the browser with an AuthnRequest. Raises FederationFailed."""
        from poolhouse.saml import authn_request

        trust = documents.trust(provider)
        force = departure.reauthenticate or "login" in departure.prompt or provider.own.get("force_authn") is True
        now = clock.now()
        asked = authn_request.send(
            trust,
            issuer=entity_id(provider.pool_id),
            consumer_url=departure.saml_consumer,
            now=now,
            relay_state=departure.state,
            key=saml_keys.signing(provider.pool_id).pair if _signs(provider, trust) else None,
            force=force,
        )
        remember = {"id": asked.id, "consumer": departure.saml_consumer, "sent": now.isoformat(), "force": force}
        return Sent(asked.sending.address, asked.sending.form, remember)

    def land(self, provider: Provider, landing: Landing) -> ExternalIdentity:
        """Who came back. Raises FederationFailed; the reason is in its hint, for the log alone."""
        from poolhouse.saml.expected import StatusRefused
        from poolhouse.saml.trust import Refused

        encoded = landing.parameters.get("SAMLResponse")
        if encoded is None or not landing.posted:
            raise Untrusted(hint="no SAMLResponse by POST")
        try:
            assertion = _read(encoded, provider, landing)
        except StatusRefused as status:
            if landing.remember is None:  # a no to a question that nobody asked, from anybody
                raise Untrusted(hint=str(status)) from None
            raise _failure(status) from None
        except Refused as refused:
            log.info("SAML response of %s in %s refused: %s", provider.name, provider.pool_id, refused)
            raise Untrusted(hint=str(refused)) from None
        taken = (assertion.assertion_id, assertion.message_id)
        # By issuer: two providers of a pool may stand for the same party.
        replay.take(provider.pool_id, assertion.issuer, taken, assertion.expires)
        return _identity(assertion)


CONNECTOR = SamlProviders()


def shown(provider: Provider) -> dict[str, str]:
    """What Describe adds to ProviderDetails: addresses as the metadata has them now, and what to encrypt to."""
    trust = documents.known(provider)
    found = {} if trust is None else _addresses(trust)
    if provider.flag("EncryptedResponses"):
        found["ActiveEncryptionCertificate"] = saml_keys.published(provider.pool_id, provider.name)[0].shown
    return found


def signs_requests(provider: Provider) -> bool:
    """Whether requests to the provider carry a signature, as far as is known without asking it."""
    trust = documents.known(provider)
    return trust is not None and _signs(provider, trust)


def _addresses(trust: IdpTrust) -> dict[str, str]:
    named = {"SSORedirectBindingURI": trust.sso.get("redirect"), "SLORedirectBindingURI": trust.slo.get("redirect")}
    return {name: url for name, url in named.items() if url}


def _signs(provider: Provider, trust: IdpTrust) -> bool:
    return bool(provider.details.get("RequestSigningAlgorithm")) or trust.want_authn_requests_signed


def _read(encoded: str, provider: Provider, landing: Landing) -> Assertion:
    """The response's assertion; once more with fresh metadata if the provider may have changed its key."""
    from poolhouse.saml import response
    from poolhouse.saml.trust import Refused

    expected = _expected(provider, landing)
    try:
        return response.read(encoded, documents.trust(provider), expected)
    except Refused as refused:
        if refused.reason not in {"signature", "encrypted-assertion"}:
            raise
        trust = documents.renewed(provider)
        if trust is None:
            raise
        return response.read(encoded, trust, expected)


def _expected(provider: Provider, landing: Landing) -> Expected:
    from poolhouse.saml.expected import Expected

    remember: Mapping[str, Any] = landing.remember or {}
    since = datetime.fromisoformat(remember["sent"]) if remember.get("force") else None
    return Expected(
        entity_ids=(entity_id(provider.pool_id),),
        consumer_url=remember.get("consumer") or landing.saml_consumer,
        request_id=remember["id"] if landing.remember is not None else None,
        now=clock.now(),
        unsolicited=provider.flag("IDPInit"),
        encrypted_only=provider.flag("EncryptedResponses"),
        decryption_keys=saml_keys.decrypting(provider.pool_id, provider.name),
        signed=provider.own.get("require_signed", "either"),
        allow_sha1=provider.own.get("allow_sha1") is True,
        authenticated_since=since,
    )


def _failure(status: StatusRefused) -> FederationFailed:
    """What a provider's status means for the person: the most particular code that is known decides."""
    hint = str(status)
    for code in reversed(status.codes):
        if code == names.NO_PASSIVE:
            return LoginRequired(hint=hint)
        if code in _DENIED:
            return Denied(hint=hint)
        if code in _MISCONFIGURED:
            return Misconfigured(hint=hint)
    return FederationFailed(hint=hint)


def _identity(assertion: Assertion) -> ExternalIdentity:
    claims: dict[str, Claim] = {
        name: values[0] if len(values) == 1 else values for name, values in assertion.attributes.items() if values
    }
    session = {
        "issuer": assertion.issuer,
        "name_id": assertion.name_id,
        "name_id_format": assertion.name_id_format,
        "session_index": assertion.session_index,
        "name_qualifier": assertion.name_qualifier,
        "sp_name_qualifier": assertion.sp_name_qualifier,
    }
    return ExternalIdentity(
        subject=assertion.name_id,
        claims=claims,
        acr=assertion.authn_context or None,
        auth_time=int(assertion.authn_instant.timestamp()),
        inbound={"samlResponse": {name: list(values) for name, values in assertion.attributes.items()}},
        session={name: value for name, value in session.items() if value is not None},
    )
