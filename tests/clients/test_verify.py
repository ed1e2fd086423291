"""Tokens are believed only after every check, and keys are fetched no more often than needed."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from poolhouse_client import ExpiredToken, InvalidToken, Unavailable, Verifier
from poolhouse_client.transport import Transport
from tests.clients.pool import CLIENT, ISSUER, SUB, Wire, access, b64, id_, jwk, sign, verifier


def test_an_access_token_of_amazon_cognito_is_verified() -> None:
    token = verifier(clients=[CLIENT]).access(sign(access()))
    assert (token.sub, token.client_id, token.username) == (SUB, CLIENT, "ann")
    assert (token.scopes, token.groups, token.is_machine) == ({"openid", "photos/Read"}, ("members",), False)


def test_an_id_token_is_verified() -> None:
    token = verifier(clients=[CLIENT]).id(sign(id_(**{"cognito:username": "ann"})))
    assert (token.sub, token.client_id, token.username) == (SUB, CLIENT, "ann")


def test_an_es256_token_is_verified() -> None:
    assert verifier(Wire("ec")).access(sign(access(), "ec")).sub == SUB


def test_a_clients_own_token_is_told_from_a_users() -> None:
    assert verifier().access(sign(access(sub=CLIENT))).is_machine


def test_the_text_of_a_token_stays_out_of_logs() -> None:
    text = sign(access())
    assert text not in repr(verifier().access(text))


def test_an_id_token_is_no_access_token_nor_the_other_way_round() -> None:
    with pytest.raises(InvalidToken, match="not an access token"):
        verifier().access(sign(id_(client_id=CLIENT)))
    with pytest.raises(InvalidToken, match="not an id token"):
        verifier().id(sign(access(aud=CLIENT)))


@pytest.mark.parametrize("use", [None, "", "refresh", "bundle", 7, ["access"]], ids=repr)
def test_a_token_of_no_use_is_refused(use: Any) -> None:
    with pytest.raises(InvalidToken):
        verifier().access(sign(access(token_use=use)))


@pytest.mark.parametrize(
    "issuer", [ISSUER + "/", ISSUER[:-1], "https://evil.example/us-east-1_AbCdEfGhI", None, [ISSUER]]
)
def test_another_issuer_is_refused(issuer: Any) -> None:
    with pytest.raises(InvalidToken, match="somebody else"):
        verifier().access(sign(access(iss=issuer)))


@pytest.mark.parametrize("client", ["another", "", None, [CLIENT]], ids=repr)
def test_another_client_is_refused(client: Any) -> None:
    for verify, token in (
        (verifier(clients=[CLIENT]).access, access(client_id=client)),
        (verifier(clients=[CLIENT]).id, id_(aud=client)),
    ):
        with pytest.raises(InvalidToken):
            verify(sign(token))


def test_one_text_is_no_list_of_clients() -> None:
    with pytest.raises(TypeError):
        Verifier(ISSUER, clients=CLIENT)


def test_without_clients_every_client_of_the_pool_counts() -> None:
    assert verifier().access(sign(access(client_id="whichever"))).client_id == "whichever"


def test_an_expired_token_is_refused() -> None:
    with pytest.raises(ExpiredToken):
        verifier().access(sign(access(exp=int(time.time()) - 60)))


def test_clocks_may_differ_a_little_and_no_more() -> None:
    now = int(time.time())
    assert verifier(skew=30).access(sign(access(exp=now - 10)))
    assert verifier(skew=30).access(sign(access(iat=now + 10, nbf=now + 10)))
    with pytest.raises(ExpiredToken):
        verifier(skew=30).access(sign(access(exp=now - 40)))
    for name in ("iat", "nbf"):
        with pytest.raises(InvalidToken, match=name):
            verifier(skew=30).access(sign(access(**{name: now + 60})))


@pytest.mark.parametrize("expires", [None, "9999999999", True, [1]], ids=repr)
def test_a_token_without_a_proper_exp_is_refused(expires: Any) -> None:
    with pytest.raises(InvalidToken, match="exp"):
        verifier().access(sign(access(exp=expires)))


def test_a_token_without_sub_is_refused() -> None:
    with pytest.raises(InvalidToken, match="sub"):
        verifier().access(sign(access(sub=None)))


# --- Forgeries ----------------------------------------------------------------------------------------------------


def test_changed_claims_are_refused() -> None:
    head, _, signature = sign(access()).split(".")
    with pytest.raises(InvalidToken, match="signature"):
        verifier().access(f"{head}.{b64(access(sub='somebody else'))}.{signature}")


def test_a_signature_by_another_key_is_refused() -> None:
    _, body, signature = sign(access(), "b").split(".")
    with pytest.raises(InvalidToken, match="signature"):
        verifier().access(f"{b64({'kid': 'a', 'alg': 'RS256'})}.{body}.{signature}")


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "RS512", "PS256", "ES256", "", None, ["RS256"]], ids=repr)
def test_the_header_never_chooses_the_algorithm(alg: Any) -> None:
    _, body, signature = sign(access()).split(".")
    for said in (signature, ""):
        with pytest.raises(InvalidToken):
            verifier().access(f"{b64({'kid': 'a', 'alg': alg})}.{body}.{said}")


def test_keys_that_a_token_brings_along_are_never_used() -> None:
    forged = sign(
        access(), "b", kid="nobody", jwk=jwk("b"), jku="https://evil.example/jwks", x5u="https://evil.example"
    )
    wire = Wire()
    with pytest.raises(InvalidToken, match="no key"):
        verifier(wire).access(forged)
    assert {url for _, url, _, _ in wire.asked} == {f"{ISSUER}/.well-known/jwks.json"}


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"b64": False, "crit": ["b64"]}, {"b64": True}], ids=repr)
def test_critical_extensions_are_refused(header: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken, match="critical"):
        verifier().access(sign(access(), **header))


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b", "a.b.c", "a.b.c.d", "é.b.c", "x" * 20_000, sign(access()) + ".", sign(access()) + "=",
     "." + sign(access()), sign(access()).replace(".", " "), b64(b"[" * 3000) + ".x.y", b64(b"7") + ".x.y"],
)  # fmt: skip
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        verifier().access(token)


def test_a_signature_has_one_spelling() -> None:
    token = sign(access())
    for spelt in (token + "=", token + "\n", token[:-1] + "+" + token[-1]):
        with pytest.raises(InvalidToken):
            verifier().access(spelt)


# --- Keys ---------------------------------------------------------------------------------------------------------


def test_keys_are_fetched_once() -> None:
    wire = Wire("a", "b")
    verify = verifier(wire)
    for kid in ("a", "b", "a"):
        verify.access(sign(access(), kid))
    assert len(wire.asked) == 1


def test_a_new_key_is_fetched_once_when_a_token_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock(monkeypatch)
    wire = Wire("a")
    verify = verifier(wire)
    verify.access(sign(access(), "a"))
    wire.publish("a", "b")
    clock.forward(11)
    assert verify.access(sign(access(), "b")).sub == SUB
    assert len(wire.asked) == 2


def test_made_up_key_ids_cause_no_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock(monkeypatch)
    wire = Wire("a")
    verify = verifier(wire)
    for number in range(200):
        with pytest.raises(InvalidToken):
            verify.access(sign(access(), "b", kid=f"made-up-{number}"))
    assert len(wire.asked) == 1
    clock.forward(11)
    for number in range(200):
        with pytest.raises(InvalidToken):
            verify.access(sign(access(), "b", kid=f"made-up-{number}"))
    assert len(wire.asked) == 2


def test_a_withdrawn_key_counts_no_more_once_keys_are_fetched_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock(monkeypatch)
    wire = Wire("a", "b")
    verify = verifier(wire)
    verify.access(sign(access(), "b"))
    wire.publish("a")
    clock.forward(301)
    with pytest.raises(InvalidToken, match="no key"):
        verify.access(sign(access(), "b"))


def test_known_keys_serve_while_the_provider_is_away_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock(monkeypatch)
    wire = Wire("a")
    verify = verifier(wire)
    verify.access(sign(access()))
    wire.answer(f"{ISSUER}/.well-known/jwks.json", None)
    clock.forward(1000)
    assert verify.access(sign(access())).sub == SUB
    clock.forward(3600)
    with pytest.raises(Unavailable):
        verify.access(sign(access()))


@pytest.mark.parametrize(
    "document", [[], {}, {"keys": []}, {"keys": "x"}, {"keys": [7, None]}, b"<html>", {"keys": [{"kid": "a"}]},
                 {"keys": [jwk("a", use="enc")]}, {"keys": [jwk("a", alg="HS256")]}, {"keys": [jwk("a", kty="oct")]}],
)  # fmt: skip
def test_a_key_set_that_is_none_is_no_verdict_about_the_token(document: Any) -> None:
    wire = Wire()
    wire.answer(f"{ISSUER}/.well-known/jwks.json", document)
    with pytest.raises(Unavailable):
        verifier(wire).access(sign(access()))


def test_many_threads_fetch_once() -> None:
    wire, token = Wire("a"), sign(access())
    verify = verifier(wire)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(verify.access(token).sub)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [SUB] * 16
    assert len(wire.asked) == 1


# --- The way out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://id.example.com/x", "ftp://localhost/x", "file:///etc/passwd", "//x", ""])
def test_nothing_is_fetched_in_the_clear(url: str) -> None:
    with pytest.raises(Unavailable, match="https"):
        Transport().ask("GET", url)


def test_somebody_who_does_not_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        Transport(timeout=0.5).ask("GET", "http://127.0.0.1:9/")


class _Clock:
    """The library's monotonic clock, moved forward by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moment = time.monotonic()
        monkeypatch.setattr("poolhouse_client.keys.time.monotonic", lambda: self.moment)

    def forward(self, seconds: float) -> None:
        self.moment += seconds
