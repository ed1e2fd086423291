"""The way to an identity provider and back: off to it, its answer, the browser that it is for, and what went wrong.

A provider's answer may be a cross-site POST, which no cookie of ours comes with. It is therefore read and stored at
Cognito's addresses (``/oauth2/idpresponse``, ``/saml2/idpresponse``), and waits for the browser that the trip was
begun in: only ``/login/via/back``, which that browser opens by GET, lets anybody in (login CSRF).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Response, abort, request
from werkzeug.datastructures import MultiDict

from poolhouse.core import circumstances, runtime, unit
from poolhouse.core.errors import ResourceNotFound, TooManyRequests
from poolhouse.federation import arrive, catalogue, cut_off, offers, trip
from poolhouse.federation.arrive import OfferLink
from poolhouse.federation.connector import Departure, FederationFailed, Landing, Misconfigured, NotOpen, Untrusted
from poolhouse.federation.provider import Provider
from poolhouse.federation.trip import Failure, Trip, TripElsewhere, TripEnded
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.web import cookies, journey, pools
from poolhouse.web.hosted import forms, pages, visit, ways
from poolhouse.web.hosted.blueprint import blueprint
from poolhouse.web.hosted.visit import Visit
from poolhouse.web.hosted.words import Words
from poolhouse.web.journey import JourneyEnded

log = logging.getLogger("poolhouse.federation")
_FORWARDED = frozenset({"login", "select_account", "consent"})  # Cognito: none is not passed on
_STATUS = {"broken": 502, "misconfigured": 502, "unavailable": 503, "busy": 429}
_KINDS = frozenset({"denied", "broken", "unavailable", "misconfigured", "not_open", "refused", "expired", "busy"})
_KIND_OF = {"finished": "expired", "unknown": "expired", "elsewhere": "expired"}  # of trips
# What a provider may ask for when it sends somebody unasked (Cognito: SAML begun by the provider).
_RELAYED = frozenset({"identity_provider", "client_id", "redirect_uri", "response_type", "scope", "state"})
_MOST_PARAMETERS = 50
_SAML = "SAML"
# Addresses of ours that are no provider's own (whose names have no blanks): Cognito's two.
_SHARED, _CONSUMER = "", "assertion consumer"
_LONGEST_RELAY_STATE = 4096
_LONGEST_HINT = 500
_LONGEST_NAME = 32  # ProviderNameType


Serve = Callable[..., Response]


def _route(path: str, *methods: str) -> Callable[[Serve], Serve]:
    """Serve ``path`` of every pool, given what it holds; journeys that have ended get their page."""

    def register(serve: Serve) -> Serve:
        def view(pool_id: str, **held: str) -> Response:  # noqa: ARG001 - the door has found the pool
            pool = pools.current()
            if request.method == "HEAD":
                abort(405)  # whoever only looks at an address uses nothing up
            try:
                return serve(pool, **held)
            except JourneyEnded as error:
                return pages.ended(error, pool)
            except ResourceNotFound:  # the client has gone since
                return pages.message(pages.words(), pool, "unknown")

        blueprint.add_url_rule(f"/<pool_id>{path}", serve.__name__, view, methods=methods)
        return serve

    return register


# --- Off to the provider --------------------------------------------------------------------------------------------


@_route("/login/via", "GET")
def via(pool: Pool) -> Response:
    """To the provider that was chosen: by its button, by an e-mail domain, or by the app."""
    with unit.open(runtime.current()):
        here = visit.enter(pool)
        if here.done:
            return pages.see_other(here.journey.continue_url)
        name = forms.single(request.args, "provider")
        name = name if len(name) <= _LONGEST_NAME else ""
        try:
            return _depart(here, _open(here.client, name))
        except FederationFailed as error:
            _note_down(pool.id, name, error)
            return here.fail(name, Failure.of(error))


def _open(client: Client, name: str) -> Provider:
    """The provider, if people may come to ``client`` through it now. Raises NotOpen."""
    provider = catalogue.find(client.pool, name)
    if provider is None or not ways.open_to(client, provider):
        raise NotOpen
    return provider


def _depart(here: Visit, provider: Provider) -> Response:
    asked = here.journey.parameters
    prompt = frozenset(str(asked.get("prompt") or "").split())
    handle = trip.new_handle()
    departure = Departure(
        state=handle,
        base=pools.base(here.pool),
        prompt=prompt & _FORWARDED,
        # Our own session was too old, or is not to count: neither is the provider's.
        reauthenticate="login" in prompt or "max_age" in asked,
        login_hint=_login_hint(here, provider),
        locale=str(asked.get("ui_locales") or asked.get("lang") or "") or None,
        acr_values=tuple(str(asked.get("acr_values") or "").split()),
    )
    sent = catalogue.connector(provider).depart(provider, departure)
    if urlsplit(sent.address).scheme not in {"http", "https"}:
        # A javascript: address would run in our own origin (crewjam CVE-2023-45683).
        raise Misconfigured(hint="the provider is at an address that browsers are not sent to")
    trip.begin(
        here.pool,
        provider,
        handle,
        journey=here.journey.handle,
        browser=cookies.browser_digest(here.pool),
        base=pools.here(here.pool),
        remember=sent.remember,
    )
    if sent.form is not None:
        return pages.post_on(sent.address, sent.form, here.words, here.pool, ways.way(provider).name)
    return pages.away(sent.address)


def _login_hint(here: Visit, provider: Provider) -> str | None:
    """The address that led to this very provider; else what the app said."""
    entered = (here.notes.get("hint") or {}).get(provider.name)
    return str(entered or here.journey.parameters.get("login_hint") or "") or None


# --- The provider's answer ------------------------------------------------------------------------------------------


@_route("/oauth2/idpresponse", "GET", "POST")
def oauth_answer(pool: Pool) -> Response:
    """Where OAuth and OpenID providers answer: by GET, or by a form (Apple)."""
    return _oauth_answered(pool, _SHARED)


@_route("/oauth2/idpresponse/<path:provider>", "GET", "POST")
def oauth_answer_of(pool: Pool, provider: str) -> Response:
    """Where a provider with an address of its own (``OwnCallback``) answers."""
    return _oauth_answered(pool, provider)


def _oauth_answered(pool: Pool, address: str) -> Response:
    given = _given(request.form if request.method == "POST" else request.args)
    if given is None or "state" not in given:
        return pages.message(pages.words(), pool, "arrival")
    return _answered(pool, given["state"], given, address)


@_route("/saml2/idpresponse", "POST")
def saml_answer(pool: Pool) -> Response:
    """The assertion consumer service. RelayState is a handle of ours, or what somebody sent unasked is to lead to."""
    given = _given(request.form)
    if given is None:
        return pages.message(pages.words(), pool, "arrival")
    relayed = _relayed(given.get("RelayState", ""))
    if relayed is not None:
        return _unasked(pool, given, relayed)
    return _answered(pool, given.get("RelayState", ""), given, _CONSUMER)


@_route("/saml2/idpresponse", "GET")
def saml_address_opened(pool: Pool) -> Response:
    """The same address opened by hand."""
    response = pages.message(pages.words(), pool, "saml_get", status=405)
    response.headers["Allow"] = "POST"
    return response


def _given(values: MultiDict[str, str]) -> dict[str, str] | None:
    """The parameters, each once; None if one is repeated, or there are too many."""
    if len(values) > _MOST_PARAMETERS or any(len(values.getlist(name)) > 1 for name in values):
        return None
    return values.to_dict()


def _address(provider: Provider) -> str:
    """Which of our addresses a provider answers at: by it alone two providers' answers are told apart (mix-up)."""
    if provider.type == _SAML:
        return _CONSUMER
    return provider.name if provider.own_callback else _SHARED


def _answered(pool: Pool, handle: str, given: Mapping[str, str], address: str) -> Response:
    rt = runtime.current()
    try:
        with unit.open(rt):
            out = trip.spend(pool, handle)
    except TripEnded as error:
        if error.trip is None:
            return pages.message(pages.words(), pool, "arrival")
        return _to_the_browser(error.trip, _failed(error.trip, error))
    try:
        with unit.open(rt):
            provider = catalogue.find(pool, out.provider)
            if provider is None or not cut_off.is_open(pool.id, provider.name, out.created_at):
                raise NotOpen
            if _address(provider) != address:
                raise Untrusted(hint="the answer came to the address of another provider, or of another protocol")
            landing = Landing(pools.base(pool), given, out.remember, posted=request.method == "POST")
            identity = catalogue.connector(provider).land(provider, landing)
            back = trip.come_back(out, identity)
    except FederationFailed as error:
        back = _failed(out, error)
    return _to_the_browser(out, back)


def _failed(out: Trip, error: FederationFailed) -> str:
    _note_down(out.pool_id, out.provider, error)
    with unit.open(runtime.current()):
        return trip.come_back_failed(out, error)


def _to_the_browser(out: Trip, handle: str) -> Response:
    return pages.away(f"{out.base}/login/via/back?{urlencode({'trip': handle})}")


# --- Sent unasked ---------------------------------------------------------------------------------------------------


def _relayed(relay_state: str) -> dict[str, str] | None:
    """The authorization request in Cognito's form of RelayState; None if it is not of that form."""
    if "client_id=" not in relay_state or len(relay_state) > _LONGEST_RELAY_STATE:
        return None
    pairs = parse_qsl(relay_state) if relay_state.count("&") < _MOST_PARAMETERS and relay_state.isprintable() else []
    asked = dict(pairs)
    whole = {"identity_provider", "client_id", "redirect_uri", "response_type"} <= set(asked) <= _RELAYED
    usable = len(asked) == len(pairs) and all(value.isprintable() for value in asked.values())
    return asked if whole and usable else None


def _unasked(pool: Pool, given: Mapping[str, str], asked: Mapping[str, str]) -> Response:
    """Somebody whom a provider sent by itself: the connector says whether it may. No browser is bound to it yet."""
    name = asked["identity_provider"]
    try:
        with unit.open(runtime.current()):
            client = lookup.find_client(pool, asked["client_id"]) if len(asked["client_id"]) <= 128 else None
            if client is None or asked["redirect_uri"] not in client.callback_urls:
                return pages.message(pages.words(), pool, "arrival")
            provider = _open(client, name)
            if provider.type != _SAML:
                raise NotOpen
            landing = Landing(pools.base(pool), given, None, posted=True)
            identity = catalogue.connector(provider).land(provider, landing)
            handle = trip.unasked(pool, provider, identity, asked)
    except FederationFailed as error:
        _note_down(pool.id, name, error)
        return _failure_page(pages.words(), pool, {**asdict(Failure.of(error)), "provider": name}, None)
    return pages.away(f"{pools.here(pool)}/login/via/back?{urlencode({'trip': handle})}")


# --- Back in the browser --------------------------------------------------------------------------------------------


@_route("/login/via/back", "GET")
def back(pool: Pool) -> Response:
    """The browser that a trip is of comes to fetch who it brought back."""
    rt = runtime.current()
    try:
        with unit.open(rt):
            brought = trip.spend(
                pool, forms.single(request.args, "trip"), trip.BACK, browser=cookies.browser_digest(pool)
            )
    except TripEnded as error:
        return _back_again(pool, error)
    if brought.request is not None and not brought.journey:
        with unit.open(rt):
            return _begin_unasked(pool, brought, brought.request)
    if brought.failure is not None:
        with unit.open(rt):
            return visit.on(pool, brought.journey).fail(brought.provider, brought.failure)
    try:
        with unit.open(rt):
            return _let_in(visit.on(pool, brought.journey), brought)
    except FederationFailed as error:
        refused = error
    except TooManyRequests as error:
        refused = Busy(hint=str(error))
    _note_down(pool.id, brought.provider, refused)
    with unit.open(rt):
        return visit.on(pool, brought.journey).fail(brought.provider, Failure.of(refused))


def _begin_unasked(pool: Pool, brought: Trip, asked: Mapping[str, str]) -> Response:
    """A journey for somebody who was sent unasked, in the first browser that comes; then as if it had been asked for.

    Its parameters are checked where it ends, as those of any authorization request.
    """
    if not cut_off.is_open(pool.id, brought.provider, brought.created_at):  # what follows is younger, and knows not
        refused = {**asdict(Failure.of(NotOpen())), "provider": brought.provider}
        return _failure_page(pages.words(), pool, refused, None)
    handle = journey.save(pool, lookup.client(pool, asked["client_id"]), asked)
    joined = trip.join(brought, journey=handle, browser=cookies.browser_digest(pool))
    return pages.see_other(pools.url(f"/login/via/back?{urlencode({'trip': joined})}"))


def _back_again(pool: Pool, error: TripEnded) -> Response:
    """A trip that brings nobody: its own browser goes on with the journey, which knows what has become of it."""
    known = error.trip
    if known is None or not known.journey or isinstance(error, TripElsewhere):
        return pages.message(pages.words(), pool, "elsewhere" if isinstance(error, TripElsewhere) else "arrival")
    with unit.open(runtime.current()):
        here = visit.on(pool, known.journey)
        if here.done:
            return pages.see_other(here.journey.continue_url)
        return here.fail(known.provider, Failure.of(error))


def _let_in(here: Visit, brought: Trip) -> Response:
    """Whoever came back, as a user of the pool."""
    provider = _open(here.client, brought.provider)
    if not cut_off.is_open(here.pool.id, provider.name, brought.created_at):
        raise NotOpen
    if brought.identity is None:
        raise Untrusted(hint="the trip brought nobody back")
    arrival = arrive.arrive(here.client, provider, brought.identity)
    if brought.unasked and isinstance(arrival, OfferLink):
        # Somebody else's page may have posted this: a password entered now would connect the account to a stranger. So
        # the provider is asked who is at this browser, and answers for nobody else (Keycloak CVE-2026-9087 and kin).
        return here.go("/login/via", provider=provider.name)
    journey.arrived(here.pool, here.journey, provider.name, brought.identity.session)
    if not isinstance(arrival, OfferLink):
        return here.follow(arrival, "")
    digest = cookies.browser_digest(here.pool)
    handle = offers.pend(here.pool, provider, arrival, journey=here.journey.handle, browser=digest)
    here.note(offer={"handle": handle, "provider": provider.name, "email": arrival.email}, hint=None)
    return here.go("/login/connect")


class Busy(FederationFailed):
    """Too much is going on for one more."""

    oauth = "temporarily_unavailable"
    kind = "busy"
    sentence = "There are too many requests."


# --- What went wrong ------------------------------------------------------------------------------------------------


def _note_down(pool_id: str, provider: str, error: FederationFailed) -> None:
    # As a literal: a hint may quote what a provider sent, line breaks and all.
    said = (error.hint or str(error))[:_LONGEST_HINT]
    here = circumstances.current().request_id
    log.warning("%s pool %s: nobody came through %r: %s: %r", here, pool_id, provider, error.kind, said)


@_route("/login/via/failed", "GET")
def failed(pool: Pool) -> Response:
    """What has become of a sign-in through a provider, and the ways on."""
    with unit.open(runtime.current()):
        here = visit.enter(pool)
        told = here.notes.get("failed")
        if here.done or told is None:
            return here.go("/login")
        return _failure_page(here.words, pool, told, here)


def _failure_page(said: Words, pool: Pool, told: Mapping[str, str], here: Visit | None) -> Response:
    kind = told["kind"] if told["kind"] in _KINDS else _KIND_OF.get(told["kind"], Untrusted.kind)
    provider = catalogue.find(pool, told["provider"])
    # What was forged or replayed is the sender's fault, and no gateway's.
    status = 400 if told["oauth"] == Untrusted.oauth else _STATUS.get(kind, 400)
    return pages.render(
        "failed",
        said,
        status=status,
        pool=pool,
        failure=kind,
        provider=ways.way(provider).name if provider is not None else said("failed.somebody"),
        reference=told["reference"] if kind in {"broken", "misconfigured", "refused"} else "",
        again_url=here.url("/login") if here is not None else "",
        return_url=here.journey.refuse_url if here is not None else "",
        client_name=here.client.name if here is not None else "",
    )
