"""One visit to a page of a journey: who asks, on which journey, and the run from the form to its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

from flask import Response, request

from poolhouse.core import errors, runtime, unit
from poolhouse.core.errors import PoolhouseError
from poolhouse.core.events import emit
from poolhouse.federation import offers
from poolhouse.federation.connector import Denied, FederationFailed
from poolhouse.federation.events import ArrivalRefused
from poolhouse.federation.trip import Failure
from poolhouse.signin.outcome import Challenge, Outcome
from poolhouse.user_pools import lookup
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.web import cookies, journey, pools, sessions
from poolhouse.web.hosted import csrf, forms, pages
from poolhouse.web.hosted.forms import Field, Form
from poolhouse.web.hosted.words import Words
from poolhouse.web.journey import AuthorizationRequest, JourneyEnded

# Notices that may be named in an address: what the page before has done.
_NOTICES = frozenset({"confirmed", "password_reset", "code_sent", "unconfirmed", "reset_required", "attempt_expired"})
# The field that an error is about; all others are said above the form.
_FIELD_OF = {
    errors.CodeMismatch: "code",
    errors.ExpiredCode: "code",
    errors.EnableSoftwareTokenMFA: "code",
    errors.InvalidPassword: "password",
    errors.PasswordHistoryPolicyViolation: "password",
    errors.UsernameExists: "username",
}
_TOO_MANY = (errors.LimitExceeded, errors.TooManyRequests, errors.TooManyFailedAttempts)


class Forged(JourneyEnded):
    """A form that our own page in this browser did not make."""

    kind = "forged"
    sentence = "The form is no longer valid."


@dataclass(frozen=True)
class Visit:
    """A request to a page, with the journey it is on."""

    pool: Pool
    client: Client
    journey: AuthorizationRequest
    words: Words

    @property
    def notes(self) -> Mapping[str, Any]:
        """What the pages before have noted."""
        return self.journey.notes

    @property
    def posted(self) -> bool:
        """Whether a form came in."""
        return request.method == "POST"

    @property
    def done(self) -> bool:
        """Whether somebody has signed in on this very journey, and only the way on is left."""
        return self.journey.signed_in_by(sessions.current(self.pool) if self.journey.session else None)

    @cached_property
    def app_url(self) -> str:
        """The address of the app that the journey leads back to."""
        known = (self.client.default_redirect_uri, *self.client.callback_urls, "")
        return str(self.journey.parameters.get("redirect_uri") or next(url for url in known if url is not None))

    def url(self, path: str, **said: str) -> str:
        """A page of this journey."""
        return pools.url(f"{path}?{urlencode({'request': self.journey.handle, **said})}")

    def note(self, **changes: Any) -> None:
        """Remember something for the next pages; None forgets it."""
        notes = {**self.notes, **changes}
        journey.note(self.pool, self.journey, **{k: v for k, v in notes.items() if v is not None})

    def go(self, path: str, **said: str) -> Response:
        """On to another page of this journey."""
        return pages.see_other(self.url(path, **said))

    def follow(self, outcome: Outcome, name: str, *, connecting: str = "") -> Response:
        """On to whatever the sign-in engine answered.

        ``connecting``: the offer that the person is taking up by this sign-in (:mod:`poolhouse.federation.offers`).
        """
        if isinstance(outcome, Challenge):
            kept = {"connecting": connecting} if connecting else {}
            journey.note(self.pool, self.journey, attempt=outcome.handle, name=name, **kept)
            return self.go("/challenge")
        if connecting:
            digest = cookies.browser_digest(self.pool)
            offers.complete(self.client, connecting, outcome, journey=self.journey.handle, browser=digest)
        journey.signed_in(self.pool, self.journey, outcome)
        return pages.leave(self.journey.continue_url, self.words, self.pool, self.client.name)

    def fail(self, provider: str, failure: Failure) -> Response:
        """Remember why nobody came through ``provider``, and show it at an address that may be reloaded.

        An app that named the provider has shown its own page for it: it hears at once that the person said no.
        """
        told = {**asdict(failure), "provider": provider}
        self.note(failed=told, hint=None, offer=None, connecting=None)
        emit(ArrivalRefused(self.pool.id, "", provider, self.client.id, f"{failure.kind}: {failure.sentence}"))
        refusing = self.journey.refuse_url
        named = {"identity_provider", "idp_identifier"} & set(self.journey.parameters)
        if failure.kind == Denied.kind and named and refusing:
            return pages.going(refusing, self.words, self.pool, self.client.name)
        return self.go("/login/via/failed")

    def form(self, fields: tuple[Field, ...]) -> Form:
        """A form of this journey."""
        return Form(csrf.token(self.pool), self.journey.handle, forms.focused(fields))


def enter(pool: Pool) -> Visit:
    """The visit that this request is. Raises JourneyEnded."""
    posted = request.method == "POST"
    here = on(pool, forms.single(request.form if posted else request.args, "request"))
    if posted and not csrf.valid(pool, forms.single(request.form, "csrf")):
        raise Forged
    return here


def on(pool: Pool, handle: str) -> Visit:
    """The visit on the journey of that handle, if it is this browser's. Raises JourneyEnded."""
    stored = journey.load(pool, handle)
    client = lookup.client(pool, stored.client_id)
    return Visit(pool, client, stored, pages.words(str(stored.parameters.get("ui_locales") or "")))


class Page:
    """A page with a form: what it shows, and what it does with what was entered. One instance a request."""

    path: ClassVar[str]
    hint: ClassVar[str] = ""  # the screen_hint that brings a new journey here

    def template(self) -> str:
        """Its template's name."""
        raise NotImplementedError

    def fields(self, visit: Visit) -> tuple[Field, ...]:
        """The form's fields."""
        raise NotImplementedError

    def context(self, visit: Visit) -> dict[str, object]:  # noqa: ARG002 - for those who override it
        """What the template needs beside the form."""
        return {}

    def turn_away(self, visit: Visit) -> Response | None:  # noqa: ARG002 - for those who override it
        """Where to go instead, if this page has nothing to do."""
        return None

    def act(self, visit: Visit, values: Mapping[str, str]) -> Response:
        """Do it. What it raises is shown above the form, or at its field."""
        raise NotImplementedError

    def recover(self, visit: Visit, error: PoolhouseError) -> Response | None:  # noqa: ARG002 - for those who override it
        """Where an error leads, if not back to this form. Runs in a unit of its own."""
        return None

    # --- the run

    def serve(self) -> Response:
        """The view."""
        pool, rt = pools.current(), runtime.current()
        if not self._on_a_journey():
            return self._begin(pool)
        visit = None
        try:
            with unit.open(rt):
                visit = enter(pool)
                return self._answer(visit)
        except JourneyEnded as error:
            return pages.ended(error, pool)
        except FederationFailed as error:  # of an offer to connect accounts
            if visit is None:
                return pages.message(pages.words(), pool, "unknown")
            with unit.open(rt):
                return visit.fail(str((visit.notes.get("offer") or {}).get("provider", "")), Failure.of(error))
        except PoolhouseError as error:
            if visit is None:  # the client has gone since
                return pages.message(pages.words(), pool, "unknown")
            with unit.open(rt):
                return self.recover(visit, error) or self._refuse(visit, error)

    def _on_a_journey(self) -> bool:
        # "request" beside client_id is OpenID's request object, on its way to the authorization endpoint.
        return request.method == "POST" or ("request" in request.args and "client_id" not in request.args)

    def _begin(self, pool: Pool) -> Response:
        """Opened with an authorization request's own parameters, as Cognito allows: they begin at authorize."""
        if "client_id" not in request.args:
            return pages.message(pages.words(), pool, "start")
        given = list(request.args.items(multi=True))
        if self.hint:
            given = [*((k, v) for k, v in given if k != "screen_hint"), ("screen_hint", self.hint)]
        return pages.see_other(pools.url("/oauth2/authorize?" + urlencode(given, errors="replace")))

    def _answer(self, visit: Visit) -> Response:
        if visit.done:
            # Back to a form that has done its work.
            address = visit.journey.continue_url
            if not visit.posted:
                return pages.see_other(address)
            return pages.leave(address, visit.words, visit.pool, visit.client.name)
        elsewhere = self.turn_away(visit)
        if elsewhere is not None:
            return elsewhere
        fields = self.fields(visit)
        if not visit.posted:
            return self.show(visit, fields)
        fields, values = forms.read(fields, request.form, visit.words)
        if any(field.fault for field in fields):
            return self.show(visit, fields, status=400)
        return self.act(visit, values)

    def _refuse(self, visit: Visit, error: PoolhouseError) -> Response:
        fields, _ = forms.read(self.fields(visit), request.form, visit.words)
        fields = tuple(replace(field, fault="") for field in fields)
        sentence = self.sentence(visit, error)
        name = _FIELD_OF.get(type(error), "")
        status = 429 if isinstance(error, _TOO_MANY) else 400
        if any(field.name == name for field in fields):
            return self.show(visit, forms.with_fault(fields, name, sentence), status=status)
        return self.show(visit, fields, status=status, refusal=sentence)

    def sentence(self, visit: Visit, error: PoolhouseError) -> str:
        """What to say to an error."""
        return visit.words.refusal(error, visit.pool.name)

    def show(self, visit: Visit, fields: tuple[Field, ...], *, status: int = 200, refusal: str = "") -> Response:
        """The page."""
        said = request.args.get("said", "")
        faulty = any(field.fault for field in fields) or bool(refusal)
        return pages.render(
            self.template(),
            visit.words,
            status=status,
            pool=visit.pool,
            leads_to=visit.app_url,
            **{
                "form": visit.form(fields),
                "here": pools.url(self.path),
                "client_name": visit.client.name,
                "faults": faulty,
                "refusal": refusal,
                "notice": "" if faulty or said not in _NOTICES else visit.words("notice." + said),
                "login_url": visit.url("/login"),
                "restart_url": visit.url("/login"),
                **self.context(visit),
            },
        )
