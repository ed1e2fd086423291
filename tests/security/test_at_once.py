"""Everything at once about one person: each request gets an answer, none waits for another for ever, none is a 500."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from tests.world import PASSWORD, World

ROUNDS = 60


def test_whatever_happens_to_one_account_at_the_same_moment_is_answered(world: World) -> None:
    """Deadlocks of a database are an attacker's way to a 500, and to somebody else's lost request."""
    pool = world.pool(AutoVerifiedAttributes=["email"])
    pool.totp()
    idp, client, tag = pool.idp, pool.client(), pool.id[-9:].lower()
    mine = f"ann-{tag}@example.com"
    ann = pool.user("ann", email=mine, email_verified="true")
    access = client.tokens(ann)["AccessToken"]
    scope = {"UserPoolId": pool.id, "Username": "ann"}
    pool.idp.create_group(UserPoolId=pool.id, GroupName="g")
    auth = {"USERNAME": "ann", "PASSWORD": PASSWORD}
    email = [{"Name": "email", "Value": f"x{mine}"}]
    confirm = {"ClientId": client.id, "Username": "ann", "ConfirmationCode": "000000", "Password": PASSWORD}
    acts: list[tuple[str, dict[str, Any]]] = [
        ("update_user_attributes", {"AccessToken": access, "UserAttributes": email}),
        ("admin_update_user_attributes", {**scope, "UserAttributes": [{"Name": "email", "Value": mine}]}),
        ("verify_user_attribute", {"AccessToken": access, "AttributeName": "email", "Code": "000000"}),
        ("get_user_attribute_verification_code", {"AccessToken": access, "AttributeName": "email"}),
        ("forgot_password", {"ClientId": client.id, "Username": "ann"}),
        ("confirm_forgot_password", confirm),
        ("initiate_auth", {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": auth}),
        ("admin_set_user_password", {**scope, "Password": PASSWORD, "Permanent": True}),
        ("change_password", {"AccessToken": access, "PreviousPassword": PASSWORD, "ProposedPassword": PASSWORD}),
        ("admin_disable_user", scope),
        ("admin_enable_user", scope),
        ("admin_add_user_to_group", {**scope, "GroupName": "g"}),
        ("admin_remove_user_from_group", {**scope, "GroupName": "g"}),
        ("admin_user_global_sign_out", scope),
        ("associate_software_token", {"AccessToken": access}),
        ("admin_set_user_mfa_preference", {**scope, "SoftwareTokenMfaSettings": {"Enabled": False}}),
        ("delete_user_attributes", {"AccessToken": access, "UserAttributeNames": ["email"]}),
    ]
    chosen = random.Random(7).choices(acts, k=ROUNDS * 2) + acts

    def act(what: tuple[str, dict[str, Any]]) -> str | None:
        name, given = what
        try:
            getattr(idp, name)(**given)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                return f"{name}: {error}"
        return None

    with ThreadPoolExecutor(8) as crowd:
        assert [told for told in crowd.map(act, chosen) if told] == []


def test_many_ways_to_confirm_and_to_leave_at_the_same_moment(world: World) -> None:
    pool = world.pool(AutoVerifiedAttributes=["email"])
    client, idp = pool.client(), pool.idp
    failed: list[str] = []

    def act(call: Any, **given: Any) -> None:
        try:
            call(**given)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                failed.append(f"{call.__name__}: {error}")

    for number in range(6):
        name, email = f"u{number}", f"u{number}-{pool.id[-9:].lower()}@example.com"
        given = [{"Name": "email", "Value": email}]
        idp.sign_up(ClientId=client.id, Username=name, Password=PASSWORD, UserAttributes=given)
        code, who = world.code(email), {"UserPoolId": pool.id, "Username": name}
        with ThreadPoolExecutor(5) as crowd:
            crowd.submit(act, idp.confirm_sign_up, ClientId=client.id, Username=name, ConfirmationCode=code)
            crowd.submit(act, idp.admin_confirm_sign_up, **who)
            crowd.submit(act, idp.resend_confirmation_code, ClientId=client.id, Username=name)
            crowd.submit(act, idp.admin_update_user_attributes, **who, UserAttributes=given)
            if number % 2:
                crowd.submit(act, idp.admin_delete_user, **who)
    assert failed == []
