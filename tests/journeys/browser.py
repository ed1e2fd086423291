"""Somebody at a headless Chromium, and the app that sent them: what the browser tests share."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from poolhouse.user_pools.snapshots import Client

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium, to drive Chromium")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT = 15


@contextmanager
def chromium(profile: Path) -> Iterator[Any]:
    """A browser with a profile of its own; the test is skipped where there is none."""
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_window_size(1280, 800)
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def app(*, then: str = "") -> Iterator[str]:
    """Somebody's app on an origin of its own; its callback moves on to ``then``, as back ends of one-page apps do."""

    class App(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            moving = bool(then) and self.path.startswith("/callback")
            self.send_response(302 if moving else 200)
            self.send_header("Content-Type", "text/html")
            if moving:
                self.send_header("Location", then)
            self.end_headers()
            self.wfile.write(b"<title>App</title><h1>Welcome to the app</h1>")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *arguments: object) -> None:
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{listening.server_port}/callback"
    finally:
        listening.shutdown()
        thread.join(10)
        listening.server_close()


class Person:
    """Somebody at the browser."""

    def __init__(self, driver: Any, server: str, client: Client) -> None:
        self.driver, self.server, self.client = driver, server, client

    def begin(self, **parameters: str) -> Person:
        given = {"client_id": self.client.id, "response_type": "code", "redirect_uri": self.client.callback_urls[0]}
        self.driver.get(f"{self.server}/{self.client.pool.id}/oauth2/authorize?{urlencode(given | parameters)}")
        return self

    def enter(self, **values: str) -> Person:
        for name, value in values.items():
            field = self.driver.find_element(By.NAME, name)
            field.clear()
            field.send_keys(value)
        return self

    def press(self, selector: str = "button.primary") -> Person:
        before = self.driver.find_element(By.TAG_NAME, "html")
        self.driver.find_element(By.CSS_SELECTOR, selector).click()
        self.wait(lambda: before.id != self.driver.find_element(By.TAG_NAME, "html").id)
        return self

    def wait(self, done: Callable[[], Any]) -> Any:
        from selenium.common.exceptions import WebDriverException

        return WebDriverWait(self.driver, WAIT, 0.05, ignored_exceptions=(WebDriverException,)).until(lambda _: done())

    def arrive(self) -> str:
        """Wait until the app has the browser; the address it came with."""
        self.wait(lambda: self.heading == "Welcome to the app")
        return str(self.driver.current_url)

    @property
    def heading(self) -> str:
        return str(self.driver.find_element(By.TAG_NAME, "h1").text)

    @property
    def alerts(self) -> list[str]:
        return [e.text for e in self.driver.find_elements(By.CSS_SELECTOR, "[role=alert]")]

    @property
    def focused(self) -> str:
        return str(self.driver.switch_to.active_element.get_attribute("name"))

    def complaints(self) -> list[str]:
        """What the browser itself held against the pages since it was last asked: broken policies, lost files."""
        noise = ("favicon.ico", "the server responded with a status of 4")
        logged = [entry["message"] for entry in self.driver.get_log("browser")]
        return [line for line in logged if not any(part in line for part in noise)]
