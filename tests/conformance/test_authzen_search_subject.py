"""AuthZEN 1.0, Subject Search API (§8.4) and what all searches share (§8.1 to §8.3)."""

from __future__ import annotations

from typing import Any

import pytest

from poolhouse.decisions import search
from tests.fronts.authzen import Guarded, guarded, shared
from tests.world import Person

__all__ = ["guarded", "shared"]
SEARCHES = ("subject", "resource", "action")


def _asked(action: str = "Read", name: str = "public", **more: Any) -> dict[str, Any]:
    resource = {"type": "photos", "id": name}
    return {"subject": {"type": "user"}, "action": {"name": action}, "resource": resource, **more}


def _any(shared: Guarded, search: str) -> dict[str, Any]:
    """A request that is in order for each of the searches."""
    asked = shared.question()
    if search == "action":
        del asked["action"]
    return asked


def _found(shared: Guarded, asked: dict[str, Any]) -> list[str]:
    return [result["id"] for result in shared.told("search/subject", asked)["results"]]


def _pages(guarded: Guarded, search: str, asked: dict[str, Any], limit: int) -> list[list[Any]]:
    pages, token = [], None
    while token != "":
        page: dict[str, Any] = {"limit": limit} | ({"token": token} if token else {})
        answer = guarded.told(f"search/{search}", asked | {"page": page})
        pages.append(answer["results"])
        token = answer["page"]["next_token"]
        assert len(pages) < 50
    return pages


# --- Subject search -----------------------------------------------------------------------------------------------


def test_those_who_may_are_found(shared: Guarded) -> None:
    assert sorted(_found(shared, _asked())) == sorted([shared.ann.sub, shared.bob.sub])


def test_results_are_subjects_of_the_type_that_was_asked_for(shared: Guarded) -> None:
    for result in shared.told("search/subject", _asked())["results"]:
        assert result["type"] == "user"
        assert isinstance(result["id"], str)


def test_every_result_is_permitted_when_evaluated(shared: Guarded) -> None:
    for action, name in (("Read", "public"), ("Publish", "public"), ("Read", "news"), ("Write", f"{shared.ann.sub}/1")):
        for result in shared.told("search/subject", _asked(action, name))["results"]:
            assert shared.decision(_asked(action, name) | {"subject": result})


def test_nobody_who_may_is_missing(shared: Guarded) -> None:
    for action, name in (("Read", "public"), ("Publish", "public"), ("Read", "news"), ("Fly", "public")):
        may = [p.sub for p in (shared.ann, shared.bob, shared.eve) if shared.decision(shared.question(p, action, name))]
        assert sorted(_found(shared, _asked(action, name))) == sorted(may)


def test_nobody_found_is_an_empty_list(shared: Guarded) -> None:
    answer = shared.told("search/subject", _asked("Fly"))
    assert (answer["results"], answer["page"]["next_token"]) == ([], "")


def test_an_unknown_type_of_subject_finds_nobody(shared: Guarded) -> None:
    assert _found(shared, _asked() | {"subject": {"type": "spaceship"}}) == []


def test_an_id_of_the_subject_is_ignored(shared: Guarded) -> None:
    with_id = _asked() | {"subject": {"type": "user", "id": shared.eve.sub}}
    assert _found(shared, with_id) == _found(shared, _asked())


def test_policy_variables_are_each_persons_own(shared: Guarded) -> None:
    assert _found(shared, _asked("Write", f"{shared.bob.sub}/1.jpg")) == [shared.bob.sub]


def test_a_deny_in_another_role_keeps_somebody_out(shared: Guarded) -> None:
    assert _found(shared, _asked("Read", "news")) == [shared.ann.sub]


def test_the_context_counts(shared: Guarded) -> None:
    assert _found(shared, _asked("Export")) == []
    assert len(_found(shared, _asked("Export", context={"device": {"trusted": True}}))) == 2


def test_a_disabled_user_is_not_found(guarded: Guarded) -> None:
    guarded.pool.idp.admin_disable_user(UserPoolId=guarded.pool.id, Username=guarded.ann.username)
    assert _found(guarded, _asked()) == [guarded.bob.sub]
    assert not guarded.decision(guarded.question(guarded.ann))


def test_people_come_in_pages_without_a_gap_or_a_repetition(guarded: Guarded) -> None:
    people: list[Person] = [guarded.pool.user() for _ in range(5)]
    for person in people:
        guarded.join(person, "members")
    everybody = sorted(person.sub for person in (*people, guarded.ann, guarded.bob))
    for limit in (1, 2, 3, 7, 100):
        pages = _pages(guarded, "subject", _asked(), limit)
        assert [result["id"] for page in pages for result in page] == everybody
        assert all(len(page) <= limit for page in pages)


def test_a_page_may_be_empty_and_its_token_goes_on(shared: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request looks at so many people and no more; whoever follows the tokens finds everybody."""
    monkeypatch.setattr(search, "SCANNED_AT_MOST", 1)
    monkeypatch.setattr(search, "_BATCH", 1)
    found, sizes, token = [], [], ""
    while True:
        told = shared.told("search/subject", _asked("Publish", page={"limit": 1, "token": token}))
        found += [result["id"] for result in told["results"]]
        sizes.append(len(told["results"]))
        token = told["page"]["next_token"]
        if not token:
            break
    assert found == [shared.bob.sub]
    assert 0 in sizes


def test_members_of_groups_without_a_role_may_nothing(guarded: Guarded) -> None:
    guarded.group("friends", None)
    guarded.join(guarded.eve, "friends")
    assert guarded.eve.sub not in _found(guarded, _asked())


# --- What all searches share --------------------------------------------------------------------------------------


@pytest.mark.parametrize("search", SEARCHES)
def test_the_response_is_json_with_a_list_of_results(shared: Guarded, search: str) -> None:
    response = shared.post(f"search/{search}", _any(shared, search))
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert isinstance(response.json()["results"], list)


@pytest.mark.parametrize("search", SEARCHES)
def test_a_last_page_has_an_empty_next_token(shared: Guarded, search: str) -> None:
    assert shared.told(f"search/{search}", _any(shared, search))["page"]["next_token"] == ""


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("part", ["subject", "action", "resource"])
def test_a_required_part_that_is_missing_is_400(shared: Guarded, search: str, part: str) -> None:
    asked = shared.question()
    del asked[part]
    expected = 200 if (search, part) == ("action", "action") else 400
    assert shared.post(f"search/{search}", asked).status_code == expected


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("part", ["subject", "resource"])
def test_a_type_is_required_everywhere(shared: Guarded, search: str, part: str) -> None:
    asked = _any(shared, search)
    del asked[part]["type"]
    assert shared.post(f"search/{search}", asked).status_code == 400


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize(
    "page", ["text", ["list"], {"token": 7}, {"token": "made-up"}, {"limit": -1}, {"limit": "5"},
             {"limit": True}, {"limit": 1.5}], ids=str,
)  # fmt: skip
def test_a_page_that_makes_no_sense_is_400(shared: Guarded, search: str, page: Any) -> None:
    assert shared.post(f"search/{search}", _any(shared, search) | {"page": page}).status_code == 400


@pytest.mark.parametrize("search", SEARCHES)
def test_an_empty_page_and_empty_token_mean_the_first_page(shared: Guarded, search: str) -> None:
    first = shared.told(f"search/{search}", _any(shared, search))
    for page in ({}, {"token": ""}, {"limit": 100}, {"limit": 10_000}, {"properties": {"sort": "asc"}}):
        assert shared.told(f"search/{search}", _any(shared, search) | {"page": page}) == first


def test_a_token_goes_on_with_its_own_search_alone(shared: Guarded) -> None:
    token = shared.told("search/subject", _asked() | {"page": {"limit": 1}})["page"]["next_token"]
    assert token
    for asked in (_asked("Write"), _asked(name="news"), _asked(context={"a": 1})):
        assert shared.post("search/subject", asked | {"page": {"token": token}}).status_code == 400
    assert shared.post("search/resource", _any(shared, "resource") | {"page": {"token": token}}).status_code == 400
    assert shared.post("search/subject", _asked() | {"page": {"token": token}}).status_code == 200


def test_a_token_keeps_the_limit_of_the_first_page(shared: Guarded) -> None:
    """§8.2: what the first request said stays; it need not be said again."""
    token = shared.told("search/subject", _asked() | {"page": {"limit": 1}})["page"]["next_token"]
    for page in ({"token": token}, {"token": token, "limit": 1}):
        rest = shared.told("search/subject", _asked() | {"page": page})
        assert (len(rest["results"]), rest["page"]["next_token"]) == (1, "")
    assert shared.post("search/subject", _asked() | {"page": {"token": token, "limit": 50}}).status_code == 400


@pytest.mark.parametrize("search", SEARCHES)
def test_a_limit_of_nothing_shows_nothing_but_that_there_is_something(shared: Guarded, search: str) -> None:
    """§8.2.1: a limit is a number from 0 on."""
    asked = _any(shared, search) | {"page": {"limit": 0}}
    told = shared.told(f"search/{search}", asked)
    assert (told["results"], told["page"]["count"]) == ([], 0)
    assert told["page"]["next_token"]
    nobody = asked | {"resource": {"type": "nothing", "id": "x"}}
    assert shared.told(f"search/{search}", nobody)["page"]["next_token"] == ""


@pytest.mark.parametrize("search", SEARCHES)
def test_no_authentication_is_401(shared: Guarded, search: str) -> None:
    assert shared.post(f"search/{search}", _any(shared, search), auth=None).status_code == 401


@pytest.mark.parametrize("search", SEARCHES)
def test_the_request_id_comes_back(shared: Guarded, search: str) -> None:
    response = shared.post(f"search/{search}", _any(shared, search), headers={"X-Request-ID": "search-1"})
    assert response.headers["X-Request-ID"] == "search-1"


@pytest.mark.parametrize("search", SEARCHES)
def test_unknown_members_are_ignored(shared: Guarded, search: str) -> None:
    plain = shared.told(f"search/{search}", _any(shared, search))
    assert shared.told(f"search/{search}", _any(shared, search) | {"something": {"else": 1}}) == plain
