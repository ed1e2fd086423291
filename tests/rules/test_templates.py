"""The words of messages: whose words are chosen, what is filled in, and what a hostile username can do (nothing)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from poolhouse.messages import templates
from poolhouse.messages.delivery import Delivery, masked
from poolhouse.messages.events import CustomMessage
from poolhouse.messages.message import Message, one_line
from poolhouse.messages.occasion import Occasion
from poolhouse.user_pools.snapshots import Pool

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CODE, USER = "123456", "ann"


def _pool(**settings: Any) -> Pool:
    return Pool("us-east-1_templates", "p", settings, {}, NOW, NOW, "us-east-1", "000000000000", "https://i")


def _words(**given: str) -> CustomMessage:
    return CustomMessage("us-east-1_templates", "CustomMessage_SignUp", "client", "sub", USER, {}, {}, **given)


def _render(
    occasion: Occasion = Occasion.SIGN_UP,
    medium: str = "EMAIL",
    *,
    username: str = USER,
    secret: str = CODE,
    words: CustomMessage | None = None,
    link: str | None = None,
    **settings: Any,
) -> Message:
    pool = _pool(**settings)
    words = words or _words()
    return templates.render(
        pool, occasion, medium, "ann@example.com", secret=secret, username=username, words=words, link=link
    )


# --- Whose words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("medium", ["EMAIL", "SMS"])
@pytest.mark.parametrize("occasion", Occasion)
def test_every_occasion_has_words_of_its_own_with_the_code_in_them(occasion: Occasion, medium: str) -> None:
    message = _render(occasion, medium)
    assert CODE in message.text
    assert "{" not in message.text + message.html + message.subject
    assert bool(message.html) == bool(message.subject) == (medium == "EMAIL")
    assert medium == "SMS" or CODE in message.html


def test_an_invitation_names_the_username() -> None:
    for medium in ("EMAIL", "SMS"):
        assert "ann" in _render(Occasion.INVITATION, medium).text


@pytest.mark.parametrize(
    ("occasion", "settings"),
    [
        (Occasion.SIGN_UP, {"EmailVerificationMessage": "old {####}", "EmailVerificationSubject": "Sub"}),
        (
            Occasion.SIGN_UP,
            {
                "EmailVerificationMessage": "outdated {####}",
                "EmailVerificationSubject": "outdated",
                "VerificationMessageTemplate": {"EmailMessage": "old {####}", "EmailSubject": "Sub"},
            },
        ),
        (
            Occasion.FORGOT_PASSWORD,
            {"VerificationMessageTemplate": {"EmailMessage": "old {####}", "EmailSubject": "Sub"}},
        ),
        (
            Occasion.INVITATION,
            {
                "VerificationMessageTemplate": {"EmailMessage": "other {####}", "EmailSubject": "other"},
                "AdminCreateUserConfig": {
                    "InviteMessageTemplate": {"EmailMessage": "old {####}", "EmailSubject": "Sub"}
                },
            },
        ),
        (Occasion.MFA, {"EmailMfaConfiguration": {"Message": "old {####}", "Subject": "Sub"}}),
    ],
)
def test_a_pools_own_words_are_used(occasion: Occasion, settings: dict[str, Any]) -> None:
    message = _render(occasion, **settings)
    assert (message.subject, message.html, message.text) == ("Sub", "old 123456", "old 123456")


@pytest.mark.parametrize(
    ("occasion", "settings"),
    [
        (Occasion.SIGN_UP, {"SmsVerificationMessage": "sms {####}"}),
        (Occasion.RESEND, {"VerificationMessageTemplate": {"SmsMessage": "sms {####}"}}),
        (Occasion.MFA, {"SmsAuthenticationMessage": "sms {####}", "SmsVerificationMessage": "other {####}"}),
        (Occasion.INVITATION, {"AdminCreateUserConfig": {"InviteMessageTemplate": {"SMSMessage": "sms {####}"}}}),
    ],
)
def test_a_pools_own_text_messages_are_used(occasion: Occasion, settings: dict[str, Any]) -> None:
    assert _render(occasion, "SMS", **settings).text == "sms 123456"


def test_a_template_without_the_code_is_not_used() -> None:
    assert CODE in _render(EmailVerificationMessage="Welcome!").text


def test_a_hooks_words_come_before_the_pools() -> None:
    words = _words(email_message="hook {####}", email_subject="Hook")
    message = _render(words=words, EmailVerificationMessage="pool {####}", EmailVerificationSubject="Pool")
    assert (message.subject, message.html) == ("Hook", "hook 123456")


def test_a_hooks_words_without_the_code_are_not_used() -> None:
    message = _render(words=_words(email_message="no code"), EmailVerificationMessage="pool {####}")
    assert message.html == "pool 123456"


def test_a_link_takes_the_place_of_the_code_where_one_is_given() -> None:
    template = {"EmailMessageByLink": "Go {##here & now##}", "EmailSubjectByLink": "By link"}
    message = _render(link="https://i/confirm?a=1&b=2", VerificationMessageTemplate=template)
    assert message.html == 'Go <a href="https://i/confirm?a=1&amp;b=2">here & now</a>'
    assert message.text == "Go here & now (https://i/confirm?a=1&b=2)"
    assert message.subject == "By link"


def test_senders_of_ones_own_are_for_pools_that_asked_for_them() -> None:
    given = {"From": "Shop <shop@example.com>", "ReplyToEmailAddress": "help@example.com"}
    assert _render(EmailConfiguration=given).sender == ""
    message = _render(EmailConfiguration={**given, "EmailSendingAccount": "DEVELOPER"})
    assert (message.sender, message.reply_to) == ("Shop <shop@example.com>", "help@example.com")


# --- What is filled in -----------------------------------------------------------------------------------------------


def test_a_username_brings_no_markup_into_a_mail() -> None:
    hostile = '<a href="https://evil.example">win</a>'
    message = _render(Occasion.INVITATION, username=hostile)
    assert "<a " not in message.html
    assert "&lt;a href=&quot;https://evil.example&quot;&gt;win&lt;/a&gt;" in message.html
    assert hostile in message.text


def test_a_temporary_password_full_of_markup_arrives_as_it_is() -> None:
    message = _render(Occasion.INVITATION, secret="<b>&amp;\"'")
    assert "&lt;b&gt;&amp;amp;&quot;&#x27;" in message.html
    assert "<b>&amp;\"'" in message.text


def test_a_username_that_is_spelt_like_a_placeholder_stays_a_username() -> None:
    template = {"InviteMessageTemplate": {"EmailMessage": "{username}: {####}", "SMSMessage": "{username}: {####}"}}
    for medium in ("EMAIL", "SMS"):
        message = _render(Occasion.INVITATION, medium, username="{####}", AdminCreateUserConfig=template)
        assert message.text == "{####}: 123456"


def test_a_username_with_line_breaks_stays_on_its_line() -> None:
    template = {"InviteMessageTemplate": {"SMSMessage": "{username} {####}"}}
    message = _render(Occasion.INVITATION, "SMS", username="a\r\nb", AdminCreateUserConfig=template)
    assert message.text == "a b 123456"


def test_a_subject_is_one_line_and_tells_no_code() -> None:
    message = _render(EmailVerificationSubject="Hello\r\nBcc: eve@example.org\x00{####}")
    assert message.subject == "Hello Bcc: eve@example.org {####}"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two", "one\ntwo"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ('<a href="https://x">link</a>', "link (https://x)"),
        ("<style>p { color: red }</style>seen", "seen"),
        ("<head><title>t</title></head>seen", "seen"),
        ("a &amp; b &lt;c&gt;", "a & b <c>"),
        ("  many\n   spaces ", "many spaces"),
        ("<p>unclosed <b>tags", "unclosed tags"),
        ("</p></style>seen", "seen"),
        ("", ""),
    ],
)
def test_html_as_text(markup: str, text: str) -> None:
    assert templates.as_text(markup) == text


@pytest.mark.parametrize("text", ["a\r\nb", "a\nb", "a\u2028b", "a\x85b", "a\x00b", "a\x0bb", "a\t\r\n b"])
def test_one_line_is_one_line(text: str) -> None:
    assert one_line(text).split() == ["a", "b"]
    assert len(one_line(text).splitlines()) == 1


def test_a_message_survives_the_outbox() -> None:
    message = _render()
    assert Message.load(message.dump()) == message


# --- Where it went ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attribute", "address", "shown"),
    [
        ("email", "ann@example.com", "a***@e***"),
        ("email", "a@b", "a***@b***"),
        ("email", "odd@name@example.com", "o***@e***"),
        ("email", "", "***@***"),
        ("phone_number", "+15550001234", "+*******1234"),
        ("phone_number", "+1234", "+1234"),
    ],
)
def test_destinations_are_masked(attribute: str, address: str, shown: str) -> None:
    assert masked(attribute, address) == shown


def test_a_delivery_is_described_in_the_apis_words() -> None:
    assert Delivery.to("email", "ann@example.com").describe() == {
        "DeliveryMedium": "EMAIL",
        "Destination": "a***@e***",
        "AttributeName": "email",
    }
    assert Delivery.to("phone_number", "+15550001234").medium == "SMS"


def test_every_occasion_has_a_trigger_of_cognitos() -> None:
    assert {occasion.trigger for occasion in Occasion} == {
        "CustomMessage_SignUp",
        "CustomMessage_ResendCode",
        "CustomMessage_ForgotPassword",
        "CustomMessage_VerifyUserAttribute",
        "CustomMessage_UpdateUserAttribute",
        "CustomMessage_AdminCreateUser",
        "CustomMessage_Authentication",
    }
