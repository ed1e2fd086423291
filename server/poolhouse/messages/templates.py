"""The words of a message: the pool's templates with their placeholders filled in, else Poolhouse's own.

A template is HTML written by an administrator. What is filled in comes from users and is escaped: a username cannot
bring a link of its own into a mail that we sign (phishing by sign-up).
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, NamedTuple

from poolhouse.messages.events import CODE, USERNAME, CustomMessage
from poolhouse.messages.message import Message, one_line
from poolhouse.messages.occasion import Occasion
from poolhouse.user_pools.snapshots import Pool

_LINK = re.compile(r"\{##(.+?)##\}", re.DOTALL)
_LONGEST_SUBJECT = 140


class Words(NamedTuple):
    """A subject, HTML, and the text of an SMS, with placeholders."""

    subject: str
    html: str
    sms: str


def _page(heading: str, before: str, after: str) -> str:
    return (
        '<div style="font-family:system-ui,sans-serif;max-width:32rem;margin:0 auto;padding:1.5rem">'
        f'<h1 style="font-size:1.25rem">{heading}</h1><p>{before}</p>'
        f'<p style="font-size:1.75rem;letter-spacing:.15em"><strong>{CODE}</strong></p><p>{after}</p></div>'
    )


_IGNORE = "If you did not ask for it, you can ignore this message: without the code nothing happens."
_VERIFY = Words(
    "Your verification code",
    _page("Confirm your address", "Enter this code to confirm that this address is yours:", _IGNORE),
    f"Your verification code is {CODE}",
)
_RESET = Words(
    "Your code to reset your password",
    _page("Reset your password", f"Enter this code to choose a new password for {USERNAME}:", _IGNORE),
    f"Your code to reset your password is {CODE}",
)
_SIGN_IN = Words(
    "Your sign-in code",
    _page(
        "Finish signing in",
        "Enter this code to finish signing in:",
        "If you are not signing in right now, somebody else knows your password: change it.",
    ),
    f"Your sign-in code is {CODE}",
)
_INVITED = Words(
    "Your temporary password",
    _page(
        "An account was made for you",
        f"Your username is <strong>{USERNAME}</strong>. Sign in with this temporary password:",
        "You will be asked to choose a password of your own.",
    ),
    f"Your username is {USERNAME} and your temporary password is {CODE}",
)
_OWN: Mapping[Occasion, Words] = {
    Occasion.SIGN_UP: _VERIFY,
    Occasion.RESEND: _VERIFY,
    Occasion.VERIFY_ATTRIBUTE: _VERIFY,
    Occasion.UPDATE_ATTRIBUTE: _VERIFY,
    Occasion.FORGOT_PASSWORD: _RESET,
    Occasion.ADMIN_RESET: _RESET,
    Occasion.MFA: _SIGN_IN,
    Occasion.INVITATION: _INVITED,
}
_BY_LINK = Words(
    "Confirm your address",
    "<p>Confirm that this address is yours: {##confirm it##}. If you did not ask for it, ignore this message.</p>",
    "",
)


def render(
    pool: Pool,
    occasion: Occasion,
    medium: str,
    address: str,
    *,
    secret: str,
    username: str,
    words: CustomMessage,
    link: str | None = None,
) -> Message:
    """The message for ``address``: in the hook's words, else the pool's, else ours.

    ``secret`` is the code or temporary password that ``{####}`` stands for. A template of the pool's that does not
    show it is not used: a message without its code helps nobody.
    """
    chosen = _chosen(pool, occasion, words, by_link=link is not None and medium == "EMAIL")
    if medium == "SMS":
        return Message("SMS", address, "", _fill_text(chosen.sms, secret, username))
    body = _fill_html(chosen.html, secret, username, link)
    configured = pool.settings.get("EmailConfiguration") or {}
    own_sender = configured.get("EmailSendingAccount") == "DEVELOPER"
    return Message(
        "EMAIL",
        address,
        one_line(chosen.subject)[:_LONGEST_SUBJECT],
        as_text(body),
        body,
        sender=one_line(configured.get("From") or "") if own_sender else "",
        reply_to=one_line(configured.get("ReplyToEmailAddress") or ""),
    )


def _chosen(pool: Pool, occasion: Occasion, words: CustomMessage, *, by_link: bool) -> Words:
    own = _OWN[occasion]
    configured = _configured(pool.settings, occasion)
    pick = _first_with_code
    if by_link:
        verification = pool.settings.get("VerificationMessageTemplate") or {}
        return Words(
            words.email_subject or verification.get("EmailSubjectByLink") or _BY_LINK.subject,
            next(t for t in (verification.get("EmailMessageByLink"), _BY_LINK.html) if t and _LINK.search(t)),
            own.sms,
        )
    return Words(
        words.email_subject or configured.subject or own.subject,
        pick(words.email_message, configured.html, own.html),
        pick(words.sms_message, configured.sms, own.sms),
    )


def _first_with_code(*templates: str) -> str:
    return next(template for template in templates if CODE in template)


def _configured(settings: Mapping[str, Any], occasion: Occasion) -> Words:
    """The pool's own words: the newer member where it is set, else the older one of CreateUserPool."""
    if occasion is Occasion.INVITATION:
        invite = (settings.get("AdminCreateUserConfig") or {}).get("InviteMessageTemplate") or {}
        return _words(invite.get("EmailSubject"), invite.get("EmailMessage"), invite.get("SMSMessage"))
    if occasion is Occasion.MFA:
        mail = settings.get("EmailMfaConfiguration") or {}
        return _words(mail.get("Subject"), mail.get("Message"), settings.get("SmsAuthenticationMessage"))
    newer = settings.get("VerificationMessageTemplate") or {}
    return _words(
        newer.get("EmailSubject") or settings.get("EmailVerificationSubject"),
        newer.get("EmailMessage") or settings.get("EmailVerificationMessage"),
        newer.get("SmsMessage") or settings.get("SmsVerificationMessage"),
    )


def _words(subject: str | None, html_: str | None, sms: str | None) -> Words:
    return Words(subject or "", html_ or "", sms or "")


# --- Filling in ---------------------------------------------------------------------------------------------------


_PLACEHOLDER = re.compile(re.escape(CODE) + "|" + re.escape(USERNAME))


def _fill_text(template: str, secret: str, username: str) -> str:
    # One pass: a username that is spelt like a placeholder stays a username.
    return _PLACEHOLDER.sub(lambda found: secret if found[0] == CODE else one_line(username), template)


def _fill_html(template: str, secret: str, username: str, link: str | None) -> str:
    safe = {CODE: html.escape(secret), USERNAME: html.escape(one_line(username))}
    filled = _PLACEHOLDER.sub(lambda found: safe[found[0]], template)
    if link is not None:
        href = html.escape(link)
        filled = _LINK.sub(lambda found: f'<a href="{href}">{found[1]}</a>', filled)
    return filled


# --- The plain-text part ------------------------------------------------------------------------------------------

_BLOCKS = frozenset(
    {"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "tr", "blockquote", "section"}
)
_UNSEEN = frozenset({"style", "script", "head", "title"})


class _Text(HTMLParser):
    """What somebody who sees no HTML is to read: text, line breaks, and where links lead."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0
        self._hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "br":
            self.parts.append("\n")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag in _BLOCKS:
            self.parts.append("\n\n")
        elif tag == "a":
            self._hrefs.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _BLOCKS:
            self.parts.append("\n\n")
        elif tag == "a" and self._hrefs and (href := self._hrefs.pop()):
            self.parts.append(f" ({href})")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(re.sub(r"\s+", " ", data))


def as_text(markup: str) -> str:
    """``markup`` as plain text."""
    parser = _Text()
    parser.feed(markup)
    parser.close()
    text = "".join(parser.parts)
    lines = [line.strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
