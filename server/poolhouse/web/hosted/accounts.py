"""The pages of making an account and of recovering one: sign-up, confirmation, a new code, a forgotten password."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request

from poolhouse.account import recover, sign_up
from poolhouse.core.errors import PoolhouseError
from poolhouse.federation.provider import LOCAL
from poolhouse.signin import engine
from poolhouse.signin.outcome import Entrance
from poolhouse.web.hosted import forms, ways
from poolhouse.web.hosted.forms import Field
from poolhouse.web.hosted.visit import Page, Visit


class LocalPage(Page):
    """A page about the pool's own accounts: closed where the app does not let them in."""

    def turn_away(self, visit: Visit) -> Response | None:
        return None if visit.client.offers(LOCAL) else visit.go("/login")


class SignUp(LocalPage):
    """A new account: the pool's schema says what is asked."""

    path = "/signup"
    hint = "signup"

    def template(self) -> str:
        return "signup"

    def fields(self, visit: Visit) -> tuple[Field, ...]:
        return () if visit.pool.admin_create_only else forms.sign_up(visit.pool, visit.client, visit.words)

    def context(self, visit: Visit) -> dict[str, object]:
        offered = ways.of(visit.client, visit.journey.parameters).buttons
        return {
            "rules": forms.policy(visit.pool.password_policy, visit.words),
            "closed": visit.pool.admin_create_only,
            "buttons": ways.buttons(visit, offered),
        }

    def act(self, visit: Visit, values: Mapping[str, str]) -> Response:
        if visit.pool.admin_create_only:
            return self.show(visit, ())
        name, password = values["username"], values["password"]
        made = sign_up.sign_up(visit.client, name, password, forms.attributes(values))
        if made.confirmed:
            answers = {"USERNAME": name, "PASSWORD": password}
            return visit.follow(
                engine.begin(visit.client, engine.HOSTED_PASSWORD, answers, entrance=Entrance.HOSTED), name
            )
        sent_to = made.delivery.destination if made.delivery else None
        visit.note(name=name, signed_up=made.user.sub, destination=sent_to, attempt=None)
        return visit.go("/confirmUser")


class Confirm(LocalPage):
    """The code that was sent at sign-up. Whoever signed up in this very browser is signed in by it."""

    path = "/confirmUser"

    def template(self) -> str:
        return "confirm"

    def fields(self, visit: Visit) -> tuple[Field, ...]:
        known = () if visit.notes.get("name") else (forms.name(visit.pool, visit.words),)
        return (*known, forms.code(visit.words))

    def context(self, visit: Visit) -> dict[str, object]:
        notes = visit.notes
        return {
            "destination": notes.get("destination") or "",
            # Nothing was sent and nothing can be: somebody has to vouch for the account.
            "waiting": bool(notes.get("signed_up")) and not notes.get("destination"),
            "known_name": bool(notes.get("name")),
            "resend_url": visit.url("/resend"),
        }

    def act(self, visit: Visit, values: Mapping[str, str]) -> Response:
        name = str(visit.notes.get("name") or values.get("username") or "")
        user = sign_up.confirm(visit.client, name, values["code"])
        if visit.notes.get("signed_up") == user.sub and visit.pool.mfa != "ON":
            # Whoever chose the password and proved the address on this one journey need not type it again.
            return visit.follow(engine.arrive(visit.client, user, amr=("pwd",)), name)
        visit.note(name=name, signed_up=None, destination=None)
        return visit.go("/login", said="confirmed")

    def sentence(self, visit: Visit, error: PoolhouseError) -> str:
        return _about_a_code(super().sentence(visit, error), visit)


class Resend(LocalPage):
    """Another code for the confirmation."""

    path = "/resend"

    def template(self) -> str:
        return "ask_name"

    def fields(self, visit: Visit) -> tuple[Field, ...]:
        return () if visit.posted and self._known(visit) else (forms.name(visit.pool, visit.words),)

    def _known(self, visit: Visit) -> str:
        """The name that the page before knew: its form has no field for it."""
        return "" if "username" in request.form else str(visit.notes.get("name") or "")

    def context(self, visit: Visit) -> dict[str, object]:  # noqa: ARG002
        return {"about": "resend", "closed": False}

    def act(self, visit: Visit, values: Mapping[str, str]) -> Response:
        name = values.get("username") or self._known(visit)
        sent = sign_up.resend(visit.client, name)
        visit.note(name=name, destination=sent.destination)
        return visit.go("/confirmUser", said="code_sent")


class Forgot(LocalPage):
    """A code to set a new password with."""

    path = "/forgotPassword"
    hint = "forgotPassword"

    def template(self) -> str:
        return "ask_name"

    def fields(self, visit: Visit) -> tuple[Field, ...]:
        if _recovery_closed(visit):
            return ()
        known = str(visit.notes.get("name") or visit.journey.parameters.get("login_hint") or "")
        return (forms.prefilled(forms.name(visit.pool, visit.words), known),)

    def context(self, visit: Visit) -> dict[str, object]:
        return {"about": "forgot", "closed": _recovery_closed(visit)}

    def act(self, visit: Visit, values: Mapping[str, str]) -> Response:
        if _recovery_closed(visit):
            return self.show(visit, ())
        sent = recover.forgot(visit.client, values["username"])
        visit.note(name=values["username"], destination=sent.destination, recovering=True, attempt=None)
        return visit.go("/confirmForgotPassword")


def _recovery_closed(visit: Visit) -> bool:
    return "admin_only" in visit.pool.recovery


class Reset(LocalPage):
    """The code and the new password."""

    path = "/confirmForgotPassword"

    def template(self) -> str:
        return "reset"

    def fields(self, visit: Visit) -> tuple[Field, ...]:
        known = () if visit.notes.get("recovering") else (forms.name(visit.pool, visit.words),)
        return (*known, forms.code(visit.words), forms.new_password(visit.words))

    def context(self, visit: Visit) -> dict[str, object]:
        return {
            "destination": visit.notes.get("destination") or "",
            "rules": forms.policy(visit.pool.password_policy, visit.words),
            "forgot_url": visit.url("/forgotPassword"),
            "username": visit.notes.get("name") if visit.notes.get("recovering") else "",
        }

    def act(self, visit: Visit, values: Mapping[str, str]) -> Response:
        name = values.get("username") or str(visit.notes.get("name") or "")
        recover.confirm_forgot(visit.client, name, values["code"], values["password"])
        visit.note(name=name, recovering=None, destination=None)
        return visit.go("/login/connect" if visit.notes.get("offer") else "/login", said="password_reset")

    def sentence(self, visit: Visit, error: PoolhouseError) -> str:
        return _about_a_code(super().sentence(visit, error), visit)


def _about_a_code(said: str, visit: Visit) -> str:
    """Where a name is hidden, a wrong one looks like a wrong code; these pages ask for no present password."""
    return visit.words("refused.CodeMismatch") if said == visit.words("refused.NotAuthorized") else said


PAGES: tuple[type[Page], ...] = (SignUp, Confirm, Resend, Forgot, Reset)
