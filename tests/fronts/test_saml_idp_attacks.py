"""Attacks on the SAML identity provider: forged, altered, misdirected and monstrous requests, and wrong addresses."""

from __future__ import annotations

import base64
import re
import zlib
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
import requests

from tests.saml.application import sign_in
from tests.saml.handmade_sp import HandmadeSp, come, handmade, instant, only, refused, response, statuses
from tests.saml.party import KeyPair
from tests.saml.surfer import Surfer
from tests.world import PoolInWorld, World


@pytest.fixture
def hand(pool: PoolInWorld, tmp_path: Path) -> HandmadeSp:
    return handmade(pool, tmp_path)


@pytest.fixture
def surfer() -> Surfer:
    return Surfer()


# --- Who may ask, and where the answer goes -------------------------------------------------------------------------


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_an_unsigned_request_is_refused_where_it_has_to_be_signed(
    hand: HandmadeSp, surfer: Surfer, binding: str
) -> None:
    hand.ask(surfer, binding=binding, signed=False)
    assert surfer.left is None
    assert "password" in surfer.text, "as configured, it need not be"
    hand.app.configure(RequireSignedRequests=True)
    hand.ask(surfer, binding=binding, signed=False)
    assert refused(surfer) == "saml_request"
    hand.ask(surfer, binding=binding)
    assert "password" in surfer.text


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_a_signature_is_by_the_certificate_that_is_registered(
    hand: HandmadeSp, surfer: Surfer, tmp_path: Path, binding: str
) -> None:
    own = hand.pair
    hand.pair = KeyPair.make(tmp_path, "stolen")
    hand.ask(surfer, binding=binding)
    assert refused(surfer) == "saml_request", "a wrong signature is worse than none"
    both = own.certificate.read_text() + hand.pair.certificate.read_text()
    hand.app.configure(Certificate=both)
    hand.ask(surfer, binding=binding)
    assert "password" in surfer.text, "while keys change there are two"


def test_what_was_signed_is_what_was_sent(hand: HandmadeSp, surfer: Surfer) -> None:
    """The signature of a redirect covers the query's own characters, RelayState among them."""
    sending = hand.send(hand.authn_request(), hand.app.sso, relay_state="mine")
    surfer.go(sending.address.replace("RelayState=mine", "RelayState=yours"))
    assert refused(surfer) == "saml_request"
    surfer.go(sending.address.replace("&RelayState=mine", ""))
    assert refused(surfer) == "saml_request"
    other = hand.send(hand.authn_request(ForceAuthn="true"), hand.app.sso, signed=False).address
    signature = re.search(r"&SigAlg=.*", sending.address)
    assert signature
    surfer.go(other + "&RelayState=mine" + signature[0])
    assert refused(surfer) == "saml_request"
    surfer.go(sending.address + "&RelayState=mine")
    assert refused(surfer) == "saml_request", "said twice"
    surfer.go(
        re.sub(r"&SigAlg=[^&]*", "&SigAlg=" + quote("http://www.w3.org/2000/09/xmldsig#rsa-sha1"), sending.address)
    )
    assert refused(surfer) == "saml_request"
    surfer.go(re.sub(r"&Signature=[^&]*", "", sending.address))
    assert refused(surfer) == "saml_request", "half a signature is not none"
    assert "password" in surfer.go(sending.address).text


def test_the_signed_part_of_a_form_is_what_is_read(hand: HandmadeSp, surfer: Surfer) -> None:
    """Signature wrapping: the signed request stays in the document, beside another that is to be believed."""
    sending = hand.send(hand.authn_request(), hand.app.sso, binding="post")
    assert sending.form is not None
    signed = base64.b64decode(sending.form["SAMLRequest"])
    evil = hand.authn_request(AssertionConsumerServiceURL="https://evil.example/acs").decode()
    body = signed[signed.index(b"<p:AuthnRequest") :].decode()
    for wrapped in (
        evil.replace("</p:AuthnRequest>", f"<p:Extensions>{body}</p:Extensions></p:AuthnRequest>"),
        evil.replace(
            "</a:Issuer>",
            "</a:Issuer>"
            + body[body.index("<ds:Signature") : body.index("</ds:Signature>")]
            + f"<ds:Object>{body}</ds:Object></ds:Signature>",
        ),
        body.replace("https://app.example/acs", "https://app.example/acs2"),
        body.replace("</p:AuthnRequest>", "<!-- x --></p:AuthnRequest>"),
    ):
        come(surfer, type(sending)(sending.address, {"SAMLRequest": base64.b64encode(wrapped.encode()).decode()}))
        assert refused(surfer) == ("saml_consumer" if "Extensions" in wrapped else "saml_request")


@pytest.mark.parametrize(
    "acs",
    [
        "https://evil.example/acs",
        "https://app.example/acs/",
        "https://app.example/acs?x=1",
        "https://app.example/acs#x",
        "https://app.example/ACS",
        "HTTPS://app.example/acs",
        "https://app.example:443/acs",
        "https://app.example/acs/../acs",
        "https://app.example@evil.example/acs",
        'https://app.example/acs"><script>alert(1)</script>',
        "javascript:alert(1)//",
        "",
    ],
)
def test_an_answer_goes_to_a_registered_address_to_the_letter(hand: HandmadeSp, surfer: Surfer, acs: str) -> None:
    hand.ask(surfer, hand.authn_request(AssertionConsumerServiceURL=acs), relay_state="x")
    assert refused(surfer) == "saml_consumer"
    assert "alert(1)" not in surfer.text


def test_the_address_may_be_left_out_or_be_a_number(hand: HandmadeSp, surfer: Surfer) -> None:
    ann = hand.app.pool.user()
    hand.ask(surfer, hand.authn_request(AssertionConsumerServiceURL=None))
    sign_in(surfer, ann)
    assert surfer.url == "https://app.example/acs"
    hand.ask(surfer, hand.authn_request(AssertionConsumerServiceURL=None, AssertionConsumerServiceIndex="1"))
    assert surfer.url == "https://app.example/acs2"
    assert only(response(surfer), "//a:SubjectConfirmationData").get("Recipient") == "https://app.example/acs2"
    hand.app.configure(AssertionConsumerServiceIndexes=[7, 9])
    hand.ask(surfer, hand.authn_request(AssertionConsumerServiceURL=None, AssertionConsumerServiceIndex="9"))
    assert surfer.url == "https://app.example/acs2"
    for unknown, code in (
        ("1", "saml_consumer"),
        ("-1", "saml_request"),
        ("9" * 5000, "saml_request"),
        ("x", "saml_request"),
    ):
        hand.ask(
            surfer,
            hand.authn_request(AssertionConsumerServiceURL=None, AssertionConsumerServiceIndex=unknown),
            binding="post",
        )
        assert refused(surfer) == code


def test_an_address_that_was_taken_out_meanwhile_gets_nothing(hand: HandmadeSp, surfer: Surfer) -> None:
    hand.ask(surfer, hand.authn_request(AssertionConsumerServiceURL="https://app.example/acs2"))
    hand.app.configure(AssertionConsumerServices=["https://app.example/acs"])
    sign_in(surfer, hand.app.pool.user())
    assert refused(surfer) == "saml_consumer"


@pytest.mark.parametrize(
    "changed",
    [
        {"Destination": "https://other.example/saml2/idp/sso"},
        {"Destination": None},
        {"Destination": ""},
        {"Version": "1.1"},
        {"Version": None},
        {"IssueInstant": None},
        {"IssueInstant": "yesterday"},
        {"ForceAuthn": "perhaps"},
        {"IsPassive": "TRUE"},
    ],
    ids=lambda changed: "-".join(f"{name}={value}"[:30] for name, value in changed.items()),
)
def test_a_request_for_another_or_of_another_form_is_refused(
    hand: HandmadeSp, surfer: Surfer, changed: dict[str, str | None]
) -> None:
    for binding in ("redirect", "post"):
        hand.ask(surfer, hand.authn_request(**changed), binding=binding)
        assert refused(surfer) == "saml_request"


@pytest.mark.parametrize("hours", [2, -2])
def test_a_request_of_another_time_is_refused(hand: HandmadeSp, surfer: Surfer, hours: int) -> None:
    for binding in ("redirect", "post"):
        hand.ask(surfer, hand.authn_request(IssueInstant=instant(hours=hours)), binding=binding)
        assert refused(surfer) == "saml_request"


def test_a_request_to_another_pool_is_not_answered(world: World, hand: HandmadeSp, surfer: Surfer) -> None:
    elsewhere = world.pool()
    come(surfer, hand.send(hand.authn_request(), f"{elsewhere.issuer}/saml2/idp/sso"))
    assert refused(surfer) == "saml_issuer"


def test_what_cannot_be_answered_says_so_to_the_app(hand: HandmadeSp, surfer: Surfer) -> None:
    artifact = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"
    hand.ask(surfer, hand.authn_request(ProtocolBinding=artifact), relay_state="state")
    assert statuses(surfer) == ["Requester", "UnsupportedBinding"]
    assert surfer.left is not None
    assert surfer.left["RelayState"] == "state"
    told = response(surfer)
    assert only(told, "/p:Response/ds:Signature") is not None
    assert told.get("InResponseTo")
    assert not told.findall("{*}Assertion")


def test_the_request_is_read_again_as_often_as_it_comes_and_no_assertion_comes_twice(
    hand: HandmadeSp, surfer: Surfer
) -> None:
    request = hand.authn_request()
    hand.ask(surfer, request)
    sign_in(surfer, hand.app.pool.user())
    first = response(surfer)
    second = response(hand.ask(surfer, request))
    assert first.get("InResponseTo") == second.get("InResponseTo")
    identifiers = [one.get("ID") for root in (first, second) for one in (root, only(root, "a:Assertion"))]
    assert len(set(identifiers)) == 4


# --- What people must not be able to do ---------------------------------------------------------------------------


def test_a_disabled_person_is_vouched_for_no_more(hand: HandmadeSp, surfer: Surfer) -> None:
    ann = hand.app.pool.user()
    hand.ask(surfer)
    sign_in(surfer, ann)
    assert statuses(surfer) == ["Success"]
    hand.app.pool.idp.admin_disable_user(UserPoolId=hand.app.pool.id, Username=ann.username)
    hand.ask(surfer)
    sign_in(surfer, ann)
    assert surfer.left is None
    assert "switched off" in surfer.text or "not right" in surfer.text


def test_a_journey_is_one_browsers_and_ends_once(hand: HandmadeSp, surfer: Surfer) -> None:
    hand.ask(surfer)
    handle = re.search(r'name="request" value="([^"]+)"', surfer.text)
    assert handle
    proceed = f"{hand.app.sso}/continue?request={handle[1]}"
    sign_in(surfer, hand.app.pool.user())
    assert statuses(surfer) == ["Success"]
    assert "already signed in" in surfer.go(proceed).text
    other = Surfer()
    assert "another browser" in other.go(proceed).text
    for broken in ("", "?request=", "?request=x", "?request=%00&request=1"):
        assert other.go(f"{hand.app.sso}/continue{broken}").left is None
        assert other.status == 400


def test_an_oauth_journey_does_not_end_in_an_assertion(hand: HandmadeSp, surfer: Surfer) -> None:
    pool = hand.app.pool
    both = {
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": ["openid"],
        "CallbackURLs": ["https://app.example/acs"],
        "SupportedIdentityProviders": ["COGNITO"],
    }
    pool.idp.update_user_pool_client(**hand.app.ids, **both)
    asked = {
        "client_id": hand.app.client.id,
        "response_type": "code",
        "redirect_uri": "https://app.example/acs",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    surfer.go(f"{pool.issuer}/oauth2/authorize?{urlencode(asked)}")
    handle = re.search(r'name="request" value="([^"]+)"', surfer.text)
    assert handle
    surfer.go(f"{hand.app.sso}/continue?request={handle[1]}")
    assert refused(surfer) == "saml_issuer"
    hand.ask(surfer)
    handle = re.search(r'name="request" value="([^"]+)"', surfer.text)
    assert handle
    surfer.go(f"{pool.issuer}/oauth2/authorize/continue?request={handle[1]}")
    assert surfer.left is None


def test_the_page_that_posts_is_escaped_and_runs_one_known_script(hand: HandmadeSp, surfer: Surfer) -> None:
    evil = '"><script>alert(1)</script>'
    hand.ask(surfer)
    sign_in(surfer, hand.app.pool.user())
    hand.ask(surfer, relay_state=evil)
    assert surfer.left is not None
    assert surfer.left["RelayState"] == evil
    answer = surfer.http.get(hand.send(hand.authn_request(), hand.app.sso, relay_state=evil).address, timeout=20)
    assert "<script>alert" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "unsafe" not in policy
    assert "form-action http: https:" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "<button>" in answer.text, "it works without JavaScript"


def raw(world: World, path: str, document: bytes, *, post: bool = False) -> requests.Response:
    url = f"{world.url}{path}"
    if post:
        form = {"SAMLRequest": base64.b64encode(document).decode()}
        return requests.post(url, data=form, timeout=20, allow_redirects=False)
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = compressor.compress(document) + compressor.flush()
    return requests.get(
        url, params={"SAMLRequest": base64.b64encode(deflated).decode()}, timeout=20, allow_redirects=False
    )


BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]><x>&d;</x>"""
STRANGE = (
    BOMB,
    b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x"><x/>',
    b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>',
    b"<x>" * 30_000,
    b"<x>" + b"a" * 5_000_000 + b"</x>",
    b"<x/>",
    b"<x",
    b"",
    b"\xff\xfe<\x00x\x00/\x00>\x00",
    '<?xml version="1.0" encoding="utf-16"?><x/>'.encode("utf-16"),
    b'<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"/>',
    b"<a>" * 300 + b"</a>" * 300,
)
QUERIES = (
    "",
    "SAMLRequest=",
    "SAMLRequest=%%%",
    "SAMLRequest=AAAA",
    "SAMLRequest=a&SAMLRequest=b",
    "SAMLRequest=a&SAMLResponse=b",
    "SAMLRequest=%FF%FE",
    "SAMLRequest=a&SigAlg=b",
    "SAMLRequest=a&SAMLEncoding=urn:other",
    "RelayState=" + "x" * 10_000,
    "SAMLRequest=eJwDAAAAAAE%3D",
    "%53AMLRequest=AAAA",
    "SAMLRequest=" + "A" * 30_000,
)
PATHS = ("/saml2/idp/sso", "/saml2/idp/slo", "/saml2/logout")


@pytest.mark.parametrize("path", PATHS)
def test_no_document_is_too_strange_to_be_refused(world: World, pool: PoolInWorld, path: str) -> None:
    for document in STRANGE:
        for post in (False, True):
            if post and len(document) > 100_000:
                continue  # the server takes no form of that size: that is another test's
            answer = raw(world, f"/{pool.id}{path}", document, post=post)
            assert answer.status_code == 303, f"{document[:40]!r}: {answer.text[:300]}"
            assert answer.headers["Location"].endswith("/error?error=saml_request")


@pytest.mark.parametrize("path", PATHS)
def test_no_query_is_too_strange_to_be_refused(pool: PoolInWorld, path: str) -> None:
    for query in QUERIES:
        answer = requests.get(f"{pool.issuer}{path}?{query}", timeout=20, allow_redirects=False)
        assert answer.status_code == 303, f"{query[:40]}: {answer.text[:300]}"
        assert answer.headers["Location"].endswith("/error?error=saml_request")
        posted = requests.post(
            f"{pool.issuer}{path}",
            data=query.encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            timeout=20,
            allow_redirects=False,
        )
        assert posted.status_code == 303, f"{query[:40]}: {posted.text[:300]}"
        assert posted.headers["Location"].endswith("/error?error=saml_request")


def test_a_request_without_an_id_cannot_be_answered(hand: HandmadeSp, surfer: Surfer) -> None:
    for identifier in (None, "", "1 2", "<"):
        hand.ask(surfer, hand.authn_request(ID=identifier), signed=False)
        assert refused(surfer) == "saml_request"


def test_a_relay_state_that_nobody_could_hand_on_is_refused(hand: HandmadeSp, surfer: Surfer) -> None:
    for state in ("\x00", "x" * 4097):
        for binding in ("redirect", "post"):
            hand.ask(surfer, relay_state=state, binding=binding)
            assert refused(surfer) == "saml_request"
    hand.app.configure(IdpInitiated=True)
    surfer.go(f"{hand.app.pool.issuer}/saml2/idp/init?client_id={hand.app.client.id}&RelayState=a%00b")
    assert refused(surfer) == "saml_request"
    hand.ask(surfer, relay_state="ü 𝕏\n" + "x" * 4000)
    sign_in(surfer, hand.app.pool.user())
    assert (surfer.left or {})["RelayState"].startswith("ü 𝕏")


def test_a_stranger_writes_no_line_of_the_log(
    hand: HandmadeSp, surfer: Surfer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "poolhouse")
    forged = "https://evil.example/\nINFO poolhouse.saml everything is fine"
    hand.ask(surfer, hand.authn_request(AssertionConsumerServiceURL=forged).replace(b"\n", b"&#10;"))
    hand.ask(surfer, hand.authn_request(Destination=forged).replace(b"\n", b"&#10;"))
    hand.log_out(surfer, hand.logout_request("x", Destination=forged).replace(b"\n", b"&#10;"))
    said = [record.getMessage() for record in caplog.records if record.name == "poolhouse.saml"]
    assert len(said) == 3
    assert not any("\n" in line for line in said), said
