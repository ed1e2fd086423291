"""AuthZEN 1.0, Access Evaluation API (§5, §6, §10): each test is a rule of the specification."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import requests

from tests.fronts.authzen import Guarded, shared

__all__ = ["shared"]
PARTS = [("subject", "type"), ("subject", "id"), ("action", "name"), ("resource", "type"), ("resource", "id")]


def _without(asked: dict[str, Any], *path: str) -> dict[str, Any]:
    changed = copy.deepcopy(asked)
    part = changed
    for name in path[:-1]:
        part = part[name]
    del part[path[-1]]
    return changed


def _with(asked: dict[str, Any], value: Any, *path: str) -> dict[str, Any]:
    changed = copy.deepcopy(asked)
    part = changed
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    return changed


def test_a_permitted_request_is_answered_with_200_and_true(shared: Guarded) -> None:
    response = shared.post("evaluation", shared.question())
    assert (response.status_code, response.json()["decision"]) == (200, True)


def test_a_denied_request_is_answered_with_200_and_false(shared: Guarded) -> None:
    response = shared.post("evaluation", shared.question(name="secret"))
    assert (response.status_code, response.json()["decision"]) == (200, False)


def test_the_response_is_application_json(shared: Guarded) -> None:
    assert shared.post("evaluation", shared.question()).headers["Content-Type"] == "application/json"


def test_the_decision_is_a_boolean(shared: Guarded) -> None:
    for name in ("public", "secret"):
        assert isinstance(shared.told("evaluation", shared.question(name=name))["decision"], bool)


def test_a_decision_context_is_an_object(shared: Guarded) -> None:
    for name in ("public", "secret"):
        assert isinstance(shared.told("evaluation", shared.question(name=name)).get("context", {}), dict)


@pytest.mark.parametrize("part", ["subject", "action", "resource"])
def test_a_request_without_a_required_part_is_400(shared: Guarded, part: str) -> None:
    response = shared.post("evaluation", _without(shared.question(), part))
    assert response.status_code == 400
    assert part in response.text


@pytest.mark.parametrize("path", PARTS, ids=".".join)
def test_a_part_without_a_required_member_is_400(shared: Guarded, path: tuple[str, str]) -> None:
    response = shared.post("evaluation", _without(shared.question(), *path))
    assert response.status_code == 400
    assert ".".join(path) in response.text


@pytest.mark.parametrize("path", PARTS, ids=".".join)
@pytest.mark.parametrize("value", [7, None, ["a"], {"a": 1}, True, ""], ids=repr)
def test_a_member_that_is_no_text_is_400(shared: Guarded, path: tuple[str, str], value: Any) -> None:
    assert shared.post("evaluation", _with(shared.question(), value, *path)).status_code == 400


@pytest.mark.parametrize("part", ["subject", "action", "resource", "context"])
@pytest.mark.parametrize("value", ["text", 1, ["list"], True], ids=repr)
def test_a_part_that_is_no_object_is_400(shared: Guarded, part: str, value: Any) -> None:
    assert shared.post("evaluation", _with(shared.question(), value, part)).status_code == 400


@pytest.mark.parametrize("part", ["subject", "action", "resource"])
def test_properties_that_are_no_object_are_400(shared: Guarded, part: str) -> None:
    assert shared.post("evaluation", _with(shared.question(), "x", part, "properties")).status_code == 400


@pytest.mark.parametrize("part", ["subject", "action", "resource"])
def test_properties_are_accepted(shared: Guarded, part: str) -> None:
    properties = {"text": "x", "number": 1, "list": [1, "2"], "object": {"deep": {"deeper": None}}}
    assert shared.decision(_with(shared.question(), properties, part, "properties"))


def test_an_empty_context_is_accepted(shared: Guarded) -> None:
    assert shared.decision(shared.question() | {"context": {}})


def test_a_context_of_any_json_is_accepted(shared: Guarded) -> None:
    context = {"time": "2026-05-01T12:00:00Z", "ip": "203.0.113.9", "deep": {"a": [{"b": None}, 1.5]}, "n": None}
    assert shared.decision(shared.question() | {"context": context})


def test_the_context_can_decide(shared: Guarded) -> None:
    asked = shared.question(action="Export")
    assert not shared.decision(asked)
    assert not shared.decision(asked | {"context": {"device": {"trusted": False}}})
    assert shared.decision(asked | {"context": {"device": {"trusted": True}}})


def test_properties_of_the_resource_can_decide(shared: Guarded) -> None:
    asked = shared.question()
    asked["action"] = {"name": "photos:Read"}
    for owner, allowed in ((shared.ann.sub, True), (shared.bob.sub, False)):
        asked["resource"] = {"type": "drafts", "id": "7", "properties": {"owner": owner}}
        assert shared.decision(asked) is allowed


@pytest.mark.parametrize("where", [(), ("subject",), ("action",), ("resource",)], ids=str)
def test_unknown_members_are_ignored(shared: Guarded, where: tuple[str, ...]) -> None:
    assert shared.decision(_with(shared.question(), {"anything": 1}, *where, "something_else"))


def test_an_unknown_subject_is_denied_and_no_error(shared: Guarded) -> None:
    asked = _with(shared.question(), "nobody-at-all", "subject", "id")
    assert shared.told("evaluation", asked)["decision"] is False


def test_an_unknown_type_of_subject_is_denied_and_no_error(shared: Guarded) -> None:
    assert not shared.decision(_with(shared.question(), "spaceship", "subject", "type"))


def test_an_unknown_action_is_denied_and_no_error(shared: Guarded) -> None:
    assert not shared.decision(shared.question(action="can_fly"))


def test_an_unknown_resource_is_denied_and_no_error(shared: Guarded) -> None:
    assert not shared.decision(_with(shared.question(), "planets", "resource", "type"))


def test_the_same_request_has_the_same_answer(shared: Guarded) -> None:
    answers = [shared.told("evaluation", shared.question(name=name)) for name in ("public", "secret") * 3]
    assert answers[0::2] == [answers[0]] * 3
    assert answers[1::2] == [answers[1]] * 3


def test_the_order_of_members_does_not_matter(shared: Guarded) -> None:
    asked = shared.question()
    assert shared.decision(dict(reversed(asked.items()))) == shared.decision(asked)


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b"[]", b'"text"', b"7", b"null", b"\xff\xfe", b"[" * 2000])
def test_a_body_that_is_no_json_object_is_400(shared: Guarded, body: bytes) -> None:
    response = requests.post(
        f"{shared.base}/access/v1/evaluation",
        data=body,
        headers={"Content-Type": "application/json"},
        auth=shared.credentials,
        timeout=20,
    )
    assert response.status_code == 400
    assert response.text


def test_another_content_type_is_400(shared: Guarded) -> None:
    url = f"{shared.base}/access/v1/evaluation"
    for sent in ({"data": {"subject": "x"}}, {"data": b"{}", "headers": {"Content-Type": "text/plain"}}):
        assert requests.post(url, auth=shared.credentials, timeout=20, **sent).status_code == 400


def test_a_content_type_with_a_charset_is_accepted(shared: Guarded) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert shared.post("evaluation", shared.question(), headers=headers).status_code == 200


def test_another_method_is_405(shared: Guarded) -> None:
    response = requests.get(f"{shared.base}/access/v1/evaluation", auth=shared.credentials, timeout=20)
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"


def test_the_request_id_comes_back(shared: Guarded) -> None:
    headers = {"X-Request-ID": "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"}
    for asked, status in ((shared.question(), 200), ({}, 400)):
        response = shared.post("evaluation", asked, headers=headers)
        assert (response.status_code, response.headers["X-Request-ID"]) == (status, headers["X-Request-ID"])


def test_an_arbitrary_request_id_comes_back_as_it_was(shared: Guarded) -> None:
    response = shared.post("evaluation", shared.question(), headers={"X-Request-ID": "any text: 1/2 (three)"})
    assert response.headers["X-Request-ID"] == "any text: 1/2 (three)"


def test_no_authentication_is_401(shared: Guarded) -> None:
    response = shared.post("evaluation", shared.question(), auth=None)
    assert response.status_code == 401
    assert "WWW-Authenticate" in response.headers


def test_a_wrong_secret_is_401(shared: Guarded) -> None:
    assert shared.post("evaluation", shared.question(), auth=(shared.asker.id, "wrong")).status_code == 401


def test_an_invalid_bearer_token_is_401(shared: Guarded) -> None:
    headers = {"Authorization": "Bearer not.a.token"}
    response = shared.post("evaluation", shared.question(), auth=None, headers=headers)
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_a_bearer_token_is_accepted(shared: Guarded) -> None:
    headers = {"Authorization": "Bearer " + shared.token(shared.asker, "poolhouse/evaluate")}
    assert shared.post("evaluation", shared.question(), auth=None, headers=headers).json()["decision"] is True


def test_denied_is_not_forbidden(shared: Guarded) -> None:
    """§10.1.3: 403 is about the caller; a denied subject is an answer."""
    assert shared.post("evaluation", shared.question(shared.eve)).status_code == 200


def test_an_error_has_a_message(shared: Guarded) -> None:
    for asked, more in (({}, {}), (shared.question(), {"auth": None})):
        assert len(shared.post("evaluation", asked, **more).text) > 5
