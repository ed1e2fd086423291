"""What other makes of SAML write, read by ours without any server: metadata, signed and encrypted responses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from poolhouse.saml import authn_request, keys, metadata, response
from poolhouse.saml.expected import Expected, StatusRefused
from poolhouse.saml.trust import POST, REDIRECT, IdpTrust, Refused
from tests.saml.pysaml2_idp import Account, Pysaml2Idp, pysaml2_idp
from tests.saml.pysaml2_sp import pysaml2_sp
from tests.saml.simplesamlphp import PASSWORD, SimpleSamlPhp, simplesamlphp
from tests.saml.surfer import Surfer

ENTITY, CONSUMER = "urn:amazon:cognito:sp:us-east-1_Reading", "https://pool.example/saml2/idpresponse"


@dataclass
class Us:
    """A service provider of ours, without a server."""

    private: bytes
    certificate: bytes
    metadata: bytes

    @classmethod
    def make(cls) -> Us:
        private, certificate = keys.make_key("reading")
        der = keys.der(certificate)
        written = metadata.write_sp(ENTITY, consumers=[CONSUMER], signing=[der], encryption=[der])
        return cls(private, certificate, written)

    def expected(self, request_id: str, **more: object) -> Expected:
        return Expected(
            (ENTITY,),
            CONSUMER,
            request_id,
            datetime.now(UTC),
            decryption_keys=(self.private,),
            **more,  # type: ignore[arg-type]
        )


@pytest.fixture(scope="module")
def us() -> Us:
    return Us.make()


@pytest.fixture(scope="module")
def pysaml2(us: Us, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Idp]:
    with pysaml2_idp(tmp_path_factory.mktemp("pysaml2"), want_signed_requests=True) as idp:
        idp.people["ann"] = Account("Ann-7", {"mail": ["ann@reading.example"], "groups": ["a", "b & <c>", "Grüße"]})
        idp.know("us", us.metadata)
        yield idp


@pytest.fixture(scope="module")
def php(us: Us, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleSamlPhp]:
    with simplesamlphp(tmp_path_factory.mktemp("simplesamlphp")) as idp:
        idp.people["ann"] = {"mail": ["ann@reading.example"], "groups": ["a", "b & <c>", "Grüße"]}
        idp.want_signed_requests = True
        idp.know("us", us.metadata)
        yield idp


def trusted(idp: Pysaml2Idp | SimpleSamlPhp) -> IdpTrust:
    return metadata.read_idp(idp.metadata, now=datetime.now(UTC))


def answered(us: Us, idp: Pysaml2Idp | SimpleSamlPhp, **asked: bool) -> tuple[str, str, IdpTrust]:
    """From a signed request of ours to the answer: the request's ID, SAMLResponse, whom we trust."""
    trust = trusted(idp)
    made = authn_request.send(
        trust,
        issuer=ENTITY,
        consumer_url=CONSUMER,
        now=datetime.now(UTC),
        relay_state="a-handle",
        key=(us.private, us.certificate),
        **asked,
    )
    person = Surfer()
    person.go(made.sending.address, made.sending.form)
    if isinstance(idp, Pysaml2Idp):
        person.submit(username="ann", do="in")
    else:
        person.submit(username="ann", password=PASSWORD)
    assert person.left is not None, person.text[:2000]
    assert person.left["RelayState"] == "a-handle"
    return made.id, person.left["SAMLResponse"], trust


def test_the_metadata_of_other_makes_is_read(pysaml2: Pysaml2Idp, php: SimpleSamlPhp) -> None:
    for idp in (pysaml2, php):
        trust = trusted(idp)
        assert trust.entity_id == idp.entity_id
        assert len(trust.certificates) == 1
        assert REDIRECT in trust.sso
        assert REDIRECT in trust.slo
        assert trust.want_authn_requests_signed
    assert POST in trusted(pysaml2).sso


def test_a_service_providers_metadata_is_read(tmp_path: Path) -> None:
    with pysaml2_sp(tmp_path) as app:
        trust = metadata.read_sp(app.metadata, now=datetime.now(UTC))
        assert trust.entity_id == app.entity_id
        assert [consumer.url for consumer in trust.consumers] == [app.consumer_url]
        assert len(trust.encryption_certificates) == 1
        assert trust.authn_requests_signed
        assert trust.want_assertions_signed


@pytest.mark.parametrize("signed", ["assertion", "response", "both"])
@pytest.mark.parametrize("encrypt", [False, True], ids=["clear", "encrypted"])
def test_what_pysaml2_says_is_understood(us: Us, pysaml2: Pysaml2Idp, signed: str, encrypt: bool) -> None:
    pysaml2.encrypt = encrypt
    pysaml2.sign_assertion, pysaml2.sign_response = signed != "response", signed != "assertion"
    number, answer, trust = answered(us, pysaml2)
    found = response.read(answer, trust, us.expected(number, signed=signed, encrypted_only=encrypt))
    assert (found.name_id, found.issuer) == ("Ann-7", pysaml2.entity_id)
    assert found.attributes["urn:oid:0.9.2342.19200300.100.1.3"] == ("ann@reading.example",)
    assert found.attributes["groups"] == ("a", "b & <c>", "Grüße")
    assert found.session_index == pysaml2.logins[-1].session_index
    for other in {"assertion", "response", "both"} - {signed}:
        if signed != "both":
            with pytest.raises(Refused, match="encrypted-assertion|unsigned" if encrypt else "unsigned"):
                response.read(answer, trust, us.expected(number, signed=other))
    with pytest.raises(Refused, match="in-response-to"):
        response.read(answer, trust, us.expected("_another"))


@pytest.mark.parametrize("encrypt", [False, True], ids=["clear", "encrypted"])
def test_what_simplesamlphp_says_is_understood(us: Us, php: SimpleSamlPhp, encrypt: bool) -> None:
    php.encrypt = encrypt
    php.save()
    number, answer, trust = answered(us, php)
    found = response.read(answer, trust, us.expected(number, signed="both" if not encrypt else "either"))
    assert (found.name_id, found.issuer) == ("ann", php.entity_id)
    assert found.attributes["mail"] == ("ann@reading.example",)
    assert found.attributes["groups"] == ("a", "b & <c>", "Grüße")
    assert found.session_index


@pytest.mark.parametrize(("cipher", "taken"), [("aes256-gcm", True), ("aes128-cbc", True), ("tripledes-cbc", False)])
def test_assertions_come_encrypted_by_ciphers_of_this_century(
    us: Us, pysaml2: Pysaml2Idp, cipher: str, taken: bool
) -> None:
    pysaml2.encrypt, pysaml2.sign_assertion, pysaml2.sign_response, pysaml2.cipher = True, True, False, cipher
    number, answer, trust = answered(us, pysaml2)
    if taken:
        assert response.read(answer, trust, us.expected(number)).name_id == "Ann-7"
    else:
        with pytest.raises(Refused, match="encrypted-assertion"):
            response.read(answer, trust, us.expected(number))


@pytest.mark.parametrize("encrypt", [False, True], ids=["clear", "encrypted"])
def test_sha1_is_refused_unless_the_provider_is_marked_for_it(us: Us, tmp_path: Path, encrypt: bool) -> None:
    with pysaml2_idp(tmp_path, sha1=True) as old:
        old.people["ann"] = Account("Ann-7")
        old.know("us", us.metadata)
        old.encrypt = encrypt
        number, answer, trust = answered(us, old)
        with pytest.raises(Refused, match="encrypted-assertion" if encrypt else "signature-algorithm"):
            response.read(answer, trust, us.expected(number))
        assert response.read(answer, trust, us.expected(number, allow_sha1=True)).name_id == "Ann-7"


def test_no_and_not_without_asking_are_told_apart(us: Us, pysaml2: Pysaml2Idp) -> None:
    trust, now = trusted(pysaml2), datetime.now(UTC)
    for passive, code in ((False, "AuthnFailed"), (True, "NoPassive")):
        made = authn_request.send(
            trust, issuer=ENTITY, consumer_url=CONSUMER, now=now, key=(us.private, us.certificate), passive=passive
        )
        person = Surfer().go(made.sending.address, made.sending.form)
        if not passive:
            person.submit(username="", do="no")
        assert person.left is not None
        with pytest.raises(StatusRefused) as refused:
            response.read(person.left["SAMLResponse"], trust, us.expected(made.id))
        assert any(said.endswith(code) for said in refused.value.codes)
