"""Who may ask about permissions and what they are told: clients and scopes, tokens as subjects, reasons, bundles."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import update

from poolhouse.access import caller, credentials, roles
from poolhouse.access.models import RolePolicy
from poolhouse.api.perform import perform
from poolhouse.core import cache, clock, unit
from poolhouse.core.errors import InvalidParameter
from poolhouse.tokens import issue
from poolhouse.user_pools import clients, lookup
from poolhouse.users import directory
from tests.fronts.authzen import MEMBER, Guarded, guard, guarded, make_role, shared
from tests.oidc import CALLBACK
from tests.world import World

__all__ = ["guarded", "shared"]


def _bearer(token: str) -> dict[str, Any]:
    return {"auth": None, "headers": {"Authorization": f"Bearer {token}"}}


def _of_token(asked: dict[str, Any], token: str) -> dict[str, Any]:
    return {**asked, "subject": {"type": "access_token", "id": token}}


# --- Metadata -----------------------------------------------------------------------------------------------------


def test_metadata_names_endpoints_that_work(shared: Guarded) -> None:
    document = requests.get(f"{shared.world.url}/.well-known/authzen-configuration/{shared.pool.id}", timeout=20).json()
    assert document.pop("policy_decision_point") == shared.base
    assert sorted(document) == [
        "access_evaluation_endpoint", "access_evaluations_endpoint",
        "search_action_endpoint", "search_resource_endpoint", "search_subject_endpoint",
    ]  # fmt: skip
    for endpoint in document.values():
        answer = requests.post(endpoint, json=shared.question(), auth=shared.credentials, timeout=20)
        assert answer.status_code == 200, endpoint


def test_metadata_of_the_server_names_endpoints_that_work(shared: Guarded) -> None:
    document = requests.get(f"{shared.world.url}/.well-known/authzen-configuration", timeout=20).json()
    assert document.pop("policy_decision_point") == shared.world.url
    for endpoint in document.values():
        answer = requests.post(endpoint, json=shared.question(), auth=shared.credentials, timeout=20)
        assert answer.status_code == 200, endpoint


def test_metadata_is_json_that_may_be_cached(shared: Guarded) -> None:
    answer = requests.get(f"{shared.base}/.well-known/authzen-configuration", timeout=20)
    assert answer.headers["Content-Type"] == "application/json"
    assert "max-age" in answer.headers["Cache-Control"]


def test_metadata_of_an_unknown_pool_is_404(shared: Guarded) -> None:
    address = f"{shared.world.url}/.well-known/authzen-configuration/us-east-1_Nowhere00"
    assert requests.get(address, timeout=20).status_code == 404


# --- Who may ask --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "path"),
    [("evaluate", "evaluation"), ("evaluate", "evaluations"), ("search", "search/subject"),
     ("search", "search/resource"), ("search", "search/action")],
)  # fmt: skip
def test_each_endpoint_needs_its_scope(guarded: Guarded, scope: str, path: str) -> None:
    others = [f"poolhouse/{name}" for name in ("evaluate", "search", "explain", "bundle") if name != scope]
    client = guarded.client(*others)
    for proof in ({"auth": (client.id, client.secret)}, _bearer(guarded.token(client, *others))):
        response = guarded.post(path, guarded.question(), **proof)
        assert response.status_code == 403
        assert f"poolhouse/{scope}" in response.headers["WWW-Authenticate"]
    right = guarded.client(f"poolhouse/{scope}")
    assert guarded.post(path, guarded.question(), auth=(right.id, right.secret)).status_code == 200


def test_a_client_without_client_credentials_may_not_ask(guarded: Guarded) -> None:
    code = guarded.pool.client(
        GenerateSecret=True, AllowedOAuthFlowsUserPoolClient=True, AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["poolhouse/evaluate"], CallbackURLs=[CALLBACK],
    )  # fmt: skip
    assert guarded.post("evaluation", guarded.question(), auth=(code.id, code.secret)).status_code == 403


def test_a_users_token_may_not_ask(shared: Guarded) -> None:
    token = shared.app.tokens(shared.bob)["AccessToken"]
    assert shared.post("evaluation", shared.question(), **_bearer(token)).status_code == 403


def test_an_id_token_may_not_ask(shared: Guarded) -> None:
    token = shared.app.tokens(shared.bob)["IdToken"]
    assert shared.post("evaluation", shared.question(), **_bearer(token)).status_code == 401


def test_a_public_client_may_not_ask(shared: Guarded) -> None:
    for secret in ("", "x"):
        assert shared.post("evaluation", shared.question(), auth=(shared.app.id, secret)).status_code == 401


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer", "Digest x", "Basic ////"])
def test_credentials_that_are_none_are_401(shared: Guarded, header: str) -> None:
    response = shared.post("evaluation", shared.question(), auth=None, headers={"Authorization": header})
    assert response.status_code == 401


def test_a_client_of_another_pool_may_not_ask(world: World, shared: Guarded) -> None:
    other = guard(world)
    assert shared.post("evaluation", shared.question(), auth=other.credentials).status_code == 401
    token = other.token(other.asker, "poolhouse/evaluate")
    assert shared.post("evaluation", shared.question(), **_bearer(token)).status_code == 401


def test_at_the_servers_root_a_client_asks_about_its_own_pool_alone(world: World, shared: Guarded) -> None:
    other = guard(world)
    url = f"{world.url}/access/v1/evaluation"
    for asker, expected in ((shared, True), (other, False)):
        answer = requests.post(url, json=shared.question(), auth=asker.credentials, timeout=20).json()
        assert answer["decision"] is expected
        headers = {"Authorization": "Bearer " + asker.token(asker.asker, "poolhouse/evaluate")}
        assert requests.post(url, json=shared.question(), headers=headers, timeout=20).json()["decision"] is expected


def test_a_client_whose_method_is_another_may_not_use_its_secret(guarded: Guarded) -> None:
    with unit.open(guarded.world.runtime):
        clients.set_own(guarded.pool.id, guarded.asker.id, {"token_endpoint_auth_method": "client_secret_post"})
    assert guarded.post("evaluation", guarded.question()).status_code == 401


# --- Whom the question is about -----------------------------------------------------------------------------------


def test_a_user_is_found_by_sub_and_by_username(shared: Guarded) -> None:
    for name in (shared.ann.sub, shared.ann.username):
        assert shared.decision(shared.question() | {"subject": {"type": "user", "id": name}})


@pytest.mark.parametrize("name", ["\x00", "a\nb", "x" * 20_000, "💥", "' OR 1=1 --", "%"])
def test_strange_names_are_nobodys(shared: Guarded, name: str) -> None:
    assert not shared.decision(shared.question() | {"subject": {"type": "user", "id": name}})


def test_a_deny_in_any_role_wins(shared: Guarded) -> None:
    assert shared.decision(shared.question(shared.ann, "Read", "news"))
    assert not shared.decision(shared.question(shared.bob, "Read", "news"))


def test_a_change_of_group_counts_at_once(guarded: Guarded) -> None:
    asked = guarded.question(guarded.eve)
    assert not guarded.decision(asked)
    guarded.join(guarded.eve, "members")
    assert guarded.decision(asked)
    guarded.pool.idp.admin_remove_user_from_group(
        UserPoolId=guarded.pool.id, Username=guarded.eve.username, GroupName="members"
    )
    assert not guarded.decision(asked)


def test_a_role_that_does_not_exist_grants_nothing(guarded: Guarded) -> None:
    guarded.group("aws", "arn:aws:iam::000000000000:role/NotHere")
    guarded.join(guarded.eve, "aws")
    assert not guarded.decision(guarded.question(guarded.eve))


def test_a_role_of_another_account_is_not_ours_by_its_name(guarded: Guarded) -> None:
    arn = guarded.role(MEMBER)
    guarded.group("foreign", arn.replace(":000000000000:", ":999999999999:"))
    guarded.join(guarded.eve, "foreign")
    assert not guarded.decision(guarded.question(guarded.eve))


def test_a_policy_that_cannot_be_read_denies(guarded: Guarded) -> None:
    arn = guarded.role(MEMBER, name="Broken" + guarded.pool.id[-6:])
    guarded.group("broken", arn)
    guarded.join(guarded.ann, "broken")
    with unit.open(guarded.world.runtime):
        unit.write()
        mine = RolePolicy.role_name == arn.rpartition("/")[2]
        unit.execute(update(RolePolicy).where(mine).values(document='{"Version": "2012-10-17", "Statement": []}'))
        cache.changed()
    assert not guarded.decision(guarded.question())
    assert guarded.told("search/resource", guarded.question())["results"] == []
    found = guarded.told("search/subject", guarded.question())["results"]
    assert [result["id"] for result in found] == [guarded.bob.sub]
    answer = requests.get(f"{guarded.base}/access/v1/bundle", auth=guarded.credentials, timeout=20)
    assert answer.status_code == 503


def test_what_the_caller_says_never_becomes_who_the_subject_is(shared: Guarded) -> None:
    theirs = shared.question(shared.ann, "Write", f"{shared.bob.sub}/1.jpg")
    lies = {"sub": shared.bob.sub, "cognito:groups": ["editors"], "aws:username": shared.bob.username}
    assert not shared.decision(theirs | {"context": lies})
    for part in ("subject", "action", "resource"):
        asked = copy.deepcopy(theirs)
        asked[part]["properties"] = lies
        assert not shared.decision(asked)


def test_context_that_names_one_key_twice_is_400(shared: Guarded) -> None:
    assert shared.post("evaluation", shared.question() | {"context": {"VPN": False, "vpn": True}}).status_code == 400


def test_a_star_in_a_resource_is_only_a_star(shared: Guarded) -> None:
    assert not shared.decision(shared.question(name="*"))
    assert not shared.decision(shared.question(name="publi?"))


# --- Access tokens as subjects, and scopes --------------------------------------------------------------------------


def test_a_token_of_the_apis_sign_in_is_the_user_in_person(shared: Guarded) -> None:
    token = shared.app.tokens(shared.ann)["AccessToken"]
    assert shared.decision(_of_token(shared.question(), token))
    assert not shared.decision(_of_token(shared.question(action="Publish"), token))


def test_a_token_that_was_signed_out_is_nobodys(guarded: Guarded) -> None:
    token = guarded.app.tokens(guarded.ann)["AccessToken"]
    asked = _of_token(guarded.question(), token)
    assert guarded.decision(asked)
    guarded.pool.idp.global_sign_out(AccessToken=token)
    assert not guarded.decision(asked)


def test_an_id_token_is_nobodys_permission(shared: Guarded) -> None:
    assert not shared.decision(_of_token(shared.question(), shared.app.tokens(shared.ann)["IdToken"]))


def test_a_token_of_another_pool_is_nobodys(world: World, shared: Guarded) -> None:
    other = guard(world)
    assert not shared.decision(_of_token(shared.question(), other.app.tokens(other.ann)["AccessToken"]))


def test_a_tampered_token_is_nobodys(shared: Guarded) -> None:
    head, body, signature = shared.app.tokens(shared.ann)["AccessToken"].split(".")
    swapped = ("A" if signature[5] != "A" else "B").join((signature[:5], signature[6:]))
    assert not shared.decision(_of_token(shared.question(), f"{head}.{body}.{swapped}"))


def _app_token(guarded: Guarded, *scopes: str) -> str:
    """An access token of Ann's as an app would get it, with those scopes."""
    with unit.open(guarded.world.runtime):
        pool = lookup.pool(guarded.pool.id)
        client, user = lookup.client(pool, guarded.app.id), directory.named(pool, guarded.ann.username)
        given = {"auth_time": clock.timestamp(), "amr": ("pwd",), "scope": " ".join(scopes), "source": "oauth"}
        return issue.sign_in(client, user, **given).access_token


def test_scopes_limit_what_an_app_may_do_for_its_user(guarded: Guarded) -> None:
    mine = f"{guarded.ann.sub}/1.jpg"
    reader = _app_token(guarded, "openid", "photos/Read")
    assert guarded.decision(_of_token(guarded.question(name=mine), reader))
    answer = guarded.told("evaluation", _of_token(guarded.question(action="Write", name=mine), reader))
    assert answer == {"decision": False, "context": {"reason": "insufficient_scope"}}
    writer = _app_token(guarded, "photos/Write")
    assert guarded.decision(_of_token(guarded.question(action="Write", name=mine), writer))


def test_scopes_never_add_to_what_the_user_may(guarded: Guarded) -> None:
    theirs = f"{guarded.bob.sub}/1.jpg"
    token = _app_token(guarded, "photos/Write", "photos/Read")
    assert not guarded.decision(_of_token(guarded.question(action="Write", name=theirs), token))


def test_an_action_that_no_scope_covers_is_not_limited(guarded: Guarded) -> None:
    token = _app_token(guarded, "openid")
    assert guarded.decision(_of_token(guarded.question(action="List"), token))
    assert not guarded.decision(_of_token(guarded.question(action="Read"), token))


def _cover(guarded: Guarded, covered: dict[str, Any]) -> Any:
    """Set the pool's own ScopeActions."""
    with unit.open(guarded.world.runtime):
        who = caller.operator(guarded.world.settings.account_id)
        given = {"UserPoolId": guarded.pool.id, "Extensions": {"ScopeActions": covered}}
        return perform(who, "poolhouse", "SetUserPoolExtensions", given)["Extensions"]["ScopeActions"]


def test_a_scope_covers_the_actions_that_the_pool_says(guarded: Guarded) -> None:
    mine = f"{guarded.ann.sub}/1.jpg"
    covered = {"photos/Read": ["photos:Read", "photos:Li*"], "photos/Write": ["photos:*"]}
    assert _cover(guarded, covered) == covered
    reader, writer, other = (_app_token(guarded, f"photos/{name}") for name in ("Read", "Write", "Nothing"))
    assert guarded.decision(_of_token(guarded.question(action="List"), reader))
    assert not guarded.decision(_of_token(guarded.question(action="Write", name=mine), reader))
    assert guarded.decision(_of_token(guarded.question(action="Write", name=mine), writer))
    assert not guarded.decision(_of_token(guarded.question(action="List"), other))


@pytest.mark.parametrize("actions", [["nonsense"], ["a:b c"], [""], [], ["*:*"], ["a:b\n"]], ids=str)
def test_what_is_no_action_cannot_be_covered(guarded: Guarded, actions: list[str]) -> None:
    with pytest.raises(InvalidParameter):
        _cover(guarded, {"photos/Read": actions})


def test_a_clients_own_token_may_what_its_scopes_say(guarded: Guarded) -> None:
    client = guarded.client("photos/Read", "photos/Write")
    token = guarded.token(client, "photos/Read")
    assert guarded.decision(_of_token(guarded.question(name="anything"), token))
    assert not guarded.decision(_of_token(guarded.question(action="Write"), token))
    assert not guarded.decision(_of_token(guarded.question(action="List"), token))
    subject = {"subject": {"type": "client", "id": client.id}}
    assert guarded.decision(guarded.question(action="Write") | subject)


# --- Sessions of a role as subjects ---------------------------------------------------------------------------------


def _session(guarded: Guarded, arn: str, **more: Any) -> dict[str, Any]:
    """A session of a role, as an identity pool gives one."""
    with unit.open(guarded.world.runtime):
        identity = {"cognito-identity.amazonaws.com:sub": "us-east-1:1234"}
        made = credentials.mint(roles.get(arn), "somebody", context=identity, **more)
    return {"type": "session", "id": made.session_token, "properties": {"access_key_id": made.access_key_id}}


FOLDER = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "photos:*", "Resource": "photos/${cognito-identity.amazonaws.com:sub}/*"}
    ],
}


def test_a_session_may_what_its_role_may_in_its_own_name(guarded: Guarded) -> None:
    session = {"subject": _session(guarded, guarded.role(FOLDER))}
    assert guarded.decision(guarded.question(name="us-east-1:1234/1.jpg") | session)
    assert not guarded.decision(guarded.question(name="us-east-1:9999/1.jpg") | session)
    assert guarded.told("search/resource", guarded.question() | session)["results"] == []


def test_a_sessions_own_policies_limit_it(guarded: Guarded) -> None:
    only = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "photos:Read", "Resource": "*"}]}
    session = {"subject": _session(guarded, guarded.role(FOLDER), session_policies=(only,))}
    mine = "us-east-1:1234/1.jpg"
    assert guarded.decision(guarded.question(name=mine) | session)
    assert not guarded.decision(guarded.question(action="Write", name=mine) | session)


def test_a_session_that_was_revoked_or_changed_is_nobodys(guarded: Guarded) -> None:
    arn = guarded.role(FOLDER)
    session, mine = _session(guarded, arn), guarded.question(name="us-east-1:1234/1.jpg")
    assert guarded.decision(mine | {"subject": session})
    other = _session(guarded, arn)
    for wrong in (
        session | {"properties": other["properties"]},
        session | {"properties": {}},
        session | {"properties": {"access_key_id": 7}},
        session | {"id": session["id"][:-2] + "AA"},
        session | {"id": "x"},
        session | {"id": "é💥"},
    ):
        assert not guarded.decision(mine | {"subject": wrong}), wrong
    with unit.open(guarded.world.runtime):
        roles.revoke_sessions(arn.rpartition("/")[2])
    assert not guarded.decision(mine | {"subject": session})


# --- Why ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "action", "name", "reason"),
    [("ann", "Read", "public", "allowed"), ("ann", "Fly", "public", "not_allowed"),
     ("eve", "Read", "public", "no_role"), ("bob", "Read", "news", "explicit_deny")],
)  # fmt: skip
def test_a_decision_gives_its_reason(shared: Guarded, who: str, action: str, name: str, reason: str) -> None:
    answer = shared.told("evaluation", shared.question(getattr(shared, who), action, name))
    assert answer["context"] == {"reason": reason}


def test_an_explanation_names_the_statement_responsible(shared: Guarded) -> None:
    asked = shared.question(shared.bob, "Read", "news") | {"context": {"explain": True}}
    told = shared.told("evaluation", asked)["context"]
    assert [(by["sid"], by["statement"]) for by in told["statements"]] == [("NoNews", 1)]
    assert "NoNews" in told["explanation"]
    assert "explicit deny" in told["explanation"]


def test_an_explanation_needs_its_scope(guarded: Guarded) -> None:
    client = guarded.client("poolhouse/evaluate")
    asked = guarded.question() | {"context": {"explain": True}}
    response = guarded.post("evaluation", asked, auth=(client.id, client.secret))
    assert response.status_code == 403
    assert "MemberPolicy" not in response.text
    answer = guarded.told("evaluation", guarded.question(), auth=(client.id, client.secret))
    assert answer == {"decision": True, "context": {"reason": "allowed"}}


def test_explain_that_is_no_boolean_is_400(shared: Guarded) -> None:
    assert shared.post("evaluation", shared.question() | {"context": {"explain": "yes"}}).status_code == 400


# --- Cost ---------------------------------------------------------------------------------------------------------


def test_an_evaluation_costs_two_statements(shared: Guarded) -> None:
    shared.decision(shared.question())
    with shared.world.counting() as counted:
        shared.decision(shared.question())
    assert len(counted) == 2, counted.texts
    assert counted.commits == 0


def test_a_series_about_one_person_costs_no_more(shared: Guarded) -> None:
    shared.decision(shared.question())
    with shared.world.counting() as counted:
        shared.told("evaluations", shared.question() | {"evaluations": [{}] * 50})
    assert len(counted) == 2, counted.texts


# --- Bundles ------------------------------------------------------------------------------------------------------


def _bundle(guarded: Guarded, **headers: str) -> requests.Response:
    return requests.get(
        f"{guarded.base}/access/v1/bundle", auth=guarded.credentials, headers=headers, timeout=20
    )  # fmt: skip


def test_a_bundle_is_signed_for_its_client_alone(shared: Guarded) -> None:
    response = _bundle(shared)
    assert response.headers["Content-Type"] == "application/jwt"
    jwks = requests.get(f"{shared.base}/.well-known/jwks.json", timeout=20).json()
    token = jwt.decode(response.text, KeySet.import_key_set(jwks), algorithms=["RS256"])
    assert token.header["typ"] == "poolhouse-bundle+jwt"
    claims = token.claims
    assert (claims["iss"], claims["aud"], claims["token_use"]) == (shared.base, shared.asker.id, "bundle")
    assert claims["exp"] - claims["iat"] == 3600
    assert sorted(claims["groups"]) == ["editors", "members"]
    member = claims["roles"][claims["groups"]["members"]]
    assert [policy["document"] for policy in member["policies"]] == [MEMBER]
    assert claims["scopes"]["photos/Read"] == ["photos:Read"]


def test_a_bundle_passes_for_no_token(shared: Guarded) -> None:
    text = _bundle(shared).text
    assert not shared.decision(_of_token(shared.question(), text))
    assert shared.post("evaluation", shared.question(), **_bearer(text)).status_code == 401
    userinfo = requests.get(f"{shared.base}/oauth2/userInfo", headers={"Authorization": f"Bearer {text}"}, timeout=20)
    assert userinfo.status_code == 401


def test_a_bundle_that_has_not_changed_is_304(shared: Guarded) -> None:
    etag = _bundle(shared).headers["ETag"]
    for given in (etag, f'"other", {etag}', f"W/{etag}"):
        response = _bundle(shared, **{"If-None-Match": given})
        assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", etag)
    assert _bundle(shared, **{"If-None-Match": '"other"'}).status_code == 200


def test_a_bundle_changes_with_roles_and_groups(guarded: Guarded) -> None:
    first = _bundle(guarded).headers["ETag"]
    guarded.group("more", make_role(guarded.world, "More" + guarded.pool.id[-6:], MEMBER))
    second = _bundle(guarded, **{"If-None-Match": first})
    assert second.status_code == 200
    guarded.pool.idp.delete_group(UserPoolId=guarded.pool.id, GroupName="more")
    assert _bundle(guarded).headers["ETag"] == first


def test_a_bundle_needs_its_scope(guarded: Guarded) -> None:
    client = guarded.client("poolhouse/evaluate", "poolhouse/search", "poolhouse/explain")
    url = f"{guarded.base}/access/v1/bundle"
    assert requests.get(url, auth=(client.id, str(client.secret)), timeout=20).status_code == 403
    assert requests.get(url, timeout=20).status_code == 401
