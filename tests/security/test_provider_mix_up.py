"""Several providers of one pool: what one of them answers is never taken for another's (RFC 9700 §4.4)."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.federation.social import Social
from tests.fronts.federated import Visitor, app, extend, find, provider
from tests.world import PoolInWorld, World


@pytest.mark.parametrize(("name", "called"), [("github", "GitHub"), ("google", "Google"), ("github", "Git/Hüb")])
def test_a_provider_answers_at_an_address_of_its_own(
    world: World, pool: PoolInWorld, social: Social, name: str, called: str
) -> None:
    fake = social[name]
    made = provider(pool, fake, called)
    extend(pool, made, OwnCallback=True)
    fake.redirect_uris = {f"{pool.issuer}/oauth2/idpresponse/{quote(called, safe='')}"}
    try:
        claims = Visitor(app(pool, "COGNITO", made)).begin().press(f"Continue with {called}").claims()
    finally:
        fake.redirect_uris = None
    assert find(world, pool, claims["sub"]).status == "EXTERNAL_PROVIDER"


def test_apple_posts_to_an_address_of_its_own(pool: PoolInWorld, social: Social) -> None:
    made = provider(pool, social.apple)
    extend(pool, made, OwnCallback=True)
    visitor = Visitor(app(pool, "COGNITO", made)).begin().press("Continue with Apple")
    assert visitor.claims()["cognito:username"].startswith("SignInWithApple_")


@pytest.mark.parametrize(("own", "comes_to"), [(True, ""), (True, "/Another"), (False, "/GitHub"), (False, "/Another")])
def test_an_answer_at_another_address_lets_nobody_in(
    pool: PoolInWorld, social: Social, own: bool, comes_to: str
) -> None:
    """A hostile provider sends people on to an honest one with its own state: the code comes to the honest one's."""
    made = provider(pool, social.github, "GitHub")
    provider(pool, social.github, "Another")
    if own:
        extend(pool, made, OwnCallback=True)
    visitor = Visitor(app(pool, "COGNITO", made)).begin()
    visitor.browser.halt = "/oauth2/idpresponse"
    visitor.press("Continue with GitHub")
    answer = visitor.browser.left or {}
    assert {"code", "state"} <= answer.keys()
    visitor.browser.halt = None
    asked = len(social.github.asked)
    visitor.open(f"/oauth2/idpresponse{comes_to}", **answer)
    assert visitor.browser.left is None, "the app was given nothing"
    assert visitor.page == "/login/via/failed"
    assert len(social.github.asked) == asked, "and no provider was handed the code"
