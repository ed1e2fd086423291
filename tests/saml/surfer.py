"""A browser without a screen that goes between parties: follows redirects, posts on forms that post themselves."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests

from tests.oidc import _Forms

_MESSAGES = {"SAMLRequest", "SAMLResponse"}
_POSTS_ITSELF = ("document.forms[0].submit()", "data-posts-itself")
_REFRESH = re.compile(r'<meta http-equiv="refresh" content="0; ?url=([^"]+)"')


@dataclass(frozen=True)
class Step:
    """One request of the way, and what it was answered with."""

    method: str
    url: str
    status: int
    form: Mapping[str, str] | None


class Surfer:
    """Somebody's browser: cookies by host, no JavaScript, forms posted on that post themselves, real HTTP to localhost.

    It stops before any address that is not on this machine (an app's callback), or that ``halt`` is part of: ``left``
    is then what it was given.
    """

    def __init__(self) -> None:
        self.http = requests.Session()
        self.http.trust_env = False
        self.way: list[Step] = []
        self.url, self.status, self.text = "", 0, ""
        self.left: dict[str, str] | None = None
        self.halt: str | None = None

    def go(self, url: str, form: Mapping[str, str] | None = None) -> Surfer:
        """Open ``url``, with ``form`` by POST, and follow where it leads."""
        url = urljoin(self.url, url)
        self.left = None
        for _ in range(20):
            parts = urlsplit(url)
            if parts.hostname not in {"localhost", "127.0.0.1"} or (self.halt and self.halt in url):
                self.left = dict(form) if form is not None else dict(parse_qsl(parts.query, keep_blank_values=True))
                self.url, self.text, self.status = url, "", 0
                return self
            with self.http.request(
                "GET" if form is None else "POST", url, data=form, allow_redirects=False, timeout=30
            ) as answer:
                self.url, self.status, self.text = url, answer.status_code, answer.text
            self.way.append(Step("GET" if form is None else "POST", url, self.status, form))
            if self.status in {301, 302, 303, 307, 308}:
                form = form if self.status in {307, 308} else None
                url = urljoin(url, answer.headers["Location"])
                continue
            if refreshed := _REFRESH.search(self.text):
                url, form = urljoin(url, html.unescape(refreshed[1])), None
                continue
            itself = any(sign in self.text for sign in _POSTS_ITSELF)
            first = next((f for f in self.forms if itself or _MESSAGES & set(f["fields"])), None)
            if first is None:
                return self
            url, form = urljoin(url, first["action"]), first["fields"]
        raise AssertionError(f"redirected for ever: {[step.url for step in self.way]}")

    @property
    def forms(self) -> list[dict[str, Any]]:
        return _Forms(self.text).forms

    @property
    def links(self) -> list[str]:
        return [html.unescape(link) for link in re.findall(r'<a [^>]*href="([^"]+)"', self.text)]

    def press(self, kind: str) -> Surfer:
        """Follow the link of that class: ``primary``, ``secondary``."""
        found = re.search(rf'<a class="{kind}" href="([^"]+)"', self.text)
        assert found, f"no {kind} link at {self.url}: {self.text[-1500:]}"
        return self.go(html.unescape(found[1]))

    def submit(self, **values: str) -> Surfer:
        """Send the first form that has these fields, with ``values`` filled in (``do="no"`` presses that button)."""
        form = next((f for f in self.forms if set(values) - {"do"} <= set(f["fields"])), None)
        assert form is not None, f"no form with {sorted(values)}, but {self.status} at {self.url}: {self.text[:2000]}"
        return self.go(urljoin(self.url, form["action"] or self.url), {**form["fields"], **values})
