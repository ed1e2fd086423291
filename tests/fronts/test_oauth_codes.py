"""Authorization codes: bound to everything, good once, and deadly when they come back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from poolhouse.core import clock
from tests.oidc import CALLBACK, Browser, Rp, own, pkce, rp
from tests.world import Person, PoolInWorld, World


@pytest.fixture
def client(pool: PoolInWorld) -> Rp:
    return rp(pool)


@pytest.fixture
def person(pool: PoolInWorld) -> Person:
    return pool.user()


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world)


def error(response: TestResponse) -> str:
    assert response.status_code in {400, 401}, response.get_data(as_text=True)
    assert response.headers["Cache-Control"] == "no-store"
    return str(response.get_json()["error"])


# --- redirect_uri: by exact string ----------------------------------------------------------------------------------

REGISTERED = "https://rp.example/callback"
NEARLY = [
    "https://rp.example/callback/",
    "https://rp.example/callback?x=1",
    "https://rp.example/callback#x",
    "https://rp.example/callback#@evil.example",
    "https://rp.example/Callback",
    "https://RP.example/callback",
    "HTTPS://rp.example/callback",
    "http://rp.example/callback",
    "https://rp.example:443/callback",
    "https://rp.example./callback",
    "https://rp.example/./callback",
    "https://rp.example/x/../callback",
    "https://rp.example/%63allback",
    "https://rp.example//callback",
    "https://rp.example\\callback",
    "https://rp.example/callback\n",
    "https://rp.example/callback\x00",
    " https://rp.example/callback",
    "https://rp.example@evil.example/callback",
    "https://evil.example@rp.example/callback",
    "https://user:pass@rp.example/callback",
    "https://rp.example.evil.example/callback",
    "https://rpxexample/callback",
    "https://evil.example/?https://rp.example/callback",
    "https://[::1]/callback",
    "https://rp.exam\u0440le/callback",
    "javascript:alert(1)//https://rp.example/callback",
    "data:text/html,x",
    "//rp.example/callback",
    "/callback",
    "x",
]


@pytest.mark.parametrize("nearly", NEARLY)
def test_an_address_that_is_nearly_the_registered_one_gets_nothing(client: Rp, browser: Browser, nearly: str) -> None:
    """CVE-2023-6291, 2024-8883, 2024-52289, 2026-28512, 2026-9689 and their kin."""
    page = browser.go(client.url(redirect_uri=nearly))
    assert page.ours, f"sent to {page.url}"
    assert page.status == 400
    assert page.path.endswith("/error")
    assert "evil" not in page.text


@pytest.mark.parametrize(
    "localhost", ["http://127.0.0.1/cb", "http://localhost:8000/cb", "http://[::1]/cb", "http://LOCALHOST/cb"]
)
def test_variants_of_localhost_are_other_addresses(pool: PoolInWorld, browser: Browser, localhost: str) -> None:
    client = rp(pool, CallbackURLs=["http://localhost/cb"])
    assert browser.go(client.url(redirect_uri=localhost)).path.endswith("/error")


def test_a_repeated_redirect_uri_is_refused(client: Rp, browser: Browser) -> None:
    page = browser.go(client.url() + "&" + urlencode({"redirect_uri": "https://evil.example/"}))
    assert page.path.endswith("/error")
    page = browser.go(client.url(redirect_uri="https://evil.example/") + "&" + urlencode({"redirect_uri": CALLBACK}))
    assert page.path.endswith("/error")


def test_the_query_of_a_registered_address_stays_as_it_is(pool: PoolInWorld, browser: Browser) -> None:
    address = "https://rp.example/cb?tenant=a%20b&x"
    client = rp(pool, CallbackURLs=[address])
    client.redirect_uri = address
    page = client.code(browser, pool.user())
    assert page.url.startswith(address + "&code=")
    assert client.exchange(page.given["code"]).status_code == 200


# --- binding --------------------------------------------------------------------------------------------------------


def test_a_code_cannot_be_redeemed_by_another_client(client: Rp, browser: Browser, person: Person) -> None:
    """CVE-2026-55672, CVE-2026-28513."""
    code = client.code(browser, person).given["code"]
    other = rp(client.pool)
    assert error(other.exchange(code)) == "invalid_grant"
    assert client.exchange(code).status_code == 200, "a stranger's attempt must not cost the rightful client its code"


def test_a_code_cannot_be_redeemed_in_another_pool(world: World, client: Rp, browser: Browser, person: Person) -> None:
    code = client.code(browser, person).given["code"]
    assert error(rp(world.pool()).exchange(code)) == "invalid_grant"


def test_a_used_code_in_a_strangers_hands_kills_nothing(client: Rp, browser: Browser, person: Person) -> None:
    code = client.code(browser, person).given["code"]
    tokens = client.exchange(code).get_json()
    assert error(rp(client.pool).exchange(code)) == "invalid_grant"
    assert client.userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("address", ["https://rp.example/other", "https://rp.example/callback/", "x"])
def test_a_code_needs_the_address_that_it_was_sent_to(
    client: Rp, browser: Browser, person: Person, address: str
) -> None:
    code = client.code(browser, person).given["code"]
    assert error(client.exchange(code, redirect_uri=address)) == "invalid_grant"
    assert error(client.token(grant_type="authorization_code", code=code)) == "invalid_grant"


def test_a_code_of_another_registered_address_is_refused(pool: PoolInWorld, browser: Browser, person: Person) -> None:
    client = rp(pool, CallbackURLs=[CALLBACK, "https://rp.example/second"])
    code = client.code(browser, person).given["code"]
    assert error(client.exchange(code, redirect_uri="https://rp.example/second")) == "invalid_grant"


def test_the_default_address_may_be_left_out_everywhere_or_nowhere(
    pool: PoolInWorld, browser: Browser, person: Person
) -> None:
    client = rp(pool)
    code = client.code(browser, person, redirect_uri=None).given["code"]
    assert error(client.exchange(code, redirect_uri="https://evil.example/")) == "invalid_grant"
    assert client.token(grant_type="authorization_code", code=code).status_code == 200


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + "A", lambda c: c.swapcase(), lambda c: "é" + c[1:]])
def test_a_truncated_or_changed_code_is_refused(client: Rp, browser: Browser, person: Person, change: Any) -> None:
    """CVE-2026-27840."""
    assert error(client.exchange(change(client.code(browser, person).given["code"]))) == "invalid_grant"


def test_a_code_is_good_for_five_minutes(client: Rp, browser: Browser, person: Person) -> None:
    code = client.code(browser, person).given["code"]
    with clock.moved(seconds=301):
        assert error(client.exchange(code)) == "invalid_grant"


def test_the_code_of_a_user_who_was_disabled_or_deleted_meanwhile_is_refused(
    client: Rp, browser: Browser, person: Person
) -> None:
    first, second = client.code(browser, person).given["code"], client.code(browser, person).given["code"]
    where = {"UserPoolId": client.pool.id, "Username": person.username}
    client.pool.idp.admin_disable_user(**where)
    assert error(client.exchange(first)) == "invalid_grant"
    client.pool.idp.admin_delete_user(**where)
    assert error(client.exchange(second)) == "invalid_grant"


# --- once -----------------------------------------------------------------------------------------------------------


def test_a_code_that_comes_back_kills_the_tokens_it_was_exchanged_for(
    client: Rp, browser: Browser, person: Person
) -> None:
    code = client.code(browser, person).given["code"]
    tokens = client.exchange(code).get_json()
    assert error(client.exchange(code)) == "invalid_grant"
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert not client.introspect(tokens["access_token"])["active"]
    assert error(client.refresh(tokens["refresh_token"])) == "invalid_grant"


def test_many_redemptions_at_once_have_at_most_one_winner(client: Rp, browser: Browser, person: Person) -> None:
    for _ in range(3):
        code = client.code(browser, person).given["code"]
        rivals = [Rp(client.client) for _ in range(6)]
        with ThreadPoolExecutor(6) as threads:
            answers = list(threads.map(lambda rival, code=code: rival.exchange(code), rivals))
        assert sorted(a.status_code for a in answers) == [200, 400, 400, 400, 400, 400]
        won = next(a for a in answers if a.status_code == 200).get_json()
        assert client.userinfo(won["access_token"]).status_code == 401, "the copy's tokens must die with the race"


# --- PKCE -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def public(pool: PoolInWorld) -> Rp:
    return rp(pool, public=True)


@pytest.mark.parametrize(
    "challenge",
    [
        {},
        {"code_challenge_method": "S256"},
        {"code_challenge": "A" * 43},
        {"code_challenge": "A" * 43, "code_challenge_method": "plain"},
        {"code_challenge": "A" * 43, "code_challenge_method": "s256"},
        {"code_challenge": "A" * 42, "code_challenge_method": "S256"},
        {"code_challenge": "A" * 44, "code_challenge_method": "S256"},
        {"code_challenge": "A" * 42 + "~", "code_challenge_method": "S256"},
        {"code_challenge": "A" * 43 + "\n", "code_challenge_method": "S256"},
    ],
)
def test_a_public_client_gets_no_code_without_a_proper_challenge(
    public: Rp, browser: Browser, person: Person, challenge: dict[str, str]
) -> None:
    """CVE-2024-23647: PKCE downgrade by leaving the challenge out; RFC 7636 would read no method as plain."""
    given = {"code_challenge": None, "code_challenge_method": None, **challenge}
    assert public.code(browser, person, **given).given["error"] == "invalid_request"


@pytest.mark.parametrize("sent", [None, "", "A" * 43, "short", "A" * 129, "A" * 50 + "\n", "A" * 50 + "é"])
def test_a_challenge_needs_its_verifier(public: Rp, browser: Browser, person: Person, sent: str | None) -> None:
    code = public.code(browser, person).given["code"]
    public.verifier = None
    more = {} if sent is None else {"code_verifier": sent}
    assert error(public.exchange(code, "none", **more)) == "invalid_grant"


def test_the_verifier_of_another_code_does_not_fit(public: Rp, browser: Browser, person: Person) -> None:
    first = public.code(browser, person).given["code"]
    public.code(browser, person)  # and with it another verifier
    assert error(public.exchange(first, "none")) == "invalid_grant"


def test_a_verifier_where_there_was_no_challenge_is_refused(client: Rp, browser: Browser, person: Person) -> None:
    """Somebody cut the challenge out of the request (RFC 9700 §2.1.1)."""
    code = client.code(browser, person).given["code"]
    assert error(client.exchange(code, code_verifier="A" * 43)) == "invalid_grant"


def test_pkce_works_for_public_clients(public: Rp, browser: Browser, person: Person) -> None:
    response = public.exchange(public.code(browser, person).given["code"], "none")
    assert response.status_code == 200
    assert public.refresh(response.get_json()["refresh_token"], "none").status_code == 200


def test_a_confidential_client_may_be_made_to_use_pkce(client: Rp, browser: Browser, person: Person) -> None:
    own(client, require_pkce=True)
    assert client.code(browser, person).given["error"] == "invalid_request"
    verifier, challenge = pkce()
    code = client.code(browser, person, **challenge).given["code"]
    assert client.exchange(code, code_verifier=verifier).status_code == 200
