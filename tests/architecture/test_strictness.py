"""What tests/conftest.py promises of CI: a skip is a failure there, and only there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import ROOT

SKIPPING = """
import pytest

def test_by_a_call():
    pytest.skip("no browser here")

@pytest.mark.skipif(True, reason="no browser here")
def test_by_a_mark():
    pass

@pytest.fixture
def browser():
    pytest.skip("no browser here")

def test_by_a_fixture(browser):
    pass

@pytest.mark.xfail(strict=True)
def test_that_is_known_to_fail():
    assert False
"""
SKIPPING_AS_A_WHOLE = 'import pytest\n\npytest.skip("no browser here", allow_module_level=True)\n'


def _run(directory: Path, ci: str) -> subprocess.CompletedProcess[str]:
    (directory / "test_four.py").write_text(SKIPPING)
    (directory / "test_whole.py").write_text(SKIPPING_AS_A_WHOLE)
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-ra", f"--rootdir={directory}"]
    environment = {**os.environ, "CI": ci, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--continue-on-collection-errors", str(directory)],
        cwd=directory,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def test_ci_does_not_forgive_a_skip(tmp_path: Path) -> None:
    ended = _run(tmp_path, ci="true")
    closing = ended.stdout.splitlines()[-1]
    assert ended.returncode == 1, ended.stdout
    assert "1 failed, 1 xfailed, 3 errors" in closing, "errors: what skips before the test is called"
    assert "no browser here" in ended.stdout


def test_elsewhere_a_skip_says_why_and_passes(tmp_path: Path) -> None:
    ended = _run(tmp_path, ci="")
    assert ended.returncode == 0, ended.stdout
    assert "4 skipped, 1 xfailed" in ended.stdout.splitlines()[-1]
    assert "no browser here" in ended.stdout
