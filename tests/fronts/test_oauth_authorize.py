"""The authorization endpoint: what may go back to the app, what may not, and when somebody has to sign in."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from werkzeug.test import Client

from poolhouse.core import clock
from tests.oidc import CALLBACK, PROFILE, SIGNED_OUT, Browser, Rp, api, rp
from tests.world import Person, PoolInWorld, World


@pytest.fixture
def client(pool: PoolInWorld) -> Rp:
    return rp(pool)


@pytest.fixture
def person(pool: PoolInWorld) -> Person:
    return pool.user(**PROFILE)


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world)


def refusal(client: Rp, browser: Browser, **more: str | None) -> str:
    """The error that goes back to the app; state and iss are checked on the way."""
    page = client.code(browser, **more)
    assert "code" not in page.given
    return page.given["error"]


# --- never to the app -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"client_id": None}, "invalid_request"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": "x" * 500}, "invalid_client"),
        ({"client_id": "../x"}, "invalid_client"),
        ({"redirect_uri": "https://evil.example/"}, "redirect_mismatch"),
    ],
)
def test_what_cannot_be_trusted_gets_a_page_of_ours(
    client: Rp, browser: Browser, change: dict[str, str | None], code: str
) -> None:
    page = browser.go(client.url(**change))
    assert page.ours
    assert page.status == 400
    assert code in page.text


def test_a_client_of_another_pool_is_nobody(world: World, client: Rp, browser: Browser) -> None:
    elsewhere = rp(world.pool())
    page = browser.go(client.url(client_id=elsewhere.client.id))
    assert page.ours
    assert page.status == 400


def test_a_client_without_oauth_gets_a_page(pool: PoolInWorld, browser: Browser) -> None:
    plain = Rp(pool.client())
    assert "unauthorized_client" in browser.go(plain.url()).text


def test_two_addresses_and_none_named_gets_a_page(pool: PoolInWorld, browser: Browser) -> None:
    client = rp(pool, CallbackURLs=[CALLBACK, "https://rp.example/second"])
    assert "redirect_mismatch" in browser.go(client.url(redirect_uri=None)).text


@pytest.mark.parametrize("more", ["&state=b", "&scope=x", "&%73tate=b", "&nonce=a", "&x=1&x=2", "&x=%ff", "&x=%00"])
def test_repeated_and_malformed_parameters_get_a_page(client: Rp, browser: Browser, more: str) -> None:
    page = browser.go(client.url() + more)
    assert page.ours
    assert page.status == 400


def test_a_huge_request_gets_a_page(client: Rp, browser: Browser) -> None:
    assert browser.go(client.url(state="x" * 20_000)).status == 400


# --- to the app -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["query", "form_post"])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": 'co"de'}, "unsupported_response_type"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"scope": "openid nonsense"}, "invalid_scope"),
        ({"scope": "email"}, "invalid_scope"),
        ({"scope": "profile phone"}, "invalid_scope"),
        ({"scope": "openid aws.cognito.signin.user.admin"}, "invalid_scope"),
        ({"scope": "openid address"}, "invalid_scope"),
        ({"scope": " "}, "invalid_scope"),
        ({"scope": "öpenid"}, "invalid_scope"),
        ({"request": "x"}, "request_not_supported"),
        ({"request_uri": "https://rp.example/r"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "99999999999999999999"}, "invalid_request"),
        ({"max_age": "\u0663"}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
        ({"claims": "x"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": '{"userinfo":[]}'}, "invalid_request"),
    ],
)
def test_every_other_refusal_goes_back_with_state_and_iss(
    client: Rp, browser: Browser, mode: str, change: dict[str, str | None], code: str
) -> None:
    """RFC 9207: mix-up is told apart in errors too. RFC 6749 §4.1.2.1."""
    client.mode = mode
    assert refusal(client, browser, **change) == code


def test_an_unknown_response_mode_is_refused_by_redirect(client: Rp, browser: Browser) -> None:
    for mode in ("fragment", "web_message", "query.jwt", "x"):
        assert refusal(client, browser, response_mode=mode) == "invalid_request"


def test_form_post_to_what_is_no_web_address_is_refused(pool: PoolInWorld, browser: Browser) -> None:
    client = rp(pool, CallbackURLs=["myapp://callback"])
    client.redirect_uri = "myapp://callback"
    page = browser.go(client.url(response_mode="form_post"))
    assert page.given["error"] == "invalid_request"
    assert page.url.startswith("myapp://callback?")


def test_a_client_without_the_code_flow_is_unauthorized(pool: PoolInWorld, browser: Browser) -> None:
    client = rp(pool, AllowedOAuthFlows=["implicit"])
    assert refusal(client, browser) == "unauthorized_client"


# --- how it is sent -------------------------------------------------------------------------------------------------


def answer(client: Rp, browser: Browser, **more: str | None) -> Any:
    """The raw answer to somebody who is signed in."""
    parts = urlsplit(client.url(**more))
    return browser.http.get(parts.path, query_string=parts.query, base_url=client.world.url)


def test_a_redirect_is_a_303_and_leaves_no_traces(client: Rp, browser: Browser, person: Person) -> None:
    client.code(browser, person)
    response = answer(client, browser)
    assert response.status_code == 303
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.data == b""


def test_the_self_posting_page_is_escaped_and_locked_down(client: Rp, browser: Browser, person: Person) -> None:
    """CVE-2026-29191, CVE-2023-45683: script in a page that posts itself."""
    client.code(browser, person)
    state = "\"><script>alert(1)</script>'&"
    response = answer(client, browser, response_mode="form_post", state=state)
    page = response.get_data(as_text=True)
    assert response.status_code == 200
    assert "<script>alert" not in page
    assert page.count("<script>") == 1
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["Cache-Control"] == "no-store"
    assert "<button>" in page, "a browser without JavaScript needs something to press"
    assert client.code(browser, response_mode="form_post", state=state).given["state"] == state


@pytest.mark.parametrize("state", ["a b+c/d?e=f&g#h%20", "ü🌊", "\r\nSet-Cookie: x=y", "x" * 4000, "{}", "%0d%0a"])
def test_state_comes_back_exactly(client: Rp, browser: Browser, person: Person, state: str) -> None:
    page = client.code(browser, person, state=state)
    assert page.given["state"] == state
    assert "Set-Cookie: x" not in page.url


def test_the_error_page_reflects_nothing(client: Rp, browser: Browser) -> None:
    page = browser.go(client.url(client_id="<script>alert(1)</script>", state="<b>"))
    assert "<script>alert" not in page.text
    assert "<b>" not in page.text


# --- scopes ---------------------------------------------------------------------------------------------------------


def test_without_a_scope_all_of_the_clients_are_granted(pool: PoolInWorld, browser: Browser, person: Person) -> None:
    client = rp(pool, AllowedOAuthScopes=["openid", "email", *api(pool)])
    assert client.tokens(browser, person, scope=None)["scope"] == "openid email notes/read notes/write"


def test_offline_access_does_nothing_and_harms_nothing(client: Rp, browser: Browser, person: Person) -> None:
    tokens = client.tokens(browser, person, scope="openid offline_access")
    assert tokens["scope"] == "openid"
    assert tokens["refresh_token"]


def test_without_openid_there_is_no_id_token(pool: PoolInWorld, browser: Browser, person: Person) -> None:
    client = rp(pool, AllowedOAuthScopes=["openid", *api(pool)])
    tokens = client.tokens(browser, person, scope="notes/read")
    assert "id_token" not in tokens
    assert client.userinfo(tokens["access_token"]).status_code == 403


def test_a_scope_of_a_resource_server_that_is_gone_is_refused(pool: PoolInWorld, browser: Browser) -> None:
    client = rp(pool, AllowedOAuthScopes=["openid", *api(pool)])
    pool.idp.delete_resource_server(UserPoolId=pool.id, Identifier="notes")
    assert refusal(client, browser, scope="openid notes/read") == "invalid_scope"


def test_a_scope_whose_attribute_the_client_may_not_read_fails_the_token_request(
    pool: PoolInWorld, browser: Browser, person: Person
) -> None:
    client = rp(pool, ReadAttributes=["name"])
    code = client.code(browser, person, scope="openid email").given["code"]
    assert client.exchange(code).get_json()["error"] == "invalid_grant"
    claims = client.id_claims(client.tokens(browser, person, scope="openid")["id_token"])
    assert "email" not in claims
    assert claims["name"] == PROFILE["name"]


# --- who has to sign in ---------------------------------------------------------------------------------------------


def test_single_sign_on_between_clients_of_a_pool_and_no_others(
    world: World, client: Rp, browser: Browser, person: Person
) -> None:
    client.code(browser, person)
    assert "code" in rp(client.pool).code(browser).given
    assert rp(world.pool()).code(browser, prompt="none").given["error"] == "login_required"


def test_a_session_ends_after_an_hour(client: Rp, browser: Browser, person: Person) -> None:
    client.code(browser, person)
    with clock.moved(seconds=3601):
        assert refusal(client, browser, prompt="none") == "login_required"


@pytest.mark.parametrize("how", ["disable", "delete"])
def test_the_session_of_a_user_who_is_gone_is_worth_nothing(
    client: Rp, browser: Browser, person: Person, how: str
) -> None:
    """CVE-2025-64521, CVE-2024-46999: deactivated users still work."""
    client.code(browser, person)
    act = client.pool.idp.admin_disable_user if how == "disable" else client.pool.idp.admin_delete_user
    act(UserPoolId=client.pool.id, Username=person.username)
    assert refusal(client, browser, prompt="none") == "login_required"
    browser.go(client.url())
    assert browser.asks


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent", "select_account login"])
def test_prompts_that_ask_again(client: Rp, browser: Browser, person: Person, prompt: str) -> None:
    client.code(browser, person)
    browser.go(client.url(prompt=prompt))
    assert browser.asks
    assert "code" in browser.sign_in(person).given


@pytest.mark.parametrize("prompt", [None, "consent", "none"])
def test_prompts_that_do_not_ask_again(client: Rp, browser: Browser, person: Person, prompt: str | None) -> None:
    client.code(browser, person)
    browser.go(client.url(prompt=prompt))
    assert not browser.asks


def test_max_age_0_always_asks(client: Rp, browser: Browser, person: Person) -> None:
    client.code(browser, person)
    with clock.moved(seconds=1):
        browser.go(client.url(max_age="0"))
        assert browser.asks


def test_prompt_login_cannot_be_skipped_by_opening_the_next_address(
    client: Rp, browser: Browser, person: Person
) -> None:
    """GO-2026-6117, CVE-2025-64103: a step skipped by its successor's URL."""
    client.code(browser, person)
    page = browser.go(client.url(prompt="login"))
    handle = parse_qs(urlsplit(page.url).query)["request"][0]
    page = browser.go(f"{client.world.url}/{client.pool.id}/oauth2/authorize/continue?request={handle}")
    assert browser.asks


def test_an_answer_is_given_once(client: Rp, browser: Browser, person: Person) -> None:
    page = browser.go(client.url())
    handle = parse_qs(urlsplit(page.url).query)["request"][0]
    assert "code" in browser.sign_in(person).given
    page = browser.go(f"{client.world.url}/{client.pool.id}/oauth2/authorize/continue?request={handle}")
    assert page.ours
    assert "code=" not in page.url


def test_a_journey_belongs_to_its_browser(world: World, client: Rp, browser: Browser, person: Person) -> None:
    """Login CSRF: a half-finished sign-in cannot be handed to somebody else."""
    page = browser.go(client.url())
    handle = parse_qs(urlsplit(page.url).query)["request"][0]
    victim = Browser(world)
    client.code(victim, person)
    page = victim.go(f"{world.url}/{client.pool.id}/oauth2/authorize/continue?request={handle}")
    assert page.ours
    assert "code=" not in page.url


@pytest.mark.parametrize("handle", ["", "x", "x" * 43, "x" * 5000, "../..", "%00", "\ud83c"])
def test_continuing_nothing_gets_a_page(client: Rp, browser: Browser, handle: str) -> None:
    escaped = quote(handle, safe="%", errors="replace")
    page = browser.go(f"{client.world.url}/{client.pool.id}/oauth2/authorize/continue?request={escaped}")
    assert page.ours
    assert page.status == 400


# --- hints, claims, acr ---------------------------------------------------------------------------------------------


def test_an_id_token_hint_of_somebody_else_asks_and_then_insists(client: Rp, browser: Browser, person: Person) -> None:
    other = client.pool.user()
    hint = client.tokens(Browser(client.world), other)["id_token"]
    client.code(browser, person)
    assert refusal(client, browser, id_token_hint=hint, prompt="none") == "login_required"
    browser.go(client.url(id_token_hint=hint))
    assert browser.asks
    assert browser.sign_in(person).given["error"] == "login_required", "nobody else may be answered about"
    browser.go(client.url(id_token_hint=hint))
    assert "code" in browser.sign_in(other).given


def test_an_id_token_hint_may_have_expired_but_must_be_this_clients(
    client: Rp, browser: Browser, person: Person
) -> None:
    tokens = client.tokens(browser, person)
    with clock.moved(hours=2):
        browser.go(client.url(id_token_hint=tokens["id_token"]))
        assert "code" in browser.sign_in(person).given
    other = rp(client.pool)
    assert refusal(other, browser, id_token_hint=tokens["id_token"]) == "invalid_request"
    assert refusal(client, browser, id_token_hint=tokens["access_token"]) == "invalid_request"


def test_a_sub_asked_for_by_value_is_the_one_or_nobody(client: Rp, browser: Browser, person: Person) -> None:
    client.code(browser, person)
    mine = json.dumps({"id_token": {"sub": {"value": person.sub}}})
    assert "code" in client.code(browser, prompt="none", claims=mine).given
    theirs = json.dumps({"id_token": {"sub": {"value": "somebody"}}})
    assert refusal(client, browser, prompt="none", claims=theirs) == "login_required"


def test_claims_ask_for_attributes_by_name_where_they_are_wanted(client: Rp, browser: Browser, person: Person) -> None:
    wanted = {
        "id_token": {"nickname": None, "iss": {"value": "evil"}},
        "userinfo": {"name": {"essential": True}, "x": 1},
    }
    tokens = client.tokens(browser, person, scope="openid email", claims=json.dumps(wanted))
    claims = client.id_claims(tokens["id_token"])
    told = client.userinfo(tokens["access_token"]).get_json()
    assert (claims["nickname"], "nickname" in told) == (PROFILE["nickname"], False)
    assert (told["name"], "name" in claims) == (PROFILE["name"], False)
    again = client.refresh(tokens["refresh_token"]).get_json()
    assert client.id_claims(again["id_token"])["nickname"] == PROFILE["nickname"]


def test_an_essential_acr_is_reached_or_refused(client: Rp, browser: Browser, person: Person) -> None:
    def asking(*levels: int) -> str:
        values = [f"urn:cognito:loa:{level}" for level in levels]
        return json.dumps({"id_token": {"acr": {"essential": True, "values": values}}})

    assert client.id_claims(client.tokens(browser, person, claims=asking(1, 4))["id_token"])["acr"].endswith("1")
    assert refusal(client, browser, prompt="none", claims=asking(4)) == "login_required"
    browser.go(client.url(claims=asking(4)))
    assert browser.sign_in(person).given["error"] == "unmet_authentication_requirements"
    client.pool.totp()
    api_client = client.pool.client()
    person.set_up_totp(api_client)
    browser.go(client.url(claims=asking(4)))
    browser.sign_in(person)
    page = browser.submit(code=person.totp_code())
    claims = client.id_claims(client.exchange(page.given["code"]).get_json()["id_token"])
    assert claims["acr"] == "urn:cognito:loa:4"
    assert set(claims["amr"]) >= {"pwd", "otp"}


# --- POST -----------------------------------------------------------------------------------------------------------


def test_a_posted_request_is_answered_at_a_get_with_the_cookies(client: Rp, browser: Browser, person: Person) -> None:
    client.code(browser, person)
    page = browser.go(f"{client.world.url}/{client.pool.id}/oauth2/authorize", client.request(prompt="none"))
    assert "code" in page.given, "another site's form comes without cookies; the GET that follows has them"


def test_a_posted_request_mixes_nothing_with_its_address(client: Rp, browser: Browser) -> None:
    where = f"/{client.pool.id}/oauth2/authorize"
    mixed = browser.http.post(where, query_string={"state": "x"}, data=client.request(), base_url=client.world.url)
    typed = browser.http.post(where, json=client.request(), base_url=client.world.url)
    for response in (mixed, typed):
        assert response.status_code == 303
        assert urlsplit(response.headers["Location"]).path.endswith("/error")


# --- sign-out as Cognito has it -------------------------------------------------------------------------------------


def logout(client: Rp, **parameters: str) -> str:
    return f"{client.world.url}/{client.pool.id}/logout?{urlencode(parameters)}"


def test_cognitos_sign_out_leads_to_a_registered_address(client: Rp, browser: Browser, person: Person) -> None:
    client.code(browser, person)
    page = browser.go(logout(client, client_id=client.client.id, logout_uri=SIGNED_OUT))
    assert page.url == SIGNED_OUT
    assert refusal(client, browser, prompt="none") == "login_required"


@pytest.mark.parametrize(
    "address", ["https://evil.example/", SIGNED_OUT + "/", SIGNED_OUT + "?x", CALLBACK, "//evil.example"]
)
def test_sign_out_is_no_open_redirect(client: Rp, browser: Browser, person: Person, address: str) -> None:
    """CVE-2026-5467, CVE-2026-29192."""
    client.code(browser, person)
    page = browser.go(logout(client, client_id=client.client.id, logout_uri=address))
    assert page.ours
    assert page.status == 400
    page = browser.go(logout(client, client_id=client.client.id, redirect_uri=address, response_type="code"))
    assert page.ours or address == CALLBACK
    assert browser.go(logout(client, logout_uri=SIGNED_OUT)).status == 400
    assert browser.go(logout(client, client_id="nobody", logout_uri=SIGNED_OUT)).status == 400


def test_cognitos_sign_out_can_lead_to_another_sign_in(client: Rp, browser: Browser, person: Person) -> None:
    client.code(browser, person)
    given = client.request(state="again")
    browser.go(logout(client, **given))
    assert browser.asks
    assert browser.sign_in(person).given["state"] == "again"


# --- what the journey sets ------------------------------------------------------------------------------------------


def test_cookies_are_for_this_pool_and_no_scripts(client: Rp, person: Person) -> None:
    http = Client(client.world.app)
    parts = urlsplit(client.url())
    answer = http.get(parts.path, query_string=parts.query, base_url=client.world.url)
    cookies = answer.headers.getlist("Set-Cookie")
    assert cookies
    for cookie in cookies:
        assert re.search(r"; HttpOnly", cookie)
        assert re.search(r"; SameSite=Lax", cookie)
        assert f"Path=/{client.pool.id}" in cookie
