"""``poolhouse call``: one operation of the API, in process, through the same checks and the same audit as boto3's."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from poolhouse.cli import opened


def call(options: argparse.Namespace) -> int:
    """Perform the operation and print its output as JSON; a refusal goes to standard error, with exit code 1."""
    given = _input(options.input)
    if not isinstance(given, dict):
        print("The input is a JSON object, such as '{\"MaxResults\": 10}'.", file=sys.stderr)
        return 2
    settings = opened.load(options)
    from poolhouse.access import caller
    from poolhouse.api import perform
    from poolhouse.core import unit
    from poolhouse.core.errors import PoolhouseError

    with opened.server(settings) as rt:
        try:
            with unit.open(rt):
                who = caller.operator(settings.account_id)
                answer = perform.perform(who, options.service, options.operation, given)
        except PoolhouseError as error:
            print(f"{error.aws}: {error}", file=sys.stderr)
            return 1
    print(json.dumps(answer, indent=2, ensure_ascii=False, default=str))
    return 0


def _input(text: str) -> Any:
    try:
        if text == "-":
            text = sys.stdin.read()
        elif text.startswith("@"):
            text = Path(text[1:]).read_text("utf-8")
        return json.loads(text)
    except (OSError, ValueError) as error:
        print(f"The input cannot be read: {error}", file=sys.stderr)
        return None
