"""The OpenID Foundation's RP-Initiated Logout plan for providers: one test a module, by the module's name.

``oidcc-rp-initiated-logout-certification-test-plan``, 11 modules; ``oidcc-rp-initiated-logout-`` is left out.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.oidc import SIGNED_OUT, Browser, Page, Rp, rp
from tests.world import Person, PoolInWorld, World

MODULES = [
    "discovery-endpoint-verification",
    "happy",
    "bad-post-logout-redirect-uri",
    "query-added-to-post-logout-redirect-uri",
    "modified-id-token-hint",
    "bad-id-token-hint",
    "no-id-token-hint",
    "no-params",
    "no-post-logout-redirect-uri",
    "no-state",
    "only-state",
]


class Plan:
    """Somebody who is signed in, and the app that wants them signed out."""

    def __init__(self, world: World, pool: PoolInWorld) -> None:
        self.rp: Rp = rp(pool)
        self.person: Person = pool.user()
        self.browser = Browser(world)
        self.id_token: str = self.rp.tokens(self.browser, self.person)["id_token"]

    def logout(self, **parameters: str) -> Page:
        query = f"?{urlencode(parameters)}" if parameters else ""
        return self.browser.go(self.rp.discovery()["end_session_endpoint"] + query)

    @property
    def signed_in(self) -> bool:
        """Whether the browser still has its session: asked silently, as the suite does."""
        return "code" in self.rp.code(self.browser, prompt="none").given

    def confirm(self) -> Page:
        """Agree to the question that the page asks."""
        assert self.signed_in_page_asks, f"no question, but {self.browser.page.url}"
        return self.browser.submit(confirm=self.browser.page.forms[0]["fields"]["confirm"])

    @property
    def signed_in_page_asks(self) -> bool:
        return self.browser.page.ours and "Sign out?" in self.browser.page.text


@pytest.fixture
def plan(world: World, pool: PoolInWorld) -> Plan:
    return Plan(world, pool)


def test_every_module_of_the_plan_has_its_test() -> None:
    named = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert len(MODULES) == 11
    assert named >= {name.replace("-", "_") for name in MODULES}


def test_discovery_endpoint_verification(plan: Plan) -> None:
    assert plan.rp.discovery()["end_session_endpoint"].startswith(plan.rp.world.url)


def test_happy(plan: Plan) -> None:
    page = plan.logout(id_token_hint=plan.id_token, post_logout_redirect_uri=SIGNED_OUT, state="af0ifjsldkj")
    assert page.url == f"{SIGNED_OUT}?state=af0ifjsldkj"
    assert not plan.signed_in


def test_bad_post_logout_redirect_uri(plan: Plan) -> None:
    page = plan.logout(id_token_hint=plan.id_token, post_logout_redirect_uri="https://evil.example/", state="s")
    assert page.ours
    assert page.status == 400


def test_query_added_to_post_logout_redirect_uri(plan: Plan) -> None:
    page = plan.logout(id_token_hint=plan.id_token, post_logout_redirect_uri=f"{SIGNED_OUT}?a=b", state="s")
    assert page.ours
    assert page.status == 400


def _stays_with_us(plan: Plan, page: Page) -> None:
    """Asked first; and afterwards the browser is not sent to the app."""
    assert page.ours
    assert plan.signed_in, "signed out without being asked"
    plan.logout(**_last(page))
    page = plan.confirm()
    assert page.ours
    assert page.path.endswith("/signedout")
    assert not plan.signed_in


def _last(page: Page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


def test_modified_id_token_hint(plan: Plan) -> None:
    head, body, signature = plan.id_token.split(".")
    forged = f"{head}.{body}.{('A' if signature[0] != 'A' else 'B') + signature[1:]}"
    _stays_with_us(plan, plan.logout(id_token_hint=forged, post_logout_redirect_uri=SIGNED_OUT, state="s"))


def test_bad_id_token_hint(plan: Plan) -> None:
    _stays_with_us(plan, plan.logout(id_token_hint="invalid", post_logout_redirect_uri=SIGNED_OUT, state="s"))


def test_no_id_token_hint(plan: Plan) -> None:
    _stays_with_us(plan, plan.logout(post_logout_redirect_uri=SIGNED_OUT, state="s"))


def test_no_params(plan: Plan) -> None:
    _stays_with_us(plan, plan.logout())


def test_no_post_logout_redirect_uri(plan: Plan) -> None:
    page = plan.logout(id_token_hint=plan.id_token, state="s")
    assert page.ours
    assert page.path.endswith("/signedout")
    assert not plan.signed_in


def test_no_state(plan: Plan) -> None:
    page = plan.logout(id_token_hint=plan.id_token, post_logout_redirect_uri=SIGNED_OUT)
    assert page.url == SIGNED_OUT
    assert not plan.signed_in


def test_only_state(plan: Plan) -> None:
    _stays_with_us(plan, plan.logout(state="s"))


# --- beyond the plan ----------------------------------------------------------------------------------------------


def test_client_id_and_a_registered_address_lead_back_once_the_person_agrees(plan: Plan) -> None:
    plan.logout(client_id=plan.rp.client.id, post_logout_redirect_uri=SIGNED_OUT, state="s")
    page = plan.confirm()
    assert page.url == f"{SIGNED_OUT}?state=s"
    assert not plan.signed_in


def test_client_id_must_be_the_one_the_hint_was_issued_to(plan: Plan) -> None:
    other = rp(plan.rp.pool)
    page = plan.logout(id_token_hint=plan.id_token, client_id=other.client.id, post_logout_redirect_uri=SIGNED_OUT)
    assert page.status == 400
    assert plan.signed_in


def test_the_answer_to_the_question_cannot_be_forged(plan: Plan) -> None:
    address = plan.rp.discovery()["end_session_endpoint"]
    given: dict[str, Any] = {"confirm": "0" * 64, "client_id": plan.rp.client.id}
    plan.browser.go(address, given | {"post_logout_redirect_uri": SIGNED_OUT})
    assert plan.signed_in_page_asks
    assert plan.signed_in


def test_an_id_token_of_another_person_signs_nobody_out_unasked(plan: Plan) -> None:
    other = plan.rp.tokens(Browser(plan.rp.world), plan.rp.pool.user())["id_token"]
    plan.logout(id_token_hint=other, post_logout_redirect_uri=SIGNED_OUT)
    assert plan.signed_in_page_asks
    assert plan.signed_in
