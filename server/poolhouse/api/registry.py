"""The registry of API operations: `@operation("SignUp")` ties a Python function to an operation of the official model.

Rules for who writes operations
-------------------------------
A family of operations is a module of `api/cognito_idp/` (or `api/cognito_identity/`); every module there is imported at
start, none has to be listed anywhere. An operation is a function of 5-15 lines: resolve, call the domain, give a view.

    @operation("AdminConfirmSignUp", writes=True)
    def admin_confirm_sign_up(
        caller: Caller,                                      # optional, first, positional
        *,
        user_pool_id: str,                                   # a required member: no default
        username: str,
        client_metadata: Mapping[str, str] | None = None,    # a member that may be left out: a default
    ) -> Answer:                                             # a dict with the output shape's members, or None
        pool = pools.pool(user_pool_id)
        sign_up.confirm_by_administrator(pool, username, client_metadata or {})
        return {}

1. Parameters are the input members in snake_case, keyword-only: UserPoolId -> user_pool_id, MFAOptions -> mfa_options,
   SMSMfaSettings -> sms_mfa_settings, CallbackURLs -> callback_urls, AllowedOAuthFlows -> allowed_oauth_flows,
   WebAuthnConfiguration -> webauthn_configuration. (`snake()` below is the whole rule.) Only the top level is
   renamed: what is inside a structure stays as the API names it (`software_token_mfa_settings["Enabled"]`).
2. Every input member is a parameter, or stands in `ignores={"AnalyticsMetadata": "why, for the compatibility page"}`.
   A misspelt operation, a misspelt parameter, a forgotten member, a required member with a default, an optional one
   without: each fails the import with a RegistrationError that says which.
3. What arrives fits the model already: required members are there, types, lengths, patterns and enums hold, unknown
   members are gone, blobs are `bytes`, integers are `int`; nothing holds NUL or half a surrogate. A member that was
   not sent (or sent as null) leaves the parameter its default. Rules beyond the model are yours (or the domain's).
4. What you return has the output shape's members. Leave out what is not set, or give None: it is omitted. Give aware
   `datetime` for timestamps (sent as epoch seconds), `bytes` for blobs (sent as base64). None instead of a dict: `{}`.
5. `writes=True`: the unit's write transaction is open before you are called. Leave it off when something slow (a
   password hash, a key, a hook) comes first; then call `unit.current().write()` yourself, or let the domain do it.
6. Say no by raising a `core.errors` class that the model declares for the operation. One that it does not declare is
   sent as it is, but it is reported to `on_undeclared_error`, which the tests turn into a failure.
7. Where members are stored as a document, name them in `gathers=(…)`: they come together, in the API's spelling and
   without those that were not sent, as one keyword-only parameter `settings`. They count as parameters for rule 2.
8. Whether the caller may do this at all was asked before you are called (signed operations): on the pool's ARN for a
   member UserPoolId, on ResourceArn where there is one, else on `*`. Say `resource=` to name another:
   `resource=lambda given: arn.of_the_pool_with_domain(given["Domain"])`, over the members in the API's spelling.
9. `unasked=True`: nobody needs a permission for it (sts:GetCallerIdentity), or the function itself asks for it, because
   more than the caller's own policies decide (sts:AssumeRole).
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import keyword
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

from poolhouse.api import model
from poolhouse.api.model import OperationModel

Answer = dict[str, Any]
Function = TypeVar("Function", bound=Callable[..., Answer | None])

_FAMILIES = tuple(
    f"poolhouse.api.{package}" for package in ("cognito_idp", "cognito_identity", "iam", "sts", "poolhouse")
)
_GATHERED = "settings"


class RegistrationError(TypeError):
    """An operation function does not fit the model: raised while modules are imported, never while serving."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A function that stands for an operation of the model, and how its parameters are filled."""

    model: OperationModel
    function: Callable[..., Answer | None]
    writes: bool
    takes_caller: bool
    parameters: tuple[tuple[str, str], ...]
    ignores: Mapping[str, str] = field(default_factory=dict)
    resource: Callable[[Mapping[str, Any]], str] | None = None
    gathers: tuple[str, ...] = ()
    unasked: bool = False

    def call(self, caller: object, given: Mapping[str, Any]) -> Answer:
        """Call the function with checked members in the API's spelling."""
        named = {parameter: given[member] for member, parameter in self.parameters if member in given}
        if self.gathers:
            named[_GATHERED] = {member: given[member] for member in self.gathers if member in given}
        answer = self.function(caller, **named) if self.takes_caller else self.function(**named)
        return {} if answer is None else answer


_operations: dict[tuple[str, str], Operation] = {}

# For the tests: called with the operation and the name of an error that the model does not declare for it, or with
# what an answer holds that its output shape has no place for. Outside the tests both stay None.
on_undeclared_error: Callable[[OperationModel, str], None] | None = None
on_misshapen_answer: Callable[[OperationModel, list[str]], None] | None = None


def operation(
    name: str,
    *,
    service: str = "cognito-idp",
    writes: bool = False,
    ignores: Mapping[str, str] | None = None,
    gathers: tuple[str, ...] = (),
    resource: Callable[[Mapping[str, Any]], str] | None = None,
    unasked: bool = False,
) -> Callable[[Function], Function]:
    """Register the decorated function as an operation; it stays an ordinary function. Raises RegistrationError."""

    def register(function: Function) -> Function:
        made = _fitted(
            function, service, name, writes=writes, ignores=ignores or {}, gathers=gathers, resource=resource
        )
        made = dataclasses.replace(made, unasked=unasked)
        taken = _operations.get((service, name))
        if taken is not None and not _same_source(taken.function, function):
            both = f"{_where(taken.function)} and {_where(function)}"
            raise RegistrationError(f"{service}:{name} is registered twice: {both}")
        _operations[service, name] = made
        return function

    return register


@functools.cache
def load() -> Mapping[tuple[str, str], Operation]:
    """Import every family once and give all registered operations by (service, name)."""
    for package_name in _FAMILIES:
        try:
            package = importlib.import_module(package_name)
        except ModuleNotFoundError as missing:
            if missing.name != package_name:
                raise
            continue
        for module in pkgutil.walk_packages(package.__path__, prefix=f"{package_name}."):
            importlib.import_module(module.name)
    return MappingProxyType(_operations)


def find(service: str, name: str) -> Operation | None:
    """The registered operation, or None: not there (yet), or no operation of the model at all."""
    return load().get((service, name))


def snake(member: str) -> str:
    """A member's name as a parameter: words in lower case with underscores; a run of capitals is one word.

    >>> [snake(name) for name in ("UserPoolId", "SMSMfaSettings", "CallbackURLs", "AllowedOAuthFlows")]
    ['user_pool_id', 'sms_mfa_settings', 'callback_urls', 'allowed_oauth_flows']
    """
    text = re.sub(r"OAuth", "Oauth", re.sub(r"WebAuthn", "Webauthn", member))
    text = re.sub(r"([A-Z]{2,})s(?=$|[A-Z])", lambda run: run[1].capitalize() + "s", text)
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text).lower()
    return f"{text}_" if keyword.iskeyword(text) else text


def _fitted(
    function: Callable[..., Answer | None],
    service: str,
    name: str,
    *,
    writes: bool,
    ignores: Mapping[str, str],
    gathers: tuple[str, ...],
    resource: Callable[[Mapping[str, Any]], str] | None,
) -> Operation:
    where = f"{_where(function)}, {service}:{name}"
    try:
        described = model.service(service).operations[name]
    except KeyError:
        raise RegistrationError(f"{where}: the model has no such operation") from None
    parameters = list(inspect.signature(function).parameters.values())
    takes_caller = bool(parameters) and parameters[0].kind is not inspect.Parameter.KEYWORD_ONLY
    if takes_caller and parameters[0].name != "caller":
        raise RegistrationError(f"{where}: only `caller` is positional, all members are keyword-only")
    faults = list(_misfits(parameters[1:] if takes_caller else parameters, described, ignores, gathers))
    if faults:
        raise RegistrationError(f"{where}: " + "; ".join(faults))
    elsewhere = {*ignores, *gathers}
    pairs = tuple((member, snake(member)) for member in described.members if member not in elsewhere)
    noted = MappingProxyType(dict(ignores))
    return Operation(described, function, writes, takes_caller, pairs, noted, resource, gathers)


def _misfits(
    parameters: list[inspect.Parameter], described: OperationModel, ignores: Mapping[str, str], gathers: tuple[str, ...]
) -> list[str]:
    known = described.members
    faults = [f"ignores {member!r}, which the model does not have" for member in ignores if member not in known]
    faults += [f"ignores {member!r} without saying why" for member, note in ignores.items() if not note.strip()]
    faults += [f"ignores {member!r}, which is required" for member in ignores if member in described.required]
    faults += [f"gathers {member!r}, which the model does not have" for member in gathers if member not in known]
    members = {snake(member): member for member in described.members if member not in gathers}
    if gathers and [parameter.name for parameter in parameters].count(_GATHERED) != 1:
        faults.append(f"gathers members, but has no parameter {_GATHERED!r}")
    for parameter in parameters:
        if gathers and parameter.name == _GATHERED and parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            continue
        member = members.pop(parameter.name, None)
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            faults.append(f"parameter {parameter.name!r} is not keyword-only")
        elif member is None:
            left = ", ".join(sorted(members)) or "none is left"
            faults.append(f"parameter {parameter.name!r} is no input member ({left})")
        elif member in ignores:
            faults.append(f"{member!r} is both a parameter and ignored")
        elif (member in described.required) is not (parameter.default is inspect.Parameter.empty):
            cure = "required: no default" if member in described.required else "optional: it needs a default"
            faults.append(f"{parameter.name!r} is {cure}")
    forgotten = [member for member in members.values() if member not in ignores]
    if forgotten:
        faults.append(f"neither parameter nor ignored: {', '.join(forgotten)}")
    return faults


def _where(function: Callable[..., object]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _same_source(one: Callable[..., object], other: Callable[..., object]) -> bool:
    """Whether a module was merely imported again."""
    return _where(one) == _where(other)
