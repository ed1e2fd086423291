"""What roles can here and not in IAM: credentials from another STS, and an end to all sessions at once."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from poolhouse.access.caller import Caller, operator
from poolhouse.api.perform import perform
from poolhouse.core import unit
from poolhouse.core.errors import AccessDenied, InvalidInput, InvalidParameter, NoSuchEntity
from poolhouse.listeners.models import AuditEvent
from tests.fronts.refusals import refused
from tests.world import World

ACCOUNT = "000000000000"
names = count(1)
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture
def role(world: World) -> str:
    name = f"configured-{next(names)}"
    world.boto3("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    return name


def ask(world: World, name: str, caller: Caller | None = None, **given: Any) -> dict[str, Any]:
    """An operation of the service `poolhouse`, as the command line asks for it."""
    with unit.open(world.runtime):
        return perform(caller or operator(ACCOUNT), "poolhouse", name, given)


def test_a_role_s_credentials_are_this_server_s_until_another_sts_is_named(world: World, role: str) -> None:
    assert ask(world, "GetRoleCredentialSource", RoleName=role) == {"CredentialSource": {"Source": "built_in"}}
    other = {"Source": "sts", "Endpoint": "https://sts.example.com/", "RoleArn": "arn:aws:iam::111111111111:role/web"}
    assert ask(world, "SetRoleCredentialSource", RoleName=role, CredentialSource=other) == {"CredentialSource": other}
    assert ask(world, "GetRoleCredentialSource", RoleName=role) == {"CredentialSource": other}
    back = {"Source": "built_in"}
    assert ask(world, "SetRoleCredentialSource", RoleName=role, CredentialSource=back) == {"CredentialSource": back}


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ({"Source": "sts"}, InvalidInput),
        ({"Source": "sts", "Endpoint": "https://sts.example.com"}, InvalidInput),
        (
            {"Source": "sts", "Endpoint": "file:///etc/passwd", "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/x"},
            InvalidInput,
        ),
        ({"Source": "sts", "Endpoint": "https://sts.example.com", "RoleArn": "x" * 30}, InvalidInput),
        ({"Source": "elsewhere"}, InvalidParameter),
        ({}, InvalidParameter),
    ],
)
def test_a_source_that_cannot_be_asked_is_refused(world: World, role: str, source: Any, error: Any) -> None:
    with pytest.raises(error):
        ask(world, "SetRoleCredentialSource", RoleName=role, CredentialSource=source)
    assert ask(world, "GetRoleCredentialSource", RoleName=role) == {"CredentialSource": {"Source": "built_in"}}


def test_a_role_that_is_not_there_is_said_to_be_so(world: World) -> None:
    for name, more in (
        ("GetRoleCredentialSource", {}),
        ("SetRoleCredentialSource", {"CredentialSource": {"Source": "built_in"}}),
        ("RevokeRoleSessions", {}),
    ):
        with pytest.raises(NoSuchEntity):
            ask(world, name, RoleName="nobody", **more)


def test_nobody_without_permission_chooses_or_revokes(world: World, role: str) -> None:
    nobody = Caller("user", arn=f"arn:aws:iam::{ACCOUNT}:user/nobody", account=ACCOUNT, name="nobody")
    for name, more in (
        ("GetRoleCredentialSource", {}),
        ("SetRoleCredentialSource", {"CredentialSource": {"Source": "built_in"}}),
        ("RevokeRoleSessions", {}),
    ):
        with pytest.raises(AccessDenied):
            ask(world, name, nobody, RoleName=role, **more)


def test_revoking_ends_the_sessions_of_before(world: World, role: str) -> None:
    made = world.boto3("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName="me")
    import boto3

    key = made["Credentials"]
    sts = boto3.client(
        "sts",
        endpoint_url=world.url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key["SessionToken"],
    )
    assert sts.get_caller_identity()["Account"] == ACCOUNT
    assert ask(world, "RevokeRoleSessions", RoleName=role) == {}
    refused(sts.get_caller_identity, "ExpiredToken")


def test_the_audit_log_knows_who_changed_what_about_a_role(world: World, role: str) -> None:
    iam = world.boto3("iam")
    iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AmazonCognitoReadOnly")
    ask(world, "RevokeRoleSessions", RoleName=role)
    with unit.open(world.runtime):
        rows = unit.execute(
            select(AuditEvent.__table__).where(AuditEvent.name == "AccessChanged").order_by(AuditEvent.id)
        ).all()
    mine = [(row.detail["what"], row.principal) for row in rows if row.detail["entity"] == f"role/{role}"]
    administrator = f"arn:aws:iam::{ACCOUNT}:user/administrator"
    assert mine == [
        ("created", administrator),
        ("arn:aws:iam::aws:policy/AmazonCognitoReadOnly attached", administrator),
        ("sessions_revoked_at set", f"arn:aws:iam::{ACCOUNT}:root"),
    ]
