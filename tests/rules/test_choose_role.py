"""Which role an identity gets: guests, rules, tokens, what is asked for, and what if nothing is plain."""

from __future__ import annotations

from typing import Any

import pytest

from poolhouse.core.errors import NotAuthorized
from poolhouse.identity_pools import tagging
from poolhouse.identity_pools.choose_role import Credential, choose, matches
from poolhouse.identity_pools.errors import InvalidIdentityPoolConfiguration

ROLES = {"authenticated": "arn:auth", "unauthenticated": "arn:guest"}
POOL = "cognito-idp.us-east-1.amazonaws.com/us-east-1_a"


def rule(claim: str, how: str, value: str, role: str) -> dict[str, str]:
    return {"Claim": claim, "MatchType": how, "Value": value, "RoleARN": role}


def rules(*them: dict[str, str], otherwise: str = "Deny") -> dict[str, Any]:
    return {POOL: {"Type": "Rules", "AmbiguousRoleResolution": otherwise, "RulesConfiguration": {"Rules": [*them]}}}


def by_token(otherwise: str = "Deny") -> dict[str, Any]:
    return {POOL: {"Type": "Token", "AmbiguousRoleResolution": otherwise}}


def login(**claims: Any) -> list[Credential]:
    return [Credential((f"{POOL}:app", POOL), {name.replace("__", ":"): value for name, value in claims.items()})]


ADMIN = rule("isAdmin", "Equals", "true", "arn:admin")
PAID = rule("paid", "Equals", "true", "arn:paid")


@pytest.mark.parametrize(
    ("mappings", "credentials", "asked", "expected"),
    [
        ({}, [], None, "arn:guest"),
        ({}, login(), None, "arn:auth"),
        # Rules: the first that matches, in their order.
        (rules(ADMIN, PAID), login(isAdmin="true", paid="true"), None, "arn:admin"),
        (rules(PAID, ADMIN), login(isAdmin="true", paid="true"), None, "arn:paid"),
        (rules(ADMIN, PAID), login(paid=True), None, "arn:paid"),
        (rules(ADMIN, otherwise="AuthenticatedRole"), login(), None, "arn:auth"),
        # What is asked for must be the role of a rule that matches.
        (rules(ADMIN, PAID), login(isAdmin="true", paid="true"), "arn:paid", "arn:paid"),
        # A token's preferred role, or its only one.
        (by_token(), login(cognito__roles=["arn:a", "arn:b"], cognito__preferred_role="arn:b"), None, "arn:b"),
        (by_token(), login(cognito__roles=["arn:a"]), None, "arn:a"),
        (by_token(), login(cognito__roles=["arn:a", "arn:b"]), "arn:b", "arn:b"),
        (by_token("AuthenticatedRole"), login(cognito__roles=["arn:a", "arn:b"]), None, "arn:auth"),
        (by_token("AuthenticatedRole"), login(), None, "arn:auth"),
        # A mapping may name the client too, and one for another provider is nothing to this login.
        ({f"{POOL}:app": by_token()[POOL]}, login(cognito__roles=["arn:a"]), None, "arn:a"),
        ({f"{POOL}:other": by_token()[POOL]}, login(cognito__roles=["arn:a"]), None, "arn:auth"),
    ],
)
def test_the_role(mappings: Any, credentials: Any, asked: str | None, expected: str) -> None:
    assert choose(ROLES, mappings, credentials, asked) == expected


@pytest.mark.parametrize(
    ("mappings", "credentials", "asked"),
    [
        ({}, [], "arn:auth"),  # a guest asks for more
        ({}, login(), "arn:auth"),  # nothing says who may have what
        ({}, login(cognito__roles=["arn:a"]), "arn:a"),
        (rules(ADMIN, PAID), login(paid="true"), "arn:admin"),
        (rules(ADMIN, otherwise="AuthenticatedRole"), login(), "arn:admin"),
        (rules(ADMIN), login(cognito__roles=["arn:x"]), "arn:x"),
        (rules(ADMIN), login(), None),
        (by_token(), login(cognito__roles=["arn:a", "arn:b"]), None),
        (by_token(), login(cognito__roles=["arn:a"]), "arn:b"),
        (by_token(), login(), None),
        (by_token(), login(cognito__roles="arn:a"), None),
        (by_token("AuthenticatedRole"), login(), "arn:auth"),
    ],
)
def test_no_role(mappings: Any, credentials: Any, asked: str | None) -> None:
    with pytest.raises(NotAuthorized):
        choose(ROLES, mappings, credentials, asked)


@pytest.mark.parametrize("credentials", [[], login()])
def test_a_pool_without_roles_is_not_configured(credentials: Any) -> None:
    with pytest.raises(InvalidIdentityPoolConfiguration):
        choose({}, {}, credentials)


def test_a_guest_never_gets_the_role_of_the_authenticated() -> None:
    with pytest.raises(InvalidIdentityPoolConfiguration):
        choose({"authenticated": "arn:auth"}, by_token("AuthenticatedRole"), [])


@pytest.mark.parametrize(
    ("how", "value", "claim", "fits"),
    [
        ("Equals", "a", "a", True),
        ("Equals", "a", "A", False),
        ("Equals", "3", 3, True),
        ("Equals", "true", True, True),
        ("Equals", "a", ["b", "a"], True),
        ("Equals", "a", {"a": 1}, False),
        ("NotEqual", "a", "b", True),
        ("NotEqual", "a", "a", False),
        ("NotEqual", "a", ["b", "a"], False),
        ("NotEqual", "a", [], True),
        ("NotEqual", "a", {"b": 1}, False),
        ("StartsWith", "ab", "abc", True),
        ("StartsWith", "bc", "abc", False),
        ("Contains", "b", "abc", True),
        ("Contains", "x", "abc", False),
        ("Contains", "admin", ["not-admin"], False),
        ("Contains", "admin", ["x", "admin"], True),
        ("Contains", "a", [], False),
    ],
)
def test_rules(how: str, value: str, claim: Any, fits: bool) -> None:
    assert matches(rule("c", how, value, "arn:r"), {"c": claim}) is fits


@pytest.mark.parametrize("how", ["Equals", "NotEqual", "StartsWith", "Contains"])
@pytest.mark.parametrize("claims", [{}, {"c": None}])
def test_a_claim_that_is_missing_matches_no_rule(how: str, claims: dict[str, Any]) -> None:
    assert not matches(rule("c", how, "a", "arn:r"), claims)


@pytest.mark.parametrize(
    ("maps", "claims", "expected"),
    [
        ({}, {"sub": "1"}, {}),
        ({POOL: {"UseDefaults": True}}, {"sub": "1", "aud": "app"}, {"username": "1", "client": "app"}),
        ({POOL: {"PrincipalTags": {"team": "custom:team"}}}, {"custom:team": "red", "sub": "1"}, {"team": "red"}),
        ({POOL: {"PrincipalTags": {"team": "custom:team"}}}, {"custom:team": "x" * 257}, {}),
        ({POOL: {"PrincipalTags": {"team": "groups"}}}, {"groups": ["a"]}, {}),
        ({POOL: {"PrincipalTags": {"team": "custom:team"}}}, {"custom:team": ""}, {}),
    ],
)
def test_principal_tags(maps: Any, claims: Any, expected: dict[str, str]) -> None:
    assert tagging.tags(maps, (f"{POOL}:app", POOL), claims) == expected
