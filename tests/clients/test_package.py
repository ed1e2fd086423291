"""The wheel of the client library stands on its own: the policy language inside, the server nowhere."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USE = """
import sys
sys.path[:0] = sys.argv[1:]
import poolhouse_client
from poolhouse_client import Policies, Token, policy
assert policy.__name__ == "poolhouse_client.policy", policy.__name__
assert not [name for name in sys.modules if name == "poolhouse" or name.startswith("poolhouse.")]
document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "x/${sub}"}]}
decide = Policies(everyone=document).decide
token = Token("", {"sub": "7", "scope": ""})
print(decide(token, "a:b", "x/7").allowed, decide(token, "a:b", "x/8").allowed)
"""


def build(source: Path, target: str, into: Path) -> Path:
    """What hatchling makes of a source tree: its "wheel", or its "sdist"."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(into)]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (made,) = into.iterdir()
    return made


@pytest.fixture(scope="module", params=["from the checkout", "from the source distribution"])
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a release would be, or as somebody does who has the source distribution alone."""
    source = ROOT / "clients/python"
    if request.param == "from the source distribution":
        packed = build(source, "sdist", tmp_path_factory.mktemp("sdist"))
        with tarfile.open(packed) as archive:
            archive.extractall(unpacked := tmp_path_factory.mktemp("unpacked"), filter="data")
        (source,) = unpacked.iterdir()
    return build(source, "wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_carries_the_servers_own_files(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for inside, here in (("policy", "policy"), ("decisions", "decisions")):
            for file in (ROOT / "server/poolhouse" / here).glob("*.py"):
                name = f"poolhouse_client/{inside}/{file.name}"
                if inside == "policy" or file.name in {"__init__.py", "grants.py"}:
                    assert archive.read(name) == file.read_bytes(), name
                else:
                    assert name not in names, name
    assert "poolhouse_client/py.typed" in names
    assert len(names) == len(set(names))


def test_the_wheel_decides_without_the_server(wheel: Path) -> None:
    # Without `site`, so that this checkout's own packages are not in reach.
    command = [sys.executable, "-S", "-c", USE, str(wheel), sysconfig.get_path("purelib")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=wheel.parent)
    assert (ran.returncode, ran.stdout) == (0, "True False\n"), ran.stderr


def test_the_source_tree_uses_the_servers_policy_language() -> None:
    import poolhouse.policy
    import poolhouse_client

    assert poolhouse_client.policy is poolhouse.policy
