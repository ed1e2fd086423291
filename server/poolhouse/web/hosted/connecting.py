"""The page that offers to connect an account: who came through a provider with its address may sign in to it here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from poolhouse.core import errors
from poolhouse.core.errors import PoolhouseError
from poolhouse.federation import catalogue, offers, trip
from poolhouse.federation.trip import LINKING, TripEnded
from poolhouse.signin import engine
from poolhouse.signin.outcome import Entrance
from poolhouse.users import directory
from poolhouse.web import cookies
from poolhouse.web.hosted import forms, ways
from poolhouse.web.hosted.forms import Field
from poolhouse.web.hosted.visit import Page, Visit


class Connect(Page):
    """The password of the account that is here, or the way on without it.

    Neither the provider's word nor the address proves whose the account is: its own sign-in does, second factors
    included (Keycloak CVE-2026-9087 and kin).
    """

    path = "/login/connect"

    def template(self) -> str:
        return "connect"

    def turn_away(self, visit: Visit) -> Response | None:
        return None if visit.notes.get("offer") else visit.go("/login")

    def _offer(self, visit: Visit) -> Mapping[str, Any]:
        offer: Mapping[str, Any] = visit.notes["offer"]
        return offer

    def fields(self, visit: Visit) -> tuple[Field, ...]:
        return () if _declines() else (forms.password(visit.words),)

    def context(self, visit: Visit) -> dict[str, object]:
        offer = self._offer(visit)
        provider = catalogue.find(visit.pool, offer["provider"])
        return {
            "email": offer["email"],
            "provider": ways.way(provider).name if provider is not None else offer["provider"],
            "forgot_url": "" if "admin_only" in visit.pool.recovery else visit.url("/forgotPassword"),
        }

    def act(self, visit: Visit, values: Mapping[str, str]) -> Response:
        handle = str(self._offer(visit)["handle"])
        pending = trip.look(visit.pool, handle, LINKING)
        if _declines():
            outcome = offers.decline(visit.client, pending)
            # The last thing of the unit: what was arrived by counts once, or not at all.
            trip.spend(visit.pool, handle, LINKING, browser=cookies.browser_digest(visit.pool))
            return visit.follow(outcome, "")
        owner = directory.by_sub(visit.pool.id, pending.target)
        if owner is None:
            raise TripEnded(pending)
        answers = {"USERNAME": owner.username, "PASSWORD": values["password"]}
        outcome = engine.begin(visit.client, engine.HOSTED_PASSWORD, answers, entrance=Entrance.HOSTED)
        return visit.follow(outcome, owner.username, connecting=handle)

    def recover(self, visit: Visit, error: PoolhouseError) -> Response | None:
        if isinstance(error, errors.PasswordResetRequired):
            return visit.go("/forgotPassword", said="reset_required")
        return None

    def sentence(self, visit: Visit, error: PoolhouseError) -> str:
        said = super().sentence(visit, error)
        return visit.words("connect.wrong") if said == visit.words("refused.NotAuthorized") else said


def _declines() -> bool:
    return forms.single(request.form, "do") == "decline"


PAGES: tuple[type[Page], ...] = (Connect,)
