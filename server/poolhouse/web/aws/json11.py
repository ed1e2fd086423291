"""The AWS front: `POST /` with X-Amz-Target, JSON 1.1 in and out, errors as AWS's clients read them, CORS."""

from __future__ import annotations

import json
import logging
import re

import orjson

from poolhouse.access.caller import Caller
from poolhouse.api import model
from poolhouse.api.perform import describe, perform
from poolhouse.core import circumstances, ids, runtime, unit
from poolhouse.core.errors import InternalError, PoolhouseError, UnknownOperation
from poolhouse.web.aws import body, identify
from poolhouse.web.door import Request, Response

log = logging.getLogger("poolhouse.web.aws")

_JSON = "application/x-amz-json-1.1"
_EXPOSED = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"
_SENT = (
    "authorization,cache-control,content-type,x-amz-content-sha256,x-amz-date,x-amz-security-token,x-amz-target,"
    "x-amz-user-agent,amz-sdk-invocation-id,amz-sdk-request"
)
_HEADER_NAMES = re.compile(r"[0-9A-Za-z-]+(, *[0-9A-Za-z-]+)*")
_UNPRINTABLE = re.compile(r"[^ -~]")
_HEADER_CHARACTERS = 1024


def front(request: Request) -> Response:
    """Answer one call of the API. Nothing that a client sends makes it raise."""
    request_id = circumstances.current().request_id or ids.uuid4()
    try:
        return _response(200, request_id, orjson.dumps(_performed(request)))
    except PoolhouseError as error:
        if error.status >= 500 or error.hint:
            log.info("%s %s: %s (%s)", request_id, error.aws, error, error.hint)
        return _refusal(error, request_id)
    except Exception:
        # The log has it all under the request's id; a client learns nothing of our insides.
        log.exception("%s failed", request_id)
        return _refusal(InternalError(), request_id)


def preflight(request: Request) -> Response:
    """Tell browsers that any page may call the API: it knows no cookies, so no page borrows its visitor's rights."""
    asked = request.headers.get("access-control-request-headers") or ""
    allowed = asked if len(asked) <= _HEADER_CHARACTERS and _HEADER_NAMES.fullmatch(asked) else _SENT
    return Response(
        200,
        [
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Allow-Headers", allowed),
            ("Access-Control-Allow-Methods", "POST"),
            ("Access-Control-Expose-Headers", _EXPOSED),
            ("Access-Control-Max-Age", "172800"),
            ("x-amzn-RequestId", ids.uuid4()),
        ],
    )


def _performed(request: Request) -> dict[str, object]:
    prefix, _, name = (request.headers.get("x-amz-target") or "").partition(".")
    service = model.by_target(prefix)
    if service is None:
        raise UnknownOperation()
    described = describe(service.name, name)
    given = body.read(request.body)
    with unit.open(runtime.current()):
        caller: Caller = identify.signer(request, service.name) if described.signed else identify.unsigned(request)
        return perform(caller, service.name, name, given)


def _refusal(error: PoolhouseError, request_id: str) -> Response:
    said = {"__type": error.aws, "message": str(error)}
    if error.reason_code:
        said["reasonCode"] = error.reason_code
    header = _UNPRINTABLE.sub("?", str(error))[:_HEADER_CHARACTERS]
    response = _response(error.status, request_id, json.dumps(said).encode("ascii"))
    response.headers += [("x-amzn-ErrorType", f"{error.aws}:"), ("x-amzn-ErrorMessage", header)]
    return response


def _response(status: int, request_id: str, content: bytes) -> Response:
    return Response(
        status,
        [
            ("Content-Type", _JSON),
            ("x-amzn-RequestId", request_id),
            ("Cache-Control", "no-store"),
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Expose-Headers", _EXPOSED),
        ],
        content,
    )
