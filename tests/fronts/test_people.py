"""People and their accounts through the API: sign up, confirm, recover, change, leave."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from poolhouse.core import clock
from tests.fronts.refusals import refused
from tests.world import PASSWORD, ClientInWorld, PoolInWorld, World

NEW_PASSWORD = "Br4nd-new-word!"


def named(attributes: list[dict[str, str]]) -> dict[str, str]:
    return {a["Name"]: a["Value"] for a in attributes}


@pytest.fixture
def mailed(world: World) -> PoolInWorld:
    """A pool that verifies e-mail addresses at sign-up."""
    return world.pool(AutoVerifiedAttributes=["email"])


def sign_up(client: ClientInWorld, username: str, email: str, **more: Any) -> dict[str, Any]:
    return dict(
        client.pool.idp.sign_up(
            ClientId=client.id,
            Username=username,
            Password=PASSWORD,
            UserAttributes=[{"Name": "email", "Value": email}],
            **more,
        )
    )


def test_somebody_signs_up_confirms_and_signs_in(mailed: PoolInWorld) -> None:
    client = mailed.client()
    made = sign_up(client, "ann", "ann-signs-up@example.com")
    assert made["UserConfirmed"] is False
    assert made["CodeDeliveryDetails"] == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    given = {"USERNAME": "ann", "PASSWORD": PASSWORD}
    call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": given}
    assert refused(mailed.idp.initiate_auth, "UserNotConfirmedException", **call) == "User is not confirmed."
    code = mailed.world.code("ann-signs-up@example.com")
    mailed.idp.confirm_sign_up(ClientId=client.id, Username="ann", ConfirmationCode=code)
    access = mailed.idp.initiate_auth(**call)["AuthenticationResult"]["AccessToken"]
    attributes = named(mailed.idp.get_user(AccessToken=access)["UserAttributes"])
    assert attributes == {"sub": made["UserSub"], "email": "ann-signs-up@example.com", "email_verified": "true"}
    again = {"ClientId": client.id, "Username": "ann", "ConfirmationCode": code}
    sentence = refused(mailed.idp.confirm_sign_up, "NotAuthorizedException", **again)
    assert sentence == "User cannot be confirmed. Current status is CONFIRMED"


def test_a_name_is_taken_once(mailed: PoolInWorld) -> None:
    client = mailed.client()
    sign_up(client, "ann", "first@example.com")
    given = {"ClientId": client.id, "Username": "ann", "Password": PASSWORD}
    assert refused(mailed.idp.sign_up, "UsernameExistsException", **given) == "User already exists"


def test_of_many_who_want_a_name_at_the_same_moment_one_gets_it(mailed: PoolInWorld) -> None:
    client = mailed.client()

    def attempt(number: int) -> bool:
        try:
            sign_up(client, "wanted", f"wanted{number}@example.com")
        except client.pool.idp.exceptions.UsernameExistsException:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(attempt, range(6))) == 1


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("Sh0rt!", "Password not long enough"),
        ("lower-case-0nly", "Password must have uppercase characters"),
        ("UPPER-CASE-0NLY", "Password must have lowercase characters"),
        ("No-digits-at-all", "Password must have numeric characters"),
        ("N0symbolsAtAll", "Password must have symbol characters"),
    ],
)
def test_a_password_that_does_not_conform_is_refused(mailed: PoolInWorld, password: str, fault: str) -> None:
    given = {"ClientId": mailed.client().id, "Username": "ann", "Password": password}
    sentence = refused(mailed.idp.sign_up, "InvalidPasswordException", **given)
    assert sentence == f"Password did not conform with policy: {fault}"


def test_every_one_of_256_characters_of_a_password_counts(mailed: PoolInWorld) -> None:
    client = mailed.client()
    long = "Aa1!" + "ü" * 252
    user = mailed.user(password=long)
    assert "AuthenticationResult" in client.sign_in(user)
    user.password = long[:-1] + "x"
    with pytest.raises(ClientError):
        client.sign_in(user)


def test_a_wrong_code_is_refused_and_fifteen_guesses_are_all_there_are(mailed: PoolInWorld) -> None:
    client = mailed.client()
    sign_up(client, "ann", "guess@example.com")
    right = mailed.world.code("guess@example.com")
    wrong = "000000" if right != "000000" else "111111"
    call = {"ClientId": client.id, "Username": "ann"}
    for _ in range(15):
        sentence = refused(mailed.idp.confirm_sign_up, "CodeMismatchException", **call, ConfirmationCode=wrong)
        assert sentence == "Invalid verification code provided, please try again."
    refused(mailed.idp.confirm_sign_up, "LimitExceededException", **call, ConfirmationCode=right)


def test_a_code_expires_and_another_replaces_it(mailed: PoolInWorld) -> None:
    client = mailed.client()
    sign_up(client, "ann", "late@example.com")
    first = mailed.world.code("late@example.com")
    call = {"ClientId": client.id, "Username": "ann"}
    with clock.moved(hours=25):
        sentence = refused(mailed.idp.confirm_sign_up, "ExpiredCodeException", **call, ConfirmationCode=first)
        assert sentence == "Invalid code provided, please request a code again."
    mailed.idp.resend_confirmation_code(**call)
    second = mailed.world.code("late@example.com")
    if first != second:
        refused(mailed.idp.confirm_sign_up, "CodeMismatchException", **call, ConfirmationCode=first)
    mailed.idp.confirm_sign_up(**call, ConfirmationCode=second)


def test_codes_are_sent_again_five_times_an_hour(mailed: PoolInWorld) -> None:
    client = mailed.client()
    sign_up(client, "ann", "often@example.com")
    for _ in range(5):
        mailed.idp.resend_confirmation_code(ClientId=client.id, Username="ann")
    sentence = refused(
        mailed.idp.resend_confirmation_code, "LimitExceededException", ClientId=client.id, Username="ann"
    )
    assert sentence == "Attempt limit exceeded, please try after some time."


def test_a_code_is_spent_once_by_many_at_the_same_moment(mailed: PoolInWorld) -> None:
    client, ann = mailed.client(), mailed.user(email="once@example.com", email_verified="true")
    mailed.idp.forgot_password(ClientId=client.id, Username=ann.username)
    code = mailed.world.code("once@example.com")

    def attempt(number: int) -> bool:
        try:
            mailed.idp.confirm_forgot_password(
                ClientId=client.id, Username=ann.username, ConfirmationCode=code, Password=f"N3w-word-{number}!"
            )
        except mailed.idp.exceptions.ExpiredCodeException:
            return False
        return True

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(attempt, range(5))) == 1


def test_only_administrators_make_accounts_where_the_pool_says_so(world: World) -> None:
    pool = world.pool(AdminCreateUserConfig={"AllowAdminCreateUserOnly": True})
    given = {"ClientId": pool.client().id, "Username": "ann", "Password": PASSWORD}
    assert refused(pool.idp.sign_up, "NotAuthorizedException", **given) == "SignUp is not permitted for this user pool"


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ([], "InvalidParameterException"),
        ([{"Name": "email", "Value": "not-an-address"}], "InvalidParameterException"),
        ([{"Name": "email", "Value": "a@b.example"}, {"Name": "sub", "Value": "x"}], "InvalidParameterException"),
        ([{"Name": "email", "Value": "a@b.example"}, {"Name": "email_verified", "Value": "true"}], None),
        (
            [{"Name": "email", "Value": "a@b.example"}, {"Name": "custom:none", "Value": "x"}],
            "InvalidParameterException",
        ),
        ([{"Name": "email", "Value": "a@b.example"}, {"Name": "phone_number", "Value": "0123"}], None),
        ([{"Name": "email", "Value": "a@b.example"}, {"Name": "birthdate", "Value": "1990-13-01"}], None),
        ([{"Name": "email", "Value": "a@b.example"}, {"Name": "email", "Value": "c@d.example"}], None),
        ([{"Name": "email", "Value": "a@b.example\nBcc: x@y.example"}], None),
        ([{"Name": "email", "Value": "a@b.example"}, {"Name": "name", "Value": "x" * 2049}], None),
    ],
)
def test_attributes_that_do_not_fit_are_refused(world: World, attributes: Any, error: str | None) -> None:
    pool = world.pool(Schema=[{"Name": "email", "Required": True, "Mutable": True}])
    given = {"ClientId": pool.client().id, "Username": "ann", "Password": PASSWORD, "UserAttributes": attributes}
    refused(pool.idp.sign_up, error or "InvalidParameterException", **given)


def test_a_client_writes_and_shows_only_what_it_may(world: World) -> None:
    pool = world.pool(
        Schema=[
            {"Name": "plan", "AttributeDataType": "String", "Mutable": True},
            {"Name": "tag", "AttributeDataType": "String", "Mutable": True},
        ]
    )
    client = pool.client(WriteAttributes=["custom:tag"], ReadAttributes=["custom:tag"])
    ann = pool.user(**{"custom:plan": "free", "custom:tag": "a"})
    access = client.tokens(ann)["AccessToken"]
    assert named(pool.idp.get_user(AccessToken=access)["UserAttributes"]) == {"sub": ann.sub, "custom:tag": "a"}
    update = pool.idp.update_user_attributes
    sentence = refused(
        update,
        "NotAuthorizedException",
        AccessToken=access,
        UserAttributes=[{"Name": "custom:plan", "Value": "paid"}],
    )
    assert sentence == "A client attempted to write unauthorized attribute"
    update(AccessToken=access, UserAttributes=[{"Name": "custom:tag", "Value": "b"}])
    shown = pool.idp.admin_get_user(UserPoolId=pool.id, Username=ann.username)["UserAttributes"]
    assert named(shown)["custom:tag"] == "b"


def test_people_whose_name_is_their_address_get_a_username_of_their_own(world: World) -> None:
    pool = world.pool(UsernameAttributes=["email"], AutoVerifiedAttributes=["email"])
    client = pool.client()
    made = pool.idp.sign_up(ClientId=client.id, Username="named@example.com", Password=PASSWORD)
    sub = made["UserSub"]
    refused(
        pool.idp.sign_up, "UsernameExistsException", ClientId=client.id, Username="named@example.com", Password=PASSWORD
    )
    code = world.code("named@example.com")
    pool.idp.confirm_sign_up(ClientId=client.id, Username="named@example.com", ConfirmationCode=code)
    user = pool.idp.admin_get_user(UserPoolId=pool.id, Username="named@example.com")
    assert user["Username"] == sub
    assert pool.idp.admin_get_user(UserPoolId=pool.id, Username=sub)["Username"] == sub
    for name in ("named@example.com", sub):
        given = {"USERNAME": name, "PASSWORD": PASSWORD}
        assert pool.idp.initiate_auth(ClientId=client.id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given)
    refused(pool.idp.sign_up, "InvalidParameterException", ClientId=client.id, Username="ann", Password=PASSWORD)


def test_an_alias_belongs_to_whoever_proved_it_and_moves_only_by_force(world: World) -> None:
    pool = world.pool(AliasAttributes=["email"], AutoVerifiedAttributes=["email"])
    client = pool.client()
    first = pool.user("first", email="shared@example.com", email_verified="true")
    sign_up(client, "second", "shared@example.com")
    code = world.code("shared@example.com")
    call = {"ClientId": client.id, "Username": "second", "ConfirmationCode": code}
    sentence = refused(pool.idp.confirm_sign_up, "AliasExistsException", **call)
    assert sentence == "An account with the given email already exists."
    owner = pool.idp.admin_get_user(UserPoolId=pool.id, Username="shared@example.com")
    assert owner["Username"] == "first"
    pool.idp.confirm_sign_up(**call, ForceAliasCreation=True)
    owner = pool.idp.admin_get_user(UserPoolId=pool.id, Username="shared@example.com")
    assert owner["Username"] == "second"
    former = pool.idp.admin_get_user(UserPoolId=pool.id, Username=first.username)
    assert named(former["UserAttributes"])["email_verified"] == "false"


def test_an_unconfirmed_user_is_not_found_by_alias(world: World) -> None:
    pool = world.pool(AliasAttributes=["email"], AutoVerifiedAttributes=["email"])
    client = pool.client()
    sign_up(client, "ann", "unconfirmed@example.com")
    given = {"USERNAME": "unconfirmed@example.com", "PASSWORD": PASSWORD}
    call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": given}
    refused(pool.idp.initiate_auth, "UserNotFoundException", **call)


def test_a_forgotten_password_is_replaced_by_a_code(mailed: PoolInWorld) -> None:
    client, ann = mailed.client(), mailed.user(email="forgot@example.com", email_verified="true")
    sent = mailed.idp.forgot_password(ClientId=client.id, Username=ann.username)["CodeDeliveryDetails"]
    assert sent["Destination"] == "f***@e***"
    call = {"ClientId": client.id, "Username": ann.username, "Password": NEW_PASSWORD}
    confirm = mailed.idp.confirm_forgot_password
    refused(confirm, "CodeMismatchException", **call, ConfirmationCode="abcdef")
    confirm(**call, ConfirmationCode=mailed.world.code("forgot@example.com"))
    ann.password = NEW_PASSWORD
    assert "AuthenticationResult" in client.sign_in(ann)


@pytest.mark.parametrize("state", ["unknown", "no address", "unverified", "disabled", "invited"])
def test_recovery_answers_alike_for_everybody_where_existence_is_hidden(mailed: PoolInWorld, state: str) -> None:
    client = mailed.client(PreventUserExistenceErrors="ENABLED")
    name = "nobody-here"
    if state != "unknown":
        address = {} if state == "no address" else {"email": "hidden@example.com"}
        name = mailed.user(**address, email_verified="false" if state == "unverified" else "true").username
    if state == "disabled":
        mailed.idp.admin_disable_user(UserPoolId=mailed.id, Username=name)
    if state == "invited":
        mailed.idp.admin_set_user_password(UserPoolId=mailed.id, Username=name, Password=NEW_PASSWORD, Permanent=False)
    confirm = {"ClientId": client.id, "Username": name, "Password": NEW_PASSWORD, "ConfirmationCode": "000000"}
    if state == "unknown":
        refused(mailed.idp.confirm_forgot_password, "ExpiredCodeException", **confirm)
    sent = mailed.idp.forgot_password(ClientId=client.id, Username=name)["CodeDeliveryDetails"]
    assert sent["AttributeName"] == "email"
    assert sent["DeliveryMedium"] == "EMAIL"
    again = mailed.idp.forgot_password(ClientId=client.id, Username=name)["CodeDeliveryDetails"]
    assert again == sent
    if state == "unknown":
        refused(mailed.idp.confirm_forgot_password, "CodeMismatchException", **confirm)


@pytest.mark.parametrize(
    ("state", "error", "sentence"),
    [
        ("unknown", "UserNotFoundException", "Username/client id combination not found."),
        ("invited", "NotAuthorizedException", "User password cannot be reset in the current state."),
        (
            "unverified",
            "InvalidParameterException",
            "Cannot reset password for the user as there is no registered/verified email or phone_number",
        ),
    ],
)
def test_recovery_says_why_not_where_existence_is_told(
    mailed: PoolInWorld, state: str, error: str, sentence: str
) -> None:
    client, name = mailed.client(), "nobody-here"
    if state != "unknown":
        name = mailed.user(email="open@example.com").username
    if state == "invited":
        mailed.idp.admin_set_user_password(UserPoolId=mailed.id, Username=name, Password=NEW_PASSWORD, Permanent=False)
    assert refused(mailed.idp.forgot_password, error, ClientId=client.id, Username=name) == sentence


def test_hashing_takes_as_long_for_names_that_nobody_has(mailed: PoolInWorld) -> None:
    """Not a timed assertion: both run exactly one bcrypt check."""
    from poolhouse.credentials import passwords

    client, ann = mailed.client(PreventUserExistenceErrors="ENABLED"), mailed.user()
    checks: list[object] = []
    original = passwords.bcrypt.checkpw
    passwords.bcrypt.checkpw = lambda *given: checks.append(given) or original(*given)
    try:
        for name in (ann.username, "nobody"):
            checks.clear()
            given = {"USERNAME": name, "PASSWORD": "Wr0ng-password!"}
            call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": given}
            refused(mailed.idp.initiate_auth, "NotAuthorizedException", **call)
            assert len(checks) == 1
    finally:
        passwords.bcrypt.checkpw = original


def test_an_administrators_reset_ends_the_old_password(mailed: PoolInWorld) -> None:
    client, ann = mailed.client(), mailed.user(email="reset@example.com", email_verified="true")
    mailed.idp.admin_reset_user_password(UserPoolId=mailed.id, Username=ann.username)
    given = {"USERNAME": ann.username, "PASSWORD": ann.password}
    call = {"ClientId": client.id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": given}
    sentence = refused(mailed.idp.initiate_auth, "PasswordResetRequiredException", **call)
    assert sentence == "Password reset required for the user"
    mailed.idp.confirm_forgot_password(
        ClientId=client.id,
        Username=ann.username,
        Password=NEW_PASSWORD,
        ConfirmationCode=mailed.world.code("reset@example.com"),
    )
    ann.password = NEW_PASSWORD
    assert "AuthenticationResult" in client.sign_in(ann)


def test_a_password_is_changed_by_whoever_knows_it_and_not_to_a_former_one(world: World) -> None:
    pool = world.pool(Policies={"PasswordPolicy": {"MinimumLength": 8, "PasswordHistorySize": 2}})
    client, ann = pool.client(), pool.user()
    access = client.tokens(ann)["AccessToken"]
    change = pool.idp.change_password
    refused(
        change, "NotAuthorizedException", AccessToken=access, PreviousPassword="wrong", ProposedPassword=NEW_PASSWORD
    )
    change(AccessToken=access, PreviousPassword=PASSWORD, ProposedPassword=NEW_PASSWORD)
    for former in (PASSWORD, NEW_PASSWORD):
        refused(
            change,
            "PasswordHistoryPolicyViolationException",
            AccessToken=access,
            PreviousPassword=NEW_PASSWORD,
            ProposedPassword=former,
        )
    ann.password = NEW_PASSWORD
    assert "AuthenticationResult" in client.sign_in(ann)


def test_a_changed_address_is_unproven_until_its_code_comes_back(mailed: PoolInWorld) -> None:
    client, ann = mailed.client(), mailed.user(email="old@example.com", email_verified="true")
    access = client.tokens(ann)["AccessToken"]
    sent = mailed.idp.update_user_attributes(
        AccessToken=access, UserAttributes=[{"Name": "email", "Value": "new@example.com"}]
    )
    assert sent["CodeDeliveryDetailsList"][0]["Destination"] == "n***@e***"
    shown = named(mailed.idp.get_user(AccessToken=access)["UserAttributes"])
    assert (shown["email"], shown["email_verified"]) == ("new@example.com", "false")
    verify = {"AccessToken": access, "AttributeName": "email"}
    refused(mailed.idp.verify_user_attribute, "CodeMismatchException", **verify, Code="000000")
    mailed.idp.verify_user_attribute(**verify, Code=mailed.world.code("new@example.com"))
    assert named(mailed.idp.get_user(AccessToken=access)["UserAttributes"])["email_verified"] == "true"


def test_a_code_for_one_address_never_proves_another(mailed: PoolInWorld) -> None:
    client, ann = mailed.client(), mailed.user()
    access = client.tokens(ann)["AccessToken"]

    def change(address: str) -> None:
        mailed.idp.update_user_attributes(AccessToken=access, UserAttributes=[{"Name": "email", "Value": address}])

    change("mine@example.com")
    code = mailed.world.code("mine@example.com")
    change("victim@example.com")
    with pytest.raises(ClientError):
        mailed.idp.verify_user_attribute(AccessToken=access, AttributeName="email", Code=code)
    shown = named(mailed.idp.get_user(AccessToken=access)["UserAttributes"])
    assert shown["email_verified"] == "false"


def test_the_old_address_stays_until_the_new_one_is_proven_where_the_pool_wants_that(world: World) -> None:
    pool = world.pool(
        AutoVerifiedAttributes=["email"],
        UserAttributeUpdateSettings={"AttributesRequireVerificationBeforeUpdate": ["email"]},
    )
    client, ann = pool.client(), pool.user(email="keep@example.com", email_verified="true")
    access = client.tokens(ann)["AccessToken"]
    pool.idp.update_user_attributes(AccessToken=access, UserAttributes=[{"Name": "email", "Value": "next@example.com"}])
    shown = named(pool.idp.get_user(AccessToken=access)["UserAttributes"])
    assert (shown["email"], shown["email_verified"]) == ("keep@example.com", "true")
    pool.idp.verify_user_attribute(AccessToken=access, AttributeName="email", Code=world.code("next@example.com"))
    shown = named(pool.idp.get_user(AccessToken=access)["UserAttributes"])
    assert (shown["email"], shown["email_verified"]) == ("next@example.com", "true")


def test_leaving_removes_everything_and_frees_the_name(mailed: PoolInWorld) -> None:
    client, ann = mailed.client(), mailed.user("leaver", email="leaver@example.com")
    access = client.tokens(ann)["AccessToken"]
    mailed.idp.delete_user(AccessToken=access)
    refused(mailed.idp.get_user, "NotAuthorizedException", AccessToken=access)
    refused(mailed.idp.admin_get_user, "UserNotFoundException", UserPoolId=mailed.id, Username="leaver")
    again = mailed.user("leaver")
    assert again.sub != ann.sub


def test_signing_out_everywhere_ends_every_token(mailed: PoolInWorld) -> None:
    client, ann = mailed.client(), mailed.user()
    first, second = client.tokens(ann), client.tokens(ann)
    mailed.idp.global_sign_out(AccessToken=first["AccessToken"])
    for tokens in (first, second):
        sentence = refused(mailed.idp.get_user, "NotAuthorizedException", AccessToken=tokens["AccessToken"])
        assert sentence == "Access Token has been revoked"
    assert "AccessToken" in client.tokens(ann)
    fresh = client.tokens(ann)["AccessToken"]
    assert mailed.idp.get_user(AccessToken=fresh)["Username"] == ann.username


def test_revoking_a_refresh_token_ends_its_own_family_alone(mailed: PoolInWorld) -> None:
    client, other, ann = mailed.client(), mailed.client(), mailed.user()
    first, second = client.tokens(ann), client.tokens(ann)
    refused(mailed.idp.revoke_token, "UnauthorizedException", Token=first["RefreshToken"], ClientId=other.id)
    refused(mailed.idp.revoke_token, "UnsupportedTokenTypeException", Token=first["AccessToken"], ClientId=client.id)
    mailed.idp.revoke_token(Token=first["RefreshToken"], ClientId=client.id)
    mailed.idp.revoke_token(Token="unknown", ClientId=client.id)
    refused(mailed.idp.get_user, "NotAuthorizedException", AccessToken=first["AccessToken"])
    assert mailed.idp.get_user(AccessToken=second["AccessToken"])["Username"] == ann.username


@pytest.mark.parametrize("hostile", ["", "x", "a.b.c", "ey.." * 500, "é", "A" * 20000])
def test_what_is_no_access_token_is_refused(mailed: PoolInWorld, hostile: str) -> None:
    with pytest.raises(ClientError) as refusal:
        mailed.world.boto3_unchecked().get_user(AccessToken=hostile)
    assert refusal.value.response["Error"]["Code"] in {"NotAuthorizedException", "InvalidParameterException"}


def test_users_are_found_by_every_attribute_that_can_be_searched(world: World) -> None:
    pool = world.pool()
    ann = pool.user(
        "ann",
        email="ann@find.example",
        phone_number="+15550100",
        name="Ann B",
        given_name="Ann",
        family_name="Bee",
        preferred_username="annie",
    )
    pool.user("bob", email="bob@find.example", name="Bob B", given_name="Bob", family_name="Cee")
    pool.idp.admin_disable_user(UserPoolId=pool.id, Username="bob")
    for text, expected in {
        'username = "ann"': ["ann"],
        'email = "bob@find.example"': ["bob"],
        'email ^= "ann@"': ["ann"],
        'phone_number ^= "+1555"': ["ann"],
        'name ^= "B"': ["bob"],
        'given_name="Ann"': ["ann"],
        'family_name ^= ""': ["ann", "bob"],
        'preferred_username = "annie"': ["ann"],
        'cognito:user_status = "CONFIRMED"': ["ann", "bob"],
        'cognito:user_status ^= "CONF"': ["ann", "bob"],
        'status = "Enabled"': ["ann"],
        'status = "Disabled"': ["bob"],
        f'sub = "{ann.sub}"': ["ann"],
        f'sub ^= "{ann.sub[:30]}"': ["ann"],
        'username ^= "%"': [],
        'username = "x\\" or \\"1"': [],
    }.items():
        found = pool.idp.list_users(UserPoolId=pool.id, Filter=text)["Users"]
        assert sorted(u["Username"] for u in found) == expected, text


@pytest.mark.parametrize(
    "text",
    ["username", 'username > "a"', "username = ann", 'custom:x = "1"', 'email = "a" and name = "b"', 'status = "x"'],
)
def test_a_filter_that_cannot_be_read_is_refused(pool: PoolInWorld, text: str) -> None:
    refused(pool.idp.list_users, "InvalidParameterException", UserPoolId=pool.id, Filter=text)


def test_pages_of_users_show_everybody_once(world: World) -> None:
    pool = world.pool()
    names = {pool.user(f"page{i:02}", email=f"page{i % 3}@x.example").username for i in range(7)}
    for given in (
        {},
        {"Filter": 'username ^= "page"'},
        {"Filter": 'email ^= "page"'},
        {"Filter": 'status = "Enabled"'},
    ):
        seen: list[str] = []
        token: dict[str, str] = {}
        for _ in range(10):
            page = pool.idp.list_users(UserPoolId=pool.id, Limit=2, **given, **token)
            seen += [u["Username"] for u in page["Users"]]
            if "PaginationToken" not in page:
                break
            token = {"PaginationToken": page["PaginationToken"]}
        assert sorted(seen) == sorted(names), given


def test_a_pagination_token_cannot_be_made_up_or_used_elsewhere(world: World) -> None:
    pool, other = world.pool(), world.pool()
    for owner in (pool, other):
        for i in range(3):
            owner.user(f"u{i}")
    token = pool.idp.list_users(UserPoolId=pool.id, Limit=1)["PaginationToken"]
    listing = pool.idp.list_users
    refused(listing, "InvalidParameterException", UserPoolId=other.id, PaginationToken=token)
    refused(listing, "InvalidParameterException", UserPoolId=pool.id, PaginationToken=token, Filter='username ^= "u"')
    refused(listing, "InvalidParameterException", UserPoolId=pool.id, PaginationToken="AAAA")
    refused(listing, "InvalidParameterException", UserPoolId=pool.id, PaginationToken=token[:-2] + "xx")


def test_a_token_of_one_pool_opens_nothing_in_another(world: World) -> None:
    pool, other = world.pool(), world.pool()
    ann = pool.user("same-name")
    other.user("same-name")
    tokens = pool.client().tokens(ann)
    shown = named(pool.idp.get_user(AccessToken=tokens["AccessToken"])["UserAttributes"])
    assert shown["sub"] == ann.sub
    stranger = other.client()
    refresh = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    call = {"ClientId": stranger.id, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": refresh}
    refused(pool.idp.initiate_auth, "NotAuthorizedException", **call)


def test_an_id_token_is_no_access_token(pool: PoolInWorld) -> None:
    tokens = pool.client().tokens(pool.user())
    refused(pool.idp.get_user, "NotAuthorizedException", AccessToken=tokens["IdToken"])


def test_an_access_token_expires(pool: PoolInWorld) -> None:
    access = pool.client().tokens(pool.user())["AccessToken"]
    with clock.moved(hours=2):
        sentence = refused(pool.idp.get_user, "NotAuthorizedException", AccessToken=access)
    assert sentence == "Access Token has expired"


def test_invitations_are_sent_again_with_a_new_password(world: World) -> None:
    pool = world.pool()
    create = pool.idp.admin_create_user
    given = {"UserPoolId": pool.id, "Username": "ann", "DesiredDeliveryMediums": ["EMAIL"]}
    create(**given, UserAttributes=[{"Name": "email", "Value": "again@example.com"}])
    refused(create, "UsernameExistsException", **given)
    create(**given, MessageAction="RESEND")
    assert len(world.mails("again@example.com")) == 2
    pool.idp.admin_set_user_password(UserPoolId=pool.id, Username="ann", Password=PASSWORD, Permanent=True)
    refused(create, "UnsupportedUserStateException", **given, MessageAction="RESEND")
    refused(create, "UserNotFoundException", UserPoolId=pool.id, Username="nobody", MessageAction="RESEND")


def test_an_immutable_attribute_is_written_once(world: World) -> None:
    pool = world.pool(Schema=[{"Name": "born", "AttributeDataType": "String", "Mutable": False}])
    client = pool.client()
    pool.idp.sign_up(
        ClientId=client.id,
        Username="ann",
        Password=PASSWORD,
        UserAttributes=[{"Name": "custom:born", "Value": "here"}],
    )
    pool.idp.admin_confirm_sign_up(UserPoolId=pool.id, Username="ann")
    change = {"UserPoolId": pool.id, "Username": "ann", "UserAttributes": [{"Name": "custom:born", "Value": "there"}]}
    refused(pool.idp.admin_update_user_attributes, "InvalidParameterException", **change)


def test_names_are_one_whatever_their_case_where_the_pool_says_so(world: World) -> None:
    pool = world.pool(UsernameConfiguration={"CaseSensitive": False})
    client, ann = pool.client(), pool.user("Ann")
    ann.username = "aNN"
    assert "AuthenticationResult" in client.sign_in(ann)
    given = {"ClientId": client.id, "Username": "ANN", "Password": PASSWORD}
    refused(pool.idp.sign_up, "UsernameExistsException", **given)


def test_a_user_in_the_middle_of_nothing_costs_little(world: World) -> None:
    """GetUser is one statement: the token's check brings the user along."""
    pool = world.pool()
    access = pool.client().tokens(pool.user())["AccessToken"]
    pool.idp.get_user(AccessToken=access)
    with world.counting() as counted:
        pool.idp.get_user(AccessToken=access)
    assert len(counted) <= 1, counted.texts


def test_a_sign_up_that_fails_leaves_nothing_behind(world: World) -> None:
    pool = world.pool(AutoVerifiedAttributes=["phone_number"])
    client = pool.client()
    given: dict[str, Any] = {"ClientId": client.id, "Username": "ann", "Password": "weak"}
    refused(pool.idp.sign_up, "InvalidPasswordException", **given)
    refused(pool.idp.admin_get_user, "UserNotFoundException", UserPoolId=pool.id, Username="ann")
