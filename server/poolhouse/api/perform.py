"""The one way into the API: every operation, whoever calls it, passes the same checks in the same order.

    known? -> signed where it must be -> input fits the model -> allowed by a policy -> the function -> rendered

boto3, the console and the command line all come through `perform`, inside a unit of work that their front opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolhouse.access import authorize
from poolhouse.access.caller import Caller
from poolhouse.api import answers, model, registry, shapes
from poolhouse.api.model import OperationModel
from poolhouse.core import circumstances, runtime, unit
from poolhouse.core.errors import (
    AccessDenied,
    InternalError,
    MissingAuthenticationToken,
    OperationNotImplemented,
    PoolhouseError,
    UnknownOperation,
    Validation,
)

# What every service may answer without declaring it.
_COMMON = (InternalError, AccessDenied, Validation)


def perform(caller: Caller, service: str, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Perform an operation with members in the API's spelling; give its output as JSON values.

    Raises a PoolhouseError: UnknownOperation, OperationNotImplemented, MissingAuthenticationToken, Serialization,
    InvalidParameter, AccessDenied, or whatever the operation refuses with.
    """
    described = describe(service, name)
    operation = registry.find(service, name)
    if described.signed and caller.kind == "anonymous":
        raise MissingAuthenticationToken()
    if operation is None:
        raise OperationNotImplemented(f"{described.name} is not implemented.")
    clean = shapes.checker(service, name)(given)
    if described.signed and not operation.unasked:
        resource = operation.resource(clean) if operation.resource else resource_of(described, clean)
        authorize.authorize(caller, described.action, resource)
    if operation.writes:
        unit.write()
    try:
        with circumstances.known(principal=caller.arn, remote_address=caller.source_ip):
            answer = operation.call(caller, clean)
    except PoolhouseError as error:
        if registry.on_undeclared_error is not None and not _declared(described, error):
            registry.on_undeclared_error(described, error.aws)
        raise
    if registry.on_misshapen_answer is not None and (faults := answers.misshapen(service, name, answer)):
        registry.on_misshapen_answer(described, faults)
    return answers.renderer(service, name)(answer)


def describe(service: str, name: str) -> OperationModel:
    """The model of an operation. Raises UnknownOperation."""
    try:
        return model.service(service).operations[name]
    except KeyError:
        raise UnknownOperation() from None


def resource_of(described: OperationModel, given: Mapping[str, Any]) -> str:
    """The ARN that an operation is about: of its pool, of its ResourceArn, or `*` where it is about none."""
    settings = runtime.current().settings
    if "ResourceArn" in described.members:
        return str(given["ResourceArn"])
    if "UserPoolId" in described.members:
        return f"{settings.arn_prefix}:userpool/{given['UserPoolId']}"
    if "IdentityPoolId" in described.members:
        where = f"{settings.region}:{settings.account_id}"
        return f"arn:aws:cognito-identity:{where}:identitypool/{given['IdentityPoolId']}"
    return "*"


def _declared(described: OperationModel, error: PoolhouseError) -> bool:
    return error.aws in described.errors or isinstance(error, _COMMON)
