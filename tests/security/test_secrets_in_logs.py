"""A whole story at log level debug, by the API and on the pages: no password, code, token or secret is in the log."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

from poolhouse.core import clock
from tests.conftest import Databases
from tests.oidc import Browser, rp
from tests.world import PASSWORD, SECRET_ACCESS_KEY, Person, World

NEW_PASSWORD = "An0ther-Horse?"
TYPED_WRONG = "Typ3d-with-a-slip!"
# What a server of tests logs of itself, and a client's own log of what it sends: not ours to keep silent.
OTHERS = ("botocore", "boto3", "urllib3", "asyncio", "werkzeug")


class Everything(logging.Handler):
    """Keeps each record as it would be written, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(OTHERS):
            self.lines.append(self.format(record))


@pytest.fixture
def everything() -> Any:
    handler, root = Everything(), logging.getLogger()
    level = root.level
    levels = {name: logging.getLogger(name).level for name in ("poolhouse", "sqlalchemy", "authlib")}
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def test_no_secret_is_in_the_log_of_a_whole_story(databases: Databases, tmp_path: Path, everything: Everything) -> None:
    world = World(databases.make("sqlite"), tmp_path, log_level="debug")
    try:
        secrets = _story(world)
    finally:
        world.close()
    log = "\n".join(everything.lines)
    assert len(secrets) > 25
    told = sorted(name for name, secret in secrets.items() if secret in log)
    assert told == []


def test_the_log_of_that_test_is_not_empty(databases: Databases, tmp_path: Path, everything: Everything) -> None:
    """What is refused with a hint is logged, and so is what fails inside."""
    world = World(databases.make("sqlite"), tmp_path, log_level="debug")
    try:
        with pytest.raises(ClientError):
            world.idp.get_user(AccessToken="a.b.c")
    finally:
        world.close()
    assert any("poolhouse" in line for line in everything.lines), everything.lines


def _story(world: World) -> dict[str, str]:
    """Sign up, confirm, sign in, second factor, code flow, refresh, mistakes; every secret on the way by name."""
    pool = world.pool(AutoVerifiedAttributes=["email"])
    pool.totp()
    idp, email = pool.idp, "ann.private@example.com"
    client = pool.client(GenerateSecret=True)
    web = rp(pool, AllowedOAuthScopes=["openid", "email", "aws.cognito.signin.user.admin"])
    assert client.secret is not None
    assert web.client.secret is not None
    found = {
        "password": PASSWORD,
        "new password": NEW_PASSWORD,
        "wrong password": TYPED_WRONG,
        "access key": SECRET_ACCESS_KEY,
        "client secret": client.secret,
        "web secret": web.client.secret,
        "e-mail address": email,
    }
    hashed = {"ClientId": client.id, "Username": "ann", "SecretHash": client.secret_hash("ann")}
    attributes = [{"Name": "email", "Value": email}]
    idp.sign_up(**hashed, Password=PASSWORD, UserAttributes=attributes)
    found["sign-up code"] = world.code(email)
    _fails(idp.confirm_sign_up, **hashed, ConfirmationCode="999999")
    idp.confirm_sign_up(**hashed, ConfirmationCode=found["sign-up code"])

    auth = {"USERNAME": "ann", "PASSWORD": PASSWORD, "SECRET_HASH": str(client.secret_hash("ann"))}
    begin = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH"}
    _fails(idp.initiate_auth, **begin, AuthParameters=auth | {"PASSWORD": TYPED_WRONG})
    tokens = idp.initiate_auth(**begin, AuthParameters=auth)["AuthenticationResult"]
    found |= {f"API's {name}": tokens[name] for name in ("AccessToken", "IdToken", "RefreshToken")}
    access = tokens["AccessToken"]

    ann = Person(pool, "ann", PASSWORD, "")
    ann.totp_secret = idp.associate_software_token(AccessToken=access)["SecretCode"]
    found["TOTP secret"] = ann.totp_secret
    found["TOTP code"] = ann.totp_code()
    idp.verify_software_token(AccessToken=access, UserCode=found["TOTP code"])
    preference = {"Enabled": True, "PreferredMfa": True}
    idp.set_user_mfa_preference(AccessToken=access, SoftwareTokenMfaSettings=preference)
    posed = idp.initiate_auth(**begin, AuthParameters=auth)
    found["session"] = posed["Session"]
    found["second TOTP code"] = ann.totp_code()
    answers = {
        "USERNAME": "ann",
        "SECRET_HASH": auth["SECRET_HASH"],
        "SOFTWARE_TOKEN_MFA_CODE": found["second TOTP code"],
    }
    respond = {"ClientId": client.id, "ChallengeName": posed["ChallengeName"], "Session": posed["Session"]}
    idp.respond_to_auth_challenge(**respond, ChallengeResponses=answers)
    _fails(idp.respond_to_auth_challenge, **respond, ChallengeResponses=answers)

    idp.change_password(AccessToken=access, PreviousPassword=PASSWORD, ProposedPassword=NEW_PASSWORD)
    _fails(idp.change_password, AccessToken=access, PreviousPassword=PASSWORD, ProposedPassword=TYPED_WRONG)
    idp.forgot_password(**hashed)
    found["recovery code"] = world.code(email)
    idp.confirm_forgot_password(**hashed, ConfirmationCode=found["recovery code"], Password=PASSWORD + "2")
    found["recovered password"] = PASSWORD + "2"
    with clock.moved(seconds=60):  # a code of an authenticator is good once, and there were two
        _on_the_pages(world, web, Person(pool, "ann", PASSWORD + "2", "", ann.totp_secret, ann._step), found)
    return found


def _on_the_pages(world: World, web: Any, ann: Any, found: dict[str, str]) -> None:
    browser = Browser(world)
    browser.go(web.url())
    handle = parse_qs(urlsplit(browser.page.url).query)["request"][0]
    found["journey"] = handle
    found["form token"] = browser.page.forms[0]["fields"]["csrf"]
    browser.submit(username="ann", password=TYPED_WRONG)
    browser.submit(username="ann", password=ann.password)
    found["third TOTP code"] = ann.totp_code()
    browser.submit(code="123456")
    page = browser.submit(code=found["third TOTP code"])
    found["authorization code"] = page.given["code"]
    found |= {cookie.key: cookie.value for cookie in browser.http._cookies.values()}  # type: ignore[union-attr]
    answer = web.exchange(page.given["code"]).get_json()
    found |= {f"page's {name}": answer[name] for name in ("access_token", "id_token", "refresh_token")}
    assert web.exchange(page.given["code"]).status_code == 400
    assert web.refresh(answer["refresh_token"] + "x").status_code == 400
    assert web.userinfo(answer["access_token"] + "x").status_code == 401
    web.introspect(answer["access_token"])
    web.introspect(answer["refresh_token"])
    web.post("/oauth2/revoke", {"token": answer["refresh_token"]})
    browser.go(f"{world.url}/{web.pool.id}/logout?id_token_hint={answer['id_token']}")
    secret = web.client.secret
    web.client.secret = found["wrong secret"] = "not-the-secret-of-this-client"
    assert web.token(grant_type="client_credentials").status_code == 401
    web.client.secret = secret


def _fails(call: Any, **given: Any) -> None:
    with pytest.raises(ClientError):
        call(**given)
