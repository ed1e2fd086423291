"""The hosted pages in a real browser: whole stories by keyboard and mouse, and what only browsers enforce."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pyotp
import pytest
from selenium.webdriver.common.keys import Keys

from poolhouse.account import administer
from poolhouse.core import clock, unit
from poolhouse.user_pools.snapshots import Pool
from tests.conftest import Databases
from tests.fronts.hosted_pages import NEW_PASSWORD, PASSWORD, World, address, serving
from tests.journeys.browser import By, Person, app, chromium

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture(scope="module")
def world(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with serving(databases.make("sqlite"), tmp_path_factory.mktemp("browser")) as world:
        yield world


@pytest.fixture(scope="module")
def server(world: World) -> Iterator[str]:
    with world.listening() as url:
        yield url


@pytest.fixture(scope="module")
def callback() -> Iterator[str]:
    with app() as url:
        yield url


@pytest.fixture
def person(world: World, driver: Any, server: str, callback: str) -> Person:
    driver.delete_all_cookies()
    driver.get_log("browser")
    return Person(driver, server, world.client(world.pool(), callback))


def known(world: World, pool: Pool, *, permanent: bool = True) -> str:
    name = address()
    with unit.open(world.rt):
        values = {"email": name, "email_verified": "true"}
        administer.invite(pool, name, values, temporary_password=PASSWORD, silent=True)
        if permanent:
            administer.set_password(pool, name, PASSWORD, permanent=True)
    return name


# --- Stories --------------------------------------------------------------------------------------------------------


def test_from_the_app_through_sign_up_and_the_mailed_code_back_to_the_app(
    world: World, person: Person, server: str
) -> None:
    ann = address()
    person.begin()
    assert person.heading == "Sign in"
    person.press(".below a")
    assert person.heading == "Create your account"
    person.enter(username=ann, password=PASSWORD).press()
    assert person.heading == "Confirm your account"
    assert person.focused == "code"
    here = person.driver.current_window_handle
    person.driver.switch_to.new_window("tab")
    person.driver.get(f"{server}/dev/mailbox")
    newest = person.driver.find_element(By.CSS_SELECTOR, ".mails li").text
    person.driver.close()
    person.driver.switch_to.window(here)
    assert ann in newest
    code = world.code_for(ann)
    assert code in newest
    person.enter(code=code).press()
    assert "code=one" in person.arrive()
    assert person.complaints() == []


def test_sign_in_by_keyboard_alone(world: World, person: Person) -> None:
    ann = known(world, person.client.pool)
    person.begin()
    assert person.focused == "username"
    person.driver.switch_to.active_element.send_keys(ann, Keys.TAB)
    assert person.focused == "password"
    person.driver.switch_to.active_element.send_keys("wrong", Keys.ENTER)
    person.wait(lambda: person.alerts)
    assert person.alerts == ["The email address or password is not right. Check both, or reset your password."]
    assert person.focused == "password", "the name is still there; the password is what to type again"
    person.driver.switch_to.active_element.send_keys(PASSWORD, Keys.ENTER)
    person.arrive()
    assert person.complaints() == []


def test_the_focus_goes_to_the_first_field_that_is_wrong(person: Person) -> None:
    person.begin(screen_hint="signup").enter(username="no address", password=PASSWORD).press()
    field = person.driver.switch_to.active_element
    assert field.get_attribute("name") == "username"
    assert field.get_attribute("aria-invalid") == "true"
    described = str(field.get_attribute("aria-describedby")).split()
    assert person.driver.find_element(By.ID, described[0]).text == person.alerts[0]


def test_a_forgotten_password(world: World, person: Person) -> None:
    ann = known(world, person.client.pool)
    person.begin(login_hint=ann).press(".beside a")
    assert person.heading == "Reset your password"
    person.press()
    person.enter(code=world.code_for(ann), password=NEW_PASSWORD).press()
    assert "Your password is changed" in person.driver.find_element(By.CSS_SELECTOR, "[role=status]").text
    person.enter(password=NEW_PASSWORD).press()
    person.arrive()


def test_a_temporary_password_then_totp_set_up_then_totp_asked_for(
    world: World, driver: Any, server: str, callback: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.delete_all_cookies()
    person = Person(driver, server, world.client(world.pool(totp=True, mfa="ON"), callback))
    ann = known(world, person.client.pool, permanent=False)
    person.begin().enter(username=ann, password=PASSWORD).press()
    assert person.heading == "Choose a new password"
    person.enter(password=NEW_PASSWORD)
    met = driver.find_elements(By.CSS_SELECTOR, ".policy li.met")
    assert len(met) == len(driver.find_elements(By.CSS_SELECTOR, ".policy li"))
    person.press()
    assert person.heading == "Set up two-step sign-in"
    picture = driver.find_element(By.CSS_SELECTOR, "img.qr")
    assert driver.execute_script("return arguments[0].naturalWidth", picture) > 100, "the policy lets the picture in"
    totp = pyotp.TOTP(driver.find_element(By.ID, "secret").text.replace(" ", ""))
    person.enter(code=totp.at(clock.timestamp())).press()
    assert "amr=pwd" in person.arrive()

    driver.delete_all_cookies()
    person.begin().enter(username=ann, password=NEW_PASSWORD).press()
    assert person.heading == "Enter your code"
    stamp, now = clock.timestamp, clock.now
    monkeypatch.setattr(clock, "timestamp", lambda: stamp() + 30)
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(seconds=30))
    field = driver.find_element(By.NAME, "code")
    assert (field.get_attribute("inputmode"), field.get_attribute("autocomplete")) == ("numeric", "one-time-code")
    person.enter(code=totp.at(clock.timestamp())).press()
    person.arrive()
    assert person.complaints() == []


def test_back_from_the_app_leads_on_and_not_into_a_dead_form(world: World, person: Person) -> None:
    person.begin().enter(username=known(world, person.client.pool), password=PASSWORD).press()
    person.arrive()
    person.driver.back()
    person.wait(lambda: person.heading in {"You have already signed in", "Welcome to the app"})


def test_back_from_the_code_to_the_password_and_on_again(world: World, driver: Any, server: str, callback: str) -> None:
    driver.delete_all_cookies()
    person = Person(driver, server, world.client(world.pool(totp=True, mfa="ON"), callback))
    ann = known(world, person.client.pool)
    person.begin().enter(username=ann, password=PASSWORD).press()
    assert person.heading == "Set up two-step sign-in"
    driver.back()
    person.wait(lambda: person.heading == "Sign in")
    person.enter(username=ann, password=PASSWORD).press()
    assert person.heading == "Set up two-step sign-in"


def test_two_tabs_sign_in_side_by_side(world: World, person: Person) -> None:
    ann = known(world, person.client.pool)
    person.begin()
    first = person.driver.current_window_handle
    person.driver.switch_to.new_window("tab")
    person.begin().enter(username=ann, password=PASSWORD).press()
    person.arrive()
    person.driver.close()
    person.driver.switch_to.window(first)
    person.enter(username=ann, password=PASSWORD).press()
    person.arrive()


# --- What only browsers enforce ------------------------------------------------------------------------------------


def test_an_app_that_moves_on_to_another_origin_is_reached_all_the_same(world: World, driver: Any, server: str) -> None:
    with app() as home, app(then=home.replace("/callback", "/home")) as callback:
        assert urlsplit(home).netloc != urlsplit(callback).netloc
        driver.delete_all_cookies()
        driver.get_log("browser")
        person = Person(driver, server, world.client(world.pool(), callback))
        person.begin().enter(username=known(world, person.client.pool), password=PASSWORD).press()
        assert person.arrive() == home.replace("/callback", "/home")
        assert person.complaints() == [], "Chrome applies form-action to every redirect that follows a form"


def test_a_browser_that_does_not_say_how_it_navigates_gets_to_the_app_by_redirect(
    world: World, driver: Any, server: str, callback: str
) -> None:
    """Over plain http to another machine Chrome sends no Sec-Fetch headers: form-action has to name the app."""
    driver.delete_all_cookies()
    driver.get_log("browser")
    person = Person(driver, server, world.client(world.pool(), callback))
    ann = known(world, person.client.pool)
    with _without_sec_fetch(world):
        person.begin().enter(username=ann, password=PASSWORD).press()
        assert "code=one" in person.arrive()
    assert person.complaints() == []


@contextmanager
def _without_sec_fetch(world: World) -> Iterator[None]:
    """The server as it hears browsers that send none of these headers."""
    door = world.application.__class__
    served = door.__call__

    def deaf(self: Any, environ: Any, start_response: Any) -> Any:
        environ.pop("HTTP_SEC_FETCH_MODE", None)
        return served(self, environ, start_response)

    door.__call__ = deaf
    try:
        yield
    finally:
        door.__call__ = served


def test_without_javascript_everything_works_too(world: World, person: Person) -> None:
    person.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        ann = address()
        person.begin(screen_hint="signup")
        assert not person.driver.find_element(By.CSS_SELECTOR, "button.reveal").is_displayed()
        person.enter(username=ann, password=PASSWORD).press()
        person.enter(code=world.code_for(ann)).press()
        person.arrive()
    finally:
        person.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_password_can_be_shown_and_is_hidden_again_when_it_is_sent(person: Person) -> None:
    person.begin()
    field = person.driver.find_element(By.NAME, "password")
    button = person.driver.find_element(By.CSS_SELECTOR, "button.reveal")
    assert (button.accessible_name, button.get_attribute("aria-pressed")) == ("Show password", "false")
    button.click()
    assert field.get_attribute("type") == "text"
    assert button.accessible_name == "Hide password"
    person.driver.execute_script("document.forms[0].addEventListener('submit', e => e.preventDefault())")
    field.send_keys("secret", Keys.ENTER)
    assert field.get_attribute("type") == "password"


def test_a_form_is_sent_once_however_often_it_is_pressed(world: World, person: Person) -> None:
    ann = address()
    person.begin(screen_hint="signup").enter(username=ann, password=PASSWORD)
    person.driver.execute_script("const b = document.querySelector('button.primary'); b.click(); b.click(); b.click()")
    person.wait(lambda: person.heading == "Confirm your account")
    assert len([mail for mail in world.mails() if mail["to"] == ann]) == 1


def test_the_pages_ask_nothing_of_anybody_else(world: World, person: Person) -> None:
    person.begin(screen_hint="signup")
    asked = person.driver.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert len(asked) >= 3
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(person.server).netloc}


def test_a_page_cannot_be_framed(person: Person, callback: str) -> None:
    person.begin()
    login = person.driver.current_url
    person.driver.get(callback)
    person.driver.get_log("browser")
    person.driver.execute_script(
        "const f = document.createElement('iframe'); f.src = arguments[0];document.body.append(f)", login
    )
    person.wait(lambda: any("frame-ancestors" in line for line in person.complaints()))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_pages_fit_every_width_and_can_be_read_in_light_and_dark(
    world: World, person: Person, width: int, scheme: str
) -> None:
    driver = person.driver
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        for hint in ("", "signup", "forgotPassword"):
            person.begin(screen_hint=hint)
            wide = driver.execute_script("return document.documentElement.scrollWidth > innerWidth")
            assert not wide, hint
            assert driver.execute_script(_LEAST_CONTRAST) >= 4.5, hint
            small = driver.execute_script(
                "return [...document.querySelectorAll('button:not([hidden]),input:not([type=hidden])')]"
                ".map(e => e.getBoundingClientRect().height).filter(h => h && h < 40)"
            )
            assert small == [], "a thumb needs room"
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


# WCAG 2.2, 1.4.3: the least contrast of any text with the ground it stands on (plain colours; tints count as solid).
_LEAST_CONTRAST = """
const parse = c => { const m = c.match(/[\\d.]+/g).map(Number);
  return c.startsWith('color(') ? [...m.slice(0, 3).map(v => v * 255), m[3] ?? 1] : [...m.slice(0, 3), m[3] ?? 1]; };
const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
const ground = e => { const layers = [];
  for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); layers.push(c);
    if (c[3] === 1) break; }
  return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]); };
const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
const light = c => { const [r, g, b] = c.map(v => linear(v / 255));
  return .2126 * r + .7152 * g + .0722 * b; };
const least = [21];
for (const e of document.querySelectorAll('h1,p,li,label,a,button,span,footer')) {
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
  if (e.matches('.skip')) continue;
  const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))];
  least.push((Math.max(a, b) + .05) / (Math.min(a, b) + .05));
}
return Math.min(...least);
"""


def test_a_screen_reader_finds_a_name_for_every_field_and_a_way_past_the_heading(person: Person) -> None:
    person.begin(screen_hint="signup")
    for field in person.driver.find_elements(By.CSS_SELECTOR, "input:not([type=hidden])"):
        assert field.accessible_name.strip(), field.get_attribute("name")
    assert len(person.driver.find_elements(By.TAG_NAME, "h1")) == 1
    assert len(person.driver.find_elements(By.TAG_NAME, "main")) == 1
    skip = person.driver.find_element(By.CSS_SELECTOR, "a.skip")
    assert str(skip.get_attribute("href")).endswith("#main")
    assert "Northwind" in person.driver.title
