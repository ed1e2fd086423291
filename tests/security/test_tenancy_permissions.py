"""Who may administer one pool administers that one: generated from the models, for user pools and identity pools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from poolhouse.access.caller import Caller, operator
from poolhouse.api import model, registry
from poolhouse.api.perform import perform
from poolhouse.core import unit
from poolhouse.core.errors import AccessDenied, PoolhouseError
from tests.fronts.identity_world import IdentityWorld, allow, identity_world
from tests.world import World

REGISTERED = registry.load()
NAMED_BY = ("UserPoolId", "IdentityPoolId", "ResourceArn")
USER = "administrator-of-one-pool"
# What a pattern of the model asks for, by member; anything else is filled with what fits its shape.
FITTING: dict[str, Any] = {
    "ClientId": "3n4b5urk1ft4fl3mg5e62d9ado",
    "ClientSecretId": "3n4b5urk1ft4fl3mg5e62d9ado--1700000000",
    "IdentityId": "us-east-1:00000000-0000-4000-8000-000000000000",
    "IdentityIdsToDelete": ["us-east-1:00000000-0000-4000-8000-000000000000"],
    "Roles": {},  # whoever names a role needs a permission for that role too
}


def named() -> list[tuple[str, str, str]]:
    """Every signed operation that names the pool it is about, and by which member."""
    found = []
    for service, name in sorted(REGISTERED):
        operation = REGISTERED[service, name]
        members = [member for member in NAMED_BY if member in operation.model.required]
        if members and operation.model.signed and not operation.unasked and operation.resource is None:
            if service in {"iam", "sts"}:
                continue
            found.append((service, name, members[0]))
    return found


def filled(service: str, shape_name: str, member: str) -> Any:
    """The least that fits a shape."""
    shape = model.service(service).shapes[shape_name]
    if member in FITTING:
        return FITTING[member]
    match shape["type"]:
        case "structure":
            required = shape.get("required", ())
            return {name: filled(service, shape["members"][name]["shape"], name) for name in required}
        case "list":
            return [filled(service, shape["member"]["shape"], member)]
        case "map":
            return {"key": filled(service, shape["value"]["shape"], member)}
        case "boolean":
            return True
        case "integer" | "long":
            return max(1, shape.get("min", 1))
        case "string":
            return shape["enum"][0] if "enum" in shape else "abc".ljust(shape.get("min", 0), "x")
    raise AssertionError(f"{member}: what is a {shape['type']}?")


def request(service: str, name: str, **given: Any) -> dict[str, Any]:
    """The operation's required members, with ``given`` among them."""
    described = model.service(service).operations[name]
    return {member: filled(service, described.members[member], member) for member in described.required} | given


@pytest.fixture(scope="module")
def _pools(_world: World) -> tuple[IdentityWorld, IdentityWorld]:
    return identity_world(_world), identity_world(_world)


@pytest.fixture
def one(world: World, _pools: tuple[IdentityWorld, IdentityWorld]) -> IdentityWorld:
    """Pools that the caller may administer."""
    return _pools[0]


@pytest.fixture
def other(world: World, _pools: tuple[IdentityWorld, IdentityWorld]) -> IdentityWorld:
    """Pools that are somebody else's."""
    return _pools[1]


def value(pools: IdentityWorld, service: str, member: str) -> str:
    """What ``member`` has to be to name the pool."""
    arns = {"cognito-idp": user_pool_arn(pools), "cognito-identity": identity_pool_arn(pools)}
    return {"UserPoolId": pools.pool.id, "IdentityPoolId": pools.id}.get(member) or arns[service]


def user_pool_arn(pools: IdentityWorld) -> str:
    return f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{pools.pool.id}"


def identity_pool_arn(pools: IdentityWorld) -> str:
    return f"arn:aws:cognito-identity:us-east-1:000000000000:identitypool/{pools.id}"


@pytest.fixture(scope="module")
def _administrator(_world: World, _pools: tuple[IdentityWorld, IdentityWorld]) -> Iterator[Caller]:
    """Somebody who may do everything with the first two pools, and nothing else."""
    iam = _world.boto3("iam")
    mine = _pools[0]
    statements = [allow("*", resource=arn(mine))["Statement"][0] for arn in (user_pool_arn, identity_pool_arn)]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    made = iam.create_user(UserName=USER)["User"]
    iam.put_user_policy(UserName=USER, PolicyName="one", PolicyDocument=document)
    yield Caller("user", arn=made["Arn"], account="0" * 12, name=USER, user_id=made["UserId"])
    iam.delete_user_policy(UserName=USER, PolicyName="one")
    iam.delete_user(UserName=USER)


@pytest.fixture
def administrator(world: World, _administrator: Caller) -> Caller:
    return _administrator


def test_the_list_has_both_kinds_of_pools() -> None:
    by = {member: [name for _, name, which in named() if which == member] for member in NAMED_BY}
    assert {"DescribeUserPool", "AdminGetUser", "CreateIdentityProvider", "SetIdentityProviderExtensions"} <= set(
        by["UserPoolId"]
    )
    assert {"DescribeIdentityPool", "SetIdentityPoolRoles", "GetOpenIdTokenForDeveloperIdentity"} <= set(
        by["IdentityPoolId"]
    )
    assert by["ResourceArn"].count("TagResource") == 2
    assert len(by["IdentityPoolId"]) >= 11


def everything(world: World, pools: IdentityWorld) -> str:
    """What the API shows of the two pools."""
    me = operator(world.settings.account_id)
    shown = []
    with unit.open(world.runtime):
        for service, name, members in (
            ("cognito-idp", "DescribeUserPool", {"UserPoolId": pools.pool.id}),
            ("cognito-idp", "ListUserPoolClients", {"UserPoolId": pools.pool.id, "MaxResults": 60}),
            ("cognito-idp", "ListUsers", {"UserPoolId": pools.pool.id}),
            ("cognito-idp", "ListGroups", {"UserPoolId": pools.pool.id}),
            ("cognito-idp", "ListIdentityProviders", {"UserPoolId": pools.pool.id}),
            ("poolhouse", "GetUserPoolExtensions", {"UserPoolId": pools.pool.id}),
            ("cognito-identity", "DescribeIdentityPool", {"IdentityPoolId": pools.id}),
            ("cognito-identity", "GetIdentityPoolRoles", {"IdentityPoolId": pools.id}),
            ("cognito-identity", "ListIdentities", {"IdentityPoolId": pools.id, "MaxResults": 60}),
        ):
            shown.append(perform(me, service, name, members))
    return json.dumps(shown, default=str, sort_keys=True)


@pytest.mark.parametrize(("service", "name", "member"), named(), ids=lambda value: str(value))
def test_who_may_administer_one_pool_may_do_nothing_to_another(
    world: World, administrator: Caller, other: IdentityWorld, service: str, name: str, member: str
) -> None:
    """Class 51: the operation is refused before it looks at anything, whatever else it is told."""
    given = request(service, name, **{member: value(other, service, member)})
    before = everything(world, other)
    with unit.open(world.runtime), pytest.raises(AccessDenied):
        perform(administrator, service, name, given)
    assert everything(world, other) == before


@pytest.mark.parametrize(("service", "name", "member"), named(), ids=lambda value: str(value))
def test_the_same_operation_on_their_own_pool_is_theirs(
    world: World, administrator: Caller, one: IdentityWorld, service: str, name: str, member: str
) -> None:
    """So that each refusal above is about the pool. What is asked for need not make sense: nothing of it is kept."""
    given = request(service, name, **{member: value(one, service, member)})
    with unit.open(world.runtime) as open_unit:
        try:
            perform(administrator, service, name, given)
        except AccessDenied:
            raise
        except PoolhouseError:
            pass
        finally:
            open_unit.rollback()


def test_an_operation_about_no_pool_in_particular_is_not_theirs(
    world: World, administrator: Caller, one: IdentityWorld
) -> None:
    """Identities are named by ids that say nothing of their pool: as in AWS, these are asked for on ``*``."""
    for service, name in sorted(REGISTERED):
        operation = REGISTERED[service, name]
        about = {"UserPoolId", "IdentityPoolId", "ResourceArn"} & set(operation.model.members)
        if service in {"iam", "sts"} or about or not operation.model.signed or operation.resource or operation.unasked:
            continue
        with unit.open(world.runtime), pytest.raises(AccessDenied):
            perform(administrator, service, name, request(service, name))
