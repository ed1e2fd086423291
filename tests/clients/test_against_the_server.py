"""The client library against a running server: tokens, introspection, AuthZEN, bundles that decide as it does."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
import requests

from poolhouse.core import unit
from poolhouse.tokens import keys
from poolhouse_client import AuthZEN, Bundle, Introspector, InvalidToken, Unavailable, Verifier
from tests.fronts.authzen import EDITOR, Guarded, guard, guarded, make_role, shared
from tests.world import World

__all__ = ["guarded", "shared"]


def _bundle(guarded: Guarded, **more: Any) -> Bundle:
    return Bundle(Verifier(guarded.base), guarded.asker.id, str(guarded.asker.secret), **more)


def _authzen(guarded: Guarded) -> AuthZEN:
    return AuthZEN(guarded.base, guarded.asker.id, str(guarded.asker.secret))


def test_tokens_of_the_server_are_verified(shared: Guarded) -> None:
    verifier, tokens = Verifier(shared.base, clients=[shared.app.id]), shared.app.tokens(shared.bob)
    access = verifier.access(tokens["AccessToken"])
    assert (access.sub, access.username) == (shared.bob.sub, shared.bob.username)
    assert sorted(access.groups) == ["editors", "members"]
    assert verifier.id(tokens["IdToken"]).sub == shared.bob.sub
    machine = Verifier(shared.base).access(shared.token(shared.asker, "poolhouse/evaluate"))
    assert machine.is_machine


def test_tokens_of_one_pool_never_open_another(world: World, shared: Guarded) -> None:
    other = guard(world)
    with pytest.raises(InvalidToken):
        Verifier(shared.base).access(other.app.tokens(other.ann)["AccessToken"])


def test_keys_that_are_rotated_are_followed(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = Verifier(guarded.base)
    old = guarded.app.tokens(guarded.ann)["AccessToken"]
    verifier.access(old)
    with unit.open(guarded.world.runtime):
        keys.rotate(guarded.pool.id, "access", ahead=timedelta(0))
    monkeypatch.setattr(verifier.keys, "_tried_at", float("-inf"))  # ten seconds have gone by
    new = guarded.app.tokens(guarded.ann)["AccessToken"]
    assert verifier.access(new).sub == verifier.access(old).sub == guarded.ann.sub


# --- Introspection ------------------------------------------------------------------------------------------------


def _introspector(guarded: Guarded, **more: Any) -> Introspector:
    return Introspector(Verifier(guarded.base), guarded.asker.id, str(guarded.asker.secret), **more)


def test_introspection_knows_who_signed_out(guarded: Guarded) -> None:
    token = guarded.app.tokens(guarded.ann)["AccessToken"]
    at_once, later = _introspector(guarded, cache_seconds=0), _introspector(guarded, cache_seconds=60)
    for introspector in (at_once, later):
        assert introspector.access(token).username == guarded.ann.username
    guarded.pool.idp.global_sign_out(AccessToken=token)
    assert later.access(token).sub == guarded.ann.sub, "kept for a minute, as asked for"
    with pytest.raises(InvalidToken, match="revoked"):
        at_once.access(token)
    assert Verifier(guarded.base).access(token), "a signature alone cannot know"


def test_introspection_asks_once_for_the_time_it_keeps_answers(guarded: Guarded) -> None:
    introspector, token = _introspector(guarded), guarded.app.tokens(guarded.ann)["AccessToken"]
    introspector.access(token)
    with guarded.world.counting() as counted:
        for _ in range(5):
            introspector.access(token)
    assert len(counted) == 0


def test_introspection_is_never_asked_about_forgeries(shared: Guarded) -> None:
    introspector = Introspector(Verifier(shared.base), "x", "y", endpoint="http://127.0.0.1:9/")
    with pytest.raises(InvalidToken):
        introspector.access("a.b.c")


def test_a_client_that_may_not_introspect_gets_no_verdict(shared: Guarded) -> None:
    token = shared.app.tokens(shared.ann)["AccessToken"]
    with pytest.raises(Unavailable, match="401"):
        Introspector(Verifier(shared.base), shared.asker.id, "wrong").access(token)


# --- AuthZEN ------------------------------------------------------------------------------------------------------


def test_the_authzen_client_asks_and_searches(shared: Guarded) -> None:
    pdp, asked = _authzen(shared), shared.question()
    subject, action, resource = asked["subject"], asked["action"], asked["resource"]
    assert pdp.evaluate(subject, action, resource)["decision"] is True
    answers = pdp.evaluations([{}, {"action": {"name": "Fly"}}], defaults=asked)
    assert [answer["decision"] for answer in answers] == [True, False]
    people = [found["id"] for found in pdp.subjects("user", action, resource)]
    assert sorted(people) == sorted([shared.ann.sub, shared.bob.sub])
    assert {"type": "photos", "id": "news"} in list(pdp.resources(subject, action, "photos"))
    assert list(pdp.actions(subject, resource)) == [{"name": "photos:List"}, {"name": "photos:Read"}]


def test_the_authzen_client_believes_no_metadata_of_somebody_else(shared: Guarded) -> None:
    elsewhere = shared.base.replace("localhost", "127.0.0.1")
    with pytest.raises(Unavailable, match="does not describe"):
        AuthZEN(elsewhere, *shared.credentials).evaluate(*list(shared.question().values())[:3])


def test_the_authzen_client_takes_an_error_for_no_answer(shared: Guarded) -> None:
    with pytest.raises(Unavailable, match="401"):
        AuthZEN(shared.base, shared.asker.id, "wrong").evaluate(*list(shared.question().values())[:3])


# --- Bundles ------------------------------------------------------------------------------------------------------

ACTIONS = ("photos:Read", "photos:Write", "photos:List", "photos:Publish", "photos:Export", "photos:Fly")


def test_a_bundle_decides_as_the_server_would(shared: Guarded) -> None:
    verifier, bundle, pdp = Verifier(shared.base), _bundle(shared), _authzen(shared)
    people = (shared.ann, shared.bob, shared.eve)
    tokens = [verifier.access(shared.app.tokens(person)["AccessToken"]) for person in people]
    tokens.append(verifier.access(shared.token(shared.asker, "poolhouse/evaluate")))
    names = ("public", "news", "secret", *(f"{person.sub}/1.jpg" for person in people))
    contexts: tuple[Any, ...] = (None, {"device": {"trusted": True}}, {"device": {"trusted": "no"}, "sub": "x"})
    seen = set()
    for token, action, name, context in itertools.product(tokens, ACTIONS, names, contexts):
        here = bundle.decide(token, action, f"photos/{name}", context)
        there = pdp.decide(token, action, f"photos/{name}", context)
        assert (here.allowed, here.reason) == (there.allowed, there.reason), (token.sub, action, name, context)
        seen.add(here.reason)
    assert {str(reason) for reason in seen} >= {
        "allowed",
        "explicit_deny",
        "not_allowed",
        "no_role",
        "insufficient_scope",
    }


def test_a_bundle_is_fetched_once_and_then_only_asked_after(guarded: Guarded) -> None:
    bundle = _bundle(guarded, max_age=0)
    token = Verifier(guarded.base).access(guarded.app.tokens(guarded.bob)["AccessToken"])
    statuses: list[int] = []
    ask = bundle._verifier.transport.ask

    def counted(*args: Any, **kwargs: Any) -> Any:
        answer = ask(*args, **kwargs)
        statuses.append(answer[0])
        return answer

    bundle._verifier.transport.ask = counted  # type: ignore[method-assign]
    for _ in range(3):
        assert bundle.decide(token, "photos:Publish", "photos/public").allowed
    assert statuses == [200, 200, 304, 304], "the bundle, the keys, and twice nothing new"


def test_a_bundle_follows_a_change_of_roles(guarded: Guarded) -> None:
    bundle = _bundle(guarded, max_age=0)
    guarded.group("late", None)
    guarded.join(guarded.eve, "late")
    token = Verifier(guarded.base).access(guarded.app.tokens(guarded.eve)["AccessToken"])
    assert not bundle.decide(token, "photos:Publish", "photos/public").allowed
    arn = make_role(guarded.world, "Late" + guarded.pool.id[-6:], EDITOR)
    guarded.pool.idp.update_group(UserPoolId=guarded.pool.id, GroupName="late", RoleArn=arn)
    assert bundle.decide(token, "photos:Publish", "photos/public").allowed


def test_a_bundle_serves_while_the_server_is_away_until_it_expires(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = _bundle(guarded, max_age=0)
    token = Verifier(guarded.base).access(guarded.app.tokens(guarded.bob)["AccessToken"])
    assert bundle.decide(token, "photos:Publish", "photos/public").allowed
    monkeypatch.setattr(bundle, "_url", "http://127.0.0.1:9/")
    assert bundle.decide(token, "photos:Publish", "photos/public").allowed
    monkeypatch.setattr(bundle, "_expires", 1.0)
    with pytest.raises(Unavailable, match="expired"):
        bundle.decide(token, "photos:Publish", "photos/public")


def test_nothing_else_that_the_pool_signs_passes_for_a_bundle(guarded: Guarded) -> None:
    bundle = _bundle(guarded)
    token = guarded.app.tokens(guarded.ann)["AccessToken"]
    for text in (token, guarded.app.tokens(guarded.ann)["IdToken"], "x.y.z", ""):
        bundle._verifier.transport.ask = _answering(bundle, text)  # type: ignore[method-assign]
        with pytest.raises(Unavailable):
            bundle.decide(None, "photos:Read", "photos/public")


def test_a_bundle_of_another_client_is_not_ours(guarded: Guarded) -> None:
    other = guarded.client("poolhouse/bundle")
    auth = (other.id, str(other.secret))
    text = requests.get(f"{guarded.base}/access/v1/bundle", auth=auth, timeout=20).text
    bundle = _bundle(guarded)
    bundle._verifier.transport.ask = _answering(bundle, text)  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="somebody else"):
        bundle.decide(None, "photos:Read", "photos/public")


def _answering(bundle: Bundle, text: str) -> Any:
    """The real transport, but for the bundle itself."""
    real = type(bundle._verifier.transport)()

    def ask(method: str, url: str, **more: Any) -> Any:
        return (200, {"ETag": '"x"'}, text.encode()) if url.endswith("/bundle") else real.ask(method, url, **more)

    return ask
