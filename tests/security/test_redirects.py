"""Nobody is sent where an app did not say: redirect addresses, logout, errors, defaults, and paths that look odd."""

from __future__ import annotations

import itertools
from urllib.parse import quote, urlencode, urlsplit

import pytest
from werkzeug.test import Client

from tests.fronts.refusals import refused
from tests.oidc import CALLBACK, SIGNED_OUT, Browser, Rp, own, rp
from tests.world import PoolInWorld, World

# Every way to write somebody else's address that a browser, or a careless comparison, takes for the app's.
ELSEWHERE = (
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://rp.example@evil.example/",
    "https://rp.example:x@evil.example/",
    "https://evil.example#@rp.example/",
    "https://evil.example?.rp.example/",
    "https://evil.example\\@rp.example/",
    "https://rp.example.evil.example/",
    "https://rpXexample/signed-out",
    "https://rp.example/signed-out/../../evil",
    "https://rp.example/signed-out%00.evil.example",
    "https://rp.example/signed-out\r\nLocation: https://evil.example",
    "https://rp.example/signed-out/",
    "https://rp.example/signed-out?x=1",
    "https://RP.example/signed-out",
    "*",
    "",
)


@pytest.fixture
def client(pool: PoolInWorld) -> Rp:
    return rp(pool)


def ours(location: str) -> bool:
    """Whether a browser that is sent to ``location`` stays on this host."""
    parts = urlsplit(location)
    second = location[1:2]
    return not parts.scheme and not parts.netloc and location.startswith("/") and second not in {"/", "\\"}


@pytest.mark.parametrize("name", ["logout_uri", "post_logout_redirect_uri", "redirect_uri"])
def test_logout_leads_to_registered_addresses_alone(client: Rp, name: str) -> None:
    """Class 7."""
    browser = Browser(client.world)
    id_token = client.tokens(browser, client.pool.user())["id_token"]
    for address in ELSEWHERE:
        given = {"client_id": client.client.id, name: address, "response_type": "code"}
        for hint in ({}, {"id_token_hint": id_token}):
            query = urlencode(given | hint)
            answer = browser.http.get(f"/{client.pool.id}/logout?{query}", base_url=client.world.url)
            assert answer.status_code in {200, 303}, address
            assert "evil" not in answer.get_data(as_text=True), address
            if answer.status_code == 303:
                assert ours(answer.headers["Location"]), address


def test_the_registered_address_itself_is_gone_to(client: Rp) -> None:
    """So that the refusals above are refusals of the address."""
    browser = Browser(client.world)
    page = browser.go(
        f"{client.world.url}/{client.pool.id}/logout?client_id={client.client.id}&logout_uri={SIGNED_OUT}"
    )
    assert page.url == SIGNED_OUT


def test_no_page_follows_an_address_that_its_own_address_brings(client: Rp) -> None:
    http = Client(client.world.app)
    names = (
        "redirect_uri",
        "logout_uri",
        "next",
        "url",
        "return_to",
        "redirect",
        "continue",
        "RelayState",
        "error_uri",
    )
    for path, address in itertools.product(("/error", "/signedout", "/login", "/signup", "/challenge", "/"), ELSEWHERE):
        query = urlencode(dict.fromkeys(names, address) | {"error": "invalid_request", "state": address})
        answer = http.get(f"/{client.pool.id}{path}?{query}", base_url=client.world.url)
        assert answer.status_code in {200, 303, 308, 400}, (path, address)
        if answer.status_code in {303, 308}:
            assert ours(answer.headers["Location"].removeprefix(client.world.url)), (path, address)
        assert "evil.example" not in answer.get_data(as_text=True), (path, address)


PATHS = (
    "//evil.example/",
    "//evil.example/login/",
    "/%2f%2fevil.example/",
    "/\\evil.example/login/",
    "//evil.example/%2e%2e",
    "/{id}//evil.example/",
    "/{id}/%2f/evil.example",
    "//{id}/login",
    "/{id}/login/",
    "/{id}//login//",
    "//evil.example/{id}/oauth2/authorize/",
    "/{id}/../../etc/passwd",
    "/{id}/assets/..%2f..%2fviews.py",
    "/{id}/%00",
)


def test_no_spelling_of_a_path_leads_out(client: Rp) -> None:
    """Class 63: neither out of this host by a helpful redirect, nor out of the assets' folder."""
    http = Client(client.world.app)
    for path in PATHS:
        answer = http.get(path.format(id=client.pool.id), base_url=client.world.url)
        assert answer.status_code < 500, path
        assert "import" not in answer.get_data(as_text=True), path
        if 300 <= answer.status_code < 400:
            assert ours(answer.headers["Location"].removeprefix(client.world.url)), path


def test_neither_default_nor_callback_can_be_an_address_that_runs_code(client: Rp) -> None:
    """Class 6: XSS by the default redirect."""
    update = {"UserPoolId": client.pool.id, "ClientId": client.client.id}
    for address in ("javascript:alert(1)", "data:text/html,x", "//x/", "x", "vbscript:x", " javascript:alert(1)"):
        for members in (
            {"CallbackURLs": [address], "DefaultRedirectURI": address},
            {"CallbackURLs": [CALLBACK], "DefaultRedirectURI": address},
            {"CallbackURLs": [CALLBACK], "LogoutURLs": [address]},
        ):
            call = client.pool.idp.update_user_pool_client
            refused(call, "InvalidParameterException", **update, **members)


def test_an_asterisk_in_a_registered_address_is_an_asterisk(pool: PoolInWorld) -> None:
    """Classes 1 to 3: no wildcard, no expression, however an administrator meant it."""
    client = rp(pool, CallbackURLs=["https://*.rp.example/cb", "https://rp.example/.*"])
    browser = Browser(pool.world)
    for address in (
        "https://a.rp.example/cb",
        "https://.rp.example/cb",
        "https://rp.example/x",
        "https://rpxexample/.*",
    ):
        assert browser.go(client.url(redirect_uri=address)).path == f"/{pool.id}/error"


def test_repeated_parameters_are_refused_in_every_place(client: Rp) -> None:
    """Class 2, parameter pollution: of two addresses, neither is chosen."""
    query = urlencode(client.request())
    http = Client(client.world.app)
    for twice in ("redirect_uri=https://evil.example/", "client_id=x", "state=y", "nonce=x", "scope=openid"):
        answer = http.get(f"/{client.pool.id}/oauth2/authorize?{query}&{twice}", base_url=client.world.url)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(f"/{client.pool.id}/error?"), twice
    answer = http.get(
        f"/{client.pool.id}/logout?logout_uri={quote(SIGNED_OUT)}&logout_uri=https://evil.example&client_id={client.client.id}",
        base_url=client.world.url,
    )
    assert answer.headers["Location"].startswith(f"/{client.pool.id}/error?")


def test_a_disabled_flow_is_not_enabled_by_a_parameter(client: Rp) -> None:
    """Class 16: implicit and hybrid are off, at the start, on the way and in an unsigned request object."""
    browser = Browser(client.world)
    for response_type in ("token", "id_token", "id_token token", "code token", "code id_token", "none", ""):
        page = browser.go(client.url(response_type=response_type))
        assert page.given["error"] in {"unsupported_response_type", "invalid_request"}
        assert not {"code", "access_token", "id_token"} & set(page.given)
        assert "#" not in page.url
    for mode in ("fragment", "web_message", "jwt", "form_post.jwt"):
        assert browser.go(client.url(response_mode=mode)).given["error"] == "invalid_request"
    page = browser.go(client.url())
    handle = browser.page.forms[0]["fields"]["request"]
    restarted = browser.go(f"{client.world.url}/{client.pool.id}/login?request={handle}&response_type=token")
    assert restarted.status == 200
    ann = client.pool.user()
    page = browser.sign_in(ann)
    assert set(page.given) == {"code", "state", "iss"}


def test_nothing_of_the_request_is_kept_in_a_cookie(client: Rp, world: World) -> None:
    """Class 17: cookies are random names, whatever the request holds."""
    http = Client(world.app)
    given = client.request(login_hint="ann@example.com", state="a-state-to-look-for", nonce="a-nonce-to-look-for")
    answer = http.get(f"/{client.pool.id}/oauth2/authorize", query_string=given, base_url=world.url)
    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 1
    value = cookies[0].split(";")[0].partition("=")[2]
    assert len(value) == 43
    for told in given.values():
        assert told not in value


def test_pkce_cannot_be_taken_out_on_the_way(pool: PoolInWorld) -> None:
    """Class 15: neither by leaving it out, nor at the exchange, nor by the plain method."""
    client = own(rp(pool), require_pkce=True)
    browser = Browser(pool.world)
    assert browser.go(client.url()).given["error"] == "invalid_request"
    public = rp(pool, public=True)
    for challenge in ({"code_challenge": None, "code_challenge_method": None}, {"code_challenge_method": "plain"}):
        assert browser.go(public.url(**challenge)).given["error"] == "invalid_request"
    code = public.code(browser, pool.user()).given["code"]
    public.verifier = None
    assert public.exchange(code, "none").status_code == 400
