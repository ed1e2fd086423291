"""Finds out who signed a request: the claim is read, its key looked up, the signature verified."""

from __future__ import annotations

import dataclasses
from urllib.parse import urlsplit

from poolhouse.access import credentials, keys, sessions
from poolhouse.access.caller import ANONYMOUS, Caller
from poolhouse.core import clock, runtime
from poolhouse.core.errors import AccessDenied, IncompleteSignature, InvalidSignature, UnrecognizedClient
from poolhouse.settings import is_loopback
from poolhouse.web.aws import sigv4
from poolhouse.web.door import Request

_AGENT_CHARACTERS = 256


def unsigned(request: Request) -> Caller:
    """The caller of an operation that needs no signature: whatever signature is there counts for nothing."""
    return _with_circumstances(ANONYMOUS, request)


def signer(request: Request, service: str) -> Caller:
    """Who signed `request` for `service`; anonymous where nobody did.

    Raises IncompleteSignature, UnrecognizedClient or InvalidSignature.
    """
    signed = sigv4.Signed(request.method, request.path, request.query_string, request.headers, request.body)
    if runtime.current().settings.signing == "accept":
        return _with_circumstances(_believed(request, signed), request)
    claimed = sigv4.claim(signed)
    if claimed is None:
        return unsigned(request)
    if claimed.session_token is not None:
        # The seal binds the token to its key id: beside any other one, a permanent one included, it does not open.
        session = credentials.open_(claimed.session_token, claimed.access_key_id)
        secret, caller = session.secret, sessions.caller(session)
    else:
        key = keys.find(claimed.access_key_id)
        if key is None:
            raise UnrecognizedClient(hint=f"access key {claimed.access_key_id!r:.140}")
        secret, caller = key.secret, key.caller
    sigv4.verify(claimed, signed, secret=secret.reveal(), service=service, now=clock.now())
    return _with_circumstances(caller, request)


def _believed(request: Request, signed: sigv4.Signed) -> Caller:
    """With `signing = "accept"` any credentials are the administrator's, as in emulators of AWS.

    A web page that somebody happens to visit can send requests to their own machine, and made-up credentials with
    them: only pages that this machine serves itself are believed.
    """
    origin = request.headers.get("origin")
    if origin is not None and not is_loopback(_host(origin)):
        raise AccessDenied('With signing = "accept", signed operations are refused to web pages of other hosts.')
    try:
        claimed = sigv4.claim(signed)
    except (IncompleteSignature, InvalidSignature):
        return keys.administrator()
    if claimed is None:
        return ANONYMOUS
    try:
        # Credentials that this server handed out stay those of their role, so that its permissions can be tried.
        return sessions.caller(credentials.open_(claimed.session_token or "", claimed.access_key_id))
    except UnrecognizedClient:
        return keys.administrator()


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


def _with_circumstances(caller: Caller, request: Request) -> Caller:
    agent = request.headers.get("user-agent") or ""
    return dataclasses.replace(caller, source_ip=request.remote_addr, user_agent=agent[:_AGENT_CHARACTERS])
