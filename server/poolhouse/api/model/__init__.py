"""The service models as data, official and our own: which operations exist, what goes in and out, what may go wrong."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

SERVICES = ("cognito-idp", "cognito-identity")
# What Cognito does not have, in the same format, so that AWS's clients can be taught it (`aws configure add-model`).
OURS = ("poolhouse",)
# Roles, their policies and their credentials: what of these services bears on identity pools, in the Query protocol.
QUERY = ("iam", "sts")

# The model does not mark these as unsigned, and botocore does sign them, but the client secret in the body is what
# authorises: a valid signature, an unknown key's signature and none are all accepted (Cognito's guide says the same).
AUTHORISED_BY_BODY = frozenset({("cognito-idp", "GetClientToken"), ("cognito-idp", "GetDerivedToken")})

Shape = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OperationModel:
    """One operation as the model declares it; `input` and `output` are names of shapes, or None.

    `wrapper` is the XML element around the output, for services of the Query protocol.
    """

    service: str
    name: str
    input: str | None
    output: str | None
    errors: frozenset[str]
    signed: bool
    members: Mapping[str, str]
    required: frozenset[str]
    wrapper: str = ""

    @property
    def action(self) -> str:
        """The name that a policy gives it: "cognito-idp:ListUsers"."""
        return f"{self.service}:{self.name}"


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """One service: its operations by name, its shapes by name, and how requests name it.

    That is the prefix of X-Amz-Target, or (Query protocol) the version of the API; `namespace` is of its XML.
    """

    name: str
    target_prefix: str
    version: str
    namespace: str
    protocol: str
    operations: Mapping[str, OperationModel]
    shapes: Mapping[str, Shape]
    errors: Mapping[str, Shape]


@functools.cache
def service(name: str) -> ServiceModel:
    """The model of a service by its name in policies, read once; KeyError for any other."""
    if name not in SERVICES + OURS + QUERY:
        raise KeyError(name)
    raw = json.loads(resources.files(__name__).joinpath(f"{name}.json").read_bytes())
    shapes: dict[str, Any] = raw["shapes"]
    operations = {op: _operation(name, op, spec, shapes) for op, spec in raw["operations"].items()}
    errors = {shape: spec for shape, spec in shapes.items() if spec.get("exception")}
    return ServiceModel(
        name=name,
        target_prefix=raw["metadata"].get("targetPrefix", ""),
        version=raw["metadata"]["apiVersion"],
        namespace=raw["metadata"].get("xmlNamespace", ""),
        protocol=raw["metadata"]["protocol"],
        operations=MappingProxyType(operations),
        shapes=MappingProxyType(shapes),
        errors=MappingProxyType(errors),
    )


def _operation(service_name: str, name: str, spec: Mapping[str, Any], shapes: Mapping[str, Any]) -> OperationModel:
    given = spec.get("input", {}).get("shape")
    shape = shapes[given] if given else {}
    return OperationModel(
        service=service_name,
        name=name,
        input=given,
        output=spec.get("output", {}).get("shape"),
        errors=frozenset(error["shape"] for error in spec.get("errors", ())),
        signed=spec.get("authtype") != "none" and (service_name, name) not in AUTHORISED_BY_BODY,
        members=MappingProxyType({member: ref["shape"] for member, ref in shape.get("members", {}).items()}),
        required=frozenset(shape.get("required", ())),
        wrapper=spec.get("output", {}).get("resultWrapper", ""),
    )


def by_target(prefix: str) -> ServiceModel | None:
    """The service that a header such as `AWSCognitoIdentityProviderService.SignUp` names before its dot."""
    return _by_target().get(prefix)


@functools.cache
def _by_target() -> Mapping[str, ServiceModel]:
    return {found.target_prefix: found for found in map(service, SERVICES + OURS)}


def by_version(version: str) -> ServiceModel | None:
    """The service of the Query protocol whose API has that version: requests name no service otherwise."""
    return _by_version().get(version)


@functools.cache
def _by_version() -> Mapping[str, ServiceModel]:
    return {found.version: found for found in map(service, QUERY)}
