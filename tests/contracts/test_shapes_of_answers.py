"""What operations answer, as JSON: unset members go, times are seconds, bytes base64; what does not fit is reported."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from poolhouse.api import answers, model

EVERY = [(service, name) for service in model.SERVICES + model.OURS for name in model.service(service).operations]
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC)


def render(operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    return answers.renderer("cognito-idp", operation)(answer)


def test_unset_members_and_members_that_the_model_lacks_go() -> None:
    group = {"GroupName": "g", "Description": None, "Precedence": 0, "internal": "secret"}
    assert render("GetGroup", {"Group": group, "debug": 1}) == {"Group": {"GroupName": "g", "Precedence": 0}}


def test_false_zero_and_empty_values_stay() -> None:
    user = {"Username": "ann", "Enabled": False, "Attributes": []}
    assert render("ListUsers", {"Users": [user]}) == {"Users": [user]}


def test_times_are_epoch_seconds_with_milliseconds() -> None:
    assert render("GetGroup", {"Group": {"CreationDate": MOMENT}}) == {"Group": {"CreationDate": 1767323045.679}}


def test_lists_of_structures_and_tuples_are_rendered() -> None:
    users = ({"Username": "ann", "UserCreateDate": MOMENT, "MFAOptions": None},)
    assert render("ListUsers", {"Users": users}) == {"Users": [{"Username": "ann", "UserCreateDate": 1767323045.679}]}


def test_bytes_are_base64() -> None:
    branding = {"ManagedLoginBranding": {"Assets": [{"Bytes": b"hi", "Category": "FORM_LOGO"}]}}
    rendered = render("DescribeManagedLoginBranding", branding)
    assert rendered["ManagedLoginBranding"]["Assets"][0]["Bytes"] == "aGk="


@pytest.mark.parametrize(("service", "name"), EVERY)
def test_every_output_compiles(service: str, name: str) -> None:
    assert answers.renderer(service, name)({"no such member": 1}) == {}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"UserConfirmed": True, "UserSub": "s"}, None),
        ({"UserConfirmed": True}, "SignUp.UserSub: missing"),
        ({"UserConfirmed": "true", "UserSub": "s"}, "SignUp.UserConfirmed: str where the model has a boolean"),
        ({"UserConfirmed": True, "UserSub": "s", "Sub": 1}, "SignUp.Sub: not in SignUpResponse"),
        ({"UserConfirmed": True, "UserSub": "s", "CodeDeliveryDetails": "x"}, "str where the model has a structure"),
        (
            {"UserConfirmed": True, "UserSub": "s", "CodeDeliveryDetails": {"DeliveryMedium": "PIGEON"}},
            "'PIGEON' is not in the enum of DeliveryMediumType",
        ),
    ],
)
def test_the_tests_are_told_what_does_not_fit(answer: dict[str, Any], fault: str | None) -> None:
    found = answers.misshapen("cognito-idp", "SignUp", answer)
    assert found == [] if fault is None else fault in found[0]
