"""What the examples have to know of their pool: from the environment, else from the file that the demo leaves."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WEBAPP_URL = "http://localhost:8081"
API_URL = "http://localhost:8082"
PHOTOS_URL = "http://localhost:8083"


@dataclass(frozen=True)
class Demo:
    """Environment variables, each with the demo's value behind it."""

    file: dict[str, Any]

    def value(self, variable: str, name: str, default: str = "") -> str:
        """The variable's value, else the demo's, else the default. Raises KeyError with both names."""
        found = os.environ.get(variable) or self.file.get(name) or default
        if not found:
            raise KeyError(f"Set {variable}, or run `make run` once, which writes it as {name} to {path()}.")
        return str(found)


def path() -> Path:
    """`demo.json` in the server's data directory."""
    return Path(os.environ.get("POOLHOUSE_DATA_DIR") or "data") / "demo.json"


def load() -> Demo:
    """The demo's file where there is one."""
    return Demo(json.loads(path().read_text()) if path().exists() else {})
