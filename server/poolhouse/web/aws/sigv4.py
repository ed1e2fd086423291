"""PURE: AWS Signature Version 4, in the Authorization header and in presigned URLs.

The algorithm is AWS's public one: canonical request, string to sign, a key derived from the secret, date, region and
service. A request names its key, so `claim()` comes first, the secret is looked up, then `verify()` decides.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote_to_bytes

from poolhouse.core.errors import IncompleteSignature, InvalidSignature

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
SKEW = timedelta(minutes=15)

_TERMINATOR = "aws4_request"
_LONGEST_PRESIGNED = 7 * 24 * 3600
_STAMP = "%Y%m%dT%H%M%SZ"
_SCOPE = re.compile(r"[!-.0-~]+/[0-9]{8}/[!-.0-~]+/[!-.0-~]+/[!-.0-~]+")
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What an attacker who caught a signed request could otherwise change: where it goes, when it is good, what it asks.
_MUST_BE_SIGNED = ("host", "x-amz-date", "x-amz-target", "x-amz-security-token", "x-amz-content-sha256")


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature covers. `path` and `query` as sent (still percent-encoded), names of headers in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its signature; nothing of it is proven yet."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    moment: datetime
    session_token: str | None
    expires: timedelta | None

    @property
    def presigned(self) -> bool:
        """Whether the signature stands in the query string."""
        return self.expires is not None


def claim(request: Signed) -> Claim | None:
    """The signature that a request claims; None where there is none. Raises IncompleteSignature for a broken one."""
    header = request.headers.get("authorization")
    parameters = _parameters(request.query)
    presigned = any(name == "X-Amz-Signature" or name == "X-Amz-Credential" for name, _ in parameters)
    if header is not None and presigned:
        raise IncompleteSignature(
            "A request is signed in its Authorization header or in its query string, not in both."
        )
    if header is not None:
        return _from_header(request, header)
    return _from_query(parameters) if presigned else None


def verify(claimed: Claim, request: Signed, *, secret: str, service: str, now: datetime) -> None:
    """Prove that `request` was signed with `secret` for `service` and is fresh. Raises InvalidSignature."""
    if claimed.service != service:
        raise InvalidSignature(f"Credential should be scoped to correct service: '{service}'. ")
    stamp = claimed.moment.strftime(_STAMP)
    if stamp[:8] != claimed.date:
        raise InvalidSignature(
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{claimed.date}' != '{stamp[:8]}', from '{stamp}'."
        )
    _require_fresh(claimed, now)
    _require_signed(claimed, request)
    payload = _payload(request)
    expected = signature(claimed, request, secret=secret, payload=payload)
    # In constant time: an early exit would tell a forger, byte by byte, how far a guess was right.
    if not hmac.compare_digest(expected.encode(), claimed.signature.encode()):
        raise InvalidSignature


def signature(claimed: Claim, request: Signed, *, secret: str, payload: str) -> str:
    """The signature that `request` ought to have."""
    stamp = claimed.moment.strftime(_STAMP)
    scope = f"{claimed.date}/{claimed.region}/{claimed.service}/{_TERMINATOR}"
    digest = hashlib.sha256(canonical_request(claimed, request, payload).encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in (claimed.date, claimed.region, claimed.service, _TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}".encode(), "sha256").hex()


def canonical_request(claimed: Claim, request: Signed, payload: str) -> str:
    """The text whose digest is signed: method, path, query, headers, names of headers, digest of the body."""
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in claimed.signed_headers)
    names = ";".join(claimed.signed_headers)
    query = _canonical_query(request.query)
    return f"{request.method}\n{_canonical_path(request.path)}\n{query}\n{headers}\n{names}\n{payload}"


# --- reading ------------------------------------------------------------------------------------------------------


def _from_header(request: Signed, header: str) -> Claim:
    scheme, _, rest = header.strip().partition(" ")
    if scheme != ALGORITHM:
        raise IncompleteSignature(f"Unsupported authorization scheme: sign the request with {ALGORITHM}.")
    parts: dict[str, str] = {}
    for item in rest.split(","):
        name, equals, value = item.strip().partition("=")
        if not equals or name in parts:
            raise IncompleteSignature("Invalid or repeated key=value pair in the Authorization header.")
        parts[name] = value
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if not parts.get(name)]
    date = request.headers.get("x-amz-date") or request.headers.get("date")
    lacks = [f"Authorization header requires '{name}' parameter." for name in missing]
    if not date:
        lacks.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if lacks or not date:
        raise IncompleteSignature(" ".join(lacks))
    return _claimed(
        parts["Credential"],
        parts["SignedHeaders"],
        parts["Signature"],
        _moment(date),
        request.headers.get("x-amz-security-token"),
        None,
    )


def _from_query(parameters: list[tuple[str, str]]) -> Claim:
    given: dict[str, str] = {}
    for name, value in parameters:
        if name.startswith("X-Amz-"):
            if name in given:
                raise IncompleteSignature(f"The query-string parameter {name} is there more than once.")
            given[name] = value
    wanted = (
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
        "X-Amz-Date",
        "X-Amz-Expires",
    )
    missing = [name for name in wanted if not given.get(name)]
    if missing:
        raise IncompleteSignature(" ".join(f"AWS query-string parameters must include '{name}'." for name in missing))
    if given["X-Amz-Algorithm"] != ALGORITHM:
        raise IncompleteSignature(f'X-Amz-Algorithm only supports "{ALGORITHM}".')
    expires = given["X-Amz-Expires"]
    if not re.fullmatch(r"[0-9]{1,7}", expires) or not 1 <= int(expires) <= _LONGEST_PRESIGNED:
        raise IncompleteSignature(f"X-Amz-Expires must be a number of seconds from 1 to {_LONGEST_PRESIGNED}.")
    return _claimed(
        given["X-Amz-Credential"],
        given["X-Amz-SignedHeaders"],
        given["X-Amz-Signature"],
        _moment(given["X-Amz-Date"]),
        given.get("X-Amz-Security-Token"),
        timedelta(seconds=int(expires)),
    )


def _claimed(
    credential: str,
    signed_headers: str,
    given_signature: str,
    moment: datetime,
    session_token: str | None,
    expires: timedelta | None,
) -> Claim:
    scope = credential.split("/")
    if not _SCOPE.fullmatch(credential):
        raise IncompleteSignature(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term."
        )
    if scope[4] != _TERMINATOR:
        raise InvalidSignature(f"Credential should be scoped with a valid terminator: '{_TERMINATOR}'.")
    names = tuple(signed_headers.split(";"))
    if not all(_TOKEN.fullmatch(name) for name in names) or list(names) != sorted({name.lower() for name in names}):
        raise IncompleteSignature("SignedHeaders must be header names in lower case, sorted, each once.")
    if not _HEX_DIGEST.fullmatch(given_signature):
        raise InvalidSignature
    return Claim(scope[0], scope[1], scope[2], scope[3], names, given_signature, moment, session_token, expires)


def _moment(text: str) -> datetime:
    try:
        if re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", text):
            return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
        parsed = parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise IncompleteSignature("Date must be in ISO-8601 'basic format', such as 20260102T030405Z.") from None


# --- checking -----------------------------------------------------------------------------------------------------


def _require_fresh(claimed: Claim, now: datetime) -> None:
    stamp, present = claimed.moment.strftime(_STAMP), now.strftime(_STAMP)
    latest = now + SKEW
    if claimed.moment > latest:
        raise InvalidSignature(
            f"Signature not yet current: {stamp} is still later than {latest.strftime(_STAMP)} ({present} + 15 min.)"
        )
    life = SKEW if claimed.expires is None else claimed.expires
    if claimed.moment < now - life:
        earliest = (now - life).strftime(_STAMP)
        span = "15 min." if claimed.expires is None else f"{int(life.total_seconds())} sec."
        raise InvalidSignature(f"Signature expired: {stamp} is now earlier than {earliest} ({present} - {span})")


def _require_signed(claimed: Claim, request: Signed) -> None:
    for name in _MUST_BE_SIGNED:
        if (name == "host" or name in request.headers) and name not in claimed.signed_headers:
            raise InvalidSignature(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")


def _payload(request: Signed) -> str:
    """The body's digest as the canonical request has it, or the word by which a client leaves the body unsigned."""
    said = request.headers.get("x-amz-content-sha256")
    if said == UNSIGNED_PAYLOAD:
        return UNSIGNED_PAYLOAD
    actual = hashlib.sha256(request.body).hexdigest()
    if said is not None and said != actual:
        raise InvalidSignature("The provided 'x-amz-content-sha256' header does not match what was computed.")
    return actual


def _canonical_path(path: str) -> str:
    """Dot segments and double slashes removed, then encoded once more: every service but S3 wants it twice."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    normal = "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")
    return quote(normal, safe="/-_.~")


def _canonical_query(query: str) -> str:
    pairs = sorted(
        (quote(name, safe="-_.~", errors="surrogateescape"), quote(value, safe="-_.~", errors="surrogateescape"))
        for name, value in _parameters(query)
        if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def _parameters(query: str) -> list[tuple[str, str]]:
    """Names and values, percent-decoded; "+" is a plus sign here, as AWS has it."""
    pairs = []
    for item in query.split("&"):
        if item:
            name, _, value = item.partition("=")
            pairs.append((_decoded(name), _decoded(value)))
    return pairs


def _decoded(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "surrogateescape")
