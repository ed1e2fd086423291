"""Groups through boto3: from beginning to end, their members, their pages."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import select

from poolhouse.core import unit
from poolhouse.users.models import GroupMember
from tests.world import World

ROLE = "arn:aws:iam::123456789012:role/staff"


@pytest.fixture
def pool(idp: Any) -> str:
    """A pool with the users ann and bob."""
    made: str = idp.create_user_pool(PoolName="groups")["UserPool"]["Id"]
    for username in ("ann", "bob"):
        idp.admin_create_user(UserPoolId=made, Username=username, MessageAction="SUPPRESS")
    return made


def refusal(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**members)
    error = refused.value.response["Error"]
    return error["Code"].removesuffix("Exception"), error["Message"]


def test_a_group_from_beginning_to_end(idp: Any, pool: str) -> None:
    named = {"UserPoolId": pool, "GroupName": "staff"}
    group = idp.create_group(**named, Description="Staff", RoleArn=ROLE, Precedence=0)["Group"]
    assert {k: v for k, v in group.items() if not k.endswith("Date")} == {
        **named,
        "Description": "Staff",
        "RoleArn": ROLE,
        "Precedence": 0,
    }
    assert group["CreationDate"] == group["LastModifiedDate"]
    assert idp.get_group(**named)["Group"] == group
    changed = idp.update_group(**named, Precedence=5)["Group"]
    assert (changed["Precedence"], changed["Description"], changed["RoleArn"]) == (5, "Staff", ROLE)
    assert changed["LastModifiedDate"] > group["LastModifiedDate"]
    assert idp.delete_group(**named).keys() == {"ResponseMetadata"}
    for call in (idp.get_group, idp.update_group, idp.delete_group, idp.list_users_in_group):
        assert refusal(call, **named) == ("ResourceNotFound", "Group not found.")


def test_a_group_without_settings_shows_none(idp: Any, pool: str) -> None:
    group = idp.create_group(UserPoolId=pool, GroupName="plain")["Group"]
    assert group.keys() == {"GroupName", "UserPoolId", "CreationDate", "LastModifiedDate"}


def test_a_name_is_taken_once_in_a_pool(idp: Any, pool: str) -> None:
    idp.create_group(UserPoolId=pool, GroupName="staff")
    assert refusal(idp.create_group, UserPoolId=pool, GroupName="staff")[0] == "GroupExists"
    other = idp.create_user_pool(PoolName="other")["UserPool"]["Id"]
    idp.create_group(UserPoolId=other, GroupName="staff")
    idp.create_group(UserPoolId=pool, GroupName="Staff")


@pytest.mark.parametrize(
    "members",
    [
        {"GroupName": "has space"},
        {"GroupName": "x" * 129},
        {"GroupName": ""},
        {"Description": "x" * 2049},
        {"RoleArn": "x" * 20},
        {"Precedence": -1},
        {"Precedence": 2**31},
    ],
)
def test_groups_that_cannot_be(world: World, idp: Any, pool: str, members: dict[str, Any]) -> None:
    given = {"UserPoolId": pool, "GroupName": "staff", **members}
    assert refusal(world.boto3_unchecked().create_group, **given)[0] in {"InvalidParameter", "Serialization"}
    assert idp.list_groups(UserPoolId=pool)["Groups"] == []


def test_any_letter_and_sign_may_stand_in_a_name(idp: Any, pool: str) -> None:
    idp.create_group(UserPoolId=pool, GroupName="größe/ä+漢字🙂")
    assert idp.get_group(UserPoolId=pool, GroupName="größe/ä+漢字🙂")["Group"]["GroupName"] == "größe/ä+漢字🙂"


def test_members_come_and_go(idp: Any, pool: str) -> None:
    idp.create_group(UserPoolId=pool, GroupName="staff", Precedence=1)
    member = {"UserPoolId": pool, "GroupName": "staff", "Username": "ann"}
    assert idp.admin_add_user_to_group(**member).keys() == {"ResponseMetadata"}
    idp.admin_add_user_to_group(**member)  # again: nothing happens
    [user] = idp.list_users_in_group(UserPoolId=pool, GroupName="staff")["Users"]
    assert (user["Username"], user["Enabled"], user["UserStatus"]) == ("ann", True, "FORCE_CHANGE_PASSWORD")
    assert user["Attributes"][0]["Name"] == "sub"
    [group] = idp.admin_list_groups_for_user(UserPoolId=pool, Username="ann")["Groups"]
    assert (group["GroupName"], group["Precedence"]) == ("staff", 1)
    assert idp.admin_list_groups_for_user(UserPoolId=pool, Username="bob")["Groups"] == []

    assert idp.admin_remove_user_from_group(**member).keys() == {"ResponseMetadata"}
    idp.admin_remove_user_from_group(**member)
    assert idp.list_users_in_group(UserPoolId=pool, GroupName="staff")["Users"] == []
    assert idp.admin_list_groups_for_user(UserPoolId=pool, Username="ann")["Groups"] == []


def test_a_deleted_group_has_no_members_when_it_comes_again(idp: Any, pool: str) -> None:
    idp.create_group(UserPoolId=pool, GroupName="staff")
    idp.admin_add_user_to_group(UserPoolId=pool, GroupName="staff", Username="ann")
    idp.delete_group(UserPoolId=pool, GroupName="staff")
    idp.create_group(UserPoolId=pool, GroupName="staff")
    assert idp.list_users_in_group(UserPoolId=pool, GroupName="staff")["Users"] == []


def test_unknown_users_and_groups(idp: Any, pool: str) -> None:
    idp.create_group(UserPoolId=pool, GroupName="staff")
    for call in (idp.admin_add_user_to_group, idp.admin_remove_user_from_group):
        assert refusal(call, UserPoolId=pool, GroupName="staff", Username="zoe") == (
            "UserNotFound",
            "User does not exist.",
        )
        assert refusal(call, UserPoolId=pool, GroupName="none", Username="ann")[0] == "ResourceNotFound"
    assert refusal(idp.admin_list_groups_for_user, UserPoolId=pool, Username="zoe")[0] == "UserNotFound"


def test_pages_cover_every_group_and_every_member(idp: Any, pool: str) -> None:
    for n in range(5):
        idp.create_group(UserPoolId=pool, GroupName=f"g{n}")
        idp.admin_add_user_to_group(UserPoolId=pool, GroupName=f"g{n}", Username="ann")
        idp.admin_create_user(UserPoolId=pool, Username=f"user{n}", MessageAction="SUPPRESS")
        idp.admin_add_user_to_group(UserPoolId=pool, GroupName="g0", Username=f"user{n}")
    names = [f"g{n}" for n in range(5)]

    def pages(operation: str, **members: Any) -> list[Any]:
        return list(idp.get_paginator(operation).paginate(UserPoolId=pool, PaginationConfig={"PageSize": 2}, **members))

    groups = [g["GroupName"] for page in pages("list_groups") for g in page["Groups"]]
    of_ann = [g["GroupName"] for page in pages("admin_list_groups_for_user", Username="ann") for g in page["Groups"]]
    members = [u["Username"] for page in pages("list_users_in_group", GroupName="g0") for u in page["Users"]]
    assert (groups, of_ann) == (names, names)
    assert sorted(members) == ["ann", *(f"user{n}" for n in range(5))]
    assert len(idp.list_groups(UserPoolId=pool, Limit=0)["Groups"]) == 5


def test_nobody_slips_into_a_group_while_it_is_deleted(world: World, idp: Any, pool: str) -> None:
    """The group is deleted and somebody added at the same time, many times: never is anybody in the next group."""
    member = {"UserPoolId": pool, "GroupName": "staff", "Username": "ann"}
    named = {"UserPoolId": pool, "GroupName": "staff"}

    def add(start: threading.Barrier) -> None:
        start.wait()
        with contextlib.suppress(ClientError):
            idp.admin_add_user_to_group(**member)

    for _ in range(15):
        idp.create_group(**named)
        start = threading.Barrier(3)
        adding = [threading.Thread(target=add, args=(start,)) for _ in range(2)]
        for thread in adding:
            thread.start()
        start.wait()
        idp.delete_group(**named)
        for thread in adding:
            thread.join()
        assert idp.admin_list_groups_for_user(UserPoolId=pool, Username="ann")["Groups"] == []
        with unit.open(world.runtime):
            left = unit.execute(select(GroupMember.sub).where(GroupMember.pool_id == pool)).all()
        assert left == []
