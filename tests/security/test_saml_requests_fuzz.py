"""Signed requests of service providers, mutated: what is read of one is what was signed, to the letter, or nothing.

POOLHOUSE_TEST_FUZZ and POOLHOUSE_TEST_SEED as for responses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from poolhouse.saml import authn_request, bindings, keys, logout, names, xml
from poolhouse.saml.assertion import Name
from poolhouse.saml.trust import Refused
from tests.saml.handmade_sp import handmade
from tests.saml.mutations import Mutator
from tests.security.test_saml_fuzz import RESPONSES, SEED
from tests.world import PoolInWorld

US = "https://idp.example/saml2/idp"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = keys.make_key("sp")
WHO: dict[str, Any] = {
    "issuer": "urn:sp",
    "certificates": [keys.der(KEY[1])],
    "destinations": {US},
    "now": NOW,
}


def signed(document: bytes) -> bytes:
    form = bindings.send("SAMLRequest", document, "post", US, key=KEY).form
    assert form is not None
    return xml.decode(form["SAMLRequest"])


def authn(name: str, consumer: str) -> bytes:
    return signed(
        f'<p:AuthnRequest xmlns:p="{xml.SAMLP}" xmlns:a="{xml.SAML}" ID="_{name}" Version="2.0" '
        f'IssueInstant="{xml.spelt(NOW)}" Destination="{US}" AssertionConsumerServiceURL="{consumer}">'
        f"<a:Issuer>urn:sp</a:Issuer><a:Subject><a:NameID>{name}</a:NameID></a:Subject>"
        f'<p:NameIDPolicy Format="{names.PERSISTENT}"/><p:RequestedAuthnContext Comparison="minimum">'
        f"<a:AuthnContextClassRef>{names.PASSWORD}</a:AuthnContextClassRef></p:RequestedAuthnContext>"
        "</p:AuthnRequest>".encode()
    )


def logouts(name: str, index: str | None) -> bytes:
    return signed(logout.request("urn:sp", US, Name(name, names.PERSISTENT, "urn:idp", "urn:sp"), index, NOW)[1])


def read_authn(received: bindings.Received) -> object:
    return authn_request.read_authn_request(received, require_signed=True, **WHO)


def read_logout(received: bindings.Received) -> object:
    return logout.read_request(received, **WHO)


@pytest.mark.parametrize(
    ("honest", "read"),
    [
        ([authn("ann", "https://sp.example/acs"), authn("bob", "https://sp.example/acs2")], read_authn),
        ([logouts("ann", "_1"), logouts("bob", None)], read_logout),
    ],
    ids=["sign-in", "logout"],
)
def test_no_mutated_request_says_anything_new(honest: list[bytes], read: Callable[[bindings.Received], object]) -> None:
    print(f"POOLHOUSE_TEST_FUZZ={RESPONSES} POOLHOUSE_TEST_SEED={SEED}")
    meant = [read(bindings.Received("SAMLRequest", "post", document, None)) for document in honest]
    mutator, reasons = Mutator(SEED, honest), Counter[str]()
    for number in range(RESPONSES):
        encoded = mutator.mutate(honest[number % len(honest)])
        about = f"seed {SEED}, request {number}: {encoded[:20_000]}"
        try:
            found = read(bindings.of_form({"SAMLRequest": encoded}))
        except Refused as refused:
            reasons[refused.reason] += 1
            continue
        except BaseException as error:
            raise AssertionError(about) from error
        reasons["(as it was signed)"] += 1
        if found not in meant:
            pytest.fail(about)
    print(reasons.most_common())
    assert reasons["signature"] > RESPONSES / 50, f"the mutations are too wild: {reasons}"
    assert len(reasons) > 10, f"the mutations are too tame: {reasons}"


def test_no_mutated_request_troubles_the_server(pool: PoolInWorld, tmp_path: Path) -> None:
    hand = handmade(pool, tmp_path)
    honest = [
        hand.send(document, where, binding="post").form
        for document, where in (
            (hand.authn_request(), hand.app.sso),
            (hand.logout_request("ann", "_1"), hand.app.slo),
            (hand.logout_response("_1", names.SUCCESS), hand.app.slo),
        )
    ]
    documents = [xml.decode(form["SAMLRequest"]) for form in honest if form is not None]
    mutator, statuses = Mutator(SEED, documents), Counter[int]()
    with requests.Session() as browser:
        for number in range(max(200, RESPONSES // 50)):
            encoded = mutator.mutate(documents[number % 3])
            path = ("sso", "slo", "slo")[number % 3] if number % 5 else "../logout"
            kind = "SAMLResponse" if number % 3 == 2 else "SAMLRequest"
            answer = browser.post(f"{pool.issuer}/saml2/idp/{path}", {kind: encoded}, allow_redirects=False, timeout=30)
            statuses[answer.status_code] += 1
            assert answer.status_code < 500, f"seed {SEED}, request {number}: {encoded[:20_000]}"
            assert "acs" not in answer.headers.get("Location", "")
    assert statuses[303] > 150, statuses
