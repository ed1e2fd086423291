"""The laws of the house that a list can hold: what files look like, what they may say, what documents promise."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from poolhouse import settings
from tests.architecture.tree import ROOT, matches, name, read, texts

PYTHON = texts(".py")
LONGEST = 400
LONGEST_TEST = 800  # a story each: long, and read one at a time

# Whoever clones this may have registries and folders of their own: lock files name packages and hashes, no hosts.
REGISTRY = re.compile(
    r"(?:pypi|pythonhosted|npmjs|yarnpkg|crates|maven)\.(?:org|com|io)\b|proxy\.golang", re.IGNORECASE
)
MACHINE_PATH = re.compile(r"(?<![\w.<>~}-])/(?:home|Users|root|work|tmp|mnt)/\w")
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
VARIABLE = re.compile(rf"\b{settings.PREFIX}([A-Z0-9_]+)\b")


def test_no_file_names_a_package_registry() -> None:
    assert matches(REGISTRY) == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert matches(MACHINE_PATH) == []


def test_nothing_is_left_for_later_in_the_code() -> None:
    assert matches(UNFINISHED, ".py", ".html", ".css", ".js", ".toml", ".yaml") == []


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_a_file_opens_with_a_sentence_that_says_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(read(path))) or ""
    first = docstring.split("\n\n")[0]
    assert first.endswith((".", "?", ".)", ".``")), f"{name(path)} opens with {first!r}"
    assert len(first) >= 15, f"{name(path)} opens with {first!r}"


def test_no_file_is_longer_than_one_sitting() -> None:
    long = {}
    for path in PYTHON:
        if path.parent.name == "versions":
            continue  # a migration is as long as what it makes
        limit = LONGEST_TEST if path.name.startswith("test_") else LONGEST
        if (lines := read(path).count("\n")) > limit:
            long[name(path)] = lines
    assert long == {}


def test_no_name_says_only_that_it_is_code() -> None:
    vague = re.compile(r".*(?:Manager|Helper|Helpers|Util|Utils|Service)$")
    classes = [
        f"{name(path)}: {node.name}"
        for path in PYTHON
        for node in ast.walk(ast.parse(read(path)))
        if isinstance(node, ast.ClassDef) and vague.match(node.name)
    ]
    folders = {"utils", "helpers", "services", "managers", "common", "misc", "util", "helper"}
    files = [name(path) for path in PYTHON if folders & {*path.relative_to(ROOT).parts[:-1], path.stem}]
    assert classes + files == []


def test_the_license_is_there_whole() -> None:
    text = read(ROOT / "LICENSE")
    assert text.split("\n", 3)[1:3] == [
        " " * 33 + "Apache License",
        " " * 27 + "Version 2.0, January 2004",
    ]
    assert "END OF TERMS AND CONDITIONS" in text
    assert [number for number in range(1, 10) if f"\n   {number}. " not in text] == []
    assert "botocore" in read(ROOT / "NOTICE")


# --- Settings ---------------------------------------------------------------------------------------------------------


def test_the_default_configuration_says_what_the_settings_say() -> None:
    assert settings.load({}, ROOT / "config" / "default.toml") == settings.load({})


def test_the_pages_written_from_the_settings_are_current() -> None:
    assert _tool("settings_page").stale() == []


@pytest.mark.parametrize("file", ["demo.toml", "production.example.toml"])
def test_the_example_configurations_are_accepted(file: str) -> None:
    assert settings.load({}, ROOT / "config" / file).public_url


def test_every_variable_that_any_file_names_is_a_setting_in_the_reference() -> None:
    page = read(ROOT / "docs" / "reference" / "settings.md")
    documented = set(VARIABLE.findall(page))
    for field, _, _ in settings.describe():
        assert field.upper() in documented
    named = {
        (name(path), variable)
        for path in texts(".md", ".toml", ".yaml", ".sh", "")
        for variable in VARIABLE.findall(read(path))
        if not variable.startswith("TEST_") and variable != "CONFIG"
    }
    unknown = {(file, v) for file, v in named if v not in documented and v.removesuffix("_FILE") not in documented}
    assert unknown == set()


# --- Documents --------------------------------------------------------------------------------------------------------


def test_every_command_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    named = {
        (name(path), target)
        for path in texts(".md")
        for span in re.findall(r"`([^`\n]+)`|^ {0,4}(make [a-z].*)$", read(path), re.MULTILINE)
        for target in re.findall(r"^make ([a-z]+)\b", span[0] or span[1])
    }
    assert ("README.md", "run") in named
    assert ("README.md", "test") in named
    assert {row for row in named if row[1] not in targets} == set()


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = []
    for path in texts(".md"):
        for target in re.findall(r"\]\(([^)\s]+)\)", read(path)):
            if not re.match(r"[a-z]+:|#", target) and not (path.parent / target.split("#")[0]).exists():
                broken.append(f"{name(path)}: {target}")
    assert broken == []


def test_the_changelog_knows_the_version_in_hand() -> None:
    version = re.search(r'^version = "(.+)"$', read(ROOT / "pyproject.toml"), re.MULTILINE)
    assert version
    headings = re.findall(r"^## (.+)$", read(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert headings[0].split()[0] in {version[1], "Unreleased"}
    assert version[1] in {heading.split()[0] for heading in headings}


def _tool(stem: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(stem, ROOT / "tools" / f"{stem}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
