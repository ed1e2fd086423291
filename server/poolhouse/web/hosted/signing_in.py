"""The pages of signing in: the password, and one page for every challenge that may follow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import segno
from flask import Response, request

from poolhouse.core import errors
from poolhouse.core.errors import PoolhouseError
from poolhouse.signin import engine
from poolhouse.signin.outcome import Challenge, Entrance
from poolhouse.web.hosted import forms, pages, ways
from poolhouse.web.hosted.forms import Field
from poolhouse.web.hosted.visit import Page, Visit
from poolhouse.web.hosted.ways import Ways

_CODE_ANSWERS = {
    "SOFTWARE_TOKEN_MFA": "SOFTWARE_TOKEN_MFA_CODE",
    "EMAIL_OTP": "EMAIL_OTP_CODE",
    "SMS_MFA": "SMS_MFA_CODE",
}


_TEMPLATES = {"NEW_PASSWORD_REQUIRED": "new_password", "MFA_SETUP": "totp_setup", "SELECT_MFA_TYPE": "choose"}
_SHOWN_ISSUER, _SHOWN_ACCOUNT = 40, 64  # what authenticator apps have room for, and QR codes


class Login(Page):
    """The name and the password, and the providers that the app offers.

    Where the domain of an e-mail address may lead to a provider, the name is asked first, and the password after it.
    """

    path = "/login"

    def __init__(self) -> None:
        self._ways = Ways(local=True)

    def template(self) -> str:
        return "login"

    def turn_away(self, visit: Visit) -> Response | None:
        self._ways = ways.of(visit.client, visit.journey.parameters)
        if self._ways.only:
            return visit.go("/login/via", provider=self._ways.only)
        if not (self._ways.local or self._ways.buttons or self._ways.routed):
            return pages.message(visit.words, visit.pool, "no_way", status=403)
        return None

    @property
    def _asks_password(self) -> bool:
        if not self._ways.local:
            return False
        return not self._ways.routed or "password" in request.form or request.args.get("step") == "password"

    def fields(self, visit: Visit) -> tuple[Field, ...]:
        if not (self._ways.local or self._ways.routed):
            return ()
        known = str(visit.notes.get("name") or visit.journey.parameters.get("login_hint") or "")
        named = forms.name(visit.pool, visit.words)
        if self._ways.routed:
            named = forms.name_or_email(named, visit.pool, visit.words, local=self._ways.local)
        name = forms.prefilled(named, known)
        return (name, forms.password(visit.words)) if self._asks_password else (name,)

    def context(self, visit: Visit) -> dict[str, object]:
        two_steps = self._ways.routed and self._asks_password
        recovers = self._asks_password and "admin_only" not in visit.pool.recovery
        signs_up = self._ways.local and not visit.pool.admin_create_only
        shown = () if two_steps else self._ways.buttons
        return {
            "forgot_url": visit.url("/forgotPassword") if recovers else "",
            "sign_up_url": visit.url("/signup") if signs_up else "",
            "submit_text": visit.words("login.submit" if self._asks_password else "login.continue"),
            "change_url": visit.url("/login") if two_steps else "",
            "buttons": ways.buttons(visit, shown),
        }

    def act(self, visit: Visit, values: Mapping[str, str]) -> Response:
        if not (self._ways.local or self._ways.routed):
            return visit.go("/login")
        name = values["username"]
        provider = ways.routed(visit.client, name) if self._ways.routed else None
        if provider is not None:
            visit.note(name=name, hint={provider.name: name})
            address = visit.url("/login/via", provider=provider.name)
            return pages.going(address, visit.words, visit.pool, ways.way(provider).name)
        if not self._ways.local:
            fault = visit.words("fault.unrouted", pool=visit.pool.name)
            shown = forms.read(self.fields(visit), request.form, visit.words)[0]
            return self.show(visit, forms.with_fault(shown, "username", fault), status=400)
        if "password" not in values:
            visit.note(name=name)
            return visit.go("/login", step="password")
        answers = {"USERNAME": name, "PASSWORD": values["password"]}
        outcome = engine.begin(visit.client, engine.HOSTED_PASSWORD, answers, entrance=Entrance.HOSTED)
        return visit.follow(outcome, name)

    def recover(self, visit: Visit, error: PoolhouseError) -> Response | None:
        name = forms.single(request.form, "username").strip()
        if isinstance(error, errors.UserNotConfirmed):
            visit.note(name=name, destination=None, signed_up=None)
            return visit.go("/confirmUser", said="unconfirmed")
        if isinstance(error, errors.PasswordResetRequired):
            visit.note(name=name)
            return visit.go("/forgotPassword", said="reset_required")
        return None

    def sentence(self, visit: Visit, error: PoolhouseError) -> str:
        said = super().sentence(visit, error)
        by_email = visit.pool.username_attributes == ("email",)
        if by_email and said == visit.words("refused.NotAuthorized"):
            return visit.words("refused.NotAuthorized.email")
        return said


class ChallengePage(Page):
    """Whatever the engine asks next, in the form that fits it."""

    path = "/challenge"

    def __init__(self) -> None:
        self._posed: Challenge | None = None
        self._secret = ""

    @property
    def posed(self) -> Challenge:
        """The challenge that waits."""
        assert self._posed is not None
        return self._posed

    def template(self) -> str:
        return _TEMPLATES.get(self.posed.name, "code")

    def turn_away(self, visit: Visit) -> Response | None:
        handle = str(visit.notes.get("attempt") or "")
        if not handle:
            return visit.go("/login")
        self._posed = engine.look(visit.client, handle)
        if self._posed is None:
            return visit.go("/login", said="attempt_expired")
        if self.posed.name == "MFA_SETUP":
            self._prepare_totp(visit)
        return None

    def _prepare_totp(self, visit: Visit) -> None:
        """The key stays the same however often the page is loaded: somebody may have scanned it already."""
        self._secret = str(visit.notes.get("secret") or "")
        if not self._secret:
            self._secret, handle = engine.associate_software_token(visit.client, self.posed.handle)
            self._posed = Challenge(self.posed.name, handle, self.posed.parameters)
            visit.note(attempt=handle, secret=self._secret)

    def fields(self, visit: Visit) -> tuple[Field, ...]:
        words, pool = visit.words, visit.pool
        match self.posed.name:
            case "NEW_PASSWORD_REQUIRED":
                missing = [forms.attribute(pool, words, name, required=True) for name in self._missing(visit)]
                return (*missing, forms.new_password(words))
            case "SELECT_MFA_TYPE":
                return (Field("choice", words("choose.legend"), limit=64, missing="fault.choice"),)
            case _:
                return (forms.code(words),)

    def _missing(self, visit: Visit) -> list[str]:
        names = _listed(self.posed.parameters.get("requiredAttributes"))
        return [bare for name in names if (bare := name.removeprefix("userAttributes.")) in visit.pool.schema]

    def context(self, visit: Visit) -> dict[str, object]:
        words, pool, posed = visit.words, visit.pool, self.posed
        name = str(visit.notes.get("name") or "")
        match posed.name:
            case "NEW_PASSWORD_REQUIRED":
                return {"rules": forms.policy(pool.password_policy, words), "username": name}
            case "MFA_SETUP":
                grouped = " ".join(self._secret[i : i + 4] for i in range(0, len(self._secret), 4))
                return {"secret": grouped, "picture": picture(self._secret, pool.name, name)}
            case "SELECT_MFA_TYPE":
                choices = [_choice(visit, factor) for factor in _listed(posed.parameters.get("MFAS_CAN_CHOOSE"))]
                wrong = visit.posted and forms.single(request.form, "choice") not in {c["value"] for c in choices}
                return {"choices": choices, "fault": words("fault.choice") if wrong else ""}
            case _:
                return {
                    "from_app": posed.name == "SOFTWARE_TOKEN_MFA",
                    "destination": posed.parameters.get("CODE_DELIVERY_DESTINATION", ""),
                }

    def act(self, visit: Visit, values: Mapping[str, str]) -> Response:
        posed, answer = self.posed, partial(engine.answer, visit.client)
        match posed.name:
            case "NEW_PASSWORD_REQUIRED":
                attributes = {"userAttributes." + k: v for k, v in forms.attributes(values).items()}
                outcome = answer(posed.handle, posed.name, {"NEW_PASSWORD": values["password"], **attributes})
            case "MFA_SETUP":
                proven = engine.verify_software_token(visit.client, posed.handle, values["code"])
                outcome = answer(proven, posed.name, {})
            case "SELECT_MFA_TYPE":
                if values["choice"] not in _listed(posed.parameters.get("MFAS_CAN_CHOOSE")):
                    return self.show(visit, self.fields(visit), status=400)
                outcome = answer(posed.handle, posed.name, {"ANSWER": values["choice"]})
            case _:
                outcome = answer(posed.handle, posed.name, {_CODE_ANSWERS[posed.name]: values["code"]})
        connecting = str(visit.notes.get("connecting") or "")
        return visit.follow(outcome, str(visit.notes.get("name") or ""), connecting=connecting)

    def recover(self, visit: Visit, error: PoolhouseError) -> Response | None:
        if isinstance(error, errors.SoftwareTokenMFANotFound):
            return pages.message(visit.words, visit.pool, "no_factor")
        if self._posed is None or engine.look(visit.client, self.posed.handle) is None:
            return visit.go("/login", said="attempt_expired")
        return None

    def sentence(self, visit: Visit, error: PoolhouseError) -> str:
        if isinstance(error, errors.CodeMismatch) and self.posed.name == "SOFTWARE_TOKEN_MFA":
            return visit.words("refused.totp")
        return super().sentence(visit, error)


def _listed(document: str | None) -> list[str]:
    """The names in a challenge parameter that is a JSON list."""
    listed: Any = orjson.loads(document or "[]")
    return [str(name) for name in listed]


def _choice(visit: Visit, factor: str) -> dict[str, str]:
    words = visit.words
    return {
        "value": factor,
        "label": words("choose." + factor) if words.knows("choose." + factor) else factor,
        "about": words(f"choose.{factor}.about") if words.knows(f"choose.{factor}.about") else "",
    }


def picture(secret: str, issuer: str, account: str) -> str:
    """The QR code of an ``otpauth`` address, as a data URI that the page carries itself."""
    # The colon parts issuer and account, so neither may have one of its own.
    issuer, account = issuer.replace(":", " ")[:_SHOWN_ISSUER], account.replace(":", " ")[:_SHOWN_ACCOUNT]
    label = quote(f"{issuer}:{account}" if account else issuer, safe=":@")
    query = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    code = segno.make(f"otpauth://totp/{label}?{query}", error="m", micro=False)
    return str(code.svg_data_uri(scale=4, border=3, dark="#000", light="#fff"))


PAGES: tuple[type[Page], ...] = (Login, ChallengePage)
