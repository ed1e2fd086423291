"""Whatever is sent to the decision point, it answers or says what is wrong: never an error of its own, never a yes."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from werkzeug.test import Client

from tests.fronts.authzen import Guarded, shared

__all__ = ["shared"]
PATHS = ("evaluation", "evaluations", "search/subject", "search/resource", "search/action")
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["user", "access_token", "client", "session", "photos", "a.b.c", "arn:", "arn:x", "*", "${sub}", "\x00"]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(-1e300, 1e300), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)  # fmt: skip
PART = st.one_of(
    VALUES,
    st.fixed_dictionaries(
        {},
        optional={"type": TEXTS, "id": TEXTS, "name": TEXTS, "properties": st.dictionaries(TEXTS, VALUES, max_size=3)},
    ),
)
NAMED = {
    "subject": PART,
    "action": PART,
    "resource": PART,
    "context": st.one_of(VALUES, st.dictionaries(TEXTS, VALUES)),
}
BODY = st.fixed_dictionaries(
    {},
    optional={
        **NAMED,
        "evaluations": st.one_of(VALUES, st.lists(st.fixed_dictionaries({}, optional=NAMED), max_size=3)),
        "options": VALUES,
        "page": st.one_of(VALUES, st.fixed_dictionaries({}, optional={"token": VALUES, "limit": VALUES})),
    },
)


@pytest.mark.parametrize("path", PATHS)
@hypothesis.settings(max_examples=150, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(body=BODY)
def test_made_up_requests_are_answered_or_refused(shared: Guarded, path: str, body: dict[str, Any]) -> None:
    http = Client(shared.world.app)
    answer = http.post(f"/{shared.pool.id}/access/v1/{path}", json=body, auth=shared.credentials)
    assert answer.status_code in {200, 400}, answer.text
    if answer.status_code == 200 and path == "evaluation":
        assert answer.get_json()["decision"] is False


@hypothesis.settings(max_examples=100)
@hypothesis.given(header=st.text(st.characters(codec="latin-1", exclude_characters="\r\n\x00"), max_size=60))
def test_made_up_credentials_are_refused(shared: Guarded, header: str) -> None:
    http = Client(shared.world.app)
    for prefix in ("", "Basic ", "Bearer "):
        headers = {"Authorization": prefix + header}
        answer = http.post(f"/{shared.pool.id}/access/v1/evaluation", json={}, headers=headers)
        assert answer.status_code == 401
