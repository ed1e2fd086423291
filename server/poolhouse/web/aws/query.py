"""The Query protocol of IAM and STS: `POST /` with `Action=…&Version=…` in a form, XML out."""

from __future__ import annotations

import logging

from poolhouse.access.caller import Caller
from poolhouse.api import model
from poolhouse.api.model import ServiceModel
from poolhouse.api.perform import describe, perform
from poolhouse.core import circumstances, ids, runtime, unit
from poolhouse.core.errors import (
    ExpiredSession,
    InternalError,
    MalformedQueryString,
    PoolhouseError,
    UnknownOperation,
)
from poolhouse.web.aws import form, identify, xml
from poolhouse.web.door import Request, Response

log = logging.getLogger("poolhouse.web.aws")

_FORM = "application/x-www-form-urlencoded"
_WITHOUT_SERVICE = "http://webservices.amazon.com/AWSFault/2005-15-09"
_DOES_NOT_FIT = "ValidationError"
# The names that this protocol has for what the JSON protocols call otherwise, with their HTTP statuses.
_CODES = {
    "AccessDeniedException": ("AccessDenied", 403),
    "ExpiredTokenException": ("ExpiredToken", 403),
    "IncompleteSignatureException": ("IncompleteSignature", 400),
    "InternalErrorException": ("InternalFailure", 500),
    "InvalidParameterException": (_DOES_NOT_FIT, 400),
    "InvalidSignatureException": ("SignatureDoesNotMatch", 403),
    "MissingAuthenticationTokenException": ("MissingAuthenticationToken", 403),
    "OperationNotImplementedException": ("NotImplemented", 501),
    "RequestEntityTooLargeException": ("RequestEntityTooLarge", 413),
    "ResourceNotFoundException": ("NoSuchEntity", 404),
    "SerializationException": ("MalformedInput", 400),
    "TooManyRequestsException": ("Throttling", 400),
    "UnknownOperationException": ("InvalidAction", 400),
    "UnrecognizedClientException": ("InvalidClientTokenId", 403),
    "ValidationException": (_DOES_NOT_FIT, 400),
}


def speaks(request: Request) -> bool:
    """Whether a request is of this protocol: a form, and no X-Amz-Target."""
    kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    return kind == _FORM and not request.headers.get("x-amz-target")


def front(request: Request) -> Response:
    """Answer one call. Nothing that a client sends makes it raise."""
    request_id = circumstances.current().request_id or ids.uuid4()
    service: ServiceModel | None = None
    try:
        given = form.parameters(request.body)
        service = _service(given)
        return _response(200, request_id, _performed(request, service, given, request_id))
    except PoolhouseError as error:
        if error.status >= 500 or error.hint:
            log.info("%s %s: %s (%s)", request_id, error.aws, error, error.hint)
        return _refusal(error, service, request_id)
    except Exception:
        # The log has it all under the request's id; a client learns nothing of our insides.
        log.exception("%s failed", request_id)
        return _refusal(InternalError(), service, request_id)


def _service(given: dict[str, str]) -> ServiceModel:
    if not given.get("Action"):
        raise MalformedQueryString("The request must name an Action.")
    service = model.by_version(given.get("Version", ""))
    if service is None:
        raise UnknownOperation(_no_such(given))
    return service


def _performed(request: Request, service: ServiceModel, given: dict[str, str], request_id: str) -> bytes:
    name = given["Action"]
    if name not in service.operations:
        raise UnknownOperation(_no_such(given))
    described = describe(service.name, name)
    members = form.members(given, service.shapes, described.input)
    with unit.open(runtime.current()):
        caller: Caller = identify.signer(request, service.name) if described.signed else identify.unsigned(request)
        answer = perform(caller, service.name, name, members)
    return xml.answer(
        name, described.wrapper, service.namespace, service.shapes, described.output, answer, of=request_id
    )


def _no_such(given: dict[str, str]) -> str:
    return f"Could not find operation {given['Action']:.128} for version {given.get('Version') or 'NO_VERSION':.32}"


def _refusal(error: PoolhouseError, service: ServiceModel | None, request_id: str) -> Response:
    code, status = _code(error, service)
    namespace = service.namespace if service else _WITHOUT_SERVICE
    fault = "Sender" if status < 500 else "Receiver"
    return _response(status, request_id, xml.error(code, str(error), namespace, request_id, fault=fault))


def _code(error: PoolhouseError, service: ServiceModel | None) -> tuple[str, int]:
    """The service's own code for an error that its model declares, else the protocol's."""
    declared = service.errors.get(error.aws, {}).get("error") if service else None
    # STS has a code of its own for a token inside of a request; a session that is over is the protocol's matter.
    if declared and not isinstance(error, ExpiredSession):
        return declared["code"], declared["httpStatusCode"]
    return _CODES.get(error.aws, (error.aws.removesuffix("Exception"), error.status))


def _response(status: int, request_id: str, content: bytes) -> Response:
    return Response(
        status,
        [
            ("Content-Type", "text/xml"),
            ("x-amzn-RequestId", request_id),
            ("Cache-Control", "no-store"),
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Expose-Headers", "x-amzn-RequestId,Date"),
        ],
        content,
    )
