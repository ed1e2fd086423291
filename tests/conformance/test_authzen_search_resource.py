"""AuthZEN 1.0, Resource Search API (§8.5): resources that policies name, each of them decided."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fronts.authzen import Guarded, guarded, shared

__all__ = ["guarded", "shared"]


def _asked(shared: Guarded, action: str = "Read", kind: str = "photos", **more: Any) -> dict[str, Any]:
    subject = {"type": "user", "id": shared.ann.sub}
    return {"subject": subject, "action": {"name": action}, "resource": {"type": kind}, **more}


def _found(shared: Guarded, asked: dict[str, Any]) -> list[str]:
    return [result["id"] for result in shared.told("search/resource", asked)["results"]]


def test_resources_that_policies_name_are_found(shared: Guarded) -> None:
    assert _found(shared, _asked(shared)) == sorted(["news", "public", f"{shared.ann.sub}/index"])


def test_results_are_resources_of_the_type_that_was_asked_for(shared: Guarded) -> None:
    for result in shared.told("search/resource", _asked(shared))["results"]:
        assert result["type"] == "photos"
        assert isinstance(result["id"], str)


def test_every_result_is_permitted_when_evaluated(shared: Guarded) -> None:
    for person in (shared.ann, shared.bob):
        for action in ("Read", "List", "Publish"):
            asked = _asked(shared, action) | {"subject": {"type": "user", "id": person.sub}}
            for result in shared.told("search/resource", asked)["results"]:
                assert shared.decision(asked | {"resource": result})


def test_a_denied_resource_is_not_found(shared: Guarded) -> None:
    asked = _asked(shared) | {"subject": {"type": "user", "id": shared.bob.sub}}
    assert _found(shared, asked) == sorted(["public", f"{shared.bob.sub}/index"])


def test_nothing_found_is_an_empty_list(shared: Guarded) -> None:
    answer = shared.told("search/resource", _asked(shared, "Fly"))
    assert (answer["results"], answer["page"]["next_token"]) == ([], "")


@pytest.mark.parametrize(
    "subject", [{"type": "user", "id": "nobody"}, {"type": "spaceship", "id": "1"}], ids=["unknown", "another type"]
)
def test_an_unknown_subject_finds_nothing(shared: Guarded, subject: dict[str, str]) -> None:
    assert _found(shared, _asked(shared) | {"subject": subject}) == []


def test_an_unknown_type_of_resource_finds_nothing(shared: Guarded) -> None:
    assert _found(shared, _asked(shared, "photos:Read", "planets")) == []


def test_an_id_of_the_resource_is_ignored(shared: Guarded) -> None:
    asked = _asked(shared) | {"resource": {"type": "photos", "id": "secret"}}
    assert _found(shared, asked) == _found(shared, _asked(shared))


def test_a_subject_without_id_is_400(shared: Guarded) -> None:
    assert shared.post("search/resource", _asked(shared) | {"subject": {"type": "user"}}).status_code == 400


def test_an_action_without_name_is_400(shared: Guarded) -> None:
    assert shared.post("search/resource", _asked(shared) | {"action": {}}).status_code == 400


def test_somebody_without_a_role_finds_nothing(shared: Guarded) -> None:
    assert _found(shared, _asked(shared) | {"subject": {"type": "user", "id": shared.eve.sub}}) == []


def test_the_context_counts(guarded: Guarded) -> None:
    condition = {"Bool": {"context:vpn": "true"}}
    statement = {"Effect": "Allow", "Action": "photos:Read", "Resource": "photos/vault", "Condition": condition}
    guarded.group("vpn", guarded.role({"Version": "2012-10-17", "Statement": [statement]}))
    guarded.join(guarded.eve, "vpn")
    asked = _asked(guarded) | {"subject": {"type": "user", "id": guarded.eve.sub}}
    assert _found(guarded, asked) == []
    assert _found(guarded, asked | {"context": {"vpn": True}}) == ["vault"]


def test_resources_come_in_pages_without_a_gap_or_a_repetition(guarded: Guarded) -> None:
    names = sorted(f"album-{number}" for number in range(7))
    statement = {"Effect": "Allow", "Action": "photos:Read", "Resource": [f"photos/{name}" for name in names]}
    guarded.group("albums", guarded.role({"Version": "2012-10-17", "Statement": statement}))
    guarded.join(guarded.eve, "albums")
    asked = _asked(guarded) | {"subject": {"type": "user", "id": guarded.eve.sub}}
    for limit in (1, 3, 7, 8):
        found: list[str] = []
        token = ""
        while True:
            page = {"limit": limit} | ({"token": token} if token else {})
            answer = guarded.told("search/resource", asked | {"page": page})
            assert len(answer["results"]) <= limit
            found += [result["id"] for result in answer["results"]]
            token = answer["page"]["next_token"]
            if not token:
                break
        assert found == names


def test_what_only_a_wildcard_reaches_is_not_listed(shared: Guarded) -> None:
    assert not any("*" in name or name.endswith(".jpg") for name in _found(shared, _asked(shared)))


def test_a_resource_named_by_its_arn_is_found_by_it(guarded: Guarded) -> None:
    arn = "arn:aws:s3:::vault/key"
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": arn}
    guarded.group("s3", guarded.role({"Version": "2012-10-17", "Statement": [statement]}))
    guarded.join(guarded.eve, "s3")
    asked = _asked(guarded, "s3:GetObject", "object") | {"subject": {"type": "user", "id": guarded.eve.sub}}
    assert _found(guarded, asked) == [arn]
