"""Signed responses, mutated: none may be believed, and none be answered by anything but a refusal.

A mutation may leave all that is signed alone (white space between elements, an attribute of an unsigned envelope), or
put one signed assertion in place of another. Such a response may be taken: it says then, to the letter, what the
provider signed in one of the honest responses. Whatever says anything else is a forgery.
POOLHOUSE_TEST_FUZZ sets how many (default 3,000), POOLHOUSE_TEST_SEED repeats a run; both are printed.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections import Counter

import pytest

from poolhouse.saml import encryption, response
from poolhouse.saml.response import Refused
from tests.saml.attack_idp import SIGNED, Answer, T, respond
from tests.saml.mutations import Mutator
from tests.saml.reading import expected, ours, read, trust

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
