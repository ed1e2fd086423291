"""Signed responses, mutated: none may be believed, and none be answered by anything but a refusal.

A mutation may leave all that is signed alone (white space between elements, an attribute of an unsigned envelope), or
put one signed assertion in place of another. Such a response may be taken: it says then, to the letter, what the
provider signed in one of the honest responses. Whatever says anything else is a forgery.
POOLHOUSE_TEST_FUZZ sets how many (default 3,000), POOLHOUSE_TEST_SEED repeats a run; both are printed.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import os
import time
from collections import Counter
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
import requests

from poolhouse.saml import encryption, metadata, response
from poolhouse.saml.response import Refused
from poolhouse.saml.trust import BadMetadata
from tests.saml import attack_idp
from tests.saml.attack_idp import SIGNED, Answer, T, respond
from tests.saml.mutations import Mutator
from tests.saml.reading import expected, ours, read, trust
from tests.world import PoolInWorld

UNCHANGED = "(nothing that was signed had changed)"
RESPONSES = int(os.environ.get("POOLHOUSE_TEST_FUZZ", "3000"))
SEED = int(os.environ.get("POOLHOUSE_TEST_SEED", "0")) or time.time_ns() % 1_000_000_000


def statement(assertion: response.Assertion) -> response.Assertion:
    """What a provider says of a person: all but the envelope's ID, which nobody signs where the assertion alone is."""
    return dataclasses.replace(assertion, message_id="")


def originals(name_id: str = "Jo.Doe@Example.com") -> list[bytes]:
    """A response of every kind."""
    kinds = [respond(Answer(name_id=name_id, minutes=600), signed) for signed in SIGNED]
    for signed in SIGNED:
        for data in (T.AES256_GCM, T.AES256):
            kinds.append(respond(Answer(name_id=name_id, minutes=600), signed, encrypt_to=ours()[1], data=data))
    return kinds


@pytest.mark.slow
def test_no_mutated_response_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    print(f"POOLHOUSE_TEST_FUZZ={RESPONSES} POOLHOUSE_TEST_SEED={SEED}")
    monkeypatch.setattr(encryption, "_EVEN_SECONDS", 1e-6)  # refusals of ciphertexts are held up, and we have no time
    honest, others = originals(), originals("Another@Example.com")
    signed = [statement(read(document)) for document in (*honest, *others)]
    mutator = Mutator(SEED, [*honest, *others, respond(Answer(in_response_to=None), "both")])
    idp, reasons = trust(), Counter[str]()
    for number in range(RESPONSES):
        encoded = mutator.mutate(honest[number % len(honest)])
        about = f"seed {SEED}, response {number}: {encoded[:20_000]}"
        try:
            found = response.read(encoded, idp, expected())
        except Refused as refused:
            reasons[refused.reason] += 1
            continue
        except BaseException as error:
            raise AssertionError(about) from error
        reasons[UNCHANGED] += 1
        if statement(found) not in signed:  # no assert, which would spell both out
            pytest.fail(about)
    print(reasons.most_common())
    assert reasons["signature"] > RESPONSES / 50, f"the mutations are too wild: {reasons}"
    assert len(reasons) > 15, f"the mutations are too tame: {reasons}"
    assert reasons["unreadable"] == 0, "a check failed by an exception that it did not foresee"


def test_mutated_metadata_is_read_or_refused_with_a_sentence() -> None:
    honest = [
        attack_idp.metadata(),
        attack_idp.metadata(keys=[attack_idp.key("ec", "ec"), attack_idp.key("next")]),
        attack_idp.metadata(valid_until=datetime(2099, 1, 1, tzinfo=UTC)),
    ]
    mutator, now, reasons = Mutator(SEED, honest), datetime.now(UTC), Counter[str]()
    for number in range(RESPONSES // 2):
        encoded = mutator.mutate(honest[number % len(honest)])
        with contextlib.suppress(ValueError):
            document = base64.b64decode(encoded)
            for read_one in (metadata.read_idp, metadata.read_sp):
                try:
                    read_one(document, now=now)
                    reasons["read"] += 1
                except BadMetadata as bad:
                    reasons[bad.reason if str(bad).endswith(".") else str(bad)] += 1
                except Exception as error:
                    raise AssertionError(f"seed {SEED}, document {number}: {encoded}") from error
    assert reasons["read"] > 50, reasons
    assert len(reasons) > 5, reasons


@pytest.mark.slow
def test_no_mutated_response_makes_a_user(pool: PoolInWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same at the door: a provider that may begin, and a browser that brings what it is said to have sent."""
    monkeypatch.setattr(encryption, "_EVEN_SECONDS", 1e-6)
    pool.idp.create_identity_provider(
        UserPoolId=pool.id,
        ProviderName="Okta",
        ProviderType="SAML",
        ProviderDetails={"MetadataFile": attack_idp.metadata().decode(), "IDPInit": "true"},
    )
    callback = "https://app.example/callback"
    client = pool.client(
        SupportedIdentityProviders=["Okta"],
        CallbackURLs=[callback],
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid"],
        AllowedOAuthFlowsUserPoolClient=True,
    )
    asked = {"identity_provider": "Okta", "client_id": client.id, "redirect_uri": callback, "response_type": "code"}
    honest = [
        respond(
            Answer(
                consumer=f"{pool.issuer}/saml2/idpresponse",
                audience=f"urn:amazon:cognito:sp:{pool.id}",
                in_response_to=None,
                attributes={},
                name_id=name,
            ),
            signed,
        )
        for signed in SIGNED
        for name in ("Jo", "Ann")
    ]
    mutator = Mutator(SEED, honest)
    statuses = Counter[int]()
    for number in range(max(200, RESPONSES // 50)):
        form = {"SAMLResponse": mutator.mutate(honest[number % len(honest)]), "RelayState": urlencode(asked)}
        about = f"seed {SEED}, request {number}: {form['SAMLResponse'][:20_000]}"
        with requests.Session() as browser:
            answer = browser.post(f"{pool.issuer}/saml2/idpresponse", form, allow_redirects=False, timeout=30)
            for _ in range(8):
                if not answer.is_redirect or answer.headers["Location"].startswith(callback):
                    break
                here = requests.compat.urljoin(answer.url, answer.headers["Location"])
                answer = browser.get(here, allow_redirects=False, timeout=30)
        statuses[answer.status_code] += 1
        assert answer.status_code < 500, about
    print(statuses)
    names = {user["Username"] for user in pool.idp.list_users(UserPoolId=pool.id)["Users"]}
    assert names <= {"Okta_Jo", "Okta_Ann"}, f"seed {SEED}: {names}"
    assert statuses[400] > 100, statuses
