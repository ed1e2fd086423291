"""Every sentence of the hosted pages, in one catalogue a language, and the choice of a catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from poolhouse.core import errors
from poolhouse.core.errors import PoolhouseError

ENGLISH: Mapping[str, str] = {
    # --- what every page has
    "page.title": "{task} · {pool}",
    "page.skip": "Skip to the form",
    "page.footer": "Sign-in by Poolhouse",
    "error.summary": "Please correct this first",
    "field.optional": "optional",
    "password.show": "Show",
    "password.hide": "Hide",
    "password.show.label": "Show password",
    "password.hide.label": "Hide password",
    "copy": "Copy",
    "copied": "Copied",
    "sending": "One moment…",
    # --- sign-in
    "login.task": "Sign in",
    "login.lead": "to continue to {client}",
    "login.submit": "Sign in",
    "login.forgot": "Forgot your password?",
    "login.no_account": "New here?",
    "login.sign_up": "Create an account",
    "login.again": "Use another account",
    "login.with": "Continue with {provider}",
    "login.or": "or",
    "login.continue": "Continue",
    "login.change": "Use another name",
    "login.email_too": "{name} or email address",
    # --- sign-up
    "signup.task": "Create your account",
    "signup.lead": "to continue to {client}",
    "signup.submit": "Create account",
    "signup.have_account": "Already have an account?",
    "signup.sign_in": "Sign in",
    "signup.closed": "New accounts are made by an administrator here. Ask the people who run {pool} for an invitation.",
    # --- confirmation
    "confirm.task": "Confirm your account",
    "confirm.sent": "We sent a code to {destination}. Enter it here to finish.",
    "confirm.unsent": "Enter the code that we sent you when you signed up.",
    "confirm.submit": "Confirm",
    "confirm.resend": "Send a new code",
    "confirm.resend.inline": "send a new code",
    "confirm.nothing_came": "Nothing came? Look in the spam folder, or",
    "confirm.wait": "Your account is made",
    "confirm.wait.text": "An administrator has to confirm it before you can sign in. Come back when you have heard.",
    "resend.task": "Get a new code",
    "resend.lead": "Tell us which account, and we send a new confirmation code.",
    "resend.submit": "Send code",
    # --- recovery
    "forgot.task": "Reset your password",
    "forgot.lead": "Tell us which account, and we send you a code to choose a new password with.",
    "forgot.submit": "Send code",
    "forgot.back": "Back to sign-in",
    "forgot.closed": "Passwords are reset by an administrator here. Ask the people who run {pool} to reset yours.",
    "reset.task": "Choose a new password",
    "reset.sent": "If the account exists, a code is on its way to {destination}. Enter it with your new password.",
    "reset.unsent": "Enter the code that we sent you, and your new password.",
    "reset.submit": "Set password",
    "reset.resend": "Send another code",
    # --- challenges
    "new_password.task": "Choose a new password",
    "new_password.lead": "Your password was temporary. Choose one that only you know.",
    "new_password.submit": "Save and continue",
    "totp.task": "Enter your code",
    "totp.lead": "Open your authenticator app and enter the six digits it shows for {pool}.",
    "totp.submit": "Continue",
    "totp.lost": "No access to the app? Ask the people who run {pool} to reset it for you.",
    "totp_setup.task": "Set up two-step sign-in",
    "totp_setup.lead": "{pool} asks for a code from an authenticator app beside your password.",
    "totp_setup.scan": "Scan this picture with your authenticator app.",
    "totp_setup.picture": "QR code with the key for your authenticator app; the key stands below as text",
    "totp_setup.secret": "Or enter this key by hand",
    "totp_setup.enter": "Then enter the six digits the app shows.",
    "totp_setup.submit": "Turn on and continue",
    "choose.task": "How do you want to confirm it is you?",
    "choose.submit": "Continue",
    "choose.SOFTWARE_TOKEN_MFA": "Authenticator app",
    "choose.SOFTWARE_TOKEN_MFA.about": "Six digits from the app on your phone",
    "choose.SMS_MFA": "Text message",
    "choose.SMS_MFA.about": "A code sent to your phone",
    "choose.EMAIL_OTP": "Email",
    "choose.EMAIL_OTP.about": "A code sent to your address",
    "choose.legend": "Ways to confirm",
    "code.task": "Enter your code",
    "code.sent": "We sent a code to {destination}.",
    "code.unsent": "We sent you a code.",
    "challenge.back": "Start over",
    # --- signing in through somebody else
    "connect.task": "Connect your account",
    "connect.lead": (
        "There is an account with {email} here already. Sign in to it once, and from then on {provider} leads to it."
    ),
    "connect.submit": "Sign in and connect",
    "connect.wrong": "That is not this account’s password. Try again, or reset it.",
    "connect.decline": "Continue without connecting",
    "going.task": "One moment",
    "going.text": "Taking you to {target}…",
    "going.continue": "Continue",
    "failed.denied": "You are not signed in",
    "failed.denied.text": "The sign-in was cancelled or refused at {provider}. Try again, or sign in another way.",
    "failed.broken": "{provider} sent an answer that we cannot use",
    "failed.broken.text": (
        "To be safe, nobody was signed in. Try once more; if it happens again, tell the people who run {pool}."
    ),
    "failed.unavailable": "{provider} cannot be reached",
    "failed.unavailable.text": "It does not answer at the moment. Wait a minute and try again, or sign in another way.",
    "failed.misconfigured": "Signing in with {provider} is not set up right",
    "failed.misconfigured.text": (
        "You did nothing wrong, and trying again will not help. Tell the people who run {pool}, "
        "and sign in another way until it is mended."
    ),
    "failed.not_open": "You cannot sign in with {provider} here",
    "failed.not_open.text": "It is switched off, or not meant for this app. Sign in another way.",
    "failed.refused": "This account may not sign in",
    "failed.refused.text": (
        "{provider} knows you, but {pool} does not let the account in: it may be switched off, or lack something "
        "that {pool} needs. Ask the people who run {pool}."
    ),
    "failed.expired": "That sign-in is no longer valid",
    "failed.expired.text": (
        "Signing in with {provider} has to be finished within a few minutes, and every answer counts once. "
        "Start again, and it takes a moment."
    ),
    "failed.busy": "There is too much going on just now",
    "failed.busy.text": "Wait a minute, then try again.",
    "failed.somebody": "this service",
    "failed.again": "Back to sign-in",
    "failed.return": "Return to {client}",
    "failed.reference": "Reference: {reference}",
    # --- the ends
    "signed_out.task": "You are signed out",
    "signed_out.text": "Your session with {pool} on this browser has ended. You can close this page.",
    "leaving.task": "You are signed in",
    "leaving.text": "Taking you back to {client}…",
    "leaving.continue": "Continue",
    "pool.task": "Sign-in for {pool}",
    "pool.text": "Apps send people here to sign in. Open the app that you want to use, and start from there.",
    # --- fields
    "field.username": "Username",
    "field.password": "Password",
    "field.new_password": "New password",
    "field.code": "Code",
    "field.name": "Account",
    "field.any_name": "{first} or {second}",
    "name.username": "Username",
    "name.email": "Email address",
    "name.phone_number": "Phone number",
    "attribute.address": "Address",
    "attribute.birthdate": "Date of birth",
    "attribute.email": "Email address",
    "attribute.family_name": "Last name",
    "attribute.gender": "Gender",
    "attribute.given_name": "First name",
    "attribute.locale": "Language",
    "attribute.middle_name": "Middle name",
    "attribute.name": "Full name",
    "attribute.nickname": "Nickname",
    "attribute.phone_number": "Phone number",
    "attribute.picture": "Address of a picture",
    "attribute.preferred_username": "Preferred username",
    "attribute.profile": "Profile page",
    "attribute.updated_at": "Updated at",
    "attribute.website": "Website",
    "attribute.zoneinfo": "Time zone",
    "hint.phone_number": "With the country code, like +14155550123",
    "hint.locale": "Like en-US",
    "hint.zoneinfo": "Like Europe/Paris",
    # --- the pool's password policy
    "policy.intro": "Your password needs",
    "policy.length": "at least {count} characters",
    "policy.uppercase": "a capital letter",
    "policy.lowercase": "a small letter",
    "policy.numbers": "a number",
    "policy.symbols": "a symbol, such as ! ? & or a space inside",
    "policy.history": "not to be one of your last {count}",
    # --- notices: what has just happened
    "notice.confirmed": "Your account is confirmed. Sign in to continue.",
    "notice.password_reset": "Your password is changed. Sign in with the new one.",
    "notice.code_sent": "A new code is on its way. Only the newest one works.",
    "notice.unconfirmed": "This account is not confirmed yet. Enter the code from our message, or get a new one.",
    "notice.reset_required": "Your password has to be reset before you can sign in. We send you a code for it.",
    "notice.attempt_expired": "The sign-in took too long. Please sign in again.",
    # --- what is wrong with one field
    "fault.missing": "Fill this in.",
    "fault.username": "Enter your username.",
    "fault.name": "Enter the name you sign in with.",
    "fault.email_name": "Enter your email address.",
    "fault.unrouted": "No sign-in is set up for this address. Check it, or ask the people who run {pool}.",
    "fault.password": "Enter your password.",
    "fault.new_password": "Choose a password.",
    "fault.code": "Enter the code.",
    "fault.choice": "Choose one of these.",
    "fault.too_long": "This is too long. Use at most {limit} characters.",
    "fault.characters": "This has a character that cannot be used here. Type it again.",
    "fault.repeated": "This was sent twice. Reload the page and try again.",
    "fault.email": "This is not an email address. Write it like ann@example.com.",
    "fault.phone_number": "This is not a phone number. Write it with the country code, like +14155550123.",
    "fault.email_or_phone_number": "This is neither an email address nor a phone number like +14155550123.",
    "fault.phone_number_or_email": "This is neither a phone number like +14155550123 nor an email address.",
    "fault.birthdate": "This is not a date. Write it as year-month-day, like 1990-05-31.",
    "fault.value": "This value is not accepted. Check it and try again.",
    # --- what the server answered
    "refused.CodeMismatch": "That code is not right. Check the newest message, or get a new code.",
    "refused.totp": "That code is not right. Wait until the app shows the next one, and enter that.",
    "refused.ExpiredCode": "That code is no longer valid. Get a new one and enter it here.",
    "refused.NotAuthorized": "The username or password is not right. Check both, or reset your password.",
    "refused.NotAuthorized.email": "The email address or password is not right. Check both, or reset your password.",
    "refused.locked": "There were too many wrong attempts. Wait a little, then try again.",
    "refused.disabled": "This account is switched off. Ask the people who run {pool} about it.",
    "refused.temporary_expired": "Your temporary password has expired. Ask the people who run {pool} for a new one.",
    "refused.session": "The sign-in took too long. Start over, please.",
    "refused.already_confirmed": "This account is already confirmed. Sign in with it.",
    "refused.no_recovery": "No confirmed address is known for this account. Ask the people who run {pool} for help.",
    "refused.no_reset": "This account’s password cannot be reset now. Use the password from your invitation.",
    "refused.username_is_address": "A username may not be an email address or a phone number here. Choose a name.",
    "refused.addresses_differ": "The address appears twice, and differs. Enter it once, or the same twice.",
    "refused.UserNotFound": "There is no such account. Check the name, or create an account.",
    "refused.UsernameExists": "There is already an account with this name. Sign in, or choose another name.",
    "refused.AliasExists": "This address belongs to another account. Sign in with that one, or use another address.",
    "refused.InvalidPassword": "The password does not meet the rules below. Choose another one.",
    "refused.PasswordHistoryPolicyViolation": "You have used this password before. Choose another one.",
    "refused.LimitExceeded": "You have tried this too often. Wait a while, then try again.",
    "refused.TooManyRequests": "There are too many requests just now. Wait a minute, then try again.",
    "refused.TooManyFailedAttempts": "There were too many wrong attempts. Wait a while, then try again.",
    "refused.CodeDeliveryFailure": "The code could not be sent. Wait a minute and try again.",
    "refused.UserLambdaValidation": "{pool} did not accept this. It said: {reason}",
    "refused.other": "This was not accepted. Check what you entered and try again.",
    # --- the error page: a heading, then what to do
    "ended.unknown": "This sign-in is not known here",
    "ended.unknown.text": "The address may be incomplete. Go back to the app that you came from and sign in again.",
    "ended.expired": "This sign-in took too long",
    "ended.expired.text": "It was open for more than an hour. Start again, and it takes a moment.",
    "ended.elsewhere": "This sign-in belongs to another browser",
    "ended.elsewhere.text": (
        "It was begun elsewhere, or your browser does not keep cookies. Allow cookies for this site, "
        "then go back to the app and sign in from there."
    ),
    "ended.finished": "You have already signed in",
    "ended.finished.text": "This page has done its work. Go back to the app to go on.",
    "ended.forged": "This form is no longer valid",
    "ended.forged.text": "It may have been open for long, or cookies are off. Go back, reload the page and try again.",
    "ended.no_way": "Nobody can sign in to this app yet",
    "ended.no_way.text": "No way to sign in is switched on for it. Tell the people who run {pool}.",
    "ended.arrival": "This answer is not known here",
    "ended.arrival.text": (
        "It belongs to no sign-in that waits for one, or was used before. Go back to the app that you came from "
        "and sign in again."
    ),
    "ended.saml_get": "This address is for identity providers",
    "ended.saml_get.text": "They send people’s sign-ins here. Open the app that you want to use, and start from there.",
    "ended.no_factor": "A second step is needed here",
    "ended.no_factor.text": "This account has none that works. Ask the people who run {pool} to set one up with you.",
    "ended.start": "This page needs an app to sign in to",
    "ended.start.text": "Open the app that you want to use and choose “Sign in” there.",
    "ended.again": "Start again",
    "ended.not_found": "There is no such page",
    "ended.not_found.text": "Check the address, or go back to the app that you came from.",
    "ended.method": "This page cannot be used like that",
    "ended.method.text": "Go back to the app that you came from and try again.",
    "ended.large": "That was too much at once",
    "ended.large.text": "The form holds more than this server accepts. Go back and shorten what you entered.",
    "ended.broken": "Something went wrong on our side",
    "ended.broken.text": "It has been noted. Wait a moment and try again; if it stays, tell the people who run {pool}.",
    "ended.oauth": "The app asked for something that is not allowed",
    "ended.oauth.text": "You did nothing wrong. Tell the people who make the app what stands below.",
    "ended.oauth.code": "Error: {code}",
    "oauth.invalid_request": "The request to sign in was incomplete or malformed.",
    "oauth.invalid_client": "The app is not registered here (client_id).",
    "oauth.unauthorized_client": "The app may not use this way of signing in.",
    "oauth.redirect_mismatch": "The address to return to is not registered for this app (redirect_uri).",
    "oauth.unsupported_response_type": "This response_type is not supported.",
    "oauth.saml_issuer": "The app is not registered here as a SAML service provider (Issuer).",
    "oauth.saml_consumer": "The address to return to is not registered for this app (AssertionConsumerService).",
    "oauth.saml_request": "The SAML message is malformed, out of date, not signed as it has to be, or not for us.",
    "oauth.invalid_scope": "A scope is not known, or not allowed for this app.",
    "oauth.access_denied": "Access was denied.",
    "oauth.login_required": "Nobody is signed in.",
    "oauth.server_error": "The server failed to answer. Try again in a moment.",
    "oauth.temporarily_unavailable": "The server is busy. Try again in a moment.",
    # --- for developers: the development mailbox, the landing page
    "mailbox.task": "Mailbox",
    "mailbox.lead": "What this server would have mailed: shown on this machine only, for development.",
    "mailbox.empty": "Nothing was sent yet",
    "mailbox.empty.text": "Sign somebody up, or ask for a new password: the message appears here.",
    "mailbox.to": "To",
    "mailbox.reload": "Reload",
    "mailbox.html": "HTML source",
    "mailbox.json": "The same as JSON, oldest first:",
    "landing.task": "Poolhouse is running",
    "landing.lead": (
        "An identity server: user pools, OpenID Connect and permissions, behind Amazon Cognito’s own API."
    ),
    "landing.people": "Looking for a sign-in?",
    "landing.people.text": "Nobody signs in on this page. Open the app that you want to use: it leads to yours.",
    "landing.developers": "Building an app?",
    "landing.api": "Point an AWS SDK or the AWS CLI here",
    "landing.api.text": "The API answers at this very address: give it as the endpoint URL of the service cognito-idp.",
    "landing.oidc": "Use any OpenID Connect library",
    "landing.oidc.text": "Each pool is an issuer of its own. Its discovery document lies below the pool’s id:",
    "landing.mailbox": "Read what was mailed",
    "landing.mailbox.text": "In development, messages are kept instead of sent:",
    "landing.docs": "Learn the rest",
    "landing.docs.text": "The folder docs beside the server has the guides, README.md the first five minutes.",
}

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH}

# AWS gives one error many sentences; these tell a person something of their own.
_BY_SENTENCE = (
    ("attempts exceeded", "locked"),
    ("user is disabled", "disabled"),
    ("temporary password has expired", "temporary_expired"),
    ("current status is confirmed", "already_confirmed"),
    ("already confirmed", "already_confirmed"),
    ("no registered/verified", "no_recovery"),
    ("cannot be of", "username_is_address"),
    ("must be the same", "addresses_differ"),
    ("contact administrator", "no_recovery"),
    ("cannot be reset", "no_reset"),
    ("invalid session", "session"),
)


class Words:
    """A catalogue that speaks: ``words("login.task")``. A sentence that a translation lacks is said in English."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._catalogue = CATALOGUES[language]

    def __call__(self, key: str, **values: object) -> str:
        """The sentence, with ``values`` filled in."""
        sentence = self._catalogue.get(key) or ENGLISH[key]
        return sentence.format(**values) if values else sentence

    def knows(self, key: str) -> bool:
        """Whether there is such a sentence."""
        return key in ENGLISH

    def attribute(self, name: str) -> str:
        """What people call an attribute: ``custom:shoe_size`` is "Shoe size"."""
        if self.knows("attribute." + name):
            return self("attribute." + name)
        bare = name.rpartition(":")[2].replace("_", " ").replace("-", " ").strip() or name
        return bare[:1].upper() + bare[1:]

    def refusal(self, error: PoolhouseError, pool: str) -> str:
        """What happened, and what to do, for an error of the sign-in engine or of an account's affairs."""
        if isinstance(error, errors.NotAuthorized | errors.InvalidParameter):
            said = str(error).lower()
            for part, key in _BY_SENTENCE:
                if part in said:
                    return self("refused." + key, pool=pool)
        if isinstance(error, errors.EnableSoftwareTokenMFA):
            return self("refused.totp")
        key = "refused." + type(error).__name__
        return self(key if self.knows(key) else "refused.other", pool=pool, reason=str(error))


def choose(wanted: Iterable[str]) -> Words:
    """The first catalogue that ``wanted`` (language tags, best first) asks for; ``pt-BR`` is content with ``pt``."""
    known = {language.lower(): language for language in CATALOGUES}
    for tag in wanted:
        lowered = tag.strip().lower()
        for candidate in (lowered, lowered.split("-")[0]):
            if candidate in known:
                return Words(known[candidate])
    return Words("en")
