"""AuthZEN 1.0, Access Evaluations API (§7): each test is a rule of the specification."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fronts.authzen import Guarded, shared

__all__ = ["shared"]


def _photos(*names: str) -> list[dict[str, Any]]:
    return [{"resource": {"type": "photos", "id": name}} for name in names]


def _asked(shared: Guarded, *names: str, semantic: str | None = None) -> dict[str, Any]:
    question = shared.question()
    asked = {"subject": question["subject"], "action": question["action"], "evaluations": _photos(*names)}
    return asked | ({"options": {"evaluations_semantic": semantic}} if semantic else {})


def _decisions(shared: Guarded, asked: dict[str, Any]) -> list[bool]:
    return [answer["decision"] for answer in shared.told("evaluations", asked)["evaluations"]]


def test_answers_come_in_the_order_of_the_questions(shared: Guarded) -> None:
    assert _decisions(shared, _asked(shared, "public", "secret", "news", "other")) == [True, False, True, False]


def test_there_are_as_many_answers_as_questions(shared: Guarded) -> None:
    assert len(_decisions(shared, _asked(shared, *["public"] * 17))) == 17


def test_the_response_has_no_decision_of_its_own(shared: Guarded) -> None:
    assert "decision" not in shared.told("evaluations", _asked(shared, "public"))


def test_each_answer_is_an_evaluation_response(shared: Guarded) -> None:
    for answer in shared.told("evaluations", _asked(shared, "public", "secret"))["evaluations"]:
        assert isinstance(answer["decision"], bool)
        assert isinstance(answer.get("context", {}), dict)


@pytest.mark.parametrize("absent", [{}, {"evaluations": []}], ids=["absent", "empty"])
def test_without_a_series_it_is_a_single_evaluation(shared: Guarded, absent: dict[str, Any]) -> None:
    answer = shared.told("evaluations", shared.question() | absent)
    assert answer["decision"] is True
    assert "evaluations" not in answer


def test_without_a_series_every_part_is_required(shared: Guarded) -> None:
    asked = shared.question()
    del asked["resource"]
    assert shared.post("evaluations", asked).status_code == 400


def test_every_part_can_be_a_default(shared: Guarded) -> None:
    assert _decisions(shared, shared.question() | {"evaluations": [{}, {}]}) == [True, True]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"subject": {"type": "user", "id": "nobody"}}, False),
        ({"action": {"name": "Publish"}}, False),
        ({"resource": {"type": "photos", "id": "secret"}}, False),
        ({"context": {"anything": 1}}, True),
    ],
    ids=["subject", "action", "resource", "context"],
)
def test_what_an_evaluation_says_wins_over_the_default(shared: Guarded, own: dict[str, Any], expected: bool) -> None:
    assert _decisions(shared, shared.question() | {"evaluations": [own, {}]}) == [expected, True]


def test_a_part_replaces_the_default_as_a_whole(shared: Guarded) -> None:
    asked = shared.question(action="Export") | {"context": {"device": {"trusted": True}}}
    asked["evaluations"] = [{}, {"context": {"other": 1}}]
    assert _decisions(shared, asked) == [True, False]


def test_evaluations_need_no_defaults(shared: Guarded) -> None:
    series = [shared.question(), shared.question(name="secret"), shared.question(shared.eve)]
    assert _decisions(shared, {"evaluations": series}) == [True, False, False]


def test_subjects_of_several_people_are_told_apart(shared: Guarded) -> None:
    series = [{"subject": {"type": "user", "id": person.sub}} for person in (shared.ann, shared.bob, shared.eve)]
    asked = shared.question(action="Publish") | {"evaluations": series}
    assert _decisions(shared, asked) == [False, True, False]


def test_execute_all_answers_everything(shared: Guarded) -> None:
    asked = _asked(shared, "secret", "public", "other", semantic="execute_all")
    assert _decisions(shared, asked) == [False, True, False]


def test_execute_all_is_the_default(shared: Guarded) -> None:
    names = ("secret", "public", "other", "news")
    explicit = _decisions(shared, _asked(shared, *names, semantic="execute_all"))
    assert _decisions(shared, _asked(shared, *names)) == explicit
    assert _decisions(shared, _asked(shared, *names) | {"options": {}}) == explicit


def test_deny_on_first_deny_ends_with_the_first_deny(shared: Guarded) -> None:
    asked = _asked(shared, "public", "secret", "news", semantic="deny_on_first_deny")
    assert _decisions(shared, asked) == [True, False]


def test_deny_on_first_deny_answers_everything_where_nothing_is_denied(shared: Guarded) -> None:
    assert _decisions(shared, _asked(shared, "public", "news", semantic="deny_on_first_deny")) == [True, True]


def test_deny_on_first_deny_can_end_at_once(shared: Guarded) -> None:
    assert _decisions(shared, _asked(shared, "secret", "public", semantic="deny_on_first_deny")) == [False]


def test_permit_on_first_permit_ends_with_the_first_permit(shared: Guarded) -> None:
    asked = _asked(shared, "secret", "public", "news", semantic="permit_on_first_permit")
    assert _decisions(shared, asked) == [False, True]


def test_permit_on_first_permit_answers_everything_where_nothing_is_permitted(shared: Guarded) -> None:
    assert _decisions(shared, _asked(shared, "a", "b", semantic="permit_on_first_permit")) == [False, False]


def test_permit_on_first_permit_can_end_at_once(shared: Guarded) -> None:
    assert _decisions(shared, _asked(shared, "public", "secret", semantic="permit_on_first_permit")) == [True]


@pytest.mark.parametrize("semantic", ["whatever", "", 7, None, ["execute_all"]], ids=repr)
def test_an_unknown_semantic_is_400(shared: Guarded, semantic: Any) -> None:
    asked = _asked(shared, "public") | {"options": {"evaluations_semantic": semantic}}
    assert shared.post("evaluations", asked).status_code == 400


@pytest.mark.parametrize("options", ["text", [1], 7], ids=repr)
def test_options_that_are_no_object_are_400(shared: Guarded, options: Any) -> None:
    assert shared.post("evaluations", _asked(shared, "public") | {"options": options}).status_code == 400


def test_unknown_options_are_ignored(shared: Guarded) -> None:
    assert _decisions(shared, _asked(shared, "public") | {"options": {"another": {"option": 1}}}) == [True]


@pytest.mark.parametrize("series", ["text", {"a": 1}, 7, True], ids=repr)
def test_a_series_that_is_no_list_is_400(shared: Guarded, series: Any) -> None:
    assert shared.post("evaluations", shared.question() | {"evaluations": series}).status_code == 400


def test_a_fault_in_one_evaluation_is_told_in_its_place(shared: Guarded) -> None:
    asked = _asked(shared, "public", "secret", "news")
    asked["evaluations"][1] = {"resource": {"type": "photos"}}
    answers = shared.told("evaluations", asked)["evaluations"]
    assert [answer["decision"] for answer in answers] == [True, False, True]
    assert answers[1]["context"]["error"]["status"] == 400
    assert "resource.id" in answers[1]["context"]["error"]["message"]


@pytest.mark.parametrize("one", ["text", 7, None, []], ids=repr)
def test_an_evaluation_that_is_no_object_is_denied_in_its_place(shared: Guarded, one: Any) -> None:
    answers = shared.told("evaluations", shared.question() | {"evaluations": [one, {}]})["evaluations"]
    assert [answer["decision"] for answer in answers] == [False, True]


def test_a_faulty_evaluation_counts_as_a_deny_for_the_semantic(shared: Guarded) -> None:
    asked = _asked(shared, "public", "secret", "news", semantic="deny_on_first_deny")
    asked["evaluations"][1] = {"resource": {}}
    assert _decisions(shared, asked) == [True, False]


def test_a_default_that_is_wrong_can_be_replaced(shared: Guarded) -> None:
    good = shared.question()["resource"]
    asked = shared.question() | {"resource": {"type": "photos"}, "evaluations": [{"resource": good}, {}]}
    assert _decisions(shared, asked) == [True, False]


def test_too_many_evaluations_are_400(shared: Guarded) -> None:
    assert len(_decisions(shared, _asked(shared, *["public"] * 100))) == 100
    assert shared.post("evaluations", _asked(shared, *["public"] * 101)).status_code == 400


def test_the_request_id_comes_back(shared: Guarded) -> None:
    response = shared.post("evaluations", _asked(shared, "public"), headers={"X-Request-ID": "series-1"})
    assert response.headers["X-Request-ID"] == "series-1"


def test_no_authentication_is_401(shared: Guarded) -> None:
    assert shared.post("evaluations", _asked(shared, "public"), auth=None).status_code == 401


def test_a_series_agrees_with_single_evaluations(shared: Guarded) -> None:
    questions = [
        shared.question(person, action, name)
        for person in (shared.ann, shared.bob, shared.eve)
        for action in ("Read", "Publish")
        for name in ("public", "news", "secret")
    ]
    assert _decisions(shared, {"evaluations": questions}) == [shared.decision(one) for one in questions]
