"""Reading a response as a pool's service provider does, in a line."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from poolhouse.saml import keys, metadata, response
from poolhouse.saml.response import Assertion, Expected, Refused
from poolhouse.saml.trust import IdpTrust
from tests.saml import attack_idp
from tests.saml.attack_idp import Answer

CONSUMER = Answer.consumer
AUDIENCE = "urn:amazon:cognito:sp:us-east-1_Example01"


@cache
def ours() -> tuple[bytes, bytes]:
    """Our key for decrypting, and its certificate."""
    return keys.make_key()


def trust(*certified: attack_idp.Key) -> IdpTrust:
    """The provider, with these keys instead of its own."""
    document = attack_idp.metadata(keys=certified or None)
    return metadata.read_idp(document, now=datetime.now(UTC))


def expected(**changes: Any) -> Expected:
    """What a response has to fit."""
    values: dict[str, Any] = {
        "entity_ids": (AUDIENCE,),
        "consumer_url": CONSUMER,
        "request_id": "_request1",
        "now": datetime.now(UTC),
        "decryption_keys": (ours()[0],),
    }
    return Expected(**(values | changes))


def read(document: bytes | str | Any, idp: IdpTrust | None = None, **changes: Any) -> Assertion:
    """The assertion in a response."""
    return response.read(attack_idp.encode(document), idp or trust(), expected(**changes))


def reason(document: bytes | str | Any, idp: IdpTrust | None = None, **changes: Any) -> str:
    """Why a response is refused."""
    with pytest.raises(Refused) as caught:
        read(document, idp, **changes)
    return caught.value.reason
