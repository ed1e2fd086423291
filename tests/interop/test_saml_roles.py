"""A company's people get a role's credentials for what SimpleSAMLphp says of them, as they do at AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from tests.saml.simplesamlphp import PASSWORD, simplesamlphp
from tests.saml.surfer import Surfer
from tests.world import World

AWS, WEBSERVICES = "https://signin.aws.amazon.com/saml", "urn:amazon:webservices"
ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
# In the shape of what AWS publishes of itself.
THEIRS = f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{WEBSERVICES}">
<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" WantAssertionsSigned="true">
<md:AssertionConsumerService index="1" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{AWS}"/>
</md:SPSSODescriptor></md:EntityDescriptor>"""


def anonymous(world: World) -> Any:
    return boto3.client(
        "sts",
        endpoint_url=f"http://127.0.0.1:{world.port}",
        region_name="us-east-1",
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )


def test_an_assertion_of_a_whole_provider_opens_a_role(world: World, tmp_path: Path) -> None:
    iam = world.boto3("iam")
    with simplesamlphp(tmp_path) as idp:
        idp.know("aws", THEIRS.encode())
        provider = iam.create_saml_provider(Name="Company", SAMLMetadataDocument=idp.metadata.decode())
        arn = provider["SAMLProviderArn"]
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": arn},
                    "Action": "sts:AssumeRoleWithSAML",
                    "Condition": {"StringEquals": {"SAML:aud": AWS}},
                }
            ],
        }
        role = iam.create_role(RoleName="Company-people", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        idp.people["jo"] = {
            ATTRIBUTES + "Role": [f"{role},{arn}"],
            ATTRIBUTES + "RoleSessionName": ["jo@roles.example"],
        }
        idp.save()
        person = Surfer().go(f"{idp.url}/saml2/idp/SSOService.php?{urlencode({'spentityid': WEBSERVICES})}")
        person.submit(username="jo", password=PASSWORD)
        assert person.url == AWS
        assert person.left is not None
        said = person.left["SAMLResponse"]
        answer = anonymous(world).assume_role_with_saml(RoleArn=role, PrincipalArn=arn, SAMLAssertion=said)
        assert answer["AssumedRoleUser"]["Arn"].endswith(":assumed-role/Company-people/jo@roles.example")
        assert (answer["Issuer"], answer["Audience"], answer["Subject"]) == (idp.entity_id, AWS, "jo")
        given = answer["Credentials"]
        caller = boto3.client(
            "sts",
            endpoint_url=f"http://127.0.0.1:{world.port}",
            region_name="us-east-1",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        ).get_caller_identity()
        assert caller["Arn"] == answer["AssumedRoleUser"]["Arn"]

        idp.rotate()
        person.go(f"{idp.url}/saml2/idp/SSOService.php?{urlencode({'spentityid': WEBSERVICES})}")
        assert person.left is not None
        strange = {"RoleArn": role, "PrincipalArn": arn, "SAMLAssertion": person.left["SAMLResponse"]}
        with pytest.raises(anonymous(world).exceptions.ClientError, match="InvalidIdentityToken"):
            anonymous(world).assume_role_with_saml(**strange)
