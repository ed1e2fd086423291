"""Signing in through the API: passwords, SRP, second factors, refresh, as boto3 and pycognito do it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP

from poolhouse.core import clock
from tests.fronts.refusals import refused
from tests.world import PASSWORD, PoolInWorld, World


def test_a_password_gets_three_tokens(pool: PoolInWorld) -> None:
    client, ann = pool.client(), pool.user(email="ann@example.com")
    tokens = client.tokens(ann)
    assert tokens["TokenType"] == "Bearer"
    assert tokens["ExpiresIn"] == 3600
    assert set(tokens) == {"AccessToken", "IdToken", "RefreshToken", "TokenType", "ExpiresIn"}


def test_a_wrong_password_and_an_unknown_name_read_alike_where_existence_is_hidden(pool: PoolInWorld) -> None:
    client, ann = pool.client(PreventUserExistenceErrors="ENABLED"), pool.user()
    call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH"}
    sentences = {
        refused(
            pool.idp.initiate_auth,
            "NotAuthorizedException",
            **call,
            AuthParameters={"USERNAME": name, "PASSWORD": "Wr0ng-password!"},
        )
        for name in (ann.username, "nobody-at-all")
    }
    assert sentences == {"Incorrect username or password."}


def test_an_unknown_name_is_told_where_existence_is_not_hidden(pool: PoolInWorld) -> None:
    client = pool.client()
    given = {"USERNAME": "nobody", "PASSWORD": PASSWORD}
    call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": given}
    assert refused(pool.idp.initiate_auth, "UserNotFoundException", **call) == "User does not exist."


@pytest.mark.parametrize("known", [True, False])
def test_the_fifth_wrong_password_locks_and_a_right_one_is_refused_unseen(pool: PoolInWorld, known: bool) -> None:
    client, ann = pool.client(PreventUserExistenceErrors="ENABLED"), pool.user()
    name = ann.username if known else "nobody"
    call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH"}
    wrong = {"USERNAME": name, "PASSWORD": "Wr0ng-password!"}
    for _ in range(5):
        refused(pool.idp.initiate_auth, "NotAuthorizedException", **call, AuthParameters=wrong)
    right = {"USERNAME": name, "PASSWORD": PASSWORD}
    sentence = refused(pool.idp.initiate_auth, "NotAuthorizedException", **call, AuthParameters=right)
    assert sentence == "Password attempts exceeded"
    with clock.moved(seconds=2):
        if known:
            assert "AuthenticationResult" in pool.idp.initiate_auth(**call, AuthParameters=right)
        else:
            refused(pool.idp.initiate_auth, "NotAuthorizedException", **call, AuthParameters=right)


def test_the_lock_out_counts_one_account_under_every_name(world: World) -> None:
    pool = world.pool(AliasAttributes=["email"], UsernameConfiguration={"CaseSensitive": False})
    client = pool.client()
    pool.user("Ann", email="ann@example.com", email_verified="true")
    names = ["ann", "ANN", "ann@example.com", "Ann@Example.com", "ann"]
    for name in names:
        given = {"USERNAME": name, "PASSWORD": "Wr0ng-password!"}
        call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": given}
        refused(pool.idp.initiate_auth, "NotAuthorizedException", **call)
    given = {"USERNAME": "ann", "PASSWORD": PASSWORD}
    call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": given}
    assert refused(pool.idp.initiate_auth, "NotAuthorizedException", **call) == "Password attempts exceeded"


def test_pycognito_signs_in_by_srp(pool: PoolInWorld) -> None:
    client, ann = pool.client(GenerateSecret=True), pool.user()
    srp = AWSSRP(ann.username, ann.password, pool.id, client.id, client=pool.idp, client_secret=client.secret)
    assert "AccessToken" in srp.authenticate_user()["AuthenticationResult"]


def test_srp_with_a_wrong_password_is_refused_and_its_block_is_spent(pool: PoolInWorld) -> None:
    client, ann = pool.client(), pool.user()
    srp = AWSSRP(ann.username, "Wr0ng-password!", pool.id, client.id, client=pool.idp)
    challenge = pool.idp.initiate_auth(
        ClientId=client.id, AuthFlow="USER_SRP_AUTH", AuthParameters=srp.get_auth_params()
    )
    answers = srp.process_challenge(challenge["ChallengeParameters"], srp.get_auth_params())
    call = {"ClientId": client.id, "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": answers}
    assert refused(pool.idp.respond_to_auth_challenge, "NotAuthorizedException", **call).startswith("Incorrect")
    assert refused(pool.idp.respond_to_auth_challenge, "NotAuthorizedException", **call).startswith("Invalid session")


def test_srp_of_an_unknown_name_gives_the_same_salt_every_time(pool: PoolInWorld) -> None:
    client = pool.client(PreventUserExistenceErrors="ENABLED")
    call = {"ClientId": client.id, "AuthFlow": "USER_SRP_AUTH"}
    given = {"USERNAME": "nobody", "SRP_A": "ab" * 384}
    first, second = (pool.idp.initiate_auth(**call, AuthParameters=given)["ChallengeParameters"] for _ in range(2))
    assert first["SALT"] == second["SALT"]
    assert first["SRP_B"] != second["SRP_B"]
    srp = AWSSRP("nobody", PASSWORD, pool.id, client.id, client=pool.idp)
    with pytest.raises(ClientError, match="Incorrect username or password"):
        srp.authenticate_user()


@pytest.mark.parametrize("a_public", ["0", "", "zz", "-1", "ab" * 2000, "1_0"])
def test_a_hostile_public_value_is_refused(pool: PoolInWorld, a_public: str) -> None:
    client, ann = pool.client(), pool.user()
    given = {"USERNAME": ann.username, "SRP_A": a_public}
    call = {"ClientId": client.id, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": given}
    refused(pool.idp.initiate_auth, "InvalidParameterException", **call)


def test_a_secret_client_needs_its_secret_hash(pool: PoolInWorld) -> None:
    client, ann = pool.client(GenerateSecret=True), pool.user()
    given = {"USERNAME": ann.username, "PASSWORD": ann.password}
    call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH"}
    sentence = refused(pool.idp.initiate_auth, "NotAuthorizedException", **call, AuthParameters=given)
    assert sentence == f"Client {client.id} is configured with secret but SECRET_HASH was not received"
    wrong = given | {"SECRET_HASH": client.secret_hash("somebody else")}
    sentence = refused(pool.idp.initiate_auth, "NotAuthorizedException", **call, AuthParameters=wrong)
    assert sentence == f"Unable to verify secret hash for client {client.id}"
    assert "AuthenticationResult" in client.sign_in(ann)


def test_a_flow_that_is_not_allowed_is_refused(pool: PoolInWorld) -> None:
    client, ann = pool.client(ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"]), pool.user()
    given = {"USERNAME": ann.username, "PASSWORD": ann.password}
    call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": given}
    sentence = refused(pool.idp.initiate_auth, "InvalidParameterException", **call)
    assert sentence == "USER_PASSWORD_AUTH flow not enabled for this client"


def test_an_invited_user_chooses_a_password_and_fills_in_what_is_required(world: World) -> None:
    pool = world.pool(Schema=[{"Name": "name", "Required": True, "Mutable": True}])
    client = pool.client()
    pool.idp.admin_create_user(
        UserPoolId=pool.id,
        Username="ann",
        TemporaryPassword="Temp0rary!!",
        UserAttributes=[{"Name": "email", "Value": "invited-to-sign-in@example.com"}],
    )
    assert "Temp0rary!!" in world.mails("invited-to-sign-in@example.com")[-1]["text"]
    given = {"USERNAME": "ann", "PASSWORD": "Temp0rary!!"}
    challenge = pool.idp.initiate_auth(ClientId=client.id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given)
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert challenge["ChallengeParameters"]["requiredAttributes"] == '["userAttributes.name"]'
    answer = {"ClientId": client.id, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": challenge["Session"]}
    responses = {"USERNAME": "ann", "NEW_PASSWORD": PASSWORD}
    refused(pool.idp.respond_to_auth_challenge, "InvalidParameterException", **answer, ChallengeResponses=responses)
    responses["userAttributes.name"] = "Ann"
    done = pool.idp.respond_to_auth_challenge(**answer, ChallengeResponses=responses)
    assert "AccessToken" in done["AuthenticationResult"]
    user = pool.idp.admin_get_user(UserPoolId=pool.id, Username="ann")
    assert user["UserStatus"] == "CONFIRMED"
    refused(pool.idp.respond_to_auth_challenge, "NotAuthorizedException", **answer, ChallengeResponses=responses)


def test_a_temporary_password_expires(pool: PoolInWorld) -> None:
    client = pool.client()
    pool.idp.admin_create_user(
        UserPoolId=pool.id, Username="ann", TemporaryPassword="Temp0rary!!", MessageAction="SUPPRESS"
    )
    given = {"USERNAME": "ann", "PASSWORD": "Temp0rary!!"}
    call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": given}
    with clock.moved(days=8):
        sentence = refused(pool.idp.initiate_auth, "NotAuthorizedException", **call)
    assert sentence == "Temporary password has expired and must be reset by an administrator."


def test_totp_is_asked_for_once_it_is_preferred_and_a_code_works_once(pool: PoolInWorld) -> None:
    pool.totp()
    client, ann = pool.client(), pool.user()
    ann.set_up_totp(client)
    challenge = client.sign_in(ann)
    assert challenge["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    code = ann.totp_code()
    call = {
        "ClientId": client.id,
        "ChallengeName": "SOFTWARE_TOKEN_MFA",
        "ChallengeResponses": {"USERNAME": ann.username, "SOFTWARE_TOKEN_MFA_CODE": code},
    }
    done = pool.idp.respond_to_auth_challenge(**call, Session=challenge["Session"])
    assert "AccessToken" in done["AuthenticationResult"]
    again = client.sign_in(ann)
    refused(pool.idp.respond_to_auth_challenge, "CodeMismatchException", **call, Session=again["Session"])


def test_a_wrong_code_is_counted_and_the_fifth_locks(pool: PoolInWorld) -> None:
    pool.totp()
    client, ann = pool.client(), pool.user()
    ann.set_up_totp(client)
    for _ in range(5):
        session = client.sign_in(ann)["Session"]
        answers = {"USERNAME": ann.username, "SOFTWARE_TOKEN_MFA_CODE": "000000"}
        call = {"ClientId": client.id, "ChallengeName": "SOFTWARE_TOKEN_MFA", "ChallengeResponses": answers}
        refused(pool.idp.respond_to_auth_challenge, "CodeMismatchException", **call, Session=session)
    given = {"USERNAME": ann.username, "PASSWORD": ann.password}
    call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": given}
    assert "attempts exceeded" in refused(pool.idp.initiate_auth, "NotAuthorizedException", **call)


def test_the_second_factor_cannot_be_skipped_by_naming_another_challenge(pool: PoolInWorld) -> None:
    pool.totp()
    client, ann = pool.client(), pool.user()
    ann.set_up_totp(client)
    session = client.sign_in(ann)["Session"]
    answers = {"USERNAME": ann.username, "NEW_PASSWORD": "An0ther-one!", "ANSWER": "EMAIL_OTP"}
    for challenge in ("NEW_PASSWORD_REQUIRED", "MFA_SETUP", "SELECT_MFA_TYPE"):
        call = {"ClientId": client.id, "ChallengeName": challenge, "ChallengeResponses": answers}
        refused(pool.idp.respond_to_auth_challenge, "NotAuthorizedException", **call, Session=session)


def test_a_pool_that_demands_a_factor_lets_it_be_set_up_in_the_middle(pool: PoolInWorld) -> None:
    pool.totp("ON")
    client, ann = pool.client(), pool.user()
    challenge = client.sign_in(ann)
    assert challenge["ChallengeName"] == "MFA_SETUP"
    assert challenge["ChallengeParameters"]["MFAS_CAN_SETUP"] == '["SOFTWARE_TOKEN_MFA"]'
    answer = {"ClientId": client.id, "ChallengeName": "MFA_SETUP", "ChallengeResponses": {"USERNAME": ann.username}}
    refused(pool.idp.respond_to_auth_challenge, "InvalidParameterException", **answer, Session=challenge["Session"])
    associated = pool.idp.associate_software_token(Session=challenge["Session"])
    ann.totp_secret = associated["SecretCode"]
    refused(
        pool.idp.verify_software_token,
        "EnableSoftwareTokenMFAException",
        Session=associated["Session"],
        UserCode="000000",
    )
    verified = pool.idp.verify_software_token(Session=associated["Session"], UserCode=ann.totp_code())
    assert verified["Status"] == "SUCCESS"
    done = pool.idp.respond_to_auth_challenge(**answer, Session=verified["Session"])
    assert "AccessToken" in done["AuthenticationResult"]
    assert client.sign_in(ann)["ChallengeName"] == "SOFTWARE_TOKEN_MFA"


def test_somebody_with_two_factors_says_which(world: World) -> None:
    pool = world.pool(
        EmailConfiguration={
            "EmailSendingAccount": "DEVELOPER",
            "SourceArn": "arn:aws:ses:us-east-1:000000000000:identity/a@example.com",
        },
        AccountRecoverySetting={"RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]},
    )
    pool.idp.set_user_pool_mfa_config(
        UserPoolId=pool.id,
        SoftwareTokenMfaConfiguration={"Enabled": True},
        EmailMfaConfiguration={"Message": "Your code is {####}", "Subject": "Your code"},
        MfaConfiguration="OPTIONAL",
    )
    client = pool.client()
    ann = pool.user(email="both@example.com", email_verified="true")
    ann.set_up_totp(client)
    access = pool.idp.admin_initiate_auth  # two factors on, none preferred
    pool.idp.admin_set_user_mfa_preference(
        UserPoolId=pool.id,
        Username=ann.username,
        SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": False},
        EmailMfaSettings={"Enabled": True, "PreferredMfa": False},
    )
    challenge = access(
        UserPoolId=pool.id,
        ClientId=client.id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": ann.username, "PASSWORD": ann.password},
    )
    assert challenge["ChallengeName"] == "SELECT_MFA_TYPE"
    assert challenge["ChallengeParameters"]["MFAS_CAN_CHOOSE"] == '["EMAIL_OTP","SOFTWARE_TOKEN_MFA"]'
    chosen = pool.idp.admin_respond_to_auth_challenge(
        UserPoolId=pool.id,
        ClientId=client.id,
        ChallengeName="SELECT_MFA_TYPE",
        Session=challenge["Session"],
        ChallengeResponses={"USERNAME": ann.username, "ANSWER": "EMAIL_OTP"},
    )
    assert chosen["ChallengeName"] == "EMAIL_OTP"
    done = pool.idp.respond_to_auth_challenge(
        ClientId=client.id,
        ChallengeName="EMAIL_OTP",
        Session=chosen["Session"],
        ChallengeResponses={"USERNAME": ann.username, "EMAIL_OTP_CODE": world.code("both@example.com")},
    )
    assert "AccessToken" in done["AuthenticationResult"]


def test_a_session_is_good_for_its_own_client_and_time(pool: PoolInWorld) -> None:
    pool.totp()
    client, other, ann = pool.client(), pool.client(), pool.user()
    ann.set_up_totp(client)
    session = client.sign_in(ann)["Session"]
    answers = {"USERNAME": ann.username, "SOFTWARE_TOKEN_MFA_CODE": ann.totp_code()}
    call = {"ChallengeName": "SOFTWARE_TOKEN_MFA", "ChallengeResponses": answers, "Session": session}
    refused(pool.idp.respond_to_auth_challenge, "NotAuthorizedException", ClientId=other.id, **call)
    with clock.moved(minutes=4):
        sentence = refused(pool.idp.respond_to_auth_challenge, "NotAuthorizedException", ClientId=client.id, **call)
    assert sentence == "Invalid session for the user, session is expired."


def test_disabled_users_stay_out_and_their_tokens_die(pool: PoolInWorld) -> None:
    client, ann = pool.client(), pool.user()
    tokens = client.tokens(ann)
    pool.idp.admin_disable_user(UserPoolId=pool.id, Username=ann.username)
    given = {"USERNAME": ann.username, "PASSWORD": ann.password}
    call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": given}
    assert refused(pool.idp.initiate_auth, "NotAuthorizedException", **call) == "User is disabled."
    refused(pool.idp.get_user, "NotAuthorizedException", AccessToken=tokens["AccessToken"])
    refresh = {
        "ClientId": client.id,
        "AuthFlow": "REFRESH_TOKEN_AUTH",
        "AuthParameters": {"REFRESH_TOKEN": tokens["RefreshToken"]},
    }
    refused(pool.idp.initiate_auth, "NotAuthorizedException", **refresh)


def test_refresh_without_rotation_gives_no_new_refresh_token(pool: PoolInWorld) -> None:
    client, ann = pool.client(GenerateSecret=True), pool.user()
    tokens = client.tokens(ann)
    given = {"REFRESH_TOKEN": tokens["RefreshToken"], "SECRET_HASH": client.secret_hash(ann.username)}
    for flow in ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"):
        fresh = pool.idp.initiate_auth(ClientId=client.id, AuthFlow=flow, AuthParameters=given)
        assert set(fresh["AuthenticationResult"]) == {"AccessToken", "IdToken", "TokenType", "ExpiresIn"}


def test_rotation_gives_a_successor_and_a_token_that_comes_back_kills_the_family(pool: PoolInWorld) -> None:
    client = pool.client(
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
        RefreshTokenRotation={"Feature": "ENABLED", "RetryGracePeriodSeconds": 0},
    )
    ann = pool.user()
    first = client.tokens(ann)["RefreshToken"]
    renew = pool.idp.get_tokens_from_refresh_token
    second = renew(ClientId=client.id, RefreshToken=first)["AuthenticationResult"]["RefreshToken"]
    assert second != first
    refused(renew, "RefreshTokenReuseException", ClientId=client.id, RefreshToken=first)
    refused(renew, "NotAuthorizedException", ClientId=client.id, RefreshToken=second)


def test_a_rotated_token_may_be_retried_within_its_grace(pool: PoolInWorld) -> None:
    client = pool.client(
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
        RefreshTokenRotation={"Feature": "ENABLED", "RetryGracePeriodSeconds": 30},
    )
    ann = pool.user()
    first = client.tokens(ann)["RefreshToken"]
    renew = pool.idp.get_tokens_from_refresh_token
    renew(ClientId=client.id, RefreshToken=first)
    assert "RefreshToken" in renew(ClientId=client.id, RefreshToken=first)["AuthenticationResult"]
    with clock.moved(seconds=31):
        refused(renew, "RefreshTokenReuseException", ClientId=client.id, RefreshToken=first)


def test_sign_in_by_password_costs_at_most_eight_statements_and_two_commits(world: World) -> None:
    pool = world.pool()
    client, ann = pool.client(), pool.user(email="cheap@example.com")
    pool.idp.create_group(UserPoolId=pool.id, GroupName="g")
    pool.idp.admin_add_user_to_group(UserPoolId=pool.id, Username=ann.username, GroupName="g")
    client.tokens(ann)
    with world.counting() as counted:
        client.tokens(ann)
    assert len(counted) <= 8, counted.texts
    assert counted.commits <= 2
