"""Start the demo server and the examples as child processes, and end them all on Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from clients.examples import demo

BIN = Path(sys.executable).parent
PATIENCE = 60.0


class Children:
    """The processes that were started, by name; all of them end when one does."""

    def __init__(self) -> None:
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: list[str], environ: Mapping[str, str] | None = None) -> None:
        # A session of their own: Ctrl-C reaches this program alone, which then ends them in order.
        self.running[name] = subprocess.Popen(command, env={**os.environ, **(environ or {})}, start_new_session=True)

    def ended(self) -> str | None:
        """The name of one that is no longer running."""
        return next((name for name, child in self.running.items() if child.poll() is not None), None)

    def stop(self) -> None:
        """The last one started ends first, so that nobody asks a server that has gone."""
        for child in reversed(self.running.values()):
            if child.poll() is None:
                child.terminate()
        for child in self.running.values():
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


class Ended(Exception):
    """One of the processes ended by itself."""


def wait_for(children: Children, url: str, began: float) -> None:
    """Until somebody answers there. Raises Ended, TimeoutError."""
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError, ValueError):
            pass
        if name := children.ended():
            raise Ended(name)
        if time.monotonic() - began > PATIENCE:
            raise TimeoutError(f"Nothing answered at {url} within {PATIENCE:.0f} seconds.")
        time.sleep(0.2)


def already_running() -> bool:
    """Whether the demo was started elsewhere (`make run`): then the examples join it."""
    try:
        where = str(json.loads(demo.path().read_text())["issuer"])
        with urlopen(where + "/.well-known/openid-configuration", timeout=5):
            return True
    except (OSError, ValueError, KeyError):
        return False


def issuer(children: Children, began: float) -> str:
    """The demo pool's issuer, once the demo has written down what it made. Raises Ended, TimeoutError."""
    while True:
        try:
            return str(json.loads(demo.path().read_text())["issuer"])
        except (OSError, ValueError, KeyError):
            pass
        if name := children.ended():
            raise Ended(name)
        if time.monotonic() - began > PATIENCE:
            raise TimeoutError(f"The demo did not write {demo.path()} within {PATIENCE:.0f} seconds.")
        time.sleep(0.2)


def application(name: str, url: str) -> list[str]:
    """granian serving one of the examples: as an app of your own would be served."""
    port = str(urlsplit(url).port or 80)
    factory = f"clients.examples.{name}.app:create_app"
    command = [str(BIN / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", port, "--no-ws"]
    return [*command, "--log-level", "warning", "--factory", factory]


def main() -> None:
    """Run until Ctrl-C (exit 0), or until one of them ends (exit 1)."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    children, began = Children(), time.monotonic()
    webapp, api = (os.environ.get("WEBAPP_URL", demo.WEBAPP_URL), os.environ.get("WEBAPP_API", demo.API_URL))
    photos = os.environ.get("PHOTOS_URL", demo.PHOTOS_URL)
    try:
        if not already_running():
            children.start("the demo server", [str(BIN / "poolhouse"), "demo"])
        wait_for(children, issuer(children, began) + "/.well-known/openid-configuration", began)
        children.start("the API", application("api", api))
        children.start("the web app", application("webapp", webapp))
        children.start("photos", application("photos", photos))
        for url in (api, webapp, photos):
            wait_for(children, url, began)
        print(f"\n  The web app:  {webapp}\n  The API:      {api}\n  Photos:       {photos}")
        print("  Ctrl-C ends everything.\n", flush=True)
        while (name := children.ended()) is None:
            time.sleep(0.3)
        raise Ended(name)
    except KeyboardInterrupt:
        print("\nEnding the examples.", flush=True)
    except Ended as ended:
        sys.exit(f"It ended by itself: {ended}. What it said stands above.")
    except TimeoutError as error:
        sys.exit(str(error))
    finally:
        children.stop()


if __name__ == "__main__":
    main()
