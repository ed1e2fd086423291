"""The linter's part for the elements Principal and NotPrincipal."""

from __future__ import annotations

import re

from .errors import shown
from .findings import Findings
from .principal import KINDS

_AWS = re.compile(r"\*|[0-9]{12}|arn:[a-z0-9-]+:(?:iam|sts)::[^\s*?]+|[A-Z0-9]{16,128}")


def lint_principal(findings: Findings, path: str, value: object) -> None:
    """Note what is wrong with who is named."""
    if isinstance(value, str):
        if value != "*":
            findings.error(path, f'must be "*" or an object such as {{"AWS": "123456789012"}}, not {shown(value)}')
        return
    members = findings.members(path, value, KINDS)
    if members is None:
        return
    if not members:
        findings.error(path, "must name somebody; an empty object does not")
    for kind, names in members.items():
        if kind in KINDS:
            for place, name in findings.texts(f"{path}.{kind}", names):
                _lint_name(findings, place, kind, name)


def _lint_name(findings: Findings, path: str, kind: str, name: str) -> None:
    if name != "*" and set("*?") & set(name):
        findings.error(
            path, f"a part of a name cannot be a wildcard: {shown(name)} (use a condition on aws:PrincipalArn)"
        )
    elif kind == "AWS" and not _AWS.fullmatch(name):
        findings.error(path, f"must be an account of twelve digits or an ARN of iam or sts, not {shown(name)}")
    elif not name or name != name.strip():
        findings.error(path, "must not be empty, nor begin or end with a space")
    elif name == "*" and kind != "AWS":
        findings.warning(path, f"trusts every {kind} principal there is")
