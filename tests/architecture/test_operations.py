"""The operations that are registered, held against the official models; and what registering refuses."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from poolhouse.api import model, registry
from poolhouse.api.registry import RegistrationError, operation, snake
from poolhouse.core import errors, passkey_errors

ROOT = Path(__file__).resolve().parents[2]
EVERY = [(service, name) for service in model.SERVICES + model.OURS for name in model.service(service).operations]


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- the models -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", model.SERVICES)
def test_a_model_equals_botocore_s(service: str) -> None:
    written = (ROOT / "server" / "poolhouse" / "api" / "model" / f"{service}.json").read_text("utf-8")
    assert written == tool("service_models").rendered(service), "run tools/service_models.py"


def test_stripping_takes_prose_and_nothing_else() -> None:
    stripped = tool("service_models").stripped
    shape = {
        "type": "structure",
        "documentation": "x",
        "members": {"documentation": {"shape": "S", "documentation": "y"}},
    }
    assert stripped({"shapes": {"examples": shape}}) == {
        "shapes": {"examples": {"type": "structure", "members": {"documentation": {"shape": "S"}}}}
    }


def test_the_counts_of_the_models() -> None:
    counts = {}
    for service in model.SERVICES:
        operations = model.service(service).operations.values()
        counts[service] = (len(operations), sum(not described.signed for described in operations))
    # Unsigned beside the model's 34: GetClientToken and GetDerivedToken, which the secret in their body authorises.
    assert counts == {"cognito-idp": (141, 36), "cognito-identity": (23, 4)}


def test_every_declared_error_has_a_class() -> None:
    known = {
        thing.aws
        for module in (errors, passkey_errors)
        for _, thing in inspect.getmembers(module, inspect.isclass)
        if issubclass(thing, errors.PoolhouseError)
    }
    assert set(model.service("cognito-idp").errors) <= known


def test_our_own_operations_take_no_official_name() -> None:
    official = {name for service in model.SERVICES for name in model.service(service).operations}
    ours = {name: described for service in model.OURS for name, described in model.service(service).operations.items()}
    assert ours
    assert not set(ours) & official
    assert all("InvalidParameterException" in described.errors for described in ours.values())


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "parameter"),
    [
        ("UserPoolId", "user_pool_id"),
        ("MFAOptions", "mfa_options"),
        ("SMSMfaSettings", "sms_mfa_settings"),
        ("CallbackURLs", "callback_urls"),
        ("DefaultRedirectURI", "default_redirect_uri"),
        ("AllowedOAuthFlowsUserPoolClient", "allowed_oauth_flows_user_pool_client"),
        ("WebAuthnConfiguration", "webauthn_configuration"),
        ("OpenIdConnectProviderARNs", "open_id_connect_provider_arns"),
        ("SSOSession", "sso_session"),
        ("CSS", "css"),
    ],
)
def test_members_become_parameters(member: str, parameter: str) -> None:
    assert snake(member) == parameter


@pytest.mark.parametrize(("service", "name"), EVERY)
def test_no_two_members_become_one_parameter(service: str, name: str) -> None:
    members = model.service(service).operations[name].members
    parameters = {snake(member) for member in members}
    assert len(parameters) == len(members)
    assert all(parameter.isidentifier() and parameter != "caller" for parameter in parameters)


# --- what registering refuses ---------------------------------------------------------------------------------------


def no_such_parameter(*, user_pool: str) -> None: ...
def forgotten_member(caller: object) -> None: ...
def default_for_a_required_one(*, user_pool_id: str = "") -> None: ...
def positional_member(user_pool_id: str) -> None: ...
def two_positional(caller: object, user_pool_id: str) -> None: ...
def fits(*, user_pool_id: str) -> None: ...
def no_place_to_gather(*, user_pool_id: str) -> None: ...
def gathering(*, user_pool_id: str, settings: dict[str, Any]) -> None: ...


@pytest.mark.parametrize(
    ("name", "function", "options", "said"),
    [
        ("DescribeUserPol", fits, {}, "the model has no such operation"),
        ("DescribeUserPool", fits, {"service": "s3"}, "the model has no such operation"),
        ("DescribeUserPool", no_such_parameter, {}, r"parameter 'user_pool' is no input member \(user_pool_id\)"),
        ("DescribeUserPool", forgotten_member, {}, "neither parameter nor ignored: UserPoolId"),
        ("DescribeUserPool", default_for_a_required_one, {}, "'user_pool_id' is required: no default"),
        ("DescribeUserPool", positional_member, {}, "only `caller` is positional"),
        ("DescribeUserPool", two_positional, {}, "'user_pool_id' is not keyword-only"),
        ("DescribeUserPool", fits, {"ignores": {"Pool": "why"}}, "ignores 'Pool', which the model does not have"),
        ("DescribeUserPool", fits, {"ignores": {"UserPoolId": "why"}}, "which is required"),
        ("ListUsers", fits, {"ignores": {"Filter": " "}}, "ignores 'Filter' without saying why"),
        ("AddCustomAttributes", no_place_to_gather, {"gathers": ("CustomAttributes",)}, "no parameter 'settings'"),
        ("AddCustomAttributes", gathering, {"gathers": ("Nope",)}, "gathers 'Nope', which the model does not have"),
        ("AddCustomAttributes", gathering, {}, "parameter 'settings' is no input member"),
        ("ListUsers", fits, {}, "neither parameter nor ignored: AttributesToGet, Limit, PaginationToken, Filter"),
    ],
)
def test_what_does_not_fit_the_model_cannot_be_imported(
    name: str, function: Callable[..., None], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(RegistrationError, match=said):
        operation(name, **options)(function)


def test_an_optional_member_needs_a_default_and_a_parameter_cannot_be_ignored_too() -> None:
    def list_user_pools(*, max_results: int, next_token: str) -> None: ...

    with pytest.raises(RegistrationError, match="'next_token' is optional: it needs a default"):
        operation("ListUserPools")(list_user_pools)

    def with_default(*, max_results: int, next_token: str | None = None) -> None: ...

    with pytest.raises(RegistrationError, match="'NextToken' is both a parameter and ignored"):
        operation("ListUserPools", ignores={"NextToken": "why"})(with_default)


def test_an_operation_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_operations", {})

    def another(*, user_pool_id: str) -> None: ...

    assert operation("DescribeUserPool")(fits) is fits
    operation("DescribeUserPool")(fits)
    with pytest.raises(RegistrationError, match="registered twice"):
        operation("DescribeUserPool")(another)


def test_a_call_gives_what_was_sent_and_leaves_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_operations", {})

    @operation("ListUserPools")
    def list_user_pools(caller: object, *, max_results: int, next_token: str | None = None) -> dict[str, object]:
        return {"caller": caller, "max_results": max_results, "next_token": next_token}

    made = registry._operations["cognito-idp", "ListUserPools"]
    assert made.call("ann", {"MaxResults": 5}) == {"caller": "ann", "max_results": 5, "next_token": None}


def test_gathered_members_come_together_in_the_spelling_of_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_operations", {})

    @operation("CreateGroup", gathers=("Description", "Precedence", "RoleArn"))
    def create_group(*, group_name: str, user_pool_id: str, settings: dict[str, Any]) -> dict[str, Any]:
        return settings

    made = registry._operations["cognito-idp", "CreateGroup"]
    given = {"GroupName": "g", "UserPoolId": "p", "Precedence": 0}
    assert made.call(None, given) == {"Precedence": 0}


# --- what is registered ---------------------------------------------------------------------------------------------


def test_every_registered_operation_lives_with_its_service() -> None:
    assert registry.load()
    for (service, _), found in registry.load().items():
        assert found.function.__module__.startswith(f"poolhouse.api.{service.replace('-', '_')}.")


def test_the_compatibility_page_is_current() -> None:
    page = tool("compatibility")
    assert page.PAGE.read_text("utf-8") == page.page(), "run tools/compatibility.py"
