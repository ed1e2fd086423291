"""The linter's part for the element Condition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .condition import Condition, OperatorName, read_operator
from .errors import PolicyError, shown
from .findings import Findings, child
from .values import text_of
from .variables import WITHOUT_VARIABLES

_LONGEST_PATTERN = 2048
_LONGEST_KEY = 512


def lint_condition(findings: Findings, path: str, value: object, version: str, allows: bool) -> None:
    """Note what is wrong with the conditions of a statement."""
    operators = findings.members(path, value)
    for name, block in (operators or {}).items():
        place = child(path, name)
        try:
            operator = read_operator(name)
        except PolicyError as error:
            findings.error(place, str(error))
            continue
        keys = findings.members(place, block)
        folded: set[str] = set()
        for key, values in (keys or {}).items():
            at = child(place, key)
            if key.lower() in folded:
                findings.error(at, "is given twice: keys are not case-sensitive")
            folded.add(key.lower())
            _lint_key(findings, at, key)
            _lint_values(findings, at, name, operator, key, values, version)
            if allows and operator.quantifier == "ForAllValues" and not _required(value, key):
                findings.warning(at, 'is also true when the key is absent; add "Null": {key: "false"} to require it')


def _lint_key(findings: Findings, path: str, key: str) -> None:
    if not key or key != key.strip() or len(key) > _LONGEST_KEY:
        findings.error(path, f"a key has 1 to {_LONGEST_KEY} characters and no space at either end")


def _lint_values(
    findings: Findings, path: str, name: str, operator: OperatorName, key: str, given: object, version: str
) -> None:
    listed = given if isinstance(given, list | tuple) else [given]
    if not listed:
        findings.warning(path, "has no value to compare with, so that nothing is equal to it")
    if len(listed) > 1 and (operator.operator is None or operator.operator.name == "Bool"):
        findings.error(path, f"{name} takes one value, true or false")
    for at, value in enumerate(listed):
        place = f"{path}[{at}]" if listed is given else path
        text = text_of(value)
        if text is None:
            findings.error(place, f"must be a text, a number or a boolean, not {shown(value)}")
        else:
            _lint_value(findings, place, name, operator, key, text, version)


def _lint_value(
    findings: Findings, path: str, name: str, operator: OperatorName, key: str, text: str, version: str
) -> None:
    takes_variables = operator.operator is not None and operator.operator.variables
    if "${" in text and not takes_variables:
        findings.error(path, f"{name} takes no variables; operators for strings and ARNs do")
        return
    base = operator.operator.name if operator.operator else "Null"
    if len(text) > _LONGEST_PATTERN and ("Like" in base or "Arn" in base):
        findings.error(path, f"is longer than {_LONGEST_PATTERN} characters")
        return
    if "${" in text and version == WITHOUT_VARIABLES:
        findings.warning(path, f"variables are plain text in {WITHOUT_VARIABLES}")
    if "*" in text.replace("${*}", "") and base.startswith("String") and "Like" not in base:
        findings.warning(path, f"{name} takes a star as a star; StringLike takes it as a wildcard")
    try:
        Condition(name, key, [text], version)
    except PolicyError as error:
        findings.error(path, str(error))


def _required(condition: object, key: str) -> bool:
    """Return whether another condition of the statement demands that the key is there."""
    null: Any = condition.get("Null") if isinstance(condition, Mapping) else None
    if not isinstance(null, Mapping):
        return False
    return any(isinstance(name, str) and name.lower() == key.lower() for name in null)
