"""Identity pools keep to themselves: generated from the registry, no operation reaches through one into another."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from poolhouse.access.caller import operator
from poolhouse.api import model, registry
from poolhouse.api.perform import perform
from poolhouse.core import unit
from poolhouse.core.errors import PoolhouseError
from tests.fronts.identity_world import IdentityWorld, identity_world
from tests.world import World

REGISTERED = registry.load()
DEVELOPERS = "login.tenancy.example"  # both pools call their own users' provider so: names are nobody's
# What names a thing of an identity pool. An operation with another such member has to say so here, or its test fails.
IDENTIFIERS = (
    "IdentityId",
    "DeveloperUserIdentifier",
    "SourceUserIdentifier",
    "DestinationUserIdentifier",
    "NextToken",
)
OTHERWISE: dict[str, Any] = {"DeveloperProviderName": DEVELOPERS, "MaxResults": 2}
REFUSALS = {"ResourceNotFoundException", "InvalidParameterException", "NotAuthorizedException"}


def scoped() -> list[tuple[str, str]]:
    """Every signed operation that is told an identity pool, and each thing of it that it can be told."""
    found = []
    for service, name in sorted(REGISTERED):
        described = REGISTERED[service, name].model
        if service == "cognito-identity" and "IdentityPoolId" in described.required and described.signed:
            found += [(name, member) for member in IDENTIFIERS if member in described.members]
    return found


@dataclass
class Tenant:
    """An identity pool with two developer's users and a guest."""

    ids: IdentityWorld
    things: dict[str, str]

    def call(self, name: str, **given: Any) -> dict[str, Any]:
        rt = self.ids.world.runtime
        with unit.open(rt):
            return perform(
                operator(rt.settings.account_id), "cognito-identity", name, {"IdentityPoolId": self.ids.id, **given}
            )

    def request(self, name: str, about: str) -> dict[str, Any]:
        """What the operation needs, ``about`` this pool's thing of that name."""
        described = model.service("cognito-identity").operations[name]
        wanted = (described.required - {"IdentityPoolId"}) | {about}
        given: dict[str, Any] = {}
        for member in wanted - {"NextToken"}:
            if member == "Logins":
                given[member] = {DEVELOPERS: self.things["DeveloperUserIdentifier"]}
                continue
            assert member in self.things or member in OTHERWISE, f"{name}: say in this test what a {member} is"
            given[member] = self.things.get(member, OTHERWISE.get(member))
        if about == "NextToken":
            given["MaxResults"] = 1
            if name == "LookupDeveloperIdentity":
                given["IdentityId"] = self.things["IdentityId"]
            given["NextToken"] = self.call(name, **given)["NextToken"]
        return given

    def everything(self) -> str:
        """All that the API shows of the identity pool."""
        told = [self.call("DescribeIdentityPool"), self.call("ListIdentities", MaxResults=60, HideDisabled=True)]
        for identity in told[1]["Identities"]:
            told.append(self.call("LookupDeveloperIdentity", IdentityId=identity["IdentityId"]))
        return json.dumps(told, default=str, sort_keys=True)


def tenant(world: World, name: str) -> Tenant:
    ids = identity_world(world, DeveloperProviderName=DEVELOPERS)

    def identity(user: str, **more: str) -> str:
        answer = ids.admin.get_open_id_token_for_developer_identity(
            IdentityPoolId=ids.id, Logins={DEVELOPERS: user}, **more
        )
        return str(answer["IdentityId"])

    first = identity(f"ann-of-{name}")
    identity(f"second-name-of-ann-of-{name}", IdentityId=first)
    identity(f"bob-of-{name}")
    ids.guest()
    return Tenant(
        ids,
        {
            "IdentityId": first,
            "DeveloperUserIdentifier": f"ann-of-{name}",
            "SourceUserIdentifier": f"ann-of-{name}",
            "DestinationUserIdentifier": f"bob-of-{name}",
        },
    )


@pytest.fixture(scope="module")
def _ours(_world: World) -> Tenant:
    return tenant(_world, "ours")


@pytest.fixture
def ours(world: World, _ours: Tenant) -> Tenant:
    return _ours


@pytest.fixture(scope="module")
def _theirs(_world: World) -> Tenant:
    return tenant(_world, "theirs")


@pytest.fixture
def theirs(world: World, _theirs: Tenant) -> Tenant:
    return _theirs


def test_the_list_has_what_names_an_identity() -> None:
    assert {name for name, _ in scoped()} == {
        "GetOpenIdTokenForDeveloperIdentity",
        "ListIdentities",
        "LookupDeveloperIdentity",
        "MergeDeveloperIdentities",
        "UnlinkDeveloperIdentity",
    }


@pytest.mark.parametrize(("name", "stolen"), scoped(), ids=lambda value: str(value))
def test_no_operation_on_one_identity_pool_takes_anothers_identifier(
    ours: Tenant, theirs: Tenant, name: str, stolen: str
) -> None:
    """Class 51: one thing of theirs at a time, everything else our own."""
    given = ours.request(name, stolen) | {stolen: theirs.request(name, stolen)[stolen]}
    before, mine = theirs.everything(), ours.everything()
    with pytest.raises(PoolhouseError) as refusal:
        ours.call(name, **given)
    assert refusal.value.aws in REFUSALS
    assert theirs.everything() == before
    assert ours.everything() == mine


@pytest.mark.parametrize(("name", "about"), scoped(), ids=lambda value: str(value))
def test_the_same_call_about_ones_own_works(world: World, name: str, about: str) -> None:
    """So that each refusal above is about the pool, and not about something else that this test got wrong."""
    owner = tenant(world, "owner")
    owner.call(name, **owner.request(name, about))


def test_a_user_of_the_same_name_is_another_person(ours: Tenant, theirs: Tenant) -> None:
    """A developer provider's names are its pool's own: the same one elsewhere leads to another identity."""
    before = theirs.everything()
    login = {DEVELOPERS: theirs.things["DeveloperUserIdentifier"]}
    made = ours.call("GetOpenIdTokenForDeveloperIdentity", Logins=login)["IdentityId"]
    assert made != theirs.things["IdentityId"]
    assert theirs.everything() == before
    ours.call("UnlinkDeveloperIdentity", IdentityId=made, DeveloperProviderName=DEVELOPERS,
              DeveloperUserIdentifier=theirs.things["DeveloperUserIdentifier"])  # fmt: skip


def test_nothing_that_is_listed_is_another_pools(ours: Tenant, theirs: Tenant) -> None:
    told = ours.everything()
    for identity in theirs.call("ListIdentities", MaxResults=60)["Identities"]:
        assert identity["IdentityId"] not in told
    assert "of-theirs" not in told
