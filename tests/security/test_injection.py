"""What people type stays text: no header of a mail, no SQL, no markup, no page position of somebody's own making."""

from __future__ import annotations

import base64
import inspect
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from werkzeug.test import Client

from poolhouse.api import model, registry
from tests.fronts.refusals import refused
from tests.oidc import Browser, rp
from tests.world import PASSWORD, PoolInWorld, World

BREAKS = ("\r\nBcc: eve@example.org", "\nBcc: eve@example.org", "\r\n\r\nbody", "\x00", "\x0bBcc: x", "\u2028Bcc: x")


def test_no_name_and_no_address_becomes_a_header_of_a_mail(world: World) -> None:
    """Class 63, SMTP injection: in the address, in the username, in what a pool's own templates put together."""
    pool = world.pool(
        AutoVerifiedAttributes=["email"],
        AdminCreateUserConfig={
            "InviteMessageTemplate": {"EmailSubject": "Welcome", "EmailMessage": "{username} {####}"}
        },
    )
    client, tag = pool.client(), pool.id[-9:].lower()
    for number, hostile in enumerate(BREAKS):
        mine = f"a{number}-{tag}@example.com"
        for email in (mine + hostile, f"a{number}{hostile}-{tag}@example.com", f"{mine},eve@example.org"):
            given = [{"Name": "email", "Value": email}]
            call = {"ClientId": client.id, "Username": f"u{number}", "Password": PASSWORD, "UserAttributes": given}
            with pytest.raises(ClientError) as refusal:
                pool.idp.sign_up(**call)
            assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        given = [{"Name": "email", "Value": mine}]
        try:
            pool.idp.admin_create_user(UserPoolId=pool.id, Username=f"n{number}{hostile}", UserAttributes=given)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "InvalidParameterException"  # noqa: PT017 - either will do
        for mail in world.mails(mine):
            assert "\n" not in mail["subject"]
            assert mail["to"] == mine
    assert world.mails("eve@example.org") == []


@pytest.mark.parametrize("member", ["EmailSubject", "From", "ReplyToEmailAddress"])
def test_no_setting_of_a_pool_becomes_a_second_header(world: World, member: str) -> None:
    hostile = "Hello\r\nBcc: eve@example.org"
    arn = "arn:aws:ses:us-east-1:000000000000:identity/a@example.com"
    sender = {"EmailSendingAccount": "DEVELOPER", "From": hostile, "SourceArn": arn}
    settings: dict[str, Any] = {
        "EmailSubject": {"VerificationMessageTemplate": {"EmailSubject": hostile}},
        "From": {"EmailConfiguration": sender},
        "ReplyToEmailAddress": {"EmailConfiguration": {"ReplyToEmailAddress": hostile}},
    }[member]
    try:
        pool = world.pool(AutoVerifiedAttributes=["email"], **settings)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidParameterException"  # noqa: PT017 - either will do
        return
    email = f"ann-{pool.id[-9:].lower()}@example.com"
    pool.idp.sign_up(
        ClientId=pool.client().id,
        Username="ann",
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": email}],
    )
    (mail,) = world.mails(email)
    assert "\n" not in mail["subject"]
    assert "\r" not in mail["subject"]


def _paged() -> list[tuple[str, str, str]]:
    """Every operation that takes a position, with the member's name."""
    found = []
    for service, name in sorted(registry.load()):
        for member in ("NextToken", "PaginationToken"):
            if member in model.service(service).operations[name].members:
                found.append((service, name, member))
    return found


@pytest.mark.parametrize(("service", "name", "member"), _paged(), ids=lambda value: str(value))
def test_a_position_that_we_did_not_write_is_refused(
    world: World, pool: PoolInWorld, service: str, name: str, member: str
) -> None:
    """Class 60: whatever it decodes to, and whatever SQL stands in it."""
    from poolhouse.access.caller import operator
    from poolhouse.api.perform import perform
    from poolhouse.core import unit
    from poolhouse.core.errors import InvalidParameter, Validation

    client = pool.client()
    pool.user("ann")
    pool.idp.create_group(UserPoolId=pool.id, GroupName="g")
    others = {
        "UserPoolId": pool.id,
        "ClientId": client.id,
        "Username": "ann",
        "GroupName": "g",
        "MaxResults": 1,
    }
    described = model.service(service).operations[name]
    if not described.required - {member} <= set(others):
        return  # its own tests know what it wants
    given = {key: value for key, value in others.items() if key in described.required}
    forged = [
        "' OR 1=1 --",
        base64.urlsafe_b64encode(b'{"name": "x\' OR 1=1 --"}').decode(),
        base64.urlsafe_b64encode(b"\x00" * 64).decode(),
        pool.idp.list_users(UserPoolId=pool.id, Limit=1).get("PaginationToken", "A" * 80),
    ]
    for token in forged:
        with unit.open(world.runtime), pytest.raises((InvalidParameter, Validation)):
            perform(operator("000000000000"), service, name, given | {member: token})


SQL = ("' OR '1'='1", '" OR ""="', "x'; DROP TABLE users; --", "%", "_", "\\", "ann%", "' UNION SELECT 1 --")


def test_names_and_filters_are_never_read_as_sql(pool: PoolInWorld) -> None:
    """Class 61's sibling: what finds somebody is a value, in the filter too."""
    client, ann = pool.client(), pool.user("ann", email="ann@example.com")
    for text in SQL:
        for filter_ in (f'username = "{text}"', f'email ^= "{text}"', f'sub = "{text}"'):
            try:
                found = pool.idp.list_users(UserPoolId=pool.id, Filter=filter_)["Users"]
            except ClientError as error:
                assert error.response["Error"]["Code"] == "InvalidParameterException"  # noqa: PT017
                continue
            assert found == [], filter_
        auth = {"USERNAME": text, "PASSWORD": ann.password}
        call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": auth}
        with pytest.raises(ClientError):
            pool.idp.initiate_auth(**call)
    assert client.tokens(ann)


def test_a_pools_own_words_bring_no_markup_into_the_pages(world: World) -> None:
    """Names of pools and clients stand on every page, and are their owners' text."""
    markup = "<script>alert(1)</script>"
    pool = world.pool(PoolName="ok", Schema=[{"Name": "given_name", "Required": True}])
    client = rp(pool, ClientName="shop " + "x" * 10)
    browser = Browser(world)
    for path in ("/login", "/signup", "/forgotPassword", "/error", "/signedout"):
        answer = browser.http.get(f"/{pool.id}{path}", query_string=client.request(login_hint=markup, state=markup))
        browser.go(client.url(login_hint=markup, ui_locales=markup))
        assert markup not in answer.get_data(as_text=True)
        assert markup not in browser.page.text
    call = pool.idp.update_user_pool_client
    refused(call, "InvalidParameterException", UserPoolId=pool.id, ClientId=client.client.id, ClientName=markup)


# --- Every page -------------------------------------------------------------------------------------------------------


def test_every_route_forbids_frames_sniffing_and_caches(world: World, pool: PoolInWorld) -> None:
    """Clickjacking: taken from the list of routes, so that no page is forgotten."""
    http, seen = Client(world.app), 0
    for rule in world.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or "assets" in rule.rule or rule.rule.startswith("/.well-known/"):
            continue
        path = re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", lambda m: pool.id if m[1] == "pool_id" else "x", rule.rule)
        answer = http.get(path, base_url=world.url)
        policy = answer.headers.get("Content-Security-Policy", "")
        framed = "frame-ancestors 'none'" in policy or answer.headers.get("X-Frame-Options") == "DENY"
        assert framed, (path, answer.status_code)
        assert answer.headers.get("X-Content-Type-Options") == "nosniff", path
        assert "no-store" in answer.headers.get("Cache-Control", ""), path
        assert answer.headers.get("Referrer-Policy") == "no-referrer", path
        seen += 1
    assert seen >= 14


def test_no_door_opens_a_debugger() -> None:
    """Class 63, debug ports: nothing of ours turns one on, and the defaults listen on this machine alone."""
    from poolhouse import app, cli, settings

    for module in (app, cli):
        assert not re.search(r"debug\s*=\s*True|use_debugger|set_trace|breakpoint\(", inspect.getsource(module))
    assert settings.load({}).host == "127.0.0.1"
    assert settings.load({}).signing == "verify"
