"""AWS Signature Version 4: the published vectors, botocore as the other side, and ways to bend a signed request."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from poolhouse.core.errors import IncompleteSignature, InvalidSignature
from poolhouse.web.aws import sigv4
from poolhouse.web.aws.sigv4 import Signed

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
THEN = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
HEADERS = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
BODY = b'{"UserPoolId":"us-east-1_Example1"}'


def authorization(signature: str, signed: str, service: str = "service") -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, "
        f"SignedHeaders={signed}, Signature={signature}"
    )


def check(request: Signed, service: str = "service", secret: str = SECRET, now: datetime = THEN) -> sigv4.Claim:
    claimed = sigv4.claim(request)
    assert claimed is not None
    sigv4.verify(claimed, request, secret=secret, service=service, now=now)
    return claimed


# --- AWS's published vectors (its test suite, and the worked example of the IAM documentation) -----------------


@pytest.mark.parametrize(
    ("method", "query", "signature"),
    [
        ("GET", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("GET", "Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ],
)
def test_the_test_suite_of_aws(method: str, query: str, signature: str) -> None:
    headers = HEADERS | {"authorization": authorization(signature, "host;x-amz-date")}
    assert check(Signed(method, "/", query, headers, b"")).access_key_id == "AKIDEXAMPLE"


def test_the_worked_example_of_the_documentation() -> None:
    headers = {
        "host": "iam.amazonaws.com",
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "x-amz-date": "20150830T123600Z",
        "authorization": authorization(
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7", "content-type;host;x-amz-date", "iam"
        ),
    }
    check(Signed("GET", "/", "Action=ListUsers&Version=2010-05-08", headers, b""), "iam")


# --- botocore signs, we verify ------------------------------------------------------------------------------------


def signed_by_botocore(*, presigned: int = 0, token: str | None = None, url: str = "http://localhost:8080/") -> Signed:
    headers = {
        "X-Amz-Target": "AWSCognitoIdentityProviderService.DescribeUserPool",
        "Content-Type": "application/x-amz-json-1.1",
    }
    # botocore presigns without a body: it would move the members into the query string.
    body = b"" if presigned else BODY
    request = AWSRequest("POST", url, data=body, headers=headers)
    credentials = Credentials("AKIDEXAMPLE", SECRET, token)
    if presigned:
        SigV4QueryAuth(credentials, "cognito-idp", "eu-west-1", expires=presigned).add_auth(request)
    else:
        SigV4Auth(credentials, "cognito-idp", "eu-west-1").add_auth(request)
    where = urlsplit(request.url)
    sent = {name.lower(): value for name, value in request.headers.items()} | {"host": where.netloc}
    return Signed("POST", where.path, where.query, sent, body)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("presigned", [0, 60, 604800])
@pytest.mark.parametrize("token", [None, "a/b+c=="])
def test_what_botocore_signs_is_accepted(presigned: int, token: str | None) -> None:
    request = signed_by_botocore(presigned=presigned, token=token)
    claimed = check(request, "cognito-idp", now=now())
    assert (claimed.region, claimed.session_token, claimed.presigned) == ("eu-west-1", token, bool(presigned))


@pytest.mark.parametrize("path", ["/a b/", "/a%20b", "/a//b/./c/../d", "/ä"])
@pytest.mark.parametrize("query", ["", "?b=2&a=1&a=0", "?x=%2F%20~", "?flag"])
def test_paths_and_queries_are_read_as_botocore_reads_them(path: str, query: str) -> None:
    check(signed_by_botocore(url=f"http://localhost:8080{path}{query}"), "cognito-idp", now=now())


@pytest.mark.parametrize("presigned", [0, 60])
@pytest.mark.parametrize(
    "bent",
    [
        {"method": "GET"},
        {"path": "/other"},
        {"body": BODY.replace(b"Example1", b"Example2")},
        {"body": b"{}"},
        {"headers": {"host": "evil.example"}},
        {"headers": {"x-amz-target": "AWSCognitoIdentityProviderService.DeleteUserPool"}},
        {"headers": {"content-type": "text/plain"}},
    ],
    ids=str,
)
def test_a_signed_request_cannot_be_changed(presigned: int, bent: dict[str, object]) -> None:
    request = signed_by_botocore(presigned=presigned)
    check(request, "cognito-idp", now=now())
    headers = bent.get("headers")
    changes = {"headers": {**request.headers, **headers}} if isinstance(headers, dict) else bent
    with pytest.raises(InvalidSignature, match="does not match the signature you provided"):
        check(dataclasses.replace(request, **changes), "cognito-idp", now=now())  # type: ignore[arg-type]


def test_a_query_cannot_be_added_to_a_signed_request() -> None:
    request = signed_by_botocore()
    with pytest.raises(InvalidSignature):
        check(dataclasses.replace(request, query="debug=1"), "cognito-idp", now=now())


def test_the_life_of_a_presigned_request_cannot_be_prolonged() -> None:
    request = signed_by_botocore(presigned=60)
    longer = dataclasses.replace(request, query=request.query.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"))
    with pytest.raises(InvalidSignature):
        check(longer, "cognito-idp", now=now())


def test_another_secret_or_service_is_refused() -> None:
    request = signed_by_botocore()
    with pytest.raises(InvalidSignature, match="does not match"):
        check(request, "cognito-idp", secret=SECRET + "x", now=now())
    with pytest.raises(InvalidSignature, match="correct service: 'cognito-identity'"):
        check(request, "cognito-identity", now=now())


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-target", "x-amz-security-token"])
def test_what_says_where_when_and_what_must_be_signed(name: str) -> None:
    request = signed_by_botocore(token="token")
    claimed = sigv4.claim(request)
    assert claimed is not None
    fewer = dataclasses.replace(claimed, signed_headers=tuple(n for n in claimed.signed_headers if n != name))
    payload = hashlib.sha256(BODY).hexdigest()
    forged = dataclasses.replace(fewer, signature=sigv4.signature(fewer, request, secret=SECRET, payload=payload))
    with pytest.raises(InvalidSignature, match=f"'{name}' must be a 'SignedHeader'"):
        sigv4.verify(forged, request, secret=SECRET, service="cognito-idp", now=now())


# --- the body that a client leaves unsigned -------------------------------------------------------------------------


def with_payload_header(value: str, payload: str) -> Signed:
    headers = HEADERS | {"x-amz-content-sha256": value}
    names = ("host", "x-amz-content-sha256", "x-amz-date")
    claimed = sigv4.Claim("AKIDEXAMPLE", "20150830", "us-east-1", "service", names, "", THEN, None, None)
    request = Signed("POST", "/", "", headers, BODY)
    signature = sigv4.signature(claimed, request, secret=SECRET, payload=payload)
    return dataclasses.replace(request, headers=headers | {"authorization": authorization(signature, ";".join(names))})


def test_an_unsigned_payload_is_the_client_s_choice_under_its_signature() -> None:
    check(with_payload_header("UNSIGNED-PAYLOAD", "UNSIGNED-PAYLOAD"))
    with pytest.raises(InvalidSignature):
        check(with_payload_header("UNSIGNED-PAYLOAD", "0" * 64))


def test_a_digest_of_another_body_is_refused() -> None:
    with pytest.raises(InvalidSignature, match="x-amz-content-sha256"):
        check(with_payload_header("0" * 64, "0" * 64))


# --- time -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-15, 0, 15])
def test_fifteen_minutes_of_skew_are_fine(minutes: int) -> None:
    headers = HEADERS | {
        "authorization": authorization(
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", "host;x-amz-date"
        )
    }
    request = Signed("GET", "/", "", headers, b"")
    check(request, now=THEN + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("late", "said"),
    [
        (
            timedelta(minutes=15, seconds=1),
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)",
        ),
        (
            timedelta(minutes=-15, seconds=-1),
            "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z "
            "(20150830T122059Z + 15 min.)",
        ),
    ],
)
def test_beyond_that_the_sentence_says_by_how_much(late: timedelta, said: str) -> None:
    headers = HEADERS | {"authorization": authorization("0" * 64, "host;x-amz-date")}
    with pytest.raises(InvalidSignature) as error:
        check(Signed("GET", "/", "", headers, b""), now=THEN + late)
    assert str(error.value) == said


def test_a_presigned_request_ends_when_it_says() -> None:
    request = signed_by_botocore(presigned=60)
    with pytest.raises(InvalidSignature, match="Signature expired"):
        check(request, "cognito-idp", now=now() + timedelta(seconds=62))


def test_the_date_header_serves_where_there_is_no_x_amz_date() -> None:
    headers = {
        "host": "h",
        "date": "Sun, 30 Aug 2015 12:36:00 GMT",
        "authorization": authorization("0" * 64, "date;host"),
    }
    with pytest.raises(InvalidSignature, match="does not match the signature"):
        check(Signed("GET", "/", "", headers, b""))


# --- what cannot be read --------------------------------------------------------------------------------------------

GOOD = authorization("0" * 64, "host;x-amz-date")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Bearer abc", "Unsupported authorization scheme"),
        ("AWS4-ECDSA-P256-SHA256 Credential=x", "Unsupported authorization scheme"),
        ("AWS4-HMAC-SHA256", "Invalid or repeated"),
        ("AWS4-HMAC-SHA256 Credential", "Invalid or repeated"),
        (GOOD + ", Signature=" + "1" * 64, "Invalid or repeated"),
        (
            "AWS4-HMAC-SHA256 Credential=a",
            "requires 'Signature' parameter. Authorization header requires 'SignedHeaders'",
        ),
        (GOOD.replace("/us-east-1", ""), "exactly 5 slash-delimited"),
        (GOOD.replace("20150830", "2015083"), "exactly 5 slash-delimited"),
        (GOOD.replace("us-east-1", "ü"), "exactly 5 slash-delimited"),
        (GOOD.replace("host;x-amz-date", "x-amz-date;host"), "SignedHeaders must be"),
        (GOOD.replace("host;x-amz-date", "Host;x-amz-date"), "SignedHeaders must be"),
        (GOOD.replace("host;x-amz-date", "host;host;x-amz-date"), "SignedHeaders must be"),
        (GOOD.replace("host;x-amz-date", "host;;x-amz-date"), "SignedHeaders must be"),
    ],
)
def test_a_broken_header_is_called_incomplete(header: str, said: str) -> None:
    with pytest.raises(IncompleteSignature, match=said):
        sigv4.claim(Signed("POST", "/", "", HEADERS | {"authorization": header}, b""))


@pytest.mark.parametrize("date", ["", "yesterday", "20150830", "20151330T000000Z", "Sun, 99 Aug 2015 99:36:00 GMT"])
def test_a_broken_date_is_called_incomplete(date: str) -> None:
    with pytest.raises(IncompleteSignature, match=r"[Dd]ate"):
        sigv4.claim(Signed("POST", "/", "", HEADERS | {"x-amz-date": date, "authorization": GOOD}, b""))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("X-Amz-Expires=60", "X-Amz-Expires=604801", "X-Amz-Expires must be"),
        ("X-Amz-Expires=60", "X-Amz-Expires=0", "X-Amz-Expires must be"),
        ("X-Amz-Expires=60", "X-Amz-Expires=-1", "X-Amz-Expires must be"),
        ("X-Amz-Expires=60&", "", "must include 'X-Amz-Expires'"),
        ("X-Amz-Expires=60", "X-Amz-Expires=60&X-Amz-Expires=60", "more than once"),
        ("AWS4-HMAC-SHA256", "AWS4", "only supports"),
    ],
)
def test_a_broken_presigned_query_is_called_incomplete(old: str, new: str, said: str) -> None:
    request = signed_by_botocore(presigned=60)
    assert old in request.query
    with pytest.raises(IncompleteSignature, match=said):
        sigv4.claim(dataclasses.replace(request, query=request.query.replace(old, new)))


def test_a_signature_in_both_places_is_refused() -> None:
    request = signed_by_botocore(presigned=60)
    with pytest.raises(IncompleteSignature, match="not in both"):
        sigv4.claim(dataclasses.replace(request, headers={**request.headers, "authorization": GOOD}))


def test_no_signature_is_no_claim() -> None:
    assert sigv4.claim(Signed("POST", "/", "a=b", {"host": "h"}, b"")) is None


def refused(request: Signed) -> bool:
    """Whether a request proves nothing; anything but the two errors goes on up."""
    try:
        claimed = sigv4.claim(request)
        if claimed is not None:
            sigv4.verify(claimed, request, secret=SECRET, service="service", now=THEN)
    except (IncompleteSignature, InvalidSignature):
        return True
    return claimed is None


text = st.text(st.characters(codec="latin-1"), max_size=60)


@given(text, text, st.text(max_size=200))
def test_no_header_and_no_query_breaks_it(header: str, date: str, query: str) -> None:
    variants = [header, f"AWS4-HMAC-SHA256 {header}", GOOD.replace("us-east-1", header), GOOD + header]
    for value in variants:
        for asked in ("", query, f"X-Amz-Signature={query}", f"X-Amz-Credential={query}&X-Amz-Expires={query}"):
            request = Signed("POST", header, asked, HEADERS | {"authorization": value, "x-amz-date": date or GOOD}, b"")
            for claimed in (request, dataclasses.replace(request, headers=HEADERS)):
                assert refused(claimed)
