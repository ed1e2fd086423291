"""What people are sent, seen through the API: on every occasion, in the pool's words, by mail or by text message."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import select

from poolhouse.core import clock, unit
from poolhouse.core.errors import UserLambdaValidation
from poolhouse.listeners.models import AuditEvent
from poolhouse.messages import outbox
from poolhouse.messages.events import CustomMessage
from tests import smtp_server
from tests.fronts.refusals import refused
from tests.world import PASSWORD, ClientInWorld, PoolInWorld, World


def sign_up(client: ClientInWorld, username: str, **attributes: str) -> dict[str, Any]:
    given = [{"Name": name, "Value": value} for name, value in attributes.items()]
    call = {"ClientId": client.id, "Username": username, "Password": PASSWORD, "UserAttributes": given}
    return dict(client.pool.idp.sign_up(**call))


@pytest.fixture
def mailed(world: World) -> PoolInWorld:
    return world.pool(
        AutoVerifiedAttributes=["email"],
        VerificationMessageTemplate={"EmailMessage": "<p>Prove it: {####}</p>", "EmailSubject": "Prove it"},
        AdminCreateUserConfig={
            "InviteMessageTemplate": {"EmailMessage": "<p>{username}: {####}</p>", "EmailSubject": "Come in"}
        },
    )


def test_every_occasion_sends_the_pools_words(mailed: PoolInWorld) -> None:
    world, client, address = mailed.world, mailed.client(), "occasions@example.com"

    def newest(count: int) -> dict[str, Any]:
        mails = world.mails(address)
        assert len(mails) == count
        return mails[-1]

    sign_up(client, "occasions", email=address)
    first = newest(1)
    assert (first["subject"], first["to"]) == ("Prove it", address)
    assert re.fullmatch(r"Prove it: [0-9]{6}", first["text"])
    assert re.fullmatch(r"<p>Prove it: [0-9]{6}</p>", first["html"])

    mailed.idp.resend_confirmation_code(ClientId=client.id, Username="occasions")
    assert newest(2)["text"] != first["text"]
    code = world.code(address)
    mailed.idp.confirm_sign_up(ClientId=client.id, Username="occasions", ConfirmationCode=code)

    mailed.idp.forgot_password(ClientId=client.id, Username="occasions")
    assert newest(3)["subject"] == "Prove it"
    mailed.idp.admin_reset_user_password(UserPoolId=mailed.id, Username="occasions")
    assert re.search("[0-9]{6}", newest(4)["text"])


def test_an_invitation_brings_the_password_to_begin_with(mailed: PoolInWorld) -> None:
    address = "invited@example.com"
    mailed.idp.admin_create_user(
        UserPoolId=mailed.id,
        Username="invited",
        TemporaryPassword="T3mporary<&>word!",
        UserAttributes=[{"Name": "email", "Value": address}],
        DesiredDeliveryMediums=["EMAIL"],
    )
    (mail,) = mailed.world.mails(address)
    assert mail["subject"] == "Come in"
    assert mail["text"] == "invited: T3mporary<&>word!"
    assert mail["html"] == "<p>invited: T3mporary&lt;&amp;&gt;word!</p>"


def test_a_text_message_goes_to_the_development_mailbox(world: World) -> None:
    pool = world.pool(AutoVerifiedAttributes=["phone_number"], SmsVerificationMessage="Your number: {####}")
    made = sign_up(pool.client(), "phoned", phone_number="+15550100777")
    assert made["CodeDeliveryDetails"] == {
        "Destination": "+*******0777",
        "DeliveryMedium": "SMS",
        "AttributeName": "phone_number",
    }
    (mail,) = world.mails("+15550100777")
    assert re.fullmatch(r"Your number: [0-9]{6}", mail["text"])
    assert (mail["html"], mail["subject"]) == ("", "")


def test_a_refused_sign_up_sends_nothing(mailed: PoolInWorld) -> None:
    client = mailed.client()
    sign_up(client, "taken", email="taken@example.com")
    with pytest.raises(ClientError, match="UsernameExists"):
        sign_up(client, "taken", email="nothing-sent@example.com")
    assert mailed.world.mails("nothing-sent@example.com") == []


# --- The CustomMessage hook ------------------------------------------------------------------------------------------


@pytest.fixture
def asked(world: World) -> Iterator[list[CustomMessage]]:
    """Every question that CustomMessage asks; a listener answers in its own words, or refuses ``refused…`` users."""
    questions: list[CustomMessage] = []

    def answer(question: CustomMessage) -> CustomMessage:
        questions.append(question)
        if question.username.startswith("refused"):
            raise UserLambdaValidation("CustomMessage failed with error no.")
        return dataclasses.replace(question, email_subject="Hooked", email_message="hook says {####}")

    world.runtime.bus.answering(CustomMessage, answer)
    yield questions
    world.runtime.bus._asked[CustomMessage].remove(answer)


def test_a_hook_puts_a_message_in_its_own_words(mailed: PoolInWorld, asked: list[CustomMessage]) -> None:
    client = mailed.client()
    made = sign_up(client, "hooked", email="hooked@example.com")
    (question,) = asked
    assert (question.trigger, question.client_id, question.sub) == ("CustomMessage_SignUp", client.id, made["UserSub"])
    assert question.attributes["email"] == "hooked@example.com"
    (mail,) = mailed.world.mails("hooked@example.com")
    assert mail["subject"] == "Hooked"
    assert re.fullmatch("hook says [0-9]{6}", mail["text"])


def test_a_hook_that_refuses_leaves_nothing_behind(mailed: PoolInWorld, asked: list[CustomMessage]) -> None:
    client = mailed.client()
    call = {"ClientId": client.id, "Username": "refused1", "Password": PASSWORD}
    call["UserAttributes"] = [{"Name": "email", "Value": "refused1@example.com"}]
    refused(mailed.idp.sign_up, "UserLambdaValidationException", **call)
    assert mailed.world.mails("refused1@example.com") == []
    refused(mailed.idp.admin_get_user, "UserNotFoundException", UserPoolId=mailed.id, Username="refused1")


# --- A real mail server ----------------------------------------------------------------------------------------------


def test_mail_leaves_by_smtp(fresh_database_url: str, tmp_path: Path) -> None:
    with smtp_server.running() as sink:
        url = f"smtp://127.0.0.1:{sink.port}"
        world = World(fresh_database_url, tmp_path, smtp_url=url, mail_from="Us <us@example.com>")
        try:
            client = world.pool(AutoVerifiedAttributes=["email"]).client()
            sign_up(client, "posted", email="posted@example.com")
            outbox.deliver(world.runtime)
            ((sender, recipients, raw),) = sink.mails
            assert ("<us@example.com>" in sender, recipients) == (True, ["posted@example.com"])
            code = re.search(rb"\b[0-9]{6}\b", raw)
            assert code
            world.idp.confirm_sign_up(ClientId=client.id, Username="posted", ConfirmationCode=code[0].decode())
            refused(
                world.idp.sign_up,
                "CodeDeliveryFailureException",
                ClientId=world.pool(AutoVerifiedAttributes=["phone_number"]).client().id,
                Username="no-sms",
                Password=PASSWORD,
                UserAttributes=[{"Name": "phone_number", "Value": "+15550100778"}],
            )
        finally:
            world.close()


def test_a_mail_server_that_is_down_keeps_nobody_from_signing_up(fresh_database_url: str, tmp_path: Path) -> None:
    with smtp_server.running() as gone:
        port = gone.port
    world = World(fresh_database_url, tmp_path, smtp_url=f"smtp://127.0.0.1:{port}")
    try:
        client = world.pool(AutoVerifiedAttributes=["email"]).client()
        assert sign_up(client, "patient", email="patient@example.com")["UserConfirmed"] is False
        assert outbox.deliver(world.runtime) == 0
        with unit.open(world.runtime), clock.moved(seconds=11):
            assert len(outbox._due(world.runtime)) == 1  # it waits for the server to come back
    finally:
        world.close()


# --- The audit log ---------------------------------------------------------------------------------------------------


def _audited(world: World, pool: PoolInWorld) -> list[Any]:
    with unit.open(world.runtime):
        rows = select(AuditEvent.__table__).where(AuditEvent.pool_id == pool.id).order_by(AuditEvent.at, AuditEvent.id)
        return list(unit.execute(rows))


def test_a_story_is_told_by_the_audit_log_without_a_word_about_anybody(mailed: PoolInWorld) -> None:
    world, client = mailed.world, mailed.client()
    made = sign_up(client, "audited-name", email="audited@example.com")
    code = world.code("audited@example.com")
    mailed.idp.confirm_sign_up(ClientId=client.id, Username="audited-name", ConfirmationCode=code)
    auth = {"USERNAME": "audited-name", "PASSWORD": PASSWORD}
    mailed.idp.initiate_auth(ClientId=client.id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=auth)
    with pytest.raises(ClientError):
        wrong = auth | {"PASSWORD": "Wr0ng-password!"}
        mailed.idp.initiate_auth(ClientId=client.id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=wrong)
    mailed.idp.admin_user_global_sign_out(UserPoolId=mailed.id, Username="audited-name")

    rows = _audited(world, mailed)
    names = [row.name for row in rows]
    for name in ("UserSignedUp", "UserConfirmed", "UserSignedIn", "SignInFailed"):
        assert names.count(name) == 1, names
    assert names.index("UserSignedUp") < names.index("UserConfirmed") < names.index("UserSignedIn")
    assert {row.sub for row in rows if row.sub is not None} == {made["UserSub"]}
    whole = repr(rows)
    for secret in ("audited-name", "audited@example.com", code, PASSWORD, "Wr0ng-password!"):
        assert secret not in whole


def test_what_was_rolled_back_was_never_a_fact(mailed: PoolInWorld) -> None:
    client = mailed.client()
    sign_up(client, "twice", email="twice@example.com")
    before = len(_audited(mailed.world, mailed))
    with pytest.raises(ClientError, match="UsernameExists"):
        sign_up(client, "twice", email="twice-again@example.com")
    assert len(_audited(mailed.world, mailed)) == before
