"""Whoever or whatever is taken away stops at once, with everything in their hands: people, clients, pools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from poolhouse.core import clock
from tests.fronts.refusals import refused
from tests.oidc import Browser, Rp, rp
from tests.world import ClientInWorld, Person, PoolInWorld, World

SCOPES = "openid aws.cognito.signin.user.admin"


class InHand:
    """Everything that somebody can hold when they are taken away."""

    def __init__(self, world: World) -> None:
        self.pool = pool = world.pool(AutoVerifiedAttributes=["email"])
        self.web = rp(pool, AllowedOAuthScopes=SCOPES.split())
        self.api = pool.client()
        self.email = f"ann-{pool.id[-9:].lower()}@example.com"
        self.ann = pool.user("ann", email=self.email, email_verified="true")
        self.browser = Browser(world)
        self.tokens = self.web.tokens(self.browser, self.ann, scope=SCOPES)
        self.code = self.web.code(self.browser, scope=SCOPES).given["code"]
        self.by_api = self.api.tokens(self.ann)
        self.idp = pool.idp
        self.idp.forgot_password(ClientId=self.api.id, Username="ann")
        self.mailed = world.code(self.email)

    def opens(self) -> list[str]:
        """What still opens a door, by name."""
        tried: dict[str, Callable[[], bool]] = {
            "userinfo": lambda: self.web.userinfo(self.tokens["access_token"]).status_code == 200,
            "introspection": lambda: self._active(self.tokens["access_token"]),
            "introspection of the refresh token": lambda: self._active(self.tokens["refresh_token"]),
            "code": lambda: self.web.exchange(self.code).status_code == 200,
            "refresh": lambda: self.web.refresh(self.tokens["refresh_token"]).status_code == 200,
            "API": lambda: self._api("get_user", AccessToken=self.by_api["AccessToken"]),
            "API's refresh": lambda: self._api(
                "get_tokens_from_refresh_token", RefreshToken=self.by_api["RefreshToken"], ClientId=self.api.id
            ),
            "API's older refresh": lambda: self._api(
                "initiate_auth",
                ClientId=self.api.id,
                AuthFlow="REFRESH_TOKEN_AUTH",
                AuthParameters={"REFRESH_TOKEN": self.by_api["RefreshToken"]},
            ),
            "session": lambda: "code" in self.browser.go(self.web.url(prompt="none")).given,
            "mailed code": lambda: self._api(
                "confirm_forgot_password",
                ClientId=self.api.id,
                Username="ann",
                ConfirmationCode=self.mailed,
                Password="Thi3f-of-codes!",
            ),
            "password": lambda: self._signs_in("Thi3f-of-codes!") or self._signs_in(self.ann.password),
        }
        return [name for name, attempt in tried.items() if attempt()]

    def _active(self, token: str) -> bool:
        answer = self.web.post("/oauth2/introspect", {"token": token})
        return answer.status_code == 200 and bool(answer.get_json()["active"])

    def _api(self, operation: str, **given: Any) -> bool:
        try:
            getattr(self.idp, operation)(**given)
        except ClientError:
            return False
        return True

    def _signs_in(self, password: str) -> bool:
        auth = {"USERNAME": "ann", "PASSWORD": password}
        return self._api("initiate_auth", ClientId=self.api.id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=auth)


@pytest.fixture
def held(world: World) -> InHand:
    return InHand(world)


def test_everything_opens_while_nobody_was_stopped(held: InHand) -> None:
    """So that what follows is about the stopping."""
    assert len(held.opens()) == 11


def test_a_disabled_user_has_nothing_that_opens(held: InHand) -> None:
    """Classes 12, 56."""
    held.idp.admin_disable_user(UserPoolId=held.pool.id, Username="ann")
    assert held.opens() == []


def test_a_deleted_user_has_nothing_that_opens(held: InHand) -> None:
    held.idp.admin_delete_user(UserPoolId=held.pool.id, Username="ann")
    assert held.opens() == []


def test_a_deleted_pool_leaves_nothing_that_opens(held: InHand) -> None:
    held.idp.delete_user_pool(UserPoolId=held.pool.id)
    assert held.opens() == []


def test_signing_out_everywhere_ends_all_that_was_issued(held: InHand) -> None:
    held.idp.admin_user_global_sign_out(UserPoolId=held.pool.id, Username="ann")
    assert not {"refresh", "API", "API's refresh", "userinfo", "introspection"} & set(held.opens())


def test_deleted_clients_leave_nothing_that_opens(held: InHand) -> None:
    for client in (held.web.client.id, held.api.id):
        held.idp.delete_user_pool_client(UserPoolId=held.pool.id, ClientId=client)
    assert held.opens() == []


def test_a_flow_that_is_taken_from_a_client_ends_with_its_next_use(held: InHand) -> None:
    """Class 56: a client whose OAuth is switched off exchanges no code and starts nothing."""
    update = {"UserPoolId": held.pool.id, "ClientId": held.web.client.id}
    held.idp.update_user_pool_client(**update, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"])
    assert held.web.exchange(held.code).status_code in {400, 401}
    page = held.browser.go(held.web.url(prompt="none"))
    assert "code" not in page.given


def test_somebody_disabled_in_the_middle_of_signing_in_stays_out(pool: PoolInWorld) -> None:
    """Class 56: between password and second factor, by the API and on the pages."""
    pool.totp()
    client, web, ann = pool.client(), rp(pool), pool.user()
    ann.set_up_totp(client)
    session, browser = client.sign_in(ann)["Session"], Browser(pool.world)
    browser.go(web.url())
    browser.submit(username=ann.username, password=ann.password)
    pool.idp.admin_disable_user(UserPoolId=pool.id, Username=ann.username)
    answers = {"USERNAME": ann.username, "SOFTWARE_TOKEN_MFA_CODE": ann.totp_code()}
    call = {"ClientId": client.id, "ChallengeName": "SOFTWARE_TOKEN_MFA", "ChallengeResponses": answers}
    refused(pool.idp.respond_to_auth_challenge, "NotAuthorizedException", **call, Session=session)
    page = browser.submit(code=ann.totp_code())
    assert "code" not in page.given


def test_an_expired_invitation_does_not_work_at_any_door(pool: PoolInWorld) -> None:
    """Class 58."""
    client, web = pool.client(), rp(pool)
    pool.idp.admin_create_user(
        UserPoolId=pool.id, Username="late", TemporaryPassword="Temp0rary-one!", MessageAction="SUPPRESS"
    )
    late, browser = Person(pool, "late", "Temp0rary-one!", ""), Browser(pool.world)
    with clock.moved(days=8):
        with pytest.raises(ClientError) as refusal:
            client.sign_in(late)
        assert "expired" in refusal.value.response["Error"]["Message"]
        browser.go(web.url())
        page = browser.sign_in(late)
        assert page.path == f"/{pool.id}/login"
    assert client.sign_in(late)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_a_taken_away_group_is_not_in_the_next_token(pool: PoolInWorld) -> None:
    """Class 56: grants are read anew at every refresh."""
    web, ann = rp(pool), pool.user("ann")
    pool.idp.create_group(UserPoolId=pool.id, GroupName="editors")
    pool.idp.admin_add_user_to_group(UserPoolId=pool.id, GroupName="editors", Username="ann")
    tokens = web.tokens(Browser(pool.world), ann)
    assert web.id_claims(tokens["id_token"])["cognito:groups"] == ["editors"]
    pool.idp.admin_remove_user_from_group(UserPoolId=pool.id, GroupName="editors", Username="ann")
    again = web.refresh(tokens["refresh_token"]).get_json()
    assert "cognito:groups" not in web.id_claims(again["id_token"])


def test_a_changed_password_ends_the_browsers_that_were_signed_in(world: World, pool: PoolInWorld) -> None:
    """Session fixation by whoever knew the old one: their browser is out with the password."""
    web, ann = rp(pool), pool.user("ann")
    thief: Browser = Browser(world)
    _in(web, thief, ann)
    pool.idp.admin_set_user_password(UserPoolId=pool.id, Username="ann", Password="An0ther-one!", Permanent=True)
    assert thief.go(web.url(prompt="none")).given["error"] == "login_required"


def _in(web: Rp, browser: Browser, person: Person) -> None:
    assert "code" in web.code(browser, person).given


def test_another_clients_tokens_do_not_end_with_a_client(held: InHand) -> None:
    """Deleting one client is no sign-out of the others."""
    other: ClientInWorld = held.pool.client()
    tokens = other.tokens(held.ann)
    held.idp.delete_user_pool_client(UserPoolId=held.pool.id, ClientId=held.web.client.id)
    assert held.idp.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
