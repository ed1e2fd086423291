"""The photos example: own folders, an editor who publishes, a guest with a list; and the page that says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from clients.examples.photos.app import create_app, policies
from poolhouse_client import Verifier
from poolhouse_client.flask import FlaskGuard
from tests.fronts.authzen import Guarded, shared
from tests.world import Person

__all__ = ["shared"]
JPEG = b"\xff\xd8\xff\xe0 a photo"
Ask = Callable[..., TestResponse]


@pytest.fixture
def ask(shared: Guarded, tmp_path: Path) -> Ask:
    """Send a request as somebody, or as a guest."""
    guard = FlaskGuard(Verifier(shared.base, clients=[shared.app.id]), policies("editors"))
    http = Client(create_app(guard, tmp_path))

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


def test_an_id_token_opens_nothing(shared: Guarded, ask: Ask, tmp_path: Path) -> None:
    guard = FlaskGuard(Verifier(shared.base), policies("editors"))
    headers = {"Authorization": "Bearer " + shared.app.tokens(shared.ann)["IdToken"]}
    answer = Client(create_app(guard, tmp_path)).get(f"/photos/{shared.ann.sub}", headers=headers)
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


def _asked(shared: Guarded, person: Person | None, action: str, resource: str) -> dict[str, str]:
    return {"token": _token(shared, person) if person else "", "action": action, "resource": resource}


def test_the_page_names_the_statement_that_decides(shared: Guarded, ask: Ask) -> None:
    assert ask("GET", "/").status_code == 200
    yes = ask("POST", "/", data=_asked(shared, shared.ann, "photos:Write", "photos/${sub}/cat.jpg")).text
    assert "<h2>Yes" in yes
    assert "OwnFolder" in yes
    no = ask("POST", "/", data=_asked(shared, shared.bob, "photos:Publish", "photos/x/private-1.jpg")).text
    assert "<h2>No" in no
    assert "PrivateStaysPrivate" in no
    assert "explicit_deny" in no


def test_the_page_answers_for_guests_and_refuses_bad_tokens(shared: Guarded, ask: Ask) -> None:
    assert "ListWhatIsPublic" in ask("POST", "/", data=_asked(shared, None, "photos:List", "photos/public")).text
    bad = ask("POST", "/", data={"token": "a.b.c", "action": "photos:List", "resource": "photos/public"})
    assert (bad.status_code, "<h2>No answer" in bad.text) == (401, True)
    assert ask("POST", "/", data=_asked(shared, None, "photos:Read", "photos/${sub}/x")).status_code == 401


def test_the_page_shows_markup_as_text(shared: Guarded, ask: Ask) -> None:
    page = ask("POST", "/", data=_asked(shared, None, "photos:Read", '"><script>alert(1)</script>'))
    assert "<script>" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
