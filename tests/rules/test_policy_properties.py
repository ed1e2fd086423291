"""Laws that hold for every set of policies and every request."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from poolhouse.policy import Effect, Policy, Principal, Request, decide, parse

ANN = Principal("arn:aws:iam::111122223333:user/Ann")
SESSION = Principal(
    "arn:aws:sts::111122223333:assumed-role/App/ann", role="arn:aws:iam::111122223333:role/App"
)  # fmt: skip

ACTIONS = ["s3:Get", "s3:Put", "ec2:Run"]
RESOURCES = ["arn:aws:s3:::b/ann", "arn:aws:s3:::b/bob", "x"]
NAMED_ACTIONS = st.sampled_from([*ACTIONS, "*", "s3:*", "s3:?et", "*:Run"])
NAMED_RESOURCES = st.sampled_from([*RESOURCES, "*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/${aws:username}", "?"])
CONDITIONS = st.sampled_from(
    [
        {},
        {"StringEquals": {"aws:username": "ann"}},
        {"StringNotEquals": {"aws:username": "ann"}},
        {"BoolIfExists": {"aws:mfa": "true"}},
        {"Null": {"aws:mfa": "true"}},
        {"ForAllValues:StringLike": {"groups": ["a*", "b"]}},
        {"ForAnyValue:StringEquals": {"groups": "b"}, "NumericGreaterThan": {"size": 3}},
    ]
)
PRINCIPALS = st.sampled_from(
    ["*", {"AWS": "111122223333"}, {"AWS": ANN.name}, {"AWS": SESSION.role}, {"Service": "x.amazonaws.com"}]
)


def some(values: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(values, min_size=1, max_size=3)


@st.composite
def statements(draw: st.DrawFn, effect: str = "", named: bool = False) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Effect": effect or draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(some(NAMED_ACTIONS)),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(some(NAMED_RESOURCES)),
        "Condition": draw(CONDITIONS),
    }
    if named:
        statement[draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))] = draw(PRINCIPALS)
    return statement


def compiled(found: list[dict[str, Any]], name: str = "p") -> Policy:
    return parse({"Version": "2012-10-17", "Statement": found}, name=name)


def policies(named: bool = False) -> st.SearchStrategy[Policy]:
    return st.lists(statements(named=named), min_size=1, max_size=4).map(compiled)


REQUESTS = st.builds(
    Request,
    st.sampled_from(ACTIONS),
    st.sampled_from(RESOURCES),
    st.fixed_dictionaries(
        {},
        optional={
            "aws:username": st.sampled_from(["ann", "bob", "*"]),
            "aws:mfa": st.booleans(),
            "groups": st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=3),
            "size": st.integers(0, 9),
        },
    ),
    st.sampled_from([ANN, SESSION]),
    st.sampled_from(["", "111122223333", "444455556666"]),
)
SETS = st.fixed_dictionaries(
    {
        "identity_policies": st.lists(policies(), max_size=3),
        "resource_policies": st.lists(policies(named=True), max_size=2),
        "boundary": st.one_of(st.none(), policies()),
        "session_policies": st.lists(policies(), max_size=2),
    }
)
DENY_ALL = compiled([{"Effect": "Deny", "Action": "*", "Resource": "*"}], "no")
DENY_ALL_PERSONS = compiled([{"Effect": "Deny", "Principal": "*", "Action": "*"}], "no")


def together(request: Request, given: dict[str, Any]) -> Effect:
    return decide(request, **given).effect


@given(REQUESTS, SETS, st.sampled_from(["identity_policies", "resource_policies", "session_policies", "boundary"]))
def test_an_explicit_deny_always_wins(request: Request, given: dict[str, Any], where: str) -> None:
    deny = DENY_ALL_PERSONS if where == "resource_policies" else DENY_ALL
    given = {**given, where: deny if where == "boundary" else [*given[where], deny]}
    assert together(request, given) is Effect.EXPLICIT_DENY


@given(REQUESTS, SETS, statements(effect="Allow"))
def test_adding_an_allow_never_removes_an_allow(request: Request, given: dict[str, Any], more: dict[str, Any]) -> None:
    before = together(request, given)
    after = together(request, {**given, "identity_policies": [*given["identity_policies"], compiled([more])]})
    assert after is before or (before is Effect.IMPLICIT_DENY and after is Effect.ALLOW)


@given(REQUESTS, SETS, statements(effect="Allow", named=True))
def test_adding_an_allow_to_the_resource_never_removes_an_allow(
    request: Request, given: dict[str, Any], more: dict[str, Any]
) -> None:
    before = together(request, given)
    after = together(request, {**given, "resource_policies": [*given["resource_policies"], compiled([more])]})
    assert after is before or (before is Effect.IMPLICIT_DENY and after is Effect.ALLOW)


@given(REQUESTS, SETS, statements(effect="Deny"))
def test_adding_a_deny_never_adds_an_allow(request: Request, given: dict[str, Any], more: dict[str, Any]) -> None:
    before = together(request, given)
    after = together(request, {**given, "identity_policies": [*given["identity_policies"], compiled([more])]})
    assert after in (before, Effect.EXPLICIT_DENY)


@given(REQUESTS, SETS, policies())
def test_a_boundary_or_session_policy_never_adds_an_allow(
    request: Request, given: dict[str, Any], limit: Policy
) -> None:
    allowed = together(request, given) is Effect.ALLOW
    for limited in ({"boundary": limit}, {"session_policies": [limit]}):
        without = {**given, next(iter(limited)): None if "boundary" in limited else []}
        if together(request, without) is not Effect.ALLOW:
            assert together(request, {**given, **limited}) is not Effect.ALLOW
    assert together(request, {**given, "boundary": None, "session_policies": []}) is Effect.ALLOW or not allowed


@given(REQUESTS, st.lists(statements(), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_statements_and_policies_does_not_matter(
    request: Request, found: list[dict[str, Any]], shuffler: Any
) -> None:
    expected = decide(request, [compiled(found)]).effect
    shuffled = list(found)
    shuffler.shuffle(shuffled)
    assert decide(request, [compiled(shuffled)]).effect is expected
    assert decide(request, [compiled([statement]) for statement in shuffled]).effect is expected


@given(REQUESTS, SETS, st.randoms(use_true_random=False))
def test_the_order_of_all_kinds_of_policies_does_not_matter(
    request: Request, given: dict[str, Any], shuffler: Any
) -> None:
    shuffled = {name: list(value) if isinstance(value, list) else value for name, value in given.items()}
    for value in shuffled.values():
        if isinstance(value, list):
            shuffler.shuffle(value)
    before, after = decide(request, **given), decide(request, **shuffled)
    assert (before.effect, before.lacking) == (after.effect, after.lacking)
    assert sorted(map(repr, before.statements)) == sorted(map(repr, after.statements))


@given(REQUESTS, SETS)
def test_a_decision_agrees_with_the_statements_that_it_names(request: Request, given: dict[str, Any]) -> None:
    decision = decide(request, **given)
    assert decision.allowed is (decision.effect is Effect.ALLOW)
    assert bool(decision.statements) is (decision.effect is not Effect.IMPLICIT_DENY)
    assert bool(decision.lacking) is (decision.effect is Effect.IMPLICIT_DENY)
    layers = {
        "identity": given["identity_policies"], "resource": given["resource_policies"],
        "boundary": [given["boundary"]], "session": given["session_policies"],
    }  # fmt: skip
    for by in decision.statements:
        meant = [policy.statements[by.index] for policy in layers[by.layer] if by.index < len(policy.statements)]
        assert any(
            statement.allows is decision.allowed and statement.applies(request) and not statement.mismatch(request)
            for statement in meant
        )
