"""Local policies: groups, everyone, guests, scopes as limits; and a guard's way with resources and refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from poolhouse_client import Guard, InvalidToken, Policies, Reason, Refused, Token, Unavailable, policy
from tests.clients.pool import CLIENT, SUB, Wire, access, sign, verifier

OWN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["photos:Read", "photos:Write"], "Resource": "photos/${sub}/*"}],
}
LIST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "photos:List", "Resource": "photos/public"}],
}
PUBLISH = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "photos:Publish", "Resource": "*"},
        {"Sid": "NotKept", "Effect": "Deny", "Action": "photos:*", "Resource": "photos/*/kept/*"},
    ],
}
MINE = f"photos/{SUB}/1.jpg"


def _token(**claims: Any) -> Token:
    told = access(**({"scope": "aws.cognito.signin.user.admin"} | claims))
    return Token("text", told)


def _policies(**more: Any) -> Policies:
    return Policies(everyone=OWN, guests=LIST, groups={"editors": PUBLISH}, **more)


def test_everyone_who_signed_in_has_their_own_folder() -> None:
    decide = _policies().decide
    assert decide(_token(), "photos:Write", MINE).allowed
    assert not decide(_token(), "photos:Write", "photos/another/1.jpg").allowed
    assert not decide(_token(sub="another"), "photos:Write", MINE).allowed


def test_a_group_adds_permissions() -> None:
    decide = _policies().decide
    assert not decide(_token(), "photos:Publish", "photos/public").allowed
    assert decide(_token(**{"cognito:groups": ["editors"]}), "photos:Publish", "photos/public").allowed


def test_a_deny_in_a_group_wins() -> None:
    verdict = _policies().decide(_token(**{"cognito:groups": ["editors"]}), "photos:Read", f"photos/{SUB}/kept/1")
    assert (verdict.allowed, verdict.reason) == (False, Reason.DENIED)
    assert verdict.statements[0].sid == "NotKept"
    assert "NotKept" in verdict.explanation


def test_guests_have_what_is_for_guests_alone() -> None:
    decide = _policies().decide
    assert decide(None, "photos:List", "photos/public").allowed
    assert not decide(None, "photos:Read", MINE).allowed
    assert not decide(_token(), "photos:List", "photos/public").allowed
    assert not Policies(everyone=OWN).decide(None, "photos:Read", MINE).allowed


def test_scopes_limit_and_never_add() -> None:
    decide = _policies(scopes={"photos/read": ["photos:Read", "photos:List"], "photos/write": ["photos:Write"]}).decide
    reader = _token(scope="openid photos/read")
    assert decide(reader, "photos:Read", MINE).allowed
    assert decide(reader, "photos:Write", MINE).reason is Reason.SCOPE
    assert not decide(_token(scope="photos/write"), "photos:Write", "photos/another/1").allowed
    assert decide(_token(), "photos:Write", MINE).allowed, "the user in person"


def test_a_token_without_scope_has_none() -> None:
    decide = _policies(scopes={"photos/read": ["photos:Read"]}).decide
    assert not decide(_token(scope=""), "photos:Read", MINE).allowed
    assert not decide(_token(scope=None), "photos:Read", MINE).allowed


def test_a_client_for_itself_has_its_scopes_and_no_folder() -> None:
    decide = _policies(scopes={"photos/read": ["photos:Read"]}).decide
    machine = _token(sub=CLIENT, client_id=CLIENT, scope="photos/read")
    assert decide(machine, "photos:Read", MINE).allowed
    assert not decide(machine, "photos:Write", f"photos/{CLIENT}/1.jpg").allowed


def test_circumstances_decide_under_their_own_name() -> None:
    vpn = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*",
           "Condition": {"Bool": {"context:vpn": "true"}}}]}  # fmt: skip
    decide = Policies(everyone=vpn).decide
    assert decide(_token(), "a:b", "x", {"vpn": True}).allowed
    assert not decide(_token(), "a:b", "x", {"vpn": False}).allowed
    assert not decide(_token(), "a:b", "x").allowed


def test_circumstances_never_become_the_subject() -> None:
    lies = {"sub": "another", "Sub": "another"}
    with pytest.raises(policy.InvalidRequest):
        _policies().decide(_token(), "photos:Read", "photos/another/1", lies)
    assert not _policies().decide(_token(), "photos:Read", "photos/another/1", {"sub": "another"}).allowed


def test_a_star_in_a_name_is_a_star() -> None:
    assert not _policies().decide(_token(sub="*"), "photos:Read", MINE).allowed
    assert not _policies().decide(_token(), "photos:Read", "photos/*/1.jpg").allowed


def test_a_policy_that_is_none_fails_at_the_start_and_names_the_fault() -> None:
    with pytest.raises(policy.MalformedPolicy, match=r"\$\.Statement\[0\]"):
        Policies(everyone={"Version": "2012-10-17", "Statement": [{"Effect": "Maybe", "Action": "*", "Resource": "*"}]})
    with pytest.raises(policy.MalformedPolicy):
        Policies(scopes={"photos/read": ["not an action"]})


# --- The guard ----------------------------------------------------------------------------------------------------


def _guard(wire: Wire | None = None) -> Guard:
    return Guard(verifier(wire, clients=[CLIENT]), _policies())


def _bearer(**claims: Any) -> str:
    return "Bearer " + sign(access(scope="aws.cognito.signin.user.admin", **claims))


def test_claims_and_parameters_name_the_resource() -> None:
    guard = _guard()
    found = guard.check(_bearer(), "photos:Read", "photos/${sub}/{name}", {"name": "1.jpg"})
    assert found.resource == MINE
    assert found.token is not None
    assert guard.check(_bearer(), "photos:Read", "photos/{owner}/{name}", {"owner": SUB, "name": "x"})
    assert guard.check(_bearer(), "photos:Read", "photos/${sub}/*").resource == f"photos/{SUB}/*"


@pytest.mark.parametrize(
    "name", ["..", ".", "", "../another/1.jpg", "a/../../another/1", "a//b", "/etc", "a/", "..\\x"]
)
def test_a_name_that_leads_elsewhere_is_400(name: str) -> None:
    with pytest.raises(Refused) as refusal:
        _guard().check(_bearer(), "photos:Read", "photos/${sub}/{name}", {"name": name})
    assert refusal.value.status == 400


def test_what_is_not_permitted_is_403() -> None:
    with pytest.raises(Refused) as refusal:
        _guard().check(_bearer(), "photos:Publish", "photos/public")
    assert (refusal.value.status, refusal.value.error) == (403, "insufficient_scope")
    assert "editors" not in refusal.value.body.decode() + str(refusal.value.headers)


@pytest.mark.parametrize("header", [None, ""])
def test_no_token_is_401_without_an_error_code(header: str | None) -> None:
    with pytest.raises(Refused) as refusal:
        _guard().check(header, "photos:Read", MINE)
    assert refusal.value.status == 401
    assert refusal.value.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Basic eDp5", "Bearer", "Bearer ", "bearer x.y.z", "Token abc"])
def test_a_header_that_is_no_token_is_401(header: str) -> None:
    for guests in (False, True):
        with pytest.raises(Refused) as refusal:
            _guard().check(header, "photos:List", "photos/public", guests=guests)
        assert refusal.value.status == 401


def test_a_bad_token_is_never_a_guest() -> None:
    guard = _guard()
    assert guard.check(None, "photos:List", "photos/public", guests=True).token is None
    for claims in ({"exp": 1}, {"client_id": "another"}, {"token_use": "id"}):
        with pytest.raises(Refused) as refusal:
            guard.check(_bearer(**claims), "photos:List", "photos/public", guests=True)
        assert (refusal.value.status, refusal.value.error) == (401, "invalid_token")


def test_a_guest_who_may_not_is_asked_to_sign_in() -> None:
    with pytest.raises(Refused) as refusal:
        _guard().check(None, "photos:Publish", "photos/public", guests=True)
    assert refusal.value.status == 401
    with pytest.raises(Refused) as refusal:
        _guard().check(None, "photos:Read", "photos/${sub}/1", guests=True)
    assert refusal.value.status == 401


def test_a_claim_that_is_missing_is_403() -> None:
    with pytest.raises(Refused) as refusal:
        _guard().check(_bearer(), "photos:Read", "photos/${custom:tenant}/1")
    assert refusal.value.status == 403


def test_keys_that_cannot_be_fetched_are_503_and_no_verdict() -> None:
    wire = Wire()
    wire.answers.clear()
    with pytest.raises(Refused) as refusal:
        _guard(wire).check(_bearer(), "photos:Read", MINE)
    assert (refusal.value.status, refusal.value.headers["Retry-After"]) == (503, "2")


def test_a_refusal_quotes_nothing_that_could_end_a_header() -> None:
    refused = Refused(401, "invalid_token", 'a"b\r\nSet-Cookie: x=1')
    assert "\n" not in refused.headers["WWW-Authenticate"]
    assert refused.headers["WWW-Authenticate"].count('"') == 4
    assert json.loads(refused.body)["error"] == "invalid_token"


def test_errors_are_one_tree() -> None:
    from poolhouse_client import ExpiredToken, PoolhouseError

    assert issubclass(ExpiredToken, InvalidToken)
    for error in (InvalidToken, Unavailable, Refused):
        assert issubclass(error, PoolhouseError)
