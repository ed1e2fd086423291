"""What the hosted pages refuse: other people's journeys, forged forms, hostile input; and the headers of each page."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poolhouse.account import administer
from poolhouse.core import clock, unit
from poolhouse.user_pools import lookup
from poolhouse.web.hosted import brand, pages, views
from poolhouse.web.hosted.words import CATALOGUES, ENGLISH, Words
from tests.conftest import Databases
from tests.fronts.hosted_pages import HOST, PASSWORD, Seen, Visitor, World, address, serving

FORMS = (
    "/login",
    "/signup",
    "/confirmUser",
    "/resend",
    "/forgotPassword",
    "/confirmForgotPassword",
    "/challenge",
    "/login/connect",
)
UPSTREAM = ("/login/via", "/login/via/back", "/login/via/failed", "/oauth2/idpresponse", "/saml2/idpresponse")
HOSTILE = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "x" * 100_000,
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}{% raw %}",
    "%s%n{0}",
    "\r\nSet-Cookie: a=b",
    "\u202e\u0000\ufffe",
    "\U0001f600" * 200,
    "' OR 1=1 --",
    "../../etc/passwd",
)


@pytest.fixture(scope="module")
def world(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with serving(databases.make("sqlite"), tmp_path_factory.mktemp("hosted")) as world:
        yield world


@pytest.fixture
def visitor(world: World) -> Visitor:
    return world.visitor(world.client(world.pool()))


def known(world: World, visitor: Visitor) -> str:
    name = address()
    with unit.open(world.rt):
        administer.invite(visitor.client.pool, name, {"email": name}, temporary_password=PASSWORD, silent=True)
        administer.set_password(visitor.client.pool, name, PASSWORD, permanent=True)
    return name


# --- Whose journey it is --------------------------------------------------------------------


def test_a_half_finished_sign_in_cannot_be_handed_to_somebody_else(world: World, visitor: Visitor) -> None:
    attacker = visitor.begin()
    victim = world.visitor(visitor.client).begin()
    for path in FORMS:
        victim.open(path, request=attacker.handle if path == "/login" else attacker.seen.inputs["request"]["value"])
        assert "belongs to another browser" in victim.text
        assert victim.seen.forms == []
        attacker.open("/login", request=attacker.handle)


def test_a_journey_of_one_pool_is_unknown_in_another(world: World, visitor: Visitor) -> None:
    handle = visitor.begin().handle
    other = world.pool()
    visitor.fetch("GET", f"/{other.id}/login", query_string={"request": handle})
    assert "not known here" in visitor.text


def test_an_expired_journey_says_so_and_offers_to_start_again(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.begin(nonce="n")
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(hours=2))
    visitor.submit(username="a@example.com", password="p")
    assert visitor.response.status_code == 400
    assert "took too long" in visitor.text
    visitor.fetch("GET", visitor.seen.links[-1].replace("&amp;", "&"))
    assert visitor.page == "/login"
    assert visitor.seen.forms


def test_a_finished_journey_cannot_be_used_again(world: World, visitor: Visitor) -> None:
    visitor.begin()
    handle, csrf = visitor.handle, visitor.seen.inputs["csrf"]["value"]
    ann = known(world, visitor)
    visitor.submit(username=ann, password=PASSWORD)
    assert visitor.arrived
    visitor.open("/login", request=handle)
    assert "already signed in" in visitor.text
    data = {"request": handle, "csrf": csrf, "username": ann, "password": PASSWORD}
    visitor.fetch("POST", f"/{visitor.client.pool.id}/login", data=data)
    assert not visitor.arrived
    visitor.open("/oauth2/authorize/continue", request=handle)
    assert not visitor.arrived


@pytest.mark.parametrize("csrf", ["", "x", "a.b", None])
@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_this_browsers_token_does_nothing(
    world: World, visitor: Visitor, path: str, csrf: str | None
) -> None:
    handle = visitor.begin().handle
    ann = known(world, visitor)
    data = {"request": handle, "username": ann, "password": PASSWORD, "code": "123456"}
    if csrf is not None:
        data["csrf"] = csrf
    visitor.fetch("POST", f"/{visitor.client.pool.id}{path}", data=data)
    assert visitor.response.status_code == 400
    assert "no longer valid" in visitor.text
    assert visitor.open("/whoami").response.json == {"sub": None}


def test_a_token_of_another_browser_or_pool_is_no_token(world: World, visitor: Visitor) -> None:
    ann = known(world, visitor)
    handle = visitor.begin().handle
    same_pool = world.visitor(visitor.client).begin().seen.inputs["csrf"]["value"]
    other_pool = world.visitor(world.client(world.pool())).begin().seen.inputs["csrf"]["value"]
    for csrf in (same_pool, other_pool):
        data = {"request": handle, "username": ann, "password": PASSWORD, "csrf": csrf}
        visitor.fetch("POST", f"/{visitor.client.pool.id}/login", data=data)
        assert "no longer valid" in visitor.text


def test_signing_in_gives_a_new_session_whatever_cookie_was_planted(world: World, visitor: Visitor) -> None:
    pool_id = visitor.client.pool.id
    name = f"poolhouse-{pool_id}"
    planted = "A" * 43
    visitor.browser.set_cookie(name, planted, path=f"/{pool_id}")
    visitor.begin().submit(username=known(world, visitor), password=PASSWORD)
    first = visitor.browser.get_cookie(name, path=f"/{pool_id}")
    assert first is not None
    assert first.value != planted
    visitor.begin().submit(username=known(world, visitor), password=PASSWORD)
    second = visitor.browser.get_cookie(name, path=f"/{pool_id}")
    assert second is not None
    assert second.value != first.value
    thief = world.visitor(visitor.client)
    thief.browser.set_cookie(name, first.value, path=f"/{pool_id}")
    assert thief.open("/whoami").response.json == {"sub": None}


def test_cookies_are_out_of_reach_of_scripts_of_other_sites_and_of_other_pools(world: World, visitor: Visitor) -> None:
    visitor.begin()
    pool_id = visitor.client.pool.id
    cookie = visitor.browser.get_cookie(f"poolhouse-browser-{pool_id}", path=f"/{pool_id}")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site, cookie.path) == (True, "Lax", f"/{pool_id}")


def test_over_https_cookies_demand_https_by_their_very_name(world: World, visitor: Visitor) -> None:
    pool = visitor.client.pool
    query = {"client_id": visitor.client.id, "redirect_uri": "https://app.example.com/callback"}
    path = f"/{pool.id}/oauth2/authorize"
    by_path = visitor.browser.get(path, base_url="https://localhost", query_string=query)
    header = by_path.headers["Set-Cookie"]
    assert header.startswith(f"__Secure-poolhouse-browser-{pool.id}=")
    assert "Secure" in header


def test_on_a_host_of_its_own_a_pool_takes_cookies_from_nobody_else(
    databases: Databases, engine: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from poolhouse.user_pools import domains

    with serving(databases.make(engine), tmp_path_factory.mktemp("hosts"), domain_suffix="auth.example.com") as world:
        visitor = world.visitor(world.client(world.pool()))
        name = "acme" + address()[4:12]
        with unit.open(world.rt, write=True):
            domains.create(visitor.client.pool.id, name, {})
        base = f"https://{name}.auth.example.com"
        query = {"client_id": visitor.client.id, "redirect_uri": "https://app.example.com/callback"}
        first = visitor.browser.get("/oauth2/authorize", base_url=base, query_string=query)
        assert first.headers["Location"].startswith("/login?request=")
        assert first.headers["Set-Cookie"].startswith(f"__Host-poolhouse-browser-{visitor.client.pool.id}=")
        assert "Path=/;" in first.headers["Set-Cookie"]
        page = visitor.browser.get(first.headers["Location"], base_url=base)
        assert page.status_code == 200
        assert visitor.client.pool.id + "/" not in page.get_data(as_text=True)
        style = Seen(page.get_data(as_text=True))
        assert style.forms[0]["action"] == "/login"


# --- What a page carries --------------------------------------------------------------------


def test_every_page_forbids_frames_outside_requests_caches_and_inline_code(visitor: Visitor) -> None:
    visitor.begin()
    handle = visitor.handle
    paths = [*FORMS, *UPSTREAM, "/signedout", "/error", "/", "/nothing-here"]
    for path in paths:
        visitor.open(path, request=handle)
        headers = visitor.response.headers
        policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'", path
        assert (policy["script-src"], policy["style-src"]) == ("'self'", "'self'")
        assert policy["img-src"] == "'self' data:"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert set(policy["form-action"].split()) <= {"'self'", "https://app.example.com"}
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "://" not in visitor.text.replace("http://www.w3.org/2000/svg", "")
        assert "style=" not in visitor.text
        assert "<script>" not in visitor.text
        assert visitor.seen.lang == "en"


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("https://app.example.com/callback", ["https://app.example.com"]),
        ("https://user@APP.example.com:8443/x?y#z", ["https://app.example.com:8443"]),
        ("http://localhost:3000/cb", ["http://localhost:3000"]),
        ("http://[::1]:3000/cb", ["http:"]),
        ("com.example.app:/cb", ["com.example.app:"]),
        ("https://a.com; script-src */x", ["https:"]),
        ("https://a.com 'unsafe-inline'/x", ["https:"]),
        ("java script:x", []),
        ("", []),
        ("http://[", []),
    ],
)
def test_form_action_names_the_apps_origin_and_lets_nothing_else_into_the_policy(
    address: str, source: list[str]
) -> None:
    assert pages._source(address) == source


def test_files_are_kept_for_good_under_an_address_that_changes_with_them(visitor: Visitor) -> None:
    visitor.begin()
    for name in ("pages.css", "pages.js", "mark.svg", "brand.css"):
        start = visitor.text.index(name)
        path = visitor.text[visitor.text.rindex('"', 0, start) + 1 : start + len(name)]
        answer = visitor.browser.get(path, base_url=HOST)
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["Cache-Control"]
        assert "Set-Cookie" not in answer.headers
    assert visitor.browser.get(f"/{visitor.client.pool.id}/assets/x/views.py", base_url=HOST).status_code == 404
    assert visitor.browser.get("/assets/x/pages.css", base_url=HOST).headers["Cache-Control"] == "no-store"


# --- What comes in --------------------------------------------------------------------


@pytest.mark.parametrize("path", FORMS)
def test_no_field_breaks_a_page_whatever_it_holds(world: World, path: str) -> None:
    schema = [{"Name": n, "Required": True} for n in ("given_name", "birthdate", "phone_number")]
    pool = world.pool(Schema=schema, AliasAttributes=["email"], UsernameAttributes=[])
    visitor = world.visitor(world.client(pool)).begin()
    visitor.open(path, request=visitor.handle)
    fields = list(visitor.seen.inputs) or ["username"]
    handle = visitor.seen.inputs["request"]["value"]
    for name, value in itertools.product(fields, HOSTILE):
        visitor.open(path, request=handle)
        visitor.submit(**{name: value})
        assert visitor.response.status_code in {200, 400, 429}, (name, value[:40])
        assert "<script>alert" not in visitor.text
        assert "<img src=x" not in visitor.text
        assert "49{" not in visitor.text
        assert visitor.response.headers.getlist("Set-Cookie") == [
            c for c in visitor.response.headers.getlist("Set-Cookie") if c.startswith("poolhouse-")
        ]


@pytest.mark.parametrize("path", FORMS)
def test_absent_repeated_and_unreadable_fields_are_refused_in_words(visitor: Visitor, path: str) -> None:
    pool_path = f"/{visitor.client.pool.id}{path}"
    form = visitor.begin().seen.forms[0]["values"]
    handle, csrf = form["request"], form["csrf"]
    twice = {"request": handle, "csrf": csrf, "username": ["a", "b"], "password": ["a", "b"], "code": ["1", "2"]}
    bodies: list[dict[str, Any]] = [
        {"data": {"request": handle, "csrf": csrf}},
        {"data": twice},
        {"data": {"request": [handle, handle], "csrf": csrf}},
        {"data": {"request": handle, "csrf": [csrf, csrf]}},
        {"data": b"\xff\xfe%zz=%00&&&===", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"{}", "content_type": "application/json"},
        {"data": b"--x\r\nbroken", "content_type": "multipart/form-data; boundary=x"},
        {"data": b"", "content_type": "multipart/form-data"},
    ]
    for body in bodies:
        visitor.fetch("POST", pool_path, **body)
        assert visitor.response.status_code in {200, 400}, body
        assert "<h1>" in visitor.text
    visitor.fetch("POST", pool_path, data={"request": handle, "csrf": csrf, "username": "x" * 300_000})
    assert visitor.response.status_code == 413
    for method in ("PUT", "DELETE", "PATCH"):
        assert visitor.fetch(method, pool_path).response.status_code == 405
        assert "cannot be used like that" in visitor.text


@pytest.mark.parametrize("request_handle", ["", "x", "\x00", "<b>", "A" * 43, "A" * 5000, "%ff"])
@pytest.mark.parametrize("path", FORMS)
def test_a_handle_that_is_none_gets_a_page_that_says_what_to_do(
    visitor: Visitor, path: str, request_handle: str
) -> None:
    visitor.open(path, request=request_handle)
    assert visitor.response.status_code == 400
    assert "Go back to the app" in visitor.text
    visitor.open(path, request=[request_handle, request_handle])
    assert visitor.response.status_code == 400


def test_opened_with_an_apps_own_parameters_a_page_begins_at_authorize(world: World, visitor: Visitor) -> None:
    pool_id = visitor.client.pool.id
    odd = "client_id=c&redirect_uri=https%3A%2F%2Fa%2F%3Fb%3D1%26c&scope=a+b&x=%0d%0aA:b&x=2&request=j.w.t"
    answer = visitor.browser.get(f"/{pool_id}/signup?{odd}", base_url=HOST)
    assert answer.status_code == 303
    location = answer.headers["Location"]
    assert location.startswith(f"/{pool_id}/oauth2/authorize?client_id=c&redirect_uri=https%3A%2F%2Fa%2F%3Fb%3D1%26c")
    assert location.endswith("x=%0D%0AA%3Ab&x=2&request=j.w.t&screen_hint=signup")
    query = {"client_id": visitor.client.id, "redirect_uri": "https://app.example.com/callback"}
    assert visitor.open("/login", **query).page == "/login"
    assert visitor.seen.forms
    assert visitor.open("/signup", **query).page == "/signup"
    assert visitor.open("/forgotPassword", **query).page == "/forgotPassword"
    assert visitor.open("/confirmUser", **query).page == "/login"


def test_opened_with_nothing_a_page_says_where_to_begin(visitor: Visitor) -> None:
    assert "needs an app to sign in to" in visitor.open("/login").text
    assert visitor.response.status_code == 400


def test_the_error_page_says_only_what_it_knows(visitor: Visitor) -> None:
    visitor.open("/error", error="redirect_mismatch", error_description="Call +1 900 now")
    assert "redirect_uri" in visitor.text
    assert "900" not in visitor.text
    visitor.open("/error", error="<b>owned</b>")
    assert "owned" not in visitor.text
    assert visitor.response.status_code == 400


def test_a_notice_in_the_address_is_one_of_ours_or_none(visitor: Visitor) -> None:
    handle = visitor.begin().handle
    visitor.open("/login", request=handle, said="Your account was hacked")
    assert "hacked" not in visitor.text
    visitor.open("/login", request=handle, said="password_reset")
    assert 'role="status"' in visitor.text


def test_a_deleted_client_ends_its_journeys(world: World, visitor: Visitor) -> None:
    from poolhouse.user_pools import clients

    handle = visitor.begin().handle
    with unit.open(world.rt, write=True):
        clients.remove(visitor.client.pool.id, visitor.client.id)
    assert visitor.open("/login", request=handle).response.status_code == 400


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(FORMS),
    fields=st.lists(
        st.tuples(
            st.sampled_from(["csrf", "request", "username", "password", "code", "choice", "attribute.email"]),
            st.text(max_size=40),
        ),
        max_size=6,
    ),
    genuine=st.booleans(),
)
def test_no_generated_form_is_an_error_of_ours(
    visitor: Visitor, path: str, fields: list[tuple[str, str]], genuine: bool
) -> None:
    data: dict[str, list[str]] = {}
    for name, value in fields:
        data.setdefault(name, []).append(value.encode("utf-8", "replace").decode())
    if genuine:
        shown = visitor.begin().seen.forms[0]["values"]
        data |= {"csrf": [shown["csrf"]], "request": [shown["request"]]}
    visitor.fetch("POST", f"/{visitor.client.pool.id}{path}", data=data)
    assert visitor.response.status_code in {200, 302, 400, 429}


# --- The development mailbox and the landing page --------------------------------------------------------------------


def test_the_mailbox_shows_the_newest_first_and_the_json_the_oldest(world: World, visitor: Visitor) -> None:
    first, second = address(), address()
    visitor.sign_up(first)
    visitor.sign_up(second)
    page = visitor.fetch("GET", "/dev/mailbox").text
    assert 0 < page.index(second) < page.index(first)
    listed = visitor.fetch("GET", "/dev/mailbox.json").response.json
    assert [m["to"] for m in listed][-2:] == [first, second]
    assert set(listed[-1]) == {"to", "subject", "text", "html", "sent_at"}
    assert visitor.response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/dev/mailbox", "/dev/mailbox.json"])
def test_the_mailbox_is_for_this_machine_alone_and_by_its_own_name(visitor: Visitor, path: str) -> None:
    def ask(host: str, remote: str) -> int:
        return visitor.browser.get(path, base_url=f"http://{host}", environ_base={"REMOTE_ADDR": remote}).status_code

    assert ask("localhost:8080", "127.0.0.1") == 200
    assert ask("[::1]:8080", "::1") == 200
    assert ask("localhost:8080", "192.0.2.7") == 404
    assert ask("rebound.example.com", "127.0.0.1") == 404, "DNS rebinding"
    assert ask("127.0.0.1.nip.example", "127.0.0.1") == 404


def test_there_is_no_mailbox_where_mail_is_really_sent(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with serving(
        databases.make("sqlite"), tmp_path_factory.mktemp("sending"), smtp_url="smtp://localhost:2525"
    ) as world:
        browser = world.visitor(world.client(world.pool())).browser
        assert browser.get("/dev/mailbox", base_url=HOST).status_code == 404
        assert "/dev/mailbox" not in browser.get("/", base_url=HOST).get_data(as_text=True)


def test_the_landing_page_says_what_this_is_and_gives_nothing_away(world: World, visitor: Visitor) -> None:
    page = visitor.fetch("GET", "/")
    assert page.response.status_code == 200
    assert "Poolhouse is running" in page.text
    assert visitor.client.pool.id not in page.text
    assert "Set-Cookie" not in page.response.headers
    front = visitor.open("/")
    assert "Sign-in for Northwind" in front.text
    assert visitor.fetch("GET", "/us-east-1_Nobody000/login").response.status_code == 404
    assert visitor.fetch("GET", "/nothing").response.status_code == 404


# --- Words and colours --------------------------------------------------------------------


def test_every_catalogue_has_only_sentences_of_the_english_one_with_the_same_places_to_fill_in() -> None:
    from string import Formatter

    for language, catalogue in CATALOGUES.items():
        for key, sentence in catalogue.items():
            places = {name for _, name, _, _ in Formatter().parse(sentence)}
            assert places <= {name for _, name, _, _ in Formatter().parse(ENGLISH[key])}, (language, key)


def test_every_notice_and_oauth_error_has_its_sentence() -> None:
    from poolhouse.web.hosted import visit

    words = Words("en")
    assert all(words.knows("notice." + name) for name in visit._NOTICES)
    assert all(words.knows("oauth." + name) for name in views._OAUTH_ERRORS)


@pytest.mark.parametrize("asked", ["de fr", "xx-YY", "en-GB", "\x00", "", "a" * 3000])
def test_a_language_that_is_not_there_is_answered_in_english(visitor: Visitor, asked: str) -> None:
    assert visitor.begin(ui_locales=asked, lang=asked).seen.lang == "en"


def test_a_translation_is_used_where_it_is_asked_for(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    from poolhouse.web.hosted import words

    monkeypatch.setattr(words, "CATALOGUES", {"en": ENGLISH, "de": {"login.task": "Anmelden"}})
    visitor.begin(ui_locales="fr de-AT en")
    assert visitor.seen.lang == "de"
    assert "<h1>Anmelden</h1>" in visitor.text
    assert "Forgot your password?" in visitor.text


@pytest.mark.parametrize("colour", ["#ffffff", "#000000", "#ffff00", "#808080", "#ff0000", "#0f6f86", "#7f7fff"])
def test_any_accent_can_be_read_in_light_and_in_dark(world: World, colour: str) -> None:
    chosen = brand._parse(colour)
    for ground in (brand._PAPER, brand._NIGHT):
        readable = brand._readable(chosen, ground)
        assert brand._contrast(readable, ground) >= 4.5
        assert brand._contrast(readable, brand._parse(brand._text_on(readable))) >= 4.5


def test_an_accent_that_is_no_colour_never_reaches_the_style_sheet(world: World) -> None:
    from dataclasses import replace

    with unit.open(world.rt):
        pool = lookup.pool(world.pool().id)
    hostile = replace(pool, settings={**pool.settings, "Poolhouse": {"accent": "#fff}body{display:none"}})
    assert brand.accent(hostile) == brand.DEFAULT
