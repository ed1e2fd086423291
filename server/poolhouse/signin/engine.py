"""The sign-in engine: ``begin``, ``answer``, ``look``, and the two calls in the middle of setting up TOTP.

Every call reads and proves first, then writes; a refusal that counted something is committed (``keep``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import bindparam, select

from poolhouse.core import clock, ids, prepared, unit
from poolhouse.core.errors import (
    CodeMismatch,
    EnableSoftwareTokenMFA,
    InvalidParameter,
    NotAuthorized,
    PasswordResetRequired,
    PoolhouseError,
    SoftwareTokenMFANotFound,
    UserNotConfirmed,
    UserNotFound,
)
from poolhouse.core.events import ask, emit
from poolhouse.credentials import candidate, lockout, passwords, totp
from poolhouse.credentials.candidate import Candidate
from poolhouse.credentials.models import Password
from poolhouse.signin import attempt, what_next
from poolhouse.signin.attempt import Attempt
from poolhouse.signin.events import PostAuthentication, PreAuthentication, SignInFailed, UserSignedIn
from poolhouse.signin.outcome import Challenge, Entrance, Outcome, SignedIn
from poolhouse.signin.progress import Progress
from poolhouse.signin.steps import STEPS, Proof, Turn, srp
from poolhouse.signin.steps.step import required
from poolhouse.tokens import claims
from poolhouse.tokens.events import StillOpen
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users import Status, User, directory
from poolhouse.users.models import UserRow

_PASSWORD_FLOWS = {
    "USER_PASSWORD_AUTH": "ALLOW_USER_PASSWORD_AUTH",
    "ADMIN_USER_PASSWORD_AUTH": "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ADMIN_NO_SRP_AUTH": "ALLOW_ADMIN_USER_PASSWORD_AUTH",
}
_LONGEST_NAME = 128
HOSTED_PASSWORD = "PASSWORD"
FEDERATED = "FEDERATED"


def begin(
    client: Client,
    method: str,
    answers: Mapping[str, str],
    *,
    entrance: Entrance,
    metadata: Mapping[str, str] | None = None,
) -> Outcome:
    """Start to sign in by ``method`` (an AuthFlow; ``PASSWORD`` on the hosted pages).

    ``answers`` are the API's AuthParameters: USERNAME with PASSWORD or SRP_A. Raises NotAuthorized, UserNotFound
    (where the client does not hide who exists), UserNotConfirmed, PasswordResetRequired, InvalidParameter.
    """
    _permit(client, method, entrance)
    username = required(answers, "USERNAME")
    if len(username) > _LONGEST_NAME:
        raise InvalidParameter(f"USERNAME must be no longer than {_LONGEST_NAME} characters")
    who = candidate.named(client.pool, username)
    ask(PreAuthentication(client, username, who.user if who else None, metadata or {}))
    progress = Progress(method, username, metadata=metadata)
    if method == "USER_SRP_AUTH":
        return _begin_srp(client, who, progress, required(answers, "SRP_A"))
    password = required(answers, "PASSWORD")
    _prove_password(client, who, username, password)
    assert who is not None
    proof = Proof(proven=(what_next.PASSWORD,), amr=("pwd",))
    return _advance(client, who, progress, proof, None, rehash=password)


def _permit(client: Client, method: str, entrance: Entrance) -> None:
    """Raise InvalidParameter unless the client may use ``method`` at ``entrance``."""
    if entrance is Entrance.HOSTED:
        if method != HOSTED_PASSWORD:
            raise InvalidParameter("The hosted pages sign in by password.")
        return
    wanted = _PASSWORD_FLOWS.get(method, "ALLOW_" + method)
    if (method.startswith("ADMIN_") and entrance is not Entrance.ADMIN) or method == HOSTED_PASSWORD:
        raise InvalidParameter("Initiate Auth method not supported.")
    if wanted not in client.flows:
        # A flow's older name is the same flow.
        raise InvalidParameter(
            "Auth flow not enabled for this client"
            if entrance is Entrance.ADMIN
            else f"{method} flow not enabled for this client"
        )
    if method not in {*_PASSWORD_FLOWS, "USER_SRP_AUTH"}:
        raise InvalidParameter("Initiate Auth method not supported.")


def _refuse_if_resting(pool: Pool, who: Candidate | None, username: str) -> None:
    if who is not None:
        lockout.refuse_if_resting(who.locked_until)
    else:
        lockout.refuse_if_resting(lockout.state(pool.id, lockout.subject_of_nobody(pool, username)))


def _prove_password(client: Client, who: Candidate | None, username: str, password: str) -> None:
    """Raise unless ``password`` is right and the user may sign in with it."""
    _refuse_unknown(client, who)
    _refuse_if_resting(client.pool, who, username)
    if who is not None and who.user.status == Status.RESET_REQUIRED and not client.hides_users:
        raise PasswordResetRequired()
    if not passwords.check(password, who.password_hash if who else None) or who is None:
        raise _failed(client, who, username, what_next.PASSWORD, NotAuthorized())
    _refuse_state(who)


def _refuse_unknown(client: Client, who: Candidate | None) -> None:
    if who is None and not client.hides_users:
        raise UserNotFound()


def _failed(client: Client, who: Candidate | None, username: str, factor: str, error: PoolhouseError) -> PoolhouseError:
    """Count a wrong guess; the error to raise, which keeps the count."""
    pool = client.pool
    lockout.failed(pool.id, who.user.sub if who else lockout.subject_of_nobody(pool, username))
    emit(SignInFailed(pool.id, who.user.sub if who else "", client.id, factor))
    error.keep = True
    return error


def _refuse_state(who: Candidate) -> None:
    """Raise if somebody who knows the password may still not sign in."""
    user = who.user
    if not user.enabled:
        raise NotAuthorized("User is disabled.")
    if user.status == Status.UNCONFIRMED:
        raise UserNotConfirmed()
    if user.status == Status.RESET_REQUIRED:
        raise PasswordResetRequired()
    expires = who.password_expires_at
    if user.status == Status.FORCE_CHANGE_PASSWORD and expires is not None and expires < clock.now():
        raise NotAuthorized("Temporary password has expired and must be reset by an administrator.")


def _begin_srp(client: Client, who: Candidate | None, progress: Progress, a_public: str) -> Challenge:
    _refuse_unknown(client, who)
    _refuse_if_resting(client.pool, who, progress.username)
    if who is not None and who.user.status == Status.RESET_REQUIRED and not client.hides_users:
        raise PasswordResetRequired()
    turn = Turn(client, who, {"username": progress.username, "a": a_public})
    posed = srp.pose(turn)
    # SECRET_BLOCK is the handle, in base64 as clients expect it: they decode it for the signature.
    block = ids.block(96)
    state = {**progress.kept(), **turn.state, **posed.remember, "parameters": posed.parameters}
    attempt.pose(client, srp.NAME, who.user.sub if who else None, state, handle=block)
    return Challenge(srp.NAME, block, {**posed.parameters, "SECRET_BLOCK": block})


def answer(
    client: Client,
    handle: str,
    challenge: str,
    answers: Mapping[str, str],
    *,
    metadata: Mapping[str, str] | None = None,
) -> Outcome:
    """Answer a challenge. ``handle`` is the Session; for PASSWORD_VERIFIER the SECRET_BLOCK.

    Raises NotAuthorized for a handle that is spent, expired, of another client or for another challenge; CodeMismatch
    for a wrong code, after which the same handle may be tried again until the account rests.
    """
    step = STEPS.get(challenge)
    if step is None:
        raise InvalidParameter(f"Challenge {challenge} is not supported.")
    current = attempt.find(client, handle, challenge)
    who = candidate.by_sub(client.pool, current.sub) if current.sub else None
    progress = Progress.of(current.state)
    progress = replace(progress, metadata=metadata or progress.metadata)
    _same_person(client.pool, who, progress, answers)
    _refuse_if_resting(client.pool, who, progress.username)
    turn = Turn(client, who, current.state)
    try:
        proof = step.check(turn, answers)
    except CodeMismatch as error:
        raise _failed(client, who, progress.username, challenge, error) from None
    except NotAuthorized as error:
        attempt.spend(current)  # a wrong proof of a password is final for this exchange
        raise _failed(client, who, progress.username, challenge, error) from None
    if who is None:
        raise NotAuthorized()
    if challenge == srp.NAME:
        _refuse_state(who)
    elif not who.user.enabled:
        raise NotAuthorized("User is disabled.")
    return _advance(client, who, progress, proof, current)


def _same_person(pool: Pool, who: Candidate | None, progress: Progress, answers: Mapping[str, str]) -> None:
    """A client that names somebody else than the session's user is confused, or hostile."""
    name = answers.get("USERNAME")
    if not name or who is None:
        return
    user = who.user
    known = {user.username, user.sub, progress.username, user.get("email"), user.get("phone_number")}
    if pool.canonical(name) not in {pool.canonical(k) for k in known if k}:
        raise NotAuthorized("Invalid session for the user.")


def _advance(
    client: Client, who: Candidate, progress: Progress, proof: Proof, current: Attempt | None, *, rehash: str = ""
) -> Outcome:
    """Store what the proof changes, then ask the next challenge, or let the user in."""
    pool = client.pool
    prepared = None
    if rehash and who.password_hash is not None and passwords.outdated(who.password_hash):
        prepared = passwords.prepare(pool, who.user.username, rehash)
    unit.write()
    if current is not None:
        attempt.spend(current)
    if prepared is not None and who.password_hash is not None:
        passwords.rehash(pool, who.user.sub, prepared, who.password_hash)
    if proof.store is not None:
        proof.store()
        who = candidate.by_sub(pool, who.user.sub) or who
    progress = replace(
        progress,
        proven=(*progress.proven, *proof.proven),
        amr=tuple(dict.fromkeys((*progress.amr, *proof.amr))),
        chosen=proof.chosen or progress.chosen,
    )
    usable = _usable_factors(pool, who)
    owed = what_next.what_next(_situation(pool, who.user, progress, usable))
    if owed is None:
        return _let_in(client, who, progress)
    return _pose(client, who, progress, owed, usable)


def _usable_factors(pool: Pool, who: Candidate) -> frozenset[str]:
    """Second factors the user can answer now: proven TOTP, an e-mail address; in OPTIONAL pools only if turned on."""
    usable = set()
    if pool.totp_enabled and who.has_totp:
        usable.add(what_next.SOFTWARE_TOKEN_MFA)
    if pool.email_mfa and who.user.get("email"):
        usable.add(what_next.EMAIL_OTP)
    if pool.mfa == "OPTIONAL":
        usable &= set(who.user.mfa_enabled)
    return frozenset(usable)


def _situation(pool: Pool, user: User, progress: Progress, usable: frozenset[str]) -> what_next.Situation:
    return what_next.Situation(
        mfa=pool.mfa,
        usable=usable,
        preferred=progress.chosen or user.mfa_preferred,
        proven=frozenset(progress.proven),
        # Who comes through a provider has shown no temporary password to be replaced.
        must_change_password=user.status == Status.FORCE_CHANGE_PASSWORD and progress.provider is None,
        just_confirmed=user.confirmed_by_code_at is not None,
    )


def _pose(client: Client, who: Candidate, progress: Progress, owed: str, usable: frozenset[str]) -> Challenge:
    state = {**progress.kept(), "usable": sorted(usable)}
    posed = STEPS[owed].pose(Turn(client, who, state))
    state = {**state, **posed.remember, "parameters": posed.parameters}
    handle = attempt.pose(client, owed, who.user.sub, state)
    return Challenge(owed, handle, posed.parameters)


_STILL = prepared.Read(
    select(UserRow.enabled, UserRow.status, Password.set_at)
    .outerjoin(Password, (Password.pool_id == UserRow.pool_id) & (Password.sub == UserRow.sub))
    .where(UserRow.pool_id == bindparam("pool"), UserRow.sub == bindparam("sub"))
)


def _let_in(client: Client, who: Candidate, progress: Progress) -> SignedIn:
    """The last look before somebody is in: nothing that was read before the write may have changed."""
    pool, user = client.pool, who.user
    if progress.provider is not None and not ask(StillOpen(pool.id, progress.provider, clock.now())).open:
        raise NotAuthorized(hint="the identity provider was turned off while somebody came through it")
    row = _STILL.first({"pool": pool.id, "sub": user.sub})
    if row is None or not row.enabled or row.status != user.status or row.set_at != who.password_set_at:
        raise NotAuthorized(hint="the user changed while signing in")
    if who.failures and progress.provider is None:  # a provider's word proves no password
        lockout.forget(pool.id, user.sub)
    if user.confirmed_by_code_at is not None:
        user = directory.change(pool, user, confirmed_by_code_at=None)
    if not progress.first:
        ask(PostAuthentication(client, user, progress.metadata or {}))
    emit(UserSignedIn(pool.id, user.sub, client.id, progress.amr))
    acr = progress.acr and claims.stronger(progress.acr, claims.acr(progress.amr))
    return SignedIn(user, client, clock.timestamp(), progress.amr, progress.provider, acr)


def arrive(client: Client, user: User, *, amr: tuple[str, ...], metadata: Mapping[str, str] | None = None) -> SignedIn:
    """Let in somebody whom this very journey has proven by other means: the code of their sign-up.

    Raises NotAuthorized, UserNotConfirmed, PasswordResetRequired.
    """
    ask(PreAuthentication(client, user.username, user, metadata or {}))
    unit.write()
    who = candidate.by_sub(client.pool, user.sub)
    if who is None:
        raise NotAuthorized()
    _refuse_state(who)
    return _let_in(client, who, Progress("ARRIVED", user.username, (what_next.PASSWORD,), amr, metadata=metadata))


def admit(
    client: Client,
    user: User,
    *,
    provider: str,
    first: bool,
    acr: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Outcome:
    """Let in somebody whom the identity provider ``provider`` vouches for; PreAuthentication was asked already.

    What the provider did to make sure is its affair: second factors of ours are asked for only where the client has
    the extension MfaAfterFederation. ``acr`` is how sure the provider was, in Cognito's words. ``first``: their profile
    is new (Cognito asks no PostAuthentication then). Raises NotAuthorized, UserNotConfirmed.
    """
    unit.write()
    who = candidate.by_sub(client.pool, user.sub)
    if who is None:
        raise NotAuthorized()
    if not who.user.enabled:
        raise NotAuthorized("User is disabled.")
    if who.user.status == Status.UNCONFIRMED:
        raise UserNotConfirmed()
    progress = Progress(
        FEDERATED,
        user.username,
        (what_next.PASSWORD,),
        ("fed",),
        metadata=metadata,
        provider=provider,
        first=first,
        acr=acr,
    )
    if client.own.get("mfa_after_federation"):
        usable = _usable_factors(client.pool, who)
        owed = what_next.what_next(_situation(client.pool, who.user, progress, usable))
        if owed is not None:
            return _pose(client, who, progress, owed, usable)
    return _let_in(client, who, progress)


def look(client: Client, handle: str) -> Challenge | None:
    """The challenge that ``handle`` waits for, unspent, or None if it is not good any more."""
    try:
        current = attempt.find(client, handle, None)
    except NotAuthorized:
        return None
    return Challenge(current.challenge, handle, dict(current.state.get("parameters", {})))


def associate_software_token(client: Client, handle: str) -> tuple[str, str]:
    """In the middle of MFA_SETUP: a new TOTP secret (base32) and the next handle."""
    current = attempt.find(client, handle, what_next.MFA_SETUP)
    if not client.pool.totp_enabled:
        raise SoftwareTokenMFANotFound()
    secret = totp.new_secret()
    attempt.spend(current)
    state = {**current.state, "totp_secret": secret, "totp_step": None}
    return secret, attempt.pose(client, what_next.MFA_SETUP, current.sub, state)


def verify_software_token(client: Client, handle: str, code: str, device_name: str | None = None) -> str:
    """In the middle of MFA_SETUP: prove the secret by a code; the next handle. Raises EnableSoftwareTokenMFA."""
    current = attempt.find(client, handle, what_next.MFA_SETUP)
    secret = current.state.get("totp_secret")
    if not secret:
        raise InvalidParameter("Call AssociateSoftwareToken first.")
    who = candidate.by_sub(client.pool, str(current.sub))
    _refuse_if_resting(client.pool, who, str(current.state["username"]))
    step = totp.matching_step(str(secret), code, 0)
    if step is None:
        error = EnableSoftwareTokenMFA("Code mismatch")
        raise _failed(client, who, str(current.state["username"]), what_next.MFA_SETUP, error)
    attempt.spend(current)
    state = {**current.state, "totp_step": step, "device_name": device_name}
    return attempt.pose(client, what_next.MFA_SETUP, current.sub, state)
