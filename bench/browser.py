"""A browser without a screen: cookies, redirects and plain HTML forms, which is all that the hosted pages ask for."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

REDIRECTS = {301, 302, 303, 307, 308}


@dataclass
class Form:
    """A form as the page has it: where it goes, and the values it would send untouched."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.refresh = ""
        self._open: Form | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._silent += 1
        elif tag == "meta" and got.get("http-equiv", "").lower() == "refresh":
            self.refresh = got.get("content", "").partition("url=")[2].strip()
        elif tag == "a" and "href" in got:
            self.links.append(got["href"])
        elif tag == "form":
            self._open = Form(got.get("action", ""), got.get("method", "get").lower())
            self.forms.append(self._open)
        elif tag in ("input", "button", "textarea", "select") and self._open is not None:
            self._field(self._open, tag, got)

    def _field(self, form: Form, tag: str, got: dict[str, str]) -> None:
        name, kind = got.get("name", ""), got.get("type", "submit" if tag == "button" else "text").lower()
        if kind in ("submit", "image"):
            form.buttons.append((name, got.get("value", "")))
        elif kind in ("checkbox", "radio"):
            form.kinds.setdefault(name, kind)
            if name and "checked" in got:
                form.values[name] = got.get("value", "on")
        elif name and kind not in ("button", "reset", "file"):
            form.kinds[name] = kind
            form.values[name] = got.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag in ("script", "style"):
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.text.append(" ".join(data.split()))


class Page:
    """What the browser shows: an address, and the page read; or an address outside, which it did not visit."""

    def __init__(self, browser: "Browser", url: str, status: int, body: str) -> None:
        self.browser, self.url, self.status, self.body = browser, url, status, body
        reader = _Reader()
        reader.feed(body)
        self.forms, self.links, self.text = reader.forms, reader.links, " ".join(reader.text)
        self.refresh = reader.refresh

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.url).query).items()}

    def form(self, *fields: str) -> Form:
        """The first form that has all these fields, by name or by type ("password")."""
        for form in self.forms:
            if all(name in form.values or name in form.kinds or name in form.kinds.values() for name in fields):
                return form
        raise AssertionError(f"no form with {fields} at {self.url} ({self.status}): {self.text[:600]}")

    def submit(self, **fields: str) -> "Page":
        """Fill in the form that has these fields, and send it."""
        form = self.form(*fields)
        values = dict(form.values)
        for name, value in fields.items():
            values[name if name in form.kinds else _named(form, name)] = value
        if form.buttons and form.buttons[0][0]:
            values.setdefault(*form.buttons[0])
        target = urljoin(self.url, form.action or self.url)
        if form.method == "post":
            return self.browser.visit("POST", target, values, referrer=self.url)
        return self.browser.visit("GET", target, values)

    def follow(self, part: str) -> "Page":
        """Go where the first link leads whose address has this part."""
        for link in self.links:
            if part in link:
                return self.browser.visit("GET", urljoin(self.url, link))
        raise AssertionError(f"no link with {part!r} at {self.url}: {self.links}")


def _named(form: Form, kind: str) -> str:
    return next(name for name, this in form.kinds.items() if this == kind)


class Browser:
    """One person's browser: it keeps cookies, and stops before an address outside the origins it was given."""

    def __init__(self, *origins: str) -> None:
        self.origins = origins
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, url: str) -> Page:
        return self.visit("GET", url)

    def visit(self, method: str, url: str, values: dict[str, str] | None = None, referrer: str = "") -> Page:
        """Go there, and on wherever redirects and pages that refresh to another address lead."""
        for _ in range(20):
            got = self._ask(method, url, values, referrer)
            page = Page(self, got.url, got.status_code, got.text)
            following = got.headers.get("location") if got.status_code in REDIRECTS else page.refresh
            if not following:
                return page
            url = urljoin(got.url, following)
            if "{0.scheme}://{0.netloc}".format(urlsplit(url)) not in self.origins:
                return Page(self, url, got.status_code, "")
            if got.status_code not in (307, 308):
                method, values = "GET", None
        raise AssertionError(f"too many redirects, last to {url}")

    def _ask(self, method: str, url: str, values: dict[str, str] | None, referrer: str) -> requests.Response:
        headers = {"Accept": "text/html", "User-Agent": "bench-browser/1"}
        headers |= {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        if method == "POST":
            headers |= {"Origin": "{0.scheme}://{0.netloc}".format(urlsplit(referrer)), "Referer": referrer}
            headers |= {"Sec-Fetch-Site": "same-origin"}
            return self.session.post(url, values, headers=headers, allow_redirects=False, timeout=30)
        return self.session.get(url, params=values, headers=headers, allow_redirects=False, timeout=30)

    def cookies(self) -> str:
        """The Cookie header that goes with every request to the first origin."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.session.cookies)
