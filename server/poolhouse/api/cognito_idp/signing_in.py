"""Sign-in: InitiateAuth, RespondToAuthChallenge, their administrators' forms, and what is done with refresh tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolhouse.api.cognito_idp import views
from poolhouse.api.registry import operation
from poolhouse.core.errors import InvalidParameter, NotAuthorized, ResourceNotFound, Unauthorized
from poolhouse.signin import Entrance, Outcome, SignedIn, engine
from poolhouse.tokens import issue, refresh, revoke
from poolhouse.user_pools import lookup, secret_hash
from poolhouse.user_pools.snapshots import Client

_CONTEXT = {
    "AnalyticsMetadata": "Amazon Pinpoint is not there to be told.",
    "UserContextData": "Threat protection is not built yet.",
    "ContextData": "Threat protection is not built yet.",
}
_SESSION = {"Session": "Choice-based sign-in (USER_AUTH) is not built yet."}
_REFRESH = frozenset({"REFRESH_TOKEN", "REFRESH_TOKEN_AUTH"})


def _without(member: str, *more: Mapping[str, str]) -> dict[str, str]:
    ignored = {k: v for part in (_CONTEXT, *more) for k, v in part.items()}
    del ignored[member]
    return ignored


@operation("InitiateAuth", ignores=_without("ContextData", _SESSION))
def initiate_auth(
    *,
    auth_flow: str,
    client_id: str,
    auth_parameters: Mapping[str, str] | None = None,
    client_metadata: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    client = lookup.client_anywhere(client_id)
    return _initiate(client, auth_flow, auth_parameters or {}, client_metadata, Entrance.API)


@operation("AdminInitiateAuth", ignores=_without("UserContextData", _SESSION))
def admin_initiate_auth(
    *,
    user_pool_id: str,
    client_id: str,
    auth_flow: str,
    auth_parameters: Mapping[str, str] | None = None,
    client_metadata: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    client = lookup.client(lookup.pool(user_pool_id), client_id)
    return _initiate(client, auth_flow, auth_parameters or {}, client_metadata, Entrance.ADMIN)


def _initiate(
    client: Client, flow: str, parameters: Mapping[str, str], metadata: Mapping[str, str] | None, entrance: Entrance
) -> dict[str, Any]:
    if flow in _REFRESH:
        return {"AuthenticationResult": _refresh(client, parameters, metadata), "ChallengeParameters": {}}
    secret_hash.check(client, [parameters.get("USERNAME", "")], parameters.get("SECRET_HASH"))
    outcome = engine.begin(client, flow, parameters, entrance=entrance, metadata=metadata)
    return _render(outcome, "Authentication", metadata)


def _refresh(client: Client, parameters: Mapping[str, str], metadata: Mapping[str, str] | None) -> dict[str, Any]:
    if "ALLOW_REFRESH_TOKEN_AUTH" not in client.flows:
        raise InvalidParameter("REFRESH_TOKEN_AUTH flow not enabled for this client")
    token = parameters.get("REFRESH_TOKEN")
    if not token:
        raise InvalidParameter("Missing required parameter REFRESH_TOKEN")
    if client.secrets:
        found = refresh.look(client.pool, token)
        if found is None or found.client_id != client.id:
            raise NotAuthorized(refresh.INVALID)
        user = found.user
        # Clients hash whichever name they know the user by.
        names = [user.username, user.sub, *filter(None, (user.get("email"), user.get("phone_number")))]
        secret_hash.check(client, names, parameters.get("SECRET_HASH"))
    return views.authentication(refresh.refresh(client, token, rotate=False, client_metadata=metadata))


@operation("RespondToAuthChallenge", ignores=_without("ContextData"))
def respond_to_auth_challenge(
    *,
    client_id: str,
    challenge_name: str,
    session: str | None = None,
    challenge_responses: Mapping[str, str] | None = None,
    client_metadata: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    client = lookup.client_anywhere(client_id)
    return _respond(client, challenge_name, session, challenge_responses or {}, client_metadata)


@operation("AdminRespondToAuthChallenge", ignores=_without("UserContextData"))
def admin_respond_to_auth_challenge(
    *,
    user_pool_id: str,
    client_id: str,
    challenge_name: str,
    session: str | None = None,
    challenge_responses: Mapping[str, str] | None = None,
    client_metadata: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    client = lookup.client(lookup.pool(user_pool_id), client_id)
    return _respond(client, challenge_name, session, challenge_responses or {}, client_metadata)


def _respond(
    client: Client,
    challenge: str,
    session: str | None,
    answers: Mapping[str, str],
    metadata: Mapping[str, str] | None,
) -> dict[str, Any]:
    if not answers.get("USERNAME"):
        raise InvalidParameter("Missing required parameter USERNAME")
    secret_hash.check(client, [answers["USERNAME"]], answers.get("SECRET_HASH"))
    # SRP clients send no Session: the block they were given is the handle.
    handle = answers.get("PASSWORD_CLAIM_SECRET_BLOCK") if challenge == "PASSWORD_VERIFIER" else session
    if not handle:
        raise InvalidParameter("Missing required parameter Session")
    outcome = engine.answer(client, handle, challenge, answers, metadata=metadata)
    trigger = "NewPasswordChallenge" if challenge == "NEW_PASSWORD_REQUIRED" else "Authentication"
    return _render(outcome, trigger, metadata)


def _render(outcome: Outcome, trigger: str, metadata: Mapping[str, str] | None) -> dict[str, Any]:
    if not isinstance(outcome, SignedIn):
        # As in Cognito, PASSWORD_VERIFIER comes without a Session.
        session = None if outcome.name == "PASSWORD_VERIFIER" else outcome.handle
        return {"ChallengeName": outcome.name, "Session": session, "ChallengeParameters": dict(outcome.parameters)}
    tokens = issue.sign_in(
        outcome.client,
        outcome.user,
        auth_time=outcome.auth_time,
        amr=outcome.amr,
        trigger=trigger,
        client_metadata=metadata,
        provider=outcome.provider,
        acr=outcome.acr,
    )
    return {"ChallengeParameters": {}, "AuthenticationResult": views.authentication(tokens)}


@operation("GetTokensFromRefreshToken", ignores={"DeviceKey": "Remembered devices are not built yet."})
def get_tokens_from_refresh_token(
    *,
    refresh_token: str,
    client_id: str,
    client_secret: str | None = None,
    client_metadata: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    client = lookup.client_anywhere(client_id)
    if not secret_hash.check_secret(client, client_secret):
        raise NotAuthorized(f"Unable to verify the secret of client {client.id}")
    return {
        "AuthenticationResult": views.authentication(
            refresh.refresh(client, refresh_token, client_metadata=client_metadata)
        )
    }


@operation("RevokeToken", ignores={"RevokeAssociatedSessions": "Session tracking is not built yet."})
def revoke_token(*, token: str, client_id: str, client_secret: str | None = None) -> None:
    try:
        client = lookup.client_anywhere(client_id)
    except ResourceNotFound as error:
        raise InvalidParameter(str(error)) from None
    if not secret_hash.check_secret(client, client_secret):
        raise Unauthorized("The client's secret is wrong")
    revoke.refresh_token(client, token)
