"""AuthZEN 1.0, Action Search API (§8.6): actions that policies and scopes name, each of them decided."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fronts.authzen import Guarded, guarded, shared
from tests.world import Person

__all__ = ["guarded", "shared"]


def _asked(person: Person, name: str = "public", **more: Any) -> dict[str, Any]:
    return {"subject": {"type": "user", "id": person.sub}, "resource": {"type": "photos", "id": name}, **more}


def _found(shared: Guarded, asked: dict[str, Any]) -> list[str]:
    return [result["name"] for result in shared.told("search/action", asked)["results"]]


def test_actions_that_are_permitted_are_found(shared: Guarded) -> None:
    assert _found(shared, _asked(shared.ann)) == ["photos:List", "photos:Read"]
    assert _found(shared, _asked(shared.bob)) == ["photos:List", "photos:Publish", "photos:Read"]


def test_results_are_actions_with_a_name_alone(shared: Guarded) -> None:
    for result in shared.told("search/action", _asked(shared.ann))["results"]:
        assert list(result) == ["name"]


def test_every_result_is_permitted_when_evaluated(shared: Guarded) -> None:
    for person in (shared.ann, shared.bob):
        for name in ("public", "news", f"{person.sub}/1.jpg"):
            for result in shared.told("search/action", _asked(person, name))["results"]:
                assert shared.decision(_asked(person, name) | {"action": result})


def test_nothing_found_is_an_empty_list(shared: Guarded) -> None:
    answer = shared.told("search/action", _asked(shared.ann, "secret"))
    assert (answer["results"], answer["page"]["next_token"]) == ([], "")


def test_somebody_without_a_role_finds_nothing(shared: Guarded) -> None:
    assert _found(shared, _asked(shared.eve)) == []


@pytest.mark.parametrize(
    "subject", [{"type": "user", "id": "nobody"}, {"type": "spaceship", "id": "1"}], ids=["unknown", "another type"]
)
def test_an_unknown_subject_finds_nothing(shared: Guarded, subject: dict[str, str]) -> None:
    assert _found(shared, _asked(shared.ann) | {"subject": subject}) == []


def test_an_explicit_deny_takes_actions_away(shared: Guarded) -> None:
    assert _found(shared, _asked(shared.bob, "news")) == []


def test_an_action_in_the_request_is_ignored(shared: Guarded) -> None:
    asked = _asked(shared.ann) | {"action": {"name": "photos:Fly"}}
    assert _found(shared, asked) == _found(shared, _asked(shared.ann))


def test_policy_variables_count(shared: Guarded) -> None:
    assert _found(shared, _asked(shared.ann, f"{shared.ann.sub}/1.jpg")) == ["photos:Read", "photos:Write"]
    assert _found(shared, _asked(shared.ann, f"{shared.bob.sub}/1.jpg")) == []


def test_the_context_counts(shared: Guarded) -> None:
    trusted = _asked(shared.ann, context={"device": {"trusted": True}})
    assert _found(shared, trusted) == ["photos:Export", "photos:List", "photos:Read"]


@pytest.mark.parametrize("part", ["subject", "resource"])
def test_a_part_without_id_is_400(shared: Guarded, part: str) -> None:
    asked = _asked(shared.ann)
    del asked[part]["id"]
    assert shared.post("search/action", asked).status_code == 400


def test_a_client_finds_the_actions_of_its_scopes(guarded: Guarded) -> None:
    client = guarded.client("photos/Read")
    asked = {"subject": {"type": "client", "id": client.id}, "resource": {"type": "photos", "id": "public"}}
    assert _found(guarded, asked) == ["photos:Read"]


def test_actions_come_in_pages_without_a_gap_or_a_repetition(shared: Guarded) -> None:
    whole = _found(shared, _asked(shared.bob))
    for limit in (1, 2, 3, 4):
        found: list[str] = []
        token = ""
        while True:
            page = {"limit": limit} | ({"token": token} if token else {})
            answer = shared.told("search/action", _asked(shared.bob) | {"page": page})
            assert len(answer["results"]) <= limit
            found += [result["name"] for result in answer["results"]]
            token = answer["page"]["next_token"]
            if not token:
                break
        assert found == whole


def test_an_action_is_found_once_however_often_it_is_named(guarded: Guarded) -> None:
    statement = {"Effect": "Allow", "Action": ["photos:Read", "photos:read", "photos:READ"], "Resource": "*"}
    guarded.group("loud", guarded.role({"Version": "2012-10-17", "Statement": [statement]}))
    guarded.join(guarded.eve, "loud")
    assert len(_found(guarded, _asked(guarded.eve))) == 1
