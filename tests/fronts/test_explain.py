"""An operator asks why: signed like any other call of the API, answered with every statement that was looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.fronts.authzen import MEMBER, Guarded, guarded, make_role, shared
from tests.world import ACCESS_KEY_ID, SECRET_ACCESS_KEY

__all__ = ["guarded", "shared"]
_ADMINISTRATOR = {"AccessKeyId": ACCESS_KEY_ID, "SecretAccessKey": SECRET_ACCESS_KEY}


def asked(guarded: Guarded, key: Mapping[str, str] | None = _ADMINISTRATOR, **given: Any) -> requests.Response:
    """ExplainDecision over the wire, signed with SigV4."""
    url = f"http://127.0.0.1:{guarded.world.port}/"
    request = AWSRequest(
        "POST",
        url,
        data=json.dumps({"UserPoolId": guarded.pool.id, **given}),
        headers={
            "Host": url.split("/")[2],
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "PoolhouseService.ExplainDecision",
        },
    )
    if key is not None:
        credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        SigV4Auth(credentials, "poolhouse", "us-east-1").add_auth(request)
    return requests.post(url, request.data, headers=dict(request.headers.items()), timeout=20)


def explained(guarded: Guarded, **given: Any) -> dict[str, Any]:
    answer = asked(guarded, **given)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def by_sid(told: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in told["Considered"]}


def test_an_allow_names_its_statement_and_why_the_others_said_nothing(shared: Guarded) -> None:
    ann = shared.ann.sub
    told = explained(
        shared,
        Subject={"Type": "user", "Id": ann},
        Action="Write",
        Resource={"Type": "photos", "Id": f"{ann}/1.jpg"},
    )
    assert (told["Allowed"], told["Reason"]) == (True, "allowed")
    assert [(each["Sid"], each["Index"], each["Layer"]) for each in told["Statements"]] == [("Own", 0, "identity")]
    assert "Own" in told["Explanation"]
    found = by_sid(told)
    assert len(found) == len(MEMBER["Statement"])
    assert (found["Own"]["Applies"], found["Own"]["Effect"], found["Own"].get("Mismatch")) == (True, "Allow", None)
    mismatches = {sid: each["Mismatch"] for sid, each in found.items() if not each["Applies"]}
    assert mismatches == {"Index": "Action", "Public": "Action", "Trusted": "Action", "Draft": "Action"}
    assert all(each["Role"].startswith("Member") and each["Policy"] for each in found.values())


def test_a_refusal_says_of_each_statement_what_did_not_fit(shared: Guarded) -> None:
    given = {"Subject": {"Type": "user", "Id": shared.ann.username}, "Action": "photos:Export"}
    told = explained(shared, **given, Resource={"Type": "photos", "Id": "all"}, Context={"device": {"trusted": False}})
    assert (told["Allowed"], told["Reason"], told["Statements"]) == (False, "not_allowed", [])
    assert by_sid(told)["Trusted"]["Mismatch"] == "Condition.Bool[context:device.trusted]"
    told = explained(shared, **given, Resource={"Type": "photos", "Id": "all"}, Context={"device": {"trusted": True}})
    assert told["Allowed"]


def test_a_deny_is_named_with_the_allows_that_it_overruled(shared: Guarded) -> None:
    given = {"Subject": {"Type": "user", "Id": shared.bob.sub}, "Action": "Read"}
    told = explained(shared, **given, Resource={"Type": "photos", "Id": "news"})
    assert told["Reason"] == "explicit_deny"
    assert [each["Sid"] for each in told["Statements"]] == ["NoNews"]
    found = by_sid(told)
    assert (found["NoNews"]["Effect"], found["NoNews"]["Applies"], found["Public"]["Applies"]) == ("Deny", True, True)


def test_boundary_and_scopes_are_told_too(guarded: Guarded) -> None:
    token = guarded.token(guarded.client("photos/Read"), "photos/Read")
    given = {"Subject": {"Type": "access_token", "Id": token}, "Resource": {"Type": "photos", "Id": "public"}}
    assert explained(guarded, **given, Action="Read")["Allowed"]
    refused = explained(guarded, **given, Action="Write")
    assert (refused["Reason"], refused["Considered"]) == ("insufficient_scope", [])
    guarded.group("bounded", make_role(guarded.world, f"Bounded{guarded.pool.id[-6:]}", MEMBER))
    guarded.join(guarded.eve, "bounded")
    iam = guarded.world.boto3("iam")
    bound = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "photos:List", "Resource": "*"}]}
    made = iam.create_policy(PolicyName=f"b{guarded.pool.id[-6:]}", PolicyDocument=json.dumps(bound))["Policy"]
    iam.put_role_permissions_boundary(RoleName=f"Bounded{guarded.pool.id[-6:]}", PermissionsBoundary=made["Arn"])
    told = explained(
        guarded,
        Subject={"Type": "user", "Id": guarded.eve.sub},
        Action="Read",
        Resource={"Type": "photos", "Id": "public"},
    )
    assert not told["Allowed"]
    assert "boundary" in told["Explanation"]
    (within,) = [each for each in told["Considered"] if each["Layer"] == "boundary"]
    assert (within["Applies"], within["Mismatch"]) == (False, "Action")


def test_nobody_is_explained_too(shared: Guarded) -> None:
    resource = {"Type": "photos", "Id": "public"}
    told = explained(shared, Subject={"Type": "user", "Id": "nobody"}, Action="Read", Resource=resource)
    assert (told["Allowed"], told["Reason"], told["Considered"]) == (False, "unknown_subject", [])
    told = explained(shared, Subject={"Type": "user", "Id": shared.eve.sub}, Action="Read", Resource=resource)
    assert (told["Reason"], told["Considered"]) == ("no_role", [])


def test_it_takes_a_permission_of_its_own(guarded: Guarded) -> None:
    iam, name = guarded.world.boto3("iam"), f"operator{guarded.pool.id[-6:]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    given = {
        "Subject": {"Type": "user", "Id": guarded.ann.sub},
        "Action": "Read",
        "Resource": {"Type": "photos", "Id": "public"},
    }
    assert asked(guarded, key, **given).json()["__type"] == "AccessDeniedException"
    arn = f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{guarded.pool.id}"
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "poolhouse:ExplainDecision", "Resource": arn}],
    }
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    assert asked(guarded, key, **given).json()["Allowed"]
    assert asked(guarded, key, **given | {"UserPoolId": "us-east-1_other"}).status_code == 400
    assert asked(guarded, None, **given).json()["__type"] == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    "wrong",
    [
        {"Subject": {"Type": "user"}},
        {"Subject": {"Type": "", "Id": "x"}},
        {"Action": ""},
        {"Action": "a" * 3000},
        {"Resource": {"Type": "photos", "Id": ""}},
        {"Context": "text"},
        {"Context": {"when": [1, {"deep": True}]}},
        {"Subject": {"Type": "user", "Id": "x", "Properties": []}},
    ],
)
def test_a_malformed_question_gets_a_clear_error_or_an_answer(shared: Guarded, wrong: dict[str, Any]) -> None:
    given = {
        "Subject": {"Type": "user", "Id": shared.ann.sub},
        "Action": "Read",
        "Resource": {"Type": "photos", "Id": "public"},
    }
    answer = asked(shared, **given | wrong)
    assert answer.status_code in {200, 400}
    if answer.status_code == 400:
        assert answer.json()["__type"] == "InvalidParameterException"


def test_the_decision_point_explains_as_much_to_who_may_ask_it(shared: Guarded) -> None:
    question = shared.question(shared.bob, "Read", "news") | {"context": {"explain": True}}
    told = shared.told("evaluation", question)["context"]
    found = {each["sid"]: each for each in told["considered"]}
    assert (found["NoNews"]["applies"], found["NoNews"]["effect"]) == (True, "Deny")
    assert (found["Own"]["applies"], found["Own"]["mismatch"]) == (False, "Resource")
