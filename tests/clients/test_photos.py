"""The photos example: own folders, an editor who publishes, a guest with a list; and the page that says why."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from clients.examples.photos.app import create_app, policies
from poolhouse_client import Verifier
from poolhouse_client.flask import FlaskGuard
from tests.fronts.authzen import Guarded, shared
from tests.oidc import Browser
from tests.world import ClientInWorld, Person

__all__ = ["shared"]
PHOTOS_URL = "http://localhost:8083"
JPEG = b"\xff\xd8\xff\xe0 a photo"
Ask = Callable[..., TestResponse]


@pytest.fixture(scope="module")
def web(shared: Guarded) -> ClientInWorld:
    """What the example's page signs people in with."""
    return shared.pool.client(
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid", "email"],
        CallbackURLs=[f"{PHOTOS_URL}/callback"],
        LogoutURLs=[f"{PHOTOS_URL}/"],
        SupportedIdentityProviders=["COGNITO"],
    )


def settings(shared: Guarded, web: ClientInWorld) -> dict[str, str]:
    """The example's, in place of the demo's file."""
    return {"issuer": shared.base, "web_client_id": web.id, "web_client_secret": str(web.secret)}


@pytest.fixture
def ask(shared: Guarded, web: ClientInWorld, tmp_path: Path) -> Ask:
    """Send a request as somebody, or as a guest."""
    guard = FlaskGuard(Verifier(shared.base, clients=[shared.app.id]), policies("editors"))
    http = Client(create_app(guard, tmp_path, **settings(shared, web)))

    def send(method: str, path: str, person: Person | None = None, data: Any = None) -> TestResponse:
        headers = {"Authorization": f"Bearer {_token(shared, person)}"} if person else {}
        return http.open(path, method=method, headers=headers, data=data)

    return send


def _token(shared: Guarded, person: Person) -> str:
    return str(shared.app.tokens(person)["AccessToken"])


def test_somebody_keeps_photos_in_their_own_folder(shared: Guarded, ask: Ask) -> None:
    mine = f"/photos/{shared.ann.sub}"
    kept = ask("PUT", f"{mine}/cat.jpg", shared.ann, JPEG)
    assert kept.status_code == 201
    assert "OwnFolder" in kept.get_json()["why"]
    assert ask("GET", mine, shared.ann).get_json()["photos"] == ["cat.jpg"]
    photo = ask("GET", f"{mine}/cat.jpg", shared.ann)
    assert (photo.data, photo.content_type) == (JPEG, "image/jpeg")
    assert ask("DELETE", f"{mine}/cat.jpg", shared.ann).status_code == 204
    assert ask("GET", f"{mine}/cat.jpg", shared.ann).status_code == 404


def test_another_persons_folder_stays_shut_even_to_editors(shared: Guarded, ask: Ask) -> None:
    hers = f"/photos/{shared.ann.sub}"
    assert ask("PUT", f"{hers}/cat.jpg", shared.ann, JPEG).status_code == 201
    for person, status in ((shared.bob, 403), (shared.eve, 403), (None, 401)):
        assert ask("GET", hers, person).status_code == status
        assert ask("GET", f"{hers}/cat.jpg", person).status_code == status
        assert ask("PUT", f"{hers}/cat.jpg", person, JPEG).status_code == status
        assert ask("DELETE", f"{hers}/cat.jpg", person).status_code == status
    assert ask("GET", f"{hers}/cat.jpg", shared.ann).status_code == 200


def test_an_editor_publishes_and_takes_back_and_others_do_not(shared: Guarded, ask: Ask) -> None:
    hers = f"/photos/{shared.ann.sub}"
    ask("PUT", f"{hers}/cat.jpg", shared.ann, JPEG)
    assert ask("POST", f"{hers}/cat.jpg/publish", shared.ann).status_code == 403
    assert ask("POST", f"{hers}/cat.jpg/publish", None).status_code == 401
    assert ask("POST", f"{hers}/cat.jpg/publish", shared.bob).status_code == 201
    assert ask("POST", f"{hers}/cat.jpg/publish", shared.bob).status_code == 409
    assert ask("GET", "/photos/public/cat.jpg", shared.eve).data == JPEG
    assert ask("DELETE", "/photos/public/cat.jpg", shared.ann).status_code == 403
    assert ask("DELETE", "/photos/public/cat.jpg", shared.bob).status_code == 204


def test_what_is_private_is_published_by_nobody(shared: Guarded, ask: Ask) -> None:
    mine = f"/photos/{shared.bob.sub}/private-cat.jpg"
    assert ask("PUT", mine, shared.bob, JPEG).status_code == 201
    assert ask("POST", f"{mine}/publish", shared.bob).status_code == 403


def test_a_guest_sees_the_list_of_what_is_public_and_no_more(shared: Guarded, ask: Ask) -> None:
    ask("PUT", f"/photos/{shared.bob.sub}/cat.jpg", shared.bob, JPEG)
    ask("POST", f"/photos/{shared.bob.sub}/cat.jpg/publish", shared.bob)
    assert ask("GET", "/photos/public").get_json() == {"folder": "public", "photos": ["cat.jpg"]}
    assert ask("GET", "/photos/public/cat.jpg").status_code == 401
    assert ask("PUT", "/photos/public/dog.jpg", None, JPEG).status_code == 401


def test_an_id_token_opens_nothing(shared: Guarded, page: Flask) -> None:
    headers = {"Authorization": "Bearer " + shared.app.tokens(shared.ann)["IdToken"]}
    answer = Client(page).get(f"/photos/{shared.ann.sub}", headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2f..%2fx.jpg", ".hidden", "a%00b", "a%5cb", "x" * 200, "%20"])
def test_no_name_leads_out_of_the_folder(shared: Guarded, ask: Ask, tmp_path: Path, name: str) -> None:
    answer = ask("PUT", f"/photos/{shared.ann.sub}/{name}", shared.ann, JPEG)
    assert answer.status_code in {400, 404, 405}
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_is_no_photo_is_not_kept(shared: Guarded, ask: Ask) -> None:
    mine = f"/photos/{shared.ann.sub}/x.jpg"
    assert ask("PUT", mine, shared.ann, b"<script>alert(1)</script>").status_code == 415
    assert ask("PUT", mine, shared.ann, JPEG + b"x" * (5 * 1024 * 1024)).status_code == 413


# --- The page -----------------------------------------------------------------------------------------------------


class Visitor:
    """A browser at the example's page; where that sends it to Poolhouse, it signs in there as a person."""

    def __init__(self, shared: Guarded, app: Flask) -> None:
        self.shared, self.http = shared, Client(app)

    def sign_in(self, person: Person) -> TestResponse:
        """By the code flow: to Poolhouse's own page, back with a code, and home."""
        away = self.http.post("/sign-in").headers["Location"]
        assert away.startswith(self.shared.base)
        browser = Browser(self.shared.world)
        browser.go(away)
        back = urlsplit(browser.sign_in(person).url)
        assert f"{back.scheme}://{back.netloc}{back.path}" == f"{PHOTOS_URL}/callback"
        return self.http.get(f"{back.path}?{back.query}", follow_redirects=True)

    def asks(self, action: str, resource: str) -> TestResponse:
        return self.http.post("/", data={"action": action, "resource": resource})


@pytest.fixture
def page(shared: Guarded, web: ClientInWorld, tmp_path: Path) -> Flask:
    guard = FlaskGuard(Verifier(shared.base), policies("editors"))
    return create_app(guard, tmp_path, **settings(shared, web))


@pytest.fixture
def visitor(shared: Guarded, page: Flask) -> Visitor:
    return Visitor(shared, page)


def answers(text: str) -> dict[str, tuple[str, str]]:
    """What the page says without being asked: answer and reason by question."""
    rows = re.findall(r"<strong>(Yes|No)</strong>: (.+?) <span class=.tag.>(.+?)</span>", text)
    return {html.unescape(about): (said, reason) for said, about, reason in rows}


def test_a_guest_is_shown_what_guests_may(visitor: Visitor) -> None:
    shown = visitor.http.get("/")
    assert "Sign in with Poolhouse" in shown.text
    assert answers(shown.text) == {
        "put a photo into their own folder": ("No", "not_signed_in"),
        "put one into somebody else's": ("No", "not_allowed"),
        "publish one": ("No", "not_allowed"),
        "publish what is private": ("No", "not_allowed"),
        "see what is public": ("Yes", "allowed"),
    }
    assert "ListWhatIsPublic" in shown.text


@pytest.mark.parametrize(
    ("who", "publish", "private"),
    [("ann", ("No", "not_allowed"), ("No", "not_allowed")), ("bob", ("Yes", "allowed"), ("No", "explicit_deny"))],
)
def test_somebody_signs_in_and_is_shown_what_they_may_and_why(
    shared: Guarded, visitor: Visitor, who: str, publish: tuple[str, str], private: tuple[str, str]
) -> None:
    person = getattr(shared, who)
    shown = visitor.sign_in(person)
    assert (shown.status_code, person.sub in shown.text) == (200, True)
    assert answers(shown.text) == {
        "put a photo into their own folder": ("Yes", "allowed"),
        "put one into somebody else's": ("No", "not_allowed"),
        "publish one": publish,
        "publish what is private": private,
        "see what is public": ("Yes", "allowed"),
    }
    assert "OwnFolder" in shown.text
    assert ("PrivateStaysPrivate" in shown.text) is (who == "bob")


def test_the_page_answers_any_question_and_names_the_statement(shared: Guarded, visitor: Visitor) -> None:
    visitor.sign_in(shared.ann)
    yes = visitor.asks("photos:Delete", "photos/${sub}/cat.jpg").text
    assert "<h2>Yes (allowed)</h2>" in yes
    assert f"photos/{shared.ann.sub}/cat.jpg" in yes
    no = visitor.asks("photos:Delete", f"photos/{shared.bob.sub}/cat.jpg").text
    assert "<h2>No (not_allowed)</h2>" in no


def test_signing_out_makes_a_guest_again(shared: Guarded, visitor: Visitor) -> None:
    visitor.sign_in(shared.ann)
    away = visitor.http.post("/sign-out").headers["Location"]
    assert away.startswith(f"{shared.base}/")
    assert answers(visitor.http.get("/").text)["put a photo into their own folder"] == ("No", "not_signed_in")


def test_nobody_is_signed_in_by_an_answer_that_was_not_asked_for(shared: Guarded, visitor: Visitor) -> None:
    for query in ("code=stolen&state=planted", "code=stolen&state=planted&iss=https%3A%2F%2Fevil.example", "error=x"):
        assert visitor.http.get(f"/callback?{query}").status_code == 400
    assert "Sign in with Poolhouse" in visitor.http.get("/").text


def test_the_page_shows_markup_as_text(visitor: Visitor) -> None:
    page = visitor.asks("photos:Read", '"><script>alert(1)</script>')
    assert "<script>" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert visitor.asks("no:Such", "x" * 5000).status_code == 200
