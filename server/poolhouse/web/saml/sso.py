"""Single sign-on (SAML Profiles §4.1): a service provider asks who is at the browser, and the answer is an assertion.

What is not signed by whoever says to have sent it, or names an address that is not registered, gets a page of ours and
never an answer. Everything else is a journey like an OAuth client's: the same pages, the same session.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from flask import Response, request

from poolhouse.core import clock
from poolhouse.federation.saml_idp import asked, issue, service_providers
from poolhouse.federation.saml_idp.asked import Asked, NoAssertion, NoPassive, UnknownConsumer
from poolhouse.federation.saml_idp.issue import Session
from poolhouse.federation.saml_idp.service_providers import ServiceProvider
from poolhouse.saml import assertion, bindings, names
from poolhouse.saml.assertion import Name
from poolhouse.saml.authn_request import AuthnRequest, read_authn_request
from poolhouse.saml.trust import Refused
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Pool
from poolhouse.web import answers, journey, pools, sessions
from poolhouse.web.journey import AuthorizationRequest, JourneyEnded, JourneyFinished
from poolhouse.web.saml import addresses, received
from poolhouse.web.sessions import BrowserSession

log = logging.getLogger("poolhouse.saml")
_CLIENT_ID = re.compile(r"[\w+]{1,128}", re.ASCII)  # ClientIdType of the API's model


def sso() -> Response:
    """GET and POST ``/saml2/idp/sso``: an AuthnRequest."""
    pool = pools.current()
    try:
        message = received.message()
        to = service_providers.find(pool, message.issuer())
        if to is None:
            return answers.error_page("saml_issuer")
        wanted = read_authn_request(
            message,
            issuer=to.entity_id,
            certificates=to.certificates,
            require_signed=to.require_signed,
            destinations=addresses.destinations(pool, addresses.SSO),
            now=clock.now(),
        )
        goes_to = asked.consumer(to, wanted)
    except Refused as refused:
        log.info("AuthnRequest to pool %s refused: %s", pool.id, refused)
        return answers.error_page("saml_request")
    except UnknownConsumer as error:
        log.info("AuthnRequest to pool %s names an unknown address: %r", pool.id, error.hint)
        return answers.error_page("saml_consumer")
    return _asked(to, wanted, goes_to, message.relay_state)


def begin() -> Response:
    """GET ``/saml2/idp/init?client_id=&RelayState=``: to a service provider that did not ask (Profiles §4.1.5)."""
    pool = pools.current()
    client_id = _single("client_id")
    client = lookup.find_client(pool, client_id) if _CLIENT_ID.fullmatch(client_id) else None
    to = service_providers.of(client) if client is not None else None
    if to is None:
        return answers.error_page("saml_issuer")
    if not to.idp_initiated:
        return answers.error_page("unauthorized_client")
    try:
        state = bindings.relay_state(_single("RelayState") or to.relay_state)
    except Refused:
        return answers.error_page("saml_request")
    return _decide(to, _parameters(to, Asked(to.consumer), state, False, False), None)


def _single(name: str) -> str:
    given = request.args.getlist(name)
    return given[0] if len(given) == 1 else ""


def proceed() -> Response:
    """GET ``/saml2/idp/sso/continue``: back from the pages."""
    return _taken_up(pools.current(), lambda to, stored: _decide(to, stored.parameters, stored))


def refuse() -> Response:
    """GET ``/saml2/idp/sso/refuse``: the person gives up, and the service provider hears of it."""
    return _taken_up(pools.current(), _give_up)


def _give_up(to: ServiceProvider, stored: AuthorizationRequest) -> Response:
    said = (stored.notes.get("failed") or {}).get("sentence", "The person did not sign in.")
    return _refused(to, stored.parameters, NoAssertion((names.RESPONDER, names.AUTHN_FAILED), said), stored)


def _taken_up(pool: Pool, then: Callable[[ServiceProvider, AuthorizationRequest], Response]) -> Response:
    """``then`` with the journey that the address names, if it still leads to a service provider."""
    handle = _single("request")
    try:
        stored = journey.load(pool, handle)
    except JourneyEnded:
        return _to_sign_in(handle)
    client = lookup.find_client(pool, stored.client_id)
    to = service_providers.of(client) if client is not None else None
    if to is None or stored.protocol != journey.SAML:
        return answers.error_page("saml_issuer")
    if stored.parameters["redirect_uri"] not in to.consumers.values():
        return answers.error_page("saml_consumer")
    return then(to, stored)


def _to_sign_in(handle: str) -> Response:
    """The sign-in page knows how to say why a journey has ended."""
    return answers.see_other(pools.url("/login?request=" + quote(handle[:64], safe="")))


# --- what was asked ---------------------------------------------------------------------------------------------------


def _asked(to: ServiceProvider, wanted: AuthnRequest, consumer: str, relay_state: str | None) -> Response:
    try:
        parameters = _parameters(to, asked.of(to, wanted), relay_state, wanted.force, wanted.passive)
    except NoAssertion as error:
        fallen = {"redirect_uri": consumer, "request_id": wanted.id, "relay_state": relay_state}
        return _refused(to, fallen, error, None)
    if request.method == "POST":
        # Another site's form comes without our Lax cookies; the GET that follows has them.
        handle = journey.save(to.client.pool, to.client, parameters, journey.SAML)
        return answers.see_other(journey.continue_url(handle, journey.SAML))
    return _decide(to, parameters, None)


def _parameters(
    to: ServiceProvider, wanted: Asked, relay_state: str | None, force: bool, passive: bool
) -> dict[str, Any]:
    """What the journey remembers: the pages read ``redirect_uri`` and ``prompt``, as of an authorization request."""
    about = wanted.subject
    return {
        "redirect_uri": wanted.consumer,
        "request_id": wanted.request_id,
        "relay_state": relay_state,
        "format": wanted.format,
        "contexts": list(wanted.contexts),
        "comparison": wanted.comparison,
        "subject": None if about is None else [about.value, about.format],
        "passive": passive,
        **({"prompt": "login"} if force else {}),
        **({"login_hint": about.value} if about is not None and to.name_id_format != names.PERSISTENT else {}),
    }


def _remembered(parameters: Mapping[str, Any]) -> Asked:
    subject = parameters["subject"]
    return Asked(
        parameters["redirect_uri"],
        parameters["request_id"],
        parameters["format"],
        tuple(parameters["contexts"]),
        parameters["comparison"],
        None if subject is None else Name(*subject),
    )


# --- the answer -------------------------------------------------------------------------------------------------------


def _decide(to: ServiceProvider, parameters: Mapping[str, Any], stored: AuthorizationRequest | None) -> Response:
    """An assertion if the right person is signed in, recently and surely enough; else on to the sign-in page."""
    pool, wanted = to.client.pool, _remembered(parameters)
    held = sessions.current(pool)
    fresh = stored is not None and stored.signed_in_by(held)
    session = _session(held) if held is not None and (fresh or held.counts_at(to.client)) else None
    must_sign_in = not fresh and ("prompt" in parameters or session is None or not issue.suits(to, session, wanted))
    try:
        if session is None or must_sign_in:
            if parameters["passive"]:
                raise NoPassive
            handle = stored.handle if stored is not None else journey.save(pool, to.client, parameters, journey.SAML)
            return answers.see_other(journey.first_url(handle, parameters))
        document = issue.answer(to, session, wanted, once=None if stored is None else lambda: _finish(pool, stored))
        return _posted(parameters, document)
    except JourneyFinished:
        assert stored is not None
        return _to_sign_in(stored.handle)
    except NoAssertion as error:
        return _refused(to, parameters, error, stored)


def _finish(pool: Pool, stored: AuthorizationRequest) -> None:
    if not journey.finish(pool, stored):
        raise JourneyFinished


def _session(held: BrowserSession) -> Session:
    return Session(held.digest, held.user, held.auth_time, held.amr)


def _refused(
    to: ServiceProvider, parameters: Mapping[str, Any], error: NoAssertion, stored: AuthorizationRequest | None
) -> Response:
    if stored is not None:
        journey.finish(to.client.pool, stored)
    return _posted(parameters, issue.refusal(to, parameters["redirect_uri"], parameters["request_id"], error))


def _posted(parameters: Mapping[str, Any], document: bytes) -> Response:
    said = {bindings.RESPONSE: assertion.encoded(document)}
    if parameters["relay_state"] is not None:
        said["RelayState"] = parameters["relay_state"]
    return answers.form_post(parameters["redirect_uri"], said)
