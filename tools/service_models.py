"""Writes the official service models, stripped of their documentation, from botocore's data into the package.

    python tools/service_models.py            write them
    python tools/service_models.py --check    exit 1 where a written one is not what this botocore would give

What stays is what the server reads: operations, shapes, constraints, declared errors, which ones need no signature.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import botocore.loaders

SERVICES = ("cognito-idp", "cognito-identity", "iam", "sts")
FOLDER = Path(__file__).resolve().parent.parent / "server" / "poolhouse" / "api" / "model"
# Prose and client-side matters: nothing that says what a request or an answer looks like.
PROSE = frozenset({"documentation", "documentationUrl", "deprecatedMessage", "examples"})


def stripped(node: Any, *, named: bool = False) -> Any:
    """A copy without prose; `named` marks a mapping whose keys are names (a member may be called "documentation")."""
    if isinstance(node, list):
        return [stripped(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: stripped(value, named=not named and key in ("members", "shapes", "operations"))
        for key, value in node.items()
        if named or key not in PROSE
    }


def rendered(service: str) -> str:
    """The file's text for one service: one operation or shape a line, so that a new botocore reads as a small diff."""
    model = stripped(botocore.loaders.Loader().load_service_model(service, "service-2"))
    parts = []
    for key, value in model.items():
        if key in ("operations", "shapes"):
            lines = [f"  {json.dumps(name)}:{_line(item)}" for name, item in value.items()]
            parts.append(f'"{key}":{{\n' + ",\n".join(lines) + "\n}")
        else:
            parts.append(f'"{key}":{_line(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the doc-stripped service models from botocore's data.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is out of date")
    check = parser.parse_args().check
    stale = []
    for service in SERVICES:
        path, text = FOLDER / f"{service}.json", rendered(service)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(service)
            if not check:
                path.write_text(text, encoding="utf-8")
    print("out of date: " + ", ".join(stale) if check and stale else f"{len(SERVICES)} models, {len(stale)} changed")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
