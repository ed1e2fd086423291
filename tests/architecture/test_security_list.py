"""The list of attacks in docs/security-tests.md is whole, and every test that it names exists."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.tree import ROOT, read

PAGE = read(ROOT / "docs" / "security-tests.md")
BEFORE, _, OAUTH = PAGE.partition("## OAuth and OpenID")
CLASSES, _, SAML = BEFORE.partition("## SAML service provider")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
LAST_CLASS = 65
# The checks of a SAML service provider, by the first words of their rows.
CHECKS = (
    "signature",
    "one reference",
    "transforms",
    "algorithms",
    "wrapping",
    "XML",
    "Issuer, Audience, Destination, Recipient",
    "NotBefore, NotOnOrAfter",
    "InResponseTo",
    "once",
    "RelayState",
    "encryption",
    "NameID",
    "metadata",
    "mutations",
)
# The points of RFC 9700 and its kin that a provider owes, by the first words of their rows.
POINTS = (
    "redirect_uri",
    "repeated parameters",
    "PKCE",
    "code",
    "refresh",
    "mix-up",
    "CSRF on login, consent, linking",
    "session fixation",
    "clickjacking",
    "open redirect",
    "token of one pool or client refused by another",
    "ID token refused as access token",
    "JWT",
    "Host and X-Forwarded-*",
    "login answers equal for unknown users",
    "lock-out",
    "step-up and second factor",
    "deactivated",
    "fetches",
    "pagination tokens",
    "CSV and mail headers",
    "secrets and codes in no log",
)


def rows(text: str) -> dict[str, list[str]]:
    """The cells of a table by its first one."""
    table = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] not in {"class", "of the list"}:
            assert cells[0] not in table, f"{cells[0]} stands twice"
            table[cells[0]] = cells
    return table


def test_every_class_has_its_row() -> None:
    assert list(rows(CLASSES)) == [str(number) for number in range(1, LAST_CLASS + 1)]


def test_every_point_of_oauth_has_its_row() -> None:
    assert list(rows(OAUTH)) == list(POINTS)


def test_every_check_of_a_saml_service_provider_has_its_row() -> None:
    assert list(rows(SAML)) == list(CHECKS)


ALL = [*rows(CLASSES).values(), *rows(SAML).values(), *rows(OAUTH).values()]


@pytest.mark.parametrize("row", ALL, ids=lambda row: row[0])
def test_a_row_names_a_test_or_says_why_there_is_none(row: list[str]) -> None:
    assert NAMED.search(row[-1]) or "not apply" in row[-2], row


def test_every_test_that_is_named_exists() -> None:
    missing = []
    for file, name in sorted(set(NAMED.findall(PAGE))):
        path = ROOT / file
        body = ast.parse(read(path)).body if path.is_file() else []
        if name not in {node.name for node in body if isinstance(node, ast.FunctionDef)}:
            missing.append(f"{file}::{name}")
    assert missing == []


def test_nothing_in_the_column_of_tests_is_misspelt() -> None:
    for row in ALL:
        assert re.sub(r"[, ]", "", NAMED.sub("", row[-1])) == "", row[-1]
