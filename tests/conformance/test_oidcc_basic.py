"""The OpenID Foundation's Basic and Form-Post-Basic plans for providers: one test a module, by the module's name.

``oidcc-basic-certification-test-plan`` and ``oidcc-formpost-basic-certification-test-plan``, 38 modules each; the
``oidcc-`` that every name begins with is left out, and dashes are underscores.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jws

from poolhouse.core import clock
from tests.oidc import PROFILE, Browser, Page, Rp, own, pkce, rp
from tests.world import Person, World

MODULES = [
    "server",
    "response-type-missing",
    "idtoken-signature",
    "idtoken-unsigned",
    "userinfo-get",
    "userinfo-post-header",
    "userinfo-post-body",
    "ensure-request-without-nonce-succeeds-for-code-flow",
    "scope-profile",
    "scope-email",
    "scope-address",
    "scope-phone",
    "scope-all",
    "alternate-happy-flow",
    "display-page",
    "display-popup",
    "prompt-login",
    "prompt-none-not-logged-in",
    "prompt-none-logged-in",
    "max-age-1",
    "max-age-10000",
    "ensure-request-with-unknown-parameter-succeeds",
    "id-token-hint",
    "login-hint",
    "ui-locales",
    "claims-locales",
    "ensure-request-with-acr-values-succeeds",
    "codereuse",
    "codereuse-30seconds",
    "ensure-registered-redirect-uri",
    "ensure-post-request-succeeds",
    "server-client-secret-post",
    "request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
    "unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    "claims-essential",
    "ensure-request-object-with-redirect-uri",
    "refresh-token",
    "ensure-request-with-valid-pkce-succeeds",
]
PROFILE_CLAIMS = {
    *("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture"),
    *("website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"),
}


@dataclass
class Plan:
    """One run: a client, somebody to sign in, and the browser they use."""

    rp: Rp
    person: Person
    browser: Browser

    def code(self, **more: str | None) -> Page:
        return self.rp.code(self.browser, self.person, **more)

    def tokens(self, **more: str | None) -> dict[str, Any]:
        return self.rp.tokens(self.browser, self.person, **more)

    def claims(self, **more: str | None) -> dict[str, Any]:
        return self.rp.id_claims(self.tokens(**more)["id_token"])

    def userinfo(self, **more: str | None) -> dict[str, Any]:
        tokens = self.tokens(**more)
        response = self.rp.userinfo(tokens["access_token"])
        assert response.status_code == 200
        content = dict(response.get_json())
        assert content["sub"] == self.rp.id_claims(tokens["id_token"])["sub"]
        return content

    def refusal(self, **more: str | None) -> str:
        """The error that the app is told."""
        page = self.rp.code(self.browser, **more)
        assert "code" not in page.given
        return page.given["error"]


@pytest.fixture(params=["query", "form_post"])
def plan(request: pytest.FixtureRequest, world: World) -> Plan:
    pool = world.pool()
    # userInfo as the specification has it: booleans, numbers, the address as an object
    return Plan(own(rp(pool, request.param), strict_oidc=True), pool.user(**PROFILE), Browser(world))


def test_every_module_of_the_plan_has_its_test() -> None:
    named = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert len(MODULES) == 38
    assert named - {"every_module_of_the_plan_has_its_test"} == {name.replace("-", "_") for name in MODULES}


def test_server(plan: Plan) -> None:
    tokens = plan.tokens(nonce="n-0S6_WzA2Mj")
    assert tokens["token_type"].lower() == "bearer"
    claims = plan.rp.id_claims(tokens["id_token"], nonce="n-0S6_WzA2Mj")
    assert plan.rp.userinfo(tokens["access_token"]).get_json()["sub"] == claims["sub"]


def test_response_type_missing(plan: Plan) -> None:
    assert plan.refusal(response_type=None) in {"unsupported_response_type", "invalid_request"}


def test_idtoken_signature(plan: Plan) -> None:
    id_token = plan.tokens()["id_token"]
    header = jws.extract_compact(id_token.encode()).headers()
    assert header["alg"] == "RS256"
    assert header["kid"] in {key["kid"] for key in plan.rp.get("/.well-known/jwks.json").get_json()["keys"]}
    plan.rp.id_claims(id_token)


def test_idtoken_unsigned(plan: Plan) -> None:
    # The module is for clients registered with id_token_signed_response_alg=none, which is not offered.
    assert "none" not in plan.rp.discovery()["id_token_signing_alg_values_supported"]


def test_userinfo_get(plan: Plan) -> None:
    response = plan.rp.userinfo(plan.tokens()["access_token"])
    assert response.status_code == 200
    assert response.mimetype == "application/json"


def test_userinfo_post_header(plan: Plan) -> None:
    headers = {"Authorization": f"Bearer {plan.tokens()['access_token']}"}
    response = plan.rp.http.post(f"/{plan.rp.pool.id}/oauth2/userInfo", headers=headers, base_url=plan.rp.world.url)
    assert response.status_code == 200
    assert response.get_json()["sub"] == plan.person.sub


def test_userinfo_post_body(plan: Plan) -> None:
    form = {"access_token": plan.tokens()["access_token"]}
    response = plan.rp.http.post(f"/{plan.rp.pool.id}/oauth2/userInfo", data=form, base_url=plan.rp.world.url)
    assert response.status_code == 200
    assert response.get_json()["sub"] == plan.person.sub


def test_ensure_request_without_nonce_succeeds_for_code_flow(plan: Plan) -> None:
    assert "nonce" not in plan.claims(nonce=None)


def test_scope_profile(plan: Plan) -> None:
    told = plan.userinfo(scope="openid profile")
    assert set(told) >= PROFILE_CLAIMS
    assert isinstance(told["updated_at"], int)


def test_scope_email(plan: Plan) -> None:
    told = plan.userinfo(scope="openid email")
    assert told["email"] == PROFILE["email"]
    assert told["email_verified"] is True
    assert set(told) == {"sub", "email", "email_verified"}


def test_scope_address(plan: Plan) -> None:
    told = plan.userinfo(scope="openid address")
    assert told["address"] == {"formatted": PROFILE["address"]}


def test_scope_phone(plan: Plan) -> None:
    told = plan.userinfo(scope="openid phone")
    assert told["phone_number"] == PROFILE["phone_number"]
    assert told["phone_number_verified"] is True


def test_scope_all(plan: Plan) -> None:
    told = plan.userinfo(scope="openid profile email address phone")
    assert set(told) >= PROFILE_CLAIMS | {"email", "email_verified", "address", "phone_number", "phone_number_verified"}


def test_alternate_happy_flow(plan: Plan) -> None:
    given = plan.rp.request(scope="phone email openid")
    page = plan.browser.go(
        f"{plan.rp.world.url}/{plan.rp.pool.id}/oauth2/authorize?{urlencode(dict(reversed(given.items())))}"
    )
    page = plan.browser.sign_in(plan.person)
    assert page.given["state"] == given["state"]
    assert plan.rp.exchange(page.given["code"]).status_code == 200


def test_display_page(plan: Plan) -> None:
    assert plan.claims(display="page")["sub"] == plan.person.sub


def test_display_popup(plan: Plan) -> None:
    assert plan.claims(display="popup")["sub"] == plan.person.sub


def test_prompt_login(plan: Plan) -> None:
    first = plan.claims()
    with clock.moved(seconds=2):
        plan.browser.go(plan.rp.url(prompt="login"))
        assert plan.browser.asks, "prompt=login must ask again"
        second = plan.claims(prompt="login")
    assert second["sub"] == first["sub"]
    assert second["auth_time"] > first["auth_time"]


def test_prompt_none_not_logged_in(plan: Plan) -> None:
    assert plan.refusal(prompt="none") in {"login_required", "interaction_required", "account_selection_required"}


def test_prompt_none_logged_in(plan: Plan) -> None:
    first = plan.claims()
    silent = plan.rp.tokens(plan.browser, prompt="none")
    second = plan.rp.id_claims(silent["id_token"])
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


def test_max_age_1(plan: Plan) -> None:
    first = plan.claims()
    with clock.moved(seconds=1.5):
        plan.browser.go(plan.rp.url(max_age="1"))
        assert plan.browser.asks, "max_age=1 must ask again after a second"
        second = plan.claims(max_age="1")
    assert second["auth_time"] > first["auth_time"]


def test_max_age_10000(plan: Plan) -> None:
    first = plan.claims(max_age="15000")
    plan.browser.go(plan.rp.url(max_age="10000"))
    assert not plan.browser.asks, "max_age=10000 must not ask again"
    assert plan.claims(max_age="10000")["auth_time"] == first["auth_time"]


def test_ensure_request_with_unknown_parameter_succeeds(plan: Plan) -> None:
    assert plan.claims(extra="foobar")["sub"] == plan.person.sub


def test_id_token_hint(plan: Plan) -> None:
    hint = plan.tokens()["id_token"]
    again = plan.rp.tokens(plan.browser, prompt="none", id_token_hint=hint)
    assert plan.rp.id_claims(again["id_token"])["sub"] == plan.person.sub


def test_login_hint(plan: Plan) -> None:
    page = plan.browser.go(plan.rp.url(login_hint=plan.person.username))
    assert page.forms[0]["fields"]["username"] == plan.person.username
    assert plan.claims(login_hint="buffy@example.com")["sub"] == plan.person.sub


def test_ui_locales(plan: Plan) -> None:
    assert plan.claims(ui_locales="se xx-unknown")["sub"] == plan.person.sub


def test_claims_locales(plan: Plan) -> None:
    assert plan.claims(claims_locales="se")["sub"] == plan.person.sub


def test_ensure_request_with_acr_values_succeeds(plan: Plan) -> None:
    announced = plan.rp.discovery()["acr_values_supported"]
    assert plan.claims(acr_values=" ".join(announced))["acr"] in announced


def test_codereuse(plan: Plan) -> None:
    code = plan.code().given["code"]
    assert plan.rp.exchange(code).status_code == 200
    second = plan.rp.exchange(code)
    assert (second.status_code, second.get_json()["error"]) == (400, "invalid_grant")


def test_codereuse_30seconds(plan: Plan) -> None:
    code = plan.code().given["code"]
    first = plan.rp.exchange(code).get_json()
    assert plan.rp.userinfo(first["access_token"]).status_code == 200
    with clock.moved(seconds=30):
        second = plan.rp.exchange(code)
        assert (second.status_code, second.get_json()["error"]) == (400, "invalid_grant")
        assert plan.rp.userinfo(first["access_token"]).status_code == 401
        assert plan.rp.refresh(first["refresh_token"]).get_json()["error"] == "invalid_grant"


def test_ensure_registered_redirect_uri(plan: Plan) -> None:
    page = plan.browser.go(plan.rp.url(redirect_uri="https://rp.example/other"))
    assert page.ours
    assert page.status == 400
    assert page.path.endswith("/error")


def test_ensure_post_request_succeeds(plan: Plan) -> None:
    given = plan.rp.request()
    plan.browser.go(f"{plan.rp.world.url}/{plan.rp.pool.id}/oauth2/authorize", given)
    page = plan.browser.sign_in(plan.person)
    assert page.given["state"] == given["state"]
    assert plan.rp.exchange(page.given["code"]).status_code == 200


def test_server_client_secret_post(plan: Plan) -> None:
    response = plan.rp.exchange(plan.code().given["code"], "post")
    assert response.status_code == 200
    plan.rp.id_claims(response.get_json()["id_token"])


def test_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(plan: Plan) -> None:
    assert plan.rp.discovery()["request_uri_parameter_supported"] is False
    assert plan.refusal(request_uri="https://rp.example/request.jwt") == "request_uri_not_supported"


def _unsigned(**claims: str) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def test_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(plan: Plan) -> None:
    assert plan.rp.discovery()["request_parameter_supported"] is False
    assert plan.refusal(request=_unsigned(state="inside")) == "request_not_supported"


def test_claims_essential(plan: Plan) -> None:
    wanted = json.dumps({"userinfo": {"name": {"essential": True}}})
    told = plan.userinfo(scope="openid email", claims=wanted)
    assert told["name"] == PROFILE["name"]
    assert "nickname" not in told


def test_ensure_request_object_with_redirect_uri(plan: Plan) -> None:
    inside = _unsigned(redirect_uri="https://rp.example/elsewhere", client_id=plan.rp.client.id)
    assert plan.refusal(request=inside) == "request_not_supported"


def test_refresh_token(plan: Plan) -> None:
    first = plan.tokens()
    response = plan.rp.refresh(first["refresh_token"])
    assert response.status_code == 200
    again = plan.rp.id_claims(response.get_json()["id_token"])
    before = plan.rp.id_claims(first["id_token"])
    assert {n: again[n] for n in ("iss", "sub", "aud", "auth_time")} == {
        n: before[n] for n in ("iss", "sub", "aud", "auth_time")
    }
    other = rp(plan.rp.pool)
    assert other.refresh(first["refresh_token"]).get_json()["error"] == "invalid_grant"


def test_ensure_request_with_valid_pkce_succeeds(plan: Plan) -> None:
    verifier, challenge = pkce()
    code = plan.code(**challenge).given["code"]
    assert plan.rp.exchange(code, code_verifier=verifier).status_code == 200
