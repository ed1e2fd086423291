"""Prints docs/reference/compatibility.md from the registry: every operation of the official models, and how far we are.

python tools/compatibility.py            write the page
python tools/compatibility.py --check    exit 1 where the written page is not what the code says
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from poolhouse.api import model, registry

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "compatibility.md"
_TITLES = {
    "cognito-idp": "User pools",
    "cognito-identity": "Identity pools",
    "iam": "Roles, policies and administrators",
    "sts": "Temporary credentials",
    "poolhouse": "Beyond Cognito",
}
_OPENING = """\
# Compatibility

Every operation of the official service models, and whether this server performs it. An operation that is not there yet
answers HTTP 501 with `OperationNotImplementedException`. All others take every member that the model has; a member that
has no effect stands beside its operation, with the reason. Operations that Cognito does not have form a service of
their own, at the end. Of IAM and STS, most of whose operations are about other services, only those that are there are
listed.

This page is written by `tools/compatibility.py` from the code; a test keeps it current.
"""


def page() -> str:
    """The page's text."""
    return "\n".join(
        [_OPENING, *(section for service in model.SERVICES + model.QUERY + model.OURS for section in _section(service))]
    )


def _section(service: str) -> list[str]:
    described = model.service(service).operations
    done = [name for name in described if registry.find(service, name)]
    lines = [
        f"## {_TITLES[service]} (`{service}`): {len(done)} of {len(described)} operations",
        "",
        "| Operation | | Signed | Members without effect |",
        "|---|---|---|---|",
    ]
    for name in sorted(done if service in model.QUERY else described):
        found = registry.find(service, name)
        notes = "; ".join(f"`{member}`: {note}" for member, note in sorted(found.ignores.items())) if found else ""
        there, signed = "yes" if found else "not yet", "yes" if described[name].signed else ""
        lines.append(f"| {name} | {there} | {signed} | {notes.replace('|', chr(92) + '|')} |")
    return [*lines, ""]


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the compatibility page from the registry.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the page is out of date")
    if parser.parse_args().check:
        current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page()
        print("current" if current else f"{PAGE.name} is out of date: run tools/compatibility.py")
        return 0 if current else 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
