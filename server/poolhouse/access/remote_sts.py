"""Credentials from somebody else's STS: AssumeRoleWithWebIdentity of AWS, MinIO, Ceph or any compatible endpoint."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from poolhouse.access.credentials import Credentials
from poolhouse.access.roles import Role
from poolhouse.core import outbound
from poolhouse.core.errors import IDPCommunicationError
from poolhouse.core.outbound import Unreachable
from poolhouse.settings import Secret

log = logging.getLogger("poolhouse.access")

_VERSION = "2011-06-15"


def assume(
    role: Role,
    session_name: str,
    *,
    seconds: int,
    token: str,
    session_policies: Sequence[str | Mapping[str, Any]] = (),
) -> Credentials:
    """Exchange an identity's OpenID token for credentials of the role that `role` stands for at its endpoint.

    `session_policies` are documents, or ARNs of managed policies over there. The other side fetches our keys and
    enforces its own trust policy. Raises IDPCommunicationError; why the other side refused is for the log, since its
    words may tell about accounts that the asker has no business to know.
    """
    form = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": _VERSION,
        "RoleArn": str(role.endpoint["role_arn"]),
        "RoleSessionName": session_name,
        "WebIdentityToken": token,
        "DurationSeconds": str(seconds),
    }
    arns = [each for each in session_policies if isinstance(each, str) and each.startswith("arn:")]
    form.update({f"PolicyArns.member.{number}.arn": arn for number, arn in enumerate(arns, 1)})
    if written := [each for each in session_policies if each not in arns]:
        form["Policy"] = _merged(written)
    try:
        answer = outbound.post_form(str(role.endpoint["endpoint"]), form)
        if answer.status != 200:
            raise Unreachable(f"status {answer.status}: {answer.body[:400]!r}")
        return _read(answer.body)
    except Unreachable as failed:
        log.warning("The STS of role %s did not give credentials: %s", role.name, failed)
        raise IDPCommunicationError("The credentials of this role could not be fetched.", hint=str(failed)) from failed


def is_aws(role: Role) -> bool:
    """Whether the STS behind a role is one of AWS's own."""
    host = urlsplit(str(role.endpoint["endpoint"])).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


def _merged(policies: Sequence[str | Mapping[str, Any]]) -> str:
    """One document of all, since the other API takes one: there as here, what any of them allows is allowed."""
    documents = [json.loads(each) if isinstance(each, str) else each for each in policies]
    if len(documents) == 1:
        return json.dumps(documents[0])
    listed = [each["Statement"] if isinstance(each["Statement"], list) else [each["Statement"]] for each in documents]
    # Two documents may have the same Sid, one may not.
    merged = [
        {name: part for name, part in statement.items() if name != "Sid"} for some in listed for statement in some
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": merged})


def _read(body: bytes) -> Credentials:
    if b"<!" in body:  # entities could grow a small answer to gigabytes; no STS has a document type
        raise Unreachable("the answer has a document type")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - no document type, and at most 512 KiB
    except (ElementTree.ParseError, ValueError):
        raise Unreachable("the answer is not XML") from None
    found = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in root.iter()}
    try:
        expires = datetime.fromisoformat(found["Expiration"].replace("Z", "+00:00"))
        return Credentials(
            access_key_id=found["AccessKeyId"],
            secret_access_key=Secret(found["SecretAccessKey"]),
            session_token=found["SessionToken"],
            expiration=expires if expires.tzinfo else expires.replace(tzinfo=UTC),
        )
    except (KeyError, ValueError):
        raise Unreachable("the answer has no credentials") from None
