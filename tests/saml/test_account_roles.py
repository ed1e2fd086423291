"""People of a provider of another make take on roles of the account, as they do at AWS: started at the provider."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fronts.identity_world import administrator, anonymous, identity_world, signed
from tests.fronts.identity_world import role as make_role
from tests.fronts.refusals import refused
from tests.saml.pysaml2_idp import Account, Pysaml2Idp, pysaml2_idp, start_url
from tests.saml.surfer import Surfer
from tests.world import World

AWS = "urn:amazon:webservices"
ENDPOINT = "https://signin.aws.amazon.com/saml"
SAML = "https://aws.amazon.com/SAML/Attributes/"
# What AWS publishes of itself, as far as a provider needs it.
METADATA = f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{AWS}">
<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" WantAssertionsSigned="true">
<md:AssertionConsumerService index="1" isDefault="true" Location="{ENDPOINT}"
 Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"/></md:SPSSODescriptor></md:EntityDescriptor>"""


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Idp]:
    with pysaml2_idp(tmp_path_factory.mktemp("idp")) as idp:
        idp.know("aws", METADATA.encode())
        yield idp


@pytest.fixture
def arranged(world: World, idp: Pysaml2Idp, request: pytest.FixtureRequest) -> tuple[str, str]:
    """The provider in IAM and a role that trusts it; Ann is to have that role."""
    iam, name = administrator(world, "iam"), f"Enterprise-{abs(hash(request.node.nodeid)) % 10**9}"
    provider = iam.create_saml_provider(Name=name, SAMLMetadataDocument=idp.metadata.decode())["SAMLProviderArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
        "Condition": {"StringEquals": {"SAML:aud": ENDPOINT, "SAML:iss": idp.entity_id}},
    }
    role = make_role(world, {"Version": "2012-10-17", "Statement": [statement]})
    idp.people["ann"] = Account(
        "ann-7",
        {
            f"{SAML}Role": [f"{role},{provider}"],
            f"{SAML}RoleSessionName": ["ann@enterprise.example"],
            f"{SAML}PrincipalTag:team": ["red"],
            "mail": ["ann@enterprise.example"],
        },
    )
    return provider, role


def response(idp: Pysaml2Idp) -> str:
    """What Ann's browser would post to AWS."""
    person = Surfer()
    person.go(start_url(idp, AWS))
    person.submit(username="ann", do="in")
    assert person.url == ENDPOINT
    assert person.left is not None
    return person.left["SAMLResponse"]


@pytest.mark.parametrize("signed_part", ["assertion", "response", "both"])
def test_an_employee_takes_on_a_role(
    world: World, idp: Pysaml2Idp, arranged: tuple[str, str], signed_part: str
) -> None:
    provider, role = arranged
    idp.sign_assertion, idp.sign_response = signed_part != "response", signed_part != "assertion"
    assume = anonymous(world, "sts").assume_role_with_saml
    given = {"RoleArn": role, "PrincipalArn": provider, "SAMLAssertion": response(idp)}
    answer = assume(**given)
    assert (answer["Subject"], answer["Issuer"], answer["Audience"]) == ("ann-7", idp.entity_id, ENDPOINT)
    keys = {**answer["Credentials"], "SecretKey": answer["Credentials"]["SecretAccessKey"]}
    who = signed(world, keys, "sts").get_caller_identity()["Arn"]
    assert who.endswith(f"{role.rpartition('/')[2]}/ann@enterprise.example")
    refused(assume, "InvalidIdentityToken", **given)


def test_what_was_changed_on_the_way_opens_nothing(world: World, idp: Pysaml2Idp, arranged: tuple[str, str]) -> None:
    provider, role = arranged
    idp.sign_assertion, idp.sign_response, idp.spoil = True, False, "ann-7"
    try:
        given = {"RoleArn": role, "PrincipalArn": provider, "SAMLAssertion": response(idp)}
    finally:
        idp.spoil = ""
    refused(anonymous(world, "sts").assume_role_with_saml, "InvalidIdentityToken", **given)


def test_of_many_who_bring_one_assertion_at_once_one_gets_in(
    world: World, idp: Pysaml2Idp, arranged: tuple[str, str]
) -> None:
    provider, role = arranged
    idp.sign_assertion, idp.sign_response = True, False
    assume = anonymous(world, "sts").assume_role_with_saml
    given = {"RoleArn": role, "PrincipalArn": provider, "SAMLAssertion": response(idp)}

    def attempt(_: int) -> str:
        try:
            assume(**given)
        except ClientError as refusal:
            return str(refusal.response["Error"]["Code"])
        return "in"

    with ThreadPoolExecutor(6) as threads:
        outcomes: list[Any] = sorted(threads.map(attempt, range(6)))
    assert outcomes == ["InvalidIdentityToken"] * 5 + ["in"]


def test_an_employee_has_an_identity(world: World, idp: Pysaml2Idp, arranged: tuple[str, str]) -> None:
    provider, _ = arranged
    idp.sign_assertion, idp.sign_response = True, False
    ids = identity_world(world, SamlProviderARNs=[provider])
    ids.admin.set_identity_pool_roles(IdentityPoolId=ids.id, Roles={"authenticated": ids.role("authenticated")})
    logins = {provider: response(idp)}
    identity = ids.app.get_id(IdentityPoolId=ids.id, Logins=logins)["IdentityId"]
    assert ids.app.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
    assert ids.app.get_id(IdentityPoolId=ids.id, Logins={provider: response(idp)})["IdentityId"] == identity
