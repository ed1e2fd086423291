"""Counterparts of the connectors in one form, so that one suite runs over all of them (tests/contracts)."""

from __future__ import annotations

import base64
import dataclasses
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

from poolhouse.core import ids
from poolhouse.federation import connectors, provider_rules
from poolhouse.federation.connector import Departure, ExternalIdentity, Landing, Sent
from poolhouse.federation.provider import Provider
from tests.federation.fake import Returned
from tests.federation.social import Social, visit
from tests.federation.upstream import Upstream
from tests.saml import attack_idp

FAKES = ("google", "facebook", "amazon", "apple", "x", "github", "microsoft", "linkedin")
OAUTH = ("oidc", *FAKES)
ALL = (*OAUTH, "saml")
POOL = "us-east-1_Upstreams"
BASE = f"http://localhost:8080/{POOL}"


def make_provider(
    pool_id: str,
    type_: str,
    details: Mapping[str, str],
    *,
    own: Mapping[str, Any] | None = None,
    mapping: Mapping[str, str] | None = None,
    name: str = "Upstream",
) -> Provider:
    """A provider as CreateIdentityProvider makes it, without storing it."""
    now = datetime.now(UTC)
    given = provider_rules.details(type_, details, private=True)
    made = Provider(pool_id, name, type_, given, dict(mapping or {}), (), {}, dict(own or {}), now, now)
    return dataclasses.replace(made, details=connectors.connector(made).check(made))


class Counterpart:
    """One provider and somebody who signs in there. ``subject`` is what it calls that person."""

    def __init__(self, name: str, pool_id: str = POOL, base: str = BASE) -> None:
        self.name, self.pool_id, self.base = name, pool_id, base
        self.callback = f"{self.base}/oauth2/idpresponse"

    subject: str
    state = "state"
    email = "ann@example.com"

    def provider(self, *, own: Mapping[str, Any] | None = None, **details: str) -> Provider:
        raise NotImplementedError

    def visit(self, address: str, *, cancel: bool = False) -> Returned:
        raise NotImplementedError

    def depart(self, provider: Provider, **more: Any) -> tuple[Sent, str]:
        """Set out; the state that has to come back."""
        state = ids.token(32)
        departure = Departure(state, self.base, **more)
        return connectors.connector(provider).depart(provider, departure), state

    def land(self, provider: Provider, returned: Returned, sent: Sent) -> ExternalIdentity:
        """Come back."""
        landing = Landing(self.base, returned.parameters, sent.remember, returned.posted)
        return connectors.connector(provider).land(provider, landing)

    def journey(self, provider: Provider, *, cancel: bool = False, **more: Any) -> ExternalIdentity:
        """The whole way: there, signed in, and back."""
        sent, state = self.depart(provider, **more)
        returned = self.visit(sent.address, cancel=cancel)
        assert returned.address == self.callback, (returned.status, returned.page)
        assert returned.parameters[self.state] == state
        return self.land(provider, returned, sent)


class SocialCounterpart(Counterpart):
    """A fake social provider."""

    def __init__(self, social: Social, name: str) -> None:
        super().__init__(name)
        self.fake = social[name]
        key = {"facebook": "id", "amazon": "user_id", "x": "id", "github": "id"}.get(name, "sub")
        self.subject = str(self.fake.person[key])
        self.email = self.fake.person.get("email") or "ann@example.com"
        self.mapping = {"email": "email", "name": "name", "username": key}

    def provider(self, *, own: Mapping[str, Any] | None = None, **details: str) -> Provider:
        given = {**self.fake.details, **details}
        return make_provider(self.pool_id, self.fake.type, given, own=own, mapping=self.mapping)

    def visit(self, address: str, *, cancel: bool = False) -> Returned:
        if cancel:
            self.fake.trouble = "deny"
        return visit(address)


class OpenIdCounterpart(Counterpart):
    """npm's oidc-provider."""

    subject = "Ann"

    def __init__(self, upstream: Upstream, *where: str, **client: Any) -> None:
        super().__init__("oidc", *where)
        self.upstream = upstream
        upstream.accounts(Ann={"email": self.email, "email_verified": True, "name": "Ann Bell", "groups": ["a", "b"]})
        self.client = upstream.register(self.callback, **client)

    def provider(self, *, own: Mapping[str, Any] | None = None, **details: str) -> Provider:
        return make_provider(self.pool_id, "OIDC", {**self.upstream.details(self.client), **details}, own=own)

    def visit(self, address: str, *, cancel: bool = False) -> Returned:
        return self.upstream.visit(address, self.subject, cancel=cancel)


class SamlCounterpart(Counterpart):
    """An identity provider of SAML, made of nothing that the server is made of."""

    subject = "Jo.Doe@Example.com"
    state = "RelayState"

    def __init__(self) -> None:
        super().__init__("saml")
        self.callback = f"{self.base}/saml2/idpresponse"

    def provider(self, *, own: Mapping[str, Any] | None = None, **details: str) -> Provider:
        given = {"MetadataFile": attack_idp.metadata().decode(), **details}
        return make_provider(self.pool_id, "SAML", given, own=own)

    def visit(self, address: str, *, cancel: bool = False) -> Returned:
        asked = dict(parse_qsl(urlsplit(address).query))
        request = ElementTree.fromstring(zlib.decompress(base64.b64decode(asked["SAMLRequest"]), -15))
        status = "urn:oasis:names:tc:SAML:2.0:status:"
        answer = attack_idp.Answer(
            consumer=request.attrib["AssertionConsumerServiceURL"],
            audience=f"urn:amazon:cognito:sp:{self.pool_id}",
            in_response_to=request.attrib["ID"],
            name_id=self.subject,
            attributes={"email": [self.email], "name": ["Ann Bell"], "groups": ["a", "b"]},
            status=(status + "Responder", status + "AuthnFailed") if cancel else (attack_idp.SUCCESS,),
        )
        response = attack_idp.encode(attack_idp.respond(answer, "response" if cancel else "assertion"))
        return Returned(answer.consumer, {"SAMLResponse": response, "RelayState": asked["RelayState"]}, posted=True)
