"""What stands in tokens: Cognito's claims to the letter, narrowing by scope, groups, roles, and what hooks may not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from poolhouse.tokens import claims
from poolhouse.tokens.claims import ACR_LEVELS, Grant, Overrides
from poolhouse.user_pools.snapshots import Client, Pool
from poolhouse.users.groups import Group
from poolhouse.users.snapshot import User

WHEN = datetime(2026, 1, 2, tzinfo=UTC)
NOW = 1_767_312_000
ATTRIBUTES = {
    "email": "ann@example.com",
    "email_verified": "true",
    "phone_number": "+15555550100",
    "phone_number_verified": "false",
    "name": "Ann",
    "address": "1 Main Street",
    "custom:team": "blue",
    "dev:custom:score": "7",
    "updated_at": "1700000000",
    "identities": '[{"userId":"1","providerName":"Google","primary":"true","dateCreated":"1"}]',
    "nickname": "",
}


def client(**settings: Any) -> Client:
    pool = Pool(
        "us-east-1_Test", "p", {}, {}, WHEN, WHEN, "us-east-1", "000000000000", "https://id.example/us-east-1_Test"
    )
    return Client(pool, "client1", "c", settings, (), WHEN, WHEN)


def group(name: str, role: str | None = None, precedence: int | None = None) -> Group:
    return Group(name, None, role, precedence, WHEN, WHEN)


def grant(**given: Any) -> Grant:
    values: dict[str, Any] = {
        "client": client(),
        "user": User("us-east-1_Test", "sub-1", "ann", "CONFIRMED", True, ATTRIBUTES, WHEN, WHEN),
        "groups": (),
        "scopes": ("openid",),
        "auth_time": NOW - 100,
        "amr": ("pwd",),
        "source": "oauth",
        "origin_jti": "origin",
        "event_id": "event",
    }
    return Grant(**(values | given))


def id_token(**given: Any) -> dict[str, Any]:
    return claims.id_token(grant(**given), now=NOW, jti="jti", at_hash=None)


def access_token(**given: Any) -> dict[str, Any]:
    return claims.access_token(grant(**given), now=NOW, jti="jti")


# --- what hooks may not do ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*sorted(claims.RESERVED), "cognito:groups", "aws:x", "dev:x"])
def test_a_hook_cannot_state_reserved_claims(name: str) -> None:
    changed = Overrides(id_add={name: "evil"}, access_add={name: "evil"})
    assert id_token(overrides=changed).get(name) == id_token().get(name)
    assert access_token(overrides=changed).get(name) == access_token().get(name)


@pytest.mark.parametrize(
    "name", ["iss", "exp", "token_use", "sub", "aud", "client_id", "origin_jti", "cognito:username"]
)
def test_a_hook_cannot_suppress_reserved_claims(name: str) -> None:
    changed = Overrides(id_suppress=(name,), access_suppress=(name,))
    assert id_token(overrides=changed) == id_token()
    assert access_token(overrides=changed) == access_token()


def test_a_hook_adds_changes_and_suppresses_other_claims() -> None:
    changed = Overrides(id_add={"tier": {"level": 3}, "name": "Anna"}, id_suppress=("email",), access_add={"tier": [1]})
    told = id_token(overrides=changed)
    assert told["tier"] == {"level": 3}
    assert told["name"] == "Anna"
    assert "email" not in told
    assert access_token(overrides=changed)["tier"] == [1]


def test_a_hook_changes_scopes_groups_and_roles() -> None:
    changed = Overrides(
        scopes_add=("api/read", "two words", ""),
        scopes_suppress=("openid",),
        groups=("g",),
        roles=("r",),
        preferred_role="p",
    )
    assert access_token(overrides=changed)["scope"] == "api/read"
    assert access_token(overrides=changed)["cognito:groups"] == ["g"]
    told = id_token(overrides=changed, groups=(group("x", "role-x"),))
    assert (told["cognito:groups"], told["cognito:roles"], told["cognito:preferred_role"]) == (["g"], ["r"], "p")


EVERYTHING = "email email_verified phone_number phone_number_verified name address custom:team updated_at identities"

# --- narrowing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scopes", "shown"),
    [
        ("openid", EVERYTHING),
        ("openid api/read", EVERYTHING),
        ("openid email", "email email_verified identities"),
        ("openid phone", "phone_number phone_number_verified identities"),
        ("openid profile", "name custom:team updated_at identities"),
        ("openid address", "address identities"),
        ("openid email phone", "email email_verified phone_number phone_number_verified identities"),
    ],
)  # fmt: skip
def test_scopes_narrow_attributes(scopes: str, shown: str) -> None:
    told = claims.native(claims.shown(client(), ATTRIBUTES, scopes.split()))
    assert set(told) == set(shown.split())


def test_a_sign_in_through_the_api_shows_every_attribute() -> None:
    assert id_token(source="api", scopes=(claims.API_SCOPE,))["custom:team"] == "blue"


def test_what_the_client_may_not_read_is_never_shown() -> None:
    blind = client(ReadAttributes=["name"])
    assert set(claims.shown(blind, ATTRIBUTES, ["openid"])) == {"name"}
    assert set(claims.shown(blind, ATTRIBUTES, ["openid", "email"], ["email", "name"])) == {"name"}
    assert claims.unreadable(blind, ["openid", "email"]) == "email"
    assert claims.unreadable(blind, ["openid", "profile"]) is None
    assert claims.unreadable(client(), ["openid", "email", "phone"]) is None


def test_claims_asked_for_by_name_are_shown_beyond_the_scopes() -> None:
    assert "name" in claims.shown(client(), ATTRIBUTES, ["openid", "email"], ["name"])


def test_values_are_native_in_an_id_token() -> None:
    told = claims.native(ATTRIBUTES)
    assert told["email_verified"] is True
    assert told["phone_number_verified"] is False
    assert told["updated_at"] == 1_700_000_000
    assert told["address"] == {"formatted": "1 Main Street"}
    assert told["identities"][0]["primary"] == "true"
    assert told["custom:team"] == "blue"
    assert "nickname" not in told


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ('{"locality":"Rome"}', {"locality": "Rome"}),
        ("{not json", {"formatted": "{not json"}),
        ("[1]", {"formatted": "[1]"}),
    ],
)
def test_an_address_is_an_object(stored: str, told: dict[str, str]) -> None:
    assert claims.native({"address": stored}) == {"address": told}


@pytest.mark.parametrize("broken", ["no json", "{}", "3"])
def test_broken_identities_are_no_identities(broken: str) -> None:
    assert claims.native({"identities": broken}) == {"identities": []}


# --- groups and roles -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "roles", "preferred"),
    [
        ([], [], None),
        ([group("a")], [], None),
        ([group("a", "r1", 5), group("b", "r2", 3)], ["r1", "r2"], "r2"),
        ([group("a", "r1", 3), group("b", "r2", 3)], ["r1", "r2"], None),
        ([group("a", "r1", 3), group("b", "r1", 3)], ["r1"], "r1"),
        ([group("a", "r1"), group("b", "r2", 9)], ["r1", "r2"], "r2"),
        ([group("a", "r1"), group("b", "r2")], ["r1", "r2"], None),
        ([group("a", None, 0), group("b", "r2", 9)], ["r2"], "r2"),
        ([group("a", "r0", 0), group("b", "r2", 1)], ["r0", "r2"], "r0"),
    ],
)
def test_roles_and_the_preferred_one(groups: list[Group], roles: list[str], preferred: str | None) -> None:
    assert claims.roles(groups) == roles
    assert claims.preferred_role(groups) == preferred
    told = id_token(groups=tuple(groups))
    assert told.get("cognito:preferred_role") == preferred
    assert told.get("cognito:roles", []) == roles
    assert told.get("cognito:groups", []) == [g.name for g in groups]


# --- exactly Cognito's ----------------------------------------------------------------------------------------------

ID_CLAIMS = {
    *("sub", "iss", "aud", "token_use", "auth_time", "iat", "exp", "jti", "origin_jti", "event_id"),
    *("cognito:username", "acr", "amr"),
}
ACCESS_CLAIMS = {
    *("sub", "iss", "client_id", "token_use", "scope", "auth_time", "iat", "exp", "jti", "origin_jti", "event_id"),
    *("username", "acr", "amr"),
}


def test_an_id_token_has_cognitos_claims_and_no_others() -> None:
    bare = replace(grant().user, attributes={})
    assert set(id_token(user=bare)) == ID_CLAIMS
    assert set(id_token(user=bare, nonce="n", groups=(group("g", "r", 1),))) == ID_CLAIMS | {
        *("nonce", "cognito:groups", "cognito:roles", "cognito:preferred_role")
    }
    told = id_token()
    assert (told["aud"], told["token_use"], told["exp"] - told["iat"]) == ("client1", "id", 3600)


def test_an_access_token_has_cognitos_claims_and_no_audience() -> None:
    assert set(access_token()) == ACCESS_CLAIMS | {"version"}
    assert access_token()["version"] == 2
    by_api = access_token(source="api", scopes=(claims.API_SCOPE,), groups=(group("g"),))
    assert set(by_api) == ACCESS_CLAIMS | {"cognito:groups"}
    assert by_api["scope"] == "aws.cognito.signin.user.admin"


def test_a_machine_token_has_cognitos_claims() -> None:
    told = claims.machine_token(client(), ["api/read", "api/write"], now=NOW, jti="j")
    assert set(told) == {
        *("sub", "token_use", "scope", "auth_time", "iss", "exp", "iat", "version", "jti", "client_id")
    }
    assert (told["sub"], told["scope"], told["version"]) == ("client1", "api/read api/write", 2)


def test_no_jti_where_nothing_can_be_revoked() -> None:
    plain = client(EnableTokenRevocation=False)
    for told in (id_token(client=plain), access_token(client=plain)):
        assert not {"jti", "origin_jti"} & set(told)
    rotating = client(EnableTokenRevocation=False, RefreshTokenRotation={"Feature": "ENABLED"})
    assert access_token(client=rotating)["origin_jti"] == "origin"


def test_the_rfc_9068_profile() -> None:
    standard = client(Poolhouse={"token_profile": "rfc9068"})
    told = access_token(client=standard, groups=(group("g"),))
    assert set(told) >= {"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "token_use"}
    assert told["aud"] == standard.pool.issuer
    assert told["groups"] == ["g"]
    assert not {"username", "version", "cognito:groups"} & set(told)
    aimed = client(Poolhouse={"token_profile": "rfc9068", "audience": "https://api.example"})
    machine = claims.machine_token(aimed, [], now=NOW, jti="j")
    assert machine["aud"] == "https://api.example"
    assert {"iss", "exp", "token_use", "jti"} <= set(machine)


@pytest.mark.parametrize("profile", [None, "rfc9068", "nonsense"])
def test_no_setting_makes_a_token_without_issuer_expiry_and_use(profile: str | None) -> None:
    odd = client(Poolhouse={"token_profile": profile}, AccessTokenValidity=0, IdTokenValidity=0)
    changed = Overrides(access_suppress=("iss", "exp", "token_use"), id_suppress=("iss", "exp", "token_use"))
    for told in (
        access_token(client=odd, overrides=changed),
        id_token(client=odd, overrides=changed),
        claims.machine_token(odd, [], now=NOW, jti="j", overrides=changed),
    ):
        assert told["iss"] == odd.pool.issuer
        assert told["exp"] > NOW
        assert told["token_use"] in {"id", "access"}


@pytest.mark.parametrize(
    ("amr", "level"),
    [
        ((), 1), (("pwd",), 1), (("fed",), 1), (("email_otp",), 2), (("sms",), 2), (("swk",), 3), (("hwk",), 3),
        (("pwd", "sms", "mfa"), 3), (("pwd", "email_otp", "mfa"), 3), (("pwd", "otp", "mfa"), 4),
    ],
)  # fmt: skip
def test_how_sure_a_sign_in_is(amr: tuple[str, ...], level: int) -> None:
    assert claims.acr(amr) == ACR_LEVELS[level - 1]


def test_at_hash_is_the_one_of_the_specification() -> None:
    # OIDC Core, appendix A.3: the example's access token and its at_hash.
    assert claims.half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"
    assert len(claims.half_hash("x", "EdDSA")) == 43
