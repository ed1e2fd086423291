"""The package as a whole: it stands by itself, its managed policies say what they should, its examples are true."""

import doctest
import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import poolhouse.policy
from poolhouse.policy import Request, decide, lint
from poolhouse.policy.builtin import MANAGED, compiled

HERE = Path(poolhouse.policy.__file__).parent
MODULES = sorted(path.stem for path in HERE.glob("*.py") if path.stem != "__init__")


def test_it_works_under_another_name_without_the_server_or_any_library(tmp_path: Path) -> None:
    """As the client library carries it: in another package, on a Python with nothing installed."""
    shutil.copytree(HERE, tmp_path / "elsewhere" / "policy", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "elsewhere" / "__init__.py").touch()
    program = """
import sys
sys.path.insert(0, sys.argv[1])
import elsewhere.policy as policy, elsewhere.policy.builtin as builtin
found = policy.decide(policy.Request("a:b"), [builtin.compiled("arn:aws:iam::aws:policy/AdministratorAccess")])
assert found.allowed
foreign = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names) - {"elsewhere", "__main__"}
assert not {name for name in foreign if not name.startswith("_")}, foreign
"""
    run = subprocess.run([sys.executable, "-I", "-S", "-c", program, tmp_path], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_the_docstrings_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"poolhouse.policy.{name}")).failed == 0


@pytest.mark.parametrize("arn", sorted(MANAGED))
def test_managed_policies_are_faultless(arn: str) -> None:
    assert lint(MANAGED[arn].document, kind="identity") == ()
    assert compiled(arn).name == arn.rpartition("/")[2]


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("AdministratorAccess", ["cognito-idp:DeleteUserPool", "iam:CreateUser", "poolhouse:Anything"], []),
        (
            "AmazonCognitoPowerUser",
            ["cognito-idp:AdminCreateUser", "cognito-identity:CreateIdentityPool", "iam:ListRoles"],
            ["iam:CreateUser", "iam:PassRole", "iam:PutRolePolicy", "sts:AssumeRole", "poolhouse:RestoreBackup"],
        ),
        (
            "AmazonCognitoReadOnly",
            ["cognito-idp:ListUsers", "cognito-idp:AdminGetUser", "cognito-idp:DescribeUserPool",
             "cognito-identity:GetIdentityPoolRoles", "cognito-identity:ListIdentities"],
            ["cognito-idp:AdminCreateUser", "cognito-idp:AdminSetUserPassword", "cognito-identity:SetIdentityPoolRoles",
             "cognito-identity:GetCredentialsForIdentity", "cognito-identity:GetOpenIdTokenForDeveloperIdentity",
             "cognito-identity:GetId", "iam:PassRole", "cognito-idp:AdminInitiateAuth"],
        ),
        (
            "AmazonCognitoDeveloperAuthenticatedIdentities",
            ["cognito-identity:GetOpenIdTokenForDeveloperIdentity", "cognito-identity:MergeDeveloperIdentities"],
            ["cognito-identity:DeleteIdentities", "cognito-idp:ListUsers"],
        ),
    ],
)  # fmt: skip
def test_managed_policies_allow_what_they_say(name: str, allowed: list[str], refused: list[str]) -> None:
    policy = compiled(f"arn:aws:iam::aws:policy/{name}")
    for action in allowed:
        assert decide(Request(action, "arn:aws:x:::y"), [policy]).allowed, action
    for action in refused:
        assert not decide(Request(action, "arn:aws:x:::y"), [policy]).allowed, action
