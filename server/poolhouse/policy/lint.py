"""The linter: every fault of a policy document, each with the JSON path of the place to mend."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from .errors import Fault, MalformedPolicy, PolicyError, shown
from .findings import Enough, Findings
from .lint_condition import lint_condition
from .lint_principal import lint_principal
from .reading import Document, read
from .variables import VERSIONS, WITH_VARIABLES, WITHOUT_VARIABLES, Variable, scan

Kind = Literal["any", "identity", "resource", "trust"]
"""Where the policy will stand: attached to a person or role, to a resource, or as a role's trust policy."""

_DOCUMENT = ("Version", "Id", "Statement")
_STATEMENT = (
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
)  # fmt: skip
_ACTION = re.compile(r"\*|[A-Za-z0-9*?_.-]{1,128}:[A-Za-z0-9*?_.:/-]{1,512}")
_SID = re.compile(r"[A-Za-z0-9]*")
_LONGEST_PATTERN = 2048
_COGNITO = "cognito-identity.amazonaws.com"


def lint(document: Document, *, kind: Kind = "any") -> tuple[Fault, ...]:
    """Return the faults of a document, at most 100 errors and 100 warnings. Never raises.

    >>> [str(fault) for fault in lint('{"Version": "2012-10-17", "Statement": {"Effect": "allow", "Action": "s3:*"}}')]
    ... # doctest: +NORMALIZE_WHITESPACE
    ["$.Statement.Effect: must be Allow or Deny, in this spelling, not 'allow'",
     '$.Statement: needs a Resource or a NotResource']
    """
    findings = Findings()
    try:
        _lint_document(findings, read(document), kind)
    except MalformedPolicy as error:
        return error.faults
    except Enough:
        pass
    return tuple(findings.faults)


def _lint_document(findings: Findings, document: Mapping[str, Any], kind: Kind) -> None:
    if findings.members("$", document, _DOCUMENT) is None:
        return
    version = _lint_version(findings, document)
    if "Id" in document and not isinstance(document["Id"], str):
        findings.error("$.Id", f"must be a text, not {shown(document['Id'])}")
    if "Statement" not in document:
        findings.error("$", "needs a Statement")
        return
    statements = document["Statement"]
    if not isinstance(statements, list | tuple):
        _lint_statement(findings, "$.Statement", statements, version, kind)
        return
    if not statements:
        findings.error("$.Statement", "must hold a statement; an empty list does not")
    places: dict[str, str] = {}
    for at, statement in enumerate(statements):
        path = f"$.Statement[{at}]"
        _lint_statement(findings, path, statement, version, kind)
        sid = statement.get("Sid") if isinstance(statement, Mapping) else None
        if isinstance(sid, str) and sid and places.setdefault(sid, path) != path:
            findings.error(f"{path}.Sid", f"{shown(sid)} is the Sid of {places[sid]} already")


def _lint_version(findings: Findings, document: Mapping[str, Any]) -> str:
    version = document.get("Version")
    if "Version" not in document:
        findings.warning("$", f"without a Version the language of {WITHOUT_VARIABLES} is meant, which has no variables")
        return WITHOUT_VARIABLES
    if not isinstance(version, str) or version not in VERSIONS:
        findings.error("$.Version", f"must be {WITH_VARIABLES} or {WITHOUT_VARIABLES}, not {shown(version)}")
        return WITH_VARIABLES
    return version


def _lint_statement(findings: Findings, path: str, value: object, version: str, kind: Kind) -> None:
    statement = findings.members(path, value, _STATEMENT)
    if statement is None:
        return
    if "Sid" in statement:
        _lint_sid(findings, f"{path}.Sid", statement["Sid"], kind)
    if "Effect" not in statement:
        findings.error(path, "needs an Effect")
    elif statement["Effect"] not in ("Allow", "Deny"):
        given = shown(statement["Effect"])
        findings.error(f"{path}.Effect", f"must be Allow or Deny, in this spelling, not {given}")
    _lint_who(findings, path, statement, kind)
    _lint_what(findings, path, statement, version, kind)
    if "Condition" in statement:
        lint_condition(
            findings, f"{path}.Condition", statement["Condition"], version, statement.get("Effect") == "Allow"
        )
    if kind == "trust":
        _lint_trust(findings, path, statement)


def _lint_sid(findings: Findings, path: str, sid: object, kind: Kind) -> None:
    if not isinstance(sid, str):
        findings.error(path, f"must be a text, not {shown(sid)}")
    elif kind in ("identity", "trust") and not _SID.fullmatch(sid):
        findings.error(path, f"may have letters and digits only (A-Z, a-z, 0-9), not {shown(sid)}")


def _lint_who(findings: Findings, path: str, statement: Mapping[str, Any], kind: Kind) -> None:
    given = [name for name in ("Principal", "NotPrincipal") if name in statement]
    if len(given) == 2:
        findings.error(path, "has both Principal and NotPrincipal; keep one")
    if kind == "identity":
        for name in given:
            findings.error(f"{path}.{name}", "has no place here: who carries the policy is the principal")
        return
    if not given and kind != "any":
        findings.error(path, "needs a Principal")
    for name in given:
        lint_principal(findings, f"{path}.{name}", statement[name])
    if "NotPrincipal" in given and statement.get("Effect") == "Allow":
        findings.warning(f"{path}.NotPrincipal", "with Allow this lets in everybody else, the unknown included")


def _lint_what(findings: Findings, path: str, statement: Mapping[str, Any], version: str, kind: Kind) -> None:
    for name, other in (("Action", "NotAction"), ("Resource", "NotResource")):
        given = [element for element in (name, other) if element in statement]
        optional = name == "Resource" and ("Principal" in statement or "NotPrincipal" in statement or kind == "trust")
        if len(given) == 2:
            findings.error(path, f"has both {name} and {other}; keep one")
        if not given and not optional:
            findings.error(path, f"needs {'an' if name == 'Action' else 'a'} {name} or a {other}")
        for element in given:
            for place, text in findings.texts(f"{path}.{element}", statement[element]):
                if name == "Action":
                    _lint_action(findings, place, text, kind)
                elif kind != "trust":
                    _lint_resource(findings, place, text, version)
            if name == "Resource" and kind == "trust":
                findings.error(f"{path}.{element}", "has no place in a trust policy: its resource is the role")
    if statement.get("Effect") == "Allow" and "NotAction" in statement and "NotResource" in statement:
        findings.warning(path, "allows every action and resource but those listed, those of tomorrow included")


def _lint_action(findings: Findings, path: str, action: str, kind: Kind) -> None:
    if not _ACTION.fullmatch(action):
        findings.error(path, f"must be * or have the form service:action, not {shown(action)}")
    elif kind == "trust" and not action.lower().startswith("sts:"):
        findings.error(path, f"a trust policy can have actions of sts only, not {shown(action)}")
    elif set("*?") & set(action.partition(":")[0]) and action != "*":
        findings.warning(path, "a wildcard in the name of the service reaches services that nobody had in mind")


def _lint_resource(findings: Findings, path: str, resource: str, version: str) -> None:
    if not resource:
        findings.error(path, "must not be empty; * means every resource")
    if len(resource) > _LONGEST_PATTERN:
        findings.error(path, f"is longer than {_LONGEST_PATTERN} characters")
        return
    if version == WITHOUT_VARIABLES and "${" in resource:
        findings.warning(path, f"variables are plain text in {WITHOUT_VARIABLES}; write {WITH_VARIABLES}")
    try:
        parts = scan(resource, version)
    except PolicyError as error:
        findings.error(path, str(error))
        return
    if not resource.startswith("arn:"):
        return
    segments = "".join(
        "v" if isinstance(part, Variable) else part for part in parts if isinstance(part, str | Variable)
    )
    named = segments.split(":", 5)
    if len(named) < 6 and not any(segment.endswith("*") for segment in named):  # such a star may cross colons
        findings.error(path, "an ARN has six parts separated by colons: arn:partition:service:region:account:resource")
    elif len(named) > 3 and set("*?") & set(named[2]):
        findings.warning(path, "the name of the service in an ARN takes no wildcard")


def _lint_trust(findings: Findings, path: str, statement: Mapping[str, Any]) -> None:
    """A role that trusts identity pools without saying which one trusts everybody's: anybody can make a pool."""
    principal = statement.get("Principal")
    federated = principal.get("Federated") if isinstance(principal, Mapping) else None
    trusted = federated if isinstance(federated, list | tuple) else [federated]
    if statement.get("Effect") != "Allow" or _COGNITO not in trusted:
        return
    condition = statement.get("Condition")
    equals = condition.get("StringEquals") if isinstance(condition, Mapping) else None
    keys = {key.lower() for key in equals if isinstance(key, str)} if isinstance(equals, Mapping) else set()
    if f"{_COGNITO}:aud" not in keys:
        findings.error(path, f"must name the identity pool: StringEquals on {_COGNITO}:aud")
